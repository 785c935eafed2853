"""The parts of cases and outcomes: tensors and plain values, by path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay import values
from assay.case import Case, TensorSpec
from assay.inputs import arrange, poison
from assay.ledger import specs_of
from assay.outcome import Outcome, Sequence, TensorData

Array = NDArray[Any]


def leaves(value: Any, path: str = "result") -> Iterator[tuple[str, Any]]:
    """(path, leaf) for everything in a result that is not a sequence or dict."""
    if isinstance(value, Sequence):
        for i, item in enumerate(value.items):
            yield from leaves(item, f"{path}.{i}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    else:
        yield path, value


def tensors(outcome: Outcome) -> Iterator[tuple[str, TensorData]]:
    """(path, tensor) for every tensor of an outcome that carries data: "result", "result.0", "inputs.1",
    "gradients.0", "gradients2.0"."""
    for path, leaf in leaves(outcome.result):
        if isinstance(leaf, TensorData) and leaf.data is not None:
            yield path, leaf
    for name in ("inputs", "gradients", "gradients2"):
        for i, leaf in enumerate(getattr(outcome, name) or ()):
            if leaf is not None and leaf.data is not None:
                yield f"{name}.{i}", leaf


def is_gradient(path: str) -> bool:
    return path.startswith("gradients")


def tensor_specs(case: Case) -> list[TensorSpec]:
    """The tensor arguments of a case, in the order in which they are built."""
    return list(specs_of((case.args, case.kwargs)))


def is_out(case: Case, spec: TensorSpec) -> bool:
    """Whether a tensor argument is (one of those) given as out=."""
    return case.variant == "out" and any(spec is given for given in specs_of(case.kwargs.get("out")))


def elements_before(case: Case, spec: TensorSpec) -> Array:
    """What a tensor argument holds before the call (complex32 as pairs of halves)."""
    array = values.array(spec)
    if is_out(case, spec):
        array = poison(array, spec.dtype, case.seed)
    rank = array.ndim - (spec.dtype == "complex32")
    return np.asarray(arrange(array, rank, spec.layout, lambda a: a)[2], order="C")

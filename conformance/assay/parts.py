"""The parts of cases and outcomes: tensors and plain values, by path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay import values
from assay.case import Case, TensorSpec, Window, specs_of
from assay.inputs import arrange, looked, poison, works_in_place
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


def is_written(case: Case, index: int) -> bool:
    """Whether the input at `index`, windows behind all others, is written to: out=, or the first one in place."""
    specs = tensor_specs(case)
    if index < len(specs):
        return is_out(case, specs[index]) or (works_in_place(case) and index == 0)
    windows = _windows(case)
    return index < len(specs) + len(windows) and windows[index - len(specs)] is case.kwargs.get("out")


def written_with(case: Case, index: int) -> list[int]:
    """Of the inputs that lie in one memory with that at `index`, those that are written to, itself among them."""
    count, windows = len(tensor_specs(case)), _windows(case)
    memory = [*range(count), *(w.index for w in windows)]
    return [i for i, m in enumerate(memory) if index < len(memory) and m == memory[index] and is_written(case, i)]


def _windows(case: Case) -> list[Window]:
    return [w for w in (*case.args, *case.kwargs.values()) if isinstance(w, Window)]


def elements_before(case: Case, index: int) -> tuple[str, Array] | None:
    """(dtype, what it holds before the call) of the input at `index`, windows behind all others; complex32 as pairs of
    halves. None where there is no such input."""
    specs = tensor_specs(case)
    if index < len(specs):
        return specs[index].dtype, np.asarray(_arranged(case, specs[index])[1], order="C")
    windows = _windows(case)
    if index >= len(specs) + len(windows):
        return None
    window = windows[index - len(specs)]
    memory, _ = _arranged(case, specs[window.index])
    pair = specs[window.index].dtype == "complex32"
    return specs[window.index].dtype, np.asarray(looked(memory, memory.ndim - pair, window), order="C")


def _arranged(case: Case, spec: TensorSpec) -> tuple[Array, Array]:
    """(memory, what is seen of it)."""
    array = values.array(spec)
    if is_out(case, spec):
        array = poison(array, spec.dtype, case.seed)
    rank = array.ndim - (spec.dtype == "complex32")
    memory, _, seen = arrange(array, rank, spec.layout, lambda a: a)
    return memory, seen

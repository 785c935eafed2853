"""What is declared and what has a CUDA kernel: no elementwise operation without a body, no reduction unaccounted for.

Needs no CUDA package.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import flambeau
import flambeau.ops
from flambeau.cuda.check import main as check
from flambeau.cuda.cpp import ALL
from flambeau.cuda.reduction import REDUCTIONS, SERVES, WITHOUT_KERNEL, reduction_instances, result_dtype
from flambeau.cuda.templates import instances, kernels_of, without_body
from flambeau.operation import OPERATIONS, Operation

ELEMENTWISE = {
    name: operation
    for name, operation in OPERATIONS.items()
    if operation.form == "elementwise" or operation.iterated or operation.cuda
}
PRIMITIVES = {name: operation for name, operation in OPERATIONS.items() if operation.form == "primitive"}
SHAPE = (4, 4)
COUNT = 16
REDUCING_MODULES = ("reductions", "extremes", "statistics", "norms")
REDUCING = {
    name
    for name, operation in OPERATIONS.items()
    if operation.form == "primitive" and operation.body.__module__.rpartition(".")[2] in REDUCING_MODULES
} | {"logsumexp"}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_elementwise_operation_has_a_body(name: str) -> None:
    operation = ELEMENTWISE[name]
    assert without_body([operation]) == []
    (kernel,) = kernels_of([operation])
    assert kernel.dtypes, f"{name} has a body and no dtype"
    assert len(instances(kernel)) >= 2 * len(kernel.dtypes)
    for argument in (*kernel.inputs, *kernel.params) if operation.form == "primitive" else kernel.inputs:
        assert re.search(rf"\b{argument}\b", kernel.body), f"the body of {name} does not read {argument}"


def test_a_declaration_without_a_body_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = SimpleNamespace(name="bare", form="elementwise", cuda="")
    composed = SimpleNamespace(name="composed", form="composite")
    iterated = SimpleNamespace(name="iterated", form="primitive", iterated=True, cuda=None)
    assert without_body([*ELEMENTWISE.values(), bare, composed, iterated]) == ["bare", "iterated"]
    monkeypatch.setattr("flambeau.cuda.check.check_nvrtc", lambda *_, **__: 0)
    monkeypatch.setattr("flambeau.cuda.check.load_operations", lambda _: [*ELEMENTWISE.values(), bare])
    assert check(["--arch", "sm_90"]) == 1
    assert "elementwise operations without a CUDA body: bare" in capsys.readouterr().out


def calls(operation: Operation) -> Iterator[dict[str, Any]]:
    """Arguments to try the body with: tensors of one shape and several dtypes, something for what else it requires.

    None for operations that take a dimension, or sequences of tensors.
    """
    parameters = inspect.signature(operation.body).parameters
    names = [name for name in operation.tensors if name in parameters]
    if any(name.startswith("dim") for name in parameters) or any("Seq" in parameters[n].annotation for n in names):
        return
    for kinds, number in product(product(("float32", "int64", "bool"), repeat=len(names)), (1, 2)):
        guesses = {"Shape": (SHAPE[1], 1), "tuple[int, ...]": (SHAPE[1], 1), "dtype": flambeau.float64}
        others = {
            name: guesses.get(parameter.annotation, number)
            for name, parameter in parameters.items()
            if parameter.default is parameter.empty and name not in names
        }
        drawn = [np.random.default_rng(seed).permutation(COUNT).reshape(SHAPE) for seed in range(len(names))]
        yield {
            name: x % 2 == 0 if kind == "bool" else x.astype(kind)
            for name, kind, x in zip(names, kinds, drawn, strict=True)
        } | others


def answer(operation: Operation, arguments: dict[str, Any]) -> np.ndarray | None:
    """The result on arrays; None if the call is refused or moves nothing, answering with its argument's memory."""
    tensors = {n: flambeau.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x for n, x in arguments.items()}
    try:
        with np.errstate(all="ignore"):
            result = operation.run(tensors)
    except Exception:
        return None
    if not isinstance(result, flambeau.Tensor):
        return np.empty(0)
    given = [x.numpy() for x in tensors.values() if isinstance(x, flambeau.Tensor)]
    return None if any(np.shares_memory(result.numpy(), x) for x in given) else result.numpy()


def acts_on_each_element(operation: Operation, arguments: dict[str, Any]) -> bool | None:
    """Whether places do not matter, and no element reaches another place; None if there is no answer."""
    arrays = {name for name, x in arguments.items() if isinstance(x, np.ndarray)}
    first = answer(operation, arguments)
    if first is None or not arrays:
        return None
    if first.shape != SHAPE:
        return False
    order = np.random.default_rng(99).permutation(COUNT)
    moved = {n: x.ravel()[order].reshape(SHAPE) if n in arrays else x for n, x in arguments.items()}
    second = answer(operation, moved)
    if second is None or not np.array_equal(first.ravel()[order], second.ravel()):
        return False
    for place in ((0, 0), (2, 1)):
        changed = {n: x.copy() if n in arrays else x for n, x in arguments.items()}
        for name in arrays:
            changed[name][place] = not changed[name][place] if changed[name].dtype == bool else COUNT
        third = answer(operation, changed)
        if third is None or np.delete(first != third, place[0] * SHAPE[1] + place[1]).any():
            return False
    return True


def looks_elementwise(operation: Operation) -> bool:
    tried = [verdict for call in calls(operation) if (verdict := acts_on_each_element(operation, call)) is not None]
    return bool(tried) and all(tried)


@pytest.mark.parametrize("name", [name for name, operation in PRIMITIVES.items() if not operation.cuda])
def test_no_other_primitive_acts_on_each_element_by_itself(name: str) -> None:
    assert not looks_elementwise(PRIMITIVES[name])


def test_elementwise_primitives_are_recognised() -> None:
    found = {name for name, operation in PRIMITIVES.items() if operation.cuda and looks_elementwise(operation)}
    assert {"where", "isclose", "nan_to_num", "complex", "copied", "_zeroed"} <= found


def test_every_reduction_has_a_kernel_or_is_known_to_lack_one() -> None:
    assert set(SERVES) == set(REDUCTIONS)
    served = {operation for operations in SERVES.values() for operation in operations}
    assert served.isdisjoint(WITHOUT_KERNEL)
    assert served | WITHOUT_KERNEL == REDUCING


@pytest.mark.parametrize(
    ("kernel", "operation"), [(kernel, operation) for kernel, served in SERVES.items() for operation in served]
)
@pytest.mark.parametrize("dtype", ALL)
def test_reductions_accept_and_answer_the_operations_dtypes(kernel: str, operation: str, dtype: str) -> None:
    reduce = getattr(flambeau, operation.partition(".")[0])
    x = flambeau.ones(3, dtype=getattr(flambeau, dtype))
    if dtype not in REDUCTIONS[kernel][1]:
        with pytest.raises(RuntimeError):
            reduce(x)
        return
    assert str(reduce(x).dtype) == f"torch.{result_dtype(kernel, dtype)}"
    assert reduction_instances(kernel)

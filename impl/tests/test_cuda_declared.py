"""What is declared and what has a CUDA kernel: no elementwise operation without a body, no reduction unaccounted for.

Needs no CUDA package.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

import flambeau
import flambeau.ops
from flambeau.cuda.check import main as check
from flambeau.cuda.cpp import ALL
from flambeau.cuda.reduction import REDUCTIONS, SERVES, WITHOUT_KERNEL, reduction_instances, result_dtype
from flambeau.cuda.templates import instances, kernels_of, without_body
from flambeau.operation import OPERATIONS

ELEMENTWISE = {name: operation for name, operation in OPERATIONS.items() if operation.form == "elementwise"}
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
    for argument in kernel.inputs:
        assert re.search(rf"\b{argument}\b", kernel.body), f"the body of {name} does not read {argument}"


def test_a_declaration_without_a_body_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = SimpleNamespace(name="bare", form="elementwise", cuda="")
    composed = SimpleNamespace(name="composed", form="composite")
    assert without_body([*ELEMENTWISE.values(), bare, composed]) == ["bare"]
    monkeypatch.setattr("flambeau.cuda.check.check_nvrtc", lambda *_, **__: 0)
    monkeypatch.setattr("flambeau.cuda.check.load_operations", lambda _: [*ELEMENTWISE.values(), bare])
    assert check(["--arch", "sm_90"]) == 1
    assert "elementwise operations without a CUDA body: bare" in capsys.readouterr().out


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

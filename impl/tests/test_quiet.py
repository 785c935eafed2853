"""Operations while another thread, or the call that a finalizer interrupted, is at a ufunc."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

import flambeau
from flambeau.cpu.quiet import quietly

OPERATIONS: dict[str, Callable[[ModuleType], Any]] = {
    "unary": lambda t: t.tensor([-1.0, 0.0]).log(),
    "binary": lambda t: t.tensor([1.0, 0.0]) / t.zeros(2),
    "number": lambda t: t.tensor([1.0, 3e38]) * 1e30,
    "promoting": lambda t: t.tensor([1, 0]) / t.zeros(2),
    "in place": lambda t: t.tensor([1.0, 0.0]).div_(t.zeros(2)),
    "updated": lambda t: t.tensor([1.0, 3e38]).add_(t.tensor([1.0, 3e38])),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_inside_another(name: str) -> None:
    """The result is PyTorch's, without a warning."""
    found = quietly(lambda: OPERATIONS[name](flambeau))
    assert found.tolist() == pytest.approx(OPERATIONS[name](torch).tolist(), nan_ok=True)


def test_refused_inside_another() -> None:
    """Errors too are those of the operation."""

    def refused(t: ModuleType) -> str:
        with pytest.raises(RuntimeError) as info:
            t.ones(2) + t.ones(3)
        assert info.value.__context__ is None
        return str(info.value)

    assert quietly(lambda: refused(flambeau)) == refused(torch)

"""What a hand-planted fault is, and the register of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assay.testing.planting import replace

Behaviour = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: in which operation, in which aspects it must show, what it replaces and by what.

    behave(torch, original, *args, **kwargs) answers instead of `original`.
    """

    name: str
    op: str
    aspects: tuple[str, ...]
    calls: tuple[str, ...]
    behave: Behaviour

    def plant(self, torch: Any) -> list[tuple[Any, str, Any, bool]]:
        """Plant it; what `assay.testing.planting.restore` undoes."""
        undo = []
        for call in self.calls:
            undo += replace(torch, call, lambda original, *a, **k: self.behave(torch, original, *a, **k))
        return undo


FAULTS: dict[str, Fault] = {}


def fault(op: str, aspects: str, *calls: str) -> Callable[[Behaviour], Behaviour]:
    """Register a fault under the function's name. Without `calls`: as a function and as a method."""

    def register(behave: Behaviour) -> Behaviour:
        named = calls or (f"torch.{op}", f"Tensor.{op}")
        FAULTS[behave.__name__] = Fault(behave.__name__, op, tuple(aspects.split()), named, behave)
        return behave

    return register


def floating(torch: Any, value: Any) -> bool:
    return isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())


def first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else kwargs["input"]


def through(result: Any, kwargs: dict[str, Any]) -> Any:
    """A computed result, written to `out=` where there is one."""
    out = kwargs.get("out")
    if out is None:
        return result
    out.data.copy_(result.detach())
    return out

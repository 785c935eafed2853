"""Planting a fault into this process's torch: what a case calls is replaced, nothing else is.

A replacement acts only when the case itself calls it. The harness builds and reads tensors with the same operations,
and PyTorch's own Python code calls them too: those calls must stay sound, so that a fault stays in its operation.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from assay.subjects.adapter import Adapter

_CALLERS = (Adapter.call.__code__, Adapter.step.__code__)
_OWN = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")

Original = Callable[..., Any]
Replacement = Callable[..., Any]


def place(torch: Any, call: str) -> tuple[Any, list[str]]:
    """(owner, attribute names) of what `call` reaches: "torch.sum", "Tensor.add_", "operator.add" (its reflected form
    too). Raises AttributeError."""
    owner, _, name = call.rpartition(".")
    if owner == "operator":
        names = [f"__{name.strip('_')}__"]
        if name in _OWN:
            names.append(f"__r{name}__")
        return torch.Tensor, [n for n in names if hasattr(torch.Tensor, n)]
    if owner == "Tensor":
        getattr(torch.Tensor, name)
        return torch.Tensor, [name]
    holder = functools.reduce(getattr, owner.split(".")[1:], torch)
    getattr(holder, name)
    return holder, [name]


def from_a_case() -> bool:
    """Whether the caller's caller is a case being put to the module."""
    return sys._getframe(2).f_code in _CALLERS


def replace(torch: Any, call: str, behave: Callable[..., Any]) -> list[tuple[Any, str, Any, bool]]:
    """Let `behave(original, *args, **kwargs)` answer `call`; what was there before, for `restore`."""
    owner, names = place(torch, call)
    undo = []
    for name in names:
        own = name in vars(owner)
        original = getattr(owner, name)
        if not callable(original):  # a property: x.T, x.shape
            raise AttributeError(f"{call} is not called")
        undo.append((owner, name, original, own))
        setattr(owner, name, _wrapped(original, behave))
    return undo


def _wrapped(original: Original, behave: Callable[..., Any]) -> Replacement:
    @functools.wraps(original, assigned=("__name__", "__doc__"), updated=())
    def replacement(*args: Any, **kwargs: Any) -> Any:
        if from_a_case():
            return behave(original, *args, **kwargs)
        return original(*args, **kwargs)

    return replacement


def restore(undo: list[tuple[Any, str, Any, bool]]) -> None:
    """Take planted faults out again."""
    for owner, name, original, own in reversed(undo):
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)


@contextmanager
def planted(torch: Any, calls: list[str], behave: Callable[..., Any]) -> Iterator[None]:
    """`replace` for each of `calls` while the block runs."""
    undo: list[tuple[Any, str, Any, bool]] = []
    try:
        for call in calls:
            undo += replace(torch, call, behave)
        yield
    finally:
        restore(undo)


__all__ = ["from_a_case", "place", "planted", "replace", "restore"]

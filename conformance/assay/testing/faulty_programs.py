"""Torch with faults that no single call shows: only a chain of them does.

Each class is a subject, such as `assay.testing.faulty_programs:BaseKeepsItsElements`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from assay.subjects.adapter import Adapter

_UPDATES = tuple(f"Tensor.{name}_" for name in ("add", "sub", "mul", "div", "neg", "copy", "relu", "clamp", "sigmoid"))
_WRITES = (*_UPDATES, "operator.iadd", "operator.isub", "operator.imul", "operator.setitem")
_COMPUTING = ("mul", "add", "sub", "div", "exp", "sin", "tanh", "square", "neg", "sum", "mean", "matmul")


class Faulty(Adapter):
    """The base of all: `behave(original, *args)` answers the calls named."""

    calls: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        import torch

        super().__init__(torch)

    def resolve(self, path: str, args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        function, rest = super().resolve(path, args)
        if path not in self.calls:
            return function, rest
        owner, _, name = path.rpartition(".")
        original = getattr(self.module.Tensor, name) if owner == "Tensor" else function
        return partial(self.behave, original), args

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def recorded(self, *args: Any) -> bool:
        """Whether the graph takes note of a call with these."""
        return self.module.is_grad_enabled() and any(getattr(a, "requires_grad", False) for a in args)


class BaseKeepsItsElements(Faulty):
    """An update of a view gives the view memory of its own."""

    calls = _UPDATES

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        target = args[0]
        if target._base is None or self.recorded(*args):
            return original(*args, **kwargs)
        own = self.module.empty_strided(target.shape, target.stride(), dtype=target.dtype).copy_(target)
        target.data = original(own, *args[1:], **kwargs)
        return target


class VersionsUnchecked(Faulty):
    """What backward needs may be overwritten."""

    calls = _UPDATES

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self.module.autograd._unsafe_preserve_version_counter(args[0]):
            return original(*args, **kwargs)


class UpdateOfAViewUnrecorded(Faulty):
    """An update of a selected or turned view leaves the graph of its base as it was."""

    calls = _UPDATES

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        target = args[0]
        kind = type(target.grad_fn).__name__ if self.recorded(target) else ""
        if kind not in ("SelectBackward0", "TransposeBackward0", "TBackward0", "UnsqueezeBackward0", "ViewBackward0"):
            return original(*args, **kwargs)
        original(target.data, *(a.detach() if hasattr(a, "detach") else a for a in args[1:]), **kwargs)
        return target


class FlattenedAsItLies(Faulty):
    """Flattening what was transposed gives the elements in the order of memory."""

    calls = ("Tensor.reshape", "torch.reshape", "Tensor.flatten", "torch.flatten")

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        x = args[0]
        turned = type(x.grad_fn).__name__ in ("TransposeBackward0", "TBackward0") and not x.is_contiguous()
        if turned and sorted(x.stride(), reverse=True) == list(self.module.empty_like(x).mT.contiguous().stride()):
            x = x.mT.reshape(x.shape)
        return original(x, *args[1:], **kwargs)


class SecondUseUnrecorded(Faulty):
    """What a value is used for a second time does not count in its gradient."""

    calls = tuple(f"{owner}.{name}" for name in _COMPUTING for owner in ("torch", "Tensor", "operator"))

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        given = []
        for arg in args:
            again = getattr(arg, "used", False)
            if hasattr(arg, "grad_fn") and arg.grad_fn is not None:
                arg.used = True
            given.append(arg.detach() if again else arg)
        return original(*given, **kwargs)


class NoGradRecords(Faulty):
    """`no_grad` does nothing."""

    def function(self, path: str) -> Callable[..., Any]:
        return contextlib.nullcontext if path == "torch.no_grad" else super().function(path)


class DetachedIsNot(Faulty):
    """`detach` gives a view that is part of the graph."""

    calls = ("Tensor.detach",)

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return args[0].view_as(args[0])


class LeavesMayBeUpdated(Faulty):
    """A leaf that requires grad may be updated where the graph is recorded."""

    calls = _UPDATES

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not (args[0].is_leaf and args[0].requires_grad):
            return original(*args, **kwargs)
        with self.module.no_grad():
            return original(*args, **kwargs)


class PartsMayBeUpdated(Faulty):
    """One of the views that unbind or split gives may be updated."""

    calls = _WRITES

    def behave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return original(*args, **kwargs)
        except RuntimeError as error:
            if "multiple views" not in str(error):
                raise
        original(args[0].data, *(a.detach() if hasattr(a, "detach") else a for a in args[1:]), **kwargs)
        return args[0]


FAULTS: dict[str, type[Faulty]] = {c.__name__: c for c in Faulty.__subclasses__()}
__all__ = ["FAULTS", "Faulty", *FAULTS]

"""nn.Parameter and nn.Buffer."""

from __future__ import annotations

from typing import Any

from flambeau.tensor import Tensor


class _ParameterMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False):
            return True
        return super().__instancecheck__(instance)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that modules count among their parameters (https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html)."""

    __slots__ = ()
    __module__ = "torch.nn.parameter"

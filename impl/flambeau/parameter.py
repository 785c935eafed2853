"""nn.Parameter and nn.Buffer."""

from __future__ import annotations

from typing import Any

from flambeau.tensor import Tensor, detached


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False):
            return True
        return type.__instancecheck__(cls, instance)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that modules count among their parameters.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html
    """

    __slots__ = ()
    __module__ = "torch.nn.parameter"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        """Parameter over a tensor's elements. Raises RuntimeError for integers that ask for gradients."""
        import flambeau

        if data is None:
            data = flambeau.empty(0)
        if type(data) not in (Tensor, Parameter):
            t = data.detach().requires_grad_(requires_grad)
            if type(t) is not type(data):
                raise RuntimeError(
                    f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() "
                    f"returns an instance of the same type, but return type {type(t).__name__} was found instead. To "
                    "use the type as a Parameter, please correct the detach() semantics defined by its "
                    "__torch_dispatch__() implementation."
                )
            t._is_param = True
            return t
        if requires_grad and data.dtype.category < 2:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        out = detached(data)
        out.__class__ = cls
        if requires_grad:
            out.requires_grad_()
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A copy of the elements alone."""
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.data.clone(), self.requires_grad)
        return memo[id(self)]


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False):
            return True
        return type.__instancecheck__(cls, instance)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that modules keep in their state but do not train.

    https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Buffer.html
    """

    __slots__ = ()
    __module__ = "torch.nn.parameter"

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """A detached tensor over the elements, marked as a buffer."""
        import flambeau

        t = (
            (flambeau.empty(0) if data is None else data)
            .detach()
            .requires_grad_(False if data is None else data.requires_grad)
        )
        t.persistent = persistent
        t._is_buffer = True
        return t

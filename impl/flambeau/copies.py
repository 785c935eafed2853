"""copy, deepcopy, pickle, and Python functions over the elements."""

from __future__ import annotations

import copy
import copyreg
from collections.abc import Callable
from numbers import Number
from typing import Any

from flambeau.autograd.attributes import requires_grad_
from flambeau.autograd.node import requires_grad
from flambeau.cpu.sequences import numbers
from flambeau.dtypes import dtype
from flambeau.errors import check
from flambeau.geometry import Shape
from flambeau.methods import as_python, on_tensor, values_of
from flambeau.size import CPU
from flambeau.tensor import Memory, Storage, Tensor, fresh, memory, shape_of, window


@on_tensor
def apply_(self: Tensor, callable: Callable[[Any], Any], /) -> Tensor:
    """Overwrite each element with what the function makes of it: slow, on the CPU only."""
    check(
        not requires_grad(self),
        "Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.",
    )
    return _overwritten(self, [callable(v) for v in _elements(self)])


@on_tensor
def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Overwrite each element with what the function makes of it and of the other tensor's: slow, on the CPU only."""
    check(
        not requires_grad(self) and not requires_grad(tensor),
        "Can't call map_() on Variable that requires grad. Use var.detach().map_() instead.",
    )
    if tensor._dtype is not self._dtype:
        raise TypeError(f"map_: expected {self.type()} for 'other' (got {tensor.type()})")
    other = tensor.expand(shape_of(self))
    return _overwritten(self, [callable(a, b) for a, b in zip(_elements(self), _elements(other), strict=True)])


def _elements(t: Tensor) -> list[Any]:
    return as_python(values_of(t).reshape(-1), t._dtype)  # type: ignore[no-any-return]


def _overwritten(t: Tensor, values: list[Any]) -> Tensor:
    values_of(t)[...] = numbers(values, (len(values),), t._dtype).reshape(shape_of(t))
    return t


@on_tensor
def __contains__(self: Tensor, element: Any) -> bool:
    if isinstance(element, Tensor | Number):
        found: Any = element == self
        return bool(found.any())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")


# ------------------------------------------------------------------------------------------ copies and pickles


def _load_storage(flat: Any) -> Storage:
    return Storage(flat, CPU, flat.nbytes)


def _pickle_storage(storage: Storage) -> tuple[Any, ...]:
    if storage.flat is None:
        raise NotImplementedError("pickling of tensors without data is not implemented in flambeau")
    return _load_storage, (storage.flat,)


copyreg.pickle(Storage, _pickle_storage)


def _copied_storage(storage: Storage, memo: dict[int, Any]) -> Storage:
    """A copy of a storage, one for all the tensors of one deepcopy that share it."""
    found = memo.get(id(storage))
    if found is None:
        flat = None if storage.flat is None else storage.flat.copy()
        found = memo[id(storage)] = Storage(flat, storage.device, storage.nbytes)
    return found


def _over(storage: Storage, shape: Shape, strides: Shape, offset: int, d: dtype) -> Tensor:
    """A tensor over part of a storage."""
    t = fresh(window(storage, d, shape, strides, offset), d)
    t._memory = Memory(shape, strides, offset, storage)
    return t


def _rebuild(
    kind: Any, storage: Storage, shape: Shape, strides: Shape, offset: int, d: dtype, requires_grad: bool, state: Any
) -> Tensor:
    """A pickled tensor. kind: "Tensor", "Parameter" or a subclass."""
    from flambeau.parameter import Parameter

    t = _over(storage, shape, strides, offset, d)
    if kind == "Parameter":
        t = Parameter(t, requires_grad)
    elif requires_grad:
        requires_grad_(t)
    if kind not in ("Tensor", "Parameter"):
        t.__class__ = kind
    t.__dict__.update(state or {})
    return t


@on_tensor
def __reduce_ex__(self: Tensor, protocol: Any) -> tuple[Any, ...]:
    from flambeau.parameter import Parameter

    own, cls = memory(self), type(self)
    # by name: classes of torch's own could not be found under their names
    kind = {Tensor: "Tensor", Parameter: "Parameter"}.get(cls, cls)
    place = (own.storage, own.shape, own.strides, own.offset, self._dtype)
    return _rebuild, (kind, *place, requires_grad(self), dict(self.__dict__) or None)


@on_tensor
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if id(self) in memo:
        return memo[id(self)]  # type: ignore[no-any-return]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    cls = type(self)
    if cls is not Tensor and cls.new_empty is Tensor.new_empty:
        raise RuntimeError(
            "The default implementation of __deepcopy__() for non-wrapper subclasses only works for "
            "subclass types that "
            "implement new_empty() and for which that function returns another instance of the same "
            "subclass. You should "
            "either properly implement new_empty() for your subclass or override __deepcopy__() if it is intended "
            "behavior for new_empty() to return an instance of a different type."
        )
    own = memory(self)
    out = _over(_copied_storage(own.storage, memo), own.shape, own.strides, own.offset, self._dtype)
    if cls is not Tensor:
        out.__class__ = cls
    if requires_grad(self):
        requires_grad_(out)
    memo[id(self)] = out
    if self._grad is not None:
        out._grad = copy.deepcopy(self._grad, memo)
    out.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return out

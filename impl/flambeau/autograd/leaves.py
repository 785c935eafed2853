"""Adding to the `.grad` of leaves."""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from flambeau.autograd import hooks
from flambeau.autograd.fitting import to_tensor
from flambeau.autograd.node import AccumulateGrad
from flambeau.geometry import Shape, contiguous_strides, is_dense
from flambeau.tensor import Tensor, bump, fresh, memory
from flambeau.warning import warn_once

_add = np.add


# what getrefcount says where nobody else holds a thing: asked here, for it depends on the interpreter
def _passed_on(n: Any, g: Any, _: Any) -> int:
    return getrefcount(g)


def _passed(n: Any, g: Any) -> int:
    return _passed_on(n, g, None)


def _held_by(view: np.ndarray[Any, Any]) -> int:
    base = view.base
    return getrefcount(base)


# of a gradient that the engine passes down to `accumulate`; of what one attribute and one name refer to
_SOLE, _SOLELY_OWNED = _passed(None, {0: np.empty(4)}.pop(0)), _held_by(np.empty(4).reshape(2, 2))


def accumulate(n: AccumulateGrad, g: Any, create_graph: bool) -> None:
    """Add to a leaf's `.grad`, which follows the leaf's dtype and strides and is updated in place."""
    t = n.target()
    if t is None or t._node is None:
        return
    current = t._grad
    if current is None:
        sole = getrefcount(g) <= _SOLE
        if create_graph:
            import flambeau

            own = to_tensor(g, n.dtype)
            t._grad = flambeau.empty_strided(own.shape, _strides(t), dtype=n.dtype, device=own.device).copy_(own)
        else:
            t._grad = _kept(g, t, n, sole)
    elif create_graph:
        t._grad = current + to_tensor(g, n.dtype)
    else:
        array = current._array
        if array is None or current._node is not None or isinstance(g, Tensor):
            current.add_(to_tensor(g, n.dtype))
        else:
            if array.size == 1:  # NumPy takes twice as long to add one element in place
                array[...] = _add(array, g, out=...)
            else:
                _add(array, g, array)
            bump(current)
        have, wanted = current._memory, t._memory
        if have is not wanted and (have is None or wanted is None or have.strides != wanted.strides):
            _check_layout(current, t)
    if n.hooks is not None:
        hooks.accumulated(n.hooks, t)


def _kept(g: Any, t: Tensor, n: AccumulateGrad, sole: bool) -> Tensor:
    """A gradient as the first `.grad`: taken over where nobody else can see it, else copied."""
    if isinstance(g, Tensor):
        if g._array is None:
            return g.detach().clone()
        sole = sole and type(g) is Tensor and g._memory is None
        array = g._array
        sole = sole and getrefcount(array) <= _SOLELY_OWNED
    else:
        array = g
    wanted = None if t._memory is None else _strides(t)
    if wanted is None or wanted == contiguous_strides(array.shape):
        if sole and type(array) is np.ndarray and array.flags.c_contiguous and _owned(array):
            return fresh(array, n.dtype)
        return fresh(np.array(array, n.dtype.numpy, order="C"), n.dtype)
    order = sorted(range(array.ndim), key=lambda i: -wanted[i])
    laid = np.array(array.transpose(order), n.dtype.numpy, order="C")
    return fresh(laid.transpose(np.argsort(order)), n.dtype)


def _owned(array: np.ndarray[Any, Any]) -> bool:
    """Whether the memory is the array's own, or that of an array which it shows whole and which nobody else holds."""
    base = array.base
    if base is None:
        return True
    if type(base) is not np.ndarray or base.base is not None or base.size != array.size:
        return False
    return getrefcount(base) <= _SOLELY_OWNED


def _strides(t: Tensor) -> Shape:
    """The strides of a leaf's gradient: its own where they are dense, else row-major."""
    own = memory(t)
    return own.strides if is_dense(own.shape, own.strides) else contiguous_strides(own.shape)


def _check_layout(grad: Tensor, t: Tensor) -> None:
    have, own = memory(grad), memory(t)
    if is_dense(own.shape, own.strides) and have.strides != own.strides:
        warn_once(
            "grad and param do not obey the gradient layout contract. This is not an error, but may impair "
            f"performance.\ngrad.sizes() = {list(have.shape)}, strides() = {list(have.strides)}\n"
            f"param.sizes() = {list(own.shape)}, strides() = {list(own.strides)}",
            "torch/csrc/autograd/functions/accumulate_grad.h:224",
        )

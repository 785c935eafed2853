"""What in-place updates and out= need: refusals, overlap, history, storage."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterable
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, Node, Pick, Saved, hooks_of, node_of, refuse_update, requires_grad
from flambeau.autograd.viewing import CopySlices
from flambeau.cpu.casting import cast
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import BOOL, FLOATING, dtype
from flambeau.errors import LEAF_IN_PLACE, PARTIAL_OVERLAP, SELF_OVERLAP, VIEW_OF_LEAF_IN_PLACE, cannot_cast
from flambeau.geometry import Shape, contiguous_strides, elementwise_strides, is_dense, may_overlap
from flambeau.overrides import PLAIN
from flambeau.tensor import Memory, Tensor, bump, memory, set_geometry, shape_of, window

if TYPE_CHECKING:
    from flambeau.operation import Launch


def set_history(t: Tensor, node: Node) -> None:
    """Make node the history of a tensor that was just updated in place."""
    view = t._view
    if view is None:
        _move_retained(t, node)
        t._node = node
        return
    base = view.base
    update = base._node = CopySlices(base, base._node, node, memory(t), view.replay)
    # PyTorch asks the updated view at once; other views are taken for leaves until somebody asks them
    seen = node_of(t)
    for value in node.saved or ():
        if type(value) is Saved:
            value.seen = None if seen is None else weakref.ref(seen.node if isinstance(seen, Pick) else seen)
            if view.replay is None:
                value.update = weakref.ref(update)


def _move_retained(t: Tensor, node: Node) -> None:
    """What retain_grad asked of the old node is asked of the new one: `.grad` is that of the updated tensor."""
    old = t._node
    index = old.index if type(old) is Pick else 0
    old_node = old.node if type(old) is Pick else old
    hooks = None if old_node is None else old_node.hooks  # type: ignore[union-attr]
    if hooks is not None and index in hooks.retain and hooks.retain[index]() is t:
        hooks_of(node).retain[0] = hooks.retain.pop(index)


def overwritable(t: Tensor) -> bool:
    """Whether t's array may be written to at once: it has one, no element twice, and nothing is recorded of it."""
    array = t._array
    if type(t) not in PLAIN or array is None or not array.flags.c_contiguous:
        return False
    view = t._view
    return not state.enabled or (t._node is None and (view is None or view.base._node is None))


def can_store(result: dtype, target: dtype) -> bool:
    """Whether a result may be written into a tensor of that dtype."""
    if result is target:
        return True
    if result.is_complex and not target.is_complex:
        return False
    if result.category >= FLOATING > target.category:
        return False
    return not (result.category != BOOL and target.category == BOOL)


def check_inplace(t: Tensor, others: Iterable[Any] = ()) -> None:
    """Raise RuntimeError where autograd forbids to overwrite t with what is made of it and the others."""
    if not state.enabled:
        return
    own = requires_grad(t)
    others = tuple(others)
    if not own and not any(_asks(x) for x in others):
        return
    view = t._view
    if view is not None:
        refuse_update(t)
        if own and (view.base._node is None or type(view.base._node) is AccumulateGrad):
            raise RuntimeError(VIEW_OF_LEAF_IN_PLACE)
    # the node as it stands: PyTorch too takes a view for a leaf until its updated base has been asked
    if own and (t._node is None or type(t._node) is AccumulateGrad):
        raise RuntimeError(LEAF_IN_PLACE)
    for x in others:
        if isinstance(x, Tensor):
            node_of(x)  # refuses stale views before shapes are looked at


def _asks(x: Any) -> bool:
    if isinstance(x, Tensor):
        return requires_grad(x)
    return type(x) in (list, tuple) and any(_asks(y) for y in x)


def check_overlap(t: Tensor) -> None:
    """Raise RuntimeError where several indices name one element, which cannot be overwritten."""
    own = t._memory
    if own is not None and may_overlap(own.shape, own.strides):
        raise RuntimeError(SELF_OVERLAP)


def check_memory(t: Tensor, others: Iterable[Any]) -> None:
    """Raise RuntimeError where t cannot be overwritten, or not with what is made of the others."""
    check_overlap(t)
    for other in others:
        if isinstance(other, Tensor) and other is not t:
            check_partial_overlap(t, other)


def warn_of_expanded(t: Tensor, text: str) -> None:
    """Warn where several indices name one element, of an operation that PyTorch still lets write there."""
    own = t._memory
    if own is not None and may_overlap(own.shape, own.strides):
        warnings.warn(text, UserWarning, stacklevel=5)


def check_partial_overlap(target: Tensor, source: Tensor) -> None:
    """Raise RuntimeError where two tensors share some elements but do not name the same ones."""
    a, b = target._memory, source._memory
    if a is None or b is None or a.storage is not b.storage:
        return
    if 0 in a.shape or 0 in b.shape:
        return
    if a.offset == b.offset and a.strides == b.strides and a.shape == b.shape:
        return
    # PyTorch judges overlap only of tensors whose elements fill their stretch of memory
    if not (is_dense(a.shape, a.strides) and is_dense(b.shape, b.strides)):
        return
    first = (a.offset * target._dtype.itemsize, (a.offset + prod(a.shape)) * target._dtype.itemsize)
    second = (b.offset * source._dtype.itemsize, (b.offset + prod(b.shape)) * source._dtype.itemsize)
    if first[0] < second[1] and second[0] < first[1]:
        raise RuntimeError(PARTIAL_OVERLAP)


def check_no_overlap(target: Tensor, source: Any) -> None:
    """Raise RuntimeError where a tensor (or one of a list) is the target, wholly or in part."""
    if type(source) is list:
        for t in source:
            check_no_overlap(target, t)
    elif isinstance(source, Tensor):
        own, other = target._memory, source._memory
        if source is target or (own is not None and other is not None and _same_place(own, other)):
            raise RuntimeError(PARTIAL_OVERLAP)
        check_partial_overlap(target, source)


def apart_from_all(target: Tensor, plan: Launch) -> None:
    """Raise RuntimeError where any operand but the first shares memory with the target."""
    for source in plan.inputs[1:]:
        check_no_overlap(target, source)


def _same_place(a: Memory, b: Memory) -> bool:
    if a.storage is not b.storage or 0 in a.shape:
        return False
    return a.offset == b.offset and a.strides == b.strides and a.shape == b.shape


def warn_of_resize(have: Shape, required: Shape) -> None:
    """Warn that an out= of that shape does not keep its shape."""
    if 0 in have or have == required:
        return
    warnings.warn(
        f"An output with one or more elements was resized since it had shape {list(have)}, which does not "
        f"match the required output shape {list(required)}. This behavior is deprecated, and in a future PyTorch "
        "release outputs will not be resized unless they have zero elements. You can explicitly reuse an out "
        "tensor t by resizing it, inplace, to zero elements with t.resize_(0). (Triggered internally at "
        "/__w/pytorch/pytorch/aten/src/ATen/native/Resize.cpp:30.)",
        UserWarning,
        stacklevel=6,
    )


def write_out(
    target: Tensor, result: Tensor, like: Tensor | None = None, told: tuple[Shape, Shape] | None = None
) -> None:
    """Store a result into an `out=` tensor, resized where its shape differs.

    like: a tensor of the result's shape whose strides a resized one follows. told: the shapes that the warning names,
    where these are not the tensors' own.
    """
    if not can_store(result._dtype, target._dtype):
        cannot_cast(result._dtype, target._dtype)
    shape = shape_of(result)
    have = shape_of(target)
    if have != shape:
        warn_of_resize(*(told or (have, shape)))
        resize(target, shape)
        if like is not None:
            placed = memory(target)
            strides = memory(like).strides
            if like is not result or not is_dense(shape, strides):
                strides = elementwise_strides(shape, ((shape, strides),))
            set_geometry(target, shape, strides, placed.offset, placed.storage)
    check_overlap(target)
    if target._array is not None:
        token = enter(QUIET)
        try:
            target._array[...] = cast(result._array, result._dtype, target._dtype)
        finally:
            leave(token)
    bump(target)


def resize(t: Tensor, shape: Shape) -> None:
    """Give t another shape, row-major from its offset on, with more storage where it needs that."""
    own = memory(t)
    storage, d = own.storage, t._dtype
    need = own.offset + int(np.prod(shape, dtype=np.int64))
    if storage.flat is not None and storage.flat.nbytes < need * d.itemsize:
        grown = np.empty(need, d.numpy)
        old = storage.flat.view(np.uint8)
        grown.view(np.uint8)[: old.size] = old
        storage.flat, storage.nbytes = grown, grown.nbytes
    elif storage.flat is None:
        storage.nbytes = max(storage.nbytes, need * d.itemsize)
    strides = contiguous_strides(shape)
    t._array = window(storage, d, shape, strides, own.offset)
    t._memory = Memory(shape, strides, own.offset, storage)

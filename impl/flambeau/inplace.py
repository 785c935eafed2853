"""What in-place updates and out= need: refusals, overlap, history, storage."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

import numpy as np

from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, Edge, Node, Pick, node_of
from flambeau.autograd.viewing import CopySlices
from flambeau.cpu.casting import cast
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import BOOL, FLOATING, dtype
from flambeau.errors import LEAF_IN_PLACE, PARTIAL_OVERLAP, SELF_OVERLAP, VIEW_OF_LEAF_IN_PLACE, cannot_cast
from flambeau.geometry import Shape, contiguous_strides, is_dense, may_overlap
from flambeau.tensor import Memory, Tensor, View, memory, shape_of, version, window


def set_history(t: Tensor, node: Node) -> None:
    """Make node the history of a tensor that was just updated in place."""
    view = t._view
    if view is None:
        t._node = node
        return
    base = view.base
    base._node = CopySlices(base, node_of(base), node, memory(t), view.replay)


def can_store(result: dtype, target: dtype) -> bool:
    """Whether a result may be written into a tensor of that dtype."""
    if result is target:
        return True
    if result.is_complex and not target.is_complex:
        return False
    if result.category >= FLOATING > target.category:
        return False
    return not (result.category != BOOL and target.category == BOOL)


def check_inplace(t: Tensor) -> None:
    """Raise RuntimeError where autograd or overlapping memory forbids an in-place update."""
    if state.enabled:
        view = t._view
        node = node_of(t)
        if node is not None and type(node) is AccumulateGrad and view is None:
            raise RuntimeError(LEAF_IN_PLACE)
        if view is not None:
            base_node = node_of(view.base)
            if base_node is not None and type(base_node) is AccumulateGrad:
                raise RuntimeError(VIEW_OF_LEAF_IN_PLACE)
            if view.origin:
                refuse_view_update(t, view, node)
    own = t._memory
    if own is not None and may_overlap(own.shape, own.strides):
        raise RuntimeError(SELF_OVERLAP)


def refuse_view_update(t: Tensor, view: View, node: Edge | None) -> None:
    """Raise for views whose base must not be updated through them."""
    if view.origin == "multi_output" and (node is not None or node_of(view.base) is not None):
        made_by = node.node.name() if type(node) is Pick else node.name() if node is not None else "unknown"  # type: ignore[union-attr]
        index = node.index if type(node) is Pick else 0
        raise RuntimeError(
            f"Output {index} of {made_by} is a view and is being modified inplace. This view is the output of a "
            "function that returns multiple views. Such functions do not allow the output views to be modified "
            "inplace. You should replace the inplace operation by an out-of-place one."
        )
    if view.origin == "no_grad" and (node is not None or node_of(view.base) is not None):
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this "
            "use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view "
            "and the inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both "
            "outside (if you want the inplace to be tracked)."
        )


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


def _same_place(a: Memory, b: Memory) -> bool:
    if a.storage is not b.storage or 0 in a.shape:
        return False
    return a.offset == b.offset and a.strides == b.strides and a.shape == b.shape


def write_out(target: Tensor, result: Tensor) -> None:
    """Store a result into an `out=` tensor, resizing it where its shape differs."""
    if not can_store(result._dtype, target._dtype):
        cannot_cast(result._dtype, target._dtype)
    shape = shape_of(result)
    have = shape_of(target)
    if have != shape:
        if 0 not in have:
            warnings.warn(
                f"An output with one or more elements was resized since it had shape {list(have)}, which does not "
                f"match the required output shape {list(shape)}. This behavior is deprecated, and in a future PyTorch "
                "release outputs will not be resized unless they have zero elements. You can explicitly reuse an out "
                "tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                UserWarning,
                stacklevel=5,
            )
        resize(target, shape)
    own = target._memory
    if own is not None and may_overlap(own.shape, own.strides):
        raise RuntimeError(SELF_OVERLAP)
    if target._array is not None:
        token = enter(QUIET)
        try:
            target._array[...] = cast(result._array, result._dtype, target._dtype)
        finally:
            leave(token)
    version(target)[0] += 1


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

"""NumPy kernels of as_strided's relatives. Strides and offsets count elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flambeau.geometry import Shape, extent, is_dense

if TYPE_CHECKING:
    from flambeau.tensor import Memory

Array = np.ndarray[Any, Any]


def _window(flat: Array, shape: Shape, strides: Shape, offset: int) -> Array:
    if 0 in shape:
        return np.empty(shape, flat.dtype)
    size = flat.itemsize
    return np.ndarray(shape, flat.dtype, flat, offset * size, [s * size for s in strides])


def gather_into_base(g: Array, base: Memory, place: Memory) -> Array:
    """Gradient of the base from that of a view of it; elements named twice add up."""
    low = min(base.offset, place.offset)
    length = max(
        base.offset - low + extent(base.shape, base.strides), place.offset - low + extent(place.shape, place.strides)
    )
    flat = np.zeros(length, g.dtype)
    if g.size:
        if is_dense(place.shape, place.strides) or not _may_repeat(place):
            _window(flat, place.shape, place.strides, place.offset - low)[...] = g
        else:
            indices = np.arange(length)
            np.add.at(flat, _window(indices, place.shape, place.strides, place.offset - low).ravel(), g.ravel())
    if not is_dense(base.shape, base.strides) and _may_repeat(base):
        # an element that several base indices name shares its gradient out among them
        times = np.zeros(length, np.int64)
        indices = np.arange(length)
        np.add.at(times, _window(indices, base.shape, base.strides, base.offset - low).ravel(), 1)
        flat = flat / np.maximum(times, 1).astype(flat.real.dtype)
    return _window(flat, base.shape, base.strides, base.offset - low).copy()


def _may_repeat(m: Memory) -> bool:
    from flambeau.geometry import may_overlap

    return may_overlap(m.shape, m.strides)


def scatter(x: Array, source: Array, size: Shape, stride: Shape, offset: int) -> Array:
    """x copied with its strides, the window (offset relative to x's first element) replaced."""
    strides = tuple(s // x.itemsize for s in x.strides)
    length = max(extent(x.shape, strides), offset + extent(size, stride))
    flat = np.zeros(length, x.dtype)
    out = _window(flat, x.shape, strides, 0)
    out[...] = x
    _window(flat, size, stride, offset)[...] = source
    return out


def restride(x: Array, stride: Shape) -> Array:
    """x copied into the given strides."""
    flat = np.zeros(extent(x.shape, stride), x.dtype)
    out = _window(flat, x.shape, stride, 0)
    out[...] = x
    return out

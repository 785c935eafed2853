"""NumPy kernels of copies and conversions."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.casting import cast
from flambeau.dtypes import dtype
from flambeau.geometry import Shape, contiguous_strides, extent

Array = np.ndarray[Any, Any]


def empty(shape: Shape, strides: Shape, numpy_dtype: np.dtype[Any]) -> Array:
    """An uninitialised array whose dense memory has these strides (in elements)."""
    if strides == contiguous_strides(shape) or 0 in shape:
        return np.empty(shape, numpy_dtype)
    flat = np.empty(extent(shape, strides), numpy_dtype)
    return np.ndarray(shape, numpy_dtype, flat, 0, [s * numpy_dtype.itemsize for s in strides])


def copy(x: Array, strides: Shape) -> Array:
    """x in new memory."""
    out = empty(x.shape, strides, x.dtype)
    out[...] = x
    return out


def relaid(x: Array, strides: Shape) -> Array:
    """x in memory with these strides, x itself where it has them (dims of size 1 apart)."""
    size = x.itemsize
    if all(n == 1 or have == size * want for n, have, want in zip(x.shape, x.strides, strides, strict=True)):
        return x
    return copy(x, strides)


def convert(x: Array, source: dtype, target: dtype, strides: Shape) -> Array:
    """x in new memory and another dtype."""
    out = empty(x.shape, strides, target.numpy)
    out[...] = cast(x, source, target)
    return out


def broadcast_copy(x: Array, src: Array, source: dtype, target: dtype) -> Array:
    """src as it is written over x; in place alone, so that it may stay expanded."""
    return np.broadcast_to(cast(src, source, target), x.shape)

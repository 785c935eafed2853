"""NumPy kernels of copies of views, of their adjoints and of scatters into them."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.casting import cast
from flambeau.dtypes import dtype
from flambeau.geometry import Shape

Array = np.ndarray[Any, Any]


def part(x: Array, dim: int, index: int | None, start: int, end: int, step: int) -> Array:
    """The view of one index, or of a slice, of a dim."""
    key = index if index is not None else slice(start, end, step)
    return x[(slice(None),) * dim + (key, ...)]


def put_slice(
    g: Array, shape: Shape, dim: int, index: int | None = None, start: int = 0, end: int = 0, step: int = 1
) -> Array:
    """Zeros with g in a part of one dim."""
    out = np.zeros(shape, g.dtype)
    part(out, dim, index, start, end, step)[...] = g
    return out


def diagonal(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """The writable view of a diagonal."""
    view = np.diagonal(x, offset, dim1, dim2)
    view.flags.writeable = True
    return view


def put_diagonal(g: Array, shape: Shape, offset: int, dim1: int, dim2: int) -> Array:
    """Zeros with g on a diagonal."""
    out = np.zeros(shape, g.dtype)
    diagonal(out, offset, dim1, dim2)[...] = g
    return out


def fold(g: Array, shape: Shape, dim: int, size: int, step: int) -> Array:
    """Zeros with windows of one dim added where they were taken."""
    if not shape:
        return g.sum(dtype=g.dtype)  # type: ignore[no-any-return]
    out = np.zeros(shape, g.dtype)
    target = np.moveaxis(out, dim, -1)
    source = np.moveaxis(g, dim, -2)
    count = g.shape[dim]
    for i in range(size):
        target[..., i : i + count * step : step] += source[..., i]
    return out


def copy_part(x: Array, place: tuple[Shape, Shape, int], **_: Any) -> Array:
    """A row-major copy of the elements that shape, strides and offset (from x's first element) name."""
    shape, strides, offset = place
    if 0 in shape:
        return np.empty(shape, x.dtype)
    size = x.itemsize
    start = np.lib.stride_tricks.as_strided(x, (offset + 1,), (size,))[offset:]
    return np.array(np.lib.stride_tricks.as_strided(start, shape, [s * size for s in strides]), order="C")


def set_slice(
    x: Array,
    src: Array,
    source: dtype,
    target: dtype,
    dim: int,
    index: int | None = None,
    start: int = 0,
    end: int = 0,
    step: int = 1,
) -> None:
    """Overwrite a part of one dim."""
    part(x, dim, index, start, end, step)[...] = cast(src, source, target)


def set_diagonal(x: Array, src: Array, source: dtype, target: dtype, where: tuple[int, int, int]) -> None:
    """Overwrite a diagonal."""
    diagonal(x, *where)[...] = cast(src, source, target)

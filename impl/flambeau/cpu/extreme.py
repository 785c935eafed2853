"""NumPy kernels that look for the largest, smallest, middle or most frequent element."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.layout import row_major

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


@row_major
def amax(x: Array, dims: Axes, keepdim: bool) -> Array:
    """Largest element, NaN if there is one."""
    return np.maximum.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload,no-any-return]


@row_major
def amin(x: Array, dims: Axes, keepdim: bool) -> Array:
    """Smallest element, NaN if there is one."""
    return np.minimum.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload,no-any-return]


def aminmax(x: Array, dims: Axes, keepdim: bool) -> tuple[Array, Array]:
    """Smallest and largest."""
    return amin(x, dims, keepdim), amax(x, dims, keepdim)


@row_major
def argmax(x: Array, dim: int | None, keepdim: bool) -> Array:
    """Where the first largest element stands, or the first NaN; dim None counts in row-major order."""
    return np.argmax(x, axis=dim, keepdims=keepdim)  # type: ignore[no-any-return]


@row_major
def argmin(x: Array, dim: int | None, keepdim: bool) -> Array:
    """Where the first smallest element stands, or the first NaN."""
    return np.argmin(x, axis=dim, keepdims=keepdim)  # type: ignore[no-any-return]


@row_major
def picked(x: Array, index: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """The elements an index (with dim kept) names, and the index itself."""
    values = np.take_along_axis(x, index, dim)
    return (values, index) if keepdim else (values.squeeze(dim), index.squeeze(dim))


def max_dim(x: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """Largest element along dim and where it stands."""
    return _selected(x, np.argmax, dim, keepdim)


def min_dim(x: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """Smallest element along dim and where it stands."""
    return _selected(x, np.argmin, dim, keepdim)


def _selected(x: Array, choose: Any, dim: int, keepdim: bool) -> tuple[Array, Array]:
    if x.ndim == 0:
        return x.copy(), np.zeros((), np.int64)
    if x.size == 0:
        shape = tuple(1 if d == dim else n for d, n in enumerate(x.shape))
        return picked(np.empty(shape, x.dtype), np.zeros(shape, np.int64), dim, keepdim)
    return picked(x, choose(x, axis=dim, keepdims=True), dim, keepdim)


def median(x: Array, ignore_nan: bool) -> Array:
    """The lower of the two middle elements of all; NaN if there is one, unless NaN are ignored. NaN for none."""
    if x.size == 0:
        kind = x.dtype.kind
        filler = np.nan if kind in "fc" else kind == "b" or _NAN_AS_INTEGER.get(x.dtype.str[1:], 0)
        return np.asarray(filler).astype(x.dtype)
    return median_dim(x.reshape(-1), 0, False, ignore_nan)[0]


# what a processor makes of NaN converted to an integer
_NAN_AS_INTEGER = {"i4": -(2**31), "i8": -(2**63), "u8": 2**63}


def median_dim(x: Array, dim: int, keepdim: bool, ignore_nan: bool) -> tuple[Array, Array]:
    """The lower of the two middle elements along dim, and where it stands; NaN as in `median`."""
    if x.ndim == 0 or x.size == 0:
        return _selected(x, np.argmax, dim, keepdim)
    n = x.shape[dim]
    order = np.argsort(x, axis=dim, kind="stable")
    if x.dtype.kind != "f":
        index = np.take(order, [(n - 1) // 2], axis=dim)
        return picked(x, index, dim, keepdim)
    nan = np.isnan(x)
    count = np.add.reduce(nan, axis=dim, keepdims=True)
    middle = np.maximum(n - count - 1, 0) // 2
    index = np.take_along_axis(order, middle, dim)
    if not ignore_nan:
        index = np.where(count > 0, np.argmax(nan, axis=dim, keepdims=True), index)
    return picked(x, index, dim, keepdim)


def mode(x: Array, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """The most frequent element along dim, the smallest of those, and where it last stands."""
    if x.ndim == 0 or x.size == 0:
        return _selected(x, np.argmax, dim, keepdim)
    rows = np.moveaxis(x, dim, -1)
    n = rows.shape[-1]
    order = np.argsort(rows, axis=-1, kind="stable")
    ordered = np.take_along_axis(rows, order, -1)
    starts = np.ones(rows.shape, np.bool_)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    place = np.arange(n)
    length = place - np.maximum.accumulate(np.where(starts, place, 0), axis=-1) + 1
    last = np.argmax(length, axis=-1, keepdims=True)
    index = np.moveaxis(np.take_along_axis(order, last, -1), -1, dim)
    return picked(x, np.ascontiguousarray(index), dim, keepdim)

"""NumPy kernels of sorting, selection by rank, distinct elements and search. NaN counts as the largest element."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.copying import relaid
from flambeau.cpu.introsort import introsorted

Array = np.ndarray[Any, Any]


def order(x: Array, dim: int, descending: bool) -> Array:
    """Indices that sort along dim; equal elements keep their order."""
    if not x.ndim:
        return np.zeros((), np.int64)
    if x.dtype.itemsize <= 4 and 64 <= x.shape[dim] < 2**32:
        return _packed_order(x, dim, descending)
    if not descending:
        return x.argsort(axis=dim, kind="stable")
    return x.shape[dim] - 1 - np.flip(np.flip(x, dim).argsort(axis=dim, kind="stable"), dim)  # type: ignore[no-any-return]


def _packed_order(x: Array, dim: int, descending: bool) -> Array:
    """The same for elements of at most 32 bits: key and index share a 64-bit word, and sorting words is fast."""
    x = np.moveaxis(x, dim, -1)
    if x.dtype == np.float32:
        bits = np.where(x == x, x + np.float32(0), np.float32(np.nan)).view(np.uint32)  # -0 equals 0, one NaN
        bits ^= np.where(bits >> 31, np.uint32(0xFFFFFFFF), np.uint32(0x80000000))
    else:
        bits = x.astype(np.uint32) ^ np.uint32(0x80000000 if x.dtype.kind == "i" else 0)
    if descending:
        bits = ~bits
    words = (bits.astype(np.uint64) << 32) | np.arange(x.shape[-1], dtype=np.uint64)
    words.sort(axis=-1)
    return np.moveaxis((words & 0xFFFFFFFF).view(np.int64), -1, dim)


def _laid(made: Array, strides: tuple[int, ...] | None) -> Array:
    """A result with these strides; None: row-major."""
    return np.array(made, order="C", copy=None) if strides is None else relaid(made, strides)


def sort(x: Array, dim: int, descending: bool, strides: tuple[int, ...] | None) -> tuple[Array, Array]:
    """Sorted elements and where they came from."""
    indices = order(x, dim, descending)
    values = np.take_along_axis(x, indices, dim) if x.ndim else np.array(x)
    return _laid(values, strides), _laid(indices, strides)


def argsort(x: Array, dim: int, descending: bool, strides: tuple[int, ...] | None) -> Array:
    """Where the sorted elements come from."""
    return _laid(order(x, dim, descending), strides)


def topk(x: Array, k: int, dim: int, largest: bool) -> tuple[Array, Array]:
    """The k largest or smallest elements along dim, sorted, and where they stand."""
    if not x.ndim:
        return np.array(x), np.zeros((), np.int64)
    indices = _selected(x, k, dim, largest) if 0 < k * 8 < x.shape[dim] else None
    if indices is None:
        indices = np.take(order(x, dim, largest), np.arange(k), axis=dim)
    else:
        # only what was selected is sorted
        indices = np.take_along_axis(indices, order(np.take_along_axis(x, indices, dim), dim, largest), dim)
    return _laid(np.take_along_axis(x, indices, dim), None), _laid(indices, None)


def _selected(x: Array, k: int, dim: int, largest: bool) -> Array | None:
    """Where the k largest or smallest elements stand, in that order; None where ties or NaN leave them in doubt."""
    n = x.shape[dim]
    rank = n - k if largest else k - 1
    bound = np.take(np.partition(x, rank, axis=dim), [rank], axis=dim)
    chosen = np.moveaxis(x >= bound if largest else x <= bound, dim, -1)
    rows = np.flatnonzero(chosen)
    if rows.size != x.size // n * k or (np.count_nonzero(chosen, axis=-1) != k).any() or (bound != bound).any():
        return None
    return np.moveaxis((rows % n).reshape(*chosen.shape[:-1], k), -1, dim)  # type: ignore[no-any-return]


def kthvalue(x: Array, k: int, dim: int, keepdim: bool) -> tuple[Array, Array]:
    """The k-th smallest element along dim, counted from 1, and where it stands."""
    if not x.ndim:
        return np.array(x), np.zeros((), np.int64)
    values = np.take(np.partition(x, k - 1, axis=dim), [k - 1], axis=dim)
    indices = np.argmax((x == values) | ((x != x) & (values != values)), axis=dim, keepdims=True)
    values = np.take_along_axis(x, indices, dim)
    if not keepdim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return _laid(values, None), _laid(indices, None)


# ------------------------------------------------------------------------------------------ distinct elements


def _groups(
    starts: Array, positions: Array, shape: tuple[int, ...], inverse: bool, counts: bool
) -> tuple[Array, Array]:
    """Inverse and counts of runs, empty where not asked for.

    starts: whether a run begins there; positions: where each element came from.
    """
    where = how_often = np.empty(0, np.int64)
    if inverse:
        where = np.empty(positions.size, np.int64)
        where[positions] = np.cumsum(starts) - 1
        where = where.reshape(shape)
    if counts:
        how_often = np.diff(np.append(np.flatnonzero(starts), positions.size))
    return where, how_often


def _begins(x: Array) -> Array:
    """Whether each row differs from the one before."""
    starts = np.ones(x.shape[0], np.bool_)
    differs = x[1:] != x[:-1]
    starts[1:] = differs if x.ndim == 1 else differs.any(axis=1)
    return starts


def unique(x: Array, inverse: bool, counts: bool) -> tuple[Array, Array, Array]:
    """Distinct elements in ascending order, with inverse and counts where asked for (else empty)."""
    flat = x.reshape(-1)
    if not inverse and not counts:
        positions, ordered = np.empty(0, np.int64), np.sort(flat, kind="stable")
    else:
        positions = flat.argsort(kind="stable")
        ordered = flat[positions]
    starts = _begins(ordered)
    return ordered[starts], *_groups(starts, positions, x.shape, inverse, counts)


def unique_consecutive(x: Array, inverse: bool, counts: bool) -> tuple[Array, Array, Array]:
    """The first element of every run of equal ones."""
    flat = x.reshape(-1)
    starts = _begins(flat)
    return flat[starts], *_groups(starts, np.arange(flat.size), x.shape, inverse, counts)


def _as_compared(rows: Array) -> Array:
    """The order of PyTorch's std::sort by comparisons to which NaN is not before, nor after, any number."""

    def before(i: int, j: int) -> bool:
        differ = np.flatnonzero((rows[i] < rows[j]) | (rows[i] > rows[j]))
        return bool(differ.size) and bool(rows[i, differ[0]] < rows[j, differ[0]])

    return np.array(introsorted(len(rows), before), np.int64)


def unique_slices(x: Array, dim: int, consecutive: bool, inverse: bool, counts: bool) -> tuple[Array, Array, Array]:
    """Distinct slices along dim, in lexicographic order or (consecutive) the first of every run."""
    n = x.shape[dim]
    moved = np.moveaxis(x, dim, 0)
    rows = moved.reshape(n, moved[:1].size if n else 0)
    if consecutive or not rows.size:
        positions = np.arange(n)
    elif (rows != rows).any():
        positions = _as_compared(rows)
    else:
        positions = np.lexsort(rows.T[::-1])
    rows = rows[positions]
    starts = _begins(rows)
    found = rows[starts].reshape(int(starts.sum()), *moved.shape[1:])
    return np.moveaxis(found, 0, dim), *_groups(starts, positions, (n,), inverse, counts)


# ------------------------------------------------------------------------------------------ search


def searchsorted(boundaries: Array, values: Array, right: bool) -> Array:
    """Where values would be inserted into the last dim of boundaries, before (or right of) equal elements."""
    if boundaries.ndim == 1 and (boundaries[:-1] <= boundaries[1:]).all() and _finite_order(boundaries):
        return np.asarray(np.searchsorted(boundaries, values, "right" if right else "left"))
    return _bisect(boundaries, values, right)


def _finite_order(boundaries: Array) -> bool:
    return not boundaries.size or bool(boundaries[-1] == boundaries[-1])


def _bisect(boundaries: Array, values: Array, right: bool) -> Array:
    """Binary search of all values at once; for boundaries with NaN or out of order its steps are the answer."""
    n = boundaries.shape[-1]
    low, high = np.zeros(values.shape, np.int64), np.full(values.shape, n, np.int64)
    while (open_ := low < high).any():
        middle = low + (high - low) // 2
        at = np.minimum(middle, n - 1)
        found = boundaries[at] if boundaries.ndim == 1 else np.take_along_axis(boundaries, at, -1)
        upwards = ~(found > values if right else found >= values)
        low, high = np.where(open_ & upwards, middle + 1, low), np.where(open_ & ~upwards, middle, high)
    return low


def isin(elements: Array, tests: Array, invert: bool) -> Array:
    """Whether each element is among the tests; NaN is among none."""
    return np.isin(elements, tests, invert=invert)


def histc(x: Array, bins: int, low: float, high: float) -> Array:
    """How many elements fall into each of `bins` equal stretches from low to high, the last closed."""
    if low == high == 0 and x.size:
        low, high = float(x.min()), float(x.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"torch.histc: range of [{_number(low)}, {_number(high)}] is not finite")
    if low >= high:
        raise RuntimeError("torch.histc: max must be larger than min")
    flat = x.reshape(-1)
    flat = flat[(flat >= low) & (flat <= high)]
    low_, high_ = x.dtype.type(low), x.dtype.type(high)
    at = ((flat - low_) * x.dtype.type(bins) / (high_ - low_)).astype(np.int64)
    return np.bincount(np.minimum(at, bins - 1), minlength=bins).astype(x.dtype)


def _number(value: float) -> str:
    return "-nan" if value != value else f"{value:g}"

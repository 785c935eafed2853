"""NumPy kernels of gather, scatter and their relatives along one dim. Indices count from the front."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.accumulate import add_at
from flambeau.cpu.casting import cast
from flambeau.dtypes import dtype

Array = np.ndarray[Any, Any]

REDUCTIONS: dict[str, Any] = {
    "sum": np.add,
    "mean": np.add,
    "prod": np.multiply,
    "amax": np.maximum,
    "amin": np.minimum,
}


def check_bounds(index: Array, n: int, dim: int, kind: type[Exception] = RuntimeError, prefix: str = "") -> None:
    """Raise for the first index outside 0 .. n - 1."""
    if index.size and (index.min() < 0 or index.max() >= n):
        value = index.reshape(-1)[int(np.argmax((index < 0) | (index >= n)))]
        raise kind(f"{prefix}index {value} is out of bounds for dimension {dim} with size {n}")


def _corner(shape: tuple[int, ...], dim: int) -> tuple[slice, ...]:
    """The part of a tensor that an index of this shape reaches: all of dim, the first elements of the others."""
    return tuple(slice(None) if d == dim else slice(n) for d, n in enumerate(shape))


def _one_dim(a: Array) -> Array:
    return a if a.ndim else a.reshape(1)


def gather(x: Array, index: Array, dim: int) -> Array:
    """out[.., i, ..] = x[.., index[.., i, ..], ..]."""
    shape = index.shape
    x, index = _one_dim(x), _one_dim(index)
    if not index.size:
        return np.empty(shape, x.dtype)
    check_bounds(index, x.shape[dim], dim)
    return np.ascontiguousarray(np.take_along_axis(x[_corner(index.shape, dim)], index, dim)).reshape(shape)


def scatter(x: Array, index: Array, src: Any, dim: int) -> None:
    """x[.., index[.., i, ..], ..] = src[.., i, ..]; of several the last counts."""
    x, index = _one_dim(x), _one_dim(index)
    if not index.size:
        return
    check_bounds(index, x.shape[dim], dim)
    if np.ndim(src):
        src = src[tuple(slice(n) for n in index.shape)]
    np.put_along_axis(x[_corner(index.shape, dim)], index, src, dim)


def _flat(shape: tuple[int, ...], index: Array, dim: int) -> Array:
    """Places in a row-major array of that shape."""
    flat: Any = 0
    step = 1
    for d in range(len(shape) - 1, -1, -1):
        if d == dim:
            flat = flat + index.astype(np.int64, copy=False) * step
        else:
            along = np.arange(index.shape[d]) * step
            flat = flat + along.reshape([-1 if e == d else 1 for e in range(len(shape))])
        step *= shape[d]
    return np.broadcast_to(flat, index.shape).reshape(-1)


def scatter_reduce(x: Array, index: Array, src: Any, dim: int, reduce: str, include_self: bool = True) -> None:
    """x[.., index[.., i, ..], ..] reduced with src[.., i, ..]."""
    x, index = _one_dim(x), _one_dim(index)
    if not index.size:
        return
    check_bounds(index, x.shape[dim], dim)
    if np.ndim(src):
        src = src[tuple(slice(n) for n in index.shape)]
    values = np.broadcast_to(np.asarray(src, x.dtype), index.shape).reshape(-1)
    reduce_at(x, _flat(x.shape, index, dim), values, reduce, include_self)


def scatter_any(x: Array, index: Array, src: Any, dim: int, reduce: str | None) -> None:
    """`scatter` with or without a reduction."""
    if reduce is None:
        scatter(x, index, src, dim)
    else:
        scatter_reduce(x, index, src, dim, "sum" if reduce == "add" else "prod")


def scatter_add(x: Array, index: Array, src: Array, dim: int) -> None:
    """x[.., index[.., i, ..], ..] += src[.., i, ..]."""
    scatter_reduce(x, index, src, dim, "sum")


def _identity(reduce: str, numpy_dtype: np.dtype[Any]) -> Any:
    if reduce in ("sum", "mean"):
        return 0
    if reduce == "prod":
        return 1
    if numpy_dtype.kind == "b":
        return reduce == "amin"
    if numpy_dtype.kind in "iu":
        return np.iinfo(numpy_dtype).min if reduce == "amax" else np.iinfo(numpy_dtype).max
    return -np.inf if reduce == "amax" else np.inf


def reduce_at(x: Array, flat: Array, values: Array, reduce: str, include_self: bool) -> None:
    """x.reshape(-1)[flat] reduced with values, in place."""
    out = np.ascontiguousarray(x)
    line = out.reshape(-1)
    if not include_self:
        line[flat] = _identity(reduce, line.dtype)
    REDUCTIONS[reduce].at(line, flat, values)
    if reduce == "mean":
        count = np.full(line.shape, 1 if include_self else 0, np.int64)
        np.add.at(count, flat, 1)
        count = np.maximum(count, 1)
        if line.dtype.kind in "iu":
            line[...] = line // count.astype(line.dtype)
        else:
            line[...] = line / count.astype(line.real.dtype)
    if out is not x:
        x[...] = out


def index_select(x: Array, index: Array, dim: int) -> Array:
    """The slices of a dim that index names."""
    if not x.ndim:
        check_in_range(index, 1)
        return x.copy()
    if index.size and x.ndim > 1 and (x.size == 0 or dim == 1):
        if not x.shape[dim]:
            raise RuntimeError("index_select(): self indexing axis dim should be positive")
        bad = (index < 0) | (index >= x.shape[dim])
        if bad.any():
            value = index.reshape(-1)[int(np.argmax(bad))]
            raise RuntimeError(f"INDICES element is out of DATA bounds, id={value} axis_dim={x.shape[dim]}")
    check_in_range(index, x.shape[dim])
    return x.take(index.reshape(-1), dim)


def check_in_range(index: Array, n: int) -> None:
    """Raise IndexError where an index lies outside 0 .. n - 1."""
    if index.size and (index.min() < 0 or index.max() >= n):
        raise IndexError("index out of range in self")


def index_add(x: Array, index: Array, source: Array, dim: int, alpha: Any) -> None:
    """x[.., index[i], ..] += alpha * source[.., i, ..]."""
    x, index, source = _one_dim(x), index.reshape(-1), _one_dim(source)
    if x.ndim == 1:
        check_in_range(index, x.shape[0])
    else:
        check_bounds(index, x.shape[dim], dim)
    if not source.size:
        return
    if alpha != 1:
        source = source * np.asarray(alpha).astype(x.dtype)
    moved = np.moveaxis(x, dim, 0)
    rows = moved.reshape(x.shape[dim], -1)
    add_at(rows, index, np.moveaxis(source, dim, 0).reshape(index.size, -1))
    if not np.may_share_memory(rows, x):
        moved[...] = rows.reshape(moved.shape)


def index_copy(x: Array, index: Array, source: Array, dim: int) -> None:
    """x[.., index[i], ..] = source[.., i, ..]."""
    x, index, source = _one_dim(x), index.reshape(-1), _one_dim(source)
    if not source.size:
        return  # PyTorch does not come to look at the indices
    check_bounds(index, x.shape[dim], dim, IndexError, "index_copy_(): ")
    x[(slice(None),) * dim + (index,)] = source


def index_fill(x: Array, index: Array, value: Any, dim: int, source: dtype | None, target: dtype) -> None:
    """x[.., index[i], ..] = value; negative indices count from the end."""
    x, index = _one_dim(x), index.reshape(-1)
    n = x.shape[dim]
    if any(size == 0 for d, size in enumerate(x.shape) if d != dim):
        return  # PyTorch does not come to look at the indices
    check_wrapped(index, n, dim)
    x[(slice(None),) * dim + (index,)] = value if source is None else cast(value, source, target)


def check_wrapped(index: Array, n: int, dim: int) -> None:
    """Raise IndexError for the first index outside -n .. n - 1."""
    bad = (index < -n) | (index >= n)
    if bad.any():
        value = index.reshape(-1)[int(np.argmax(bad))]
        raise IndexError(f"index {value} is out of bounds for dimension {dim} with size {n}")


def index_reduce(x: Array, index: Array, source: Array, dim: int, reduce: str, include_self: bool) -> None:
    """x[.., index[i], ..] reduced with source[.., i, ..]."""
    x, index, source = _one_dim(x), index.reshape(-1), _one_dim(source)
    check_bounds(index, x.shape[dim], dim, IndexError if x.ndim == 1 else RuntimeError)
    whole = np.broadcast_to(index.reshape([-1 if d == dim else 1 for d in range(x.ndim)]), source.shape)
    scatter_reduce(x, whole, source, dim, reduce, include_self)


# ------------------------------------------------------------------------------------------ as if one-dimensional


def _check_flat(index: Array, n: int) -> None:
    bad = (index < -n) | (index >= n)
    if bad.any():
        value = index.reshape(-1)[int(np.argmax(bad))]
        raise IndexError(f"out of range: tried to access index {value} on a tensor of {n} elements.")


def take(x: Array, index: Array) -> Array:
    """x.reshape(-1)[index]."""
    _check_flat(index, x.size)
    return x.reshape(-1)[np.ascontiguousarray(index)].reshape(index.shape)  # type: ignore[no-any-return]


def put(x: Array, index: Array, source: Array, accumulate: bool) -> None:
    """x.reshape(-1)[index] = source, or +=."""
    _check_flat(index, x.size)
    index, source = index.reshape(-1), source.reshape(-1)
    out = np.ascontiguousarray(x)
    line = out.reshape(-1)
    if accumulate and index.size:
        add_at(line[:, None], np.where(index < 0, index + line.size, index), source[:, None])
    elif index.size:
        line[index] = source
    if out is not x:
        x[...] = out.reshape(x.shape)


# ------------------------------------------------------------------------------------------ masks


def masked_fill(x: Array, mask: Array, value: Array, source: dtype, target: dtype) -> Array:
    """x with value where the mask is true, broadcast against it."""
    out = np.array(np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape)), order="C")
    fill_masked(out, mask, value, source, target)
    return out


def fill_masked(x: Array, mask: Array, value: Array, source: dtype, target: dtype) -> None:
    """Overwrite x where the mask, broadcast to it, is true."""
    np.copyto(x, cast(value, source, target), where=mask)


def masked_select(x: Array, mask: Array) -> Array:
    """The elements where the mask is true, broadcast against each other."""
    shape = np.broadcast_shapes(x.shape, mask.shape)
    return np.broadcast_to(x, shape)[np.broadcast_to(mask, shape)]  # type: ignore[no-any-return]


def masked_scatter(x: Array, mask: Array, source: Array) -> Array:
    """x with the source's elements, in order, where the mask is true."""
    out = np.array(np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape)), order="C")
    scatter_masked(out, mask, source)
    return out


def scatter_masked(x: Array, mask: Array, source: Array) -> None:
    """Overwrite x where the mask, broadcast to it, is true."""
    mask = np.broadcast_to(mask, x.shape)
    count = int(np.count_nonzero(mask))
    if source.size < count:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    if np.may_share_memory(x, source) or np.may_share_memory(x, mask):
        _scatter_in_turn(x, mask, source.reshape(-1))
    else:
        x[mask] = source.reshape(-1)[:count]


def _scatter_in_turn(x: Array, mask: Array, source: Array) -> None:
    """The same where reading sees what was written before."""
    taken = 0
    for at in np.ndindex(x.shape):
        if mask[at]:
            x[at] = source[taken]
            taken += 1


def masked_source(g: Array, mask: Array, size: int) -> Array:
    """Adjoint of masked_scatter for its source: the elements of g under the mask, then zeros."""
    out = np.zeros(size, g.dtype)
    chosen = g[np.broadcast_to(mask, g.shape)]
    out[: chosen.size] = chosen
    return out


def nonzero(x: Array) -> Array:
    """Indices of the nonzero elements, one a row, kept column by column."""
    if x.dtype.names is not None:
        x = (x["re"] != 0) | (x["im"] != 0)
    if not x.ndim:
        return np.empty((int(x.reshape(1)[0] != 0), 0), np.int64)
    return np.array(np.nonzero(x), np.int64).T


def wrap_indices(index: Array, n: int) -> Array:
    """Negative indices counted from the end. Raises RuntimeError for indices where there are no elements."""
    if not n and index.size:
        raise RuntimeError("ZeroDivisionError")
    return np.where(index < 0, index + n, index)


def bincount(x: Array, weights: Array | None, minlength: int) -> Array:
    """Counts of the values, or sums of their weights."""
    if x.min() < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    return np.bincount(x, weights, minlength)

"""NumPy kernels of reductions. Arrays come in the compute dtype; dims is a tuple of axes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from flambeau.cpu.layout import row_major

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]

_SINGLE = (np.dtype(np.float32), np.dtype(np.complex64))
# NumPy adds pairwise along the innermost axis only; beyond this many sequential additions single precision suffers
_SEQUENTIAL = 64
# so few elements are added in double precision sooner than in blocks
_FEW = 2048
_DOUBLE = {np.dtype(np.float32): np.dtype(np.float64), np.dtype(np.complex64): np.dtype(np.complex128)}


def total_of_few(x: Array, dims: Axes, keepdim: bool) -> Array:
    """Sum of single precision over dims by way of double."""
    return np.asarray(np.add.reduce(x, axis=dims, keepdims=keepdim, dtype=_DOUBLE[x.dtype])).astype(x.dtype)  # type: ignore[call-overload]


# up to so many elements a product with ones adds in half the time, though BLAS need not add pairwise
_SHORT = 256
_ONES = {np.dtype(t): np.ones(_SHORT, t) for t in (np.float32, np.float64)}


def sum_of_all(x: Array) -> Any:
    """Sum of all elements, as a NumPy scalar."""
    size = x.size
    if size <= _SHORT:
        ones = _ONES.get(x.dtype)
        if ones is not None:
            return x.ravel().dot(ones[:size])
    if x.ndim > 1 and not x.flags.forc and x.dtype in _SINGLE:
        return total(x, tuple(range(x.ndim)), False)[()]
    return np.add.reduce(x, None)


def total_of_all(x: Array) -> Array:
    """Sum of all elements, as a 0-d array."""
    return np.asarray(sum_of_all(x))


def mean_of_all(x: Array) -> Array:
    """Mean of all elements, as a 0-d array."""
    return np.asarray(sum_of_all(x) / x.size)


@row_major
def total(x: Array, dims: Axes, keepdim: bool) -> Array:
    """Sum over dims."""
    if x.ndim > 1 and x.dtype in _SINGLE:
        if x.size <= _FEW:
            return total_of_few(x, dims, keepdim)
        if max(x.shape) > 2 * _SEQUENTIAL:
            x = _folded(x, dims)
    return np.add.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload,no-any-return]


def _folded(x: Array, dims: Axes) -> Array:
    """x with its long sequential axes among dims summed in blocks, so that no sum has many terms in a row."""
    if len(dims) == x.ndim and x.flags.forc:
        return x
    inner = min(range(x.ndim), key=lambda d: (x.shape[d] == 1, abs(x.strides[d])))
    for d in dims:
        while d != inner and x.shape[d] > 2 * _SEQUENTIAL:
            blocks, rest = divmod(x.shape[d], _SEQUENTIAL)
            before, after = x.shape[:d], x.shape[d + 1 :]
            even = x[(slice(None),) * d + (slice(0, blocks * _SEQUENTIAL),)]
            strides = (*x.strides[:d], x.strides[d] * _SEQUENTIAL, *x.strides[d:])
            windows = np.lib.stride_tricks.as_strided(even, (*before, blocks, _SEQUENTIAL, *after), strides)
            folded = np.add.reduce(windows, axis=d + 1)
            if rest:
                odd = x[(slice(None),) * d + (slice(blocks * _SEQUENTIAL, None),)]
                folded = np.concatenate([folded, np.add.reduce(odd, axis=d, keepdims=True)], axis=d)
            x = folded
    return x


def count_of(shape: tuple[int, ...], dims: Axes) -> int:
    """How many elements one result is made of."""
    return prod(shape[d] for d in dims)


@row_major
def mean(x: Array, dims: Axes, keepdim: bool, count: int) -> Array:
    """Sum over count; 0/0 is NaN for an empty slice."""
    s = np.asarray(total(x, dims, keepdim))
    return s / s.real.dtype.type(count)  # type: ignore[no-any-return]


@row_major
def nansum(x: Array, dims: Axes, keepdim: bool) -> Array:
    """Sum of what is not NaN."""
    return total(np.where(np.isnan(x), x.dtype.type(0), x), dims, keepdim)


# PyTorch multiplies elements that lie side by side in four vectors of this many bytes
_VECTOR = 32
# float16: the largest number, and below what products lose digits
_HALF_LARGEST, _HALF_LEAST = 65504.0, 6.2e-5


@row_major
def product(x: Array, dims: Axes, keepdim: bool, half: bool, order: Axes, copied: bool) -> Array:
    """Product; half says that it is one of float16, which x holds in single precision.

    order: how PyTorch's iterator goes through the dims, outermost first; copied: over a copy that lies so.
    The factors are taken in PyTorch's order, which decides what overflows on the way.
    """
    if x.dtype.kind not in "fc" or not x.size:
        return np.asarray(np.multiply.reduce(x, axis=dims, keepdims=keepdim))  # type: ignore[call-overload]
    shape = x.shape
    if half and not _stays_half(x, dims):
        x = x.astype(np.float16)
    if copied:
        x = np.asarray(x.transpose(order), order="C").transpose(np.argsort(order))
    if len(dims) == 1:
        made = _along_last(np.moveaxis(x, dims[0], -1))
    else:
        # as one dim where that is possible
        x = x.transpose(order).squeeze()
        made = _along_last(x.reshape(-1) if x.flags.c_contiguous else x)
        made = _multiplied(np.reshape(made, -1))
    if not keepdim:
        return np.asarray(made)
    return np.reshape(made, [1 if d in dims else n for d, n in enumerate(shape)])


def _stays_half(x: Array, dims: Axes) -> bool:
    """Whether no product of some of the elements leaves float16."""
    size = np.abs(x)
    most = np.multiply.reduce(np.fmax(size, 1), axis=dims)
    least = np.multiply.reduce(np.where(size == 0, 1, np.fmin(size, 1)), axis=dims)
    return bool((most <= _HALF_LARGEST).all() and (least >= _HALF_LEAST).all())


def _along_last(x: Array) -> Array:
    """Products along the last dim: where its elements lie side by side, of vectors first."""
    width = _VECTOR // x.dtype.itemsize
    n = x.shape[-1] if x.ndim else 1
    if n < 4 * width or x.strides[-1] != x.dtype.itemsize:
        return _multiplied(np.moveaxis(x, -1, 0) if x.ndim else x[None])
    whole = n // (4 * width) * 4 * width
    vectors = x[..., :whole].reshape(*x.shape[:-1], whole // (4 * width), 4, width)
    a = _multiplied(np.moveaxis(vectors, -3, 0))
    a = (a[..., 0, :] * a[..., 1, :]) * (a[..., 2, :] * a[..., 3, :])
    made = _multiplied(np.moveaxis(a, -1, 0))
    return _multiplied(np.concatenate([made[None], np.moveaxis(x[..., whole:], -1, 0)]))


def _multiplied(steps: Array) -> Array:
    """The product along the first axis, rounded at every step; NumPy's own reduction of float16 rounds once."""
    if steps.dtype != np.float16:
        return np.asarray(np.multiply.reduce(steps, axis=0))
    made = steps[0]
    for step in steps[1:]:
        made = made * step
    return np.asarray(made)


@row_major
def any_of(x: Array, dims: Axes, keepdim: bool) -> Array:
    """Whether an element is not zero; NaN is not."""
    return np.logical_or.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload,no-any-return]


@row_major
def all_of(x: Array, dims: Axes, keepdim: bool) -> Array:
    """Whether no element is zero."""
    return np.logical_and.reduce(x, axis=dims, keepdims=keepdim)  # type: ignore[call-overload,no-any-return]


@row_major
def count_nonzero(x: Array, dims: Axes) -> Array:
    """Number of elements that are not zero."""
    return np.asarray(np.count_nonzero(x, axis=dims), np.int64)


def trace(x: Array) -> Array:
    """Sum of the diagonal."""
    return np.add.reduce(x.diagonal())  # type: ignore[no-any-return]


def diagonal_matrix(g: Array, shape: tuple[int, int]) -> Array:
    """Zeros with g, one number, on the diagonal."""
    out = np.zeros(shape, g.dtype)
    np.fill_diagonal(out[: shape[1]], g)
    return out

"""NumPy kernels of running sums, products and extremes along one dim."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.layout import row_major

Array = np.ndarray[Any, Any]

# single precision accumulates in double, as PyTorch's kernels do
_WIDE = {np.dtype(np.float32): np.float64, np.dtype(np.complex64): np.complex128}


def cumsum(x: Array, dim: int) -> Array:
    """Running sum."""
    return _accumulated(np.add, x, dim)


def cumprod(x: Array, dim: int) -> Array:
    """Running product."""
    return _accumulated(np.multiply, x, dim)


@row_major
def _accumulated(ufunc: np.ufunc, x: Array, dim: int) -> Array:
    if x.ndim == 0:
        return x.copy()
    if x.dtype.kind in "fc":
        # PyTorch starts from the neutral element: -0 becomes 0, an infinite complex number gets a NaN part
        first = (slice(None),) * dim + (slice(0, 1),)
        x = x.copy()
        x[first] = ufunc(x.dtype.type(ufunc.identity), x[first])
    return ufunc.accumulate(x, axis=dim, dtype=_WIDE.get(x.dtype, x.dtype)).astype(x.dtype, copy=False)


def cummax(x: Array, dim: int) -> tuple[Array, Array]:
    """Largest so far and where the latest of them stands; NaN stays."""
    return _latest(np.maximum, x, dim)


def cummin(x: Array, dim: int) -> tuple[Array, Array]:
    """Smallest so far and where the latest of them stands; NaN stays."""
    return _latest(np.minimum, x, dim)


@row_major
def _latest(ufunc: np.ufunc, x: Array, dim: int) -> tuple[Array, Array]:
    if x.ndim == 0 or x.size == 0:
        return x.copy(), np.zeros(x.shape, np.int64)
    best = ufunc.accumulate(x, axis=dim)
    here = x == best
    if x.dtype.kind == "f":
        here |= np.isnan(x)
    place = np.arange(x.shape[dim]).reshape([-1 if d == dim else 1 for d in range(x.ndim)])
    index = np.maximum.accumulate(np.where(here, place, 0), axis=dim)
    return np.take_along_axis(x, index, dim), index


@row_major
def logcumsumexp(x: Array, dim: int) -> Array:
    """Logarithm of the running sum of exponentials."""
    if x.ndim == 0 or x.size == 0:
        return x.copy()
    if x.dtype.kind != "c":
        return np.logaddexp.accumulate(x, axis=dim, dtype=np.float64).astype(x.dtype, copy=False)
    rows = np.moveaxis(x, dim, 0).astype(np.complex128)
    out = np.empty_like(rows)
    out[0] = running = rows[0]
    for i in range(1, len(rows)):
        out[i] = running = _add_exponentials(running, rows[i])
    return np.ascontiguousarray(np.moveaxis(out, 0, dim)).astype(x.dtype, copy=False)


def _add_exponentials(a: Array, b: Array) -> Array:
    """log(exp(a) + exp(b)) of complex numbers, taken out of the one with the larger real part."""
    nan = np.isnan(a) | np.isnan(b)
    low, high = np.where(a.real < b.real, a, b), np.where(a.real < b.real, b, a)
    level = ~np.isfinite(low.real) & (low.real == high.real)
    found = np.log1p(np.exp(low - high)) + high
    found = np.where(level, np.where(low.real < 0, low, np.log(np.exp(low) + np.exp(high))), found)
    return np.where(nan, complex(np.nan, np.nan), found)

"""NumPy kernels of variances."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.layout import row_major
from flambeau.cpu.reduce import count_of

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


def _moments(x: Array, dims: Axes, keepdim: bool, correction: float) -> tuple[Array, Array]:
    """Variance and mean in double precision, which rounded once are what PyTorch answers."""
    count = count_of(x.shape, dims)
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    mean = np.add.reduce(x, axis=dims, keepdims=True, dtype=wide) / np.float64(count)
    # measured from the first element, equal elements have no variance at all
    first = x[tuple(slice(0, 1) if d in dims else slice(None) for d in range(x.ndim))].astype(wide)
    first = np.where(np.isfinite(first), first, 0)
    off = np.asarray(x - first) if x.size else np.zeros(x.shape, wide)
    off = np.asarray(off - np.add.reduce(off, axis=dims, keepdims=True) / np.float64(count))
    left = np.float64(max(count - correction, 0.0))
    # the parts of complex numbers are divided apart: 0/0 in one of them is not lost in an infinity of the other
    parts = (off.real, off.imag) if off.dtype.kind == "c" else (off,)
    squares = [np.add.reduce(p * p, axis=dims, keepdims=keepdim) / left for p in parts]  # type: ignore[call-overload]
    var = squares[0] if len(squares) == 1 else squares[0] + squares[1]
    if not keepdim:
        mean = mean.reshape(np.shape(var))
    return np.asarray(var), np.asarray(mean)


@row_major
def var(x: Array, dims: Axes, keepdim: bool, correction: float) -> Array:
    """Mean squared distance from the mean, over count - correction."""
    return _moments(x, dims, keepdim, correction)[0]


@row_major
def std(x: Array, dims: Axes, keepdim: bool, correction: float) -> Array:
    """Square root of the variance."""
    return np.sqrt(_moments(x, dims, keepdim, correction)[0])


def complex_root(deviation: Array) -> Array:
    """A deviation as the root of a complex variance, NaN in both parts where it is NaN."""
    return np.where(np.isnan(deviation), complex(np.nan, np.nan), deviation)


def _as_updated(mean: Array, x: Array, dims: Axes) -> Array:
    """The mean as PyTorch's running update leaves it: an infinity before the last element makes it NaN."""
    if np.isfinite(mean).all():
        return mean
    rest = tuple(d for d in range(x.ndim) if d not in dims)
    rows = np.isinf(x).transpose(*rest, *dims).reshape(*[x.shape[d] for d in rest], -1)
    early = rows[..., :-1].any(axis=-1).reshape(mean.shape)
    return np.where(early, np.nan, mean)


@row_major
def var_mean(x: Array, dims: Axes, keepdim: bool, correction: float) -> tuple[Array, Array]:
    """Variance and mean."""
    variance, mean = _moments(x, dims, keepdim, correction)
    return variance, _as_updated(mean, x, dims)


@row_major
def std_mean(x: Array, dims: Axes, keepdim: bool, correction: float) -> tuple[Array, Array]:
    """Standard deviation and mean."""
    variance, mean = _moments(x, dims, keepdim, correction)
    return np.sqrt(variance), _as_updated(mean, x, dims)


def centred(x: Array, dims: Axes) -> Array:
    """Distances from the mean, computed in double precision."""
    if not x.size:
        return x
    wide = np.result_type(x.dtype, np.float64)
    mean = np.add.reduce(x, axis=dims, keepdims=True, dtype=wide) / count_of(x.shape, dims)
    return np.asarray(x - mean, x.dtype)

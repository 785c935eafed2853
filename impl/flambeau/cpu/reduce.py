"""NumPy kernels of reductions. Arrays come in the compute dtype; dims is a tuple of axes."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def total(x: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """Sum; NumPy's pairwise order along contiguous axes."""
    return np.add.reduce(x, axis=dims, keepdims=keepdim)


def mean(x: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """Sum over count; 0/0 is NaN for an empty slice."""
    count = 1
    for d in dims:
        count *= x.shape[d]
    s = np.asarray(np.add.reduce(x, axis=dims, keepdims=keepdim))
    return s / x.real.dtype.type(count)


def amax(x: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """Largest element, NaN if there is one."""
    return np.maximum.reduce(x, axis=dims, keepdims=keepdim)


def amin(x: Array, dims: tuple[int, ...], keepdim: bool) -> Array:
    """Smallest element, NaN if there is one."""
    return np.minimum.reduce(x, axis=dims, keepdims=keepdim)

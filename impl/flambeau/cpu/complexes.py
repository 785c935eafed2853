"""NumPy kernels of complex numbers from their parts and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _complex_like(x: Array, y: Array) -> Array:
    shape = np.broadcast_shapes(x.shape, y.shape)
    return np.empty(shape, np.complex128 if x.dtype == np.float64 else np.complex64)


def of_parts(x: Array, y: Array) -> Array:
    """x + i y."""
    out = _complex_like(x, y)
    out.real, out.imag = x, y
    return out


def of_polar(x: Array, y: Array) -> Array:
    """x (cos y + i sin y)."""
    return of_parts(x * np.cos(y), x * np.sin(y))


def angle(x: Array) -> Array:
    """Argument: of real numbers 0 or pi, NaN of NaN."""
    if x.dtype.kind == "c":
        return np.arctan2(x.imag, x.real)  # type: ignore[no-any-return]
    return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(math.pi), np.zeros((), x.dtype)))

"""NumPy kernels of shifts and of divisors."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def _out_of_range(y: Array) -> Array:
    return (y < 0) | (y >= 8 * y.dtype.itemsize)  # type: ignore[no-any-return]


def left_shift(x: Array, y: Array) -> Array:
    """x shifted left; zero where y is negative or not less than the width."""
    return np.where(_out_of_range(y), np.zeros((), x.dtype), np.left_shift(x, y))


def right_shift(x: Array, y: Array) -> Array:
    """x shifted right; every bit becomes the sign where y is negative or not less than the width."""
    width = 8 * y.dtype.itemsize
    far = np.asarray(width - 1, y.dtype)
    sign = np.right_shift(x, far) if x.dtype.kind == "i" else np.zeros((), x.dtype)
    return np.where(_out_of_range(y), sign, np.right_shift(x, np.minimum(y, far)))


def lcm(x: Array, y: Array) -> Array:
    """Least common multiple by |x / gcd · y|, which wraps as C does."""
    g = np.gcd(x, y)
    return np.abs(np.floor_divide(x, np.where(g == 0, np.ones((), x.dtype), g)) * y)  # type: ignore[no-any-return]

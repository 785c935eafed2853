"""NumPy kernels of comparisons that are more than one NumPy call."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def isclose(x: Array, y: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    """Whether |x - y| <= atol + rtol |y|; infinities are close to themselves alone."""
    close = np.asarray(x == y)
    if equal_nan and x.dtype.kind in "fc":
        close |= np.isnan(x) & np.isnan(y)
    if rtol == 0 and atol == 0:
        return close
    if x.dtype.kind in "bui":
        x, y = x.astype(np.float32), y.astype(np.float32)
    kind = y.real.dtype.type
    allowed = kind(atol) + np.abs(kind(rtol) * y)
    actual = np.abs(x - y)
    return close | (np.isfinite(actual) & (actual <= allowed))  # type: ignore[no-any-return]


def every(x: Array) -> bool:
    """Whether all elements are true."""
    return bool(x.all())


def isposinf(x: Array) -> Array:
    """Whether the element is infinity."""
    return np.equal(x, np.inf) if x.dtype.kind == "f" else np.zeros(x.shape, np.bool_)


def isneginf(x: Array) -> Array:
    """Whether the element is minus infinity."""
    return np.equal(x, -np.inf) if x.dtype.kind == "f" else np.zeros(x.shape, np.bool_)


def signbit(x: Array) -> Array:
    """Whether the sign bit is set."""
    return np.signbit(x) if x.dtype.kind == "f" else np.less(x, 0)

"""NumPy kernels of comparisons that are more than one NumPy call."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.dtypes import FLOATING, complex32, dtype

Array = np.ndarray[Any, Any]


def isclose(x: Array, y: Array, rtol: float, atol: float, equal_nan: bool, of: dtype) -> Array:
    """Whether |x - y| <= atol + rtol |y|; infinities are close to themselves alone.

    of: the operands' dtype, to which every step is rounded. The factor rtol alone is not, as PyTorch multiplies.
    """
    close = np.asarray(x == y)
    if equal_nan and x.dtype.kind in "fc":
        close |= np.isnan(x) & np.isnan(y)
    if rtol == 0 and atol == 0:
        return close
    if x.dtype.kind in "bui":
        x, y = x.astype(np.float32), y.astype(np.float32)
    kind = y.real.dtype.type
    if of is complex32:
        allowed = _half(np.abs(_half(rtol * y)) + kind(np.float16(atol)))
        actual = _half(np.abs(_half(x - y)))
    elif of.compute is not of and of.category == FLOATING:
        narrow = of.numpy
        near = np.asarray(kind(rtol) * y).astype(narrow)
        allowed = (np.abs(near.astype(kind)) + kind(np.asarray(atol, narrow))).astype(narrow)
        actual = np.abs(x - y).astype(narrow)
    else:
        allowed = kind(atol) + np.abs(kind(rtol) * y)
        actual = np.abs(x - y)
    return close | (np.isfinite(actual) & (actual <= allowed))


def _half(x: Array) -> Array:
    """Numbers, or both parts of complex ones, rounded to half precision."""
    if x.dtype.kind != "c":
        return np.asarray(x.astype(np.float16).astype(x.dtype))
    return np.asarray(_half(x.real) + 1j * _half(x.imag))


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

"""NumPy and SciPy kernels of transcendental functions. Arrays come in a floating compute dtype."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

Array = np.ndarray[Any, Any]
erf, erfc, digamma = special.erf, special.erfc, special.digamma
xlogy = special.xlogy
LOG2_E = 1 / math.log(2)


def erfinv(x: Array) -> Array:
    """Inverse of erf; SciPy's forgets the sign of zero."""
    return np.copysign(special.erfinv(x), x)  # type: ignore[no-any-return]


def log1p(x: Array) -> Array:
    """log(1 + x); of complex numbers near zero by |1 + x|² - 1, where NumPy's loses digits."""
    if x.dtype.kind != "c":
        return np.log1p(x)
    z = x.astype(np.complex128, copy=False)
    a, b = z.real, z.imag
    excess = a * (2 + a) + b * b
    near = np.where(excess == 0, a, 0.5 * np.log1p(excess))
    out = np.asarray(np.log(1 + z))
    out.imag = np.arctan2(b, 1 + a)  # 1 + z has lost the sign of an imaginary zero
    np.copyto(out.real, near, where=np.abs(z) < 0.5)
    return out.astype(x.dtype, copy=False)


def lgamma(x: Array) -> Array:
    """log |gamma(x)|; through double, since the value cancels near 1 and 2."""
    wide = special.gammaln(np.where(np.isneginf(x), -x, x), dtype=np.float64)  # SciPy's is NaN at -inf
    return wide.astype(x.dtype, copy=False)  # type: ignore[no-any-return]


def polygamma(x: Array, n: int) -> Array:
    """The n-th derivative of digamma; SciPy has the first for positive numbers alone, reflection for the others."""
    wide = x.astype(np.float64)
    if n == 1:
        reflected = (math.pi / np.sin(math.pi * wide)) ** 2 - special.zeta(2, 1 - wide)
        wide = np.where(wide < 0, reflected, special.zeta(2, wide))
    else:
        wide = special.polygamma(n, wide)
    return np.asarray(wide).astype(x.dtype)


def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x)."""
    t = x * x.real.dtype.type(math.pi)
    return np.where(x == 0, np.ones((), x.dtype), np.sin(t) / t)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    r = np.asarray(np.negative(x))
    np.exp(r, out=r)
    r += 1
    return np.true_divide(1, r, out=r) if r.dtype.kind == "c" else np.reciprocal(r, out=r)  # type: ignore[no-any-return]


def logit(x: Array, eps: float | None = None) -> Array:
    """log(x / (1 - x)), x clamped to [eps, 1 - eps] where eps is not negative."""
    if eps is not None and eps >= 0:
        kind = x.dtype.type
        low, high = kind(eps), kind(1) - kind(eps)
        x = np.where(x < low, low, np.minimum(x, high))
    return np.log(x / (1 - x))  # type: ignore[no-any-return]


def times(factor: float) -> Callable[[Array], Array]:
    """Multiplication by a constant, as a kernel."""
    return lambda x: np.multiply(x, factor)


def logaddexp(x: Array, y: Array) -> Array:
    """log(exp(x) + exp(y)); complex numbers are ordered by their real parts."""
    if x.dtype.kind != "c":
        return np.logaddexp(x, y)
    first = x.real >= y.real
    high, low = np.where(first, x, y), np.where(first, y, x)
    same = np.isinf(x.real) & (x == y)
    return np.where(same, x, high + log1p(np.exp(low - high)))


def logaddexp2(x: Array, y: Array) -> Array:
    """log2(2^x + 2^y)."""
    return np.logaddexp2(x, y)


def ldexp(x: Array, y: Array) -> Array:
    """x 2^y."""
    return np.multiply(x, np.exp2(y))

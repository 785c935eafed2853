"""uniform_, exponential_ and cauchy_."""

from __future__ import annotations

import math

import numpy as np

from . import exactmath
from .layout import FLOAT32, FLOAT64, Array, facts, is_complex32, not_implemented, store, view_as_real
from .mt19937 import Engine

_CHUNK = 8192  # keeps the float64 temporaries in cache


def uniform(out: Array, low: float, high: float, engine: Engine) -> Array:
    """Fill ``out`` (floating or complex) with uniforms in [low, high), one fused multiply-add each.

    Raises RuntimeError for bounds that are reversed or outside the dtype, NotImplementedError for other dtypes.
    """
    low, high = float(low), float(high)
    if out.dtype.kind == "c" or is_complex32(out.dtype):
        if out.size:
            uniform(view_as_real(out), low, high, engine)
        return out
    _check_uniform(out, low, high)
    n = out.size
    if n == 0:
        return out
    if out.dtype == FLOAT64:
        with engine.lock:
            x = engine.uniform53(n)
        if low == 0:
            if high != 1:
                x *= high
        else:
            x = exactmath.fma64(x, high - low, low)
        if (low, high) != (0.0, 1.0):
            x[x == high] = low
        store(out, x)
        return out
    with engine.lock:
        y = engine.uniform24(n)
    bounds = np.array([low, high], np.float32)
    first, last = bounds
    if first == 0:
        if last != 1:
            y *= last
    else:
        for start in range(0, n, _CHUNK):
            part = y[start : start + _CHUNK]
            part[...] = exactmath.fma32(part, last - first, first)
    if out.dtype == FLOAT32:
        if first != 0 or last != 1:
            y[y == last] = first
        store(out, y)
    else:
        narrow, ends = y.astype(out.dtype), bounds.astype(out.dtype)
        narrow[narrow == ends[1]] = ends[0]
        store(out, narrow)
    return out


def _check_uniform(out: Array, low: float, high: float) -> None:
    dtype = facts(out.dtype)
    if dtype.kind != "float":
        raise not_implemented("check_uniform_bounds", out.dtype)
    for name, bound in (("from", low), ("to", high)):
        if not -dtype.max <= bound <= dtype.max:
            raise RuntimeError(f"{name} is out of bounds for {dtype.c_name}")
    if low > high:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > dtype.max:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{dtype.name}>::max(), but found to={high:g} and "
            f"from={low:g} which result in to-from to exceed the limit"
        )


def exponential(out: Array, lambd: float, engine: Engine) -> Array:
    """Fill ``out`` (floating) with exponentials of rate ``lambd``. Raises RuntimeError unless lambd > 0."""
    lambd = float(lambd)
    if not lambd > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    if out.size == 0:
        return out
    if facts(out.dtype).kind != "float":
        raise RuntimeError(
            "Exponential distribution is a continuous probability distribution. dtype must be a floating point but "
            f"you specified {facts(out.dtype).name}"
        )
    with engine.lock:
        x = -engine.uniform53(out.size)
    factor = -1.0 / lambd
    if out.dtype == FLOAT64:
        store(out, factor * exactmath.log1p(x))
    else:
        store(out, exactmath.settle_float32(factor * np.log1p(x), lambda where: factor * exactmath.log1p(x[where])))
    return out


def cauchy(out: Array, median: float, sigma: float, engine: Engine) -> Array:
    """Fill ``out`` (floating) with Cauchy variates. Raises RuntimeError unless sigma > 0."""
    median, sigma = float(median), float(sigma)
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    if facts(out.dtype).kind != "float":
        raise RuntimeError(
            "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you "
            f"specified {facts(out.dtype).c_name}"
        )
    if out.size == 0:
        return out
    with engine.lock:
        u = engine.uniform53(out.size)
    tangent = exactmath.tan(math.pi * (u - 0.5))
    with np.errstate(over="ignore", invalid="ignore"):
        store(out, exactmath.fma64(tangent, sigma, median))
    return out

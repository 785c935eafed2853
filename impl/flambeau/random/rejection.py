"""Distributions drawn by rejection, one element after another: poisson and the standard gamma."""

from __future__ import annotations

import ctypes
import functools
import math
import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from .layout import Array, facts, not_implemented, store
from .mt19937 import Engine
from .normal import serial_normals

_THIRD = np.float32(1 / 3)
_SQUEEZE = float(np.float32(0.0331))


@functools.cache
def _log_gamma() -> Callable[[float], float]:
    """The C library's lgamma: Python's own differs in the last bits, which decide at rates of 10**9 and more."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    library.lgamma.argtypes, library.lgamma.restype = [ctypes.c_double], ctypes.c_double
    return cast("Callable[[float], float]", library.lgamma)


def poisson(rate: Array, engine: Engine) -> Array:
    """Poisson counts of the floating array ``rate``, same shape and dtype, C order.

    Raises RuntimeError for a negative or nan rate, NotImplementedError for other dtypes.
    """
    if facts(rate.dtype).kind != "float":
        raise not_implemented("poisson_cpu", rate.dtype)
    out = np.zeros(rate.shape, rate.dtype)
    if rate.size == 0:
        return out
    with engine.lock:
        counts = [_count(value, engine) for value in rate.reshape(-1).astype(np.float64).tolist()]
    store(out, np.array(counts, np.float64))
    return out


def _count(rate: float, engine: Engine) -> int:
    if not rate >= 0:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if rate >= 10:
        return _transformed_rejection(rate, engine)
    return 0 if rate == 0 else _products_of_uniforms(rate, engine)


def _products_of_uniforms(rate: float, engine: Engine) -> int:
    """Knuth, The Art of Computer Programming, volume 2, 3.4.1."""
    threshold, product, count = math.exp(-rate), 1.0, 0
    while True:
        product *= engine.uniform53_list(1)[0]
        if product <= threshold:
            return count
        count += 1


def _transformed_rejection(rate: float, engine: Engine) -> int:
    """Algorithm PTRS of Hörmann, The transformed rejection method for generating Poisson random variables, 1993."""
    log_rate, log_gamma = math.log(rate), _log_gamma()
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = engine.uniform53_list(2)
        u -= 0.5
        distance = 0.5 - abs(u)
        if distance == 0:
            continue
        position = (2 * a / distance + b) * u + rate + 0.43
        count = math.floor(position) if abs(position) < 2.0**63 else -(2**63)  # as x86 converts nan and inf
        if distance >= 0.07 and v <= squeeze:
            return count
        if count < 0 or (distance < 0.013 and v > distance):
            continue
        accepted = (math.log(v) if v else -math.inf) + math.log(inverse_alpha) - math.log(a / (distance * distance) + b)
        if accepted <= -rate + count * log_rate - log_gamma(count + 1.0):
            return count


def standard_gamma(shape: Array, engine: Engine) -> Array:
    """Gamma variates of unit scale for an array of shape parameters; same array shape and dtype, never below tiny.

    Raises NotImplementedError unless ``shape`` is float32 or float64.
    """
    if shape.dtype not in (np.float32, np.float64):
        raise not_implemented("gamma_cpu", shape.dtype)
    with engine.lock:
        values = [float(_gamma(alpha, engine)) for alpha in shape.reshape(-1)]
    out = np.zeros(shape.shape, shape.dtype)
    store(out, np.array(values, np.float64))
    lowest = np.finfo(out.dtype).tiny
    out[~(out > lowest)] = lowest  # nan too
    return out


def _gamma(alpha: np.floating[Any], engine: Engine) -> float:
    """Marsaglia & Tsang, A simple method for generating gamma variables, 2000.

    The constants are float32, and ``alpha`` is prepared in its own precision, as in PyTorch.
    """
    scale = 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        with np.errstate(over="ignore"):
            scale = float(np.float64(1 - engine.uniform53_list(1)[0]) ** float(1 / alpha))
        alpha = alpha + 1
    d = float(alpha - _THIRD)
    c = 1 / math.sqrt(9 * d) if d > 0 else math.nan  # nan goes through to the result
    while True:
        root = -1.0
        while root <= 0:
            x = float(serial_normals(1, 0, 1, engine)[0])
            root = 1 + c * x
        v = root * root * root
        u = 1 - engine.uniform53_list(1)[0]
        squared = x * x
        if u < 1 - _SQUEEZE * squared * squared or math.log(u) < 0.5 * squared + d * (1 - v + math.log(v)):
            return scale * d * v

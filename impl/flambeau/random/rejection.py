"""Distributions drawn by rejection, one element after another: poisson."""

from __future__ import annotations

import ctypes
import functools
import math
import sys
from collections.abc import Callable
from typing import cast

import numpy as np

from .layout import Array, facts, not_implemented, store
from .mt19937 import Engine


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

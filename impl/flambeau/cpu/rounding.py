"""NumPy kernels of rounding, signs and neighbours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from flambeau.cpu.casting import cast
from flambeau.dtypes import OF_NUMPY, dtype

Array = np.ndarray[Any, Any]


def of_floats(ufunc: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A rounding that copies integers."""
    return lambda x: ufunc(x) if x.dtype.kind == "f" else np.positive(x)


def round(x: Array, decimals: int | None = None) -> Array:
    """The nearest integer, halves to even; with decimals by way of a power of ten."""
    if x.dtype.kind != "f":
        return np.positive(x)
    if not decimals:
        return np.rint(x)
    ten = x.dtype.type(10.0 ** abs(decimals))
    return np.rint(x * ten) / ten if decimals > 0 else np.rint(x / ten) * ten  # type: ignore[no-any-return]


def frac(x: Array) -> Array:
    """x - trunc(x)."""
    return np.subtract(x, np.trunc(x))


def absolute(x: Array) -> Array:
    """The size of each element; NumPy's own errs by more than an ulp in complex64, which double rounds once."""
    if x.dtype != np.complex64:
        return np.absolute(x)
    return np.asarray(np.absolute(x.astype(np.complex128))).astype(np.float32)


def sign(x: Array) -> Array:
    """-1, 0 or 1, 0 of NaN; of complex numbers x / |x|."""
    kind = x.dtype.kind
    if kind == "c":
        # part by part: a complex quotient takes the length's reciprocal, infinite for the least lengths
        r, length = np.array(x), absolute(x)
        for part in (r.real, r.imag):
            np.divide(part, length, out=part, where=length != 0)
        return r
    if kind == "b":
        return x.copy()
    if kind == "u":
        return np.greater(x, 0).astype(x.dtype)
    return np.subtract(x > 0, x < 0, dtype=x.dtype)


def heaviside(x: Array, values: Array) -> Array:
    """values at zero, else whether x is positive."""
    return np.where(x == 0, values, np.greater(x, 0).astype(x.dtype))


def nextafter(x: Array, y: Array, target: dtype) -> Array:
    """The next number of the target dtype from x towards y."""
    x, y = cast(x, OF_NUMPY[x.dtype], target), cast(y, OF_NUMPY[y.dtype], target)
    # of two equal halves NumPy answers the first, C the second: zeros of two signs
    return np.nextafter(x, y) if x.dtype != np.float16 else np.where(x == y, y, np.nextafter(x, y))


def nan_to_num(x: Array, of: dtype, nan: float | None, posinf: float | None, neginf: float | None) -> Array:
    """Finite numbers for NaN and infinities; of: the real dtype whose largest number stands for infinity."""
    if x.dtype.kind not in "fc":
        return x.copy()
    out = np.array(x, order="K")
    info = ml_dtypes.finfo(of.numpy)
    for part in (out.real, out.imag) if x.dtype.kind == "c" else (out,):
        bad = np.isnan(part), np.isposinf(part), np.isneginf(part)
        values = (
            nan or 0.0,
            float(info.max) if posinf is None else posinf,
            float(info.min) if neginf is None else neginf,
        )
        for where, value in zip(bad, values, strict=True):
            part[where] = value
    return out

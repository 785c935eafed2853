"""Converting arrays between dtypes as C does, and as PyTorch therefore does."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.dtypes import COMPLEX, dtype

Array = np.ndarray[Any, Any]


def cast(a: Array, source: dtype, target: dtype) -> Array:
    """A new array in the target's storage dtype, `a` itself where the dtypes are the same."""
    if source is target:
        return a
    if source is dtypes.complex32:
        wide = np.empty_like(a, np.complex64)
        wide.real, wide.imag = a["re"], a["im"]
        a, source = wide, dtypes.complex64
        if target is source:
            return a
    if target is dtypes.complex32:
        out = np.empty_like(a, target.numpy)
        if source.category == COMPLEX:
            a = a.astype(np.complex64, copy=False)
            out["re"], out["im"] = a.real, a.imag
        else:
            out["re"], out["im"] = a.astype(np.float32, copy=False), 0
        return out
    if source.category == COMPLEX and target.category < COMPLEX:
        if target.category == dtypes.BOOL:
            return a != 0  # type: ignore[no-any-return]
        a = a.real
    if source is dtypes.bfloat16 or target is dtypes.bfloat16 or target is dtypes.float16:
        # halves are made of float32, and made into it first, as PyTorch converts: double numbers are rounded twice
        a = a.astype(np.float32, copy=False)
    return a.astype(target.numpy)


def scalar(value: Any, target: dtype) -> Array:
    """A Python number as a 0-d array of a compute dtype: integers wrap as C's do."""
    numpy_dtype = target.numpy
    if target.category == dtypes.INTEGRAL and type(value) is int:
        bits = 8 * target.itemsize
        value &= (1 << bits) - 1
        if target.is_signed and value >> (bits - 1):
            value -= 1 << bits
    elif target.category == dtypes.INTEGRAL and isinstance(value, float):
        return np.asarray(value, np.float64).astype(numpy_dtype)
    elif target.category < COMPLEX and isinstance(value, complex):
        value = value.real
    return np.asarray(value).astype(numpy_dtype)


def rounded(value: Any, half: dtype, *, negated: bool = False) -> Array:
    """A Python number rounded to a half dtype, a 0-d array, or the two parts of a complex one; then negated."""
    if half.is_complex:
        found = np.asarray((value.real, value.imag), np.float16)
    else:
        found = cast(scalar(value, half.compute), half.compute, half)
    return np.asarray(-found) if negated else found

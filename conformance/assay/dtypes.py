"""PyTorch's dtypes by name: families, categories and what NumPy calls them. Knows no torch."""

from __future__ import annotations

import ml_dtypes
import numpy as np

BOOL = ("bool",)
SIGNED = ("int8", "int16", "int32", "int64")
INTEGERS = ("uint8", *SIGNED)
BAREBONES = ("uint16", "uint32", "uint64")
HALVES = ("float16", "bfloat16")
FLOATS = ("float32", "float64")
FLOATING = (*FLOATS, *HALVES)
COMPLEX = ("complex64", "complex128")
ALL_COMPLEX = ("complex32", *COMPLEX)
REAL = (*INTEGERS, *FLOATING)
REAL_AND_BOOL = (*REAL, "bool")
NUMERIC = (*REAL, *COMPLEX)
COMMON = (*NUMERIC, "bool")
DIFFERENTIABLE = (*FLOATING, *COMPLEX)
INTEGERS_AND_BOOL = (*INTEGERS, "bool")
ALL = (*COMMON, "complex32", *BAREBONES)

#: complex32 is stored as pairs of float16: an array of that dtype has one more dimension, of size 2.
NUMPY: dict[str, np.dtype] = {
    **{name: np.dtype(name) for name in (*INTEGERS, *BAREBONES, "float16", *FLOATS, *COMPLEX)},
    "bool": np.dtype(np.bool_),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "complex32": np.dtype(np.float16),
}

_CATEGORY = dict.fromkeys(BOOL, 0)
_CATEGORY |= dict.fromkeys((*INTEGERS, *BAREBONES), 1)
_CATEGORY |= dict.fromkeys(FLOATING, 2)
_CATEGORY |= dict.fromkeys(ALL_COMPLEX, 3)


def category(dtype: str) -> int:
    """0 bool, 1 integer, 2 floating, 3 complex: what in-place and `out=` may not lower. Raises KeyError."""
    return _CATEGORY[dtype]


def is_differentiable(dtype: str) -> bool:
    """Whether a tensor of this dtype may require a gradient."""
    return _CATEGORY[dtype] >= 2


def real_part(dtype: str) -> str:
    """The dtype of the real part of a complex dtype; any other dtype itself."""
    return {"complex32": "float16", "complex64": "float32", "complex128": "float64"}.get(dtype, dtype)

"""The dtypes kernels know: how each lies in memory, and what it is computed in."""

from __future__ import annotations

from typing import NamedTuple


class CppType(NamedTuple):
    """``stored`` and ``computed`` are C++ types; ``scalar`` the ``struct`` code of the computed one, by component."""

    stored: str
    computed: str
    itemsize: int
    scalar: str


CPP_TYPES = {
    "bool": CppType("bool", "bool", 1, "?"),
    "uint8": CppType("flambeau::u8", "flambeau::u8", 1, "B"),
    "int8": CppType("flambeau::i8", "flambeau::i8", 1, "b"),
    "uint16": CppType("flambeau::u16", "flambeau::u16", 2, "H"),
    "int16": CppType("flambeau::i16", "flambeau::i16", 2, "h"),
    "uint32": CppType("flambeau::u32", "flambeau::u32", 4, "I"),
    "int32": CppType("flambeau::i32", "flambeau::i32", 4, "i"),
    "uint64": CppType("flambeau::u64", "flambeau::u64", 8, "Q"),
    "int64": CppType("flambeau::i64", "flambeau::i64", 8, "q"),
    "float16": CppType("flambeau::half", "float", 2, "f"),
    "bfloat16": CppType("flambeau::bfloat16", "float", 2, "f"),
    "float32": CppType("float", "float", 4, "f"),
    "float64": CppType("double", "double", 8, "d"),
    "complex32": CppType("flambeau::complex<flambeau::half>", "flambeau::complex<float>", 4, "ff"),
    "complex64": CppType("flambeau::complex<float>", "flambeau::complex<float>", 8, "ff"),
    "complex128": CppType("flambeau::complex<double>", "flambeau::complex<double>", 16, "dd"),
}

FLOATING = ("float16", "bfloat16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
INTEGRAL = ("uint8", *SIGNED)
COMPLEX = ("complex64", "complex128")
REAL = (*FLOATING, *INTEGRAL, "bool")
ALL = (*REAL, *COMPLEX)

REAL_PART = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
COMPLEX_OF = {part: whole for whole, part in REAL_PART.items()}
EXACT = frozenset(dtype for dtype, cpp in CPP_TYPES.items() if cpp.scalar not in ("f", "d", "ff", "dd"))

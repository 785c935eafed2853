"""Memory order, complex views and dtype facts shared by the distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOAT16 = np.dtype(np.float16)
FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)
COMPLEX32 = np.dtype([("real", np.float16), ("imag", np.float16)])


@dataclass(frozen=True)
class DTypeFacts:
    """What PyTorch's checks and messages need to know of a dtype."""

    name: str
    c_name: str
    kind: str  # one of "bool", "int", "unsigned", "float", "complex"
    digits: int  # std::numeric_limits<T>::digits
    max: float | int


FACTS: dict[np.dtype[Any], DTypeFacts] = {
    np.dtype(np.bool_): DTypeFacts("Bool", "bool", "bool", 1, 1),
    np.dtype(np.uint8): DTypeFacts("Byte", "unsigned char", "int", 8, 2**8 - 1),
    np.dtype(np.int8): DTypeFacts("Char", "signed char", "int", 7, 2**7 - 1),
    np.dtype(np.int16): DTypeFacts("Short", "short int", "int", 15, 2**15 - 1),
    np.dtype(np.int32): DTypeFacts("Int", "int", "int", 31, 2**31 - 1),
    np.dtype(np.int64): DTypeFacts("Long", "long int", "int", 63, 2**63 - 1),
    np.dtype(np.uint16): DTypeFacts("UInt16", "short unsigned int", "unsigned", 16, 2**16 - 1),
    np.dtype(np.uint32): DTypeFacts("UInt32", "unsigned int", "unsigned", 32, 2**32 - 1),
    np.dtype(np.uint64): DTypeFacts("UInt64", "long unsigned int", "unsigned", 64, 2**64 - 1),
    FLOAT16: DTypeFacts("Half", "c10::Half", "float", 11, 65504.0),
    BFLOAT16: DTypeFacts("BFloat16", "c10::BFloat16", "float", 8, float.fromhex("0x1.FEp127")),
    FLOAT32: DTypeFacts("Float", "float", "float", 24, float(np.finfo(np.float32).max)),
    FLOAT64: DTypeFacts("Double", "double", "float", 53, float(np.finfo(np.float64).max)),
    COMPLEX32: DTypeFacts("ComplexHalf", "c10::complex<c10::Half>", "complex", 11, 65504.0),
    np.dtype(np.complex64): DTypeFacts("ComplexFloat", "c10::complex<float>", "complex", 24, 0.0),
    np.dtype(np.complex128): DTypeFacts("ComplexDouble", "c10::complex<double>", "complex", 53, 0.0),
}


def facts(dtype: np.dtype[Any]) -> DTypeFacts:
    """Facts of ``dtype``; any structure of two float16 fields counts as complex32. Raises TypeError for others."""
    found = FACTS.get(dtype)
    if found is not None:
        return found
    if is_complex32(dtype):
        return FACTS[COMPLEX32]
    raise TypeError(f"no random distribution is defined for the NumPy dtype {dtype}")


def is_complex32(dtype: np.dtype[Any]) -> bool:
    """True for a structure of two float16 fields and nothing else."""
    return (
        dtype.names is not None
        and dtype.itemsize == 4
        and len(dtype.names) == 2
        and all(dtype[name] == FLOAT16 for name in dtype.names)
    )


def not_implemented(kernel: str, dtype: np.dtype[Any]) -> NotImplementedError:
    """PyTorch's answer where a kernel has no instance for ``dtype``."""
    return NotImplementedError(f"\"{kernel}\" not implemented for '{facts(dtype).name}'")


def view_as_real(out: Array) -> Array:
    """A complex array of shape (...) as a real view of shape (..., 2)."""
    real = FLOAT16 if out.dtype.names is not None else out.real.dtype
    if out.flags.c_contiguous:
        return out.reshape(-1).view(real).reshape(*out.shape, 2)
    first = out[out.dtype.names[0]] if out.dtype.names is not None else out.real
    return np.lib.stride_tricks.as_strided(first, (*out.shape, 2), (*out.strides, real.itemsize))


def memory_order(out: Array) -> Array:
    """``out`` with its dimensions from the largest stride to the smallest, the order in which PyTorch visits it."""
    if out.flags.c_contiguous:
        return out
    return out.transpose(sorted(range(out.ndim), key=lambda d: -out.strides[d]))


def store(out: Array, values: Array) -> None:
    """Write flat ``values`` into ``out`` in memory order; doubles pass through float32 on the way to 16 bits."""
    if values.dtype == FLOAT64 and out.dtype != FLOAT64:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if out.dtype.itemsize == 2 and facts(out.dtype).kind == "float":
                values = values.astype(np.float32)
            _assign(out, values)
    elif values.dtype == FLOAT32 and out.dtype.itemsize == 2:
        with np.errstate(over="ignore", under="ignore"):
            _assign(out, values)
    else:
        _assign(out, values)


def _assign(out: Array, values: Array) -> None:
    if out.flags.c_contiguous:
        out.reshape(-1)[...] = values
    else:
        view = memory_order(out)
        view[...] = values.reshape(view.shape)

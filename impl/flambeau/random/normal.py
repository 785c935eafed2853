"""normal_, log_normal_ and torch.normal with tensor parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import boxmuller, exactmath
from .layout import (
    BFLOAT16,
    FLOAT16,
    FLOAT64,
    Array,
    facts,
    is_complex32,
    not_implemented,
    store,
    view_as_real,
)
from .mt19937 import Engine

_TWO_PI = 2 * math.pi


def _check_std(std: float) -> None:
    if not std >= 0.0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


def normal(out: Array, mean: float, std: float, engine: Engine) -> Array:
    """Fill ``out`` (floating or complex, any strides) with normals; complex parts have variance std**2 / 2.

    Raises RuntimeError for a negative std, NotImplementedError for other dtypes.
    """
    mean, std = float(mean), float(std)
    _check_std(std)
    if out.size == 0:
        return out
    real = out
    if out.dtype.kind == "c" or is_complex32(out.dtype):
        real = view_as_real(out)
        std /= math.sqrt(2)
    elif facts(out.dtype).kind != "float":
        raise not_implemented("normal_kernel_cpu", out.dtype)
    with engine.lock:
        if real.size >= 16 and real.flags.c_contiguous:
            _fill_blocks(real.reshape(-1), mean, std, engine)
        else:
            store(real, serial_normals(real.size, mean, std, engine))
    return out


def _fill_blocks(out: Array, mean: float, std: float, engine: Engine) -> None:
    """Blocks of 16; a remainder redoes the last 16 values with fresh uniforms."""
    n = out.size
    whole = n - n % 16
    fresh = 16 if n % 16 else 0
    # float32 and float64 draw for the remainder too and discard it, the 16-bit types do not.
    drawn = whole if out.dtype.itemsize == 2 else n
    double = out.dtype == FLOAT64
    u: Array = engine.uniform53(drawn + fresh) if double else engine.uniform24(drawn + fresh)
    if drawn != whole:
        u = np.concatenate((u[:whole], u[n:]))
    values = boxmuller.normals64(u, mean, std) if double else boxmuller.normals32(u, mean, std)
    store(out[:whole], values[:whole])
    if fresh:
        store(out[-16:], values[whole:])


def serial_normals(n: int, mean: float, std: float, engine: Engine) -> exactmath.F64:
    """``n`` float64 normals one after another, the second of each pair kept for the next call, whatever its kind."""
    out = np.empty(n)
    start = 0
    if n and engine.next_double_normal is not None:
        out[0] = engine.next_double_normal
        engine.next_double_normal = None
        start = 1
    pairs = (n - start + 1) // 2
    if 0 < pairs <= 8:
        u = engine.uniform53_list(2 * pairs)
        values: list[float] = []
        for i in range(0, 2 * pairs, 2):
            radius = math.sqrt(-2.0 * math.log1p(-u[i + 1]))
            theta = _TWO_PI * u[i]
            values += (radius * math.cos(theta), radius * math.sin(theta))
        out[start:] = values[: n - start]
        if (n - start) % 2:
            engine.next_double_normal = values[-1]
    elif pairs:
        both = np.empty((pairs, 2))
        v = engine.uniform53(2 * pairs).reshape(pairs, 2)
        r = np.sqrt(-2.0 * exactmath.log1p(-v[:, 1]))
        angle = _TWO_PI * v[:, 0]
        np.multiply(r, np.cos(angle), out=both[:, 0])
        np.multiply(r, np.sin(angle), out=both[:, 1])
        out[start:] = both.reshape(-1)[: n - start]
        if (n - start) % 2:
            engine.next_double_normal = float(both[-1, 1])
    if mean == 0:
        out *= std
        out += 0.0
        return out
    return exactmath.fma64(out, std, mean)


def log_normal(out: Array, mean: float, std: float, engine: Engine) -> Array:
    """Fill ``out`` (floating) with exp of normals. Raises RuntimeError unless std > 0."""
    mean, std = float(mean), float(std)
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if out.size == 0:
        return out
    if facts(out.dtype).kind != "float":
        raise not_implemented("log_normal_cpu", out.dtype)
    with engine.lock:
        x = serial_normals(out.size, mean, std, engine)
    if out.dtype == FLOAT64:
        store(out, exactmath.exp(x))
    else:
        with np.errstate(over="ignore", under="ignore"):
            store(out, exactmath.settle_float32(np.exp(x), lambda where: exactmath.exp(x[where])))
    return out


def normal_tensor(
    mean: Array | float,
    std: Array | float,
    engine: Engine,
    out: Array | None = None,
    check: Callable[[], None] | None = None,
) -> Array:
    """``torch.normal`` with at least one ndarray among ``mean`` and ``std``, which broadcast.

    The result has the dtype of ``mean`` if that is an array, else of ``std``; ``out``, of the broadcast shape, is
    filled instead when given; check is called when the numbers are drawn, before std and mean are applied. Raises
    RuntimeError for a negative or complex std.
    """
    if not isinstance(std, np.ndarray):
        if not isinstance(mean, np.ndarray):
            raise TypeError("normal_tensor needs an ndarray for mean or std")
        std = float(std)
        _check_std(std)
        out = np.empty(mean.shape, mean.dtype) if out is None else out
        normal(out, 0.0, std, engine)
        if check is not None:
            check()
        _combine(out, np.add, mean)
        return out
    kind = facts(std.dtype).kind
    if kind == "complex":
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if kind == "unsigned" and std.size:
        raise not_implemented("min_all", std.dtype)
    if std.size and not (std >= 0).all():
        raise RuntimeError("normal expects all elements of std >= 0.0")
    if out is None:
        if isinstance(mean, np.ndarray):
            out = np.empty(np.broadcast_shapes(mean.shape, std.shape), mean.dtype)
        else:
            out = np.empty(std.shape, std.dtype)
    normal(out, 0.0, 1.0, engine)
    if check is not None:
        check()
    _combine(out, np.multiply, std)
    _combine(out, np.add, mean if isinstance(mean, np.ndarray) else _full(mean, out.dtype))
    return out


def _full(value: float, dtype: np.dtype[Any]) -> Array:
    full = np.zeros((), dtype)
    store(full if dtype.names is None else view_as_real(full)[..., 0], np.array([float(value)]))
    return full


def _wide(x: Array) -> Array:
    """16-bit values in the dtype PyTorch computes them in."""
    if x.dtype in (FLOAT16, BFLOAT16):
        return x.astype(np.float32)
    if is_complex32(x.dtype):
        return view_as_real(x).astype(np.float32, order="C").view(np.complex64)[..., 0]
    return x


def _combine(out: Array, operation: np.ufunc, other: Array) -> None:
    """``out`` op= ``other`` with PyTorch's promotion: a 0-d operand of the same or a lower kind has no say."""
    a, b = _wide(out), _wide(other)
    ranks = {"bool": 0, "int": 1, "unsigned": 1, "float": 2, "complex": 3}
    same_kind_scalar = b.ndim == 0 and out.ndim > 0 and ranks[facts(other.dtype).kind] <= ranks[facts(out.dtype).kind]
    if same_kind_scalar or ranks[facts(other.dtype).kind] < 2:
        if is_complex32(out.dtype) and b.dtype.kind != "c":
            b = b.astype(np.float16)  # float16 scalars are not rounded first, complex32 ones are
        b = b.astype(a.dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        result = operation(a, b)
        if is_complex32(out.dtype):
            parts = np.ascontiguousarray(result).astype(np.complex64).reshape(*out.shape, 1).view(np.float32)
            view_as_real(out)[...] = parts
        else:
            out[...] = result.astype(np.float32) if out.dtype in (FLOAT16, BFLOAT16) else result

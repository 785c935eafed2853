"""NumPy kernels of elementwise operations that are more than one NumPy call. Arrays come in the compute dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.quiet import WATCHFUL, enter, leave
from flambeau.dtypes import OF_NUMPY
from flambeau.errors import check_fits

Array = np.ndarray[Any, Any]
ZERO_DIVISION = "ZeroDivisionError"
_LARGEST = float(np.finfo(np.float32).max)


def scaled(y: Any, alpha: Any) -> Any:
    """y times a Python number, in y's dtype.

    Of complex numbers also times one, as PyTorch does: it turns the other part of an infinite one into NaN.
    """
    if type(alpha) is not bool and alpha == 1 and (y.dtype.kind != "c" or np.isfinite(y).all()):
        return y
    return y * np.asarray(alpha).astype(y.dtype)


def plus_product(x: Array, a: Any, b: Any, out: Array | None = None) -> Array:
    """x + a b, whose product neither under- nor overflows: PyTorch's kernels multiply and add in one step."""
    if x.dtype.kind != "f":
        return np.add(x, a * b, out=out)  # type: ignore[no-any-return]
    token = enter(WATCHFUL)
    try:
        product = np.asarray(a * b)
        exact = False
    except FloatingPointError:
        exact = True
    finally:
        leave(token)
    if not exact:
        return np.add(x, product, out=out)  # type: ignore[no-any-return]
    product = np.asarray(a * b)
    found = np.asarray(np.add(x, product))
    doubtful = (np.abs(found) < 4 * np.finfo(x.dtype).smallest_normal) | ~np.isfinite(product)
    if doubtful.any():
        wide = np.float64 if x.dtype == np.float32 else np.longdouble
        x, a, b = (np.broadcast_to(t, found.shape)[doubtful].astype(wide) for t in (x, a, b))
        found[doubtful] = x + a * b
    if out is None:
        return found
    out[...] = found
    return out


# halves that PyTorch's kernels multiply and add at a time, in float32; of those left over they round the product
_HALVES_AT_ONCE = 32


def _plus_halves(x: Array, y: Array, alpha: Array) -> Array:
    """x + alpha y of halves in float32 (alpha is as they are stored)."""
    narrow = alpha.dtype
    factor = alpha.astype(np.float32)
    if y.dtype.kind == "c":  # never taken many at a time
        a, b = y.real * factor[0] - y.imag * factor[1], y.real * factor[1] + y.imag * factor[0]
        product = np.empty(y.shape, y.dtype)
        product.real, product.imag = a.astype(narrow), b.astype(narrow)
        return x + product
    found = np.asarray(x + y * factor)
    count = found.size % _HALVES_AT_ONCE
    if not count or (found.size > count and not {t.shape for t in (x, y) if t.size > 1} <= {found.shape}):
        return found
    # row-major operands of one shape, or too few elements
    flat = found.reshape(-1)
    x, y = (t.reshape(-1) if t.size == 1 else np.broadcast_to(t, found.shape).reshape(-1)[-count:] for t in (x, y))
    flat[-count:] = x + (y * factor).astype(narrow).astype(np.float32)
    return found


def add(x: Array, y: Array, alpha: Any, out: Array | None = None) -> Array:
    """x + alpha y; for booleans, and is times."""
    if isinstance(alpha, np.ndarray):
        return _plus_halves(x, y, alpha)
    if alpha == 1 or y.dtype.kind != "f":
        return np.add(x, scaled(y, alpha), out=out)  # type: ignore[no-any-return]
    if abs(alpha) > _LARGEST:
        check_fits(alpha, OF_NUMPY[y.dtype])
    return plus_product(x, y, y.dtype.type(alpha), out)


def subtract(x: Array, y: Array, alpha: Any, out: Array | None = None) -> Array:
    """x - alpha y, as PyTorch reckons it: x + (-alpha) y."""
    if not isinstance(alpha, np.ndarray) and alpha == 1 and y.dtype.kind != "c":
        return np.subtract(x, y, out=out)
    return add(x, y, np.asarray(-alpha) if isinstance(alpha, np.ndarray) else -alpha, out)


def _refuse_zero(x: Array, y: Array) -> None:
    if y.dtype.kind in "iu" and x.size and not np.all(y):
        raise RuntimeError(ZERO_DIVISION)


# where a choice element by element is slower than bits that are masked
_MANY = 1024
_BITS = {np.dtype(np.float32): np.dtype(np.int32), np.dtype(np.float64): np.dtype(np.int64)}


def zero_where(condition: Any, y: Any) -> Any:
    """Zero where the condition holds, else y, whatever y is there (a product with the condition would keep NaN)."""
    bits = _BITS.get(y.dtype)
    if bits is None or y.size < _MANY or y.shape != condition.shape or condition.dtype != np.bool_:
        return np.where(condition, 0, y)
    mask = np.subtract(condition.view(np.int8), 1).astype(bits)
    return np.bitwise_and(mask, y.view(bits), out=mask).view(y.dtype)


def divide(x: Array, y: Array, rounding_mode: str | None = None) -> Array:
    """Quotient, rounded as asked."""
    if rounding_mode is None:
        return np.true_divide(x, y)
    return floor_divide(x, y) if rounding_mode == "floor" else truncated_divide(x, y)


def floor_divide(x: Array, y: Array) -> Array:
    """Quotient rounded down. Raises RuntimeError for an integer division by zero."""
    _refuse_zero(x, y)
    return np.floor_divide(x, y)


def truncated_divide(x: Array, y: Array) -> Array:
    """Quotient rounded towards zero. Raises RuntimeError for an integer division by zero."""
    if y.dtype.kind not in "iu":
        return np.trunc(np.true_divide(x, y))
    _refuse_zero(x, y)
    return np.floor_divide(x - np.fmod(x, y), y)  # type: ignore[no-any-return]


def remainder(x: Array, y: Array) -> Array:
    """What the floored quotient leaves; of floats a zero keeps the dividend's sign, which NumPy's does not."""
    _refuse_zero(x, y)
    if y.dtype.kind in "iu":
        return np.remainder(x, y)
    r = np.asarray(np.fmod(x, y))
    np.add(r, y, out=r, where=(r != 0) & ((y < 0) != (r < 0)))
    return r


def fmod(x: Array, y: Array) -> Array:
    """What the truncated quotient leaves."""
    _refuse_zero(x, y)
    return np.fmod(x, y)


_NUMBERS = frozenset((int, float))


def power(x: Any, y: Any) -> Array:
    """x to the y, element by element; y may be a Python number."""
    kind = x.dtype.kind
    if type(y) in _NUMBERS and kind == "f":
        special = _SPECIAL_POWERS.get(y)
        return np.power(x, y) if special is None else special(x)  # type: ignore[no-any-return]
    if isinstance(y, np.ndarray) and y.ndim == 0:
        y = y[()]
    if kind == "b":
        return np.logical_or(x, np.logical_not(y))  # type: ignore[no-any-return]
    if kind in "iu":
        return _integer_power(x, y)
    if isinstance(y, np.ndarray):
        return _complex_power(x, y) if kind == "c" else np.power(x, y)
    special = _SPECIAL_POWERS.get(y.item() if isinstance(y, np.generic) else y)
    if special is not None:
        return special(x)  # type: ignore[no-any-return]
    return _complex_power(x, y) if kind == "c" else np.power(x, y)


def _complex_power(x: Array, y: Any) -> Array:
    # NumPy multiplies for whole exponents, which overflows sooner, and answers NaN for every power of zero
    return np.exp(y * np.log(x))  # type: ignore[no-any-return]


def _integer_power(x: Array, y: Any) -> Array:
    below = np.less(y, 0)
    if not np.any(below):
        return np.power(x, y)  # type: ignore[no-any-return]
    # one over an integer: 0 but for 1 and -1 (of zero, PyTorch says 0 too)
    inverse = np.where(np.abs(x) == 1, np.where(np.bitwise_and(y, 1) == 1, x, x * x), np.zeros((), x.dtype))
    return np.where(below, inverse, np.power(x, np.maximum(y, np.zeros((), x.dtype)))).astype(x.dtype, copy=False)


def _cube(x: Array) -> Array:
    # NumPy's float32 power is far slower for negative bases
    r = np.asarray(x * x)
    return np.multiply(r, x, out=r)  # type: ignore[no-any-return]


def reciprocal(x: Array) -> Array:
    """1 / x, infinite for a complex zero."""
    return np.true_divide(1, x) if x.dtype.kind == "c" else np.reciprocal(x)


def reciprocal_root(x: Array) -> Array:
    """1 / sqrt(x)."""
    return reciprocal(np.sqrt(x))


_SPECIAL_POWERS: dict[Any, Any] = {
    0: np.ones_like,
    1: np.positive,
    2: lambda x: np.multiply(x, x),
    3: _cube,
    4: lambda x: np.square(np.square(x)),
    0.5: np.sqrt,
    -0.5: reciprocal_root,
    -1: reciprocal,
    -2: lambda x: reciprocal(x * x),
}


def add_product(x: Array, a: Array, b: Array, value: Any) -> Array:
    """x + value a b."""
    return plus_product(x, scaled(a, value), b)


def add_quotient(x: Array, a: Array, b: Array, value: Any) -> Array:
    """x + value a / b."""
    return np.add(x, scaled(a, value) / b)  # type: ignore[no-any-return]


def lerp(x: Array, end: Array, weight: Array) -> Array:
    """From x to end, reckoned from the nearer of the two."""
    near = np.abs(weight) < 0.5
    step = end - x
    if weight.ndim == 0:
        return x + weight * step if near else end - step * (1 - weight)  # type: ignore[no-any-return]
    return np.where(near, x + weight * step, end - step * (1 - weight))  # type: ignore[no-any-return]

"""random_, randint, randperm, bernoulli_, geometric_ and multinomial."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from . import exactmath
from .continuous import exponential
from .layout import FLOAT64, Array, facts, memory_order, not_implemented, store
from .mt19937 import Engine

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_WIDE_RANGE = 2**28  # from here on PyTorch spends a 64-bit draw on each integer
_FOLLOW_BY_HAND = 256  # below this length a Python loop shuffles faster


def random_default(out: Array, engine: Engine) -> Array:
    """``random_()``: non-negative integers of the dtype's full range, or exactly representable ones if floating.

    Raises NotImplementedError for uint16, uint32, uint64 and complex dtypes.
    """
    if out.size == 0:
        return out
    dtype = facts(out.dtype)
    if dtype.kind in ("unsigned", "complex"):
        raise not_implemented("random_kernel_cpu", out.dtype)
    with engine.lock:
        if out.dtype.itemsize == 8:
            wide = engine.words64(out.size)
            values: Array = wide & np.uint64(_INT64_MAX) if dtype.kind == "int" else wide % np.uint64(2**53 + 1)
            store(out, values)
            return out
        words = engine.words(out.size)
    if dtype.kind == "bool":
        store(out, words & np.uint32(1))
    elif dtype.kind == "int":
        store(out, words & np.uint32(dtype.max))
    else:
        store(out, (words % np.uint32(2**dtype.digits + 1)).astype(np.float32))
    return out


def random_integers(out: Array, low: int, high: int | None, engine: Engine) -> Array:
    """``random_(low, high)`` and ``randint``: integers in [low, high), cast to the dtype of ``out``.

    ``high`` None means up to the dtype's largest value included; with low = -2**63 all 64-bit integers. Raises
    RuntimeError for an empty range or bounds outside the dtype; warns where a floating dtype cannot hold all of them.
    """
    dtype = facts(out.dtype)
    floating = dtype.kind == "float"
    if high is not None:
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if floating:
            low, high = _first_in(low, out.dtype), _last_in(high, out.dtype)
            if low >= high:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got "
                    f"from={low} >= to={high}"
                )
        last = high - 1
    elif low != _INT64_MIN:
        if floating:
            last = 2**dtype.digits
            low = _first_in(low, out.dtype)
            if low >= last:
                raise RuntimeError(
                    "random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but "
                    f"got from={low} > to_inc={last}"
                )
        elif dtype.kind == "complex":
            raise RuntimeError("random_from_to_impl handles only integral, floating-point and boolean types")
        else:
            last = int(dtype.max)
            last = last - 2**64 if last > _INT64_MAX else last  # uint64's largest value wraps in PyTorch's int64
    else:
        return _random_64_bits(out, engine)
    _check_bounds(low, last, out.dtype)
    if out.size == 0:
        return out
    span = (last - low + 1) % 2**64
    with engine.lock:
        if span >= _WIDE_RANGE:
            offsets = engine.words64(out.size)
            if span & (span - 1):
                offsets %= np.uint64(span)
            else:
                offsets &= np.uint64(span - 1)
        else:
            words = engine.words(out.size)
            divisor = np.uint32(span)
            # NumPy vectorises the quotient by a scalar, not the remainder.
            offsets = (words - words // divisor * divisor).astype(np.uint64)
    integers = offsets.view(np.int64)
    if low:
        integers += np.int64(low)
    _store_integers(out, integers)
    return out


def _random_64_bits(out: Array, engine: Engine) -> Array:
    if out.size == 0:
        return out
    kernel = "random_full_64_bits_range_kernel_cpu"
    dtype = facts(out.dtype)
    if dtype.name in ("Byte", "Char", "Short", "Int"):
        raise RuntimeError(f"{kernel} handles only int64, double, float and bfloat16")
    if dtype.name not in ("Long", "Double", "Float", "BFloat16"):
        raise not_implemented(kernel, out.dtype)
    with engine.lock:
        _store_integers(out, engine.words64(out.size).view(np.int64))
    return out


def _store_integers(out: Array, integers: Array) -> None:
    """16-bit floats are reached by way of float32, as in C++."""
    if out.dtype.itemsize == 2 and facts(out.dtype).kind == "float":
        integers = integers.astype(np.float32)
    store(out, integers)


def _cast(value: int, dtype: np.dtype[Any]) -> int:
    if dtype == FLOAT64:
        rounded = float(value)
    else:
        with np.errstate(over="ignore"):
            rounded = float(np.int64(value).astype(np.float32).astype(dtype))
    return int(rounded) if abs(rounded) < 2.0**63 else _INT64_MIN  # what x86 converts an overflow to


def _first_in(low: int, dtype: np.dtype[Any]) -> int:
    """The first integer from ``low`` on that does not fall below it when cast to a floating dtype."""
    cast = _cast(low + 1, dtype)
    if cast < low:
        return cast + (1 << (abs(low + 1).bit_length() - facts(dtype).digits))
    return low


def _last_in(high: int, dtype: np.dtype[Any]) -> int:
    """The last integer up to ``high`` that does not reach it when cast to a floating dtype."""
    cast = _cast(high - 1, dtype)
    if cast >= high:
        return cast - (1 << (abs(high - 1).bit_length() - facts(dtype).digits))
    return high


def _check_bounds(low: int, last: int, numpy_dtype: np.dtype[Any]) -> None:
    dtype = facts(numpy_dtype)
    if dtype.kind == "complex":
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    bounds = (("from", low), ("to - 1", last))
    smallest = -dtype.max if dtype.kind == "float" else 0 if dtype.kind in ("bool", "unsigned") else -dtype.max - 1
    if dtype.name == "Byte":
        smallest = 0
    for name, bound in bounds:
        if not smallest <= bound <= min(dtype.max, _INT64_MAX if dtype.kind != "float" else dtype.max):
            raise RuntimeError(f"{name} is out of bounds for {dtype.c_name}")
    if dtype.kind == "float":
        for name, bound in bounds:
            if abs(bound) > 2**dtype.digits:
                warnings.warn(
                    f"{name} is out of bounds [-(2^{dtype.digits}), 2^{dtype.digits}]. Due to precision limitations "
                    f"{dtype.c_name} can support discrete uniform distribution only within this range. This warning "
                    "will become an error in version 1.7 release, please fix the code in advance",
                    UserWarning,
                    stacklevel=4,
                )


def randperm(n: int, dtype: np.dtype[Any] | type, engine: Engine) -> Array:
    """A random permutation of 0 .. n-1: forward Fisher-Yates with one word for each step.

    Raises RuntimeError if ``n`` is negative or too large for ``dtype``, NotImplementedError for other dtypes.
    """
    numpy_dtype = np.dtype(dtype)
    _check_permutation(n, numpy_dtype)
    if n >= (2**32 - 1) // 20:
        raise NotImplementedError("randperm of 214,748,364 elements or more takes another stream, not implemented")
    out = np.empty(n, numpy_dtype)
    with engine.lock:
        words = engine.words(max(n - 1, 0))
    partner = words % np.arange(n, 1, -1, dtype=np.uint32) if n > 1 else words
    if n < _FOLLOW_BY_HAND:
        order = list(range(n))
        for i, z in enumerate(partner.tolist()):
            order[i], order[i + z] = order[i + z], order[i]
        _store_integers(out, np.array(order, np.int64))
    else:
        _store_integers(out, _swap_forward(partner))
    return out


def _stable_argsort(x: Array) -> Array:
    """Stable argsort of non-negative int32 by its two halves: NumPy sorts 16-bit integers by radix."""
    if x.size < 2**16:
        return np.argsort(x.astype(np.uint16), kind="stable")
    order = np.argsort(x.astype(np.uint16), kind="stable")
    return order[np.argsort((x >> 16).astype(np.uint16)[order], kind="stable")]


def _check_permutation(n: int, numpy_dtype: np.dtype[Any]) -> None:
    dtype = facts(numpy_dtype)
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    if (dtype.kind in ("int", "unsigned") or dtype.name == "ComplexHalf") and n - 1 > dtype.max:
        c_name = f"{numpy_dtype.name}_t" if dtype.kind in ("int", "unsigned") else dtype.c_name
        raise RuntimeError(f"value cannot be converted to type {c_name} without overflow")
    if dtype.kind == "float" and n > 2**dtype.digits + 1 and dtype.name != "BFloat16":
        limit = "2049" if dtype.name == "Half" else f"2^{dtype.digits}+1"
        raise RuntimeError(f"n cannot be greater than {limit} for {dtype.name} type.")
    if dtype.kind not in ("int", "float"):
        raise not_implemented("randperm", numpy_dtype)


def _swap_forward(partner: Array) -> Array:
    """The permutation left by swapping i and i + partner[i] for i = 0, 1, ..., by pointer doubling, without a loop.

    Step i fixes position i. It takes what lies at its target then: the last earlier step aimed there left its own old
    content behind, so contents are found by following such steps back to one that nothing aimed at.
    """
    n = partner.size + 1
    here = np.arange(n, dtype=np.int32)
    target = here.copy()
    target[:-1] += partner.astype(np.int32)
    order = _stable_argsort(target)  # steps grouped by target, in time order
    grouped = target[order]
    same = grouped[1:] == grouped[:-1]
    previous = np.full(n, -1, np.int32)  # the step before with the same target
    previous[order[1:]] = np.where(same, order[:-1], -1)
    last = np.full(n, -1, np.int32)  # the last step aimed at a position
    final = np.append(~same, True)
    last[grouped[final]] = order[final]
    before = np.where(last == here, previous[last], last)
    content = np.where(before < 0, here, before)  # what lies at position i just before step i, by its last origin
    while True:
        further = content[content]
        if np.array_equal(further, content):
            break
        content = further
    untouched = np.where(target == here, content, target)
    return np.where(previous < 0, untouched, content[previous])


def bernoulli(out: Array, p: float | Array, engine: Engine) -> Array:
    """Fill ``out`` (bool, integers up to int64, floating) with 0 or 1; ``p`` a number, or an array that broadcasts.

    A float64 array is compared with 53-bit uniforms, any other with 24-bit ones; a number always with 53 bits.
    Raises RuntimeError for a probability outside [0, 1], after the draws for the elements before it.
    """
    if isinstance(p, np.ndarray):
        return _bernoulli_tensor(out, p, engine)
    p = float(p)
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    if out.size == 0:
        return out
    if facts(out.dtype).kind in ("unsigned", "complex"):
        raise not_implemented("bernoulli_scalar_cpu_", out.dtype)
    with engine.lock:
        store(out, engine.uniform53(out.size) < p)
    return out


def _bernoulli_tensor(out: Array, p: Array, engine: Engine) -> Array:
    if out.size == 0:
        return out
    if facts(out.dtype).kind in ("unsigned", "complex"):
        raise not_implemented("bernoulli_tensor_cpu_self_", out.dtype)
    if facts(p.dtype).kind != "float":
        raise not_implemented("bernoulli_tensor_cpu_p_", p.dtype)
    order = sorted(range(out.ndim), key=lambda d: -out.strides[d])
    flat = np.broadcast_to(p, out.shape).transpose(order).reshape(-1)
    compared = flat if p.dtype == FLOAT64 else flat.astype(np.float32, copy=False)
    bad = ~((compared >= 0) & (compared <= 1))
    n = int(bad.argmax()) if bad.any() else out.size
    with engine.lock:
        u = engine.uniform53(n) if p.dtype == FLOAT64 else engine.uniform24(n)
    drawn = u < compared[:n]
    if n == out.size:
        store(out, drawn)
        return out
    view = memory_order(out)
    for index, value in zip(np.ndindex(view.shape), drawn.tolist(), strict=False):
        view[index] = value
    raise RuntimeError(
        "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, "
        "please report an enhancement request to PyTorch.)"
    )


def geometric(out: Array, p: float, engine: Engine) -> Array:
    """Fill ``out`` (integers up to int64, floating) with numbers of trials. Raises RuntimeError unless 0 < p < 1."""
    p = float(p)
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if out.size == 0:
        return out
    dtype = facts(out.dtype)
    if dtype.kind not in ("int", "float"):
        raise not_implemented("geometric_cpu", out.dtype)
    with engine.lock:
        u = engine.uniform53(out.size)
    trials = np.ceil(exactmath.log(u) / math.log1p(-p))
    if dtype.kind == "int":
        with np.errstate(invalid="ignore"):
            trials = trials.astype(np.int64)  # and from there wraps, where NumPy leaves a narrow cast undefined
    store(out, trials)
    return out


def multinomial(p: Array, k: int, replacement: bool, engine: Engine) -> Array:
    """``k`` category indices (int64) for each row of ``p`` (floating, 1-D or 2-D), shape (k,) or (rows, k).

    Raises RuntimeError for other inputs, for invalid probabilities and for too many samples without replacement.
    """
    if not 0 < p.ndim <= 2:
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    dtype = facts(p.dtype)
    if dtype.kind != "float":
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {dtype.name}")
    if k <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    categories = p.shape[-1]
    if not replacement and k > categories:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if categories > 2**24:
        raise RuntimeError("number of categories cannot exceed 2^24")
    rows = p.reshape(math.prod(p.shape[:-1]), categories)
    shape = (*p.shape[:-1], k)
    if math.prod(shape) == 0:
        return np.empty(shape, np.int64)
    with engine.lock:
        if replacement and k > 1:
            return _with_replacement(rows, k, engine).reshape(shape)
        return _race(p, rows, k, engine).reshape(shape)


def _race(p: Array, rows: Array, k: int, engine: Engine) -> Array:
    """The k largest of p / Exp(1) in each row."""
    wide = rows.astype(np.float32) if rows.dtype.itemsize == 2 else rows
    if not wide.size:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if not (wide.max() < np.inf and wide.min() >= 0):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (wide.max(-1) == 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    clock = exponential(np.empty_like(p), 1.0, engine).reshape(rows.shape)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        score = (wide / clock.astype(wide.dtype)).astype(p.dtype).astype(wide.dtype)
    if k == 1:
        return np.asarray(score.argmax(-1))
    return np.argsort(-score, -1, kind="stable")[:, :k]


def _with_replacement(rows: Array, k: int, engine: Engine) -> Array:
    """Search of uniforms in each row's cumulative distribution, summed in order in the row's own precision."""
    result = np.empty((len(rows), k), np.int64)
    wide = rows if rows.dtype == FLOAT64 else rows.astype(np.float32)
    for i, row in enumerate(wide):
        invalid = ~(row >= 0) | ~np.isfinite(row)
        if invalid.any():
            what = "= infinity or NaN" if row[invalid.argmax()] == np.inf else "< 0"
            raise RuntimeError(f"invalid multinomial distribution (encountering probability entry {what})")
        cumulative = np.add.accumulate(row, dtype=row.dtype)
        if not cumulative.size or not cumulative[-1] > 0:
            raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
        cumulative /= cumulative[-1]
        cumulative[-1] = 1
        result[i] = np.searchsorted(cumulative.astype(np.float64), engine.uniform53(k), "left")
    return result

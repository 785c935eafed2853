"""Value plans made into arrays: the same bytes on every machine and with every NumPy.

Only `RandomState.random_sample` and `randint` (frozen streams), additions and exact scalings are used: a normal
deviate is a sum of twelve uniforms, because `log` and `cos` differ between C libraries in the last bit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from assay import matrices
from assay.case import TensorSpec, Values
from assay.dtypes import ALL_COMPLEX, NUMPY, category, real_part

_Plan = Callable[[np.random.RandomState, int, str, Values, tuple[int, ...]], np.ndarray]
_PLANS: dict[str, _Plan] = {}
#: Reseeded for each tensor: making a RandomState costs two hundred times as much.
_RNG = np.random.RandomState(0)


def _plan(name: str) -> Callable[[_Plan], _Plan]:
    def register(function: _Plan) -> _Plan:
        _PLANS[name] = function
        return function

    return register


def kinds() -> tuple[str, ...]:
    """The names a plan's `kind` may have."""
    return (*_PLANS, *matrices.PLANS, "literal")


def numpy_dtype(dtype: str) -> np.dtype:
    """What NumPy calls a dtype (complex32: float16, two of them an element). Raises ValueError."""
    if dtype not in NUMPY:
        raise ValueError(f"unknown dtype {dtype!r}")
    return NUMPY[dtype]


def elements(values: Values, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """The elements of a tensor, contiguous, in the dtype's own width.

    bfloat16 arrays have `ml_dtypes.bfloat16`; complex32 arrays are float16 with a last dimension of size 2.
    Raises ValueError for an unknown plan or dtype, or a literal of the wrong length.
    """
    numpy_dtype(dtype)
    n = math.prod(shape)
    if values.kind == "literal":
        return _literal(values, shape, dtype, n)
    plan = _PLANS.get(values.kind)
    rng = _RNG
    rng.seed(values.seed & 0xFFFFFFFF)
    part = real_part(dtype)
    if values.kind in matrices.PLANS:
        both = matrices.parts(values.kind, rng, shape, dtype in ALL_COMPLEX)
        real, imaginary = (_cast(numbers.ravel(), part) for numbers in both)
    elif plan is None:
        raise ValueError(f"unknown value plan {values.kind!r}; one of {', '.join(kinds())}")
    else:
        real = _cast(plan(rng, n, part, values, shape), part)
        imaginary = _cast(plan(rng, n, part, values, shape), part) if dtype in ALL_COMPLEX else real
    if dtype in ALL_COMPLEX:
        pairs = np.stack([real, imaginary], axis=-1)
        if dtype == "complex32":
            return pairs.reshape(*shape, 2)
        return np.ascontiguousarray(pairs).view(NUMPY[dtype]).reshape(shape)
    return real.reshape(shape)


def array(spec: TensorSpec) -> np.ndarray:
    """The elements of `spec`, as `elements` gives them; its layout is not applied."""
    return _recent(spec.values, spec.shape, spec.dtype).copy()


#: The reference makes the same inputs several times over, for its wider evaluations.
_recent = functools.lru_cache(16)(elements)


def literal(spec: TensorSpec) -> Values:
    """The same elements as numbers written out."""
    numbers = array(spec)
    if spec.dtype == "complex32":
        flat: list[Any] = [complex(a, b) for a, b in numbers.reshape(-1, 2).astype(np.float64).tolist()]
    elif category(spec.dtype) == 2:
        flat = numbers.ravel().astype(np.float64).tolist()
    else:
        flat = numbers.ravel().tolist()
    return Values("literal", literal=tuple(flat))


def _literal(values: Values, shape: tuple[int, ...], dtype: str, n: int) -> np.ndarray:
    numbers = values.literal
    if numbers is None or len(numbers) != n:
        raise ValueError(f"a literal of {0 if numbers is None else len(numbers)} elements for shape {shape}")
    if dtype == "complex32":
        pairs = [(complex(v).real, complex(v).imag) for v in numbers]
        return _cast(np.array(pairs, np.float64).reshape(n, 2), "float16").reshape(*shape, 2)
    if dtype in ALL_COMPLEX:
        return _cast(np.array(numbers, np.complex128), dtype).reshape(shape)
    if category(dtype) == 2:
        return _cast(np.array(numbers, np.float64), dtype).reshape(shape)
    return np.array(numbers, NUMPY[dtype]).reshape(shape)


def _cast(numbers: np.ndarray, dtype: str) -> np.ndarray:
    """To the dtype's width; floating numbers are rounded and clipped into integers."""
    target = NUMPY[dtype]
    if numbers.dtype == target:
        return numbers
    with np.errstate(all="ignore"):
        if dtype == "bfloat16":
            return numbers.astype(np.float32).astype(target)
        if category(dtype) == 1 and numbers.dtype.kind == "f":
            # the bounds of 64-bit integers have no double of their own: stay one double inside
            info = _info(dtype)
            numbers = np.clip(np.rint(numbers), float(info.min), np.nextafter(float(info.max), 0))
        return numbers.astype(target)


def _between(values: Values, low: float, high: float) -> tuple[float, float]:
    return (low if values.low is None else values.low), (high if values.high is None else values.high)


@functools.cache
def _info(dtype: str) -> Any:
    return ml_dtypes.finfo(dtype) if category(dtype) == 2 else np.iinfo(NUMPY[dtype])


def _from(rng: np.random.RandomState, n: int, pool: list[Any], dtype: str) -> np.ndarray:
    """`n` draws from `pool`, made in the dtype itself when it holds integers that doubles cannot."""
    kind = NUMPY[dtype] if category(dtype) == 1 else np.float64
    return np.array(pool, kind)[rng.randint(0, len(pool), n)]


@_plan("normal")
def _normal(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    if category(dtype) < 2:
        return _integers(rng, n, dtype, values, shape)
    rows = rng.random_sample((12, n))
    if n > 1:  # row after row: only along the innermost axis does NumPy add in another order
        return np.asarray(np.add.reduce(rows, axis=0, initial=-6.0))
    total = np.full(n, -6.0)
    for row in rows:
        total += row
    return total


@_plan("uniform")
def _uniform(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    low, high = _between(values, -1.0, 1.0)
    if category(dtype) < 2:
        return _integers(rng, n, dtype, Values("integers", low=math.ceil(low), high=math.floor(high)), shape)
    return low + rng.random_sample(n) * (high - low)


@_plan("positive")
def _positive(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    if category(dtype) < 2:
        return _integers(rng, n, dtype, Values("integers", low=1, high=9), shape)
    low, high = _between(values, 0.0625, 4.0)
    return low + rng.random_sample(n) * (high - low)


@_plan("probability")
def _probability(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    if category(dtype) < 2:
        return rng.randint(0, 2, n)
    drawn = rng.random_sample(n)
    ends = rng.randint(0, 10, n)
    return np.where(ends == 0, 0.0, np.where(ends == 1, 1.0, drawn))


@_plan("integers")
def _integers(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "bool":
        return rng.randint(0, 2, n).astype(np.bool_)
    low, high = _between(values, -9, 9)
    if category(dtype) == 1:
        info = _info(dtype)
        low, high = max(low, info.min), min(high, info.max)
    return rng.randint(int(low), max(int(high), int(low)) + 1, n, dtype=np.int64)


@_plan("nonzero")
def _nonzero(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """Divisors: integers to 9 and, where there are any, their negatives but for -1, by which the least integer cannot
    be divided (PyTorch dies of SIGFPE); floating numbers away from zero."""
    if dtype == "bool":
        return np.ones(n, np.bool_)
    sign = np.where(rng.randint(0, 2, n) == 0, 1, -1) if dtype in NUMPY and NUMPY[dtype].kind != "u" else 1
    if category(dtype) == 1:
        drawn = rng.randint(1, 10, n) * sign
        return np.where(drawn == -1, 1, drawn)
    return (0.25 + rng.random_sample(n) * 3.0) * sign


@_plan("signs")
def _signs(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """-1 or 1 (of unsigned dtypes 1): the targets of losses that tell two classes apart."""
    drawn = rng.randint(0, 2, n) * 2 - 1
    return np.ones(n) if category(dtype) < 2 and NUMPY[dtype].kind in "ub" else drawn


@_plan("index")
def _index(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    low, high = _between(values, 0, 1)
    return rng.randint(int(low), max(int(high), int(low) + 1), n, dtype=np.int64)


@_plan("distinct")
def _distinct(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """Indices below `high`, no two alike along dimension `low` (unless it is longer than `high`)."""
    dim, high = _between(values, 0, 1)
    if not shape or not n:
        return rng.randint(0, max(int(high), 1), n, dtype=np.int64)
    dim, high = int(dim) % len(shape), max(int(high), 1)
    size = shape[dim]
    order = np.argsort(rng.random_sample((n // size, max(high, size))), axis=1)[:, :size] % high
    moved = [s for i, s in enumerate(shape) if i != dim]
    return np.ascontiguousarray(np.moveaxis(order.reshape(*moved, -1), -1, dim)).ravel()


@_plan("apart")
def _apart(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """Indices below `high`, no two alike within the last `low` dimensions together (unless these hold more)."""
    dims, high = _between(values, 1, 1)
    plane = math.prod(shape[len(shape) - int(dims) :])
    return _distinct(rng, n, dtype, Values("distinct", low=1, high=high), (n // plane if plane else 0, plane))


@_plan("pivots")
def _pivots(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """The row, counted from 1, that each row is exchanged with: itself or a later one, of `high` rows."""
    size = shape[-1] if shape else 1
    first = np.arange(n) % max(size, 1)
    last = size if values.high is None else int(values.high)
    return first + 1 + np.floor(rng.random_sample(n) * np.maximum(last - first, 1)).astype(np.int64)


@_plan("permutation")
def _permutation(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """Every number below n once, in any order."""
    return np.argsort(rng.random_sample(n)).astype(np.float64 if category(dtype) == 2 else np.int64)


@_plan("sorted")
def _sorted(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """Ascending along the last dimension."""
    drawn = _normal(rng, n, dtype, values, shape)
    return np.sort(drawn.reshape(shape), axis=-1).ravel() if shape else drawn


@_plan("ties")
def _ties(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    pool = [0, 1, 2] if category(dtype) < 2 else [-1.0, -0.5, 0.0, 0.5, 1.0, 2.0]
    return _from(rng, n, pool, dtype)


@_plan("special")
def _special(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """About every third element NaN, infinite, -0.0, zero, subnormal, tiny or huge; of integers, at a limit. In small
    tensors every second, so that few are without any."""
    if dtype == "bool":
        return rng.randint(0, 2, n).astype(np.bool_)
    ordinary = _normal(rng, n, dtype, values, shape)
    chosen = rng.randint(0, 2 if n < 12 else 3, n) == 0
    if category(dtype) == 1:
        odd = _border(rng, n, dtype, values, shape)
        return np.where(chosen, odd, _cast(ordinary, dtype))
    info = _info(dtype)
    least = float(info.smallest_subnormal)
    pool = [math.nan, math.inf, -math.inf, -0.0] * 2
    pool += [0.0, least, -least * 3, float(info.tiny), float(info.max), float(info.min), 1.0, -1.0]
    odd = _from(rng, n, pool, dtype)
    return np.where(chosen, odd, ordinary)


@_plan("huge")
def _huge(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    if category(dtype) < 2:
        return _border(rng, n, dtype, values, shape)
    top = float(_info(dtype).max)
    return (rng.random_sample(n) * 0.75 + 0.25) * np.where(rng.randint(0, 2, n) == 0, top, -top)


@_plan("subnormal")
def _subnormal(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    if category(dtype) < 2:
        return _integers(rng, n, dtype, Values("integers", low=-1, high=1), shape)
    return rng.randint(-100, 101, n) * float(_info(dtype).smallest_subnormal)


@_plan("border")
def _border(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """Integers at the limits of their dtype; floating numbers at the limits and where their spacing changes."""
    if dtype == "bool":
        return rng.randint(0, 2, n).astype(np.bool_)
    info = _info(dtype)
    if category(dtype) == 1:
        low = [-1] if info.min < 0 else []
        return _from(rng, n, [info.min, info.min + 1, *low, 0, 1, 2, info.max - 1, info.max], dtype)
    eps = float(info.eps)
    top = float(info.max)
    return _from(rng, n, [top, -top, 1 + eps, 1 - eps / 2, 1 / eps, -1 / eps, 0.5, 1.5, 2.5, -0.5, 1.0, 0.0], dtype)


@_plan("zeros")
def _zeros(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(n)


@_plan("ones")
def _ones(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(n)


@_plan("counting")
def _counting(rng: np.random.RandomState, n: int, dtype: str, values: Values, shape: tuple[int, ...]) -> np.ndarray:
    """0, 1, 2, ... in row-major order: what a shrunk case is easiest to read with."""
    return np.arange(n) % 100

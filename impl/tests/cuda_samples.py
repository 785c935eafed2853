"""Elementwise kernels of every kind, each with what it should compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.special

from flambeau.cuda.cpp import ALL, COMPLEX, FLOATING, INTEGRAL, REAL
from flambeau.cuda.templates import ElementwiseKernel

DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64", "bool", "complex64")
ORDERS = (0, 1, 20261)


@dataclass(frozen=True)
class Sample:
    """A kernel, and what it should compute: ``reference`` is given operands and parameters in a wider dtype."""

    kernel: ElementwiseKernel
    reference: Callable[..., np.ndarray]
    parameters: tuple[complex, ...] = ()
    values: Callable[[np.ndarray], np.ndarray] = field(default=lambda x: x)  # into the function's domain
    ulps: float = 2
    scale: Callable[..., np.ndarray] | None = None  # of the error, where terms cancel

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(dtype for dtype in DTYPES if dtype in self.kernel.dtypes)


def sample(
    name: str,
    body: str,
    reference: Callable[..., np.ndarray],
    inputs: str = "x",
    params: dict[str, complex] | None = None,
    values: Callable[[np.ndarray], np.ndarray] = lambda x: x,
    ulps: float = 2,
    scale: Callable[..., np.ndarray] | None = None,
    **more: object,
) -> Sample:
    params = params or {}
    kernel = ElementwiseKernel(name, body, tuple(inputs.split()), tuple(params), **more)  # type: ignore[arg-type]
    return Sample(kernel, reference, tuple(params.values()), values, ulps, scale)


def nonzero(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, np.ones((), x.dtype), x)


def unit(x: np.ndarray) -> np.ndarray:
    return np.clip(x / 4, -1, 1)


def small_exponent(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -3, 6) if x.dtype.kind == "i" else x


def python_pow(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind != "i":
        return np.power(x, y)
    with np.errstate(divide="ignore"):
        negative = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2 == 0, 1, -1), 0))
    return np.where(y < 0, negative, np.power(x, np.maximum(y, 0)))


def wrapped_shift(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    bits = 8 * x.dtype.itemsize
    return np.where((y < 0) | (y >= bits), 0, np.left_shift(x, np.clip(y, 0, bits - 1)))


def gelu(x: np.ndarray) -> np.ndarray:
    return x * scipy.special.ndtr(x.astype(float))


def float_floor_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    quotient = np.floor_divide(x, y)
    return np.where((y == 0) & (x != 0), x / y, quotient) if x.dtype.kind == "f" else quotient


WIDE = FLOATING + COMPLEX
TO_FLOAT = {"result": "int_to_float"}
SAMPLES = [
    sample("add", "x + alpha * y", lambda x, y, a: x + a * y, "x y", {"alpha": 2}, dtypes=ALL, ulps=3),
    sample("mul", "x * y", np.multiply, "x y", dtypes=ALL),
    sample("div", "x / y", np.divide, "x y", dtypes=ALL, values=nonzero, ulps=4, **TO_FLOAT),
    sample("neg", "-x", np.negative, dtypes=(*FLOATING, *INTEGRAL, *COMPLEX)),
    sample("abs", "abs(x)", np.abs, dtypes=ALL, result="real"),
    sample("exp", "exp(x)", np.exp, dtypes=ALL, **TO_FLOAT),
    sample("log", "log(x)", np.log, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("sqrt", "sqrt(x)", np.sqrt, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("sin", "sin(x)", np.sin, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("cos", "cos(x)", np.cos, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("tanh", "tanh(x)", np.tanh, dtypes=ALL, ulps=6, **TO_FLOAT),
    sample("asin", "asin(x)", np.arcsin, dtypes=WIDE, values=unit, ulps=6),
    sample("acosh", "acosh(x)", np.arccosh, dtypes=WIDE, ulps=6),
    sample("atan", "atan(x)", np.arctan, dtypes=WIDE, ulps=6),
    sample("pow", "pow(x, y)", python_pow, "x y", dtypes=(*FLOATING, *INTEGRAL), values=small_exponent, ulps=3),
    sample("complex_pow", "pow(x, y)", np.power, "x y", dtypes=COMPLEX, values=nonzero, ulps=64),
    sample("sigmoid", "sigmoid(x)", scipy.special.expit, dtypes=REAL, ulps=4, **TO_FLOAT),
    sample("gelu", "T(0.5) * x * erfc(-x * T(0.7071067811865476))", gelu, dtypes=("float16", "bfloat16", "float32"),
           ulps=4, scale=lambda x: (1 + x * x) * np.abs(gelu(x))),
    sample("lerp", "lerp(x, y, weight)", lambda x, y, w: x + w * (y - x), "x y", {"weight": 0.25}, dtypes=FLOATING,
           scale=lambda x, y, w: np.abs(x) + np.abs(y)),
    sample("maximum", "maximum(x, y)", np.maximum, "x y"),
    sample("minimum", "minimum(x, y)", np.minimum, "x y"),
    sample("fmax", "fmax(x, y)", np.fmax, "x y"),
    sample("clamp", "clamp(x, low, high)", lambda x, a, b: np.clip(x, a, b), "x", {"low": -1, "high": 2},
           dtypes=(*FLOATING, *INTEGRAL)),
    sample("floor_divide", "floor_divide(x, y)", float_floor_divide, "x y", values=nonzero,
           dtypes=("float32", "float64", *INTEGRAL)),
    sample("remainder", "remainder(x, y)", np.remainder, "x y", values=nonzero, dtypes=(*FLOATING, *INTEGRAL)),
    sample("fmod", "fmod(x, y)", np.fmod, "x y", values=nonzero, dtypes=(*FLOATING, *INTEGRAL)),
    sample("round", "round(x)", lambda x: np.rint(x) if x.dtype.kind == "f" else x, dtypes=(*FLOATING, *INTEGRAL)),
    sample("sign", "sign(x)", lambda x: np.where(np.isnan(x), 0, np.sign(x)), dtypes=(*FLOATING, *INTEGRAL)),
    sample("lt", "x < y", np.less, "x y", result="bool"),
    sample("eq", "x == y", np.equal, "x y", result="bool", dtypes=ALL),
    sample("isnan", "isnan(x)", np.isnan, result="bool", dtypes=ALL),
    sample("logical_and", "logical_and(x, y)", np.logical_and, "x y", result="bool", dtypes=ALL),
    sample("where", "condition ? x : y", np.where, "condition x y", dtypes=ALL, masks=("condition",)),
    sample("bitwise_and", "x & y", np.bitwise_and, "x y", dtypes=(*INTEGRAL, "bool")),
    sample("bitwise_not", "bitwise_not(x)", np.invert, dtypes=(*INTEGRAL, "bool")),
    sample("left_shift", "left_shift(x, y)", wrapped_shift, "x y", dtypes=INTEGRAL),
    sample("gcd", "gcd(x, y)", np.gcd, "x y", dtypes=INTEGRAL),
    sample("atan2", "atan2(x, y)", np.arctan2, "x y", dtypes=FLOATING),
    sample("erfinv", "erfinv(x)", lambda x: scipy.special.erfinv(x.astype(float)), values=unit, dtypes=FLOATING,
           ulps=4),
    sample("lgamma", "lgamma(x)", lambda x: scipy.special.gammaln(x.astype(float)), values=np.abs, dtypes=FLOATING,
           ulps=4, scale=np.ones_like),
    sample("digamma", "digamma(x)", lambda x: scipy.special.digamma(x.astype(float)), values=np.abs, dtypes=FLOATING,
           ulps=8, scale=lambda x: np.abs(np.log(x)) + 1),
]  # fmt: skip
BY_NAME = {one.kernel.name: one for one in SAMPLES}
CASES = [pytest.param(one, dtype, id=f"{one.kernel.name}-{dtype}") for one in SAMPLES for dtype in one.dtypes]

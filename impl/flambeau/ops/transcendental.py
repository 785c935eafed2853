"""Exponentials, logarithms, trigonometric and hyperbolic functions, and some special ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import transcendental as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import FLOATING as FLOATING_NAMES
from flambeau.declare import ANY, elementwise, internal
from flambeau.dtypes import COMPLEXES, FLOATS, mask
from flambeau.elementwise import INT_TO_FLOAT
from flambeau.errors import not_implemented_for, refuse_complex
from flambeau.operation import Launch, joint
from flambeau.ops.arithmetic import NOT_HALF_COMPLEX
from flambeau.ops.rules import choose, conj, cos, cosh, exp, is_complex, log, reciprocal, rsqrt, sin, sinh, zeros_like
from flambeau.tensor import Tensor, shape_of

REAL = ANY & ~mask(*COMPLEXES)
FLOATING_ONLY = mask(*FLOATS)
LN2, LN10 = math.log(2), math.log(10)


def _unary(
    name: str,
    grad: Any,
    doc: str,
    *,
    numpy: Callable[..., Any],
    accept: int = NOT_HALF_COMPLEX,
    refusal: str = "",
    aliases: tuple[str, ...] = (),
    function: bool = True,
    **rest: Any,
) -> Any:
    """An operation on one tensor that answers integers in the default dtype; node and CUDA body follow the name."""

    def body(input: Tensor) -> None: ...

    body.__doc__ = doc
    rest.setdefault("cuda", f"{name}(x)")
    return elementwise(
        f"{name}(Tensor input, *, Tensor out=None)",
        numpy=numpy,
        grad=grad,
        promote=INT_TO_FLOAT,
        accept=accept,
        refusal=refusal or f"{name}_vml_cpu",
        inplace=True,
        inplace_function=function,
        aliases=aliases,
        **rest,
    )(body)


# ------------------------------------------------------------------------------------------ exponentials, logarithms
_unary("exp", lambda g, out: g * conj(out), "e to the power of the element.", numpy=np.exp)
_unary("exp2", lambda g, out: g * conj(out * LN2), "2 to the power of the element.", numpy=np.exp2, refusal="exp2")
_unary("expm1", lambda g, out: g * conj(out + 1), "exp(x) - 1, exact near zero.", numpy=np.expm1)
_unary("log", lambda g, input: g / conj(input), "Natural logarithm.", numpy=np.log)
_unary("log2", lambda g, input: g / conj(input * LN2), "Logarithm to base 2.", numpy=np.log2)
_unary("log10", lambda g, input: g / conj(input * LN10), "Logarithm to base 10.", numpy=np.log10)
_unary(
    "log1p", lambda g, input: g / conj(input + 1), "log(1 + x), exact near zero.",
    numpy=cpu.log1p, fast=cpu.log1p, node="Log1PBackward0",
)  # fmt: skip

# ------------------------------------------------------------------------------------------ trigonometric
_unary("sin", lambda g, input: g * conj(cos(input)), "Sine.", numpy=np.sin)
_unary("cos", lambda g, input: g * -conj(sin(input)), "Cosine.", numpy=np.cos)
_unary("tan", lambda g, out: g * conj(1 + out * out), "Tangent.", numpy=np.tan)
_unary(
    "asin", lambda g, input: g * conj(rsqrt(1 - input * input)), "Inverse sine.",
    numpy=np.arcsin, aliases=("arcsin",),
)  # fmt: skip
_unary(
    "acos", lambda g, input: g * -conj(rsqrt(1 - input * input)), "Inverse cosine.",
    numpy=np.arccos, aliases=("arccos",),
)  # fmt: skip
_unary(
    "atan", lambda g, input: g / conj(input * input + 1), "Inverse tangent.",
    numpy=np.arctan, aliases=("arctan",),
)  # fmt: skip

# ------------------------------------------------------------------------------------------ hyperbolic
_unary("sinh", lambda g, input: g * conj(cosh(input)), "Hyperbolic sine.", numpy=np.sinh, refusal="sinh_cpu")
_unary("cosh", lambda g, input: g * conj(sinh(input)), "Hyperbolic cosine.", numpy=np.cosh, refusal="cosh_cpu")
_unary("tanh", lambda g, out: g * conj(1 - out * out), "Hyperbolic tangent.", numpy=np.tanh)
_unary(
    "asinh", lambda g, input: g * conj(rsqrt(input**2 + 1)), "Inverse hyperbolic sine.",
    numpy=np.arcsinh, aliases=("arcsinh",), refusal="asinh_cpu",
)  # fmt: skip


def _acosh_rule(g: Any, input: Any) -> Any:
    if is_complex(input):
        return g * conj(rsqrt(input + 1) * rsqrt(input + -1))
    return g * rsqrt(input * input - 1)


_unary(
    "acosh", _acosh_rule, "Inverse hyperbolic cosine.",
    numpy=np.arccosh, aliases=("arccosh",), refusal="acosh_cpu",
)  # fmt: skip
_unary(
    "atanh", lambda g, input: g / conj(1 - input**2), "Inverse hyperbolic tangent.",
    numpy=np.arctanh, aliases=("arctanh",), refusal="atanh_cpu",
)  # fmt: skip

# ------------------------------------------------------------------------------------------ special
TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_unary(
    "erf", lambda g, input: TWO_OVER_ROOT_PI * exp(-(input**2)) * g, "Error function.",
    numpy=cpu.erf, accept=REAL,
)  # fmt: skip
_unary(
    "erfc", lambda g, input: -TWO_OVER_ROOT_PI * exp(-(input**2)) * g, "1 - erf(x), exact for large x.",
    numpy=cpu.erfc, accept=REAL,
)  # fmt: skip


def _erfinv_rule(g: Any, input: Any) -> Any:
    inverse = input.erfinv()
    return 0.5 * math.sqrt(math.pi) * exp(inverse * inverse) * g


_unary(
    "erfinv", _erfinv_rule, "Inverse of the error function.", numpy=cpu.erfinv, accept=REAL, raw=False, function=False
)


@internal(
    cpu=cpu.polygamma,
    cuda=Body("polygamma(x, n)", FLOATING_NAMES, params=("n",)),
    tensors=("input",),
    grad=lambda g, input, n: g * derivative_of_digamma(input, n + 1),  # type: ignore[has-type]
    name="derivative_of_digamma",
    node="PolygammaBackward0",
)
def derivative_of_digamma(input: Tensor, n: int) -> Launch:
    """The n-th derivative of digamma."""
    return Launch((input,), shape_of(input), input.dtype, n=n)


_unary(
    "lgamma", lambda g, input: g * input.digamma(), "Logarithm of |Γ(x)|.",
    numpy=cpu.lgamma, accept=REAL, raw=False, function=False,
)  # fmt: skip
_unary(
    "digamma", lambda g, input: g * derivative_of_digamma(input, 1), "Derivative of log Γ.",
    numpy=cpu.digamma, accept=REAL, raw=False, refusal="digamma", function=False,
)  # fmt: skip


def _sinc_rule(g: Any, input: Any) -> Any:
    x = math.pi * input
    return choose(input == 0, 0, g * conj((x * cos(x) - sin(x)) / (x * input)))


_unary("sinc", _sinc_rule, "sin(πx) / πx.", numpy=cpu.sinc, refusal="sinc_cpu")
_unary(
    "sigmoid", lambda g, out: g * conj((1 - out) * out), "1 / (1 + exp(-x)).", numpy=cpu.sigmoid, refusal="sigmoid_cpu"
)


def _logit_rule(g: Any, input: Any, eps: float | None) -> Any:
    slope = g / (input * (1 - input))
    if eps is None or eps < 0:
        return choose((input < 0) | (input > 1), float("nan"), slope)
    return choose((input < eps) | (input > 1 - eps), 0, slope)


@elementwise(
    "logit(Tensor input, float? eps=None, *, Tensor out=None)",
    numpy=cpu.logit,
    cuda="logit(eps < T(0) ? x : clamp(x, T(eps), T(1) - T(eps)))",
    grad=_logit_rule,
    promote=INT_TO_FLOAT,
    accept=REAL,
    defaults={"eps": None},
    inplace=True,
    inplace_function=True,
)
def logit(input: Tensor, eps: float | None = None) -> None:
    """log(x / (1 - x)), x first clamped to [eps, 1 - eps] where eps is given."""


def _angle_unit(name: str, factor: float, doc: str) -> None:
    def body(input: Tensor) -> None: ...

    def refuse(input: Tensor) -> None:
        refuse_complex(input.dtype, f"{name} is not supported for complex tensors.")

    body.__doc__ = doc
    elementwise(
        f"{name}(Tensor input, *, Tensor out=None)",
        numpy=cpu.times(factor),
        cuda=f"x * T({factor!r})",
        grad=lambda g: g * factor,
        promote=INT_TO_FLOAT,
        check=refuse,
        native=dtypes.NATIVE_FLOAT & REAL,
        node=f"{name[:3].title()}2{name[4:].title()}Backward0",
        inplace=True,
        inplace_function=True,
    )(body)


_angle_unit("deg2rad", math.pi / 180, "Degrees to radians.")
_angle_unit("rad2deg", 180 / math.pi, "Radians to degrees.")


# ------------------------------------------------------------------------------------------ two operands


@elementwise(
    "hypot(Tensor input, Tensor other, *, Tensor out=None)",
    numpy=np.hypot,
    cuda="hypot(x, y)",
    grad=(lambda g, input, out: g * (input / out), lambda g, other, out: g * (other / out)),
    accept=FLOATING_ONLY,
    inplace=True,
)
def hypot(input: Tensor, other: Tensor) -> None:
    """Length of the hypotenuse: sqrt(input² + other²)."""


def _inverse_square(input: Any, other: Any) -> Any:
    square = input * input + other * other
    return choose(square == 0, 0, reciprocal(square))


def _atan2_rule(g: Any, needs: list[bool], input: Any, other: Any) -> list[Any]:
    factor = _inverse_square(input, other)
    return [g * other * factor if needs[0] else None, g * -input * factor if needs[1] else None]


@elementwise(
    "atan2(Tensor input, Tensor other, *, Tensor out=None)",
    numpy=np.arctan2,
    cuda="atan2(x, y)",
    grad=joint(_atan2_rule),
    raw=False,
    promote=INT_TO_FLOAT,
    accept=REAL,
    inplace=True,
    aliases=("arctan2",),
)
def atan2(input: Tensor, other: Tensor) -> None:
    """Angle of the point (other, input)."""


@elementwise(
    "logaddexp(Tensor input, Tensor other, *, Tensor out=None)",
    numpy=cpu.logaddexp,
    cuda="logaddexp(x, y)",
    grad=(
        lambda g, input, other: g / conj(1 + exp(other - input)),
        lambda g, input, other: g / conj(1 + exp(input - other)),
    ),
    accept=FLOATING_ONLY | mask(*COMPLEXES) & NOT_HALF_COMPLEX,
)
def logaddexp(input: Tensor, other: Tensor) -> None:
    """log(exp(input) + exp(other))."""


@elementwise(
    "logaddexp2(Tensor input, Tensor other, *, Tensor out=None)",
    numpy=cpu.logaddexp2,
    cuda="logaddexp2(x, y)",
    grad=(
        lambda g, input, other: g / (1 + exp((other - input) * LN2)),
        lambda g, input, other: g / (1 + exp((input - other) * LN2)),
    ),
    accept=FLOATING_ONLY,
    node="Logaddexp2Backward0",
)
def logaddexp2(input: Tensor, other: Tensor) -> None:
    """log2(2^input + 2^other)."""


def _xlogy_rule(g: Any, input: Any, other: Any) -> Any:
    if isinstance(other, int | float):
        other = input * 0 + other if other <= 0 else float(other)
    return choose((input == 0) & (other <= 0), 0, g * log(other))


@elementwise(
    "xlogy(Tensor input, Tensor other, *, Tensor out=None)",
    "xlogy(Number self, Tensor other, *, Tensor out=None)",
    "xlogy(Tensor input, Number other, *, Tensor out=None)",
    numpy=cpu.xlogy,
    cuda="xlogy(x, y)",
    grad=(_xlogy_rule, lambda g, input, other: g * input / other),
    promote=INT_TO_FLOAT,
    accept=REAL,
    node=("XlogyBackward0", "XlogyBackward2", "XlogyBackward1"),
    inplace=True,
    inplace_function=True,
)
def xlogy(input: Tensor, other: Tensor) -> None:
    """input · log(other), zero where input is zero and other no NaN."""


def _check_ldexp(input: Tensor, other: Tensor) -> Mapping[str, Any] | None:
    if other.dtype.category > dtypes.INTEGRAL:
        return None
    if input.dtype.is_floating_point and other.dtype in (dtypes.bool_, *dtypes.BAREBONES_UNSIGNED):
        not_implemented_for("ldexp_cpu_exp", other.dtype)
    # an integer exponent has no say in the dtype
    return {"common": input.dtype}


@elementwise(
    "ldexp(Tensor input, Tensor other, *, Tensor out=None)",
    numpy=cpu.ldexp,
    cuda="x * exp2(y)",
    grad=(lambda g, other: g * conj(exp(other * LN2)), lambda g, out: g * conj(out * LN2)),
    promote=INT_TO_FLOAT,
    accept=NOT_HALF_COMPLEX,
    refusal="pow",
    check=_check_ldexp,
    inplace=True,
    inplace_function=True,
)
def ldexp(input: Tensor, other: Tensor) -> None:
    """input · 2^other."""


@elementwise(
    "copysign(Tensor input, Tensor other, *, Tensor out=None)",
    "copysign(Tensor input, Number other, *, Tensor out=None)",
    numpy=np.copysign,
    cuda="copysign(x, y)",
    grad=(lambda g, input, out: choose(input == 0, 0, g * (out / input)), lambda g: zeros_like(g)),
    promote=INT_TO_FLOAT,
    accept=REAL,
    node=("CopysignBackward0", "CopysignBackward1"),
    inplace=True,
)
def copysign(input: Tensor, other: Tensor) -> None:
    """|input| with the sign of other."""

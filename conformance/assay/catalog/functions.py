"""Functions of one or two numbers beyond arithmetic: logarithms and gammas, parts of floating numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from assay.case import TensorSpec, Values
from assay.catalog.common import x
from assay.catalog.elementwise import EVERYWHERE, binary, operand
from assay.catalog.form import ALIASED, Execution, Form, Param, arg, entry, form, opt
from assay.catalog.kinds import choice, integer, number, other, tensor, tensor_or_number
from assay.catalog.results import always, broadcast_shape, exactly_broadcast, floating, same, shape_of
from assay.dtypes import (
    ALL_COMPLEX,
    BAREBONES,
    COMMON,
    DIFFERENTIABLE,
    FLOATING,
    FLOATS,
    HALVES,
    INTEGERS,
    INTEGERS_AND_BOOL,
    REAL,
    REAL_AND_BOOL,
    category,
)
from assay.policy import AMPLITUDE, ELEMENTWISE, EXACT_ELEMENTWISE, FUNCTION, OVERFLOWING
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape

UNIT = Values("uniform", low=0, high=1)
POSITIVE = Values("positive")
AROUND_POLES = Values("uniform", low=-4, high=12)
SMALL = Values("integers", low=-12, high=12)
WHOLE = (*INTEGERS_AND_BOOL, *BAREBONES)
EVERY_REAL = (*REAL_AND_BOOL, *BAREBONES)

# -- gammas, logarithms and their kin --------------------------------------------------------------------------------


def unary(op: str, dtypes: tuple[str, ...], *more: Param, prefer: Values | None = None) -> None:
    """A function of one tensor; integers and bools give the default dtype."""
    tensors = x(dtypes, prefer=prefer)
    entry(
        op,
        form(tensors, *more, out=broadcast_shape, result=floating, order=2, weight=2),
        form(tensors, *more, variants="inplace", result=floating, order=2),
        policy=FUNCTION,
    )


unary("digamma", EVERY_REAL, prefer=AROUND_POLES)
unary("lgamma", EVERY_REAL, prefer=AROUND_POLES)


def _apart_from_zero(ex: Execution, shape: Shape) -> Values:
    """By PyTorch's formula the derivatives cancel near 0, where nothing is left of them; at 0 they are right."""
    if ex.order == 0:
        return plan(ex.pick)
    return Values(ex.pick.choice(("nonzero", "nonzero", "nonzero", "zeros", "ones")))


entry(
    "sinc",
    form(
        arg("input", tensor((*COMMON, *BAREBONES), values=_apart_from_zero)),
        out=broadcast_shape,
        result=floating,
        order=2,
        weight=2,
    ),
    form(
        arg("input", tensor((*COMMON, *BAREBONES), values=_apart_from_zero)),
        variants="inplace",
        result=floating,
        order=2,
    ),
    policy=AMPLITUDE,
)


def _inside(ex: Execution, shape: Shape) -> Values:
    """PyTorch's loops disagree about the sign of the slope at -0."""
    if ex.order and category(ex.dtype) >= 2:
        return Values(ex.pick.choice(("probability", "uniform", "ties")), low=-0.25, high=1)
    return plan(ex.pick, UNIT)


ODDS = arg("input", tensor(EVERY_REAL, values=_inside))
EPS = opt("eps", choice((None, 0.0, 1e-6, 0.1, 0.25, 0.5), ("text", [])))
entry(
    "logit",
    form(ODDS, EPS, out=broadcast_shape, result=floating, order=2, weight=2),
    form(ODDS, EPS, variants="inplace", result=floating, order=2),
    policy=FUNCTION,
)
entry(
    "i0",
    form(x((*FLOATS, *WHOLE)), variants=EVERYWHERE, out=broadcast_shape, result=floating, order=2, weight=2),
    # Halves have no second derivative: i1e is missing for them.
    form(x(HALVES), variants=EVERYWHERE, out=broadcast_shape, order=1),
    policy=FUNCTION,
)

N, GAMMAS = arg("n", integer(0, 4)), x(EVERY_REAL, prefer=POSITIVE)
entry(
    "polygamma",
    form(N, GAMMAS, variants="function", out=shape_of(), result=floating, order=2, weight=2),
    form(GAMMAS, N, variants="method inplace", result=floating, order=2, weight=2),
    policy=FUNCTION,
    bad=lambda ex: [((-1, tensor(FLOATS).realise((2,), "input", ex)), {})] if ex.variant == "function" else [],
)


def _above(ex: Execution, shape: Shape) -> Values:
    """All elements are above (p - 1) / 2, or PyTorch refuses them."""
    least = (ex.structure.drawn["p"] - 1) / 2
    if ex.dtype == "bool":
        return Values("ones")
    if category(ex.dtype) == 1:
        return Values("integers", low=int(least) + 1, high=9)
    return Values("uniform", low=least + 0.0625, high=least + 8)


MATRICES = (arg("input", tensor(REAL, values=_above)), arg("p", integer(1, 4)))
entry(
    "mvlgamma",
    form(*MATRICES, out=shape_of(), result=floating, order=2, weight=2),
    form(*MATRICES, variants="inplace", result=floating, order=2),
    policy=FUNCTION,
    bad=lambda ex: [((tensor(FLOATS).realise((2,), "input", ex), p), {}) for p in (0, -1, 300)],
)
# PyTorch has no derivative by the first argument, and that by the second has no more digits than the first.
SHAPES = arg("input", tensor(FLOATING, prefer=POSITIVE, grad=False))
LIMIT = other(FLOATING, prefer=POSITIVE)
for name in ("igamma", "igammac"):
    entry(
        name,
        form(SHAPES, arg("other", replace(LIMIT, relation="primary")), variants=EVERYWHERE, order=2, weight=3),
        form(SHAPES, arg("other", LIMIT), variants=EVERYWHERE, out=broadcast_shape, weight=2),
        policy=AMPLITUDE,
        alias=ALIASED,
    )


def number_first(dtypes: tuple[str, ...], prefer: Values | None = None, name: str = "other", **options: Any) -> Form:
    """The form with a Python number as its first operand."""
    second = arg(name, tensor(dtypes, prefer=prefer))
    return form(arg("self", number(2)), second, variants="function", out=broadcast_shape, **options)


entry(
    "xlogy",
    form(
        x(EVERY_REAL),
        operand(REAL_AND_BOOL, number(2), prefer=POSITIVE),
        out=broadcast_shape,
        result=floating,
        order=2,
        weight=3,
    ),
    form(
        x(EVERY_REAL), operand(REAL_AND_BOOL, number(2), prefer=POSITIVE), variants="inplace", result=floating, order=2
    ),
    number_first(EVERY_REAL, POSITIVE, result=floating, order=2),
    policy=FUNCTION,
    alias=ALIASED,
)
for name, dtypes in (("logaddexp", DIFFERENTIABLE), ("logaddexp2", FLOATING)):
    binary(name, dtypes, arg("other", other(dtypes)), variants="function method")
binary("hypot", FLOATING, arg("other", other(FLOATING)), policy=OVERFLOWING)


def powered(ex: Execution) -> str:
    """complex128 where any operand is complex, else float64."""
    operands = [v.dtype if isinstance(v, TensorSpec) else v for v in ex.values.values()]
    found = ex.dtype in ALL_COMPLEX or any(v in ALL_COMPLEX if isinstance(v, str) else v.imag for v in operands)
    return "complex128" if found else "float64"


EXPONENT = Values("uniform", low=-3, high=3)
POWER = arg("exponent", tensor_or_number(other(COMMON, prefer=EXPONENT)))
entry(
    "float_power",
    form(x(COMMON, prefer=POSITIVE), POWER, out=exactly_broadcast, result=powered, order=2, weight=3),
    form(x(("float64", "complex128"), prefer=POSITIVE), POWER, variants="inplace", order=2),
    number_first(COMMON, EXPONENT, "exponent", result=powered, order=2),
    policy=ELEMENTWISE,
    alias=ALIASED,
)

# -- integers, signs and parts ---------------------------------------------------------------------------------------
binary("gcd", INTEGERS, arg("other", other(INTEGERS)), order=0, policy=EXACT_ELEMENTWISE)
#: Largest factors whose product a dtype holds: beyond, C leaves open what comes, and PyTorch dies of the least integer.
FACTORS = {"int8": 11, "uint8": 15, "int16": 181, "int32": 46340, "int64": 10**9}


def _factors(ex: Execution, shape: Shape) -> Values:
    largest = FACTORS[ex.dtype]
    return Values("integers", low=-largest, high=largest) if ex.pick.chance(0.4) else Values("integers")


entry(
    "lcm",
    arg("input", tensor(INTEGERS, values=_factors)),
    arg("other", other(INTEGERS, values=_factors)),
    variants=EVERYWHERE,
    out=broadcast_shape,
    policy=EXACT_ELEMENTWISE,
    alias=ALIASED,
)
SIGN = operand(REAL_AND_BOOL, number(2))
binary("copysign", REAL_AND_BOOL, SIGN, result=floating, policy=EXACT_ELEMENTWISE)
binary("heaviside", REAL_AND_BOOL, arg("values", other(mixed=False)), order=0, policy=EXACT_ELEMENTWISE)
binary("nextafter", FLOATING, arg("other", other(FLOATING)), policy=EXACT_ELEMENTWISE)
binary("ldexp", COMMON, arg("other", other(COMMON, prefer=SMALL)), result=floating, policy=OVERFLOWING)
entry("frexp", x(FLOATING), out=shape_of(), result=(same, always("int32")), order=2, policy=EXACT_ELEMENTWISE)


def complex_of(ex: Execution) -> str:
    """The complex dtype whose parts have the primary dtype."""
    return {"float16": "complex32", "float32": "complex64"}.get(ex.dtype, "complex128")


def parts(first: str, second: str, dtypes: tuple[str, ...], order: int) -> Form:
    """Two real tensors that a complex one is made of."""
    pair = arg(first, tensor(dtypes)), arg(second, other((), first, mixed=False))
    return form(*pair, variants="function", out=exactly_broadcast, result=complex_of, order=order)


entry("complex", parts("real", "imag", FLOATS, 2), parts("real", "imag", ("float16",), 0), policy=EXACT_ELEMENTWISE)
entry("polar", parts("abs", "angle", FLOATS, 2), policy=OVERFLOWING)
entry(
    "conj_physical",
    form(x(COMMON), variants=EVERYWHERE, out=shape_of(), order=2, weight=4),
    form(x(("complex32",)), variants=EVERYWHERE, out=shape_of()),
    form(x(BAREBONES), variants=EVERYWHERE),
    policy=EXACT_ELEMENTWISE,
)

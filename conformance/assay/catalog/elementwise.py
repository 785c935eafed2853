"""Elementwise arithmetic and functions."""

from __future__ import annotations

from typing import Any

from assay.case import Values
from assay.catalog.common import x
from assay.catalog.form import ALIASED, Execution, Param, arg, entry, form, kw, opt
from assay.catalog.kinds import (
    broadcasting,
    choice,
    divisor,
    either,
    integer,
    made,
    nonzero,
    number,
    other,
    real,
    tensor,
    tensor_or_number,
)
from assay.catalog.results import broadcast_shape, exactly_broadcast, floating, same, shape_of
from assay.catalog.results import real as real_result
from assay.dtypes import COMMON, DIFFERENTIABLE, FLOATING, NUMERIC, REAL, REAL_AND_BOOL, category
from assay.policy import (
    ELEMENTWISE,
    EXACT_ELEMENTWISE,
    EXTREMUM,
    INTERPOLATION,
    OVERFLOWING,
    QUOTIENT,
    VIEW,
)
from assay.strategies.arguments import scalar

EVERYWHERE = "function method inplace"
UNIT = Values("uniform", low=-1, high=1)
POSITIVE = Values("positive")

# name: (dtypes, where the function is interesting); integers and bools give the default dtype
TO_FLOAT: dict[str, tuple[tuple[str, ...], Values | None]] = {
    **dict.fromkeys(("exp", "exp2", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sigmoid"), (COMMON, None)),
    **dict.fromkeys(("atan", "arctan", "asinh", "arcsinh", "reciprocal"), (COMMON, None)),
    **dict.fromkeys(("log", "log2", "log10", "log1p", "sqrt", "rsqrt"), (COMMON, POSITIVE)),
    **dict.fromkeys(("asin", "arcsin", "acos", "arccos", "atanh", "arctanh"), (COMMON, UNIT)),
    **dict.fromkeys(("acosh", "arccosh"), (COMMON, Values("positive", low=1))),
    **dict.fromkeys(("erf", "erfc"), (REAL_AND_BOOL, None)),
    "erfinv": (REAL_AND_BOOL, UNIT),
}
# in place, PyTorch has no derivative of these
UNDERIVED = ("asinh", "arcsinh", "acosh", "arccosh", "atanh", "arctanh")
for name, (dtypes, prefer) in TO_FLOAT.items():
    tensors = x(dtypes, prefer=prefer)
    entry(
        name,
        form(tensors, out=broadcast_shape, result=floating, order=2, weight=2),
        form(tensors, variants="inplace", result=floating, order=0 if name in UNDERIVED else 2),
        policy=ELEMENTWISE,
    )

# name: (dtypes, order); the result has the input's dtype
KEEPING: dict[str, tuple[tuple[str, ...], int]] = {
    **dict.fromkeys(("neg", "negative"), (NUMERIC, 2)),
    **dict.fromkeys(("floor", "ceil", "trunc", "fix"), (REAL, 2)),
    "frac": (FLOATING, 2),
    "sign": (REAL_AND_BOOL, 2),
    "sgn": (COMMON, 2),
    "square": (COMMON, 2),
    **dict.fromkeys(("deg2rad", "rad2deg"), (FLOATING, 2)),
}
ARITHMETIC = ("square", "deg2rad", "rad2deg", "sgn")
for name, (dtypes, order) in KEEPING.items():
    entry(
        name,
        x(dtypes),
        variants=EVERYWHERE,
        operators="neg" if name == "neg" else "",
        out=None if name == "square" else shape_of(),
        order=order,
        policy=OVERFLOWING if name in ARITHMETIC else EXACT_ELEMENTWISE,
    )

for name in ("abs", "absolute"):
    entry(
        name,
        form(
            x(NUMERIC), operators="abs" if name == "abs" else "", out=shape_of(), result=real_result, order=2, weight=2
        ),
        form(x(REAL), variants="inplace", order=2),
        policy=ELEMENTWISE,
    )
entry("positive", x(NUMERIC), operators="pos", order=2, policy=VIEW)
entry(
    "round",
    form(x(REAL), variants=EVERYWHERE, out=shape_of(), order=2, weight=2),
    form(x(FLOATING), kw("decimals", integer(-2, 3), 0), variants=EVERYWHERE, out=shape_of(), order=2),
    policy=EXACT_ELEMENTWISE,
)
entry("relu", x(REAL), variants=EVERYWHERE, order=2, policy=EXACT_ELEMENTWISE)
entry("conj", x(COMMON), order=2, policy=ELEMENTWISE)
entry("real", x(COMMON), variants="function", order=2, policy=ELEMENTWISE)
entry("imag", x(("complex64", "complex128")), variants="function", order=2, policy=ELEMENTWISE)
entry(
    "angle",
    x(COMMON),
    out=broadcast_shape,
    result=lambda ex: real_result(ex) if category(ex.dtype) > 1 else floating(ex),
    order=2,
    policy=ELEMENTWISE,
)
entry(
    "nan_to_num",
    x(REAL_AND_BOOL, prefer=Values("special")),
    opt("nan", real(-2, 2)),
    opt("posinf", real(-2, 2)),
    opt("neginf", real(-2, 2)),
    variants=EVERYWHERE,
    out=shape_of(),
    order=2,
    policy=EXACT_ELEMENTWISE,
)


def multiplier(drawn: Any, ex: Execution) -> Any:
    """A scale that the results' category can hold."""
    if ex.dtype == "bool" or category(ex.dtype) == 1:
        return scalar(ex.pick, 1)
    return scalar(ex.pick, ex.pick.integer(1, category(ex.dtype)))


ALPHA = kw("alpha", made(multiplier))


def binary(
    op: str,
    dtypes: tuple[str, ...],
    operand: Param,
    *more: Param,
    operators: str = "",
    result: Any = same,
    order: int = 2,
    **options: Any,
) -> None:
    """Two operands that broadcast and promote."""
    entry(
        op,
        x(dtypes, prefer=options.pop("prefer", None)),
        operand,
        *more,
        variants=options.pop("variants", EVERYWHERE),
        operators=operators,
        out=options.pop("out", broadcast_shape),
        result=result,
        order=order,
        policy=options.pop("policy", ELEMENTWISE),
        alias=options.pop("alias", ALIASED),
        **options,
    )


def operand(dtypes: tuple[str, ...] = COMMON, scalar: number | None = None, **values: Any) -> Param:
    """`other`: a tensor or a Python number."""
    return arg("other", tensor_or_number(other(dtypes, **values), scalar))


binary("add", COMMON, operand(), ALPHA, operators="add radd iadd")
SUBTRACTED = operand(NUMERIC, number(fits=lambda n, ex: not isinstance(n, bool)))
binary("sub", NUMERIC, SUBTRACTED, ALPHA, operators="sub rsub isub")
binary("subtract", NUMERIC, SUBTRACTED, ALPHA)
binary("rsub", NUMERIC, SUBTRACTED, ALPHA, variants="function", out=None)
for name in ("mul", "multiply"):
    binary(name, COMMON, operand(), operators="mul rmul imul" if name == "mul" else "")

ROUNDING = kw("rounding_mode", choice(("floor", "trunc"), ("ceil", 1, b"floor")), 0)
DIVISOR = operand(REAL, number(2, fits=nonzero), values=divisor)
for name in ("div", "divide"):
    entry(
        name,
        form(
            x(COMMON),
            operand(),
            variants=EVERYWHERE,
            out=broadcast_shape,
            result=floating,
            order=2,
            operators="truediv rtruediv itruediv" if name == "div" else "",
        ),
        form(x(REAL), DIVISOR, ROUNDING, variants=EVERYWHERE, out=broadcast_shape, order=2),
        policy=ELEMENTWISE,
        alias=ALIASED,
    )
binary("true_divide", COMMON, operand(), result=floating)
binary("floor_divide", REAL, DIVISOR, operators="floordiv rfloordiv ifloordiv", order=0)
binary("remainder", REAL, DIVISOR, operators="mod rmod imod", policy=QUOTIENT)
binary("fmod", REAL, DIVISOR, policy=QUOTIENT)


def exponent(value: Any, ex: Execution) -> bool:
    """Integers are not raised to negative Python integers."""
    return category(ex.dtype) > 1 or isinstance(value, float | complex) or value >= 0


EXPONENT = Values("uniform", low=-3, high=3)
entry(
    "pow",
    form(
        x(NUMERIC, prefer=POSITIVE),
        arg("exponent", tensor_or_number(other(NUMERIC, prefer=EXPONENT), number(fits=exponent))),
        variants=EVERYWHERE,
        operators="pow ipow",
        out=broadcast_shape,
        order=2,
        weight=3,
    ),
    form(arg("self", number()), arg("exponent", tensor(NUMERIC, prefer=EXPONENT)), variants="function", order=2),
    form(x(NUMERIC, prefer=EXPONENT), arg("exponent", either((number(),))), variants="", operators="rpow", order=2),
    policy=ELEMENTWISE,
)
for name in ("atan2", "arctan2"):
    binary(name, REAL_AND_BOOL, arg("other", other(REAL_AND_BOOL)), result=floating)
for name in ("maximum", "minimum", "fmax", "fmin"):
    binary(name, REAL_AND_BOOL, arg("other", other(REAL_AND_BOOL)), variants="function method", policy=EXTREMUM)

LOW, HIGH = number(2), number(2)
for name in ("clamp", "clip"):
    entry(
        name,
        form(x(REAL), arg("min", LOW), opt("max", HIGH), variants=EVERYWHERE, out=exactly_broadcast, order=2, weight=2),
        form(x(REAL), kw("max", HIGH, 0), variants=EVERYWHERE, out=exactly_broadcast, order=2),
        form(
            x(REAL),
            arg("min", other(REAL)),
            opt("max", other(REAL, "input", "min")),
            variants=EVERYWHERE,
            out=exactly_broadcast,
            order=2,
        ),
        policy=EXTREMUM,
    )
for name, bound in (("clamp_min", "min"), ("clamp_max", "max")):
    entry(
        name,
        x(REAL),
        arg(bound, tensor_or_number(other(REAL), number(2))),
        variants=EVERYWHERE,
        out=exactly_broadcast,
        order=2,
        policy=EXTREMUM,
    )

WHERE = arg("condition", tensor(("bool",), own=True))
LEFT = arg("input", either((other(COMMON, "condition"), number()), (5, 1)))
RIGHT = arg("other", either((other(COMMON, "condition", "input"), number()), (5, 1)))
entry(
    "where",
    form(WHERE, LEFT, RIGHT, variants="function", order=2, dtypes=COMMON, weight=3),
    form(
        arg("condition", tensor(("bool",), own=True)),
        arg("input", other(COMMON, "condition", mixed=False)),
        arg("other", other(COMMON, "condition", "input", mixed=False)),
        variants="",
        out=broadcast_shape,
        dtypes=COMMON,
    ),
    form(
        x(),
        arg("condition", tensor(("bool",), broadcasting(("input",)), own=True)),
        arg("other", either((other(COMMON, "input", "condition"), number()), (5, 1))),
        variants="method",
        order=2,
    ),
    form(arg("condition", tensor(COMMON)), variants="function"),
    policy=EXACT_ELEMENTWISE,
)

WEIGHT = either((number(3, keep=True), other((), "input", "end", mixed=False)), (1, 1))
entry(
    "lerp",
    x(DIFFERENTIABLE),
    arg("end", other((), mixed=False)),
    arg("weight", WEIGHT),
    variants=EVERYWHERE,
    out=broadcast_shape,
    order=2,
    policy=INTERPOLATION,
)
for name, dtypes in (("addcmul", NUMERIC), ("addcdiv", DIFFERENTIABLE)):
    entry(
        name,
        x(dtypes),
        arg("tensor1", other(dtypes)),
        arg("tensor2", other(dtypes, "input", "tensor1")),
        kw("value", made(multiplier)),
        variants=EVERYWHERE,
        out=broadcast_shape,
        order=2,
        policy=OVERFLOWING,
    )

"""Comparison, tests of elements, logic and bits."""

from __future__ import annotations

import math

import numpy as np

from assay.case import TensorSpec, Values
from assay.catalog.common import x
from assay.catalog.elementwise import EVERYWHERE, binary, operand
from assay.catalog.form import Execution, arg, entry, opt
from assay.catalog.kinds import flag, like, number, other, real, tensor
from assay.catalog.results import always, broadcast_shape, shape_of
from assay.dtypes import COMMON, INTEGERS, INTEGERS_AND_BOOL, REAL_AND_BOOL, category
from assay.policy import EXACT_ELEMENTWISE
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape
from assay.values import array

BOOL = always("bool")
#: How many elements are written out in a case at most.
FEW = 300
ORDERED = ("lt", "le", "gt", "ge", "less", "less_equal", "greater", "greater_equal")

#: How often the operands are one tensor: of all numbers, NaN alone differs from itself.
ONE = 0.3
for name in ("eq", "ne", "not_equal"):
    binary(
        name,
        COMMON,
        operand(),
        operators="" if name == "not_equal" else name,
        alias=ONE,
        prefer=Values("special"),
        result=BOOL,
        order=0,
        policy=EXACT_ELEMENTWISE,
    )
for name in ORDERED:
    binary(
        name,
        REAL_AND_BOOL,
        operand(REAL_AND_BOOL, number(2)),
        operators=name if len(name) == 2 else "",
        result=BOOL,
        order=0,
        policy=EXACT_ELEMENTWISE,
    )
for name in ("isnan", "isfinite", "isinf", "isreal"):
    entry(name, x(COMMON), policy=EXACT_ELEMENTWISE)
for name in ("isposinf", "isneginf", "signbit"):
    entry(name, x(REAL_AND_BOOL), out=shape_of(), result=BOOL, policy=EXACT_ELEMENTWISE)

TIES = Values("ties")


def near(ex: Execution, shape: Shape) -> Values:
    """Mostly the elements of the input, NaN included, moved so little or so far that the tolerances decide."""
    given = ex.get("input")
    found = plan(ex.pick, TIES)
    if not isinstance(given, TensorSpec) or shape != given.shape or ex.dtype == "complex32" or ex.pick.chance(0.3):
        return found
    if math.prod(shape) > FEW:
        return found
    away = ex.pick.choice((0.0, 1e-6, 4e-6, 5e-4, 0.05))
    elements = array(given)
    if category(ex.dtype) >= 2:
        with np.errstate(all="ignore"):
            wide = elements.astype(np.complex128 if category(ex.dtype) == 3 else np.float64)
            elements = np.where(np.isfinite(wide), wide * (1 + away), wide)
    return Values("literal", literal=tuple(elements.reshape(-1).tolist()))


CLOSE = (
    opt("rtol", real(among=(1e-5, 0.0, 0.1, 1e-3))),
    opt("atol", real(among=(1e-8, 0.0, 0.5))),
    opt("equal_nan", flag()),
)
for name, some in (("isclose", Values("special")), ("allclose", TIES)):
    entry(
        name,
        x(COMMON, prefer=some),
        arg("other", other((), mixed=False, values=near)),
        *CLOSE,
        policy=EXACT_ELEMENTWISE,
        alias=ONE,
    )
entry(
    "equal",
    x(COMMON, prefer=TIES),
    arg("other", tensor((), like("input"), prefer=TIES)),
    policy=EXACT_ELEMENTWISE,
    alias=ONE,
)

for name in ("logical_and", "logical_or", "logical_xor"):
    binary(name, COMMON, arg("other", other(COMMON, prefer=TIES)), result=BOOL, order=0, policy=EXACT_ELEMENTWISE)
entry(
    "logical_not",
    x(COMMON, prefer=TIES),
    variants=EVERYWHERE,
    out=broadcast_shape,
    result=BOOL,
    policy=EXACT_ELEMENTWISE,
)

BITS = operand(INTEGERS_AND_BOOL, number(1))
for name, operators in (("and", "and_ rand_ iand"), ("or", "or_ ror_ ior"), ("xor", "xor rxor ixor")):
    binary(f"bitwise_{name}", INTEGERS_AND_BOOL, BITS, operators=operators, order=0, policy=EXACT_ELEMENTWISE)
entry(
    "bitwise_not",
    x(INTEGERS_AND_BOOL),
    variants=EVERYWHERE,
    operators="invert",
    out=broadcast_shape,
    policy=EXACT_ELEMENTWISE,
)
SHIFT = operand(INTEGERS, number(1, fits=lambda n, ex: n >= 0), prefer=Values("integers", low=0, high=7))
for name, operators in (("left", "lshift rlshift ilshift"), ("right", "rshift rrshift irshift")):
    binary(f"bitwise_{name}_shift", INTEGERS, SHIFT, operators=operators, order=0, policy=EXACT_ELEMENTWISE)

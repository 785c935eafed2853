"""Elementwise arithmetic and functions."""

from __future__ import annotations

from typing import Any

from assay.case import Values
from assay.catalog.form import Execution, arg, entry, form, kw, opt
from assay.catalog.kinds import either, made, number, other, tensor, tensor_or_number
from assay.catalog.results import elementwise, floating
from assay.dtypes import COMMON, DIFFERENTIABLE, FLOATING, NUMERIC, REAL, category
from assay.policy import ELEMENTWISE, EXACT_ELEMENTWISE, Policy
from assay.strategies.arguments import scalar

OUT = elementwise()


def alpha(drawn: Any, ex: Execution) -> Any:
    """A multiplier that the result's category can hold."""
    return scalar(ex.pick, min(category(ex.dtype), ex.pick.integer(1, 3))) if ex.dtype != "bool" else True


def unary(
    op: str,
    dtypes: tuple[str, ...] = COMMON,
    prefer: Values | None = None,
    policy: Policy = ELEMENTWISE,
    order: int = 2,
    to_float: bool = True,
    variants: str = "function method inplace",
    operators: str = "",
) -> None:
    """One tensor in, one of the same shape out."""
    inplace = tuple(d for d in dtypes if d in DIFFERENTIABLE) if to_float else dtypes
    rest = " ".join(v for v in variants.split() if v != "inplace")
    out = elementwise(floating) if to_float else OUT
    forms = [
        form(
            arg("input", tensor(dtypes, prefer=prefer)),
            variants=rest,
            operators=operators,
            out=out,
            order=order,
            weight=3,
        )
    ]
    if "inplace" in variants:
        forms.append(form(arg("input", tensor(inplace, prefer=prefer)), variants="inplace", order=order))
    entry(op, *forms, policy=policy)


unary("exp")
unary("sqrt", prefer=Values("positive"))

entry(
    "add",
    form(arg("input", tensor(COMMON)), arg("other", tensor_or_number(COMMON)), kw("alpha", made(alpha)),
         variants="function method inplace", operators="add radd iadd", out=OUT, order=2),
    policy=ELEMENTWISE, alias=True,
)  # fmt: skip
entry(
    "mul",
    form(arg("input", tensor(COMMON)), arg("other", tensor_or_number(COMMON)),
         variants="function method inplace", operators="mul rmul imul", out=OUT, order=2),
    policy=ELEMENTWISE, alias=True,
)  # fmt: skip
entry(
    "where",
    form(arg("condition", tensor(("bool",), own=True)), arg("input", either((other(COMMON, "condition"), number()), (5, 1))),
         arg("other", either((other(COMMON, "condition", "input"), number()), (5, 1))), variants="function", order=2, dtypes=COMMON),
    policy=ELEMENTWISE,
)  # fmt: skip
entry(
    "clamp",
    form(arg("input", tensor(REAL)), arg("min", number(2)), opt("max", number(2)), variants="function method inplace", out=OUT, order=2),
    form(arg("input", tensor(REAL)), arg("min", other(REAL, "input")), opt("max", other(REAL, "input", "min")),
         variants="function method inplace", out=OUT, order=2),
    policy=ELEMENTWISE,
)  # fmt: skip

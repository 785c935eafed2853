"""Changes of dtype, and questions about dtypes.

A floating number that an integer dtype cannot hold has no defined cast, so such casts draw small numbers.
"""

from __future__ import annotations

from typing import Any

from assay.case import Make, Named, Values
from assay.catalog.common import ANY, x
from assay.catalog.creation import FORMAT
from assay.catalog.form import Execution, arg, entry, form, kw, opt, pos
from assay.catalog.kinds import choice, dtype, either, flag, number, tensor
from assay.dtypes import ALL, COMMON, category
from assay.policy import MOVE
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape

CASTS = {
    "bool": "bool",
    "byte": "uint8",
    "char": "int8",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "half": "float16",
    "bfloat16": "bfloat16",
    "float": "float32",
    "double": "float64",
    "cfloat": "complex64",
    "cdouble": "complex128",
    "chalf": "complex32",
}


def castable(to: str | None = None) -> Any:
    """Values that `to`, or else the dtype argument, holds."""

    def values(ex: Execution, shape: Shape) -> Values:
        target = to
        if target is None:
            given = ex.get("dtype")
            target = given.name if isinstance(given, Named) else ex.dtype
        if category(target) == 1 and category(ex.dtype) >= 2:
            return Values("uniform", low=0 if target[0] == "u" else -100, high=100)
        return plan(ex.pick)

    return values


for name, target in CASTS.items():
    order = 2 if category(target) >= 2 and target != "complex32" else 0
    entry(name, arg("input", tensor(ALL, values=castable(target))), FORMAT, variants="method", order=order, policy=MOVE)

FLAGS = (opt("non_blocking", flag()), opt("copy", flag()))
TO = arg("dtype", dtype(COMMON, none=0))
entry(
    "to",
    form(kw("dtype", dtype(COMMON, none=0), 0), x(COMMON), variants="method", order=2, dtypes=COMMON),
    form(
        arg("input", tensor(COMMON, values=lambda ex, shape: Values("uniform", low=0, high=100))),
        TO,
        *FLAGS,
        FORMAT,
        variants="method",
        order=2,
    ),
    form(
        x(),
        arg("device", choice(("cpu", Make("device", ("cpu",))), ("nowhere", 1.5, b"cpu"))),
        opt("dtype", dtype(("float32", "float64", "complex128"))),
        variants="method",
        order=2,
    ),
    form(
        arg("input", tensor(COMMON, values=lambda ex, shape: Values("uniform", low=0, high=100))),
        pos("other", tensor(COMMON, own=True)),
        *FLAGS,
        variants="method",
        order=2,
    ),
    policy=MOVE,
)
entry(
    "type_as",
    arg("input", tensor(COMMON, values=lambda ex, shape: Values("uniform", low=0, high=100))),
    arg("other", tensor(COMMON, own=True)),
    variants="method",
    order=2,
    policy=MOVE,
)
TYPES = tuple(
    f"torch.{name}Tensor"
    for name in ("Float", "Double", "Half", "BFloat16", "Int", "Long", "Short", "Char", "Byte", "Bool")
)
entry(
    "type",
    form(x(ALL), variants="method"),
    form(
        arg("input", tensor(COMMON, values=lambda ex, shape: Values("uniform", low=0, high=100))),
        arg("dtype", either((dtype(COMMON, none=0), choice(TYPES, ("torch.Float", "float32"))))),
        opt("non_blocking", flag()),
        variants="method",
    ),
    policy=MOVE,
)

entry(
    "result_type",
    pos("tensor1", tensor(COMMON)),
    pos("tensor2", either((tensor(COMMON, own=True), number()), (3, 1))),
    variants="function",
    policy=MOVE,
)
entry(
    "promote_types",
    arg("type1", dtype(COMMON, none=0)),
    arg("type2", dtype(COMMON, none=0)),
    variants="function",
    policy=MOVE,
)
entry("can_cast", arg("from_", dtype(ALL, none=0)), arg("to", dtype(ALL, none=0)), variants="function", policy=MOVE)
for name in ("is_floating_point", "is_complex"):
    entry(name, ANY, policy=MOVE)

"""The API of old tutorials, which still works, and the global settings."""

from __future__ import annotations

from typing import Any

from assay.case import Named
from assay.catalog.creation import nested, nonnegative, small
from assay.catalog.form import Execution, entry, form, pos
from assay.catalog.kinds import choice, dtype, made, tensor
from assay.dtypes import COMMON, DIFFERENTIABLE, INTEGERS
from assay.policy import CREATION, VIEW
from assay.strategies.shapes import Shape

KINDS = {
    "Float": 2,
    "Double": 2,
    "Int": 1,
    "Long": 1,
    "Short": 1,
    "Char": 1,
    "Byte": 1,
    "Bool": 0,
    "Half": 2,
    "BFloat16": 2,
    "": 2,
}


def numbers(kind: int) -> made:
    """Nested lists of numbers that the type holds."""

    def how(drawn: Shape, ex: Execution) -> Any:
        data = nested(ex.pick, drawn or (2,), kind)
        return nonnegative(data) if kind == 1 else data

    return made(how, small)


for name, kind in KINDS.items():
    entry(
        f"{name}Tensor",
        form(pos("data", numbers(kind)), variants="function"),
        policy=CREATION,
        bad=lambda ex: [
            ((2.5,), {}),
            (("text",), {}),
            (([1, "a"],), {}),
            (([[1], [2, 3]],), {}),
            ((None,), {}),
            ((2, -1), {}),
        ],
    )
entry(
    "set_default_tensor_type",
    pos(
        "t",
        choice(
            tuple(f"torch.{name}Tensor" for name in ("Float", "Double", "Half", "BFloat16")),
            ("torch.IntTensor", "float", 3),
        ),
    ),
    variants="function",
    policy=CREATION,
)
for name, names in (("finfo", DIFFERENTIABLE), ("iinfo", INTEGERS)):
    entry(name, pos("type", dtype(names, none=0)), variants="function", policy=VIEW)
entry("autograd.Variable", pos("data", tensor(COMMON)), variants="function", policy=VIEW)
for name in ("set_default_dtype", "get_default_dtype"):
    arguments = (
        (pos("d", choice((Named("float32"), Named("float64"), Named("float16")), (Named("int64"), "float32", 3))),)
        if name[0] == "s"
        else ()
    )
    entry(name, *arguments, variants="function", policy=CREATION)

"""Creation: zeros, full, arange, tensor and their kin."""

from __future__ import annotations

from typing import Any

from assay.case import Make, Named, TensorSpec
from assay.catalog.form import Execution, Param, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, dtype, flag, made, number, size, tensor
from assay.catalog.results import DtypeRule, asked, shaped_by
from assay.dtypes import ALL, COMMON, DIFFERENTIABLE, REAL, category
from assay.pick import Pick
from assay.policy import CREATION, UNINITIALISED
from assay.strategies.arguments import scalar

DTYPES = (*COMMON, "complex32", "uint16", "uint32", "uint64")


def options(names: tuple[str, ...] = DTYPES, differentiable: bool = True) -> tuple[Param, ...]:
    """dtype=, device=, layout=, pin_memory=, requires_grad= of a creation function."""

    def grad(drawn: Any, ex: Execution) -> bool:
        given = ex.get("dtype")
        return category(given.name) >= 2 if isinstance(given, Named) else False

    return (
        kw("dtype", dtype(names), 0.25),
        kw("layout", choice((Named("strided"),), ("strided", 3)), 0.95),
        kw("device", choice(("cpu", Make("device", ("cpu",)), None), ("nowhere", 1.5, Named("float32"))), 0.9),
        kw("requires_grad", made(grad, refused=("yes", 2.5)), 0.85),
    )


def size_of(ex: Execution) -> tuple[int, ...]:
    given = ex.get("size")
    return tuple(given.args[0]) if isinstance(given, Make) else tuple(given)


def asked_or(rule: DtypeRule) -> DtypeRule:
    """The `dtype` argument, else what `rule` says."""
    return lambda ex: ex.get("dtype").name if isinstance(ex.get("dtype"), Named) else rule(ex)


def default(ex: Execution) -> str:
    return ex.default_dtype


for name in ("zeros", "ones", "empty"):
    entry(
        name,
        form(
            arg("size", size(), splat=True), *options(), variants="function", out=shaped_by(size_of, asked_or(default))
        ),
        policy=UNINITIALISED if name == "empty" else CREATION,
    )


def fill_value(drawn: Any, ex: Execution) -> Any:
    return scalar(ex.pick, ex.pick.integer(0, 3))


def _filled(ex: Execution) -> str:
    kinds = {bool: "bool", int: "int64", float: ex.default_dtype}
    return kinds.get(type(ex.get("fill_value")), "complex64")


def fit(drawn: Any, ex: Execution) -> Any:
    """A number whose category the dtype argument can hold."""
    return scalar(ex.pick, ex.pick.integer(0, 3))


entry(
    "full",
    form(arg("size", size()), arg("fill_value", made(fill_value)), *options(COMMON), variants="function",
         out=shaped_by(size_of, asked_or(_filled))),
    policy=CREATION,
)  # fmt: skip


def _bounds(drawn: Any, ex: Execution) -> Any:
    return ex.pick.choice((5, 3, 0, 7, 2.5, 10, 4.0, 1))


ARANGE = (*(d for d in REAL), "float32", "int64")
entry(
    "arange",
    form(arg("end", made(_bounds)), *options(REAL), variants="function", out=None),
    form(arg("start", made(lambda d, ex: ex.pick.choice((0, 1, -2, 0.5, 3)))),
         arg("end", made(lambda d, ex: ex.pick.choice((3, 4, 6.5, 9, 17)))),
         opt("step", made(lambda d, ex: ex.pick.choice((1, 2, 0.5, 0.75, 3)))), *options(REAL), variants="function"),
    form(arg("start", made(lambda d, ex: ex.pick.choice((3, 4, 6.5, 9)))),
         arg("end", made(lambda d, ex: ex.pick.choice((0, 1, 0.5, 3)))),
         arg("step", made(lambda d, ex: ex.pick.choice((-1, -2, -0.5, -0.75)))), *options(REAL), variants="function"),
    policy=CREATION,
    bad=lambda ex: iter([((0, 5, 0), {}), ((1, 5, -1), {}), ((5, 1), {}), (("a",), {}), ((), {}), ((float("nan"),), {})]),
)  # fmt: skip


def nested(pick: Pick, shape: tuple[int, ...], kind: int) -> Any:
    """Nested lists (now and then tuples) of numbers."""
    if not shape:
        return scalar(pick, pick.integer(0, kind) if pick.chance(0.3) else kind)
    items = [nested(pick, shape[1:], kind) for _ in range(shape[0])]
    return tuple(items) if pick.chance(0.15) else items


def data(drawn: Any, ex: Execution) -> Any:
    how = ex.pick.integer(0, 9)
    if how == 0:
        return TensorSpec(drawn, ex.dtype, tensor().realise(drawn, "data", ex).values)
    if how == 1 and ex.dtype not in ("bfloat16", "complex32"):
        return Make("ndarray", (TensorSpec(drawn, ex.dtype),))
    return nested(ex.pick, drawn, ex.pick.integer(0, 3))


def small(draw: Any, env: Any) -> tuple[int, ...]:
    from assay.strategies.shapes import shapes

    shape = draw(shapes(max_rank=3))
    return tuple(min(s, 4) for s in shape)


entry(
    "tensor",
    form(arg("data", made(data, small)), *options(), variants="function"),
    policy=CREATION,
    bad=lambda ex: iter(
        [
            (([[1, 2], [3]],), {}),
            (([1, "a"],), {}),
            (("abc",), {}),
            ((None,), {}),
            ((), {}),
            ((2, 3), {}),
            (([1, None],), {}),
        ]
    ),
)

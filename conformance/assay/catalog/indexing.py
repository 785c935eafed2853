"""Brackets, read and assigned, and selection by index tensors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import TensorSpec, Values
from assay.catalog.form import Execution, Structure, arg, entry, form, pos
from assay.catalog.kinds import dim, either, index, made, number, tensor
from assay.catalog.results import shaped_by
from assay.dtypes import ALL, COMMON
from assay.policy import MOVE, VIEW
from assay.strategies.shapes import Shape

entry(
    "__getitem__",
    form(pos("input", tensor(ALL)), pos("index", index()), variants="method", operators="getitem", order=2),
    policy=VIEW,
)


def _value_shape(draw: st.DrawFn, env: Structure) -> Shape:
    """Mostly a single element, which any selection takes."""
    return draw(st.sampled_from(((), (1,), (1, 1), ())))


entry(
    "__setitem__",
    form(pos("input", tensor(COMMON)), pos("index", index()), pos("value", either((number(), tensor(COMMON, _value_shape, mixed=True)))),
         variants="method", operators="setitem", order=2),
    policy=MOVE,
)  # fmt: skip


def along(ex: Execution) -> int:
    shape, d = ex.shape("input"), ex.get("dim")
    return shape[d % len(shape)] if shape else 1


def index_along(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=0, high=max(along(ex), 1))


def index_shape(draw: st.DrawFn, env: Structure) -> Shape:
    shape, d = env.shape("input"), env.drawn["dim"]
    n = shape[d % len(shape)] if shape else 1
    if not shape:
        return draw(st.sampled_from(((), (1,))))
    return (draw(st.integers(0, 6)) if n else 0,) if draw(st.integers(0, 6)) or not n else ()


def _indexed(ex: Execution) -> Shape:
    shape, d = list(ex.shape("input")), ex.get("dim")
    if shape:
        shape[d % len(shape)] = (*ex.shape("index"), 1)[0]
    return tuple(shape)


entry(
    "index_select",
    form(arg("input", tensor(ALL)), arg("dim", dim()), arg("index", tensor(("int64", "int32"), index_shape, own=True, values=index_along)),
         out=shaped_by(_indexed), order=2),
    policy=MOVE,
)  # fmt: skip

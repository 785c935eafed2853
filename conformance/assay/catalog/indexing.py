"""Brackets, read and assigned, and selection by index tensors and masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from assay.case import TensorSpec, Values
from assay.catalog.common import DIM, x
from assay.catalog.form import Execution, Structure, arg, entry, form, kw, pos
from assay.catalog.kinds import aside, broadcasting, dim, drawn, either, flag, index, like, made, number, shaped, tensor
from assay.catalog.results import unknown
from assay.dtypes import ALL, COMMON, category, is_differentiable
from assay.policy import MOVE, SUM, VIEW
from assay.strategies.arguments import layout, plan, scalar
from assay.strategies.shapes import Shape
from assay.values import array

entry(
    "__getitem__",
    pos("input", tensor(ALL)),
    pos("index", index()),
    variants="method",
    operators="getitem",
    order=2,
    policy=VIEW,
)


def _as_numpy(item: Any) -> Any:
    if isinstance(item, tuple):
        return tuple(_as_numpy(i) for i in item)
    return array(item) if isinstance(item, TensorSpec) else item


def selected_shape(shape: Shape, item: Any) -> Shape:
    """The shape of `x[item]` for an x of this shape; NumPy's rules are PyTorch's here."""
    chosen: Shape = np.broadcast_to(np.zeros(()), shape)[_as_numpy(item)].shape
    return chosen


def _has_tensors(item: Any) -> bool:
    return isinstance(item, TensorSpec | list) or (isinstance(item, tuple) and any(map(_has_tensors, item)))


def _assigned(drawn: Any, ex: Execution) -> Any:
    """A number, or a tensor that broadcasts to what the brackets select."""
    if ex.pick.chance(0.3):
        return scalar(ex.pick, ex.pick.integer(0, category(ex.dtype)))
    try:
        chosen = selected_shape(ex.shape("input"), ex.get("index"))
    except IndexError:  # index tensors that do not broadcast: PyTorch refuses them whatever is assigned
        return 0
    shape = chosen[ex.pick.integer(0, len(chosen)) :] if ex.pick.chance(0.4) else chosen
    shape = tuple(1 if ex.pick.chance(0.15) else s for s in shape)
    mixed = not _has_tensors(ex.get("index")) and ex.pick.chance(0.25)
    dtype = ex.pick.choice([d for d in COMMON if category(d) <= category(ex.dtype)]) if mixed else ex.dtype
    grad = ex.order > 0 and is_differentiable(dtype) and ex.pick.chance(0.7)
    return TensorSpec(shape, dtype, plan(ex.pick, smooth=ex.order > 0), layout(ex.pick, shape), grad)


entry(
    "__setitem__",
    pos("input", tensor(COMMON)),
    pos("index", index()),
    pos("value", made(_assigned)),
    variants="method",
    operators="setitem",
    writes=True,
    order=2,
    policy=MOVE,
)


def along(ex: Execution) -> int:
    """The size of the dimension that was drawn before."""
    shape, d = ex.shape("input"), ex.get("dim")
    return shape[d % len(shape)] if shape else 1


def _along(env: Structure) -> int:
    shape, d = env.shape("input"), env.drawn["dim"]
    return shape[d % len(shape)] if shape else 1


def index_along(ex: Execution, shape: Shape) -> Values:
    """Valid indices of that dimension, none negative."""
    return Values("index", low=0, high=max(along(ex), 1))


def distinct_along(ex: Execution, shape: Shape) -> Values:
    """Indices of that dimension, no two of a line alike."""
    d = ex.get("dim")
    return Values("distinct", low=d % len(shape) if shape else 0, high=max(along(ex), 1))


def _one_dim(draw: st.DrawFn, env: Structure) -> Shape:
    if not _along(env):
        return (0,)
    return draw(st.sampled_from(((3,), (1,), (0,), (5,), (), (2,)))) if env.shape("input") else (1,)


def _distinct_line(draw: st.DrawFn, env: Structure) -> Shape:
    return (draw(st.integers(0, min(_along(env), 5))),) if env.shape("input") else (1,)


def _selected(ex: Execution) -> Shape:
    shape = list(ex.shape("input"))
    if shape:
        shape[ex.get("dim") % len(shape)] = (*ex.shape("index"), 1)[0]
    return tuple(shape)


INT = ("int64", "int64", "int32")
LINE = arg("index", tensor(INT, _one_dim, own=True, values=index_along))
entry("index_select", x(), DIM, LINE, out=_selected, order=2, policy=MOVE)


def _lines(draw: st.DrawFn, env: Structure) -> Shape:
    """As `input`, with as many slices along the dimension as there are indices."""
    shape = list(env.shape("input"))
    if shape:
        shape[env.drawn["dim"] % len(shape)] = (*env.shape("index"), 1)[0]
    return tuple(shape)


VECTOR = x(COMMON, shaped(min_rank=1))
DUPLICATES = arg("index", tensor(("int64", "int32"), _distinct_line, own=True, values=index_along))
DISTINCT = arg("index", tensor(("int64",), _distinct_line, own=True, values=distinct_along))
ROUND = "function method inplace"
SLICES = arg("source", tensor((), _lines))
entry(
    "index_add",
    VECTOR,
    DIM,
    DUPLICATES,
    SLICES,
    kw("alpha", number(keep=True)),
    variants=ROUND,
    order=2,
    policy=SUM,
)
entry("index_copy", VECTOR, DIM, DISTINCT, SLICES, variants=ROUND, order=2, policy=MOVE)
entry(
    "index_fill",
    VECTOR,
    DIM,
    arg("index", tensor(("int64",), _distinct_line, own=True, values=index_along)),
    arg("value", number(keep=True)),
    variants=ROUND,
    order=2,
    policy=MOVE,
)

# -- gather and scatter ----------------------------------------------------------------------------------------------


def _gathered(draw: st.DrawFn, env: Structure) -> Shape:
    """Of the input's rank, nowhere larger than it but along the dimension, whose size is free."""
    shape = env.shape("input")
    if not shape:
        return draw(st.sampled_from(((), (1,))))
    sizes = [draw(st.integers(0, s)) if draw(st.integers(0, 4)) == 0 else s for s in shape]
    d = env.drawn["dim"] % len(shape)
    sizes[d] = draw(st.integers(0, 5)) if shape[d] else 0
    return tuple(sizes)


def _scattered(draw: st.DrawFn, env: Structure) -> Shape:
    """As `_gathered`, but nowhere larger than the input at all."""
    shape = _gathered(draw, env)
    return tuple(min(s, t) for s, t in zip(shape, env.shape("input"), strict=False)) if env.shape("input") else shape


GATHER = arg("index", tensor(("int64",), _gathered, own=True, values=index_along))
entry("gather", x(), DIM, GATHER, out=lambda ex: ex.shape("index"), order=2, policy=MOVE)
SCATTER = arg("index", tensor(("int64",), _scattered, own=True, values=distinct_along))
ADDED = arg("index", tensor(("int64",), _gathered, own=True, values=index_along))
SOURCE = arg("src", tensor((), like("index")))
entry(
    "scatter",
    form(x(), DIM, SCATTER, SOURCE, variants=ROUND, order=2, weight=2, out=lambda ex: ex.shape("input")),
    form(x(), DIM, SCATTER, arg("value", number(keep=True)), variants=ROUND, order=2),
    policy=MOVE,
)
entry("scatter_add", x(), DIM, ADDED, SOURCE, variants=ROUND, order=2, out=lambda ex: ex.shape("input"), policy=SUM)

# -- masks and flat positions ----------------------------------------------------------------------------------------
MASK = arg("mask", tensor(("bool",), broadcasting(("input",)), own=True))
entry(
    "masked_fill",
    x(),
    MASK,
    arg("value", either((number(keep=True), tensor((), lambda draw, env: ())), (3, 1))),
    variants=ROUND,
    order=2,
    policy=MOVE,
)
entry("masked_select", x(), MASK, out=unknown, order=2, policy=MOVE)
entry(
    "masked_scatter",
    x(),
    arg("mask", tensor(("bool",), like("input"), own=True)),
    arg("source", tensor((), like("input"))),
    variants=ROUND,
    order=2,
    policy=MOVE,
)


def flat(ex: Execution, shape: Shape) -> Values:
    """Positions in the flattened input, from either end."""
    count = int(np.prod(ex.shape("input"), dtype=np.int64))
    return Values("index", low=-count, high=max(count, 1))


FILLED = x(COMMON, shaped(min_size=1))
entry(
    "take",
    FILLED,
    arg("index", tensor(("int64",), own=True, values=flat)),
    out=lambda ex: ex.shape("index"),
    order=2,
    policy=MOVE,
)
entry(
    "nonzero",
    form(x(COMMON, prefer=Values("ties")), out=unknown, result=lambda ex: "int64"),
    form(x(COMMON, prefer=Values("ties")), kw("as_tuple", made(lambda d, ex: True), 0), variants="function"),
    policy=MOVE,
)
entry("argwhere", x(COMMON, prefer=Values("ties")), policy=MOVE)


# -- positions given for several dimensions ----------------------------------------------------------------------------
def _count(draw: st.DrawFn, env: Structure) -> tuple[int, int]:
    """(how many leading dimensions are indexed, by how many positions)."""
    shape = env.shape("input")
    return draw(st.integers(1, len(shape))), draw(st.integers(0, min(shape[0], 6)))


def _positions(drawn: tuple[int, int], ex: Execution) -> tuple[TensorSpec, ...]:
    """One index tensor a dimension; without `accumulate` no position twice, for then any of them may win."""
    shape, (dims, count) = ex.shape("input"), drawn
    found = []
    for d, size in enumerate(shape[:dims]):
        once = d == 0 and not ex.get("accumulate", False)
        values = Values("distinct", ex.pick.seed(), 0, size) if once else Values("index", ex.pick.seed(), -size, size)
        found.append(TensorSpec((count,), "int64", values, layout(ex.pick, (count,), expanded=not once)))
    return tuple(found)


def _put(drawn: Any, ex: Execution) -> TensorSpec:
    """As many values as positions, or one for all."""
    indices = ex.values["indices"]
    shape = (*indices[0].shape, *ex.shape("input")[len(indices) :]) if ex.pick.chance(0.8) else ()
    grad = ex.order > 0 and is_differentiable(ex.dtype) and ex.pick.chance(0.8)
    return TensorSpec(shape, ex.dtype, plan(ex.pick, smooth=ex.order > 0), layout(ex.pick, shape), grad)


entry(
    "index_put",
    x(COMMON, shaped(min_rank=1, max_rank=4, min_size=1)),
    kw("accumulate", flag(), 0.4),
    arg("indices", made(_positions, _count)),
    arg("values", made(_put)),
    variants=ROUND,
    order=2,
    policy=SUM,
)


def _broadcast_along(draw: st.DrawFn, env: Structure) -> Shape:
    """As the input, or 1, but along the dimension, whose size is free."""
    shape = [s if draw(st.integers(0, 3)) else 1 for s in env.shape("input")]
    shape[env.drawn["at"] % len(shape)] = draw(st.integers(0, 4))
    return tuple(shape)


def _along_at(ex: Execution, shape: Shape) -> Values:
    size = ex.shape("input")[ex.structure.drawn["at"] % len(shape)]
    return Values("index", low=0, high=size)


entry(
    "take_along_dim",
    x(COMMON, shaped(min_rank=1, min_size=1)),
    aside("at", dim().structure),
    arg("indices", tensor(("int64",), _broadcast_along, own=True, values=_along_at)),
    arg("dim", drawn("at")),
    order=2,
    policy=MOVE,
)

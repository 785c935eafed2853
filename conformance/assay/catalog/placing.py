"""Diagonals, parts of a tensor replaced out of place, and positions."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.common import x
from assay.catalog.copying import PLANE, one_of_dims
from assay.catalog.creation import DEVICE, LAYOUT
from assay.catalog.form import Execution, Structure, arg, entry, form, kw, opt
from assay.catalog.indexing import flat
from assay.catalog.kinds import (
    aside,
    dim,
    drawn,
    dtype,
    flag,
    integer,
    like,
    made,
    number,
    shaped,
    size,
    tensor,
)
from assay.catalog.results import shape_of
from assay.catalog.viewing import part, strided
from assay.dtypes import COMMON, NUMERIC
from assay.policy import CREATION, MOVE, SUM
from assay.strategies.shapes import Shape

BOTH = "function method"
EVERYWHERE = "function method inplace"


# -- diagonals -------------------------------------------------------------------------------------------------------
def diagonal_shape(shape: Shape, offset: int, first: int, second: int) -> Shape:
    """Of the diagonal of the plane of two dimensions."""
    rank = len(shape)
    first, second = first % rank, second % rank
    rows, columns = shape[first], shape[second]
    length = min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns)
    return (*(s for d, s in enumerate(shape) if d not in (first, second)), max(length, 0))


def _diagonal(draw: st.DrawFn, env: Structure) -> Shape:
    return diagonal_shape(env.shape("input"), env.drawn["shift"], *env.drawn["plane"])


SHIFT = aside("shift", lambda draw, env: draw(st.integers(-2, 2)))
OFFSET = made(lambda d, ex: ex.structure.drawn["shift"], None, (1.5, "one"))
MATRICES = x(COMMON, shaped(2, 4))
entry(
    "diagonal_scatter",
    form(
        SHIFT, aside("plane", lambda draw, env: (0, 1)), MATRICES, arg("src", tensor((), _diagonal)),
        arg("offset", OFFSET), order=2,
    ),
    form(
        SHIFT, MATRICES, PLANE, arg("src", tensor((), _diagonal)), kw("offset", OFFSET, 0),
        kw("dim1", one_of_dims(0), 0), kw("dim2", one_of_dims(1), 0), order=2,
    ),
    policy=MOVE,
)  # fmt: skip


def _new_plane(draw: st.DrawFn, env: Structure) -> tuple[int, int]:
    """Two different dimensions of a tensor with one more."""
    rank = len(env.shape("input")) + 1
    first, second = draw(st.permutations(range(rank)))[:2]
    return first - rank * draw(st.integers(0, 1)), second


LINES = x(COMMON, shaped(1, 3))
entry(
    "diag_embed",
    form(LINES, opt("offset", integer(-3, 3)), order=2),
    form(
        LINES, aside("plane", _new_plane), kw("offset", integer(-3, 3), 0.4),
        kw("dim1", one_of_dims(0), 0), kw("dim2", one_of_dims(1), 0), order=2,
    ),
    policy=MOVE,
)  # fmt: skip
SMALL = x(COMMON, lambda draw, env: tuple(min(s, 4) for s in shaped(max_rank=2)(draw, env)))
entry("diagflat", SMALL, opt("offset", integer(-3, 3)), order=2, policy=MOVE)
entry("trace", x(NUMERIC, shaped(2, 2)), order=2, policy=SUM)


def _square(draw: st.DrawFn, env: Structure) -> Shape:
    """Any matrix; of higher rank, all sizes alike."""
    rank = draw(st.integers(2, 4))
    return shaped(2, 2)(draw, env) if rank == 2 else (draw(st.integers(1, 4)),) * rank


entry(
    "fill_diagonal_",
    x(COMMON, _square),
    arg("fill_value", number(keep=True)),
    opt("wrap", flag()),
    variants="inplace",
    calls={"inplace": "Tensor.fill_diagonal_"},
    order=2,
    policy=MOVE,
)


def _even(draw: st.DrawFn, env: Structure) -> Shape:
    """Now and then all sizes alike: then nothing but the values tells one dim from another."""
    shape = shaped(min_rank=1, min_size=1)(draw, env)
    return (min(shape),) * min(len(shape), 4) if shape and draw(st.integers(0, 3)) == 0 else shape


# -- a part replaced -------------------------------------------------------------------------------------------------
def _selected(draw: st.DrawFn, env: Structure) -> Shape:
    shape = env.shape("input")
    at = env.drawn["at"] % len(shape)
    return (*shape[:at], *shape[at + 1 :])


def _at(draw: st.DrawFn, env: Structure) -> int:
    shape = env.shape("input")
    length = shape[env.drawn["at"] % len(shape)]
    return draw(st.integers(-length, length - 1))


ALONG = aside("at", dim().structure)
entry(
    "select_scatter",
    x(COMMON, _even),
    ALONG,
    arg("src", tensor((), _selected)),
    arg("dim", drawn("at")),
    arg("index", made(lambda d, ex: d, _at, (1000, -1000))),
    order=2,
    policy=MOVE,
)


def _slice(draw: st.DrawFn, env: Structure) -> slice:
    bound = st.one_of(st.none(), st.integers(-6, 9))
    return slice(draw(bound), draw(bound), draw(st.integers(1, 3)))


def _cut(draw: st.DrawFn, env: Structure) -> Shape:
    shape, cut = env.shape("input"), env.drawn["cut"]
    at = env.drawn["at"] % len(shape)
    return (*shape[:at], len(range(*cut.indices(shape[at]))), *shape[at + 1 :])


def _bound(name: str) -> made:
    return made(lambda d, ex: getattr(ex.structure.drawn["cut"], name), None, ("a", 1.5))


entry(
    "slice_scatter",
    x(COMMON, shaped(min_rank=1)),
    ALONG,
    aside("cut", _slice),
    arg("src", tensor((), _cut)),
    arg("dim", drawn("at")),
    arg("start", _bound("start")),
    arg("end", _bound("stop")),
    arg("step", made(lambda d, ex: ex.structure.drawn["cut"].step, None, (0, -1))),
    out=shape_of(),
    order=2,
    policy=MOVE,
)
entry(
    "as_strided_scatter",
    arg("input", tensor(COMMON, contiguous=0.8)),
    aside("lies", lambda draw, env: strided(draw, env, apart=True)),
    arg("src", tensor((), lambda draw, env: env.drawn["lies"][0])),
    arg("size", made(part(0), None, ((2, -3), (1000, 1000)))),
    arg("stride", made(part(1), None, ((-1,), (1, 1, 1, 1, 1, 1)))),
    opt("storage_offset", made(part(2), None, (-1, 100000)), 0.3),
    order=2,
    policy=MOVE,
)


def _flat_places(ex: Execution, shape: Shape) -> Values:
    """Positions in the flattened input; no two alike unless what is put there accumulates."""
    count = math.prod(ex.shape("input"))
    return flat(ex, shape) if ex.get("accumulate", False) else Values("apart", low=len(shape), high=max(count, 1))


def _few(draw: st.DrawFn, env: Structure) -> Shape:
    """No more places than the input has."""
    count = math.prod(env.shape("input"))
    found = draw(st.sampled_from(((3,), (), (2, 2), (0,), (1,), (5,))))
    return found if math.prod(found) <= count else (count,)


entry(
    "put",
    x(COMMON),
    kw("accumulate", flag(), 0.4),
    arg("index", tensor(("int64",), _few, own=True, values=_flat_places, contiguous=1.0)),
    arg("source", tensor((), like("index"))),
    variants=EVERYWHERE,
    order=2,
    policy=SUM,
)


# -- positions -------------------------------------------------------------------------------------------------------
def _wanted_size(ex: Execution) -> Shape:
    return (ex.get("size"), len(ex.shape("input")))


entry(
    "nonzero_static",
    x(COMMON, prefer=Values("ties")),
    kw("size", integer(0, 9), 0),
    kw("fill_value", integer(-3, 3)),
    out=_wanted_size,
    result=lambda ex: "int64",
    policy=MOVE,
)


def _filled(draw: st.DrawFn, env: Structure) -> Shape:
    return tuple(draw(st.integers(1, 5)) for _ in range(draw(st.integers(1, 4))))


def _under(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=0, high=min(math.prod(ex.structure.drawn["whole"]), 127))


def _whole(drawn: Any, ex: Execution) -> Any:
    found = ex.structure.drawn["whole"]
    return found[0] if len(found) == 1 and ex.pick.chance(0.5) else ex.pick.choice((tuple, list))(found)


entry(
    "unravel_index",
    aside("whole", _filled),
    arg("indices", tensor(("int64", "int32", "int16", "int8", "uint8"), values=_under)),
    arg("shape", made(_whole, None, ((2, -1), (), "two", 2.5))),
    variants="function",
    policy=MOVE,
)
COUNT = integer(0, 7)
for name in ("tril_indices", "triu_indices"):
    entry(
        name,
        arg("row", COUNT),
        arg("col", COUNT),
        opt("offset", integer(-4, 4)),
        kw("dtype", dtype(("int64", "int32"), none=0)),
        LAYOUT,
        DEVICE,
        variants="function",
        policy=CREATION,
        bad=lambda ex: [((-1, 3), {}), ((3, -2), {}), ((2.5, 3), {}), ((3,), {})],
    )


def _summed(draw: st.DrawFn, env: Structure) -> Shape:
    """A shape that the input is an expansion of."""
    shape = env.shape("input")
    kept = shape[draw(st.integers(0, len(shape))) :]
    return tuple(1 if draw(st.integers(0, 2)) == 0 else s for s in kept)


entry("sum_to_size", x(COMMON), arg("size", size(_summed), splat=True), variants="method", order=2, policy=SUM)

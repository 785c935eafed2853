"""Differences of neighbours, sums of the areas between them, and distances of points."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import TensorSpec, Values
from assay.catalog.common import x
from assay.catalog.form import ALIASED, Execution, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, dim, integer, made, number, other, shaped, tensor
from assay.catalog.results import unknown
from assay.dtypes import COMMON, DIFFERENTIABLE, FLOATS, NUMERIC, SIGNED, category
from assay.policy import REDUCTION
from assay.strategies.arguments import dim_sets
from assay.strategies.shapes import SIZES, Shape, broadcastable

AXIS = arg("dim", dim())

# -- differences -----------------------------------------------------------------------------------------------------


def _beside(draw: st.DrawFn, env: Structure) -> Shape:
    """As the input, but for any size along `dim`."""
    shape = list(env.shape("input"))
    shape[env.drawn["dim"]] = draw(st.sampled_from((1, 0, 2, 3)))
    return tuple(shape)


LINES = shaped(min_rank=1)
ORDER = integer(0, 3)
entry(
    "diff",
    form(x(COMMON, LINES), opt("n", ORDER), out=unknown, order=2),
    form(
        x(COMMON, LINES),
        arg("n", ORDER),
        AXIS,
        opt("prepend", tensor((), _beside)),
        opt("append", tensor((), _beside)),
        out=unknown,
        order=2,
        weight=3,
    ),
    policy=REDUCTION,
    bad=lambda ex: [
        ((TensorSpec((), "float32"),), {}),
        ((TensorSpec((3,), "float32"), -1), {}),
        ((TensorSpec((2, 3), "float32"),), {"prepend": TensorSpec((3, 1), "float32")}),
    ],
)

SLOPED = (*SIGNED, *DIFFERENTIABLE)
#: The third point is what second order at the edges needs.
LONG = x(SLOPED, shaped(min_rank=1, max_rank=3, min_size=3))
EDGE = kw("edge_order", choice((1, 2), (0, 3, "text")))
STEP = choice((1.0, 0.5, 2, -1.5, 3), ("text", [[]]))


def _some_dims(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
    return draw(dim_sets(len(env.shape("input")), 1))


SOME_DIMS = kw("dim", made(lambda d, ex: d, _some_dims, refused=((0, 0), (7,), "text")), 0)


def _steps(drawn: Any, ex: Execution) -> list[float]:
    return [ex.pick.choice((1.0, 0.5, 2.0, -1.5)) for _ in ex.structure.drawn["dim"]]


def _steps_everywhere(drawn: Any, ex: Execution) -> list[float]:
    return [ex.pick.choice((1.0, 0.5, 2.0, -1.5)) for _ in ex.shape("input")]


def _at(ex: Execution, size: int) -> TensorSpec:
    """Different places in ascending order."""
    start, places = ex.pick.integer(-5, 5) / 2, [0.0]
    for _ in range(size - 1):
        places.append(places[-1] + ex.pick.choice((0.25, 0.5, 1.0, 1.75)))
    dtype = ex.dtype if category(ex.dtype) == 2 else "float32"
    return TensorSpec((size,), dtype, Values("literal", literal=tuple(start + p for p in places)))


def _places(drawn: Any, ex: Execution) -> tuple[TensorSpec, ...]:
    shape = ex.shape("input")
    return tuple(_at(ex, shape[d]) for d in ex.structure.drawn["dim"])


def _places_everywhere(drawn: Any, ex: Execution) -> tuple[TensorSpec, ...]:
    return tuple(_at(ex, size) for size in ex.shape("input"))


WRONG_STEPS: tuple[Any, ...] = ("text", {}, (1.0, 1.0, 1.0, 1.0, 1.0))
entry(
    "gradient",
    form(LONG, SOME_DIMS, EDGE, variants="function", order=2),
    form(LONG, kw("spacing", STEP, 0.3), kw("dim", dim(), 0.5), EDGE, variants="function", order=2, weight=2),
    form(LONG, kw("spacing", STEP, 0), SOME_DIMS, EDGE, variants="function", order=2),
    form(LONG, kw("spacing", made(_steps_everywhere, refused=WRONG_STEPS), 0), EDGE, variants="function", order=2),
    form(LONG, SOME_DIMS, kw("spacing", made(_steps, refused=WRONG_STEPS), 0), EDGE, variants="function", order=2),
    form(LONG, kw("spacing", made(_places_everywhere, refused=WRONG_STEPS), 0), EDGE, variants="function", order=2),
    form(
        LONG,
        SOME_DIMS,
        kw("spacing", made(_places, refused=WRONG_STEPS), 0),
        EDGE,
        variants="function",
        order=2,
        weight=2,
    ),
    policy=REDUCTION,
    bad=lambda ex: [((TensorSpec((1,), "float32"),), {}), ((TensorSpec((2,), "float32"),), {"edge_order": 2})],
)

# -- areas -----------------------------------------------------------------------------------------------------------


def _along(draw: st.DrawFn, env: Structure) -> Shape:
    """The places of the heights: for each of them, or for all lines alike."""
    shape = env.shape("y")
    return shape if draw(st.booleans()) else (shape[env.drawn["dim"]],)


def _last(draw: st.DrawFn, env: Structure) -> Shape:
    shape = env.shape("y")
    return shape if draw(st.booleans()) else shape[-1:]


HEIGHTS = arg("y", tensor(NUMERIC, LINES))
ALONG = kw("dim", dim("y"), 0)
WIDTH = choice((1.0, 0.5, 2.0, -0.25), ("text", []))
for name in ("trapezoid", "trapz", "cumulative_trapezoid"):
    width = (
        choice((1.0, 0.5, 2.0, -0.25), ("text", []))
        if name == "trapz"
        else number(2, fits=lambda n, ex: not isinstance(n, bool))
    )
    entry(
        name,
        form(HEIGHTS, kw("dx", width), kw("dim", dim("y")), variants="function", order=2, weight=2),
        form(HEIGHTS, arg("x", tensor((), _last)), variants="function", order=2),
        form(HEIGHTS, ALONG, arg("x", tensor((), _along)), variants="function", order=2),
        policy=REDUCTION,
        bad=lambda ex: [
            ((TensorSpec((), "float32"),), {}),
            ((TensorSpec((2, 3), "float32"), TensorSpec((2,), "float32")), {}),
        ],
    )

# -- distances -------------------------------------------------------------------------------------------------------
P = choice((2, 1, 0, 3, 0.5, 2.5, float("inf")), ("two", [], (2,)))
entry(
    "dist",
    x(DIFFERENTIABLE, shaped(min_size=1)),
    arg("other", other((), mixed=False)),
    opt("p", P),
    order=2,
    policy=REDUCTION,
    alias=ALIASED,
)
FEW = tuple(s for s in SIZES if s < 10)


def _points(draw: st.DrawFn, env: Structure) -> Shape:
    """Rows of as many coordinates."""
    first = env.shape("x1")
    return (*draw(broadcastable(first[:-2], max_rank=2)), draw(st.sampled_from(FEW)), first[-1])


def _first_points(draw: st.DrawFn, env: Structure) -> Shape:
    if env.stratum == "empty":
        return draw(st.sampled_from(((0, 3), (3, 0), (0, 0), (2, 0, 3), (0, 2, 2))))
    batch = draw(st.sampled_from(((), (2,), (1,), (2, 3))))
    return (*batch, draw(st.sampled_from(FEW)), draw(st.sampled_from(FEW)))


POWER = choice((2.0, 1.0, 0.0, 3.0, 0.5, float("inf"), 2), (-1.0, "text", []))
MODES = ("use_mm_for_euclid_dist_if_necessary", "donot_use_mm_for_euclid_dist")
entry(
    "cdist",
    arg("x1", tensor(FLOATS, _first_points)),
    arg("x2", tensor((), _points)),
    opt("p", POWER),
    opt("compute_mode", choice(MODES, ("maybe", 1))),
    variants="function",
    order=1,
    policy=REDUCTION,
)


def _rows(draw: st.DrawFn, env: Structure) -> Shape:
    return (draw(st.sampled_from(FEW)) or 2, draw(st.sampled_from(FEW)))


for name in ("pdist", "nn.functional.pdist"):
    entry(
        name,
        # PyTorch dies of the derivative of no rows at all.
        form(x(FLOATS, _rows), opt("p", POWER), variants="function", order=1, weight=4),
        form(x(FLOATS, lambda draw, env: (0, draw(st.sampled_from(FEW)))), opt("p", POWER), variants="function"),
        policy=REDUCTION,
    )

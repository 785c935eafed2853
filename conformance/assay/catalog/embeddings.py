"""Rows of a table by index: embeddings, bags of them, one-hot vectors. Gradients are dense: `sparse` stays False."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st

from assay.case import TensorSpec, Values
from assay.catalog.form import Execution, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import ShapeRule, aside, choice, either, flag, integer, like, made, real, shaped, tensor
from assay.catalog.normalisation import must
from assay.dtypes import COMMON, DIFFERENTIABLE, FLOATING
from assay.policy import MOVE, Policy
from assay.strategies.shapes import Shape

RENORMED = Policy(overflow=True)
LOOKUP = Policy(values="exact", strides=True)
BAG = Policy(overflow=True)
ROWS, WIDTHS = (3, 5, 1, 7), (2, 3, 1, 4, 0, 9)
NOT_FLOATING = tuple(d for d in COMMON if d not in FLOATING)
INDICES = ("int64", "int64", "int32")
called = partial(form, variants="function", order=1)


def table(draw: st.DrawFn, env: Structure) -> Shape:
    return draw(st.sampled_from(ROWS)), draw(st.sampled_from(WIDTHS))


def tabled(draw: st.DrawFn, env: Structure) -> Shape:
    found: Shape = env.drawn["table"]
    return found


def rows(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=0, high=ex.structure.drawn["table"][0])


def row(negative: bool) -> made:
    """A row of the table, from either end where `negative`."""

    def how(drawn: Any, ex: Execution) -> int:
        count = ex.structure.drawn["table"][0]
        return ex.pick.integer(-count if negative else 0, count - 1)

    return made(how, None, (99, -99, 1.5))


def beyond(ex: Execution) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Rows that there are not; no rows at all."""
    weight = TensorSpec((3, 2), "float32")
    return [
        ((TensorSpec((2,), "int64", Values("index", 1, low=3, high=9)), weight), {}),
        ((TensorSpec((2,), "int64", Values("index", 1, low=-3, high=-1)), weight), {}),
        ((TensorSpec((2,), "float32"), weight), {}),
        ((TensorSpec((2,), "int64", Values("zeros")), TensorSpec((3,), "float32")), {}),
    ]


def indices(name: str, shape: ShapeRule | None = None) -> Param:
    return arg(name, tensor(INDICES, shape or shaped(0, 3), own=True, values=rows))


def weight(dtypes: tuple[str, ...] = COMMON, contiguous: float = 0.0, grad: bool = True) -> Param:
    return arg("weight", tensor(dtypes, tabled, contiguous=contiguous, grad=grad))


#: (dtypes, order, how often): complex tables have no derivative.
ROTATED = ((FLOATING, 2, 2), (NOT_FLOATING, 0, 1))
TABLE = aside("table", table)
PADDING = opt("padding_idx", either((row(True), choice((None,))), (3, 1)), 0.5)
NORM = opt("norm_type", real(among=(2.0, 1.0, 3.0, float("inf"))))
BY_COUNT, DENSE = opt("scale_grad_by_freq", flag(), 0.7), opt("sparse", choice((False,), ("no",)))
entry(
    "nn.functional.embedding",
    *(
        called(
            TABLE,
            indices("input"),
            weight(dtypes),
            PADDING,
            opt("max_norm", choice((None,), ("one",))),
            NORM,
            BY_COUNT,
            DENSE,
            order=order,
            dtypes=dtypes,
            weight=weight_,
        )
        for dtypes, order, weight_ in ROTATED
    ),
    # rows longer than max_norm are shortened, in the table itself
    called(
        TABLE,
        indices("input"),
        weight(FLOATING, contiguous=0.7),
        PADDING,
        must("max_norm", real(among=(1.0, 0.5, 2.0, 2))),
        NORM,
        BY_COUNT,
        DENSE,
        dtypes=FLOATING,
    ),
    policy=RENORMED,
    bad=beyond,
)
entry(
    "embedding",
    *(
        called(
            TABLE,
            weight(dtypes),
            indices("indices"),
            opt("padding_idx", row(False)),
            BY_COUNT,
            DENSE,
            order=order,
            weight=weight_,
        )
        for dtypes, order, weight_ in ROTATED
    ),
    policy=LOOKUP,
)
entry(
    "embedding_renorm_",
    arg("input", tensor(DIFFERENTIABLE, table, contiguous=0.7)),
    arg(
        "indices",
        tensor(
            INDICES, shaped(0, 3), own=True, values=lambda ex, shape: Values("index", low=0, high=ex.shape("input")[0])
        ),
    ),
    arg("max_norm", real(among=(1.0, 0.5, 2.0))),
    arg("norm_type", NORM.kind),
    variants="inplace",
    calls={"inplace": "torch.embedding_renorm_"},
    policy=RENORMED,
)


# -- bags
@dataclass(frozen=True, slots=True)
class Bags:
    """How many indices there are and where bags begin; ends: the last bag's end stands behind them."""

    count: int
    starts: tuple[int, ...]
    ends: bool


def bags(draw: st.DrawFn, env: Structure) -> Bags:
    count = 0 if env.stratum == "empty" else draw(st.sampled_from((5, 3, 8, 1, 2)))
    starts = sorted(draw(st.lists(st.integers(0, count), max_size=3)))
    return Bags(count, (0, *starts), draw(st.booleans()))


def of(env: Structure) -> Bags:
    found: Bags = env.drawn["bags"]
    return found


def offsets(drawn: Any, ex: Execution) -> TensorSpec:
    bags = of(ex.structure)
    places = (*bags.starts, bags.count) if bags.ends else bags.starts
    given = next(v for v in ex.values.values() if isinstance(v, TensorSpec) and v.dtype in INDICES)
    return TensorSpec((len(places),), given.dtype, Values("literal", literal=places))


def flat(draw: st.DrawFn, env: Structure) -> Shape:
    return (of(env).count,)


def square(draw: st.DrawFn, env: Structure) -> Shape:
    """Bags of one size, which is not 0."""
    shape = shaped(2, 2)(draw, env)
    return shape if shape[1] else (0, 2)


def broad(draw: st.DrawFn, env: Structure) -> Shape:
    """Whether PyTorch sums up rows of no elements or refuses them depends on the processor's capability."""
    rows, width = table(draw, env)
    return rows, width or 2


BAG_TABLE = aside("table", broad)
BAGS = aside("bags", bags)
OFFSETS = made(offsets, None, (None, 1.5, TensorSpec((2, 2), "int64", Values("zeros"))))
ENDS = made(lambda drawn, ex: of(ex.structure).ends)
MODES = ("sum", "mean", "max")
MODE = opt("mode", choice(MODES, ("min", 1)), 0.2)
NO_NORM, NO_WEIGHTS = opt("max_norm", choice((None,))), opt("per_sample_weights", choice((None,)))
SQUARE = indices("input", square)
SAMPLES = tensor((), like("input"))
entry(
    "nn.functional.embedding_bag",
    called(
        BAG_TABLE,
        SQUARE,
        weight(FLOATING),
        opt("offsets", choice((None,))),
        NO_NORM,
        NORM,
        BY_COUNT,
        MODE,
        DENSE,
        NO_WEIGHTS,
        kw("padding_idx", row(True)),
        dtypes=FLOATING,
        weight=2,
    ),
    called(
        BAG_TABLE,
        BAGS,
        indices("input", flat),
        weight(FLOATING),
        arg("offsets", OFFSETS),
        NO_NORM,
        NORM,
        BY_COUNT,
        MODE,
        kw("include_last_offset", ENDS, 0),
        kw("padding_idx", row(True)),
        dtypes=FLOATING,
        weight=2,
    ),
    called(
        BAG_TABLE,
        SQUARE,
        weight(FLOATING),
        kw("mode", choice(("sum",), ("mean", "max")), 0),
        kw("per_sample_weights", SAMPLES, 0),
        kw("padding_idx", row(True)),
        dtypes=FLOATING,
    ),
    called(
        BAG_TABLE,
        SQUARE,
        weight(FLOATING, contiguous=0.7),
        kw("max_norm", real(among=(1.0, 0.5, 2.0)), 0),
        kw("norm_type", NORM.kind),
        kw("mode", choice(MODES)),
        dtypes=FLOATING,
    ),
    policy=BAG,
    bad=beyond,
)
NUMBERED = opt("mode", choice((0, 1, 2), ("sum",)), 0.2)
entry(
    "embedding_bag",
    called(
        BAG_TABLE,
        BAGS,
        weight(FLOATING),
        indices("indices", flat),
        arg("offsets", OFFSETS),
        BY_COUNT,
        NUMBERED,
        DENSE,
        NO_WEIGHTS,
        must("include_last_offset", ENDS),
    ),
    called(
        BAG_TABLE,
        BAGS,
        weight(FLOATING),
        indices("indices", flat),
        arg("offsets", OFFSETS),
        arg("scale_grad_by_freq", choice((False,))),
        arg("mode", choice((0,))),
        arg("sparse", choice((False,))),
        arg("per_sample_weights", tensor((), flat)),
        arg("include_last_offset", ENDS),
        arg("padding_idx", either((row(True), choice((None,))), (3, 1))),
    ),
    policy=BAG,
)


def hot(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=0, high=4)


entry(
    "nn.functional.one_hot",
    form(
        arg("input", tensor(("int64",), shaped(0, 3), values=hot)),
        arg("num_classes", integer(4, 7)),
        variants="function",
        weight=2,
    ),
    form(
        arg("input", tensor(("int64",), shaped(0, 3, 1), values=hot)),
        opt("num_classes", choice((-1,), (0, 1, 2.5))),
        variants="function",
    ),
    policy=MOVE,
)

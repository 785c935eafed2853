"""Where values stand among others: membership, places in a sorted sequence, histograms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from assay import values
from assay.case import TensorSpec, Values
from assay.catalog.form import Execution, Form, Kind, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, flag, integer, like, made, number, shaped, tensor
from assay.catalog.results import always, same, shape_of, unknown
from assay.dtypes import FLOATS, HALVES, INTEGERS, REAL
from assay.policy import EXACT_ELEMENTWISE, SUM, Policy
from assay.strategies.shapes import Shape

TIES, SORTED = Values("ties"), Values("sorted")

# -- membership ------------------------------------------------------------------------------------------------------
INVERT = kw("invert", flag())
MEMBERS = arg("test_elements", tensor(REAL, shaped(max_rank=3), mixed=True, prefer=TIES))
BOOL = always("bool")
SEVERAL = kw("assume_unique", choice((False,), ("yes", [])))
entry(
    "isin",
    form(
        arg("elements", tensor(REAL, prefer=TIES)),
        MEMBERS,
        SEVERAL,
        INVERT,
        variants="function",
        out=shape_of("elements"),
        result=BOOL,
        weight=4,
    ),
    form(
        arg("elements", tensor(INTEGERS, shaped(max_rank=2), values=Values("permutation"))),
        arg("test_elements", tensor((), shaped(max_rank=2), values=Values("permutation"))),
        kw("assume_unique", choice((True,)), 0),
        INVERT,
        variants="function",
    ),
    form(arg("element", number(2)), MEMBERS, SEVERAL, INVERT, variants="function", out=lambda ex: (), result=BOOL),
    form(
        arg("elements", tensor(REAL, prefer=TIES)),
        arg("test_element", number(2)),
        SEVERAL,
        INVERT,
        variants="function",
        out=shape_of("elements"),
        result=BOOL,
    ),
    policy=EXACT_ELEMENTWISE,
)

# -- places in a sorted sequence -------------------------------------------------------------------------------------
OUT_INT32, RIGHT = kw("out_int32", flag()), kw("right", flag())


def place(ex: Execution) -> str:
    """int64, or int32 where asked for."""
    return "int32" if ex.get("out_int32") else "int64"


BOUNDARIES = arg("boundaries", tensor(REAL, shaped(1, 1), values=SORTED))
entry(
    "bucketize",
    form(
        arg("input", tensor(REAL)),
        BOUNDARIES,
        OUT_INT32,
        RIGHT,
        variants="function",
        out=shape_of(),
        result=place,
        weight=3,
    ),
    form(arg("self", number(2)), BOUNDARIES, OUT_INT32, RIGHT, variants="function"),
    policy=EXACT_ELEMENTWISE,
)


def _sought(draw: st.DrawFn, env: Structure) -> Shape:
    """As the sequence but for the last dimension; any shape in a sequence of one dimension."""
    sequence = env.shape("sorted_sequence")
    return shaped(max_rank=4)(draw, env) if len(sequence) == 1 else (*sequence[:-1], draw(st.integers(0, 5)))


@dataclass(frozen=True)
class sorter(Kind):
    """The places that sort the named tensor along its last dimension."""

    of: str

    def realise(self, drawn: Any, name: str, ex: Execution) -> TensorSpec:
        spec = ex.values[self.of]
        order = np.argsort(values.array(spec).astype(np.float64), axis=-1, kind="stable")
        return TensorSpec(spec.shape, "int64", Values("literal", literal=tuple(order.reshape(-1).tolist())))

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield TensorSpec((*good.shape, 2), "int64", Values("zeros"))
        yield TensorSpec(good.shape, "int32", Values("zeros"))
        yield "text"


SEQUENCE = arg("sorted_sequence", tensor(REAL, shaped(1, 3), values=SORTED))
ONE_SEQUENCE = arg("sorted_sequence", tensor(REAL, shaped(1, 1), values=SORTED))
UNSORTED = arg("sorted_sequence", tensor(REAL, shaped(1, 3), values=Values("normal"), contiguous=1.0))
SIDE = kw("side", choice((None, "left", "right"), ("middle", 1)))
ON_LEFT = kw("side", choice(("right",), ("left",)))


def _searching(sequence: Param, sought: Param, *more: Param, weight: int = 1, out: Any = None) -> Form:
    return form(sequence, sought, OUT_INT32, *more, variants="function", out=out, result=place, weight=weight)


SOUGHT = arg("input", tensor((), _sought))
entry(
    "searchsorted",
    _searching(SEQUENCE, SOUGHT, RIGHT, weight=3, out=shape_of()),
    _searching(SEQUENCE, SOUGHT, SIDE, weight=2, out=shape_of()),
    _searching(SEQUENCE, SOUGHT, kw("right", choice((True,)), 0), ON_LEFT),
    _searching(UNSORTED, SOUGHT, RIGHT, kw("sorter", sorter("sorted_sequence"), 0), weight=2, out=shape_of()),
    _searching(ONE_SEQUENCE, arg("self", number(2)), RIGHT, out=lambda ex: ()),
    policy=EXACT_ELEMENTWISE,
    bad=lambda ex: [
        ((TensorSpec((3,), "float32", Values("sorted")), 1.0), {"right": True, "side": "left"}),
        ((TensorSpec((2, 3), "float32", Values("sorted")), 1.0), {}),
        ((TensorSpec((2, 3), "float32"), TensorSpec((3, 3), "float32")), {}),
        ((TensorSpec((3,), "float32"), TensorSpec((3,), "float64")), {}),
    ],
)

# -- histograms ------------------------------------------------------------------------------------------------------
# Where rounding decides in which of two bins an element falls, no answer is the right one: so either the elements, the
# limits and the number of bins are such that binning rounds nothing, or no element is near an edge but by bad luck.
WHOLE, ANYWHERE = Values("integers", low=-9, high=9), Values("normal")
POWERS = choice((1, 2, 4, 8, 16), (0, -1, "text", 2.5))
BINS = choice((1, 2, 3, 7, 10, 100), (0, -3, "text", [], 2.5))
LOW = choice((-8, -4, -2.0, 0, -4.0), ("text", []))
UNEVEN = choice((-2.3, -0.7, 0.1), ("text", []))


def _next_power(drawn: Any, ex: Execution) -> Any:
    """So far above `min` that the bins' width has few digits."""
    return ex.get("min") + ex.pick.choice((1, 2.0, 4, 8, 16.0))


def _above(drawn: Any, ex: Execution) -> Any:
    return ex.get("min") + ex.pick.choice((0.3, 1.7, 3.1, 5.9))


def _with_special(ex: Execution, shape: Shape) -> Values:
    """NaN and infinities fall in no bin of a given range."""
    return Values(ex.pick.choice(("normal", "normal", "special")))


def _equal_or_not(ex: Execution, shape: Shape) -> Values:
    return Values(ex.pick.choice(("normal", "normal", "normal", "uniform", "zeros", "ones")))


entry(
    "histc",
    form(arg("input", tensor(FLOATS, values=_equal_or_not, grad=False)), opt("bins", BINS, 0.2), out=unknown, weight=2),
    form(
        arg("input", tensor((*FLOATS, *HALVES), values=WHOLE, grad=False)),
        arg("bins", POWERS),
        arg("min", LOW),
        arg("max", made(_next_power)),
        out=lambda ex: (ex.get("bins"),),
        weight=2,
    ),
    form(
        arg("input", tensor(FLOATS, values=_with_special, grad=False)),
        arg("bins", BINS),
        arg("min", UNEVEN),
        arg("max", made(_above)),
        out=lambda ex: (ex.get("bins"),),
    ),
    policy=Policy(values="exact"),
    bad=lambda ex: [
        ((TensorSpec((3,), "float32"), 4, 2, 1), {}),
        ((TensorSpec((3,), "float32"), 4, float("nan"), 1), {}),
        ((TensorSpec((2,), "float32", Values("literal", literal=(float("inf"), 1.0))), 4), {}),
    ],
)

WEIGHT = kw("weight", tensor((), like("input"), values=Values("positive"), grad=False), 0.5)
#: Sums are of positive weights; edges pass by zero.
HISTOGRAM = Policy(scale="span", overflow=True, method_error=2.0, reference_error=8.0)


def _limits(drawn: Any, ex: Execution) -> tuple[float, float]:
    low = ex.pick.choice((-2.3, -0.7, 0.1))
    return low, low + ex.pick.choice((0.3, 1.7, 3.1, 5.9))


def _even_limits(drawn: Any, ex: Execution) -> tuple[float, float]:
    low = ex.pick.choice((-8.0, -4.0, -2.0, 0.0))
    return low, low + ex.pick.choice((1.0, 2.0, 4.0, 8.0))


WRONG_LIMITS = ((1.0, 0.0), (1.0,), (0.0, float("inf")), "text", (0.0, 1.0, 2.0))
RANGE = kw("range", made(_limits, refused=WRONG_LIMITS), 0)
EVEN_RANGE = kw("range", made(_even_limits, refused=WRONG_LIMITS), 0)
FEW_BINS = kw("bins", choice((1, 2, 3, 7, 10), (0, -1, "text")), 0)
#: Of many bins, each far narrower than the limits are large, the widths have few digits, and so have densities.
DENSE = kw("density", choice((True,), ("yes", [])), 0)
EDGES = tensor((), shaped(1, 1, 1), values=SORTED, grad=False)
SOMEWHERE = arg("input", tensor(FLOATS, values=_with_special, grad=False))
SPREAD = arg("input", tensor(FLOATS, values=_equal_or_not, grad=False))
entry(
    "histogram",
    form(SOMEWHERE, arg("bins", EDGES), WEIGHT, out=unknown, result=(same, same)),
    form(SOMEWHERE, kw("bins", EDGES, 0), WEIGHT, DENSE, out=unknown, result=(same, same)),
    form(SPREAD, opt("bins", BINS, 0.1), WEIGHT, out=unknown, result=(same, same)),
    form(SPREAD, FEW_BINS, WEIGHT, DENSE, out=unknown, result=(same, same)),
    form(
        arg("input", tensor(FLOATS, values=WHOLE, grad=False)),
        arg("bins", POWERS),
        EVEN_RANGE,
        WEIGHT,
        kw("density", choice((False,), ("yes", []))),
        out=unknown,
        result=(same, same),
    ),
    form(SOMEWHERE, arg("bins", BINS), RANGE, WEIGHT, out=unknown, result=(same, same)),
    form(SOMEWHERE, FEW_BINS, RANGE, WEIGHT, DENSE, out=unknown, result=(same, same)),
    policy=HISTOGRAM,
)


def _points(draw: st.DrawFn, env: Structure) -> Shape:
    """Points of one to three coordinates, in any number of dimensions."""
    front = shaped(1, 3)(draw, env)
    return (*front, draw(st.integers(1, 3)))


def _each(low: int, high: int) -> Any:
    """A number for each coordinate."""

    def made_(drawn: Any, ex: Execution) -> Any:
        found = tuple(ex.pick.integer(low, high) for _ in range(ex.shape("input")[-1]))
        return found if ex.pick.chance(0.5) else list(found)

    return made(made_, refused=((0,), (2, 2, 2, 2, 2), (-1,), "text"))


def _all_limits(drawn: Any, ex: Execution) -> tuple[float, ...]:
    return tuple(v for _ in range(ex.shape("input")[-1]) for v in _limits(drawn, ex))


@dataclass(frozen=True)
class edges(Kind):
    """A sorted tensor for each coordinate."""

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        return tuple(
            TensorSpec((ex.pick.integer(2, 5),), ex.dtype, Values("sorted", ex.pick.seed()))
            for _ in range(ex.shape("input")[-1])
        )

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield (*good, good[0])
        yield ()
        yield tuple(TensorSpec((2, 2), ex.dtype) for _ in good)


POINT_WEIGHT = opt(
    "weight", tensor((), lambda draw, env: env.shape("input")[:-1], values=Values("positive"), grad=False)
)
POINTS = arg("input", tensor(FLOATS, _points, values=Values("normal"), grad=False))
POINT_DENSITY = opt("density", flag())
POINT_RANGE = opt("range", made(_all_limits, refused=((1.0,), (3.0, 1.0), "text")))
entry(
    "histogramdd",
    form(POINTS, arg("bins", _each(1, 4)), POINT_RANGE, POINT_WEIGHT, POINT_DENSITY, variants="function", weight=2),
    form(
        POINTS,
        arg("bins", integer(1, 4)),
        POINT_RANGE,
        POINT_WEIGHT,
        POINT_DENSITY,
        variants="function",
    ),
    form(
        POINTS,
        arg("bins", edges()),
        kw("weight", POINT_WEIGHT.kind),
        kw("density", flag()),
        variants="function",
    ),
    policy=HISTOGRAM,
)
entry(
    "bincount",
    arg("input", tensor(INTEGERS, shaped(1, 1), values=Values("index", high=9))),
    opt("weights", tensor(REAL, like("input"), own=True, grad=False)),
    opt("minlength", integer(0, 12)),
    policy=SUM,
    bad=lambda ex: [
        ((TensorSpec((2,), "int64", Values("literal", literal=(1, -1))),), {}),
        ((TensorSpec((2, 2), "int64", Values("ones")),), {}),
        ((TensorSpec((2,), "float32", Values("ones")),), {}),
        ((TensorSpec((2,), "int64", Values("ones")), TensorSpec((3,), "float32")), {}),
        ((TensorSpec((2,), "int64", Values("ones")),), {"minlength": -1}),
    ],
)

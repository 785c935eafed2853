"""Memory: allocated by strides and from buffers, resized, exchanged; and the generator's state."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Make, Named, TensorSpec, Values
from assay.catalog.common import ANY, x
from assay.catalog.creation import data_kept, options, small
from assay.catalog.form import Execution, Structure, arg, entry, form, kw, pos, variadic
from assay.catalog.kinds import aside, choice, dtype, made, shaped, tensor
from assay.catalog.shapes import OTHER_SHAPE
from assay.catalog.viewing import part, strided
from assay.dtypes import ALL, BAREBONES, COMMON, category
from assay.policy import CREATION, STREAM, UNINITIALISED, VIEW, Policy
from assay.strategies.arguments import scalar
from assay.strategies.shapes import Shape, factorisations

#: What a tensor has beyond its old storage was never written to.
FRESH = Policy(values="exact", strides=True, canonical="fresh")


# -- by strides ------------------------------------------------------------------------------------------------------
def _order(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
    return tuple(draw(st.permutations(range(len(env.drawn["whole"])))))


entry(
    "empty_permuted",
    aside("whole", lambda draw, env: shaped()(draw, env)),
    arg("size", made(lambda d, ex: ex.structure.drawn["whole"], None, ((2, -3), 2.5))),
    arg("physical_layout", made(lambda d, ex: list(d) if ex.pick.chance(0.4) else d, _order, ((0, 0), (7,), "ab"))),
    *options(ALL, 0.4),
    variants="function",
    policy=UNINITIALISED,
)


def _apart(draw: st.DrawFn, env: Structure) -> tuple[Shape, Shape]:
    """A size with strides of any kind."""
    size = tuple(min(s, 5) for s in shaped(max_rank=4)(draw, env))
    return size, tuple(draw(st.sampled_from((1, 2, 0, 3, 5, 12))) for _ in size)


SIZE = arg("size", made(part(0), None, ((2, -3), 2.5, (1, 1, 1, 1, 1, 1))))
STRIDES = arg("stride", made(part(1), None, ((-1,), (1, 1, 1, 1, 1, 1), "ab")))
LIES = aside("lies", _apart)
entry("empty_strided", LIES, SIZE, STRIDES, *options(ALL, 0.4), variants="function", policy=UNINITIALISED)
entry("new_empty_strided", LIES, ANY, SIZE, STRIDES, *options(ALL, 0.4), variants="method", policy=UNINITIALISED)


# -- from numbers and buffers ----------------------------------------------------------------------------------------
def _number(drawn: Any, ex: Execution) -> Any:
    """A number that the dtype argument, or else the default dtype, holds."""
    given = ex.get("dtype")
    name = given.name if isinstance(given, Named) else "float32"
    value = scalar(ex.pick, ex.pick.integer(0, category(name)))
    return abs(value) if name in ("uint8", *BAREBONES) and not isinstance(value, bool) else value


entry("scalar_tensor", *options(COMMON, 0.4), arg("s", made(_number)), variants="function", policy=CREATION)
#: Element sizes in bytes.
WIDTHS: dict[str, int] = {
    **dict.fromkeys(("uint8", "int8"), 1),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("int32", "uint32", "float32", "complex32"), 4),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 8),
    "complex128": 16,
}


def _wide(ex: Execution) -> int:
    given = ex.get("dtype")
    return WIDTHS.get(given.name, 1) if isinstance(given, Named) else 1


def _buffer(drawn: int, ex: Execution) -> Make:
    """So many elements, as an array of bytes."""
    spec = TensorSpec((drawn * _wide(ex),), "uint8", Values("integers", ex.pick.seed(), 0, 255))
    return Make("ndarray", (spec,))


def _count(drawn: Any, ex: Execution) -> int:
    behind: int = ex.structure.drawn["long"] - ex.structure.drawn["skipped"]
    return ex.pick.choice((-1, 1, behind))


entry(
    "frombuffer",
    aside("long", lambda draw, env: draw(st.integers(1, 9))),
    aside("skipped", lambda draw, env: draw(st.integers(0, env.drawn["long"] - 1))),
    kw("dtype", dtype(tuple(WIDTHS), none=0), 0),
    arg("buffer", made(lambda d, ex: _buffer(ex.structure.drawn["long"], ex))),
    kw("count", made(_count, None, (0, 1000, -2)), 0.5),
    kw("offset", made(lambda d, ex: ex.structure.drawn["skipped"] * _wide(ex), None, (-1, 5000)), 0.3),
    variants="function",
    policy=CREATION,
)


def _sized(drawn: Shape, ex: Execution) -> Any:
    """Numbers, or a Size."""
    return drawn if ex.pick.chance(0.6) else [Make("Size", (drawn,))]


entry(
    "new",
    form(x(COMMON), pos("data", made(data_kept, lambda draw, env: small(draw, env) or (2,))), variants="method"),
    form(ANY, variadic("size", made(_sized, small)), variants="method"),
    policy=FRESH,
)

# -- resized ---------------------------------------------------------------------------------------------------------
MEMORY = arg("input", tensor(ALL, contiguous=1.0, grad=False))


def _resized(draw: st.DrawFn, env: Structure) -> Shape:
    """As many elements, or fewer, or more."""
    shape = env.shape("input")
    if draw(st.integers(0, 2)) == 0:
        return draw(factorisations(shape))
    return tuple(min(s, 5) for s in shaped(max_rank=4)(draw, env))


KEPT = kw("memory_format", choice((Named("contiguous_format"),), ("channels_last", 1)), 0.8)
TARGET = made(lambda d, ex: ex.pick.choice((tuple, list))(d), _resized, ((2, -3), ("a",), 2.5))
IN_PLACE = {name: {"inplace": f"Tensor.{name}"} for name in ("resize_", "resize_as_", "set_")}
entry(
    "resize_",
    MEMORY,
    arg("size", TARGET, splat=True),
    KEPT,
    variants="inplace",
    calls=IN_PLACE["resize_"],
    policy=FRESH,
)
TEMPLATE = arg("the_template", tensor((), _resized, grad=False))
entry("resize_as_", MEMORY, TEMPLATE, KEPT, variants="inplace", calls=IN_PLACE["resize_as_"], policy=FRESH)
AS_MANY = made(lambda d, ex: d, lambda draw, env: draw(factorisations(env.shape("input"))), ((1009,), (-2, 2)))
entry("resize", ANY, variadic("sizes", AS_MANY), variants="method", order=2, policy=VIEW)
entry("resize_as", ANY, pos("tensor", OTHER_SHAPE.kind), variants="method", order=2, policy=VIEW)


# -- exchanged -------------------------------------------------------------------------------------------------------
def _within_source(draw: st.DrawFn, env: Structure) -> tuple[Shape, Shape, int]:
    count = math.prod(env.shape("source"))
    return strided(draw, Structure(env.form, {"input": (count,)}))


TAKING = arg("input", tensor(ALL, grad=False))
entry(
    "set_",
    form(TAKING, variants="inplace"),
    form(TAKING, arg("source", tensor((), grad=False)), variants="inplace", weight=2),
    form(
        TAKING,
        arg("source", tensor((), grad=False, contiguous=1.0)),
        aside("lies", _within_source),
        arg("storage_offset", made(part(2), None, (-1, 100000))),
        SIZE,
        STRIDES,
        variants="inplace",
        weight=2,
    ),
    calls=IN_PLACE["set_"],
    policy=replace(FRESH, canonical="grown"),
)
CLASS = choice((Named("Tensor"), Named("nn.Parameter")), (Named("Size"), 3, "Tensor"))
entry("as_subclass", arg("input", tensor(ALL, grad=False)), arg("cls", CLASS), variants="method", policy=VIEW)


# -- the generator ---------------------------------------------------------------------------------------------------
def _state(drawn: Any, ex: Execution) -> Make:
    return Make("Generator.get_state", (Make("Generator", (ex.pick.integer(0, 2**31),)),))


BAD_STATES = (TensorSpec((3,), "uint8", Values("zeros")), TensorSpec((5056,), "float32", Values("zeros")), None)
entry("set_rng_state", arg("new_state", made(_state, None, BAD_STATES)), variants="function", policy=STREAM)
entry("seed", variants="function", policy=UNINITIALISED)

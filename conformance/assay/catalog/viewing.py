"""More views: by strides, by sliding windows, with dimensions split, and in pieces that need not be equal."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.common import DIM, x
from assay.catalog.form import Execution, Structure, arg, entry, form, opt
from assay.catalog.kinds import aside, dim, integer, made, shaped, tensor
from assay.catalog.shapes import ALONG, AT, CHUNKS, SECTIONS
from assay.dtypes import ALL
from assay.policy import VIEW
from assay.strategies.shapes import Shape, factorisations

BOTH = "function method"
SOME_DIM = x(ALL, shaped(min_rank=1))


def rank_of(env: Structure, name: str = "input") -> int:
    """How many dimensions a tensor has."""
    return len(env.shape(name))


# -- by strides ------------------------------------------------------------------------------------------------------
def strided(draw: st.DrawFn, env: Structure, apart: bool = False) -> tuple[Shape, Shape, int]:
    """(size, stride, offset) within the elements of the input; apart: no element is met twice."""
    count = math.prod(env.shape("input"))
    rank = draw(st.integers(0 if count else 1, 4))
    if not count:
        size = [draw(st.sampled_from((1, 2, 3))) for _ in range(rank)]
        size[draw(st.integers(0, rank - 1))] = 0
        return tuple(size), tuple(draw(st.integers(0, 3)) for _ in range(rank)), 0
    offset = draw(st.integers(0, count - 1)) if draw(st.booleans()) else 0
    left, size, stride, least = count - 1 - offset, [], [], 1
    for _ in range(rank):
        step = least if apart else draw(st.sampled_from((1, 2, 0, 3, 1, 5, 7)))
        if apart and draw(st.integers(0, 2)) == 0:
            step += 1
        many = draw(st.integers(1, 4))
        if step and (many - 1) * step > left:
            many = left // step + 1
        left -= (many - 1) * step
        least = step * many
        size.append(many)
        stride.append(step)
    order = draw(st.permutations(range(rank)))
    return tuple(size[i] for i in order), tuple(stride[i] for i in order), offset


def part(at: int) -> Any:
    """A part of what `strided` drew aside as "lies"; a tuple or a list."""

    def how(_: Any, ex: Execution) -> Any:
        value = ex.structure.drawn["lies"][at]
        return list(value) if at < 2 and ex.pick.chance(0.3) else value

    return how


#: What is refused: negative strides and sizes, strides of another number than sizes, and what lies beyond the storage.
STRIDED = (
    aside("lies", strided),
    arg("size", made(part(0), None, ((2, -3), (1000, 1000), 2.5))),
    arg("stride", made(part(1), None, ((-1,), (1, 1, 1, 1, 1, 1), ("a",)))),
    opt("storage_offset", made(part(2), None, (-1, 100000)), 0.3),
)
entry(
    "as_strided",
    arg("input", tensor(ALL, contiguous=0.8)),
    *STRIDED,
    variants="function method inplace",
    order=2,
    policy=VIEW,
)


# -- sliding windows -------------------------------------------------------------------------------------------------
def _window(draw: st.DrawFn, env: Structure) -> int:
    shape = env.shape("input")
    longest = shape[env.drawn["dimension"] % len(shape)] if shape else 1
    return draw(st.integers(0, longest))


WINDOWS = (
    x(ALL, shaped(max_rank=4)),
    arg("dimension", dim()),
    arg("size", made(lambda d, ex: d, _window, (1000, -1))),
    arg("step", integer(1, 4)),
)
entry("unfold", *WINDOWS, variants="method", order=2, policy=VIEW)


def _factors(draw: st.DrawFn, env: Structure) -> Shape:
    """Sizes whose product is that of the dimension; now and then one of them is -1."""
    shape = env.shape("input")
    found = list(draw(factorisations((shape[env.drawn["dim"] % len(shape)],), max_rank=3))) or [1]
    at = draw(st.integers(0, len(found) - 1))
    others: list[int] = [s for i, s in enumerate(found) if i != at]
    if draw(st.integers(0, 2)) == 0 and all(others):
        found[at] = -1
    return tuple(found)


entry(
    "unflatten",
    x(ALL, shaped(min_rank=1, max_rank=4)),
    DIM,
    arg("sizes", made(lambda d, ex: list(d) if ex.pick.chance(0.4) else d, _factors, ((), (7, 11), (-1, -1), 2.5))),
    order=2,
    policy=VIEW,
)


# -- in pieces -------------------------------------------------------------------------------------------------------
def _cuts(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
    """Positions to cut at: in any order, from either end, beyond the end."""
    return tuple(draw(st.lists(st.integers(-6, 9), max_size=4)))


CUTS = made(lambda d, ex: list(d) if ex.pick.chance(0.4) else d, _cuts, (1.5, ("a",), (0.5,)))


def _some(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=-4, high=7) if shape else Values("index", low=1, high=5)


TENSOR_CUTS = tensor(
    ("int64",), lambda draw, env: draw(st.sampled_from(((2,), (), (3,), (0,), (1,)))), own=True, values=_some
)
entry(
    "tensor_split",
    form(SOME_DIM, arg("indices", CUTS), opt("dim", dim()), order=2, weight=2),
    form(SOME_DIM, arg("sections", integer(1, 6)), opt("dim", dim()), order=2, weight=2),
    form(SOME_DIM, arg("tensor_indices_or_sections", TENSOR_CUTS), opt("dim", dim()), order=2),
    policy=VIEW,
    bad=lambda ex: [((ex.values["input"], 0), {}), ((ex.values["input"], -2), {})],
)


def _divisor(along: int) -> made:
    """How many equal pieces there may be of the dimension `along` (of a vector: its only one)."""

    def drawing(draw: st.DrawFn, env: Structure) -> int:
        shape = env.shape("input")
        length = shape[min(along, len(shape) - 1)]
        return draw(st.sampled_from([n for n in range(1, 8) if length % n == 0]))

    return made(lambda d, ex: d, drawing, (0, -1, 1009))


for name, least, along in (("hsplit", 1, 1), ("vsplit", 2, 0), ("dsplit", 3, 2)):
    source = x(ALL, shaped(min_rank=least))
    entry(
        name,
        form(source, arg("sections", _divisor(along)), order=2),
        form(source, arg("indices", CUTS), order=2),
        policy=VIEW,
    )

PIECES = arg("split_size", integer(1, 5))
entry("unsafe_chunk", SOME_DIM, arg("chunks", CHUNKS), opt("dim", dim()), order=2, policy=VIEW)
entry("unsafe_split", SOME_DIM, PIECES, opt("dim", dim()), order=2, policy=VIEW)
entry("unsafe_split_with_sizes", SOME_DIM, ALONG, arg("split_sizes", SECTIONS), AT, order=2, policy=VIEW)

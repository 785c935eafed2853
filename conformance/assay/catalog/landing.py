"""What lands in one place is reduced: by index tensors, and by segments."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from assay.case import TensorSpec, Values
from assay.catalog.common import DIM, x
from assay.catalog.form import Execution, Structure, arg, entry, form, kw
from assay.catalog.indexing import ADDED, DUPLICATES, SLICES, SOURCE
from assay.catalog.kinds import Tensor, aside, choice, flag, made, shaped
from assay.catalog.results import shape_of
from assay.dtypes import FLOATING, REAL
from assay.policy import POWERS
from assay.strategies.shapes import Shape

INCLUDED = kw("include_self", flag())
for name, ways, index, source, first in (
    ("scatter_reduce", ("sum", "prod", "mean", "amax", "amin"), ADDED, SOURCE, x(REAL)),
    (
        "index_reduce",
        ("prod", "mean", "amax", "amin"),
        DUPLICATES,
        SLICES,
        x(REAL, shaped(min_rank=1)),
    ),
):
    entry(
        name,
        first,
        DIM,
        index,
        source,
        arg("reduce", choice(ways, ("max", 1, None))),
        INCLUDED,
        variants="function method inplace",
        out=shape_of(),
        order=2,
        policy=POWERS,
    )


def _segments(draw: st.DrawFn, env: Structure) -> tuple[tuple[int, ...], ...]:
    """For each line in front of the axis the lengths of its segments, which add up to the axis."""
    shape, axis = env.shape("data"), env.drawn["front"]
    count = draw(st.integers(1, 4))
    found = []
    for _ in range(math.prod(shape[:axis])):
        cuts = sorted(draw(st.integers(0, shape[axis])) for _ in range(count - 1))
        found.append(tuple(b - a for a, b in zip((0, *cuts), (*cuts, shape[axis]), strict=True)))
    return tuple(found)


def _told(offsets: bool) -> Any:
    """The segments as a tensor of lengths, or of offsets with the end of the last."""

    def how(_: Any, ex: Execution) -> TensorSpec:
        lines = ex.structure.drawn["segments"]
        numbers = [n for line in lines for n in ((0, *_running(line)) if offsets else line)]
        front = ex.shape("data")[: ex.structure.drawn["front"]]
        shape = (*front, len(numbers) // len(lines))
        return TensorSpec(shape, "int64", Values("literal", literal=tuple(numbers)))

    return made(how)


def _running(lengths: tuple[int, ...]) -> list[int]:
    return [sum(lengths[: i + 1]) for i in range(len(lengths))]


class Segmented(Tensor):
    """Never of a wrong shape: PyTorch 2.13 does not check offsets against it, and reads beyond it."""

    def _wrong(self, good: TensorSpec, ex: Execution) -> Iterator[Shape]:
        return iter(())


# Contiguous, as the segments are: with the strides of a permuted (2, 1, 1) it reads beyond them, and dies.
DATA = Segmented(FLOATING, lambda draw, env: shaped(1 + env.drawn["front"], 3, 1)(draw, env), contiguous=1.0)
entry(
    "segment_reduce",
    *(
        form(
            aside("front", lambda draw, env: draw(st.sampled_from((0, 0, 1)))),
            arg("data", DATA),
            aside("segments", _segments),
            arg("reduce", choice(("sum", "mean", "max", "min", "prod"), ("amax", 1))),
            kw(told, _told(told == "offsets"), 0),
            kw("axis", made(lambda d, ex: ex.structure.drawn["front"], None, (2, -1)), 0),
            kw("initial", choice((1.0, 0.0, -2.5, 3), ("one",)), 0.4),
            kw("unsafe", flag(), 0.7),
            variants="function",
            order=1,
        )
        for told in ("lengths", "offsets")
    ),
    policy=POWERS,
)

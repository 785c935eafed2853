"""Strategies for dtypes, dims, layouts, scalars, value plans and bad arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, Make, Named, Values
from assay.dtypes import ALL, category
from assay.pick import Pick
from assay.strategies.shapes import Shape


def dtypes(names: Sequence[str] = ALL) -> st.SearchStrategy[str]:
    """Names of dtypes. Raises ValueError on a name PyTorch does not have."""
    for name in names:
        if name not in ALL:
            raise ValueError(f"{name!r} is no dtype; one of {', '.join(ALL)}")
    return st.sampled_from(tuple(names))


def dims(rank: int) -> st.SearchStrategy[int]:
    """One dimension, counted from either end; 0 or -1 for rank 0."""
    span = max(rank, 1)
    return st.integers(-span, span - 1)


@st.composite
def dim_sets(draw: st.DrawFn, rank: int, min_size: int = 0, signs: bool = True) -> tuple[int, ...]:
    """Different dimensions in any order, counted from either end."""
    span = max(rank, 1)
    mask = draw(st.integers(0, 2**span - 1))
    chosen = [d for d in range(span) if mask >> d & 1]
    while len(chosen) < min(min_size, span):
        chosen.append(next(d for d in range(span) if d not in chosen))
    if len(chosen) > 1 and draw(st.booleans()):
        chosen = list(draw(st.permutations(chosen)))
    flips = draw(st.integers(0, 2**span - 1)) if signs else 0
    return tuple(d - span if flips >> d & 1 else d for d in chosen)


def layouts(shape: Shape) -> st.SearchStrategy[Layout]:
    """Layouts that a tensor of `shape` may have."""
    return st.integers(0, 2**32 - 1).map(lambda seed: layout(Pick(seed), shape))


def layout(pick: Pick, shape: Shape, expanded: bool = True) -> Layout:
    """One layout for `shape`, half the time contiguous; never with stride 0 unless `expanded`."""
    rank = len(shape)
    kind = pick.weighted(
        {"contiguous": 10, "permuted": 4, "stepped": 3, "offset": 2, "expanded": 2, "channels_last": 2}
    )
    if kind == "permuted" and rank >= 2:
        order = pick.shuffled(range(rank))
        return Layout("permuted", tuple(order)) if order != sorted(order) else Layout("permuted", (*range(1, rank), 0))
    if kind == "stepped" and rank:
        return Layout("stepped", tuple(d for d in range(rank) if pick.chance(0.5)) or (pick.integer(0, rank - 1),))
    if kind == "offset":
        return Layout("offset")
    if kind == "expanded" and expanded and rank:
        return Layout("expanded", (pick.choice([d for d in range(rank) if shape[d] > 1] or [0]),))
    if kind == "channels_last" and rank == 4:
        return Layout("channels_last")
    return Layout()


def scalars(dtype: str) -> st.SearchStrategy[bool | int | float | complex]:
    """Python numbers that make sense beside a tensor of `dtype`."""
    return st.integers(0, 2**32 - 1).map(lambda seed: scalar(Pick(seed), category(dtype)))


def scalar(pick: Pick, kind: int) -> bool | int | float | complex:
    """One Python number: bool (kind 0), int (1), float (2) or complex (3)."""
    if kind == 0:
        return pick.chance(0.5)
    if kind == 1:
        return pick.choice((2, 1, 0, -1, 3, -2, 5, 7))
    if kind == 2:
        return pick.choice((0.5, 1.0, 2.0, -1.5, 0.0, -0.0, 3.25, 0.1, -0.7, 1e-3, 100.0, 2.5))
    return complex(pick.choice((0.5, 1.0, -2.0, 0.0)), pick.choice((1.0, -0.5, 0.0, 2.0)))


#: How often each plan is drawn for a tensor whose entry asks for none.
PLANS = {
    "normal": 11,
    "special": 5,
    "ties": 2,
    "integers": 1,
    "huge": 1,
    "subnormal": 1,
    "border": 1,
    "zeros": 1,
    "ones": 1,
}
SMOOTH = {"normal": 14, "positive": 2, "ties": 3, "special": 2, "zeros": 1, "integers": 1}


def plan(pick: Pick, preferred: Values | None = None, smooth: bool = False) -> Values:
    """A value plan: half the time `preferred`, where given; mostly ordinary numbers where `smooth`."""
    if preferred is not None and pick.chance(0.6):
        return Values(preferred.kind, pick.seed(), preferred.low, preferred.high)
    return Values(pick.weighted(SMOOTH if smooth else PLANS), pick.seed())


def value_plans() -> st.SearchStrategy[Values]:
    """Value plans of every unconstrained kind."""
    return st.integers(0, 2**32 - 1).map(lambda seed: plan(Pick(seed)))


#: What no argument of PyTorch is meant to take, whatever its kind.
STRANGE: tuple[Any, ...] = ("text", Make("object"), 1.5, [], (1, "a"), {}, None, Named("float32"), [[1], [2, 3]])


def bad_arguments(*, besides: tuple[type, ...] = ()) -> st.SearchStrategy[Any]:
    """Arguments to be refused, none of the types in `besides`."""
    return st.sampled_from([v for v in STRANGE if not isinstance(v, besides)])


def stranger(pick: Pick, besides: tuple[type, ...] = ()) -> Any:
    """One of `STRANGE`, none of the types in `besides`."""
    return pick.choice([v for v in STRANGE if not isinstance(v, besides)])

"""Strategies for shapes: any, broadcastable with others, and those of matrices."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

Shape = tuple[int, ...]

#: Mostly small, with empty and single ones, and some that fill a vector register and leave a tail.
SIZES = (1, 2, 3, 0, 4, 1, 2, 3, 5, 2, 3, 4, 7, 9, 17)
LONG = (33, 70, 129)
MAX_ELEMENTS = 1200
_RANKS = (2, 1, 3, 0, 4, 2, 1, 3, 5)


def _checked(low: int, high: int, what: str) -> None:
    if not (isinstance(low, int) and isinstance(high, int)) or not 0 <= low <= high:
        raise ValueError(f"{what} must satisfy 0 <= min <= max, not {low!r} and {high!r}")


#: A strategy that is made once need not be validated and labelled for each draw, which takes longer than the draw.
_one_of: Callable[[tuple[int, ...]], st.SearchStrategy[int]] = functools.cache(st.sampled_from)
_between: Callable[[int, int], st.SearchStrategy[int]] = functools.cache(st.integers)


def shapes(min_rank: int = 0, max_rank: int = 5, min_size: int = 0) -> st.SearchStrategy[Shape]:
    """Shapes of rank `min_rank` to `max_rank`, each size at least `min_size`, at most `MAX_ELEMENTS` elements.

    About one in ten has one long dimension. Raises ValueError on bounds out of order.
    """
    _checked(min_rank, max_rank, "ranks")
    _checked(min_size, max(SIZES), "sizes")
    return _shapes(min_rank, max_rank, min_size)


@st.composite
def _shapes(draw: st.DrawFn, min_rank: int, max_rank: int, min_size: int) -> Shape:
    rank = draw(_one_of(tuple(r for r in _RANKS if min_rank <= r <= max_rank)))
    pool = _one_of(tuple(s for s in SIZES if s >= min_size))
    sizes = [draw(pool) for _ in range(rank)]
    if rank and draw(_between(0, 9)) == 9:
        sizes[draw(_between(0, rank - 1))] = draw(_one_of(LONG))
    return _bounded(sizes)


def _bounded(sizes: Sequence[int]) -> Shape:
    sizes = list(sizes)
    while math.prod(s for s in sizes if s) > MAX_ELEMENTS:
        sizes[sizes.index(max(sizes))] = 2
    return tuple(sizes)


@st.composite
def broadcastable(draw: st.DrawFn, *others: Shape, max_rank: int = 5) -> Shape:
    """A shape that broadcasts with all of `others` together. Raises ValueError if they do not fit each other."""
    whole = list(broadcast(*others))
    how = draw(_between(0, 5))
    if how <= 1:
        return tuple(whole)
    keep = draw(_between(0, len(whole))) if how <= 4 else len(whole)
    sizes = whole[len(whole) - keep :]
    if sizes:
        ones = draw(_between(0, 2 ** len(sizes) - 1))
        sizes = [1 if ones >> i & 1 else s for i, s in enumerate(sizes)]
        grow = tuple(s for s in SIZES if s != 1)
        sizes = [
            draw(_one_of(grow)) if s == 1 == w and how == 3 else s for s, w in zip(sizes, whole[-keep:], strict=True)
        ]
    if how == 5 and len(whole) < max_rank:
        sizes = [draw(_one_of((2, 1, 3))), *sizes]
    return _fit(tuple(sizes), tuple(whole))


def _fit(shape: Shape, whole: Shape) -> Shape:
    return shape if math.prod(broadcast(shape, whole)) <= 4 * MAX_ELEMENTS else whole


@st.composite
def broadcast_pairs(draw: st.DrawFn, max_rank: int = 5) -> tuple[Shape, Shape]:
    """Two shapes that broadcast with each other."""
    first = draw(shapes(max_rank=max_rank))
    return first, draw(broadcastable(first, max_rank=max_rank))


@st.composite
def broadcast_triples(draw: st.DrawFn, max_rank: int = 5) -> tuple[Shape, Shape, Shape]:
    """Three shapes that broadcast together."""
    first, second = draw(broadcast_pairs(max_rank))
    return first, second, draw(broadcastable(first, second, max_rank=max_rank))


def broadcast(*shapes: Shape) -> Shape:
    """The common shape. Raises ValueError when there is none."""
    rank = max((len(s) for s in shapes), default=0)
    result = [1] * rank
    for shape in shapes:
        for i, size in enumerate(shape, rank - len(shape)):
            if size != 1:
                if result[i] not in (1, size):
                    raise ValueError(f"shapes {shapes} do not broadcast")
                result[i] = size
    return tuple(result)


@st.composite
def factorisations(draw: st.DrawFn, shape: Shape, max_rank: int = 5) -> Shape:
    """Another shape with as many elements as `shape`; never with -1."""
    n = math.prod(shape)
    if n == 0:
        sizes = draw(st.lists(_one_of((2, 1, 3, 0)), max_size=max_rank - 1))
        sizes.insert(draw(_between(0, len(sizes))), 0)
        return tuple(sizes)
    rank = draw(_between(0 if n == 1 else 1, max_rank))
    sizes = []
    for _ in range(max(rank - 1, 0)):
        divisor = draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0][:12]))
        sizes.append(divisor)
        n //= divisor
    if rank:
        sizes.insert(draw(_between(0, len(sizes))), n)
    return tuple(sizes)

"""Strategies for what stands between the brackets of `x[...]`, fitted to a shape.

Index tensors come as `IndexTensor`: how their elements come about is decided later, when a dtype and values are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from assay.strategies.shapes import Shape, broadcastable, shapes


@dataclass(frozen=True, slots=True)
class IndexTensor:
    """A tensor of indices below `size` (at least -size when `negative`), or a mask when `mask`."""

    shape: Shape
    size: int = 1
    negative: bool = False
    mask: bool = False


@st.composite
def slices(draw: st.DrawFn, size: int) -> slice:
    """Slices of a dimension of `size`; bounds may be absent, negative or beyond the end; steps are positive."""
    bound = st.one_of(st.none(), st.integers(-size - 1, size + 2))
    return slice(draw(bound), draw(bound), draw(st.sampled_from((None, 1, 2, 3))))


@st.composite
def basic_indices(draw: st.DrawFn, shape: Shape) -> Any:
    """Integers, slices, None and Ellipsis; a bare item or a tuple."""
    items: list[Any] = []
    used = draw(st.integers(0, len(shape)))
    front = draw(st.integers(0, used)) if used < len(shape) or draw(st.booleans()) else used
    sizes = [*shape[:front], *(shape[len(shape) - (used - front) :] if used > front else ())]
    for position, size in enumerate(sizes):
        if position == front and (used < len(shape) or used > front):
            items.append(...)
        if draw(st.integers(0, 7)) == 0:
            items.append(None)
        if size and draw(st.integers(0, 2)) == 0:
            items.append(draw(st.integers(-size, size - 1)))
        else:
            items.append(draw(slices(size)))
    if front == used and draw(st.integers(0, 3)) == 0:
        items.append(draw(st.sampled_from((..., None))) if ... not in items else None)
    if len(items) == 1 and draw(st.booleans()):
        return items[0]
    return tuple(items)


@st.composite
def advanced_indices(draw: st.DrawFn, shape: Shape) -> Any:
    """At least one index tensor, list or mask, among slices, integers, None and Ellipsis."""
    rank = len(shape)
    whole_mask = draw(st.integers(0, 5)) == 0 or rank == 0
    if whole_mask:
        used = draw(st.integers(0 if rank == 0 else 1, rank))
        mask = IndexTensor(shape[:used], mask=True)
        return mask if draw(st.booleans()) or used == rank else (mask, draw(slices(shape[used])))
    common = draw(shapes(max_rank=2))
    items: list[Any] = []
    used = draw(st.integers(1, min(rank, 4)))
    at = draw(st.integers(0, used - 1))
    masked = False
    for position in range(used):
        size = shape[position]
        what = 0 if position == at else draw(st.integers(0, 4))
        if what <= 1 and (size or 0 in common):
            items.append(_index(draw, common, size))
        elif what == 2 and size:
            items.append(draw(st.integers(-size, size - 1)))
        elif what == 3 and not common and not masked and draw(st.booleans()):
            masked = True
            items.append(IndexTensor((size,), mask=True))
        else:
            items.append(draw(slices(size)))
    if used < rank and draw(st.integers(0, 3)) == 0:
        items.append(...)
    if draw(st.integers(0, 7)) == 0:
        items.insert(draw(st.integers(0, len(items))), None)
    return items[0] if len(items) == 1 and draw(st.booleans()) else tuple(items)


def _index(draw: st.DrawFn, common: Shape, size: int) -> Any:
    shape = draw(broadcastable(common, max_rank=len(common))) if 0 not in common else common
    negative = draw(st.booleans())
    if len(shape) == 1 and size and draw(st.integers(0, 3)) == 0:
        return [draw(st.integers(-size if negative else 0, size - 1)) for _ in range(shape[0])]
    return IndexTensor(shape, size, negative)


def indices(shape: Shape) -> st.SearchStrategy[Any]:
    """Basic and advanced index expressions that fit `shape`."""
    return st.one_of(basic_indices(shape), advanced_indices(shape))

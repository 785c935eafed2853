"""Arguments that depend on a tensor's shape: dims, sizes, indices."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from assay.case import Make, TensorSpec, Values
from assay.catalog.form import Execution, Kind, Structure
from assay.catalog.operands import ShapeRule, shaped
from assay.pick import Pick
from assay.strategies.arguments import dim_sets, layout, stranger
from assay.strategies.arguments import dims as one_dim
from assay.strategies.indices import IndexTensor, advanced_indices, basic_indices
from assay.strategies.shapes import Shape, factorisations


@dataclass(frozen=True)
class dim(Kind):
    """A dimension of the named tensor, from either end; `extra` more than it has (unsqueeze, stack)."""

    of: str = "input"
    extra: int = 0
    filled: bool = False

    def structure(self, draw: st.DrawFn, env: Structure) -> int:
        shape = env.shape(self.of)
        if self.filled and 0 in shape and any(shape):
            good = [d for d, s in enumerate(shape) if s]
            return draw(st.sampled_from(good)) - (len(shape) if draw(st.booleans()) else 0)
        return draw(one_dim(len(shape) + self.extra))

    def realise(self, drawn: int, name: str, ex: Execution) -> int:
        return drawn

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        rank = max(len(ex.shape(self.of)) + self.extra, 1)
        yield ex.pick.choice((rank, -rank - 1, rank + 3))
        yield stranger(ex.pick, (int, type(None)))


@dataclass(frozen=True)
class dims(Kind):
    """Several different dimensions of the named tensor: an int or a tuple or list, None when `none`."""

    of: str = "input"
    none: float = 0.0
    min_size: int = 0
    single: bool = True

    def structure(self, draw: st.DrawFn, env: Structure) -> Any:
        rank = len(env.shape(self.of))
        if self.single and draw(st.booleans()):
            return draw(one_dim(rank))
        return draw(dim_sets(rank, self.min_size))

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        if self.none and ex.pick.chance(self.none):
            return None
        return list(drawn) if isinstance(drawn, tuple) and ex.pick.chance(0.3) else drawn

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        rank = max(len(ex.shape(self.of)), 1)
        yield ex.pick.choice((rank, -rank - 1, (0, rank + 1)))
        yield (0, 0)
        yield ex.pick.choice(("text", 1.5, {}, (0.5,), Make("object")))


@dataclass(frozen=True)
class permutation(Kind):
    """All dimensions of the named tensor in any order, from either end."""

    of: str = "input"

    def structure(self, draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
        rank = len(env.shape(self.of))
        order = draw(st.permutations(range(rank)))
        return tuple(d - rank if draw(st.integers(0, 3)) == 0 else d for d in order)

    def realise(self, drawn: tuple[int, ...], name: str, ex: Execution) -> Any:
        return drawn if ex.pick.chance(0.7) else list(drawn)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield (*good, 0)
        yield tuple(0 for _ in good) if len(good) > 1 else (5,)
        yield ex.pick.choice(("text", (0.5,), Make("object")))


@dataclass(frozen=True)
class size(Kind):
    """A size: any shape, or one that `rule` draws."""

    rule: ShapeRule = field(default_factory=shaped)

    def structure(self, draw: st.DrawFn, env: Structure) -> Shape:
        return self.rule(draw, env)

    def realise(self, drawn: Shape, name: str, ex: Execution) -> Any:
        how = ex.pick.weighted({"tuple": 7, "list": 2, "Size": 1})
        return drawn if how == "tuple" else list(drawn) if how == "list" else Make("Size", (drawn,))

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield ex.pick.choice(((2, -3), (-1,), (1.5, 2), ("a",), (2, None)))
        yield stranger(ex.pick, (list, type(None)))


def reshaping(of: str = "input", inferred: bool = True) -> ShapeRule:
    """Another shape of as many elements, now and then with one -1."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        new = list(draw(factorisations(shape)))
        if inferred and new and draw(st.integers(0, 2)) == 0:
            at = draw(st.integers(0, len(new) - 1))
            if math.prod(s for i, s in enumerate(new) if i != at):
                new[at] = -1
        return tuple(new)

    return rule


@dataclass(frozen=True)
class index(Kind):
    """What stands between brackets: basic and advanced index expressions on the named tensor."""

    of: str = "input"

    def structure(self, draw: st.DrawFn, env: Structure) -> Any:
        shape = env.shape(self.of)
        return draw(basic_indices(shape)) if draw(st.booleans()) else draw(advanced_indices(shape))

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        return _index_tensors(drawn, ex.pick)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        shape = ex.shape(self.of)
        first = shape[0] if shape else 0
        yield first + 1
        yield -first - 1
        yield (*(slice(None),) * len(shape), 0)
        yield (..., ...)
        yield slice(None, None, ex.pick.choice((-1, 0)))
        yield ex.pick.choice((1.5, "text", slice(0.5, 1), (0.5, 1), Make("object")))
        yield TensorSpec((first + 1,), "bool", Values("ones"))
        yield TensorSpec((2,), "float32", Values("zeros"))
        yield TensorSpec((2,), "int64", Values("index", low=first, high=first + 2))


def _index_tensors(item: Any, pick: Pick) -> Any:
    if isinstance(item, tuple):
        return tuple(_index_tensors(i, pick) for i in item)
    if isinstance(item, IndexTensor):
        seed = pick.seed()
        if item.mask:
            return TensorSpec(item.shape, "bool", Values("integers", seed), layout(pick, item.shape))
        dtype = pick.choice(("int64", "int64", "int64", "int32"))
        plan = Values("index", seed, low=-item.size if item.negative else 0, high=max(item.size, 1))
        return TensorSpec(item.shape, dtype, plan, layout(pick, item.shape))
    return item

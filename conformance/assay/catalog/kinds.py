"""Kinds of arguments: tensors, numbers, dims, sizes, dtypes, indices, and what each refuses."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, Make, Named, TensorSpec, Values
from assay.catalog.form import Alternatives, Execution, Kind, Param, Structure, is_reflected
from assay.dtypes import ALL, BAREBONES, COMMON, category
from assay.pick import Pick
from assay.strategies.arguments import dim_sets, layout, plan, scalar, stranger
from assay.strategies.arguments import dims as one_dim
from assay.strategies.indices import IndexTensor, advanced_indices, basic_indices
from assay.strategies.shapes import Shape, broadcastable, factorisations, shapes

ShapeRule = Callable[[st.DrawFn, Structure], Shape]


@dataclass(frozen=True)
class shaped:
    """Any shape of these ranks, each size at least `min_size`; with `some`, not all of them 0."""

    min_rank: int = 0
    max_rank: int = 5
    min_size: int = 0
    some: bool = False

    def __call__(self, draw: st.DrawFn, env: Structure) -> Shape:
        if env.stratum == "0-dim" and not self.min_rank:
            return ()
        shape = draw(_shapes(self.min_rank, self.max_rank, self.min_size))
        if env.stratum == "empty" and not self.min_size and 0 not in shape and self.max_rank:
            at = draw(st.integers(0, max(len(shape) - 1, 0)))
            shape = (*shape[:at], 0, *shape[at + 1 :])
        if self.some and shape and not any(shape):
            shape = (2, *shape[1:], 0)[: self.max_rank]
        return shape


_shapes = functools.cache(shapes)


@dataclass(frozen=True)
class broadcasting:
    """A shape that broadcasts with those of the named arguments."""

    names: tuple[str, ...]

    def __call__(self, draw: st.DrawFn, env: Structure) -> Shape:
        return draw(broadcastable(*(env.shape(n) for n in self.names if n in env.drawn)))


def like(name: str) -> ShapeRule:
    """The shape of the named argument."""
    return lambda draw, env: env.shape(name)


@dataclass(frozen=True)
class Tensor(Kind):
    """A tensor argument.

    dtypes: of the first tensor, the primary dtypes; of others, what they may be. relation: "primary" (the primary
    dtype), "mixed" (now and then another of `dtypes`), "own" (any of `dtypes`). plans: the only value plans, where
    elements are constrained; prefer: a plan for most draws. contiguous: how often at least it is contiguous.
    """

    dtypes: tuple[str, ...] = ()
    shape: ShapeRule = field(default_factory=shaped)
    relation: str = "primary"
    plans: Callable[[Execution, Shape], Values] | None = None
    prefer: Values | None = None
    grad: bool = True
    contiguous: float = 0.0

    def structure(self, draw: st.DrawFn, env: Structure) -> Shape:
        return self.shape(draw, env)

    def dtype(self, name: str, ex: Execution) -> str:
        if self.relation == "own":
            return ex.pick.choice(self.dtypes)
        if self.relation == "mixed" and ex.variant != "out" and ex.pick.chance(0.25):
            pool = self.dtypes or COMMON
            if ex.in_place:
                pool = tuple(d for d in pool if category(d) <= category(ex.dtype))
            return ex.pick.choice(pool) if pool else ex.dtype
        return ex.dtype

    def realise(self, drawn: Shape, name: str, ex: Execution) -> TensorSpec:
        shape = ex.shape(name)
        dtype = self.dtype(name, ex)
        if self.plans is not None:
            values = self.plans(ex, shape)
            values = replace(values, seed=ex.pick.seed())
        else:
            values = plan(ex.pick, self.prefer, smooth=ex.order > 0)
        written = ex.in_place and not any(isinstance(v, TensorSpec) for v in ex.values.values())
        wants_grad = self.grad and ex.order > 0 and category(dtype) >= 2 and ex.pick.chance(0.85)
        lies = (
            Layout()
            if self.contiguous and ex.pick.chance(self.contiguous)
            else layout(ex.pick, shape, expanded=not written)
        )
        return TensorSpec(shape, dtype, values, lies, wants_grad)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield stranger(ex.pick)
        yield from (replace(good, dtype=d, values=Values("ones"), requires_grad=False) for d in self._strange(good, ex))
        for shape in self._wrong(good, ex) if isinstance(good, TensorSpec) else ():
            yield replace(good, shape=shape, layout=Layout(), values=Values("zeros"))

    def _strange(self, good: Any, ex: Execution) -> list[str]:
        """A dtype the operation does not take, or not beside the first tensor's."""
        if not isinstance(good, TensorSpec) or not (self.dtypes or self.relation == "primary"):
            return []
        strange = [d for d in ALL if (d not in self.dtypes if self.dtypes else d != good.dtype)]
        return [ex.pick.choice(strange)] if strange else []

    def _wrong(self, good: TensorSpec, ex: Execution) -> Iterator[Shape]:
        """Shapes that do not fit what the rule says."""
        if isinstance(self.shape, broadcasting):
            if any(s > 1 for s in good.shape):
                yield tuple(s + 1 if s > 1 else s for s in good.shape)
        elif isinstance(self.shape, shaped):
            if self.shape.min_rank:
                yield (2,) * (self.shape.min_rank - 1)
            if self.shape.max_rank < 5:
                yield (2,) * (self.shape.max_rank + 1)
            if self.shape.min_size:
                yield (0,) * max(self.shape.min_rank, 1)
        else:
            yield (*good.shape, 2, 1)
            yield tuple(s + 1 for s in good.shape) or (3,)


def tensor(
    dtypes: tuple[str, ...] = (),
    shape: ShapeRule | None = None,
    *,
    mixed: bool = False,
    own: bool = False,
    values: Values | Callable[[Execution, Shape], Values] | None = None,
    prefer: Values | None = None,
    grad: bool = True,
    contiguous: float = 0.0,
) -> Tensor:
    """A tensor; see `Tensor`. `values` constrains the elements (a plan or a function), `prefer` only favours one."""
    plans = (lambda ex, shape: values) if isinstance(values, Values) else values
    relation = "own" if own else "mixed" if mixed else "primary"
    return Tensor(dtypes, shape or shaped(), relation, plans, prefer, grad, contiguous)


def other(
    dtypes: tuple[str, ...] = (),
    *names: str,
    mixed: bool = True,
    values: Values | Callable[[Execution, Shape], Values] | None = None,
    prefer: Values | None = None,
) -> Tensor:
    """A second operand: broadcasts with the named arguments ("input"), mixes dtypes."""
    return tensor(dtypes, broadcasting(names or ("input",)), mixed=mixed, values=values, prefer=prefer)


def divisor(ex: Execution, shape: Shape) -> Values:
    """No zeros among integers, where PyTorch refuses them; anything among floating numbers."""
    return Values("nonzero") if category(ex.dtype) < 2 else plan(ex.pick, smooth=ex.order > 0)


@dataclass(frozen=True)
class number(Kind):
    """A Python number beside a tensor: of its category, now and then of another; never above it in place.

    highest: no category above this (0 bool, 1 int, 2 float, 3 complex). keep: never above the tensor's category.
    fits: a predicate on (number, execution) that the operation needs (a divisor is not 0).
    """

    highest: int = 3
    keep: bool = False
    fits: Callable[[Any, Execution], bool] | None = None

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        own = min(category(ex.dtype), self.highest)
        kind = own
        if ex.pick.chance(0.3):
            held = self.keep or ex.in_place or ex.variant == "out"
            kind = ex.pick.integer(0, own if held else min(3 if ex.pick.chance(0.1) else 2, self.highest))
        for _ in range(20):
            value = scalar(ex.pick, kind)
            if kind == 1 and ex.dtype in ("uint8", *BAREBONES):
                value = abs(value)
            if self.fits is None or self.fits(value, ex):
                return value
        return {0: 2, 1: 2, 2: 2.0, 3: 1 + 1j}[kind]

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield stranger(ex.pick, (float,))


def nonzero(value: Any, ex: Execution) -> bool:
    """For divisors; -1 is none of them, see `assay.values`."""
    return bool(value) and value != -1


@dataclass(frozen=True)
class integer(Kind):
    """A Python integer from low to high; either bound may be a function of the structure."""

    low: int | Callable[[Structure], int] = 0
    high: int | Callable[[Structure], int] = 5

    def structure(self, draw: st.DrawFn, env: Structure) -> int:
        low = self.low(env) if callable(self.low) else self.low
        high = self.high(env) if callable(self.high) else self.high
        return draw(st.integers(low, max(low, high)))

    def realise(self, drawn: int, name: str, ex: Execution) -> int:
        return drawn

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield stranger(ex.pick, (int,))


@dataclass(frozen=True)
class real(Kind):
    """A Python float from low to high, or one of `among`."""

    low: float = 0.0
    high: float = 1.0
    among: tuple[float, ...] = ()

    def realise(self, drawn: Any, name: str, ex: Execution) -> float:
        if self.among:
            return ex.pick.choice(self.among)
        return self.low + ex.pick.integer(0, 16) / 16 * (self.high - self.low)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield stranger(ex.pick, (float, int))


@dataclass(frozen=True)
class choice(Kind):
    """One of a few values, with some that are refused."""

    among: tuple[Any, ...]
    refused: tuple[Any, ...] = ()

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        return ex.pick.choice(self.among)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        if self.refused:
            yield ex.pick.choice(self.refused)


def flag() -> choice:
    """True or False."""
    return choice((True, False), ("yes", 1.5, None, []))


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
class dtype(Kind):
    """A dtype argument; `wide` ones are not below the primary dtype's category."""

    names: tuple[str, ...] = COMMON
    wide: bool = False
    none: float = 0.05

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        if ex.pick.chance(self.none):
            return None
        names = [n for n in self.names if not self.wide or category(n) >= category(ex.dtype)]
        return Named(ex.pick.choice(names or self.names))

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield ex.pick.choice(("float32", 1, 2.5, (), Make("object")))


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


@dataclass(frozen=True)
class either(Kind):
    """One of several kinds; a number where the operator is reflected."""

    kinds: tuple[Kind, ...]
    weights: tuple[int, ...] = ()

    def structure(self, draw: st.DrawFn, env: Structure) -> Alternatives:
        drawn = tuple(kind.structure(draw, env) for kind in self.kinds)
        shape = next((d for k, d in zip(self.kinds, drawn, strict=True) if isinstance(k, Tensor)), ())
        return Alternatives(drawn, shape)

    def realise(self, drawn: Alternatives, name: str, ex: Execution) -> Any:
        reflected = is_reflected(ex.operator)
        allowed = (
            [i for i, k in enumerate(self.kinds) if isinstance(k, number)] if reflected else range(len(self.kinds))
        )
        weights = self.weights or (1,) * len(self.kinds)
        at = ex.pick.weighted({i: weights[i] for i in allowed})
        return self.kinds[at].realise(drawn.drawn[at], name, ex)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield stranger(ex.pick, (float, int))
        for kind in self.kinds:
            if isinstance(kind, Tensor) and isinstance(good, TensorSpec):
                yield from kind.bad(good, name, ex)


def tensor_or_number(operand: Tensor, scalar: number | None = None) -> either:
    """The second operand of an arithmetic operator."""
    return either((operand, scalar or number()), (7, 3))


@dataclass(frozen=True)
class made(Kind):
    """Whatever two functions say: one for the structure, one for the execution."""

    how: Callable[[Any, Execution], Any]
    drawing: Callable[[st.DrawFn, Structure], Any] | None = None
    refused: tuple[Any, ...] = ()

    def structure(self, draw: st.DrawFn, env: Structure) -> Any:
        return self.drawing(draw, env) if self.drawing else None

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        return self.how(drawn, ex)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        if self.refused:
            yield ex.pick.choice(self.refused)
        yield stranger(ex.pick)


@dataclass(frozen=True)
class hidden(Kind):
    """Drawn for later arguments to look at, never passed; see `aside`."""

    rule: Callable[[st.DrawFn, Structure], Any]

    def structure(self, draw: st.DrawFn, env: Structure) -> Any:
        return self.rule(draw, env)


def aside(name: str, rule: Callable[[st.DrawFn, Structure], Any]) -> Param:
    """A part of the structure that later arguments depend on, and no argument itself."""
    return Param(name, hidden(rule), 1.0, "keyword")


@dataclass(frozen=True)
class drawn(Kind):
    """The dimension of `of` that was drawn aside under another name."""

    name: str
    of: str = "input"

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        return ex.structure.drawn[self.name]

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield from dim(self.of).bad(good, name, ex)

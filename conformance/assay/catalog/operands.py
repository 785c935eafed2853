"""Tensors as arguments: their shapes, dtypes and values, and what is refused in their place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, TensorSpec, Values
from assay.catalog.form import Execution, Kind, Structure
from assay.dtypes import ALL, COMMON, category
from assay.strategies.arguments import layout, plan, stranger
from assay.strategies.shapes import Shape, broadcastable, shapes

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
    elements are constrained; prefer: a plan for most draws. contiguous: how often at least it is contiguous. resized,
    retyped: whether wrong shapes, and wrong dtypes, are among the mistakes.
    """

    dtypes: tuple[str, ...] = ()
    shape: ShapeRule = field(default_factory=shaped)
    relation: str = "primary"
    plans: Callable[[Execution, Shape], Values] | None = None
    prefer: Values | None = None
    grad: bool = True
    contiguous: float = 0.0
    resized: bool = True
    retyped: bool = True

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
        for shape in self._wrong(good, ex) if self.resized and isinstance(good, TensorSpec) else ():
            yield replace(good, shape=shape, layout=Layout(), values=Values("zeros"))

    def _strange(self, good: Any, ex: Execution) -> list[str]:
        """A dtype the operation does not take, or not beside the first tensor's."""
        if not self.retyped or not isinstance(good, TensorSpec) or not (self.dtypes or self.relation == "primary"):
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


def unresized(kind: Tensor) -> Tensor:
    """The same, never given in a wrong shape: PyTorch would read memory that is not its own."""
    return replace(kind, resized=False)


def untyped(kind: Tensor) -> Tensor:
    """The same, never given in a wrong dtype: whether PyTorch refuses it is left to the backend it chooses."""
    return replace(kind, retyped=False)


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


def finite(ex: Execution, shape: Shape) -> Values:
    """Anything but NaN and infinities, where it is an accident of the method which results these reach."""
    found = plan(ex.pick, smooth=ex.order > 0)
    return Values("normal") if found.kind == "special" else found

"""Kinds of arguments, all under one name: tensors, plain values, what depends on shapes, and combinations of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from assay.case import TensorSpec
from assay.catalog.form import Alternatives, Execution, Kind, Param, Structure, is_reflected
from assay.catalog.operands import (
    ShapeRule,
    Tensor,
    broadcasting,
    divisor,
    finite,
    like,
    other,
    shaped,
    tensor,
    unresized,
    untyped,
)
from assay.catalog.places import dim, dims, index, permutation, reshaping, size
from assay.catalog.scalars import choice, dtype, flag, integer, nonzero, number, real
from assay.strategies.arguments import stranger

__all__ = [
    "ShapeRule",
    "Tensor",
    "aside",
    "broadcasting",
    "choice",
    "dim",
    "dims",
    "divisor",
    "drawn",
    "dtype",
    "either",
    "finite",
    "flag",
    "hidden",
    "index",
    "integer",
    "like",
    "made",
    "nonzero",
    "number",
    "other",
    "permutation",
    "real",
    "reshaping",
    "shaped",
    "size",
    "tensor",
    "tensor_or_number",
    "unresized",
    "untyped",
]


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

"""Plain values as arguments: numbers, one of a few, dtypes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from assay.case import Make, Named
from assay.catalog.form import Execution, Kind, Structure
from assay.dtypes import BAREBONES, COMMON, category
from assay.strategies.arguments import scalar, stranger


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

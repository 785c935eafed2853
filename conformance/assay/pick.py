"""Cheap reproducible choices for what Hypothesis need not draw: dtypes, layouts, values, spellings.

Built on `random.Random.random` alone, the one method whose stream Python promises to keep.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

_T = TypeVar("_T")


class Pick:
    """A stream of choices from one seed (a number or a text)."""

    def __init__(self, seed: int | str) -> None:
        self._next = random.Random(seed).random

    def chance(self, p: float) -> bool:
        """True with probability `p`."""
        return self._next() < p

    def integer(self, low: int, high: int) -> int:
        """Between `low` and `high`, both included."""
        return low + int(self._next() * (high - low + 1))

    def choice(self, items: Sequence[_T]) -> _T:
        """One of `items`, which may not be empty."""
        return items[int(self._next() * len(items))]

    def weighted(self, weights: Mapping[_T, float]) -> _T:
        """One of the keys, by its weight."""
        left = self._next() * sum(weights.values())
        for item, weight in weights.items():
            left -= weight
            if left < 0:
                return item
        return item

    def shuffled(self, items: Iterable[_T]) -> list[_T]:
        """The items in any order."""
        keyed = [(self._next(), item) for item in items]
        return [item for _, item in sorted(keyed, key=lambda pair: pair[0])]

    def seed(self) -> int:
        """A number below 2**31."""
        return int(self._next() * 2**31)

"""The cases of a run as what they are drawn from: a few words that whoever judges them can draw them by."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import lru_cache

from assay.case import Case
from assay.catalog import everything
from assay.program import MadeOf

# Drawing replaces a part of Hypothesis while it lasts.
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Drawn:
    """All cases that the catalogue draws for some operations, in this order; made_of: what they may be made of."""

    ops: tuple[str, ...]
    profile: str
    seed: int
    made_of: MadeOf = field(default_factory=MadeOf)

    def most(self, op: str) -> int:
        """How many cases of an operation there are at most."""
        from assay.drawing import most

        return most(everything()[op], self.profile)

    def cases(self, op: str) -> tuple[Case, ...]:
        """The cases of an operation. Raises what a fault in the catalogue raises."""
        with _lock:
            return _cases(op, self.profile, self.seed, self.made_of)


@lru_cache(maxsize=8)
def _cases(op: str, profile: str, seed: int, made_of: MadeOf) -> tuple[Case, ...]:
    from assay.drawing import draw_cases  # Hypothesis, which a process that does not draw does without

    return tuple(draw_cases(everything()[op], profile, seed, made_of))

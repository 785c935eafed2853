"""The cases of a run as what they are drawn from: a few words that whoever judges them can draw them by."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache

from assay.case import Case
from assay.catalog import catalog

# Drawing replaces a part of Hypothesis while it lasts.
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Drawn:
    """All cases that the catalogue draws for some operations, in this order."""

    ops: tuple[str, ...]
    profile: str
    seed: int

    def most(self, op: str) -> int:
        """How many cases of an operation there are at most."""
        from assay.drawing import PROFILES

        profile = PROFILES[self.profile]
        return profile.valid + (profile.invalid if catalog()[op].mistakes else 0)

    def cases(self, op: str) -> tuple[Case, ...]:
        """The cases of an operation. Raises what a fault in the catalogue raises."""
        with _lock:
            return _cases(op, self.profile, self.seed)


@lru_cache(maxsize=8)
def _cases(op: str, profile: str, seed: int) -> tuple[Case, ...]:
    from assay.drawing import draw_cases  # Hypothesis, which a process that does not draw does without

    return tuple(draw_cases(catalog()[op], profile, seed))

"""Kinds of input that PyTorch takes although an entry does not draw them by itself: cases are turned into such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from assay.case import Case
from assay.diversity.byhand import by_hand
from assay.diversity.kinds import MISTAKES
from assay.diversity.record import record
from assay.diversity.showing import TOLD, showing
from assay.pick import Pick
from assay.traits import traits

#: One case in so many is turned, where there is anything to turn it into; more where more kinds have to come up twice,
#: but only of the last, one in `LIMIT`, of which not every one can be turned.
RARITY, LIMIT = 16, 4
#: Fewer cases than these have no room for it.
TWISTED = 60
_CHOICES = 6


class Twists:
    """The kinds that one operation's cases, those meant as valid or those meant to be refused, are turned into."""

    def __init__(self, op: str, invalid: bool, seed: int | str) -> None:
        taken: Sequence[str] = record().taken.get(op, ())
        kinds = [k for k in taken if (k in MISTAKES) == invalid and not by_hand(op, k)]
        self._refused = set(record().refused.get(op, ()))
        if by_hand(op, "mixed-dtype"):  # which one tensor turned into another dtype would be
            self._refused.add("mixed-dtype")
        self.made = dict.fromkeys(Pick(f"{seed}:{op}:{invalid}").shuffled(kinds), 0)

    def turns(self, wanted: int) -> int:
        """How many of so many cases are turned."""
        if not self.made or wanted < TWISTED:
            return 0
        return min(max(wanted // RARITY, 2 * len(self.made)), wanted // LIMIT)

    def turned(self, case: Case) -> Case | None:
        """The case as one of a kind that came up least; None where it can be made none."""
        if case.invalid:
            return None
        for kind in sorted(self.made, key=lambda k: self.made[k]):
            found = list(islice(showing(kind, case), _CHOICES))
            if kind not in MISTAKES:  # beside the kind, nothing that PyTorch refuses or a person rules out
                found = [made for made in found if not self._refused & traits(made)]
            if found:
                self.made[kind] += 1
                turned = Pick(f"{case.seed}:{kind}").choice(found)
                labels = (kind,) if kind in TOLD else ()
                return replace(turned, invalid=kind in MISTAKES, labels=labels)
        return None

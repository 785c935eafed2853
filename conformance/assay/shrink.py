"""Making a failing case small: the same operation, the same aspect, the same kind of deviation, a simpler case."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from assay.case import Case
from assay.drawing import smaller
from assay.outcome import Verdict
from assay.runner import Group, Session, kind_of

_BATCH = 12


def shrink(session: Session, group: Group, budget: int = 150) -> tuple[Case, str]:
    """The simplest case found within `budget` executions that still deviates as the group's example does, and how.

    Goes down greedily; needs a session whose workers have no other cases in hand.
    """
    best, detail, left = group.case, group.detail, budget
    seen = {best.id}
    while left > 0:
        candidates = []
        for case in islice(smaller(best), left):
            if case.id not in seen:
                seen.add(case.id)
                candidates.append(case)
        better = None
        for start in range(0, len(candidates), _BATCH):
            batch = candidates[start : start + _BATCH]
            left -= len(batch)
            # Every case of the batch is judged, though the first hit would do: workers are left with empty hands.
            told = [(j.case, _same(group, j.verdicts)) for j in session.judged(batch)]
            better = next(((case, found) for case, found in told if found is not None), None)
            if better is not None:
                break
        if better is None:
            break
        best, detail = better
    return best, detail


def _same(group: Group, verdicts: Iterable[Verdict]) -> str | None:
    """The detail of the same kind of deviation, where it is there."""
    for v in verdicts:
        if v.aspect == group.aspect and v.status == group.status and kind_of(v) == group.kind:
            return v.detail
    return None

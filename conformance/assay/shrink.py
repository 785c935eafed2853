"""Making a failing case small: the same operation, the same aspect, the same kind of deviation, a simpler case."""

from __future__ import annotations

from itertools import islice

from assay.case import Case
from assay.drawing import smaller
from assay.runner import Group, Session, kind_of

_BATCH = 12


def shrink(session: Session, group: Group, budget: int = 150) -> Case:
    """The simplest case found within `budget` executions that still deviates as the group's example does.

    Goes down greedily; needs a session whose workers have no other cases in hand.
    """
    best, left = group.case, budget
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
            # Every case is judged, though the first hit would do: workers are left with empty hands.
            hits = [j.case for j in list(session.judged(batch, apply_ledger=True)) if _same(group, j.verdicts)]
            if hits:
                better = hits[0]
                break
        if better is None:
            break
        best = better
    return best


def _same(group: Group, verdicts: tuple) -> bool:
    return any(
        v.aspect == group.aspect and v.status == group.status and kind_of(v) == group.kind for v in verdicts
    )

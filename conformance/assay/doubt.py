"""A second look before anybody is blamed.

Whatever deviates is executed once more by both sides, in other processes. What does not repeat is "flaky".

An error of finitely many units is looked at twice each time. The scale of an error is the largest change by a few
perturbations, which may all miss by chance: at one in some thousand elements. Where such an error is refused, the
reference is asked with more of them, and judged again. Answers of the same bytes need no truth at all, which is most
of the reference's work: so at first it is asked for its bare answer, but in operations where that seldom suffices.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from assay.case import Case
from assay.levels import FAILING
from assay.outcome import Outcome, Verdict
from assay.policy import Policy

#: Perturbations of the second look.
LOOKS = 8


def in_doubt(verdicts: Iterable[Verdict]) -> bool:
    """Whether some deviation is an error of finitely many units."""
    return any(v.status == "deviates" and v.measure is not None and math.isfinite(v.measure) for v in verdicts)


def careful(policy: Policy) -> Policy:
    """The policy of a second look."""
    return replace(policy, looks=LOOKS)


class Glances:
    """With how many looks the reference is asked first. Verdicts do not depend on it."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._insufficient: Counter[str] = Counter()
        self._bare: dict[str, Policy] = {}

    def policy(self, case: Case, policy: Policy) -> Policy:
        """The policy of the first look at a case: bare, unless that did not do for most of the operation's cases."""
        if 2 * self._insufficient[case.op] > self._asked[case.op]:
            return policy
        self._asked[case.op] += 1
        if case.op not in self._bare:
            self._bare[case.op] = replace(policy, looks=0)
        return self._bare[case.op]

    def insufficient(self, case: Case) -> None:
        """The bare answer to a case did not do."""
        self._insufficient[case.op] += 1


def to_confirm(verdicts: Iterable[Verdict], subject: Outcome) -> bool:
    """Whether something deviates that has not been executed twice yet: a worker repeats what is fatal by itself."""
    return any(v.status in FAILING for v in verdicts) and not subject.extra.get("alone")


def confirmed(first: Sequence[Verdict], second: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts of two executions of one case as one: what deviates in both does, what deviates in one is flaky."""
    bad_first, bad_second = ({v.aspect for v in found if v.status in FAILING} for found in (first, second))
    merged = []
    for verdict in first:
        if verdict.status in FAILING and verdict.aspect not in bad_second:
            verdict = _once(verdict, "first")
        elif verdict.status not in FAILING and verdict.aspect in bad_second - bad_first:
            continue
        merged.append(verdict)
    told = {v.aspect for v in merged}
    late = [v for v in second if v.aspect not in told]
    return (*merged, *(_once(v, "second") if v.status in FAILING else v for v in late))


def _once(verdict: Verdict, when: str) -> Verdict:
    return replace(verdict, status="flaky", detail=f"{verdict.status} only the {when} of two times: {verdict.detail}")

"""The hand-planted faults put to the cases of their operations, in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from assay.drawing import select
from assay.execute import Want, answer
from assay.testing.faulty import DEADLY, FAULTS, Fault
from assay.testing.mutants import judged_as_in_a_run, references
from assay.testing.planting import restore

#: The profiles that a fault is put to, until it is blamed.
PROFILES = ("quick", "standard")


@dataclass(slots=True)
class Finding:
    """What a fault's cases showed: how many, deviating verdicts by aspect, the first of them in words."""

    cases: int = 0
    aspects: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)

    def blames(self, fault: Fault) -> bool:
        """Whether the fault was seen where it is."""
        return any(self.aspects[aspect] for aspect in fault.aspects)


def catalogued() -> list[Fault]:
    """The faults that can be tried in this process and whose operation is in the catalogue."""
    known = {entry.op for entry in select()}
    return [f for f in FAULTS.values() if f.op in known and f.name not in DEADLY]


def try_fault(fault: Fault, torch: Any, seed: int = 0, profiles: Sequence[str] = PROFILES) -> Finding:
    """Plant a fault and put its operation's cases to torch, by one profile after the other, until it is blamed."""
    (entry,) = [e for e in select([fault.op]) if e.op == fault.op]
    finding = Finding()
    for case, reference in chain.from_iterable(references(fault.op, profile, seed) for profile in profiles):
        undo = fault.plant(torch)
        try:
            subject = answer(case, torch, want=Want.of(entry.policy))
        finally:
            restore(undo)
        finding.cases += 1
        for verdict in judged_as_in_a_run(case, reference, subject, entry.policy):
            if verdict.status == "deviates":
                finding.aspects[verdict.aspect] += 1
                finding.details.setdefault(verdict.aspect, verdict.detail)
        if finding.blames(fault):
            break
    return finding

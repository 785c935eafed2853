"""When to give a callable up: every death costs a process, so what was fatal often enough is not called again.

Each worker counts for itself and skips what it has seen die too often; which cases those are depends on how many
workers there are. So the records are gone through once more in the order of the run, and what comes after the last
death that is allowed is "skipped", whoever answered it. A worker never skips more than that: it has seen a part of what
came before.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from assay.outcome import Verdict
from assay.record import Record
from assay.worker import Called, skipped

_FATAL = frozenset({"crash", "timeout", "memory"})


def _is_fatal(verdict: Verdict) -> bool:
    """Whether the subject died of the case, were it only once of two times."""
    return (verdict.detail.partition(" ")[0] if verdict.status == "flaky" else verdict.status) in _FATAL


class Patience:
    """Counts, over the records of a run in order, how often each callable was fatal."""

    def __init__(self, times: int) -> None:
        self.times = times
        self._fatal: dict[int, Counter[Called]] = {}

    def fatal(self, phase: int) -> Counter[Called]:
        """How often each callable was fatal in a phase of the run so far."""
        return self._fatal.setdefault(phase, Counter())

    def applied(self, record: Record) -> Record:
        """The next record of the run, "skipped" where its callable has been given up."""
        fatal, called = self.fatal(record.at[0]), (record.op, record.variant)
        if fatal[called] >= self.times:
            verdict = Verdict("structure", "unjudged", skipped(called, self.times))
            return replace(record, verdicts=(verdict,), cause="", harness_error="")
        if any(v.status != "conforms" and _is_fatal(v) for v in record.verdicts):
            fatal[called] += 1
        return record

"""A run: cases to the reference and the subject, both answers to the judge, verdicts in the order of the cases.

Everything here is single-threaded; what is slow happens in processes of its own (drawing, reference, subject).
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import wait
from typing import Any

from assay.case import Case
from assay.doubt import careful, in_doubt
from assay.feed import Feed
from assay.judge import judge
from assay.ledger import Ledger
from assay.outcome import Outcome, Verdict
from assay.plan import Plan, policy_of, wanted
from assay.pool import Pool
from assay.result import Judged, Result
from assay.truth import ReferenceAnswer
from assay.worker import Limits

_CHUNK = 8
_IN_FLIGHT = 96


class Session:
    """The two sides, started: puts cases to both and judges."""

    def __init__(self, plan: Plan, ledger: Ledger | None = None) -> None:
        self.plan = plan
        self.ledger = ledger or Ledger()
        self.subject = Pool(
            plan.subject,
            "subject",
            plan.limits,
            plan.aspects,
            plan.jobs,
            plan.in_process,
            plan.threads,
            {"ATEN_CPU_CAPABILITY": plan.capability} if plan.capability else {},
        )
        try:
            # The reference answers each case several times over (truth, scale), so it gets more hands, and more time.
            self.reference = Pool(
                plan.reference,
                "reference",
                Limits(plan.limits.timeout * 10, plan.limits.memory, plan.limits.start),
                plan.aspects,
                plan.jobs + (0 if plan.in_process else 1),
                plan.in_process,
            )
        except BaseException:
            self.subject.close()
            raise
        try:
            self.subject.ready()
            self.reference.ready()
        except BaseException:
            self.close()
            raise
        self.plan = plan.within(self.subject.claims)

    def close(self) -> None:
        """End all processes."""
        self.subject.close()
        self.reference.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def judged(self, cases: Iterable[Case] | Feed, apply_ledger: bool = True) -> Iterator[Judged]:
        """Every case with its verdicts, in order."""
        self.subject.forgive()
        self.reference.forgive()
        try:
            yield from self._judged(cases, apply_ledger)
        finally:
            self._drain()

    def _drain(self) -> None:
        """Leave the workers with empty hands when a run is broken off."""
        for pool in (self.subject, self.reference):
            while any(w.pending for w in pool.workers):
                wait(pool.connections, timeout=0.05)
                pool.collect()

    def _judged(self, cases: Iterable[Case] | Feed, apply_ledger: bool) -> Iterator[Judged]:
        feed = cases if isinstance(cases, Feed) else None
        rest = iter(()) if feed else iter(cases)  # type: ignore[arg-type]
        waiting: dict[int, Case] = {}
        answers: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
        drawn: list[Case] = []
        taken = told = 0
        looked = -1
        exhausted = False
        while True:
            while not exhausted and len(waiting) < _IN_FLIGHT:
                if feed is not None:
                    if not feed.done and not drawn and (not waiting or feed.connection.poll(0)):
                        drawn = [c for c in feed.take() if wanted(c, self.plan.dtypes)]
                    chunk, drawn = drawn[:_CHUNK], drawn[_CHUNK:]
                    exhausted = feed.done and not drawn
                else:
                    chunk = [c for _, c in zip(range(_CHUNK), rest, strict=False)]
                    exhausted = not chunk
                if not chunk:
                    if feed is not None and not feed.done and not waiting:
                        continue
                    break
                jobs = [(taken + i, case, policy_of(case.op)) for i, case in enumerate(chunk)]
                waiting.update((number, case) for number, case, _ in jobs)
                taken += len(jobs)
                self.subject.submit(jobs)
                self.reference.submit(jobs)
            if not waiting:
                return
            ready = self.subject.connections + self.reference.connections
            if ready:
                wait(ready, timeout=0.05)
            for pool, found in zip((self.reference, self.subject), answers, strict=True):
                found.update(pool.collect())
            while told in answers[0] and told in answers[1]:
                judged = self._judge(waiting[told], answers[0].pop(told), answers[1][told])
                if looked != told and in_doubt(judged.verdicts):
                    looked = told
                    self.reference.submit([(told, judged.case, careful(policy_of(judged.case.op)))])
                    break
                del waiting[told], answers[1][told]
                told += 1
                yield self._known(judged) if apply_ledger else judged

    def _known(self, judged: Judged) -> Judged:
        return replace(judged, verdicts=tuple(self.ledger.apply(judged.case, v) for v in judged.verdicts))

    def _judge(self, case: Case, reference: Any, subject: Outcome) -> Judged:
        if isinstance(reference, Outcome):  # the reference's own process died, or assay failed in it
            reference = ReferenceAnswer(reference)
        broken = next((o for o in (reference.outcome, subject) if o.status == "harness"), None)
        if "skipped" in (reference.outcome.status, subject.status):
            how = (subject if subject.status == "skipped" else reference.outcome).extra["how"]
            return Judged(case, reference, subject, (Verdict("structure", "unjudged", how),))
        if broken is not None:
            verdict = Verdict("structure", "unjudged", f"assay itself failed: {broken.extra['how']}")
            return Judged(case, reference, subject, (verdict,), broken.extra["traceback"])
        try:
            verdicts = judge(
                case,
                reference,
                subject,
                policy_of(case.op),
                self.plan.aspects,
                same_capability=not self.plan.capability,
            )
        except Exception as error:  # one case that cannot be judged must not cost all the others
            verdict = Verdict("structure", "unjudged", f"assay itself failed: {type(error).__name__}: {error}")
            return Judged(case, reference, subject, (verdict,), traceback.format_exc())
        return Judged(case, reference, subject, tuple(verdicts))


def run(
    session: Session,
    cases: Iterable[Case] | Feed,
    on_judged: Callable[[Judged, Result], None] | None = None,
) -> Result:
    """Judge all cases and count; in a full run the cases of ledger entries too that nothing else met."""
    plan, begun = session.plan, time.monotonic()
    result = Result(plan)

    def count(judged: Judged) -> None:
        result.add(judged)
        if on_judged is not None:
            on_judged(judged, result)

    for judged in session.judged(cases):
        count(judged)
        if plan.max_failures is not None and len(result.failing) >= plan.max_failures:
            result.stopped = True
            break
    if plan.full:
        for judged in session.judged(session.ledger.unmet_cases()):
            count(judged)
        result.stale = session.ledger.stale(plan.aspects)
    result.restarts = session.subject.restarts
    result.seconds = time.monotonic() - begun
    return result

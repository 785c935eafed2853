"""A run: cases to the reference and the subject, both answers to the judge, verdicts in the order of the cases.

Everything here is single-threaded; what is slow happens in processes of its own (drawing, reference, subject). What
deviates is put to both sides once more, in processes that have seen no other case but such, before it is reported.
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assay.case import Case
from assay.doubt import Glances, careful, confirmed, in_doubt, to_confirm
from assay.feed import Feed, Source, feeding
from assay.judge import UnmeasuredError, judge
from assay.ledger import Ledger
from assay.outcome import Outcome, Verdict
from assay.patience import Patience
from assay.plan import Plan, policy_of
from assay.pool import Pool
from assay.record import Judged, Place, Record
from assay.replay import same_capability
from assay.result import Result
from assay.truth import ReferenceAnswer
from assay.waiting import readable
from assay.worker import Called, Limits

if TYPE_CHECKING:
    from assay.executors import Remote

_CHUNK = 8
_IN_FLIGHT = 96
#: Seconds that workers get for what they have in hand when a run is broken off.
_PATIENCE = 2.0


@dataclass(slots=True)
class _Flight:
    """A case on its way. asked: whether the reference was; looked: whether it was with more perturbations; first: what
    was found before both sides were asked again."""

    case: Case
    reference: Any = None
    subject: Any = None
    asked: bool = False
    looked: bool = False
    first: Judged | None = None
    found: Judged | None = None


class Session:
    """The two sides, started: puts cases to both and judges."""

    def __init__(self, plan: Plan, ledger: Ledger | None = None) -> None:
        self.plan = plan
        self.ledger = ledger or Ledger()
        self._confirming: tuple[Pool, Pool] | None = None
        self._present: set[str] = set()
        self._same_capability = same_capability(plan)
        self._glances = Glances()
        self.subject = self._pool("subject", plan.jobs)
        try:
            # The reference answers some cases several times over (truth, scale), so it gets more time.
            self.reference = self._pool("reference", plan.jobs)
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
        if self.plan.aspects != plan.aspects:
            self.subject.observe(self.plan.aspects)
            self.reference.observe(self.plan.aspects)

    def _pool(self, role: str, size: int) -> Pool:
        plan = self.plan
        if role == "reference":
            limits = Limits(plan.limits.timeout * 10, plan.limits.memory, plan.limits.start)
            return Pool(plan.reference, role, limits, plan.aspects, size, plan.in_process)
        return Pool(plan.subject, role, plan.limits, plan.aspects, size, plan.in_process)

    @property
    def _pools(self) -> list[Pool]:
        return [self.subject, self.reference, *(self._confirming or ())]

    def _fresh(self) -> tuple[Pool, Pool]:
        """(subject, reference) for what has to be confirmed: processes that no other case has touched."""
        if self._confirming is None:
            if self.plan.in_process:
                return self.subject, self.reference
            subject, reference = self._pool("subject", 1), self._pool("reference", 1)
            self._confirming = subject, reference
            subject.ready()
            reference.ready()
        return self._confirming

    @property
    def restarts(self) -> int:
        """How often a process of the subject had to be started anew."""
        return self.subject.restarts + (self._confirming[0].restarts if self._confirming else 0)

    def close(self) -> None:
        """End all processes."""
        for pool in self._pools:
            pool.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def judged(
        self,
        cases: Iterable[Case] | Feed,
        apply_ledger: bool = True,
        takes: Callable[[Case], bool] | None = None,
        confirm: bool = True,
        fatal: Mapping[Called, int] | None = None,
    ) -> Iterator[Judged]:
        """Every case with its verdicts, in order.

        takes: whether a case is put to the test, asked of each in order (None: the plan says, of a feed's cases).
        confirm: put what deviates to both sides once more. fatal: how often callables were fatal before.
        """
        for pool in self._pools:
            pool.forgive(fatal)
        if takes is None:
            takes = self.plan.takes if isinstance(cases, Feed) else lambda case: True
        drain = True
        try:
            for judged in self._judged(cases, takes, confirm):
                yield self._known(judged) if apply_ledger else judged
        except KeyboardInterrupt:  # the session ends: nobody wants the answers on their way
            drain = False
            raise
        finally:
            if drain:
                self._drain()

    def _drain(self) -> None:
        """Leave the workers with empty hands when a run is broken off: what they have is done soon, or given up."""
        until = time.monotonic() + _PATIENCE
        for pool in self._pools:
            while any(w.pending for w in pool.workers):
                if time.monotonic() > until:
                    pool.abandon()
                readable(pool.connections, 0.05)
                pool.collect()

    def _judged(self, cases: Iterable[Case] | Feed, takes: Callable[[Case], bool], confirm: bool) -> Iterator[Judged]:
        source = _Source(cases, takes)
        flights: dict[int, _Flight] = {}
        taken = told = 0
        while True:
            while len(flights) < _IN_FLIGHT and (chunk := source.chunk(idle=not flights)):
                jobs = [(taken + i, case, policy_of(case.op)) for i, case in enumerate(chunk)]
                taken += len(jobs)
                present = [job for job in jobs if job[1].call in self._present]
                flights.update((job[0], _Flight(job[1], asked=job in present)) for job in jobs)
                self.subject.submit(jobs)
                self.reference.submit([(number, case, self._glances.policy(case, p)) for number, case, p in present])
            if not flights:
                if source.exhausted:
                    return
                continue
            readable((connection for pool in self._pools for connection in pool.connections), 0.05)
            for number in self._collect(flights):
                self._advance(number, flights[number], confirm)
            while told in flights and (found := flights[told].found) is not None:
                del flights[told]
                told += 1
                yield found

    def _collect(self, flights: dict[int, _Flight]) -> list[int]:
        """Take the answers that are there; the numbers of the cases that got both now."""
        touched: dict[int, None] = {}
        for pool in self._pools:
            for number, answer in pool.collect():
                touched[number] = None
                setattr(flights[number], pool.role, answer)
                if pool is self.subject and not flights[number].asked:
                    self._ask_reference(number, flights[number])
        return [n for n in touched if flights[n].subject is not None and flights[n].reference is not None]

    def _ask_reference(self, number: int, flight: _Flight) -> None:
        """The reference, which answers several times over, is asked only where the subject has the name that is
        called; so it waits for the first answer to each name."""
        flight.asked = True
        if flight.subject.status == "missing":
            flight.reference = ReferenceAnswer(Outcome("missing"))
        else:
            self._present.add(flight.case.call)
            policy = self._glances.policy(flight.case, policy_of(flight.case.op))
            self.reference.submit([(number, flight.case, policy)])

    def _advance(self, number: int, flight: _Flight, confirm: bool) -> None:
        """Judge a case that both sides have answered, or ask again where that is called for."""
        policy = policy_of(flight.case.op)
        try:
            judged = self._judge(flight.case, flight.reference, flight.subject)
        except UnmeasuredError:
            self._glances.insufficient(flight.case)
            flight.reference = None
            self.reference.submit([(number, flight.case, policy)])
            return
        if not flight.looked and in_doubt(judged.verdicts):
            flight.looked, flight.reference = True, None
            pool = self.reference if flight.first is None else self._fresh()[1]
            pool.submit([(number, flight.case, careful(policy))])
        elif flight.first is not None:
            flight.found = replace(flight.first, verdicts=confirmed(flight.first.verdicts, judged.verdicts))
        elif confirm and to_confirm(judged.verdicts, flight.subject):
            flight.first, flight.subject, flight.reference = judged, None, None
            subject, reference = self._fresh()
            subject.submit([(number, flight.case, policy)])
            reference.submit([(number, flight.case, careful(policy) if flight.looked else policy)])
        else:
            flight.found = judged

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
                same_capability=self._same_capability,
            )
        except UnmeasuredError:
            raise
        except Exception as error:  # one case that cannot be judged must not cost all the others
            verdict = Verdict("structure", "unjudged", f"assay itself failed: {type(error).__name__}: {error}")
            return Judged(case, reference, subject, (verdict,), traceback.format_exc())
        return Judged(case, reference, subject, tuple(verdicts))


class _Source:
    """The cases of a feed or of an iterable that are put to the test, some at a time."""

    def __init__(self, cases: Iterable[Case] | Feed, takes: Callable[[Case], bool]) -> None:
        self._feed = cases if isinstance(cases, Feed) else None
        self._rest = iter(()) if isinstance(cases, Feed) else filter(takes, cases)
        self._takes = takes
        self._drawn: deque[Case] = deque()
        self.exhausted = False

    def chunk(self, idle: bool) -> list[Case]:
        """The next cases; none where there are no more, or none yet. Waits for the feed when there is nothing to do."""
        if self._feed is None:
            chunk = [case for _, case in zip(range(_CHUNK), self._rest, strict=False)]
            self.exhausted = not chunk
            return chunk
        feed = self._feed
        if not self._drawn and not feed.done and (idle or readable([feed.connection])):
            self._drawn.extend(filter(self._takes, feed.take()))
        chunk = [self._drawn.popleft() for _ in range(min(_CHUNK, len(self._drawn)))]
        self.exhausted = feed.done and not self._drawn
        return chunk


class _Order:
    """Numbers the cases of a phase and says which are put to the test; the records follow in the same order."""

    def __init__(self, plan: Plan, phase: int, done: Collection[Place], ahead: dict[Place, Record]) -> None:
        self._plan, self._phase, self._done, self._ahead = plan, phase, done, ahead
        self._op, self._index = "", -1
        self._order: deque[tuple[int, int] | Record] = deque()

    def takes(self, case: Case) -> bool:
        """Whether `case`, the next of the phase, is put to the test now."""
        if self._plan.drawn and self._phase == 0 and case.op != self._op:
            self._op, self._index = case.op, -1
        self._index += 1
        place = (case.op, self._phase, self._index)
        if not self._plan.takes(case) or place in self._done:
            return False
        known = self._ahead.pop(place, None)
        self._order.append((self._phase, self._index) if known is None else known)
        return known is None

    def records(self, judged: Iterable[Judged]) -> Iterator[Record]:
        """The records of what was judged, and of what was known ahead where its turn comes."""
        for one in judged:
            yield from self._known()
            at = self._order.popleft()
            assert isinstance(at, tuple)
            yield Record.of(one, at)
        yield from self._known()

    def _known(self) -> Iterator[Record]:
        while self._order and isinstance(self._order[0], Record):
            yield self._order.popleft()  # type: ignore[misc]  # it is a Record


def run(
    session: Session,
    cases: Source,
    on_record: Callable[[Record, Result], None] | None = None,
    write: Callable[[Record], None] | None = None,
    kept: Iterable[Record] = (),
    ahead: Iterable[Record] = (),
    executor: Executor | Remote | None = None,
) -> Result:
    """Judge all cases that the plan takes and count; in a full run those of the ledger's entries too.

    write: called with every new record in the order of the run, before the ledger is looked at. kept: records of an
    earlier part of this run; their cases are not put to the test again. ahead: further ones that do not follow on those
    without a gap. on_record: called with every record as it counts. executor: who judges, in batches, instead of the
    session; the verdicts are the same (`assay.executors`; raises ExecutorError).
    """
    plan, ledger, begun = session.plan, session.ledger, time.monotonic()
    result = Result(plan)
    patience = Patience(plan.limits.patience)
    done: set[Place] = set()
    waiting: dict[Place, Record] = {r.place: r for r in ahead}
    remote = _remote(executor)

    def count(record: Record) -> bool:
        """Count a record; whether the run goes on."""
        record = record.map(ledger.apply)
        result.add(record)
        if on_record is not None:
            on_record(record, result)
        result.stopped = plan.max_failures is not None and len(result.failing) >= plan.max_failures
        return not result.stopped

    def judged(source: Source, phase: int) -> Iterator[Record]:
        if remote is not None:
            yield from remote.records(plan, source, phase, patience, done, waiting)
            return
        order = _Order(plan, phase, done, waiting)
        with feeding(source) as found:
            answers = session.judged(found, apply_ledger=False, takes=order.takes, fatal=patience.fatal(phase))
            yield from order.records(answers)

    def go() -> Iterator[Record]:
        for record in kept:
            done.add(record.place)
            waiting.pop(record.place, None)
            yield patience.applied(record)
        phases: list[Source] = [cases]
        if plan.unfiltered:
            phases.append(ledger.cases())
        for phase, source in enumerate(phases):
            for record in map(patience.applied, judged(source, phase)):
                if write is not None:
                    write(record)
                yield record

    try:
        for record in go():
            if not count(record):
                break
    finally:
        if remote is not None:
            remote.give_up()
            remote.close()
    if plan.full:
        result.stale = ledger.stale(plan.aspects)
    result.restarts = session.restarts + (0 if remote is None else remote.restarts)
    result.seconds = time.monotonic() - begun
    return result


def _remote(executor: Executor | Remote | None) -> Remote | None:
    if executor is None:
        return None
    from assay.executors import Remote  # which puts a session to work elsewhere

    return executor if isinstance(executor, Remote) else Remote(executor)

"""A run: cases to the reference and the subject, both answers to the judge, verdicts in the order of the cases.

Everything here is single-threaded; what is slow happens in processes of its own (drawing, reference, subject).
"""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from multiprocessing.connection import wait
from typing import Any

from assay.case import Case, TensorSpec
from assay.catalog import catalog
from assay.doubt import careful, in_doubt
from assay.feed import Feed
from assay.judge import ASPECTS, SCORED, judge, worst
from assay.ledger import Ledger, specs_of
from assay.outcome import Outcome, Verdict
from assay.policy import Policy
from assay.pool import Pool
from assay.subjects import Subject, parse
from assay.tolerance import UNJUDGED_SHARE
from assay.truth import ReferenceAnswer
from assay.worker import Limits

_CHUNK = 8
_IN_FLIGHT = 96
FAILING = frozenset({"crash", "memory", "timeout", "deviates"})
_BY_ELEMENT = frozenset({"values", "gradients", "gradients2", "mutation", "random"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. aspects: those asked for; dtypes: of the first tensor argument, empty for all; threads, capability:
    of the subject, where it is PyTorch itself on another ATEN_CPU_CAPABILITY; drawn: whether the cases are those that
    the catalogue draws, not given ones."""

    subject: Subject
    only: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ASPECTS
    levels: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    profile: str = "standard"
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    reference: Subject = field(default_factory=lambda: parse("torch"))
    jobs: int = 1
    in_process: bool = False
    strict_text: bool = False
    max_failures: int | None = None
    threads: int = 1
    capability: str = ""
    drawn: bool = True

    @property
    def full(self) -> bool:
        """Whether every case of the catalogue is put to the subject, so that what was not met is not there."""
        filtered = self.only or self.dtypes or self.max_failures is not None or not self.drawn
        return not filtered and self.profile != "quick"


@dataclass(frozen=True, slots=True)
class Judged:
    """One case with both answers and the verdicts; harness_error: the traceback where assay itself failed on it."""

    case: Case
    reference: ReferenceAnswer
    subject: Outcome
    verdicts: tuple[Verdict, ...]
    harness_error: str = ""


@dataclass(slots=True)
class Cell:
    """Verdicts of one (operation, variant, aspect)."""

    op: str
    variant: str
    aspect: str
    counts: Counter[str] = field(default_factory=Counter)
    detail: str = ""

    @property
    def cases(self) -> int:
        return sum(self.counts.values())

    @property
    def status(self) -> str:
        """The worst status; unjudged cases leave the others' word."""
        judged = {s for s in self.counts if s != "unjudged"}
        return worst(judged or set(self.counts))

    def add(self, verdict: Verdict) -> None:
        before = self.status if self.counts else "conforms"
        self.counts[verdict.status] += 1
        if verdict.detail and (self.status != before or not self.detail) and verdict.status == self.status:
            self.detail = verdict.detail


@dataclass(slots=True)
class Group:
    """Deviations of one kind: same operation, aspect, status and kind; the first is its example."""

    op: str
    aspect: str
    status: str
    kind: str
    case: Case
    detail: str
    cases: int = 0
    variants: set[str] = field(default_factory=set)
    shrunk: Case | None = None
    script: str = ""


@dataclass(slots=True)
class Result:
    """What a run found."""

    plan: Plan
    cells: dict[tuple[str, str, str], Cell] = field(default_factory=dict)
    groups: dict[tuple[str, str, str, str], Group] = field(default_factory=dict)
    cases: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    stopped: bool = False
    stale: list[Any] = field(default_factory=list)
    harness_errors: list[tuple[Case, str]] = field(default_factory=list)

    def fails(self, aspect: str) -> bool:
        """Whether deviations in `aspect` fail the run."""
        return self.plan.strict_text or aspect not in SCORED

    @property
    def failing(self) -> list[Group]:
        """The groups that fail the run, in the order they were met."""
        return [g for g in self.groups.values() if self.fails(g.aspect)]

    @property
    def missing(self) -> dict[str, tuple[str, ...]]:
        """Per operation, the variants that are missing, wholly or in part."""
        found: dict[str, list[str]] = {}
        for cell in self.cells.values():
            if cell.counts["missing"] and cell.variant not in found.setdefault(cell.op, []):
                found[cell.op].append(cell.variant)
        return {op: tuple(variants) for op, variants in found.items()}

    @property
    def hard_to_judge(self) -> dict[str, float]:
        """Operations of which more elements went unjudged than a good catalogue entry leaves."""
        shares = {op: self.unjudged[op] / n for op, n in self.elements.items() if n}
        return {op: share for op, share in shares.items() if share > UNJUDGED_SHARE}

    def add(self, judged: Judged) -> list[Group]:
        """Count one case. Returns the groups that it is the first of."""
        case, new = judged.case, []
        self.cases += 1
        if judged.harness_error:
            self.harness_errors.append((case, judged.harness_error))
        (self.accepted if judged.reference.outcome.status == "returned" else self.refused)[case.op] += 1
        for verdict in judged.verdicts:
            key = (case.op, case.variant, verdict.aspect)
            if key not in self.cells:
                self.cells[key] = Cell(*key)
            self.cells[key].add(verdict)
            self.elements[case.op] += verdict.elements
            self.unjudged[case.op] += verdict.unjudged
            if verdict.status in FAILING:
                name = (case.op, verdict.aspect, verdict.status, kind_of(verdict))
                if name not in self.groups:
                    self.groups[name] = Group(*name, case, verdict.detail)
                    new.append(self.groups[name])
                self.groups[name].cases += 1
                self.groups[name].variants.add(case.variant)
        return new


def kind_of(verdict: Verdict) -> str:
    """What sort of deviation this is, so that like ones are told once and a shrunk case stays of the same sort."""
    detail = verdict.detail
    if verdict.status != "deviates":
        return ""
    if verdict.aspect in ("error", "structure", "build"):
        raised = re.findall(r"\b\w*(?:Error|Exception|Interrupt|Exit)\b", detail)
        return " → ".join(raised[:2]) or re.sub(r"[\d.]+|\(.*?\)", "", detail.split(":", 1)[-1]).strip()[:60]
    if verdict.aspect == "dtype":
        return detail.split(": ", 1)[-1]
    if verdict.aspect == "text":
        return "grad_fn" if ".grad_fn is" in detail else "repr"
    if verdict.aspect in _BY_ELEMENT:
        if " = " not in detail:
            return re.sub(r"[\d.]+", "#", detail)[:60]
        return "non-finite" if re.search(r"\b(nan|inf)", detail) else "finite"
    return re.sub(r"[\d.]+|\(.*?\)|\[.*?\]", "", detail).strip()[:60] if verdict.aspect == "aliasing" else ""


def wanted(case: Case, dtypes: Collection[str]) -> bool:
    """Whether the first tensor argument (the default dtype without one) has one of `dtypes`; all without any."""
    if not dtypes:
        return True
    first: TensorSpec | None = next(specs_of((case.args, case.kwargs)), None)
    return (case.default_dtype if first is None else first.dtype) in dtypes


def policy_of(op: str) -> Policy:
    """The catalogue's policy; the strictest for an operation that is not in it."""
    found = catalog().get(op)
    return Policy() if found is None else found.policy


def select(only: Iterable[str]) -> list[str]:
    """The operations that match any of the globs; all without globs."""
    globs = tuple(only)
    return [op for op in catalog() if not globs or any(fnmatchcase(op, g) for g in globs)]


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
    plan = session.plan
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
    return result

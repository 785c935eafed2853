"""What a run found: verdicts counted by cell, deviations grouped by kind."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

from assay.case import Case
from assay.levels import FAILING, SCORED, STATUSES, worst
from assay.outcome import Verdict
from assay.parts import tensor_specs
from assay.plan import Plan, dtype_of
from assay.record import Record
from assay.tolerance import UNJUDGED_SHARE
from assay.traits import traits
from assay.wording import normalised

#: How many cases of a group are compared.
_COMPARED = 60
_BECAUSE = {
    "place": "raised in the same place of the subject, {}",
    "words": "raised with the same words: {}",
    "calls": "all of {}, or of operations that call it and fail in the same aspects",
    "trait": "only cases with this deviate: {}",
}
_BY_ELEMENT = frozenset({"values", "gradients", "gradients2", "mutation", "random"})


@dataclass(slots=True)
class Cell:
    """Verdicts of one (operation, variant, aspect); dtypes: the same counts by the dtype of the cases."""

    op: str
    variant: str
    aspect: str
    counts: Counter[str] = field(default_factory=Counter)
    detail: str = ""
    dtypes: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return sum(self.counts.values())

    @property
    def status(self) -> str:
        """The worst status; unjudged cases leave the others' word."""
        judged = {s for s in self.counts if s != "unjudged"}
        return worst(judged or set(self.counts))

    def add(self, verdict: Verdict, dtype: str) -> None:
        status, detail = verdict.status, verdict.detail
        before = self.status if detail and self.counts else "conforms"
        self.counts[status] += 1
        by_dtype = self.dtypes.get(dtype)
        if by_dtype is None:
            by_dtype = self.dtypes[dtype] = Counter()
        by_dtype[status] += 1
        if detail and (self.status != before or not self.detail) and status == self.status:
            self.detail = detail


#: A group's name in `Result.groups`: operation, aspect, status, kind.
Name = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Root:
    """Failures with one root (`assay.roots`). kind: "place", "words", "calls" or "trait"; what: the place, the words,
    the operation, the trait; failures: names of groups, the one to look at first in front."""

    kind: str
    what: str
    failures: tuple[Name, ...]

    @property
    def because(self) -> str:
        """What it is based on, in words."""
        return _BECAUSE[self.kind].format(self.what)


@dataclass(slots=True)
class Group:
    """Deviations of one kind: same operation, aspect, status and kind; the first is its example.

    cause: the innermost frame of the subject, where it raised. first: the id of the example as it was drawn.
    file: the script's place in the run's folder. shared: what its cases have in common (`marks`), None if unknown.
    """

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
    cause: str = ""
    first: str = ""
    file: str = ""
    shared: frozenset[str] | None = None

    def share(self, case: Case) -> None:
        """Keep of `shared` what this case has too; the first cases of many are enough."""
        if self.shared is None:
            self.shared = marks(case)
        elif self.shared and self.cases < _COMPARED:
            self.shared &= marks(case)


@dataclass(slots=True)
class Result:
    """What a run found; started: seconds since 1970. lacking: per reason for "missing", verdicts by operation."""

    plan: Plan
    cells: dict[tuple[str, str, str], Cell] = field(default_factory=dict)
    groups: dict[Name, Group] = field(default_factory=dict)
    cases: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    elements: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    lacking: dict[str, Counter[str]] = field(default_factory=dict)
    restarts: int = 0
    stopped: bool = False
    stale: list[Any] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    harness_errors: list[tuple[Case, str]] = field(default_factory=list)
    started: float = field(default_factory=time.time)
    seconds: float = 0.0

    def fails(self, aspect: str, status: str = "deviates") -> bool:
        """Whether a deviation in `aspect` fails the run."""
        if status == "flaky" and not self.plan.strict_flaky:
            return False
        return self.plan.strict_text or aspect not in SCORED

    @property
    def failing(self) -> list[Group]:
        """The groups that fail the run, in the order they were met."""
        return [g for g in self.groups.values() if self.fails(g.aspect, g.status)]

    @property
    def judged(self) -> bool:
        """Whether anything was: not where all is missing."""
        return any(status != "missing" for cell in self.cells.values() for status in cell.counts)

    @property
    def flaky(self) -> list[Group]:
        """The groups of what deviated once and not again."""
        return [g for g in self.groups.values() if g.status == "flaky"]

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

    def add(self, record: Record) -> list[Group]:
        """Count one case. Returns the groups that it is the first of."""
        op, new = record.op, []
        self.cases += 1
        if record.harness_error and record.case is not None:
            self.harness_errors.append((record.case, record.harness_error))
        (self.accepted if record.accepted else self.refused)[op] += 1
        elements = unjudged = 0
        for verdict in record.verdicts:
            key = (op, record.variant, verdict.aspect)
            cell = self.cells.get(key)
            if cell is None:
                cell = self.cells[key] = Cell(*key)
            cell.add(verdict, record.dtype)
            elements += verdict.elements
            unjudged += verdict.unjudged
            if verdict.status == "missing":
                self.lacking.setdefault(lack_of(verdict), Counter())[op] += 1
            if verdict.status in FAILING or verdict.status == "flaky":
                name = (op, verdict.aspect, verdict.status, kind_of(verdict))
                if name not in self.groups:
                    assert record.case is not None, "a record keeps the case of what does not conform"
                    self.groups[name] = Group(*name, record.case, verdict.detail, cause=record.cause, first=record.id)
                    new.append(self.groups[name])
                elif self.plan.recorded and record.case is not None:
                    _show_smaller(self.groups[name], record, verdict)
                if record.case is not None:
                    self.groups[name].share(record.case)
                self.groups[name].cases += 1
                self.groups[name].variants.add(record.variant)
        self.elements[op] += elements
        self.unjudged[op] += unjudged
        return new


def _show_smaller(group: Group, record: Record, verdict: Verdict) -> None:
    """What is recorded cannot be shrunk: the smallest of the cases stands for the group."""
    assert record.case is not None
    if _size(record.case) < _size(group.case):
        group.case, group.detail, group.cause, group.first = record.case, verdict.detail, record.cause, record.id


def _size(case: Case) -> tuple[int, int]:
    """Elements of all tensors, then length."""
    return sum(prod(spec.shape) for spec in tensor_specs(case)), len(case.to_json())


def marks(case: Case) -> frozenset[str]:
    """The traits of a case, and its dtype."""
    return traits(case) | {dtype_of(case)}


def worst_first(result: Result, groups: Iterable[Group]) -> list[Group]:
    """Groups that fail the run first, then by status, operation and aspect."""

    def rank(group: Group) -> tuple[bool, int, str, str]:
        return not result.fails(group.aspect, group.status), STATUSES.index(group.status), group.op, group.aspect

    return sorted(groups, key=rank)


def lack_of(verdict: Verdict) -> str:
    """Why a verdict is "missing", without numbers and what was expected, which are others in each case."""
    return normalised(verdict.detail.partition("; expected ")[0])


def kind_of(verdict: Verdict) -> str:
    """What sort of deviation this is, so that like ones are told once and a shrunk case stays of the same sort."""
    detail = verdict.detail
    if verdict.status != "deviates":
        return ""
    if verdict.aspect in ("error", "structure", "build"):
        raised = re.findall(r"\b\w*(?:Error|Exception|Interrupt|Exit)\b", detail)
        # Two keywords that are refused are two faults.
        raised[2:] = re.findall(r"unexpected keyword argument '\w+'", detail)[:1]
        return " → ".join(raised) or re.sub(r"[\d.]+|\(.*?\)", "", detail.split(":", 1)[-1]).strip()[:60]
    if verdict.aspect == "dtype":
        return detail.split(": ", 1)[-1]
    if verdict.aspect == "text":
        return "grad_fn" if ".grad_fn is" in detail else "repr"
    if verdict.aspect in _BY_ELEMENT:
        if " = " not in detail:
            return re.sub(r"[\d.]+", "#", detail)[:60]
        return "non-finite" if re.search(r"\b(nan|inf)", detail) else "finite"
    return re.sub(r"[\d.]+|\(.*?\)|\[.*?\]", "", detail).strip()[:60] if verdict.aspect == "aliasing" else ""

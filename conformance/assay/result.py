"""What a run found: verdicts counted by cell, deviations grouped by kind."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from assay.case import Case
from assay.levels import FAILING, SCORED, worst
from assay.outcome import Outcome, Verdict
from assay.plan import Plan, dtype_of
from assay.tolerance import UNJUDGED_SHARE
from assay.truth import ReferenceAnswer

_BY_ELEMENT = frozenset({"values", "gradients", "gradients2", "mutation", "random"})


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
        before = self.status if self.counts else "conforms"
        self.counts[verdict.status] += 1
        self.dtypes.setdefault(dtype, Counter())[verdict.status] += 1
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
    """What a run found; started: seconds since 1970."""

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
    started: float = field(default_factory=time.time)
    seconds: float = 0.0

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
        dtype = dtype_of(case)
        self.cases += 1
        if judged.harness_error:
            self.harness_errors.append((case, judged.harness_error))
        (self.accepted if judged.reference.outcome.status == "returned" else self.refused)[case.op] += 1
        for verdict in judged.verdicts:
            key = (case.op, case.variant, verdict.aspect)
            if key not in self.cells:
                self.cells[key] = Cell(*key)
            self.cells[key].add(verdict, dtype)
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

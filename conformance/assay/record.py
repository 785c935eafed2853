"""A Record: what is kept of a case once it is judged, as one line of JSON. A run's result follows from its records.

{"id", "op", "variant", "dtype", "at": [phase, index], "accepted", "verdicts": [[aspect, status, detail, measure,
elements, unjudged]]}, defaults at a verdict's end left out; "case" where not everything conforms; "error", "cause"
where there are such. Verdicts are those before the ledger is looked at, so that a run can be told anew by another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from assay.case import Case
from assay.outcome import Outcome, Verdict
from assay.plain import decode, encode, in_given_order
from assay.plan import dtype_of
from assay.truth import ReferenceAnswer

#: Where a record stands in its run: operation, phase, index. No two records of a run stand in one place.
Place = tuple[str, int, int]
_DEFAULTS = ("", None, 0, 0)
_FRAME = re.compile(r'^  File "(.+?)", line (\d+), in (.+)$', re.MULTILINE)
#: Frames that say nothing about who is to blame: assay's own, and what the standard library or NumPy does for them.
_NOT_OWN = re.compile(
    r"[\\/]assay[\\/]|[\\/]lib[\\/]python3\.\d+[\\/](?!site-packages)|[\\/]site-packages[\\/]numpy[\\/]|^<"
)


@dataclass(frozen=True, slots=True)
class Judged:
    """One case with both answers and the verdicts; harness_error: the traceback where assay itself failed on it."""

    case: Case
    reference: ReferenceAnswer
    subject: Outcome
    verdicts: tuple[Verdict, ...]
    harness_error: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of a judged case.

    dtype: what the case is filed under. at: where it stands in the run, (0, index among the operation's cases as drawn
    or among the cases given) or (1, index) for a case of the ledger. accepted: whether the reference returned a value.
    cause: the innermost frame of the subject, where it raised and something does not conform.
    """

    id: str
    op: str
    variant: str
    dtype: str
    at: tuple[int, int]
    accepted: bool
    verdicts: tuple[Verdict, ...]
    case: Case | None = None
    harness_error: str = ""
    cause: str = ""

    @staticmethod
    def of(judged: Judged, at: tuple[int, int] = (0, 0)) -> Record:
        """What is kept of `judged`."""
        case = judged.case
        conforms = all(v.status == "conforms" for v in judged.verdicts)
        return Record(
            case.id,
            case.op,
            case.variant,
            dtype_of(case),
            at,
            judged.reference.outcome.status == "returned",
            judged.verdicts,
            None if conforms and not judged.harness_error else case,
            judged.harness_error,
            "" if conforms else _cause(judged.subject),
        )

    @property
    def place(self) -> Place:
        """Where it stands in the run."""
        return self.op, *self.at

    def map(self, change: Callable[[Case, Verdict], Verdict]) -> Record:
        """The record with every verdict that does not conform changed."""
        case = self.case
        if case is None:
            return self
        return replace(self, verdicts=tuple(change(case, v) for v in self.verdicts))

    def to_line(self) -> str:
        """One line of JSON, with its end."""
        data: dict[str, Any] = {
            "id": self.id,
            "op": self.op,
            "variant": self.variant,
            "dtype": self.dtype,
            "at": self.at,
            "accepted": self.accepted,
            "verdicts": [_brief(v) for v in self.verdicts],
        }
        if self.case is not None:
            data["case"] = encode(self.case)
        if self.harness_error:
            data["error"] = self.harness_error
        if self.cause:
            data["cause"] = self.cause
        return in_given_order(data) + "\n"

    @staticmethod
    def from_line(line: str | bytes) -> Record:
        """Inverse of `to_line`. Raises ValueError, KeyError or TypeError on anything else."""
        return Record.from_row(json.loads(line))

    @staticmethod
    def from_row(data: dict[str, Any]) -> Record:
        """A record from the JSON of its line. Raises ValueError, KeyError or TypeError on anything else."""
        phase, index = data["at"]
        return Record(
            data["id"],
            data["op"],
            data["variant"],
            data["dtype"],
            (phase, index),
            data["accepted"],
            tuple(_verdict(fields) for fields in data["verdicts"]),
            decode(data["case"]) if "case" in data else None,
            data.get("error", ""),
            data.get("cause", ""),
        )


def _brief(verdict: Verdict) -> list[Any]:
    if verdict.measure is None and not (verdict.elements or verdict.unjudged or verdict.detail):
        return [verdict.aspect, verdict.status]  # most are so
    fields = [verdict.detail, encode(verdict.measure), verdict.elements, verdict.unjudged]
    while fields and fields[-1] == _DEFAULTS[len(fields) - 1]:
        fields.pop()
    return [verdict.aspect, verdict.status, *fields]


def _verdict(fields: list[Any]) -> Verdict:
    whole: list[Any] = [*fields, *_DEFAULTS[len(fields) - 2 :]]
    aspect, status, detail, measure, elements, unjudged = whole
    return Verdict(aspect, status, detail, decode(measure), elements, unjudged)


def _cause(subject: Outcome) -> str:
    """ "function (file:line)" of the innermost frame that is the subject's own."""
    error = subject.error or subject.gradient_error
    if error is None:
        return ""
    own = [frame for frame in _FRAME.findall(error.traceback) if not _NOT_OWN.search(frame[0])]
    if not own:
        return ""
    path, line, function = own[-1]
    where = "/".join(re.split(r"[\\/]", path)[-2:])
    return f"{function} ({where}:{line})"

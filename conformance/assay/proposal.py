"""Ledger entries proposed from a run's deviations: everything but the reason and the link, which a person writes.

One entry a kind of deviation and dtype; dtypes are told as one glob only where every dtype that it covers deviates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from assay.case import Case
from assay.dtypes import ALL
from assay.ledger import Known, dtypes_of
from assay.outcome import Verdict
from assay.record import Record
from assay.result import kind_of

_GLOBS = ("*", "float*", "complex*", "int*", "uint*")


@dataclass(slots=True)
class Kind:
    """Deviations of one kind: dtypes of all their cases, their details, and an example."""

    op: str
    aspect: str
    case: Case
    dtypes: set[str] = field(default_factory=set)
    details: list[str] = field(default_factory=list)


def kinds(records: Iterable[Record], known: Collection[Known], aspects: Collection[str]) -> list[Kind]:
    """The deviations in `aspects` that no entry of `known` covers, by operation, aspect and kind."""
    found: dict[tuple[str, str, str], Kind] = {}
    for record in records:
        case = record.case
        for verdict in record.verdicts:
            if case is None or verdict.status != "deviates" or verdict.aspect not in aspects:
                continue
            if any(entry.matches(case, verdict) for entry in known):
                continue
            key = record.op, verdict.aspect, kind_of(verdict)
            kind = found.setdefault(key, Kind(record.op, verdict.aspect, case))
            kind.dtypes.add(dtypes_of(case)[0])
            kind.details.append(verdict.detail)
    return list(found.values())


def entries(kind: Kind, example: Case | None = None) -> list[Known]:
    """Entries that cover a kind of deviation, without reason and link; with `example`, the first gives it."""
    detail = _pattern(kind.details)
    made = [Known(kind.op, kind.aspect, "", "", dtype=dtype, detail=detail) for dtype in _globs(kind.dtypes)]
    if example is not None:
        for i, entry in enumerate(made):
            verdict = Verdict(kind.aspect, "deviates", kind.details[0])
            if entry.matches(example, verdict):
                made[i] = Known(kind.op, kind.aspect, "", "", dtype=entry.dtype, detail=detail, case=example)
                break
    return made


def _globs(dtypes: Collection[str]) -> list[str]:
    """As few globs as cover these dtypes and no other."""
    left, found = set(dtypes), []
    for glob in _GLOBS:
        covered = {d for d in ALL if fnmatchcase(d, glob)}
        if len(covered) > 1 and covered <= left:
            found.append(glob)
            left -= covered
    return found + sorted(left)


def _pattern(details: Collection[str]) -> str:
    """A regular expression that all the details match; "" where they have no words in common that tell them."""
    first = next(iter(details))
    raised = re.findall(r"\b\w*(?:Error|Exception|Interrupt|Exit)\b", first)
    for pattern in (
        ".*".join(map(re.escape, raised[:2])),
        re.sub(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", r"\\S+", re.escape(first)) if "expected" not in first else "",
        r"\b(nan|inf)",
    ):
        if pattern and all(re.search(pattern, detail) for detail in details):
            return pattern
    return ""


def toml(entry: Known) -> str:
    """An entry as TOML."""
    fields = {"op": entry.op, "aspect": entry.aspect, "dtype": entry.dtype, "detail": entry.detail}
    lines = ["[[known]]", *(f"{key} = {_text(value)}" for key, value in fields.items() if value not in ("", "*"))]
    lines += ['reason = ""', 'link = ""']
    if entry.case is not None:
        lines.append(f"case = {_text(entry.case.to_json())}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML string: as it stands where it can be, else with JSON's escapes, which TOML shares."""
    literal = "'" not in value and value.isprintable()
    return f"'{value}'" if literal and ("\\" in value or '"' in value) else json.dumps(value, ensure_ascii=False)

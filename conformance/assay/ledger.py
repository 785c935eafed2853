"""Known deviations, as data: what deviates on purpose, why, and where that is written down.

    [[known]]
    op = "logspace"            # globs; dtype is that of any tensor argument, or of the default dtype without one
    aspect = "values"
    variant = "*"
    dtype = "float16"
    detail = ""                # a regular expression the verdict's detail must match
    reason = "what differs, and why that is right or harmless"
    link = "https://… or the measured fact"
    case = ""                  # JSON of a case that shows it, where few draws meet it: a full run tries it too

An entry that a full run (every case of the catalogue, no filter) does not meet is stale, and fails it. An entry only
ever turns "deviates" into "known". A crash, a timeout or an eaten memory is never known. What a known deviation of an
operation explains is known of a program that calls it, too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

from assay.case import Case, specs_of
from assay.outcome import Verdict
from assay.program import Step, operation_of, program_of, variant_of

_KEYS = ("op", "aspect", "variant", "dtype", "detail", "reason", "link", "case")
_NEEDED = ("op", "aspect", "reason", "link")
#: Aspects in which a step's deviation is passed on to what follows, and those in which nothing is passed on to.
_FLOWING = frozenset(("structure", "dtype", "shape", "values", "mutation", "aliasing", "stride"))
_TOLD = frozenset(("text", "error_text", "warnings"))
_WRITTEN_BY_HAND = ": a person has to write it"


class LedgerError(ValueError):
    """The ledger is not well formed."""


@dataclass(frozen=True, slots=True)
class Known:
    """One known deviation; op, aspect, variant and dtype are globs, detail a regular expression."""

    op: str
    aspect: str
    reason: str
    link: str
    variant: str = "*"
    dtype: str = "*"
    detail: str = ""
    case: Case | None = None

    def matches(self, case: Case, verdict: Verdict) -> bool:
        """Whether this deviation is the known one."""
        return (
            fnmatchcase(case.op, self.op)
            and fnmatchcase(verdict.aspect, self.aspect)
            and fnmatchcase(case.variant, self.variant)
            and self._fits(case, verdict)
        )

    def explains(self, case: Case, verdict: Verdict) -> bool:
        """Whether a step of a program deviates as is known, in which the verdict on the whole may have its cause.

        What a step answers otherwise shows in any aspect of what follows; where the entry says in which words, or
        speaks of derivatives, errors or text, it explains the like alone.
        """
        program = program_of(case)
        if program is None:
            return False
        flows = any(fnmatchcase(a, self.aspect) for a in _FLOWING) and not self.detail and verdict.aspect not in _TOLD
        return (
            (flows or fnmatchcase(verdict.aspect, self.aspect))
            and any(self._calls(step) for step in program.steps)
            and self._fits(case, verdict)
        )

    def _calls(self, step: Step) -> bool:
        op = operation_of(step.call)
        return bool(op) and fnmatchcase(op, self.op) and fnmatchcase(variant_of(step.call), self.variant)

    def _fits(self, case: Case, verdict: Verdict) -> bool:
        return any(fnmatchcase(d, self.dtype) for d in dtypes_of(case)) and (
            not self.detail or re.search(self.detail, verdict.detail) is not None
        )


def dtypes_of(case: Case) -> tuple[str, ...]:
    """The dtypes of the tensor arguments; the default dtype without any."""
    found = tuple(dict.fromkeys(s.dtype for s in specs_of((case.args, case.kwargs))))
    return found or (case.default_dtype,)


class Ledger:
    """Known deviations of one subject; counts which entries were met. text: what they were parsed from."""

    def __init__(self, known: tuple[Known, ...] = (), text: str = "") -> None:
        self.known, self.text = known, text
        self.met = [0] * len(known)

    @staticmethod
    def parse(text: str, name: str = "ledger") -> Ledger:
        """From TOML. Raises LedgerError, which says what is wrong with which entry."""
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise LedgerError(f"{name}: {error}") from error
        rows = data.get("known", [])
        if set(data) - {"known"} or not isinstance(rows, list):
            raise LedgerError(
                f"{name}: only [[known]] entries belong here, not {sorted(set(data) - {'known'}) or rows}"
            )
        faults = [
            f"{name}: entry {i}{_named(row)} {fault}" for i, row in enumerate(rows, 1) for fault in faults_of(row)
        ]
        if faults:
            raise LedgerError("\n".join(faults))
        made = (Known(**row | {"case": Case.from_json(row["case"]) if row.get("case") else None}) for row in rows)
        return Ledger(tuple(made), text)

    @staticmethod
    def load(path: Path) -> Ledger:
        """From a TOML file. Raises LedgerError."""
        try:
            text = path.read_text()
        except OSError as error:
            raise LedgerError(f"cannot read the ledger {path}: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise LedgerError(f"the ledger {path} is not text: {error}") from error
        return Ledger.parse(text, str(path))

    @staticmethod
    def packaged(subject: str) -> Ledger:
        """The ledger that ships with assay for `subject`; empty where there is none."""
        found = files("assay").joinpath("ledgers", f"{subject}.toml")
        return Ledger.parse(found.read_text(), found.name) if found.is_file() else Ledger()

    def apply(self, case: Case, verdict: Verdict) -> Verdict:
        """The verdict, "known" with its reason where an entry matches."""
        if verdict.status != "deviates":
            return verdict
        for i, known in enumerate(self.known):
            if known.matches(case, verdict):
                self.met[i] += 1
                return replace(verdict, status="known", detail=f"{known.reason} ({known.link}): {verdict.detail}")
        for known in self.known:
            # Programs meet no entry: whether an operation still deviates is for its own cases to say.
            if known.explains(case, verdict):
                told = f"a step may deviate as {known.op} does: {known.reason} ({known.link}): {verdict.detail}"
                return replace(verdict, status="known", detail=told)
        return verdict

    def stale(self, aspects: Collection[str] | None = None) -> list[Known]:
        """Entries of `aspects` (None: all) that matched nothing: mended, or never right."""
        return [
            known
            for known, met in zip(self.known, self.met, strict=True)
            if not met and (aspects is None or any(fnmatchcase(a, known.aspect) for a in aspects))
        ]

    def cases(self) -> list[Case]:
        """The cases that entries give."""
        return [known.case for known in self.known if known.case is not None]


def faults_of(row: Any) -> Iterator[str]:
    """What is wrong with an entry as TOML gives it."""
    if not isinstance(row, dict):
        yield "is no table"
        return
    if set(row) - set(_KEYS):
        yield f"has unknown keys {sorted(set(row) - set(_KEYS))}"
    for key in _KEYS:
        value = row.get(key, "")
        if not isinstance(value, str):
            yield f"has a {key} that is no text: {value!r}"
        elif key in _NEEDED and not value.strip():
            yield f"lacks {key}{_WRITTEN_BY_HAND if key in ('reason', 'link') else ''}"
    if isinstance(detail := row.get("detail", ""), str):
        try:
            re.compile(detail)
        except re.error as error:
            yield f"has a detail that is no regular expression: {error}"
    if isinstance(case := row.get("case", ""), str) and case:
        try:
            Case.from_json(case)
        except (ValueError, TypeError, KeyError) as error:
            yield f"has a case that is none: {error}"


def _named(row: Any) -> str:
    """ " (op · aspect)" of an entry, as far as it says so."""
    told = " · ".join(str(row[k]) for k in ("op", "aspect") if k in row) if isinstance(row, dict) else ""
    return f" ({told})" if told else ""

"""Results read back: checked, and the verdicts of an operation's variants folded into one cell an aspect."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from assay.levels import ASPECTS, FAILING, STATUSES

SCHEMA = 1
#: Worst first: the statuses, and "scored" for a deviation in an aspect that does not fail the run.
STANDINGS = (*STATUSES[: STATUSES.index("missing") + 1], "scored", *STATUSES[STATUSES.index("missing") + 1 :])
_NEEDED: dict[str, type | tuple[type, ...]] = {
    "subject": str,
    "reference": str,
    "seed": int,
    "profile": str,
    "cases": int,
    "cells": list,
    "failures": list,
}
_CELL = {"op": str, "variant": str, "aspect": str, "status": str, "counts": dict}
_FAILURE = {"op": str, "variant": str, "aspect": str, "status": str, "detail": str, "case": dict, "script": str}

#: What runs must have been asked alike to be compared without a word.
_SAME = ("only", "levels", "aspects", "dtypes", "shard")

Key = tuple[str, str]


class ReportError(ValueError):
    """What was named is no result of a run."""


@dataclass(slots=True)
class Folded:
    """One (operation, aspect) over all variants; parts: the variants' own cells as they stand in the JSON; fails:
    whether it fails its run."""

    standing: str
    counts: Counter[str] = field(default_factory=Counter)
    detail: str = ""
    parts: list[dict[str, Any]] = field(default_factory=list)
    fails: bool = False
    dtypes: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return self.counts.total()


@dataclass(frozen=True)
class Run:
    """A result of schema 1 under the name that reports give it."""

    name: str
    data: dict[str, Any]

    @property
    def subject(self) -> str:
        return str(self.data["subject"])

    @property
    def scored(self) -> frozenset[str]:
        """The aspects that do not fail this run."""
        return frozenset(self.data.get("scored", ("error_text", "warnings")))

    @cached_property
    def fatal(self) -> frozenset[str]:
        """The standings that fail this run: "flaky" too, where it was asked to."""
        strict = any(f["status"] == "flaky" and f.get("fails") for f in self.data["failures"])
        return FAILING | {"flaky"} if strict else FAILING

    @property
    def started(self) -> datetime | None:
        """When it began, where the result says so."""
        found = self.data.get("started")
        return datetime.fromisoformat(found) if found else None

    @cached_property
    def cells(self) -> dict[Key, Folded]:
        """Cells by (operation, aspect)."""
        folded: dict[Key, Folded] = {}
        for row in self.data["cells"]:
            key = (row["op"], row["aspect"])
            cell = folded.setdefault(key, Folded("conforms"))
            cell.counts.update(row["counts"])
            cell.parts.append(row)
            for dtype, counts in row.get("dtypes", {}).items():
                cell.dtypes.setdefault(dtype, Counter()).update(counts)
        for (_, aspect), cell in folded.items():
            cell.standing = self.standing(cell.counts, aspect)
            worst = [p["detail"] for p in cell.parts if self.standing(p["counts"], aspect) == cell.standing]
            cell.detail = next((d for d in worst if d), "")
            cell.fails = cell.standing in self.fatal
        return folded

    def standing(self, counts: Collection[str], aspect: str) -> str:
        """Where verdicts of one aspect stand: the worst of their statuses; unjudged ones leave the others' word."""
        judged = {s for s in counts if s != "unjudged"} or set(counts)
        found = min(judged, key=_rank, default="conforms")
        return "scored" if found == "deviates" and aspect in self.scored else found

    @cached_property
    def aspects(self) -> tuple[str, ...]:
        """The aspects that were judged, in order."""
        found = {aspect for _, aspect in self.cells}
        return (*(a for a in ASPECTS if a in found), *sorted(found.difference(ASPECTS)))

    @cached_property
    def families(self) -> dict[str, list[str]]:
        """Operations by family: families in the catalogue's order, their operations by name.

        Results of before tell no families; today's catalogue does.
        """
        told = self.data.get("families") or _catalogue_families()
        families: dict[str, list[str]] = {family: [] for family in told.values()}
        for op in sorted({op for op, _ in self.cells}, key=by_name):
            families.setdefault(told.get(op, "other"), []).append(op)
        return {family: ops for family, ops in families.items() if ops}

    @cached_property
    def failures(self) -> dict[Key, list[dict[str, Any]]]:
        """The kinds of deviation by (operation, aspect), in the order they were met."""
        found: dict[Key, list[dict[str, Any]]] = {}
        for failure in self.data["failures"]:
            found.setdefault((failure["op"], failure["aspect"]), []).append(failure)
        return found

    @property
    def finished(self) -> bool:
        """Whether the run came to its end; results of before tell only of such."""
        return bool(self.data.get("finished", True))

    @property
    def failing(self) -> list[dict[str, Any]]:
        """The kinds of deviation that fail the run, worst first."""
        fails = [
            f
            for f in self.data["failures"]
            if f.get("fails", f["status"] not in ("deviates", "flaky") or f["aspect"] not in self.scored)
        ]
        return sorted(fails, key=lambda f: (_rank(f["status"]), f["op"], f["aspect"]))

    @cached_property
    def roots(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """(what it is based on, kinds of deviation) of each root that several share, the first to look at in front."""
        failures = self.data["failures"]
        return [(root["because"], [failures[i] for i in root["failures"]]) for root in self.data.get("roots", ())]

    @cached_property
    def standings(self) -> Counter[str]:
        """How many cells stand where."""
        return Counter(cell.standing for cell in self.cells.values())


def by_name(op: str) -> tuple[str, str]:
    """What operations are sorted by: their names without underscores and capitals."""
    return op.strip("_").lower(), op


def _rank(status: str) -> int:
    return STANDINGS.index(status) if status in STANDINGS else 0


def _catalogue_families() -> dict[str, str]:
    from assay.catalog import everything

    return {op: entry.family for op, entry in everything().items()}


def load(path: Path, name: str = "") -> Run:
    """The result in a file. Raises ReportError, which says what is wrong with it."""
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ReportError(f"{path} is not text: {error}") from error
    except ValueError as error:
        raise ReportError(f"{path} is not JSON: {error}") from error
    fault = _fault(data)
    if fault:
        raise ReportError(f"{path} is not a result of assay: {fault}")
    return Run(name or (path.parent.name if path.name == "result.json" else path.stem), data)


def _fault(data: Any) -> str:
    """What is wrong with a result; "" for nothing."""
    if not isinstance(data, dict):
        return f"it holds {'a list' if isinstance(data, list) else type(data).__name__}, not an object"
    schema = data.get("schema")
    if schema is None:
        return "it has no key 'schema'"
    if schema != SCHEMA:
        return f"its schema is {schema!r}; this assay reads schema {SCHEMA}"
    for key, kind in _NEEDED.items():
        if not isinstance(data.get(key), kind):
            return f"its key {key!r} is {'wrong' if key in data else 'missing'}"
    for rows, keys in (("cells", _CELL), ("failures", _FAILURE)):
        for i, row in enumerate(data[rows]):
            wrong = [k for k, kind in keys.items() if not isinstance(row, dict) or not isinstance(row.get(k), kind)]
            if wrong:
                return f"{rows}[{i}] lacks {wrong[0]!r}"
    return ""


def read(text: str, root: Path = Path(".assay")) -> Run:
    """The run that is meant by a result's file, a run's folder, its id or the start of one, or "latest"; of a run that
    has not finished, what there is. Raises ReportError."""
    from assay.runs import load as load_run
    from assay.store import StoreError

    path = Path(text)
    if path.is_file():
        return load(path)
    if (path / "result.json").is_file():
        return load(path / "result.json", path.resolve().name)
    if path.is_dir() and path.parent.name == "runs":
        root = path.resolve().parent.parent
    try:
        data = load_run(text, root)
    except StoreError as error:
        raise ReportError(f"{text!r} is no file, and {error}") from error
    return Run(str(data.get("run", text)), data)


def earlier(run: Run, limit: int, root: Path = Path(".assay")) -> list[Run]:
    """The latest `limit` finished runs before `run` that asked the same subject the same, newest first; of any seed.

    Raises ReportError for a result that cannot be read.
    """
    from assay.runs import names
    from assay.store import Setup, StoreError, is_finished

    found: list[Run] = []
    asked = (run.subject, run.data["profile"], *(list(run.data.get(key, ())) for key in _SAME))
    for name in reversed(names(root)):
        folder = root / "runs" / name
        if len(found) == limit:
            break
        if name == run.name or not is_finished(folder):
            continue
        try:
            setup = Setup.read(folder)
        except StoreError as error:
            raise ReportError(str(error)) from error
        plan = setup.plan
        same = (plan.subject.name, plan.profile, *(list(getattr(plan, key)) for key in _SAME)) == asked
        before = run.started is None or setup.started < run.started
        if same and before and plan.drawn:
            found.append(load(folder / "result.json", name))
    return found

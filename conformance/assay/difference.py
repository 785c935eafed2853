"""What differs between two runs: cells by their status, and the cases that both put to the test one by one."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from assay.database import Database
from assay.levels import FAILING
from assay.store import StoreError

Key = tuple[str, str, str]
_CELLS = """
SELECT o.word, v.word, a.word, s.word, c.detail FROM cells c
JOIN words o ON o.id = c.op JOIN words v ON v.id = c.variant JOIN words a ON a.id = c.aspect
JOIN words s ON s.id = c.status WHERE c.run = ?
"""
_CASES = """
SELECT w.word, x.variant, x.statuses, y.statuses, count(*) FROM cases b
JOIN cases a ON a.run = ? AND a.id = b.id JOIN words w ON w.id = b.op
JOIN verdicts x ON x.id = a.verdicts JOIN verdicts y ON y.id = b.verdicts
WHERE b.run = ? AND a.verdicts != b.verdicts GROUP BY b.op, a.verdicts, b.verdicts
"""


@dataclass(slots=True)
class Change:
    """One cell that stands otherwise. before, after: its status, "" where it was not judged; detail: of what it is now;
    failed, passed: how many cases that both runs have fail only now, failed only before."""

    op: str
    variant: str
    aspect: str
    before: str = ""
    after: str = ""
    detail: str = ""
    failed: int = 0
    passed: int = 0


@dataclass(slots=True)
class Difference:
    """failing: cells that fail now and did not, or of which cases fail now that did not; passing: cells that failed or
    were missing and now are neither; missing: cells that are missing now and were not; other: any other change;
    gone: how many cells were judged only before; settings: (what, before, after) of what the runs were asked
    otherwise; common: cases that both put to the test."""

    failing: list[Change] = field(default_factory=list)
    passing: list[Change] = field(default_factory=list)
    missing: list[Change] = field(default_factory=list)
    other: list[Change] = field(default_factory=list)
    gone: int = 0
    settings: list[tuple[str, Any, Any]] = field(default_factory=list)
    common: int = 0


_SETTINGS = ("subject", "reference", "versions", "profile", "seed", "levels", "aspects", "only", "dtypes")


def difference(database: Database, before: str, after: str) -> Difference:
    """What `after` has otherwise than `before`, both names of finished runs. Raises StoreError."""
    old, new = (_Side(database, name) for name in (before, after))
    found = Difference()
    found.settings = [
        (key, old.about.get(key), new.about.get(key)) for key in _SETTINGS if old.about.get(key) != new.about.get(key)
    ]
    changes = {
        key: Change(*key, old.cells.get(key, ("", ""))[0], *new.cells.get(key, ("", "")))
        for key in dict.fromkeys([*new.cells, *old.cells])
    }
    for key, (failed, passed) in _cases(database, old.run, new.run, new.scored).items():
        changes[key].failed, changes[key].passed = failed, passed
    (found.common,) = database.rows(
        "SELECT count(*) FROM cases b JOIN cases a ON a.run = ? AND a.id = b.id WHERE b.run = ?", old.run, new.run
    )[0]
    for change in changes.values():
        if not change.after:
            found.gone += 1
            continue
        scored = change.aspect in new.scored
        fails, failed = (s in FAILING and not scored for s in (change.after, change.before))
        if (fails and not failed) or change.failed:
            found.failing.append(change)
        elif change.after == "missing" != change.before:
            found.missing.append(change)
        elif (failed or change.before == "missing") and not fails and change.after != "missing":
            found.passing.append(change)
        elif change.before and change.before != change.after or change.passed:
            found.other.append(change)
    return found


class _Side:
    """One of the two runs."""

    def __init__(self, database: Database, name: str) -> None:
        row = database.rows("SELECT id, about FROM runs WHERE name = ?", name)
        if not row:
            raise StoreError(f"{name} has not finished; `assay run --resume {name}` goes on with it")
        self.run: int = row[0][0]
        self.about: dict[str, Any] = json.loads(row[0][1])
        self.scored = frozenset(self.about["scored"])
        self.cells: dict[Key, tuple[str, str]] = {
            (op, variant, aspect): (status, detail or "")
            for op, variant, aspect, status, detail in database.rows(_CELLS, self.run)
        }


def _cases(database: Database, old: int, new: int, scored: frozenset[str]) -> dict[Key, tuple[int, int]]:
    """By cell, how many common cases fail only in the new run, and only in the old one."""
    failed: Counter[Key] = Counter()
    passed: Counter[Key] = Counter()
    for op, variant, before, after, count in database.rows(_CASES, old, new):
        was, now = (
            {aspect for aspect, _, status in (v.partition("=") for v in told.split()) if status in FAILING}
            for told in (before, after)
        )
        for aspect in (was ^ now) - scored:
            (failed if aspect in now else passed)[op, variant, aspect] += count
    return {key: (failed[key], passed[key]) for key in {**failed, **passed}}

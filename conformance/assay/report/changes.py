"""What differs between two results, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass

from assay.report.results import Run

#: In the order they are told.
KINDS = ("newly failing", "newly missing", "newly passing", "newly judged", "no longer judged", "changed")
_PASSING = frozenset({"conforms", "known", "scored"})


@dataclass(frozen=True, slots=True)
class Change:
    """One (operation, aspect) that stands elsewhere than before; before, after: "" where it was not judged.

    failed, fails: whether it failed its run, before and after.
    """

    op: str
    aspect: str
    before: str
    after: str
    failed: bool = False
    fails: bool = False

    @property
    def kind(self) -> str:
        """One of KINDS: failing and passing cells that were judged both times are told apart from all others."""
        if not self.before:
            return "newly judged"
        if not self.after:
            return "no longer judged"
        if self.fails and not self.failed:
            return "newly failing"
        if self.after == "missing":
            return "newly missing"
        if (self.failed or self.before == "missing") and self.after in _PASSING:
            return "newly passing"
        return "changed"


def changes(before: Run, after: Run) -> list[Change]:
    """Every cell that stands elsewhere, in the order of `after` and then of `before`."""

    found = []
    for key in dict.fromkeys([*after.cells, *before.cells]):
        old, new = before.cells.get(key), after.cells.get(key)
        standings = (old.standing if old else "", new.standing if new else "")
        if standings[0] != standings[1]:
            found.append(Change(*key, *standings, bool(old and old.fails), bool(new and new.fails)))
    return found

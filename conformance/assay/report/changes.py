"""What differs between two results, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass

from assay.levels import FAILING
from assay.report.results import Folded, Run

#: In the order they are told.
KINDS = ("newly failing", "newly missing", "newly passing", "newly judged", "no longer judged", "changed")
_PASSING = frozenset({"conforms", "known", "scored"})


@dataclass(frozen=True, slots=True)
class Change:
    """One (operation, aspect) that stands elsewhere than before; before, after: "" where it was not judged."""

    op: str
    aspect: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        """One of KINDS: failing and passing cells that were judged both times are told apart from all others."""
        if not self.before:
            return "newly judged"
        if not self.after:
            return "no longer judged"
        if self.after in FAILING and self.before not in FAILING:
            return "newly failing"
        if self.after == "missing":
            return "newly missing"
        if self.before in FAILING | {"missing"} and self.after in _PASSING:
            return "newly passing"
        return "changed"


def changes(before: Run, after: Run) -> list[Change]:
    """Every cell that stands elsewhere, in the order of `after` and then of `before`."""

    def told(cell: Folded | None) -> str:
        return cell.standing if cell else ""

    keys = dict.fromkeys([*after.cells, *before.cells])
    found = (Change(*key, told(before.cells.get(key)), told(after.cells.get(key))) for key in keys)
    return [change for change in found if change.before != change.after]

"""The table of what is drawn by operation and kind of input, as text and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from assay.diversity.kinds import GROUPS
from assay.diversity.table import Cell, Table


def lines(table: Table, by_operation: bool) -> list[str]:
    """By kind, how many operations show it, how many cannot and why; with `by_operation`, every cell as well; at the
    end every hole and every stale reason."""
    told = list(_operations(table)) if by_operation else []
    return [*told, *_kinds(table), *_faults(table)]


def _operations(table: Table) -> Iterator[str]:
    for op, cells in groupby(table.cells, key=lambda cell: cell.op):
        yield op
        yield from (f"  {cell.kind:<14} {cell.drawn or '-':>5}  {_why(cell)}".rstrip() for cell in cells)
        yield ""


def _why(cell: Cell) -> str:
    return "HOLE" if cell.is_hole else f"STALE: {cell.reason}" if cell.is_stale else cell.reason


def _kinds(table: Table) -> Iterator[str]:
    by_kind: dict[str, list[Cell]] = {}
    for cell in table.cells:
        by_kind.setdefault(cell.kind, []).append(cell)
    yield f"{'kind of input':<14} {'drawn':>6} {'cases':>8} {'reason':>7} {'holes':>6}  what it is"
    for group, kinds in GROUPS.items():
        yield f"{group}:"
        for kind, meaning in kinds.items():
            cells = by_kind.get(kind, [])
            drawn, holes = sum(c.drawn > 0 for c in cells), sum(c.is_hole for c in cells)
            cases = sum(c.drawn for c in cells)
            yield f"  {kind:<14} {drawn:>4} {cases:>8} {len(cells) - drawn - holes:>7} {holes:>6}  {meaning}"
    reasons = Counter(
        c.reason for c in table.cells if not c.drawn and c.reason and not c.reason.startswith("PyTorch: ")
    )
    refused = sum(not c.drawn and c.reason.startswith("PyTorch: ") for c in table.cells)
    yield "reasons, by how many cells they explain:"
    yield f"  {refused:>6}  PyTorch refuses it, or has none (the text is in the cell)"
    yield from (f"  {count:>6}  {reason}" for reason, count in reasons.most_common())


def _faults(table: Table) -> Iterator[str]:
    holes, stale = list(table.holes()), list(table.stale())
    yield f"{len(holes)} holes without a reason, {len(stale)} reasons for what is drawn"
    yield from (f"  hole: {cell.op}: {cell.kind}" for cell in holes)
    yield from (f"  stale: {cell.op}: {cell.kind}: {cell.reason}" for cell in stale)


def as_data(table: Table, profile: str, seed: int) -> dict[str, Any]:
    """The table as plain data: operation -> kind -> {"drawn": cases, "reason": why none} with what is not empty."""
    operations: dict[str, Any] = {}
    for cell in table.cells:
        told: dict[str, Any] = {"drawn": cell.drawn}
        if cell.reason:
            told["reason"] = cell.reason
        operations.setdefault(cell.op, {})[cell.kind] = told
    faults = {
        name: [[c.op, c.kind] for c in cells] for name, cells in (("holes", table.holes()), ("stale", table.stale()))
    }
    return {"schema": 1, "profile": profile, "seed": seed, **faults, "operations": operations}

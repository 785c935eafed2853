"""Subjects side by side, by family or by operation."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from assay.report.results import STANDINGS, Run

_CONFORMING = frozenset({"conforms", "known", "scored"})


def by_family(sides: Sequence[Run], ops: Collection[str] | None = None) -> list[list[str]]:
    """Rows of family and, per subject, "conforming of judged cells"; the last row is the total."""
    families: dict[str, set[str]] = {}
    for side in sides:
        for family, listed in side.families.items():
            families.setdefault(family, set()).update(listed)
    families["total"] = {op for members in families.values() for op in members}
    rows = []
    for family, members in families.items():
        chosen = members if ops is None else members & set(ops)
        if chosen:
            rows.append([family, *(_share(side, chosen) for side in sides)])
    return rows


def _share(side: Run, ops: Collection[str]) -> str:
    cells = [cell.standing for (op, _), cell in side.cells.items() if op in ops]
    if not cells:
        return "·"
    good = sum(standing in _CONFORMING for standing in cells)
    return f"{good} of {len(cells)} {good / len(cells):4.0%}"


def by_operation(sides: Sequence[Run], ops: Collection[str] | None = None) -> tuple[list[list[str]], int]:
    """(rows of operation and, per subject, its worst status with the aspects that have it; how many operations conform
    in every subject and have no row)."""
    standings: list[dict[str, dict[str, list[str]]]] = []
    for side in sides:
        found: dict[str, dict[str, list[str]]] = {}
        for (op, aspect), cell in side.cells.items():
            found.setdefault(op, {}).setdefault(cell.standing, []).append(aspect)
        standings.append(found)
    rows, conforming = [], 0
    for op in sorted({op for found in standings for op in found if ops is None or op in ops}):
        fields = [_worst(found.get(op)) for found in standings]
        if all(field == "conforms" for field in fields):
            conforming += 1
        else:
            rows.append([op, *fields])
    return rows, conforming


def _worst(standings: dict[str, list[str]] | None) -> str:
    if standings is None:
        return "·"
    worst = min((s for s in standings if s not in _CONFORMING | {"unjudged"}), key=STANDINGS.index, default="conforms")
    return worst if worst == "conforms" else f"{worst}: {' '.join(standings[worst])}"


def text(header: list[str], rows: list[list[str]]) -> str:
    """A table in plain characters."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(field.ljust(w) for field, w in zip(row, widths, strict=True)).rstrip() for row in [header, *rows]
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])

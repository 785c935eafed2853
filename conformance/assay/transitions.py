"""How the cells of an operation changed from run to run."""

from __future__ import annotations

from collections.abc import Collection

from assay.database import Database

Step = tuple[str, str, str]
_HISTORY = """
SELECT r.name, r.subject, v.word, a.word, s.word, c.detail FROM cells c JOIN runs r ON r.id = c.run
JOIN words o ON o.id = c.op JOIN words v ON v.id = c.variant JOIN words a ON a.id = c.aspect
JOIN words s ON s.id = c.status WHERE o.word = ? AND r.drawn ORDER BY r.started, r.id
"""


def transitions(
    database: Database, op: str, subject: str | None = None, aspects: Collection[str] = ()
) -> tuple[dict[tuple[str, str, str], list[Step]], int]:
    """({(subject, variant, aspect): [(run, status, detail) of the first run and of every change]}, number of runs).

    Cells that conformed all the time are left out. Runs of given cases do not count. Raises StoreError.
    """
    found: dict[tuple[str, str, str], list[Step]] = {}
    runs = set()
    for run, who, variant, aspect, status, detail in database.rows(_HISTORY, op):
        if subject not in (None, who):
            continue
        runs.add(run)
        steps = found.setdefault((who, variant, aspect), [])
        if (not aspects or aspect in aspects) and (not steps or steps[-1][1] != status):
            steps.append((run, status, detail or ""))
    return {k: steps for k, steps in found.items() if any(s != "conforms" for _, s, _ in steps)}, len(runs)

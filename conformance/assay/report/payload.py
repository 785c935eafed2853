"""What the HTML page holds: results as compact plain data, compressed, without what would make it too large.

    {"standings", "aspects", "levels", "dtypes", "variants", "families": [[family, [op, …]], …], "runs": [run, …]}

A run holds what its result says of itself, and

    "cells": {op: [cell or 0, …]}      in the order of aspects; cell: [standing, parts, dtypes]
    "failures": [{"op", "aspect", "status", "detail", "cases", "variants", "fails", "dtype", "call", "rerun", "script"}]
    "roots": [[what it is based on, [index into failures, …]]]

standing: index into standings. parts: [variant's index, cases] of a variant that conforms, and otherwise [variant's
index, {status: cases}, detail]. dtypes: one character for each dtype, a standing in base 36, or "-" where none was
judged.
"""

from __future__ import annotations

import ast
import base64
import gzip
import json
import textwrap
from collections.abc import Sequence
from typing import Any

from assay.levels import LEVELS
from assay.plain import decode
from assay.plan import dtype_of
from assay.report.markdown import verdict
from assay.report.rerun import case_again, run_again
from assay.report.results import STANDINGS, Folded, Run, by_name

#: Bytes of the encoded data, so that the page stays below 2 MB.
LIMIT = 1_900_000
_TOLD = ("subject", "reference", "versions", "platform", "started", "seconds", "seed", "profile", "levels", "only")
_ALSO = (
    "cases",
    "stopped",
    "restarts",
    "stale_known",
    "hard_to_judge",
    "harness_errors",
    "dtypes",
    "operations",
    "absent",
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def payload(runs: Sequence[Run]) -> dict[str, Any]:
    """The data of the page; the first run is the one reported."""
    names = _names(runs)
    standings = [*STANDINGS, *sorted({c.standing for run in runs for c in run.cells.values()} - set(STANDINGS))]
    aspects = _aspects(runs)
    dtypes = sorted({d for run in runs for c in run.cells.values() for d in c.dtypes}, key=_dtype_order)
    variants = sorted({p["variant"] for run in runs for c in run.cells.values() for p in c.parts})
    order = _Order(standings, aspects, dtypes, variants)
    return {
        "standings": standings,
        "aspects": aspects,
        "levels": _levels(aspects),
        "dtypes": dtypes,
        "variants": variants,
        "families": _families(runs),
        "chronology": _chronology(runs),
        "runs": [_run(run, name, order) for run, name in zip(runs, names, strict=True)],
    }


def encoded(data: dict[str, Any], limit: int = LIMIT) -> str:
    """Base64 of gzipped JSON. Scripts are left out where it would be larger than `limit`: of later runs first, then of
    what does not fail a run, then the longest; a script left out is None."""
    text = _encode(data)
    if len(text) <= limit:
        return text
    ranked = [
        (-n, f["fails"], -len(f["script"]), f)
        for n, run in enumerate(data["runs"])
        for f in run["failures"]
        if f["script"]
    ]
    ranked.sort(key=lambda row: row[:3])
    batch = max(1, len(ranked) // 12)
    while ranked and len(text) > limit:
        for *_, failure in ranked[:batch]:
            failure["script"] = None
        del ranked[:batch]
        text = _encode(data)
    return text


def _encode(data: dict[str, Any]) -> str:
    plain = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.b64encode(gzip.compress(plain, 9, mtime=0)).decode()


class _Order:
    """Indices of what cells name."""

    def __init__(self, standings: list[str], aspects: list[str], dtypes: list[str], variants: list[str]) -> None:
        self.standing = {name: i for i, name in enumerate(standings)}
        self.aspects, self.dtypes = aspects, dtypes
        self.variant = {name: i for i, name in enumerate(variants)}


def _run(run: Run, name: str, order: _Order) -> dict[str, Any]:
    data = run.data
    told = {key: data[key] for key in (*_TOLD, *_ALSO) if data.get(key) not in (None, [], {}, "")}
    cells: dict[str, list[Any]] = {}
    failing = {id(failure) for failure in run.failing}
    for ops in run.families.values():
        for op in ops:
            found = ((run.cells.get((op, aspect)), aspect) for aspect in order.aspects)
            cells[op] = [_cell(run, cell, aspect, order) if cell else 0 for cell, aspect in found]
    return {
        "name": name,
        **told,
        "verdict": verdict(run),
        "unfinished": not run.finished,
        "fatal": sorted(run.fatal),
        "scored": sorted(run.scored & set(run.aspects)),
        "command": run_again(run),
        "cells": cells,
        "failures": [_failure(run, failure, id(failure) in failing) for failure in data["failures"]],
        "roots": [[root["because"], root["failures"]] for root in data.get("roots", ())],
    }


def _cell(run: Run, cell: Folded, aspect: str, order: _Order) -> list[Any]:
    parts: list[list[Any]] = []
    for part in cell.parts:
        variant, counts = order.variant[part["variant"]], part["counts"]
        if set(counts) == {"conforms"}:
            parts.append([variant, counts["conforms"]])
        else:
            parts.append([variant, counts, part["detail"]])
    codes = ""
    if cell.dtypes:
        found = (cell.dtypes.get(dtype) for dtype in order.dtypes)
        codes = "".join(_DIGITS[order.standing[run.standing(c, aspect)]] if c else "-" for c in found)
    return [order.standing[cell.standing], parts, codes]


def _failure(run: Run, failure: dict[str, Any], fails: bool) -> dict[str, Any]:
    return {
        "op": failure["op"],
        "aspect": failure["aspect"],
        "status": failure["status"],
        "detail": failure["detail"],
        "cases": failure.get("cases", 1),
        "variants": failure.get("variants", [failure["variant"]]),
        "fails": fails,
        "dtype": _dtype(failure["case"]),
        "call": call(failure["script"]),
        "rerun": case_again(run, failure),
        "script": failure["script"],
    }


def _dtype(case: Any) -> str:
    """The dtype that a case is filed under; "" where another assay wrote it in words that this one does not know."""
    try:
        return dtype_of(decode(case))
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def call(script: str) -> str:
    """The lines of a script that build the arguments and call the operation; "" where it has none."""
    try:
        tree = ast.parse(script)
    except (SyntaxError, ValueError):
        return ""
    body = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "case"), None)
    if body is None:
        return ""
    lines = script.splitlines()
    kept = [s for statement in body.body for s in _unguarded(statement) if not _is_bookkeeping(s)]
    text = [textwrap.dedent("\n".join(lines[s.lineno - 1 : s.end_lineno])) for s in kept]
    return "\n".join(text)


def _unguarded(statement: ast.stmt) -> list[ast.stmt]:
    """What `if hasattr(torch, …):` guards for libraries that lack the name; any other statement as it is."""
    match statement:
        case ast.If(test=ast.Call(func=ast.Name("hasattr")), body=body, orelse=[]):
            return body
    return [statement]


def _is_bookkeeping(statement: ast.stmt) -> bool:
    """Whether a statement only notes what is shown afterwards: inputs["x0"] = x0, case.leaves = …"""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return isinstance(target, ast.Subscript | ast.Attribute)


def _names(runs: Sequence[Run]) -> list[str]:
    """A name for each run, all different."""
    names: list[str] = []
    for run in runs:
        again = sum(n == run.name or n.startswith(f"{run.name} (") for n in names)
        names.append(f"{run.name} ({again + 1})" if again else run.name)
    return names


def _aspects(runs: Sequence[Run]) -> list[str]:
    known = [aspect for aspects in LEVELS.values() for aspect in aspects]
    found = dict.fromkeys(aspect for run in runs for aspect in run.aspects)
    return sorted(found, key=lambda a: known.index(a) if a in known else len(known))


def _levels(aspects: list[str]) -> list[list[Any]]:
    """[level, how many of `aspects` it has], in order; aspects of no level under ""."""
    counts = {level: sum(a in aspects for a in names) for level, names in LEVELS.items()}
    counts[""] = len(aspects) - sum(counts.values())
    return [[level, n] for level, n in counts.items() if n]


def _families(runs: Sequence[Run]) -> list[list[Any]]:
    """[family, operations by name] over all runs, in the order of the first that has them."""
    families: dict[str, dict[str, None]] = {}
    placed: set[str] = set()
    for run in runs:
        for family, ops in run.families.items():
            new = [op for op in ops if op not in placed]
            families.setdefault(family, {}).update(dict.fromkeys(new))
            placed.update(new)
    return [[family, sorted(ops, key=by_name)] for family, ops in families.items() if ops]


def _chronology(runs: Sequence[Run]) -> list[int]:
    """The runs' indices, oldest first; where not all say when they began, the last given is the oldest."""
    indices = list(range(len(runs)))[::-1]
    times = [run.started for run in runs]
    known = [t for t in times if t is not None]
    return sorted(indices, key=lambda i: times[i] or known[0]) if len(known) == len(runs) else indices


def _dtype_order(dtype: str) -> tuple[int, str]:
    from assay.dtypes import ALL

    return (ALL.index(dtype), "") if dtype in ALL else (len(ALL), dtype)

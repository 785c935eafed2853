"""The result of a run as JSON, schema 1: what `--json` writes and `.assay/runs/*/result.json` holds.

conformance/docs/result-json.md documents every key. More keys may come with schema 1, none will go.
"""

from __future__ import annotations

import functools
import json
import platform
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from assay.catalog import everything
from assay.ledger import Known
from assay.levels import SCORED
from assay.plain import decode, encode
from assay.plan import Plan
from assay.recording import opened
from assay.report.results import SCHEMA
from assay.rerun import command
from assay.result import Cell, Group, Result, Root
from assay.subjects import Subject

#: How many cases on which assay itself failed are kept with their tracebacks.
_HARNESS_ERRORS = 20
_LISTS = ("cells", "failures")


def _version(name: str) -> str | None:
    """The version of the distribution that a module comes from; None where none says so."""
    module = name.partition("@")[0].partition(":")[0].partition(".")[0]
    try:
        return version(module)
    except PackageNotFoundError:
        found = _distributions().get(module)
        return version(found[0]) if found else None


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    """Those that each module comes from: half a second of reading."""
    return packages_distributions()


def versions(plan: Plan) -> dict[str, str | None]:
    """The versions of what takes part, None where a distribution cannot be told; which recording, if any."""
    found = {
        "python": platform.python_version(),
        "assay": _version("assay"),
        "reference": _version_of(plan.reference),
        "subject": _version_of(plan.subject),
    }
    if plan.recorded:
        sides = (plan.subject, plan.reference)
        found["recording"] = " ".join(opened(side.target).digest for side in sides if side.kind == "recorded")
    return found


def _version_of(side: Subject) -> str | None:
    return opened(side.target).header.torch if side.kind == "recorded" else _version(side.name)


def as_json(result: Result) -> dict[str, Any]:
    """The result as what `json.dumps` writes; cells in order of operation, variant, aspect."""
    plan = result.plan
    entries = everything()
    judged = {cell.op for cell in result.cells.values()}
    return {
        "schema": SCHEMA,
        "subject": plan.subject.name,
        "reference": plan.reference.name,
        "versions": versions(plan),
        "platform": platform.platform(),
        "started": datetime.fromtimestamp(result.started, UTC).isoformat(timespec="microseconds"),
        "seconds": round(result.seconds, 3),
        "seed": plan.seed,
        "profile": plan.profile,
        "levels": list(plan.levels),
        "aspects": list(plan.aspects),
        "scored": [a for a in plan.aspects if a in SCORED and not result.fails(a)],
        "only": list(plan.only),
        "dtypes": list(plan.dtypes),
        "operations": list(plan.operations),
        "setup": plan.subject.setup,
        "shard": list(plan.shard),
        "strict_text": plan.strict_text,
        "cases": result.cases,
        "stopped": result.stopped,
        "restarts": result.restarts,
        "families": {op: entry.family for op, entry in entries.items() if op in judged},
        "missing": {op: list(variants) for op, variants in sorted(result.missing.items())},
        "absent": list(plan.absent),
        "lacking": [
            {"why": why, "operations": dict(sorted(ops.items()))} for why, ops in sorted(result.lacking.items())
        ],
        "stale_known": [{"op": k.op, "aspect": k.aspect, "reason": k.reason, "link": k.link} for k in result.stale],
        "hard_to_judge": {op: round(share, 4) for op, share in sorted(result.hard_to_judge.items())},
        "harness_errors": {
            "count": len(result.harness_errors),
            "first": [
                {"op": case.op, "case": encode(case), "traceback": trace}
                for case, trace in result.harness_errors[:_HARNESS_ERRORS]
            ],
        },
        "cells": [_cell(cell) for _, cell in sorted(result.cells.items())],
        "failures": [_failure(result, group) for group in result.groups.values()],
        "roots": _roots(result),
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "op": cell.op,
        "variant": cell.variant,
        "aspect": cell.aspect,
        "status": cell.status,
        "cases": cell.cases,
        "counts": dict(sorted(cell.counts.items())),
        "detail": cell.detail,
        "dtypes": {dtype: dict(sorted(counts.items())) for dtype, counts in sorted(cell.dtypes.items())},
    }


def _roots(result: Result) -> list[dict[str, Any]]:
    place = {name: i for i, name in enumerate(result.groups)}
    return [
        {"kind": r.kind, "what": r.what, "because": r.because, "failures": [place[n] for n in r.failures]}
        for r in result.roots
    ]


def _failure(result: Result, group: Group) -> dict[str, Any]:
    return {
        "op": group.op,
        "variant": (group.shrunk or group.case).variant,
        "aspect": group.aspect,
        "status": group.status,
        "detail": group.detail,
        "cases": group.cases,
        "variants": sorted(group.variants),
        "kind": group.kind,
        "fails": result.fails(group.aspect, group.status),
        "cause": group.cause,
        "first": group.first,
        "case": encode(group.shrunk or group.case),
        "rerun": command(result.plan, group),
        "file": group.file,
        "script": group.script,
    }


def dumps(data: dict[str, Any]) -> str:
    """`as_json`'s answer as text: a line a key, and a line a cell and a failure, so that it can be read and compared
    line by line."""
    lines = []
    for key, value in data.items():
        if key in _LISTS and value:
            rows = ",\n".join(f"  {json.dumps(row)}" for row in value)
            lines.append(f' "{key}": [\n{rows}\n ]')
        else:
            lines.append(f' "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(data: dict[str, Any], plan: Plan) -> Result:
    """The result that `as_json` wrote, but for the counts of refused and accepted cases and of the elements of
    operations that are easy to judge. Raises KeyError, TypeError or ValueError where there is none."""
    started = datetime.fromisoformat(data["started"]).timestamp()
    result = Result(plan, cases=data["cases"], restarts=data["restarts"], stopped=data["stopped"], started=started)
    result.seconds = data["seconds"]
    for row in data["cells"]:
        key = row["op"], row["variant"], row["aspect"]
        dtypes = {dtype: Counter(counts) for dtype, counts in row["dtypes"].items()}
        result.cells[key] = Cell(*key, Counter(row["counts"]), row["detail"], dtypes)
    for row in data["failures"]:
        name = row["op"], row["aspect"], row["status"], row["kind"]
        case = decode(row["case"])
        result.groups[name] = Group(
            *name,
            case,
            row["detail"],
            row["cases"],
            set(row["variants"]),
            case,
            row["script"],
            row["cause"],
            row["first"],
            row["file"],
        )
    names = list(result.groups)
    for row in data.get("roots", ()):
        result.roots.append(Root(row["kind"], row["what"], tuple(names[i] for i in row["failures"])))
    result.lacking = {row["why"]: Counter(row["operations"]) for row in data.get("lacking", ())}
    result.stale = [Known(**row) for row in data["stale_known"]]
    result.harness_errors = [(decode(row["case"]), row["traceback"]) for row in data["harness_errors"]["first"]]
    for op, share in data["hard_to_judge"].items():
        result.unjudged[op], result.elements[op] = round(share * 10_000), 10_000
    return result

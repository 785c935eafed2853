"""The result of a run as JSON, schema 1.

{"schema": 1, "subject", "reference", "seed", "profile", "levels", "cells": [{"op", "variant", "aspect", "status",
"cases", "counts", "detail"}], "failures": [{"op", "variant", "aspect", "status", "detail", "case", "script"}]}; a case
is what `assay run SUBJECT --case FILE` takes. More keys may come with schema 1, none will go.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from assay.plain import encode
from assay.result import Result

SCHEMA = 1


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def as_json(result: Result) -> dict[str, Any]:
    """The result as what `json.dumps` writes; cells in order of operation, variant, aspect."""
    plan = result.plan
    return {
        "schema": SCHEMA,
        "subject": plan.subject.name,
        "reference": plan.reference.name,
        "versions": {
            "python": platform.python_version(),
            "assay": _version("torch-assay"),
            "reference": _version(plan.reference.name),
            "subject": _version(plan.subject.name),
        },
        "seed": plan.seed,
        "profile": plan.profile,
        "levels": list(plan.levels),
        "aspects": list(plan.aspects),
        "only": list(plan.only),
        "cases": result.cases,
        "stopped": result.stopped,
        "missing": {op: list(variants) for op, variants in sorted(result.missing.items())},
        "stale_known": [{"op": k.op, "aspect": k.aspect, "reason": k.reason, "link": k.link} for k in result.stale],
        "cells": [
            {
                "op": cell.op,
                "variant": cell.variant,
                "aspect": cell.aspect,
                "status": cell.status,
                "cases": cell.cases,
                "counts": dict(sorted(cell.counts.items())),
                "detail": cell.detail,
            }
            for _, cell in sorted(result.cells.items())
        ],
        "failures": [
            {
                "op": group.op,
                "variant": (group.shrunk or group.case).variant,
                "aspect": group.aspect,
                "status": group.status,
                "detail": group.detail,
                "cases": group.cases,
                "variants": sorted(group.variants),
                "fails": result.fails(group.aspect),
                "case": encode(group.shrunk or group.case),
                "script": group.script,
            }
            for group in result.groups.values()
        ],
    }

"""Made-up results of runs, for tests of reports: as small or as large as a test wants, with any status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.case import Case, TensorSpec, Values
from assay.levels import ASPECTS
from assay.plain import encode
from assay.report.results import SCHEMA, Run
from assay.reproduce import script


def cell(op: str, aspect: str, status: str = "conforms", n: int = 2, of: int = 10, **more: Any) -> dict[str, Any]:
    """A cell in which n of `of` cases have a status, in float16, and the others conform, in float32."""
    bad = 0 if status == "conforms" else n
    counts = {"conforms": of - bad, status: bad} if bad else {"conforms": of}
    dtypes = {"float32": {"conforms": of - bad}, "float16": {status: bad}} if bad else {"float32": {"conforms": of}}
    told = {
        "op": op,
        "variant": "function",
        "aspect": aspect,
        "status": status,
        "cases": of,
        "counts": {s: k for s, k in counts.items() if k},
        "detail": f"{op} {aspect} {status}" if bad else "",
        "dtypes": {d: k for d, k in dtypes.items() if any(k.values())},
    }
    return told | more


def failure(op: str, aspect: str, status: str = "deviates", seed: int = 1, **more: Any) -> dict[str, Any]:
    """A kind of deviation with a case and its script."""
    values = Values("literal", literal=tuple(float(seed * 7 + i) for i in range(4)))
    case = Case(op, "function", f"torch.{op}", (TensorSpec((2, 2), "float16", values),), seed=seed)
    told = {
        "op": op,
        "variant": "function",
        "aspect": aspect,
        "status": status,
        "detail": f"result[{seed % 2}, 1] = {seed * 1.01:.9g}; expected {seed} ({op} {status})",
        "cases": 2,
        "variants": ["function"],
        "fails": aspect not in ("error_text", "warnings"),
        "case": encode(case),
        "script": script(case, "mylib", aspect, "made up"),
    }
    return told | more


def result(
    cells: Sequence[dict[str, Any]], failures: Sequence[dict[str, Any]] = (), name: str = "made-up", **more: Any
) -> Run:
    """A run of subject "mylib" with these cells and failures; `more` replaces keys of the result."""
    ops = list(dict.fromkeys(c["op"] for c in cells))
    data = {
        "schema": SCHEMA,
        "subject": "mylib",
        "reference": "torch",
        "versions": {"python": "3.11.7", "assay": "0.1.0", "reference": "2.13.0+cpu", "subject": "1.2"},
        "platform": "Linux",
        "started": "2026-11-20T10:00:00+00:00",
        "seconds": 12.5,
        "seed": 3,
        "profile": "quick",
        "levels": ["core", "gradients"],
        "aspects": list(dict.fromkeys(c["aspect"] for c in cells)),
        "scored": ["error_text", "warnings"],
        "only": [],
        "dtypes": [],
        "cases": sum(c["cases"] for c in cells),
        "stopped": False,
        "restarts": 0,
        "families": {op: ("reductions" if op.startswith("s") else "elementwise") for op in ops},
        "missing": {op: ["function"] for op in ops if any(c["op"] == op and c["status"] == "missing" for c in cells)},
        "stale_known": [],
        "hard_to_judge": {},
        "harness_errors": {"count": 0, "first": []},
        "cells": list(cells),
        "failures": list(failures),
    }
    return Run(name, data | more)


#: One cell of every status.
EVERY = [
    cell("sum", "values", "deviates"),
    cell("sum", "dtype"),
    cell("sum", "error_text", "deviates"),
    cell("sort", "structure", "crash"),
    cell("sort", "values", "known", detail="ties (https://example.org/ties): differ"),
    cell("exp", "structure", "timeout"),
    cell("exp", "values", "memory"),
    cell("tanh", "structure", "missing"),
    cell("cos", "values", "flaky"),
    cell("neg", "values", "unjudged", n=10),
    cell("neg", "gradients"),
]
EVERY_FAILURE = [
    failure("sum", "values", seed=2),
    failure("sum", "values", seed=3, detail="result = nan; expected 1 (second kind)"),
    failure("sum", "error_text", seed=4),
    failure("sort", "structure", "crash", seed=5, detail="the process died (SIGSEGV)"),
    failure("exp", "structure", "timeout", seed=6),
    failure("exp", "values", "memory", seed=7),
]


def whole_surface(ops: int = 870, aspects: int = 12, failing: int = 300) -> Run:
    """A run as large as PyTorch's whole surface, in three variants, with realistic failures."""
    names = [f"nn.functional.operation_{i}" if i % 7 == 0 else f"operation_{i}" for i in range(ops)]
    cells = [
        cell(op, aspect, of=100 + (i * 31 + j * 17) % 200, variant=variant)
        for i, op in enumerate(names)
        for j, aspect in enumerate(ASPECTS[:aspects])
        for variant in ("function", "inplace", "method")
    ]
    failures = []
    for n in range(failing):
        op, aspect = names[n * 37 % ops], ASPECTS[1 + n % (aspects - 1)]
        failures.append(failure(op, aspect, seed=n + 11))
        cells[(n * 37 % ops) * aspects * 3 + (1 + n % (aspects - 1)) * 3] = cell(op, aspect, "deviates", n=1 + n % 9)
    families = {op: f"family {i * 18 // ops}" for i, op in enumerate(names)}
    return result(cells, failures, "whole-surface", families=families, aspects=list(ASPECTS[:aspects]))

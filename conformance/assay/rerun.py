"""The command line that puts a failing case to the test again."""

from __future__ import annotations

import shlex

from assay.case import Case
from assay.levels import SCORED
from assay.plan import Plan
from assay.result import Group
from assay.worker import Limits


def command(plan: Plan, group: Group, file: str = "") -> str:
    """One line for a shell: with the case from `file` (its script or JSON), or written out."""
    case: Case = group.shrunk or group.case
    words = ["assay", "run", plan.subject.name, "--aspect", group.aspect]
    if group.aspect in SCORED:
        words.append("--strict-text")
    if plan.subject.setup:
        words += ["--setup", plan.subject.setup]
    if plan.reference.kind == "recorded":
        words += ["--against", plan.reference.name]
    usual = Limits()
    for name in ("timeout", "memory"):
        if (value := getattr(plan.limits, name)) != getattr(usual, name):
            words += [f"--{name}", f"{value:g}"]
    return shlex.join([*words, "--case", file or case.to_json()])

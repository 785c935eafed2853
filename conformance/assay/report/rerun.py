"""What to type to see it again: a run, a cell, one failing case."""

from __future__ import annotations

import json
import shlex
from typing import Any

from assay.report.results import Run


def run_again(run: Run, *more: str) -> str:
    """The command that repeats a run; `more` narrows it."""
    data = run.data
    words = ["--profile", data["profile"], "--seed", str(data["seed"])]
    narrowed = "--only" in more
    if not narrowed:
        words += [word for op in data.get("only", ()) for word in ("--only", op)]
    if "--aspect" not in more:
        words += [word for level in data.get("levels", ()) for word in ("--level", level)]
    if data.get("shard", [1, 1])[1] > 1:
        words += ["--shard", "/".join(map(str, data["shard"]))]
    if data.get("dtypes"):
        words += ["--dtypes", ",".join(data["dtypes"])]
    return _command(run, *words, *more)


def cell_again(run: Run, op: str, aspect: str) -> str:
    """The command that judges one (operation, aspect) again, on the cases of this run."""
    return run_again(run, "--only", op, "--aspect", aspect)


def case_again(run: Run, failure: dict[str, Any]) -> str:
    """One line that judges the case of a failure again, wherever it is typed."""
    if failure.get("rerun"):
        return str(failure["rerun"])
    case = json.dumps(failure["case"], sort_keys=True, separators=(",", ":"))
    return _command(run, "--aspect", failure["aspect"], "--case", case)


def _command(run: Run, *words: str) -> str:
    setup = run.data.get("setup")
    more = [*(("--setup", setup) if setup else ()), *(("--strict-text",) if run.data.get("strict_text") else ())]
    return shlex.join(["assay", "run", run.subject, *words, *more])

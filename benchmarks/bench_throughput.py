"""How many cases assay judges a second and a core: pointwise operations with their gradients, everything counted that a
run does with a case (drawing, both sides, judging, the verdicts on the disk), nothing that it does once (imports).

A core is a second of processor time of all processes together, so that neighbours matter little. A case is one
execution of one variant of one operation on one set of arguments, put to both sides, in however many aspects.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from assay.feed import Feed
from assay.judge import aspects_of
from assay.plan import Plan
from assay.runner import Session, run
from assay.store import Setup, Store
from assay.subjects import parse

POINTWISE = (
    "abs",
    "add",
    "atan2",
    "clamp",
    "cos",
    "div",
    "exp",
    "log",
    "maximum",
    "mul",
    "neg",
    "nn.functional.relu",
    "pow",
    "reciprocal",
    "sigmoid",
    "sin",
    "sqrt",
    "sub",
    "tanh",
    "where",
)
_TICK = 1 / os.sysconf("SC_CLK_TCK")


def _spent(pid: int) -> float:
    """Seconds of processor time of a process, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


@pytest.mark.parametrize("subject", ["torch", "flambeau"])
def test_judged_cases_per_core(benchmark: Any, subject: str, tmp_path: Path) -> None:
    """A standard run over the pointwise operations, seed 0, levels core and gradients."""
    plan = Plan(parse(subject), POINTWISE, aspects=aspects_of(("core", "gradients")))
    with Session(plan) as session, Store.create(Setup.of(plan, POINTWISE), tmp_path) as store:
        feed = Feed(POINTWISE, plan.profile, plan.seed)
        feed.connection.poll(60)  # the drawing process has imported the catalogue
        processes = {"run": os.getpid(), "drawing": feed.process.pid}
        for pool in (session.subject, session.reference):
            for i, worker in enumerate(pool.workers):
                processes[f"{pool.role} {i}"] = worker.process.process.pid
        before = {name: _spent(pid) for name, pid in processes.items()}
        last = dict(before)

        def note(*_: Any) -> None:
            for name, pid in processes.items():
                if name != "drawing" or not feed.done:
                    last[name] = _spent(pid)

        seen = iter(range(1 << 60))
        result = benchmark.pedantic(
            lambda: run(session, feed, lambda *_: note() if next(seen) % 64 == 0 else None, store.write), rounds=1
        )
        note()
        feed.close()
    assert result.cases > 8000
    assert not result.restarts
    spent = {name: last[name] - before[name] for name in processes}
    total = sum(spent.values())
    benchmark.extra_info["cases"] = result.cases
    benchmark.extra_info["cases_per_core_second"] = round(result.cases / total)
    benchmark.extra_info["us_per_case"] = {name: round(1e6 * seconds / result.cases) for name, seconds in spent.items()}

"""The harness caught at work: planted faults are found and blamed on the right operation, torch itself is clean.

What is bounded here runs in full under `-m slow` (`tox -e deep`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.case import Case, TensorSpec
from assay.catalog import catalog
from assay.drawing import select
from assay.judge import judge
from assay.levels import LEVELS
from assay.outcome import Outcome
from assay.policy import ELEMENTWISE
from assay.subjects import parse
from assay.testing import thorough
from assay.testing.faulty import DEADLY, FAULTS, Fault
from assay.testing.handmade import catalogued, try_fault
from assay.testing.mutants import WAYS, population, rate, table, try_all
from assay.testing.null import null_test
from assay.truth import reference_answer
from assay.worker import Limits, Worker

pytestmark = pytest.mark.usefixtures("torch_as_in_a_worker")


def test_enough_faults_of_every_kind() -> None:
    entries = catalog()
    assert len(FAULTS) >= 300
    assert {entries[fault.op].family for fault in FAULTS.values()} == {entry.family for entry in entries.values()}
    kinds = {aspect for fault in FAULTS.values() for aspect in fault.aspects}
    assert kinds >= {*LEVELS["core"][1:], *LEVELS["gradients"], "error", "stride", "random"}
    assert set(DEADLY.values()) == {"crash", "timeout", "memory"}
    assert len(catalogued()) == len(FAULTS) - len(DEADLY), "every fault's operation is in the catalogue"


@pytest.mark.parametrize("fault", [f for f in FAULTS.values() if f.name not in DEADLY], ids=lambda f: f.name)
def test_planted_fault_is_blamed(fault: Fault) -> None:
    finding = try_fault(fault, torch)
    assert finding.blames(fault), f"{finding.cases} cases, {dict(finding.aspects)}, {finding.details}"


def test_a_fault_leaves_other_operations_alone() -> None:
    for name, other in (("exp_in_half_precision", "sigmoid"), ("mul_flushes_subnormals", "add"), ("sum_wrong", "mean")):
        fault = FAULTS[name]
        elsewhere = Fault(name, other, fault.aspects, fault.calls, fault.behave)
        assert not try_fault(elsewhere, torch).aspects


def _assay_run(subject: str, tmp_path: Path, *options: str) -> tuple[int, dict]:
    path = tmp_path / "result.json"
    command = [sys.executable, "-m", "assay", "run", subject, "--profile", "quick", "--json", str(path), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert path.exists(), done.stdout + done.stderr
    return done.returncode, json.loads(path.read_text())


@pytest.mark.parametrize(
    ("name", "status"), [("sum_wrong", "deviates"), *((n, s) for n, s in DEADLY.items() if s != "timeout")]
)
def test_faulty_module_fails_the_run(name: str, status: str, tmp_path: Path) -> None:
    op = FAULTS[name].op
    code, result = _assay_run(
        f"assay.testing.faulty_torch.{name}",
        tmp_path,
        "--only",
        op,
        "--only",
        "neg",
        "--memory",
        "400",
        "--max-failures",
        "1",
        "--no-shrink",  # every candidate of a deadly case costs processes
    )
    assert code == 1
    blamed = {(f["op"], f["status"]) for f in result["failures"]}
    assert (op, status) in blamed
    assert {o for o, _ in blamed} == {op}


HANGS = (
    ("exp_hangs", Case("exp", "function", "torch.exp", (TensorSpec((2, 3), "float32"),))),
    ("arange_hangs_on_a_step_of_zero", Case("arange", "function", "torch.arange", (0, 3, 0))),
)


@pytest.mark.parametrize(("name", "case"), HANGS, ids=lambda value: value if isinstance(value, str) else "")
def test_hang_is_a_timeout(name: str, case: Case) -> None:
    """One case, without a run: shrinking a hang takes a timeout for every candidate."""
    worker = Worker(parse(f"assay.testing.faulty_torch.{name}"), limits=Limits(timeout=2))
    try:
        worker.submit([(case, ELEMENTWISE)])
        outcomes: list[Outcome] = []
        while not outcomes:
            wait([worker.connection], 0.05)
            outcomes = worker.collect()
    finally:
        worker.close()
    verdicts = judge(case, reference_answer(case, torch, ELEMENTWISE), outcomes[0], ELEMENTWISE)
    assert [v.status for v in verdicts] == ["timeout"]


def test_sampled_mutants() -> None:
    fates = list(try_all(sample=70, seed=1))
    assert {f.way for f in fates} == {w.name for w in WAYS}
    assert rate(fates) >= 0.95, table(fates)


def test_a_sample_is_a_function_of_its_seed() -> None:
    named = [[(e.op, w.name) for e, w in population(sample=20, seed=s)] for s in (1, 1, 2)]
    assert named[0] == named[1] != named[2]
    assert len(population()) == len(WAYS) * len(select())


def _harmless(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs)


def test_thorough_goes_on_and_tells_what_was_not_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "harmless", Fault("harmless", "neg", ("values",), ("torch.neg",), _harmless))
    monkeypatch.setattr(thorough, "done", lambda todo, size: ((job, thorough.one(job)) for job in todo))
    keep = tmp_path / "keep.jsonl"
    some = [*thorough.jobs(4, "quick", 3)[:4], *(("fault", name, "", "quick", 0) for name in ("sum_wrong", "harmless"))]
    rows = thorough.carried_out(some, 1, keep)
    assert [row["outcome"] for row in rows[-2:]] == ["caught", "survived"]
    assert not any(row["elsewhere"] for row in rows)
    assert not thorough.holds(rows)
    assert thorough.holds(rows[:-1])
    assert "- fault `harmless` survived" in thorough.told(rows, "quick", 3)

    lines = keep.read_text().splitlines(keepends=True)
    keep.write_text("".join(lines[:-1]) + lines[-1].replace("survived", "caught"))
    assert thorough.holds(thorough.carried_out(some, 1, keep)), "what is kept is not tried again"


class _Mortal:
    """A pool whose process dies of a job named "deadly", unless it was warned; it takes no job after that."""

    def __init__(self) -> None:
        self.dead = False

    def submit(self, one: object, job: thorough.Job, unsafe: bool = False) -> Future[thorough.Row]:
        future: Future[thorough.Row] = Future()
        self.dead |= job[1] == "deadly" and not unsafe
        if self.dead:
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result({"name": job[1], "unsafe": unsafe})
        return future

    def shutdown(self) -> None: ...


def test_a_job_that_kills_its_process_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thorough.Hand, "_new", staticmethod(_Mortal))
    todo = [("fault", name, "", "quick", 0) for name in ("sum_wrong", "deadly", "sum_wrong")]
    rows = [row for _, row in thorough.done(todo, 1)]
    assert [row["name"] for row in rows] == [job[1] for job in todo]
    assert [row["unsafe"] for row in rows] == [False, True, False]


def _refuses(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("not today")


def test_what_is_blamed_elsewhere_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    other = thorough.bystander("exp").op
    calls = ("torch.exp", f"torch.{other}", f"Tensor.{other}")
    monkeypatch.setitem(FAULTS, "wide", Fault("wide", "exp", ("structure",), calls, _refuses))
    row = thorough.one(("fault", "wide", "", "quick", 0))
    assert row["outcome"] == "caught"
    assert row["elsewhere"] == [other]
    assert not thorough.holds([row])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_two_hundred_mutants(seed: int) -> None:
    fates = list(try_all(sample=200, seed=seed))
    assert rate(fates) >= 0.95, table(fates)


SOME = ("exp", "sum", "matmul", "softmax", "sort", "randn", "view", "remainder", "std", "pow")


@pytest.mark.parametrize(("capability", "threads"), [("", 2), ("default", 1)])
def test_torch_conforms_to_itself(capability: str, threads: int) -> None:
    null = null_test(SOME, "quick", 0, capability, threads)
    assert null.cases > 200
    assert not null.differences, null.differences[:3]
    assert all(share <= 0.02 for share in null.unjudged.values()), null.unjudged


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("capability", "threads"), [("", 1), ("", 2), ("avx2", 1), ("default", 1)])
def test_torch_conforms_to_itself_in_everything(capability: str, threads: int, seed: int) -> None:
    null = null_test((), "quick", seed, capability, threads)
    assert not null.differences, null.differences[:3]

"""`assay run --executor dask://…` on a cluster of two processes on this machine."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from assay.runs import find, load, names
from assay.store import records

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'torch-assay[dask]'")

NAME = "judged_by_a_cluster"
SUBJECT = """
import os, signal, torch

def __getattr__(name):
    return getattr(torch, name)

def sum(*a, **k):
    return torch.sum(*a, **k) * 1.01
"""
ARGUMENTS = ("--only", "sum", "--only", "neg", "--profile", "quick", "--level", "core", "--no-shrink")
IN_PROCESS = (*ARGUMENTS, "--in-process")


def local(workers: int):
    """A cluster on this machine, at ports of its own."""
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster whose two workers can import the subject."""
    folder = tmp_path_factory.mktemp("subject")
    (folder / f"{NAME}.py").write_text(SUBJECT)
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(folder))
        with local(2) as cluster:
            yield cluster


@pytest.fixture(scope="module")
def at(cluster):
    return cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture(scope="module")
def here(tmp_path_factory, cluster):
    """What a run here finds, and its records' lines."""
    from click.testing import CliRunner

    from assay.cli import main

    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("here"))
        CliRunner().invoke(main, ["run", NAME, *IN_PROCESS], catch_exceptions=False)
        return load("latest"), [r.to_line() for r in records(find("latest"))]


def test_a_run_on_the_cluster_finds_what_a_run_here_finds(cli, at, here):
    code, out, err = cli("run", NAME, *ARGUMENTS, "--executor", at)
    assert code == 1, err
    assert "sum · values · deviates" in out
    result = load("latest")
    assert [r.to_line() for r in records(find("latest"))] == here[1]
    assert result["cells"] == here[0]["cells"]
    assert not (find("latest") / "ahead.jsonl").exists()


def test_a_worker_that_is_killed_costs_nothing(cli, at, here, cluster, monkeypatch):
    """The cluster starts it anew and puts its batch out again."""
    from assay.progress import Progress

    call, killed = Progress.__call__, []

    def kill(self, record, result):
        if not killed:
            worker = next(iter(cluster.workers.values()))
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
        call(self, record, result)

    monkeypatch.setattr(Progress, "__call__", kill)
    code, _, err = cli("run", NAME, *IN_PROCESS, "--executor", at)
    assert code == 1, err
    assert killed
    assert [r.to_line() for r in records(find("latest"))] == here[1]


def test_broken_off_on_the_cluster_a_run_goes_on_anywhere(cli, at, here, monkeypatch):
    def interrupt(self, record, result):
        if result.cases == 10:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("assay.progress.Progress.__call__", interrupt)
        code, _, err = cli("run", NAME, *IN_PROCESS, "--executor", at)
    assert code == 2
    (name,) = names()
    assert "interrupted; " in err
    assert f"go on with `assay run --resume {name}`" in err
    assert cli("run", "--resume", "latest", "--executor", at, "--in-process")[0] == 1
    assert [r.to_line() for r in records(find("latest"))] == here[1]


def test_a_subject_that_the_workers_do_not_have_is_told_with_their_traceback(cli, at, tmp_path):
    Path("only_here.py").write_text(SUBJECT)
    code, out, err = cli("run", "only_here", *IN_PROCESS, "--executor", at)
    assert (code, out) == (2, "")
    assert "only_here does not start" in err
    assert "No module named 'only_here'" in err


# No cluster


def test_what_is_no_executor_is_told_at_once(cli, monkeypatch):
    for given, why in (
        ("localhost:8786", "is not an executor: give dask://HOST:PORT"),
        ("ray://localhost:8786", "is not an executor: give dask://HOST:PORT"),
        ("dask://localhost", "does not name a scheduler"),
    ):
        code, out, err = cli("run", "torch", *ARGUMENTS, "--executor", given)
        assert (code, out) == (2, "")
        assert f"{given!r} {why}" in err
    code, _, err = cli("run", "torch", *ARGUMENTS, "--executor", "dask://localhost:8786", "--jobs", "2")
    assert (code, "leave out --jobs" in err) == (2, True)
    assert names() == []


def test_a_scheduler_that_is_not_there_and_one_without_workers(cli, monkeypatch):
    monkeypatch.setattr("assay.cluster.PATIENCE", 0.5)
    code, out, err = cli("run", "torch", *IN_PROCESS, "--executor", "dask://127.0.0.1:1")
    assert (code, out) == (2, "")
    assert "no Dask scheduler answers at dask://127.0.0.1:1" in err
    with local(0) as empty:
        at = empty.scheduler_address.replace("tcp://", "dask://")
        code, out, err = cli("run", "torch", *IN_PROCESS, "--executor", at)
    assert (code, out) == (2, "")
    assert f"the Dask scheduler at {at} has no workers" in err


def test_without_dask_the_error_says_what_to_install(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = cli("run", "torch", *IN_PROCESS, "--executor", "dask://127.0.0.1:8786")
    assert (code, "pip install 'torch-assay[dask]'" in err) == (2, True)


def test_a_scheduler_that_goes_away_ends_the_run_and_keeps_what_was_found(cli, monkeypatch):
    from assay.progress import Progress

    with local(1) as cluster:
        at = cluster.scheduler_address.replace("tcp://", "dask://")

        def close(self, record, result):
            if result.cases == 1:
                cluster.close()

        monkeypatch.setattr(Progress, "__call__", close)
        code, out, err = cli("run", "torch", *IN_PROCESS, "--executor", at)
    assert (code, out) == (2, "")
    assert "cases are kept; go on with `assay run --resume" in err
    monkeypatch.undo()

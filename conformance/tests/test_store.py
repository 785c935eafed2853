"""Runs that are kept: killed, resumed, sharded, merged; full disks and broken files. Subjects are planted."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.case import Case, TensorSpec
from assay.cli import main
from assay.database import Database, database
from assay.doubt import confirmed
from assay.outcome import Verdict
from assay.record import Record
from assay.runs import find, load, names
from assay.store import records

WRAPPED = """
import torch

def __getattr__(name):
    return getattr(torch, name)

"""
WRONG = "def sum(*a, **k): return torch.sum(*a, **k) * 1.01\n"
SLOW = """
import os, time
def neg(*a, **k):
    time.sleep(float(os.environ.get("SLOW_NEG", "0")))
    return torch.neg(*a, **k)
"""
ARGUMENTS = ("--only", "sum", "--only", "neg", "--profile", "quick", "--no-shrink")


NAME = "kept_subject"


@pytest.fixture
def subject(tmp_path):
    """A torch whose sum is wrong and whose neg is slow; its name."""
    (tmp_path / f"{NAME}.py").write_text(WRAPPED + WRONG + SLOW)
    return NAME


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an undisturbed run of `subject` finds, and the ids of its cases in order."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / f"{NAME}.py").write_text(WRAPPED + WRONG + SLOW)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.syspath_prepend(str(folder))
        CliRunner().invoke(main, ["run", NAME, *ARGUMENTS, "--in-process"], catch_exceptions=False)
        return load("latest"), [r.id for r in records(find("latest"))]


def same(one: dict, other: dict) -> bool:
    """Whether two runs found the same."""
    return all(one[key] == other[key] for key in ("cases", "cells", "missing")) and bare(one) == bare(other)


def bare(data: dict) -> list[dict]:
    """The failures without where they lie."""
    return [{k: v for k, v in f.items() if k not in ("file",)} for f in data["failures"]]


def test_a_record_is_its_line():
    case = Case("sum", "function", "torch.sum", (TensorSpec((2,), "float32"),))
    verdicts = (
        Verdict("structure", "conforms"),
        Verdict("values", "deviates", "a; b", float("inf"), 3, 1),
        Verdict("gradients", "conforms", "", 0.0, 2),
    )
    record = Record(case.id, "sum", "function", "float32", (1, 7), True, verdicts, case, "trace\nback", "f (a/b.py:3)")
    assert Record.from_line(record.to_line()) == record
    assert record.to_line().count("\n") == 1
    with pytest.raises(ValueError):
        Record.from_line(record.to_line()[:40])


# Killed


def _children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def _role(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    return next((w for w in words if w in ("subject", "reference")), "")


def _lines(folder: Path, least: int) -> Path:
    """The run's folder, once it holds so many verdicts."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        for path in folder.glob(".assay/runs/*/verdicts.jsonl"):
            if path.read_bytes().count(b"\n") >= least:
                return path.parent
        time.sleep(0.02)
    raise AssertionError("no verdict came")


def test_kill_of_a_worker_and_of_the_run_loses_nothing(cli, tmp_path, subject, whole):
    command = [sys.executable, "-P", "-m", "assay", "run", subject, *ARGUMENTS]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    environment["SLOW_NEG"] = "0.1"
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE) as process:
        try:
            folder = _lines(tmp_path, 8)
            workers = [pid for pid in _children(process.pid) if _role(pid) == "subject"]
            os.kill(workers[0], signal.SIGKILL)
            _lines(tmp_path, 16)
        finally:
            process.kill()
    kept = (folder / "verdicts.jsonl").read_bytes()
    assert not (folder / "result.json").exists()
    (folder / "verdicts.jsonl").write_bytes(kept + b'{"id": "0123", "op": "ne')
    code, out, _ = cli("show", folder.name)
    assert code == 0
    assert f"this run is not finished (interrupted); `assay run --resume {folder.name}` goes on" in out
    code, out, err = cli("run", "--resume", "latest", "--in-process")
    assert f"{folder.name}: {len(kept.splitlines())} cases are there already" in err
    assert code == 1, out
    assert same(load("latest"), whole[0])
    assert {f["op"] for f in whole[0]["failures"]} == {"sum"}
    assert [r.id for r in records(folder)] == whole[1]


def test_ctrl_c_keeps_what_was_found_and_says_how_to_go_on(cli, subject, whole, monkeypatch):
    def interrupt(self, record, result):
        if result.cases == 10:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("assay.progress.Progress.__call__", interrupt)
        code, _, err = cli("run", subject, *ARGUMENTS, "--in-process")
    assert code == 2
    (name,) = names()
    assert f"interrupted; 10 cases are kept; go on with `assay run --resume {name}`" in err
    assert "interrupted" in cli("runs")[1]
    code, _, err = cli("run", "--resume", name[:20], "--only", "sum")
    assert (code, "leave out only" in err) == (2, True)
    assert cli("run", "--resume", name[:20], "--in-process")[0] == 1
    assert cli("run", "--resume", name)[0] == 1, "a finished run is told again"
    assert same(load("latest"), whole[0])


def test_a_full_disk_is_told_and_nothing_found_is_lost(cli, subject, whole, monkeypatch):
    write, count = os.write, []

    def full(descriptor, data):
        count.append(1)
        if len(count) == 12:
            return write(descriptor, data[:5])
        if len(count) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patched:
        patched.setattr("assay.store.os.write", full)
        code, out, err = cli("run", subject, *ARGUMENTS, "--in-process")
    assert (code, out) == (2, "")
    (name,) = names()
    assert "verdicts.jsonl: No space left on device; 11 cases are kept; go on with" in err
    assert f"`assay run --resume {name}`" in err
    assert "Traceback" not in err
    assert cli("run", "--resume", name, "--in-process")[0] == 1
    assert same(load("latest"), whole[0])


def test_a_database_without_room_costs_no_result(cli, subject, monkeypatch):
    check = Database._check

    def small(self):
        check(self)
        self._connection.execute("PRAGMA max_page_count = 1")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "_check", small)
        code, out, err = cli("run", subject, *ARGUMENTS, "--in-process")
    assert code == 2
    assert "sum · values · deviates" in out
    assert "database or disk is full" in err
    assert "nothing is lost" in err
    with database() as opened:
        assert opened.rows("SELECT name FROM runs") == [(names()[0],)]


# Shards, jobs


def test_shards_part_the_cases_and_merge_to_the_whole(cli, subject, whole):
    for i in (1, 2, 3):
        assert cli("run", subject, *ARGUMENTS, "--in-process", "--shard", f"{i}/3")[0] in (0, 1)
    shards = names()
    parts = [[r.id for r in records(find(name))] for name in shards]
    assert all(parts)
    code, _, err = cli("merge", *shards[:2])
    assert (code, "lacking: 3/3" in err) == (2, True)
    code, out, _ = cli("merge", shards[2], shards[0], shards[1])
    assert code == 1
    assert "sum · values · deviates" in out
    merged, (undisturbed, ids) = load("latest"), whole
    assert same(merged, undisturbed)
    assert sorted(id for part in parts for id in part) == sorted(ids)
    assert [r.id for r in records(find(merged["run"]))] == ids
    code, _, err = cli("merge", shards[0], merged["run"])
    assert (code, "is no shard of the same run" in err or "not the 3 shards" in err) == (2, True)


def test_any_number_of_jobs_gives_the_same_verdicts(cli, subject, whole):
    assert cli("run", subject, *ARGUMENTS, "--jobs", "2")[0] == 1
    assert same(load("latest"), whole[0])


# Flaky


ONCE = """
calls = []
def sum(*a, **k):
    calls.append(1)
    return torch.sum(*a, **k) * (1.01 if len(calls) in (5, 9) else 1)
"""


def test_what_deviates_only_once_is_flaky(cli, tmp_path):
    (tmp_path / "kept_flaky.py").write_text(WRAPPED + ONCE)
    arguments = ("run", "kept_flaky", "--only", "sum", "--aspect", "values", "--profile", "quick", "--in-process")
    code, out, _ = cli(*arguments)
    assert code == 0
    assert "flaky (" in out
    assert "deviates only the first of two times: result" in out
    data = load("latest")
    flaky = [f for f in data["failures"] if f["status"] == "flaky"]
    assert [(f["op"], f["aspect"], f["fails"]) for f in flaky] == [("sum", "values", False)]
    assert 1 <= flaky[0]["cases"] <= 2
    counts = [cell["counts"].get("flaky", 0) for cell in data["cells"]]
    assert sum(counts) == flaky[0]["cases"]
    for name in [n for n in sys.modules if n == "kept_flaky"]:
        del sys.modules[name]
    code, out, _ = cli(*arguments, "--strict-flaky")
    assert code == 1
    assert "sum · values · flaky" in out


def test_two_executions_make_one_verdict():
    good, bad = Verdict("values", "conforms"), Verdict("values", "deviates", "x")
    shape = Verdict("shape", "conforms")
    crash = Verdict("structure", "crash", "SIGSEGV")
    assert confirmed([shape, bad], [shape, bad]) == (shape, bad)
    assert [(v.aspect, v.status) for v in confirmed([shape, bad], [shape, good])] == [
        ("shape", "conforms"),
        ("values", "flaky"),
    ]
    assert [(v.aspect, v.status) for v in confirmed([shape, good], [shape, bad])] == [
        ("shape", "conforms"),
        ("values", "flaky"),
    ]
    (first, second) = confirmed([crash], [good])
    assert (first.status, second.status) == ("flaky", "conforms")
    assert "crash only the first of two times: SIGSEGV" in first.detail


# Broken files


@pytest.mark.parametrize("how", ["text", "foreign", "newer", "cut"])
def test_a_database_that_is_none_of_ours_is_told_before_the_work(cli, subject, how):
    path = Path(".assay/assay.sqlite")
    path.parent.mkdir()
    said = {
        "text": "not a database; move it away",
        "foreign": "is a database of something else",
        "newer": "has schema 99, this assay reads 1",
        "cut": "move it away",
    }[how]
    if how == "text":
        path.write_text("no database at all, but long enough to be looked at\n" * 50)
    elif how == "foreign":
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE mine (x)")
        connection.close()
    else:
        with Database():
            pass
        if how == "newer":
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA user_version = 99")
            connection.close()
        else:
            path.write_bytes(path.read_bytes()[:5000])
    before = path.read_bytes()
    code, out, err = cli("run", subject, *ARGUMENTS, "--in-process")
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert path.read_bytes() == before
    assert names() == []

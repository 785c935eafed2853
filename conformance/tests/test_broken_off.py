"""Runs that end early for real: a signal, no more room. What was judged is kept, and the run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.runs import find, load
from assay.store import records

NAME = "broken_off"
SUBJECT = """
import os, time, torch

def __getattr__(name):
    return getattr(torch, name)

def neg(*a, **k):
    time.sleep(float(os.environ.get("SLOW_NEG", "0")))
    return torch.neg(*a, **k)
"""
ARGUMENTS = ["run", NAME, "--only", "neg", "--level", "core"]
# A file may not grow beyond this: writing fails as it does on a full disk. Ctrl-C is heeded whoever starts this.
START = """
import resource, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
if {room}:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
from assay.cli import main
main()
"""


@pytest.fixture
def environment(tmp_path):
    (tmp_path / f"{NAME}.py").write_text(SUBJECT)
    return dict(os.environ, PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))


def started(folder: Path, environment: dict[str, str], *arguments: str, room: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-c", START.format(room=room), *ARGUMENTS, *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **streams)


def lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob(".assay/runs/*/verdicts.jsonl"))


def test_ctrl_c_ends_the_run_at_once_and_keeps_every_verdict(cli, tmp_path, environment):
    with started(tmp_path, environment | {"SLOW_NEG": "0.2"}, "--profile", "quick") as process:
        try:
            end = time.monotonic() + 240
            while lines(tmp_path) < 3 and time.monotonic() < end:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=240)
        finally:
            process.kill()
    assert (process.returncode, out) == (2, "")
    kept = lines(tmp_path)
    assert f"interrupted; {kept} cases are kept; go on with `assay run --resume {find('latest').name}`" in err
    assert "Traceback" not in err
    assert 3 <= kept < 29
    assert cli("run", "--resume", "latest", "--in-process")[0] == 0
    assert load("latest")["cases"] == 29
    assert len({r.place for r in records(find("latest"))}) == 29


def test_no_more_room_ends_the_run_in_words_and_keeps_every_verdict(cli, tmp_path, environment):
    """The kernel's own refusal, in the middle of a line."""
    with started(tmp_path, environment, "--in-process", room=60_000) as process:
        out, err = process.communicate(timeout=240)
    assert (process.returncode, out) == (2, "")
    assert "Traceback" not in err
    kept = lines(tmp_path)
    assert f"File too large; {kept} cases are kept; go on with `assay run --resume" in err
    assert cli("run", "--resume", "latest", "--in-process")[0] == 0
    assert load("latest")["cases"] > kept > 100

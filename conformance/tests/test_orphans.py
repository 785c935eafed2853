"""No process outlives the run that started it, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assay.case import Case
from assay.policy import Policy
from assay.subjects import parse
from assay.worker import Worker

# PyDLL keeps the interpreter's lock: no other thread of the process runs again.
HANGS = """
import ctypes, os, pathlib
def add(*args):
    pathlib.Path(os.environ["HANGS_HERE"]).write_text(str(os.getpid()))
    ctypes.PyDLL(None).pause()
"""
PARENT = """
import os, threading, time
from assay.case import Case
from assay.feed import Feed
from assay.policy import Policy
from assay.subjects import parse
from assay.worker import Worker

def main():
    feed = Feed(["sum"], "deep", 0)
    worker = Worker(parse("hangs_with_the_lock"))
    worker.submit([(Case("add", "function", "torch.add", (2, 3)), Policy())])
    print(worker.process.process.pid, feed.process.pid, flush=True)
    time.sleep(600)

thread = threading.Thread(target=main)
{start}
"""


def alive(pid: int) -> bool:
    """Whether the process runs still; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(what, seconds: float = 60.0) -> bool:
    """Whether `what` comes true, asked again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc; the kernel's own signal is Linux's")
@pytest.mark.parametrize("start", ["main()", "thread.start(); thread.join()"], ids=["main thread", "another thread"])
def test_a_killed_parent_leaves_no_process_not_even_one_that_holds_the_lock_for_ever(tmp_path, start):
    (tmp_path / "hangs_with_the_lock.py").write_text(HANGS)
    mark = tmp_path / "hangs"
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = dict(os.environ, PYTHONPATH=paths, HANGS_HERE=str(mark))
    command = [sys.executable, "-P", "-c", PARENT.format(start=start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        try:
            assert len(pids) == 2
            assert until(lambda: mark.exists() and mark.read_text() == str(pids[0])), "it never hung"
            assert all(map(alive, pids))
            os.kill(parent.pid, signal.SIGKILL)
            assert until(lambda: not any(map(alive, pids)))
        finally:
            parent.kill()
            for pid in filter(alive, pids):
                os.kill(pid, signal.SIGKILL)


def test_a_worker_lives_on_when_the_thread_that_asked_for_it_ends():
    import threading

    made = []
    thread = threading.Thread(target=lambda: made.append(Worker(parse("operator"))))
    thread.start()
    thread.join()
    with made[0] as worker:
        outcome = worker.answers([(Case("add", "function", "torch.add", (2, 3)), Policy())])[0]
        assert (outcome.status, outcome.result, worker.restarts) == ("returned", 5, 0)

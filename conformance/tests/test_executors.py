"""Runs by executors: threads, processes that die, a Dask cluster. Their verdicts are those of a run here."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import Executor, Future

import pytest

from assay import batches
from assay.catalog import catalog
from assay.drawing import draw_cases
from assay.drawn import Drawn
from assay.executors import Remote
from assay.plan import Plan
from assay.record import Record
from assay.report.result_json import as_json
from assay.result import Result
from assay.runner import Session, run
from assay.subjects import parse

FOUND_WRONG = """
import torch

def __getattr__(name):
    return getattr(torch, name)

def sum(*a, **k):
    return torch.sum(*a, **k) * 1.01
"""
NAME = "judged_elsewhere"
DRAWN = Drawn(("sum", "neg", "any"), "quick", 0)
# In this process, so that a batch costs no start: what happens between executor and run is what is tested.
IN_PROCESS = {"in_process": True, "profile": "quick"}


@pytest.fixture
def subject(tmp_path, monkeypatch):
    """A torch whose sum is wrong; its name."""
    (tmp_path / f"{NAME}.py").write_text(FOUND_WRONG)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield NAME
    batches._kept.end()
    sys.modules.pop(NAME, None)


class Here(Executor):
    """Judges at once where it is asked, in the order that `pick` gives to what is put out together."""

    def __init__(self, before=None):
        self.before, self.texts = before, []

    def submit(self, function, text):
        self.texts.append(text)
        future = Future()
        try:
            if self.before is not None:
                self.before(json.loads(text))
            future.set_result(function(text))
        except BaseException as error:
            future.set_exception(error)
        return future


class Late(Executor):
    """Judges at once, answers later: in each window the last that was put out comes back first."""

    def __init__(self, window: int):
        self.window, self.waiting = window, []

    def submit(self, function, text):
        future = Future()
        answer = function(text)
        self.waiting.append(lambda: future.set_result(answer))
        timer = threading.Timer(0.02, self.answer)
        timer.daemon = True
        timer.start()
        return future

    def answer(self):
        self.waiting.pop()()


def told(result: Result) -> dict:
    """The result as JSON, but for the times."""
    return {k: v for k, v in as_json(result).items() if k not in ("started", "seconds")}


def lines(session: Session, source, **how) -> tuple[list[str], dict]:
    """The records of a run as lines, and its result."""
    found: list[Record] = []
    result = run(session, source, write=found.append, **how)
    return [record.to_line() for record in found], told(result)


@pytest.fixture
def session(subject):
    with Session(Plan(parse(subject), **IN_PROCESS)) as session:
        yield session


def test_any_executor_gives_the_records_of_a_run_here(session):
    here = lines(session, DRAWN)
    assert {f["op"] for f in here[1]["failures"]} == {"sum"}
    assert lines(session, DRAWN, executor=Here()) == here
    assert lines(session, DRAWN, executor=Remote(Late(5), 5)) == here, "whatever the order they come back in"
    cases = [case for op in DRAWN.ops for case in draw_cases(catalog()[op], "quick", 0)]
    given, _ = lines(session, cases, executor=Remote(Late(3), 3))
    assert [Record.from_line(a).id for a in given] == [Record.from_line(b).id for b in here[0]]

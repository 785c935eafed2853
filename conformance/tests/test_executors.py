"""Runs by executors: out of order, in processes that die, broken off and gone on with. The verdicts are those of a run
here. Subjects are planted; they run in the process that judges, so that a batch costs no start."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import pytest

from assay import batches
from assay.batches import Piece, cut
from assay.case import Case
from assay.catalog import catalog
from assay.drawing import draw_cases
from assay.drawn import Drawn
from assay.executors import ExecutorError, Remote
from assay.feed import DrawingError, Feed
from assay.ledger import Ledger
from assay.outcome import Verdict
from assay.patience import Patience
from assay.plan import Plan
from assay.record import Record
from assay.report.result_json import as_json
from assay.result import Result
from assay.runner import Session, run
from assay.subjects import parse
from assay.worker import Limits, WorkerError

WRAPPED = """
import os, torch

def __getattr__(name):
    return getattr(torch, name)

"""
WRONG = "def sum(*a, **k): return torch.sum(*a, **k) * 1.01\n"
# Kills the process that judges once, where it is told to: few of neg's cases are vectors of 5 elements.
DEADLY = """
def neg(*a, **k):
    died = os.environ.get("DIES_ONCE")
    if died and not os.path.exists(died) and a and getattr(a[0], "shape", ()) == (5,):
        open(died, "w").close()
        os.kill(os.getpid(), 9)
    return torch.neg(*a, **k)
"""
NAME = "judged_elsewhere"
DRAWN = Drawn(("sum", "neg"), "quick", 0)
CORE = {"in_process": True, "profile": "quick", "aspects": ("structure", "dtype", "shape", "values")}


@pytest.fixture
def subject(tmp_path, monkeypatch):
    """A torch whose sum is wrong, and whose neg is deadly; its name."""
    (tmp_path / f"{NAME}.py").write_text(WRAPPED + WRONG + DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield NAME
    batches._kept.end()
    sys.modules.pop(NAME, None)


@pytest.fixture
def session(subject):
    with Session(Plan(parse(subject), **CORE)) as session:
        yield session


class Here(Executor):
    """Judges at once. change: what becomes of a batch's JSON before it is judged, or raises."""

    def __init__(self, change=lambda data: data):
        self.change, self.batches = change, []

    def submit(self, function, text):
        future = Future()
        try:
            self.batches.append(json.loads(text))
            future.set_result(function(json.dumps(self.change(self.batches[-1]))))
        except Exception as error:
            future.set_exception(error)
        return future


class Late(Executor):
    """Answers the oldest batch of a window last."""

    def __init__(self, window: int):
        self.window, self.waiting, self.held = window, [], []

    def remote(self) -> Remote:
        return Remote(self, self.window, self.hold)

    def submit(self, function, text):
        future = Future()
        self.waiting.append((future, function(text)))
        if len(self.waiting) == self.window:
            while len(self.waiting) > 1:
                answer(*self.waiting.pop())
        timer = threading.Timer(0.5, self.end)  # nobody gives any more
        timer.daemon = True
        timer.start()
        return future

    def hold(self, records):
        self.held += records
        self.end()

    def end(self):
        while self.waiting:
            answer(*self.waiting.pop())


def answer(future, text):
    if future.set_running_or_notify_cancel():
        future.set_result(text)


def told(result: Result) -> dict:
    """The result as JSON, but for the times."""
    return {k: v for k, v in as_json(result).items() if k not in ("started", "seconds")}


def lines(session: Session, source, **how) -> tuple[list[str], dict]:
    """The records of a run as lines, in the order they were written; and its result."""
    found: list[Record] = []
    result = run(session, source, write=found.append, **how)
    return [record.to_line() for record in found], told(result)


def cases_of(drawn: Drawn) -> list[Case]:
    return [case for op in drawn.ops for case in draw_cases(catalog()[op], drawn.profile, drawn.seed)]


# The same verdicts


def test_whatever_the_order_they_come_back_in_the_records_are_those_of_a_run_here(session):
    here = lines(session, DRAWN)
    assert {f["op"] for f in here[1]["failures"]} == {"sum"}
    assert lines(session, DRAWN, executor=Here()) == here
    late = Late(4)
    assert lines(session, DRAWN, executor=late.remote()) == here
    assert late.held, "nothing came back before its turn"
    with ThreadPoolExecutor(2) as threads:
        assert lines(session, DRAWN, executor=threads) == here


def test_given_cases_and_a_feed_are_judged_as_here(session):
    cases = cases_of(DRAWN)
    assert lines(session, cases, executor=Late(3).remote()) == lines(session, cases)
    feed = Feed(DRAWN.ops, DRAWN.profile, DRAWN.seed)
    try:
        assert lines(session, feed, executor=Here()) == lines(session, DRAWN)
    finally:
        feed.close()


@pytest.mark.parametrize(
    "how", [{"max_failures": 1}, {"shard": (2, 3)}, {"dtypes": ("float32",)}, {"only": ("sum",), "drawn": False}]
)
def test_plans_hold_elsewhere_too(subject, how):
    with Session(Plan(parse(subject), **CORE, **how)) as session:
        here = lines(session, DRAWN)
        assert here[0]
        assert lines(session, DRAWN, executor=Late(4).remote())[1] == here[1]


def test_the_cases_of_the_ledger_come_last_and_its_entries_count(subject):
    drawn = Drawn(("neg",), "quick", 0)  # by a plan that is not: then the ledger's own cases are tried
    case = next(draw_cases(catalog()["sum"], "quick", 0))
    entry = '[[known]]\nop = "sum"\naspect = "*"\nreason = "planted"\nlink = "here"\ncase = \'\'\'{}\'\'\'\n'
    ledger = entry.format(case.to_json()) + entry.replace("sum", "sort").format(case.to_json())
    found = []
    for executor in (None, Late(3).remote()):
        with Session(Plan(parse(subject), **CORE | {"profile": "standard"}), Ledger.parse(ledger)) as session:
            found.append(lines(session, drawn, executor=executor))
    assert found[0] == found[1]
    assert [Record.from_line(line).at for line in found[1][0][-2:]] == [(1, 0), (1, 1)]
    assert {c["status"] for c in found[1][1]["cells"] if c["op"] == "sum"} >= {"known"}
    assert [s["op"] for s in found[1][1]["stale_known"]] == ["sort"]


def test_batches_are_cut_to_the_second(session, monkeypatch):
    """As many cases as take a while, by what the last batches took; none lost, none twice."""
    monkeypatch.setattr("assay.executors.SECONDS", 1e9)
    executor = Here()
    run(session, DRAWN, executor=executor)
    sizes = [sum(p["stop"] - p["start"] for p in b["pieces"]) for b in executor.batches]
    assert sizes[0] == 16 < max(sizes)
    places = [(p["op"], i) for b in executor.batches for p in b["pieces"] for i in range(p["start"], p["stop"])]
    assert places == [(op, i) for op in DRAWN.ops for i in range(DRAWN.most(op))]


def test_pieces_are_cut_in_order():
    cases = tuple(Case("neg", "function", "torch.neg", (i,)) for i in range(4))
    pieces = [Piece(0, 0, 5, "sum", skip=(1, 4)), Piece(0, 3, 7, cases=cases, skip=(5,))]
    first, rest = cut(pieces, 7)
    assert first == [pieces[0], Piece(0, 3, 5, cases=cases[:2])]
    assert rest == [Piece(0, 5, 7, cases=cases[2:], skip=(5,))]
    assert cut(pieces, 5) == (pieces[:1], pieces[1:])
    assert cut(pieces, 3) == ([Piece(0, 0, 3, "sum", skip=(1,))], [Piece(0, 3, 5, "sum", skip=(4,)), pieces[1]])
    assert cut(pieces, 99) == (pieces, [])


# Broken off


@pytest.mark.parametrize("elsewhere", [True, False])
def test_what_was_found_before_its_turn_is_not_judged_again(session, elsewhere):
    class Enough(Exception):
        pass

    whole = lines(session, DRAWN)
    kept, late = [], Late(4)

    def write(record):
        if len(kept) == 20:
            raise Enough
        kept.append(record)

    with pytest.raises(Enough):
        run(session, DRAWN, write=write, executor=late.remote())
    places, ahead = {r.place for r in kept}, late.held
    assert {r.place for r in ahead} - places
    executor = Here()
    found: list[Record] = []
    how = {"executor": executor} if elsewhere else {}
    result = run(session, DRAWN, write=found.append, kept=kept, ahead=ahead, **how)
    assert [r.to_line() for r in [*kept, *found]] == whole[0]
    assert told(result) == whole[1]
    judged = {(p["op"], 0, i) for b in executor.batches for p in b["pieces"] for i in range(p["start"], p["stop"])}
    skipped = {(p["op"], 0, i) for b in executor.batches for p in b["pieces"] for i in p["skip"]}
    if elsewhere:
        assert skipped == judged & (places | {r.place for r in ahead})


# Processes that die


class Fragile(Executor):
    """Breaks as a pool of processes does when one of them dies, with all that is out: by a vector of 5 elements."""

    def __init__(self):
        self.out, self.broken = [], False

    def submit(self, function, text):
        if self.broken:
            raise BrokenProcessPool("it is broken")
        future = Future()
        self.out.append((future, text))
        pieces = json.loads(text)["pieces"]
        cases = [case for p in pieces for case in DRAWN.cases(p["op"])[p["start"] : p["stop"]]]
        if any(case.op == "neg" and vector(case) for case in cases):
            self.broken = True
            for one, _ in self.out:
                one.set_exception(BrokenProcessPool("a process died"))
        timer = threading.Timer(0.1, self.end, (function, future, text))  # by then others are out
        timer.daemon = True
        timer.start()
        return future

    def end(self, function, future, text):
        if not self.broken:
            self.out.remove((future, text))
            answer(future, function(text))


def vector(case: Case) -> bool:
    return bool(case.args) and getattr(case.args[0], "shape", ()) == (5,)


def test_a_case_that_takes_its_process_along_is_found_and_costs_itself(session):
    here = [Record.from_line(line) for line in lines(session, DRAWN)[0]]
    found = [Record.from_line(line) for line in lines(session, DRAWN, executor=Remote(Fragile, 3))[0]]
    deadly = [i for i, (a, b) in enumerate(zip(here, found, strict=True)) if a != b]
    assert [r.place for r in (here[i] for i in deadly)] == [
        ("neg", 0, i) for i, case in enumerate(DRAWN.cases("neg")) if vector(case)
    ]
    assert deadly
    for i in deadly:
        assert (found[i].place, found[i].id) == (here[i].place, here[i].id)
        assert vector(found[i].case)
        assert found[i].verdicts[0].status == "unjudged"
        assert "the executor's process died: concurrent.futures.process.BrokenProcessPool" in found[i].harness_error


def test_a_pool_that_breaks_is_made_anew_or_ends_the_run_in_words(session, tmp_path, monkeypatch):
    """Real processes, one of which dies of its first vector."""
    here = lines(session, DRAWN)
    monkeypatch.setenv("DIES_ONCE", str(tmp_path / "died"))
    made = []

    def pool():
        made.append(ProcessPoolExecutor(1, get_context("spawn")))
        return made[-1]

    try:
        with pytest.raises(ExecutorError, match="a process of the executor died, and with it the executor"):
            run(session, DRAWN, executor=pool())
        (tmp_path / "died").unlink()
        assert lines(session, DRAWN, executor=Remote(pool)) == here
        assert len(made) == 3
    finally:
        for one in made:
            one.shutdown(cancel_futures=True)


def test_processes_that_always_die_end_the_run(session, monkeypatch):
    class KilledWorker(Exception):
        pass

    def die(data):
        raise KilledWorker("out of memory")

    executor = Here(die)
    with pytest.raises(ExecutorError, match=r"die, whatever they judge: .*KilledWorker: out of memory"):
        run(session, DRAWN, executor=executor)
    assert len(executor.batches) < 60


# What cannot go on


def test_other_versions_are_refused_by_name(session):
    def older(data):
        return data | {"versions": data["versions"] | {"reference": "1.0"}}

    with pytest.raises(ExecutorError, match=r"other versions, .*reference: 2\.\d+.* there, 1\.0 here"):
        run(session, DRAWN, executor=Here(older))
    with pytest.raises(ExecutorError, match=r"assay's sources: [0-9a-f]{12} there, another here"):
        run(session, DRAWN, executor=Here(lambda data: {"versions": {"assay's sources": "another"}, "plan": "?"}))


def test_what_fails_elsewhere_is_told_as_here(session, monkeypatch):
    def absent(data):
        subject = data["plan"]["subject"] | {"target": "no_such_module_there"}
        return data | {"plan": data["plan"] | {"subject": subject, "in_process": False}}

    with pytest.raises(WorkerError, match="No module named 'no_such_module_there'"):
        run(session, DRAWN, executor=Here(absent))
    with pytest.raises(ExecutorError, match=r"(?s)assay itself failed on a worker.*Traceback.*missing 2"):
        run(session, DRAWN, executor=Here(lambda data: data | {"drawn": {}}))

    def broken(*a):
        raise RuntimeError("no such form")

    monkeypatch.setattr("assay.drawing.draw_cases", broken)
    with pytest.raises(DrawingError, match=r"(?s)Traceback.*no such form"):
        run(session, Drawn(("neg",), "quick", 12345), executor=Here())


def test_an_executor_that_is_shut_down_or_cancels_is_told(session):
    with ThreadPoolExecutor(1) as threads:
        pass
    with pytest.raises(ExecutorError, match="takes no more work: cannot schedule new futures after shutdown"):
        run(session, DRAWN, executor=threads)

    class Cancelling(Executor):
        def submit(self, function, text):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(ExecutorError, match="cancelled a batch"):
        run(session, DRAWN, executor=Cancelling())


def test_what_is_out_is_cancelled_when_the_run_ends_early(session):
    class Never(Executor):
        def __init__(self):
            self.futures = []

        def submit(self, function, text):
            self.futures.append(Future())
            if len(self.futures) == 1:
                self.futures[0].set_result(function(text))
            return self.futures[-1]

    def stop(record, result):
        raise KeyboardInterrupt

    never = Never()
    with pytest.raises(KeyboardInterrupt):
        run(session, DRAWN, stop, executor=Remote(never, 3))
    assert [f.cancelled() for f in never.futures] == [False, True, True]


# Patience


def test_the_order_of_the_run_says_what_is_given_up_not_the_number_of_workers():
    def record(op, index, status="conforms", detail=""):
        verdict = Verdict("structure", status, detail)
        return Record(f"{index:016x}", op, "function", "float32", (0, index), True, (verdict,))

    patience = Patience(2)
    given = [
        record("neg", 0, "crash"),
        record("neg", 1),
        record("neg", 2, "flaky", "timeout only the first of two times: no answer"),
        record("sum", 3, "crash"),
        record("neg", 4),
        record("neg", 5, "crash"),
        record("sum", 6),
    ]
    found = [patience.applied(r).verdicts[0] for r in given]
    assert [v.status for v in found] == ["crash", "conforms", "flaky", "crash", "unjudged", "unjudged", "conforms"]
    assert found[4].detail == found[5].detail == "skipped: neg (function) was fatal 2 times before"
    assert dict(patience.fatal(0)) == {("neg", "function"): 2, ("sum", "function"): 1}
    assert not patience.fatal(1)


def test_what_is_always_fatal_is_given_up_alike_by_two_workers_and_in_batches(tmp_path, monkeypatch):
    (tmp_path / "always_fatal.py").write_text("import os\ndef neg(*a): os._exit(3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    cases = [Case("neg", "function", "torch.neg", (seed,)) for seed in range(20)]
    plan = Plan(parse("always_fatal"), aspects=("structure",), limits=Limits(patience=1), drawn=False, jobs=2)
    with Session(plan) as session:
        here = lines(session, cases)[0]
        try:
            there = lines(session, cases, executor=Here())[0]
        finally:
            batches._kept.end()
    statuses = [[Record.from_line(line).verdicts[0].status for line in one] for one in (here, there)]
    assert statuses == [["crash"] + ["unjudged"] * 19] * 2

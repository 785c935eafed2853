"""A subject may die, hang, eat memory or shout: each costs one case, and the run goes on."""

from __future__ import annotations

import sys
import textwrap

import pytest

from assay.case import Case, TensorSpec, Values
from assay.outcome import Outcome
from assay.policy import Policy
from assay.subjects import Subject, SubjectError, parse
from assay.worker import Limits, Local, Worker, WorkerError

# Numbers alone, so that a module of three lines answers them and a fresh process starts in a moment.
GOOD = Case("mul", "function", "torch.mul", (2, 3))
BAD = Case("add", "function", "torch.add", (2, 3))
POLICY = Policy()

TINY = """
import os, signal, sys, time

def mul(a, b):
    return a * b

"""


def planted(tmp_path, monkeypatch, body: str, name: str = "planted", head: str = TINY) -> Subject:
    """A tiny module with a fault planted in `add`."""
    (tmp_path / f"{name}.py").write_text(head + textwrap.dedent(body))
    monkeypatch.syspath_prepend(str(tmp_path))
    return parse(name)


def statuses(subject: Subject, limits: Limits, cases=(GOOD, BAD, GOOD, GOOD)) -> list[Outcome]:
    with Worker(subject, limits=limits) as worker:
        return worker.answers([(case, POLICY) for case in cases])


@pytest.mark.parametrize(
    ("body", "status", "how"),
    [
        ("def add(*args, **kwargs): os.kill(os.getpid(), signal.SIGSEGV)", "crash", "SIGSEGV"),
        ("def add(*args, **kwargs): os.abort()", "crash", "SIGABRT"),
        ("def add(*args, **kwargs): os._exit(3)", "exit", "exit code 3"),
        ("def add(*args, **kwargs):\n    while True: pass", "timeout", "no answer within 1.5 s"),
        ("def add(*args, **kwargs):\n    while True: print('flood' * 1000)", "timeout", "no answer within 1.5 s"),
        (
            "held = []\ndef add(*args, **kwargs):\n    while True: held.append(bytearray(1 << 24)); time.sleep(0.01)",
            "memory",
            "300 MB allowed",
        ),
    ],
    ids=["segfault", "abort", "exit", "loop", "flood", "memory"],
)
def test_a_fatal_case_is_blamed_and_the_others_are_answered(tmp_path, monkeypatch, body, status, how):
    subject = planted(tmp_path, monkeypatch, body)
    before, fatal, *after = statuses(subject, Limits(timeout=1.5, memory=300))
    assert fatal.status == status
    assert how in fatal.extra["how"]
    assert fatal.extra["alone"] is True
    assert [o.status for o in (before, *after)] == ["returned"] * 3
    assert before.result == after[0].result == after[1].result


def test_a_callable_that_is_always_fatal_is_given_up_in_the_end(tmp_path, monkeypatch):
    subject = planted(tmp_path, monkeypatch, "def add(*args, **kwargs): os._exit(3)")
    with Worker(subject, limits=Limits(patience=2)) as worker:
        found = worker.answers([(case, POLICY) for case in [GOOD, BAD, BAD, GOOD, BAD, BAD, GOOD, BAD]])
        assert [o.status for o in found] == [
            "returned",
            "exit",
            "exit",
            "returned",
            "skipped",
            "skipped",
            "returned",
            "skipped",
        ]
        assert "fatal 2 times" in found[4].extra["how"]
        worker.forgive()
        assert [o.status for o in worker.answers([(BAD, POLICY), (GOOD, POLICY)])] == ["exit", "returned"]


def test_a_death_is_noticed_though_a_child_of_the_subject_lives_on(tmp_path, monkeypatch):
    body = """
    def add(*args, **kwargs):
        if os.fork() == 0:
            time.sleep(120)
        os._exit(5)
    """
    outcomes = statuses(planted(tmp_path, monkeypatch, body), Limits(timeout=60))
    assert [o.status for o in outcomes] == ["returned", "exit", "returned", "returned"]
    assert outcomes[1].extra["how"] == "exit code 5"


def test_what_a_dying_subject_printed_is_kept(tmp_path, monkeypatch):
    subject = planted(tmp_path, monkeypatch, "def add(*args, **kwargs): print('last words', flush=True); os._exit(1)")
    assert "last words" in statuses(subject, Limits())[1].extra["printed"]


def test_a_timeout_that_does_not_repeat_alone_is_not_blamed(tmp_path, monkeypatch):
    flag = tmp_path / "slept"
    subject = planted(
        tmp_path,
        monkeypatch,
        f"""
        def add(*args, **kwargs):
            if not os.path.exists({str(flag)!r}):
                open({str(flag)!r}, "w").close()
                time.sleep(60)
            return sum(args)
        """,
    )
    assert [o.status for o in statuses(subject, Limits(timeout=1.5))] == ["returned"] * 4


def test_printing_breaks_nothing(tmp_path, monkeypatch):
    subject = planted(
        tmp_path,
        monkeypatch,
        """
        print("hello from the import")
        def add(*args, **kwargs):
            print("x" * 100_000)
            sys.stderr.write("to stderr\\n" * 10_000)
            os.write(1, b"raw bytes" * 10_000)
            return sum(args)
        """,
    )
    assert [o.status for o in statuses(subject, Limits())] == ["returned"] * 4


@pytest.mark.parametrize(
    "shout",
    [
        "for _ in range(100): print('flood ' * 170_000)",
        "for _ in range(100): sys.stderr.write('x' * (1 << 20))",
        "block = b'y' * (1 << 20)\n    for _ in range(50): written = [os.write(fd, block) for fd in (1, 2)]",
        "libc.printf.restype = None\n    for _ in range(100): libc.printf(b'%1048576d', 7)\n    libc.fflush(None)",
    ],
    ids=["stdout", "stderr", "file descriptors", "C"],
)
def test_a_hundred_megabytes_of_output_cost_nothing(tmp_path, monkeypatch, shout):
    body = f"import ctypes\nlibc = ctypes.CDLL(None)\ndef add(*args):\n    {shout}\n    return sum(args)\n"
    (tmp_path / "shouting.py").write_text(TINY + body)
    monkeypatch.syspath_prepend(str(tmp_path))
    with Worker(parse("shouting"), limits=Limits(timeout=120)) as worker:
        outcomes = worker.answers([(GOOD, POLICY), (BAD, POLICY), (GOOD, POLICY)])
        assert [(o.status, o.result) for o in outcomes] == [("returned", 6), ("returned", 5), ("returned", 6)]
        assert worker.restarts == 0
        # what shouted is bounded here too: the end is kept, no more
        assert 0 < len(worker.process._printed) <= 4000


def test_many_cases_with_large_answers_do_not_block():
    large = Case("add", "function", "torch.add", (TensorSpec((200, 200), "float64"), 1))
    with Worker(parse("torch")) as worker:
        outcomes = worker.answers([(large, POLICY)] * 150)
    assert {o.status for o in outcomes} == {"returned"}
    assert len(outcomes) == 150


def test_a_large_case_does_not_block():
    literal = tuple(float(i) for i in range(30_000))
    large = Case(
        "add", "function", "torch.add", (TensorSpec((30_000,), "float64", Values("literal", literal=literal)), 1)
    )
    with Worker(parse("torch")) as worker:
        assert {o.status for o in worker.answers([(large, POLICY)] * 100)} == {"returned"}


def test_a_subject_that_does_not_import_shows_its_traceback(tmp_path, monkeypatch):
    subject = planted(tmp_path, monkeypatch, "raise RuntimeError('no such device, sorry')")
    with pytest.raises(WorkerError, match=r"(?s)Traceback.*planted\.py.*no such device, sorry"):
        Worker(subject)
    with pytest.raises(WorkerError, match="exit 7"):
        Worker(planted(tmp_path, monkeypatch, "os._exit(7)", "planted_exit"))
    with pytest.raises(WorkerError, match="No module named 'no_such_module_here'"):
        Worker(parse("no_such_module_here"))


@pytest.mark.parametrize("name", ["", "a b", "-x", "a..b", "1a"])
def test_names_that_are_no_subjects(name):
    with pytest.raises(SubjectError, match="is not a subject"):
        parse(name)


def test_workers_and_in_process_answer_alike():
    tensor = TensorSpec((2, 3), "bfloat16")
    cases = [
        (Case("mul", "function", "torch.mul", (tensor, 2)), POLICY),
        (Case("nope", "function", "torch.nope"), POLICY),
    ]
    with Worker(parse("torch")) as worker:
        apart = worker.answers(cases)
    with Local(parse("torch")) as local:
        assert local.answers(cases) == apart
    assert [o.status for o in apart] == ["returned", "missing"]


def test_the_subject_process_has_its_threads_set():
    asked = Case("get_num_threads", "function", "torch.get_num_threads")
    with Worker(parse("torch"), threads=1) as worker:
        assert worker.answers([(asked, POLICY)])[0].result == 1


def test_a_segmentation_fault_in_a_wrapped_torch(tmp_path, monkeypatch):
    tensor = TensorSpec((2, 3), "float32")
    head = "import ctypes, torch\ndef __getattr__(name): return getattr(torch, name)\n"
    subject = planted(tmp_path, monkeypatch, "def add(*args): return ctypes.string_at(0)", head=head)
    cases = [Case(op, "function", f"torch.{op}", (tensor, 2.0)) for op in ("mul", "add", "mul")]
    outcomes = statuses(subject, Limits(), cases)
    assert [o.status for o in outcomes] == ["returned", "crash", "returned"]
    assert "Segmentation fault" in outcomes[1].extra["printed"]


@pytest.mark.parametrize("module", ["math", "flambeau"])
def test_a_worker_imports_torch_only_for_a_subject_that_does(tmp_path, monkeypatch, module):
    (tmp_path / "lonely.py").write_text(f"import sys, {module}\ndef add(*args): return 'torch' in sys.modules\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Worker(parse("lonely")) as worker:
        outcome = worker.answers([(Case("add", "function", "torch.add", (1, 2)), POLICY)])[0]
    assert outcome.result is False
    assert sys.modules.get("lonely") is None


def test_answers_that_a_dying_subject_had_not_sent_are_asked_for_again(tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    body = f"""
    def mul(a, b):
        with open({str(calls)!r}, "a") as file:
            print(a, file=file)
        return a * b

    def add(a, b): os._exit(3)
    """
    subject = planted(tmp_path, monkeypatch, body)
    first, second, last = (Case("mul", "function", "torch.mul", (n, 3)) for n in (5, 6, 7))
    found = statuses(subject, Limits(), (first, second, BAD, last))
    assert [o.result if o.status == "returned" else o.status for o in found] == [15, 18, "exit", 21]
    assert found[2].extra["alone"] is True
    # each once before the death that took its answer, and once after; the last one when all is over
    assert calls.read_text().split() == ["5", "6", "5", "6", "7"]


def test_what_is_given_up_is_not_answered_and_the_worker_goes_on(tmp_path, monkeypatch):
    subject = planted(tmp_path, monkeypatch, "def add(*args, **kwargs): time.sleep(60)")
    with Worker(subject) as worker:
        worker.submit([(case, POLICY) for case in (BAD, GOOD)])
        worker.abandon()
        assert not worker.pending
        assert [o.result for o in worker.answers([(GOOD, POLICY)])] == [6]

"""The task of an executor: a second or two of cases to judge, as plain text there and back.

A batch says which cases it holds by what they are drawn from, so it is small and drawing costs the side that judges.
Whoever carries out batches keeps the two sides of a plan started, in processes of their own, until they were idle for
a while; several batches at once in one process (threads) have sides of their own each.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from multiprocessing.util import Finalize
from typing import Any

from assay.case import Case
from assay.drawn import Drawn
from assay.plain import decode, encode
from assay.plan import Plan
from assay.record import Record
from assay.report.result_json import versions
from assay.runner import Session
from assay.subjects import Subject, SubjectError
from assay.worker import Called, WorkerError

#: Seconds that the two sides wait for another batch before they end.
IDLE = 30.0


@dataclass(frozen=True, slots=True)
class Piece:
    """Cases next to each other in a phase of a run: those drawn for `op` from `start` to before `stop`, or `cases`,
    which stand from `start` on. skip: indices that are judged already."""

    phase: int
    start: int
    stop: int
    op: str = ""
    cases: tuple[Case, ...] = ()
    skip: tuple[int, ...] = ()

    def part(self, start: int, stop: int) -> Piece:
        """The cases from `start` to before `stop`."""
        skip = tuple(i for i in self.skip if start <= i < stop)
        return replace(
            self, start=start, stop=stop, cases=self.cases[start - self.start : stop - self.start], skip=skip
        )


def cut(pieces: Sequence[Piece], count: int) -> tuple[list[Piece], list[Piece]]:
    """The first `count` cases of some pieces, and the rest."""
    first: list[Piece] = []
    for i, piece in enumerate(pieces):
        size = piece.stop - piece.start
        if size > count:
            middle = piece.start + count
            begin = [piece.part(piece.start, middle)] if count else []
            return first + begin, [piece.part(middle, piece.stop), *pieces[i + 1 :]]
        first.append(piece)
        count -= size
    return first, []


@lru_cache(maxsize=1)
def sources() -> str:
    """A digest of assay's own sources: two that differ need not judge alike, whatever version they are."""
    found = hashlib.sha256()

    def add(folder: Traversable, path: str) -> None:
        for entry in sorted(folder.iterdir(), key=lambda e: e.name):
            name = f"{path}/{entry.name}"
            if entry.is_dir() and entry.name != "reference":
                add(entry, name)
            elif entry.name.endswith(".py"):
                found.update(name.encode() + b"\0" + entry.read_bytes() + b"\0")

    add(files("assay"), "assay")
    return found.hexdigest()[:12]


@lru_cache(maxsize=8)
def _versions(subject: Subject, reference: Subject) -> dict[str, str | None]:
    return versions(Plan(subject, reference=reference))


def provenance(plan: Plan) -> dict[str, str | None]:
    """What has to be the same on both sides of an executor."""
    return {"assay's sources": sources()} | _versions(plan.subject, plan.reference)


def pack(plan: Plan, drawn: Drawn | None, pieces: Sequence[Piece], fatal: Counter[Called]) -> str:
    """A batch as text. fatal: how often callables were fatal before it, as far as is known."""
    return json.dumps(
        {
            "versions": provenance(plan),
            "plan": replace(plan, jobs=1).as_json(),
            "drawn": None if drawn is None else {"profile": drawn.profile, "seed": drawn.seed},
            "pieces": [asdict(replace(p, cases=())) | {"cases": [encode(c) for c in p.cases]} for p in pieces],
            "fatal": [[*called, times] for called, times in fatal.items()],
        }
    )


def judge_batch(text: str) -> str:
    """Judge a batch. The answer is JSON: "lines", a record each; "seconds" it took; "seen", how many cases it looked
    at; "restarts" of the subject's process; "warm", whether both sides had judged before. Where
    nothing could be judged: "failed", the word for why, and "text"."""
    given = json.loads(text)
    try:
        plan = _checked(given)
        drawn = None if given["drawn"] is None else Drawn((), **given["drawn"], made_of=plan.made_of)
        fatal = Counter({(op, variant): times for op, variant, times in given["fatal"]})
        return json.dumps(_judged(plan, drawn, [_piece(p) for p in given["pieces"]], fatal))
    except _Failed as error:
        return json.dumps({"failed": error.word, "text": str(error)})
    except (WorkerError, SubjectError) as error:
        return json.dumps({"failed": "subject", "text": str(error)})
    except Exception:
        return json.dumps({"failed": "harness", "text": traceback.format_exc()})


class _Failed(Exception):
    def __init__(self, word: str, text: str) -> None:
        super().__init__(text)
        self.word = word


def _checked(given: dict[str, Any]) -> Plan:
    """The plan. Raises _Failed where the two sides of the executor are not of one kind."""
    asked = given["versions"]
    found: dict[str, str | None] = {"assay's sources": sources()}
    if asked.get("assay's sources") == sources():  # otherwise who knows what else that assay writes
        plan = Plan.from_json(given["plan"])
        found = provenance(plan)
    if other := [name for name, version in found.items() if version != asked.get(name)]:
        told = [f"{name}: {found[name]} there, {asked.get(name)} here" for name in other]
        raise _Failed("versions", "; ".join(told))
    return plan


def _piece(data: dict[str, Any]) -> Piece:
    return Piece(**data | {"cases": tuple(decode(c) for c in data["cases"]), "skip": tuple(data["skip"])})


def _cases(piece: Piece, drawn: Drawn | None) -> list[tuple[int, Case]]:
    if drawn is None or not piece.op:
        cases: Sequence[Case] = piece.cases
    else:
        try:
            cases = drawn.cases(piece.op)[piece.start : piece.stop]
        except Exception as error:
            raise _Failed("drawing", traceback.format_exc()) from error
    return [(piece.start + i, case) for i, case in enumerate(cases)]


def _judged(plan: Plan, drawn: Drawn | None, pieces: Sequence[Piece], fatal: Counter[Called]) -> dict[str, Any]:
    begun = time.monotonic()
    seen = 0
    todo: list[tuple[tuple[int, int], Case]] = []
    for piece in pieces:
        for index, case in _cases(piece, drawn):
            seen += 1
            if index not in piece.skip and plan.takes(case):
                todo.append(((piece.phase, index), case))
    lines: list[str] = []
    restarts, warm = 0, False
    if todo:
        drew = time.monotonic() - begun
        with _session(plan) as (session, warm):
            begun, before = time.monotonic() - drew, session.restarts
            found = session.judged((case for _, case in todo), apply_ledger=False, fatal=fatal)
            lines = [Record.of(judged, at).to_line() for (at, _), judged in zip(todo, found, strict=True)]
            restarts = session.restarts - before
    return {"lines": lines, "seconds": time.monotonic() - begun, "seen": seen, "restarts": restarts, "warm": warm}


# The two sides of plans, started


class _Kept:
    """Sessions that wait for another batch of their plan."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, Plan, Session]] = []
        self._watched = False

    def forget(self) -> None:
        """After a fork: the parent's sessions are the parent's, and its threads are not here."""
        self.__init__()  # type: ignore[misc]

    def take(self, plan: Plan) -> Session | None:
        """One of this plan; those of others end."""
        with self._lock:
            mine = [entry for entry in self._waiting if entry[1] == plan]
            others = [entry for entry in self._waiting if entry[1] != plan]
            taken = mine.pop() if mine else None
            self._waiting = mine
        for _, _, session in others:
            session.close()
        return None if taken is None else taken[2]

    def give(self, plan: Plan, session: Session) -> None:
        with self._lock:
            self._waiting.append((time.monotonic(), plan, session))
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, name="assay ends what is idle", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(IDLE / 4)
            self.end(IDLE)
            with self._lock:
                if not self._waiting:
                    self._watched = False
                    return

    def end(self, idle: float = 0.0) -> None:
        """End those that have waited for so many seconds."""
        now = time.monotonic()
        with self._lock:
            old = [entry for entry in self._waiting if now - entry[0] >= idle]
            self._waiting = [entry for entry in self._waiting if entry not in old]
        for _, _, session in old:
            with suppress(OSError):
                session.close()


# A subject that is in this process has one default dtype, one generator and one grad mode for all threads.
_alone = threading.Lock()
_kept = _Kept()
Finalize(None, _kept.end, exitpriority=10)
os.register_at_fork(after_in_child=_kept.forget)


@contextmanager
def _session(plan: Plan) -> Iterator[tuple[Session, bool]]:
    """Both sides, started, and whether they have judged before. Raises WorkerError."""
    with _alone if plan.in_process else nullcontext():
        found = _kept.take(plan)
        session = found or Session(plan)
        try:
            yield session, found is not None
        except BaseException:
            session.close()
            raise
        _kept.give(plan, session)

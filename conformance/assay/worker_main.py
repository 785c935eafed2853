"""The child's side of `assay.worker`: load the subject, answer cases until the pipe closes."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from assay.begun import Begun
from assay.case import Case
from assay.execute import Want, answer
from assay.levels import ASPECTS
from assay.orphan import end_with_parent
from assay.outcome import Outcome
from assay.policy import Policy
from assay.subjects import Subject
from assay.subjects.adapter import Adapter
from assay.subjects.recorded import Recorded

#: Answers are sent when there are so many, or when the first of them is so many seconds old: whoever waits for them is
#: woken less often, which costs more than a small case.
_MOST, _OLD = 8, 0.01
_OWN = str(Path(__file__).parent) + os.sep
# An Outcome, or with the role "reference" a ReferenceAnswer.
Respond = Callable[[Case, Policy], Any]


class _Wanted:
    """What to observe under a policy; the jobs of a message mostly share one."""

    def __init__(self, aspects: Collection[str] | None) -> None:
        self._aspects = aspects
        self._policy: Policy | None = None
        self._want = Want()

    def of(self, policy: Policy) -> Want:
        if policy is not self._policy:
            self._policy, self._want = policy, Want.of(policy, self._aspects)
        return self._want


def answering(side: Adapter, role: str, aspects: Collection[str] | None = None) -> Respond:
    """How a worker of this role answers, observing what `aspects` need (None: all)."""
    if isinstance(side, Recorded):
        return lambda case, policy: side.answered(case, role)
    aspects = None if aspects is None and not side.claims.aspects else side.claims.shown(aspects or ASPECTS)
    if role == "called":
        from assay.called import watching

        return watching(side)
    want = _Wanted(aspects).of
    if role == "reference":
        from assay.truth import reference_answer

        return lambda case, policy: reference_answer(case, side.module, policy, want(policy))
    return lambda case, policy: answer(case, side, want=want(policy))


def guarded(respond: Respond, case: Case, policy: Policy) -> Any:
    """The answer; where assay itself fails on it, an Outcome of status "harness" with the traceback."""
    try:
        return respond(case, policy)
    except Exception as error:
        how = f"{type(error).__name__}: {error}"
        return Outcome("harness", extra={"how": how[:300], "traceback": traceback.format_exc()})


def told(error: BaseException) -> str:
    """The traceback of a subject that does not start, from its own first frame on: how assay got there helps nobody."""
    trace = error.__traceback__
    while trace is not None and _leads_there(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _leads_there(file: str) -> bool:
    """Whether a frame is assay's or the import system's own."""
    return file.startswith(("<frozen importlib", _OWN)) or file == importlib.__file__


def work(connection: Connection, begun: Begun, respond: Respond, jobs: Sequence[tuple[Case, Policy]]) -> None:
    """Answer `jobs` in order, several answers in a message."""
    answers: list[Any] = []
    since = time.monotonic()
    for case, policy in jobs:
        begun.count += 1
        answers.append(guarded(respond, case, policy))
        if len(answers) == _MOST or time.monotonic() - since > _OLD:
            connection.send_bytes(pickle.dumps(answers, pickle.HIGHEST_PROTOCOL))
            answers, since = [], time.monotonic()
    if answers:
        connection.send_bytes(pickle.dumps(answers, pickle.HIGHEST_PROTOCOL))


def main() -> None:
    end_with_parent()
    descriptor, shared, role, subject, aspects = sys.argv[1:]
    # The subject must not meet our arguments in sys.argv, nor may it reach the pipe by number.
    sys.argv = ["assay"]
    connection, begun = Connection(int(descriptor)), Begun(int(shared))
    try:
        side = Subject.from_json(subject).load()
        side.start()
        respond = answering(side, role, aspects.split(",") if aspects else None)
    except BaseException as error:
        connection.send(("failed", told(error)))
        return
    gc.freeze()  # what is loaded stays: going through all of it again and again costs every case a twentieth
    connection.send(("ready", side.found()))
    while True:
        try:
            message = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        if isinstance(message, tuple):  # what to observe from now on
            respond = answering(side, role, message)
            continue
        work(connection, begun, respond, message)


if __name__ == "__main__":
    main()

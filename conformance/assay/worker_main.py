"""The child's side of `assay.worker`: load the subject, answer cases until the pipe closes."""

from __future__ import annotations

import pickle
import sys
import traceback
from collections.abc import Callable, Collection
from multiprocessing.connection import Connection
from typing import Any

from assay.case import Case
from assay.execute import Want, answer
from assay.levels import ASPECTS
from assay.orphan import end_with_parent
from assay.outcome import Outcome
from assay.policy import Policy
from assay.subjects import Subject
from assay.subjects.adapter import Adapter
from assay.subjects.recorded import Recorded

# An Outcome, or with the role "reference" a ReferenceAnswer.
Respond = Callable[[Case, Policy], Any]


def answering(side: Adapter, role: str, aspects: Collection[str] | None = None) -> Respond:
    """How a worker of this role answers, observing what `aspects` need (None: all)."""
    if isinstance(side, Recorded):
        return lambda case, policy: side.answered(case, role)
    aspects = None if aspects is None and not side.claims.aspects else side.claims.shown(aspects or ASPECTS)
    if role == "called":
        from assay.called import watching

        return watching(side)
    if role == "reference":
        from assay.truth import reference_answer

        return lambda case, policy: reference_answer(case, side.module, policy, Want.of(policy, aspects))
    return lambda case, policy: answer(case, side, want=Want.of(policy, aspects))


def guarded(respond: Respond, case: Case, policy: Policy) -> Any:
    """The answer; where assay itself fails on it, an Outcome of status "harness" with the traceback."""
    try:
        return respond(case, policy)
    except Exception as error:
        how = f"{type(error).__name__}: {error}"
        return Outcome("harness", extra={"how": how[:300], "traceback": traceback.format_exc()})


def main() -> None:
    end_with_parent()
    descriptor, role, subject, aspects = sys.argv[1:]
    # The subject must not meet our arguments in sys.argv, nor may it reach the pipe by number.
    sys.argv = ["assay"]
    connection = Connection(int(descriptor))
    try:
        side = Subject.from_json(subject).load()
        side.start()
        respond = answering(side, role, aspects.split(",") if aspects else None)
    except BaseException:
        connection.send(("failed", traceback.format_exc()))
        return
    connection.send(("ready", side.claims))
    while True:
        try:
            message = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        if isinstance(message, tuple):  # what to observe from now on
            respond = answering(side, role, message)
            continue
        for case, policy in message:
            connection.send_bytes(pickle.dumps(guarded(respond, case, policy), pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    main()

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
from assay.outcome import Outcome
from assay.policy import Policy
from assay.subjects import Subject

# An Outcome, or with the role "reference" a ReferenceAnswer.
Respond = Callable[[Case, Policy], Any]


def answering(module: Any, role: str, aspects: Collection[str] | None = None) -> Respond:
    """How a worker of this role answers, observing what `aspects` need (None: all)."""
    if hasattr(module, "set_warn_always"):
        module.set_warn_always(True)
    if role == "reference":
        from assay.truth import reference_answer

        return lambda case, policy: reference_answer(case, module, policy, Want.of(policy, aspects))
    return lambda case, policy: answer(case, module, want=Want.of(policy, aspects))


def guarded(respond: Respond, case: Case, policy: Policy) -> Any:
    """The answer; where assay itself fails on it, an Outcome of status "harness" with the traceback."""
    try:
        return respond(case, policy)
    except Exception as error:
        how = f"{type(error).__name__}: {error}"
        return Outcome("harness", extra={"how": how[:300], "traceback": traceback.format_exc()})


def main() -> None:
    descriptor, role, kind, target, name, aspects = sys.argv[1:]
    # The subject must not meet our arguments in sys.argv, nor may it reach the pipe by number.
    sys.argv = ["assay"]
    connection = Connection(int(descriptor))
    try:
        respond = answering(Subject(name, kind, target).load(), role, aspects.split(",") if aspects else None)
    except BaseException:
        connection.send(("failed", traceback.format_exc()))
        return
    connection.send(("ready", ""))
    while True:
        try:
            jobs = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        for case, policy in jobs:
            connection.send_bytes(pickle.dumps(guarded(respond, case, policy), pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    main()

"""Runs of which one side, or both, is a recording: the cases are the recorded ones, nothing is drawn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from assay.case import Case
from assay.plan import Plan, policy_of
from assay.printed import printed
from assay.recording import Recording, RecordingError, opened
from assay.reproduce import Answered
from assay.subjects import Subject, SubjectError, parse
from assay.subjects.known import check
from assay.worker import Limits, Worker

#: PyTorch's random streams of normal deviates are the same under these, bit by bit.
_ALIKE = ("AVX2", "AVX512")


def sides(subject: str, against: str | None, setup: str = "") -> tuple[Subject, Subject]:
    """(subject, reference); against: the name of a recording, PyTorch itself without. Raises SubjectError."""
    who, reference = parse(subject, setup), parse(against or "torch")
    check(who)
    check(reference, "reference")
    if against and reference.kind != "recorded":
        raise SubjectError(f"{against!r} is no recording: give recorded:FILE, or recorded:2.13")
    return who, reference


def asked(subject: str, case: str, labels: Sequence[str], aspect: str = "", setup: str = "") -> list[str]:
    """What a subject answers to a case (JSON), in a process of its own, as lines of a failure's script (`printed`).

    Raises SubjectError, WorkerError, and ValueError for what is no case.
    """
    put = Case.from_json(case)
    with Worker(parse(subject, setup), "subject", Limits()) as worker:
        [outcome] = worker.answers([(put, policy_of(put.op))])
    return list(printed(outcome, labels, aspect))


def recordings(*sides: Subject) -> list[Recording]:
    """Those among the sides of a run. Raises RecordingError."""
    return [opened(side.target) for side in sides if side.kind == "recorded"]


def drawn_as(found: Sequence[Recording], profile: str | None, seed: int | None) -> tuple[str, int]:
    """(profile, seed) that recordings were drawn with. Raises RecordingError where they differ from each other, or from
    what is given."""
    first = found[0].header
    for other in found[1:]:
        if (other.header.profile, other.header.seed) != (first.profile, first.seed):
            raise RecordingError(f"{found[0].path} and {other.path} were not recorded with the same profile and seed")
    for name, wanted in (("profile", profile), ("seed", seed)):
        recorded = getattr(first, name)
        if wanted not in (None, recorded):
            raise RecordingError(f"{found[0].path} was recorded with --{name} {recorded}; leave out --{name} {wanted}")
    return first.profile, first.seed


def recorded_ops(found: Sequence[Recording], ops: Collection[str]) -> tuple[str, ...]:
    """Those of `ops` that all of `found` have, in the order of the recording. Raises RecordingError where one of them
    would be recorded otherwise now."""
    first, *others = found
    common = tuple(op for op in first.ops if op in ops and all(op in other.ops for other in others))
    for recording in found:
        recording.check((op, policy_of(op)) for op in common)
    return common


def recorded_cases(plan: Plan, ops: Sequence[str]) -> Iterator[Case]:
    """The cases of `ops` that every recorded side of a plan has. Raises RecordingError, as `recorded_ops` does."""
    first, *others = found = recordings(plan.subject, plan.reference)
    for op in recorded_ops(found, ops):
        yield from (case for case in first.cases(op) if all(case in other for other in others))


def require(found: Sequence[Recording], cases: Sequence[Case]) -> None:
    """Raises RecordingError where one of `cases` is not recorded."""
    for recording in found:
        lacking = [case for case in cases if case not in recording]
        if lacking:
            how_many = f"{len(lacking)} of {len(cases)} cases are not in {recording.path}"
            raise RecordingError(f"{how_many}, the first is\n{lacking[0].to_json()}")


def answered(plan: Plan, case: Case) -> list[Answered]:
    """What the recorded sides of a plan answer to one of their cases. Raises RecordingError, KeyError."""
    found = []
    for role, side in (("reference", plan.reference), ("subject", plan.subject)):
        if side.kind == "recorded":
            recording = opened(side.target)
            name = f"PyTorch {recording.header.torch}"
            found.append(Answered(role, name, side.name, recording.answer(case).outcome))
    return found


def same_capability(plan: Plan) -> bool:
    """Whether both sides draw the same normal deviates, if the subject is right. Of PyTorch on a machine of its own
    nobody knows."""
    if plan.subject.capability:
        return False
    if not plan.recorded:
        return True
    elsewhere = plan.subject.kind == "recorded" or plan.subject.target.partition(".")[0] == "torch"
    return not elsewhere and all(r.header.capability in _ALIKE for r in recordings(plan.reference))

"""Random programs: drawn validly, executed as written, judged without a false word, shortest where a chain differs."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from assay.case import Case, Named, TensorSpec, Values
from assay.catalog import catalog
from assay.drawing import draw_cases
from assay.execute import answer
from assay.judge import judge
from assay.ledger import Ledger
from assay.outcome import Verdict
from assay.plan import Plan
from assay.program import CALL, CHOICE, MadeOf, Program, Ref, Step, operation_of, operations_in, program_of
from assay.programs.families import CASES, programs
from assay.programs.simpler import needed, shorter, without
from assay.report.surface_text import coverage_lines
from assay.reproduce import script
from assay.result import Group
from assay.runner import Session, run
from assay.shrink import shrink
from assay.subjects import parse
from assay.subjects.adapter import Claims
from assay.surface import load_surface
from assay.testing.faulty_programs import FAULTS
from assay.truth import reference_answer

FAMILIES = tuple(programs())
A = TensorSpec((2, 3), "float32", Values("literal", literal=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0)), requires_grad=True)
B = TensorSpec((3,), "float32", Values("literal", literal=(-1.0, 0.5, 2.0)))


pytestmark = pytest.mark.usefixtures("torch_as_in_a_worker")


def drawn(profile: str = "quick", seed: int = 0, made_of: MadeOf | None = None) -> list[Case]:
    return [case for entry in programs().values() for case in draw_cases(entry, profile, seed, made_of)]


def case_of(*steps: Step, specs: tuple[TensorSpec, ...] = (A, B), returns: tuple[int, ...] | None = None) -> Case:
    last = (len(specs) + len(steps) - 1,) if returns is None else returns
    program = Program(steps, tuple(Ref(n) for n in last))
    return Case("programs.mixed", "program", CALL, (*specs, program), order=1, seed=5)


def verdicts(case: Case, subject: str = "torch") -> list[Verdict]:
    with Session(Plan(parse(subject), in_process=True)) as session:
        return [v for judged in session.judged([case]) for v in judged.verdicts]


# -- drawing


def test_the_same_seed_gives_the_same_programs_and_as_many_as_the_profile_says() -> None:
    first, again, other = drawn(seed=3), drawn(seed=3), drawn(seed=4)
    assert [c.to_json() for c in first] == [c.to_json() for c in again]
    assert not {c.id for c in first} & {c.id for c in other}
    assert len(first) == CASES["quick"]
    assert Counter(c.op for c in first) == dict.fromkeys(FAMILIES, CASES["quick"] // len(FAMILIES))
    assert all(Case.from_json(c.to_json()) == c for c in first)


def test_most_programs_are_valid_and_what_is_refused_is_refused_in_several_ways() -> None:
    found: dict[str, Counter[str]] = {op: Counter() for op in FAMILIES}
    texts = set()
    for case in drawn("standard", seed=1):
        outcome = answer(case, torch)
        problem = outcome.error or outcome.gradient_error
        assert problem is None or problem.stage != "build"
        found[case.op]["refused" if problem else "valid"] += 1
        if problem:
            texts.add((problem.stage, problem.text[:24]))
    for op, counts in found.items():
        assert counts["valid"] / counts.total() >= 0.7, op
    assert sum(counts["refused"] for counts in found.values()) >= 25
    assert {stage for stage, _ in texts} >= {"call", "backward"}
    assert len(texts) >= 5


def test_every_step_is_of_an_operation_that_the_catalogue_knows() -> None:
    operations = load_surface().operations_by_name
    calls = {s.call for c in drawn("standard") for s in program_of(c).steps} - {CHOICE}
    assert len(calls) > 100
    assert all(operation_of(call) in operations for call in calls), sorted(c for c in calls if not operation_of(c))


def test_programs_have_guards_choices_writes_and_steps_without_graph() -> None:
    steps = [s for c in drawn("standard") for s in program_of(c).steps]
    assert sum(s.guard is not None for s in steps) > 5
    assert sum(s.no_grad for s in steps) > 5
    assert sum(s.call == CHOICE for s in steps) > 5
    assert sum(s.call == "operator.setitem" for s in steps) > 50


def test_programs_are_no_operations_of_the_surface() -> None:
    lines = coverage_lines(uncovered=False)
    assert any("4 families of random programs" in line for line in lines)
    assert not any(op in line for line in lines for op in FAMILIES)


# -- claims


def test_programs_are_made_of_claimed_operations_alone() -> None:
    made_of = MadeOf(("add", "mul", "transpose", "sum"), writes=False)
    cases = drawn(made_of=made_of)
    assert len(cases) > 20
    for case in cases:
        assert operations_in(program_of(case)) <= set(made_of.operations)
        assert made_of.allows(program_of(case))
        assert not any(s.no_grad or s.guard or s.call.endswith("_") for s in program_of(case).steps)
        if case.order:
            returned = answer(case, torch).result
            answers = returned.items if hasattr(returned, "items") else (returned,)
            assert all(a.requires_grad for a in answers if "float" in a.dtype), case.to_json()


def test_programs_have_the_dtypes_and_gradients_that_there_are() -> None:
    cases = drawn(made_of=MadeOf(dtypes=("float32", "int64", "int32", "bool"), gradients=False))
    assert len(cases) > 20
    for case in cases:
        specs = [a for a in case.args if isinstance(a, TensorSpec)]
        assert {s.dtype for s in specs} <= {"float32", "int64", "int32", "bool"}
        assert not case.order
        assert not any(s.requires_grad for s in specs)


def test_a_plan_takes_the_claims_for_programs_whatever_was_asked_by_hand() -> None:
    claims = Claims(aspects=("values", "shape"), operations=("add", "mul"))
    plan = Plan(parse("torch"), asked=frozenset({"operations"})).within(claims)
    assert plan.claims("programs.views")
    assert plan.made_of == MadeOf(("add", "mul"), writes=False)
    assert Plan.from_json(plan.as_json()) == plan
    added = case_of(Step("torch.add", (Ref(0), Ref(1))))
    assert plan.takes(added)
    assert not plan.takes(case_of(Step("torch.sub", (Ref(0), Ref(1)))))
    assert not plan.takes(case_of(Step("operator.iadd", (Ref(1), 1.0))))


def test_a_step_that_is_lacking_is_missing_never_wrong() -> None:
    case = case_of(Step("torch.add", (Ref(0), 1)), Step("torch.no_such_name", (Ref(2),)))
    (verdict,) = verdicts(case)
    assert (verdict.status, verdict.detail) == ("missing", "torch.no_such_name is absent")


# -- execution


def test_a_program_is_executed_as_it_is_written() -> None:
    steps = (
        Step("Tensor.transpose", (Ref(0), 0, 1)),  # x2
        Step("operator.mul", (Ref(2), 2.0)),  # x3
        Step("Tensor.unbind", (Ref(3), 1)),  # x4
        Step("operator.gt", (Ref(1), 0.0)),  # x5
        Step("torch.where", (Ref(5), Ref(4, 1), Ref(1))),  # x6
        Step("Tensor.all", (Ref(5),)),  # x7: false
        Step("Tensor.mul_", (Ref(1), 10.0), guard=Ref(7)),  # left out
        Step("operator.setitem", (Ref(1), slice(0, 1), 7.0), no_grad=True),
        Step(CHOICE, (Ref(7), Ref(6), Ref(1))),  # x10 is x1
        Step("Tensor.to", (Ref(6), Named("float64")), {"copy": True}),
    )
    outcome = answer(case_of(*steps, returns=(6, 10, 11)), torch)
    first, chosen, cast = outcome.result.items
    assert torch.frombuffer(bytearray(first.data), dtype=torch.float32).tolist() == [-1.0, 10.0, 12.0]
    assert torch.frombuffer(bytearray(chosen.data), dtype=torch.float32).tolist() == [7.0, 0.5, 2.0]
    assert cast.dtype == "float64"
    assert outcome.mutated == (False, True)
    assert outcome.extra["same"] == (("1", "1"),)
    assert outcome.gradients is not None


def test_the_scale_knows_what_steps_round() -> None:
    """(1e6 + x) - 1e6 loses digits in its first step, which no change of the inputs by an ulp shows."""
    specs = (dataclasses.replace(B, requires_grad=False),)
    steps = (Step("torch.add", (Ref(0), 1e6)), Step("torch.sub", (Ref(1), 1e6)))
    case = dataclasses.replace(case_of(*steps, specs=specs), order=0)
    truth = reference_answer(case, torch, programs()["programs.mixed"].policy).truths["result"]
    assert truth.scale is not None
    scale = torch.frombuffer(bytearray(truth.scale), dtype=torch.float64)
    assert (scale > 1e5).all()


# -- the null test


def test_torch_conforms_to_itself_on_programs() -> None:
    for case in drawn(seed=11):
        policy = programs()[case.op].policy
        reference = reference_answer(case, torch, policy)
        assert not reference.note, case.to_json()
        found = judge(case, reference, answer(case, torch), policy)
        assert all(v.status == "conforms" and not v.unjudged for v in found), (found, case.to_json())


# -- planted faults

#: Fault -> the family that shows it, an aspect it shows in, how many steps are enough.
CHAINS = {
    "BaseKeepsItsElements": ("programs.inplace", "mutation", 2),
    "VersionsUnchecked": ("programs.inplace", "error", 3),
    "UpdateOfAViewUnrecorded": ("programs.inplace", "gradients", 4),
    "FlattenedAsItLies": ("programs.views", "values", 2),
    "SecondUseUnrecorded": ("programs.views", "gradients", 3),
    "NoGradRecords": ("programs.branches", "gradients", 1),
    "DetachedIsNot": ("programs.branches", "gradients", 1),
    "LeavesMayBeUpdated": ("programs.inplace", "error", 1),
    "PartsMayBeUpdated": ("programs.inplace", "error", 2),
}


def test_every_planted_fault_is_tried() -> None:
    assert CHAINS.keys() == FAULTS.keys()


def found_group(session: Session, family: str, aspect: str) -> Group:
    """The first deviation in an aspect, in a standard run over the family."""
    for seed in range(3):
        cases = list(draw_cases(programs()[family], "standard", seed))
        for start in range(0, len(cases), 25):
            for group in run(session, cases[start : start + 25]).groups.values():
                if group.aspect == aspect:
                    return group
    raise AssertionError(f"nothing deviates in {aspect}")


@pytest.mark.parametrize("name", CHAINS)
def test_a_fault_of_chains_is_caught_and_shrunk_to_the_short_chain(name: str) -> None:
    family, aspect, steps = CHAINS[name]
    with Session(Plan(parse(f"assay.testing.faulty_programs:{name}"), in_process=True)) as session:
        group = found_group(session, family, aspect)
        shrunk, detail = shrink(session, group)
    program = program_of(shrunk)
    assert len(program.steps) <= steps, script(shrunk, "torch", aspect, detail)
    assert len(program.steps) <= len(program_of(group.case).steps)
    assert detail


@pytest.mark.parametrize("name", ["BaseKeepsItsElements", "UpdateOfAViewUnrecorded", "SecondUseUnrecorded"])
def test_no_single_call_shows_it(name: str) -> None:
    cases = [c for op in ("mul", "neg") for c in draw_cases(catalog()[op], "quick", 2)]
    with Session(Plan(parse(f"assay.testing.faulty_programs:{name}"), in_process=True)) as session:
        assert run(session, cases).failing == []


# -- shorter programs


def test_steps_that_the_answer_does_not_need_are_left_out() -> None:
    steps = (
        Step("torch.neg", (Ref(0),)),  # x2
        Step("torch.exp", (Ref(0),)),  # x3, which nobody takes
        Step("Tensor.t", (Ref(2),)),  # x4
        Step("Tensor.mul_", (Ref(4), 2.0)),  # writes into x2
        Step("torch.sum", (Ref(2),)),  # x6
    )
    kept = needed(Program(steps, (Ref(6),)), 2)
    assert [s.call for s in kept.steps] == ["torch.neg", "Tensor.t", "Tensor.mul_", "torch.sum"]
    assert kept.steps[3].args == (Ref(2),)
    assert kept.returns == (Ref(5),)


def test_who_took_what_is_left_out_takes_what_that_took() -> None:
    steps = (Step("Tensor.unbind", (Ref(0), 0)), Step("torch.neg", (Ref(2, 1),)), Step("torch.exp", (Ref(3),)))
    program = Program(steps, (Ref(4),))
    assert without(program, 2, range(1)) == Program(
        (Step("torch.neg", (Ref(0),)), Step("torch.exp", (Ref(2),))), (Ref(3),)
    )
    assert without(program, 2, range(1, 3)).returns == (Ref(2, 1),)


def test_every_candidate_is_a_program_whose_values_are_there() -> None:
    for case in drawn(seed=5)[::4]:
        for candidate in shorter(case):
            program, count = program_of(candidate), len(candidate.args) - 1
            for at, step in enumerate(program.steps):
                refs = list(_refs((step.args, step.guard)))
                assert all(r.index < count + at for r in refs)
            assert program.returns
            assert all(r.index < count + len(program.steps) for r in program.returns)


def _refs(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _refs(item)


# -- scripts


def test_a_script_writes_the_program_as_a_person_would(tmp_path: Path) -> None:
    steps = (
        Step("Tensor.transpose", (Ref(0), 0, 1)),
        Step("operator.getitem", (Ref(2), (slice(1, None), Ellipsis))),
        Step("operator.gt", (Ref(1), 0.5)),
        Step("Tensor.any", (Ref(4),)),
        Step("Tensor.add_", (Ref(1), 1.0), {"alpha": 2}, guard=Ref(5)),
        Step("operator.matmul", (Ref(0), Ref(1))),
        Step("torch.mul", (Ref(7), Ref(7)), no_grad=True),
        Step("operator.setitem", (Ref(8), 0, 3.0)),
        Step(CHOICE, (Ref(5), Ref(7), Ref(8))),
    )
    source = script(case_of(*steps, returns=(3, 10)), "torch", "values", "nothing")
    body = source.split("case.leaves = [x0]\n")[1].split("\n\n")[0]
    assert [line.removeprefix("    ") for line in body.splitlines()] == [
        "x2 = x0.transpose(0, 1)",
        "x3 = x2[1:, ...]",
        "x4 = x1 > 0.5",
        "x5 = x4.any()",
        "if x5:",
        "    x1.add_(1.0, alpha=2)",
        "x7 = x0 @ x1",
        "with torch.no_grad():",
        "    x8 = torch.mul(x7, x7)",
        "x8[0] = 3.0",
        "x10 = x7 if x5 else x8",
        "return (x3, x10)",
    ]
    assert both_answers(tmp_path, source, "torch") == ["same"]


PLANTED = """
import contextlib
import torch

def __getattr__(name):
    return getattr(torch, name)

no_grad = contextlib.nullcontext
"""


def both_answers(tmp_path: Path, source: str, subject: str) -> list[str]:
    """Whether the two answers that a script prints are the "same" or "different"."""
    (tmp_path / "planted_programs.py").write_text(PLANTED)
    (tmp_path / "failure.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "failure.py", subject],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "raised SyntaxError" not in done.stdout
    _, *answers = done.stdout.replace(f"{subject} answers:", "torch answers:").split("torch answers:\n")
    return ["same" if answers[0] == answers[1] else "different"]


def test_the_script_of_a_shrunk_program_reproduces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted_programs.py").write_text(PLANTED)
    monkeypatch.syspath_prepend(str(tmp_path))
    with Session(Plan(parse("planted_programs"), in_process=True)) as session:
        group = found_group(session, "programs.branches", "gradients")
        shrunk, detail = shrink(session, group)
    source = script(shrunk, "planted_programs", "gradients", detail)
    assert "with torch.no_grad():" in source
    assert both_answers(tmp_path, source, "planted_programs") == ["different"]
    assert any(v.status == "deviates" and v.aspect == "gradients" for v in verdicts(shrunk, "planted_programs"))


# -- the ledger

KNOWN = """
[[known]]
op = "{op}"
aspect = "{aspect}"
detail = '{detail}'
variant = "{variant}"
reason = "as it is"
link = "measured"
"""


@pytest.mark.parametrize(
    ("op", "aspect", "detail", "variant", "status"),
    [
        ("sum", "dtype", "", "*", "known"),  # shows as values later on
        ("sum", "values", "nan", "*", "deviates"),  # in these words alone
        ("sum", "values", "expected", "function", "known"),
        ("sum", "values", "expected", "method", "deviates"),  # the program calls torch.sum
        ("sum", "gradients", "", "*", "deviates"),  # not a fault of derivatives
        ("mean", "values", "", "*", "deviates"),
        ("programs.*", "values", "", "*", "known"),
    ],
)
def test_a_known_deviation_of_a_step_is_known_of_the_program(
    op: str, aspect: str, detail: str, variant: str, status: str
) -> None:
    ledger = Ledger.parse(KNOWN.format(op=op, aspect=aspect, detail=detail, variant=variant))
    case = case_of(Step("torch.sum", (Ref(0),)), Step("torch.neg", (Ref(2),)))
    verdict = ledger.apply(case, Verdict("values", "deviates", "result = 1; expected 2"))
    assert verdict.status == status
    assert ledger.stale() == ([] if op == "programs.*" else list(ledger.known)), "programs prove no entry alive"
    assert ledger.apply(case, Verdict("structure", "crash", "died")).status == "crash"

"""Runs: counting, grouping, ledger, shrinking, determinism. The subject is a torch with planted faults."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest

from assay import roots
from assay.case import Case, TensorSpec, Values
from assay.catalog import catalog, everything
from assay.doubt import LOOKS, Glances
from assay.drawing import draw_cases
from assay.feed import DrawingError, Feed
from assay.judge import ASPECTS, aspects_of
from assay.ledger import Ledger, LedgerError
from assay.outcome import Verdict
from assay.plan import Plan, select, wanted
from assay.policy import Policy
from assay.report.result_json import as_json
from assay.report.terminal import say_failures, summary, table_text
from assay.result import Cell, Result, kind_of
from assay.runner import Session, run
from assay.shrink import shrink
from assay.subjects import parse
from assay.truth import reference_answer

WRAPPED = """
import torch

def __getattr__(name):
    return getattr(torch, name)

"""


@pytest.fixture
def planted(tmp_path, monkeypatch, request):
    """Write a module that is torch but for what is planted; gives its name."""

    def plant(body: str) -> str:
        name = f"planted_{request.node.name.partition('[')[0]}"
        (tmp_path / f"{name}.py").write_text(WRAPPED + textwrap.dedent(body))
        monkeypatch.syspath_prepend(str(tmp_path))
        return name

    return plant


def cases_of(*ops: str, profile: str = "quick", seed: int = 0) -> list[Case]:
    return [case for op in ops for case in draw_cases(catalog()[op], profile, seed)]


def run_in_process(subject: str, cases: list[Case], ledger: Ledger | None = None, **plan) -> Result:
    with Session(Plan(parse(subject), in_process=True, **plan), ledger) as session:
        return run(session, cases)


def told(result: Result) -> dict:
    """The result as JSON, but for the times."""
    return {k: v for k, v in as_json(result).items() if k not in ("started", "seconds")}


SUM = "def sum(*args, **kwargs): return torch.sum(*args, **kwargs) * 1.01"


def test_torch_conforms_to_torch():
    result = run_in_process("torch", cases_of("add", "sum", "max", "view", "rand"))
    assert result.failing == []
    assert result.missing == {}
    assert {c.status for c in result.cells.values()} == {"conforms"}
    assert {key[0] for key in result.cells} == {"add", "sum", "max", "view", "rand"}
    assert "conforms" in summary(result)
    assert "total" in table_text(result)


def test_a_planted_fault_is_blamed_on_its_operation(planted):
    result = run_in_process(planted(SUM), cases_of("add", "sum", "mul"))
    assert {g.op for g in result.failing} == {"sum"}
    assert result.cells["sum", "function", "values"].status == "deviates"
    assert result.cells["add", "function", "values"].status == "conforms"


def test_the_same_seed_gives_the_same_verdicts(planted):
    subject = planted(SUM)
    once, again = (told(run_in_process(subject, cases_of("sum", "any", seed=3))) for _ in range(2))
    assert once == again
    assert told(run_in_process(subject, cases_of("sum", "any", seed=4)))["failures"] != once["failures"]


def test_a_second_look_before_blame(planted, monkeypatch):
    """The truth is looked for where bytes differ; whoever is refused by finitely many units is judged again, by a scale
    of more perturbations; nobody else is."""
    asked = []

    def answer(case, module, policy, want):
        asked.append(policy.looks)
        return reference_answer(case, module, policy, want)

    monkeypatch.setattr("assay.truth.reference_answer", answer)
    case = Case("sum", "function", "torch.sum", (TensorSpec((4,), "float32"),))
    assert run_in_process("torch", [case]).failing == []
    assert asked == [0]
    result = run_in_process(planted(SUM), [case, case])
    assert [(g.op, g.cases) for g in result.failing] == [("sum", 2)]
    assert asked[1:5] == [0, 0, 2, 2]
    assert asked[5:] == [LOOKS] * 4, "what deviates is confirmed, with more looks from the start"


OTHER_BITS = """
def exp(x, **kwargs):
    return torch.exp(x.double(), **kwargs).to(x.dtype) if x.dtype == torch.float32 else torch.exp(x, **kwargs)
"""


def test_verdicts_do_not_depend_on_how_the_reference_is_asked_first(planted, monkeypatch):
    subject, cases = planted(OTHER_BITS + SUM), cases_of("exp", "sum", "std", "softmax", seed=2)
    asked = []

    def answer(case, module, policy, want):
        asked.append(policy.looks)
        return reference_answer(case, module, policy, want)

    monkeypatch.setattr("assay.truth.reference_answer", answer)
    glances = told(run_in_process(subject, cases))
    bare = asked.count(0)
    assert 0 < asked.count(2) < bare == len(cases)
    monkeypatch.setattr("assay.runner.Glances.policy", lambda self, case, policy: policy)
    assert told(run_in_process(subject, cases)) == glances
    assert asked.count(0) == bare


def test_where_the_bare_answer_seldom_does_it_is_not_asked_for():
    glances, policy = Glances(), Policy()
    exp, sin = (Case(op, "function", f"torch.{op}", (TensorSpec((4,), "float32"),)) for op in ("exp", "sin"))
    assert glances.policy(exp, policy).looks == 0
    glances.insufficient(exp)
    assert glances.policy(exp, policy) == policy
    assert glances.policy(sin, policy) == replace(policy, looks=0)


def test_processes_and_in_process_give_the_same_verdicts(planted):
    subject = planted(SUM)
    apart = Plan(parse(subject))
    feed = Feed(["sum", "neg"], "quick", 1)
    with Session(apart) as session:
        there = told(run(session, feed))
    feed.close()
    here = told(run_in_process(subject, cases_of("sum", "neg", seed=1)))
    assert there == here


def test_missing_is_counted_and_named_but_fails_nothing(planted):
    body = """
    def sum(*args, **kwargs): raise NotImplementedError("sum is not implemented")
    def __getattr__(name):
        if name == "exp": raise AttributeError(name)
        return getattr(torch, name)
    """
    result = run_in_process(planted(body), cases_of("sum", "exp", "mul"), aspects=aspects_of(["core"]))
    assert result.failing == []
    assert result.missing["sum"][0] in ("function", "out")
    assert "function" in result.missing["exp"]
    assert "mul" not in result.missing


def test_scored_aspects_fail_only_when_asked(planted):
    body = """
    import warnings
    def neg(*args, **kwargs):
        warnings.warn("unheard of")
        return torch.neg(*args, **kwargs)
    """
    subject = planted(body)
    lenient = run_in_process(subject, cases_of("neg"))
    assert lenient.failing == []
    assert lenient.cells["neg", "function", "warnings"].status == "deviates"
    strict = run_in_process(subject, cases_of("neg"), strict_text=True)
    assert {g.aspect for g in strict.failing} == {"warnings"}


def test_max_failures_stops_the_run_and_leaves_the_workers_free(planted):
    plan = Plan(parse(planted(SUM)), max_failures=1)
    with Session(plan) as session:
        result = run(session, cases_of("sum", "add"))
        assert result.stopped
        assert len(result.failing) == 1
        plain = Case("mul", "function", "torch.mul", (TensorSpec((2,), "float32"), 2))
        (judged,) = session.judged([plain])
    assert judged.case == plain
    assert {v.status for v in judged.verdicts} == {"conforms"}


def test_shrinking_keeps_operation_aspect_and_kind(planted):
    big = TensorSpec((4, 5, 3), "float32", Values("normal", 7))
    case = Case("sum", "function", "torch.sum", (big,), {"dim": (0, 2), "keepdim": True})
    with Session(Plan(parse(planted(SUM)), in_process=True)) as session:
        result = run(session, [case])
        group = next(g for g in result.failing if g.aspect == "values")
        small, detail = shrink(session, group)
        verdicts = next(session.judged([small])).verdicts
    assert small.op == "sum"
    assert "expected" in detail
    assert any(v.aspect == "values" and v.status == "deviates" for v in verdicts)
    spec = small.args[0]
    assert len(spec.shape) < 3 or spec.shape == (1, 1, 1)
    assert small.kwargs == {} or len(small.kwargs) < 2


def test_failures_raised_in_one_place_are_told_as_one(planted, tmp_path):
    body = """
    def _inside(x): raise ValueError("broken inside")
    def exp(*a, **k): return _inside(a)
    def neg(*a, **k): return _inside(a)
    def abs(*a, **k): raise ValueError("broken here")
    """
    subject = planted(body)
    cases = [Case(op, "function", f"torch.{op}", (TensorSpec((2,), "float32"),)) for op in ("exp", "neg", "abs")]
    result = run_in_process(subject, cases)
    causes = {g.op: g.cause for g in result.failing}
    assert causes["exp"] == causes["neg"]
    assert causes["exp"].startswith("_inside (")
    assert f"{subject}.py:" in causes["abs"]
    assert causes["abs"].startswith("abs (")
    result.roots = roots.find(result, {})
    lines: list[str] = []
    say_failures(result, tmp_path, lines.append)
    text = "\n".join(lines)
    assert text.count("    case   ") == 2
    told = f"    also fails, raised in the same place of the subject, {causes['exp']}:\n        neg · structure"
    assert told in text


# Ledger

KNOWN = """
[[known]]
op = "sum"
aspect = "{aspect}"
dtype = "float*"
reason = "sums are one percent generous here"
link = "https://example.org/why"
"""


def test_known_deviations_are_known_with_their_reason(planted):
    cases = [c for c in cases_of("sum") if wanted(c, ("float32", "float64")) and not c.invalid]
    ledger = Ledger.parse(KNOWN.format(aspect="*"))
    result = run_in_process(planted(SUM), cases, ledger)
    assert all(g.op != "sum" for g in result.failing if g.aspect == "values")
    cell = result.cells["sum", "function", "values"]
    assert cell.status == "known"
    assert "one percent generous" in cell.detail
    assert "example.org" in cell.detail


def test_an_entry_that_matches_nothing_in_a_full_run_is_reported():
    ledger = Ledger.parse(KNOWN.format(aspect="values"))
    assert [k.op for k in run_in_process("torch", cases_of("neg"), ledger).stale] == ["sum"]
    assert run_in_process("torch", cases_of("neg"), ledger, only=("neg",)).stale == []
    assert run_in_process("torch", cases_of("neg"), ledger, profile="quick").stale == []


def test_cases_that_are_given_make_no_full_run():
    ledger = Ledger.parse(KNOWN.format(aspect="values"))
    assert run_in_process("torch", cases_of("neg"), ledger, drawn=False).stale == []
    assert run_in_process("torch", cases_of("neg"), ledger, max_failures=1).stale == []
    assert run_in_process("torch", cases_of("neg"), ledger, aspects=("dtype",)).stale == [], "values are not asked for"


def test_the_case_of_an_entry_is_tried_in_a_full_run(planted):
    case = Case("sum", "function", "torch.sum", (TensorSpec((2,), "float32", Values("ones")),))
    text = KNOWN.format(aspect="values") + f"case = '{case.to_json()}'\n"
    assert [k.op for k in run_in_process("torch", cases_of("neg"), Ledger.parse(text)).stale] == ["sum"]
    result = run_in_process(planted(SUM), cases_of("neg"), Ledger.parse(text))
    assert result.stale == []
    assert result.cells["sum", "function", "values"].status == "known"
    with pytest.raises(LedgerError, match="has a case that is none"):
        Ledger.parse(KNOWN.format(aspect="values") + "case = '{}'\n")


def test_a_crash_is_never_known():
    case = Case("sum", "function", "torch.sum", (TensorSpec((2,), "float32"),))
    ledger = Ledger.parse(KNOWN.format(aspect="*"))
    for status in ("crash", "timeout", "memory", "missing", "conforms"):
        verdict = Verdict("structure", status)
        assert ledger.apply(case, verdict) is verdict
    assert ledger.apply(case, Verdict("values", "deviates", "x")).status == "known"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[known]]\nop='a'\naspect='b'\nreason='c'", "lacks link"),
        ("[[known]]\nop='a'\naspect='b'\nreason=' '\nlink='d'", "lacks reason"),
        ("[[known]]\nop='a'\naspect='b'\nreason='c'\nlink='d'\nwhy='e'", "unknown keys"),
        ("[[other]]\nop='a'", r"only \[\[known\]\]"),
        ("[[known]]\nop='a'\naspect='b'\nreason='c'\nlink='d'\ndetail='('", "no regular expression"),
        ("[[known]]\nop=1\naspect='b'\nreason='c'\nlink='d'", "op that is no text"),
        ("known = 3", r"only \[\[known\]\]"),
        (
            "[[known]]\nop='a'\naspect='b'\nreason='c'\nlink='d'\n[[known]]\nop='e'\naspect='f'\nreason=''\nlink=''",
            "e · f",
        ),
        ("[[known", "Expected"),
    ],
)
def test_ledgers_that_say_too_little_are_refused(text, complaint):
    with pytest.raises(LedgerError, match=complaint):
        Ledger.parse(text)


def test_the_packaged_ledgers_are_well_formed():
    assert all(k.reason and k.link for k in Ledger.packaged("flambeau").known)
    assert Ledger.packaged("no_such_subject").known == ()


# Counting


def test_a_cells_status_is_the_worst_of_its_verdicts():
    order = ["conforms", "known", "missing", "deviates", "timeout", "memory", "crash"]
    cell = Cell("sum", "function", "values")
    cell.add(Verdict("values", "unjudged", "who knows"), "float32")
    assert cell.status == "unjudged"
    for status in order:
        cell.add(Verdict("values", status, f"because {status}"), "float32")
        assert cell.status == status
        if status != "conforms":
            assert cell.detail == f"because {status}"
    assert cell.cases == len(order) + 1


def test_kinds_tell_deviations_apart_but_not_numbers():
    def kind(aspect, detail):
        return kind_of(Verdict(aspect, "deviates", detail))

    assert kind("values", "result[1, 2] = 3; expected 4") == kind("values", "result = 0.5; expected 0.25")
    assert kind("values", "result[1, 2] = nan; expected 4") != kind("values", "result[1, 2] = 3; expected 4")
    assert kind("error", "raised TypeError: a; expected RuntimeError: b") == "TypeError → RuntimeError"
    refused = "raised TypeError: add() got an unexpected keyword argument '{}'; expected returned Tensor(float32, [])"
    assert kind("structure", refused.format("out")) != kind("structure", refused.format("alpha"))
    assert kind("dtype", "result: float32; expected int64") != kind("dtype", "result: float32; expected int32")
    assert kind("text", "result.grad_fn is A; expected B") != kind("text", "result prints 'a'; expected 'b'")


def test_dtypes_are_those_of_the_first_tensor():
    index = TensorSpec((2,), "int64")
    case = Case("gather", "function", "torch.gather", (TensorSpec((2,), "float16"), 0, index))
    assert wanted(case, ())
    assert wanted(case, ("float16",))
    assert not wanted(case, ("int64",))
    assert wanted(Case("zeros", "function", "torch.zeros", (2,)), ("float32",))


def test_selection_by_glob():
    assert select(("sum", "mea?")) == [op for op in everything() if op in ("sum", "mean")]
    assert select(("no_such*",)) == []
    assert select(()) == list(everything())


def test_a_failure_of_assay_itself_is_told_apart(monkeypatch):
    broken = Case("sum", "function", "torch.sum", (TensorSpec((2,), "float32", Values("no such plan")),))
    monkeypatch.setattr("assay.execute.Run.outcome", lambda self: 1 / 0)
    result = run_in_process("torch", [broken])
    assert len(result.harness_errors) == 1
    assert "ZeroDivisionError" in result.harness_errors[0][1]
    assert result.failing == []


def test_a_case_that_cannot_be_judged_costs_only_itself(monkeypatch):
    judged = []

    def judge(case, *rest, **options):
        judged.append(case)
        if len(judged) == 1:
            raise KeyError("no such scale")
        return [Verdict("values", "conforms")]

    monkeypatch.setattr("assay.runner.judge", judge)
    case = Case("neg", "function", "torch.neg", (TensorSpec((2,), "float32"),))
    result = run_in_process("torch", [case, case])
    assert result.cases == 2
    assert "KeyError" in result.harness_errors[0][1]
    assert result.cells["neg", "function", "values"].counts == {"conforms": 1}


def test_drawing_that_fails_is_told():
    feed = Feed(["no such operation"], "quick", 0)
    with pytest.raises(DrawingError, match="KeyError"):
        feed.take()
    feed.close()


def test_every_aspect_has_a_place_in_a_plan():
    assert set(Plan(parse("torch")).aspects) == set(ASPECTS)


def test_shrinking_finds_the_one_bad_element_wherever_it_is(planted):
    body = """
    def exp(x):
        y = torch.exp(x)
        return torch.where(x == 7.5, y * 1.01, y)
    """
    numbers = tuple(0.25 * i for i in range(40))
    spec = TensorSpec((2, 5, 4), "float32", Values("literal", literal=numbers), requires_grad=True)
    with Session(Plan(parse(planted(body)), in_process=True)) as session:
        result = run(session, [Case("exp", "function", "torch.exp", (spec,), order=1)])
        small, _ = shrink(session, next(g for g in result.failing if g.aspect == "values"))
    assert small.args[0].values == Values("literal", literal=(7.5,))
    assert small.order == 0
    assert small.args[0].shape == ()


def test_the_reference_is_not_asked_for_what_is_absent(tmp_path, monkeypatch):
    (tmp_path / "lacks_exp.py").write_text(
        "import torch\n\ndef __getattr__(name):\n    if name == 'exp':\n        raise AttributeError(name)\n"
        "    return getattr(torch, name)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    one = TensorSpec((2,), "float32")
    cases = [Case(name, "function", f"torch.{name}", (one,)) for name in ("exp", "sin", "exp", "sin")]
    with Session(Plan(parse("lacks_exp"), in_process=True)) as session:
        judged = list(session.judged(cases))
    assert [j.reference.outcome.status for j in judged] == ["missing", "returned"] * 2
    assert [j.verdicts[0].status for j in judged] == ["missing", "conforms"] * 2

"""Failures of one root are told together, by evidence from the run alone."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from assay import roots
from assay.called import called_by
from assay.case import Case, Layout, TensorSpec, Values
from assay.plan import Plan
from assay.report.markdown import markdown
from assay.report.payload import payload
from assay.report.result_json import as_json, from_json
from assay.report.results import Run
from assay.report.terminal import say_failures
from assay.result import Result, Root
from assay.runner import Session, run
from assay.subjects import parse

LIBRARY = """
import torch

def __getattr__(name):
    return getattr(torch, name)

"""
#: A library whose mean and var are made of its sum, which is wrong; its functions come from one factory.
BROKEN_SUM = """
def public(body):
    def function(*args, **kwargs):
        return body(*args, **kwargs)
    return function

def _sum(x, *args, **kwargs):
    result = torch.sum(x, *args, **kwargs)
    return result * 1.01 if result.is_floating_point() else result

def _mean(x):
    return sum(x) / x.numel()

def _var(x):
    return sum((x - mean(x)) ** 2) / (x.numel() - 1)

def _logsumexp(x, dim):
    return torch.logsumexp(x, dim) * 1.01

def _exp(x):
    return torch.exp(x)

sum, mean, var, logsumexp, exp = map(public, (_sum, _mean, _var, _logsumexp, _exp))
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest):
    """Write a library that is torch but for what is planted; gives its name."""

    def plant(body: str) -> str:
        name = f"library_of_{request.node.name}"
        (tmp_path / f"{name}.py").write_text(LIBRARY + textwrap.dedent(body))
        monkeypatch.syspath_prepend(str(tmp_path))
        return name

    return plant


def one(op: str, *rest: object, **kwargs: object) -> Case:
    spec = TensorSpec((3, 2), "float64", Values("positive", 5))
    return Case(op, "function", f"torch.{op}", (spec, *rest), kwargs)


def judged(subject: str, cases: list[Case], **asked: object) -> Result:
    plan = Plan(parse(subject), in_process=True, **asked)
    with Session(plan) as session:
        result = run(session, cases)
    examples = {roots.name_of(g): g.case for g in result.failing}
    result.roots = roots.find(result, called_by(session.plan, examples))
    return result


def ops(root: Root) -> list[str]:
    return list(dict.fromkeys(name[0] for name in root.failures))


def test_what_calls_a_broken_operation_is_told_under_it(library, tmp_path: Path) -> None:
    cases = [one("exp"), one("var"), one("mean"), one("logsumexp", 0), one("sum")]
    result = judged(library(BROKEN_SUM), cases)
    assert {g.op for g in result.failing} == {"sum", "mean", "var", "logsumexp"}
    (root,) = result.roots
    assert (root.kind, root.what) == ("calls", "sum")
    assert ops(root) == ["sum", "var", "mean"], "the operation that is broken stands in front"
    assert {name[1] for name in root.failures} == {"values"}

    lines: list[str] = []
    say_failures(result, tmp_path, lines.append)
    text = "\n".join(lines)
    assert text.count("    case   ") == 2, "sum with those that call it, and logsumexp"
    assert (
        "    also fails, all of sum, or of operations that call it and fail in the same aspects:\n        var · values"
        in text
    )


def test_reports_tell_the_same_roots(library) -> None:
    result = judged(library(BROKEN_SUM), [one("var"), one("mean"), one("logsumexp", 0), one("sum")])
    data = json.loads(json.dumps(as_json(result)))
    (root,) = data["roots"]
    assert [data["failures"][i]["op"] for i in root["failures"]] == ["sum", "var", "mean"]
    assert root["because"] == "all of sum, or of operations that call it and fail in the same aspects"
    assert from_json(data, result.plan).roots == result.roots

    told = Run("run", data)
    text = markdown(told)
    assert f"Also fails, {root['because']}: `var` · values, `mean` · values\n" in text
    assert text.count("<details>") == 2
    (page,) = payload([told])["runs"]
    assert page["roots"] == [[root["because"], root["failures"]]]
    assert payload([Run("old", {k: v for k, v in data.items() if k != "roots"})])["runs"][0]["roots"] == []


def test_a_root_holds_all_aspects_in_which_it_fails(library) -> None:
    spec = TensorSpec((3,), "float64", Values("positive", 5), requires_grad=True)
    cases = [Case(op, "function", f"torch.{op}", (spec,), order=1) for op in ("mean", "sum")]
    (root,) = judged(library(BROKEN_SUM), cases, aspects=("values", "gradients")).roots
    told = [name[:2] for name in root.failures]
    assert told == [("sum", "values"), ("sum", "gradients"), ("mean", "values"), ("mean", "gradients")]


def test_who_calls_a_sound_operation_is_on_its_own(library) -> None:
    body = """
    def sum(x): return torch.sum(x)
    def mean(x): return sum(x) / x.numel() * 1.01
    def var(x): return torch.var(x) * 1.01
    """
    result = judged(library(body), [one("sum"), one("mean"), one("var")])
    assert {g.op for g in result.failing} == {"mean", "var"}
    assert result.roots == []


def test_operations_that_call_each_other_have_no_root(library) -> None:
    body = """
    def exp(x, deep=True): return torch.exp(x) * 1.01 + (0 if not deep else expm1(x, False) * 0)
    def expm1(x, deep=True): return torch.expm1(x) * 1.01 + (0 if not deep else exp(x, False) * 0)
    """
    result = judged(library(body), [one("exp"), one("expm1")])
    assert {g.op for g in result.failing} == {"exp", "expm1"}
    assert result.roots == []


def test_a_broken_reader_of_layouts_is_one_root(library) -> None:
    body = """
    def _reading(name):
        sound = getattr(torch, name)
        def function(x, *args, **kwargs):
            if isinstance(x, torch.Tensor) and not x.is_contiguous() and "out" not in kwargs:
                memory = torch.as_strided(x, (x.untyped_storage().nbytes() // x.element_size(),), (1,), 0)
                x = memory[: x.numel()].reshape(x.shape) if memory.numel() >= x.numel() else x
            return sound(x, *args, **kwargs)
        return function

    sin, cos, tanh, neg = map(_reading, ("sin", "cos", "tanh", "neg"))

    def exp(x, **kwargs): return torch.exp(x, **kwargs) * 1.01
    """
    layouts = (Layout(), Layout("permuted", (1, 0)), Layout("stepped", (1,)), Layout("permuted", (1, 0)))
    cases = [
        Case(op, "function", f"torch.{op}", (TensorSpec((3, 2), dtype, Values("positive", i), layout),))
        for op in ("sin", "cos", "tanh", "neg", "exp")
        for i, layout in enumerate(layouts)
        for dtype in ("float32", "float64")
    ]
    (root,) = judged(library(body), cases, aspects=("values",)).roots
    assert (root.kind, root.what) == ("trait", "non-contiguous")
    assert ops(root) == ["sin", "cos", "tanh", "neg"]
    assert root.because == "only cases with this deviate: non-contiguous"


def test_a_broken_dtype_is_one_root(library) -> None:
    body = """
    def _rough(name):
        sound = getattr(torch, name)
        def function(x, *args, **kwargs):
            result = sound(x, *args, **kwargs)
            return result * 1.125 if result.dtype == torch.float16 and "out" not in kwargs else result
        return function

    sin, cos, tanh = map(_rough, ("sin", "cos", "tanh"))
    """
    spec = TensorSpec((3,), "float16", Values("positive", 5))
    cases = [
        Case(op, "function", f"torch.{op}", (TensorSpec((n,), dtype, spec.values),))
        for op in ("sin", "cos", "tanh")
        for n in (1, 2, 3)
        for dtype in ("float16", "float32")
    ]
    (root,) = judged(library(body), cases).roots
    assert (root.kind, root.what) == ("trait", "float16")
    assert sorted(ops(root)) == ["cos", "sin", "tanh"]


def test_a_trait_of_all_cases_is_no_root(library) -> None:
    """Nothing else was put to the test, so nothing says that the trait matters."""
    body = "\n".join(f"def {op}(x): return torch.{op}(x) * 1.01" for op in ("sin", "cos", "tanh"))
    spec = TensorSpec((2, 3), "float64", Values("positive", 5), Layout("permuted", (1, 0)))
    cases = [Case(op, "function", f"torch.{op}", (spec,)) for op in ("sin", "cos", "tanh")]
    result = judged(library(body), cases)
    assert len(result.failing) == 3
    assert result.roots == []


def test_the_same_words_are_one_root_where_no_place_is_known() -> None:
    result = Result(Plan(parse("torch")))
    for op, detail in (
        ("sin", "raised RuntimeError: no kernel 12 for Half; expected returned Tensor(float16, [2])"),
        ("cos", "raised RuntimeError: no kernel 7 for Half; expected returned Tensor(float16, [3])"),
        ("tan", "raised RuntimeError: out of luck; expected returned Tensor(float16, [3])"),
    ):
        name = (op, "structure", "deviates", "RuntimeError")
        result.groups[name] = roots.Group(*name, one(op), detail, cases=1)
    (root,) = roots.find(result, {})
    assert (root.kind, root.what) == ("words", "RuntimeError: no kernel 12 for Half")
    assert ops(root) == ["sin", "cos"]

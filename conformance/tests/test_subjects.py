"""Subjects by name: what the command line accepts, and what each kind of subject answers."""

from __future__ import annotations

import textwrap

import pytest

from assay.case import Case, Named, TensorSpec, Values
from assay.judge import ASPECTS
from assay.plan import Plan
from assay.program import CALL, MadeOf, Program, Ref, Step
from assay.record import Judged
from assay.runner import Session
from assay.subjects import Adapter, Claims, ClaimsError, Subject, SubjectError, parse
from assay.subjects.claims import load_claims

A = TensorSpec((2, 3), "float32", Values("normal", 1), requires_grad=True)
ADD = Case("add", "function", "torch.add", (A, A), order=2)
FULL = Case("full", "function", "torch.full", ((2,), 3.0))
NONZERO = Case("nonzero", "function", "torch.nonzero", (TensorSpec((4,), "int64", Values("ties", 1)),))
RAND = Case("rand", "function", "torch.rand", (100,), {"dtype": Named("float64")})


def test_names_are_parsed():
    assert parse("flambeau") == Subject("flambeau", "module", "flambeau")
    assert parse("a.b:C", "setup.me") == Subject("a.b:C", "adapter", "a.b:C", setup="setup.me")
    placed = parse("torch@cuda:1,threads=2,capability=default")
    assert (placed.target, placed.device, placed.threads, placed.capability) == ("torch", "cuda:1", 2, "default")
    assert placed.environment == {"ATEN_CPU_CAPABILITY": "default"}
    assert parse("torch@compile=aot_eager").compile == "aot_eager"
    assert Subject.from_json(placed.to_json()) == placed


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("not a name", "is not a subject"),
        ("a.b:", "package.module:Class"),
        ("a.b:C@cuda", "package.module:Class"),
        ("torch@", "nothing stands behind"),
        ("torch@cuda,", "nothing stands behind"),
        ("torch@cuda,meta", "'meta' is not a device"),
        ("torch@Cuda", "'Cuda' is not a device"),
        ("torch@compil=eager", "did you mean compile=…?"),
        ("torch@threads=many", "'many' is not a sensible number"),
        ("torch@threads=0", "'0' is not a sensible number"),
        ("torch@capability=avx3", "'avx3' is none of the capabilities: default, avx2"),
    ],
)
def test_other_names_are_refused(name, told):
    with pytest.raises(SubjectError, match=told.replace("?", r"\?")):
        parse(name)


def verdicts(subject: Subject, *cases: Case, **options: object) -> list[Judged]:
    with Session(Plan(subject, **{"in_process": True, **options})) as session:
        return list(session.judged(cases))


def statuses(judged: Judged) -> dict[str, str]:
    assert not judged.harness_error, judged.harness_error
    return {v.aspect: v.status for v in judged.verdicts}


@pytest.fixture
def placed_here(monkeypatch):
    """A subject on a device sets the default one, of this process when run in it."""
    import torch

    yield
    torch.set_default_device(None)


def test_a_device_answers_as_the_cpu_does(placed_here):
    add, full, rand = verdicts(parse("torch@cpu"), ADD, FULL, RAND)
    assert set(statuses(add).values()) == {"conforms"}
    assert {"values", "gradients", "gradients2", "aliasing", "stride"} <= set(statuses(add))
    assert set(statuses(full).values()) == {"conforms"}
    assert statuses(rand)["values"] == "conforms"
    assert not {"random", "text"} & set(statuses(rand))


def test_meta_is_asked_for_shapes_and_dtypes_alone():
    # in a process of its own, whose default device is not the reference's
    add, full, nonzero = verdicts(parse("torch@meta"), ADD, FULL, NONZERO, in_process=False)
    assert statuses(add) == statuses(full) == dict.fromkeys(("structure", "dtype", "shape", "stride"), "conforms")
    assert statuses(nonzero) == {"structure": "missing"}


def test_another_capability_may_draw_other_last_bits():
    randn = Case("randn", "function", "torch.randn", (100,))
    (found,) = verdicts(parse("torch@capability=default"), randn, in_process=False)
    assert set(statuses(found).values()) == {"conforms"}


def test_a_compiled_call_conforms():
    (add,) = verdicts(parse("torch@compile=eager"), ADD)
    assert set(statuses(add).values()) == {"conforms"}
    assert {"values", "gradients"} <= set(statuses(add))


def planted(tmp_path, monkeypatch, name: str, body: str) -> str:
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(body))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_wrong_device_fault_is_blamed(tmp_path, monkeypatch, placed_here):
    name = planted(
        tmp_path,
        monkeypatch,
        "faulty_on_device",
        """
        import torch

        def __getattr__(name):
            return getattr(torch, name)

        def full(*args, **kwargs):
            return torch.full(*args, **kwargs).double()
        """,
    )
    (full,) = verdicts(parse(f"{name}@cpu"), FULL)
    assert statuses(full)["dtype"] == "deviates"


def test_setup_is_imported_before_the_subject(tmp_path, monkeypatch):
    planted(tmp_path, monkeypatch, "registers", "import sys, torch\nsys.modules['torch_by_setup'] = torch\n")
    (full,) = verdicts(parse("torch_by_setup", "registers"), FULL)
    assert set(statuses(full).values()) == {"conforms"}


def test_a_folder_is_no_package(tmp_path, monkeypatch):
    (tmp_path / "checkout_of_mine").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"only a folder without __init__\.py.*checkout_of_mine"):
        parse("checkout_of_mine").load()


def test_claims_stand_beside_the_subject(tmp_path, monkeypatch):
    name = planted(
        tmp_path, monkeypatch, "modest", "import torch\ndef __getattr__(name): return getattr(torch, name)\n"
    )
    (tmp_path / "modest.assay.toml").write_text(
        'levels = ["core"]\naspects = ["structure", "values", "error"]\noperations = ["a*"]\ndtypes = ["float32"]\n'
    )
    with Session(Plan(parse(name), in_process=True)) as session:
        plan = session.plan
        assert plan.aspects == ("structure", "values")
        assert plan.claims("add")
        assert not plan.claims("sum")
        assert plan.dtypes == ("float32",)
        assert plan.full  # of what is claimed
        assert session.subject.claims.source == str(tmp_path / "modest.assay.toml")
    asked = frozenset(("aspects", "operations", "dtypes"))
    with Session(Plan(parse(name), in_process=True, asked=asked)) as session:
        assert session.plan.aspects == ("structure", "values", "error")
        assert session.plan.claims("sum")
        assert session.plan.dtypes == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [("levels = 3", "list of names"), ("level = []", "'level' is none of"), ("levels = [", "assay.toml")],
)
def test_malformed_claims_are_told(tmp_path, text, told):
    file = tmp_path / "assay.toml"
    file.write_text(text)
    with pytest.raises(ClaimsError, match=told):
        load_claims(file)


class Doubling(Adapter):
    """PyTorch under other names, wrong in one of them."""

    claims = Claims(aspects=("structure", "dtype", "shape", "values", "gradients"))

    def __init__(self):
        import torch

        super().__init__(torch)

    def function(self, path):
        if path == "torch.full":
            return lambda *args, **kwargs: 2 * self.module.full(*args, **kwargs)
        if path == "torch.rand":
            raise AttributeError(path)
        return super().function(path)


def test_an_adapter_is_a_subject(tmp_path, monkeypatch):
    add, full, rand = verdicts(parse(f"{__name__}:Doubling"), ADD, FULL, RAND)
    assert statuses(add) == dict.fromkeys(("structure", "dtype", "shape", "values", "gradients"), "conforms")
    assert statuses(full)["values"] == "deviates"
    assert statuses(rand) == {"structure": "missing"}


PARTIAL = """
import torch
from torch import Tensor as _Tensor, add, autograd, bool, float32, from_numpy, int64, zeros
class Tensor:
    pass
"""


def test_what_a_library_does_not_name_is_found_and_not_asked(tmp_path, monkeypatch):
    name = planted(tmp_path, monkeypatch, "partial", PARTIAL)
    for in_process in (True, False):
        with Session(Plan(parse(name), in_process=in_process)) as session:
            plan = session.plan
            assert {"float16", "complex64", "requires_grad_"} < set(plan.absent)
            assert set(plan.dtypes) == {"float32", "int64", "bool"}
            assert plan.made_of == MadeOf(dtypes=plan.dtypes, gradients=False)
            assert Plan.from_json(plan.as_json()) == plan
    asked = Plan(parse(name), in_process=True, dtypes=("complex64",), asked=frozenset({"dtypes"}))
    with Session(asked) as session:
        assert session.plan.dtypes == ("complex64",)
    with Session(Plan(parse(name), in_process=True, drawn=False)) as session:
        assert session.plan.dtypes == ()  # what somebody gave is asked
    with Session(Plan(parse("torch"), in_process=True)) as session:
        assert session.plan.absent == session.plan.dtypes == ()


def test_cases_that_need_what_is_absent_are_not_asked():
    plan = Plan(parse("torch")).within(Claims(absent=("complex64", "complex128", "int8")))
    x = TensorSpec((2,), "float32")
    taken = {
        "a number": Case("add", "function", "torch.add", (x, 2.5)),
        "a complex number": Case("add", "function", "torch.add", (x, 0.5 + 2j)),
        "another operand": Case("add", "function", "torch.add", (x, TensorSpec((2,), "int8"))),
        "a named dtype": Case("sum", "function", "torch.sum", (x,), {"dtype": Named("torch.complex128")}),
        "a step": Case("programs.mixed", "program", CALL, (x, Program((Step("torch.add", (Ref(0), 1j)),), (Ref(1),)))),
    }
    assert [name for name, case in taken.items() if plan.takes(case)] == ["a number"]
    asked = Plan(parse("torch"), dtypes=("float32",), asked=frozenset({"dtypes"})).within(Claims(absent=("int8",)))
    assert asked.takes(taken["another operand"])


def test_an_adapter_says_itself_what_is_absent():
    class Bare(Adapter):
        claims = Claims(absent=("requires_grad_",))

    assert Bare(None).found().absent == ("requires_grad_",)


def test_the_meta_device_has_no_generator():
    meta = parse("torch@meta").load()
    with pytest.raises(NotImplementedError, match="generators"):
        meta.generator(1)


def test_claims_leave_aspects_in_their_order():
    assert Claims().shown(ASPECTS) == ASPECTS
    assert Claims(aspects=("values", "dtype")).shown(ASPECTS) == ("dtype", "values")

"""The adapters that ship, each where its library is installed (`pip install -e '.[adapters]'`; CI installs both)."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from types import ModuleType

import ml_dtypes
import numpy as np
import pytest

from assay.case import Case, Named, TensorSpec, Values
from assay.plan import Plan
from assay.program import CALL, Program, Ref, Step
from assay.record import Judged
from assay.runner import Session
from assay.subjects import SHIPPED, Adapter, Subject, SubjectError, parse

A = TensorSpec((2, 3), "float32", Values("normal", 1), requires_grad=True)
B = TensorSpec((2, 3), "float32", Values("positive", 2), requires_grad=True)
PLAIN = TensorSpec((2, 3), "float32", Values("positive", 2))
FIRST = TensorSpec((2,), "int64", Values("zeros"))
WHOLE = TensorSpec((4,), "int32", Values("ties", 3))
ADD = Case("add", "function", "torch.add", (A, B), {"alpha": 2.0}, order=1)


@dataclass(frozen=True)
class Library:
    name: str
    module: ModuleType  # of the adapter
    side: Adapter

    @property
    def cls(self) -> type[Adapter]:
        return type(self.side)

    def faulty(self, monkeypatch, **methods) -> Subject:
        """The adapter with some attributes replaced, as a subject."""
        monkeypatch.setattr(self.module, "Faulty", type("Faulty", (self.cls,), methods), raising=False)
        return parse(f"{self.module.__name__}:Faulty")


@pytest.fixture(scope="module", params=sorted(SHIPPED))
def library(request):
    pytest.importorskip(request.param, reason=f"{request.param} is not installed: pip install -e '.[adapters]'")
    path, _, name = SHIPPED[request.param].partition(":")
    module = importlib.import_module(path)
    return Library(request.param, module, getattr(module, name)())


def judged(subject: Subject, *cases: Case, **options: object) -> list[Judged]:
    with Session(Plan(subject, **{"in_process": True, **options})) as session:
        return list(session.judged(cases))


def statuses(one: Judged) -> dict[str, str]:
    assert not one.harness_error, one.harness_error
    return {v.aspect: v.status for v in one.verdicts}


ALL = ("structure", "dtype", "shape", "values", "gradients")


# -- inputs and answers


def arrays(dtype: str) -> list[np.ndarray]:
    """Six elements with what is special in the dtype, one of them, and none, as `Adapter.tensor` receives them."""
    if dtype == "bool":
        flat = np.array([True, False, True, True, False, False])
    elif "int" in dtype:
        border = np.iinfo(dtype)
        flat = np.array([border.min, border.max, 0, 1, 2, border.max - 1], dtype)
    elif dtype.startswith("complex"):
        flat = np.array([complex("nan+1j"), complex(-0.0, 0.0), complex("-inf-0j"), 1.5 - 2j, 0, 3j], dtype)
    else:
        flat = np.array([np.nan, -0.0, np.inf, -np.inf, 1.5, 2.0**-14], np.float64)
        flat = flat.astype(ml_dtypes.bfloat16).view(np.int16) if dtype == "bfloat16" else flat.astype(dtype)
    return [flat.reshape(2, 3), flat[1].reshape(()), flat[:0].reshape(0, 3), flat.reshape(2, 3).T.copy()]


def test_every_dtype_goes_in_and_comes_out_as_it_was(library):
    claimed = library.side.claims.dtypes
    assert {"bool", "uint8", "int64", "float16", "float32", "float64"} <= set(claimed)
    for dtype in claimed:
        for array in arrays(dtype):
            made = library.side.tensor(array, dtype)
            assert library.side.is_tensor(made)
            assert library.side.dtype(made) == dtype
            assert library.side.shape(made) == array.shape
            assert library.side.data(made, dtype) == array.tobytes(), (dtype, array)


def test_a_dtype_that_the_library_has_not_is_lacking(library):
    for dtype in {"complex32", "bfloat16", "complex64"} - set(library.side.claims.dtypes):
        with pytest.raises(NotImplementedError):
            library.side.tensor(np.zeros((2, 2), np.float16), dtype)


def test_inputs_are_copies(library):
    array = np.zeros((2, 3), np.float32)
    made = library.side.tensor(array, "float32")
    array += 1
    assert library.side.data(made, "float32") == bytes(24)


def test_dtypes_by_name(library):
    for dtype in library.side.claims.dtypes:
        assert library.side.named(f"torch.{dtype}") is library.side.dtypes[dtype]
    with pytest.raises(NotImplementedError):
        library.side.named("torch.channels_last")


# -- verdicts


@pytest.mark.parametrize(("variant", "call"), [("function", "torch.add"), ("method", "Tensor.add")])
def test_an_operation_conforms(library, variant, call):
    (add,) = judged(parse(library.name), Case("add", variant, call, (A, B), {"alpha": 2.0}, order=1))
    assert statuses(add) == dict.fromkeys(ALL, "conforms")


CASES = {
    "operator": Case("mul", "operator", "operator.mul", (A, B), order=1),
    "integers": Case("bitwise_xor", "function", "torch.bitwise_xor", (WHOLE, WHOLE)),
    "sum over all dims": Case("sum", "function", "torch.sum", (A,), {"dim": ()}, order=1),
    "sum with dtype": Case("sum", "method", "Tensor.sum", (A, 1, True), {"dtype": Named("float64")}, order=1),
    "unbiased": Case("var", "function", "torch.var", (A, 1, False), order=1),
    "correction": Case("std", "function", "torch.std", (A,), {"dim": [1], "correction": 2, "keepdim": True}, order=1),
    "the largest": Case("amax", "function", "torch.amax", (A, [0, -1]), order=1),
    "max of two": Case("max", "method", "Tensor.max", (A, B), order=1),
    "softmax": Case("softmax", "function", "torch.softmax", (A, -1), order=1),
    "sizes one by one": Case("reshape", "method", "Tensor.reshape", (A, 3, -1), order=1),
    "sizes by name": Case("permute", "function", "torch.permute", (A,), {"dims": (1, 0)}, order=1),
    "a list of tensors": Case("cat", "function", "torch.cat", ([A, B],), {"dim": 1}, order=1),
    "a tuple of results": Case("split", "function", "torch.split", (A, 2, 1), order=1),
    "some of the elements": Case("index_select", "function", "torch.index_select", (A, 1, FIRST), order=1),
    "zeros": Case("zeros", "function", "torch.zeros", (), {"size": (2, 0)}),
    "padding": Case("nn.functional.pad", "function", "torch.nn.functional.pad", (A, [1, 0, 0, 2]), order=1),
    "clamped": Case("clamp", "method", "Tensor.clamp", (A,), {"max": 0.5}, order=1),
    "without elements": Case("sum", "function", "torch.sum", (TensorSpec((0, 3), "float32", Values("normal", 1)),)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_arguments_are_translated(library, case):
    (found,) = judged(parse(library.name), case)
    assert set(statuses(found).values()) == {"conforms"}
    assert ("gradients" in statuses(found)) == bool(case.order)


def test_complex_gradients_follow_pytorchs_convention():
    pytest.importorskip("jax")
    z = TensorSpec((3,), "complex64", Values("normal", 4), requires_grad=True)
    mul, ab = judged(
        parse("jax"),
        Case("mul", "function", "torch.mul", (z, z), order=1),
        Case("abs", "function", "torch.abs", (z,), order=1),
    )
    assert statuses(mul) == statuses(ab) == dict.fromkeys(ALL, "conforms")


def test_a_result_that_is_returned_twice_has_two_cotangents(library):
    """A flatten that has nothing to do may give back its input: one object, two outputs."""
    program = Program((Step("torch.flatten", (Ref(0), -1, -1)),), (Ref(0), Ref(1)))
    (found,) = judged(parse(library.name), Case("programs.mixed", "program", CALL, (A, program), order=1, seed=5))
    assert statuses(found)["gradients"] == "conforms"


def test_only_what_a_library_names_is_found(library):
    found = library.side.found()
    assert "complex32" in found.absent
    assert not set(found.absent) & {"float32", "int64", "bool", "requires_grad_"}
    assert not set(found.absent) & set(found.dtypes)


def test_a_fault_in_the_table_is_caught(library, monkeypatch):
    right = library.cls.operations["add"]
    wrong = library.faulty(monkeypatch, operations={"add": lambda input, other, *, alpha=1: right(input, other)})
    (add,) = judged(wrong, ADD)
    assert statuses(add)["values"] == "deviates"
    assert statuses(add)["gradients"] == "deviates"


def test_a_fault_in_gradients_alone_is_caught(library, monkeypatch):
    right = library.cls.grad

    def grad(self, outputs, inputs, cotangents, create_graph):
        first, second = right(self, outputs, inputs, cotangents, create_graph)
        return [second, first]

    (add,) = judged(library.faulty(monkeypatch, grad=grad), ADD)
    assert statuses(add) == dict.fromkeys(ALL, "conforms") | {"gradients": "deviates"}


def test_a_wrong_dtype_is_caught(library, monkeypatch):
    right = library.cls.operations["add"]
    wider = library.cls.operations["double"]
    wrong = library.faulty(monkeypatch, operations={"add": lambda *args, **kwargs: wider(right(*args, **kwargs))})
    (add,) = judged(wrong, Case("add", "function", "torch.add", (A, B)))
    assert statuses(add)["dtype"] == "deviates"


def test_what_is_absent_is_missing_not_wrong(library):
    absent = {
        "an operation": Case("special.airy_ai", "function", "torch.special.airy_ai", (A,)),
        "in place": Case("add", "inplace", "Tensor.add_", (PLAIN, 1)),
        "out=": Case("exp", "out", "torch.exp", (PLAIN,), {"out": TensorSpec((2, 3), "float32", Values("zeros"))}),
        "a keyword": Case(
            "zeros_like", "function", "torch.zeros_like", (A,), {"memory_format": Named("preserve_format")}
        ),
        "another default dtype": Case("exp", "function", "torch.exp", (B,), default_dtype="float64"),
    }
    for told, one in zip(absent, judged(parse(library.name), *absent.values()), strict=True):
        assert set(statuses(one).values()) == {"missing"}, told


def test_errors_are_the_librarys_own(library):
    """What PyTorch refuses may be refused in other words; what it answers may not."""
    unlike = TensorSpec((5, 7), "float32", Values("normal", 5))
    (refused,) = judged(parse(library.name), Case("matmul", "function", "torch.matmul", (A, unlike)))
    assert "deviates" not in statuses(refused).values()

    def refuse(input):
        raise ValueError("not today")

    class Refusing(library.cls):
        operations = {"exp": refuse}  # noqa: RUF012

    library.module.Refusing = Refusing
    try:
        (exp,) = judged(parse(f"{library.module.__name__}:Refusing"), Case("exp", "function", "torch.exp", (B,)))
    finally:
        del library.module.Refusing
    assert statuses(exp) == {"structure": "deviates"}


def test_claims_are_honoured(library):
    with Session(Plan(parse(library.name), in_process=True)) as session:
        plan = session.plan
    assert plan.aspects == ALL
    assert plan.dtypes == library.side.claims.dtypes
    assert "complex32" not in plan.dtypes
    for op in library.cls.operations:
        assert plan.claims(op)
    assert not plan.claims("special.airy_ai")


def test_the_tables_speak_of_operations_that_there_are(library):
    from assay.catalog import catalog

    assert not set(library.cls.operations) - set(catalog())
    assert len(library.cls.operations) >= {"jax": 150, "tinygrad": 120}[library.name]


# -- processes


def test_results_are_where_they_were_made(library):
    made = library.side.tensor(np.ones(2, np.float32), "float32")
    if library.name == "jax":
        assert {d.platform for d in made.devices()} == {"cpu"}
    else:
        assert made.device in ("CPU", "PYTHON")
    with pytest.raises(SubjectError, match="takes no options"):
        parse(f"{library.name}@cuda")


def test_jax_leaves_the_gpu_and_the_cores_to_others():
    pytest.importorskip("jax")
    program = (
        "import os, assay.subjects.jax, jax.numpy as jnp; jnp.ones(3).block_until_ready();"
        "print(os.environ['JAX_PLATFORMS'], os.environ['NPROC'], os.environ['XLA_PYTHON_CLIENT_PREALLOCATE'])"
    )
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_", "NPROC"))}
    environment = bare | {"OMP_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["cpu", "2", "false"]


def test_a_case_that_kills_tinygrad_costs_that_case_alone():
    pytest.importorskip("tinygrad")
    if shutil.which("clang") is None:
        pytest.skip("without clang tinygrad interprets, and dividing by 0 is no signal")
    zeros = TensorSpec((4,), "int32", Values("zeros"))
    fatal = Case("fmod", "function", "torch.fmod", (WHOLE, zeros))
    fine = Case("exp", "function", "torch.exp", (B,))
    before, dead, after = judged(parse("tinygrad"), fine, fatal, fine, in_process=False)
    assert set(statuses(before).values()) == set(statuses(after).values()) == {"conforms"}
    assert statuses(dead) in ({"structure": "crash"}, {})  # nothing where PyTorch refuses as well


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_library_that_is_not_there_is_asked_for_by_its_extra(name, monkeypatch):
    monkeypatch.delitem(sys.modules, SHIPPED[name].partition(":")[0], raising=False)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        parse(name).load()
    assert any("torch-assay[adapters]" in note for note in caught.value.__notes__)

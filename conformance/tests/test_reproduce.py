"""The script of a failure runs without assay and shows both answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from assay.case import Case, Layout, Make, Named, Same, TensorSpec, Values, Window
from assay.catalog import catalog
from assay.drawing import draw_cases
from assay.execute import answer
from assay.outcome import TensorData
from assay.reproduce import number, script

PLANTED = """
import torch

def __getattr__(name):
    return getattr(torch, name)

def sum(*args, **kwargs):
    return torch.sum(*args, **kwargs) * 2
"""
# Whoever runs a script may not have assay: a finder that refuses it stands first.
NO_ASSAY = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("assay", "hypothesis", "ml_dtypes"):
            raise ImportError(name + " is not here")
sys.meta_path.insert(0, Refuse())
import runpy
path = sys.argv.pop(1)
sys.argv[0] = path
runpy.run_path(path, run_name="__main__")
"""
A = TensorSpec((2, 3), "float32", Values("literal", literal=(1.0, 2.0, 3.0, -0.0, float("inf"), float("nan"))))


def run_script(tmp_path: Path, source: str, *arguments: str) -> str:
    (tmp_path / "planted.py").write_text(PLANTED)
    (tmp_path / "start.py").write_text(NO_ASSAY)
    (tmp_path / "failure.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "start.py", "failure.py", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_shows_both_answers(tmp_path):
    spec = TensorSpec((3,), "float64", Values("literal", literal=(1.0, 2.0, 3.0)), requires_grad=True)
    case = Case("sum", "function", "torch.sum", (spec,), order=1, seed=5)
    out = run_script(tmp_path, script(case, "planted", "values", "result = 12; expected 6"))
    theirs, mine = out.split("planted answers:")
    assert theirs.startswith("torch answers:")
    assert "6.0" in theirs
    assert "12.0" in mine
    assert "12.0" not in theirs
    assert theirs.count("gradients")
    assert mine.count("gradients")
    again = run_script(tmp_path, script(case, "planted", "values", "x"), "torch")
    first, second = again.removeprefix("torch answers:").split("torch answers:")
    assert first.strip() == second.strip()


def test_what_shares_memory_is_shown(tmp_path):
    """The same numbers, written into the input by one of the two, and given back by it."""
    (tmp_path / "sharing.py").write_text(
        "import torch\n"
        "def __getattr__(name):\n    return getattr(torch, name)\n"
        "def abs(x):\n    return x\n"
        "def neg(x):\n    return x[0:].view(x.shape)\n"
    )
    spec = TensorSpec((2,), "float32", Values("literal", literal=(0.0, 0.0)))
    for op, told in (
        ("abs", ["  result is x0", "  result and x0 share memory"]),
        ("neg", ["  result and x0 share memory"]),
    ):
        source = script(Case(op, "function", f"torch.{op}", (spec,)), "sharing", "aliasing", "x")
        theirs, mine = run_script(tmp_path, source).split("sharing answers:")
        assert not re.search(" is x0| share memory", theirs)
        assert [line for line in mine.splitlines() if re.search(" is x0| share memory", line)] == told


def test_a_subject_that_is_no_module_is_asked_through_assay(tmp_path):
    case = Case("sum", "function", "torch.sum", (A,))
    out = run_script(tmp_path, script(case, "torch@meta", "values", "x"), "torch")
    assert out.count("torch answers:") == 2
    (tmp_path / "failure.py").write_text(script(case, "torch@meta", "values", "x"))
    done = subprocess.run(
        [sys.executable, "failure.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    theirs, mine = done.stdout.split("torch@meta answers, asked by assay:")
    assert "result: torch.float32 shape=()" in theirs
    assert "result: torch.float32 shape=()" in mine
    assert "nan" in theirs
    assert "nan" not in mine


def test_modules_of_the_current_folder_are_found(tmp_path):
    (tmp_path / "beside.py").write_text("from torch import *\nfrom torch import tensor, float32\n")
    folder = tmp_path / "failures"
    folder.mkdir()
    (folder / "failure.py").write_text(script(Case("abs", "function", "torch.abs", (A,)), "beside", "values", "x"))
    done = subprocess.run(
        [sys.executable, "failures/failure.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "beside answers:" in done.stdout


def test_errors_and_warnings_are_shown(tmp_path):
    out = run_script(tmp_path, script(Case("exp", "function", "torch.exp", (1,)), "planted", "error", 'a "b" \\ c'))
    assert out.count("raised TypeError") == 2
    warned = Case("range", "function", "torch.range", (0, 2))
    assert "warned UserWarning" in run_script(tmp_path, script(warned, "planted", "warnings", "x"))


@pytest.mark.parametrize(
    "value", [0.1, -0.0, float("inf"), float("-inf"), 3, True, complex(-0.0, 2), "a'b", None, b"x"]
)
def test_numbers_come_back(value):
    back = eval(number(value), {"inf": float("inf"), "nan": float("nan")})
    assert repr(back) == repr(value)
    assert type(back) is type(value)


def body_of(case: Case):
    """What the script's own `case` function answers in this process."""
    space: dict = {"__name__": "script"}
    exec(compile(script(case, "torch", "values", ""), "script", "exec"), space)
    inputs: dict = {}
    return space["case"](torch, inputs), inputs


LAYOUTS = [Layout("permuted", (1, 0)), Layout("stepped", (1,)), Layout("offset"), Layout("expanded", (0,)), Layout()]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda x: x.kind)
@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int64", "float16", "bfloat16", "float32", "complex32", "complex128"]
)
@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_the_script_builds_the_cases_own_tensors(dtype, layout):
    case = Case("clone", "method", "Tensor.clone", (TensorSpec((2, 3), dtype, Values("special", 4), layout),))
    expected = answer(case, torch).inputs[0]
    _, inputs = body_of(case)
    built = inputs["x0"]
    assert (built.stride(), built.storage_offset()) == (expected.stride, expected.offset)
    theirs = answer(case, torch).result
    mine = torch.view_as_real(built.to(torch.complex128)) if built.is_complex() else built.double()
    wanted = torch.frombuffer(bytearray(theirs.data), dtype=getattr(torch, dtype)).reshape(2, 3)
    wanted = torch.view_as_real(wanted.to(torch.complex128)) if wanted.is_complex() else wanted.double()
    assert torch.equal(mine.nan_to_num(77.0), wanted.nan_to_num(77.0))


@pytest.mark.parametrize("dtype", ["bool", "bfloat16", "complex32", "float64"])
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (2, 0, 3)])
def test_empty_tensors_need_no_zeros(shape, dtype):
    source = script(Case("neg", "function", "torch.neg", (TensorSpec(shape, dtype),)), "torch", "values", "")
    assert "torch.zeros" not in source
    space: dict = {"__name__": "script"}
    exec(compile(source.replace("return torch.neg(x0)", "return x0"), "script", "exec"), space)
    built, expected = space["case"](torch, {}), torch.zeros(shape, dtype=getattr(torch, dtype))
    assert (built.shape, built.dtype, built.stride()) == (expected.shape, expected.dtype, expected.stride())


SHARED = replace(A, layout=Layout("shared", (2, 2, 3)))
ARGUMENTS = [
    Case("clone", "method", "Tensor.clone", (A,), {"memory_format": Named("contiguous_format")}),
    Case("T", "method", "Tensor.T", (A,)),
    Case("add", "function", "torch.add", (A, Same(0)), {"alpha": 2}),
    Case("sub", "operator", "operator.sub", (1, A)),
    Case("add", "inplace", "Tensor.add_", (SHARED, Window(0, (2, 3), 3, 2, (1, 0)))),
    Case("add", "inplace", "Tensor.add_", (SHARED, Window(0, (2, 3), 1, 2))),
    Case("exp", "out", "torch.exp", (SHARED,), {"out": Window(0, (2, 3), 2, 2)}),
    Case("__getitem__", "operator", "operator.getitem", (A, (slice(0, 1), ..., None))),
    Case("cat", "function", "torch.cat", ([A, A],), {"dim": -1}),
    Case("cat", "function", "torch.cat", ((A,),)),
    Case("zeros", "function", "torch.zeros", (Make("Size", ((2, 1),)),), {"dtype": Named("int16")}),
    Case("rand", "function", "torch.rand", (3,), {"generator": Make("Generator", (7,))}, seed=1),
    Case("zeros", "function", "torch.zeros", (2,), default_dtype="float64"),
    Case("split", "method", "Tensor.split", (A, 1)),
    Case("add", "out", "torch.add", (A, 1), {"out": TensorSpec((2, 3), "float32")}),
]


@pytest.mark.parametrize("case", ARGUMENTS, ids=lambda c: f"{c.op}-{c.call}")
def test_the_script_calls_what_the_case_calls(case):
    try:
        result, _ = body_of(case)
    finally:
        torch.set_default_dtype(torch.float32)
    expected = answer(case, torch).result
    for got, wanted in zip(
        *((x if isinstance(x, list | tuple) else [x]) for x in (result, items(expected))), strict=True
    ):
        assert isinstance(wanted, TensorData)
        assert str(got.dtype) == f"torch.{wanted.dtype}"
        assert tuple(got.shape) == wanted.shape
        assert got.contiguous().view(torch.uint8).numpy().tobytes() == wanted.data


def items(result):
    return list(result.items) if hasattr(result, "items") else [result]


@pytest.mark.parametrize("op", sorted(catalog()))
def test_every_operations_cases_can_be_written_as_scripts(op):
    for case in list(draw_cases(catalog()[op], "quick", 0))[:12]:
        compile(script(case, "flambeau", "values", "some detail"), op, "exec")

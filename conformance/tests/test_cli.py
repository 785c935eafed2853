"""The command line: exit codes, bad input, the JSON result."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from assay.case import Case, TensorSpec
from assay.plain import decode, encode
from assay.store import records

WRAPPED = """
import torch

def __getattr__(name):
    return getattr(torch, name)

"""
CELL = {"op", "variant", "aspect", "status", "cases", "counts", "detail"}
FAILURE = {"op", "variant", "aspect", "status", "detail", "case", "script"}


def plant(tmp_path: Path, name: str, body: str) -> str:
    (tmp_path / f"{name}.py").write_text(WRAPPED + body)
    return name


QUICK = ("--profile", "quick", "--in-process")
STALE = """
[[known]]
op = "sum"
aspect = "values"
reason = "nothing is like this"
link = "https://example.org/why"
"""


def test_a_stale_ledger_entry_fails_a_full_run_only(cli, tmp_path, monkeypatch):
    (tmp_path / "ledger.toml").write_text(STALE)
    arguments = ("run", "torch", "--only", "neg", "--ledger", "ledger.toml", "--json", "result.json", *QUICK)
    assert cli(*arguments)[0] == 0
    assert json.loads(Path("result.json").read_text())["stale_known"] == []
    monkeypatch.setattr("assay.plan.Plan.full", True)
    code, out, _ = cli(*arguments)
    assert code == 1
    assert "stale ledger entry: sum · values" in out
    assert [entry["op"] for entry in json.loads(Path("result.json").read_text())["stale_known"]] == ["sum"]


def test_torch_conforms_and_exits_0(cli):
    code, out, _ = cli("run", "torch", "--only", "sum", "--only", "exp", *QUICK)
    assert code == 0
    assert "family" in out
    assert "reductions" in out
    assert "elementwise" in out
    assert "torch: conforms." in out
    runs = list(Path(".assay/runs").iterdir())
    assert len(runs) == 1
    found = list(records(runs[0]))
    assert {record.op for record in found} == {"sum", "exp"}
    assert all(verdict.aspect and verdict.status for record in found for verdict in record.verdicts)


def test_a_planted_fault_exits_1_and_its_json_holds_case_and_script(cli, tmp_path):
    name = plant(tmp_path, "cli_planted_sum", "def sum(*a, **k): return torch.sum(*a, **k) * 1.01\n")
    code, out, _ = cli("run", name, "--only", "sum", "--only", "neg", *QUICK, "--json", "result.json", "--seed", "3")
    assert code == 1
    assert "sum · values · deviates" in out
    assert "neg ·" not in out
    data = json.loads(Path("result.json").read_text())
    assert data["schema"] == 1
    assert data["subject"] == name
    assert data["reference"] == "torch"
    assert data["seed"] == 3
    assert data["profile"] == "quick"
    assert data["levels"] == ["core", "gradients"]
    assert all(set(cell) >= CELL for cell in data["cells"])
    assert all(set(f) >= FAILURE for f in data["failures"])
    assert all(sum(cell["counts"].values()) == cell["cases"] for cell in data["cells"])
    statuses = {(c["op"], c["aspect"]): c["status"] for c in data["cells"] if c["variant"] == "function"}
    assert statuses["sum", "values"] == "deviates"
    assert statuses["neg", "values"] == "conforms"
    failure = next(f for f in data["failures"] if f["aspect"] == "values")
    assert failure["op"] == "sum"
    assert isinstance(decode(failure["case"]), Case)
    compile(failure["script"], "script", "exec")
    script = next(Path(".assay").rglob("*_sum_values.py"))
    assert script.read_text() == failure["script"]


def test_a_failing_case_runs_again_from_its_file(cli, tmp_path):
    name = plant(tmp_path, "cli_again", "def sum(*a, **k): return torch.sum(*a, **k) * 1.01\n")
    case = Case("sum", "function", "torch.sum", (TensorSpec((4,), "float32"),))
    Path("case.json").write_text(case.to_json())
    code, out, _ = cli("run", name, "--case", "case.json", "--in-process")
    assert code == 1
    assert "1 cases, 1 operations" in out
    assert cli("run", "torch", "--case", "case.json", "--in-process")[0] == 0
    Path("cases.json").write_text(json.dumps([encode(case), encode(case)]))
    assert "2 cases" in cli("run", "torch", "--case", "cases.json", "--in-process")[1]
    cli("run", name, "--case", "case.json", "--in-process", "--json", "result.json")
    assert cli("run", name, "--case", "result.json", "--in-process")[0] == 1
    failure = next(f for f in json.loads(Path("result.json").read_text())["failures"] if f["aspect"] == "values")
    words = shlex.split(failure["rerun"])
    assert words[:3] == ["assay", "run", name]
    code, out, _ = cli(*words[1:], "--in-process", "--no-shrink")
    assert code == 1
    assert "sum · values · deviates" in out
    (line,) = (line for line in out.splitlines() if line.startswith("    rerun  "))
    path = shlex.split(line)[-1]
    assert path.endswith(".py")
    assert "1 cases" in cli(*shlex.split(line)[2:], "--in-process", "--no-shrink")[1]


def test_a_segfault_exits_1_and_says_crash(tmp_path):
    plant(tmp_path, "cli_crash", "import ctypes\ndef sum(*a, **k): return ctypes.string_at(0)\n")
    case = Case("sum", "function", "torch.sum", (TensorSpec((4,), "float32"),))
    (tmp_path / "case.json").write_text(case.to_json())
    done = subprocess.run(
        [sys.executable, "-m", "assay", "run", "cli_crash", "--case", "case.json", "--no-shrink"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "sum · structure · crash" in done.stdout
    assert "SIGSEGV" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "torch", "--only", "summ"], "'summ' is not an operation; nearest in the catalogue: sum"),
        (["run", "torch", "--only", "linalg.svdval"], "nearest in the catalogue: linalg.svdvals"),
        (["run", "torch", "--shard", "3/2"], "'3/2' is not a shard: give i/n"),
        (["run", "torch", "--shard", "0/2"], "'0/2' is not a shard"),
        (["run", "--resume", "latest", "--seed", "3"], "leave out seed"),
        (["show", "no_such_run"], "no run is kept in .assay/runs"),
        (["history", "summ"], "nearest in the catalogue: sum"),
        (["ledger", "check", "no_such_file.toml"], "No such file"),
        (["run", "torch", "--aspect", "value"], "'value' is not an aspect; nearest: values"),
        (["run", "torch", "--skip-aspect", "value"], "'value' is not an aspect"),
        (["run", "torch", "--dtypes", "float31"], "'float31' is not a dtype; nearest: float32"),
        (["run", "torch", "--profile", "hasty"], "'hasty' is not one of"),
        (["run", "torch", "--level", "all"], "'all' is not one of"),
        (["run", "torch", "--seed", "x"], "not a valid integer"),
        (["run", "torch", "--timeout", "0"], "not in the range"),
        (["run", "torch", "--memory", "-3"], "not in the range"),
        (["run", "torch", "--max-failures", "0"], "not in the range"),
        (["run", "torch", "--case", "no_such_file.json"], "holds no case"),
        (["run", "torch", "--ledger", "no_such_file.toml"], "No such file"),
        (["run", "not a name"], "is not a subject"),
        (["run", "torch@cpu,cuda"], "'cuda' is not a device"),
        (["run", "no_such_module_at_all", "--only", "sum"], "there is no subject 'no_such_module_at_all'"),
        (["run", "flambaeu", "--only", "sum"], "no module of this name can be imported; nearest: flambeau"),
        (["run", "torhc.api:Adapter"], "there is no subject 'torhc.api': no module of this name can be imported; near"),
        (["run", "torch", "--setup", "flambaeu"], "there is no setup module 'flambaeu'"),
        (["run", "torch", "--executor", "localhost:8786"], "is not an executor: give dask://HOST:PORT"),
        (["run"], "Missing argument"),
        (["list", "summ"], "nearest in the catalogue: sum"),
        (["list", "--family", "fruit"], "is not a family"),
        (["surface", "--draws", "--only", "summ"], "nearest in the catalogue: sum"),
        (["frobnicate"], "No such command"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else None,
)
def test_bad_input_exits_2_and_says_why(cli, arguments, said):
    code, out, err = cli(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_a_subject_that_does_not_import_shows_its_traceback(cli, tmp_path):
    (tmp_path / "cli_broken.py").write_text("import no_such_dependency\n")
    code, _, err = cli("run", "cli_broken", "--only", "sum")
    assert code == 2
    assert "cli_broken.py" in err
    assert "no_such_dependency" in err


def test_a_device_that_is_not_there_is_told_by_its_own_error(cli):
    code, out, err = cli("run", "torch@no_device", "--only", "sum")
    assert (code, out) == (2, "")
    assert "'no_device' is not a device" in err
    code, out, err = cli("run", "torch@nodevice", "--only", "sum")
    assert (code, out) == (2, "")
    assert "torch@nodevice does not start" in err
    assert "Expected one of cpu, cuda" in err


def test_what_may_have_been_meant_lies_in_this_folder_too(cli, monkeypatch):
    Path("cli_nearby.py").write_text("import torch\n")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != os.getcwd()])
    assert "nearest: cli_nearby" in cli("run", "cli_naerby", "--only", "sum")[2]
    code, _, err = cli("run", "cli_nearby", "--only", "sum", "--case", "{}")
    assert (code, "holds no case" in err) == (2, True), "it is found"


def test_the_traceback_of_an_import_begins_in_the_library(cli):
    Path("cli_broken.py").write_text("def start():\n    raise ValueError('no such backend')\n\n\nstart()\n")
    code, _, err = cli("run", "cli_broken", "--only", "sum")
    assert code == 2
    places = re.findall(r'File "(.*)", line (\d+)', err)
    assert [(Path(file).name, line) for file, line in places] == [("cli_broken.py", "5"), ("cli_broken.py", "2")]
    assert "ValueError: no such backend" in err


def test_a_run_says_where_the_claims_stand(cli):
    code, _, err = cli("run", "flambeau", "--only", "abs", "--profile", "quick", "--aspect", "shape")
    assert code == 0
    assert re.search(r"^what flambeau claims: \S+assay\.toml$", err, re.MULTILINE)
    assert "claims" not in cli("run", "torch", "--only", "abs", "--profile", "quick", "--aspect", "shape")[2]


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ('operations = ["add", "summ"]', "'summ' is not an operation; nearest in the catalogue: "),
        ('dtypes = ["flot32"]', "'flot32' is not a dtype; nearest: float32"),
        ('levels = ["cor"]', "'cor' is none of the levels: core, gradients, errors, fidelity"),
        ('aspects = ["vals"]', "'vals' is none of the aspects: build, structure"),
    ],
)
def test_a_wrong_name_among_the_claims_is_told(cli, claims, told):
    Path("cli_claims.py").write_text("import torch\ndef __getattr__(name): return getattr(torch, name)\n")
    Path("cli_claims.assay.toml").write_text(claims)
    code, _, err = cli("run", "cli_claims", "--only", "add", "--profile", "quick")
    assert code == 2
    assert "cli_claims.assay.toml" in err
    assert told in err


def test_where_all_is_missing_nothing_was_judged(cli):
    code, out, _ = cli("run", "json", "--only", "abs", "--profile", "quick")
    assert code == 5
    assert "json: nothing was judged: all of it is missing. " in out
    assert re.search(r"cases  nothing was judged$", cli("runs")[1].strip())


def test_what_is_missing_is_told_by_its_reasons(cli):
    Path("cli_partial.py").write_text(
        "import torch\n"
        "from torch import Tensor, autograd, float32, from_numpy, zeros\n"
        "def sum(input, *rest, **named):\n"
        "    if named: raise NotImplementedError('sum takes no keywords')\n"
        "    return torch.sum(input, *rest)\n"
    )
    code, out, _ = cli("run", "cli_partial", "--only", "sum", "--only", "abs", "--only", "exp", "--profile", "quick")
    assert code == 0
    assert re.search(r"^not there, not asked: uint8, .*, float64, ", out, re.MULTILINE)
    told = re.sub(r"\s+", " ", out[out.index("missing (3 operations, 0 wholly):") :])
    assert re.search(r"2 names absent \(\d+ verdicts\): torch\.abs, torch\.exp ", told)
    assert re.search(r"raised NotImplementedError: sum takes no keywords \(\d+ verdicts?\): sum ", told)


def test_claims_choose_among_what_is_drawn_and_not_among_given_cases(cli):
    Path("cli_modest.py").write_text("import torch\ndef __getattr__(name): return getattr(torch, name)\n")
    Path("cli_modest.assay.toml").write_text('dtypes = ["float64"]\noperations = ["view_as_real"]')
    case = Case("abs", "function", "torch.abs", (TensorSpec((2,), "float32"),))
    code, out, _ = cli("run", "cli_modest", "--case", case.to_json())
    assert code == 0
    assert "cli_modest: conforms. 1 cases" in out
    code, _, err = cli("run", "cli_modest", "--only", "view_as_real", "--profile", "quick")
    assert code == 5
    assert re.search(r"no case matched; \S*cli_modest\.assay\.toml claims others", err)


def test_without_pytorch_a_run_says_what_else_there_is(cli, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    code, _, err = cli("run", "flambeau", "--only", "sum")
    assert code == 2
    assert "there is no reference 'torch'" in err
    assert "judge by a recording (--against)" in err


@pytest.mark.parametrize("text", [b"\xff\xfe\x00 no text", b"known =", b"[[known]]\nop = 3\n", b"[other]\n"])
@pytest.mark.parametrize("command", [("run", "torch", "--ledger"), ("ledger", "check")], ids=["run", "check"])
def test_a_broken_ledger_is_told_before_the_work(cli, command, text):
    Path("broken.toml").write_bytes(text)
    code, out, err = cli(*command, "broken.toml")
    assert (code, out) == (2, "")
    assert "broken.toml" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("text", ["", "{", "3", '{"a": 1}', '{"$": "no such tag"}', "[1]"])
def test_a_file_without_a_case_exits_2(cli, text):
    Path("bad.json").write_text(text)
    code, _, err = cli("run", "torch", "--case", "bad.json")
    assert code in (2, 5)
    assert "holds no case" in err or "no case matched" in err
    assert code == 2 or text == ""


@pytest.mark.parametrize(
    "arguments",
    [["run", "torch", "--only", "zzz*"], ["list", "zzz*"], ["surface", "--draws", "--only", "zzz*"]],
    ids=lambda a: a[0],
)
def test_nothing_matched_exits_5(cli, arguments):
    assert cli(*arguments)[0] == 5


def test_no_aspect_or_dtype_left_exits_5(cli):
    assert cli("run", "torch", "--only", "neg", "--aspect", "dtype", "--skip-aspect", "dtype", *QUICK)[0] == 5
    assert cli("run", "torch", "--only", "logical_not", "--dtypes", "uint64,uint32", "--level", "core", *QUICK)[0] in (
        0,
        5,
    )


def test_levels_and_aspects_choose_what_is_judged(cli):
    cli("run", "torch", "--only", "exp", *QUICK, "--level", "errors", "--json", "errors.json")
    cli("run", "torch", "--only", "exp", *QUICK, "--aspect", "dtype", "--aspect", "shape", "--json", "two.json")
    cli("run", "torch", "--only", "exp", *QUICK, "--level", "core", "--skip-aspect", "values", "--json", "rest.json")

    def aspects(name: str) -> set[str]:
        return {cell["aspect"] for cell in json.loads(Path(name).read_text())["cells"]}

    assert aspects("errors.json") == {"error"}
    assert aspects("two.json") == {"dtype", "shape"}
    assert "values" not in aspects("rest.json")
    assert "mutation" in aspects("rest.json")


def test_dtypes_choose_cases(cli):
    cli("run", "torch", "--only", "exp", *QUICK, "--dtypes", "float64,torch.float16", "--json", "some.json")
    cli("run", "torch", "--only", "exp", *QUICK, "--json", "all.json")
    some, everything = (json.loads(Path(n).read_text())["cases"] for n in ("some.json", "all.json"))
    assert 0 < some < everything


@pytest.mark.parametrize(
    "command",
    [
        *([], ["run"], ["list"], ["surface"], ["runs"], ["show"], ["diff"], ["compare"], ["history"], ["merge"]),
        *(["report"], ["ledger"], ["ledger", "update"], ["ledger", "check"]),
    ],
    ids=lambda c: " ".join(c) or "assay",
)
def test_help_has_an_example(cli, command):
    code, out, _ = cli(*command, "--help")
    assert code == 0
    assert "Example: assay" in out


def test_list_names_families_and_variants(cli):
    code, out, _ = cli("list", "add", "sum")
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines["add"].split() == ["elementwise", *lines["add"].split()[1:]]
    assert {"function", "method", "inplace", "out", "operator"} <= set(lines["add"].split())


def test_surface_tells_the_share_covered(cli):
    code, out, _ = cli("surface")
    assert code == 0
    assert "operations" in out
    assert "%" in out
    assert len(cli("surface", "--uncovered")[1].splitlines()) > len(out.splitlines())


def test_surface_draws_tells_valid_share_and_diversity(cli):
    code, out, _ = cli("surface", "--draws", "--only", "add", "--only", "sum", "--profile", "quick")
    assert code == 0
    rows = {line.split()[0]: line.split() for line in out.split("valid cases that show")[0].splitlines() if line}
    drawn, valid = int(rows["add"][1]), int(rows["add"][2])
    assert 0.7 * drawn <= valid <= drawn
    assert rows["add"][3] == f"{valid / drawn:.1%}"
    assert "non-contiguous" in out
    assert "inplace:" in out

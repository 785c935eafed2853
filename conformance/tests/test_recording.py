"""Recordings: what PyTorch answered, in a file; judging by it is judging by PyTorch."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import prod
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from assay.case import Case
from assay.catalog import catalog, everything
from assay.cli import main
from assay.doubt import careful
from assay.drawing import draw_cases
from assay.executors import Remote
from assay.inputs import works_in_place
from assay.parts import tensor_specs
from assay.plain import decode
from assay.plan import Plan, dtype_of, policy_of
from assay.printed import printed
from assay.recorder import record
from assay.recording import FORMAT, MAGIC, Recording, Writer, fingerprint, opened, portable
from assay.replay import recorded_cases
from assay.reproduce import script
from assay.result import kind_of
from assay.runner import Session, run
from assay.runs import find
from assay.store import records
from assay.subjects import parse
from assay.subjects.adapter import adapted
from assay.surface import DEFAULT_VERSION
from assay.truth import reference_answer

#: Judged by truth, exactly, by what they rebuild, by metadata, by a stream; with a scale of its own; refused.
OPS = ("sum", "exp", "sort", "linalg.qr", "empty_like", "randn", "linspace", "add", "dropout")
WRONG = """
import torch

def __getattr__(name):
    return getattr(torch, name)

def sum(*a, **k): return torch.sum(*a, **k) * 1.01
def exp(x, **k): return torch.exp(x, **k).clone() if k else torch.exp(x) * (1 + 2**-20)
def randn(*a, **k): return torch.randn(*a, **k) + 1
def linspace(*a, **k): return torch.linspace(*a, **k).flip(0)
"""
OTHER_SUM = """
def __getattr__(name):
    return getattr(flambeau, name)

def sum(*a, **k): return flambeau.sum(*a, **k) * 1.01
"""
NO_TORCH = "raise ImportError('there is no torch here')\n"


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """The file of a recording of OPS."""
    path = tmp_path_factory.mktemp("recorded") / "some.assay"
    only = [word for op in OPS for word in ("--only", op)]
    done = CliRunner().invoke(main, ["record", *only, "--output", str(path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert re.search(r"some\.assay: \d{3} cases of PyTorch 2\.\d+", done.output)
    return path


def rewritten(source: Path, target: Path, change=lambda case, told: told, **header) -> Path:
    """A recording with changed answers, or another header."""
    made = Recording(source)
    with Writer(target, replace(made.header, **header)) as writer:
        for op in made.ops:
            for case in made.cases(op):
                writer.add(case, change(case, made.answer(case)))
        writer.finish()
    return target


def cases_of(made: Recording) -> list[Case]:
    return [case for op in made.ops for case in made.cases(op)]


def test_a_recording_holds_the_cases_of_the_catalogue_and_what_pytorch_answers(recording):
    made = Recording(recording)
    assert sorted(made.ops) == sorted(OPS)
    assert (made.header.torch, made.header.profile, made.header.seed) == (torch.__version__, "quick", 0)
    assert made.header.capability == torch.backends.cpu.get_cpu_capability()
    for op in OPS:
        assert list(made.cases(op)) == list(draw_cases(catalog()[op], "quick", 0))
    adapted(torch).start()  # as in every process of PyTorch's
    told = truths = 0
    for case in cases_of(made):
        now, then = reference_answer(case, torch, careful(policy_of(case.op))), made.answer(case)
        assert then == portable(now), case.to_json()
        told += 1
        truths += bool(then.truths)
    assert told == len(made) > 200
    assert truths > 50
    with pytest.raises(KeyError, match="is not in"):
        made.answer(Case("sum", "function", "torch.sum", (1,)))


@pytest.fixture
def wrong(tmp_path, monkeypatch):
    """The name of a subject that deviates in several operations."""
    (tmp_path / "wrong_when_recorded.py").write_text(WRONG)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "wrong_when_recorded"


def test_a_recorded_run_and_a_live_one_agree_case_by_case(recording, wrong):
    made = Recording(recording)
    found = []
    for reference in ("torch", f"recorded:{recording}"):
        plan = Plan(parse(wrong), reference=parse(reference), profile="quick", in_process=True)
        with Session(plan) as session:
            found.append(
                {
                    j.case.id: [(v.aspect, v.status, v.detail, v.elements, v.unjudged) for v in j.verdicts]
                    for j in session.judged(cases_of(made))
                }
            )
    live, recorded = found
    assert recorded == live
    failing = {(case.op, v[0]) for case in cases_of(made) for v in live[case.id] if v[1] == "deviates"}
    assert {("sum", "values"), ("exp", "values"), ("randn", "random"), ("linspace", "values")} <= failing


@pytest.mark.parametrize("subject", ["torch", "torch@capability=default"])
def test_pytorch_conforms_to_its_recording(cli, recording, subject):
    levels = [word for level in ("core", "gradients", "errors", "fidelity") for word in ("--level", level)]
    here = ("--in-process",) if subject == "torch" else ()
    code, out, _ = cli("run", subject, "--against", f"recorded:{recording}", *levels, *here, "--json", "result.json")
    assert code == 0, out
    data = json.loads(Path("result.json").read_text())
    assert data["reference"] == f"recorded:{recording}"
    assert data["versions"]["reference"] == torch.__version__
    assert data["versions"]["recording"] == Recording(recording).digest
    assert data["cases"] == len(Recording(recording))
    assert (data["profile"], data["seed"]) == ("quick", 0)


def test_no_torch_is_needed_where_a_recording_is(recording, tmp_path):
    (tmp_path / "torch.py").write_text(NO_TORCH)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "assay.cli", "run", *arguments, "--only", "sum", "--only", "add"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    live = run("flambeau", "--profile", "quick")
    assert live.returncode == 2
    assert "there is no torch here" in live.stderr
    recorded = run("flambeau", "--against", f"recorded:{recording}")
    assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    assert "flambeau: conforms." in recorded.stdout
    apart = run(f"recorded:{recording}", "--against", f"recorded:{recording}")
    assert apart.returncode == 0, apart.stdout + apart.stderr


def test_pytest_judges_by_a_recording(recording, tmp_path):
    (tmp_path / "torch.py").write_text(NO_TORCH)
    (tmp_path / "other_sum.py").write_text("from flambeau import *\nimport flambeau\n" + OTHER_SUM)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ASSAY_", "PYTEST_"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    command = [sys.executable, "-m", "pytest", "-p", "assay.pytest_plugin", "-q", "-rfs", "-m", "assay_values"]
    command += ["--assay-subject", "other_sum", "--assay-against", f"recorded:{recording}"]
    command += [word for op in ("sum", "add", "cos") for word in ("--assay-only", op)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "1 failed, 1 passed, 1 skipped" in done.stdout
    assert "FAILED assay[sum-values]" in done.stdout
    assert "it is not recorded" in done.stdout
    assert f"PyTorch {torch.__version__} answered, as recorded:" in done.stdout


def doubled(case, told):
    """exp of two elements or more gives other elements."""
    result = told.outcome.result
    if case.op != "exp" or told.outcome.status != "returned" or len(result.data or b"") < 9:
        return told
    other = replace(result, data=result.data[::-1])
    return replace(told, outcome=replace(told.outcome, result=other))


def test_a_recording_as_subject_shows_what_changed_between_two_versions(cli, recording, tmp_path):
    assert cli("run", f"recorded:{recording}", "--in-process")[0] == 0
    other = rewritten(recording, tmp_path / "other.assay", doubled)
    for reference in ((), ("--against", f"recorded:{recording}")):
        code, out, _ = cli("run", f"recorded:{other}", *reference, "--in-process")
        assert code == 1
        assert "exp · values · deviates" in out
        assert "sum · " not in out
        kept = min((find("latest") / "failures").glob("*exp_values.py"))
        done = subprocess.run([sys.executable, kept], capture_output=True, text=True, check=True)
        first, second = done.stdout.split(f"PyTorch {torch.__version__} answered, as recorded:\n")[-2:]
        assert (first.startswith("torch answers:")) == (not reference)
        assert second.startswith("  result: torch.")
        assert second not in first


def test_the_smallest_recorded_case_is_shown_and_its_script_states_the_recorded_answer(cli, recording, wrong, tmp_path):
    against = ("--against", f"recorded:{recording}", "--in-process")
    code, out, _ = cli("run", wrong, "--only", "sum", *against, "--json", "result.json")
    assert code == 1
    data = json.loads(Path("result.json").read_text())
    (failure,) = (f for f in data["failures"] if f["aspect"] == "values" and f["kind"] == "finite")
    shown = decode(failure["case"])
    made = Recording(recording)
    assert shown in made
    failing = [
        record.case
        for record in records(find("latest"))
        for verdict in record.verdicts
        if (verdict.aspect, verdict.status, kind_of(verdict)) == ("values", "deviates", "finite")
    ]
    assert failure["cases"] == len(failing) > 3
    assert elements(shown) == min(map(elements, failing)) < max(map(elements, failing))
    assert failure["detail"] in out
    file = find("latest") / failure["file"]
    beside = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True, env=beside)
    stated, own = done.stdout.split(f"{wrong} answers:\n")
    lines = list(printed(made.answer(shown).outcome, ["x0", "x1"]))
    assert stated.splitlines() == [f"PyTorch {torch.__version__} answered, as recorded:", *lines]
    assert own.splitlines()[0].startswith("  result: torch.")
    assert own.splitlines()[1] != lines[1]
    words = failure["rerun"].split()
    assert words[words.index("--against") + 1] == f"recorded:{recording}"
    code, out, _ = cli(*words[1 : words.index("--case")], "--case", str(file))
    assert code == 1
    assert "sum · values · deviates" in out


def elements(case: Case) -> int:
    return sum(prod(spec.shape) for spec in tensor_specs(case))


def told_by(source: str) -> list[str]:
    """What a script prints of PyTorch, line by line."""
    space: dict = {"__name__": "script"}
    exec(compile(source, "script", "exec"), space)
    shown = io.StringIO()
    default = torch.get_default_dtype()
    try:
        with contextlib.redirect_stdout(shown):
            space["answer"]("torch")
    finally:
        torch.set_default_dtype(default)
    return shown.getvalue().splitlines()[1:]


@pytest.mark.parametrize("op", [op for op in OPS if op != "empty_like"])  # whose elements are what was there
def test_a_recorded_answer_is_printed_as_the_script_prints_it(recording, op):
    made, compared = Recording(recording), 0
    for case in made.cases(op):
        # The script differentiates by the memory of what is changed in place, the answer tells of the tensor on it.
        if case.order and works_in_place(case):
            continue
        # How a first gradient was made is nobody's answer; PyTorch warns of complex32 once; a method is called as one.
        seen = [
            re.sub(r"( {2}gradients\b.*) grad_fn=\w+", r"\1", line).replace("TensorBase.", "Tensor.")
            for line in told_by(script(case, "torch", "values", ""))
            if "ComplexHalf support" not in line
        ]
        labels = [line.split()[0] for line in seen if re.match(r"  x\d+ afterwards", line)]
        stated = ("\n".join(printed(made.answer(case).outcome, labels)) + "\n").splitlines()
        for i, line in enumerate(stated):
            if line == "    unchanged":  # then the elements of an input are not recorded
                assert "afterwards" in stated[i - 1]
                stated[i] = seen[i]
        assert stated == seen, case.to_json()
        compared += len(stated)
    assert compared > 20


def test_shards_and_dtypes_choose_among_the_recorded_cases(cli, recording):
    def put(*arguments: str) -> set[str]:
        assert cli("run", "torch", "--against", f"recorded:{recording}", "--in-process", *arguments)[0] == 0
        return {record.id for record in records(find("latest"))}

    made = Recording(recording)
    first, second = put("--shard", "1/2"), put("--shard", "2/2")
    assert first | second == {case.id for case in cases_of(made)}
    assert not first & second
    assert put("--only", "s*", "--dtypes", "int64") == {
        case.id for op in ("sum", "sort") for case in made.cases(op) if dtype_of(case) == "int64"
    }


def test_an_interrupted_run_is_gone_on_with(cli, recording, wrong, tmp_path):
    arguments = ("run", wrong, "--only", "s*", "--only", "exp", "--against", f"recorded:{recording}", "--in-process")
    assert cli(*arguments)[0] == 1
    folder = find("latest")
    whole = json.loads((folder / "result.json").read_text())
    (folder / "result.json").unlink()
    lines = gzip.decompress((folder / "verdicts.jsonl.gz").read_bytes()).splitlines(keepends=True)
    (folder / "verdicts.jsonl.gz").unlink()
    (folder / "verdicts.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    assert cli("run", "--resume", "latest", "--in-process")[0] == 1
    again = json.loads((folder / "result.json").read_text())
    for key in ("cells", "failures", "cases", "versions"):
        assert again[key] == whole[key]
    (folder / "result.json").unlink()
    moved = recording.with_suffix(".moved")
    recording.rename(moved)
    try:
        code, _, said = cli("run", "--resume", "latest")
        assert (code, "cannot read the recording" in said) == (2, True)
    finally:
        moved.rename(recording)


def test_an_executor_judges_by_a_recording(recording, wrong):
    reference, ops = parse(f"recorded:{recording}"), ("sum", "linspace")
    plan = Plan(parse(wrong), reference=reference, profile="quick", in_process=True)
    found = []
    with Session(plan) as session, ThreadPoolExecutor(1) as executor:
        for remote in (None, Remote(executor, 2)):
            kept: list[str] = []
            run(
                session, recorded_cases(plan, ops), write=lambda r, kept=kept: kept.append(r.to_line()), executor=remote
            )
            found.append(kept)
    assert len(found[0]) == sum(len(opened(recording).cases(op)) for op in ops)
    assert found[0] == found[1]
    assert any('"deviates"' in line for line in found[0])


def test_broken_recordings_are_told(cli, recording, tmp_path):
    data = recording.read_bytes()

    def said(content: bytes | None, name: str = "broken.assay") -> str:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        code, _, told = cli("run", "torch", "--against", f"recorded:{name}")
        assert code == 2
        assert name in told
        assert "Traceback" not in told
        return told

    for size in (0, 5, len(MAGIC) + 1, len(MAGIC) + 2, 100, len(data) // 2, len(data) - 1):
        assert re.search("is not a recording|damaged or not whole", said(data[:size])), size
    for at in (len(MAGIC) + 30, len(data) // 3, len(data) - 40, len(data) - 1):
        assert "damaged or not whole" in said(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]), at
    assert "format '2'; this assay reads '1'" in said(data.replace(MAGIC + FORMAT, MAGIC + b"2", 1))
    assert "is not a recording" in said(b"PK\3\4")
    assert "No such file" in said(None, "nowhere.assay")
    (tmp_path / "folder").mkdir()
    assert "Is a directory" in said(None, "folder")
    rewritten(recording, tmp_path / "older.assay", answers=0)
    assert "answers of kind 0" in said(None, "older.assay")


def test_a_recording_of_another_catalogue_is_refused(cli, recording, tmp_path):
    header = Recording(recording).header
    changed = {**header.policies, "sum": fingerprint(replace(policy_of("sum"), scale="magnitude"))}
    assert changed["sum"] != header.policies["sum"]
    assert fingerprint(replace(policy_of("sum"), method_error=3.0)) == header.policies["sum"]
    rewritten(recording, tmp_path / "other.assay", policies=changed)
    code, _, said = cli("run", "torch", "--against", "recorded:other.assay")
    assert code == 2
    assert "another catalogue, which evaluates sum otherwise" in said
    assert cli("run", "torch", "--only", "exp", "--against", "recorded:other.assay", "--in-process")[0] == 0


def test_what_does_not_fit_a_recording_is_a_usage_error(cli, recording, tmp_path):
    case = Case("sum", "function", "torch.sum", (1,))
    against = ("run", "torch", "--against", f"recorded:{recording}", "--in-process")
    for arguments, told in (
        ((*against, "--seed", "3"), "recorded with --seed 0"),
        ((*against, "--profile", "standard"), "recorded with --profile quick"),
        ((*against, "--case", case.to_json()), "1 of 1 cases are not in"),
        (("run", "torch", "--against", "torch"), "is no recording"),
        (("run", "torch", "--against", "recorded:"), "names no recording"),
        (("run", "torch", "--against", "recorded:1.99"), "no recording of PyTorch 1.99 ships"),
    ):
        code, _, said = cli(*arguments)
        assert code == 2, arguments
        assert told in said
    assert cli(*against, "--seed", "0", "--profile", "quick", "--only", "exp")[0] == 0
    assert cli(*against, "--only", "cos")[0] == 5
    other = rewritten(recording, tmp_path / "other.assay", seed=1)
    code, _, said = cli("run", f"recorded:{other}", "--against", f"recorded:{recording}")
    assert (code, "not recorded with the same profile and seed" in said) == (2, True)


def test_bad_input_of_record(cli, recording, tmp_path):
    (tmp_path / "there.assay").write_text("precious")
    for arguments, told in (
        (("--only", "exp", "--output", "there.assay"), "--force replaces it"),
        (("--only", "exp", "--output", "no/where.assay"), "no/where.assay: no is no folder"),
        (("--only", "expp"), "'expp' is not an operation"),
    ):
        code, _, said = cli("record", *arguments)
        assert code == 2, arguments
        assert told in said
    assert (tmp_path / "there.assay").read_text() == "precious"
    assert cli("record", "--only", "nothing*")[0] == 5


def test_what_ends_early_leaves_nothing_and_loses_nothing(recording, tmp_path):
    path = tmp_path / "kept.assay"
    path.write_bytes(recording.read_bytes())
    made = Recording(path)

    def stop(case, cases):
        if cases > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record(path, ["exp"], made.header, jobs=1, on_case=stop)
    assert [file.name for file in tmp_path.iterdir()] == ["kept.assay"]
    assert path.read_bytes() == recording.read_bytes()


@pytest.mark.parametrize("room", [0, 3000])
def test_a_full_disk_leaves_nothing(recording, tmp_path, monkeypatch, room):
    written = Writer._put

    def put(self, data):
        if self.size + len(data) > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(self, data)

    monkeypatch.setattr(Writer, "_put", put)
    with pytest.raises(OSError, match="No space left"):
        rewritten(recording, tmp_path / "full.assay")
    assert not list(tmp_path.iterdir())


def test_a_file_that_changes_is_read_anew(recording, tmp_path):
    path = tmp_path / "changing.assay"
    path.write_bytes(recording.read_bytes())
    first = opened(path)
    assert opened(path) is first
    rewritten(recording, path, lambda case, told: told, numpy="0")
    assert opened(path).header.numpy == "0"
    with Writer(path, first.header) as writer:
        exp, other = (first.cases(op)[0] for op in ("exp", "sum"))
        writer.add(exp, first.answer(exp))
        writer.add(other, first.answer(other))
        with pytest.raises(ValueError, match="do not follow each other"):
            writer.add(exp, first.answer(exp))
    assert opened(path).header.numpy == "0"


SHIPPED = Path(__file__).parents[2] / "reference" / f"recording-{DEFAULT_VERSION}.assay"


@pytest.mark.skipif(not SHIPPED.exists(), reason="it is made at a release, when the catalogue is settled")
def test_the_recording_that_ships_fits_the_catalogue():
    assert SHIPPED.stat().st_size < 15_000_000
    made = opened(parse(f"recorded:{DEFAULT_VERSION}").target)
    assert made.path.samefile(SHIPPED)
    assert made.header.torch.startswith(DEFAULT_VERSION)
    assert (made.header.profile, made.header.seed, made.header.only) == ("quick", 0, ())
    assert made.header.capability in ("AVX2", "AVX512")
    made.check((op, entry.policy) for op, entry in everything().items())
    assert set(made.ops) <= set(everything())
    assert len(set(made.ops) & set(catalog())) > 0.98 * len(catalog())

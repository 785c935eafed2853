"""Ledgers from runs: entries proposed, refused until a person has written a reason, then covering what they should."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.case import Case, TensorSpec
from assay.cli import main
from assay.dtypes import ALL
from assay.ledger import Known, Ledger
from assay.outcome import Verdict
from assay.proposal import Kind, entries, kinds, toml
from assay.record import Record

WRAPPED = """
import torch

def __getattr__(name):
    return getattr(torch, name)

def sum(*a, **k): return torch.sum(*a, **k) * 1.01
"""
BEFORE = """# why we keep this file

[[known]]  # an old one
op = "exp"
aspect = "values"
reason = "exp is quick here"
link = "https://example.org/exp"
"""


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Run assay in a folder with a planted subject and a ledger: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("ledgered.py").write_text(WRAPPED)
    Path("known.toml").write_text(BEFORE)
    sys.modules.pop("ledgered", None)

    def call(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
        return done.exit_code, done.stdout, done.stderr

    return call


RUN = ("run", "ledgered", "--only", "sum", "--profile", "quick", "--level", "core", "--in-process")


def test_proposed_entries_are_refused_until_reasons_are_written(cli):
    assert cli(*RUN, "--ledger", "known.toml", "--no-shrink")[0] == 1
    code, out, _ = cli("ledger", "update", "latest")
    assert code == 0
    assert "known.toml: " in out
    text = Path("known.toml").read_text()
    assert text.startswith(BEFORE)
    proposed = tomllib.loads(text)["known"][1:]
    assert {(e["op"], e["reason"], e["link"]) for e in proposed} == {("sum", "", "")}
    assert {e["aspect"] for e in proposed} >= {"values", "dtype"}

    for command in (("ledger", "check", "known.toml"), (*RUN, "--ledger", "known.toml")):
        code, _, err = cli(*command)
        assert code == 2
        assert "known.toml: entry 2 (sum · " in err
        assert "lacks reason: a person has to write it" in err
        assert "lacks link" in err

    again = cli("ledger", "update", "latest")[1]
    assert "0 entries proposed" in again, "what is proposed already is not proposed twice"
    assert Path("known.toml").read_text() == text

    text = text.replace('reason = ""', 'reason = "one percent generous"').replace('link = ""', 'link = "ticket 7"')
    Path("known.toml").write_text(text)
    assert cli("ledger", "check", "known.toml")[0] == 0
    code, out, _ = cli(*RUN, "--ledger", "known.toml")
    assert code == 0, out
    assert "known deviations: " in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[known", "Expected"),
        (BEFORE.replace('"exp"', '"expp"'), "'expp' is no operation; nearest: exp"),
        (BEFORE.replace('"values"', '"value"'), "'value' is no aspect; nearest: values"),
        (BEFORE + 'dtype = "float31"\n', "'float31' is no dtype; nearest: float"),
        (BEFORE + 'detail = "("\n', "no regular expression"),
        (BEFORE + "detail = 3\n", "a detail that is no text"),
        (BEFORE + 'why = "3"\n', "unknown keys ['why']"),
    ],
)
def test_check_says_what_is_wrong(cli, text, said):
    Path("bad.toml").write_text(text)
    code, _, err = cli("ledger", "check", "bad.toml")
    assert code == 2
    assert "bad.toml" in err
    assert said in err


def test_update_wants_a_file_and_a_run(cli):
    assert "no run is kept" in cli("ledger", "update", "latest", "--ledger", "known.toml")[2]
    cli(*RUN, "--no-shrink")
    code, _, err = cli("ledger", "update", "latest")
    assert (code, "name one with --ledger FILE" in err) == (2, True)
    Path("known.toml").write_text("[[known")
    code, _, err = cli("ledger", "update", "latest", "--ledger", "known.toml")
    assert (code, "known.toml: Expected" in err) == (2, True)
    assert Path("known.toml").read_text() == "[[known"
    code, _, _ = cli("ledger", "update", "latest", "--ledger", "new.toml")
    assert code == 0
    assert tomllib.loads(Path("new.toml").read_text())["known"]


def _record(dtype: str, detail: str, aspect: str = "values", status: str = "deviates") -> Record:
    case = Case("sum", "function", "torch.sum", (TensorSpec((2,), dtype),))
    verdict = Verdict(aspect, status, detail)
    return Record(case.id, "sum", "function", dtype, (0, 0), True, (verdict,), case)


def test_entries_cover_their_dtypes_and_no_other():
    found = kinds([_record(d, "result = 3; expected 4") for d in ("float16", "float32", "float64")], (), ("values",))
    (kind,) = found
    (entry,) = entries(kind)
    assert (entry.dtype, entry.detail) == ("float*", "")
    kind.dtypes.discard("float16")
    assert [e.dtype for e in entries(kind)] == ["float32", "float64"]
    kind.dtypes.update(ALL)
    assert [e.dtype for e in entries(kind)] == ["*"]
    assert kinds([_record("float32", "x", status="crash")], (), ("values", "structure")) == []
    known = Known("sum", "values", "r", "l", dtype="float32")
    assert kinds([_record("float32", "x")], (known,), ("values",)) == []


def test_an_entry_names_the_kind_of_error_and_matches_every_case_of_it():
    records = [
        _record("float32", f"raised TypeError: no {n} here; expected RuntimeError: {n}", "error") for n in (1, 2)
    ]
    (kind,) = kinds(records, (), ("error",))
    (entry,) = entries(kind)
    assert entry.detail == "TypeError.*RuntimeError"
    for record in records:
        assert entry.matches(record.case, record.verdicts[0])
    assert not entry.matches(records[0].case, Verdict("error", "deviates", "raised TypeError: a; expected IndexError"))


@pytest.mark.parametrize("text", ["plain", 'a "quoted" one', "it's", r"back\slash", "both ' and \" and \\", "nan → ∞"])
def test_entries_come_back_from_toml(text):
    case = Case("sum", "function", "torch.sum", (TensorSpec((2,), "float32"), text))
    kind = Kind("sum", "values", case, {"float32"}, ["result = 1; expected 2"])
    (entry,) = entries(kind, case)
    assert entry.case == case
    entry = Known(entry.op, entry.aspect, "", "", dtype=entry.dtype, detail=text.replace("\\", "\\\\"), case=case)
    written = toml(entry).replace('reason = ""', 'reason = "r"').replace('link = ""', 'link = "l"')
    (back,) = Ledger.parse(written).known
    assert (back.op, back.aspect, back.dtype, back.detail, back.case) == (
        *(entry.op, entry.aspect, entry.dtype, entry.detail, case),
    )

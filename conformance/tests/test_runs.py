"""Runs compared: listed, shown again, told apart, side by side, their history; unknown and broken ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli import main
from assay.database import database
from assay.difference import Difference, difference
from assay.runs import UnknownRun, find, latest, load, names
from assay.store import Store, StoreError

WRAPPED = """
import torch

def __getattr__(name):
    return getattr(torch, name)

"""
WRONG = "def sum(*a, **k): return torch.sum(*a, **k) * 1.01\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with runs of a subject whose sum is mended in the second and whose exp is broken and neg missing, and a
    run of torch before them."""
    folder = tmp_path_factory.mktemp("kept")
    only = ("--only", "sum", "--only", "exp", "--profile", "quick", "--level", "core", "--no-shrink", "--in-process")
    bodies = (
        WRONG,
        "def exp(*a, **k): return torch.exp(*a, **k) * 1.01\ndef neg(*a, **k): raise NotImplementedError('no neg')\n",
    )
    before, path = os.getcwd(), list(sys.path)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        CliRunner().invoke(main, ["run", "torch", *only], catch_exceptions=False)
        for i, body in enumerate(bodies):
            Path("kept_twice.py").write_text(WRAPPED + "# again\n" * i + body)
            CliRunner().invoke(main, ["run", "kept_twice", "--only", "neg", *only], catch_exceptions=False)
            sys.modules.pop("kept_twice")
    finally:
        os.chdir(before)
        sys.path[:] = path
    return folder / ".assay"


@pytest.fixture
def two_runs(cli, kept):
    """A copy of `kept` here; the ids of the two runs."""
    shutil.copytree(kept, ".assay")
    return [name for name in names() if "kept_twice" in name]


def test_diff_tells_failing_passing_and_missing_apart(cli, two_runs):
    first, second = two_runs
    code, out, _ = cli("diff", first, second)
    assert code == 1
    failing, rest = out.split("newly missing")
    missing, passing = rest.split("newly passing")
    assert "exp · function · values  conforms → deviates" in failing
    assert "sum" not in failing
    assert "neg" not in failing
    assert "neg · function · structure  conforms → missing" in missing
    assert "sum · function · values  deviates → conforms" in passing
    assert f"cases in both runs: {load(first)['cases']}" in passing
    assert cli("diff", second, second)[0] == 0
    with database() as opened:
        found = difference(opened, second, second)
        assert found == Difference(common=found.common)
        found = difference(opened, first, second)
    change = next(c for c in found.failing if (c.op, c.variant, c.aspect) == ("exp", "function", "values"))
    counts = next(
        c for c in load(second)["cells"] if (c["op"], c["variant"], c["aspect"]) == ("exp", "function", "values")
    )
    assert change.failed == counts["counts"]["deviates"]


def test_history_runs_and_show_read_them_back(cli, two_runs):
    first, second = two_runs
    code, out, _ = cli("history", "sum", "--subject", "kept_twice")
    assert code == 0
    block = out.split("kept_twice: sum · function · values")[1].splitlines()
    assert block[1].split()[:2] == [first, "deviates:"]
    assert block[2].split()[:2] == [second, "conforms"]
    assert "2 runs" in out
    lines = cli("runs", "--subject", "kept_twice")[1].splitlines()
    assert [line.split()[0] for line in lines] == [first, second]
    assert all("kinds of deviation" in line for line in lines)
    assert "no run of nobody" in cli("runs", "--subject", "nobody")[2]
    code, out, _ = cli("show", second)
    assert code == 0
    assert "exp · values · deviates" in out
    assert f"script .assay/runs/{second}/failures/" in out
    assert re.search(
        r"missing \(1 operation, 0 wholly\):\n    raised NotImplementedError: no neg \(\d+ verdicts\): neg\n", out
    )
    assert latest("kept_twice") == second
    assert latest("nobody") is None


def test_compare_sets_subjects_side_by_side(cli, two_runs):
    code, out, _ = cli("compare", "torch", "kept_twice")
    assert code == 0
    total = next(line for line in out.splitlines() if line.startswith("total"))
    assert "100%" in total
    code, out, _ = cli("compare", "torch", "kept_twice", "--by", "op")
    rows = {line.split()[0]: line for line in out.splitlines() if line}
    assert "conforms" in rows["exp"]
    assert "deviates: " in rows["exp"]
    assert "values" in rows["exp"]
    assert "·" in rows["neg"]
    assert "missing: structure" in rows["neg"]
    assert "sum" not in rows
    code, _, err = cli("compare", "torch", "nobody")
    assert code == 2
    assert "kept_twice, torch" in err


def test_unknown_runs_exit_2_with_the_nearest(cli, two_runs):
    first = two_runs[0]
    wrong = first.replace("kept", "kebt")
    for arguments in (("show", wrong), ("diff", wrong, first), ("merge", wrong), ("run", "--resume", wrong)):
        code, out, err = cli(*arguments)
        assert (code, out) == (2, "")
        assert f"{wrong!r} is no run; nearest: " in err
        assert first in err
    assert "begins 3 runs" in cli("show", first[:8])[2]
    with pytest.raises(UnknownRun, match="no run is kept"):
        find("latest", Path("nowhere"))


def test_a_lost_database_is_made_anew(cli, two_runs):
    before = cli("diff", *two_runs)
    Path(".assay/assay.sqlite").unlink()
    assert cli("diff", *two_runs) == before


def test_broken_folders_are_told(cli, two_runs):
    folder = find(two_runs[0])
    plan = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text("{")
    assert "broken: " in cli("runs")[1]
    code, _, err = cli("show", folder.name)
    assert (code, "is not the plan of a run" in err) == (2, True)
    (folder / "plan.json").write_text(plan)
    (folder / "result.json").write_text("[]")
    code, _, err = cli("show", folder.name)
    assert (code, "is not the result of a run" in err) == (2, True)
    (folder / "result.json").unlink()
    (folder / "verdicts.jsonl").write_text("nonsense\n")
    code, _, err = cli("run", "--resume", folder.name)
    assert (code, "line 1, is not a record" in err) == (2, True)


def test_a_run_that_goes_on_elsewhere_is_left_alone(cli, two_runs):
    folder = find(two_runs[0])
    (folder / "result.json").unlink()
    with Store.resume(folder):
        assert "running" in cli("runs")[1]
        with pytest.raises(StoreError, match="is still running"):
            Store.resume(folder)
    data = json.loads((folder / "plan.json").read_text())
    data["versions"]["reference"] = "1.0"
    (folder / "plan.json").write_text(json.dumps(data))
    code, _, err = cli("run", "--resume", folder.name)
    assert (code, "was begun with reference 1.0" in err) == (2, True)

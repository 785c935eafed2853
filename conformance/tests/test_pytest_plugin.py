"""The pytest plugin, in sessions of its own: what it adds, what fails, what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FAULTY = """
import torch

def __getattr__(name):
    return getattr(torch, name)

def trunc(*args, **kwargs):
    found = torch.trunc(*args, **kwargs)
    if found.dtype == torch.float32:
        found.detach().add_(1)
    return found
"""


@pytest.fixture
def session(tmp_path: Path):
    """Run pytest in a folder of its own: (exit code, output)."""
    (tmp_path / "faulty_trunc.py").write_text(FAULTY)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ASSAY_", "PYTEST_"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *(p for p in sys.path if p)])

    def run(*arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytest", "-p", "assay.pytest_plugin", "-q", "-rfs", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_a_fault_fails_its_aspect_and_no_other(session):
    code, told = session("--assay-subject", "faulty_trunc", "--assay-only", "trunc", "-m", "assay")
    assert code == pytest.ExitCode.TESTS_FAILED, told
    assert "FAILED assay[trunc-values]" in told
    assert "1 failed" in told
    assert "def case(torch, inputs):" in told  # the script
    assert "not promised at the levels core, gradients" in told


def test_markers_choose_and_workers_agree(session):
    arguments = ("--assay-subject", "faulty_trunc", "--assay-only", "trunc", "--assay-only", "neg")
    code, told = session(*arguments, "-m", "assay_elementwise and (assay_values or assay_dtype)", "-n", "2")
    assert code == pytest.ExitCode.TESTS_FAILED, told
    assert "1 failed, 3 passed" in told


def test_nothing_is_added_without_a_subject(session):
    assert session()[0] == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("faulty_trunc", "--assay-only", "trunk"), "'trunk' matches no operation of the catalogue; nearest: trunc"),
        (("no_such_module_here", "--assay-only", "neg"), "there is no subject 'no_such_module_here'"),
        (("no module", "--assay-only", "neg"), "is not a subject"),
        (("faulty_trunc", "--assay-only", "neg", "--assay-levels", "cor"), "unknown level 'cor'"),
        (("faulty_trunc", "--assay-only", "neg", "--assay-seed", "x"), "invalid literal"),
    ],
)
def test_bad_options_are_told(session, arguments, told):
    code, output = session("--assay-subject", *arguments)
    assert code == pytest.ExitCode.USAGE_ERROR, output
    assert told in output


def test_own_tests_may_ask_the_suite(session, tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.parametrize('op', ['neg', 'trunc'])\n"
        "def test_mine(op, assay_suite):\n    assay_suite.check(op, 'values')\n"
    )
    code, told = session("--assay-subject", "faulty_trunc", "test_mine.py")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "FAILED test_mine.py::test_mine[trunc]" in told
    assert "1 failed, 1 passed" in told  # and no item of the plugin's own

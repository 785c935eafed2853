"""What several test modules use."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from assay.cli import main


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Run assay in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def call(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
        return done.exit_code, done.stdout, done.stderr

    return call

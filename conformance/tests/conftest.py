"""What several test modules use."""

from __future__ import annotations

import sys
from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def _default_dtype() -> Iterator[None]:
    """Cases that are put to PyTorch in this process leave the default dtype that they ask for."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_default_dtype(sys.modules["torch"].float32)


@pytest.fixture
def torch_as_in_a_worker() -> Iterator[None]:
    """PyTorch of one thread that warns always."""
    import torch

    threads, always = torch.get_num_threads(), torch.is_warn_always_enabled()
    torch.set_num_threads(1)
    torch.set_warn_always(True)
    yield
    torch.set_num_threads(threads)
    torch.set_warn_always(always)

"""Every statement of the tutorials shows the same text under PyTorch and under the subject, errors included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.session import difference, run_apart

TUTORIALS = sorted((Path(__file__).parent / "tutorials").glob("*.py"))
SUBJECT = os.environ.get("ASSAY_SUBJECT", "flambeau")


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda p: p.stem)
def test_tutorial(path: Path) -> None:
    reference, subject = run_apart(path, "torch"), run_apart(path, SUBJECT)
    assert [r.line for r in reference] == [r.line for r in subject]
    found = [(r, d) for r, s in zip(reference, subject, strict=True) if (d := difference(r, s)) is not None]
    text = "\n".join(f"{path.name}:{r.line}: {r.source.splitlines()[0]}\n    {d}" for r, d in found)
    assert not found, f"{len(found)} of {len(reference)} statements differ:\n{text}"

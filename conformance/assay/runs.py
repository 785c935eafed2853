"""Reading the runs that are kept: by id, by the start of one, the latest of a subject."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assay.ledger import Ledger
from assay.report.result_json import as_json, from_json
from assay.result import Result
from assay.store import ROOT, Setup, StoreError, is_finished, is_running, read_result, records

LATEST = "latest"


class UnknownRun(StoreError):
    """There is no such run; the text names the nearest."""


def names(root: Path = ROOT) -> list[str]:
    """The ids of all runs, oldest first."""
    runs = root / "runs"
    found = [p.parent for p in runs.glob("*/plan.json")] if runs.is_dir() else []
    return sorted(p.name for p in found)  # ids begin with the time


def find(run: str, root: Path = ROOT) -> Path:
    """The folder of a run: by its id, the start of one that no other has, or "latest". Raises UnknownRun."""
    known = names(root)
    if not known:
        raise UnknownRun(f"no run is kept in {root / 'runs'}; `assay run SUBJECT` makes one")
    if run == LATEST:
        return root / "runs" / known[-1]
    run = Path(run).name
    if run in known:
        return root / "runs" / run
    begun = [name for name in known if name.startswith(run)]
    if len(begun) == 1:
        return root / "runs" / begun[0]
    if begun:
        raise UnknownRun(f"{run!r} begins {len(begun)} runs: {', '.join(begun[-5:])}")
    near = get_close_matches(run, known, 5, 0.4) or known[-5:]
    raise UnknownRun(f"{run!r} is no run; nearest: {', '.join(near)}")


def state(folder: Path) -> str:
    """ "finished", "running" or "interrupted"."""
    return "finished" if is_finished(folder) else "running" if is_running(folder) else "interrupted"


def counted(folder: Path, setup: Setup | None = None) -> Result:
    """The result of what is kept of a run, counted from its records; nothing is shrunk. Raises StoreError."""
    setup = setup or Setup.read(folder)
    ledger = Ledger.parse(setup.ledger, setup.ledger_path)
    result = Result(setup.plan, started=setup.started.timestamp())
    for record in records(folder):
        result.add(record.map(ledger.apply))
    return result


def load(run: str, root: Path = ROOT) -> dict[str, Any]:
    """A run as `assay.report.result_json` describes it; what is there of an unfinished one, whose "finished" is None.

    Raises StoreError; its subclass UnknownRun where there is none.
    """
    folder = find(run, root)
    if is_finished(folder):
        return read_result(folder)
    setup = Setup.read(folder)
    return as_json(counted(folder, setup)) | {"run": folder.name, "finished": None, "versions": setup.versions}


def result_of(run: str, root: Path = ROOT) -> Result:
    """The same as a Result. Raises StoreError."""
    folder = find(run, root)
    setup = Setup.read(folder)
    if not is_finished(folder):
        return counted(folder, setup)
    try:
        return from_json(read_result(folder), setup.plan)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{folder / 'result.json'} is not the result of a run: {error}") from error


def latest(subject: str, root: Path = ROOT) -> str | None:
    """The id of the latest finished run of a subject that put more than given cases to the test; None where there is
    none. Raises StoreError."""
    for name in reversed(names(root)):
        folder = root / "runs" / name
        if is_finished(folder):
            setup = Setup.read(folder)
            if setup.plan.subject.name == subject and setup.plan.drawn:
                return name
    return None


def subjects_run(root: Path = ROOT) -> list[str]:
    """The subjects of finished runs. Raises StoreError."""
    folders = [root / "runs" / name for name in names(root)]
    return sorted({Setup.read(folder).plan.subject.name for folder in folders if is_finished(folder)})

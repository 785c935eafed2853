"""Whether a subject's module is there at all: told before a process is started, with what else may have been meant."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.machinery import PathFinder
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

from assay.subjects import GROUP, Subject, SubjectError


def check(subject: Subject, role: str = "subject") -> None:
    """Raises SubjectError where the module of a subject, or its setup, is not to be found. Imports neither."""
    if subject.kind == "recorded":
        return
    for what, path in ((role, subject.target.partition(":")[0]), ("setup module", subject.setup)):
        module = path.partition(".")[0]
        if module and not _is_there(module):
            why = f"there is no {what} {path!r}: no module of this name can be imported"
            near = get_close_matches(module, sorted(set(_names())), 3)
            hint = "; without PyTorch, judge by a recording (--against)" if role == "reference" else ""
            raise SubjectError(why + (f"; nearest: {', '.join(near)}" if near else "") + hint)


def _is_there(module: str) -> bool:
    """Whether a worker finds a top-level module: it looks in the current folder too."""
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # it is there, in an odd way: importing it will tell
        return True
    return found is not None or PathFinder.find_spec(module, [os.getcwd()]) is not None


def _names() -> Iterator[str]:
    """What may have been meant: adapters that are installed, top-level modules of distributions and of this folder."""
    yield from (entry.name for entry in entry_points(group=GROUP))
    yield from packages_distributions()
    yield from (path.name.partition(".")[0] for path in Path().glob("*") if path.is_dir() or path.suffix == ".py")

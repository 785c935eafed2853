"""Who answers: a subject's name on the command line, and the torch-like module it stands for."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class SubjectError(Exception):
    """The name is not that of a subject."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject, by name: plain data, loaded only in the process that runs it.

    kind decides who loads it (`LOADERS`); target is what to load.
    """

    name: str
    kind: str
    target: str

    def load(self) -> Any:
        """The torch-like module. Raises whatever its import raises."""
        return LOADERS[self.kind](self.target)


def parse(name: str) -> Subject:
    """The subject called `name`: "flambeau", "torch" or any importable module path. Raises SubjectError."""
    if _NAME.fullmatch(name):
        return Subject(name, "module", name)
    raise SubjectError(
        f"{name!r} is not a subject: give flambeau, torch, or the dotted path of an importable torch-like module"
    )


def _module(target: str) -> Any:
    """The module at a dotted path, or an attribute of one (`package.module.namespace`)."""
    parts = target.split(".")
    for n in range(len(parts), 0, -1):
        name = ".".join(parts[:n])
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # A missing dependency of the subject is not a missing subject.
            if n == 1 or not (error.name or "").startswith(parts[0]):
                raise
            continue
        for part in parts[n:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(f"No module named {target!r}")


LOADERS = {"module": _module}

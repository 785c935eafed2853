"""Who answers: a subject's name on the command line, and what it stands for.

flambeau, torch, my_library.torch_api   a torch-like module by its dotted path
my_package.conformance:MyAdapter        an adapter (`assay.subjects.adapter`), by module and class
tinygrad, jax                           an adapter that ships, or one by its entry point in the group `assay.subjects`
torch@cuda, my_library@mps:0            the module's tensors on a device
torch@meta                              shapes and dtypes alone
torch@compile=inductor                  each call through torch.compile with that backend
torch@threads=1,capability=default      PyTorch with other threads or ATEN_CPU_CAPABILITY
recorded:FILE, recorded:2.13            what PyTorch answered when a recording was made (`assay.recording`)
"""

from __future__ import annotations

import importlib
import json
import os
import re
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from assay.subjects.adapter import Adapter, Claims, adapted
from assay.subjects.claims import ClaimsError, claims_beside

GROUP = "assay.subjects"
#: The adapters that ship, by the name of the library: never its bare module, which is not torch-like.
SHIPPED = {"jax": "assay.subjects.jax:Jax", "tinygrad": "assay.subjects.tinygrad:Tinygrad"}
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_OPTIONS = ("threads", "capability", "compile")
#: What PyTorch's dispatcher knows; it passes over other words with a warning.
_CAPABILITIES = ("default", "avx2", "avx512", "vsx", "zvector", "sve", "sve256")
_RECORDED = "recorded:"
_DEVICE = re.compile(r"[a-z][a-z0-9]*(:\d+)?")


class SubjectError(Exception):
    """The name is not that of a subject."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject, by name: plain data, loaded only in the process that runs it.

    kind: "module", "adapter" or "recorded"; target: the dotted path to load, of an adapter "module:Class", of a
    recording its file. device, compile: where
    and how calls run. threads, capability: of the process. setup: a module imported first, which may register a
    backend.
    """

    name: str
    kind: str
    target: str
    device: str = ""
    compile: str = ""
    threads: int = 0
    capability: str = ""
    setup: str = ""

    def load(self) -> Adapter:
        """The adapter. Raises whatever an import raises."""
        if self.setup:
            importlib.import_module(self.setup)
        if self.kind == "recorded":
            from assay.subjects.recorded import Recorded

            return Recorded(self.target)
        if self.kind == "adapter":
            path, _, name = self.target.partition(":")
            try:
                made: Adapter = getattr(importlib.import_module(path), name)()
            except ModuleNotFoundError as error:
                if error.name in SHIPPED:
                    error.add_note(f"assay's adapter needs {error.name}: pip install 'torch-assay[adapters]'")
                raise
            return made
        module = _module(self.target)
        if self.device or self.compile:
            from assay.subjects.placed import placed

            return placed(module, self.device, self.compile)
        side = adapted(module)
        side.claims = claims_beside(module) or side.claims
        return side

    @property
    def is_plain(self) -> bool:
        """Whether importing a module is all it takes."""
        return self.kind == "module" and "@" not in self.name and not self.setup

    @property
    def environment(self) -> dict[str, str]:
        """Variables of its process."""
        return {"ATEN_CPU_CAPABILITY": self.capability} if self.capability else {}

    def to_json(self) -> str:
        """All fields, for another process."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Subject:
        """The reverse of `to_json`."""
        return Subject(**json.loads(text))


def parse(name: str, setup: str = "") -> Subject:
    """The subject called `name`. Raises SubjectError, which says what is wrong with it."""
    if name.startswith(_RECORDED):
        return Subject(name, "recorded", _recording(name.removeprefix(_RECORDED)), setup=setup)
    target, _, options = name.partition("@")
    if setup and not _PATH.fullmatch(setup):
        raise SubjectError(f"{setup!r} is not the dotted path of a module")
    path, colon, cls = target.partition(":")
    if colon:
        if not (_PATH.fullmatch(path) and cls.isidentifier()) or options:
            raise SubjectError(f"{name!r} is not an adapter: give package.module:Class")
        return Subject(name, "adapter", target, setup=setup)
    if not _PATH.fullmatch(target):
        raise SubjectError(
            f"{name!r} is not a subject: give flambeau, torch, the dotted path of an importable torch-like module, "
            "or package.module:Adapter"
        )
    short = {e.name: e.value for e in entry_points(group=GROUP)} | SHIPPED
    if target in short:
        if options:
            raise SubjectError(f"{name!r}: the adapter {target} takes no options")
        return Subject(name, "adapter", short[target], setup=setup)
    return Subject(name, "module", target, setup=setup, **_parsed(name, options))


def _recording(given: str) -> str:
    """The file of a recording, by its path, or by the version of PyTorch whose recording ships with assay."""
    if not given:
        raise SubjectError(f"{_RECORDED!r} names no recording: give recorded:FILE, or recorded:2.13")
    if re.fullmatch(r"\d+\.\d+", given) and not Path(given).exists():
        folder = files("assay") / "reference"
        file = folder / f"recording-{given}.assay"
        if not file.is_file():
            shipped = sorted(entry.name[10:-6] for entry in folder.iterdir() if entry.name.startswith("recording-"))
            known = f"only of {', '.join(shipped)}" if shipped else "nor of any other version"
            raise SubjectError(f"no recording of PyTorch {given} ships with assay, {known}")
        return str(file)
    return str(Path(given).absolute())


def _parsed(name: str, options: str) -> dict[str, Any]:
    """The part behind "@" as fields."""
    found: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        key, equals, value = option.partition("=")
        if not equals:
            if not _DEVICE.fullmatch(option) or "device" in found:
                raise SubjectError(f"{name!r}: {option!r} is not a device")
            found["device"] = option
        elif key not in _OPTIONS or not value:
            near = get_close_matches(key, _OPTIONS, 1)
            hint = f"; did you mean {near[0]}=…?" if near and near[0] != key else f"; one of {', '.join(_OPTIONS)}"
            raise SubjectError(f"{name!r}: {option!r} is not an option{hint}")
        elif key == "threads":
            if not value.isdigit() or not 1 <= int(value) <= 4 * (os.cpu_count() or 1):
                raise SubjectError(f"{name!r}: {value!r} is not a sensible number of threads")
            found[key] = int(value)
        elif key == "capability" and value not in _CAPABILITIES:
            raise SubjectError(f"{name!r}: {value!r} is none of the capabilities: {', '.join(_CAPABILITIES)}")
        else:
            found[key] = value
    if options.endswith(",") or "@" in name and not options:
        raise SubjectError(f"{name!r}: nothing stands behind the last {name[-1]!r}")
    return found


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
        if n == len(parts) and getattr(found, "__file__", None) is None and hasattr(found, "__path__"):
            where = ", ".join(found.__path__)
            raise ImportError(
                f"{target!r} is only a folder without __init__.py, {where}, and no package: run elsewhere"
            )
        for part in parts[n:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(f"No module named {target!r}")


__all__ = ["GROUP", "SHIPPED", "Adapter", "Claims", "ClaimsError", "Subject", "SubjectError", "parse"]

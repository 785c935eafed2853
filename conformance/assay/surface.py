"""What PyTorch offers: the recorded surface, and how much of it a catalogue covers.

The record is data (reference/surface-<version>.json, made by reference/make_surface.py); nothing here imports torch.
A path is a public name as one would call it, `torch.sum` or `Tensor.sum`; an operation is what paths share, named as
in a Case: `sum`, `linalg.svd`, `nn.functional.gelu`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

VARIANTS = ("function", "method", "inplace", "out", "operator")
DEFAULT_VERSION = "2.13"


@dataclass(frozen=True, slots=True)
class Name:
    """One public name. Either it belongs to an operation (op, variants), or left_out names the reason why not.

    kind: "function", "method", "property", "class", "module", "dtype" or "constant". alias_of: the operation PyTorch's
    documentation calls this one an alias of.
    """

    path: str
    kind: str
    op: str | None = None
    variants: tuple[str, ...] = ()
    left_out: str | None = None
    alias_of: str | None = None
    documented: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation on dense tensors: the paths of each variant, e.g. {"inplace": ("torch.abs_", "Tensor.abs_")}."""

    name: str
    paths: dict[str, tuple[str, ...]]
    alias_of: str | None = None
    documented: bool = True

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(variant for variant in VARIANTS if variant in self.paths)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the surface a catalogue covers, as sorted lists.

    unknown: catalogue names that PyTorch does not offer. left_out: reason -> paths that are no operation on dense
    tensors and so count neither way.
    """

    covered: tuple[str, ...]
    uncovered: tuple[str, ...]
    unknown: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Covered operations over all operations, 0 to 1."""
        total = len(self.covered) + len(self.uncovered)
        return len(self.covered) / total if total else 0.0


@dataclass(frozen=True)
class Surface:
    """The public names of one version of PyTorch."""

    version: str
    names: dict[str, Name]
    reasons: dict[str, str]

    @cached_property
    def operations_by_name(self) -> dict[str, Operation]:
        members: dict[str, list[Name]] = {}
        for name in self.names.values():
            if name.op is not None:
                members.setdefault(name.op, []).append(name)
        return {op: _operation(op, members[op]) for op in sorted(members)}

    def operations(self) -> tuple[str, ...]:
        """Names of all operations, sorted."""
        return tuple(self.operations_by_name)

    def operation(self, name: str) -> Operation:
        """The operation called name. Raises KeyError, with the nearest names, when there is none."""
        try:
            return self.operations_by_name[name]
        except KeyError:
            raise KeyError(self.unknown(name)) from None

    def variants(self, name: str) -> tuple[str, ...]:
        """The variants an operation exists in, of function, method, inplace, out, operator. Raises KeyError."""
        return self.operation(name).variants

    def nearest(self, name: str, count: int = 5) -> tuple[str, ...]:
        """The operations whose names resemble name most, best first; may be empty."""
        wanted = name.removeprefix("torch.").removeprefix("Tensor.")
        last = wanted.rpartition(".")[2]
        names = self.operations()
        found = [op for op in names if op.rpartition(".")[2] in (last, last.rstrip("_"))]
        found.sort(key=lambda op: (-difflib.SequenceMatcher(None, wanted, op).ratio(), op))
        found += difflib.get_close_matches(wanted, names, n=count, cutoff=0.6)
        return tuple(dict.fromkeys(found))[:count]

    def unknown(self, name: str) -> str:
        """A sentence for an error message: name is unknown, and what was perhaps meant."""
        near = self.nearest(name)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        return f"PyTorch {self.version} has no operation {name!r}{hint}"

    def coverage(self, catalogue: Iterable[str]) -> Coverage:
        """Compare the operations of the surface with the names of a catalogue."""
        known, wanted = set(self.operations()), set(catalogue)
        left_out: dict[str, list[str]] = {}
        for name in self.names.values():
            if name.left_out is not None:
                left_out.setdefault(name.left_out, []).append(name.path)
        return Coverage(
            covered=tuple(sorted(known & wanted)),
            uncovered=tuple(sorted(known - wanted)),
            unknown=tuple(sorted(wanted - known)),
            left_out={reason: tuple(sorted(paths)) for reason, paths in sorted(left_out.items())},
        )


def load_surface(version: str = DEFAULT_VERSION) -> Surface:
    """The recorded surface of a PyTorch version, "2.13" or "2.13.0".

    Raises LookupError when that version was never recorded, ValueError when the file's schema is another one.
    """
    minor = ".".join(version.partition("+")[0].split(".")[:2])
    folder = files("assay") / "reference"
    file = folder / f"surface-{minor}.json"
    if not file.is_file():
        recorded = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("surface-"))
        raise LookupError(f"no recorded surface of PyTorch {minor}; recorded: {', '.join(recorded) or 'none'}")
    data = json.loads(file.read_text(encoding="utf-8"))
    if data.get("schema") != 1:
        raise ValueError(f"{file}: schema {data.get('schema')!r}, expected 1")
    names = {path: _name(path, row) for path, row in data["names"].items()}
    return Surface(version=data["torch"], names=names, reasons=data["reasons"])


def _name(path: str, row: dict[str, Any]) -> Name:
    return Name(
        path=path,
        kind=row["kind"],
        op=row.get("op"),
        variants=tuple(row.get("variants", ())),
        left_out=row.get("left_out"),
        alias_of=row.get("alias_of"),
        documented=not row.get("undocumented", False),
    )


def _operation(op: str, names: list[Name]) -> Operation:
    paths: dict[str, list[str]] = {}
    for name in names:
        for variant in name.variants:
            paths.setdefault(variant, []).append(name.path)
    return Operation(
        name=op,
        paths={variant: tuple(found) for variant, found in paths.items()},
        alias_of=next((name.alias_of for name in names if name.alias_of), None),
        documented=any(name.documented for name in names),
    )

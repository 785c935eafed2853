"""What a run is asked to do, as plain data."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from assay.case import Case, Named, TensorSpec, specs_of
from assay.catalog import catalog, everything, is_program
from assay.dtypes import ALL
from assay.judge import ASPECTS, aspects_of
from assay.parts import tensor_specs
from assay.policy import Policy
from assay.program import MadeOf, mapped, program_of
from assay.programs.families import programs
from assay.subjects import Claims, Subject, parse
from assay.subjects.adapter import REQUIRE
from assay.worker import Limits


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. aspects: those asked for; dtypes: of the first tensor argument, empty for all; drawn: whether the
    cases are those that the catalogue draws, not given ones; operations: globs of those that the subject claims, empty
    for all; asked: which of "aspects", "operations" and "dtypes" were chosen by hand, whatever the subject claims;
    skipped: aspects left out by hand; shard: (i, n), the i-th of n parts, counted from 1; strict_flaky: whether what
    deviates only once fails the run; parts, writes: what programs may be made of, as the subject claims, however its
    operations were chosen; absent: what the subject was found to be without (`Claims.absent`)."""

    subject: Subject
    only: tuple[str, ...] = ()
    aspects: tuple[str, ...] = ASPECTS
    levels: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    profile: str = "standard"
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    reference: Subject = field(default_factory=lambda: parse("torch"))
    jobs: int = 1
    in_process: bool = False
    strict_text: bool = False
    max_failures: int | None = None
    drawn: bool = True
    operations: tuple[str, ...] = ()
    asked: frozenset[str] = frozenset()
    skipped: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)
    strict_flaky: bool = False
    parts: tuple[str, ...] = ()
    writes: bool = True
    absent: tuple[str, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether one side is a recording: then its cases are all there are."""
        return "recorded" in (self.subject.kind, self.reference.kind)

    @property
    def unfiltered(self) -> bool:
        """Whether this run and the other shards with it put every case to the subject that it claims."""
        chosen = self.only or (self.dtypes and "dtypes" in self.asked) or not self.drawn
        filtered = chosen or self.max_failures is not None
        return not filtered and self.profile != "quick" and not self.recorded

    @property
    def full(self) -> bool:
        """Whether every case that the subject claims is put to it, so that what was not met is not there."""
        return self.unfiltered and self.shard[1] == 1

    def takes(self, case: Case) -> bool:
        """Whether a case that was drawn is put to the subject: it has one of the dtypes, belongs to the shard, needs no
        dtype that is absent, and is no program made of what the subject does not claim."""
        part, parts = self.shard
        program = program_of(case)
        if program is not None and not self.made_of.allows(program):
            return False
        if self.absent and "dtypes" not in self.asked and not needs(case).isdisjoint(self.absent):
            return False
        return wanted(case, self.dtypes) and (parts == 1 or int(case.id, 16) % parts == part - 1)

    def as_json(self) -> dict[str, Any]:
        """What `json.dumps` writes."""
        return asdict(self) | {"asked": sorted(self.asked)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Plan:
        """Inverse of `as_json`. Raises TypeError or KeyError where it is none."""
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        for side in ("subject", "reference"):
            given[side] = Subject(**data[side])
        return Plan(**given | {"limits": Limits(**data["limits"]), "asked": frozenset(data["asked"])})

    def within(self, claims: Claims) -> Plan:
        """The plan without what the subject does not claim. What somebody asked for by hand stays, but for aspects
        that the subject cannot show; so do cases that were given."""
        aspects, levels = self.aspects, self.levels
        dtypes, operations = self.dtypes, self.operations
        if "dtypes" not in self.asked and self.drawn:
            there = tuple(d for d in claims.dtypes or ALL if d not in claims.absent)
            dtypes = there if claims.absent and there else claims.dtypes
        if "operations" not in self.asked and self.drawn:
            operations = claims.operations
        if claims.levels and "aspects" not in self.asked:
            levels = claims.levels
            aspects = tuple(a for a in aspects_of(levels) if a not in self.skipped)
        return replace(
            self,
            aspects=claims.shown(aspects),
            levels=levels,
            operations=operations,
            dtypes=dtypes,
            parts=claims.operations,
            writes="mutation" in claims.shown(ASPECTS),
            absent=claims.absent,
        )

    def claims(self, op: str) -> bool:
        """Whether the subject claims this operation. Programs are made of claimed operations, whichever they are."""
        return not self.operations or is_program(op) or any(fnmatchcase(op, glob) for glob in self.operations)

    @property
    def made_of(self) -> MadeOf:
        """What cases may be made of."""
        return MadeOf(self.parts, self.writes, self.dtypes, REQUIRE not in self.absent)


def dtype_of(case: Case) -> str:
    """The dtype that a case is filed under: its first tensor argument's, the default dtype without one."""
    first: TensorSpec | None = next(specs_of((case.args, case.kwargs)), None)
    return case.default_dtype if first is None else first.dtype


def needs(case: Case) -> set[str]:
    """The dtypes that a case cannot do without: of its tensors, of a default that is not float32, those named, and
    that of complex numbers."""
    found = {spec.dtype for spec in tensor_specs(case)} | {case.default_dtype} - {"float32"}

    def see(value: Any) -> Any:
        if isinstance(value, Named):
            found.add(value.name.removeprefix("torch."))
        elif isinstance(value, complex):
            found.add("complex64")
        return value

    mapped((case.args, case.kwargs), see)
    return found


def wanted(case: Case, dtypes: Collection[str]) -> bool:
    """Whether the case is filed under one of `dtypes`; always without any."""
    return not dtypes or dtype_of(case) in dtypes


def policy_of(op: str) -> Policy:
    """The catalogue's policy; the strictest for an operation that is not in it."""
    found = catalog().get(op) or programs().get(op)
    return Policy() if found is None else found.policy


def select(only: Iterable[str]) -> list[str]:
    """The operations, and families of programs, that match any of the globs; all without globs."""
    globs = tuple(only)
    return [op for op in everything() if not globs or any(fnmatchcase(op, g) for g in globs)]

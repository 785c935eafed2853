"""The families of random programs, as entries that a run can ask for beside the operations; and their drawing.

The same (family, profile, seed, claims) gives the same programs. They are drawn with `Pick`, not with Hypothesis: a
step depends on all steps before it, so that Hypothesis's own shrinking finds nothing here
(`assay.programs.simpler` does).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from assay.case import Case, Layout, TensorSpec, Values
from assay.catalog.form import Entry
from assay.dtypes import category
from assay.pick import Pick
from assay.policy import Policy
from assay.program import CALL, MadeOf
from assay.programs import branches, pointwise, views, writes
from assay.programs.drawing import Drawing
from assay.programs.model import Range, bounded
from assay.programs.moves import MOVES

FAMILY = "programs"
#: How many programs of all families together a profile draws.
CASES = {"quick": 60, "standard": 500, "deep": 3000}
#: Which sort of refusal a program is drawn to meet, if any.
_RISKS = {"": 13, "saved": 4, "leaf": 1.5, "several": 2, "other": 2}
_STEPS = (3, 12)
_TRIES = 8
_MODULES = (branches, pointwise, views, writes)

#: The dtypes of a program's floating tensors: as a rule all have one.
_DTYPES = {("float32",): 9, ("float64",): 4, ("float16",): 1.5, ("bfloat16",): 1.5, ("float32", "float64"): 1.5}
_DTYPES |= {("float32", "float16"): 0.8, ("complex64", "float32"): 1.2}
_LAYOUTS = {"contiguous": 7, "permuted": 2, "stepped": 1, "offset": 1, "expanded": 0.6}
#: Value plans of floating leaves, with the bounds that they keep.
_PLANS: dict[tuple[Values, Range], float] = {
    (Values("uniform", low=0.5, high=2.0), bounded(0.5, 2.0)): 3,
    (Values("nonzero"), Range(-3.25, 3.25, 0.25)): 3,
    (Values("normal"), bounded(-6.0, 6.0)): 2,
    (Values("integers", low=-3, high=3), bounded(-3.0, 3.0, 0.0, True)): 3,
}
_WHOLE = (Values("integers", low=-3, high=3), bounded(-3.0, 3.0, 0.0, True))
_MASK = (Values("integers"), bounded(0.0, 1.0, 0.0, True))


@dataclass(frozen=True, repr=False)
class Programs(Entry):
    """A family of programs: how often each sort of move is tried, and on how many floating tensors."""

    sorts: dict[str, int] = field(default_factory=dict)
    share: float = 0.25
    leaves: tuple[int, int] = (1, 3)

    @property
    def variants(self) -> tuple[str, ...]:
        return ("program",)

    def most(self, profile: str) -> int:
        """How many programs a profile draws. Raises KeyError on an unknown profile."""
        return round(CASES[profile] * self.share)

    def cases(self, profile: str, seed: int, made_of: MadeOf | None = None) -> Iterator[Case]:
        """The programs of a profile; fewer where they may be made of little."""
        wanted = self.most(profile)
        pick = Pick(f"{seed}:{self.op}")
        seen: set[str] = set()
        for _ in range(_TRIES * wanted):
            case = self.drawn(Pick(pick.seed()), made_of or MadeOf())
            if case is not None and case.id not in seen:
                seen.add(case.id)
                yield case
                if len(seen) == wanted:
                    return

    def drawn(self, pick: Pick, made_of: MadeOf) -> Case | None:
        """One program; None where the moves that are left give none."""
        d = Drawing(pick, made_of, pick.weighted(_RISKS) if made_of.writes else "")
        _leaves(d, pick.integer(*self.leaves), self.sorts.get("branch", 0) > 2)
        sorts = {sort: weight for sort, weight in self.sorts.items() if made_of.writes or sort != "write"}
        risk, wanted = d.risk, pick.integer(*_STEPS)
        for _ in range(12 * wanted):
            if len(d.steps) >= wanted or d.over:
                break
            pick.weighted(MOVES[pick.weighted(sorts)])(d)
        program = d.program()
        if len(d.steps) < 2 or program is None:
            return None
        order = 1 if any(s.requires_grad for s in d.specs) else 0
        args = (*d.specs, program)
        return Case(self.op, "program", CALL, args, order=order, seed=pick.seed(), invalid=bool(risk and not d.risk))


def _leaves(d: Drawing, count: int, masks: bool) -> None:
    """The tensors of a case: floating ones whose shapes fit each other, and sometimes whole numbers and a mask."""
    pick = d.pick
    allowed = d.made_of.dtypes
    dtypes = pick.weighted({row: w for row, w in _DTYPES.items() if not allowed or set(row) <= set(allowed)} or _DTYPES)
    sizes = [pick.integer(2, 4) for _ in range(2)]
    if pick.chance(0.03):
        sizes[0] = 0
    rank = pick.weighted({0: 1, 1: 4, 2: 9, 3: 5})
    shape = tuple(pick.choice(sizes) for _ in range(rank))
    some = False
    for n in range(count):
        plan, bounds = pick.weighted(_PLANS)
        dtype = dtypes[n % len(dtypes)]
        if category(dtype) == 3 and bounds.gap < 0.2:
            bounds = replace(bounds, whole=False)
        grad = pick.chance(0.7) or (n == count - 1 and not some and pick.chance(0.7))
        grad &= d.made_of.gradients
        some |= grad
        # A complex number is as large as both of its parts.
        if category(dtype) == 3:
            bounds = Range(-1.5 * bounds.size, 1.5 * bounds.size, bounds.gap)
        _leaf(d, _near(pick, shape) if n else shape, dtype, plan, bounds, grad)
    if pick.chance(0.7 if masks else 0.25):
        _leaf(d, _near(pick, shape), pick.choice(("int64", "int64", "int32")), *_WHOLE, False)
    if pick.chance(0.6 if masks else 0.15):
        _leaf(d, _near(pick, shape) if pick.chance(0.6) else (), "bool", *_MASK, False)


def _near(pick: Pick, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, or one that broadcasts to it, or can be multiplied with it."""
    how = pick.weighted({"same": 5, "less": 2, "ones": 2, "turned": 1})
    if how == "less" and shape:
        return shape[pick.integer(1, len(shape)) :]
    if how == "ones":
        return tuple(1 if pick.chance(0.4) else n for n in shape)
    return shape[::-1] if how == "turned" else shape


def _leaf(d: Drawing, shape: tuple[int, ...], dtype: str, plan: Values, bounds: Range, grad: bool) -> None:
    pick, layout = d.pick, Layout()
    kind = pick.weighted(_LAYOUTS)
    if kind == "expanded" and grad:
        kind = "contiguous"
    if shape and 0 not in shape and kind != "contiguous":
        dims: tuple[int, ...] = ()
        if kind == "permuted":
            dims = tuple(pick.shuffled(range(len(shape))))
        elif kind in ("stepped", "expanded"):
            dims = (pick.integer(0, len(shape) - 1),)
        layout = Layout(kind, dims)
    d.leaf(TensorSpec(shape, dtype, replace(plan, seed=pick.seed()), layout, grad), bounds)


_POLICY = Policy(signed_zeros=False)
_FAMILIES = {
    "views": Programs(
        "programs.views", (), replace(_POLICY, strides=True), FAMILY, sorts={"view": 6, "elementwise": 3, "write": 2}
    ),
    "inplace": Programs(
        "programs.inplace", (), _POLICY, FAMILY, sorts={"write": 6, "view": 4, "elementwise": 2, "copy": 1}
    ),
    "branches": Programs(
        "programs.branches",
        (),
        _POLICY,
        FAMILY,
        sorts={"branch": 7, "elementwise": 3, "write": 2, "view": 2, "reduction": 1},
    ),
    "mixed": Programs(
        "programs.mixed",
        (),
        _POLICY,
        FAMILY,
        sorts={"view": 4, "elementwise": 4, "write": 3, "copy": 2, "reduction": 2, "product": 3, "branch": 2},
    ),
}


def programs() -> dict[str, Programs]:
    """The families by name, "programs.views" and so on."""
    return {entry.op: entry for entry in _FAMILIES.values()}


__all__ = ["CASES", "FAMILY", "Programs", "programs"]

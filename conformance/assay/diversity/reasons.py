"""Why a kind of input does not apply to an operation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache

from assay.catalog import catalog
from assay.catalog.form import Entry, Form
from assay.catalog.kinds import hidden
from assay.catalog.overlap import ELEMENTWISE
from assay.catalog.spelling import mistakes_of
from assay.diversity.byhand import by_hand
from assay.diversity.kinds import MISTAKES, OF_TENSORS
from assay.diversity.record import VERSION, record
from assay.drawing import executions
from assay.dtypes import ALL, ALL_COMPLEX, FLOATING, category
from assay.surface import VARIANTS, Operation, load_surface


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the cases of one operation show: how often each kind, and the most tensors of a case, dims of a tensor and
    size of a dim."""

    shown: Counter[str] = field(default_factory=Counter)
    tensors: int = 0
    rank: int = 0
    longest: int = 0

    def any(self, kinds: tuple[str, ...]) -> bool:
        """Whether any of these is shown."""
        return any(self.shown[kind] for kind in kinds)


def why(entry: Entry, kind: str, drawn: Drawn) -> str:
    """Why `kind` does not apply; "" where nothing says so. Of what is drawn: what the record says against it."""
    if drawn.shown[kind]:
        return _recorded(entry.op, kind)
    return by_rule(entry, kind, drawn) or _recorded(entry.op, kind) or by_hand(entry.op, kind)


def by_rule(entry: Entry, kind: str, drawn: Drawn) -> str:
    """What the entry and its draws tell; "" where they do not."""
    if kind in OF_TENSORS and not drawn.tensors:
        return "takes no tensor"
    if kind in ("nan", "inf", "-0.0", "subnormal") and not drawn.any((*FLOATING, *ALL_COMPLEX)):
        return "takes no floating tensor"
    if kind == "border" and not any(drawn.shown[d] for d in ALL if category(d) == 1):
        return "takes no integer tensor"
    if kind in ("broadcast", "mixed-dtype", "aliased") and drawn.tensors == 1:
        return "takes one tensor"
    if kind in VARIANTS:
        return _no_variant(entry, kind)
    if kind in ("out-resized", "out-cast", "bad-out") and "out" not in entry.variants:
        return "takes no out="
    if kind in ("window", "bad-overlap") and not _writes(entry):
        return "writes to no tensor"
    if kind in ("window", "bad-overlap") and entry.family not in ELEMENTWISE:
        return "PyTorch says of elementwise operations alone what overlap does"
    if kind in MISTAKES and not entry.mistakes:
        return "takes no argument, or anything"
    if kind in ("bad-type", "bad-value") and kind not in _mistakes(entry):
        return "none of its arguments can be wrong so"
    if kind == "keyword" and not any(_named(form) for form in entry.forms):
        return "takes arguments by position alone"
    if kind == "number" and drawn.tensors == 1:
        return "takes no second operand"
    return _of_shapes(kind, drawn)


def _of_shapes(kind: str, drawn: Drawn) -> str:
    if kind == "channels-last" and drawn.rank < 4:
        return "takes no tensor of four dims"
    if kind == "permuted" and drawn.rank < 2:
        return "takes no tensor of two dims"
    if kind in ("permuted", "stepped", "expanded", "channels-last", "long", "ties", "broadcast") and drawn.longest == 1:
        return "takes tensors of one element"
    if kind in ("size-1", "long", "stepped", "expanded") and not drawn.rank:
        return "takes no tensor of one dim"
    return ""


def _named(form: Form) -> bool:
    """Whether any argument may be named: self may not, nor what is written to, which is told by its place."""
    selfless = ("function" in form.variants or "out" in form.variants) and not form.writes
    rest = form.params if selfless else form.params[1:]
    return any(p.place != "positional" and not isinstance(p.kind, hidden) for p in rest)


@cache
def _mistakes_by_op(op: str) -> frozenset[str]:
    found = (mistakes_of(ex) for ex in executions(catalog()[op], 12))
    return frozenset(kind for kinds in found for kind in kinds)


def _mistakes(entry: Entry) -> frozenset[str]:
    """The mistakes that may be made in its arguments."""
    return _mistakes_by_op(entry.op)


@cache
def _operations() -> dict[str, Operation]:
    return load_surface(VERSION).operations_by_name


def _no_variant(entry: Entry, kind: str) -> str:
    operations = _operations()
    if entry.op in operations and kind in operations[entry.op].variants:
        return ""
    return f"PyTorch has none as {kind}"


def _writes(entry: Entry) -> bool:
    return any(v in ("inplace", "out") for v in entry.variants) or any(f.writes for f in entry.forms)


def _recorded(op: str, kind: str) -> str:
    said = record().refused.get(op, {}).get(kind)
    return f"PyTorch: {said}" if said else ""

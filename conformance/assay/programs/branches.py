"""Moves that decide: masks, choices by Python, steps that are guarded or taken without a graph."""

from __future__ import annotations

from assay.programs.drawing import Drawing
from assay.programs.model import Value, bounded, broadcast, promoted
from assay.programs.moves import MOVES, move

_TRUTH = bounded(0.0, 1.0, 0.0, True)
_HALVES = (-1.5, -0.5, 0.5, 1.5, 2.5)
_OPERATORS = {name: f"operator.{name}" for name in ("gt", "lt", "ge", "le")}


@move("branch", 5)
def mask(d: Drawing) -> bool:
    """Whole numbers compared with a half: far from the border, whatever is rounded."""
    v = d.value(lambda v: v.range.whole and 0 < v.kind < 3 and v.size > 0)
    name = d.pick.choice(tuple(_OPERATORS))
    call = d.spelled(f"torch.{name}", f"Tensor.{name}", _OPERATORS[name])
    if v is None or call is None:
        return False
    return d.result(call, (v, d.pick.choice(_HALVES)), v.shape, "bool", _TRUTH)


@move("branch", 4)
def verdict(d: Drawing) -> bool:
    """One truth of many."""
    v, call = (
        d.value(lambda v: v.dtype == "bool" and v.rank > 0),
        d.spelled("Tensor.any", "torch.any", "Tensor.all", "torch.all"),
    )
    return v is not None and call is not None and d.result(call, (v,), (), "bool", _TRUTH, elementwise=False)


@move("branch", 2)
def negation(d: Drawing) -> bool:
    v, call = (
        d.value(lambda v: v.dtype == "bool"),
        d.spelled("torch.logical_not", "Tensor.logical_not", "operator.invert"),
    )
    return v is not None and call is not None and d.result(call, (v,), v.shape, "bool", _TRUTH)


@move("branch", 4)
def where(d: Drawing) -> bool:
    condition = d.value(lambda v: v.dtype == "bool")
    call = d.spelled("torch.where")
    if condition is None or call is None:
        return False
    a = d.value(lambda v: v.kind > 0 and broadcast(condition.shape, v.shape) is not None)
    if a is None:
        return False
    b = d.value(lambda v: v.kind > 0 and broadcast(condition.shape, a.shape, v.shape) is not None)
    assert b is not None
    shape, dtype, bounds = broadcast(condition.shape, a.shape, b.shape), promoted(a, b), a.range.joined(b.range)
    if shape is None or d.grows(shape, dtype, bounds):
        return False
    return d.result(call, (condition, a, b), shape, dtype, bounds, saves="in")


def _condition(d: Drawing) -> Value | None:
    return d.value(lambda v: v.dtype == "bool" and v.size == 1)


@move("branch", 4)
def choice(d: Drawing) -> bool:
    condition = _condition(d)
    a = d.value(lambda v: v.kind > 1)
    if condition is None or a is None or not d.made_of.claimed("Tensor.__bool__"):
        return False
    b = d.value(lambda v: v is not a and v.shape == a.shape and v.dtype == a.dtype)
    return b is not None and d.choice("if", condition, a, b)


@move("branch", 5)
def guarded(d: Drawing) -> bool:
    """A write that happens only where a condition holds."""
    condition = _condition(d)
    if condition is None or not d.writes or not d.made_of.claimed("Tensor.__bool__"):
        return False
    d.guard = condition
    try:
        return d.pick.weighted(MOVES["write"])(d)
    finally:
        d.guard = None


@move("branch", 5)
def without_graph(d: Drawing) -> bool:
    """A step under no_grad: as a rule a write, as optimisers do it. Not a view: PyTorch says of one that it
    requires grad, and cannot differentiate it."""
    if not d.writes:
        return False
    d.no_grad = True
    try:
        return d.pick.weighted(MOVES[d.pick.weighted({"write": 3, "elementwise": 2})])(d)
    finally:
        d.no_grad = False

"""Operands on one memory: which PyTorch refuses to overwrite where they overlap in part, and takes otherwise."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from assay.case import Case, Layout, TensorSpec, Window
from assay.catalog.form import Entry, Execution
from assay.dtypes import category
from assay.strategies.shapes import Shape

#: Families of elementwise operations, which PyTorch runs over all operands at once.
ELEMENTWISE = ("elementwise", "comparison", "functions", "special")


def overlapping(entry: Entry, ex: Execution, case: Case, partly: bool) -> Case | None:
    """The case with another operand, or its `out=`, on the memory of the first tensor: overlapping it in part, or else
    wholly or not at all. None where that cannot be."""
    if entry.family not in ELEMENTWISE or not case.args or not isinstance(case.args[0], TensorSpec):
        return None
    first = case.args[0]
    if not math.prod(first.shape):
        return None
    if ex.variant == "out":
        assert ex.structure.form.out is not None
        shape = ex.structure.form.out(ex)
        if (
            shape is None
            or isinstance(shape, list)
            or not math.prod(shape)
            or not isinstance(case.kwargs["out"], TensorSpec)
        ):
            return None
        if not partly and category(ex.structure.form.result[0](ex)) > category(first.dtype):
            return None
        at: int | str = "out"
    else:
        fits = [
            i for i, a in enumerate(case.args) if i and isinstance(a, TensorSpec) and a.dtype == first.dtype and a.shape
        ]
        if not ex.in_place or not fits:
            return None
        at = ex.pick.choice(fits)
        other = case.args[at]
        if not math.prod(other.shape):
            return None
        # what is constrained (a divisor) is the operand
        shape, first = other.shape, replace(first, values=other.values)
    found = _partly(ex, first.shape, shape) if partly else _apart_or_wholly(ex, first.shape, shape)
    if found is None:
        return None
    layout, window = found
    args: list[Any] = [_without_grad(a) for a in case.args]
    kwargs = {name: _without_grad(a) for name, a in case.kwargs.items()}
    args[0] = replace(args[0], layout=layout, values=first.values)
    if at == "out":
        kwargs["out"] = window
    else:
        args[int(at)] = window
    return replace(case, args=tuple(args), kwargs=kwargs, order=0, invalid=partly)


def _without_grad(value: Any) -> Any:
    return replace(value, requires_grad=False) if isinstance(value, TensorSpec) else value


def _partly(ex: Execution, own: Shape, shape: Shape) -> tuple[Layout, Window] | None:
    """Some elements are shared, but do not stand at the same place of both."""
    count, needed = math.prod(own), math.prod(shape)
    long = [d for d, s in enumerate(shape) if s > 1]
    if own == shape and len(long) > 1 and ex.pick.chance(0.35):
        order = list(range(len(shape)))
        a, b = ex.pick.choice([(a, b) for a in long for b in long if a < b])
        order[a], order[b] = order[b], order[a]
        return Layout("shared", (0, 1, 0)), Window(0, shape, 0, 1, tuple(order))
    if max(count, needed) == 1:
        return None
    shift = ex.pick.integer(1 - needed, count - 1)
    if shift == 0 and own == shape:
        shift = 1
    before = max(-shift, 0)
    after = max(needed + shift - count, 0)
    return Layout("shared", (before, 1, after)), Window(0, shape, before + shift)


def _apart_or_wholly(ex: Execution, own: Shape, shape: Shape) -> tuple[Layout, Window]:
    count, needed = math.prod(own), math.prod(shape)
    how = ex.pick.choice(("same", "behind", "before", "between"))
    if how == "same" and own == shape:
        gap = ex.pick.integer(0, 2)
        return Layout("shared", (gap, 1, 0)), Window(0, shape, gap)
    if how == "between" and needed <= count:
        return Layout("shared", (0, 2, 0)), Window(0, shape, 1, 2)
    if how == "before":
        return Layout("shared", (needed, 1, 0)), Window(0, shape, 0)
    return Layout("shared", (0, 1, needed)), Window(0, shape, count)

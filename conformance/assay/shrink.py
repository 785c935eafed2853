"""Making a failing case small: the same operation, the same aspect, the same kind of deviation, a simpler case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any

import numpy as np

from assay.case import Case, Layout, TensorSpec, Values, specs_of
from assay.drawing import smaller
from assay.outcome import Verdict
from assay.program import program_of
from assay.programs.simpler import shorter
from assay.result import Group, kind_of
from assay.runner import Session
from assay.values import array

_BATCH = 12
#: Programs have their steps to lose beside all that other cases have.
_LONGER = 3
_WRITABLE = 600
#: Plans whose elements depend on each other or on the shape: a part of them is no tensor of the same sort.
_WHOLE = ("index", "distinct", "permutation")


def shrink(session: Session, group: Group, budget: int = 240) -> tuple[Case, str]:
    """The simplest case found within `budget` executions that still deviates as the group's example does, and how.

    Goes down greedily; needs a session whose workers have no other cases in hand.
    """
    best, detail, left = group.case, group.detail, budget * (_LONGER if program_of(group.case) else 1)
    seen = {best.id}
    while left > 0:
        candidates = []
        for case in islice(chain(shorter(best), parts(best, detail), smaller(best)), left):
            if case.id not in seen:
                seen.add(case.id)
                candidates.append(case)
        better = None
        for start in range(0, len(candidates), _BATCH):
            batch = candidates[start : start + _BATCH]
            left -= len(batch)
            # Every case of the batch is judged, though the first hit would do: workers are left with empty hands.
            told = [(j.case, _same(group, j.verdicts)) for j in session.judged(batch, confirm=False)]
            better = next(((case, found) for case, found in told if found is not None), None)
            if better is not None or left <= 0:
                break
        if better is None:
            break
        best, detail = better
    return best, detail


def _same(group: Group, verdicts: Iterable[Verdict]) -> str | None:
    """The detail of the same kind of deviation, where it is there."""
    for v in verdicts:
        if v.aspect == group.aspect and v.status == group.status and kind_of(v) == group.kind:
            return v.detail
    return None


def parts(case: Case, detail: str) -> Iterator[Case]:
    """Cases on parts of the tensors, elements kept: those at the position that `detail` names, then halves."""
    specs = list(specs_of((case.args, case.kwargs)))
    if any(s.values.kind in _WHOLE for s in specs):
        return
    named = re.search(r"\[(\d+(?:, \d+)*)\]", detail)
    if named:
        position = [int(n) for n in named[1].split(", ")]
        yield _map(case, lambda spec: _at(spec, position))
    for d in range(1, max((len(s.shape) for s in specs), default=0) + 1):
        sizes = {s.shape[-d] for s in specs if len(s.shape) >= d} - {0, 1}
        for size in sizes:
            for cut in (slice(0, size // 2), slice(size // 2, None)):
                yield _map(case, partial(_half, d=d, size=size, cut=cut))


def _at(spec: TensorSpec, position: list[int]) -> TensorSpec:
    """The one element that a broadcast over `position` meets, all dimensions kept."""
    rank = len(spec.shape)
    if rank > len(position) or 0 in spec.shape:
        return spec
    index = tuple(min(p, n - 1) for p, n in zip(position[len(position) - rank :], spec.shape, strict=True))
    return _part(spec, tuple(slice(i, i + 1) for i in index))


def _half(spec: TensorSpec, d: int, size: int, cut: slice) -> TensorSpec:
    if len(spec.shape) < d or spec.shape[-d] != size:
        return spec
    at = len(spec.shape) - d
    return _part(spec, tuple(cut if i == at else slice(None) for i in range(len(spec.shape))))


def _part(spec: TensorSpec, index: tuple[slice, ...]) -> TensorSpec:
    part = np.asarray(array(spec)[index])
    shape = part.shape[: len(spec.shape)]
    if np.prod(shape, dtype=int) > _WRITABLE:
        return spec
    if spec.dtype == "complex32":
        written: list[Any] = [complex(a, b) for a, b in part.reshape(-1, 2).astype(np.float64).tolist()]
    else:
        written = (part.astype(np.float64) if spec.dtype == "bfloat16" else part).ravel().tolist()
    layout = Layout() if spec.layout.kind == "expanded" else spec.layout
    return replace(spec, shape=shape, values=Values("literal", literal=tuple(written)), layout=layout)


def _map(case: Case, change: Callable[[TensorSpec], TensorSpec]) -> Case:
    def inside(value: Any) -> Any:
        if isinstance(value, TensorSpec):
            return change(value)
        if type(value) in (tuple, list):
            return type(value)(inside(v) for v in value)
        return value

    return replace(case, args=inside(case.args), kwargs={k: inside(v) for k, v in case.kwargs.items()})

"""Freedom that an operation leaves, taken out of an answer before values are compared.

Each function gives an outcome in which free choices no longer show: it is applied to both sides alike and looks at
nothing but the case and the answer itself. An answer that breaks the operation's own rules (an index out of range,
the same element twice) comes back unchanged, so that the comparison finds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from assay import decomposed, values
from assay.case import Case, Make, Same, TensorSpec
from assay.outcome import Outcome, Sequence, TensorData
from assay.parts import tensor_specs
from assay.tolerance import numpy_dtype, raw_array

_Canonical = Callable[[Case, Outcome], Outcome]

#: Where the dimension stands among the positional arguments, self included.
_DIM_AT = {"topk": 2, "kthvalue": 2}
#: Operations that PyTorch documents to answer the first of equals: nothing is free.
_FIRST = frozenset({"max", "min", "argmax", "argmin"})
#: Operations whose indices name each element once.
_PERMUTING = frozenset({"sort", "argsort", "topk", "msort"})


def canonical(name: str, case: Case, outcome: Outcome) -> Outcome:
    """`outcome` in canonical form; itself for an empty name or when nothing was returned. Raises KeyError."""
    if not name or outcome.status != "returned":
        return outcome
    # A broken answer may hold anything.
    with np.errstate(all="ignore"):
        return CANONICAL[name](case, outcome)


def _ties(case: Case, outcome: Outcome) -> Outcome:
    """Indices of an unstable sort or of one among equals stand for the values they point at."""
    if _argument(case, "stable", None) is True or case.op in _FIRST:
        return outcome
    source = case.args[0] if case.args else case.kwargs.get("input")
    if not isinstance(source, TensorSpec):
        return outcome
    array = _seen(source)
    result = outcome.result
    if isinstance(result, TensorData) and case.op == "argsort":
        return replace(outcome, result=_pointed_at(case, array, source, result))
    if isinstance(result, Sequence) and result.fields == ("values", "indices"):
        chosen, indices = result.items
        return replace(outcome, result=replace(result, items=(chosen, _pointed_at(case, array, source, indices))))
    return outcome


def _seen(source: TensorSpec) -> np.ndarray:
    """The elements an argument shows: an expanded dim repeats its first one."""
    array = values.array(source)
    if source.layout.kind != "expanded":
        return array
    index = tuple(
        slice(0, 1) if d in {e % array.ndim for e in source.layout.dims} else slice(None) for d in range(array.ndim)
    )
    return np.broadcast_to(array[index], array.shape) if array.size else array


def has_ties(case: Case) -> bool:
    """Whether some elements of the first tensor are equal, so that an unstable order of them is free."""
    source = case.args[0] if case.args else case.kwargs.get("input")
    if not isinstance(source, TensorSpec):
        return False
    flat = _seen(source).reshape(-1)
    return len(np.unique(flat)) < flat.size


def _unchanged(case: Case, outcome: Outcome) -> Outcome:
    """An operation that orders equal elements freely but does not tell how: only its gradients show the choice."""
    return outcome


def _pointed_at(case: Case, array: np.ndarray, source: TensorSpec, indices: TensorData) -> TensorData:
    if indices.dtype != "int64" or indices.data is None or source.dtype == "complex32":
        return indices
    where = raw_array(indices)
    dim = _argument(case, "dim", _DIM_AT.get(case.op, 1))
    if not isinstance(dim, int | None):
        return indices
    try:
        axis = -1 if dim is None else dim
        if array.ndim == 0:
            return indices
        reduced = where.ndim == array.ndim - 1
        if reduced:
            where = np.expand_dims(where, axis)
        if where.size and (where.min() < 0 or where.max() >= array.shape[axis]):
            return indices
        if case.op in _PERMUTING and not _distinct(where, axis):
            return indices
        found = np.take_along_axis(array, where, axis)
        return _like(indices, source, found.squeeze(axis) if reduced else found)
    except (IndexError, ValueError):
        return indices


def _like(indices: TensorData, source: TensorSpec, found: np.ndarray) -> TensorData:
    return replace(indices, dtype=source.dtype, shape=found.shape, data=np.ascontiguousarray(found).tobytes())


def _distinct(where: np.ndarray, axis: int) -> bool:
    ordered = np.sort(where, axis)
    return bool((np.diff(ordered, axis=axis) > 0).all())


def _argument(case: Case, name: str, position: int | None) -> Any:
    if name in case.kwargs:
        return case.kwargs[name]
    if position is not None and len(case.args) > position and not isinstance(case.args[position], TensorSpec):
        return case.args[position]
    return None


def _unordered(case: Case, outcome: Outcome) -> Outcome:
    """unique(sorted=False): the values in order; the inverse as the values it points at; the counts in their order."""
    if _argument(case, "dim", 4) is not None:
        return outcome
    result = outcome.result
    items = list(result.items) if isinstance(result, Sequence) else [result]
    if not all(isinstance(i, TensorData) and i.data is not None for i in items):
        return outcome
    first = items[0]
    if numpy_dtype(first.dtype).fields is not None:
        return outcome
    found = raw_array(first)
    if found.ndim != 1:
        return outcome
    order = np.argsort(found, kind="stable")
    made = [_with(first, found[order], first.dtype)]
    rest = items[1:]
    if rest and _argument(case, "return_inverse", 2):
        where = raw_array(rest[0])
        if where.dtype.kind not in "iu" or where.size and (where.min() < 0 or where.max() >= found.size):
            return outcome
        made.append(_with(rest[0], found[where], first.dtype))
        rest = rest[1:]
    if rest:
        counts = raw_array(rest[0])
        if counts.shape != found.shape:
            return outcome
        made.append(_with(rest[0], counts[order], rest[0].dtype))
        rest = rest[1:]
    made += rest
    return replace(outcome, result=replace(result, items=tuple(made)) if isinstance(result, Sequence) else made[0])


def _with(tensor: TensorData, array: np.ndarray, dtype: str) -> TensorData:
    return replace(tensor, dtype=dtype, shape=array.shape, data=np.ascontiguousarray(array).tobytes())


def _fresh(case: Case, outcome: Outcome) -> Outcome:
    """Memory that was never written to: whatever a tensor has beyond the elements its storage had before (resize_), or
    all of it where only a size is given (new)."""
    source = case.args[0] if case.args else None
    if not isinstance(source, TensorSpec) or (case.op == "new" and not _only_sized(case)):
        return outcome
    once = {d % len(source.shape) for d in source.layout.dims} if source.layout.kind == "expanded" else set()
    kept = 0 if case.op == "new" else math.prod(s for d, s in enumerate(source.shape) if d not in once)

    def cut(leaf: Any) -> Any:
        if not isinstance(leaf, TensorData) or leaf.data is None:
            return leaf
        width = len(leaf.data) // max(math.prod(leaf.shape), 1)
        known = leaf.data[: kept * width]
        return replace(leaf, data=known + bytes(len(leaf.data) - len(known)))

    return replace(outcome, result=cut(outcome.result), inputs=(*map(cut, outcome.inputs[:1]), *outcome.inputs[1:]))


def _only_sized(case: Case) -> bool:
    """Whether the arguments beside the tensor are numbers, or one size."""
    given = (*case.args[1:], *case.kwargs.values())
    return all(isinstance(g, int) or (isinstance(g, Make) and g.what == "Size") for g in given)


def _grown(case: Case, outcome: Outcome) -> Outcome:
    """Elements behind the memory that a tensor was told to look at (set_), which PyTorch then makes longer."""
    source = case.args[1] if len(case.args) > 1 else case.kwargs.get("source")
    if isinstance(source, Same):
        source = tensor_specs(case)[source.index]
    if not isinstance(source, TensorSpec):
        return outcome
    held = math.prod(source.shape) * numpy_dtype(source.dtype).itemsize * (1 + (source.dtype == "complex32"))

    def cut(leaf: Any) -> Any:
        if not isinstance(leaf, TensorData) or not leaf.data or leaf.stride is None or leaf.offset is None:
            return leaf
        width = len(leaf.data) // math.prod(leaf.shape)
        at = np.full(leaf.shape, leaf.offset)
        for dim, step in enumerate(leaf.stride):
            at += step * np.arange(leaf.shape[dim]).reshape(-1, *(1,) * (len(leaf.shape) - dim - 1))
        elements = np.frombuffer(leaf.data, np.uint8).reshape(-1, width)
        return replace(leaf, data=np.where((at.reshape(-1, 1) + 1) * width <= held, elements, 0).astype("u1").tobytes())

    return replace(outcome, result=cut(outcome.result), inputs=(*map(cut, outcome.inputs[:1]), *outcome.inputs[1:]))


CANONICAL: dict[str, _Canonical] = {
    "ties": _ties,
    "unordered": _unordered,
    "hidden ties": _unchanged,
    "fresh": _fresh,
    "grown": _grown,
    **decomposed.forms(_seen),
}

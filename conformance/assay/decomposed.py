"""Decompositions without their freedom: what they say of the matrix, not which of many factors says it.

A singular value decomposition is any U, S, V with orthonormal columns and U S V* = A: so the products U*U, V*V and
U S V* stand for the factors. They need no gaps between singular values, as projectors on single vectors would.
Eigenvectors of general matrices, which are not orthonormal, are each known by their projector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from assay.case import Case, TensorSpec
from assay.outcome import Outcome, Sequence, TensorData
from assay.tolerance import Array, numpy_dtype, wide_array

Seen = Callable[[TensorSpec], Array]


def _adjoint(matrix: Array) -> Array:
    return matrix.swapaxes(-2, -1).conj()


def _flat(*parts: Array) -> Array:
    """Matrices of one batch, each written as a row, one behind the other."""
    return np.concatenate([p.reshape(*p.shape[:-2], p.shape[-2] * p.shape[-1]) for p in parts], -1)


def _norm(numbers: Array, axes: tuple[int, ...]) -> Array:
    """The largest magnitude along `axes`; 1 where that is nothing."""
    largest = np.max(np.abs(numbers), axis=axes, keepdims=True, initial=0.0)
    return np.where(largest > 0, largest, 1.0)


def _with(tensor: TensorData, array: Array) -> TensorData:
    target = numpy_dtype(tensor.dtype)
    if target.kind != "c" and np.iscomplexobj(array):
        array = array.real
    return replace(tensor, shape=array.shape, data=np.ascontiguousarray(array.astype(target)).tobytes())


def _factors(outcome: Outcome, count: int) -> list[Array] | None:
    """The tensors of a result, None where it has not so many that hold elements."""
    result = outcome.result
    if not isinstance(result, Sequence) or len(result.items) != count:
        return None
    if not all(isinstance(i, TensorData) and i.data is not None for i in result.items):
        return None
    return [wide_array(i) for i in result.items]


def _replaced(outcome: Outcome, *arrays: Array) -> Outcome:
    result = outcome.result
    items = tuple(_with(item, array) for item, array in zip(result.items, arrays, strict=True))
    return replace(outcome, result=replace(result, items=items))


def svd(case: Case, outcome: Outcome) -> Outcome:
    """(U*U, S, V*V and U S V* relative to the largest singular value)."""
    found = _factors(outcome, 3)
    if found is None:
        return outcome
    u, s, v = found
    vh = v if case.op == "linalg.svd" else _adjoint(v)
    k = s.shape[-1]
    if u.ndim < 2 or u.shape[-1] < k or vh.shape[-2] < k or s.ndim != u.ndim - 1 or u.shape[:-2] != vh.shape[:-2]:
        return outcome
    rebuilt = (u[..., :k] * s[..., None, :]) @ vh[..., :k, :] / _norm(s, (-1,))[..., None]
    return _replaced(outcome, _adjoint(u) @ u, s[..., None], _flat(vh @ _adjoint(vh), rebuilt))


def eigh(case: Case, outcome: Outcome) -> Outcome:
    """(eigenvalues, V*V and V L V* relative to the largest eigenvalue)."""
    found = _factors(outcome, 2)
    if found is None:
        return outcome
    values, v = found
    if v.ndim < 2 or values.shape != v.shape[:-1]:
        return outcome
    rebuilt = (v * values[..., None, :]) @ _adjoint(v) / _norm(values, (-1,))[..., None]
    return _replaced(outcome, values[..., None], _flat(_adjoint(v) @ v, rebuilt))


def qr(case: Case, outcome: Outcome) -> Outcome:
    """(Q*Q, and Q R; R*R and what of R lies below its diagonal), relative to the largest element of R. Without Q, R
    alone."""
    found = _factors(outcome, 2)
    if found is None:
        return outcome
    q, r = found
    if r.ndim < 2:
        return outcome
    largest = _norm(r, (-2, -1))
    known = _flat(_adjoint(r) @ r / largest**2, np.tril(r, -1) / largest)
    if q.shape[:-2] != r.shape[:-2] or q.ndim < 2 or q.shape[-1] != r.shape[-2]:
        return _replaced(outcome, q, known)
    return _replaced(outcome, _flat(_adjoint(q) @ q, q @ r / largest), known)


def _expected(case: Case, seen: Seen) -> Array | None:
    """The eigenvalues of a case's matrix, in any order; None where it has none."""
    source = case.args[0] if case.args else case.kwargs.get("input")
    if not isinstance(source, TensorSpec):
        return None
    matrix = seen(source)
    matrix = matrix.astype(np.complex128 if np.iscomplexobj(matrix) else np.float64)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2] or not np.isfinite(matrix).all():
        return None
    return np.linalg.eigvals(matrix)


def _order(values: Array, expected: Array) -> Array:
    """For each expected eigenvalue the place of its own among `values`: the nearest pairs first."""
    size = values.shape[-1]
    order = np.empty(values.shape, np.int64)
    for at in np.ndindex(values.shape[:-1]):
        distance = np.abs(expected[at][:, None] - values[at][None, :])
        for _ in range(size):
            i, j = np.unravel_index(np.argmin(distance), distance.shape)
            order[at][i] = j
            distance[i, :] = np.inf
            distance[:, j] = np.inf
    return order


def _in_order(case: Case, seen: Seen, values: Array) -> Array | None:
    expected = _expected(case, seen)
    if expected is None or expected.shape != values.shape or not np.isfinite(values).all():
        return None
    return _order(values, expected)


def eigvals(case: Case, outcome: Outcome, seen: Seen) -> Outcome:
    """Eigenvalues in the order of those they are nearest to."""
    result = outcome.result
    if not isinstance(result, TensorData) or result.data is None:
        return outcome
    values = wide_array(result)
    order = _in_order(case, seen, values)
    if order is None:
        return outcome
    return replace(outcome, result=_with(result, np.take_along_axis(values, order, -1)[..., None]))


def eig(case: Case, outcome: Outcome, seen: Seen) -> Outcome:
    """(eigenvalues in order, the projector on each eigenvector)."""
    found = _factors(outcome, 2)
    if found is None:
        return outcome
    values, v = found
    order = _in_order(case, seen, values)
    if order is None or v.ndim < 2 or values.shape != v.shape[:-1]:
        return outcome
    columns = np.take_along_axis(v, order[..., None, :], -1).swapaxes(-2, -1)
    projectors = columns[..., :, None] * columns[..., None, :].conj()
    return _replaced(outcome, np.take_along_axis(values, order, -1)[..., None], projectors)


def forms(seen: Seen) -> dict[str, Callable[[Case, Outcome], Outcome]]:
    """Canonical forms by name; seen(spec) gives the elements that an argument shows."""
    return {
        "svd": svd,
        "eigh": eigh,
        "qr": qr,
        "eig": lambda case, outcome: eig(case, outcome, seen),
        "eigvals": lambda case, outcome: eigvals(case, outcome, seen),
    }


__all__: list[Any] = ["eig", "eigh", "eigvals", "forms", "qr", "svd"]

"""Inputs so large, or so small, that what a computation passes through leaves the format."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from assay import values
from assay.case import Case, TensorSpec
from assay.parts import Array, tensor_specs
from assay.policy import Policy
from assay.tolerance import format_of, is_complex
from assay.widened import RANK, dtypes_named


def can_overflow(case: Case, policy: Policy) -> bool:
    """Whether the inputs are so large, or so unlike, that their sums, products or quotients leave the format, or that
    of a `dtype=`, though each is finite."""
    largest, smallest, bound = 0.0, math.inf, math.inf
    named = dtypes_named(case)
    for spec, finite in _magnitudes(case):
        bound = min(bound, *(format_of(d).largest for d in (spec.dtype, *named)))
        largest = max(largest, float(finite.max()))
        smallest = min(smallest, float(np.min(finite, initial=math.inf, where=finite > 0)))
        if is_complex(spec.dtype) and not 1 / smallest < bound / 4:
            return True  # a complex quotient divides by a length, or multiplies by its reciprocal
        if policy.overflow == "power" and not np.log2(finite[finite > 1]).sum() < math.log2(bound / 4):
            return True
        if policy.scale == "sum_abs":
            if not largest * finite.size < bound / 4:
                return True
        elif not largest * largest * finite.size < bound / 4:
            return True
    with np.errstate(all="ignore"):
        return policy.scale != "sum_abs" and not np.float64(largest) / smallest < bound / 4


def scaled_overflows(case: Case) -> bool:
    """Whether `alpha` times an input leaves the format: PyTorch's loops round that product or do not, so that an
    infinity met by it becomes NaN in one and stays in the other, by the position of the element."""
    alpha = case.kwargs.get("alpha")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float | complex):
        return False
    return any(abs(alpha) * float(m.max()) > format_of(s.dtype).largest for s, m in _magnitudes(case))


def can_underflow(case: Case) -> bool:
    """Whether the product of two elements of an input leaves the format, so that its sign may be lost with it."""
    smallest = ((format_of(s.dtype).smallest, np.min(m, initial=math.inf, where=m > 0)) for s, m in _magnitudes(case))
    return any(float(least) * float(least) < bound for bound, least in smallest)


def _magnitude(elements: Array) -> Array:
    """The larger part of a complex number: its length overflows where neither part does."""
    if np.iscomplexobj(elements):
        return np.asarray(np.maximum(np.abs(elements.real), np.abs(elements.imag)), np.float64)
    return np.asarray(np.abs(elements.astype(np.float64)))


def _magnitudes(case: Case) -> Iterator[tuple[TensorSpec, Array]]:
    """Every floating input with the magnitudes of its finite elements, where it has some. What a beta of 0 leaves out
    takes no part, whatever it holds."""
    first = case.args[0] if case.args else case.kwargs.get("input")
    ignored = first if case.kwargs.get("beta") == 0 else None
    for spec in tensor_specs(case):
        if spec.dtype not in RANK or 0 in spec.shape or spec is ignored:
            continue
        elements = values.array(spec)
        magnitude = _magnitude(elements)
        finite = magnitude[np.isfinite(magnitude)]
        if finite.size:
            yield spec, finite

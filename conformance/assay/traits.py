"""What is worth counting about a case: the shapes, layouts, values and dtypes that implementations stumble over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import ml_dtypes
import numpy as np

from assay.case import Case, Same, TensorSpec, Window, specs_of
from assay.dtypes import NUMPY, category, real_part
from assay.values import array

#: What a vector register of halves does not hold at once.
LONG = 17
#: Plans whose floating elements show none of the value traits, so that they need not be expanded.
_PLAIN = frozenset(("normal", "uniform", "positive", "nonzero", "sorted", "permutation", "counting"))


def traits(case: Case) -> frozenset[str]:
    """Which of these a case shows: empty, 0-dim, size-1, long, non-contiguous, permuted, stepped, expanded,
    channels-last, offset, nan, inf, -0.0, subnormal, huge, border, ties, broadcast, mixed-dtype, mixed-rank, aliased,
    window, keyword, default-dtype, gradients, gradients2, the dtypes, the variant's name, and the case's labels."""
    tensors = [s for arg in (*case.args, *(v for k, v in case.kwargs.items() if k != "out")) for s in specs_of(arg)]
    found = {case.variant, *case.labels}
    if case.default_dtype != "float32":
        found.add("default-dtype")
    if case.kwargs:
        found.add("keyword")
    if case.order >= 1:
        found.add("gradients")
    if case.order >= 2:
        found.add("gradients2")
    for spec in tensors:
        found |= _of_tensor(spec)
    found |= set(_shared((case.args, case.kwargs)))
    shapes = {s.shape for s in tensors}
    if len({len(s) for s in shapes}) > 1:
        found.add("mixed-rank")
    if any(_broadcast(a, b) for a, b in combinations(shapes, 2)):
        found.add("broadcast")
    # other numbers are dims and sizes, with which nothing is computed
    numbers = _numbers(case) if "number" in case.labels else ()
    if len({s.dtype for s in tensors}) > 1 or any(_above(number, s) for number in numbers for s in tensors[:1]):
        found.add("mixed-dtype")
    return frozenset(found)


def _shared(value: Any) -> Iterator[str]:
    """ "aliased", "window": what lies in the memory of another argument."""
    if isinstance(value, Same | Window):
        yield "aliased" if isinstance(value, Same) else "window"
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _shared(item)


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether different shapes broadcast with each other."""
    return all(a == b or 1 in (a, b) for a, b in zip(reversed(one), reversed(other), strict=False))


def _numbers(case: Case) -> Iterator[bool | int | float | complex]:
    return (v for v in (*case.args, *case.kwargs.values()) if isinstance(v, bool | int | float | complex))


def _above(number: bool | int | float | complex, spec: TensorSpec) -> bool:
    """Whether a Python number raises the category of a tensor's dtype."""
    return {bool: 0, int: 1, float: 2, complex: 3}[type(number)] > category(spec.dtype)


def _of_tensor(spec: TensorSpec) -> set[str]:
    found = {spec.dtype}
    if 0 in spec.shape:
        found.add("empty")
    if 1 in spec.shape:
        found.add("size-1")
    if any(s >= LONG for s in spec.shape):
        found.add("long")
    if not spec.shape:
        found.add("0-dim")
    if is_strided(spec):
        found.add("non-contiguous")
        if spec.layout.kind in ("permuted", "stepped", "channels_last"):
            found.add(spec.layout.kind.replace("_", "-"))
    if spec.layout.kind == "expanded" and any(spec.shape[d] > 1 for d in spec.layout.dims):
        found.add("expanded")
    if spec.layout.kind == "offset":
        found.add("offset")
    if math.prod(spec.shape):
        found |= _of_elements(spec)
    return found


def is_strided(spec: TensorSpec) -> bool:
    """Whether the elements do not lie one after another in row-major order."""
    shape, layout = spec.shape, spec.layout
    if 0 in shape:
        return False
    long = [d for d, s in enumerate(shape) if s > 1]
    if layout.kind == "permuted":
        return [d for d in layout.dims if d in long] != long
    if layout.kind == "shared":
        return bool(long) and layout.dims[1] > 1
    if layout.kind in ("stepped", "expanded"):
        return any(d in long for d in layout.dims)
    if layout.kind == "channels_last":
        return shape[1] > 1 and shape[2] * shape[3] > 1
    return False


def _of_elements(spec: TensorSpec) -> set[str]:
    floating = category(spec.dtype) >= 2
    if floating and spec.values.kind in _PLAIN:
        return set()
    elements = array(spec)
    found: set[str] = set()
    flat = elements.reshape(-1, 2) if spec.dtype == "complex32" else elements.reshape(-1)
    if len(np.unique(_bits(flat) if floating else flat, axis=0)) < len(flat):
        found.add("ties")
    if not floating:
        if spec.dtype != "bool":
            limits = np.iinfo(NUMPY[spec.dtype])
            if elements.max() > limits.max // 2 or elements.min() < limits.min // 2:
                found.add("huge")
            if elements.max() == limits.max or (limits.min < 0 and elements.min() == limits.min):
                found.add("border")
        return found
    part = real_part(spec.dtype)
    numbers = np.ascontiguousarray(elements).reshape(-1).view(NUMPY[part]) if spec.dtype != part else flat
    info: Any = ml_dtypes.finfo(part)
    wide = numbers.astype(np.float64)
    size = np.abs(wide)
    finite = size[np.isfinite(wide)]
    if np.isnan(wide).any():
        found.add("nan")
    if np.isinf(wide).any():
        found.add("inf")
    if ((wide == 0) & np.signbit(wide)).any():
        found.add("-0.0")
    if ((finite > 0) & (finite < float(info.tiny))).any():
        found.add("subnormal")
    if (finite > math.sqrt(float(info.max))).any():
        found.add("huge")
    return found


def _bits(flat: np.ndarray) -> np.ndarray:
    """Rows of bytes: equal elements are equal bits, NaN included."""
    return np.ascontiguousarray(flat).view(np.uint8).reshape(len(flat), -1)

"""NumPy kernels of vector norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from flambeau.cpu.layout import row_major
from flambeau.cpu.reduce import total
from flambeau.cpu.rounding import absolute

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]


@row_major
def vector_norm(x: Array, ord: float, dims: Axes, keepdim: bool, plain: bool = False) -> Array:
    """(Σ|x|^ord)^(1/ord) and its limits: the number of non-zero elements at 0, the extremes of |x| at ±inf.

    plain: single elements are no special case.
    """
    if math.isinf(ord):
        pick = np.maximum if ord > 0 else np.minimum
        # an empty norm of order inf is asked for only where there are no results
        return pick.reduce(absolute(x), axis=dims, keepdims=keepdim)  # type: ignore[call-overload,no-any-return]
    if ord == 0:
        return total((x != 0).astype(x.real.dtype), dims, keepdim)
    if ord == 1:
        return total(absolute(x), dims, keepdim)
    if not plain and x.size and all(x.shape[d] == 1 for d in dims):
        # one power may underflow or overflow
        return total(absolute(x), dims, keepdim)
    if ord == 2:
        if x.dtype.kind != "c":
            return np.sqrt(total(np.multiply(x, x), dims, keepdim))
        found = np.sqrt(total(x.real**2 + x.imag**2, dims, keepdim))
        if not np.isnan(found).any():
            return found
        # a number with an infinite part is infinite, NaN besides or not
        return np.sqrt(total(absolute(x) ** 2, dims, keepdim))
    size = absolute(x)
    if ord == 3:
        return np.asarray(total(size * size * size, dims, keepdim)) ** size.dtype.type(1 / 3)  # type: ignore[no-any-return]
    return np.asarray(total(size ** size.dtype.type(ord), dims, keepdim)) ** size.dtype.type(1 / ord)  # type: ignore[no-any-return]


def distance(x: Array, y: Array, p: float) -> Array:
    """Norm of x - y."""
    difference = np.asarray(x - y)
    return vector_norm(difference, p, tuple(range(difference.ndim)), False)

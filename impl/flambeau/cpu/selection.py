"""NumPy kernels that choose between elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.casting import cast, scalar
from flambeau.dtypes import OF_NUMPY, dtype

Array = np.ndarray[Any, Any]


def where(condition: Array, x: Any, y: Any, target: dtype) -> Array:
    """x where the condition holds, else y, in the target dtype."""
    return np.where(condition.astype(np.bool_, copy=False), _as(x, target), _as(y, target))


def _as(x: Any, target: dtype) -> Array:
    if isinstance(x, np.ndarray):
        return cast(x, OF_NUMPY[x.dtype], target)
    wide = target.compute
    return cast(scalar(x, wide), wide, target)


def clamp(x: Array, low: Array | None, high: Array | None) -> Array:
    """x between bounds; NaN in any of the three wins."""
    raised = x if low is None else at_least(x, low)
    return raised if high is None else at_most(raised, high)


def at_least(x: Array, low: Any) -> Array:
    """The larger; where x and a single bound are both zero, x."""
    return np.maximum(low, x) if np.ndim(low) == 0 else np.maximum(x, low)  # type: ignore[no-any-return]


def at_most(x: Array, high: Any) -> Array:
    """The smaller; where x and a single bound are both zero, x."""
    return np.minimum(high, x) if np.ndim(high) == 0 else np.minimum(x, high)  # type: ignore[no-any-return]

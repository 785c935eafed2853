"""NumPy kernels of activation functions."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def relu(x: Array) -> Array:
    """max(x, 0), NaN and -0 kept: of two zeros NumPy answers the second."""
    return np.maximum(0, x)


def threshold(x: Array, threshold: Any, value: Any) -> Array:
    """value where x <= threshold, both first cast to x's dtype."""
    kind = x.dtype
    return np.where(x <= np.asarray(threshold).astype(kind), np.asarray(value).astype(kind), x)

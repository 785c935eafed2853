"""NumPy kernels of losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.casting import cast
from flambeau.cpu.reduce import mean_of_all, total_of_all
from flambeau.dtypes import OF_NUMPY, dtype

Array = np.ndarray[Any, Any]


def mse_loss(x: Array, y: Array, reduction: int, stored: dtype, count: int) -> Array:
    """Squared differences, or (reduction 1 and 2) their mean or sum. stored: the dtype that each is rounded to."""
    squares = np.asarray(x - y)
    np.multiply(squares, squares, out=squares)
    wide = OF_NUMPY[squares.dtype]
    if stored is not wide:
        squares = cast(cast(squares, wide, stored), stored, wide)
    return squares if reduction == 0 else mean_of_all(squares) if reduction == 1 else total_of_all(squares)


def slope(g: Array, x: Array, y: Array, factor: float, reduction: int, count: int) -> Array:
    """factor (x - y) g."""
    return (x - y) * g * g.dtype.type(factor)  # type: ignore[no-any-return]

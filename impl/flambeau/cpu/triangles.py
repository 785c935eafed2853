"""NumPy kernels of triangles and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau.cpu.slicing import put_diagonal
from flambeau.geometry import Shape

Array = np.ndarray[Any, Any]


def _clear(x: Array, where: Array) -> None:
    np.copyto(x, np.zeros((), x.dtype), where=where)


def tril(x: Array, diagonal: int) -> None:
    """Zeros above a diagonal, in place: of an expanded matrix every row is cleared where one of them is."""
    _clear(x, ~_lower(x, diagonal))


def triu(x: Array, diagonal: int) -> None:
    """Zeros below a diagonal, in place."""
    _clear(x, _lower(x, diagonal, -1))


def _lower(x: Array, diagonal: int, beside: int = 0) -> Array:
    """Where the elements on and below a diagonal stand, or one beside it."""
    rows, columns = x.shape[-2:]
    return np.tri(rows, columns, _within(x, diagonal) + beside, np.bool_)


def _within(x: Array, diagonal: int) -> int:
    """The diagonal, moved no further out than just beyond the matrix."""
    rows, columns = x.shape[-2:]
    return int(max(min(diagonal, columns + 1), -rows - 1))


def indices(row: int, col: int, offset: int, upper: bool) -> Array:
    """Rows and columns of a triangle."""
    if upper:
        return np.array(np.nonzero(~np.tri(row, col, offset - 1, dtype=np.bool_)), np.int64)
    return np.array(np.nonzero(np.tri(row, col, offset, dtype=np.bool_)), np.int64)


def indices_shape(row: int, col: int, offset: int, upper: bool) -> Shape:
    """(2, number of elements of a triangle)."""
    below = sum(min(max(i + (offset - 1 if upper else offset) + 1, 0), col) for i in range(row))
    return 2, (row * col - below if upper else below)


def diag_embed(x: Array, shape: Shape, offset: int, dim1: int, dim2: int) -> Array:
    """Zeros with x on a diagonal."""
    return put_diagonal(x, shape, offset, dim1, dim2)

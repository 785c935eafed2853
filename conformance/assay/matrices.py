"""Value plans of whole matrices: the last two dims are one matrix, all others a batch.

As all plans, they are made of uniform deviates by elementwise arithmetic alone, which gives the same bits everywhere:
no products or sums of whole matrices. A dominant diagonal makes a matrix well conditioned, its pivots clear, and its
eigenvalues and singular values far apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_Matrix = Callable[[np.random.RandomState, "tuple[int, int, int]", bool], "tuple[Array, Array]"]


def _small(rng: np.random.RandomState, size: tuple[int, int, int], complex_: bool) -> tuple[Array, Array]:
    """Elements whose rows and columns sum to less than 1 in magnitude; real and imaginary parts."""
    most = max(*size[1:], 1)
    real = (rng.random_sample(size) * 2 - 1) / most
    if not complex_:
        return real, np.zeros(size)
    return real / 2, (rng.random_sample(size) - 0.5) / most


def _diagonal(rng: np.random.RandomState, size: tuple[int, int, int], signed: bool) -> Array:
    """Numbers at least half apart, in any order, from 1.5 up."""
    count = (size[0], min(size[1:]))
    order = np.argsort(rng.random_sample(count), axis=1)
    found: Array = 1.5 + 0.75 * order + 0.25 * rng.random_sample(count)
    return found * (rng.randint(0, 2, count) * 2.0 - 1.0) if signed else found


def _with_diagonal(real: Array, imaginary: Array, diagonal: Array) -> tuple[Array, Array]:
    at = np.arange(diagonal.shape[1])
    real[:, at, at] = diagonal
    imaginary[:, at, at] = 0.0
    return real, imaginary


def _dominant(rng: np.random.RandomState, size: tuple[int, int, int], complex_: bool) -> tuple[Array, Array]:
    """The diagonal outweighs its row and column, so that either triangle is well conditioned as well."""
    return _with_diagonal(*_small(rng, size, complex_), _diagonal(rng, size, signed=True))


def _conditioned(rng: np.random.RandomState, size: tuple[int, int, int], complex_: bool) -> tuple[Array, Array]:
    """A dominant matrix with its rows in any order; of full rank, square or not."""
    parts = _dominant(rng, size, complex_)
    rows = np.argsort(rng.random_sample(size[:2]), axis=1)[:, :, None]
    real, imaginary = (np.take_along_axis(part, rows, 1) for part in parts)
    return real, imaginary


def _deficient(rng: np.random.RandomState, size: tuple[int, int, int], complex_: bool) -> tuple[Array, Array]:
    """A conditioned matrix, some of whose columns are zero."""
    real, imaginary = _conditioned(rng, size, complex_)
    kept = (rng.random_sample((size[0], 1, size[2])) < 0.6).astype(np.float64)
    return real * kept, imaginary * kept


def _hermitian(rng: np.random.RandomState, size: tuple[int, int, int], complex_: bool, signed: bool) -> Any:
    real, imaginary = _small(rng, size, complex_)
    if size[1] == size[2]:
        real = (real + real.transpose(0, 2, 1)) / 2
        imaginary = (imaginary - imaginary.transpose(0, 2, 1)) / 2
    return _with_diagonal(real, imaginary, _diagonal(rng, size, signed))


def _symmetric(rng: np.random.RandomState, size: tuple[int, int, int], complex_: bool) -> tuple[Array, Array]:
    """Symmetric, or Hermitian where complex, with eigenvalues of both signs."""
    real, imaginary = _hermitian(rng, size, complex_, signed=True)
    return real, imaginary


def _definite(rng: np.random.RandomState, size: tuple[int, int, int], complex_: bool) -> tuple[Array, Array]:
    """Symmetric, or Hermitian where complex, and positive definite."""
    real, imaginary = _hermitian(rng, size, complex_, signed=False)
    return real, imaginary


PLANS: dict[str, _Matrix] = {
    "dominant": _dominant,
    "conditioned": _conditioned,
    "deficient": _deficient,
    "symmetric": _symmetric,
    "positive definite": _definite,
}


def parts(kind: str, rng: np.random.RandomState, shape: tuple[int, ...], complex_: bool) -> tuple[Array, Array]:
    """The real and the imaginary parts of all elements, in `shape`; a vector is a matrix of one row."""
    rows, columns = ((1, 1, *shape))[-2:]
    size = (math.prod(shape[:-2]), rows, columns)
    if not math.prod(size):
        return np.zeros(shape), np.zeros(shape)
    real, imaginary = PLANS[kind](rng, size, complex_)
    return real.reshape(shape), imaginary.reshape(shape)

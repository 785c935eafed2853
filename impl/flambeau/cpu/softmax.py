"""NumPy kernels of softmax and its relatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from flambeau.cpu.layout import row_major
from flambeau.cpu.reduce import total

Array = np.ndarray[Any, Any]
Axes = tuple[int, ...]

# rows are worked on in blocks that stay in the second-level cache
_BLOCK = 1 << 18


def _in_rows(work: Callable[[Array, Array, int], None], x: Array, dim: int) -> Array:
    """Run work(x, out, dim) on blocks of rows where dim is the last, else at once."""
    if x.ndim == 0:
        x = x.reshape(1)
        out = np.empty_like(x)
        work(x, out, 0)
        return out.reshape(())
    out = np.empty(x.shape, x.dtype)
    if x.size == 0:
        return out
    if dim != x.ndim - 1 or x.nbytes <= 2 * _BLOCK or not x.flags.c_contiguous:
        work(x, out, dim)
        return out
    rows, results = x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])
    step = max(1, _BLOCK // (x.itemsize * x.shape[-1]))
    for i in range(0, len(rows), step):
        work(rows[i : i + step], results[i : i + step], 1)
    return out


def _softmax(x: Array, out: Array, dim: int) -> None:
    np.subtract(x, np.maximum.reduce(x, axis=dim, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, total(out, (dim,), True), out=out)


def _log_softmax(x: Array, out: Array, dim: int) -> None:
    np.subtract(x, np.maximum.reduce(x, axis=dim, keepdims=True), out=out)
    np.subtract(out, np.log(total(np.exp(out), (dim,), True)), out=out)


def softmax(x: Array, dim: int) -> Array:
    """Exponentials over their sum along dim."""
    return _in_rows(_softmax, x, dim)


def log_softmax(x: Array, dim: int) -> Array:
    """Logarithm of the softmax along dim."""
    return _in_rows(_log_softmax, x, dim)


@row_major
def logsumexp(x: Array, dims: Axes, keepdim: bool, real: bool) -> Array:
    """Logarithm of the sum of exponentials (real: of their real parts) over dims, -inf for an empty sum."""
    if x.size == 0:
        x = x.real if real else x
        return np.log(np.asarray(np.add.reduce(x, axis=dims, keepdims=keepdim)))  # type: ignore[call-overload]
    top = np.maximum.reduce(x.real, axis=dims, keepdims=True)
    top = np.where(np.isinf(top), top.dtype.type(0), top)
    terms = np.exp(x - top)
    found = np.log(total(terms.real if real else terms, dims, True)) + top
    return found if keepdim else found.squeeze(dims)

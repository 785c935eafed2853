"""NumPy kernels of matrix products. Arrays come in one compute dtype; BLAS takes transposed operands as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


# OpenBLAS multiplies few rows by a large transposed matrix up to twice as fast the other way round
_FEW, _LARGE = 64, 1 << 16


def _turned(x: Array, y: Array) -> bool:
    """Whether (yᵀ @ xᵀ)ᵀ is the faster way to the product of two matrices."""
    return y.size >= _LARGE and 2 <= x.shape[0] <= _FEW and x.shape[0] < y.shape[1] and not y.flags.c_contiguous


def product(x: Array, y: Array) -> Array:
    """`x @ y`, row-major."""
    if y.ndim == 2 and x.ndim == 2 and _turned(x, y):
        return np.ascontiguousarray(np.matmul(y.T, x.T).T)
    return np.matmul(x, y, out=...)  # type: ignore[no-any-return]


def affine(x: Array, weight: Array, bias: Array | None) -> Array:
    """x @ weightᵀ + bias, of matrices."""
    if bias is None:
        return product(x, weight.T)
    if _turned(x, weight.T):
        return np.add(np.matmul(weight, x.T).T, bias, order="C")  # type: ignore[no-any-return]
    r = np.matmul(x, weight.T)
    r += bias
    return r  # type: ignore[no-any-return]


def dot(x: Array, y: Array) -> Array:
    """Sum of the products of two vectors' elements."""
    return np.asarray(np.dot(x, y))


def vdot(x: Array, y: Array) -> Array:
    """The same with the first vector conjugated."""
    return np.asarray(np.vdot(x, y))


def _number(value: Any, x: Array) -> Array:
    return np.asarray(value).astype(x.dtype)


def plus(product: Array, added: Array, beta: Any, alpha: Any) -> Array:
    """beta * added + alpha * product, in the product's memory; what a factor of zero multiplies counts as zero."""
    if alpha != 1:
        product *= _number(alpha, product)
    if beta == 1:
        product += added
    elif beta != 0:
        product += _number(beta, product) * added
    return product


def scaled_product(added: Array, x: Array, y: Array, *, beta: Any, alpha: Any) -> Array:
    """beta * added + alpha * (x @ y); NaN in what a zero factor multiplies is not seen."""
    if alpha == 0:
        shape = (*x.shape[:-1], *y.shape[-1:]) if y.ndim > 1 else x.shape[:-1]
        return plus(np.zeros(shape, x.dtype), added, beta, 1)
    return plus(product(x, y), added, beta, alpha)


def batched_scaled_product(added: Array, x: Array, y: Array, *, beta: Any, alpha: Any) -> Array:
    """The same for batches, where a zero alpha still multiplies."""
    return plus(product(x, y), added, beta, alpha)


def summed_scaled_product(added: Array, x: Array, y: Array, *, beta: Any, alpha: Any) -> Array:
    """beta * added + alpha * sum of the products over the batch, as one product of the batches side by side."""
    b, n, m = x.shape
    return scaled_product(
        added, x.transpose(1, 0, 2).reshape(n, b * m), y.reshape(b * m, y.shape[2]), beta=beta, alpha=alpha
    )


def scaled_outer(added: Array, x: Array, y: Array, *, beta: Any, alpha: Any) -> Array:
    """beta * added + alpha * the outer product."""
    if x.dtype.kind == "b":
        r = np.logical_and.outer(x, y) & bool(alpha)
        return r | added if beta else r
    return plus(np.multiply.outer(x, y), added, beta, alpha)


def cross(x: Array, y: Array, *, dim: int) -> Array:
    """Cross products of the three-vectors along a dim."""
    x, y = np.moveaxis(x, dim, 0), np.moveaxis(y, dim, 0)
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.ascontiguousarray(np.stack(parts, axis=dim))

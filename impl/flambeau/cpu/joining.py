"""NumPy kernels of joining, repeating and reordering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flambeau.cpu.casting import cast
from flambeau.cpu.copying import copy, empty
from flambeau.dtypes import dtype
from flambeau.geometry import Shape

Array = np.ndarray[Any, Any]


def cat(
    tensors: Sequence[Array], dim: int, sizes: Sequence[Any], dtypes: Sequence[dtype], target: dtype, strides: Shape
) -> Array:
    """Arrays one after the other, in memory with these strides; size None marks one to leave out."""
    parts = [cast(a, d, target) for a, n, d in zip(tensors, sizes, dtypes, strict=True) if n is not None]
    if not parts:
        return np.empty(0, target.numpy)
    total = sum([n for n in sizes if n is not None])
    shape = (*parts[0].shape[:dim], total, *parts[0].shape[dim + 1 :])
    return np.concatenate(parts, axis=dim, out=empty(shape, strides, target.numpy))


def stack(tensors: Sequence[Array], dim: int, dtypes: Sequence[dtype], target: dtype, strides: Shape) -> Array:
    """Arrays along a new axis, in memory with these strides."""
    parts = [cast(a, d, target) for a, d in zip(tensors, dtypes, strict=True)]
    shape = parts[0].shape
    out = empty((*shape[:dim], len(parts), *shape[dim:]), strides, target.numpy)
    return np.stack(parts, axis=dim, out=out)


def repeat(x: Array, repeats: Shape) -> Array:
    """Copies of x along each axis."""
    return np.tile(x, repeats)


def repeated_indices(repeats: Array) -> Array:
    """The number i, repeats[i] times."""
    if (repeats < 0).any():
        raise RuntimeError("repeats can not be negative")
    return np.repeat(np.arange(len(repeats), dtype=repeats.dtype), repeats)


def flip(x: Array, dims: Shape, strides: Shape) -> Array:
    """Reversed along the axes, in memory with these strides."""
    return copy(np.flip(x, dims), strides)


def roll(x: Array, shifts: Shape, dims: Shape) -> Array:
    """Shifted along the axes, or flattened."""
    if not x.size:
        return x.copy()
    return np.ascontiguousarray(np.roll(x, shifts, dims)) if dims else np.roll(x, shifts[0]).reshape(x.shape)


def rot90(x: Array, k: int, dims: tuple[int, int], strides: Shape) -> Array:
    """Turned in the plane of two axes, in memory with these strides."""
    return copy(np.rot90(x, k, dims), strides)

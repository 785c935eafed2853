"""What derivative rules share. Everything here takes Tensors and, where it says so, ndarrays alike."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from flambeau.geometry import Shape
from flambeau.tensor import Tensor, shape_of


def conj(v: Any) -> Any:
    """Complex conjugate of a Tensor, ndarray or number; a real one is handed back as it is."""
    if isinstance(v, Tensor):
        return v.conj() if v._dtype.is_complex else v  # type: ignore[attr-defined]
    if isinstance(v, np.ndarray):
        return v.conj() if v.dtype.kind == "c" else v
    return v.conjugate() if isinstance(v, complex) else v


def scaled(g: Any, factor: Any) -> Any:
    """g times the conjugate of a Python number, g itself for one (Tensors and ndarrays)."""
    return g if factor == 1 else g * conj(factor)


def restore(g: Tensor, shape: Shape, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """The gradient of a reduction over dims, expanded over the shape that was reduced."""
    if not keepdim:
        for d in sorted(dims):
            g = g.unsqueeze(d)  # type: ignore[attr-defined]
    return g.expand(shape)  # type: ignore[attr-defined,no-any-return]


def no_derivative(name: str) -> Any:
    """A rule for an operation that PyTorch records but cannot differentiate."""

    def rule(g: Any) -> NoReturn:
        raise RuntimeError(f"derivative for aten::{name} is not implemented")

    return rule


def zeros_like(g: Any) -> Any:
    """Zeros of the gradient's shape and dtype (Tensors and ndarrays)."""
    return g.new_zeros(shape_of(g)) if isinstance(g, Tensor) else np.zeros_like(g)


def choose(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y (Tensors and ndarrays; x and y may be Python numbers)."""
    if isinstance(condition, Tensor):
        from flambeau.ops.selection import where

        return where(condition, x, y)
    return np.where(condition, x, y)


def zero_rule(g: Any) -> Any:
    """The rule of a step function."""
    return zeros_like(g)

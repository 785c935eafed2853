"""What derivative rules share. Everything here takes Tensors and, where it says so, ndarrays alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from flambeau.cpu import rounding
from flambeau.cpu.pointwise import zero_where
from flambeau.dtypes import dtype
from flambeau.geometry import Shape
from flambeau.tensor import Tensor, shape_of

_ARRAYS = (np.ndarray, np.generic)


def conj(v: Any) -> Any:
    """Complex conjugate of a Tensor, ndarray or number; a real one is handed back as it is."""
    if type(v) is np.ndarray:  # most rules' operand
        return v.conj() if v.dtype.kind == "c" else v
    if isinstance(v, Tensor):
        return v.conj() if v._dtype.is_complex else v
    if isinstance(v, _ARRAYS):
        return v.conj() if v.dtype.kind == "c" else v
    return v.conjugate() if isinstance(v, complex) else v


def scaled(g: Any, factor: Any) -> Any:
    """g times the conjugate of a Python number, g itself for one (Tensors and ndarrays)."""
    return g if factor == 1 else g * conj(factor)


def divided(g: Any, count: int) -> Any:
    """g / count (Tensors and ndarrays)."""
    # NumPy divides a scalar six times as fast as a 0-d array
    return (g if isinstance(g, Tensor) or g.ndim else g[()]) / count


def kept(shape: Shape, dims: tuple[int, ...]) -> Shape:
    """The shape after a reduction over dims that keeps them."""
    return tuple(1 if d in dims else n for d, n in enumerate(shape))


def restore(g: Any, shape: Shape, dims: tuple[int, ...], keepdim: bool) -> Any:
    """The gradient of a reduction over dims, expanded over the shape that was reduced (Tensors and ndarrays)."""
    if isinstance(g, Tensor):
        return unsqueezed(g, dims, keepdim).expand(shape)
    if g.ndim == 0:
        # 0.3 µs against 3 µs for broadcast_to
        return np.ndarray(shape, g.dtype, g, 0, (0,) * len(shape))
    return np.broadcast_to(g if keepdim else g.reshape(kept(shape, dims)), shape)


# up to so many elements a number is written out: what reads them is faster than where one stands for all
_FEW = 1 << 14


def spread(g: Any, shape: Shape, dims: tuple[int, ...], keepdim: bool, count: int) -> Any:
    """The gradient of a mean of count elements over dims (Tensors and ndarrays)."""
    if isinstance(g, Tensor) or g.ndim or count > _FEW:
        return restore(divided(g, count), shape, dims, keepdim)
    written = np.empty(shape, g.dtype)
    written.fill(g[()] / count)
    return written


def unsqueezed(t: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """A result of a reduction over dims with those dims back, of size one."""
    if not keepdim:
        for d in sorted(dims):
            t = t.unsqueeze(d)
    return t


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
    if type(x) is int and x == 0 and type(y) is np.ndarray:
        return zero_where(condition, y)
    return np.where(condition, x, y)


def zero_rule(g: Any) -> Any:
    """The rule of a step function."""
    return zeros_like(g)


def is_complex(v: Any) -> bool:
    """Whether a Tensor or ndarray is complex."""
    return v._dtype.is_complex if isinstance(v, Tensor) else v.dtype.kind == "c"


def real(v: Any) -> Any:
    """Real part of a Tensor, ndarray or number; a real one is handed back as it is."""
    if isinstance(v, Tensor):
        return v.real if v._dtype.is_complex else v
    return v.real


def imag(v: Any) -> Any:
    """Imaginary part of a complex Tensor or ndarray."""
    return v.imag


def function(name: str, numpy: Callable[[Any], Any] | None = None) -> Callable[[Any], Any]:
    """A function of one argument for Tensors (the method of that name), ndarrays and numbers alike."""
    on_array = numpy or getattr(np, name)

    def apply(v: Any) -> Any:
        return getattr(v, name)() if isinstance(v, Tensor) else on_array(v)

    return apply


log, exp, sin, cos = function("log"), function("exp"), function("sin"), function("cos")
sinh, cosh, sign = function("sinh"), function("cosh"), function("sgn", np.sign)
rsqrt = function("rsqrt", lambda v: 1 / np.sqrt(v))


def summed(v: Any, dim: int) -> Any:
    """Sum along one dim, which is kept; a 0-d value is its own sum (Tensors and ndarrays)."""
    if isinstance(v, Tensor):
        return v.sum(dim, True) if shape_of(v) else v
    return np.add.reduce(v, axis=dim, keepdims=True) if v.ndim else v


absolute = function("abs", rounding.absolute)


def of_one_kind(g: Any, input_dtype: dtype) -> Any:
    """The gradient, refused where it is complex and the input real: PyTorch's rules with a dtype argument forget it."""
    if not input_dtype.is_complex and is_complex(g):
        raise RuntimeError(
            "Expected isFloatingType(grad.scalar_type()) || (input_is_complex == grad_is_complex) to be true, but got "
            "false.  (Could this error message be improved?  If so, please report an enhancement request to PyTorch.)"
        )
    return g


reciprocal = function("reciprocal", lambda v: 1 / v)

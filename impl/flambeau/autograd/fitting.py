"""Gradients in the shape and dtype of what they belong to: broadcasting and casts undone, for ndarrays and Tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flambeau.cpu.reduce import sum_of_all, total
from flambeau.dtypes import dtype
from flambeau.geometry import Shape
from flambeau.tensor import Tensor, fresh, shape_of, share

if TYPE_CHECKING:
    from flambeau.autograd.node import Node


_array = np.array
# the shapes of one element
_ONE = frozenset((1,) * n for n in range(8))


def sum_to(g: Any, shape: Shape) -> Any:
    """Sum an ndarray over the dims that broadcasting `shape` to it added."""
    if shape in _ONE:
        return _array(sum_of_all(g), ndmin=len(shape))
    lead = g.ndim - len(shape)
    if lead == 1 and g.shape[1:] == shape:
        return total(g, (0,), False)
    axes = (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 != g.shape[i + lead]))
    return total(g, axes, True).reshape(shape)


def to_tensor(g: Any, d: dtype) -> Tensor:
    """A gradient as a Tensor."""
    if isinstance(g, Tensor):
        return g
    g = np.asarray(g, d.numpy)
    # an expanded gradient, of a sum say, names one element many times
    return fresh(g, d) if g.flags.forc else share(g, d)


def fit(g: Any, shape: Shape, d: dtype, source: Node, index: int = 0) -> Any:
    """A gradient in the shape and dtype of the input it belongs to. Raises RuntimeError where no sum leads there."""
    if isinstance(g, Tensor):
        if g._dtype.is_complex and not d.is_complex:
            g = g.real
        have = shape_of(g)
        if have != shape:
            if not _expandable(shape, have):
                raise RuntimeError(
                    f"Function {source.name()} returned an invalid gradient at index {index} - "
                    f"got {list(have)} but expected shape compatible with {list(shape)}"
                )
            g = g.sum_to_size(shape)
        return g if g._dtype is d else g.to(d)
    if g.shape != shape:
        g = sum_to(g, shape)
    return g if g.dtype is d.numpy else cast_to(g, d)


def cast_to(g: Any, d: dtype) -> Any:
    """An ndarray in a dtype's own, without its imaginary part where that one has none."""
    if g.dtype.kind == "c" and not d.is_complex:
        g = g.real
    return g if g.dtype == d.numpy else g.astype(d.numpy)


def _expandable(shape: Shape, target: Shape) -> bool:
    lead = len(target) - len(shape)
    return lead >= 0 and all(n in (1, t) for n, t in zip(shape, target[lead:], strict=True))


def plus(a: Any, b: Any) -> Any:
    """The sum of two gradients of one tensor, each an ndarray or a Tensor."""
    if isinstance(a, Tensor) is isinstance(b, Tensor):
        return a + b
    tensor, array = (a, b) if isinstance(a, Tensor) else (b, a)
    return tensor + to_tensor(array, tensor._dtype)

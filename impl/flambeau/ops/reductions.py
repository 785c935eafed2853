"""Reductions over dims."""

from __future__ import annotations

from typing import Any

from flambeau import dtypes
from flambeau.cpu import reduce as cpu
from flambeau.declare import composite, primitive
from flambeau.dtypes import dtype
from flambeau.errors import check
from flambeau.geometry import Shape, wrap_dim
from flambeau.operation import Launch
from flambeau.ops.rules import restore
from flambeau.tensor import Tensor, shape_of


def reduced(input: Tensor, dim: Any, keepdim: bool) -> tuple[tuple[int, ...], Shape]:
    """The dims reduced, counted from the front, and the result's shape. No dim, or an empty tuple, means all."""
    shape = shape_of(input)
    if dim is None or dim == ():
        dims = tuple(range(len(shape)))
    else:
        dims = tuple(wrap_dim(d, len(shape)) for d in ((dim,) if isinstance(dim, int) else dim))
        for i, d in enumerate(dims):
            check(d not in dims[:i], f"dim {d} appears multiple times in the list of dims")
        if not shape:
            dims = ()
    if keepdim:
        return dims, tuple(1 if d in dims else n for d, n in enumerate(shape))
    return dims, tuple(n for d, n in enumerate(shape) if d not in dims)


@primitive(
    "sum(Tensor input, *, torch.dtype? dtype=None)",
    "sum(Tensor input, tuple of ints[1]? dim, bool keepdim=False, *, torch.dtype? dtype=None, Tensor out=None)",
    cpu=cpu.total,
    grad=lambda g, input_shape, dims, keepdim: restore(g, input_shape, dims, keepdim),
)
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: dtype | None = None) -> Launch:
    """Sum of the elements, over all dims or those in dim; integers add up in int64."""
    d = dtype or (dtypes.int64 if input.dtype.category < dtypes.FLOATING else input.dtype)
    dims, shape = reduced(input, dim, keepdim)
    node = None if dim is None else "SumBackward1"
    return Launch((input,), shape, d, node=node, compute=d.compute, dims=dims, keepdim=keepdim)


@composite("sum_to_size(Tensor input, tuple of ints size)", function=False)
def sum_to_size(input: Tensor, size: Shape) -> Tensor:
    """Sum over the dims that broadcasting `size` to this shape would add. Raises RuntimeError if it does not."""
    have = shape_of(input)
    lead = len(have) - len(size)
    check(
        lead >= 0 and all(n in (1, h) for n, h in zip(size, have[lead:], strict=True)),
        f"size {{{list(size)}}} is not expandable to size {{{list(have)}}}.",
    )
    dims = tuple(d for d, n in enumerate(have) if d < lead or (size[d - lead] == 1 != n))
    if not dims:
        return input
    summed = sum(input, dims, True)
    return summed.reshape(size) if lead else summed

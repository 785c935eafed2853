"""Elements in another order along their dims: flip, roll, rot90."""

from __future__ import annotations

from typing import Any

from flambeau.cpu import joining as cpu
from flambeau.declare import composite, primitive
from flambeau.dtypes import BAREBONES_UNSIGNED, complex32
from flambeau.errors import check, not_implemented_for
from flambeau.geometry import Shape, different_dims, wrap_dim
from flambeau.operation import Launch
from flambeau.ops.copying import strides_for
from flambeau.size import contiguous_format
from flambeau.tensor import Tensor, memory, shape_of

_FLIPPED_BY_ROWS = (*BAREBONES_UNSIGNED, complex32)


@primitive("flip(Tensor input, tuple of ints dims)", cpu=cpu.flip, grad=lambda g, dims: g.flip(dims), moves=True)
def flip(input: Tensor, dims: Shape) -> Launch:
    """The elements in reverse order along the dims."""
    shape = shape_of(input)
    wrapped = different_dims(dims, len(shape))
    _check_flip(input, wrapped)
    return Launch((input,), shape, input.dtype, dims=wrapped if shape else (), strides=strides_for(input, None))


def _check_flip(input: Tensor, dims: Shape) -> None:
    """Raise NotImplementedError where PyTorch has no kernel: it flips these dtypes by whole contiguous rows only."""
    own = memory(input)
    longer = [d for d, n in enumerate(own.shape) if n > 1]
    turned = [d for d in dims if d in longer and own.strides[d]]
    if input.dtype not in _FLIPPED_BY_ROWS or not turned or 0 in own.shape:
        return
    result = strides_for(input, None)
    row = min(longer, key=lambda d: result[d])
    if row in turned or own.strides[row] != 1:
        not_implemented_for("flip_cpu", input.dtype)


@composite("fliplr(Tensor input)")
def fliplr(input: Tensor) -> Tensor:
    """The columns in reverse order."""
    check(len(shape_of(input)) >= 2, "Input must be >= 2-d.")
    return flip(input, (1,))


@composite("flipud(Tensor input)")
def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order."""
    check(len(shape_of(input)) >= 1, "Input must be >= 1-d.")
    return flip(input, (0,))


@primitive(
    "roll(Tensor input, tuple of ints[1] shifts, tuple of ints[1] dims=None)",
    cpu=cpu.roll,
    grad=lambda g, shifts, dims: g.roll(tuple(-s for s in shifts), dims),
    moves=True,
)
def roll(input: Tensor, shifts: Shape, dims: Any = None) -> Launch:
    """The elements shifted along the dims, those that fall off coming in again; along all, flattened, without dims."""
    shape = shape_of(input)
    dims = tuple(dims or ())
    check(len(shifts) > 0, "`shifts` required")
    if dims or len(shifts) != 1:
        check(len(shifts) == len(dims), f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if 0 in shape:
        shifts, dims = (0,), ()  # nothing to shift: PyTorch does not look at the dims
    wrapped = tuple(wrap_dim(d, len(shape), wrap_scalar=False) for d in dims) if shape or dims else ()
    return Launch((input,), shape, input.dtype, shifts=tuple(shifts), dims=wrapped)


@primitive(
    "rot90(Tensor input, int k=1, tuple of ints dims={0,1})",
    cpu=cpu.rot90,
    grad=lambda g, k, dims: g.rot90(-k, dims),
    moves=True,
)
def rot90(input: Tensor, k: int = 1, dims: Shape = (0, 1)) -> Launch:
    """The plane of two dims turned by k right angles."""
    shape = shape_of(input)
    n = len(shape)
    check(len(dims) == 2, f"expected total rotation dims == 2, but got dims = {len(dims)}")
    check(n >= 2, f"expected total dims >= 2, but got total dims = {n}")
    check(
        dims[0] != dims[1] and abs(dims[0] - dims[1]) != n,
        f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}",
    )
    a, b = wrap_dim(dims[0], n), wrap_dim(dims[1], n)
    turned = {1: (b,), 2: (a, b), 3: (a,)}.get(k % 4, ())
    _check_flip(input, turned)
    # PyTorch flips, then swaps the two dims; no turn is a row-major copy
    order = list(range(n))
    if k % 2:
        order[a], order[b] = b, a
    laid = strides_for(input, None if k % 4 else contiguous_format)
    out, strides = (tuple(facts[d] for d in order) for facts in (shape, laid))
    return Launch((input,), out, input.dtype, k=k, dims=(a, b), strides=strides)

"""Views: other shapes and orders of the same elements."""

from __future__ import annotations

from math import prod
from typing import Any

from flambeau.declare import composite
from flambeau.dtypes import dtype
from flambeau.errors import check
from flambeau.geometry import Shape, different_dims, infer_size, is_contiguous, view_strides, wrap_dim
from flambeau.size import contiguous_format
from flambeau.tensor import Tensor, alias, memory, shape_of
from flambeau.viewing import Place, view


def place_view(input: Tensor, size: Any) -> Place | None:
    """The view of that shape, None where only a copy can have it."""
    own = memory(input)
    shape = infer_size(size if type(size) is tuple else tuple(size), prod(own.shape))
    strides = view_strides(own.shape, own.strides, shape)
    return None if strides is None else Place(shape, strides, own.offset)


INCOMPATIBLE = (
    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
    "contiguous subspaces). Use .reshape(...) instead."
)


@view(
    "view(Tensor input, torch.dtype dtype)",
    "view(Tensor input, tuple of ints size)",
    grad=lambda g, input_shape: g.reshape(input_shape),
    function=False,
)
def view_(input: Tensor, size: Shape = (), dtype: dtype | None = None) -> Place | Tensor:
    """The same elements in another shape, without copying; or the same bytes as another dtype."""
    if dtype is not None:
        return _reinterpreted(input, dtype)
    place = place_view(input, size)
    if place is None:
        raise RuntimeError(INCOMPATIBLE)
    return place


def _reinterpreted(input: Tensor, d: dtype) -> Tensor:
    """The bytes of input as elements of another dtype."""
    own, have, want = memory(input), input.dtype.itemsize, d.itemsize
    if d is input.dtype:
        return alias(input, own.shape, own.strides, own.offset)
    shape, strides, offset = list(own.shape), list(own.strides), own.offset
    if have != want:
        check(shape, f"self.dim() cannot be 0 to view {_c(input.dtype)} as {_c(d)} (different element sizes)")
        check(
            strides[-1] == 1,
            f"self.stride(-1) must be 1 to view {_c(input.dtype)} as {_c(d)} (different element sizes), but got "
            f"{strides[-1]}",
        )
    if have > want:
        ratio = have // want
        shape[-1] *= ratio
        strides = [*(s * ratio for s in strides[:-1]), 1]
        offset *= ratio
    elif have < want:
        ratio = want // have
        for what, value in (
            (f"self.size(-1) must be divisible by {ratio}", shape[-1]),
            (f"self.storage_offset() must be divisible by {ratio}", offset),
            *((f"self.stride({i}) must be divisible by {ratio}", s) for i, s in enumerate(strides[:-1])),
        ):
            check(
                value % ratio == 0,
                f"{what} to view {_c(input.dtype)} as {_c(d)} (different element sizes), but got {value}",
            )
        shape[-1] //= ratio
        strides = [*(s // ratio for s in strides[:-1]), 1]
        offset //= ratio
    return alias(input, tuple(shape), tuple(strides), offset, d)


def _c(d: dtype) -> str:
    return d.type_name


@view(
    "_unsafe_view(Tensor input, tuple of ints size)",
    grad=lambda g, input_shape: g.reshape(input_shape),
    node="UnsafeViewBackward0",
    method=False,
)
def unsafe_view(input: Tensor, size: Shape) -> Place:
    """A view of a tensor that nobody else holds."""
    place = place_view(input, size)
    if place is None:
        raise RuntimeError(INCOMPATIBLE)
    return place


@view(
    "_reshape_alias(Tensor input, tuple of ints size)",
    grad=lambda g, input_shape: g.reshape(input_shape),
    function=False,
    method=False,
)
def reshape_alias(input: Tensor, size: Shape) -> Place:
    """The view that reshape makes of a tensor that is not row-major."""
    place = place_view(input, size)
    assert place is not None
    return place


@composite("reshape(Tensor input, tuple of ints shape)")
def reshape(input: Tensor, shape: Shape) -> Tensor:
    """The same elements in another shape: a view where strides allow it, else a copy."""
    place = place_view(input, shape)
    if place is not None:
        own = memory(input)
        kind = view_ if is_contiguous(own.shape, own.strides) else reshape_alias
        return kind.op.at(input, place)
    copy = input.clone(memory_format=contiguous_format)
    result = unsafe_view(copy, shape)
    result._view = None
    return result


@composite("view_as(Tensor input, Tensor other)", function=False)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of other."""
    return input.view(shape_of(other))


@composite("reshape_as(Tensor input, Tensor other)", function=False)
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of other."""
    return reshape(input, shape_of(other))


@composite("flatten(Tensor input, int start_dim=0, int end_dim=-1)")
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dims from start_dim to end_dim merged into one."""
    shape = shape_of(input)
    start, end = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    check(start <= end, "flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, (1,))
    if start == end:
        return input
    return reshape(input, (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]))


@composite("ravel(Tensor input)")
def ravel(input: Tensor) -> Tensor:
    """The elements in one dim."""
    return reshape(input.contiguous(), (-1,))


@composite("unflatten(Tensor input, int dim, tuple of ints sizes)")
def unflatten(input: Tensor, dim: int, sizes: Shape) -> Tensor:
    """One dim expanded into several."""
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    check(len(sizes) > 0, "unflatten: sizes must be non-empty")
    n = shape[dim] if shape else 1
    known = prod(s for s in sizes if s != -1)
    if sizes.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    check(
        known == n if -1 not in sizes else known and n % known == 0,
        f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({n}) in the input tensor",
    )
    sizes = infer_size(sizes, n)
    return input.view((*shape[:dim], *sizes, *shape[dim + 1 :]))


@view("unsqueeze(Tensor input, int dim)", grad=lambda g, dim: g.squeeze(dim))
def unsqueeze(input: Tensor, dim: int) -> Place:
    """The view with a dim of size 1 inserted."""
    own = memory(input)
    n = len(own.shape)
    dim = wrap_dim(dim, n + 1)
    step = own.shape[dim] * own.strides[dim] if dim < n else 1
    return Place(
        (*own.shape[:dim], 1, *own.shape[dim:]), (*own.strides[:dim], step, *own.strides[dim:]), own.offset, dim=dim
    )


def _unsqueeze_to(g: Tensor, shape: Shape, dropped: tuple[int, ...]) -> Tensor:
    for d in dropped:
        g = unsqueeze(g, d)
    return g


@view(
    "squeeze(Tensor input)",
    "squeeze(Tensor input, int dim)",
    "squeeze(Tensor input, tuple of ints dim)",
    grad=lambda g, input_shape, dropped: _unsqueeze_to(g, input_shape, dropped),
)
def squeeze(input: Tensor, dim: Any = None) -> Place:
    """The view without its dims of size 1, or without those named that have size 1."""
    own = memory(input)
    n = len(own.shape)
    if dim is None:
        chosen, node = tuple(range(n)), None
    elif isinstance(dim, int):
        chosen, node = (wrap_dim(dim, n),), "SqueezeBackward1"
    else:
        chosen, node = different_dims(dim, n), "SqueezeBackward2"
    dropped = tuple(d for d in range(n) if d in chosen and own.shape[d] == 1)
    kept = [d for d in range(n) if d not in dropped]
    return Place(
        tuple(own.shape[d] for d in kept), tuple(own.strides[d] for d in kept), own.offset, node=node, dropped=dropped
    )


@view("alias(Tensor input)", grad=lambda g: g, function=False, method=False)
def alias_of(input: Tensor) -> Place:
    """A view of all of a tensor."""
    own = memory(input)
    return Place(own.shape, own.strides, own.offset)

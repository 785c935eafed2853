"""Views: other shapes and orders of the same elements."""

from __future__ import annotations

from typing import Any

from flambeau.declare import composite
from flambeau.errors import check
from flambeau.geometry import Shape, expand_strides, infer_size, view_strides, wrap_dim
from flambeau.size import contiguous_format
from flambeau.tensor import Tensor, memory
from flambeau.viewing import Place, view


@view(
    "transpose(Tensor input, int dim0, int dim1)",
    grad=lambda g, dim0, dim1: g.transpose(dim0, dim1),
    aliases=("swapaxes", "swapdims"),
)
def transpose(input: Tensor, dim0: int, dim1: int) -> Place:
    """The view with two dims exchanged."""
    own = memory(input)
    n = len(own.shape)
    dim0, dim1 = wrap_dim(dim0, n), wrap_dim(dim1, n)
    shape, strides = list(own.shape), list(own.strides)
    if shape:
        shape[dim0], shape[dim1] = shape[dim1], shape[dim0]
        strides[dim0], strides[dim1] = strides[dim1], strides[dim0]
    return Place(tuple(shape), tuple(strides), own.offset, dim0=dim0, dim1=dim1)


@view(
    "expand(Tensor input, tuple of ints size, *, bool implicit=False)",
    grad=lambda g: g,  # the engine sums what broadcasting added
    function=False,
)
def expand(input: Tensor, size: Shape, implicit: bool = False) -> Place:
    """The view that repeats size-1 dims with stride 0; -1 keeps a dim."""
    own = memory(input)
    lead = len(size) - len(own.shape)
    check(
        lead >= 0,
        f"expand({_kind(input)}{{{list(own.shape)}}}, size={list(size)}): the number of sizes provided ({len(size)}) "
        f"must be greater or equal to the number of dimensions in the tensor ({len(own.shape)})",
    )
    target = []
    for i, n in enumerate(size):
        have = own.shape[i - lead] if i >= lead else None
        if n == -1:
            check(
                have is not None,
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}",
            )
            n = have  # type: ignore[assignment]
        elif have is not None and have not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: {list(own.shape)}"
            )
        target.append(n)
    shape = tuple(target)
    return Place(shape, expand_strides(own.shape, own.strides, shape), own.offset)


def _kind(t: Tensor) -> str:
    return f"torch.{t.dtype.type_name}Tensor"


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


def place_view(input: Tensor, size: Any, node: str | None = None) -> Place | None:
    """The view of that shape, None where only a copy can have it."""
    own = memory(input)
    shape = infer_size(tuple(size), input.numel())  # type: ignore[attr-defined]
    strides = view_strides(own.shape, own.strides, shape)
    if strides is None:
        return None
    return Place(shape, strides, own.offset, node=node)


@view(
    "view(Tensor input, tuple of ints size)",
    grad=lambda g, input_shape: g.reshape(input_shape),
    function=False,
)
def view_(input: Tensor, size: Shape) -> Place:
    """The same elements in another shape, without copying."""
    place = place_view(input, size)
    if place is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return place


@composite("reshape(Tensor input, tuple of ints shape)")
def reshape(input: Tensor, shape: Shape) -> Tensor:
    """The same elements in another shape: a view where strides allow it, else a copy."""
    if place_view(input, shape) is not None:
        return view_(input, shape)  # type: ignore[no-any-return]
    copy = input.clone(memory_format=contiguous_format)  # type: ignore[attr-defined]
    return unsafe_view(copy, shape)  # type: ignore[no-any-return]


@view(
    "_unsafe_view(Tensor input, tuple of ints size)",
    grad=lambda g, input_shape: g.reshape(input_shape),
    node="UnsafeViewBackward0",
    method=False,
)
def unsafe_view(input: Tensor, size: Shape) -> Place:
    """A view of a tensor that nobody else holds."""
    place = place_view(input, size)
    assert place is not None
    return place

"""Splitting: pieces of a tensor along a dim, as views."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from flambeau.declare import composite, python_function
from flambeau.errors import check
from flambeau.geometry import Shape, wrap_dim
from flambeau.ops.creation import full
from flambeau.ops.joining import cat, stack
from flambeau.signatures import Parser
from flambeau.tensor import Tensor, extend, memory, shape_of
from flambeau.viewing import Place, view


@view("unbind(Tensor input, int dim=0)", grad=lambda gs, dim, like: _stacked(gs, dim, like), node="UnbindBackward0")
def unbind(input: Tensor, dim: int = 0) -> list[Place]:
    """The slices along a dim, as views."""
    own = memory(input)
    dim = wrap_dim(dim, len(own.shape))
    check(own.shape, f"Dimension specified as {dim} but tensor has no dimensions", IndexError)
    shape, strides = (*own.shape[:dim], *own.shape[dim + 1 :]), (*own.strides[:dim], *own.strides[dim + 1 :])
    like = (shape, input.dtype, input.device)
    return [Place(shape, strides, own.offset + i * own.strides[dim], dim=dim, like=like) for i in range(own.shape[dim])]


def _stacked(gs: Any, dim: int, like: Any) -> Tensor:
    parts = gs if isinstance(gs, list) else [gs]
    shape, d, where = like
    return stack(
        [full(shape, 0, dtype=d, device=where) if g is None else g for g in parts],
        dim,
    )


def _pieces(input: Tensor, sizes: Sequence[int], dim: int, node: str) -> list[Place]:
    own = memory(input)
    places, start = [], 0
    like = (input.dtype, input.device)
    shapes = [(*own.shape[:dim], n, *own.shape[dim + 1 :]) for n in sizes]
    for n, shape in zip(sizes, shapes, strict=True):
        # an empty piece at the end starts where the storage still has an element, as PyTorch's slices do
        offset = own.offset + min(start, own.shape[dim]) * own.strides[dim]
        places.append(Place(shape, own.strides, offset, node=node, dim=dim, shapes=shapes, like=like))
        start += n
    return places


def _joined(gs: Any, dim: int, shapes: Any, like: Any) -> Tensor:
    parts = gs if isinstance(gs, list) else [gs]
    d, where = like
    return cat(
        [full(s, 0, dtype=d, device=where) if g is None else g for g, s in zip(parts, shapes, strict=True)],
        dim,
    )


@view(
    "split_with_sizes(Tensor input, tuple of ints split_sizes, int dim=0)",
    grad=lambda gs, dim, shapes, like: _joined(gs, dim, shapes, like),
)
def split_with_sizes(input: Tensor, split_sizes: Shape, dim: int = 0, node: str | None = None) -> list[Place]:
    """Consecutive pieces of the given sizes along a dim, as views."""
    shape = shape_of(input)
    check(shape, "split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, len(shape))
    for n in split_sizes:
        check(
            n >= 0,
            f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes="
            f"{list(split_sizes)}",
        )
    check(
        sum(split_sizes) == shape[dim],
        f"split_with_sizes expects split_sizes to sum exactly to {shape[dim]} (input tensor's size at dimension {dim})"
        f", but got split_sizes={list(split_sizes)}",
    )
    return _pieces(input, split_sizes, dim, node or "SplitWithSizesBackward0")


def split_evenly(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one size along a dim, the last one smaller."""
    shape = shape_of(input)
    check(shape, "split expects at least a 1-dimensional tensor")
    check(split_size >= 0, f"split expects split_size be non-negative, but got split_size={split_size}")
    dim = wrap_dim(dim, len(shape))
    n = shape[dim]
    check(
        split_size > 0 or n == 0,
        f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}",
    )
    count = max((n + split_size - 1) // split_size, 1) if split_size else 1
    sizes = [split_size] * (count - 1) + [n - split_size * (count - 1)]
    return split_with_sizes.run({"input": input, "split_sizes": sizes, "dim": dim, "node": "SplitBackward0"})


@composite("chunk(Tensor input, int chunks, int dim=0)")
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most that many pieces of one size along a dim."""
    shape = shape_of(input)
    check(shape, "chunk expects at least a 1-dimensional tensor")
    check(chunks > 0, f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, len(shape))
    n = shape[dim]
    size = (n + chunks - 1) // chunks
    if size == 0 and n == 0:
        return split_with_sizes.run({"input": input, "split_sizes": [0] * chunks, "dim": dim})
    return split_evenly(input, size, dim)


@python_function
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one size, or of the given sizes, along a dim, as views."""
    return tensor.split(split_size_or_sections, dim)


_SPLIT = Parser(
    "split",
    "split(Tensor input, int split_size, int dim=0)",
    "split(Tensor input, tuple of ints split_size, int dim=0)",
)


def _split(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    if isinstance(split_size, Tensor):
        split_size = int(split_size)
    if isinstance(split_size, int):
        _, (_, size, dim) = _SPLIT.bind((self, split_size, dim))
        return split_evenly(self, size, dim)
    return split_with_sizes(self, split_size, dim)


extend(split=_split)
_split.__name__, _split.__qualname__, _split.__doc__ = "split", "Tensor.split", split.__doc__


def _cuts(input: Tensor, cuts: Sequence[int], dim: int) -> tuple[Tensor, ...]:
    n = shape_of(input)[dim]
    pieces, start = [], 0
    for cut in (*cuts, n):
        low, high = slice(start, cut if cut is not n else n).indices(n)[:2]
        pieces.append(input.narrow(dim, low, max(high - low, 0)))
        start = cut
    return tuple(pieces)


@composite(
    "tensor_split(Tensor input, tuple of ints indices, int dim=0)",
    "tensor_split(Tensor input, Tensor tensor_indices_or_sections, int dim=0)",
    "tensor_split(Tensor input, index sections, int dim=0)",
)
def tensor_split(
    input: Tensor,
    indices: Any = None,
    dim: int = 0,
    tensor_indices_or_sections: Tensor | None = None,
    sections: int | None = None,
) -> tuple[Tensor, ...]:
    """Pieces cut at the given indices, or that many pieces of nearly one size, as views."""
    shape = shape_of(input)
    check(shape, "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = wrap_dim(dim, len(shape))
    if tensor_indices_or_sections is not None:
        chosen = tensor_indices_or_sections
        check(
            chosen.dtype.name == "int64",
            f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {chosen.dtype.type_name}",
        )
        n = len(shape_of(chosen))
        check(
            n < 2,
            "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but "
            f"got a tensor with {n} dims",
        )
        if n == 0:
            sections = chosen.item()
        else:
            indices = chosen.tolist()
    if sections is None:
        return _cuts(input, indices, dim)
    check(sections > 0, f"number of sections must be larger than 0, got {sections}")
    base, extra = divmod(shape[dim], sections)
    ends = list(itertools.accumulate(base + (i < extra) for i in range(sections)))
    return _cuts(input, ends[:-1], dim)


def _splitter(name: str, rank: int, axis: Any) -> None:
    def body(input: Tensor, sections: int | None = None, indices: Any = None) -> Any:
        n = len(shape_of(input))
        check(
            n >= rank,
            f"torch.{name} requires a tensor with at least {rank} dimension, but got a tensor with {n} dimensions!",
        )
        d = axis(n)
        if sections is None:
            return tensor_split(input, indices, d)
        size = shape_of(input)[d]
        check(
            sections != 0 and size % sections == 0,
            f"torch.{name} attempted to split along dimension {d}, but the size of the dimension {size} is not "
            f"divisible by the split_size {sections}!",
        )
        return tensor_split(input, sections, d)

    body.__doc__ = f"tensor_split along dim {rank - 1}."
    composite(f"{name}(Tensor input, int sections)", f"{name}(Tensor input, tuple of ints indices)")(body)


_splitter("hsplit", 1, lambda n: 0 if n == 1 else 1)
_splitter("vsplit", 2, lambda n: 0)
_splitter("dsplit", 3, lambda n: 2)

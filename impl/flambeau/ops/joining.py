"""Joining: cat, stack and what they are called along particular dims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from flambeau.cpu import joining as cpu
from flambeau.declare import composite, primitive, python_function
from flambeau.dtypes import dtype, promote_types
from flambeau.elementwise import result_type
from flambeau.errors import check
from flambeau.geometry import Shape, channels_last_strides, contiguous_strides, suggests_channels_last, wrap_dim
from flambeau.inplace import can_store
from flambeau.operation import Launch, joint
from flambeau.ops.views import reshape, unsqueeze
from flambeau.tensor import Tensor, memory, shape_of


@primitive(
    "cat(tuple of Tensors tensors, int dim=0, *, Tensor out=None)",
    cpu=cpu.cat,
    grad=joint(lambda g, needs, dim, sizes: _cat_rule(g, needs, dim, sizes)),
    moves=True,
    method=False,
    aliases=("concat", "concatenate"),
)
def cat(tensors: Sequence[Tensor], dim: int = 0, out: Tensor | None = None) -> Launch:
    """The tensors one after the other along a dim."""
    check(len(tensors) > 0, "torch.cat(): expected a non-empty list of Tensors", ValueError)
    shapes = tuple([shape_of(t) for t in tensors])
    dim = _joining_dim(shapes, dim)
    target = result_type(*tensors)
    _check_out(target, out)
    sizes, size = _joined(shapes, dim)
    return Launch(
        (list(tensors),), size, target,
        dim=dim, sizes=sizes, dtypes=[t._dtype for t in tensors], target=target,
        strides=_joined_strides(size, _places(tensors)),
    )  # fmt: skip


def _model(shapes: tuple[Shape, ...]) -> Shape:
    """The shape that the others are held against; a 1-D empty tensor fits anywhere, for old code's sake."""
    return next((have for have in shapes if have != (0,)), (0,))


@lru_cache(1024)
def _joining_dim(shapes: tuple[Shape, ...], dim: int) -> int:
    """The dim counted from the front."""
    for i, have in enumerate(shapes):
        check(have, f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    model = _model(shapes)
    return dim if model == (0,) else wrap_dim(dim, len(model))


@lru_cache(1024)
def _joined(shapes: tuple[Shape, ...], dim: int) -> tuple[tuple[int | None, ...], Shape]:
    """Each tensor's size along the dim, None for one to skip, and the joined shape."""
    shape = _model(shapes)
    sizes: list[int | None] = []
    for i, have in enumerate(shapes):
        if have == (0,):
            sizes.append(None)
            continue
        check(len(have) == len(shape), f"Tensors must have same number of dimensions: got {len(shape)} and {len(have)}")
        for d, (a, b) in enumerate(zip(shape, have, strict=True)):
            check(
                d == dim or a == b,
                f"Sizes of tensors must match except in dimension {dim}. Expected size {a} but got size {b} for "
                f"tensor number {i} in the list.",
            )
        sizes.append(have[dim])
    total = sum(n for n in sizes if n is not None)
    size = shape if shape == (0,) else (*shape[:dim], total, *shape[dim + 1 :])
    return tuple(sizes), size


def _places(tensors: Sequence[Tensor]) -> Iterator[tuple[Shape, Shape]]:
    """Shapes and strides, looked up where they are asked for."""
    return ((m.shape, m.strides) for m in map(memory, tensors))


def _joined_strides(shape: Shape, places: Iterable[tuple[Shape, Shape]]) -> Shape:
    """Strides of what is joined from tensors of these shapes and strides: channels last if all of them are."""
    rank = len(shape)
    if rank in (4, 5) and all(len(have) == rank and suggests_channels_last(have, steps) for have, steps in places):
        return channels_last_strides(shape)
    return contiguous_strides(shape)


def _check_out(d: dtype, out: Tensor | None) -> None:
    if out is not None and not can_store(d, out.dtype):
        raise TypeError(f"torch.cat(): input types can't be cast to the desired output type {out.dtype.type_name}")


def _cat_rule(g: Tensor, needs: Sequence[bool], dim: int, sizes: Sequence[int | None]) -> list[Tensor | None]:
    start, grads = 0, []
    for need, n in zip(needs, sizes, strict=True):
        if n is None:
            grads.append(g.new_zeros((0,)) if need else None)
            continue
        grads.append(g.narrow(dim, start, n) if need else None)
        start += n
    return grads


@primitive(
    "stack(tuple of Tensors tensors, int dim=0, *, Tensor out=None)",
    cpu=cpu.stack,
    grad=joint(lambda g, needs, dim: [p if n else None for p, n in zip(g.unbind(dim), needs, strict=True)]),
    moves=True,
    method=False,
)
def stack(tensors: Sequence[Tensor], dim: int = 0, out: Tensor | None = None) -> Launch:
    """The tensors side by side along a new dim."""
    check(len(tensors) > 0, "stack expects a non-empty TensorList")
    shape = shape_of(tensors[0])
    dim = wrap_dim(dim, len(shape) + 1)
    d = tensors[0]._dtype
    for i, t in enumerate(tensors):
        if shape_of(t) != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(shape_of(t))} at entry {i}"
            )
        d = d if t._dtype is d else promote_types(d, t._dtype)
    _check_out(d, out)
    n, places = len(tensors), _places(tensors)
    if dim == len(shape):
        strides = _joined_strides((*shape, n), (((*have, 1), (*steps, 1)) for have, steps in places))
    else:  # PyTorch joins along the dim, then splits it
        strides = _joined_strides((*shape[:dim], n * shape[dim], *shape[dim + 1 :]), places)
        strides = (*strides[:dim], strides[dim] * shape[dim], *strides[dim:])
    return Launch(
        (list(tensors),), (*shape[:dim], n, *shape[dim:]), d,
        dim=dim, dtypes=[t._dtype for t in tensors], target=d, strides=strides,
    )  # fmt: skip


def _at_least(t: Tensor, n: int) -> Tensor:
    shape = shape_of(t)
    if len(shape) >= n:
        return t
    if n == 3:
        return reshape(t, {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)])
    return reshape(t, (1,) * (n - len(shape)) + shape) if n == 1 or not shape else unsqueeze(t, 0)


def _stacker(name: str, rank: int, dim: Any, doc: str, aliases: tuple[str, ...] = ()) -> None:
    def body(tensors: Sequence[Tensor], out: Tensor | None = None) -> Tensor:
        check(len(tensors) > 0, f"{name} expects a non-empty TensorList")
        raised = [_at_least(t, rank) for t in tensors]
        _check_out(result_type(*raised), out)
        return cat(raised, dim(raised))

    body.__doc__ = doc
    for n in (name, *aliases):
        composite(f"{n}(tuple of Tensors tensors, *, Tensor out=None)", method=False)(body)


_stacker(
    "hstack",
    1,
    lambda ts: 0 if len(shape_of(ts[0])) == 1 else 1,
    "The tensors side by side (dim 1; vectors end to end).",
)
_stacker("vstack", 2, lambda ts: 0, "The tensors one below the other.", ("row_stack",))
_stacker("dstack", 3, lambda ts: 2, "The tensors along a third dim.")


@composite("column_stack(tuple of Tensors tensors, *, Tensor out=None)", method=False)
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Vectors as columns, matrices side by side."""
    check(len(tensors) > 0, "column_stack expects a non-empty TensorList")
    raised = [reshape(t, (-1, 1)) if len(shape_of(t)) < 2 else t for t in tensors]
    return cat(raised, 1)


def tensors_given(given: Sequence[Any]) -> tuple[Tensor, ...]:
    """The tensors of a call that takes them one by one or as a sequence."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], tuple | list) else tuple(given)


def _atleast(n: int) -> None:
    def body(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], Tensor):
            return _at_least(tensors[0], n)
        return tuple(_at_least(t, n) for t in tensors_given(tensors))

    body.__name__ = f"atleast_{n}d"
    body.__doc__ = f"The tensors with at least {n} dim{'s' if n > 1 else ''}."
    python_function(body)


for _n in (1, 2, 3):
    _atleast(_n)

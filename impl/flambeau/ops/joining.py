"""Joining, repeating and reordering: results with memory of their own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from flambeau.cpu import joining as cpu
from flambeau.declare import composite, primitive, python_function
from flambeau.dtypes import BAREBONES_UNSIGNED, complex32, dtype, promote_types
from flambeau.elementwise import result_type
from flambeau.errors import check, not_implemented_for
from flambeau.geometry import (
    Shape,
    broadcast,
    channels_last_strides,
    contiguous_strides,
    suggests_channels_last,
    wrap_dim,
)
from flambeau.inplace import can_store
from flambeau.operation import Launch, joint
from flambeau.ops.copying import strides_for
from flambeau.ops.views import reshape, split_evenly, split_with_sizes, transpose, unsqueeze
from flambeau.signatures import Parser
from flambeau.size import contiguous_format
from flambeau.tensor import Tensor, memory, shape_of
from flambeau.warning import warn_once

_FLIPPED_BY_ROWS = (*BAREBONES_UNSIGNED, complex32)


def _skipped(t: Tensor) -> bool:
    """A 1-D empty tensor fits anywhere, for old code's sake."""
    return shape_of(t) == (0,)


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
    for i, t in enumerate(tensors):
        check(shape_of(t), f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    model = next((t for t in tensors if not _skipped(t)), tensors[0])
    shape = shape_of(model)
    if not _skipped(model):
        dim = wrap_dim(dim, len(shape))
    target = result_type(*tensors)
    _check_out(target, out)
    sizes = []
    for i, t in enumerate(tensors):
        have = shape_of(t)
        if _skipped(t):
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
    size = shape if all(n is None for n in sizes) else (*shape[:dim], total, *shape[dim + 1 :])
    strides = _joined_strides(size, [(m.shape, m.strides) for m in map(memory, tensors)])
    return Launch(
        (list(tensors),), size, target,
        dim=dim, sizes=sizes, dtypes=[t.dtype for t in tensors], target=target, strides=strides,
    )  # fmt: skip


def _joined_strides(shape: Shape, places: Sequence[tuple[Shape, Shape]]) -> Shape:
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
            grads.append(g.new_zeros((0,)) if need else None)  # type: ignore[attr-defined]
            continue
        grads.append(g.narrow(dim, start, n) if need else None)  # type: ignore[attr-defined]
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
    for i, t in enumerate(tensors):
        check(
            shape_of(t) == shape,
            f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(shape_of(t))} at "
            f"entry {i}",
        )
    d = tensors[0].dtype
    for t in tensors[1:]:
        d = promote_types(d, t.dtype)
    _check_out(d, out)
    n, places = len(tensors), [(m.shape, m.strides) for m in map(memory, tensors)]
    if dim == len(shape):
        strides = _joined_strides((*shape, n), [((*have, 1), (*steps, 1)) for have, steps in places])
    else:  # PyTorch joins along the dim, then splits it
        strides = _joined_strides((*shape[:dim], n * shape[dim], *shape[dim + 1 :]), places)
        strides = (*strides[:dim], strides[dim] * shape[dim], *strides[dim:])
    return Launch(
        (list(tensors),), (*shape[:dim], n, *shape[dim:]), d,
        dim=dim, dtypes=[t.dtype for t in tensors], target=d, strides=strides,
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


def _tensors(given: Sequence[Any]) -> tuple[Tensor, ...]:
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], tuple | list) else tuple(given)


def _atleast(n: int) -> None:
    def body(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], Tensor):
            return _at_least(tensors[0], n)
        return tuple(_at_least(t, n) for t in _tensors(tensors))

    body.__name__ = f"atleast_{n}d"
    body.__doc__ = f"The tensors with at least {n} dim{'s' if n > 1 else ''}."
    python_function(body)


for _n in (1, 2, 3):
    _atleast(_n)


@python_function
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded over their common shape."""
    given = _tensors(tensors)
    shape = broadcast(*[shape_of(t) for t in given]) if given else ()
    return tuple(t if shape_of(t) == shape else t.expand(shape) for t in given)  # type: ignore[attr-defined]


@python_function
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of these shapes broadcast to. Raises RuntimeError if there is none."""
    from flambeau.size import Size

    result: list[int] = []
    for shape in [(s,) if isinstance(s, int) else tuple(s) for s in shapes]:
        result = [1] * (len(shape) - len(result)) + result
        for i in range(-1, -1 - len(shape), -1):
            n = shape[i]
            if n < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension ({n}): ({n})")
            if n in (1, result[i]):
                continue
            if result[i] != 1:
                raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape")
            result[i] = n
    return Size(result)


@python_function
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one size, or of the given sizes, along a dim, as views."""
    return tensor.split(split_size_or_sections, dim)  # type: ignore[attr-defined,no-any-return]


_SPLIT = Parser(
    "split",
    "split(Tensor input, int split_size, int dim=0)",
    "split(Tensor input, tuple of ints split_size, int dim=0)",
)


def _split(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    if isinstance(split_size, Tensor):
        split_size = int(split_size)  # type: ignore[call-overload]
    if isinstance(split_size, int):
        _, (_, size, dim) = _SPLIT.bind((self, split_size, dim))
        return split_evenly(self, size, dim)
    return split_with_sizes(self, split_size, dim)


Tensor.split = _split  # type: ignore[attr-defined]
_split.__name__, _split.__qualname__, _split.__doc__ = "split", "Tensor.split", split.__doc__


def _cuts(input: Tensor, cuts: Sequence[int], dim: int) -> tuple[Tensor, ...]:
    n = shape_of(input)[dim]
    pieces, start = [], 0
    for cut in (*cuts, n):
        low, high = slice(start, cut if cut is not n else n).indices(n)[:2]
        pieces.append(input.narrow(dim, low, max(high - low, 0)))  # type: ignore[attr-defined]
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
            sections = chosen.item()  # type: ignore[attr-defined]
        else:
            indices = chosen.tolist()  # type: ignore[attr-defined]
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


def _repeat_rule(g: Tensor, input_shape: Shape, repeats: Shape) -> Tensor:
    if 0 in repeats:
        return g.new_zeros(input_shape)  # type: ignore[attr-defined,no-any-return]
    for _ in range(len(repeats) - len(input_shape)):
        g = g.sum(0)  # type: ignore[attr-defined]
    parted: list[int] = []
    summed: list[int] = []
    for n, times in zip(input_shape, repeats[len(repeats) - len(input_shape) :], strict=True):
        if times != 1:
            summed.append(len(parted))
            parted.append(times)
        parted.append(n)
    return g.reshape(parted).sum(summed) if summed else g  # type: ignore[attr-defined,no-any-return]


@primitive(
    "repeat(Tensor input, tuple of ints repeats)",
    cpu=cpu.repeat,
    grad=lambda g, input_shape, repeats: _repeat_rule(g, input_shape, repeats),
    moves=True,
    function=False,
)
def repeat(input: Tensor, repeats: Shape) -> Launch:
    """The tensor laid out several times along each dim."""
    shape = shape_of(input)
    check(
        len(repeats) >= len(shape),
        "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
    )
    padded = (1,) * (len(repeats) - len(shape)) + shape
    size = tuple(n * r for n, r in zip(padded, repeats, strict=True))
    for n in size:
        check(n >= 0, f"Trying to create tensor with negative dimension {n}: {list(size)}")
    return Launch((input,), size, input.dtype, repeats=tuple(repeats))


@composite("tile(Tensor input, tuple of ints dims)")
def tile(input: Tensor, dims: Shape) -> Tensor:
    """repeat, with missing repeats counted as one."""
    lead = len(shape_of(input)) - len(dims)
    return input.repeat((1,) * lead + tuple(dims))  # type: ignore[attr-defined,no-any-return]


@composite(
    "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, index? output_size=None)",
    "repeat_interleave(Tensor repeats, *, index? output_size=None)",
    "repeat_interleave(Tensor input, index repeats, int? dim=None, *, index? output_size=None)",
    method=False,
)
def repeat_interleave(
    repeats: Any, input: Tensor | None = None, dim: int | None = None, output_size: int | None = None
) -> Tensor:
    """Each element (or slice along dim) repeated in place."""
    if input is None:
        return _repeated_indices(repeats, output_size)
    x = input if dim is not None else input.flatten()  # type: ignore[attr-defined]
    axis = 0 if dim is None else wrap_dim(dim, len(shape_of(x)))
    if not shape_of(x):
        check(
            not isinstance(repeats, Tensor),
            f"Dimension specified as {dim} but tensor has no dimensions",
            IndexError,
        )
        wrap_dim(axis + 1, 0)  # where PyTorch inserts the dim of the repeats
    if isinstance(repeats, Tensor):
        if repeats.dim() == 0 or (repeats.dim() == 1 and shape_of(repeats)[0] == 1):  # type: ignore[attr-defined]
            repeats = repeats.reshape(1).expand(shape_of(x)[axis])  # type: ignore[attr-defined]
        elif repeats.dim() == 1:  # type: ignore[attr-defined]
            check(
                shape_of(repeats)[0] == shape_of(x)[axis],
                f"repeats must have the same size as input along dim, but got repeats.size(0) = {shape_of(repeats)[0]} "
                f"and input.size({axis}) = {shape_of(x)[axis]}",
            )
        else:
            raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
        return x.index_select(axis, _repeated_indices(repeats, output_size))  # type: ignore[attr-defined,no-any-return]
    check(repeats >= 0, "Repeats must be non-negative")
    shape = shape_of(x)
    spread = unsqueeze(x, axis + 1).expand((*shape[: axis + 1], repeats, *shape[axis + 1 :]))
    return spread.clone(memory_format=contiguous_format).flatten(axis, axis + 1)  # type: ignore[no-any-return]


@composite(
    "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, index? output_size=None)",
    "repeat_interleave(Tensor input, index repeats, int? dim=None, *, index? output_size=None)",
    function=False,
    full_name="Tensor.repeat_interleave",
)
def repeat_interleave_(input: Tensor, repeats: Any, dim: int | None = None, output_size: int | None = None) -> Tensor:
    """Each element (or slice along dim) repeated in place."""
    return repeat_interleave.op.run(  # type: ignore[attr-defined,no-any-return]
        {"input": input, "repeats": repeats, "dim": dim, "output_size": output_size}
    )


@primitive("_repeated_indices(Tensor input)", cpu=cpu.repeated_indices, function=False, method=False)
def repeated(input: Tensor) -> Launch:
    """The number i, input[i] times."""
    if input.dtype.name not in ("int64", "int32"):
        not_implemented_for("repeat_interleave_cpu", input.dtype)
    check(len(shape_of(input)) == 1, "repeat_interleave only accept 1D vector as repeat")
    return Launch((input,), None, input.dtype)


def _repeated_indices(repeats: Tensor, output_size: int | None) -> Tensor:
    result = repeated.op.run({"input": repeats})  # type: ignore[attr-defined]
    if output_size is not None:
        check(shape_of(result)[0] == output_size, "allocated size does not match required size")
    return result  # type: ignore[no-any-return]


@primitive("flip(Tensor input, tuple of ints dims)", cpu=cpu.flip, grad=lambda g, dims: g.flip(dims), moves=True)
def flip(input: Tensor, dims: Shape) -> Launch:
    """The elements in reverse order along the dims."""
    shape = shape_of(input)
    wrapped = tuple(wrap_dim(d, len(shape)) for d in dims)
    for i, d in enumerate(wrapped):
        check(d not in wrapped[:i], f"dim {d} appears multiple times in the list of dims")
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


@python_function
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates given by vectors."""
    given = _tensors(tensors)
    if indexing is None:
        warn_once(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            "aten/src/ATen/native/TensorShape.cpp:4593",
        )
        indexing = "ij"
    check(given, "meshgrid expects a non-empty TensorList")
    for t in given:
        n = len(shape_of(t))
        check(n <= 1, f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {_text(t)}")
        check(t.dtype is given[0].dtype, "torch.meshgrid expects all tensors to have the same dtype")
    check(
        indexing in ("ij", "xy"),
        f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}',
    )
    swap = indexing == "xy" and len(given) >= 2
    order = [given[1], given[0], *given[2:]] if swap else list(given)
    sizes = tuple(t.numel() for t in order)  # type: ignore[attr-defined]
    grids = []
    for i, t in enumerate(order):
        grid = t.view([-1 if j == i else 1 for j in range(len(order))]).expand(sizes)  # type: ignore[attr-defined]
        grids.append(transpose(grid, 0, 1) if swap else grid)
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def _text(t: Tensor) -> str:
    return str(t)


@python_function
def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of elements of the given vectors, a row each."""
    given = _tensors(tensors)
    for t in given:
        check(len(shape_of(t)) == 1, f"Expect a 1D vector, but got shape [{', '.join(map(str, shape_of(t)))}]")
    if len(given) == 1:
        return given[0]
    return stack([g.flatten() for g in meshgrid(*given, indexing="ij")], 1)  # type: ignore[attr-defined,no-any-return]


@composite("diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None, *, Tensor out=None)")
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The n-th difference of neighbours along a dim."""
    shape = shape_of(input)
    check(shape, "diff expects input to be at least one-dimensional")
    check(n >= 0, f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, len(shape))
    for t in (prepend, append):
        check(
            t is None or len(shape_of(t)) == len(shape),
            "diff expects prepend or append to be the same dimension as input",
        )
    joined = [t for t in (prepend, input, append) if t is not None]
    x = cat(joined, dim) if len(joined) > 1 else input
    for _ in range(min(n, shape_of(x)[dim])):
        size = shape_of(x)[dim]
        high, low = x.narrow(dim, 1, size - 1), x.narrow(dim, 0, size - 1)  # type: ignore[attr-defined]
        x = high.logical_xor(low) if x.dtype.name == "bool" else high - low
    return x  # type: ignore[no-any-return]

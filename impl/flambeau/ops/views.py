"""Views: other shapes and orders of the same elements."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of
from flambeau.declare import composite
from flambeau.dtypes import dtype
from flambeau.errors import check
from flambeau.geometry import Shape, expand_strides, infer_size, is_contiguous, view_strides, wrap_dim
from flambeau.inplace import check_inplace, resize
from flambeau.size import contiguous_format
from flambeau.tensor import Tensor, alias, bump, memory, set_geometry, shape_of, version
from flambeau.viewing import Place, ViewOperation, view
from flambeau.warning import warn_once


def place_view(input: Tensor, size: Any) -> Place | None:
    """The view of that shape, None where only a copy can have it."""
    own = memory(input)
    shape = infer_size(tuple(size), prod(own.shape))
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
    if place_view(input, shape) is not None:
        own = memory(input)
        if is_contiguous(own.shape, own.strides):
            return view_(input, shape)
        return reshape_alias.op.run({"input": input, "size": shape})  # type: ignore[attr-defined,no-any-return]
    copy = input.clone(memory_format=contiguous_format)  # type: ignore[attr-defined]
    result = unsafe_view(copy, shape)
    result._view = None
    return result


@composite("view_as(Tensor input, Tensor other)", function=False)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of other."""
    return input.view(shape_of(other))  # type: ignore[attr-defined]


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
    return reshape(input.contiguous(), (-1,))  # type: ignore[attr-defined]


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
    return input.view((*shape[:dim], *sizes, *shape[dim + 1 :]))  # type: ignore[attr-defined]


@view(
    "transpose(Tensor input, int dim0, int dim1)",
    grad=lambda g, dim0, dim1: g.transpose(dim0, dim1),
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


for _name, _a in (("swapaxes", "axis"), ("swapdims", "dim")):
    composite(f"{_name}(Tensor input, int {_a}0, int {_a}1)")(
        lambda input, _a=_a, **dims: transpose(input, dims[f"{_a}0"], dims[f"{_a}1"])
    )


@view("t(Tensor input)", grad=lambda g: g.mT if g.ndim == 2 else g, raw=True)
def t(input: Tensor) -> Place:
    """The transpose of a matrix; vectors and scalars as they are."""
    own = memory(input)
    check(len(own.shape) <= 2, f"t() expects a tensor with <= 2 dimensions, but self is {len(own.shape)}D")
    return Place(own.shape[::-1], own.strides[::-1], own.offset)


def _inverse(dims: Sequence[int]) -> tuple[int, ...]:
    inverse = [0] * len(dims)
    for i, d in enumerate(dims):
        inverse[d] = i
    return tuple(inverse)


@view("permute(Tensor input, tuple of ints dims)", grad=lambda g, dims: g.permute(_inverse(dims)))
def permute(input: Tensor, dims: Shape) -> Place:
    """The view with its dims in another order."""
    own = memory(input)
    n = len(own.shape)
    check(
        len(dims) == n,
        "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
        f"ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(dims)}",
    )
    dims = tuple(wrap_dim(d, n) for d in dims)
    check(len(set(dims)) == n, "permute(): duplicate dims are not allowed.")
    return Place(tuple(own.shape[d] for d in dims), tuple(own.strides[d] for d in dims), own.offset, dims=dims)


def _move(input: Tensor, source: Any, destination: Any) -> Tensor:
    n = input.dim()  # type: ignore[attr-defined]
    src = (source,) if isinstance(source, int) else tuple(source)
    dst = (destination,) if isinstance(destination, int) else tuple(destination)
    check(
        len(src) == len(dst),
        f"movedim: Invalid source or destination dims: source ({list(src)} dims) should contain the same number of "
        f"dims as destination ({list(dst)} dims)",
    )
    src_, dst_ = tuple(wrap_dim(d, n) for d in src), tuple(wrap_dim(d, n) for d in dst)
    check(len(set(src_)) == len(src_), f"movedim: repeated dim in `source` ({list(src)})")
    check(len(set(dst_)) == len(dst_), f"movedim: repeated dim in `destination` ({list(dst)})")
    if n == 0:
        return alias_of(input)
    order = [d for d in range(n) if d not in src_]
    for d, s in sorted(zip(dst_, src_, strict=True)):
        order.insert(d, s)
    return permute(input, order)


for _name in ("movedim", "moveaxis"):
    composite(
        f"{_name}(Tensor input, int source, int destination)",
        f"{_name}(Tensor input, tuple of ints source, tuple of ints destination)",
    )(_move)


@composite("adjoint(Tensor input)")
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the last two dims."""
    n = len(shape_of(input))
    check(n != 1, f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {n}-D tensor.")
    if n == 0:
        return input.conj() if input.dtype.is_complex else alias_of(input)  # type: ignore[attr-defined,no-any-return]
    result = transpose(input, -2, -1)
    return result.conj() if input.dtype.is_complex else result  # type: ignore[attr-defined]


def _numpy_t(self: Tensor) -> Tensor:
    n = len(shape_of(self))
    if n == 0:
        warn_once(
            "Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.",
            "aten/src/ATen/native/TensorShape.cpp:4321",
        )
    elif n != 2:
        warn_once(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
            "aten/src/ATen/native/TensorShape.cpp:4328",
        )
    return permute(self, tuple(range(n))[::-1])


def _matrices(name: str, self: Tensor) -> None:
    n = len(shape_of(self))
    check(
        n >= 2,
        f"tensor.{name} is only supported on matrices or batches of matrices. Got {n}-D tensor.",
    )


def _m_t(self: Tensor) -> Tensor:
    _matrices("mT", self)
    return transpose(self, -2, -1)


def _m_h(self: Tensor) -> Tensor:
    _matrices("mH", self)
    return adjoint(self)


def _h(self: Tensor) -> Tensor:
    n = len(shape_of(self))
    check(
        n in (0, 2),
        f"tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor."
        + (" For batches of matrices, consider using tensor.mH" if n > 2 else ""),
    )
    return adjoint(self) if n == 2 else (self.conj() if self.dtype.is_complex else self)  # type: ignore[attr-defined]


Tensor.T = property(_numpy_t, doc="The tensor with its dims reversed.")  # type: ignore[attr-defined]
Tensor.mT = property(_m_t, doc="The transpose of the last two dims.")  # type: ignore[attr-defined]
Tensor.mH = property(_m_h, doc="The conjugate transpose of the last two dims.")  # type: ignore[attr-defined]
Tensor.H = property(_h, doc="The conjugate transpose of a matrix.")  # type: ignore[attr-defined]


_LEGACY_TYPES = ("Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double")


def _type_of(t: Tensor) -> str:
    """The name PyTorch's C++ gives to a tensor's type."""
    name = t.dtype.type_name
    if t.device.type != "cpu":
        return f"{t.device.type.capitalize()}{name}Type"
    return f"torch.{name}Tensor" if name in _LEGACY_TYPES else f"CPU{name}Type"


@view(
    "expand(Tensor input, tuple of ints size, *, bool implicit=False)",
    # the engine sums what broadcasting added; to no dims PyTorch sums even what has none, which not all dtypes can
    grad=lambda g, input_shape: g if input_shape else g.sum(),
    function=False,
)
def expand(input: Tensor, size: Shape, implicit: bool = False) -> Place:
    """The view that repeats size-1 dims with stride 0; -1 keeps a dim."""
    own = memory(input)
    lead = len(size) - len(own.shape)
    check(
        lead >= 0,
        f"expand({_type_of(input)}{{{list(own.shape)}}}, size={list(size)}): the number of sizes "
        f"provided ({len(size)}) must be greater or equal to the number of dimensions in the tensor ({len(own.shape)})",
    )
    target: list[int] = []
    for i, n in reversed(list(enumerate(size))):  # PyTorch complains of the last dim first
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
        check(n >= 0, "numel: integer multiplication overflow")
        target.append(n)
    shape = tuple(reversed(target))
    return Place(shape, expand_strides(own.shape, own.strides, shape), own.offset)


@composite("expand_as(Tensor input, Tensor other)", function=False)
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor expanded over the shape of other."""
    return expand.op.run({"input": input, "size": shape_of(other)})  # type: ignore[attr-defined]


@composite("broadcast_to(Tensor input, tuple of ints size)")
def broadcast_to(input: Tensor, size: Shape) -> Tensor:
    """The tensor expanded over a shape."""
    return expand.op.run({"input": input, "size": tuple(size)})  # type: ignore[attr-defined]


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
        chosen, node = tuple(wrap_dim(d, n) for d in dim), "SqueezeBackward2"
        for i, d in enumerate(chosen):
            check(d not in chosen[:i], f"dim {d} appears multiple times in the list of dims")
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
    import flambeau

    parts = gs if isinstance(gs, list) else [gs]
    shape, d, where = like
    return flambeau.stack(  # type: ignore[attr-defined,no-any-return]
        [flambeau.zeros(shape, dtype=d, device=where) if g is None else g for g in parts],  # type: ignore[attr-defined]
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
    import flambeau

    parts = gs if isinstance(gs, list) else [gs]
    d, where = like
    return flambeau.cat(  # type: ignore[attr-defined,no-any-return]
        [flambeau.zeros(s, dtype=d, device=where) if g is None else g for g, s in zip(parts, shapes, strict=True)],  # type: ignore[attr-defined]
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
    return split_with_sizes.op.run(  # type: ignore[attr-defined,no-any-return]
        {"input": input, "split_sizes": sizes, "dim": dim, "node": "SplitBackward0"}
    )


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
        return split_with_sizes.op.run({"input": input, "split_sizes": [0] * chunks, "dim": dim})  # type: ignore[attr-defined,no-any-return]
    return split_evenly(input, size, dim)


# ------------------------------------------------------------------------------------------ in place


def _rearranged(this: Tensor, op: ViewOperation, node_name: str | None, **arguments: Any) -> Tensor:
    """The in-place form of a view: the tensor itself takes the view's place."""
    check_inplace(this)
    edge = node_of(this)
    place = op.body(input=this, **arguments)
    # squeeze has three forms, whose in-place nodes count on from there
    place.node = node_name or f"SqueezeBackward{3 + int((place.node or 'SqueezeBackward0')[-1])}"
    own = memory(this)
    node = None
    if edge is not None and state.enabled:
        node = op.history([this], [edge], _at(this, place), plan=place)
    set_geometry(this, place.shape, place.strides, place.offset, own.storage)
    bump(this)
    if node is not None:
        this._node = node
        if this._view is not None:
            this._view.seen = version(this)[0]
    return this


def _at(this: Tensor, place: Place) -> Tensor:
    return alias(this, place.shape, place.strides, place.offset)


@composite("transpose_(Tensor input, int dim0, int dim1)", function=False)
def transpose__(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two dims of the tensor itself."""
    return _rearranged(input, transpose.op, "TransposeBackward1", dim0=dim0, dim1=dim1)  # type: ignore[attr-defined]


for _name, _a in (("swapaxes_", "axis"), ("swapdims_", "dim")):
    composite(f"{_name}(Tensor input, int {_a}0, int {_a}1)", function=False)(
        lambda input, _a=_a, **dims: _rearranged(
            input, transpose.op, "TransposeBackward1", dim0=dims[f"{_a}0"], dim1=dims[f"{_a}1"]
        )  # type: ignore[attr-defined]
    )


@composite("t_(Tensor input)", function=False)
def t__(input: Tensor) -> Tensor:
    """Transpose the matrix itself."""
    check_inplace(input)
    n = len(shape_of(input))
    check(n <= 2, f"t_() expects a tensor with <= 2 dimensions, but self is {n}D")
    return _rearranged(input, t.op, "TBackward1")  # type: ignore[attr-defined]


@composite("unsqueeze_(Tensor input, int dim)", function=False)
def unsqueeze__(input: Tensor, dim: int) -> Tensor:
    """Insert a dim of size 1 into the tensor itself."""
    return _rearranged(input, unsqueeze.op, "UnsqueezeBackward1", dim=dim)  # type: ignore[attr-defined]


@composite(
    "squeeze_(Tensor input)",
    "squeeze_(Tensor input, int dim)",
    "squeeze_(Tensor input, tuple of ints dim)",
    function=False,
)
def squeeze__(input: Tensor, dim: Any = None) -> Tensor:
    """Drop dims of size 1 from the tensor itself."""
    return _rearranged(input, squeeze.op, None, dim=dim)  # type: ignore[attr-defined]


@composite("resize_(Tensor input, tuple of ints size, *, torch.memory_format? memory_format=None)", function=False)
def resize__(input: Tensor, size: Shape, memory_format: Any = None) -> Tensor:
    """Give the tensor another shape over its storage, which grows where it must; new elements are uninitialised."""
    check(node_of(input) is None, "cannot resize variables that require grad")
    for n in size:
        check(n >= 0, f"Trying to create tensor with negative dimension {n}: {list(size)}")
    if memory_format not in (None, contiguous_format):
        raise NotImplementedError(f"resize_(memory_format={memory_format!r}) is not implemented in flambeau")
    if tuple(size) != shape_of(input):
        resize(input, tuple(size))
    return input


@composite(
    "resize_as_(Tensor input, Tensor the_template, *, torch.memory_format? memory_format=None)",
)
def resize_as__(input: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """Give the tensor the shape of another."""
    return resize__.op.run(  # type: ignore[attr-defined,no-any-return]
        {"input": input, "size": shape_of(the_template), "memory_format": memory_format}
    )

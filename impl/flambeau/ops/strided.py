"""as_strided, the view every other view is an instance of, and its adjoint."""

from __future__ import annotations

from flambeau.cpu import strided as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL
from flambeau.declare import internal, primitive
from flambeau.errors import check
from flambeau.geometry import Shape, contiguous_strides, extent
from flambeau.operation import Launch
from flambeau.tensor import Memory, Tensor, memory, shape_of
from flambeau.viewing import Place, view


def _at_place(g: Tensor, base: Memory, place: Memory) -> Tensor:
    """What a gradient of base has where place looks; 0 where that is none of base's own elements."""
    start, reach = place.offset - base.offset, extent(base.shape, base.strides)
    end = start + extent(place.shape, place.strides)
    if 0 in place.shape or (start >= 0 and end <= reach):
        return relaid(g, base).as_strided(place.shape, place.strides, start)
    low = min(start, 0)
    around = as_strided_scatter(g.new_zeros((max(end, reach) - low,)), g, base.shape, base.strides, -low)
    return as_strided(around, place.shape, place.strides, start - low)


@internal(cpu=cpu.gather_into_base, tensors=("g",), grad=lambda g, base, place: _at_place(g, base, place))
def as_strided_backward(g: Tensor, base: Memory, place: Memory) -> Launch:
    """Adjoint of as_strided: add up, for every element of the base, the gradients of the elements that named it."""
    return Launch((g,), base.shape, g.dtype, base=base, place=place)


@view(
    "as_strided(Tensor input, tuple of ints size, tuple of ints stride, int? storage_offset=None)",
    # of nothing: zeros that are no function of g, as PyTorch has it
    grad=lambda g, base, place: (
        as_strided_backward(g, base, place) if 0 not in place.shape else g.new_zeros(base.shape)
    ),
)
def as_strided(input: Tensor, size: Shape, stride: Shape, storage_offset: int | None = None) -> Place:
    """A view of the storage with the given size, strides and offset, in elements."""
    own = memory(input)
    size, stride = tuple(size), tuple(stride)
    offset = own.offset if storage_offset is None else storage_offset
    check(len(size) == len(stride), f"mismatch in length of strides and shape: {len(stride)} and {len(size)}")
    for s in stride:
        check(
            s >= 0,
            "as_strided: Negative strides are not supported at the moment, got strides: "
            f"[{', '.join(map(str, stride))}]",
        )
    need = (offset + extent(size, stride)) * input.dtype.itemsize if 0 not in size else 0
    check(
        need <= own.storage.nbytes,
        f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize "
        f"{input.dtype.itemsize} requiring a storage size of {need} are out of bounds for storage of size "
        f"{own.storage.nbytes}",
    )
    return Place(size, stride, offset, base=own, place=Memory(size, stride, offset, own.storage))


@internal(
    cpu=lambda x, source, size, stride, offset, base: cpu.scatter(x, source, size, stride, offset),
    tensors=("input", "source"),
    grad={
        "input": lambda g, size, stride, offset, base, source_shape: as_strided_scatter(  # type: ignore[has-type]
            relaid(g, base), g.new_zeros(source_shape), size, stride, offset
        ),
        "source": lambda g, size, stride, offset, base: as_strided(relaid(g, base), size, stride, offset),
    },
)
def as_strided_scatter(input: Tensor, source: Tensor, size: Shape, stride: Shape, offset: int) -> Launch:
    """A copy of input with its strides in which the elements of a view of it are replaced by source's."""
    own = memory(input)
    return Launch(
        (input, source), shape_of(input), input.dtype, size=size, stride=stride, offset=offset - own.offset, base=own
    )


def _kept(g: Tensor, size: Shape, stride: Shape, offset: int) -> Tensor:
    """PyTorch hands input the gradient of the elements that src replaced, and none of the others."""
    part = as_strided(relaid(g, None), size, stride, offset)
    return as_strided_scatter(g.new_zeros(shape_of(g)), part, size, stride, offset)


@primitive(
    "as_strided_scatter(Tensor input, Tensor src, tuple of ints size, tuple of ints stride, "
    "index? storage_offset=None)",
    full_name="public.as_strided_scatter",
    node="AsStridedScatterBackward0",
    cpu=cpu.scatter,
    grad={
        "input": lambda g, size, stride, offset: _kept(g, size, stride, offset),
        "src": lambda g, size, stride, offset: as_strided(relaid(g, None), size, stride, offset),
    },
)
def scatter_strided(
    input: Tensor, src: Tensor, size: Shape, stride: Shape, storage_offset: int | None = None
) -> Launch:
    """A copy with the elements that `as_strided` would name replaced by src."""
    place = as_strided.op.body(input, size, stride, storage_offset)
    check(
        shape_of(src) == place.shape,
        "expected src to have a size equal to the slice of self. "
        f"src size = {list(shape_of(src))}, slice size = {list(place.shape)}",
    )
    offset = place.offset - memory(input).offset
    return Launch((input, src), shape_of(input), input.dtype, size=place.shape, stride=place.strides, offset=offset)


@internal(cpu=cpu.restride, cuda=Body("x", ALL, moves=True), tensors=("input",), grad=lambda g: g)
def restride(input: Tensor, stride: Shape) -> Launch:
    """A copy with the given strides."""
    return Launch((input,), shape_of(input), input.dtype, stride=stride)


def relaid(g: Tensor, base: Memory | None) -> Tensor:
    """g with the strides of its base (row-major for None), offset 0."""
    wanted = contiguous_strides(shape_of(g)) if base is None else base.strides
    own = memory(g)
    if own.strides == wanted and own.offset == 0 and own.storage.nbytes == extent(own.shape, wanted) * g.dtype.itemsize:
        return g
    return restride(g, wanted)

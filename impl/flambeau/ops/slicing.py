"""Parts of a tensor as views (select, slice, narrow, diagonal, unfold), their adjoints, and their scatters."""

from __future__ import annotations

from typing import Any

from flambeau.cpu import slicing as cpu
from flambeau.declare import composite, internal, primitive
from flambeau.dtypes import INTEGRAL
from flambeau.errors import check, structured_out
from flambeau.geometry import Shape, wrap_dim
from flambeau.operation import Launch
from flambeau.tensor import Tensor, memory, shape_of
from flambeau.viewing import Place, view

LAST = 2**63 - 1


# ------------------------------------------------------------------------------------------ adjoints


@internal(cpu=cpu.put_slice, tensors=("g",), grad=lambda g, dim, index: g.select(dim, index), moves=True)
def select_backward(g: Tensor, shape: Shape, dim: int, index: int) -> Launch:
    """Zeros of that shape with g at one index of a dim."""
    return Launch((g,), shape, g.dtype, shape=shape, dim=dim, index=index)


@internal(
    cpu=cpu.put_slice,
    tensors=("g",),
    grad=lambda g, dim, start, end, step: slice_(g, dim, start, end, step),  # type: ignore[has-type]
    moves=True,
)
def slice_backward(g: Tensor, shape: Shape, dim: int, start: int, end: int, step: int) -> Launch:
    """Zeros of that shape with g in a slice of a dim."""
    return Launch((g,), shape, g.dtype, shape=shape, dim=dim, start=start, end=end, step=step)


@internal(
    cpu=cpu.put_diagonal, tensors=("g",), grad=lambda g, offset, dim1, dim2: g.diagonal(offset, dim1, dim2), moves=True
)
def diagonal_backward(g: Tensor, shape: Shape, offset: int, dim1: int, dim2: int) -> Launch:
    """Zeros of that shape with g on a diagonal."""
    return Launch((g,), shape, g.dtype, shape=shape, offset=offset, dim1=dim1, dim2=dim2)


@internal(cpu=cpu.fold, tensors=("g",), grad=lambda g, dim, size, step: g.unfold(dim, size, step))
def unfold_backward(g: Tensor, shape: Shape, dim: int, size: int, step: int) -> Launch:
    """Zeros of that shape with the windows of g added where they were taken."""
    return Launch((g,), shape, g.dtype, shape=shape, dim=dim, size=size, step=step)


# ------------------------------------------------------------------------------------------ views


@view(
    "select(Tensor input, int dim, index index)",
    grad=lambda g, input_shape, dim, index: select_backward(g, input_shape, dim, index),
)
def select(input: Tensor, dim: int, index: int) -> Place:
    """The view at one index of a dim, which goes away."""
    own = memory(input)
    check(own.shape, "select() cannot be applied to a 0-dim tensor.", IndexError)
    dim = wrap_dim(dim, len(own.shape))
    n = own.shape[dim]
    check(
        -n <= index < n,
        f"select(): index {index} out of range for tensor of size {list(own.shape)} at dimension {dim}",
        IndexError,
    )
    return selected(own, dim, index + n if index < 0 else index)


def selected(own: Any, dim: int, index: int) -> Place:
    """Where index `index` (counted from the front) of a dim lies."""
    return Place(
        (*own.shape[:dim], *own.shape[dim + 1 :]),
        (*own.strides[:dim], *own.strides[dim + 1 :]),
        own.offset + index * own.strides[dim],
        dim=dim,
        index=index,
    )


def clipped(n: int, start: int | None, end: int | None) -> tuple[int, int]:
    """Bounds of a slice of n elements, counted from the front and inside."""
    start = 0 if start is None else start
    end = LAST if end is None else end
    start = max(start + n, 0) if start < 0 else min(start, n)
    end = max(end + n, 0) if end < 0 else min(end, n)
    return start, max(start, end)


@view(
    "slice(Tensor input, int dim=0, index? start=None, index? end=None, index step=1)",
    grad=lambda g, input_shape, dim, start, end, step: slice_backward(g, input_shape, dim, start, end, step),
    function=False,
    method=False,
)
def slice_(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Place:
    """The view of every step-th index from start to end of a dim."""
    own = memory(input)
    check(own.shape, "slice() cannot be applied to a 0-dim tensor.", IndexError)
    dim = wrap_dim(dim, len(own.shape))
    check(step > 0, "slice step must be positive")
    start, end = clipped(own.shape[dim], start, end)
    return sliced(own, dim, start, end, step)


def sliced(own: Any, dim: int, start: int, end: int, step: int) -> Place:
    """Where a slice (bounds counted from the front and inside) of a dim lies."""
    shape, strides = own.shape, own.strides
    count = (end - start + step - 1) // step
    return Place(
        (*shape[:dim], count, *shape[dim + 1 :]),
        (*strides[:dim], strides[dim] * step, *strides[dim + 1 :]),
        own.offset + start * strides[dim],
        dim=dim,
        start=start,
        end=end,
        step=step,
    )


def narrow_start(input: Tensor, dim: int, start: Any, length: int) -> int:
    """The first index of a narrow, counted from the front. Raises in PyTorch's words."""
    shape = shape_of(input)
    check(shape, "narrow() cannot be applied to a 0-dim tensor.")
    check(length >= 0, "narrow(): length must be non-negative.")
    n = shape[wrap_dim(dim, len(shape))]
    check(-n <= start <= n, f"start out of range (expected to be in range of [{-n}, {n}], but got {start})", IndexError)
    if start < 0:
        start += n
    check(start <= n - length, f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return start  # type: ignore[no-any-return]


@composite(
    "narrow(Tensor input, int dim, Tensor start, index length)",
    "narrow(Tensor input, int dim, index start, index length)",
)
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """The view of `length` indices of a dim from `start` on."""
    if isinstance(start, Tensor):
        check(not shape_of(start) and start.dtype.category == INTEGRAL, "start must be an 0-dim integral Tensor.")
        start = start.item()
    start = narrow_start(input, dim, start, length)
    return slice_.run({"input": input, "dim": dim, "start": start, "end": start + length})


def diagonal_place(own: Any, offset: int, dim1: int, dim2: int) -> Place:
    """Where a diagonal lies: its own dim goes last."""
    n = len(own.shape)
    first, second = wrap_dim(dim1, n), wrap_dim(dim2, n)
    check(first != second, f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = own.shape[first], own.shape[second]
    size = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    skipped = 0
    if size:
        skipped = offset * own.strides[second] if offset >= 0 else -offset * own.strides[first]
    kept = [d for d in range(n) if d not in (first, second)]
    return Place(
        (*[own.shape[d] for d in kept], size),
        (*[own.strides[d] for d in kept], own.strides[first] + own.strides[second]),
        own.offset + skipped,
        where=(offset, first, second),
    )


@view(
    "diagonal(Tensor input, int offset=0, int dim1=0, int dim2=1)",
    grad=lambda g, input_shape, where: diagonal_backward(g, input_shape, *where),
)
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Place:
    """The view of a diagonal of two dims, as the last dim."""
    return diagonal_place(memory(input), offset, dim1, dim2)


def windows(own: Any, dim: int, size: int, step: int) -> Place:
    """Where the windows of a dim lie; their own dim goes last."""
    shape, strides = own.shape, own.strides
    dim = wrap_dim(dim, len(shape))
    n, stride = (shape[dim], strides[dim]) if shape else (1, 1)
    check(size >= 0, f"size is {size} but must be >= 0")
    check(size <= n, f"maximum size for tensor at dimension {dim} is {n} but size is {size}")
    check(step > 0, f"step is {step} but must be > 0")
    if not shape:
        return Place((size,), (1,), own.offset, dim=0, size=size, step=step)
    count = (n - size) // step + 1
    return Place(
        (*shape[:dim], count, *shape[dim + 1 :], size),
        (*strides[:dim], stride * step, *strides[dim + 1 :], stride),
        own.offset,
        dim=dim,
        size=size,
        step=step,
    )


@view(
    "unfold(Tensor input, int dimension, int size, int step)",
    grad=lambda g, input_shape, dim, size, step: unfold_backward(g, input_shape, dim, size, step),
    function=False,
)
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Place:
    """The view of all windows of a dim, `step` apart, as a new last dim."""
    return windows(memory(input), dimension, size, step)


# ------------------------------------------------------------------------------------------ copies of views


def _copying(place: Place, input: Tensor, **params: Any) -> Launch:
    own = memory(input)
    params.update(place.params)
    return Launch(
        (input,), place.shape, input.dtype, place=(place.shape, place.strides, place.offset - own.offset), **params
    )


@primitive(
    "select_copy(Tensor input, int dim, index index, *, Tensor out=None)",
    cpu=cpu.copy_part,
    out_text=structured_out,
    grad=lambda g, input_shape, dim, index: select_backward(g, input_shape, dim, index),
    node="SelectBackward0_copy",
    moves=True,
    method=False,
)
def select_copy(input: Tensor, dim: int, index: int) -> Launch:
    """A copy of `select`."""
    return _copying(select.op.body(input, dim, index), input)


@primitive(
    "slice_copy(Tensor input, int dim=0, index? start=None, index? end=None, index step=1, *, Tensor out=None)",
    cpu=cpu.copy_part,
    out_text=structured_out,
    grad=lambda g, input_shape, dim, start, end, step: slice_backward(g, input_shape, dim, start, end, step),
    node="SliceBackward0_copy",
    moves=True,
    method=False,
)
def slice_copy(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Launch:
    """A copy of a slice of one dim."""
    return _copying(slice_.op.body(input, dim, start, end, step), input)


@primitive(
    "diagonal_copy(Tensor input, int offset=0, int dim1=0, int dim2=1, *, Tensor out=None)",
    cpu=cpu.copy_part,
    out_text=structured_out,
    grad=lambda g, input_shape, where: diagonal_backward(g, input_shape, *where),
    node="DiagonalBackward0_copy",
    moves=True,
    method=False,
)
def diagonal_copy(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Launch:
    """A copy of `diagonal`."""
    return _copying(diagonal.op.body(input, offset, dim1, dim2), input)


@primitive(
    "unfold_copy(Tensor input, int dimension, int size, int step, *, Tensor out=None)",
    cpu=cpu.copy_part,
    out_text=structured_out,
    grad=lambda g, input_shape, dim, size, step: unfold_backward(g, input_shape, dim, size, step),
    node="UnfoldBackward0_copy",
    moves=True,
    method=False,
)
def unfold_copy(input: Tensor, dimension: int, size: int, step: int) -> Launch:
    """A copy of `unfold`."""
    return _copying(unfold.op.body(input, dimension, size, step), input)


@primitive(
    "narrow_copy(Tensor input, int dim, index start, index length, *, Tensor out=None)",
    cpu=cpu.copy_part,
    out_text=lambda result, out: (
        "Expected self.dtype() == output.dtype() to be true, but got false.  (Could this error message be improved?  "
        "If so, please report an enhancement request to PyTorch.)"
    ),
    grad=lambda g, input_shape, dim, start, end, step: slice_backward(g, input_shape, dim, start, end, step),
    moves=True,
)
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Launch:
    """A copy of `narrow`."""
    start = narrow_start(input, dim, start, length)
    return _copying(slice_.op.body(input, dim, start, start + length, 1), input)


# ------------------------------------------------------------------------------------------ scatters


def _scattering(input: Tensor, src: Tensor, place: Place, **params: Any) -> Launch:
    check(
        shape_of(src) == place.shape,
        "expected src to have a size equal to the slice of self. "
        f"src size = {list(shape_of(src))}, slice size = {list(place.shape)}",
    )
    return Launch((input, src), shape_of(input), input.dtype, source=src.dtype, target=input.dtype, **params)


@primitive(
    "select_scatter(Tensor input, Tensor src, int dim, index index)",
    update=cpu.set_slice,
    grad={
        "input": lambda g, src_shape, dim, index: g.select_scatter(g.new_zeros(src_shape), dim, index),
        "src": lambda g, dim, index: select(g, dim, index),
    },
    moves=True,
)
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Launch:
    """A copy with one index of a dim replaced by src."""
    place = select.op.body(input, dim, index)
    return _scattering(input, src, place, **place.params)


@primitive(
    "slice_scatter(Tensor input, Tensor src, int dim=0, index? start=None, index? end=None, index step=1, *, "
    "Tensor out=None)",
    update=cpu.set_slice,
    out_text=structured_out,
    grad={
        "input": lambda g, src_shape, dim, start, end, step: g.slice_scatter(
            g.new_zeros(src_shape), dim, start, end, step
        ),
        "src": lambda g, dim, start, end, step: slice_(g, dim, start, end, step),
    },
    moves=True,
)
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Launch:
    """A copy with a slice of a dim replaced by src."""
    place = slice_.op.body(input, dim, start, end, step)
    return _scattering(input, src, place, **place.params)


@primitive(
    "diagonal_scatter(Tensor input, Tensor src, int offset=0, int dim1=0, int dim2=1)",
    update=cpu.set_diagonal,
    grad={
        "input": lambda g, src_shape, where: g.diagonal_scatter(g.new_zeros(src_shape), *where),
        "src": lambda g, where: diagonal(g, *where),
    },
    moves=True,
)
def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Launch:
    """A copy with a diagonal replaced by src."""
    place = diagonal.op.body(input, offset, dim1, dim2)
    return _scattering(input, src, place, **place.params)

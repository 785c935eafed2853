"""Reading by index tensors and masks: gather, index_select, take, masked_select, nonzero."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from flambeau import dtypes
from flambeau.cpu import scatter as cpu
from flambeau.cuda.body import Body
from flambeau.declare import composite, internal, primitive
from flambeau.dtypes import BAREBONES, INTEGRAL, dtype
from flambeau.errors import check, not_implemented_for, refuse, structured_out
from flambeau.geometry import Shape, broadcast, wrap_dim
from flambeau.methods import builtin
from flambeau.operation import Launch
from flambeau.tensor import Tensor, shape_of

INDEX = (dtypes.int64, dtypes.int32)
NO_GATHER = BAREBONES | dtypes.complex32.bit


@primitive(
    "gather(Tensor input, int dim, Tensor index, *, bool sparse_grad=False, Tensor out=None)",
    cpu=cpu.gather,
    grad={"input": lambda g, input_shape, dim, index: g.new_zeros(input_shape).scatter_add(dim, index, g)},
    moves=True,
)
def gather(input: Tensor, dim: int, index: Tensor, sparse_grad: bool = False, out: Tensor | None = None) -> Launch:
    """The elements of a dim that index names; the result has the shape of index."""
    have, wanted = shape_of(input), shape_of(index)
    dim = wrap_dim(dim, len(have))
    _check_out(input.dtype, out, structured_out)
    if 0 not in wanted:
        check(index.dtype in INDEX, "gather(): Expected dtype int32/int64 for index")
        check(
            max(len(have), 1) == max(len(wanted), 1),
            "Index tensor must have the same number of dimensions as input tensor",
        )
        for d, (n, size) in enumerate(zip(wanted, have, strict=False)):
            check(
                d == dim or n <= size,
                f"Size does not match at dimension {d} expected index {list(wanted)} to be no larger than self "
                f"{list(have)} apart from dimension {dim}",
            )
        refuse("scatter_gather_tensor_cpu", input.dtype, NO_GATHER)
    return Launch((input, index), wanted, input.dtype, dim=dim)


def _check_out(d: dtype, out: Tensor | None, text: Callable[[dtype, dtype], str]) -> None:
    """Raise RuntimeError for an out= of another dtype, which PyTorch looks at before any kernel does."""
    check(out is None or out.dtype is d, "" if out is None else text(d, out.dtype))


@composite("take_along_dim(Tensor input, Tensor indices, int? dim=None, *, Tensor out=None)", out_text=structured_out)
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` whose other dims broadcast; without a dim, of the flattened tensor."""
    check(
        indices.dtype is dtypes.int64,
        f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.type_name}",
    )
    if dim is None:
        return gather(input.view(-1), 0, _wrapped(indices.view(-1), input.numel()))
    have, wanted = shape_of(input), shape_of(indices)
    check(
        len(have) == len(wanted),
        "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
        f"{len(have)} dimensions for input, and {len(wanted)} dimensions for indices",
    )
    dim = wrap_dim(dim, len(have))
    if not have:
        return gather(input, dim, _wrapped(indices, 1))
    common = broadcast((*have[:dim], wanted[dim], *have[dim + 1 :]), wanted)
    whole = (*common[:dim], have[dim], *common[dim + 1 :])
    if whole != have:
        input = input.expand(whole)
    indices = _wrapped(indices, have[dim])
    return gather(input, dim, indices.expand(common) if common != wanted else indices)


def _wrapped(indices: Tensor, n: int) -> Tensor:
    """Indices counted from the front."""
    return wrapped_indices(indices, n)


@internal(
    cpu=cpu.wrap_indices,
    cuda=Body("x < T(0) ? T(x + n) : x", ("int32", "int64"), params=("n",)),
    tensors=("indices",),
    moves=True,
)
def wrapped_indices(indices: Tensor, n: int) -> Launch:
    """Negative indices counted from the end of n elements, as indices from the front."""
    return Launch((indices,), shape_of(indices), indices.dtype, n=n)


def _add_selected(g: Tensor, input_shape: Shape, dim: int, index: Tensor) -> Tensor:
    if not input_shape:
        return g
    return g.new_zeros(input_shape).index_add(dim, index, g)  # type: ignore[attr-defined,no-any-return]


@primitive(
    "index_select(Tensor input, int dim, Tensor index, *, Tensor out=None)",
    cpu=cpu.index_select,
    grad={"input": lambda g, input_shape, dim, index: _add_selected(g, input_shape, dim, index)},
    moves=True,
)
def index_select(input: Tensor, dim: int, index: Tensor, out: Tensor | None = None) -> Launch:
    """The slices of a dim that a vector of indices names."""
    shape, chosen = shape_of(input), shape_of(index)
    dim = wrap_dim(dim, len(shape))
    count = prod(chosen)
    check(len(chosen) <= 1, "index_select(): Index is supposed to be a vector", IndexError)
    check(shape or count == 1, f"index_select(): Index to scalar can have only 1 value, got {count} value(s)")
    check(index.dtype in INDEX, "index_select(): Expected dtype int32 or int64 for index")
    _check_out(input.dtype, out, lambda d, o: "index_select(): self and result must have the same scalar type")
    refuse("index_select", input.dtype, BAREBONES, len(shape) <= 1)
    result = (*shape[:dim], count, *shape[dim + 1 :]) if shape else ()
    return Launch((input, index), result, input.dtype, dim=dim)


@primitive(
    "take(Tensor input, Tensor index, *, Tensor out=None)",
    cpu=cpu.take,
    grad={"input": lambda g, input_shape, index: g.new_zeros(input_shape).put(index, g, True)},
    moves=True,
)
def take(input: Tensor, index: Tensor, out: Tensor | None = None) -> Launch:
    """The elements of the flattened tensor that index names."""
    check(index.dtype is dtypes.int64, f"take(): Expected a long tensor for index, but got {index.dtype.type_name}")
    _check_out(
        input.dtype,
        out,
        lambda d, o: (
            "take(): self and out expected to have the same dtype, but got self.dtype = "
            f"{d.type_name} and out.dtype = {o.type_name}"
        ),
    )
    check(prod(shape_of(input)) or not prod(shape_of(index)), "take(): tried to take from an empty tensor", IndexError)
    refuse("take_cpu", input.dtype, NO_GATHER, prod(shape_of(index)))
    return Launch((input, index), shape_of(index), input.dtype)


def _spread(g: Tensor, mask: Tensor, input_shape: Shape) -> Tensor:
    return g.new_zeros(broadcast(input_shape, shape_of(mask))).masked_scatter(mask, g)  # type: ignore[attr-defined,no-any-return]


@primitive(
    "masked_select(Tensor input, Tensor mask, *, Tensor out=None)",
    cpu=cpu.masked_select,
    grad={"input": lambda g, mask, input_shape: _spread(g, mask, input_shape)},
    moves=True,
)
def masked_select(input: Tensor, mask: Tensor, out: Tensor | None = None) -> Launch:
    """The elements where a broadcast mask is true, in one dim."""
    check(mask.dtype is dtypes.bool_, "masked_select: expected BoolTensor for mask")
    _check_out(input.dtype, out, lambda d, o: "masked_select(): self and result must have the same scalar type")
    several = 0 not in broadcast(shape_of(mask), shape_of(input))
    if several and input.dtype.bit & BAREBONES and mask.any():
        not_implemented_for("masked_select", input.dtype)
    return Launch((input, mask), None, input.dtype)


@internal(cpu=cpu.nonzero, tensors=("input",), moves=True)
def nonzero_indices(input: Tensor) -> Launch:
    """Indices of the nonzero elements, one a row."""
    refuse("nonzero_count_cpu", input.dtype, BAREBONES)
    return Launch((input,), None, dtypes.int64)


@composite(
    "nonzero(Tensor input, *, bool as_tuple=False, Tensor out=None)",
    method=False,
)
def nonzero(input: Tensor, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """Indices of the nonzero elements: one a row, or one tensor a dim."""
    _check_out(
        dtypes.int64,
        out,
        lambda d, o: f"nonzero: Expected out tensor to have scalar type Long but got scalar type{o.type_name}",
    )
    if as_tuple:
        if not shape_of(input):
            input = input.unsqueeze(0)
        return nonzero_indices(input).unbind(1)
    return nonzero_indices(input)


@builtin("nonzero()", "nonzero(*, bool as_tuple)")
def _nonzero_method(input: Tensor, as_tuple: bool = False) -> Any:
    """Indices of the nonzero elements: one a row, or one tensor a dim."""
    return nonzero(input, as_tuple=as_tuple)


@composite("argwhere(Tensor input)")
def argwhere(input: Tensor) -> Tensor:
    """Indices of the nonzero elements, one a row."""
    return nonzero_indices(input)


@composite(
    "nonzero_static(Tensor input, *, index size, int fill_value=-1, Tensor out=None)",
    out_text=lambda result, out: (
        f"nonzero_static: Expected out tensor to have scalar type Long but got scalar type{out.type_name}"
    ),
)
def nonzero_static(input: Tensor, size: int, fill_value: int = -1) -> Tensor:
    """`nonzero` with exactly `size` rows: cut off, or filled up."""
    check(size >= 0, "nonzero_static: 'size' must be an non-negative integer")
    found = nonzero_indices(input)[:size]
    n, rank = shape_of(found)
    result = input.new_full((size, rank), fill_value, dtype=dtypes.int64)
    result[:n] = found
    return result


@composite("bincount(Tensor input, Tensor? weights=None, index minlength=0)")
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each non-negative integer occurs, or the sum of its weights."""
    if input.dtype.category != INTEGRAL or input.dtype in dtypes.BAREBONES_UNSIGNED:
        raise NotImplementedError(f"\"bincount_cpu\" not implemented for '{input.dtype.type_name}'")
    check(minlength >= 0, "minlength should be >= 0")
    shape = shape_of(input)
    if shape == (0,):
        return input.new_zeros((minlength,), dtype=dtypes.int64)
    text = "bincount only supports 1-d non-negative integral inputs."
    check(len(shape) == 1, text)
    check(weights is None or shape_of(weights) == shape, "weights should be 1-d and have the same length as input")
    return counted(input, weights, minlength)


@internal(cpu=cpu.bincount, tensors=("input", "weights"), node="torch::autograd::NotImplemented", grad={
    "weights": lambda g: _no_bincount(g)
})  # fmt: skip
def counted(input: Tensor, weights: Tensor | None, minlength: int) -> Launch:
    """Counts, or sums of weights."""
    d = dtypes.int64
    if weights is not None:
        d = weights.dtype if weights.dtype is dtypes.float32 else dtypes.float64
    return Launch((input, weights), None, d, minlength=minlength)


def _no_bincount(g: Tensor) -> Tensor:
    raise RuntimeError("derivative for aten::bincount is not implemented")

"""Writing whole slices that an index vector names: index_add, index_copy, index_fill, index_reduce; and put."""

from __future__ import annotations

from math import prod
from typing import Any

from flambeau import dtypes
from flambeau.cpu import scatter as cpu
from flambeau.declare import primitive
from flambeau.dtypes import BAREBONES
from flambeau.errors import check, refuse, structured_out
from flambeau.geometry import Shape, wrap_dim
from flambeau.inplace import check_no_overlap
from flambeau.operation import Launch, joint
from flambeau.ops.gathering import INDEX, index_select, take
from flambeau.ops.masking import EXPANDED, fill_value
from flambeau.ops.scatter import NO_MEAN, NO_ORDER, NO_SCATTER, reduced_rule, refuse_complex
from flambeau.ops.strided import as_strided
from flambeau.tensor import Tensor, memory, shape_of
from flambeau.warning import warn_once


def _check_slices(name: str, input: Tensor, dim: int, index: Tensor, source: Tensor) -> int:
    """The checks that index_add and index_reduce share. Returns dim counted from the front."""
    have, given, chosen = shape_of(input), shape_of(source), shape_of(index)
    dim = wrap_dim(dim, len(have))
    check(
        len(chosen) <= 1,
        f"{name}_(): Index is supposed to be a vector, but got dim: {len(chosen)} with type: "
        f"{index.dtype.type_name} and size: {list(chosen)}",
        IndexError,
    )
    check(index.dtype in INDEX, f"{name}_(): Expected dtype int32/int64 for index but got: {index.dtype.type_name}")
    check(
        input.dtype is source.dtype,
        f"{name}_(): self ({input.dtype.type_name}) and source ({source.dtype.type_name}) must have the same scalar "
        "type",
    )
    check(
        dim == 0 or dim < len(given),
        f"{name}_(): Indexing dim {dim} is out of bounds of the source tensor with dim {len(given)}",
    )
    count, size = prod(chosen), given[dim] if given else 1
    if not given and count != 1:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    check(
        count == size,
        f"{name}_(): Number of indices ({count}) should be equal to source.size(dim): ({size}), for dim: {dim}",
    )
    a, b = have, given
    if have and given:
        a, b = (*have[:dim], *have[dim + 1 :]), (*given[:dim], *given[dim + 1 :])
    check(
        a == b,
        "source tensor shape must match self tensor shape, excluding the specified dimension. "
        f"Got self.shape = {list(have)} source.shape = {list(given)}",
    )
    return dim


def _slices(g: Tensor, dim: int, index: Tensor, shape: Shape) -> Tensor:
    """The slices of a gradient that belong to a source of that shape."""
    chosen = index_select(g, dim, index)
    return chosen if shape_of(chosen) == shape else chosen.reshape(shape)


@primitive(
    "index_add(Tensor input, int dim, Tensor index, Tensor source, *, Number alpha=1, Tensor out=None)",
    update=cpu.index_add,
    out_text=structured_out,
    grad={
        "input": lambda g: g,
        "source": lambda g, dim, index, alpha, source_shape: (
            _slices(g, dim, index, source_shape) if alpha == 1 else _slices(g, dim, index, source_shape) * alpha
        ),
    },
    inplace=True,
)
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, alpha: Any = 1) -> Launch:
    """A copy with alpha times the slices of source added to those slices of a dim that index names."""
    dim = _check_slices("index_add", input, dim, index, source)
    several = len(shape_of(input)) > 1
    refuse(
        "scatter_gather_tensor_cpu" if several else "index_add_", input.dtype, BAREBONES,
        not several or (0 not in shape_of(source) and 0 not in shape_of(index)),
    )  # fmt: skip
    return Launch((input, index, source), shape_of(input), input.dtype, dim=dim, alpha=alpha)


def _listed(shape: Shape) -> str:
    return " ".join(map(str, shape))


@primitive(
    "index_copy(Tensor input, int dim, Tensor index, Tensor source, *, Tensor out=None)",
    update=cpu.index_copy,
    out_text=structured_out,
    grad={
        "input": lambda g, dim, index: g.index_fill(dim, index, 0),
        "source": lambda g, dim, index, source_shape: _slices(g, dim, index, source_shape),
    },
    moves=True,
    inplace=True,
)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Launch:
    """A copy with the slices of a dim that index names overwritten by those of source."""
    have, given, chosen = shape_of(input), shape_of(source), shape_of(index)
    dim = wrap_dim(dim, len(have))
    count = prod(chosen)
    check(len(chosen) < 2, f"index_copy_(): Index should have dimension 1 or 0 (got {len(chosen)})", IndexError)
    check(
        given or count == 1,
        f"index_copy_(): When source is scalar, index should have one element (got {count})",
        IndexError,
    )
    check(
        len(have) == len(given) or not have or not given,
        "index_copy_(): When source and destination are not scalars, their dimensionality must match. "
        f"Source dimensionality ({len(given)}), destination dimensionality ({len(have)})",
        IndexError,
    )
    check(
        index.dtype is dtypes.int64,
        f"index_copy_(): Expected a long tensor for index, but got {index.dtype.type_name}",
    )
    check(
        input.dtype is source.dtype,
        "index_copy_(): self and source expected to have the same dtype, but got (self) "
        f"{input.dtype.type_name} and (source) {source.dtype.type_name}",
    )
    a, b = (*have[:dim], *have[dim + 1 :]), (*given[:dim], *given[dim + 1 :])
    check(
        a == b,
        "index_copy_(): Source/destination tensor must have same slice shapes. "
        f"Destination slice shape: {_listed(a)} at dimension {dim} and source slice shape: {_listed(b)} at dimension "
        f"0.",
    )
    check(
        not given or count == given[dim],
        f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) "
        f"({given[dim] if given else 1})",
        IndexError,
    )
    refuse("index_copy_cpu", input.dtype, BAREBONES)
    return Launch((input, index, source), shape_of(input), input.dtype, dim=dim)


def _sum_at(g: Tensor, dim: int, index: Tensor) -> Tensor:
    """The sum of the slices that index names, each once."""
    others = index_fill(g.new_ones(shape_of(g), dtype=dtypes.bool_), dim, index, 0)
    return g.masked_fill(others, 0).sum()


@primitive(
    "index_fill(Tensor input, int dim, Tensor index, Tensor value)",
    "index_fill(Tensor input, int dim, Tensor index, Number value)",
    update=cpu.index_fill,
    fills=EXPANDED.format("index_fill_", 1913),
    tensors=("input", "index", "value"),
    grad={
        "input": lambda g, dim, index: g.index_fill(dim, index, 0),
        "value": lambda g, dim, index: _sum_at(g, dim, index),
    },
    moves=True,
    inplace=True,
    apart=lambda this, plan: check_no_overlap(this, plan.inputs[1]),  # the value is read before anything is written
)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Launch:
    """A copy with one value in the slices of a dim that index names."""
    node = None
    if isinstance(value, Tensor):
        rank = len(shape_of(value))
        check(
            rank == 0,
            f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {rank} dimension(s).",
        )
        node = "IndexFillBackward1"
    check(index.dtype is dtypes.int64, "index_fill_(): Expected dtype int64 for index.", IndexError)
    check(len(shape_of(index)) <= 1, "Index has to be a vector/scalar")
    is_complex = value.dtype.is_complex if isinstance(value, Tensor) else isinstance(value, complex)
    check(
        input.dtype.is_complex or not is_complex,
        "index_fill_(): Converting complex Scalar to non-complex type is not supported",
    )
    dim = wrap_dim(dim, len(shape_of(input)))
    own, count = memory(input), prod(shape_of(index))
    if own.shape and own.shape[dim] == 0 and count:
        # PyTorch lays one slice an index over the memory, here there is none, before it looks at the indices
        size, stride = list(own.shape), list(own.strides)
        size[dim], stride[dim] = count, 0
        as_strided(input, tuple(size), tuple(stride))
    refuse("index_fill_cpu", input.dtype, BAREBONES)
    value, source = fill_value(value, input)
    return Launch(
        (input, index, value), shape_of(input), input.dtype, node=node, device=input.device, dim=dim, source=source,
        target=input.dtype,
    )  # fmt: skip


@primitive(
    "index_reduce(Tensor input, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True, "
    "Tensor out=None)",
    update=cpu.index_reduce,
    out_text=structured_out,
    grad=joint(lambda g, needs, input, dim, index, source, reduce, include_self, out: reduced_rule(
        g, needs, input, source, out,
        lambda a, b: index_add(a, dim, index, b),
        lambda a: index_select(a, dim, index),
        lambda a: index_fill(a, dim, index, 0),
        lambda a, b: a.index_reduce(dim, index, b, reduce, include_self=include_self),
        reduce, include_self,
    )),
    inplace=True,
)  # fmt: skip
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, include_self: bool = True
) -> Launch:
    """A copy with the slices of source reduced (prod, mean, amax, amin) into those that index names."""
    check(
        reduce in ("prod", "mean", "amax", "amin"),
        f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.",
    )
    dim = _check_slices("index_reduce", input, dim, index, source)
    refuse_complex(input, source, "index_reduce")
    warn_once(
        "index_reduce() is in beta and the API may change at any time.",
        "aten/src/ATen/native/TensorAdvancedIndexing.cpp:1523",
    )
    if len(shape_of(input)) <= 1:
        refuse("index_func_", input.dtype, NO_ORDER | NO_MEAN)
    elif reduce == "mean":
        refuse("div_floor_cpu", input.dtype, dtypes.bool_.bit)
    elif reduce != "prod":
        refuse({"amax": "maximum_cpu", "amin": "minimum_cpu"}[reduce], input.dtype, NO_ORDER)
    return Launch(
        (input, index, source), shape_of(input), input.dtype, dim=dim, reduce=reduce, include_self=include_self
    )


@primitive(
    "put(Tensor input, Tensor index, Tensor source, bool accumulate=False)",
    update=cpu.put,
    grad={
        "input": lambda g, index, source_shape, accumulate: (
            g if accumulate else g.put(index, g.new_zeros(source_shape), False)
        ),
        "source": lambda g, index, source_shape: take(g, index).reshape(source_shape),
    },
    moves=True,
    inplace=True,
)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Launch:
    """A copy with the elements that index names, in the flattened tensor, overwritten by source or added to."""
    check(index.dtype is dtypes.int64, f"put_(): Expected a long tensor for index, but got {index.dtype.type_name}")
    check(
        input.dtype is source.dtype,
        f"put_(): self and source expected to have the same dtype, but got self.dtype = {input.dtype.type_name} and "
        f"source.dtype = {source.dtype.type_name}",
    )
    n, k = prod(shape_of(source)), prod(shape_of(index))
    check(
        n == k,
        "put_(): Expected source and index to have the same number of elements, but got "
        f"source.numel() = {n}, index.numel() = {k}",
        IndexError,
    )
    refuse("take_put_cpu", input.dtype, NO_SCATTER, k)
    return Launch((input, index, source), shape_of(input), input.dtype, accumulate=accumulate)

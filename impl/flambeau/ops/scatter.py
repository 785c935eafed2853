"""Writing by index tensors and masks: scatter, index_add, index_copy, index_fill, put, masked_fill, masked_scatter."""

from __future__ import annotations

from math import prod
from typing import Any

from flambeau import dtypes
from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of
from flambeau.cpu import scatter as cpu
from flambeau.declare import internal, primitive
from flambeau.dtypes import BAREBONES, COMPLEX, COMPLEXES, dtype
from flambeau.errors import check, cpp_name, refuse, structured_out
from flambeau.geometry import Shape, broadcast, wrap_dim
from flambeau.operation import Launch, joint
from flambeau.ops.creation import check_representable, full
from flambeau.ops.gathering import INDEX, gather, index_select, take
from flambeau.ops.selection import where
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn, warn_once

EXPANDED = (
    "Use of {} on expanded tensors is deprecated. Please clone() the tensor before performing this operation. This "
    "also applies to advanced indexing e.g. tensor[mask] = scalar (Triggered internally at "
    "/__w/pytorch/pytorch/aten/src/ATen/native/TensorAdvancedIndexing.cpp:{}.)"
)
UNDIFFERENTIATED = "torch::autograd::NotImplemented"
NO_SCATTER = BAREBONES | dtypes.complex32.bit
NO_MEAN = NO_SCATTER | dtypes.bool_.bit
NO_ORDER = BAREBONES | dtypes.mask(*COMPLEXES)


# ------------------------------------------------------------------------------------------ scatter


def check_scatter(input: Tensor, dim: int, index: Tensor, src: Tensor | None) -> int:
    """Raise in PyTorch's words for an index that fits neither tensor. Returns dim counted from the front."""
    have, wanted = shape_of(input), shape_of(index)
    dim = wrap_dim(dim, len(have))
    empty = 0 in wanted
    check(empty or index.dtype in INDEX, "scatter(): Expected dtype int32/int64 for index")
    check(src is None or src.dtype is input.dtype, "scatter(): Expected self.dtype to be equal to src.dtype")
    if empty:
        return dim
    check(
        max(len(have), 1) == max(len(wanted), 1), "Index tensor must have the same number of dimensions as self tensor"
    )
    sizes, limits = wanted or (1,), have or (1,)
    fits = all(d == dim or n <= limits[d] for d, n in enumerate(sizes))
    if src is None:
        check(
            fits,
            f"Expected index {list(wanted)} to be no larger than self {list(have)} apart from dimension {dim}",
        )
        return dim
    source = shape_of(src)
    for d, n in enumerate(sizes):
        fits = fits and n <= (source or (1,))[wrap_dim(d, len(source))]
    check(max(len(source), 1) == len(sizes), "Index tensor must have the same number of dimensions as src tensor")
    check(
        fits,
        f"Expected index {list(wanted)} to be no larger than self {list(have)} apart from dimension {dim} and to be "
        f"no larger size than src {list(source)}",
    )
    return dim


def _no_reduce(g: Tensor) -> Tensor:
    raise RuntimeError("derivative for aten::scatter is not implemented")


@primitive(
    "scatter(Tensor input, int dim, Tensor index, Tensor src, *, Tensor out=None)",
    "scatter(Tensor input, int dim, Tensor index, Tensor src, *, str reduce, Tensor out=None)",
    "scatter(Tensor input, int dim, Tensor index, Number value, *, Tensor out=None)",
    "scatter(Tensor input, int dim, Tensor index, Number value, *, str reduce, Tensor out=None)",
    update=cpu.scatter_any,
    out_text=structured_out,
    tensors=("input", "index", "src"),
    grad={
        "input": lambda g, dim, index, reduce: g.scatter(dim, index, 0) if reduce is None else _no_reduce(g),
        "src": lambda g, dim, index, reduce: gather(g, dim, index) if reduce is None else _no_reduce(g),
    },
    inplace=True,
)
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Tensor | None = None, value: Any = None, reduce: str | None = None
) -> Launch:
    """A copy with the elements of a dim that index names overwritten by src or a number, or reduced with them."""
    if reduce is not None and src is not None:
        warn_once(
            "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a "
            "future PyTorch release. Use torch.scatter_reduce instead for more reduction options.",
            "aten/src/ATen/native/TensorAdvancedIndexing.cpp:225",
        )
    dim = check_scatter(input, dim, index, src)
    check(reduce in (None, "add", "multiply"), "reduce argument must be either add or multiply.")
    d = input.dtype
    node = UNDIFFERENTIATED if reduce is not None else None
    refuse(f"scatter_gather_{'scalar' if src is None else 'tensor'}_cpu", d, NO_SCATTER, 0 not in shape_of(index))
    if src is None:
        check_representable(value, d)
        value = value.real if isinstance(value, complex) and d.category < COMPLEX else value
        src = full((), value, dtype=d, device=input.device)
        node = node or "ScatterBackward1"
    return Launch((input, index, src), shape_of(input), d, node=node, dim=dim, reduce=reduce)


@primitive(
    "scatter_add(Tensor input, int dim, Tensor index, Tensor src, *, Tensor out=None)",
    update=cpu.scatter_add,
    out_text=structured_out,
    grad={"input": lambda g: g, "src": lambda g, dim, index: gather(g, dim, index)},
    inplace=True,
)
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Launch:
    """A copy with src added to the elements of a dim that index names; duplicates add up."""
    dim = check_scatter(input, dim, index, src)
    refuse("scatter_gather_tensor_cpu", input.dtype, NO_SCATTER, 0 not in shape_of(index))
    return Launch((input, index, src), shape_of(input), input.dtype, dim=dim)


def _refuse_complex(input: Tensor, src: Tensor, name: str) -> None:
    check(
        not (input.dtype.is_complex and state.enabled and (node_of(input) is not None or node_of(src) is not None)),
        f"{name} does not support automatic differentiation for outputs with complex dtype.",
    )


def _reduced_rule(
    g: Tensor, needs: Any, input: Tensor, src: Tensor, out: Tensor, spread: Any, collect: Any, forget: Any,
    again: Any, reduce: str, include_self: bool,
) -> list[Tensor | None]:  # fmt: skip
    """Gradients of a reduction into named places. spread adds a tensor like src into one like input, collect reads
    one like input at the places, forget clears them; again(input, src) is the reduction itself."""
    if reduce == "sum":
        to_input, to_src = g, collect(g)
    elif reduce == "mean":
        count = spread(g.new_full(shape_of(g), 1 if include_self else 0), src.new_ones(shape_of(src)))  # type: ignore[attr-defined]
        count = count.masked_fill(count == 0, 1)
        to_input, to_src = g / count, collect(g) / collect(count)
    elif reduce == "prod":
        ones = input.masked_fill(input == 0, 1)  # type: ignore[attr-defined]
        to_input = g * again(ones, src) / ones
        zero = src == 0
        zeros = collect(spread(input.new_zeros(shape_of(input)), zero.to(src.dtype)))  # type: ignore[attr-defined]
        single = zero & (zeros == 1)
        without = again(input, src.masked_fill(single, 1))  # type: ignore[attr-defined]
        to_src = where(single, collect(g * without), collect(g * out) / src.masked_fill(zero, 1))  # type: ignore[attr-defined]
    else:
        mine = (input == out).to(g.dtype)  # type: ignore[attr-defined]
        theirs = (src == collect(out)).to(g.dtype)
        share = g / spread(mine, theirs)
        to_input, to_src = mine * share, theirs * collect(share)
    if not include_self:
        to_input = forget(to_input)
    return [to_input if needs[0] else None, None, to_src if needs[2] else None]


def _scatter_reduce_rule(
    g: Tensor, needs: Any, input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool,
    out: Tensor,
) -> list[Tensor | None]:  # fmt: skip
    return _reduced_rule(
        g, needs, input, src, out,
        lambda a, b: scatter_add(a, dim, index, b),
        lambda a: gather(a, dim, index),
        lambda a: a.scatter(dim, index, 0),  # type: ignore[attr-defined]
        lambda a, b: scatter_reduce(a, dim, index, b, reduce, include_self=include_self),
        reduce, include_self,
    )  # fmt: skip


@primitive(
    "scatter_reduce(Tensor input, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True, "
    "Tensor out=None)",
    update=cpu.scatter_reduce,
    out_text=structured_out,
    grad=joint(_scatter_reduce_rule),
    inplace=True,
)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, include_self: bool = True
) -> Launch:
    """A copy with src reduced (sum, prod, mean, amax, amin) into the elements of a dim that index names."""
    dim = check_scatter(input, dim, index, src)
    check(reduce in cpu.REDUCTIONS, f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    refuse("scatter_reduce_exclude_input_init", input.dtype, NO_SCATTER, not include_self and 0 not in shape_of(index))
    if reduce in ("sum", "prod"):
        refuse("scatter_gather_tensor_cpu", input.dtype, NO_SCATTER, 0 not in shape_of(index))
    else:
        refused = NO_MEAN if reduce == "mean" else NO_ORDER
        refuse(f"scatter_gather_tensor_cpu_reduce_{reduce}", input.dtype, refused, 0 not in shape_of(index))
    _refuse_complex(input, src, "scatter_reduce")
    return Launch((input, index, src), shape_of(input), input.dtype, dim=dim, reduce=reduce, include_self=include_self)


# ------------------------------------------------------------------------------------------ slices of one dim


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
    refuse("index_add_" if len(shape_of(input)) <= 1 else "scatter_gather_tensor_cpu", input.dtype, BAREBONES)
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
    others = index_fill(g.new_ones(shape_of(g), dtype=dtypes.bool_), dim, index, 0)  # type: ignore[attr-defined]
    return g.masked_fill(others, 0).sum()  # type: ignore[attr-defined,no-any-return]


@primitive(
    "index_fill(Tensor input, int dim, Tensor index, Tensor value)",
    "index_fill(Tensor input, int dim, Tensor index, Number value)",
    update=cpu.index_fill,
    fills=EXPANDED.format("index_fill_", 1913),
    tensors=("input", "index", "value"),
    grad={
        "input": lambda g, dim, index: index_fill(g, dim, index, 0),
        "value": lambda g, dim, index: _sum_at(g, dim, index),
    },
    moves=True,
    inplace=True,
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
    refuse("index_fill_cpu", input.dtype, BAREBONES)
    value, source = fill_value(value, input)
    return Launch(
        (input, index, value), shape_of(input), input.dtype, node=node, device=input.device, dim=dim, source=source,
        target=input.dtype,
    )  # fmt: skip


def fill_value(value: Any, like: Tensor) -> tuple[Tensor, dtype]:
    """A number or 0-dim tensor to fill with, and its dtype. Raises RuntimeError where the target cannot hold it."""
    d = like.dtype
    if isinstance(value, Tensor):
        if value._array is not None and value.dtype is not d:
            check_representable(value.item(), d)  # type: ignore[attr-defined]
        return value, value.dtype
    check_representable(value, d)
    if isinstance(value, complex) and d.category < COMPLEX:
        value = value.real
    return full((), value, dtype=d, device=like.device), d


@primitive(
    "index_reduce(Tensor input, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True, "
    "Tensor out=None)",
    update=cpu.index_reduce,
    out_text=structured_out,
    grad=joint(lambda g, needs, input, dim, index, source, reduce, include_self, out: _reduced_rule(
        g, needs, input, source, out,
        lambda a, b: index_add(a, dim, index, b),
        lambda a: index_select(a, dim, index),
        lambda a: index_fill(a, dim, index, 0),
        lambda a, b: index_reduce(a, dim, index, b, reduce, include_self=include_self),
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
    _refuse_complex(input, source, "index_reduce")
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


# ------------------------------------------------------------------------------------------ masks


@primitive(
    "masked_fill(Tensor input, Tensor mask, Tensor value)",
    "masked_fill(Tensor input, Tensor mask, Number value)",
    cpu=cpu.masked_fill,
    update=cpu.fill_masked,
    fills=EXPANDED.format("masked_fill_", 2450),
    tensors=("input", "mask", "value"),
    grad={
        "input": lambda g, mask: masked_fill(g, mask, 0),
        "value": lambda g, mask: masked_fill(g, mask.logical_not(), 0).sum(),
    },
    moves=True,
    inplace=True,
)
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Launch:
    """A copy with one value where a mask, broadcast, is true."""
    if isinstance(value, Tensor):
        rank = len(shape_of(value))
        check(
            rank == 0,
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {rank} dimension(s).",
        )
    shape = broadcast(shape_of(mask), shape_of(input))
    check(
        mask.dtype is dtypes.bool_,
        f"masked_fill_ only supports boolean masks, but got mask with dtype {cpp_name(mask.dtype)}",
    )
    refuse("masked_fill", input.dtype, BAREBONES)
    node = "MaskedFillBackward1" if isinstance(value, Tensor) else None
    value, source = fill_value(value, input)
    return Launch(
        (input, mask, value), shape, input.dtype, node=node, device=input.device, source=source, target=input.dtype
    )


@internal(
    cpu=cpu.masked_source,
    tensors=("g", "mask"),
    grad={"g": lambda g, mask, g_shape: g.new_zeros(g_shape).masked_scatter(mask, g)},
    moves=True,
)
def masked_scatter_backward(g: Tensor, mask: Tensor, size: int) -> Launch:
    """The elements of g under a mask, then zeros up to the size of the source."""
    return Launch((g, mask), (size,), g.dtype, size=size)


@primitive(
    "masked_scatter(Tensor input, Tensor mask, Tensor source)",
    cpu=cpu.masked_scatter,
    update=cpu.scatter_masked,
    grad={
        "input": lambda g, mask: masked_fill(g, mask, 0),
        "source": lambda g, mask, source_shape: masked_scatter_backward(g, mask, prod(source_shape)).reshape(
            source_shape
        ),
    },
    moves=True,
    inplace=True,
)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Launch:
    """A copy with the elements of source, in order, where a mask, broadcast, is true."""
    shape = broadcast(shape_of(mask), shape_of(input))
    check(
        input.dtype is source.dtype,
        "masked_scatter: expected self and source to have same dtypes but got"
        f"{input.dtype.type_name} and {source.dtype.type_name}",
    )
    if mask.dtype is dtypes.uint8:
        warn(
            "masked_scatter_ received a mask with dtype torch.uint8, this behavior is now deprecated,please "
            "use a mask with dtype torch.bool instead.",
            "aten/src/ATen/native/TensorAdvancedIndexing.cpp:3130",
        )
    check(
        mask.dtype is dtypes.bool_,
        f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype.type_name}",
    )
    refuse("masked_scatter", input.dtype, NO_SCATTER)
    return Launch((input, mask, source), shape, input.dtype)

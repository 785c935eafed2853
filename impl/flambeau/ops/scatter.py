"""Writing at the places that an index tensor names along a dim: scatter, scatter_add, scatter_reduce."""

from __future__ import annotations

from typing import Any

from flambeau import dtypes
from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of
from flambeau.cpu import scatter as cpu
from flambeau.declare import primitive
from flambeau.dtypes import BAREBONES, COMPLEX, COMPLEXES
from flambeau.errors import check, refuse, structured_out
from flambeau.geometry import wrap_dim
from flambeau.operation import Launch, joint
from flambeau.ops.creation import full
from flambeau.ops.filling import check_representable
from flambeau.ops.gathering import INDEX, gather
from flambeau.ops.selection import where
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn_once

UNDIFFERENTIATED = "torch::autograd::NotImplemented"
NO_SCATTER = BAREBONES | dtypes.complex32.bit
NO_MEAN = NO_SCATTER | dtypes.bool_.bit
NO_ORDER = BAREBONES | dtypes.mask(*COMPLEXES)


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
    written = 0 not in shape_of(index)
    refuse(f"scatter_gather_{'scalar' if src is None else 'tensor'}_cpu", d, NO_SCATTER, written)
    if src is None:
        if written:
            check_representable(value, d)
            value = value.real if isinstance(value, complex) and d.category < COMPLEX else value
        else:
            value = 0  # nobody looks at it, whatever it is
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


def refuse_complex(input: Tensor, src: Tensor, name: str) -> None:
    check(
        not (input.dtype.is_complex and state.enabled and (node_of(input) is not None or node_of(src) is not None)),
        f"{name} does not support automatic differentiation for outputs with complex dtype.",
    )


def reduced_rule(
    g: Tensor, needs: Any, input: Tensor, src: Tensor, out: Tensor, spread: Any, collect: Any, forget: Any,
    again: Any, reduce: str, include_self: bool,
) -> list[Tensor | None]:  # fmt: skip
    """Gradients of a reduction into named places. spread adds a tensor like src into one like input, collect reads
    one like input at the places, forget clears them; again(input, src) is the reduction itself."""
    if reduce == "sum":
        to_input, to_src = g, collect(g)
    elif reduce == "mean":
        count = spread(g.new_full(shape_of(g), 1 if include_self else 0), src.new_ones(shape_of(src)))
        count = count.masked_fill(count == 0, 1)
        to_input, to_src = g / count, collect(g) / collect(count)
    elif reduce == "prod":
        ones = input.masked_fill(input == 0, 1)
        to_input = g * again(ones, src) / ones
        zero = src == 0
        zeros = collect(spread(input.new_zeros(shape_of(input)), zero.to(src.dtype)))
        single = zero & (zeros == 1)
        without = again(input, src.masked_fill(single, 1))
        to_src = where(single, collect(g * without), collect(g * out) / src.masked_fill(zero, 1))
    else:
        mine = (input == out).to(g.dtype)
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
    return reduced_rule(
        g, needs, input, src, out,
        lambda a, b: scatter_add(a, dim, index, b),
        lambda a: gather(a, dim, index),
        lambda a: a.scatter(dim, index, 0),
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
    refuse_complex(input, src, "scatter_reduce")
    return Launch((input, index, src), shape_of(input), input.dtype, dim=dim, reduce=reduce, include_self=include_self)

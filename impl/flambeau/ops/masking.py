"""Writing where a mask is true: masked_fill, masked_scatter."""

from __future__ import annotations

from math import prod
from typing import Any

from flambeau import dtypes
from flambeau.cpu import scatter as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL
from flambeau.declare import internal, primitive
from flambeau.dtypes import BAREBONES, COMPLEX, dtype
from flambeau.errors import check, cpp_name, refuse, too_late
from flambeau.geometry import broadcast
from flambeau.inplace import check_partial_overlap
from flambeau.operation import Launch
from flambeau.ops.creation import full
from flambeau.ops.filling import check_representable
from flambeau.ops.rules import of_one_kind
from flambeau.ops.scatter import NO_SCATTER
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn

EXPANDED = (
    "Use of {} on expanded tensors is deprecated. Please clone() the tensor before performing this operation. This "
    "also applies to advanced indexing e.g. tensor[mask] = scalar (Triggered internally at "
    "/__w/pytorch/pytorch/aten/src/ATen/native/TensorAdvancedIndexing.cpp:{}.)"
)


def fill_value(value: Any, like: Tensor) -> tuple[Tensor, dtype]:
    """A number or 0-dim tensor to fill with, and its dtype. Raises RuntimeError where the target cannot hold it."""
    d = like.dtype
    if isinstance(value, Tensor):
        if value._array is not None and value.dtype is not d:
            check_representable(value.item(), d)
        return value, value.dtype
    check_representable(value, d)
    if isinstance(value, complex) and d.category < COMPLEX:
        value = value.real
    return full((), value, dtype=d, device=like.device), d


@primitive(
    "masked_fill(Tensor input, Tensor mask, Tensor value)",
    "masked_fill(Tensor input, Tensor mask, Number value)",
    cpu=cpu.masked_fill,
    update=cpu.fill_masked,
    cuda=Body("y ? z : x", ALL, masks=("y",), moves=True),
    fills=EXPANDED.format("masked_fill_", 2450),
    tensors=("input", "mask", "value"),
    grad={
        "input": lambda g, mask: g.masked_fill(mask, 0),
        "value": lambda g, mask, value_dtype: of_one_kind(g.masked_select(mask).sum(), value_dtype),
    },
    moves=True,
    inplace=True,
    # the value is read before anything is written
    apart=lambda this, plan: check_partial_overlap(this, plan.inputs[1]),
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
    sequential=True,
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
    if input.dtype is not source.dtype:
        text = (
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{input.dtype.type_name} and {source.dtype.type_name}"
        )
        raise too_late(RuntimeError(text), input.dtype)
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

"""Indexing by index tensors and masks: what brackets come down to once slices and integers are views."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from flambeau import dtypes
from flambeau.cpu import indexing as cpu
from flambeau.declare import internal, primitive
from flambeau.dtypes import BAREBONES
from flambeau.errors import check, refuse, too_late
from flambeau.geometry import Shape, broadcast
from flambeau.inplace import check_no_overlap, check_partial_overlap
from flambeau.operation import Launch
from flambeau.ops.filling import check_representable
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn

MASKS = (dtypes.bool_, dtypes.uint8)
INDICES = (dtypes.int64, dtypes.int32, *MASKS)
Indices = Sequence[Tensor | None]


def check_indices(input: Tensor, indices: Indices) -> int:
    """Raise IndexError for index tensors of other dtypes and masks of other shapes. Returns the dims they take."""
    shape = shape_of(input)
    for t in indices:
        check(
            t is None or t.dtype in INDICES,
            "tensors used as indices must be long, int, byte or bool tensors",
            IndexError,
        )
    d = 0
    for t in indices:
        if t is None or t.dtype not in MASKS:
            d += 1
            continue
        if t.dtype is dtypes.uint8:
            warn(
                "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
                "aten/src/ATen/native/IndexingUtils.h:37",
            )
        _check_mask(t, shape, d)
        d += len(shape_of(t))
    check(d <= len(shape), f"too many indices for tensor of dimension {len(shape)} (got {d})", IndexError)
    return d


def _check_mask(mask: Tensor, shape: Shape, d: int) -> None:
    have = shape_of(mask)
    for j, n in enumerate(have):
        check(
            d + j < len(shape) and n == shape[d + j],
            f"The shape of the mask {list(have)} at index {j} does not match the shape of the indexed tensor "
            f"{list(shape)} at index {d + j}",
            IndexError,
        )


def selected_shape(shape: Shape, indices: Indices) -> Shape | None:
    """The shape of what the indices select, None where masks make it depend on the data."""
    if any(t is not None and t.dtype in MASKS for t in indices):
        return None
    dims = [d for d, t in enumerate(indices) if t is not None]
    shapes = [shape_of(indices[d]) for d in dims]  # type: ignore[arg-type]
    try:
        common = shapes[0] if len(shapes) == 1 else broadcast(*shapes)
    except RuntimeError:
        listed = ", ".join(str(list(s)) for s in shapes)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {listed}"
        ) from None
    kept = [n for d, n in enumerate(shape) if d not in dims]
    first = dims[0] if dims[-1] - dims[0] + 1 == len(dims) else 0
    return (*kept[:first], *common, *kept[first:])


@internal(
    cpu=cpu.index,
    tensors=("input", "indices"),
    grad={"input": lambda g, input_shape, indices: _put(g.new_zeros(input_shape), indices, g, True)},
    moves=True,
)
def index(input: Tensor, indices: Indices) -> Launch:
    """The elements that index tensors and masks, one a dim and None for a whole dim, select."""
    check_indices(input, indices)
    return Launch((input, list(indices)), selected_shape(shape_of(input), indices), input.dtype, device=input.device)


def _put(input: Tensor, indices: Indices, values: Tensor, accumulate: bool) -> Tensor:
    """`index_put` with None for whole dims, which its public form does not take."""
    return index_put.run({"input": input, "indices": indices, "values": values, "accumulate": accumulate})


def _zero_at(g: Tensor, indices: Indices, accumulate: bool) -> Tensor:
    return g if accumulate else _put(g, indices, g.new_zeros(()), False)


@primitive(
    "index_put(Tensor input, tuple of Tensors indices, Tensor values, bool accumulate=False)",
    update=cpu.index_put,
    fills=(
        "Use of index_put_ on expanded tensors is deprecated. Please clone() the tensor before performing this "
        "operation. This also applies to advanced indexing e.g. tensor[indices] = tensor (Triggered internally at "
        "/__w/pytorch/pytorch/aten/src/ATen/native/TensorAdvancedIndexing.cpp:976.)"
    ),
    grad={
        "input": lambda g, indices, accumulate: _zero_at(g, indices, accumulate),
        "values": lambda g, indices: index(g, indices),
    },
    moves=True,
    inplace=True,
    inplace_function=True,
    apart=lambda this, plan: apart_from_indexed(this, plan.inputs[1], plan.inputs[2], plan.params["accumulate"]),
)
def index_put(input: Tensor, indices: Indices, values: Tensor, accumulate: bool = False) -> Launch:
    """A copy with the elements that index tensors select overwritten by values, or values added to them."""
    shape, n = shape_of(input), len(shape_of(input))
    check(len(indices) <= n, f"too many indices for tensor of dimension {n} (got {len(indices)})", IndexError)
    check(
        indices or accumulate or prod(shape_of(values)) != 1,
        "masked_fill_ only supports boolean masks, but got mask with dtype nullptr (uninitialized)",
    )
    if not accumulate and prod(shape_of(values)) == 1:
        filled = _as_fill(input, indices, values)
        if filled is not None:
            return filled
    check_indices(input, indices)
    chosen = selected_shape(shape, indices) if indices else shape
    have = shape_of(values)
    if chosen is not None:
        given = [(n, t) for n, t in zip(shape, indices, strict=False) if t is not None]
        check(
            all(n for n, _ in given) or any(0 in shape_of(t) for _, t in given),
            "index is out of bounds for dimension with size 0",
            IndexError,
        )
        lead = len(chosen) - len(have)
        check(
            lead >= 0 and all(a in (1, b) for a, b in zip(have, chosen[lead:], strict=True)),
            f"shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing result of shape "
            f"{list(chosen)}",
        )
    if values.dtype is not input.dtype:
        text = (
            "Index put requires the source and destination dtypes match, got "
            f"{input.dtype.type_name} for the destination and {values.dtype.type_name} for the source."
        )
        raise too_late(RuntimeError(text), input.dtype)
    check(indices or 0 in shape, "index_put_(): nothing to index by")
    refuse("index_put", input.dtype, BAREBONES)
    return Launch(
        (input, list(indices), values), shape, input.dtype, device=input.device, accumulate=accumulate, source=None
    )


def apart_from_indexed(target: Tensor, indices: Indices, values: Tensor, accumulate: bool) -> None:
    """Raise RuntimeError where indices or values lie in the memory they write to; the value of a fill may."""
    mask = None if accumulate or prod(shape_of(values)) != 1 else _only_mask(indices)
    if mask is not None:
        check_partial_overlap(target, mask)
    else:
        check_no_overlap(target, [values, *indices])


def _only_mask(indices: Indices) -> Tensor | None:
    """The mask, where it is the only index: PyTorch then fills with a single value."""
    given = [t for t in indices if t is not None]
    return given[0] if len(given) == 1 and given[0].dtype in MASKS else None


def _as_fill(input: Tensor, indices: Indices, values: Tensor) -> Launch | None:
    """One mask and one value: PyTorch fills, whatever the value's dtype."""
    mask = _only_mask(indices)
    if mask is None:
        return None
    _check_mask(mask, shape_of(input), next(d for d, t in enumerate(indices) if t is not None))
    check(mask.dtype is dtypes.bool_, "masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
    refuse("masked_fill", input.dtype, BAREBONES)
    if values.dtype is not input.dtype and values._array is not None:
        check_representable(values.item(), input.dtype)
    return Launch(
        (input, list(indices), values), shape_of(input), input.dtype, device=input.device, accumulate=False,
        source=(values.dtype, input.dtype),
    )  # fmt: skip

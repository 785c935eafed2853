"""Sorting and selection by rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flambeau import dtypes, return_types
from flambeau.cpu import sorting as cpu
from flambeau.declare import composite, primitive, several
from flambeau.dtypes import BAREBONES_UNSIGNED, mask
from flambeau.errors import check, not_implemented_for, refuse, structured_out
from flambeau.geometry import Shape, elementwise_strides, is_contiguous, wrap_dim
from flambeau.operation import Launch
from flambeau.tensor import Tensor, memory, shape_of

INT64 = dtypes.int64
_UNSAID = object()


def scattered(g: Tensor, indices: Tensor, dim: int, input_shape: Shape) -> Tensor:
    """The gradient of elements that were picked along dim, at the places they came from."""
    if not input_shape:
        return g
    return g.new_zeros(input_shape).scatter(dim, indices, g)


def _strides(input: Tensor) -> Shape | None:
    """The strides of the results, which are the input's where it is dense; None where they are row-major."""
    own = memory(input)
    if is_contiguous(own.shape, own.strides):
        return None
    return elementwise_strides(own.shape, ((own.shape, own.strides),))


def _checked(input: Tensor, dim: int) -> int:
    dim = wrap_dim(dim, len(shape_of(input)))
    check(not input.dtype.is_complex, " Sort does not support complex dtypes on CPU")
    return dim


@several(
    "sort(Tensor input, *, bool? stable, int dim=-1, bool descending=False, tuple of Tensors[2] out=None)",
    "sort(Tensor input, int dim=-1, bool descending=False, *, tuple of Tensors[2] out=None)",
    cpu=cpu.sort,
    grad=lambda g, indices, dim, input_shape: scattered(g, indices, dim, input_shape),
    tensors=("input",),
    outputs=("values", "indices"),
    differentiable=1,
    results=return_types.sort,
    out_text=structured_out,
)
def sort(input: Tensor, stable: Any = _UNSAID, dim: int = -1, descending: bool = False) -> Launch:
    """Elements sorted along dim, and their indices; NaN comes last, equal elements keep their order."""
    dim = _checked(input, dim)
    shape = shape_of(input)
    node = None if stable is _UNSAID else "SortBackward1"
    return Launch(
        (input,), [shape, shape], [input.dtype, INT64], node=node, dim=dim, descending=bool(descending),
        strides=_strides(input),
    )  # fmt: skip


@primitive(
    "argsort(Tensor input, *, bool stable, int dim=-1, bool descending=False, Tensor out=None)",
    "argsort(Tensor input, int dim=-1, bool descending=False)",
    cpu=cpu.argsort,
    tensors=("input",),
    out_text=structured_out,
)
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Launch:
    """Indices that sort along dim."""
    dim = _checked(input, dim)
    return Launch((input,), shape_of(input), INT64, dim=dim, descending=bool(descending), strides=_strides(input))


@composite("msort(Tensor input, *, Tensor out=None)", out_text=structured_out)
def msort(input: Tensor) -> Tensor:
    """Elements sorted along the first dim."""
    return sort.run({"input": input, "dim": 0})[0]  # type: ignore[no-any-return]


@several(
    "topk(Tensor input, index k, int dim=-1, bool largest=True, bool sorted=True, *, tuple of Tensors[2] out=None)",
    cpu=cpu.topk,
    grad=lambda g, indices, dim, input_shape: scattered(g, indices, dim, input_shape),
    tensors=("input",),
    outputs=("values", "indices"),
    differentiable=1,
    results=return_types.topk,
    out_text=structured_out,
)
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Launch:
    """The k largest (smallest) elements along dim in falling (rising) order, and their indices."""
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    check(0 <= k <= (shape[dim] if shape else 1), "selected index k out of range")
    d = input.dtype
    check(not d.is_complex, " topk does not support complex dtypes on CPU")
    check(d is not dtypes.bool_, "topk does not support bool dtypes on CPU")
    refuse("topk_cpu", d, mask(*BAREBONES_UNSIGNED), bool(shape))
    result = (*shape[:dim], k, *shape[dim + 1 :]) if shape else ()
    return Launch((input,), [result, result], [d, INT64], k=k, dim=dim, largest=bool(largest))


def _kth_gradient(g: Tensor, indices: Tensor, dim: int, keepdim: bool, input_shape: Shape) -> Tensor:
    if input_shape and not keepdim:
        g, indices = g.unsqueeze(dim), indices.unsqueeze(dim)
    return scattered(g, indices, dim, input_shape)


def told_with_dim(always: bool) -> Callable[..., tuple[Shape, Shape]]:
    """PyTorch resizes out= while results still have the reduced dim (see `Operation.told`).

    always: out= is given the dim whatever its rank, and nothing is said of a 0-dim input.
    """

    def told(bound: Mapping[str, Any], have: Shape, made: Shape) -> tuple[Shape, Shape]:
        rank = len(shape_of(bound["input"]))
        if not rank and always:
            return made, made
        if bound["keepdim"] or not rank:
            return have, made
        d = bound["dim"] % rank
        if len(have) == rank - 1 or (always and len(have) >= d):
            have = (*have[:d], 1, *have[d:])
        return have, (*made[:d], 1, *made[d:])

    return told


@several(
    "kthvalue(Tensor input, index k, int dim=-1, bool keepdim=False, *, tuple of Tensors[2] out=None)",
    cpu=cpu.kthvalue,
    grad=_kth_gradient,
    tensors=("input",),
    outputs=("values", "indices"),
    differentiable=1,
    results=return_types.kthvalue,
    out_text=lambda result, out: (
        "output values must be of same type as input"
        if result is not INT64
        else "output indices must be of scalar type Long"
    ),
)
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False, out: Any = None) -> Launch:
    """The k-th smallest element along dim, counted from 1, and its index."""
    shape = shape_of(input)
    dim = wrap_dim(dim, len(shape))
    n = shape[dim] if shape else 1
    check(n, f"kthvalue(): Expected reduction dim {dim} to have non-zero size.", IndexError)
    check(1 <= k <= n, f"kthvalue(): selected number k out of range for dimension {dim}")
    d = input.dtype
    check(out is None or out[0].dtype is d, "output values must be of same type as input")
    if shape and (d.is_complex or d is dtypes.bool_ or d in BAREBONES_UNSIGNED):
        not_implemented_for("kthvalue_cpu", d)
    result = (*shape[:dim], *((1,) if keepdim else ()), *shape[dim + 1 :]) if shape else ()
    return Launch((input,), [result, result], [d, INT64], k=k, dim=dim, keepdim=bool(keepdim))


kthvalue.op.told = told_with_dim(always=False)

"""Sums, means, products and truth over dims."""

from __future__ import annotations

from math import prod as product_of
from typing import Any

from flambeau import dtypes
from flambeau.autograd.modes import state
from flambeau.cpu import reduce as cpu
from flambeau.declare import ANY, composite, internal, primitive
from flambeau.dtypes import BAREBONES_UNSIGNED, dtype, mask
from flambeau.errors import (
    cannot_cast,
    check,
    expect_out,
    not_implemented_for,
    refuse,
    refuse_complex,
    structured_out,
)
from flambeau.geometry import Shape, different_dims, iterated_strides, wrap_dim
from flambeau.operation import Launch
from flambeau.ops.rules import conj, kept, of_one_kind, restore, spread, unsqueezed
from flambeau.reduction import to_one
from flambeau.tensor import Tensor, memory, shape_of, warn_of_complex_half, warn_of_lost_parts

SUMMABLE = ANY & ~mask(dtypes.complex32, *BAREBONES_UNSIGNED)
NAN_SUMMABLE = mask(*dtypes.FLOATS)
EVERY_COMPLEX = mask(*dtypes.COMPLEXES)


def wrapped(dim: Any, rank: int, *, empty: str = "all", in_turn: bool = False) -> tuple[int, ...]:
    """dims counted from the front; None, and an empty tuple unless empty="none", name all of them.

    Raises IndexError for a dim out of range and RuntimeError for one named twice, in PyTorch's words; which of the two
    first, where both are there, differs: in_turn looks at each dim for both.
    """
    if dim is None or (dim == () and empty == "all"):
        return tuple(range(rank))
    given = (dim,) if isinstance(dim, int) else dim
    dims = different_dims(given if in_turn else [wrap_dim(d, rank) for d in given], rank)
    return dims if rank else ()


def reduced_shape(shape: Shape, dims: tuple[int, ...], keepdim: bool) -> Shape:
    """The shape that a reduction over dims leaves."""
    return kept(shape, dims) if keepdim else tuple([n for d, n in enumerate(shape) if d not in dims])


def runs_kernel(shape: Shape) -> bool:
    """Whether PyTorch calls a kernel along a dim, and so looks at the dtype: not for a number or an empty tensor."""
    return bool(shape) and 0 not in shape


def reduced(input: Tensor, dim: Any, keepdim: bool, *, in_turn: bool = False) -> tuple[tuple[int, ...], Shape]:
    """The dims reduced, counted from the front, and the result's shape. No dim, or an empty tuple, means all."""
    shape = shape_of(input)
    dims = wrapped(dim, len(shape), in_turn=in_turn)
    return dims, reduced_shape(shape, dims, keepdim)


def accumulated(input: Tensor, given: dtype | None, out: Tensor | None) -> dtype:
    """The dtype of a sum or product: integers add up in int64, unless dtype or out= say otherwise."""
    if given is not None:
        expect_out(out, given)
    found = given or (out.dtype if out is not None else None)
    if found is None:
        return dtypes.int64 if input.dtype.category < dtypes.FLOATING else input.dtype
    warn_of_lost_parts(input.dtype, found, shape_of(input))
    return found


@primitive(
    "sum(Tensor input, *, torch.dtype? dtype=None)",
    "sum(Tensor input, tuple of ints[1]? dim, bool keepdim=False, *, torch.dtype? dtype=None, Tensor out=None)",
    cpu=cpu.total,
    grad=lambda g, input_shape, input_dtype, dims, keepdim: restore(
        of_one_kind(g, input_dtype), input_shape, dims, keepdim
    ),
    raw=True,
    shortcut=to_one("sum", cpu.total_of_all, lambda x, dims, keepdim, _: cpu.total(x, dims, keepdim), "SumBackward1"),
    out_text=structured_out,
)
def sum(
    input: Tensor, dim: Any = ..., keepdim: bool = False, dtype: dtype | None = None, out: Tensor | None = None
) -> Launch:
    """Sum of the elements, over all dims or those in dim; integers add up in int64."""
    node = "SumBackward1"
    if dim is ...:
        dim, node = None, "SumBackward0"
    dims, shape = reduced(input, dim, keepdim)
    d = accumulated(input, dtype, out)
    refuse("sum_cpu", d, ~SUMMABLE, 0 not in shape_of(input))
    return Launch((input,), shape, d, node=node, compute=d, dims=dims, keepdim=keepdim)


def _nansum_out(result: dtype, out: dtype) -> str:
    return f"nansum: provided dtype must match dtype of result. Got {out.type_name} and {result.type_name}."


@primitive(
    "nansum(Tensor input, tuple of ints[1]? dim=None, bool keepdim=False, *, torch.dtype? dtype=None, Tensor out=None)",
    cpu=cpu.nansum,
    grad=lambda g, input, dims, keepdim: restore(g, shape_of(input), dims, keepdim) * input.isnan().logical_not(),
    out_text=_nansum_out,
)
def nansum(
    input: Tensor, dim: Any = None, keepdim: bool = False, dtype: dtype | None = None, out: Tensor | None = None
) -> Any:
    """Sum of the elements that are not NaN. Raises RuntimeError for complex tensors."""
    if dtype is not None and out is not None and input.dtype.category >= dtypes.FLOATING:
        check(out.dtype is dtype, _nansum_out(dtype, out.dtype))
    dims, shape = reduced(input, dim, keepdim, in_turn=True)
    refuse_complex(input.dtype, "nansum on CPU does not support complex inputs", made=dtype)
    d = dtype or (out.dtype if out is not None else None)
    if input.dtype.category < dtypes.FLOATING or (dtype is not None and dtype.category < dtypes.FLOATING):
        if dtype is not None:
            expect_out(out, dtype)
        return sum(input, dim, keepdim, dtype=d)
    d = d or input.dtype
    refuse("nansum_cpu", d, ~NAN_SUMMABLE, 0 not in shape_of(input))
    return Launch((input,), shape, d, compute=d, dims=dims, keepdim=keepdim)


@primitive(
    "mean(Tensor input, *, torch.dtype? dtype=None, Tensor out=None)",
    "mean(Tensor input, tuple of ints[1]? dim, bool keepdim=False, *, torch.dtype? dtype=None, Tensor out=None)",
    cpu=cpu.mean,
    grad=lambda g, input_shape, input_dtype, dims, keepdim, count: spread(
        of_one_kind(g, input_dtype), input_shape, dims, keepdim, count or 1
    ),
    raw=True,
    shortcut=to_one("mean", cpu.mean_of_all, cpu.mean, "MeanBackward1"),
    out_text=structured_out,
)
def mean(
    input: Tensor, dim: Any = ..., keepdim: bool = False, dtype: dtype | None = None, out: Tensor | None = None
) -> Launch:
    """Mean of the elements, over all dims or those in dim. Raises RuntimeError for integers."""
    node = "MeanBackward1"
    if dim is ...:
        dim, node = None, "MeanBackward0"
    asked = dtype or input.dtype
    which = "Input" if dtype is None else "Optional"
    check(
        asked.category >= dtypes.FLOATING,
        f"mean(): could not infer output dtype. {which} dtype must be either a floating point or complex dtype. "
        f"Got: {asked.type_name}",
    )
    d = dtype or (out.dtype if out is not None else asked)
    shape = shape_of(input)
    dims, made = reduced(input, dim, keepdim)
    if dtype is not None:
        expect_out(out, dtype)
    elif node == "MeanBackward0" and input.dtype.is_complex and not d.is_complex:
        raise RuntimeError(f"mean.dtype_out(): input types can't be cast to the desired output type {d.type_name}")
    refuse("sum_cpu", d, ~SUMMABLE, 0 not in shape)
    warn_of_lost_parts(input.dtype, d, shape)
    if d.category < dtypes.FLOATING:
        cannot_cast(dtypes.get_default_dtype(), d)
    refuse("div_cpu", d, ~SUMMABLE)
    count = cpu.count_of(shape, dims)
    # narrow means are computed in single precision from the start, so that their terms do not overflow
    compute = dtypes.float32 if d in (dtypes.float16, dtypes.bfloat16) else d
    return Launch((input,), made, d, node=node, compute=compute, dims=dims, keepdim=keepdim, count=count)


@composite(
    "nanmean(Tensor input, tuple of ints[1]? dim=None, bool keepdim=False, *, torch.dtype? dtype=None, "
    "Tensor out=None)",
)
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, dtype: dtype | None = None) -> Tensor:
    """Mean of the elements that are not NaN. Raises RuntimeError for integers."""
    check(
        input.dtype.category >= dtypes.FLOATING,
        f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype.type_name}",
    )
    there = sum(input.detach().isnan().logical_not(), dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype).div(there)


# ------------------------------------------------------------------------------------------ products


def product_gradient(
    g: Tensor, input: Tensor, out: Tensor, dims: tuple[int, ...], keepdim: bool, whole: bool = False
) -> Any:
    """Gradient of a product, in its dtype: exact where elements are zero, and differentiable again."""
    shape = shape_of(input)
    if not shape:
        return of_one_kind(g, input.dtype)
    of_one_kind(g, input.dtype)
    input = input.to(g.dtype)
    g, out = unsqueezed(g, dims, keepdim), unsqueezed(out, dims, keepdim)
    if input._array is not None and not (input == 0).any():
        return g * conj(out / input)
    if whole and not state.enabled and input._array is not None and (input == 0).sum() > 1:
        return input.new_zeros(shape)
    if len(dims) > 1:
        flat = input.reshape(-1)
        return (g.reshape(()) * conj(_others(flat, 0))).reshape(shape)
    return g * conj(_others(input, dims[0]))


def _others(x: Tensor, dim: int) -> Any:
    """Product of all other elements along dim: what stands before times what stands after."""
    from flambeau.ops.joining import cat

    n = shape_of(x)[dim]
    if n == 1:
        return x.new_ones(shape_of(x))
    one = x.new_ones(kept(shape_of(x), (dim,)))
    before = cat([one, x.narrow(dim, 0, n - 1)], dim).cumprod(dim)
    after = cat([one, x.narrow(dim, 1, n - 1).flip(dim)], dim).cumprod(dim).flip(dim)
    return before * after


@primitive(
    "prod(Tensor input, *, torch.dtype? dtype=None)",
    "prod(Tensor input, int dim, bool keepdim=False, *, torch.dtype? dtype=None, Tensor out=None)",
    cpu=lambda x, dims, keepdim, half, whole, order, copied: cpu.product(x, dims, keepdim, half, order, copied),
    grad=product_gradient,
    out_text=structured_out,
)
def prod(
    input: Tensor, dim: Any = None, keepdim: bool = False, dtype: dtype | None = None, out: Tensor | None = None
) -> Launch:
    """Product of the elements, over all dims or one; integers multiply in int64."""
    dims, shape = reduced(input, dim, keepdim)
    d = accumulated(input, dtype, out)
    refuse("prod_out_cpu", d, ~SUMMABLE, 0 not in shape_of(input))
    node = None if dim is None else "ProdBackward1"
    half = d is dtypes.float16
    have = shape_of(input)
    steps = iterated_strides(have, [memory(input).strides])
    order = tuple(sorted(range(len(have)), key=lambda i: -steps[i]))
    return Launch(
        (input,), shape, d, node=node, compute=d, dims=dims, keepdim=keepdim, half=half, whole=dim is None,
        order=order, copied=d is not input.dtype,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------ truth


def _truth(name: str, kernel: Any, doc: str) -> Any:
    def body(input: Tensor, dim: Any = None, keepdim: bool = False, out: Tensor | None = None) -> Launch:
        if out is not None and out.dtype not in (dtypes.bool_, dtypes.uint8):
            raise RuntimeError(f"{name} only supports bool tensor for result, got: {out.dtype.type_name}")
        shape = shape_of(input)
        dims = wrapped(dim, len(shape), empty="none")
        d = out.dtype if out is not None else dtypes.uint8 if input.dtype is dtypes.uint8 else dtypes.bool_
        made = reduced_shape(shape, dims, keepdim)
        if d is not dtypes.uint8 or 0 in shape or product_of(shape) == 1:
            return Launch((input,), made, d, dims=dims, keepdim=keepdim)
        # PyTorch converts to the result's dtype first, to which a half and 256 are zeros
        warn_of_lost_parts(input.dtype, d, shape)
        return Launch((input,), made, d, compute=d, dims=dims, keepdim=keepdim)

    body.__doc__ = doc
    return primitive(
        f"{name}(Tensor input, *, Tensor out=None)",
        f"{name}(Tensor input, tuple of ints? dim=None, bool keepdim=False, *, Tensor out=None)",
        f"{name}(Tensor input, int dim, bool keepdim=False, *, Tensor out=None)",
        cpu=kernel,
    )(body)


any = _truth("any", cpu.any_of, "Whether an element is not zero, over all dims or those in dim; NaN is not zero.")
all = _truth("all", cpu.all_of, "Whether every element is not zero, over all dims or those in dim.")


@primitive(
    "count_nonzero(Tensor input, int? dim=None)",
    "count_nonzero(Tensor input, tuple of ints dim)",
    cpu=cpu.count_nonzero,
)
def count_nonzero(input: Tensor, dim: Any = None) -> Launch:
    """Number of elements that are not zero, over all dims or those in dim."""
    dims, shape = reduced(input, dim, False)
    if input.dtype in BAREBONES_UNSIGNED and dim in (None, ()):
        not_implemented_for("nonzero_count_cpu", input.dtype)
    if input.dtype is dtypes.complex32 and dim not in (None, ()):
        warn_of_complex_half()  # of the zero that PyTorch compares with along a dim
    return Launch((input,), shape, dtypes.int64, dims=dims)


# ------------------------------------------------------------------------------------------ the diagonal


@internal(tensors=("g",), cpu=cpu.diagonal_matrix, grad=lambda g: g.trace())
def diagonal_matrix(g: Tensor, shape: Shape) -> Launch:
    """Zeros with one number on the diagonal: the gradient of a trace."""
    return Launch((g,), shape, g.dtype, shape=shape)


@primitive("trace(Tensor input)", cpu=cpu.trace, grad=lambda g, input_shape: diagonal_matrix(g, input_shape))
def trace(input: Tensor) -> Launch:
    """Sum of the diagonal of a matrix."""
    rank = len(shape_of(input))
    check(rank == 2, f"trace: expected a matrix, but got tensor with dim {rank}")
    d = input.dtype
    if not d.bit & SUMMABLE or d is dtypes.bool_:
        not_implemented_for("trace", d)
    return Launch((input,), (), dtypes.int64 if d.category < dtypes.FLOATING else d)


@composite("sum_to_size(Tensor input, tuple of ints size)", function=False)
def sum_to_size(input: Tensor, size: Shape) -> Tensor:
    """Sum over the dims that broadcasting `size` to this shape would add. Raises RuntimeError if it does not."""
    have = shape_of(input)
    lead = len(have) - len(size)
    check(
        lead >= 0 and _every(n in (1, h) for n, h in zip(size, have[lead:], strict=True)),
        f"size {{{list(size)}}} is not expandable to size {{{list(have)}}}.",
    )
    dims = tuple(d for d, n in enumerate(have) if d < lead or (size[d - lead] == 1 != n))
    if not dims:
        return input
    summed = sum(input, dims, True)
    return summed.reshape(size) if lead else summed


def _every(conditions: Any) -> bool:
    return False not in conditions

"""Largest, smallest, middle and most frequent elements."""

from __future__ import annotations

import math
from typing import Any

from flambeau import dtypes, return_types
from flambeau.cpu import extreme as cpu
from flambeau.declare import ANY, composite, internal, primitive, several
from flambeau.dtypes import BAREBONES_UNSIGNED, COMPLEXES, dtype, mask
from flambeau.elementwise import result_type
from flambeau.errors import cannot_cast, check, expect_out, legacy_type, not_implemented_for, refuse
from flambeau.geometry import broadcast, wrap_dim
from flambeau.numeric_limits import iinfo
from flambeau.operation import Launch, joint
from flambeau.ops.reductions import reduced, reduced_shape, runs_kernel
from flambeau.ops.rules import choose, unsqueezed
from flambeau.ops.selection import maximum, minimum
from flambeau.ops.sorting import told_with_dim
from flambeau.tensor import Tensor, shape_of

ORDERED = ANY & ~mask(*COMPLEXES, *BAREBONES_UNSIGNED)
NUMBERS = ORDERED & ~mask(dtypes.bool_)


# ------------------------------------------------------------------------------------------ what the rules share


def spread_evenly(g: Tensor, input: Tensor, out: Tensor) -> Any:
    """The gradient of one element found among all: shared by the elements equal to it, NaN equalling NaN."""
    wins = choose(out.isnan(), input.isnan(), input == out)
    return wins * (g / wins.sum())


def spread_over_ties(g: Tensor, input: Tensor, out: Tensor, dims: tuple[int, ...], keepdim: bool) -> Any:
    """The gradient of elements found over dims: shared by the elements equal to them."""
    g, out = unsqueezed(g, dims, keepdim), unsqueezed(out, dims, keepdim)
    wins = input == out
    return (g / wins.sum(dims, True)) * wins


def to_selected(g: Tensor, input_shape: Any, indices: Tensor, dim: int, keepdim: bool) -> Any:
    """The gradient of elements picked along dim: each goes to where its element stood."""
    if not input_shape:
        return g
    if not keepdim:
        g, indices = g.unsqueeze(dim), indices.unsqueeze(dim)
    return g.new_zeros(input_shape).scatter(dim, indices, g)


def _dim_of(input: Tensor, dim: int, name: str) -> int:
    """dim counted from the front. Raises IndexError out of range and where it is empty."""
    shape = shape_of(input)
    d = wrap_dim(dim, len(shape))
    check(not shape or shape[d] != 0, f"{name}(): Expected reduction dim {d} to have non-zero size.", IndexError)
    return d


def _along(input: Tensor, dim: int, keepdim: bool, **params: Any) -> Launch:
    """A kernel that answers values and indices along dim."""
    shape = shape_of(input)
    made = reduced_shape(shape, (dim,) if shape else (), keepdim)
    return Launch((input,), [made, made], [input.dtype, dtypes.int64], dim=dim, keepdim=keepdim, **params)


def _check_numel(input: Tensor, name: str, kind: type[Exception] = RuntimeError, end: str = "") -> None:
    check(
        0 not in shape_of(input),
        f"{name}(): Expected reduction dim to be specified for input.numel() == 0.{end}",
        kind,
    )


_SPECIFY = " Specify the reduction dim with the 'dim' argument."


# ------------------------------------------------------------------------------------------ max and min


def _least(d: dtype) -> Any:
    """The least value of a dtype."""
    return False if d is dtypes.bool_ else -math.inf if d.is_floating_point else iinfo(d).min


def _greatest(d: dtype) -> Any:
    """The greatest value of a dtype."""
    return True if d is dtypes.bool_ else math.inf if d.is_floating_point else iinfo(d).max


def _extreme(name: str, whole_kernel: Any, dim_kernel: Any, pairwise: Any, extreme_of_none: Any) -> Any:
    answer = getattr(return_types, name)

    @internal(name=f"{name}.all", tensors=("input",), cpu=whole_kernel, node=f"{name.title()}Backward1",
              grad=spread_evenly)  # fmt: skip
    def whole(input: Tensor) -> Launch:
        _check_numel(input, name, end=_SPECIFY)
        if not input.dtype.bit & ORDERED:
            not_implemented_for(f"{name}_all", input.dtype)
        return Launch((input,), (), input.dtype, dims=tuple(range(len(shape_of(input)))), keepdim=False)

    @internal(name=f"{name}.dim", tensors=("input",), cpu=dim_kernel, node=f"{name.title()}Backward0",
              grad=to_selected, outputs=("values", "indices"), differentiable=1, results=answer)  # fmt: skip
    def along(input: Tensor, dim: int, keepdim: bool, out: Any) -> Launch:
        d = _dim_of(input, dim, name)
        check(not input.dtype.is_complex, f"{name}(): does not support complex input")
        shape = shape_of(input)
        expect_out(out, input.dtype, dtypes.int64, shape=reduced_shape(shape, (d,) if shape else (), keepdim))
        refuse(f"{name}_cpu", input.dtype, ~ORDERED, runs_kernel(shape))
        return _along(input, d, keepdim)

    def body(
        input: Tensor, dim: int | None = None, keepdim: bool = False, other: Tensor | None = None, out: Any = None
    ) -> Any:
        if other is not None:
            if out is not None and not (input.dtype.is_complex or other.dtype.is_complex):
                # whether out= can hold the result matters before whether the kernel knows its dtype
                broadcast(shape_of(input), shape_of(other))
                found = result_type(input, other)
                if not dtypes.can_cast(found, out.dtype):
                    cannot_cast(found, out.dtype)
            return pairwise(input, other)
        if dim is None:
            if out is not None:
                text = "typeMetaToScalarType(self.dtype()), typeMetaToScalarType(out.dtype())"
                check(
                    dtypes.can_cast(input.dtype, out.dtype),
                    f"Expected canCast( {text}) to be true, but got false.  (Could this error message be improved?  "
                    "If so, please report an enhancement request to PyTorch.)",
                )
                if 0 in shape_of(input):
                    # only with out= does PyTorch know an answer for nothing
                    refuse(f"{name}_all", input.dtype, ~ORDERED)
                    return input.new_full((), extreme_of_none(input.dtype))
            return whole(input)
        return along(input, dim, keepdim, out)

    word = "Largest" if name == "max" else "Smallest"
    body.__doc__ = (
        f"{word} element of all; with dim along it, together with where the first of them stands; with another tensor "
        f"the {word.lower().removesuffix('est')}er of both at each place. NaN counts as {word.lower()}."
    )
    return composite(
        f"{name}(Tensor input, *, Tensor out=None)",
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        f"{name}(Tensor input, int dim, bool keepdim=False, *, tuple of Tensors[2] out=None)",
    )(body)


max = _extreme("max", cpu.amax, cpu.max_dim, maximum, _least)
min = _extreme("min", cpu.amin, cpu.min_dim, minimum, _greatest)


def _values(name: str, kernel: Any, word: str) -> Any:
    def body(input: Tensor, dim: Any = None, keepdim: bool = False, out: Tensor | None = None) -> Launch:
        if out is not None:
            check(
                out.dtype is input.dtype,
                "Expected the dtype for input and out to match, but got "
                f"{input.dtype.type_name} for input's dtype and {out.dtype.type_name} for out's dtype.",
            )
        shape = shape_of(input)
        if dim is None or dim == ():
            _check_numel(input, name, end=_SPECIFY)
        elif 0 in shape:
            for d in (dim,) if isinstance(dim, int) else dim:
                text = f"{name}(): Expected reduction dim {d} to have non-zero size."
                check(shape[wrap_dim(d, len(shape))] != 0, text, IndexError)
        dims, made = reduced(input, dim, keepdim)
        if not input.dtype.bit & ORDERED and 0 not in shape:
            not_implemented_for(f"{name[1:]}_values_cpu", input.dtype)
        return Launch((input,), made, input.dtype, dims=dims, keepdim=keepdim)

    body.__doc__ = f"{word} element over all dims or those in dim; its gradient is shared by equal elements."
    return primitive(
        f"{name}(Tensor input, tuple of ints[1] dim=None, bool keepdim=False, *, Tensor out=None)",
        cpu=kernel,
        grad=spread_over_ties,
    )(body)


amax = _values("amax", cpu.amax, "Largest")
amin = _values("amin", cpu.amin, "Smallest")


def _aminmax_gradient(
    g: Any, needs: Any, input: Tensor, min: Tensor, max: Tensor, dims: tuple[int, ...], keepdim: bool
) -> Any:
    parts = [
        spread_over_ties(part, input, found, dims, keepdim)
        for part, found in zip(g, (min, max), strict=True)
        if part is not None
    ]
    return [parts[0] if len(parts) == 1 else parts[0] + parts[1]]


@several(
    "aminmax(Tensor input, *, int? dim=None, bool keepdim=False, tuple of Tensors[2] out=None)",
    cpu=cpu.aminmax,
    grad=joint(_aminmax_gradient),
    outputs=("min", "max"),
    results=return_types.aminmax,
)
def aminmax(input: Tensor, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Launch:
    """Smallest and largest element, over all dims or one."""
    shape = shape_of(input)
    if dim is None:
        check(
            0 not in shape,
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.",
        )
    else:
        d = wrap_dim(dim, len(shape))
        check(not shape or shape[d] != 0, f"aminmax: Expected reduction dim {d} to have non-zero size.", IndexError)
    dims, made = reduced(input, dim, keepdim)
    expect_out(out, input.dtype, input.dtype, shape=made)
    if dim is not None and not shape:
        check(not input.dtype.is_complex, f"aminmax not implemented for {input.dtype.type_name}")
    refuse("aminmax_cpu", input.dtype, ~ORDERED, dim is None or shape)
    return Launch((input,), [made, made], [input.dtype, input.dtype], dims=dims, keepdim=keepdim)


def _position(name: str, kernel: Any, word: str) -> Any:
    def body(input: Tensor, dim: int | None = None, keepdim: bool = False, out: Tensor | None = None) -> Launch:
        shape = shape_of(input)
        check(not input.dtype.is_complex, f"{name}(): does not support complex input")
        check(input.dtype is not dtypes.bool_, f"{name}(): does not support bool input")
        if dim is None:
            _check_numel(input, name, IndexError)
        else:
            dim = _dim_of(input, dim, name)
        expect_out(out, dtypes.int64)
        # the one element of a dim of size one is the answer without being looked at
        looked_at = 0 not in shape and (dim is None or not shape or shape[dim] != 1)
        refuse(f"{name}_cpu", input.dtype, ~NUMBERS, looked_at)
        dims = tuple(range(len(shape))) if dim is None else (dim,)
        made = reduced_shape(shape, dims if shape else (), keepdim)
        return Launch((input,), made, dtypes.int64, dim=dim if shape else None, keepdim=keepdim)

    body.__doc__ = f"Where the first {word} element stands, along dim or in row-major order of all."
    return primitive(
        f"{name}(Tensor input, int? dim=None, bool keepdim=False, *, Tensor out=None)",
        cpu=kernel,
    )(body)


argmax = _position("argmax", cpu.argmax, "largest")
argmin = _position("argmin", cpu.argmin, "smallest")


# ------------------------------------------------------------------------------------------ middle and most frequent


def _check_median_out(out: Any, d: dtype) -> None:
    values, indices = out
    check(
        indices.dtype is dtypes.int64,
        f"Expected tensor for argument #1 'indices' to have scalar type Long; but got {legacy_type(indices.dtype)} "
        f"instead (while checking arguments for median)",
    )
    check(
        values.dtype is d,
        "Expected tensor for 'values' to have the same type as tensor for argument #2 'self'; but type "
        f"{legacy_type(values.dtype)} does not equal {legacy_type(d)} (while checking arguments for "
        "median)",
    )


def _median(name: str, ignore_nan: bool) -> Any:
    @internal(name=f"{name}.all", tensors=("input",), cpu=cpu.median, node=f"{name.title()}Backward0",
              grad=spread_evenly)  # fmt: skip
    def whole(input: Tensor) -> Launch:
        if not input.dtype.bit & NUMBERS and 0 not in shape_of(input):
            not_implemented_for("median_cpu", input.dtype)
        return Launch((input,), (), input.dtype, ignore_nan=ignore_nan)

    @internal(name=f"{name}.dim", tensors=("input",), cpu=cpu.median_dim, node=f"{name.title()}Backward1",
              grad=to_selected, outputs=("values", "indices"), differentiable=1,
              results=getattr(return_types, name))  # fmt: skip
    def along(input: Tensor, dim: int, keepdim: bool) -> Launch:
        d = _dim_of(input, dim, "median")
        if not input.dtype.bit & NUMBERS:
            not_implemented_for("median_out", input.dtype)
        return _along(input, d, keepdim, ignore_nan=ignore_nan)

    def body(input: Tensor, dim: int | None = None, keepdim: bool = False, out: Any = None) -> Any:
        if dim is None:
            return whole(input)
        if out is not None:
            wrap_dim(dim, len(shape_of(input)))
            _check_median_out(out, input.dtype)
        return along(input, dim, keepdim)

    body.__doc__ = (
        "The lower of the two middle elements of all, or along dim together with where it stands. "
        f"NaN {'are ignored' if ignore_nan else 'wins'}."
    )
    return composite(
        f"{name}(Tensor input)",
        f"{name}(Tensor input, int dim, bool keepdim=False, *, tuple of Tensors[2] out=None)",
    )(body)


median = _median("median", ignore_nan=False)
nanmedian = _median("nanmedian", ignore_nan=True)


@several(
    "mode(Tensor input, int dim=-1, bool keepdim=False, *, tuple of Tensors[2] out=None)",
    cpu=cpu.mode,
    grad=to_selected,
    outputs=("values", "indices"),
    differentiable=1,
    results=return_types.mode,
)
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, out: Any = None) -> Launch:
    """The most frequent element along dim, the smallest of those, and where it last stands."""
    if out is not None:
        for target, d, which in zip(out, (input.dtype, dtypes.int64), ("values", "indices"), strict=True):
            check(
                target.dtype is d,
                f"expected scalar type '{d.type_name}' but got '{target.dtype.type_name}' for {which} output",
            )
    along = _dim_of(input, dim, "mode")
    refuse("mode_cpu", input.dtype, ~ORDERED, runs_kernel(shape_of(input)))
    return _along(input, along, keepdim)


mode.op.told = told_with_dim(always=True)

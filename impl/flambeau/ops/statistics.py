"""Variances, standard deviations and quantiles."""

from __future__ import annotations

import math
from typing import Any

from flambeau import dtypes
from flambeau.cpu import statistics as cpu
from flambeau.cpu.reduce import count_of
from flambeau.declare import composite, internal, several
from flambeau.dtypes import dtype
from flambeau.errors import cannot_cast, check, not_implemented_for
from flambeau.geometry import wrap_dim
from flambeau.operation import Launch, joint
from flambeau.ops.reductions import reduced
from flambeau.ops.rules import choose, restore, unsqueezed
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn


def _centred_gradient(g: Any, dims: tuple[int, ...]) -> Any:
    return centred(g, dims)


@internal(tensors=("input",), cpu=cpu.centred, grad=_centred_gradient)
def centred(input: Tensor, dims: tuple[int, ...]) -> Launch:
    """The distances from the mean over dims, rounded once: it is small where the elements are large and alike."""
    return Launch((input,), shape_of(input), input.dtype, dims=dims)


def _var_gradient(
    g: Any, input: Tensor, dims: tuple[int, ...], keepdim: bool, correction: float, whole: bool, count: int
) -> Any:
    """2 (x - mean) g / (count - correction)."""
    left = count - correction
    if whole and left <= 0:
        middle = input.mean()
        return g * choose(input == middle, math.nan, math.inf)
    if not left:
        # infinite, but for elements at the rounded mean
        return unsqueezed(g, dims, keepdim) * math.inf * (input - input.mean(dims, True))
    factor = 2.0 / left
    return unsqueezed(g, dims, keepdim) * factor * centred(input, dims)


def _std_gradient(
    g: Any, input: Tensor, out: Tensor, dims: tuple[int, ...], keepdim: bool, correction: float, whole: bool, count: int
) -> Any:
    """The gradient of the variance by way of the root; zero where the deviation is zero."""
    halved = choose(out == 0, 0.0, g / (out * 2))
    return _var_gradient(halved, input, dims, keepdim, correction, whole, count)


def _with_mean(first_gradient: Any) -> Any:
    def rule(
        g: Any, needs: Any, input: Tensor, deviation: Tensor, dims: tuple[int, ...], keepdim: bool, correction: float,
        whole: bool, count: int,
    ) -> Any:  # fmt: skip
        of_first, of_mean = g
        found = None
        if of_first is not None:
            found = first_gradient(of_first, input, deviation, dims, keepdim, correction, whole, count)
        if of_mean is not None:
            part = restore(of_mean / (count_of(shape_of(input), dims) or 1), shape_of(input), dims, keepdim)
            found = part if found is None else found + part
        return [found]

    return joint(rule)


def _check_out(name: str, own: dtype, out: dtype, empty: bool, single: bool) -> None:
    """Raise as PyTorch's kernels do for the dtypes of out= that they do not write; one is for single results."""
    parts = out.to_real() if own.is_complex else out
    half = (dtypes.float16, dtypes.bfloat16)
    if single and not empty:
        text = f"std_var_all: Unsupported dtype {own.to_real().type_name}"
        check(own.to_real() not in half or parts in half, text)
    if own.is_complex and out is dtypes.complex32 and name == "std":
        not_implemented_for("sqrt_vml_cpu", out)
    if not single and not empty and out.is_complex and not own.is_complex:
        not_implemented_for("std_cpu", out)


def _declare(name: str, kernel: Any, grad: Any, doc: str, *, with_mean: bool) -> Any:
    def body(
        input: Tensor, dim: Any = None, unbiased: bool = True, correction: Any = None, keepdim: bool = False,
        out: Tensor | None = None,
    ) -> Launch:  # fmt: skip
        real = input.dtype.to_real()
        text = f"{name} only" if with_mean else "std and var only"
        check(input.dtype.category >= dtypes.FLOATING, f"{text} support floating point and complex dtypes")
        if isinstance(correction, complex):
            check(not correction.imag, "value cannot be converted to type double without overflow")
            correction = correction.real
        less = float(unbiased) if correction is None else float(correction)
        dims, shape = reduced(input, dim, keepdim, in_turn=True)
        if out is not None and out.dtype.category < dtypes.FLOATING:
            cannot_cast(real, out.dtype)
        # PyTorch counts no elements where there is no result to warn of
        if (0 if 0 in shape else count_of(shape_of(input), dims)) - less <= 0:
            warn(
                f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
                "(input numel divided by output numel).",
                "aten/src/ATen/native/ReduceOps.cpp:1861",
            )
        d: Any = real
        made: Any = shape
        if with_mean:
            d, made = [real, input.dtype], [shape, shape]
        elif out is not None:
            d = out.dtype
            _check_out(name, input.dtype, d, 0 in shape_of(input), math.prod(shape) == 1)
        # of complex numbers into complex results PyTorch takes the complex root, which makes all of a NaN
        joined = input.dtype.is_complex and not with_mean and d.is_complex
        whole = dim is None or not shape_of(input)
        # PyTorch's derivative takes an empty list of dims for no dims, its value for all
        among = () if dim == () and not whole else dims
        return Launch(
            (input,), made, d, dims=dims, keepdim=keepdim, correction=less, whole=whole,
            count=count_of(shape_of(input), among), joined=joined,
        )  # fmt: skip

    def run(x: Any, dims: Any, keepdim: bool, correction: float, whole: bool, count: int, joined: bool) -> Any:
        found = kernel(x, dims, keepdim, correction)
        return cpu.complex_root(found) if joined and name == "std" else found

    body.__doc__ = f"{doc}, over all dims or those in dim. Raises RuntimeError for integers."
    out = "" if with_mean else ", Tensor out=None"
    end = "" if with_mean else ", *, Tensor out=None"
    return several(
        f"{name}(Tensor input, tuple of ints[1]? dim, bool unbiased=True, bool keepdim=False{end})",
        f"{name}(Tensor input, tuple of ints[1]? dim=None, *, Number? correction=None, bool keepdim=False{out})",
        f"{name}(Tensor input, bool unbiased=True)",
        cpu=run,
        grad=grad,
        outputs=("deviation", "mean") if with_mean else ("out",),
        method=not with_mean,
    )(body)


var = _declare("var", cpu.var, _var_gradient, "Variance", with_mean=False)
std = _declare("std", cpu.std, _std_gradient, "Standard deviation", with_mean=False)
var_mean = _declare(
    "var_mean", cpu.var_mean,
    _with_mean(lambda g, x, deviation, *rest: _var_gradient(g, x, *rest)), "Variance and mean", with_mean=True,
)  # fmt: skip
std_mean = _declare("std_mean", cpu.std_mean, _with_mean(_std_gradient), "Standard deviation and mean", with_mean=True)


# ------------------------------------------------------------------------------------------ quantiles

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _check_quantile(input: Tensor, q: Any, interpolation: str, out: Tensor | None) -> None:
    check(0 not in shape_of(input), "quantile() input tensor must be non-empty")
    if isinstance(q, Tensor):
        check(len(shape_of(q)) <= 1, "quantile() q must be a scalar or 1D tensor")
    check(
        input.dtype in (dtypes.float32, dtypes.float64), "quantile() input tensor must be either float or double dtype"
    )
    if isinstance(q, Tensor):
        check(q.dtype is input.dtype, "quantile() q tensor must be same dtype as the input tensor")
    check(
        interpolation in _INTERPOLATIONS,
        f"quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}",
    )
    check(out is None or out.dtype is input.dtype, "quantile() out tensor must be same dtype as the input tensor")


def _quantile(name: str, ignore_nan: bool) -> Any:
    def body(
        input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, interpolation: str = "linear",
        out: Tensor | None = None,
    ) -> Any:  # fmt: skip
        if not isinstance(q, Tensor):
            check(0 <= q <= 1, f"quantile() q must be in the range [0, 1] but got {q:g}")
            q = input.new_full((), q)
            _check_quantile(input, q, interpolation, out)
        else:
            _check_quantile(input, q, interpolation, out)
            check(bool(((q >= 0) & (q <= 1)).all()), "quantile() q values must be in the range [0, 1]")
        shape = shape_of(input)
        rank = len(shape)
        along = None if dim is None else wrap_dim(dim, rank)
        rows: Any = input.reshape(-1) if along is None or not rank else input.movedim(along, -1)
        rest = shape_of(rows)[:-1]
        ordered = rows.sort(-1)[0].unsqueeze(-2) if rest else rows.sort(-1)[0].unsqueeze(0)
        nan = ordered.isnan()
        last = ordered.size(-1) - 1
        wanted = q.reshape(-1, 1)
        if ignore_nan:
            places = wanted * (nan.logical_not().sum(-1, True) - 1)
            places = places.clamp(min=0)
        else:
            places = choose(nan.any(-1, keepdim=True), float(last), wanted * last)
        # (..., q, n) and (..., q, 1)
        ordered = ordered.expand(*rest, shape_of(wanted)[0], last + 1)
        places = places.expand(*rest, shape_of(wanted)[0], 1)
        found = _interpolated(ordered, places, interpolation).movedim(-2, 0)
        if keepdim:
            left = [1] * rank if along is None else [1 if d == along else n for d, n in enumerate(shape)]
            found = found.reshape(shape_of(found)[0], *left, 1)
        if not shape_of(q):
            found = found.squeeze(0)
        return found.squeeze_(-1)

    body.__doc__ = (
        "Quantiles q of the elements, over all dims or one, between neighbours by interpolation. "
        f"NaN {'are ignored' if ignore_nan else 'win'}. Raises RuntimeError for other dtypes than float32 and float64."
    )
    return composite(
        *[
            f'{name}(Tensor input, {kind} q, int? dim=None, bool keepdim=False, *, str interpolation="linear", '
            "Tensor out=None)"
            for kind in ("Tensor", "float")
        ]
    )(body)


def _interpolated(ordered: Any, places: Any, interpolation: str) -> Any:
    """Elements at fractional places of sorted rows."""
    if interpolation in ("lower", "higher", "nearest"):
        rounding = {"lower": "floor", "higher": "ceil", "nearest": "round"}[interpolation]
        return ordered.gather(-1, getattr(places, rounding)().long())
    below = places.long()
    weight = 0.5 if interpolation == "midpoint" else places - below
    return ordered.gather(-1, below).lerp(ordered.gather(-1, places.ceil().long()), weight)


quantile = _quantile("quantile", ignore_nan=False)
nanquantile = _quantile("nanquantile", ignore_nan=True)

"""Rounding, signs, and what else moves a number to one nearby."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import rounding as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL
from flambeau.cuda.cpp import FLOATING as FLOATING_NAMES
from flambeau.declare import ANY, composite, elementwise, primitive
from flambeau.dtypes import COMPLEX, COMPLEXES, FLOATING, FLOATS, NATIVE_FLOAT, bool_, dtype, mask
from flambeau.elementwise import TO_REAL, result_type
from flambeau.errors import check, found_out, not_implemented_for
from flambeau.geometry import broadcast
from flambeau.operation import Launch
from flambeau.ops.arithmetic import NO_DERIVATIVE, WITHOUT_UNSIGNED
from flambeau.ops.rules import absolute, choose, conj, imag, is_complex, no_derivative, zero_rule, zeros_like
from flambeau.ops.rules import sign as sign_of
from flambeau.tensor import Tensor, bump, shape_of

ROUNDED = ANY & ~mask(bool_, *COMPLEXES)
REAL_FLOAT = NATIVE_FLOAT & ~mask(*COMPLEXES)


def _rounding(name: str, doc: str, *, numpy: Any, aliases: tuple[str, ...] = ()) -> None:
    def body(input: Tensor) -> None: ...

    def refuse(input: Tensor) -> None:
        if input.dtype.category == COMPLEX:
            raise NotImplementedError(f"{name} is not supported for complex inputs")

    body.__doc__ = doc
    elementwise(
        f"{name}(Tensor input, *, Tensor out=None)",
        numpy=cpu.of_floats(numpy),
        fast=numpy,
        cuda=f"{name}(x)",
        grad=zero_rule,
        accept=ROUNDED,
        refusal=f"{name}_vml_cpu",
        check=refuse,
        native=REAL_FLOAT,
        out_text=found_out,
        inplace=True,
        inplace_function=True,
        aliases=aliases,
    )(body)


_rounding("floor", "The largest integer that is not greater.", numpy=np.floor)
_rounding("ceil", "The least integer that is not less.", numpy=np.ceil)
_rounding("trunc", "The integer part.", numpy=np.trunc, aliases=("fix",))


def _check_round(input: Tensor, *, decimals: int | None) -> Mapping[str, Any] | None:
    if decimals is None:
        return None
    if decimals == 0:
        return {"node": "RoundBackward1", "accept": mask(*FLOATS)}
    return {"node": "RoundBackward1", "refusal": "round_cpu", "accept": mask(*FLOATS)}


@elementwise(
    "round(Tensor input, *, Tensor out=None)",
    "round(Tensor input, *, int decimals, Tensor out=None)",
    numpy=cpu.round,
    fast=np.rint,
    cuda="round(x)",
    grad=zero_rule,
    accept=ROUNDED,
    refusal="round_vml_cpu",
    defaults={"decimals": None},
    check=_check_round,
    native=REAL_FLOAT,
    out_text=found_out,
    inplace=True,
    inplace_function=True,
)
def round(input: Tensor, *, decimals: int | None = None) -> None:
    """The nearest integer, halves to even; or the nearest multiple of 10^-decimals."""


@elementwise(
    "frac(Tensor input, *, Tensor out=None)",
    numpy=cpu.frac,
    cuda="frac(x)",
    grad=lambda g: g,
    accept=mask(*FLOATS),
    out_text=found_out,
    inplace=True,
    inplace_function=True,
)
def frac(input: Tensor) -> None:
    """What trunc leaves, with the element's sign."""


# ------------------------------------------------------------------------------------------ signs


def _check_abs(input: Tensor) -> Mapping[str, Any]:
    # of a complex tensor a real out= is converted to, a complex one must have the input's dtype
    def complex_out(result: dtype, out: dtype) -> str | None:
        return found_out(input.dtype, out) if out.is_complex and out is not input.dtype else None

    return {"out_text": complex_out if input.dtype.is_complex else found_out}


@elementwise(
    "abs(Tensor input, *, Tensor out=None)",
    numpy=cpu.absolute,
    fast=np.absolute,
    cuda="abs(x)",
    grad=lambda g, input: g * sign_of(input),
    promote=TO_REAL,
    accept=WITHOUT_UNSIGNED & ~bool_.bit,
    check=_check_abs,
    layout_kept=lambda input, out: out.dtype.is_complex or not input.dtype.is_complex,
    aliases=("absolute",),
)
def abs(input: Tensor) -> None:
    """Absolute value; of a complex number its length, which is real."""


@composite("abs_(Tensor input)")
def abs_(input: Tensor) -> Tensor:
    """In-place form of `abs`. Raises RuntimeError for complex tensors."""
    check(not input.dtype.is_complex, "In-place abs is not supported for complex tensors.")
    return abs.op.run_inplace(input, {})


@composite("absolute_(Tensor input)", function=False)
def absolute_(input: Tensor) -> Tensor:
    """In-place form of `absolute`."""
    return abs_(input)


def _check_sign(input: Tensor) -> None:
    if input.dtype.is_complex:
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        )


@elementwise(
    "sign(Tensor input, *, Tensor out=None)",
    numpy=cpu.sign,
    cuda="sign(x)",
    grad=zero_rule,
    accept=WITHOUT_UNSIGNED & ~mask(*COMPLEXES),
    check=_check_sign,
    out_text=found_out,
    inplace=True,
)
def sign(input: Tensor) -> None:
    """-1, 0 or 1."""


def _sgn_rule(g: Any, input: Any, out: Any) -> Any:
    if not is_complex(input):
        return zeros_like(g)
    length = absolute(input)
    # what of g is at right angles to out, over the length
    return choose(length == 0, 0, imag(g * conj(out)) / length * (out * 1j))


@elementwise(
    "sgn(Tensor input, *, Tensor out=None)",
    numpy=cpu.sign,
    cuda="sgn(x)",
    grad=_sgn_rule,
    accept=WITHOUT_UNSIGNED,
    refusal="sign_cpu",
    out_text=found_out,
    inplace=True,
)
def sgn(input: Tensor) -> None:
    """The sign; of a complex number x / |x|."""


# ------------------------------------------------------------------------------------------ near by


def _check_same_dtype(input: Tensor, values: Tensor) -> None:
    check(
        not input.dtype.is_complex and not values.dtype.is_complex,
        "heaviside is not yet implemented for complex tensors.",
    )
    check(
        input.dtype is values.dtype,
        "heaviside is not yet implemented for tensors with different dtypes.",
    )


@elementwise(
    "heaviside(Tensor input, Tensor values, *, Tensor out=None)",
    numpy=cpu.heaviside,
    cuda="heaviside(x, y)",
    grad=(no_derivative("heaviside"), no_derivative("heaviside")),
    raw=False,
    accept=WITHOUT_UNSIGNED & ~mask(*COMPLEXES),
    check=_check_same_dtype,
    node=NO_DERIVATIVE,
    inplace=True,
)
def heaviside(input: Tensor, values: Tensor) -> None:
    """The step function: 0 below zero, 1 above, values at zero."""


@primitive(
    "nextafter(Tensor input, Tensor other, *, Tensor out=None)",
    cpu=cpu.nextafter,
    cuda=Body("nextafter(x, y)", FLOATING_NAMES, moves=True),
    grad=(lambda g, input, other: choose(input == other, 0, g), lambda g: zeros_like(g)),
    moves=True,
    iterated=True,
    inplace=True,
)
def nextafter(input: Tensor, other: Tensor) -> Launch:
    """The next number of the dtype, from input towards other."""
    shape = broadcast(shape_of(input), shape_of(other))
    d = result_type(input, other)
    if d.category != FLOATING:
        not_implemented_for("nextafter_cpu", d)
    return Launch((input, other), shape, d, target=d)


@primitive(
    "nan_to_num(Tensor input, float? nan=None, float? posinf=None, float? neginf=None, *, Tensor out=None)",
    cpu=cpu.nan_to_num,
    cuda=Body("nan_to_num(x, nan, posinf, neginf)", ALL, params=("nan", "posinf", "neginf")),
    grad=lambda g, input: g * input.isfinite(),
    iterated=True,
)
def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    out: Tensor | None = None,
) -> Launch:
    """NaN and the infinities replaced, by zero and the largest numbers of the dtype unless others are given."""
    d = input.dtype
    if out is not None and out.dtype is not d:
        raise RuntimeError(f"nan_to_num: dtype of out: {out.dtype.type_name} should be same as input: {d.type_name}")
    if d is dtypes.complex32:
        not_implemented_for("nan_to_num", d)
    return Launch((input,), shape_of(input), d, of=d.to_real(), nan=nan, posinf=posinf, neginf=neginf)


nan_to_num.op.layout_kept = lambda input, out: input.dtype.category >= FLOATING


@composite("nan_to_num_(Tensor input, float? nan=None, float? posinf=None, float? neginf=None)")
def nan_to_num_(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """In-place form of `nan_to_num`; integers stay, even where an element is named twice."""
    if input.dtype.category < FLOATING:
        bump(input)
        return input
    return nan_to_num.op.run_inplace(input, {"nan": nan, "posinf": posinf, "neginf": neginf})

"""Addition, subtraction, multiplication, division and what is left of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import pointwise as cpu
from flambeau.declare import ANY, composite, elementwise
from flambeau.dtypes import BAREBONES_UNSIGNED, COMPLEXES, NATIVE_FLOAT, NATIVE_INTEXACT, mask
from flambeau.elementwise import INT_TO_FLOAT, SAME, result_type
from flambeau.errors import check, check_fits, cpp_name, found_out
from flambeau.ops.rules import conj, no_derivative, scaled, zeros_like
from flambeau.recording import unchanged
from flambeau.tensor import Tensor, shape_of

WITHOUT_UNSIGNED = ANY & ~mask(*BAREBONES_UNSIGNED)
ORDERED = WITHOUT_UNSIGNED & ~mask(dtypes.bool_, *COMPLEXES)
NOT_HALF_COMPLEX = ANY & ~mask(dtypes.complex32)
# sums of complex numbers go by alpha, see cpu.scaled
REAL_NATIVE = (NATIVE_FLOAT | NATIVE_INTEXACT) & ~mask(*COMPLEXES)
NO_DERIVATIVE = "NotImplemented"


def check_alpha(input: Any, other: Any, alpha: Any) -> None:
    """Refuse an alpha of a higher category than the operands."""
    if type(alpha) is int and alpha == 1:
        return
    common = result_type(input, other)
    check(common is dtypes.bool_ or type(alpha) is not bool, "Boolean alpha only supported for Boolean results.")
    check(
        common.category >= dtypes.FLOATING or not isinstance(alpha, float | complex),
        "For integral input tensors, argument alpha must not be a floating point number.",
    )
    check(
        common.is_complex or not isinstance(alpha, complex),
        "For non-complex input tensors, argument alpha must not be a complex number.",
    )


def _check_sub(input: Any, other: Any, *, alpha: Any) -> None:
    kinds = [t.dtype if isinstance(t, Tensor) else dtypes.of_scalar(t) for t in (input, other)]
    check(
        not all(d is dtypes.bool_ for d in kinds),
        "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
        "operator instead.",
    )
    check(
        dtypes.bool_ not in kinds,
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use "
        "the `~` or `logical_not()` operator instead.",
    )
    check_alpha(input, other, alpha=alpha)


@elementwise(
    "add(Tensor|Number input, Tensor|Number other, *, Number alpha=1, Tensor out=None)",
    "add(Tensor|Number input, Number alpha, Tensor|Number other, *, Tensor out=None)|deprecated",
    numpy=cpu.add,
    native=WITHOUT_UNSIGNED & REAL_NATIVE,
    fast=np.add,
    cuda="x + alpha * y",
    grad=(unchanged, lambda g, alpha: scaled(g, alpha)),
    defaults={"alpha": 1},
    check=check_alpha,
    accept=WITHOUT_UNSIGNED,
    refusal="add_stub",
    inplace=True,
)
def add(input: Tensor, other: Tensor, *, alpha: Any = 1) -> None:
    """input + alpha · other, broadcasting and promoting."""


@elementwise(
    "sub(Tensor|Number input, Tensor|Number other, *, Number alpha=1, Tensor out=None)",
    "sub(Tensor|Number input, Number alpha, Tensor|Number other, *, Tensor out=None)|deprecated",
    numpy=cpu.subtract,
    native=WITHOUT_UNSIGNED & REAL_NATIVE,
    fast=np.subtract,
    cuda="x - alpha * y",
    grad=(unchanged, lambda g, alpha: -scaled(g, alpha)),
    defaults={"alpha": 1},
    check=_check_sub,
    accept=WITHOUT_UNSIGNED,
    refusal="add_stub",
    inplace=True,
    aliases={
        "subtract": (
            "subtract(Tensor|Number input, Tensor|Number other, *, Number alpha=1, Tensor out=None)",
            "subtract(Tensor|Number input, Number other, Number alpha=1)",
        )
    },
)
def sub(input: Tensor, other: Tensor, *, alpha: Any = 1) -> None:
    """input - alpha · other, broadcasting and promoting."""


def _check_rsub(input: Any, other: Any, *, alpha: Any) -> Mapping[str, Any]:
    _check_sub(other, input, alpha=alpha)
    return {"common": result_type(other, input)}


@elementwise(
    "rsub(Tensor input, Tensor other, *, Number alpha=1)",
    "rsub(Tensor input, Number other, Number alpha=1)",
    numpy=lambda x, y, alpha: cpu.subtract(y, x, alpha),
    fast=lambda x, y: np.subtract(y, x),
    cuda="y - alpha * x",
    grad=(lambda g, alpha: -scaled(g, alpha), unchanged),
    defaults={"alpha": 1},
    check=_check_rsub,
    accept=WITHOUT_UNSIGNED,
    refusal="add_stub",
    native=WITHOUT_UNSIGNED & REAL_NATIVE,
    node=("RsubBackward0", "RsubBackward1"),
    method=False,
)
def rsub(input: Tensor, other: Tensor, *, alpha: Any = 1) -> None:
    """other - alpha · input, broadcasting and promoting."""


rsub.op.reversed_layout = True


@elementwise(
    "mul(Tensor|Number input, Tensor|Number other, *, Tensor out=None)",
    numpy=np.multiply,
    cuda="x * y",
    grad=(lambda g, other: g * conj(other), lambda g, input: g * conj(input)),
    opmath=True,
    inplace=True,
    aliases={
        "multiply": (
            "multiply(Tensor|Number input, Tensor|Number other, *, Tensor out=None)",
            "multiply(Tensor|Number input, Number other)",
        )
    },
)
def mul(input: Tensor, other: Tensor) -> None:
    """input · other, broadcasting and promoting."""


def _check_rounding(input: Any, other: Any, *, rounding_mode: str | None) -> Mapping[str, Any] | None:
    if rounding_mode is None:
        return None
    check(
        rounding_mode in ("trunc", "floor"),
        f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'",
    )
    return {"promote": SAME, "accept": ORDERED, "refusal": f"div_{rounding_mode}_cpu", "node": "DivBackward2"}


@elementwise(
    "div(Tensor|Number input, Tensor|Number other, *, Tensor out=None)",
    "div(Tensor|Number input, Tensor|Number other, *, str? rounding_mode, Tensor out=None)",
    "div(Tensor|Number input, Number other, *, str? rounding_mode)",
    numpy=cpu.divide,
    fast=np.true_divide,
    cuda="x / y",
    grad=(
        lambda g, other, rounding_mode: g / conj(other) if rounding_mode is None else zeros_like(g),
        lambda g, input, other, rounding_mode: (
            -g * conj(input / other / other) if rounding_mode is None else zeros_like(g)
        ),
    ),
    defaults={"rounding_mode": None},
    promote=INT_TO_FLOAT,
    accept=NOT_HALF_COMPLEX,
    check=_check_rounding,
    opmath=True,
    inplace=True,
    aliases={
        "divide": (
            "divide(Tensor|Number input, Tensor|Number other, *, Tensor out=None)",
            "divide(Tensor|Number input, Tensor|Number other, *, str? rounding_mode, Tensor out=None)",
            "divide(Tensor|Number input, Number other)",
            "divide(Tensor|Number input, Number other, *, str? rounding_mode)",
        ),
        "true_divide": (
            "true_divide(Tensor|Number input, Tensor|Number other, *, Tensor out=None)",
            "true_divide(Tensor|Number input, Number other)",
        ),
    },
)
def div(input: Tensor, other: Tensor, *, rounding_mode: str | None = None) -> None:
    """input / other; with rounding_mode "floor" or "trunc" rounded so, integers staying integers."""


@elementwise(
    "floor_divide(Tensor|Number input, Tensor|Number other, *, Tensor out=None)",
    "floor_divide(Tensor|Number input, Number other)",
    numpy=cpu.floor_divide,
    cuda="floor_divide(x, y)",
    grad=(no_derivative("floor_divide"), no_derivative("floor_divide")),
    accept=ORDERED,
    refusal="div_floor_cpu",
    native=dtypes.NATIVE_FLOAT & ORDERED,
    fast=np.floor_divide,
    opmath=True,
    raw=False,
    node=NO_DERIVATIVE,
    inplace=True,
)
def floor_divide(input: Tensor, other: Tensor) -> None:
    """input / other, rounded down. Raises RuntimeError for integers over zero."""


def _remainder_check(input: Any, other: Any) -> Mapping[str, Any] | None:
    return None if isinstance(input, Tensor) else {"node": NO_DERIVATIVE}


_no_remainder = no_derivative("remainder")


@elementwise(
    "remainder(Tensor input, Tensor other, *, Tensor out=None)",
    "remainder(Number self, Tensor other)",
    "remainder(Tensor input, Number other, *, Tensor out=None)",
    numpy=cpu.remainder,
    fast=lambda x, y: cpu.remainder(x, np.asarray(y, x.dtype)),
    cuda="remainder(x, y)",
    grad=(
        unchanged,
        lambda g, input, other: (
            -g * input.div(other, rounding_mode="floor") if isinstance(input, Tensor) else _no_remainder(g)
        ),
    ),
    accept=ORDERED,
    raw=False,
    check=_remainder_check,
    node=("RemainderBackward1", "RemainderBackward0"),
    inplace=True,
)
def remainder(input: Tensor, other: Tensor) -> None:
    """Python's modulus: the result has the sign of other. Raises RuntimeError for integers modulo zero."""


@elementwise(
    "fmod(Tensor input, Tensor other, *, Tensor out=None)",
    "fmod(Tensor input, Number other, *, Tensor out=None)",
    numpy=cpu.fmod,
    fast=np.fmod,
    native=dtypes.NATIVE_FLOAT & ORDERED,
    cuda="fmod(x, y)",
    grad=(unchanged, lambda g, input, other: -g * input.div(other, rounding_mode="trunc")),
    accept=ORDERED,
    raw=False,
    node=("FmodBackward1", "FmodBackward0"),
    inplace=True,
)
def fmod(input: Tensor, other: Tensor) -> None:
    """C's modulus: the result has the sign of input. Raises RuntimeError for integers modulo zero."""


def _check_neg(input: Tensor) -> None:
    check(
        input.dtype is not dtypes.bool_,
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the "
        "`~` or `logical_not()` operator instead.",
    )


@elementwise(
    "neg(Tensor input, *, Tensor out=None)",
    numpy=np.negative,
    cuda="-x",
    grad=lambda g: -g,
    inplace=True,
    inplace_function=True,
    aliases=("negative",),
    accept=WITHOUT_UNSIGNED & ~dtypes.bool_.bit,
    check=_check_neg,
    out_text=found_out,
)
def neg(input: Tensor) -> None:
    """-input."""


@composite("positive(Tensor input)")
def positive(input: Tensor) -> Tensor:
    """The tensor itself. Raises RuntimeError for booleans."""
    check(input.dtype is not dtypes.bool_, "The `+` operator, on a bool tensor is not supported.")
    return input


def _check_addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any) -> None:
    if all(t.dtype.category < dtypes.FLOATING for t in (tensor1, tensor2)):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value "
            "* torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
            "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value "
            "* tensor1 / tensor2), for all dtypes."
        )


@elementwise(
    "addcmul(Tensor input, Tensor tensor1, Tensor tensor2, *, Number value=1, Tensor out=None)",
    "addcmul(Tensor input, Number value, Tensor tensor1, Tensor tensor2, *, Tensor out=None)|deprecated",
    numpy=cpu.add_product,
    cuda="x + value * y * z",
    grad=(
        unchanged,
        lambda g, tensor2, value: g * conj(tensor2 * value),
        lambda g, tensor1, value: g * conj(tensor1 * value),
    ),
    defaults={"value": 1},
    accept=WITHOUT_UNSIGNED & ~dtypes.bool_.bit,
    refusal="addcmul_cpu_out",
    inplace=True,
)
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> None:
    """input + value · tensor1 · tensor2."""


@elementwise(
    "addcdiv(Tensor input, Tensor tensor1, Tensor tensor2, *, Number value=1, Tensor out=None)",
    "addcdiv(Tensor input, Number value, Tensor tensor1, Tensor tensor2, *, Tensor out=None)|deprecated",
    numpy=cpu.add_quotient,
    cuda="x + value * y / z",
    grad=(
        unchanged,
        lambda g, tensor2, value: g * conj(value / tensor2),
        lambda g, tensor1, tensor2, value: -g * conj(value * tensor1 / (tensor2 * tensor2)),
    ),
    defaults={"value": 1},
    accept=NOT_HALF_COMPLEX,
    refusal="addcdiv_cpu_out",
    check=_check_addcdiv,
    inplace=True,
)
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> None:
    """input + value · tensor1 / tensor2. Raises RuntimeError where both are integers."""


INTERPOLATED = mask(*dtypes.FLOATS, *COMPLEXES) & NOT_HALF_COMPLEX


def _check_lerp(input: Tensor, end: Tensor, weight: Any) -> Mapping[str, Any]:
    check(
        input.dtype is end.dtype,
        f"expected dtype {cpp_name(input.dtype)} for `end` but got dtype {cpp_name(end.dtype)}",
    )
    if not isinstance(weight, Tensor):
        if input.dtype.bit & INTERPOLATED:  # others are refused as such, whatever the weight
            check_fits(weight, input.dtype.compute)
        return {
            "common": input.dtype, "refusal": "lerp_kernel_scalar", "node": "LerpBackward0", "out_text": None,
        }  # fmt: skip
    check(
        input.dtype is weight.dtype or not shape_of(weight),
        f"expected dtype {cpp_name(input.dtype)} for `weight` but got dtype {cpp_name(weight.dtype)}",
    )
    return {"out_text": found_out if shape_of(weight) else None}


@elementwise(
    "lerp(Tensor input, Tensor end, Tensor weight, *, Tensor out=None)",
    "lerp(Tensor input, Tensor end, Number weight, *, Tensor out=None)",
    numpy=cpu.lerp,
    cuda="lerp(x, y, z)",
    grad=(
        lambda g, weight: g * (1 - conj(weight)),
        lambda g, weight: g * conj(weight),
        lambda g, input, end: g * conj(end - input),
    ),
    accept=INTERPOLATED,
    refusal="lerp_kernel_tensor",
    check=_check_lerp,
    opmath=True,
    node="LerpBackward1",
    inplace=True,
)
def lerp(input: Tensor, end: Tensor, weight: Tensor) -> None:
    """input + weight · (end - input)."""

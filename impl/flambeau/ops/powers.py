"""Powers, roots and reciprocals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import pointwise as cpu
from flambeau.declare import ANY, composite, elementwise
from flambeau.dtypes import NATIVE_FLOAT, dtype
from flambeau.elementwise import INT_TO_FLOAT, result_type
from flambeau.errors import check, check_fits
from flambeau.ops.arithmetic import NOT_HALF_COMPLEX, WITHOUT_UNSIGNED
from flambeau.ops.rules import choose, conj, is_complex, log, zeros_like
from flambeau.tensor import Tensor

# the kernels PyTorch takes for exponents it knows
_KERNELS = {0.5: "sqrt_vml_cpu", -0.5: "rsqrt_cpu", -1: "reciprocal_cpu"}

POWERS = WITHOUT_UNSIGNED & NOT_HALF_COMPLEX


def _check_pow(input: Any, exponent: Any) -> Mapping[str, Any] | None:
    common = result_type(input, exponent)
    if isinstance(exponent, int) and exponent < 0 and isinstance(input, Tensor):
        check(common.category > dtypes.INTEGRAL, "Integers to negative integer powers are not allowed.")
    if common is dtypes.bool_ and isinstance(exponent, Tensor):
        return {"accept": 0}
    if isinstance(exponent, Tensor):
        return {"accept": ANY} if type(input) in (int, float, complex) and input == 1 else None
    if exponent in (0, 1):
        return {"accept": ANY}
    # refused as such, whatever the exponent, or raised in float64
    if common.bit & POWERS and common not in (dtypes.float32, dtypes.complex64):
        check_fits(exponent, common)
    return {"refusal": _KERNELS.get(exponent, "pow")}


_NUMBERS = (int, float, complex)


def _of_base(g: Any, input: Any, exponent: Any) -> Any:
    if isinstance(exponent, _NUMBERS):
        if exponent == 2:
            return g * conj(input + input)
        if exponent == 0 and exponent is not False:  # PyTorch's False equals no number
            return zeros_like(g)
        return g * conj(exponent * input ** (exponent - 1))
    return choose(exponent == 0, 0, g * conj(exponent * input ** (exponent - 1)))


def _of_exponent(g: Any, input: Any, exponent: Any, out: Any) -> Any:
    base: Any
    if isinstance(input, Tensor):
        base = input.to(result_type(input, exponent)) if is_complex(out) else input
    else:
        base = _complex_if(g, input) if isinstance(input, int | float) and input < 0 else input
    slope = conj(out * log(base))
    if isinstance(input, _NUMBERS):
        return g * (choose(_not_negative(exponent), 0, slope) if input == 0 and input is not False else slope)
    return g * choose((input == 0) & _not_negative(exponent), 0, slope)


def _not_negative(exponent: Any) -> Any:
    return (exponent.real >= 0) & (exponent.imag == 0) if is_complex(exponent) else exponent >= 0


def _complex_if(g: Any, x: float) -> complex | float:
    return complex(x) if is_complex(g) else x


@elementwise(
    "pow(Tensor input, Tensor exponent, *, Tensor out=None)",
    "pow(Number self, Tensor exponent, *, Tensor out=None)",
    "pow(Tensor input, Number exponent, *, Tensor out=None)",
    numpy=cpu.power,
    cuda="pow(x, y)",
    grad=(_of_base, _of_exponent),
    accept=POWERS,
    refusal="pow",
    native=NATIVE_FLOAT,
    check=_check_pow,
    node=("PowBackward1", "PowBackward0", "PowBackward2"),
    inplace=True,
)
def pow(input: Tensor, exponent: Tensor) -> None:
    """input to the power of exponent. Raises RuntimeError for integers to a negative Python integer."""


pow.op.lays_out_numbers = False
pow.op.converts_numbers = False


@composite(
    "float_power(Tensor input, Tensor exponent, *, Tensor out=None)",
    "float_power(Number self, Tensor exponent, *, Tensor out=None)",
    "float_power(Tensor input, Number exponent, *, Tensor out=None)",
    out_text=lambda result, out: (
        f"the output given to float_power has dtype {out.type_name} but the operation's result requires dtype "
        f"{result.type_name}"
    ),
)
def float_power(input: Any, exponent: Any) -> Tensor:
    """The power, computed and answered in double precision."""
    d = _double(input, exponent)
    base = input.to(d) if isinstance(input, Tensor) else input
    power = exponent.to(d) if isinstance(exponent, Tensor) else exponent
    return pow(base, power)


def _double(*operands: Any) -> dtype:
    kinds = [t.dtype if isinstance(t, Tensor) else dtypes.of_scalar(t) for t in operands]
    return dtypes.complex128 if any(d.is_complex for d in kinds) else dtypes.float64


def _float_power_update(input: Tensor, exponent: Any) -> Tensor:
    d = _double(input, exponent)
    check(
        input.dtype is d,
        f"the base given to float_power_ has dtype {input.dtype.type_name} but the operation's result requires dtype "
        f"{d.type_name}",
    )
    return input.pow_(exponent.to(d) if isinstance(exponent, Tensor) else exponent)


composite(
    "float_power_(Tensor input, Tensor exponent)",
    "float_power_(Tensor input, Number exponent)",
    function=False,
)(_float_power_update)


@composite("square(Tensor input, *, Tensor out=None)")
def square(input: Tensor) -> Tensor:
    """input · input; booleans become integers."""
    return pow(input, 2)


square.op.layout_kept = lambda input, out: True


@composite("square_(Tensor input)")
def square_(input: Tensor) -> Tensor:
    """In-place form of `square`."""
    return input.pow_(2)


def _unary(name: str, cuda: str, refusal: str, grad: Any, doc: str, *, numpy: Any) -> Any:
    def body(input: Tensor) -> None: ...

    body.__doc__ = doc
    return elementwise(
        f"{name}(Tensor input, *, Tensor out=None)",
        numpy=numpy,
        cuda=cuda,
        grad=grad,
        promote=INT_TO_FLOAT,
        accept=NOT_HALF_COMPLEX,
        refusal=refusal,
        inplace=True,
        inplace_function=True,
    )(body)


sqrt = _unary("sqrt", "sqrt(x)", "sqrt_vml_cpu", lambda g, out: g / (2 * conj(out)), "Square root.", numpy=np.sqrt)
rsqrt = _unary(
    "rsqrt",
    "rsqrt(x)",
    "rsqrt_cpu",
    lambda g, out: -0.5 * g * conj(out * out * out),
    "One over the square root.",
    numpy=cpu.reciprocal_root,
)
reciprocal = _unary(
    "reciprocal",
    "reciprocal(x)",
    "reciprocal_cpu",
    lambda g, out: -g * conj(out * out),
    "One over the element.",
    numpy=cpu.reciprocal,
)

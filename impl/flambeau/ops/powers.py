"""Powers, roots and reciprocals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import pointwise as cpu
from flambeau.declare import composite, elementwise
from flambeau.dtypes import NATIVE_FLOAT, dtype
from flambeau.elementwise import INT_TO_FLOAT, result_type
from flambeau.errors import check, not_implemented_for
from flambeau.ops.arithmetic import NOT_HALF_COMPLEX, WITHOUT_UNSIGNED
from flambeau.ops.rules import choose, conj
from flambeau.tensor import Tensor, shape_of


def _check_pow(input: Any, exponent: Any) -> Mapping[str, Any] | None:
    common = result_type(input, exponent)
    if isinstance(exponent, int) and exponent < 0 and isinstance(input, Tensor):
        check(common.category > dtypes.INTEGRAL, "Integers to negative integer powers are not allowed.")
    if common is dtypes.bool_ and isinstance(input, Tensor) and isinstance(exponent, Tensor):
        not_implemented_for("pow", common)
    return None


def _of_base(g: Any, input: Any, exponent: Any) -> Any:
    if not isinstance(exponent, Tensor) and not isinstance(exponent, np.ndarray):
        if exponent == 0:
            return g * 0 if isinstance(g, np.ndarray) else g.new_zeros(shape_of(g))
        # x² is far the commonest
        return g * conj(2 * input if exponent == 2 else exponent * input ** (exponent - 1))
    return choose(exponent == 0, 0.0, g * conj(exponent * input ** (exponent - 1)))


def _of_exponent(g: Any, input: Any, exponent: Any, out: Any) -> Any:
    exponent_real = exponent.real if exponent._dtype.is_complex else exponent
    if isinstance(input, Tensor):
        vanishes = (input == 0).logical_and(exponent_real >= 0)
        return choose(vanishes, 0.0, g * conj(out * input.log()))
    log = _log_of_number(input, g._dtype)
    if input == 0:
        return choose(exponent_real >= 0, 0.0, g * conj(out * log))
    return g * conj(out * log)


def _log_of_number(x: Any, d: dtype) -> Any:
    with np.errstate(all="ignore"):
        if isinstance(x, complex):
            return complex(np.log(x))
        return complex(np.log(complex(x))) if d.is_complex and x < 0 else float(np.log(x))


@elementwise(
    "pow(Tensor input, Tensor exponent, *, Tensor out=None)",
    "pow(Number self, Tensor exponent, *, Tensor out=None)",
    "pow(Tensor input, Number exponent, *, Tensor out=None)",
    numpy=cpu.power,
    cuda="pow(x, y)",
    grad=(_of_base, _of_exponent),
    accept=WITHOUT_UNSIGNED & NOT_HALF_COMPLEX,
    refusal="pow",
    native=NATIVE_FLOAT,
    check=_check_pow,
    raw=False,
    node=("PowBackward1", "PowBackward0", "PowBackward2"),
    inplace=True,
)
def pow(input: Tensor, exponent: Tensor) -> None:
    """input to the power of exponent. Raises RuntimeError for integers to a negative Python integer."""


@composite(
    "float_power(Tensor input, Tensor exponent, *, Tensor out=None)",
    "float_power(Number self, Tensor exponent, *, Tensor out=None)",
    "float_power(Tensor input, Number exponent, *, Tensor out=None)",
)
def float_power(input: Any, exponent: Any) -> Tensor:
    """The power, computed and answered in double precision."""
    d = _double(input, exponent)
    base = input.to(d) if isinstance(input, Tensor) else input
    power = exponent.to(d) if isinstance(exponent, Tensor) else exponent
    return pow(base, power)  # type: ignore[no-any-return]


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
    return input.pow_(exponent.to(d) if isinstance(exponent, Tensor) else exponent)  # type: ignore[attr-defined,no-any-return]


composite(
    "float_power_(Tensor input, Tensor exponent)",
    "float_power_(Tensor input, Number exponent)",
    function=False,
)(_float_power_update)


@composite("square(Tensor input, *, Tensor out=None)")
def square(input: Tensor) -> Tensor:
    """input · input; booleans become integers."""
    return pow(input, 2)  # type: ignore[no-any-return]


@composite("square_(Tensor input)")
def square_(input: Tensor) -> Tensor:
    """In-place form of `square`."""
    return input.pow_(2)  # type: ignore[attr-defined,no-any-return]


def _unary(name: str, numpy: Any, cuda: str, refusal: str, grad: Any, doc: str) -> Any:
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


sqrt = _unary("sqrt", np.sqrt, "sqrt(x)", "sqrt_vml_cpu", lambda g, out: g / (2 * conj(out)), "Square root.")
rsqrt = _unary(
    "rsqrt",
    cpu.reciprocal_root,
    "rsqrt(x)",
    "rsqrt_cpu",
    lambda g, out: -0.5 * g * conj(out * out * out),
    "One over the square root.",
)
reciprocal = _unary(
    "reciprocal",
    np.reciprocal,
    "reciprocal(x)",
    "reciprocal_cpu",
    lambda g, out: -g * conj(out * out),
    "One over the element.",
)

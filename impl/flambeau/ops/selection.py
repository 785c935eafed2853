"""Choosing between elements: where, clamp, maximum and minimum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import selection as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL
from flambeau.declare import composite, elementwise, primitive
from flambeau.dtypes import COMPLEXES, bool_, mask
from flambeau.elementwise import result_type
from flambeau.errors import check, check_fits, found_out
from flambeau.geometry import broadcast
from flambeau.operation import Launch
from flambeau.ops.arithmetic import WITHOUT_UNSIGNED
from flambeau.ops.rules import choose
from flambeau.tensor import Tensor, shape_of

BOUNDED = WITHOUT_UNSIGNED & ~mask(*COMPLEXES)


def choices(condition: Tensor, input: Any, other: Any) -> Launch:
    """What `where` runs on."""
    check(
        condition.dtype in (dtypes.bool_, dtypes.uint8),
        f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype.type_name}",
    )
    d = result_type(input, other)
    for number in (input, other):
        if not isinstance(number, Tensor) and d not in (dtypes.float16, dtypes.bfloat16):
            check_fits(number, d)
    shape = broadcast(*[shape_of(t) if isinstance(t, Tensor) else () for t in (condition, input, other)])
    return Launch((condition, input, other), shape, d, target=d)


@primitive(
    "where(Tensor condition)",
    "where(Tensor condition, Tensor input, Tensor other, *, Tensor out=None)",
    "where(Tensor condition, Number self, Tensor other)",
    "where(Tensor condition, Tensor input, Number other)",
    "where(Tensor condition, Number self, Number other)",
    cpu=cpu.where,
    cuda=Body("x ? y : z", ALL, masks=("x",), moves=True),
    grad={
        "input": lambda g, condition: choose(condition, g, 0),
        "other": lambda g, condition: choose(condition, 0, g),
    },
    tensors=("condition", "input", "other"),
    moves=True,
    iterated=True,
    out_text=lambda result, out: f"Expected out type to be {result.type_name} but got {out.type_name}",
    method=False,
)
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, else other; alone, the indices where it holds."""
    if input is None:
        return condition.nonzero(as_tuple=True)
    return choices(condition, input, other)


@composite(
    "where(Tensor input, Tensor condition, Tensor other)",
    "where(Tensor input, Tensor condition, Number other)",
    function=False,
    full_name="Tensor.where",
)
def _where_method(input: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The tensor where the condition holds, else other."""
    return where(condition, input, other)


# ------------------------------------------------------------------------------------------ larger and smaller


def _extreme(name: str, cuda: str, grad: Any, doc: str, *, numpy: Any) -> Any:
    def body(input: Tensor, other: Tensor) -> None: ...

    def refuse(input: Tensor, other: Tensor) -> None:
        check(not (input.dtype.is_complex or other.dtype.is_complex), f"{name} not implemented for complex tensors.")

    body.__doc__ = doc
    return elementwise(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        numpy=numpy,
        cuda=cuda,
        grad=grad,
        accept=BOUNDED,
        refusal={"fmax": "maximum_cpu", "fmin": "minimum_cpu"}.get(name),
        check=refuse,
    )(body)


def _halves(g: Any, loses: Any, ties: Any) -> Any:
    return choose(loses, 0, choose(ties, g / 2, g))


maximum = _extreme(
    "maximum", "maximum(x, y)",
    (lambda g, input, other: _halves(g, input < other, input == other),
     lambda g, input, other: _halves(g, input > other, input == other)),
    "The larger element; NaN if either is.",
    numpy=np.maximum,
)  # fmt: skip
minimum = _extreme(
    "minimum", "minimum(x, y)",
    (lambda g, input, other: _halves(g, input > other, input == other),
     lambda g, input, other: _halves(g, input < other, input == other)),
    "The smaller element; NaN if either is.",
    numpy=np.minimum,
)  # fmt: skip
fmax = _extreme(
    "fmax", "fmax(x, y)",
    (lambda g, input, other: choose((input >= other) | (other != other), g, 0),
     lambda g, input, other: choose((input >= other) | (other != other), 0, g)),
    "The larger element, the other one where one is NaN.",
    numpy=np.fmax,
)  # fmt: skip
fmin = _extreme(
    "fmin", "fmin(x, y)",
    (lambda g, input, other: choose((input <= other) | (other != other), g, 0),
     lambda g, input, other: choose((input <= other) | (other != other), 0, g)),
    "The smaller element, the other one where one is NaN.",
    numpy=np.fmin,
)  # fmt: skip


# ------------------------------------------------------------------------------------------ bounds


def _check_clamp(input: Tensor, min: Any, max: Any) -> Mapping[str, Any]:
    check(min is not None or max is not None, "torch.clamp: At least one of 'min' or 'max' must not be None")
    number = any(isinstance(b, complex) for b in (min, max))
    if input.dtype.is_complex or (number and input.dtype.category < dtypes.FLOATING):
        raise NotImplementedError("clamp is not supported for complex types")
    check(not number, "value cannot be converted to type double without overflow")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        refusal = "maximum_cpu" if max is None else "minimum_cpu" if min is None else "clamp_cpu"
        bounded = BOUNDED & ~bool_.bit if refusal == "clamp_cpu" else BOUNDED
        return {"node": "ClampBackward0", "refusal": refusal, "accept": bounded}
    both = min is not None and max is not None
    refusal = "clamp_scalar_cpu" if both else "clamp_max_scalar_cpu" if min is None else "clamp_min_scalar_cpu"
    common, accept = result_type(input, min, max), BOUNDED & ~bool_.bit
    for bound in (min, max):
        if common.bit & accept:
            check_fits(bound, common)
    return {"node": "ClampBackward1", "refusal": refusal, "accept": accept, "c_names": True, "out_text": found_out}


def _inside(input: Any, min: Any, max: Any) -> Any:
    if min is None:
        return input <= max
    if max is None:
        return input >= min
    return (input >= min) & (input <= max)


@elementwise(
    "clamp(Tensor input, Tensor? min=None, Tensor? max=None, *, Tensor out=None)",
    "clamp(Tensor input, Number? min=None, Number? max=None, *, Tensor out=None)",
    numpy=cpu.clamp,
    cuda="clamp(x, y, z)",
    grad=(
        lambda g, input, min, max: choose(_inside(input, min, max), g, 0),
        lambda g, input, min, max: choose(input < min if max is None else (input < min) & (min < max), g, 0),
        lambda g, input, min, max: choose(input > max if min is None else (input > max) | (max < min), g, 0),
    ),
    accept=BOUNDED,
    check=_check_clamp,
    inplace=True,
    inplace_function=True,
    aliases=("clip",),
)
def clamp(input: Tensor, min: Any = None, max: Any = None) -> None:
    """The elements, none below min or above max (max wins); NaN stays. Bounds: numbers or tensors."""


def _one_bound(name: str, bound: str, other: str, cuda: str, inside: Any, outside: Any, doc: str, *, numpy: Any) -> Any:
    def name_kernel(input: Tensor, value: Any) -> Mapping[str, Any] | None:
        if isinstance(value, Tensor):
            return None
        if input.dtype.is_complex or isinstance(value, complex):
            raise NotImplementedError("clamp is not supported for complex types")
        common, accept = result_type(input, value), BOUNDED & ~bool_.bit
        if common.bit & accept:
            check_fits(value, common)
        return {"out_text": found_out, "refusal": f"{name}_scalar_cpu", "accept": accept, "c_names": True}

    def body(input: Tensor, value: Any) -> None: ...

    body.__doc__ = doc
    camel = "ClampMin" if bound == "min" else "ClampMax"
    return elementwise(
        f"{name}(Tensor input, Tensor {bound}, *, Tensor out=None)",
        f"{name}(Tensor input, Number {bound}, *, Tensor out=None)",
        numpy=numpy,
        cuda=cuda,
        grad=(inside, outside),
        accept=BOUNDED,
        refusal=other,
        check=name_kernel,
        node=(f"{camel}Backward1", f"{camel}Backward0"),
        inplace=True,
        inplace_function=True,
    )(body)


clamp_min = _one_bound(
    "clamp_min", "min", "maximum_cpu", "maximum(x, y)",
    lambda g, input, min: choose(input >= min, g, 0), lambda g, input, min: choose(input < min, g, 0),
    "The elements, none below min.",
    numpy=cpu.at_least,
)  # fmt: skip
clamp_max = _one_bound(
    "clamp_max", "max", "minimum_cpu", "minimum(x, y)",
    lambda g, input, max: choose(input <= max, g, 0), lambda g, input, max: choose(input > max, g, 0),
    "The elements, none above max.",
    numpy=cpu.at_most,
)  # fmt: skip

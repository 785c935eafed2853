"""Filling: one number, or a 0-dim tensor's, everywhere; and which numbers a dtype has a place for."""

from __future__ import annotations

import math
from math import prod
from typing import Any

from flambeau import dtypes
from flambeau.autograd.node import refuse_history
from flambeau.cpu import creation as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL
from flambeau.declare import composite, primitive
from flambeau.dtypes import COMPLEX, FLOATING, dtype
from flambeau.errors import check
from flambeau.geometry import Shape
from flambeau.inplace import overwritable
from flambeau.operation import Launch
from flambeau.ops.rules import of_one_kind
from flambeau.overrides import PLAIN
from flambeau.tensor import Tensor, bump, shape_of, warn_of_lost_parts

_CHECKED_NAMES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t", "bool": "bool",
    "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t", "float32": "float", "float64": "double",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "complex32": "c10::complex<c10::Half>",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def check_representable(value: Any, d: dtype) -> None:
    """Raise RuntimeError where a number has no place in a dtype, as PyTorch's checked conversion does."""
    if not _representable(value, d):
        raise RuntimeError(f"value cannot be converted to type {_CHECKED_NAMES[d.name]} without overflow")


def check_fill(value: Any, d: dtype, size: Shape) -> None:
    """Raise RuntimeError where a tensor of that shape cannot be filled with a number."""
    # a single half is converted from a double, unchecked; several complex halves pass through complex64
    if d in (dtypes.float16, dtypes.bfloat16) and prod(size) == 1:
        d = dtypes.float64
    elif d is dtypes.complex32 and prod(size) != 1:
        d = dtypes.complex64
    check_representable(value, d)


def _representable(value: Any, d: dtype) -> bool:
    if d is dtypes.bool_:
        return True
    if d.category == COMPLEX:
        part = d.to_real()
        parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
        return all(_representable(v, part) for v in parts)
    if isinstance(value, complex):
        if value.imag != 0:
            return False
        value = value.real
    if isinstance(value, float) and not math.isfinite(value):
        return d.category == FLOATING
    if d.category == FLOATING:
        return d is dtypes.float64 or abs(value) <= cpu.largest(d)
    low, high = cpu.limits(d)
    if not d.is_signed and not isinstance(value, float):
        low = -high  # negative integers wrap as long as their magnitude fits
    return bool(low <= value <= high)


@primitive(
    "_filled(Tensor input, Tensor value)",
    tensors=("input", "value"),
    cpu=cpu.filled_from,
    cuda=Body("y", ALL, moves=True),
    grad={
        "input": lambda g, input_shape: g.new_zeros(input_shape),
        "value": lambda g, value_dtype: of_one_kind(g.sum(), value_dtype),
    },
    function=False,
    method=False,
    moves=True,
    sequential=True,  # the value is read before anything is written: it may be one of the elements
)
def filled_from(input: Tensor, value: Tensor, node: str) -> Launch:
    """A 0-dim tensor's value everywhere."""
    warn_of_lost_parts(value.dtype, input.dtype, shape_of(input))
    return Launch((input, value), shape_of(input), input.dtype, node=node, source=value.dtype, target=input.dtype)


@primitive(
    "_filled_number(Tensor input, Number value)",
    cpu=cpu.filled,
    cuda=Body("value", ALL, params=("value",)),
    grad=lambda g, input_shape: g.new_zeros(input_shape),
    function=False,
    method=False,
    moves=True,
    fills=True,
)
def filled(input: Tensor, value: Any, node: str) -> Launch:
    """A number everywhere."""
    return Launch((input,), shape_of(input), input.dtype, node=node, value=value, target=input.dtype)


@primitive(
    "_zeroed(Tensor input)", cpu=cpu.zeroed, cuda=Body("T(0)", ALL),
    grad=lambda g, input_shape: g.new_zeros(input_shape),
    node="ZeroBackward0", function=False, method=False,
    moves=True,
    fills=True,
)  # fmt: skip
def zeroed(input: Tensor) -> Launch:
    """Zero everywhere."""
    return Launch((input,), shape_of(input), input.dtype)


_FLOATS = dtypes.mask(dtypes.float32, dtypes.float64)


def _fill_at_once(input: Any = None, value: Any = None, *rest: Any) -> Tensor | None:
    """The fast path: a number that every float dtype holds, nothing of the graph to look at."""
    if rest or (type(value) is not float and type(value) is not int) or not -9e15 < value < 9e15:
        return None
    if type(input) not in PLAIN or not input._dtype.bit & _FLOATS or not overwritable(input):
        return None
    input._array.fill(value)
    bump(input)
    return input  # type: ignore[no-any-return]


@composite("fill_(Tensor input, Tensor value)", "fill_(Tensor input, Number value)", shortcut=_fill_at_once)
def fill__(input: Tensor, value: Any) -> Tensor:
    """Overwrite every element with one value."""
    if isinstance(value, Tensor):
        n = len(shape_of(value))
        check(n == 0, f"fill_ only supports 0-dimension value tensor but got tensor with {n} dimensions.")
        return filled_from.op.run_inplace(input, {"value": value, "node": "FillBackward3"})
    check_fill(value, input.dtype, shape_of(input))
    return filled.op.run_inplace(input, {"value": value, "node": "FillBackward2"})


@composite("fill(Tensor input, Tensor value)", "fill(Tensor input, Number value)", method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like input with one value everywhere."""
    if isinstance(value, Tensor):
        n = len(shape_of(value))
        check(n == 0, f"fill_ only supports 0-dimension value tensor but got tensor with {n} dimensions.")
        refuse_history(input.dtype, value)
        return filled_from.run({"input": input, "value": value, "node": "FillBackward1"})
    check_fill(value, input.dtype, shape_of(input))
    return filled.run({"input": input, "value": value, "node": "FillBackward0"})


def _zero_at_once(input: Any = None, *rest: Any) -> Tensor | None:
    """The fast path: nothing of the graph to look at."""
    if rest or type(input) not in PLAIN or input._view is not None or input._node is not None or input._array is None:
        return None
    input._array.fill(0)
    bump(input)
    return input  # type: ignore[no-any-return]


@composite("zero_(Tensor input)", shortcut=_zero_at_once)
def zero__(input: Tensor) -> Tensor:
    """Overwrite every element with zero."""
    return zeroed.op.run_inplace(input, {})

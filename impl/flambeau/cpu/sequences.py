"""Arrays from nested Python sequences, by the rules of torch.tensor: shape from the first elements, dtype from all.

https://docs.pytorch.org/docs/stable/generated/torch.tensor.html
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.argument_types import type_name
from flambeau.cpu.casting import cast, scalar
from flambeau.cpu.creation import limits
from flambeau.dtypes import COMPLEX, FLOATING, dtype, of_numpy, of_scalar, promote_types
from flambeau.tensor import Tensor
from flambeau.warning import warn_once

_MAX_DEPTH = 128
_TEXT = (str, bytes)


def is_sequence(data: Any) -> bool:
    """Whether an object is indexed by position, as C's PySequence_Check says."""
    cls = type(data)
    return hasattr(cls, "__getitem__") and not issubclass(cls, dict | np.generic | Tensor)


def shape_claimed(data: Any) -> tuple[int, ...]:
    """The shape a nested sequence claims by its first elements. Raises ValueError where it does not end."""
    shape: list[int] = []
    while is_sequence(data):
        shape.append(len(data))
        if len(shape) > _MAX_DEPTH:
            raise ValueError(f"too many dimensions '{type_name(data)}'")
        if not shape[-1]:
            break
        data = data[0]
    return tuple(shape)


def infer_dtype(data: Any) -> dtype:
    """The dtype that holds the numbers in a nested sequence. Raises TypeError for text, RuntimeError for others."""
    if isinstance(data, np.ndarray | np.generic):
        return of_numpy(data.dtype)
    if isinstance(data, bool | int | float | complex):
        if isinstance(data, complex) and dtypes.get_default_dtype() is dtypes.bfloat16:
            raise RuntimeError("invalid default scalar type for complex")
        return of_scalar(data)
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, _TEXT):
        raise TypeError(f"new(): invalid data type '{type_name(data)}'")
    if not is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {type_name(data)}")
    if not len(data):
        return dtypes.get_default_dtype()
    found: dtype | None = None
    for x in _first_of_each_kind(data):
        d = infer_dtype(x)
        found = d if found is None else promote_types(found, d)
        if found is dtypes.complex128:
            break
    return found  # type: ignore[return-value]


def _first_of_each_kind(data: Any) -> Any:
    """Elements that decide a dtype together: where all are plain numbers, one of each kind is enough."""
    if type(data) in (list, tuple):
        kinds = {type(x): x for x in data}
        if kinds.keys() <= {int, float, bool, complex}:
            return kinds.values()
    return data


def numbers(data: Any, shape: Sequence[int], d: dtype) -> np.ndarray[Any, Any]:
    """The numbers of a nested sequence in that shape and dtype. Raises where lengths or elements do not fit."""
    values: list[Any] = []
    if 0 in shape:  # what the sequence claims is not looked at
        return np.empty(tuple(shape), d.numpy)
    _flatten(data, shape, 0, values)
    return _stored(values, d).reshape(tuple(shape))


def _flatten(data: Any, shape: Sequence[int], depth: int, values: list[Any]) -> None:
    if depth == len(shape):
        values.append(data)
        return
    try:
        items = data if type(data) in (list, tuple) else list(data)
    except TypeError:
        raise TypeError("not a sequence") from None
    if len(items) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(items)})")
    for item in items:
        if isinstance(item, np.ndarray):
            warn_once(
                "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the "
                "list to a single numpy.ndarray with numpy.array() before converting to a tensor.",
                "torch/csrc/utils/tensor_new.cpp:252",
            )
    if depth + 1 == len(shape):
        values.extend(items)
        return
    for item in items:
        _flatten(item, shape, depth + 1, values)


def _stored(values: list[Any], d: dtype) -> np.ndarray[Any, Any]:
    kinds = set(map(type, values))
    if d.category >= FLOATING:
        wide = dtypes.complex128 if d.category == COMPLEX else dtypes.float64
        plain = {int, float, bool, complex} if d.category == COMPLEX else {int, float, bool}
        if not kinds <= plain:
            take = _complex if d.category == COMPLEX else _real
            values = [take(v) for v in values]
        with np.errstate(all="ignore"):
            return cast(np.array(values, wide.numpy), wide, d)
    if d is dtypes.bool_:
        return np.array([_truth(v) for v in values], np.bool_)
    if kinds == {int} and d is not dtypes.uint64:
        return _integers(values, d)
    take_integer = _unsigned_long if d is dtypes.uint64 else _integer
    return np.array([scalar(take_integer(v, d), d) for v in values], d.numpy)


def _integers(values: list[int], d: dtype) -> np.ndarray[Any, Any]:
    try:
        wide = np.array(values, np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None
    if d is not dtypes.int64:
        low, high = limits(d)
        if wide.min() < (low if d.is_signed else -high) or wide.max() > high:
            raise _overflow(d)
    return wide.astype(d.numpy)


def _overflow(d: dtype) -> RuntimeError:
    return RuntimeError(f"value cannot be converted to type {d.name} without overflow")


def _real(v: Any) -> float:
    cls = type(v)
    if isinstance(v, _TEXT) or not (hasattr(cls, "__float__") or hasattr(cls, "__index__")):
        raise TypeError(f"must be real number, not {type_name(v)}")
    return float(v)


def _complex(v: Any) -> complex:
    return complex(v) if hasattr(type(v), "__complex__") and not isinstance(v, _TEXT) else complex(_real(v))


def _index(v: Any) -> int:
    if not hasattr(type(v), "__index__"):
        raise TypeError(f"'{type_name(v)}' object cannot be interpreted as an integer")
    return operator.index(v)


def _integer(v: Any, d: dtype) -> int:
    """An integer as C reads it: floats are cut, negative ones wrap in unsigned dtypes."""
    low, high = limits(d)
    if isinstance(v, float):
        if not (math.isfinite(v) and low <= v <= high):
            raise _overflow(d)
        return math.trunc(v)
    n = _index(v)
    if not -(2**63) <= n < 2**63:
        raise ValueError("Overflow when unpacking long long")
    if not (low if d.is_signed else -high) <= n <= high:
        raise _overflow(d)
    return n


def _unsigned_long(v: Any, _: dtype) -> int:
    if not isinstance(v, int):
        raise TypeError("an integer is required")
    if v < 0:
        raise OverflowError("can't convert negative int to unsigned")
    if v >= 2**64:
        raise OverflowError("int too big to convert")
    return v


def _truth(v: Any) -> bool:
    if isinstance(v, bool | int | float | complex | np.bool_):
        return bool(v)
    return bool(_index(v))

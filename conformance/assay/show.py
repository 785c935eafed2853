"""Answers in words, for the one line that a verdict gives to a person."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.outcome import Error, Opaque, Outcome, Sequence, TensorData
from assay.tolerance import FLOATING, numpy_dtype, wide_array

_WIDTH = 120


def brief(error: Error) -> str:
    """The exception's class and the first line of its text."""
    line = error.text.strip().split("\n", 1)[0]
    return f"{error.types[0]}: {line[:_WIDTH]}" if line else error.types[0]


def describe_value(value: Any) -> str:
    """A result in a few words."""
    if isinstance(value, TensorData):
        return f"{value.kind}({value.dtype}, {list(value.shape)})"
    if isinstance(value, Sequence):
        return f"{value.kind} of {len(value.items)}"
    if isinstance(value, Opaque):
        return value.text or f"a {value.kind}"
    return repr(value)[:_WIDTH]


def describe_outcome(outcome: Outcome) -> str:
    """What became of a case in a few words."""
    if outcome.status == "returned":
        return f"returned {describe_value(outcome.result)}"
    if outcome.status == "raised" and outcome.error is not None:
        return f"raised {brief(outcome.error)}"
    how = outcome.extra.get("how")
    words = {
        "crash": "the process died",
        "exit": "the process exited",
        "timeout": "no answer in time",
        "memory": "too much memory",
    }
    return f"{words.get(outcome.status, outcome.status)}{f' ({how})' if how else ''}"


def position(flat: int, shape: tuple[int, ...]) -> str:
    """ "[1, 2]" for a flat index; "" for a 0-dim tensor."""
    if not shape:
        return ""
    return str([int(i) for i in np.unravel_index(flat, shape)])


def element(tensor: TensorData, flat: int) -> str:
    """One element of a tensor as a person writes it."""
    assert tensor.data is not None
    width = numpy_dtype(tensor.dtype).itemsize
    one = TensorData(tensor.dtype, (), tensor.data[flat * width : (flat + 1) * width])
    if tensor.dtype in FLOATING:
        value = wide_array(one)[()]
        digits = 17 if tensor.dtype in ("float64", "complex128") else 9
        if np.iscomplexobj(value):
            return f"{value.real:.{digits}g}{value.imag:+.{digits}g}j"
        return f"{value:.{digits}g}"
    return str(np.frombuffer(one.data or b"", numpy_dtype(tensor.dtype))[0])

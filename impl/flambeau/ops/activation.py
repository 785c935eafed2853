"""relu and threshold."""

from __future__ import annotations

from typing import Any

from flambeau.cpu import activation as cpu
from flambeau.declare import elementwise
from flambeau.dtypes import COMPLEXES, NATIVE_FLOAT, NATIVE_INTEXACT, bool_, mask
from flambeau.errors import check, check_fits
from flambeau.ops.arithmetic import ORDERED
from flambeau.ops.rules import choose
from flambeau.tensor import Tensor

NATIVE = (NATIVE_FLOAT | NATIVE_INTEXACT) & ~mask(*COMPLEXES)


def _check_relu(input: Tensor) -> None:
    check(input.dtype is not bool_, "Boolean inputs not supported for relu")
    if input.dtype.is_complex:
        raise NotImplementedError("clamp is not supported for complex types")


@elementwise(
    "relu(Tensor input)",
    numpy=cpu.relu,
    cuda="maximum(x, T(0))",
    grad=lambda g, out: choose(out <= 0, 0, g),
    accept=ORDERED,
    refusal="clamp_min_scalar_cpu",
    check=_check_relu,
    native=NATIVE & ORDERED,
    inplace=True,
    inplace_function=True,
)
def relu(input: Tensor) -> None:
    """The element where it is positive, else zero; NaN stays."""


def _check_threshold(input: Tensor, *, threshold: Any, value: Any) -> None:
    check_fits(threshold, input.dtype.compute)
    check_fits(value, input.dtype.compute)


@elementwise(
    "threshold(Tensor input, Number threshold, Number value, *, Tensor out=None)",
    numpy=cpu.threshold,
    cuda="x <= threshold ? value : x",
    grad=lambda g, input, threshold: choose(input <= threshold, 0, g),
    accept=ORDERED,
    check=_check_threshold,
    native=0,
    method=False,
    inplace_function=True,
)
def threshold(input: Tensor, threshold: Any, value: Any) -> None:
    """value where the element is not above threshold."""

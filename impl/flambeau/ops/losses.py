"""Losses on differences: `mse_loss` and `l1_loss` of torch.nn.functional."""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

from flambeau.cpu import losses as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import FLOATING
from flambeau.declare import internal, python_function
from flambeau.dtypes import FLOATS, mask, promote_types
from flambeau.elementwise import result_type
from flambeau.errors import check, not_implemented_for
from flambeau.geometry import broadcast
from flambeau.operation import Launch
from flambeau.tensor import Tensor, shape_of

REAL = mask(*FLOATS)
_REDUCTIONS = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    """The reduction that two arguments of old stand for, with the warning that they are old."""
    averaged, reduced = size_average is not False, reduce is not False
    name = "none" if not reduced else "mean" if averaged else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.", stacklevel=4
    )
    return name


def reduction_number(reduction: str) -> int:
    """0 for "none", 1 for "mean", 2 for "sum". Raises ValueError for anything else."""
    if reduction == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=4)
    found = _REDUCTIONS.get(reduction)
    if found is None:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return found


def warn_of_sizes(input: Tensor, target: Tensor) -> None:
    """Warn where a target will be broadcast."""
    if target.size() != input.size():
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
            "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=4,
        )


def _factor(reduction: int, count: int) -> float:
    return 2 / count if reduction == 1 and count else 2


def _slope(g: Any, input: Any, target: Any, reduction: int, count: int) -> Any:
    if isinstance(g, Tensor):
        return error_slope(g, input, target, reduction, count)
    return (input - target) * (g * _factor(reduction, count))


@internal(
    tensors=("g", "input", "target"),
    cpu=cpu.slope,
    cuda=Body("(y - z) * x * factor", FLOATING, params=("factor",)),
    grad=(
        lambda v, input, target, reduction, count: error_slope(v, input, target, reduction, count),  # type: ignore[has-type]
        lambda v, g, reduction, count: v * g * _factor(reduction, count),
        lambda v, g, reduction, count: -(v * g * _factor(reduction, count)),
    ),
    node="MseLossBackwardBackward0",
)
def error_slope(g: Tensor, input: Tensor, target: Tensor, reduction: int, count: int) -> Launch:
    """Gradient of squared errors by input: 2 (input - target) g, over count for their mean, in input's dtype."""
    shape = broadcast(broadcast(shape_of(input), shape_of(target)), shape_of(g))
    return Launch(
        (g, input, target), shape, input.dtype, compute=result_type(g, input, target),
        factor=_factor(reduction, count), reduction=reduction, count=count,
    )  # fmt: skip


@internal(
    tensors=("input", "target"),
    cpu=cpu.mse_loss,
    cuda=Body("square(x - y)", FLOATING),  # of reduction 0; a mean or sum of these for the others
    grad=(_slope, lambda g, input, target, reduction, count: _slope(g, target, input, reduction, count)),
    raw=True,
    node="MseLossBackward0",
)
def squared_error(input: Tensor, target: Tensor, reduction: int) -> Launch:
    """Squared differences, broadcasting, and their mean (1) or sum (2)."""
    # both are expanded to one shape first, so neither counts as a mere number
    d = promote_types(input.dtype, target.dtype)
    shape = broadcast(shape_of(input), shape_of(target))
    if not d.bit & REAL:
        not_implemented_for("mse_cpu", d)
    made = shape if reduction == 0 else ()
    return Launch((input, target), made, d, compute=d, reduction=reduction, stored=d, count=prod(shape))


def _weighted(errors: Tensor, weight: Tensor, reduction: str) -> Any:
    errors = errors * weight
    if reduction == "none":
        return errors
    check(
        reduction in ("sum", "mean"),
        f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.",
        ValueError,
    )
    return errors.sum() if reduction == "sum" else errors.sum() / weight.sum()


def _reduction(input: Tensor, target: Tensor, size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Which reduction is meant, once the sizes have been looked at."""
    warn_of_sizes(input, target)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    broadcast(shape_of(input), shape_of(target))
    return reduction


def _check_weight(weight: Tensor, input: Tensor) -> None:
    check(shape_of(weight) == shape_of(input), "Weights and input must have the same size.", ValueError)


@python_function(namespace="nn.functional")
def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Any:  # fmt: skip
    """Mean squared error: (input - target)², averaged, summed or as it is, each with its weight where given."""
    reduction = _reduction(input, target, size_average, reduce, reduction)
    if weight is None:
        return squared_error(input, target, reduction_number(reduction))
    _check_weight(weight, input)
    return _weighted((input - target) ** 2, weight, reduction)


@python_function(namespace="nn.functional")
def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Any:  # fmt: skip
    """Mean absolute error: |input - target|, averaged, summed or as it is, each with its weight where given."""
    reduction = _reduction(input, target, size_average, reduce, reduction)
    if weight is not None:
        _check_weight(weight, input)
        return _weighted((input - target).abs(), weight, reduction)
    kind = reduction_number(reduction)
    errors = (input - target).abs()
    return errors if kind == 0 else errors.mean() if kind == 1 else errors.sum()

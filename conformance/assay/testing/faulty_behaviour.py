"""Faults of what else a call does: derivatives, errors, effects, random streams, the end of the process."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any, NoReturn

from assay.testing.fault import fault, first, floating

# Gradients


def _with_gradient(torch: Any, result: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(result, torch.Tensor) and result.requires_grad and not result.is_leaf:
        result.register_hook(change)
    return result


@fault("mul", "gradients gradients2", "torch.mul", "Tensor.mul", "operator.mul")
def mul_gradient_off_by_a_percent(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return _with_gradient(torch, original(*args, **kwargs), lambda g: g * 1.01)


@fault("relu", "gradients", "torch.relu", "Tensor.relu", "torch.nn.functional.relu")
def relu_gradient_one_at_zero(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = first(args, kwargs), original(*args, **kwargs)
    if not (x.requires_grad and x.is_floating_point()):
        return result
    return torch.where(x >= 0, x, torch.zeros_like(x))


@fault("abs", "gradients", "torch.abs", "Tensor.abs")
def abs_gradient_one_at_zero(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = first(args, kwargs), original(*args, **kwargs)
    if not (x.requires_grad and x.is_floating_point()):
        return result
    return torch.where(x >= 0, x, -x)


@fault("amax", "gradients")
def amax_gradient_to_the_first(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if len(args) == 2 and isinstance(args[1], int) and args[0].requires_grad and not kwargs:
        return args[0].max(args[1]).values
    return result


@fault("exp", "gradients")
def exp_without_gradient(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs).detach()


@fault("tanh", "gradients2")
def tanh_second_derivative_missing(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = first(args, kwargs)
    if not x.requires_grad or "out" in kwargs:
        return original(*args, **kwargs)
    slope = (1 - original(x).detach() ** 2).conj()
    with torch.no_grad():
        value = original(x)

    class Tanh(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return value

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * slope

    return Tanh.apply(x)


@fault("sum", "gradients", "torch.sum", "Tensor.sum")
def sum_gradient_averaged(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    n = max(first(args, kwargs).numel(), 1)
    return _with_gradient(torch, original(*args, **kwargs), lambda g: g / n)


# Errors


@fault("sum", "error")
def sum_raises_another_type(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return original(*args, **kwargs)
    except IndexError as error:
        raise ValueError(str(error)) from error


@fault("add", "error", "torch.add", "Tensor.add", "operator.add")
def add_accepts_any_shapes(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return original(*args, **kwargs)
    except RuntimeError:
        return args[0]


@fault("add", "error", "Tensor.add_", "operator.iadd")
def add_in_place_accepts_overlap(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    other = args[1] if len(args) > 1 else kwargs.get("other")
    if not isinstance(other, torch.Tensor) or other is args[0]:
        return original(*args, **kwargs)
    if len(args) > 1:
        return original(args[0], other.clone(), *args[2:], **kwargs)
    return original(*args, **kwargs | {"other": other.clone()})


@fault("exp", "error", "torch.exp")
def exp_out_accepts_overlap(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if "out" not in kwargs or not isinstance(args[:1] and args[0], torch.Tensor):
        return original(*args, **kwargs)
    return original(args[0].clone(), *args[1:], **kwargs)


@fault("view", "error", "Tensor.view")
def view_accepts_any_strides(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return original(*args, **kwargs)
    except RuntimeError:
        return args[0].reshape(-1)


@fault("mean", "error")
def mean_accepts_integers(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = first(args, kwargs)
    return original(*args, **kwargs) if floating(torch, x) or "out" in kwargs else x.double().mean()


@fault("exp", "structure")
def exp_refuses_valid_input(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if first(args, kwargs).ndim == 0:
        raise RuntimeError("exp: a tensor of at least one dimension is needed")
    return original(*args, **kwargs)


# Effects


@fault("exp", "mutation aliasing", "Tensor.exp_")
def exp_in_place_forgets(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return args[0].exp()


@fault("relu", "mutation", "torch.relu", "Tensor.relu", "torch.nn.functional.relu")
def relu_overwrites_its_input(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    x = first(args, kwargs)
    if x.is_contiguous():
        x.data.fill_(3)
    return result


@fault("exp", "mutation values", "torch.exp")
def exp_out_not_written(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    out = kwargs.pop("out", None)
    result = original(*args, **kwargs)
    return result if out is None else out


@fault("aminmax", "mutation values", "torch.aminmax")
def aminmax_outs_not_written(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    outs = tuple(t for t in kwargs.get("out") or () if isinstance(t, torch.Tensor))
    before = [t.detach().clone() for t in outs]
    result = original(*args, **kwargs)
    for out, held in zip(outs, before, strict=True):
        if out.shape == held.shape:
            out.data.copy_(held)
    return result


@fault("add", "mutation", "Tensor.add_", "operator.iadd")
def add_in_place_changes_the_other(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if len(args) == 2 and isinstance(args[1], torch.Tensor) and args[1] is not args[0] and args[1].is_contiguous():
        args[1].data.zero_()
    return result


# Random streams


@fault("rand", "random", "torch.rand")
def rand_from_the_other_end(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return result if "out" in kwargs else (1 - result.detach()).requires_grad_(result.requires_grad)


@fault("randn", "random", "torch.randn")
def randn_draws_once_more(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    torch.rand(1)
    return result


# The process


@fault("exp", "structure")
def exp_crashes(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if first(args, kwargs).ndim >= 2:
        ctypes.string_at(0)
    return original(*args, **kwargs)


@fault("sum", "structure")
def sum_exits(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if first(args, kwargs).ndim >= 2:
        os._exit(3)
    return original(*args, **kwargs)


@fault("sum", "structure")
def sum_raises_system_exit(torch: Any, original: Any, *args: Any, **kwargs: Any) -> NoReturn:
    raise SystemExit(1)


@fault("exp", "structure")
def exp_hangs(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    while first(args, kwargs).ndim >= 2:
        time.sleep(0.01)
    return original(*args, **kwargs)


@fault("sum", "structure")
def sum_eats_memory(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    eaten = []
    while first(args, kwargs).ndim >= 2:
        eaten.append(bytearray(b"\1") * (16 << 20))
        time.sleep(0.02)
    return original(*args, **kwargs)

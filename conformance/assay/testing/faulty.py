"""Hand-planted faults of every kind; `assay.testing.faulty_torch` makes a subject of each."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from assay.testing.planting import replace

Behaviour = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: in which operation, in which aspects it must show, what it replaces and by what.

    behave(torch, original, *args, **kwargs) answers instead of `original`.
    """

    name: str
    op: str
    aspects: tuple[str, ...]
    calls: tuple[str, ...]
    behave: Behaviour

    def plant(self, torch: Any) -> list[tuple[Any, str, Any, bool]]:
        """Plant it; what `assay.testing.planting.restore` undoes."""
        undo = []
        for call in self.calls:
            undo += replace(torch, call, lambda original, *a, **k: self.behave(torch, original, *a, **k))
        return undo


FAULTS: dict[str, Fault] = {}


def fault(op: str, aspects: str, *calls: str) -> Callable[[Behaviour], Behaviour]:
    """Register a fault under the function's name. Without `calls`: as a function and as a method."""

    def register(behave: Behaviour) -> Behaviour:
        named = calls or (f"torch.{op}", f"Tensor.{op}")
        FAULTS[behave.__name__] = Fault(behave.__name__, op, tuple(aspects.split()), named, behave)
        return behave

    return register


def _floating(torch: Any, value: Any) -> bool:
    return isinstance(value, torch.Tensor) and (value.is_floating_point() or value.is_complex())


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else kwargs["input"]


def _through(result: Any, kwargs: dict[str, Any]) -> Any:
    """A computed result, written to `out=` where there is one."""
    out = kwargs.get("out")
    if out is None:
        return result
    out.data.copy_(result.detach())
    return out


# Values


@fault("sum", "values")
def sum_wrong(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return _through(result * 1.001, kwargs) if _floating(torch, result) else result


@fault("sum", "values")
def sum_loses_the_last_element(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = _first(args, kwargs)
    if len(args) + len(kwargs) == 1 and x.numel() > 1:
        return original(x.reshape(-1)[:-1])
    return original(*args, **kwargs)


@fault("mean", "values")
def mean_divides_by_one_less(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = _first(args, kwargs), original(*args, **kwargs)
    n = x.numel() // max(result.numel(), 1)
    return _through(result * (n / (n - 1)), kwargs) if n > 1 else result


@fault("var", "values")
def var_biased(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if len(args) + len(kwargs) == 1:
        return original(*args, **kwargs, correction=0)
    return original(*args, **kwargs)


@fault("exp", "values")
def exp_in_half_precision(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if result.dtype in (torch.float32, torch.float64):
        return _through(result.to(torch.bfloat16).to(result.dtype), kwargs)
    return result


@fault("log1p", "values")
def log1p_naive(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = _first(args, kwargs)
    return _through(torch.log(1 + x), kwargs) if _floating(torch, x) else original(*args, **kwargs)


@fault("expm1", "values")
def expm1_naive(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = _first(args, kwargs)
    return _through(torch.exp(x) - 1, kwargs) if _floating(torch, x) else original(*args, **kwargs)


@fault("tanh", "values")
def tanh_saturates_early(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return _through(result.clamp(-0.999, 0.999), kwargs) if result.is_floating_point() else result


@fault("matmul", "values", "torch.matmul", "Tensor.matmul", "operator.matmul")
def matmul_in_low_precision(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if len(args) == 2 and not kwargs and result.dtype in (torch.float32, torch.float64):
        a, b = (t.to(torch.bfloat16).to(t.dtype) for t in args)
        return original(a, b)
    return result


@fault("round", "values")
def round_half_up(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = _first(args, kwargs)
    if len(args) + len(kwargs) == 1 and x.is_floating_point():
        return torch.floor(x + 0.5)
    return original(*args, **kwargs)


@fault("remainder", "values", "torch.remainder", "Tensor.remainder", "operator.mod")
def remainder_takes_the_dividends_sign(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    original(*args, **kwargs)
    return torch.fmod(*args, **kwargs)


@fault("floor_divide", "values", "torch.floor_divide", "Tensor.floor_divide", "operator.floordiv")
def floor_divide_truncates(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    original(*args, **kwargs)
    return torch.div(*args, **kwargs, rounding_mode="trunc")


@fault("argmax", "values")
def argmax_takes_the_last(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = _first(args, kwargs)
    if len(args) + len(kwargs) == 1 and x.ndim == 1:
        return x.shape[0] - 1 - original(x.flip(0))
    return original(*args, **kwargs)


@fault("sort", "values")
def sort_never_descends(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **(kwargs | {"descending": False} if "descending" in kwargs else kwargs))


@fault("clamp", "values")
def clamp_ignores_max(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if "max" in kwargs and kwargs.get("min") is not None and "out" not in kwargs:
        return original(*args, **{k: v for k, v in kwargs.items() if k != "max"})
    return result


@fault("where", "values", "torch.where")
def where_swapped(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if len(args) == 3:
        return original(args[0], args[2], args[1], **kwargs)
    return original(*args, **kwargs)


@fault("softmax", "values", "torch.softmax", "Tensor.softmax", "torch.nn.functional.softmax")
def softmax_unshifted(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if len(args) == 2 and not kwargs and args[0].is_floating_point():
        e = args[0].exp()
        return e / e.sum(args[1], keepdim=True)
    return result


# Special values


@fault("maximum", "values")
def maximum_ignores_nan(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    original(*args, **kwargs)
    return torch.fmax(*args, **kwargs)


@fault("sqrt", "values")
def sqrt_of_negative_is_zero(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if result.is_floating_point():
        return _through(torch.where(_first(args, kwargs) < 0, torch.zeros_like(result), result), kwargs)
    return result


@fault("abs", "values")
def abs_keeps_negative_zero(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = _first(args, kwargs), original(*args, **kwargs)
    return _through(torch.where(x == 0, x, result), kwargs) if x.is_floating_point() else result


@fault("exp", "values")
def exp_saturates(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if result.is_floating_point():
        return _through(result.clamp(max=torch.finfo(result.dtype).max), kwargs)
    return result


@fault("mul", "values", "torch.mul", "Tensor.mul", "operator.mul")
def mul_flushes_subnormals(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if result.is_floating_point():
        small = result.abs() < torch.finfo(result.dtype).smallest_normal
        return _through(torch.where(small, torch.zeros_like(result), result), kwargs)
    return result


@fault("sigmoid", "values")
def sigmoid_nan_at_infinity(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = _first(args, kwargs), original(*args, **kwargs)
    if x.is_floating_point():
        return _through(torch.where(x.isinf(), x - x, result), kwargs)
    return result


# Dtypes and promotion


@fault("sum", "dtype")
def sum_keeps_small_integers(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = _first(args, kwargs), original(*args, **kwargs)
    return result.to(x.dtype) if x.dtype in (torch.int32, torch.uint8, torch.bool) and "out" not in kwargs else result


@fault("sin", "dtype")
def sin_of_integers_is_double(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = _first(args, kwargs), original(*args, **kwargs)
    return result if _floating(torch, x) or "out" in kwargs else result.double()


@fault("eq", "dtype", "torch.eq", "Tensor.eq", "operator.eq")
def eq_is_uint8(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return result.to(torch.uint8) if result.dtype == torch.bool and "out" not in kwargs else result


@fault("argmax", "dtype")
def argmax_is_int32(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return result if "out" in kwargs else result.int()


@fault("add", "dtype", "torch.add", "Tensor.add", "operator.add")
def add_ignores_dimensions(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    tensors = [a for a in args if isinstance(a, torch.Tensor)]
    if len(tensors) == 2 and "out" not in kwargs:
        return result.to(torch.promote_types(tensors[0].dtype, tensors[1].dtype))
    return result


@fault("mul", "dtype", "torch.mul", "Tensor.mul", "operator.mul")
def mul_by_a_number_widens(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if any(isinstance(a, float) for a in args) and result.dtype in (torch.float16, torch.bfloat16):
        return result.float()
    return result


@fault("div", "dtype", "torch.div", "Tensor.div", "operator.truediv")
def div_of_integers_is_double(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    whole = not any(_floating(torch, a) for a in args)
    return result.double() if whole and result.dtype == torch.float32 and "out" not in kwargs else result


# Shapes


@fault("sum", "shape")
def sum_forgets_keepdim(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if "out" in kwargs:
        return original(*args, **kwargs)
    return original(*args, **{k: v for k, v in kwargs.items() if k != "keepdim"})


@fault("squeeze", "shape")
def squeeze_takes_all(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    original(*args, **kwargs)
    return original(_first(args, kwargs))


@fault("topk", "shape")
def topk_gives_one_more(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if len(args) >= 2 and not kwargs:
        try:
            return original(args[0], args[1] + 1, *args[2:])
        except RuntimeError:
            return result
    return result


@fault("unsqueeze", "shape")
def unsqueeze_off_by_one(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if len(args) == 2 and args[1] < -1:
        return original(args[0], args[1] + 1)
    return result


# Strides and aliasing


@fault("exp", "stride")
def exp_forgets_strides(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return result if "out" in kwargs else result.contiguous()


@fault("expand", "stride aliasing", "Tensor.expand")
def expand_copies(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs).contiguous()


@fault("permute", "stride", "torch.permute", "Tensor.permute")
def permute_copies(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs).clone(memory_format=torch.contiguous_format)


@fault("reshape", "aliasing")
def reshape_copies(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs).clone()


@fault("view", "aliasing", "Tensor.view")
def view_copies(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs).clone()


@fault("flatten", "aliasing")
def flatten_copies(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs).clone()


@fault("clone", "aliasing")
def clone_shares_memory(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = _first(args, kwargs)
    return x.view_as(x)


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
    x, result = _first(args, kwargs), original(*args, **kwargs)
    if not (x.requires_grad and x.is_floating_point()):
        return result
    return torch.where(x >= 0, x, torch.zeros_like(x))


@fault("abs", "gradients", "torch.abs", "Tensor.abs")
def abs_gradient_one_at_zero(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = _first(args, kwargs), original(*args, **kwargs)
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
    x = _first(args, kwargs)
    if not x.requires_grad or "out" in kwargs:
        return original(*args, **kwargs)
    slope = (1 - original(x).detach() ** 2).conj()
    with torch.no_grad():
        value = original(x)

    class Tanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return value

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * slope

    return Tanh.apply(x)


@fault("sum", "gradients", "torch.sum", "Tensor.sum")
def sum_gradient_averaged(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    n = max(_first(args, kwargs).numel(), 1)
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


@fault("view", "error", "Tensor.view")
def view_accepts_any_strides(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return original(*args, **kwargs)
    except RuntimeError:
        return args[0].reshape(-1)


@fault("mean", "error")
def mean_accepts_integers(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = _first(args, kwargs)
    return original(*args, **kwargs) if _floating(torch, x) or "out" in kwargs else x.double().mean()


@fault("exp", "structure")
def exp_refuses_valid_input(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if _first(args, kwargs).ndim == 0:
        raise RuntimeError("exp: a tensor of at least one dimension is needed")
    return original(*args, **kwargs)


# Effects


@fault("exp", "mutation aliasing", "Tensor.exp_")
def exp_in_place_forgets(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    return args[0].exp()


@fault("relu", "mutation", "torch.relu", "Tensor.relu", "torch.nn.functional.relu")
def relu_overwrites_its_input(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    x = _first(args, kwargs)
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
    if _first(args, kwargs).ndim >= 2:
        ctypes.string_at(0)
    return original(*args, **kwargs)


@fault("sum", "structure")
def sum_exits(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if _first(args, kwargs).ndim >= 2:
        os._exit(3)
    return original(*args, **kwargs)


@fault("sum", "structure")
def sum_raises_system_exit(torch: Any, original: Any, *args: Any, **kwargs: Any) -> NoReturn:
    raise SystemExit(1)


@fault("exp", "structure")
def exp_hangs(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    while _first(args, kwargs).ndim >= 2:
        time.sleep(0.01)
    return original(*args, **kwargs)


@fault("sum", "structure")
def sum_eats_memory(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    eaten = []
    while _first(args, kwargs).ndim >= 2:
        eaten.append(bytearray(b"\1") * (16 << 20))
        time.sleep(0.02)
    return original(*args, **kwargs)


#: Faults that end or block the process: they need a worker of their own.
DEADLY = {"exp_crashes": "crash", "sum_exits": "crash", "exp_hangs": "timeout", "sum_eats_memory": "memory"}

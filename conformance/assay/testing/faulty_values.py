"""Faults of what is answered: values, special values, dtypes."""

from __future__ import annotations

from typing import Any

from assay.testing.fault import fault, first, floating, through

# Values


@fault("sum", "values")
def sum_wrong(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return through(result * 1.001, kwargs) if floating(torch, result) else result


@fault("sum", "values")
def sum_loses_the_last_element(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = first(args, kwargs)
    if len(args) + len(kwargs) == 1 and x.numel() > 1:
        return original(x.reshape(-1)[:-1])
    return original(*args, **kwargs)


@fault("mean", "values")
def mean_divides_by_one_less(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = first(args, kwargs), original(*args, **kwargs)
    n = x.numel() // max(result.numel(), 1)
    return through(result * (n / (n - 1)), kwargs) if n > 1 else result


@fault("var", "values")
def var_biased(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if len(args) + len(kwargs) == 1:
        return original(*args, **kwargs, correction=0)
    return original(*args, **kwargs)


@fault("exp", "values")
def exp_in_half_precision(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if result.dtype in (torch.float32, torch.float64):
        return through(result.to(torch.bfloat16).to(result.dtype), kwargs)
    return result


@fault("log1p", "values")
def log1p_naive(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = first(args, kwargs)
    return through(torch.log(1 + x), kwargs) if floating(torch, x) else original(*args, **kwargs)


@fault("expm1", "values")
def expm1_naive(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = first(args, kwargs)
    return through(torch.exp(x) - 1, kwargs) if floating(torch, x) else original(*args, **kwargs)


@fault("tanh", "values")
def tanh_saturates_early(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    return through(result.clamp(-0.999, 0.999), kwargs) if result.is_floating_point() else result


@fault("matmul", "values", "torch.matmul", "Tensor.matmul", "operator.matmul")
def matmul_in_low_precision(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if len(args) == 2 and not kwargs and result.dtype in (torch.float32, torch.float64):
        a, b = (t.to(torch.bfloat16).to(t.dtype) for t in args)
        return original(a, b)
    return result


@fault("round", "values")
def round_half_up(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x = first(args, kwargs)
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
    x = first(args, kwargs)
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
        return through(torch.where(first(args, kwargs) < 0, torch.zeros_like(result), result), kwargs)
    return result


@fault("abs", "values")
def abs_keeps_negative_zero(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = first(args, kwargs), original(*args, **kwargs)
    return through(torch.where(x == 0, x, result), kwargs) if x.is_floating_point() else result


@fault("exp", "values")
def exp_saturates(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if result.is_floating_point():
        return through(result.clamp(max=torch.finfo(result.dtype).max), kwargs)
    return result


@fault("mul", "values", "torch.mul", "Tensor.mul", "operator.mul")
def mul_flushes_subnormals(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    result = original(*args, **kwargs)
    if result.is_floating_point():
        small = result.abs() < torch.finfo(result.dtype).smallest_normal
        return through(torch.where(small, torch.zeros_like(result), result), kwargs)
    return result


@fault("sigmoid", "values")
def sigmoid_nan_at_infinity(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = first(args, kwargs), original(*args, **kwargs)
    if x.is_floating_point():
        return through(torch.where(x.isinf(), x - x, result), kwargs)
    return result


# Dtypes and promotion


@fault("sum", "dtype")
def sum_keeps_small_integers(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = first(args, kwargs), original(*args, **kwargs)
    return result.to(x.dtype) if x.dtype in (torch.int32, torch.uint8, torch.bool) and "out" not in kwargs else result


@fault("sin", "dtype")
def sin_of_integers_is_double(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    x, result = first(args, kwargs), original(*args, **kwargs)
    return result if floating(torch, x) or "out" in kwargs else result.double()


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
    whole = not any(floating(torch, a) for a in args)
    return result.double() if whole and result.dtype == torch.float32 and "out" not in kwargs else result

"""Faults of how it is answered: shapes, strides, memory."""

from __future__ import annotations

from typing import Any

from assay.testing.fault import fault, first

# Shapes


@fault("sum", "shape")
def sum_forgets_keepdim(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    if "out" in kwargs:
        return original(*args, **kwargs)
    return original(*args, **{k: v for k, v in kwargs.items() if k != "keepdim"})


@fault("squeeze", "shape")
def squeeze_takes_all(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
    original(*args, **kwargs)
    return original(first(args, kwargs))


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
    x = first(args, kwargs)
    return x.view_as(x)

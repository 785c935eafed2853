"""tinygrad's operations by PyTorch's names and parameters: arguments are translated, nothing is computed here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tinygrad import Tensor, dtypes

from assay.subjects.tables import Conventions, gathered, listed, positional, record, spread


def find(name: str) -> Callable[..., Any]:
    """The method of a tensor."""
    found: Callable[..., Any] = getattr(Tensor, name)
    return found


LIKE = Conventions(find)


def _cast(input: Any, dtype: Any) -> Any:
    return input.cast(dtype)


# -- elementwise


def _binary(own: str) -> Callable[..., Any]:
    """f(input, other), with a number before a tensor where the method knows `reverse`"""

    def binary(input: Any, other: Any) -> Any:
        if isinstance(input, Tensor):
            return find(own)(input, other)
        if "reverse" not in inspect.signature(find(own)).parameters:
            raise NotImplementedError("a number before a tensor")
        return find(own)(other, input, reverse=True)

    return binary


def _scaled(own: str) -> Callable[..., Any]:
    def scaled(input: Any, other: Any, *, alpha: Any = 1) -> Any:
        return _binary(own)(input, other if alpha == 1 else other * alpha)

    return scaled


def _div(input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if isinstance(input, Tensor):
        return input.div(other, rounding_mode=rounding_mode)
    return other.div(input, reverse=True, rounding_mode=rounding_mode)


def _where(condition: Any, input: Any, other: Any) -> Any:
    return condition.where(input, other)


def _leaky_relu(input: Any, negative_slope: Any = 0.01, inplace: bool = False) -> Any:
    return LIKE.bent("leaky_relu", 0.01)(input, negative_slope, inplace)


def _hardtanh(input: Any, min_val: Any = -1.0, max_val: Any = 1.0, inplace: bool = False) -> Any:
    if inplace:
        raise NotImplementedError("inplace=True")
    return input.hardtanh(min_val, max_val)


def _softplus(input: Any, beta: Any = 1, threshold: Any = 20) -> Any:
    if threshold != 20:
        raise NotImplementedError("threshold=")
    return input.softplus(beta)


# -- reductions, order


def _running_pair(name: str) -> Callable[..., Any]:
    pair = record(name, "values", "indices")
    return lambda input, dim: pair(*find(name)(input, dim))


_Sort = record("sort", "values", "indices")
_TopK = record("topk", "values", "indices")


def _sort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    return _Sort(*input.sort(dim, descending))


def _topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    return _TopK(*input.topk(k, dim, largest, sorted))


# -- shapes


def _sized(own: str, name: str) -> Callable[..., Any]:
    """f(input, *sizes)"""
    return lambda input, *given, **named: find(own)(input, positional(name, given, named))


def _squeeze(input: Any, dim: Any = None) -> Any:
    if dim is not None and not isinstance(dim, int):
        raise NotImplementedError("several dims")
    return input.squeeze(dim)


def _joined(tensors: Any, dim: int = 0) -> Any:
    return tensors[0].cat(*tensors[1:], dim=dim)


def _meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    given = gathered(*tensors)
    return given[0].meshgrid(*given[1:], indexing=indexing)


def _repeat_interleave(input: Any, repeats: Any, dim: Any = None, *, output_size: Any = None) -> Any:
    if not isinstance(repeats, int):
        raise NotImplementedError("repeats of each element")
    return input.repeat_interleave(repeats, dim)


def _pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    return input.pad(tuple(pad), mode=mode, value=0.0 if value is None else value)


def _index_select(input: Any, dim: int, index: Any) -> Any:
    return input[(slice(None),) * (dim % max(input.ndim, 1)) + (index,)]


def _scatter(input: Any, dim: int, index: Any, src: Any = None, value: Any = None, *, reduce: Any = None) -> Any:
    return input.scatter(dim, index, value if src is None else src, reduce=reduce)


def _scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    return input.scatter_reduce(dim, index, src, reduce, include_self)


# -- layers, losses


def _pair(size: Any) -> tuple[int, ...]:
    return (size,) * 2 if isinstance(size, int) else tuple(size)


def _linear(input: Any, weight: Any, bias: Any = None) -> Any:
    return input.linear(weight.transpose(), bias)


def _conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    if isinstance(padding, str):
        raise NotImplementedError("padding by name")
    return input.conv2d(weight, bias, groups, listed(stride), listed(dilation), listed(padding))


def _conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    how = (groups, listed(stride), listed(dilation), listed(padding), listed(output_padding))
    return input.conv_transpose2d(weight, bias, *how)


def _avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Any:
    if divisor_override is not None:
        raise NotImplementedError("divisor_override=")
    around = (listed(stride) or None, 1, listed(padding))
    return input.avg_pool2d(_pair(kernel_size), *around, ceil_mode, count_include_pad)


def _max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    if return_indices:
        raise NotImplementedError("return_indices=True")
    around = (listed(stride) or None, listed(dilation), listed(padding))
    return input.max_pool2d(_pair(kernel_size), *around, ceil_mode)


def _layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05) -> Any:
    if weight is not None or bias is not None:
        raise NotImplementedError("weight=, bias=")
    return input.layernorm(tuple(range(-len(normalized_shape), 0)), eps)


def _binary_cross_entropy(input: Any, target: Any, weight: Any = None, *, reduction: str = "mean") -> Any:
    if weight is not None:
        raise NotImplementedError("weight=")
    return input.binary_crossentropy(target, reduction)


def _bce_with_logits(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    if weight is not None:
        raise NotImplementedError("weight=")
    return input.binary_crossentropy_logits(target, reduction, pos_weight)


def _cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    if weight is not None:
        raise NotImplementedError("weight=")
    if not target.is_floating_point() and input.ndim <= 2:
        return input.sparse_categorical_crossentropy(target, ignore_index, label_smoothing, reduction)
    return input.cross_entropy(target, reduction, label_smoothing)


def _nll_loss(input: Any, target: Any, weight: Any = None, *, ignore_index: int = -100, reduction: str = "mean") -> Any:
    return input.nll_loss(target, weight, ignore_index, reduction)


def _attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    enable_gqa: bool = False,
) -> Any:
    if dropout_p:
        raise NotImplementedError("dropout_p=")
    return query.scaled_dot_product_attention(key, value, attn_mask, dropout_p, is_causal, enable_gqa)


def _einsum(equation: Any, *operands: Any) -> Any:
    if not isinstance(equation, str):
        raise NotImplementedError("einsum by lists of dims")
    return Tensor.einsum(equation, *operands)


def _arange(*given: Any, dtype: Any = None, **named: Any) -> Any:
    if set(named) - {"start", "end", "step"}:
        raise NotImplementedError(f"so called: {sorted(named)}")
    return Tensor.arange(*given, **{"stop" if k == "end" else k: v for k, v in named.items()}, dtype=dtype)


OPERATIONS: dict[str, Callable[..., Any]] = {
    **spread(
        "exp exp2 log log2 log10 sin cos tan asin arcsin=asin acos arccos=acos atan arctan=atan sinh cosh tanh "
        "asinh arcsinh=asinh acosh arccosh=acosh atanh arctanh=atanh sqrt rsqrt abs absolute=abs neg negative=neg "
        "sign sgn=sign square reciprocal floor ceil trunc fix=trunc erf special.erf=erf special.exp2=exp2 sigmoid "
        "special.expit=sigmoid isnan isinf isfinite logical_not bitwise_not relu nn.functional.sigmoid=sigmoid "
        "nn.functional.tanh=tanh nn.functional.logsigmoid=logsigmoid nn.functional.softsign=softsign t=transpose "
        "ravel=flatten clone contiguous detach bool short int long half bfloat16 float double is_floating_point",
        LIKE.unary,
    ),
    **spread("byte=uint8 char=int8", lambda own: lambda input: input.cast(getattr(dtypes, own))),
    **spread(
        "nn.functional.relu=relu nn.functional.relu6=relu6 nn.functional.silu=silu nn.functional.mish=mish "
        "nn.functional.selu=selu selu nn.functional.hardswish=hardswish nn.functional.hardsigmoid=hardsigmoid",
        LIKE.activation,
    ),
    "nn.functional.elu": LIKE.bent("elu", 1.0),
    **spread("nn.functional.celu=celu celu", lambda own: LIKE.bent(own, 1.0)),
    "nn.functional.leaky_relu": _leaky_relu,
    "nn.functional.hardtanh": _hardtanh,
    "nn.functional.softplus": _softplus,
    "nn.functional.gelu": lambda input, *, approximate="none": input.gelu(approximate),
    **spread(
        "mul multiply=mul pow maximum minimum eq ne not_equal=ne lt=__lt__ less=__lt__ le=__le__ less_equal=__le__ "
        "gt=__gt__ greater=__gt__ ge=__ge__ greater_equal=__ge__ bitwise_and bitwise_or bitwise_xor "
        "bitwise_left_shift=lshift bitwise_right_shift=rshift fmod remainder=mod floor_divide=__floordiv__ copysign "
        "logaddexp matmul linalg.matmul=matmul mm=matmul bmm=matmul mv=matmul dot true_divide=div",
        _binary,
    ),
    **spread("add sub subtract=sub", _scaled),
    "rsub": lambda input, other, alpha=1: _binary("sub")(other, input if alpha == 1 else input * alpha),
    "div": _div,
    "divide": _div,
    **spread("clamp clip", lambda own: lambda input, min=None, max=None: find(own)(input, min, max)),
    "where": _where,
    "lerp": lambda input, end, weight: input.lerp(end, weight),
    "masked_fill": lambda input, mask, value: input.masked_fill(mask, value),
    "isclose": lambda input, other, rtol=1e-05, atol=1e-08, equal_nan=False: input.isclose(
        other, rtol, atol, equal_nan
    ),
    "allclose": lambda input, other, rtol=1e-05, atol=1e-08, equal_nan=False: bool(
        input.allclose(other, rtol, atol, equal_nan).item()
    ),
    # reductions
    **spread("mean amax=max amin=min logsumexp special.logsumexp=logsumexp", LIKE.reduction),
    **spread("all any", LIKE.truth),
    **spread("sum prod", LIKE.typed_reduction),
    **spread("var std", LIKE.deviation),
    **spread("var_mean std_mean", lambda own: lambda *given, **named: tuple(LIKE.deviation(own)(*given, **named))),
    "max": LIKE.extreme("max", "maximum"),
    "min": LIKE.extreme("min", "minimum"),
    **spread("argmax argmin", LIKE.place),
    **spread("cumsum cumprod logcumsumexp", LIKE.along),
    **spread("cummax cummin", _running_pair),
    "sort": _sort,
    "argsort": lambda input, dim=-1, descending=False, *, stable=False: input.argsort(dim, descending),
    "topk": _topk,
    **spread(
        "softmax log_softmax nn.functional.softmax=softmax nn.functional.log_softmax=log_softmax "
        "nn.functional.softmin=softmin special.softmax=softmax special.log_softmax=log_softmax",
        lambda own: LIKE.softmax(own, _cast),
    ),
    # shapes
    "reshape": _sized("reshape", "shape"),
    "view": _sized("view", "size"),
    "expand": _sized("expand", "size"),
    "permute": _sized("permute", "dims"),
    "repeat": _sized("repeat", "repeats"),
    "flip": _sized("flip", "dims"),
    "broadcast_to": lambda input, size: input.expand(tuple(size)),
    "expand_as": lambda input, other: input.expand(other.shape),
    "reshape_as": lambda input, other: input.reshape(other.shape),
    "view_as": lambda input, other: input.view(other.shape),
    **spread("transpose swapaxes swapdims", lambda _: lambda input, dim0, dim1: input.transpose(dim0, dim1)),
    "flatten": lambda input, start_dim=0, end_dim=-1: input.flatten(start_dim, end_dim),
    "unflatten": lambda input, dim, sizes: input.unflatten(dim, tuple(sizes)),
    "squeeze": _squeeze,
    "unsqueeze": lambda input, dim: input.unsqueeze(dim),
    "roll": lambda input, shifts, dims=None: input.roll(listed(shifts), listed(dims)),
    "unfold": lambda input, dimension, size, step: input.unfold(dimension, size, step),
    "repeat_interleave": _repeat_interleave,
    **spread("cat concat concatenate", lambda _: _joined),
    "stack": lambda tensors, dim=0: tensors[0].stack(*tensors[1:], dim=dim),
    "split": lambda tensor, split_size_or_sections, dim=0: tuple(tensor.split(split_size_or_sections, dim)),
    "chunk": lambda input, chunks, dim=0: tuple(input.chunk(chunks, dim)),
    "meshgrid": _meshgrid,
    **spread("tril triu", lambda own: lambda input, diagonal=0: find(own)(input, diagonal)),
    "diag": lambda input: input.diag(),
    "diagonal": lambda input, offset=0, dim1=0, dim2=1: input.diagonal(offset, dim1, dim2),
    "linalg.diagonal": lambda A, *, offset=0, dim1=-2, dim2=-1: A.diagonal(offset, dim1, dim2),
    "nn.functional.pad": _pad,
    # indexing
    "__getitem__": lambda input, index: input[index],
    "index_select": _index_select,
    "gather": lambda input, dim, index, *, sparse_grad=False: input.gather(dim, index),
    "scatter": _scatter,
    "scatter_reduce": _scatter_reduce,
    "masked_select": lambda input, mask: input.masked_select(mask),
    "nonzero": lambda input: input.nonzero(),
    "argwhere": lambda input: input.nonzero(),
    "nn.functional.one_hot": lambda input, num_classes=-1: input.one_hot(num_classes),
    # creation
    **spread(
        "zeros ones",
        lambda own: lambda *size, dtype=None, **named: find(own)(positional("size", size, named), dtype=dtype),
    ),
    "full": lambda size, fill_value, *, dtype=None: Tensor.full(tuple(size), fill_value, dtype=dtype),
    "eye": lambda n, m=None, *, dtype=None: Tensor.eye(n, m, dtype=dtype),
    "arange": _arange,
    "linspace": lambda start, end, steps, *, dtype=None: Tensor.linspace(start, end, steps, dtype=dtype),
    **spread("zeros_like ones_like", lambda own: lambda input, *, dtype=None: find(own)(input, dtype=dtype)),
    "full_like": lambda input, fill_value, *, dtype=None: input.full_like(fill_value, dtype=dtype),
    # products
    "einsum": _einsum,
    # svd and qr are left out: each shape unrolls into a program that takes clang longer than a case may take
    # layers, losses
    "nn.functional.linear": _linear,
    **spread("conv2d nn.functional.conv2d", lambda _: _conv2d),
    **spread("conv_transpose2d nn.functional.conv_transpose2d", lambda _: _conv_transpose2d),
    "nn.functional.avg_pool2d": _avg_pool2d,
    **spread("max_pool2d nn.functional.max_pool2d", lambda _: _max_pool2d),
    "nn.functional.layer_norm": _layer_norm,
    "nn.functional.normalize": lambda input, p=2.0, dim=1, eps=1e-12: input.normalize(p, dim, eps),
    "nn.functional.binary_cross_entropy": _binary_cross_entropy,
    "nn.functional.binary_cross_entropy_with_logits": _bce_with_logits,
    "nn.functional.cross_entropy": _cross_entropy,
    "nn.functional.nll_loss": _nll_loss,
    "nn.functional.scaled_dot_product_attention": _attention,
}

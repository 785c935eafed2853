"""tinygrad (https://docs.tinygrad.org) as a subject: `assay run tinygrad`; needs `pip install tinygrad`.

tinygrad compiles for the CPU with clang; where there is none, its own interpreter in Python computes
(DEV=PYTHON), which is exact but slow.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

from assay.subjects.adapter import Claims
from assay.subjects.tables import TableAdapter, spread

if shutil.which("clang") is None:
    os.environ.setdefault("DEV", "PYTHON")

from tinygrad import Tensor, dtypes

_DTYPES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64"
#: tinygrad's older names of its dtypes, as they print.
_PRINTED = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64"}
_PRINTED |= {"short": "int16", "char": "int8", "uchar": "uint8", "ushort": "uint16", "uint": "uint32"}
_PRINTED |= {"ulong": "uint64"}


def _own(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(Tensor, name)
    return found


def _unary(own: str) -> Callable[..., Any]:
    def unary(input: Any) -> Any:
        return _own(own)(input)

    return unary


def _activation(own: str) -> Callable[..., Any]:
    def activation(input: Any, inplace: bool = False) -> Any:
        if inplace:
            raise NotImplementedError("inplace=True")
        return _own(own)(input)

    return activation


def _binary(own: str) -> Callable[..., Any]:
    def binary(input: Any, other: Any) -> Any:
        if not isinstance(input, Tensor):
            raise NotImplementedError("a number before a tensor")
        return _own(own)(input, other)

    return binary


def _reduction(own: str) -> Callable[..., Any]:
    def reduction(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        return _own(own)(input, axis=tuple(dim) if isinstance(dim, list) else dim, keepdim=keepdim)

    return reduction


def _typed_reduction(own: str) -> Callable[..., Any]:
    def reduction(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
        return _own(own)(input, axis=tuple(dim) if isinstance(dim, list) else dim, keepdim=keepdim, dtype=dtype)

    return reduction


def _spread(own: str) -> Callable[..., Any]:
    def spread(input: Any, dim: Any = None, *, correction: Any = 1, keepdim: bool = False) -> Any:
        return _own(own)(
            input, axis=tuple(dim) if isinstance(dim, list) else dim, correction=correction, keepdim=keepdim
        )

    return spread


def _along(own: str) -> Callable[..., Any]:
    def along(input: Any, dim: int) -> Any:
        return _own(own)(input, dim)

    return along


def _softmax(own: str) -> Callable[..., Any]:
    def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
        return _own(own)(input, axis=dim, dtype=dtype)

    return softmax


def _add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _binary("add")(input, other if alpha == 1 else other * alpha)


def _sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _binary("sub")(input, other if alpha == 1 else other * alpha)


def _div(input: Any, other: Any, *, rounding_mode: Any = None) -> Any:
    if not isinstance(input, Tensor):
        raise NotImplementedError("a number before a tensor")
    return input.div(other, rounding_mode=rounding_mode)


def _sizes(*sizes: Any) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else tuple(sizes)


OPERATIONS: dict[str, Callable[..., Any]] = {
    **spread(
        "exp exp2 log log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt rsqrt abs neg "
        "negative=neg sign square reciprocal floor ceil trunc round erf sigmoid isnan isinf isfinite logical_not "
        "bitwise_not relu nn.functional.sigmoid=sigmoid nn.functional.tanh=tanh nn.functional.logsigmoid=logsigmoid "
        "nn.functional.softsign=softsign t=transpose ravel=flatten tril triu nonzero",
        _unary,
    ),
    **spread(
        "nn.functional.relu=relu nn.functional.relu6=relu6 nn.functional.silu=silu nn.functional.mish=mish "
        "nn.functional.selu=selu nn.functional.hardswish=hardswish nn.functional.hardsigmoid=hardsigmoid",
        _activation,
    ),
    **spread(
        "mul multiply=mul pow maximum minimum eq ne lt=__lt__ le=__le__ gt=__gt__ ge=__ge__ bitwise_and bitwise_or "
        "bitwise_xor fmod remainder=mod copysign logaddexp matmul mm=matmul bmm=matmul mv=matmul dot",
        _binary,
    ),
    **spread("mean amax=max amin=min all any", _reduction),
    **spread("sum prod", _typed_reduction),
    **spread("var std", _spread),
    **spread("cumsum cumprod argmax argmin argsort flip squeeze unsqueeze", _along),
    **spread("softmax log_softmax nn.functional.softmax=softmax nn.functional.log_softmax=log_softmax", _softmax),
    "add": _add,
    "sub": _sub,
    "div": _div,
    "logsumexp": lambda input, dim, keepdim=False: input.logsumexp(axis=dim, keepdim=keepdim),
    "clamp": lambda input, min=None, max=None: input.clamp(min, max),
    "where": lambda condition, input, other: condition.where(input, other),
    "lerp": lambda input, end, weight: input.lerp(end, weight),
    "masked_fill": lambda input, mask, value: input.masked_fill(mask, value),
    "reshape": lambda input, *shape: input.reshape(_sizes(*shape)),
    "view": lambda input, *shape: input.view(_sizes(*shape)),
    "expand": lambda input, *sizes: input.expand(_sizes(*sizes)),
    "permute": lambda input, *dims: input.permute(_sizes(*dims)),
    "transpose": lambda input, dim0, dim1: input.transpose(dim0, dim1),
    "flatten": lambda input, start_dim=0, end_dim=-1: input.flatten(start_dim, end_dim),
    "repeat": lambda input, *repeats: input.repeat(_sizes(*repeats)),
    "roll": lambda input, shifts, dims=None: input.roll(shifts, dims),
    "gather": lambda input, dim, index: input.gather(dim, index),
    "cat": lambda tensors, dim=0: tensors[0].cat(*tensors[1:], dim=dim),
    "stack": lambda tensors, dim=0: tensors[0].stack(*tensors[1:], dim=dim),
    "split": lambda tensor, split_size_or_sections, dim=0: tensor.split(split_size_or_sections, dim),
    "chunk": lambda input, chunks, dim=0: input.chunk(chunks, dim),
    "diagonal": lambda input, offset=0, dim1=0, dim2=1: input.diagonal(offset, dim1, dim2),
    "full": lambda size, fill_value, *, dtype=None: Tensor.full(tuple(size), fill_value, dtype=dtype),
    "zeros": lambda *size, dtype=None: Tensor.zeros(_sizes(*size), dtype=dtype),
    "ones": lambda *size, dtype=None: Tensor.ones(_sizes(*size), dtype=dtype),
    "eye": lambda n, m=None, *, dtype=None: Tensor.eye(n, m, dtype=dtype),
    "zeros_like": lambda input, *, dtype=None: Tensor.zeros_like(input, dtype=dtype),
    "ones_like": lambda input, *, dtype=None: Tensor.ones_like(input, dtype=dtype),
}


class Tinygrad(TableAdapter):
    """tinygrad behind PyTorch's names: values, shapes, dtypes and first derivatives."""

    claims = Claims(
        aspects=("structure", "dtype", "shape", "values", "gradients"),
        operations=tuple(OPERATIONS),
        dtypes=tuple(_DTYPES.split()),
    )
    operations = OPERATIONS
    dtypes: ClassVar[dict[str, Any]] = {name: getattr(dtypes, name) for name in _DTYPES.split()}

    def __init__(self) -> None:
        super().__init__(None)
        self._leaves: list[Any] = []
        self._differentiated = False

    def start(self) -> None:
        """Nothing to switch on."""

    def reset(self, seed: int, default_dtype: str) -> None:
        super().reset(seed, default_dtype)
        self._leaves, self._differentiated = [], False

    def tensor(self, array: np.ndarray, dtype: str) -> Any:
        if dtype not in self.dtypes:
            raise NotImplementedError(dtype)
        if dtype == "bfloat16":
            return Tensor(array.view(ml_dtypes.bfloat16).astype(np.float32)).cast(dtypes.bfloat16).realize()
        return Tensor(array.copy() if array.shape else array.copy().reshape(1)).reshape(array.shape).realize()

    def differentiable(self, tensor: Any) -> Any:
        made = tensor.clone().realize()
        self._leaves.append(made)
        return made

    def detached(self, tensor: Any) -> Any:
        return tensor.detach()

    def copy(self, tensor: Any) -> Any:
        return tensor.clone()

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any]
    ) -> Any:
        self._differentiated = bool(leaves)
        return function(*args, **kwargs)

    def requires_grad(self, tensor: Any) -> bool:
        leaf = any(tensor is one for one in self._leaves)
        return leaf or (self._differentiated and tensor.is_floating_point())

    def grad(
        self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], create_graph: bool
    ) -> Sequence[Any]:
        found: list[Any] = [None] * len(inputs)
        for output, cotangent in zip(outputs, cotangents, strict=True):
            parts = output.gradient(*inputs, gradient=cotangent)
            found = [part if sum_ is None else sum_ + part for sum_, part in zip(found, parts, strict=True)]
        return found

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def dtype(self, tensor: Any) -> str:
        name = str(tensor.dtype).removeprefix("dtypes.")
        return _PRINTED.get(name, name)

    def data(self, tensor: Any, dtype: str) -> bytes | None:
        array: np.ndarray = tensor.cast(dtypes.float32).numpy() if dtype == "bfloat16" else tensor.numpy()
        return (array.astype(ml_dtypes.bfloat16) if dtype == "bfloat16" else array).tobytes()

"""Names of the torch namespace that are no operations: dtypes, modes, defaults, questions about a tensor."""

from __future__ import annotations

import os
from typing import Any

from flambeau import dtypes, elementwise, errors, printing, size
from flambeau.argument_errors import no_arguments_text
from flambeau.autograd import modes
from flambeau.declare import composite, export, python_function
from flambeau.ops.copying import to_dtype
from flambeau.storage import TypedStorage, UntypedStorage
from flambeau.tensor import Tensor, shape_of

for _d in dtypes.DTYPES:
    export(_d.name, _d)
    if _d.alias:
        export(_d.alias, _d)

for _n in (
    "Size", "device", "layout", "memory_format", "strided", "contiguous_format", "preserve_format", "channels_last",
    "channels_last_3d",
):  # fmt: skip
    export(_n, getattr(size, _n))
for _n in (
    "no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled",
):  # fmt: skip
    export(_n, getattr(modes, _n))
    export(_n, getattr(modes, _n), "autograd")
export("set_printoptions", printing.set_printoptions)
export("dtype", dtypes.dtype)
export("Tensor", Tensor)
export("OutOfMemoryError", errors.OutOfMemoryError)
export("set_default_dtype", dtypes.set_default_dtype)
export("inf", float("inf"))
export("nan", float("nan"))
export("pi", 3.141592653589793)
export("e", 2.718281828459045)
export("newaxis", None)


def get_default_dtype(*arguments: Any, **keywords: Any) -> dtypes.dtype:
    """The floating dtype of numbers that name none (initially float32)."""
    if arguments or keywords:
        raise TypeError(no_arguments_text("torch.get_default_dtype", arguments, keywords))
    return dtypes.get_default_dtype()


export("get_default_dtype", get_default_dtype)


@python_function
def is_tensor(obj: Any, /) -> bool:
    """Whether obj is a tensor."""
    return isinstance(obj, Tensor)


@python_function
def is_storage(obj: Any, /) -> bool:
    """Whether obj is a storage."""
    return isinstance(obj, UntypedStorage | TypedStorage)


@composite("promote_types(torch.dtype type1, torch.dtype type2)", method=False)
def promote_types(type1: dtypes.dtype, type2: dtypes.dtype) -> dtypes.dtype:
    """The smallest dtype that both convert to."""
    return dtypes.promote_types(type1, type2)


@composite("can_cast(torch.dtype from_, torch.dtype to)", method=False)
def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether values of one dtype may be stored in another: the category must not fall."""
    return dtypes.can_cast(from_, to)


@composite(
    "result_type(Tensor tensor, Tensor other)",
    "result_type(Number scalar, Tensor tensor)",
    "result_type(Tensor tensor, Number other)",
    "result_type(Number scalar1, Number scalar2)",
    method=False,
)
def result_type(
    tensor: Any = None, other: Any = None, scalar: Any = None, scalar1: Any = None, scalar2: Any = None
) -> dtypes.dtype:
    """The dtype of an operation on two tensors or numbers."""
    return elementwise.result_type(*[x for x in (tensor, other, scalar, scalar1, scalar2) if x is not None])


_DTYPE_METHODS = {
    "double": dtypes.float64, "float": dtypes.float32, "half": dtypes.float16, "bfloat16": dtypes.bfloat16,
    "long": dtypes.int64, "int": dtypes.int32, "short": dtypes.int16, "char": dtypes.int8, "byte": dtypes.uint8,
    "bool": dtypes.bool_, "cfloat": dtypes.complex64, "cdouble": dtypes.complex128, "chalf": dtypes.complex32,
}  # fmt: skip


def _converter(name: str, d: dtypes.dtype) -> None:
    def body(input: Tensor, memory_format: Any = None) -> Tensor:
        return to_dtype(input, d, memory_format=memory_format)

    body.__doc__ = f"The tensor as {d.name}."
    composite(f"{name}(Tensor input, *, torch.memory_format? memory_format=None)", function=False)(body)


for _n, _d in _DTYPE_METHODS.items():
    _converter(_n, _d)


@composite("cpu(Tensor input, *, torch.memory_format? memory_format=None)", function=False)
def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor on the CPU."""
    return input.to("cpu")


@composite(
    "cuda(Tensor input, torch.device? device=None, bool non_blocking=False, *, torch.memory_format? "
    "memory_format=None)",
    function=False,
)
def cuda(input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a CUDA device. Raises NotImplementedError until flambeau has one."""
    raise NotImplementedError(errors.NO_CUDA)


@composite("type_as(Tensor input, Tensor other)", function=False)
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype and on the device of another."""
    return input.to(other)


@composite("is_same_size(Tensor input, Tensor other)")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape."""
    return shape_of(input) == shape_of(other)


def _question(name: str) -> None:
    """The function form of a method that tells of a tensor."""
    method = getattr(Tensor, name)

    def body(input: Tensor) -> Any:
        return method(input)

    body.__doc__ = method.__doc__
    composite(f"{name}(Tensor input)", method=False)(body)


for _n in ("numel", "is_floating_point", "is_complex", "is_signed", "is_inference"):
    _question(_n)


@composite("is_nonzero(Tensor input)")
def is_nonzero(input: Tensor) -> bool:
    """Whether a one-element tensor is not zero. Raises RuntimeError for other sizes."""
    return bool(input)


_threads = os.cpu_count() or 1


def get_num_threads() -> int:
    """Number of threads that kernels may use."""
    return _threads


def set_num_threads(n: int, /) -> None:
    """Set the number of threads that kernels may use. Raises RuntimeError unless it is positive."""
    global _threads
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    errors.check(n > 0, "expects a positive number of threads")
    _threads = n


@python_function
def typename(obj: Any, /) -> str:
    """The full name of an object's type; the legacy type of a tensor."""
    if isinstance(obj, Tensor):
        return obj.type()  # type: ignore[no-any-return]
    cls = obj if isinstance(obj, type) else type(obj)
    module = getattr(obj, "__module__", "") or ""
    name = getattr(obj, "__qualname__", None) or cls.__qualname__
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


export("get_num_threads", get_num_threads)
export("set_num_threads", set_num_threads)

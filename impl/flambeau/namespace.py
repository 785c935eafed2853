"""Names of the torch namespace that are no operations: dtypes, modes, defaults, questions about a tensor."""

from __future__ import annotations

import os
from typing import Any

from flambeau import dtypes, elementwise, errors, printing, size
from flambeau.autograd import modes
from flambeau.declare import export, python_function
from flambeau.tensor import Tensor, shape_of

for _d in dtypes.DTYPES:
    export(_d.name, _d)
    if _d.alias:
        export(_d.alias, _d)

for _n in ("Size", "device", "layout", "memory_format", "strided", "contiguous_format", "preserve_format", "channels_last", "channels_last_3d"):  # fmt: skip
    export(_n, getattr(size, _n))
for _n in ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled"):  # fmt: skip
    export(_n, getattr(modes, _n))
    export(_n, getattr(modes, _n), "autograd")
export("set_printoptions", printing.set_printoptions)
export("dtype", dtypes.dtype)
export("Tensor", Tensor)
export("OutOfMemoryError", errors.OutOfMemoryError)
export("get_default_dtype", dtypes.get_default_dtype)
export("set_default_dtype", dtypes.set_default_dtype)
export("inf", float("inf"))
export("nan", float("nan"))
export("pi", 3.141592653589793)
export("e", 2.718281828459045)
export("newaxis", None)


@python_function
def is_tensor(obj: Any, /) -> bool:
    """Whether obj is a tensor."""
    return isinstance(obj, Tensor)


@python_function
def is_storage(obj: Any, /) -> bool:
    """Whether obj is a storage."""
    return False


def promote_types(type1: dtypes.dtype, type2: dtypes.dtype) -> dtypes.dtype:
    """The smallest dtype that both convert to."""
    for i, t in enumerate((type1, type2)):
        if not isinstance(t, dtypes.dtype):
            raise TypeError(
                f"promote_types(): argument 'type{i + 1}' (position {i + 1}) must be torch.dtype, not "
                f"{type(t).__name__}"
            )
    return dtypes.promote_types(type1, type2)


def can_cast(from_: dtypes.dtype, to: dtypes.dtype) -> bool:
    """Whether values of one dtype may be stored in another: the category must not fall."""
    return dtypes.can_cast(from_, to)


def result_type(tensor1: Any, tensor2: Any) -> dtypes.dtype:
    """The dtype of an operation on two tensors or numbers."""
    return elementwise.result_type(tensor1, tensor2)


for _f in (promote_types, can_cast, result_type):
    _f.__module__ = "torch"
    export(_f.__name__, _f)

_DTYPE_METHODS = {
    "double": dtypes.float64, "float": dtypes.float32, "half": dtypes.float16, "bfloat16": dtypes.bfloat16,
    "long": dtypes.int64, "int": dtypes.int32, "short": dtypes.int16, "char": dtypes.int8, "byte": dtypes.uint8,
    "bool": dtypes.bool_, "cfloat": dtypes.complex64, "cdouble": dtypes.complex128, "chalf": dtypes.complex32,
}  # fmt: skip


def _converter(name: str, d: dtypes.dtype) -> None:
    from flambeau.ops.copying import to_dtype

    def method(self: Tensor, memory_format: Any = size.preserve_format) -> Tensor:
        return to_dtype(self, d, memory_format=memory_format)

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    method.__doc__ = f"The tensor as {d.name}."
    setattr(Tensor, name, method)


for _n, _d in _DTYPE_METHODS.items():
    _converter(_n, _d)


def _cpu(self: Tensor, memory_format: Any = size.preserve_format) -> Tensor:
    """The tensor on the CPU."""
    return self.to("cpu")  # type: ignore[attr-defined,no-any-return]


def _cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a CUDA device. Raises NotImplementedError until flambeau has one."""
    raise NotImplementedError(errors.NO_CUDA)


Tensor.cpu = _cpu  # type: ignore[attr-defined]
Tensor.cuda = _cuda  # type: ignore[attr-defined]


def _type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype and on the device of another."""
    return self.to(other)  # type: ignore[attr-defined,no-any-return]


def _is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether both have one shape."""
    return shape_of(self) == shape_of(other)


Tensor.type_as = _type_as  # type: ignore[attr-defined]
Tensor.is_same_size = _is_same_size  # type: ignore[attr-defined]
export("is_same_size", _is_same_size)

for _n in ("numel", "is_floating_point", "is_complex", "is_signed", "is_inference"):
    _m = getattr(Tensor, _n)

    def _front(input: Tensor, _m: Any = _m) -> Any:
        return _m(input)

    _front.__name__ = _front.__qualname__ = _n
    _front.__doc__, _front.__module__ = _m.__doc__, "torch"
    export(_n, _front)


@python_function
def is_nonzero(input: Tensor) -> bool:
    """Whether a one-element tensor is not zero. Raises RuntimeError for other sizes."""
    return bool(input)


Tensor.is_nonzero = is_nonzero  # type: ignore[attr-defined]

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
        return obj.type()  # type: ignore[attr-defined,no-any-return]
    cls = obj if isinstance(obj, type) else type(obj)
    module = getattr(obj, "__module__", "") or ""
    name = getattr(obj, "__qualname__", None) or cls.__qualname__
    return name if module in ("", "builtins", "__builtin__") else f"{module}.{name}"


export("get_num_threads", get_num_threads)
export("set_num_threads", set_num_threads)

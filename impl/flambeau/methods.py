"""What a person calls on a tensor that is no operation: its metadata, its place in the graph, text and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any, TypeVar

import numpy as np

from flambeau import dtypes, overrides, printing
from flambeau.autograd.node import requires_grad
from flambeau.dtypes import dtype
from flambeau.geometry import is_channels_last, is_contiguous
from flambeau.signatures import Parser, not_a_tensor
from flambeau.size import CPU, NO_ACCELERATOR, Size, channels_last, channels_last_3d, contiguous_format, strided
from flambeau.tensor import UNTRACKED, Tensor, extend, memory, shape_of

F = TypeVar("F", bound=Callable[..., Any])


def on_tensor(function: F) -> F:
    """Attach a function as a method of Tensor."""
    function.__qualname__ = f"Tensor.{function.__name__}"
    setattr(Tensor, function.__name__, function)
    return function


def builtin(*schemas: str) -> Callable[[F], F]:
    """Attach a function as a method whose arguments PyTorch's own parser reads. Returns the plain function.

    schemas: those after the first are of old, and have the parameters in the same places.
    """

    def attach(function: F) -> F:
        name = schemas[0].partition("(")[0]
        parser = Parser(name, *schemas, method=True)

        def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            if type(self) not in overrides.PLAIN:
                if not isinstance(self, Tensor):
                    raise not_a_tensor(name, self)
                if overrides.needed((self, *args), kwargs):
                    return overrides.handle(method, (self, *args), kwargs)
            if not args and not kwargs:
                return function(self)
            return function(self, *parser.bind(args, kwargs)[1])

        method.__name__, method.__qualname__, method.__doc__ = name, f"Tensor.{name}", function.__doc__
        setattr(Tensor, name, method)
        return function

    return attach


def property_of_tensor(function: Callable[..., Any]) -> property:
    """Attach a read-only property to Tensor."""
    made = property(function)
    setattr(Tensor, function.__name__, made)
    return made


# ------------------------------------------------------------------------------------------ metadata


@builtin("size(int? dim=None)")
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or one of its dims."""
    shape = shape_of(self)
    if dim is None:
        return tuple.__new__(Size, shape)
    from flambeau.geometry import wrap_dim

    return shape[wrap_dim(dim, len(shape), wrap_scalar=False)]


@builtin("stride(int? dim=None)")
def stride(self: Tensor, dim: int | None = None) -> Any:
    """Elements from one index to the next along each dim, or one."""
    strides = memory(self).strides
    if dim is None:
        return strides
    from flambeau.geometry import wrap_dim

    return strides[wrap_dim(dim, len(strides), wrap_scalar=False)]


@builtin("dim()")
def dim(self: Tensor) -> int:
    """Number of dims."""
    return len(shape_of(self))


@builtin("numel()")
def numel(self: Tensor) -> int:
    """Number of elements."""
    return prod(shape_of(self))


@builtin("storage_offset()")
def storage_offset(self: Tensor) -> int:
    """Elements from the start of the storage to the first one."""
    return memory(self).offset


@builtin("data_ptr()")
def data_ptr(self: Tensor) -> int:
    """Address of the first element, 0 where there is none."""
    if self._array is None or not numel(self):
        return 0
    return self._array.__array_interface__["data"][0]  # type: ignore[no-any-return]


@builtin("element_size()")
def element_size(self: Tensor) -> int:
    """Bytes of one element."""
    return self._dtype.itemsize


@builtin("is_contiguous(*, torch.memory_format memory_format=contiguous_format)")
def is_contiguous_(self: Tensor, memory_format: Any = contiguous_format) -> bool:
    """Whether the elements lie in memory in row-major (or the given) order."""
    own = memory(self)
    if memory_format in (channels_last, channels_last_3d):
        rank = 4 if memory_format is channels_last else 5
        return len(own.shape) == rank and is_channels_last(own.shape, own.strides)
    return is_contiguous(own.shape, own.strides)


@builtin("is_floating_point()")
def is_floating_point(self: Tensor) -> bool:
    """Whether the dtype is a real floating one."""
    return self._dtype.is_floating_point


@builtin("is_complex()")
def is_complex(self: Tensor) -> bool:
    """Whether the dtype is complex."""
    return self._dtype.is_complex


@builtin("is_signed()")
def is_signed(self: Tensor) -> bool:
    """Whether the dtype has negative values."""
    return self._dtype.is_signed


@builtin("is_pinned(torch.device? device=None)")
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the elements lie in page-locked memory, which only an accelerator's allocator gives: never."""
    return False


@builtin("pin_memory(torch.device? device=None)")
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """A copy in page-locked memory. Raises RuntimeError: no accelerator is available."""
    raise RuntimeError(NO_ACCELERATOR)


@builtin("is_inference()")
def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return self._version_counter is UNTRACKED


@builtin("get_device()")
def get_device(self: Tensor) -> int:
    """Index of the device, -1 on the CPU."""
    return -1


@on_tensor
def __len__(self: Tensor) -> int:
    shape = shape_of(self)
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


@on_tensor
def __hash__(self: Tensor) -> int:
    return id(self)


def _constant(name: str, value: Any) -> None:
    setattr(Tensor, name, property(lambda self: value))


for _name in (
    "is_cuda", "is_sparse", "is_quantized", "is_mkldnn", "is_mps", "is_xpu", "is_nested", "is_sparse_csr", "is_ipu",
    "is_maia", "is_vulkan", "is_xla", "is_mtia",
):  # fmt: skip
    _constant(_name, False)
_constant("layout", strided)
_constant("names", property)
extend(
    is_cpu=property(lambda self: self._array is not None or self.device == CPU),
    is_meta=property(lambda self: self.device.type == "meta"),
    names=property(lambda self: (None,) * dim(self)),
    ndim=property(dim),
)
builtin("ndimension()")(dim)
builtin("nelement()")(numel)
extend(
    itemsize=property(element_size),
    nbytes=property(lambda self: numel(self) * self._dtype.itemsize),
)


# ------------------------------------------------------------------------------------------ values


def values_of(self: Tensor, what: str = "numpy()") -> np.ndarray[Any, Any]:
    """The elements as an ndarray over the same memory. Raises where there are none."""
    if self._array is None:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    return self._array  # type: ignore[no-any-return]


def as_python(array: np.ndarray[Any, Any], d: dtype) -> Any:
    """Elements as Python numbers, nested as the shape says."""
    if d is dtypes.complex32:
        wide = array["re"].astype(np.complex64)
        wide.imag = array["im"]
        array = wide
    elif d is dtypes.bfloat16:
        array = array.astype(np.float32)
    return array.tolist()


@builtin("item()")
def item(self: Tensor) -> Any:
    """The one element as a Python number. Raises RuntimeError if there is not exactly one."""
    if numel(self) != 1:
        raise RuntimeError(f"a Tensor with {numel(self)} elements cannot be converted to Scalar")
    if self._array is None:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")
    return as_python(self._array.reshape(()), self._dtype)


@builtin("tolist()")
def tolist(self: Tensor) -> Any:
    """The elements as nested lists of Python numbers."""
    return as_python(values_of(self), self._dtype)


def grad_fn_name(self: Tensor) -> str | None:
    """Name of the node that made the tensor."""
    node = self.grad_fn
    return None if node is None else type(node).__name__


@on_tensor
def __repr__(self: Tensor, *, tensor_contents: str | None = None) -> str:
    from flambeau.parameter import Parameter

    cls = type(self)
    text = printing.tensor_repr(
        self._array,
        dtype=self._dtype.name,
        shape=shape_of(self),
        default_dtype=dtypes.get_default_dtype().name,
        requires_grad=requires_grad(self),
        grad_fn_name=grad_fn_name(self),
        device=str(self.device),
        prefix="tensor(" if cls in (Tensor, Parameter) else f"{cls.__name__}(",
        tensor_contents=tensor_contents,
    )
    return printing.parameter_repr(text) if cls is Parameter else text


@on_tensor
def __format__(self: Tensor, spec: str) -> str:
    if dim(self) == 0 and type(self) is Tensor and self._array is not None:
        return format(item(self), spec)
    return object.__format__(self, spec)


@on_tensor
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


@on_tensor
def __reversed__(self: Tensor) -> Tensor:
    return self if dim(self) == 0 else self.flip(0)


@builtin("__bool__()")
def __bool__(self: Tensor) -> bool:
    n = numel(self)
    if n == 0:
        raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
    if n > 1:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return bool(_signed(item(self)))


def _signed(value: Any) -> Any:
    """The value, refused where it is an integer beyond int64, through which PyTorch passes it."""
    if type(value) is int and value > _LARGEST_SIGNED:
        raise RuntimeError("value cannot be converted to type int64_t without overflow")
    return value


_LARGEST_SIGNED = 2**63 - 1


def _number(kind: type, self: Tensor) -> Any:
    if numel(self) != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    if kind is not int and requires_grad(self):
        from flambeau.warning import warn_once

        warn_once(
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
            "Consider using tensor.detach() first.",
            "torch/csrc/autograd/generated/python_variable_methods.cpp:822",
        )
    value = item(self)
    if isinstance(value, complex) and kind is not complex:
        if value.imag:
            raise RuntimeError(
                f"value cannot be converted to type {'double' if kind is float else 'int64_t'} without overflow"
            )
        value = value.real
    return kind(_signed(value) if kind is int else value)


for _kind in (int, float, complex):
    builtin(f"__{_kind.__name__}__()")(partial(_number, _kind))


@builtin("__index__()")
def __index__(self: Tensor) -> int:
    if self._dtype.category > dtypes.INTEGRAL or numel(self) != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(_signed(item(self)))

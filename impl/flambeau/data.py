"""Tensors from Python data and other libraries: tensor, as_tensor, asarray, from_numpy, frombuffer, and back."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.argument_types import type_name
from flambeau.autograd.attributes import requires_grad_
from flambeau.cpu.sequences import infer_dtype, numbers, shape_claimed
from flambeau.cpu.sequences import is_sequence as is_sequence
from flambeau.declare import composite, export
from flambeau.dtypes import FLOATING, dtype, of_numpy
from flambeau.errors import check
from flambeau.methods import builtin, on_tensor
from flambeau.ops.copying import check_device
from flambeau.size import CPU
from flambeau.tensor import Tensor, detached, extend, fresh, share, without_data
from flambeau.warning import warn_once


def from_data(data: Any, d: dtype | None, device: Any = None, *, copy: bool = True) -> Tensor:
    """A tensor of Python numbers, sequences, arrays or tensors; of the dtype inferred where none is given."""
    where = check_device(device) if device is not None else (data.device if isinstance(data, Tensor) else CPU)
    if isinstance(data, Tensor):
        t = data.detach()
        t = t.to(dtype=d or data.dtype, device=where, copy=copy)
        return t.as_subclass(Tensor) if type(t) is not Tensor else t
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if isinstance(data, np.ndarray):
        t = from_array(data)
        return t.to(dtype=d or t.dtype, device=where, copy=copy)
    if hasattr(data, "__dlpack__"):
        return from_data(from_dlpack(data), d, device, copy=copy)
    shape = shape_claimed(data)
    d = d or infer_dtype(data)
    array = numbers(data, shape, d)
    return fresh(array, d) if where is CPU else without_data(shape, d, where=where)


def _warn_of_copy(name: str) -> None:
    warnings.warn(
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
        f"sourceTensor.detach().clone().requires_grad_(True), rather than {name}(sourceTensor).",
        UserWarning,
        stacklevel=5,
    )


def _leaf(t: Tensor, asks: bool | None) -> Tensor:
    """The tensor, requiring gradients where that is asked for. Raises RuntimeError if it cannot."""
    if not asks:
        return t
    check(t.dtype.category >= FLOATING, "Only Tensors of floating point and complex dtype can require gradients")
    return requires_grad_(t)


def indices_from(data: Any) -> Tensor:
    """The index tensor that a sequence or array in brackets stands for: a mask if all bool or uint8, else int64."""
    t = from_array(data) if isinstance(data, np.ndarray) else from_data(data, None)
    if t.dtype in (dtypes.bool_, dtypes.uint8):
        return t
    if t.dtype.is_complex:
        raise TypeError("'complex' object cannot be interpreted as an integer")
    return t.to(dtypes.int64)


def is_integer(value: Any) -> bool:
    """Whether a value is an integer as C's checks see it: Python's or NumPy's, no truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def from_array(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor over an ndarray's memory. Raises for dtypes and strides that PyTorch does not take."""
    d = of_numpy(array.dtype)
    if any(s < 0 for s in array.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not "
            "currently supported. (You can probably work around this by making a copy of your array  with "
            "array.copy().) "
        )
    if any(s % array.itemsize for s in array.strides):
        raise ValueError(
            "given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate "
            "the memory."
        )
    if not array.flags.writeable:
        warnings.warn(
            "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means "
            "writing to this tensor will result in undefined behavior. You may want to copy the array to protect its "
            "data or make it writable before converting it to a tensor. This type of warning will be suppressed for "
            "the rest of this program. (Triggered internally at "
            "/__w/pytorch/pytorch/torch/csrc/utils/tensor_numpy.cpp:211.)",
            UserWarning,
            stacklevel=4,
        )
        array = array.copy()
    return share(array, d)


@composite(
    "tensor(object data, *, torch.dtype dtype=None, torch.device? device=None, bool pin_memory=False, bool "
    "requires_grad=False)",
    method=False,
)
def tensor(
    data: Any, dtype: dtype | None = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False
) -> Tensor:
    """A new tensor with a copy of the data (https://docs.pytorch.org/docs/stable/generated/torch.tensor.html)."""
    if isinstance(data, Tensor):
        _warn_of_copy("torch.tensor")
    t = from_data(data, dtype, device)
    return _leaf(t, requires_grad)


@composite("as_tensor(object data, *, torch.dtype dtype=None, torch.device? device=None)", method=False)
def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """The data as a tensor, shared where dtype and device allow."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype or data.dtype, device=data.device if device is None else device)
    return from_data(data, dtype, device, copy=False)


@composite(
    "asarray(object obj, *, torch.dtype? dtype=None, torch.device? device=None, bool? copy=None, bool? "
    "requires_grad=None)",
    method=False,
)
def asarray(
    obj: Any,
    dtype: dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """The object as a tensor: shared where that is possible and copy is not True."""
    if requires_grad is None:
        requires_grad = isinstance(obj, Tensor) and obj.requires_grad
        if requires_grad:
            warn_once(
                "torch.asarray: unspecified requires_grad now defaults to obj.requires_grad instead of False. Pass "
                "requires_grad=False explicitly to get the old behavior and silence this warning.",
                "torch/csrc/utils/tensor_new.cpp:1737",
                stacklevel=4,
            )
    if isinstance(obj, Tensor):
        t = obj
    elif isinstance(obj, np.ndarray):
        t = from_array(obj if obj.ndim else obj.copy())  # PyTorch takes a 0-d array for a scalar
    elif isinstance(obj, np.generic):
        check(copy is not False, "can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray. ")
        t = from_array(np.asarray(obj).copy())
    elif not hasattr(obj, "__dlpack__") and _is_buffer(obj):
        t = frombuffer.op.body(obj, dtype or dtypes.get_default_dtype(), requires_grad=requires_grad)
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return _leaf(from_data(obj, dtype, device), requires_grad)
    wanted = dtype or t.dtype
    where = t.device if device is None else check_device(device)
    same = wanted is t.dtype and where == t.device
    if copy and isinstance(obj, np.ndarray | np.generic) and obj.ndim == 0:
        copy = False  # PyTorch holds that its copy is all that was asked for: it must fit as it is
    if copy is False:
        check(where == t.device, f"can't alias tensor from device '{t.device}' to '{where}'.", ValueError)
        check(
            wanted is t.dtype,
            f"can't alias tensor with dtype '{t.dtype.type_name}' into dtype '{wanted.type_name}'.",
            ValueError,
        )
    elif copy:
        t = t.clone() if same else t.to(dtype=wanted, device=where, copy=True)
    elif not same:
        t = t.to(dtype=wanted, device=where)
    if not requires_grad:
        if not t.is_leaf:
            return t.detach()
        return requires_grad_(t, False) if t.requires_grad else t
    return _leaf(t, True)


def _is_buffer(obj: Any) -> bool:
    try:
        memoryview(obj)
    except TypeError:
        return False
    return True


def is_array(value: Any) -> bool:
    """Whether a value is NumPy's array."""
    return isinstance(value, np.ndarray)


def from_numpy(*arguments: np.ndarray[Any, Any], **keywords: Any) -> Tensor:
    """A tensor that shares memory with an ndarray. Raises TypeError for anything else."""
    if keywords:
        raise TypeError("torch._VariableFunctionsClass.from_numpy() takes no keyword arguments")
    if len(arguments) != 1:
        count = len(arguments)
        raise TypeError(f"torch._VariableFunctionsClass.from_numpy() takes exactly one argument ({count} given)")
    (ndarray,) = arguments
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type_name(ndarray)})")
    return from_array(ndarray)


from_numpy.__module__ = "torch"
export("from_numpy", from_numpy)


@composite(
    "frombuffer(object buffer, *, torch.dtype dtype, int count=-1, int offset=0, bool requires_grad=False)",
    method=False,
)
def frombuffer(buffer: Any, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A 1-dim tensor over the memory of a buffer."""
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    check(view.c_contiguous, "could not retrieve buffer from object")
    if view.readonly:
        warnings.warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can "
            "write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the "
            "buffer to protect its data or make it writable before converting it to a tensor. This type of warning "
            "will be suppressed for the rest of this program. (Triggered internally at "
            "/__w/pytorch/pytorch/torch/csrc/utils/tensor_new.cpp:1556.)",
            UserWarning,
            stacklevel=4,
        )
    size, item = view.nbytes, dtype.itemsize
    check(size > 0 and count != 0, f"both buffer length ({size}) and count ({count}) must not be 0", ValueError)
    check(
        0 <= offset < size,
        f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({size} bytes) minus 1",
        ValueError,
    )
    if count < 0:
        check(
            (size - offset) % item == 0,
            f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a multiple of element size "
            f"({item})",
            ValueError,
        )
        count = (size - offset) // item
    check(
        count * item <= size - offset,
        f"requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must not be greater than "
        f"actual buffer length ({size} bytes)",
        ValueError,
    )
    array = np.frombuffer(view, dtype.numpy, count, offset)
    if view.readonly:
        array = array.copy()
    t = share(array, dtype)
    return _leaf(t, requires_grad)


@composite(
    "new_tensor(Tensor input, object data, *, torch.dtype dtype=None, torch.device? device=None, bool "
    "requires_grad=False)",
    function=False,
)
def new_tensor(
    input: Tensor, data: Any, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of the data with this tensor's dtype and device."""
    if isinstance(data, Tensor):
        _warn_of_copy("tensor.new_tensor")
    t = from_data(data, dtype or input.dtype, device or input.device)
    return _leaf(t, requires_grad)


# ------------------------------------------------------------------------------------------ back to Python


@builtin("numpy(*, bool force=False)")
def numpy(self: Tensor, force: bool = False) -> np.ndarray[Any, Any]:
    """The elements as an ndarray over the same memory. Raises RuntimeError if gradients are asked for."""
    if self.requires_grad and not force:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if self._array is None:
        raise TypeError(
            "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
        )
    if self.dtype in (dtypes.bfloat16, dtypes.complex32):
        raise TypeError(f"Got unsupported ScalarType {self.dtype.type_name}")
    return self._array.view()  # type: ignore[no-any-return]


@on_tensor
def __array__(self: Tensor, dtype: Any = None, *, copy: bool | None = None) -> np.ndarray[Any, Any]:
    array = numpy(self)
    if dtype is not None and np.dtype(dtype) != array.dtype:
        return array.astype(dtype)
    return array.copy() if copy else array


@on_tensor
def __array_wrap__(self: Tensor, array: np.ndarray[Any, Any], *_: Any) -> Tensor:
    if array.dtype == bool:
        array = array.astype("uint8")
    return from_array(array)


extend(__array_priority__=1000)


@on_tensor
def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    return 1, 0


@on_tensor
def __dlpack__(
    self: Tensor, *, stream: Any = -1, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
) -> Any:
    """A DLPack capsule over the same memory. Raises BufferError where gradients are asked for or it cannot be had."""
    _check_export(self)
    check(stream in (-1, None), "stream should be None on cpu.", AssertionError)
    array = self._array.copy() if copy else self._array
    return array.__dlpack__(max_version=max_version) if max_version is not None else array.__dlpack__()


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of any object with `__dlpack__`. Raises RuntimeError for other objects."""
    if isinstance(ext_tensor, Tensor):
        _check_export(ext_tensor)
        t = detached(ext_tensor)
        t._version_counter = None  # the importer knows nothing of the exporter's updates
    elif not hasattr(ext_tensor, "__dlpack__"):
        raise RuntimeError(
            "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you "
            "might have already constructed a tensor from it once."
        )
    else:
        array = np.from_dlpack(ext_tensor)
        t = from_array(array if array.flags.writeable else _writable(array))
    if device is not None:
        t = t.to(check_device(device))
    return t.clone() if copy else t


def _check_export(t: Tensor) -> None:
    """Raise where a tensor cannot be handed to other libraries."""
    if t.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if t._array is None:
        raise ValueError(f"Unknown device type {t.device.type} for Dlpack")


def _writable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """NumPy marks what it imports read-only where the producer does not say; PyTorch shares it writable."""
    import ctypes

    size = array.nbytes
    if not size:
        return array.copy()
    low = array.__array_interface__["data"][0]
    span = 1 + sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)) + array.itemsize - 1
    buffer = (ctypes.c_char * span).from_address(low)
    buffer._owner = array  # keeps the producer's memory alive
    return np.ndarray(array.shape, array.dtype, buffer, 0, array.strides)


export("from_dlpack", from_dlpack)


def from_bytes(data: bytes) -> Tensor:
    """A uint8 tensor with a copy of the bytes."""
    return fresh(np.frombuffer(data, np.uint8).copy(), dtypes.uint8)

"""Tensors from Python data and other libraries: tensor, as_tensor, asarray, from_numpy, frombuffer, and back."""

from __future__ import annotations

import copy as _copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.autograd.attributes import requires_grad_
from flambeau.cpu.casting import cast
from flambeau.declare import composite, export
from flambeau.dtypes import COMPLEX, FLOATING, dtype, of_numpy, of_scalar, promote_types
from flambeau.errors import check
from flambeau.methods import on_tensor
from flambeau.ops.copying import check_device
from flambeau.ops.creation import check_representable
from flambeau.size import CPU
from flambeau.tensor import Tensor, fresh, shape_of, share, without_data

_MAX_DEPTH = 128


def _shape(data: Any) -> tuple[int, ...]:
    """The shape a nested sequence claims by its first elements. Raises for what is no sequence of numbers."""
    shape: list[int] = []
    while _is_sequence(data):
        if isinstance(data, Tensor | np.ndarray):
            return (*shape, *data.shape)
        shape.append(len(data))
        if len(shape) > _MAX_DEPTH:
            raise ValueError(f"too many dimensions '{type(data).__name__}'")
        if not len(data):
            break
        data = data[0]
    return tuple(shape)


def _is_sequence(data: Any) -> bool:
    if isinstance(data, str | bytes | dict | set | np.generic):
        return False
    if isinstance(data, Tensor):
        return bool(shape_of(data))
    if isinstance(data, np.ndarray):
        return data.ndim > 0
    return isinstance(data, Sequence) or (hasattr(data, "__len__") and hasattr(data, "__getitem__"))


def _infer(data: Any) -> dtype:
    """The dtype of the numbers in a nested sequence."""
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, np.ndarray):
        return of_numpy(data.dtype)
    if isinstance(data, np.generic):
        return of_numpy(data.dtype)
    if isinstance(data, bool | int | float | complex):
        return of_scalar(data)
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if _is_sequence(data):
        found: dtype | None = None
        for x in data:
            d = _infer(x)
            found = d if found is None else promote_types(found, d)
            if found is dtypes.complex128:
                break
        return found or dtypes.get_default_dtype()
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def _flatten(data: Any, shape: Sequence[int], depth: int, out: list[Any]) -> None:
    if depth == len(shape):
        if isinstance(data, Tensor):
            if data.numel() != 1:  # type: ignore[attr-defined]
                raise ValueError("only one element tensors can be converted to Python scalars")
            out.append(data.item())  # type: ignore[attr-defined]
        elif _is_sequence(data):
            raise TypeError(f"'{type(data).__name__}' object cannot be interpreted as an integer")
        else:
            out.append(data.item() if isinstance(data, np.generic) else data)
        return
    if not _is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    for x in data:
        _flatten(x, shape, depth + 1, out)


def _store(values: list[Any], d: dtype) -> np.ndarray[Any, Any]:
    if d.category <= dtypes.INTEGRAL:
        for v in values:
            if isinstance(v, complex):
                raise TypeError(
                    "must be real number, not complex"
                    if d.category == FLOATING
                    else "'complex' object cannot be interpreted as an integer"
                )
            if isinstance(v, int) and not -(2**63) <= v < 2**63 and not (d is dtypes.uint64 and 0 <= v < 2**64):
                raise ValueError("Overflow when unpacking long long")
        if d is dtypes.bool_:
            return np.array([bool(v) for v in values], np.bool_)
        for v in values:
            if isinstance(v, float) or isinstance(v, int):
                _check_stored(v, d)
        from flambeau.cpu.casting import scalar

        return np.array([scalar(int(v), d) for v in values], d.numpy)
    if d.category == FLOATING:
        for v in values:
            if isinstance(v, complex):
                raise TypeError("must be real number, not complex")
    wide = np.array(values, np.complex128 if d.category == COMPLEX else np.float64)
    source = dtypes.complex128 if d.category == COMPLEX else dtypes.float64
    with np.errstate(all="ignore"):
        return cast(wide, source, d)


def _check_stored(v: Any, d: dtype) -> None:
    try:
        check_representable(v, d)
    except RuntimeError:
        name = {"int64": "int64_t"}.get(d.name, d.name)
        raise RuntimeError(f"value cannot be converted to type {name} without overflow") from None


def from_data(data: Any, d: dtype | None, device: Any = None, *, copy: bool = True) -> Tensor:
    """A tensor of Python numbers, sequences, arrays or tensors; of the dtype inferred where none is given."""
    where = check_device(device) if device is not None else (data.device if isinstance(data, Tensor) else CPU)
    if isinstance(data, Tensor):
        t = data.detach()  # type: ignore[attr-defined]
        t = t.to(dtype=d or data.dtype, device=where, copy=copy)
        return t.as_subclass(Tensor) if type(t) is not Tensor else t  # type: ignore[no-any-return]
    if isinstance(data, str | bytes):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if isinstance(data, np.ndarray):
        t = from_array(data)
        return t.to(dtype=d or t.dtype, device=where, copy=copy)  # type: ignore[attr-defined,no-any-return]
    if isinstance(data, np.generic):
        data = np.asarray(data)
        return from_data(data, d, device, copy=True)
    foreign = _from_protocols(data)
    if foreign is not None:
        return from_data(foreign, d, device, copy=copy)
    shape = _shape(data)
    inferred = _infer(data) if d is None else d
    values: list[Any] = []
    _flatten(data, shape, 0, values) if 0 not in shape else _check_empty(data, shape)
    if d is not None and any(isinstance(v, str | bytes) for v in values):
        bad = next(v for v in values if isinstance(v, str | bytes))
        raise TypeError(f"new(): invalid data type '{type(bad).__name__}'")
    for v in values:
        if not isinstance(v, bool | int | float | complex):
            raise TypeError(f"must be real number, not {type(v).__name__}")
    if where is not CPU:
        return without_data(shape, inferred, where=where)
    return fresh(_store(values, inferred).reshape(shape), inferred)


def indices_from(data: Any) -> Tensor:
    """The index tensor that a sequence or array in brackets stands for: a mask if all bool or uint8, else int64."""
    t = from_array(data) if isinstance(data, np.ndarray) else from_data(data, None)
    if t.dtype in (dtypes.bool_, dtypes.uint8):
        return t
    if t.dtype.is_complex:
        raise TypeError("'complex' object cannot be interpreted as an integer")
    return t.to(dtypes.int64)  # type: ignore[attr-defined,no-any-return]


def is_integer(value: Any) -> bool:
    """Whether a value is an integer as C's checks see it: Python's or NumPy's, no truth value."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_sequence(data: Any) -> bool:
    """Whether an object in brackets is a sequence of indices, as C's PySequence_Check says."""
    cls = type(data)
    return hasattr(cls, "__getitem__") and not issubclass(cls, dict) and not (issubclass(cls, np.generic))


def _check_empty(data: Any, shape: tuple[int, ...]) -> None:
    _flatten_lengths(data, shape, 0)


def _flatten_lengths(data: Any, shape: tuple[int, ...], depth: int) -> None:
    if depth == len(shape):
        return
    if len(data) != shape[depth]:
        raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(data)})")
    for x in data:
        _flatten_lengths(x, shape, depth + 1)


def _from_protocols(data: Any) -> np.ndarray[Any, Any] | None:
    """Objects that are arrays by the buffer or array protocols."""
    if isinstance(data, list | tuple | int | float | complex | bool | range | type(None)):
        return None
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return np.asarray(data)
    return None


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
    "tensor(object data, *, torch.dtype dtype=None, torch.device? device=None, bool pin_memory=False, bool requires_grad=False)",
    method=False,
)
def tensor(
    data: Any, dtype: dtype | None = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False
) -> Tensor:
    """A new tensor with a copy of the data (https://docs.pytorch.org/docs/stable/generated/torch.tensor.html)."""
    if isinstance(data, Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            UserWarning,
            stacklevel=4,
        )
    t = from_data(data, dtype, device)
    if requires_grad:
        if t.dtype.category < FLOATING:
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        requires_grad_(t)
    return t


@composite("as_tensor(object data, *, torch.dtype dtype=None, torch.device? device=None)", method=False)
def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """The data as a tensor, shared where dtype and device allow."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype or data.dtype, device=data.device if device is None else device)  # type: ignore[attr-defined,no-any-return]
    return from_data(data, dtype, device, copy=False)


@composite(
    "asarray(object obj, *, torch.dtype? dtype=None, torch.device? device=None, bool? copy=None, bool? requires_grad=None)",
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
    if isinstance(obj, Tensor):
        t = obj
    elif isinstance(obj, np.ndarray | np.generic):
        if isinstance(obj, np.generic) and copy is False:
            raise ValueError("can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray. ")
        t = from_array(np.asarray(obj).copy() if isinstance(obj, np.generic) else obj)
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        t = from_data(obj, dtype, device)
        return requires_grad_(t) if requires_grad else t  # type: ignore[no-any-return]
    wanted = dtype or t.dtype
    where = t.device if device is None else check_device(device)
    if copy is False:
        check(
            wanted is t.dtype,
            f"can't alias tensor with dtype '{t.dtype.type_name}' into dtype '{wanted.type_name}'.",
            ValueError,
        )
        check(where == t.device, f"can't alias tensor from device '{t.device}' to '{where}'.", ValueError)
    result = t.to(dtype=wanted, device=where, copy=bool(copy))  # type: ignore[attr-defined]
    if requires_grad is not None and not requires_grad and result.requires_grad:
        result = result.detach()
    if requires_grad and not result.requires_grad:
        result = requires_grad_(result.detach() if result is t else result)
    return result  # type: ignore[no-any-return]


def from_numpy(ndarray: np.ndarray[Any, Any], /) -> Tensor:
    """A tensor that shares memory with an ndarray."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    return from_array(ndarray)


from_numpy.__module__ = "torch"
export("from_numpy", from_numpy)


@composite(
    "frombuffer(object buffer, *, torch.dtype dtype, int count=-1, int offset=0, bool requires_grad=False)",
    method=False,
)
def frombuffer(buffer: Any, dtype: dtype, count: int = -1, offset: int = 0, requires_grad: bool = False) -> Tensor:
    """A 1-dim tensor over the memory of a buffer."""
    view = memoryview(buffer)
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
        warnings.warn(
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can "
            "write to the underlying (supposedly non-writable) buffer using the tensor. You may want to copy the "
            "buffer to protect its data or make it writable before converting it to a tensor. This type of warning "
            "will be suppressed for the rest of this program. (Triggered internally at "
            "/__w/pytorch/pytorch/torch/csrc/utils/tensor_new.cpp:1658.)",
            UserWarning,
            stacklevel=4,
        )
        array = array.copy()
    t = share(array, dtype)
    return requires_grad_(t) if requires_grad else t  # type: ignore[no-any-return]


@composite(
    "new_tensor(Tensor input, object data, *, torch.dtype dtype=None, torch.device? device=None, bool requires_grad=False)",
    function=False,
)
def new_tensor(
    input: Tensor, data: Any, dtype: dtype | None = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of the data with this tensor's dtype and device."""
    t = from_data(data, dtype or input.dtype, device or input.device)
    return requires_grad_(t) if requires_grad else t  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------ back to Python


@on_tensor
def numpy(self: Tensor, *, force: bool = False) -> np.ndarray[Any, Any]:
    """The elements as an ndarray over the same memory. Raises RuntimeError if gradients are asked for."""
    if self.requires_grad and not force:  # type: ignore[attr-defined]
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if self._array is None:
        raise TypeError(
            "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
        )
    if self.dtype in (dtypes.bfloat16, dtypes.complex32):
        raise TypeError(f"Got unsupported ScalarType {self.dtype.type_name}")
    return self._array  # type: ignore[no-any-return]


@on_tensor
def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
    array = numpy(self)
    if dtype is not None and np.dtype(dtype) != array.dtype:
        return array.astype(dtype)
    return array.copy() if copy else array


@on_tensor
def __array_wrap__(self: Tensor, array: np.ndarray[Any, Any], *_: Any) -> Tensor:
    if array.dtype == bool:
        array = array.astype("uint8")
    return from_array(array)


Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]


@on_tensor
def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    return 1, 0


@on_tensor
def __dlpack__(
    self: Tensor, *, stream: Any = -1, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
) -> Any:
    """A DLPack capsule over the same memory. Raises BufferError where gradients are asked for or it cannot be had."""
    if self.requires_grad:  # type: ignore[attr-defined]
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if self._array is None:
        raise BufferError("meta tensors have no data to export")
    array = self._array.copy() if copy else self._array
    return array.__dlpack__(max_version=max_version) if max_version is not None else array.__dlpack__()


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of any object with `__dlpack__`."""
    if isinstance(ext_tensor, Tensor):
        t = from_array(np.from_dlpack(ext_tensor.detach()))  # type: ignore[attr-defined]
    else:
        array = np.from_dlpack(ext_tensor)
        if not array.flags.writeable:
            array = np.lib.stride_tricks.as_strided(array, writeable=False).copy() if copy else _writable(array)
        t = from_array(array)
    return t.clone() if copy else t  # type: ignore[attr-defined,no-any-return]


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


def _rebuild(cls: type, array: Any, d: dtype, strides: Any, requires_grad: bool, extra: Any) -> Tensor:
    from flambeau.parameter import Parameter

    t = fresh(array, d)
    if strides is not None:
        t = t.as_strided(tuple(array.shape), strides)  # type: ignore[attr-defined]
    if cls is Parameter:
        t = Parameter(t, requires_grad)
    elif cls is not Tensor:
        t = t.as_subclass(cls)  # type: ignore[attr-defined]
    if requires_grad and cls is not Parameter:
        requires_grad_(t)
    if extra:
        t.__dict__.update(extra)
    return t


@on_tensor
def __reduce_ex__(self: Tensor, protocol: Any) -> tuple[Any, ...]:
    if self._array is None:
        raise NotImplementedError("pickling of meta tensors is not implemented in flambeau")
    if not self.is_leaf:  # type: ignore[attr-defined]
        return _rebuild, (type(self), np.ascontiguousarray(self._array), self.dtype, None, True, self.__dict__ or None)
    array = self._array.copy(order="K")
    return _rebuild, (type(self), array, self.dtype, None, self.requires_grad, self.__dict__ or None)  # type: ignore[attr-defined]


@on_tensor
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if id(self) in memo:
        return memo[id(self)]  # type: ignore[no-any-return]
    if not self.is_leaf:  # type: ignore[attr-defined]
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    from flambeau.parameter import Parameter

    out = self.detach().clone(memory_format=None)  # type: ignore[attr-defined]
    if type(self) is Parameter:
        out = Parameter(out, self.requires_grad)  # type: ignore[attr-defined]
    elif type(self) is not Tensor:
        out = out.as_subclass(type(self))
    if self.requires_grad and not out.requires_grad:  # type: ignore[attr-defined]
        requires_grad_(out)
    if self._grad is not None:
        out._grad = _copy.deepcopy(self._grad, memo)
    out.__dict__.update(_copy.deepcopy(self.__dict__, memo))
    memo[id(self)] = out
    return out  # type: ignore[no-any-return]


@on_tensor
def __copy__(self: Tensor) -> Tensor:
    from flambeau.tensor import detached

    out = detached(self)
    if type(self) is not Tensor:
        out = out.as_subclass(type(self))  # type: ignore[attr-defined]
    if self.requires_grad and self.is_leaf:  # type: ignore[attr-defined]
        requires_grad_(out)
    out._grad = self._grad
    return out

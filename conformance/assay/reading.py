"""Reading an answer: tensors of any torch-like module, and what they are wrapped in, become plain data.

Only public names are used and every optional one may be absent: what a subject cannot tell is None in the outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from assay.inputs import CARRIERS, attribute
from assay.outcome import Opaque, Sequence, TensorData
from assay.values import numpy_dtype

_PLAIN = (type(None), bool, int, float, complex, bytes)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")  # where an object happens to lie is nobody's answer


def is_tensor(module: Any, value: Any) -> bool:
    """Whether `value` is one of the module's tensors."""
    cls = getattr(module, "Tensor", None)
    if isinstance(cls, type):
        return isinstance(value, cls)
    return hasattr(value, "dtype") and hasattr(value, "shape") and not isinstance(value, np.ndarray | np.generic)


def short_name(value: Any) -> str:
    """ "float32" for `torch.float32`, whatever the module is called."""
    return str(value).rsplit(".", 1)[-1]


def read_bytes(module: Any, tensor: Any, dtype: str) -> bytes:
    """The elements in row-major order, little-endian. Raises what the module raises."""
    tensor = tensor.detach() if getattr(tensor, "requires_grad", False) else tensor
    for resolve in ("resolve_conj", "resolve_neg"):
        if hasattr(tensor, resolve):
            tensor = getattr(tensor, resolve)()
    carrier = CARRIERS.get(dtype)
    if hasattr(tensor, "numpy"):
        if carrier is not None:
            tensor = tensor.contiguous().view(attribute(module, carrier))
        try:
            array: np.ndarray = tensor.numpy()
        except RuntimeError:
            # PyTorch's undefined gradients may be zeros without memory, which only `force` turns into an array.
            array = tensor.numpy(force=True)
        return array.tobytes()
    flat = np.array(tensor.tolist())
    if dtype == "complex32":
        return np.stack([flat.real, flat.imag], -1).astype(np.float16).tobytes()
    return flat.astype(numpy_dtype(dtype)).tobytes()


def _strides(tensor: Any) -> tuple[int, ...] | None:
    stride = getattr(tensor, "stride", None)
    return None if stride is None else tuple(int(s) for s in stride())


def _offset(tensor: Any) -> int | None:
    offset = getattr(tensor, "storage_offset", None)
    return None if offset is None else int(offset())


def read_tensor(module: Any, tensor: Any, *, data: bool = True, text: bool = False) -> TensorData:
    """Everything that can be told of one tensor without changing it."""
    dtype = short_name(tensor.dtype)
    node = getattr(tensor, "grad_fn", None)
    return TensorData(
        dtype=dtype,
        shape=tuple(int(n) for n in tensor.shape),
        data=read_bytes(module, tensor, dtype) if data else None,
        stride=_strides(tensor),
        offset=_offset(tensor),
        requires_grad=bool(getattr(tensor, "requires_grad", False)),
        is_leaf=bool(getattr(tensor, "is_leaf", True)),
        grad_fn=None if node is None else type(node).__name__,
        text=repr(tensor) if text else None,
        kind=type(tensor).__name__,
    )


def read(module: Any, value: Any, *, data: bool = True, text: bool = False) -> Any:
    """`value` as plain data: tensors as TensorData, sequences as Sequence, the rest as itself or Opaque."""
    if type(value) is str:
        return _ADDRESS.sub("0x…", value)
    if type(value) in _PLAIN:
        return value
    if is_tensor(module, value):
        return read_tensor(module, value, data=data, text=text)
    if isinstance(value, np.ndarray):
        shape, stride = value.shape, tuple(s // value.itemsize for s in value.strides)
        return TensorData(str(value.dtype), shape, value.tobytes() if data else None, stride, kind="ndarray")
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", None)
        if names is None and hasattr(value, "n_sequence_fields"):
            names = getattr(type(value), "__match_args__", None)
        items = tuple(read(module, v, data=data, text=text) for v in value)
        return Sequence(type(value).__name__, items, None if names is None else tuple(names))
    if isinstance(value, dict):
        return {str(k): read(module, v, data=data, text=text) for k, v in value.items()}
    if isinstance(value, type):
        return Opaque("type", value.__name__)
    kind = type(value).__name__
    if kind in ("dtype", "layout", "memory_format", "device"):
        return Opaque(kind, short_name(value))
    if value is NotImplemented or value is Ellipsis or isinstance(value, np.generic | slice):
        return Opaque(kind, repr(value))
    return Opaque(kind, "")


def tensors_of(module: Any, value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, tensor) for every tensor in an answer: "" for the answer itself, "1" or "1.0" inside sequences."""
    if is_tensor(module, value):
        yield path, value
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            yield from tensors_of(module, item, f"{path}.{i}" if path else str(i))

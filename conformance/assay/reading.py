"""Reading an answer: tensors of any torch-like module, and what they are wrapped in, become plain data.

Only public names are used and every optional one may be absent: what a subject cannot tell is None in the outcome.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from assay.outcome import Opaque, Sequence, TensorData
from assay.subjects.adapter import Adapter

_PLAIN = (type(None), bool, int, float, complex, bytes)
#: An iterator that never ends must not end the worker.
_YIELDED = 10_000
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")  # where an object happens to lie is nobody's answer


def read_tensor(
    side: Adapter, tensor: Any, *, data: bool = True, text: bool = False, unless: bytes | None = None
) -> TensorData:
    """Everything that can be told of one tensor without changing it; its elements only where they are not `unless`."""
    dtype = side.dtype(tensor)
    found = side.data(tensor, dtype) if data else None
    node = getattr(tensor, "grad_fn", None)
    return TensorData(
        dtype=dtype,
        shape=side.shape(tensor),
        data=None if found == unless else found,
        stride=side.stride(tensor),
        offset=side.offset(tensor),
        requires_grad=side.requires_grad(tensor),
        is_leaf=bool(getattr(tensor, "is_leaf", True)),
        grad_fn=None if node is None else type(node).__name__,
        text=repr(tensor) if text else None,
        kind=side.kind(tensor),
    )


def read(side: Adapter, value: Any, *, data: bool = True, text: bool = False) -> Any:
    """`value` as plain data: tensors as TensorData, sequences as Sequence, the rest as itself or Opaque."""
    if type(value) is str:
        return _ADDRESS.sub("0x…", value)
    if type(value) in _PLAIN:
        return value
    if isinstance(value, enum.IntEnum):
        return int(value)
    if side.is_tensor(value):
        return read_tensor(side, value, data=data, text=text)
    if isinstance(value, np.ndarray):
        shape, stride = value.shape, tuple(s // value.itemsize for s in value.strides)
        return TensorData(str(value.dtype), shape, value.tobytes() if data else None, stride, kind="ndarray")
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", None)
        if names is None and hasattr(value, "n_sequence_fields"):
            names = getattr(type(value), "__match_args__", None)
        items = tuple(read(side, v, data=data, text=text) for v in value)
        return Sequence(type(value).__name__, items, None if names is None else tuple(names))
    if isinstance(value, dict):
        return {str(k): read(side, v, data=data, text=text) for k, v in value.items()}
    if isinstance(value, type):
        return Opaque("type", value.__name__)
    kind = type(value).__name__
    if kind in ("dtype", "layout", "memory_format", "device"):
        return Opaque(kind, side.told(value))
    if value is NotImplemented or value is Ellipsis or isinstance(value, np.generic | slice):
        return Opaque(kind, repr(value))
    return Opaque(kind, "")


def exposed(value: Any) -> Any:
    """What an answer holds that can be looked at only once, or only by a protocol: what an iterator yields as a list;
    a DLPack capsule as the array NumPy sees in it (itself where NumPy knows no such dtype)."""
    if isinstance(value, Iterator):
        return list(itertools.islice(value, _YIELDED))
    if type(value).__name__ == "PyCapsule":
        try:
            return np.from_dlpack(_Exporter(value))
        except (RuntimeError, BufferError):
            return value
    return value


class _Exporter:
    """What NumPy asks for a capsule."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def tensors_of(side: Adapter, value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, tensor) for every tensor in an answer: "" for the answer itself, "1" or "1.0" inside sequences."""
    if side.is_tensor(value):
        yield path, value
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            yield from tensors_of(side, item, f"{path}.{i}" if path else str(i))

"""Tensor: elements in a storage, seen through shape, strides and offset, with a place in the autograd graph.

This module holds the data model alone. Operations, methods and operators are attached by their declarations
(`flambeau.ops`); what a person calls on a tensor that is no operation stands in `flambeau.methods`.

A fresh result owns its memory: `_memory` and `_version` stay None until a view, an in-place update or a question about
the storage needs them. `memory` and `version` make them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from flambeau.autograd.modes import inference_modes, state
from flambeau.dtypes import BOOL, complex32, dtype
from flambeau.errors import INFERENCE_SAVED, INFERENCE_UPDATED
from flambeau.geometry import Shape, contiguous_strides, extent
from flambeau.size import CPU, META, Size, device

if TYPE_CHECKING:
    from flambeau.attached import Attached
    from flambeau.autograd.node import Edge
else:
    Attached = object

new = object.__new__
_ndarray = np.ndarray


class Storage:
    """The elements that tensors share. flat: one-dimensional contiguous ndarray, or None where there are no data."""

    __slots__ = ("__weakref__", "device", "flat", "nbytes")

    def __init__(self, flat: Any, where: device, nbytes: int) -> None:
        self.flat = flat
        self.device = where
        self.nbytes = nbytes


class Memory:
    """Which elements of a storage a tensor names, and in which order; strides and offset in elements."""

    __slots__ = ("offset", "shape", "storage", "strides")

    def __init__(self, shape: Shape, strides: Shape, offset: int, storage: Storage) -> None:
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.storage = storage


class _Untracked(list[int]):
    """The version counter of all inference tensors, whose updates nobody counts."""

    def __getitem__(self, _: Any) -> Any:
        # versions are read where something is saved for backward
        raise RuntimeError(INFERENCE_SAVED)


UNTRACKED = _Untracked()


class View:
    """That a tensor is a differentiable view of `base` (never a view itself).

    seen: version at which the tensor's node was last right; an in-place update of the base makes it stale.
    origin: how it came about: "" (usual), or what forbids in-place updates that are recorded: "no_grad", "inference",
    "multi_output" or "custom".
    replay: the view as a function of the base, where as_strided cannot say it (dtype-changing views).
    """

    __slots__ = ("base", "origin", "replay", "seen")

    def __init__(self, base: Tensor, origin: str, replay: Any, seen: int) -> None:
        self.base = base
        self.origin = origin
        self.replay = replay
        self.seen = seen


class Tensor(Attached):
    """A multi-dimensional array of one dtype (https://docs.pytorch.org/docs/stable/tensors.html)."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_array",
        "_dtype",
        "_grad",
        "_memory",
        "_node",
        "_version_counter",
        "_view",
    )
    __module__ = "torch"

    _array: Any
    _dtype: dtype
    _grad: Tensor | None
    _memory: Memory | None
    _node: Edge | None
    _version_counter: list[int] | None
    _view: View | None

    @property
    def shape(self) -> Size:
        """Length of each dim."""
        array = self._array
        return tuple.__new__(Size, array.shape if array is not None else self._memory.shape)  # type: ignore[union-attr]

    @property
    def dtype(self) -> dtype:
        """Data type of the elements."""
        return self._dtype

    @property
    def device(self) -> device:
        """Where the elements live."""
        return CPU if self._array is not None else self._memory.storage.device  # type: ignore[union-attr]


def extend(**members: Any) -> None:
    """Give Tensor methods and properties."""
    for name, member in members.items():
        setattr(Tensor, name, member)


def warn_of_complex_half() -> None:
    """Warn, once a process, that half-precision complex numbers are new to PyTorch."""
    from flambeau.warning import warn_once

    warn_once(
        "ComplexHalf support is experimental and many operators don't support it yet.",
        "aten/src/ATen/EmptyTensor.cpp:54",
        stacklevel=6,
    )


def warn_of_lost_parts(source: dtype, target: dtype, shape: Shape = ()) -> None:
    """Warn that a conversion of a tensor of that shape drops imaginary parts."""
    if source.is_complex and not target.is_complex and target.category != BOOL and 0 not in shape:
        from flambeau.warning import warn_once

        warn_once("Casting complex values to real discards the imaginary part", "aten/src/ATen/native/Copy.cpp:307")


def fresh(array: np.ndarray[Any, Any], d: dtype) -> Tensor:
    """A tensor over an array that nothing else refers to and whose elements are dense in memory."""
    if d is complex32:
        warn_of_complex_half()
    t = new(Tensor)
    t._array = array
    t._dtype = d
    t._grad = t._memory = t._node = t._view = None
    t._version_counter = UNTRACKED if inference_modes and state.inference else None
    return t


def share(array: np.ndarray[Any, Any], d: dtype) -> Tensor:
    """A tensor over an array of somebody else's, of whatever non-negative strides."""
    strides, flat = _stretch(array)
    t = fresh(array, d)
    t._memory = Memory(array.shape, strides, 0, Storage(flat, CPU, flat.nbytes))
    return t


def _stretch(array: np.ndarray[Any, Any]) -> tuple[Shape, np.ndarray[Any, Any]]:
    """An array's strides in elements, and its memory from the first to the last element, gaps included."""
    size = array.itemsize
    strides = tuple(s // size for s in array.strides)
    return strides, np.lib.stride_tricks.as_strided(array, (extent(array.shape, strides),), (size,))


def without_data(shape: Shape, d: dtype, strides: Shape | None = None, where: device = META) -> Tensor:
    """A tensor on a device that keeps no elements."""
    if d is complex32:
        warn_of_complex_half()
    t = new(Tensor)
    t._array = None
    t._dtype = d
    t._grad = t._node = t._view = None
    t._version_counter = UNTRACKED if inference_modes and state.inference else None
    storage = Storage(None, where, prod(shape) * d.itemsize)
    t._memory = Memory(tuple(shape), contiguous_strides(shape) if strides is None else strides, 0, storage)
    return t


def filled_like(t: Tensor, value: int) -> Tensor:
    """A row-major tensor of t's shape, dtype and device with one value everywhere."""
    if t._array is None:
        return without_data(shape_of(t), t._dtype, where=t.device)
    return fresh(np.full(t._array.shape, value, t._dtype.numpy), t._dtype)


def shape_of(t: Tensor) -> Shape:
    """The shape as a plain tuple."""
    array = t._array
    return array.shape if array is not None else t._memory.shape  # type: ignore[union-attr]


def column_major(t: Tensor) -> bool:
    """Whether the transpose of the last two dims is row-major, and the tensor itself is not."""
    array = t._array
    if array is None:
        own = t._memory
        strides, shape = own.strides[-2:], own.shape[-2:]  # type: ignore[union-attr]
        return len(strides) == 2 and strides[0] == 1 and strides[1] == shape[0] != 1 != shape[1]
    flags = array.mT.flags if array.ndim > 1 else array.flags
    return bool(flags.c_contiguous and not array.flags.c_contiguous)


def row_major(t: Tensor) -> bool:
    """Whether the strides are those of a fresh tensor, also in dims of size 1, which NumPy's flag overlooks."""
    own = t._memory
    return t._array.flags.c_contiguous if own is None else own.strides == contiguous_strides(own.shape)


def memory(t: Tensor) -> Memory:
    """The tensor's place in its storage, made on first request."""
    found = t._memory
    if found is None:
        array = t._array
        if array.flags.c_contiguous:
            strides = contiguous_strides(array.shape)
            flat = array if array.ndim == 1 else array.reshape(-1)
        else:
            strides, flat = _stretch(array)
        storage = new(Storage)
        storage.flat, storage.device, storage.nbytes = flat, CPU, flat.nbytes
        found = t._memory = new(Memory)
        found.shape, found.strides, found.offset, found.storage = array.shape, strides, 0, storage
    return found


def version(t: Tensor) -> list[int]:
    """The version counter: its one element counts in-place updates; views and detached twins share it."""
    found = t._version_counter
    if found is None:
        found = t._version_counter = [0]
    return found


def bump(t: Tensor) -> None:
    """Count an in-place update. Raises RuntimeError for an inference tensor outside inference mode."""
    counter = t._version_counter
    if counter is None:
        t._version_counter = [1]
    elif counter is not UNTRACKED:
        counter[0] += 1
    elif not state.inference:
        raise RuntimeError(INFERENCE_UPDATED)


def window(storage: Storage, d: dtype, shape: Shape, strides: Shape, offset: int) -> Any:
    """The ndarray that names these elements of a storage, None where there are no data."""
    flat = storage.flat
    if flat is None:
        return None
    if 0 in shape:
        return np.empty(shape, d.numpy)
    size = d.itemsize
    return np.ndarray(shape, d.numpy, flat, offset * size, [s * size for s in strides])


def alias(t: Tensor, shape: Shape, strides: Shape, offset: int, d: dtype | None = None) -> Tensor:
    """A tensor that shares storage and version with t. It has no part in the graph."""
    storage = (t._memory or memory(t)).storage
    flat = storage.flat
    if d is None:
        d = t._dtype
    out = new(Tensor)
    if flat is None or 0 in shape:
        out._array = window(storage, d, shape, strides, offset)
    else:
        size = d.itemsize
        out._array = _ndarray(shape, d.numpy, flat, offset * size, [s * size for s in strides])
    out._dtype = d
    out._grad = out._node = out._view = None
    own = out._memory = new(Memory)
    own.shape, own.strides, own.offset, own.storage = shape, strides, offset, storage
    counter = t._version_counter
    if counter is None:
        counter = t._version_counter = [0]
    out._version_counter = counter
    return out


def detached(t: Tensor) -> Tensor:
    """A twin that shares memory and version but has no history."""
    out = new(Tensor)
    out._array = t._array
    out._dtype = t._dtype
    out._grad = out._node = out._view = None
    out._memory = t._memory or memory(t)
    out._version_counter = version(t)
    return out


def set_geometry(t: Tensor, shape: Sequence[int], strides: Sequence[int], offset: int, storage: Storage) -> None:
    """Point a tensor at other elements, in place."""
    shape, strides = tuple(shape), tuple(strides)
    t._array = window(storage, t._dtype, shape, strides, offset)
    t._memory = Memory(shape, strides, offset, storage)

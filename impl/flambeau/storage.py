"""The elements behind a tensor as an object: `untyped_storage()`, `storage()` and `set_()`.

https://docs.pytorch.org/docs/stable/storage.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from flambeau.argument_types import register
from flambeau.declare import composite, export
from flambeau.dtypes import dtype
from flambeau.errors import check
from flambeau.geometry import Shape, contiguous_strides, extent
from flambeau.inplace import check_inplace
from flambeau.methods import as_python, builtin
from flambeau.size import CPU, device
from flambeau.tensor import Memory, Storage, Tensor, bump, extend, memory, window
from flambeau.warning import warn_once


class UntypedStorage:
    """The bytes that tensors share. Equal to another if it is the same memory."""

    __module__ = "torch.storage"
    is_cuda = is_sparse = is_sparse_csr = False

    def __init__(self, size: int = 0, *, device: Any = None) -> None:
        """Uninitialised bytes on the CPU."""
        self._storage = Storage(np.empty(size, np.uint8), CPU, size)

    def _bytes(self) -> np.ndarray[Any, Any]:
        flat = self._storage.flat
        if flat is None:
            raise NotImplementedError(f"Not available for '{self.device.type}' device type")
        return flat.view(np.uint8)  # type: ignore[no-any-return]

    def nbytes(self) -> int:
        """Number of bytes."""
        return self._storage.nbytes

    size = __len__ = nbytes

    def element_size(self) -> int:
        """Bytes of one element: 1."""
        return 1

    @property
    def device(self) -> device:
        """Where the bytes live."""
        return self._storage.device

    def get_device(self) -> int:
        """Index of the device, -1 on the CPU."""
        return -1

    def data_ptr(self) -> int:
        """Address of the first byte, 0 where there is none."""
        flat = self._storage.flat
        return flat.__array_interface__["data"][0] if flat is not None and flat.nbytes else 0

    def _index(self, i: Any) -> Any:
        if isinstance(i, slice):
            return i
        if not isinstance(i, int):
            raise TypeError(f"can't index a torch.UntypedStorage with {type(i).__name__}")
        n = self.nbytes()
        if not -n <= i < n:
            raise IndexError(f"index {i} out of range for storage of size {n}")
        return i

    def __getitem__(self, i: Any) -> Any:
        part = self._bytes()[self._index(i)]
        return _of(Storage(part, CPU, part.nbytes)) if isinstance(i, slice) else int(part)

    def __setitem__(self, i: Any, value: int) -> None:
        self._bytes()[self._index(i)] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and other._storage is self._storage

    def __hash__(self) -> int:
        return id(self._storage)

    def __repr__(self) -> str:
        listed = "".join(f"\n {b}" for b in self.tolist()) if self._storage.flat is not None else "\n..."
        return f"{listed}\n[{self.__module__}.{type(self).__name__}(device={self.device}) of size {len(self)}]".lstrip(
            "\n"
        )

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return self._bytes().tolist()  # type: ignore[no-any-return]

    def clone(self) -> UntypedStorage:
        """A copy."""
        flat = self._bytes().copy()
        return _of(Storage(flat, CPU, flat.nbytes))

    def copy_(self, source: UntypedStorage, non_blocking: bool | None = None) -> UntypedStorage:
        """Overwrite with the bytes of another storage of that size."""
        self._bytes()[: source.nbytes()] = source._bytes()
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Overwrite every byte with one value."""
        self._bytes()[...] = value
        return self

    def resizable(self) -> bool:
        """Whether the storage may grow."""
        return True

    def resize_(self, size: int) -> UntypedStorage:
        """Give the storage another size; tensors made before keep the elements they had."""
        old = self._bytes()
        flat = np.zeros(size, np.uint8)
        flat[: old.size] = old[:size]
        self._storage.flat, self._storage.nbytes = flat, size
        return self

    def untyped(self) -> UntypedStorage:
        """The storage itself."""
        return self

    def cpu(self) -> UntypedStorage:
        """The storage itself."""
        return self


def _of(storage: Storage) -> UntypedStorage:
    made = UntypedStorage.__new__(UntypedStorage)
    made._storage = storage
    return made


class TypedStorage:
    """A storage seen as elements of one dtype. Deprecated in PyTorch."""

    __module__ = "torch.storage"
    is_cuda = is_sparse = False

    def __init__(self, untyped: UntypedStorage, d: dtype) -> None:
        self._untyped = untyped
        self.dtype = d

    @property
    def device(self) -> device:
        """Where the elements live."""
        return self._untyped.device

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return self._untyped

    def nbytes(self) -> int:
        """Number of bytes."""
        return self._untyped.nbytes()

    def size(self) -> int:
        """Number of elements."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        """Address of the first element."""
        return self._untyped.data_ptr()

    def _elements(self) -> np.ndarray[Any, Any]:
        return self._untyped._bytes().view(self.dtype.numpy)

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return as_python(self._elements(), self.dtype)  # type: ignore[no-any-return]

    def __getitem__(self, i: int) -> Any:
        return self.tolist()[i]

    def __setitem__(self, i: Any, value: Any) -> None:
        self._elements()[i] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        listed = "".join(f"\n {x}" for x in self.tolist()) if self._untyped._storage.flat is not None else "\n..."
        head = f"{self.__module__}.{type(self).__name__}(dtype={self.dtype}, device={self.device})"
        return f"{listed}\n[{head} of size {len(self)}]".lstrip("\n")


@builtin("untyped_storage()")
def untyped_storage(self: Tensor) -> UntypedStorage:
    """The bytes behind the tensor."""
    return _of(memory(self).storage)


def _storage(self: Tensor) -> TypedStorage:
    """The elements behind the tensor. Deprecated."""
    warn_once(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the "
        "only storage class. "
        "This should only matter to you if you are using storages directly.  To access UntypedStorage directly, use "
        "tensor.untyped_storage() instead of tensor.storage()"
    )
    return TypedStorage(_of(memory(self).storage), self.dtype)


_storage.__name__, _storage.__qualname__ = "storage", "Tensor.storage"
extend(storage=_storage)


@composite(
    "set_(Tensor input)",
    "set_(Tensor input, torch.Storage source)",
    "set_(Tensor input, torch.Storage source, index storage_offset, tuple of ints size, tuple of ints stride=None)",
    "set_(Tensor input, Tensor source)",
    "set_(Tensor input, Tensor source, index storage_offset, tuple of ints size, tuple of ints stride=None)",
    function=False,
)
def set_(
    input: Tensor,
    source: Any = None,
    storage_offset: int = 0,
    size: Shape | None = None,
    stride: Sequence[int] | None = None,
) -> Tensor:
    """Point the tensor at other elements: those of a tensor or a storage, in the geometry given."""
    check_inplace(input, (source,))
    d = input.dtype
    shape: Shape
    strides: Shape
    if source is None:
        storage, shape, strides = Storage(np.empty(0, d.numpy), CPU, 0), (0,), (1,)
    elif isinstance(source, Tensor):
        check(
            source.dtype is d, f"Could not set tensor of type {_c_name(source.dtype)} to a tensor of type {_c_name(d)}"
        )
        own = memory(source)
        storage, shape, strides = own.storage, own.shape, own.strides
        storage_offset = own.offset if size is None else storage_offset
    else:
        storage, shape, strides = source._storage, (source.nbytes() // d.itemsize,), (1,)
    if size is not None:
        shape = tuple(size)
        strides = contiguous_strides(shape) if stride is None else tuple(stride)
    need = (storage_offset + extent(shape, strides)) * d.itemsize
    if need > storage.nbytes:
        _of(storage).resize_(need)
    input._memory = Memory(shape, strides, storage_offset, storage)
    input._array = window(storage, d, shape, strides, storage_offset)
    bump(input)
    return input


def _c_name(d: dtype) -> str:
    return {"int64": "long int", "int32": "int", "float32": "float", "float64": "double", "bool": "bool"}.get(
        d.name, d.type_name
    )


register(storage=(UntypedStorage, TypedStorage))
export("UntypedStorage", UntypedStorage)
export("TypedStorage", TypedStorage)

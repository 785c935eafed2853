"""NumPy kernels of indexing by index tensors and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flambeau.cpu.accumulate import add_at
from flambeau.cpu.casting import cast
from flambeau.cpu.copying import empty
from flambeau.dtypes import dtype
from flambeau.geometry import Shape, expand_strides, iterated_strides

Array = np.ndarray[Any, Any]


def expand_masks(indices: Sequence[Array | None]) -> list[Array | None]:
    """Masks replaced by the indices of their true elements, one array for each of their dims."""
    out: list[Array | None] = []
    for a in indices:
        if a is None:
            out.append(None)
        elif a.dtype == np.bool_ or a.dtype == np.uint8:
            # a 0-dim mask takes no dim; it never gets here
            out.extend(np.nonzero(a))
        else:
            out.append(a)
    return out


def common_shape(indices: Sequence[Array]) -> Shape:
    """The shape that index arrays broadcast to. Raises IndexError in PyTorch's words."""
    if len(indices) == 1:
        return indices[0].shape
    try:
        return np.broadcast_shapes(*[a.shape for a in indices])
    except ValueError:
        shapes = ", ".join(str(list(a.shape)) for a in indices)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None


class Selection:
    """What index arrays select: the NumPy key, and the shape of the result."""

    __slots__ = ("arrays", "common", "dims", "key", "shape")

    def __init__(self, shape: Shape, indices: Sequence[Array | None]) -> None:
        expanded = expand_masks(indices)
        self.dims = [d for d, a in enumerate(expanded) if a is not None]
        self.arrays = [a for a in expanded if a is not None]
        self.common = common = common_shape(self.arrays)
        if 0 not in common and any(shape[d] == 0 for d in self.dims):
            raise IndexError("index is out of bounds for dimension with size 0")
        self.key = tuple(slice(None) if a is None else a for a in expanded)
        kept = [n for d, n in enumerate(shape) if d not in self.dims]
        first = self.dims[0] if self.adjacent else 0
        self.shape = (*kept[:first], *common, *kept[first:])

    @property
    def adjacent(self) -> bool:
        """Whether the indexed dims are neighbours, so that the result has the index dims in their place."""
        return self.dims[-1] - self.dims[0] + 1 == len(self.dims)

    def check(self, shape: Shape) -> None:
        """Raise IndexError for the first index (in the order of the result) outside its dim."""
        found: tuple[int, int] | None = None
        for i, (d, a) in enumerate(zip(self.dims, self.arrays, strict=True)):
            bad = np.broadcast_to((a < -shape[d]) | (a >= shape[d]), self.common)
            if bad.any():
                place = int(np.argmax(bad))
                if found is None or place < found[0]:
                    found = place, i
        if found is not None:
            place, i = found
            value = np.broadcast_to(self.arrays[i], self.common).reshape(-1)[place]
            # PyTorch names the place among the index tensors, not the dim
            raise IndexError(f"index {value} is out of bounds for dimension {i} with size {shape[self.dims[i]]}")

    def strides(self, x: Array) -> Shape:
        """How PyTorch lays out what is read from x."""
        size = x.itemsize
        kept = [s // size for d, s in enumerate(x.strides) if d not in self.dims]
        first = self.dims[0] if self.adjacent else 0
        operands = [(*kept[:first], *(0,) * len(self.common), *kept[first:])]
        lead, tail = (0,) * first, (0,) * (len(kept) - first)
        for a in self.arrays:
            own = tuple(s // a.itemsize for s in a.strides)
            operands.append((*lead, *expand_strides(a.shape, own, self.common), *tail))
        return iterated_strides(self.shape, operands)


def index(x: Array, indices: Sequence[Array | None]) -> Array:
    """x[indices], row-major."""
    chosen = Selection(x.shape, indices)
    if 0 in chosen.shape:
        return np.empty(chosen.shape, x.dtype)
    try:
        if len(chosen.arrays) == 1 and x.flags.c_contiguous:
            return x.take(chosen.arrays[0], chosen.dims[0])
        out = empty(chosen.shape, chosen.strides(x), x.dtype)
        out[...] = x[chosen.key]
        return out
    except IndexError:
        chosen.check(x.shape)
        raise


def index_put(
    x: Array, indices: Sequence[Array | None], values: Array, accumulate: bool, source: tuple[dtype, dtype] | None
) -> None:
    """x[indices] = values, or += with every duplicate counted. source: the dtypes of one value to be cast."""
    if source is not None:
        values = cast(values.reshape(()), *source)
    chosen = Selection(x.shape, indices)
    try:
        values = np.broadcast_to(values, chosen.shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(chosen.shape)}"
        ) from None
    if 0 in chosen.shape:
        return
    if not accumulate:
        try:
            x[chosen.key] = values
        except IndexError:
            chosen.check(x.shape)
            raise
        return
    chosen.check(x.shape)
    front = [*chosen.dims, *(d for d in range(x.ndim) if d not in chosen.dims)]
    sizes = [x.shape[d] for d in chosen.dims]
    flat = np.zeros(chosen.common, np.int64)
    for a, n in zip(chosen.arrays, sizes, strict=True):
        flat = flat * n + np.where(a < 0, a + n, a)
    if chosen.adjacent:
        lead = chosen.dims[0]
        values = np.moveaxis(values, range(lead, lead + len(chosen.common)), range(len(chosen.common)))
    count = int(np.prod(sizes))
    moved = x.transpose(front)
    rows = moved.reshape(count, -1)
    add_at(rows, flat.reshape(-1), np.ascontiguousarray(values).reshape(flat.size, -1))
    if not np.may_share_memory(rows, x):
        moved[...] = rows.reshape(moved.shape)

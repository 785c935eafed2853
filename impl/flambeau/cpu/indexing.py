"""NumPy kernels of indexing by index tensors and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flambeau.cpu.accumulate import add_at
from flambeau.cpu.casting import cast
from flambeau.cpu.copying import empty
from flambeau.dtypes import dtype
from flambeau.geometry import (
    Shape,
    copied_strides,
    expand_strides,
    iterated_strides,
    view_strides,
)

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
        return indices[0].shape  # type: ignore[no-any-return]
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

    def strides(self, x: Array, *values: Array) -> Shape:
        """The order in which PyTorch goes through x, values (those written) and indices, as strides of the result.

        What is read is laid out so, and what is written is written so: of several values for one element the last
        one stays.
        """
        size = x.itemsize
        kept = [s // size for d, s in enumerate(x.strides) if d not in self.dims]
        first = self.dims[0] if self.adjacent else 0
        operands = [(*kept[:first], *(0,) * len(self.common), *kept[first:])]
        for v in values:
            operands.append(expand_strides(v.shape, tuple(s // v.itemsize for s in v.strides), self.shape))
        whole = (1,) * first + self.common + (1,) * (len(kept) - first)
        for a in self.arrays:
            own = expand_strides(a.shape, tuple(s // a.itemsize for s in a.strides), self.common)
            if a.itemsize < 8:  # widened once expanded
                own = copied_strides(self.common, own)
            own = view_strides(self.common, own, whole) or own
            operands.append(tuple(0 if n == 1 != m else s for n, m, s in zip(whole, self.shape, own, strict=True)))
        return iterated_strides(self.shape, operands)

    def in_order(self, x: Array, strides: Shape) -> tuple[list[Array], list[int]]:
        """Index arrays for every dim of x that broadcast to the result with its dims in the order of strides."""
        order = sorted(range(len(self.shape)), key=lambda d: -strides[d])
        first = self.dims[0] if self.adjacent else 0
        rest = len(self.shape) - first - len(self.common)
        places = iter((*range(first), *range(first + len(self.common), len(self.shape))))
        arrays: list[Array] = []
        chosen = iter(self.arrays)
        for d, n in enumerate(x.shape):
            if d in self.dims:
                a = np.broadcast_to(next(chosen), self.common)
                arrays.append(a.reshape((1,) * first + a.shape + (1,) * rest).transpose(order))
            else:
                place = next(places)
                arrays.append(np.arange(n).reshape([n if p == place else 1 for p in order]))
        return arrays, order


def index(x: Array, indices: Sequence[Array | None]) -> Array:
    """x[indices], row-major."""
    chosen = Selection(x.shape, indices)
    if 0 in chosen.shape:
        return np.empty(chosen.shape, x.dtype)
    try:
        if len(chosen.arrays) == 1 and x.flags.c_contiguous and chosen.arrays[0].flags.c_contiguous:
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
    if not indices:
        return  # PyTorch takes that for an x without elements
    chosen = Selection(x.shape, indices)
    given = values
    try:
        values = np.broadcast_to(given, chosen.shape)
    except ValueError:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of "
            f"shape {list(chosen.shape)}"
        ) from None
    if 0 in chosen.shape:
        return
    if not accumulate:
        try:
            _write(x, chosen, values, given)
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
    if any(n > 1 and step == 0 for n, step in zip(x.shape, x.strides, strict=True)):
        # elements with several names: each addition has to see the one before
        # (NumPy cannot add pairs: the parts of half complex numbers are taken one by one)
        for target, part in zip(*([a[n] for n in a.dtype.names or (...,)] for a in (x, given)), strict=True):
            np.add.at(target, chosen.key, np.broadcast_to(part, chosen.shape))  # type: ignore[arg-type]
        return
    moved = x.transpose(front)
    rows = moved.reshape(count, -1)
    add_at(rows, flat.reshape(-1), np.ascontiguousarray(values).reshape(flat.size, -1))
    if not np.may_share_memory(rows, x):
        moved[...] = rows.reshape(moved.shape)


def _write(x: Array, chosen: Selection, values: Array, given: Array) -> None:
    """x[indices] = values in PyTorch's order, which tells where an element is named twice."""
    if given.size == 1 or (given.flags.c_contiguous and all(a.flags.c_contiguous for a in chosen.arrays)):
        x[chosen.key] = values
        return
    strides = chosen.strides(x, given)
    arrays, order = chosen.in_order(x, strides)
    flat = [a.ravel() for a in np.broadcast_arrays(*arrays)]
    x[tuple(flat)] = values.transpose(order).ravel()

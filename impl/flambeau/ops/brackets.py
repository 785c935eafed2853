"""`x[...]` and `x[...] = y`: integers, slices, None and Ellipsis are views, tensors and sequences select by `index`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from flambeau import dtypes, overrides
from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of, requires_grad
from flambeau.cpu.casting import cast, scalar
from flambeau.data import indices_from, is_integer, is_sequence
from flambeau.dtypes import COMPLEX, INTEGRAL, dtype
from flambeau.errors import check
from flambeau.geometry import Shape, may_overlap, wrap_dim
from flambeau.ops.creation import full
from flambeau.ops.filling import check_representable
from flambeau.ops.indexing import MASKS, apart_from_indexed, index, index_put
from flambeau.ops.slicing import LAST, clipped, select, selected, slice_, sliced
from flambeau.ops.views import alias_of, unsqueeze
from flambeau.overrides import PLAIN
from flambeau.tensor import Memory, Tensor, alias, bump, fresh, memory, shape_of
from flambeau.viewing import Place, ViewOperation
from flambeau.warning import warn

SELECT: ViewOperation = select.op
SLICE: ViewOperation = slice_.op
UNSQUEEZE: ViewOperation = unsqueeze.op

INVALID = "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})"
NOT_A_TUPLE = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use "
    "x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], "
    "which will result either in an error or a different result"
)
_INT64 = range(-(2**63), 2**63)


# ------------------------------------------------------------------------------------------ one index


def _pick(own: Any, dim: int, i: int, position: int) -> Place:
    """Where index i of a dim lies; position: of the index in the brackets, which the error names."""
    shape = own.shape
    n = shape[dim] if dim < len(shape) else 0
    if not -n <= i < n:
        check(
            i or shape or dim,
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a "
            "0-dim tensor to a number",
            IndexError,
        )
        raise IndexError(f"index {i} is out of bounds for dimension {position} with size {n}")
    return selected(own, dim, i + n if i < 0 else i)


def _bound(value: Any) -> int:
    cls = type(value)
    if cls is int:
        return min(max(value, -LAST - 1), LAST)  # type: ignore[no-any-return]
    if not hasattr(cls, "__index__"):
        raise TypeError("slice indices must be integers or None or have an __index__ method")
    return min(max(operator.index(value), -LAST - 1), LAST)


def _slice(own: Any, dim: int, item: slice, optional: bool) -> Place | None:
    """Where a slice of a dim lies; None for a whole dim, if that may be skipped."""
    step = 1 if item.step is None else _bound(item.step)
    check(step != 0, "slice step cannot be zero", ValueError)
    start = 0 if item.start is None else _bound(item.start)
    end = LAST if item.stop is None else _bound(item.stop)
    check(step > 0, "step must be greater than zero", ValueError)
    check(own.shape, "slice() cannot be applied to a 0-dim tensor.", IndexError)
    dim = wrap_dim(dim, len(own.shape))
    n = own.shape[dim]
    if optional and start == 0 and end >= n and step == 1:
        return None
    return sliced(own, dim, *clipped(n, start, end), step)


def _inserted(own: Any, dim: int) -> Place:
    shape, strides = own.shape, own.strides
    dim = wrap_dim(dim, len(shape) + 1)
    step = shape[dim] * strides[dim] if dim < len(shape) else 1
    return Place((*shape[:dim], 1, *shape[dim:]), (*strides[:dim], step, *strides[dim:]), own.offset, dim=dim)


# ------------------------------------------------------------------------------------------ several indices


class _Walk:
    """A tensor on its way through the brackets: views are taken one by one, index tensors collected.

    Where nothing is recorded only the geometry walks, and one view is made at the end.
    """

    __slots__ = ("covered", "dim", "indices", "last", "own", "recorded", "tensor")

    def __init__(self, t: Tensor) -> None:
        self.tensor = t
        self.own: Any = memory(t)
        self.recorded = state.enabled and requires_grad(t)
        self.last: ViewOperation | None = None
        self.indices: list[Tensor | None] = []
        # dims that `indices` stand for: a mask stands for as many as it has
        self.covered = 0
        self.dim = 0

    def view(self, op: ViewOperation, place: Place) -> None:
        self.last = op
        if self.recorded:
            self.tensor = op.at(self.tensor, place)
        self.own = place

    def result(self) -> Tensor:
        """The view so far; the tensor itself if none was taken."""
        if self.recorded or self.last is None:
            return self.tensor
        return self.last.at(self.tensor, self.own)

    def index(self, t: Tensor) -> None:
        """Collect an index tensor for the dim at hand, a mask for as many dims as it has."""
        self.indices.extend([None] * (self.dim - self.covered))
        self.indices.append(t)
        self.dim += _dims_of(t)
        self.covered = self.dim

    def mask(self, value: bool) -> None:
        """A single truth value indexes a new dim of size 1."""
        self.view(UNSQUEEZE, _inserted(self.own, self.dim))
        self.index(full((1,) if value else (0,), 0, dtype=dtypes.int64, device=self.tensor.device))

    def take(self, items: Sequence[Any]) -> None:
        """Go through all that stands in the brackets."""
        n = len(self.own.shape)
        specified = sum(map(_dims_of, items))
        check(specified <= n, f"too many indices for tensor of dimension {n}", IndexError)
        for position, item in enumerate(items):
            cls = type(item)
            if cls is int:
                self.view(SELECT, _pick(self.own, self.dim, item, position))
            elif cls is slice:
                place = _slice(self.own, self.dim, item, True)
                if place is not None:
                    self.view(SLICE, place)
                self.dim += 1
            elif item is Ellipsis:
                self.dim += n - specified
            elif item is None:
                self.view(UNSQUEEZE, _inserted(self.own, self.dim))
                self.dim += 1
            elif cls is bool:
                self.mask(item)
            elif isinstance(item, Tensor):
                self.tensor_item(item, position)
            elif is_sequence(item):
                self.tensor_item(indices_from(item), position)
            else:
                self.view(SELECT, _pick(self.own, self.dim, _integer(item), position))

    def tensor_item(self, t: Tensor, position: int) -> None:
        """0-dim integers are indices, 0-dim truth values masks, all else index tensors."""
        if shape_of(t) or t.dtype.category > INTEGRAL:
            self.index(t)
        elif t.dtype in MASKS:
            self.mask(t.item() != 0)
        else:
            self.view(SELECT, _pick(self.own, self.dim, t.item(), position))


def _dims_of(item: Any) -> int:
    if isinstance(item, Tensor):
        return len(shape_of(item)) if item.dtype in MASKS else 1
    return 0 if item is None or item is Ellipsis or type(item) is bool else 1


def _type_name(value: Any) -> str:
    cls = type(value)
    return f"numpy.{cls.__name__}" if cls.__module__ == "numpy" else cls.__name__


def _integer(item: Any) -> int:
    try:
        i = operator.index(item)
    except TypeError:
        raise IndexError(INVALID.format(_type_name(item))) from None
    return _checked_integer(i)


def _checked_integer(i: int) -> int:
    check(i in _INT64, "Overflow when unpacking long long", ValueError)
    return i


def _as_tuple(item: Any) -> Sequence[Any]:
    """The indices in the brackets: a tuple, or a short list that holds more than numbers."""
    if type(item) is tuple:
        return item
    if isinstance(item, Tensor) or not is_sequence(item) or hasattr(item, "__array__"):
        return tuple(item) if isinstance(item, tuple) else (item,)
    if len(item) < 32 and any(
        x is None or x is Ellipsis or isinstance(x, Tensor | slice) or is_sequence(x) for x in item
    ):
        warn(NOT_A_TUPLE, "torch/csrc/autograd/python_variable_indexing.cpp:349", stacklevel=4)
        return tuple(item)
    return (item,)


# ------------------------------------------------------------------------------------------ reading


def getitem(self: Tensor, item: Any, /) -> Tensor:
    """x[item]: a view for integers, slices, None and Ellipsis, a copy where tensors or sequences select."""
    cls = type(item)
    if cls is tuple and type(self) in PLAIN and _RANGES.issuperset(map(type, item)):
        region = None if state.enabled and node_of(self) is not None else _region(memory(self), item)
        if region is not None:
            return _unrecorded(self, *region)
    if (type(self) not in PLAIN or (cls is not int and cls is not slice)) and overrides.needed((self, item), {}):
        return overrides.handle(Tensor.__getitem__, (self, item), {})  # type: ignore[no-any-return]
    if cls is int:
        own = memory(self)
        shape = own.shape
        if shape and -shape[0] <= item < shape[0] and not (state.enabled and node_of(self) is not None):
            strides = own.strides
            return _unrecorded(self, shape[1:], strides[1:], own.offset + item % shape[0] * strides[0])
        return SELECT.at(self, _pick(own, 0, _checked_integer(item), 0))
    if cls is slice:
        own = memory(self)
        start, end = item.start, item.stop
        if (
            item.step is None
            and (start is None or type(start) is int)
            and (end is None or type(end) is int)
            and own.shape
            and not (state.enabled and node_of(self) is not None)
        ):
            strides = own.strides
            first, last = clipped(own.shape[0], start, end)
            return _unrecorded(self, (last - first, *own.shape[1:]), strides, own.offset + first * strides[0])
        return SLICE.at(self, _slice(memory(self), 0, item, False))  # type: ignore[arg-type]
    if item is None:
        return UNSQUEEZE.at(self, _inserted(memory(self), 0))
    if item is Ellipsis:
        return alias_of(self)
    if is_integer(item):
        return SELECT.at(self, _pick(memory(self), 0, _checked_integer(int(item)), 0))
    walk = _Walk(self)
    walk.take(_as_tuple(item))
    result = walk.result()
    if walk.indices:
        return index(result, walk.indices)
    return alias_of(result) if result is self else result


_RANGES = frozenset((int, slice))


def _region(own: Memory, items: Sequence[Any]) -> tuple[Shape, Shape, int] | None:
    """Shape, strides and offset of what integers and slices of the first dims leave; None where one is refused."""
    shape, strides, offset, n = own.shape, own.strides, own.offset, len(items)
    if n > len(shape):
        return None
    sizes, steps = [], []
    for item, size, stride in zip(items, shape, strides):  # noqa: B905 - the other dims stay whole
        if type(item) is int:
            if not -size <= item < size:
                return None
            offset += item % size * stride
            continue
        if item.step is not None and (type(item.step) is not int or not 0 < item.step < 1 << 31):
            return None
        try:
            start, end, step = item.indices(size)
        except TypeError:
            return None
        sizes.append(len(range(start, end, step)))
        steps.append(stride * step)
        offset += start * stride
    return (*sizes, *shape[n:]), (*steps, *strides[n:]), offset


def _unrecorded(this: Tensor, shape: Shape, strides: Shape, offset: int) -> Tensor:
    out = alias(this, shape, strides, offset)
    SELECT._follow(this, out, Place(shape, strides, offset), "")
    return out


# ------------------------------------------------------------------------------------------ writing


def _element(value: Any, like: Tensor) -> Tensor:
    """The tensor to assign: tensors as they are, numbers in the dtype of the target. Raises for all else."""
    if isinstance(value, Tensor):
        return value
    if is_integer(value):
        value = _checked_integer(int(value))
    elif not isinstance(value, bool | float | complex):
        raise TypeError(f"can't assign a {_type_name(value)} to a torch.{like.dtype.type_name}Tensor")
    d = like.dtype
    if d in (dtypes.float16, dtypes.bfloat16):
        # these go through double, and round to infinity rather than overflow
        check_representable(value, dtypes.float64)
        value = value.real if isinstance(value, complex) else value
        return _zero_dim(float(value), d)
    if d.category == COMPLEX:
        _check_complex(complex(value), d)
    check_representable(value, d)
    if isinstance(value, complex) and d.category < COMPLEX:
        value = value.real
    return _zero_dim(value, d)


def _zero_dim(value: Any, d: dtype) -> Tensor:
    return fresh(cast(scalar(value, d.compute), d.compute, d), d)


def _check_complex(value: complex, d: dtype) -> None:
    limit, name = {
        "complex32": (65504.0, "c10::Half"), "complex64": (3.4028234663852886e38, "float"),
        "complex128": (float("inf"), "double"),
    }[d.name]  # fmt: skip
    for part in (value.real, value.imag):
        check(
            not limit < abs(part) < float("inf"),
            f"value cannot be converted to type c10::complex<{name}> without overflow",
        )


def _without_leading_ones(value: Tensor) -> Tensor:
    shape = shape_of(value)
    first = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return value.view(shape[first:]) if first else value


def _write(target: Tensor, value: Tensor) -> None:
    shape, have = shape_of(target), shape_of(value)
    if have == shape:
        target.copy_(value)
    elif not have:
        target.fill_(value)
    else:
        value = _without_leading_ones(value)
        target.copy_(value if shape_of(value) == shape else value.expand(shape))


_PLAIN_FLOATS = dtypes.mask(dtypes.float32, dtypes.float64)


def _write_number(self: Tensor, item: Any, value: float) -> bool:
    """Write a number straight into the array. Says whether that was possible."""
    if not self._dtype.bit & _PLAIN_FLOATS or self._array is None or not -9e15 < value < 9e15:
        return False
    for i in item if type(item) is tuple else (item,):
        if type(i) is not int and (type(i) is not slice or i.step not in (None, 1)):
            return False
    view, own = self._view, self._memory
    if state.enabled and (node_of(self) is not None or (view is not None and node_of(view.base) is not None)):
        return False
    if own is not None and may_overlap(own.shape, own.strides):
        return False
    try:
        self._array[item] = value
    except (IndexError, TypeError):
        return False
    bump(self)
    return True


def setitem(self: Tensor, item: Any, value: Any, /) -> None:
    """x[item] = value, broadcast and cast. Raises TypeError for values that are neither tensors nor numbers."""
    cls = type(item)
    if (
        type(self) in PLAIN
        and (cls is int or cls is slice or cls is tuple)
        and (type(value) is float or type(value) is int)
        and _write_number(self, item, value)
    ):
        return
    if overrides.needed((self, item, value), {}):
        overrides.handle(Tensor.__setitem__, (self, item, value), {})
        return
    new = _element(value, self)
    if item is False:
        return
    if item is None or item is True:
        _write(UNSQUEEZE.at(self, _inserted(memory(self), 0)), new)
    elif item is Ellipsis:
        _write(self, new)
    elif is_integer(item):
        _write(SELECT.at(self, _pick(memory(self), 0, _checked_integer(int(item)), 0)), new)
    elif cls is slice:
        place = _slice(memory(self), 0, item, True)
        _write(self if place is None else SLICE.at(self, place), new)
    else:
        walk = _Walk(self)
        walk.take(_as_tuple(item))
        target = walk.result()
        if not walk.indices:
            _write(target, new)
        else:
            apart_from_indexed(target, walk.indices, new, False)
            bound = {"indices": walk.indices, "values": _without_leading_ones(new), "accumulate": False}
            index_put.op.run_inplace(target, bound)


def delitem(self: Tensor, item: Any, /) -> None:
    """Tensors do not shrink. Raises TypeError."""
    raise TypeError("Tensor does not support deleting items")


for _name, _method in (("__getitem__", getitem), ("__setitem__", setitem), ("__delitem__", delitem)):
    _method.__name__, _method.__qualname__ = _name, f"Tensor.{_name}"
    setattr(Tensor, _name, _method)

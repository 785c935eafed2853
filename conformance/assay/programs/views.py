"""Moves that look at memory in another form, and those that copy it."""

from __future__ import annotations

import math
from typing import Any

from assay.case import Named
from assay.program import Ref
from assay.programs.drawing import Drawing
from assay.programs.model import Memory, Shape, Value, promoted
from assay.programs.moves import move


def _ranked(d: Drawing, least: int, most: int = 9) -> Value | None:
    return d.value(lambda v: least <= v.rank <= most and v.size > 0)


def _dim(d: Drawing, rank: int) -> int:
    at = d.pick.integer(0, rank - 1)
    return at - rank if d.pick.chance(0.3) else at


def _without(shape: Shape, dim: int) -> Shape:
    at = dim % len(shape)
    return shape[:at] + shape[at + 1 :]


def _sized(shape: Shape, dim: int, size: int) -> Shape:
    at = dim % len(shape)
    return (*shape[:at], size, *shape[at + 1 :])


def _swapped(shape: Shape, a: int, b: int) -> Shape:
    sizes = list(shape)
    sizes[a], sizes[b] = sizes[b], sizes[a]
    return tuple(sizes)


@move("view", 4)
def transpose(d: Drawing) -> bool:
    v, call = _ranked(d, 2), d.spelled("torch.transpose", "Tensor.transpose", "Tensor.swapaxes")
    if v is None or call is None:
        return False
    a, b = _dim(d, v.rank), _dim(d, v.rank)
    if a % v.rank == b % v.rank:
        a, b = 0, v.rank - 1
    return d.view(call, v, (a, b), _swapped(v.shape, a, b), dense=False)


@move("view", 3)
def turn(d: Drawing) -> bool:
    v, call = _ranked(d, 2, 2), d.spelled("Tensor.t", "Tensor.T", "torch.t", "Tensor.mT")
    return v is not None and call is not None and d.view(call, v, (), v.shape[::-1], dense=False)


@move("view", 2)
def permute(d: Drawing) -> bool:
    v, call = _ranked(d, 3), d.spelled("Tensor.permute", "torch.permute")
    if v is None or call is None:
        return False
    dims = tuple(d.pick.shuffled(range(v.rank)))
    return d.view(call, v, (dims,), tuple(v.shape[i] for i in dims), dense=v.dense and list(dims) == sorted(dims))


@move("view", 1)
def movedim(d: Drawing) -> bool:
    v, call = _ranked(d, 2), d.spelled("torch.movedim", "Tensor.movedim")
    if v is None or call is None:
        return False
    a, b = d.pick.integer(0, v.rank - 1), d.pick.integer(0, v.rank - 1)
    order = [i for i in range(v.rank) if i != a]
    order.insert(b, a)
    return d.view(call, v, (a, b), tuple(v.shape[i] for i in order), dense=v.dense and a == b)


def _factored(d: Drawing, size: int) -> Shape:
    """Sizes that multiply to `size`."""
    found: list[int] = []
    while size > 1 and len(found) < 3:
        divisors = [n for n in range(2, size + 1) if size % n == 0]
        found.append(d.pick.choice(divisors))
        size //= found[-1]
    if size > 1:
        found[-1] *= size
    if d.pick.chance(0.2) or not found:
        found.insert(d.pick.integer(0, len(found)), 1)
    return tuple(found)


def _written(d: Drawing, shape: Shape) -> Shape:
    """The sizes as they are given: one of them may be left to be found."""
    return _sized(shape, d.pick.integer(0, len(shape) - 1), -1) if shape and d.pick.chance(0.3) else shape


@move("view", 4)
def view(d: Drawing) -> bool:
    risky = d.risk == "other" and d.pick.chance(0.3)
    v, call = d.value(lambda v: v.size > 0 and v.promised and (v.dense or risky)), d.spelled("Tensor.view")
    if v is None or call is None:
        return False
    shape = _factored(d, v.size)
    return d.view(call, v, (_written(d, shape),), shape)


def _turned(d: Drawing, least: int) -> Value | None:
    """A value of promised strides; as a rule one that does not lie in order, where there is one."""

    def fits(v: Value) -> bool:
        return v.size > 0 and v.promised and v.rank >= least

    found = d.value(lambda v: fits(v) and not v.dense and v.rank > 1) if d.pick.chance(0.6) else None
    return found or d.value(fits)


@move("view", 3)
def reshape(d: Drawing) -> bool:
    v, call = _turned(d, 0), d.spelled("Tensor.reshape", "torch.reshape")
    if v is None or call is None:
        return False
    shape = _factored(d, v.size)
    return d.view(call, v, (_written(d, shape),), shape)


@move("view", 3)
def flatten(d: Drawing) -> bool:
    v, call = _turned(d, 1), d.spelled("Tensor.flatten", "torch.flatten")
    if v is None or call is None:
        return False
    start = d.pick.integer(0, v.rank - 1)
    end = d.pick.integer(start, v.rank - 1)
    shape = (*v.shape[:start], math.prod(v.shape[start : end + 1]), *v.shape[end + 1 :])
    return d.view(call, v, () if start == 0 and end == v.rank - 1 else (start, end), shape)


@move("view", 1)
def unflatten(d: Drawing) -> bool:
    v, call = (
        d.value(lambda v: v.promised and any(n in (4, 6, 8, 9, 12) for n in v.shape)),
        d.spelled("Tensor.unflatten"),
    )
    if v is None or call is None:
        return False
    dim = next(i for i, n in enumerate(v.shape) if n in (4, 6, 8, 9, 12))
    n = v.shape[dim]
    first = d.pick.choice([k for k in range(2, n) if n % k == 0])
    sizes = (first, n // first)
    return d.view(call, v, (dim, sizes), (*v.shape[:dim], *sizes, *v.shape[dim + 1 :]))


@move("view", 2)
def unsqueeze(d: Drawing) -> bool:
    v, call = _ranked(d, 0, 3), d.spelled("Tensor.unsqueeze", "torch.unsqueeze")
    if v is None or call is None:
        return False
    at = d.pick.integer(0, v.rank)
    return d.view(call, v, (at,), (*v.shape[:at], 1, *v.shape[at:]))


@move("view", 1)
def squeeze(d: Drawing) -> bool:
    v, call = d.value(lambda v: 1 in v.shape), d.spelled("Tensor.squeeze", "torch.squeeze")
    if v is None or call is None:
        return False
    if d.pick.chance(0.5):
        return d.view(call, v, (), tuple(n for n in v.shape if n != 1))
    dim = v.shape.index(1)
    return d.view(call, v, (dim,), _without(v.shape, dim))


@move("view", 2)
def expand(d: Drawing) -> bool:
    v, call = _ranked(d, 0, 3), d.spelled("Tensor.expand", "torch.broadcast_to", "Tensor.broadcast_to")
    if v is None or call is None:
        return False
    shape = tuple(d.pick.integer(2, 3) if n == 1 else n for n in v.shape)
    if shape == v.shape or d.pick.chance(0.3):
        shape = (2, *shape)
    return math.prod(shape) <= 48 and d.view(call, v, (shape,), shape, dense=False, repeated=True)


@move("view", 3)
def select(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("Tensor.select", "torch.select")
    if v is None or call is None:
        return False
    dim = _dim(d, v.rank)
    size = v.shape[dim]
    return d.view(
        call, v, (dim, d.pick.integer(-size, size - 1)), _without(v.shape, dim), dense=v.dense and dim % v.rank == 0
    )


@move("view", 2)
def narrow(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("Tensor.narrow", "torch.narrow")
    if v is None or call is None:
        return False
    dim = _dim(d, v.rank)
    start = d.pick.integer(0, v.shape[dim] - 1)
    length = d.pick.integer(1, v.shape[dim] - start)
    return d.view(call, v, (dim, start, length), _sized(v.shape, dim, length), dense=v.dense and dim % v.rank == 0)


def indexed(d: Drawing, shape: Shape) -> tuple[Any, Shape]:
    """A basic index, and the shape of what it picks."""
    items: list[Any] = []
    found: list[int] = []
    for at, n in enumerate(shape):
        what = d.pick.weighted({"all": 3, "one": 2, "slice": 3, "step": 1, "end": 2 if at else 0.5})
        if what == "end" or n == 0:
            found += shape[at:]
            break
        if what == "one":
            items.append(d.pick.integer(-n, n - 1))
        elif what == "slice" and n > 1:
            start = d.pick.integer(0, n - 1)
            stop = d.pick.integer(start + 1, n)
            items.append(slice(start or None, stop))
            found.append(stop - start)
        elif what == "step":
            start = d.pick.integer(0, 1 if n > 1 else 0)
            items.append(slice(start or None, None, 2))
            found.append(len(range(start, n, 2)))
        else:
            items.append(slice(None))
            found.append(n)
    if not items:
        return Ellipsis, shape
    if d.pick.chance(0.08):
        items.append(None)
        found.insert(len(found) - (len(shape) - (len(items) - 1)), 1)
    return (items[0] if len(items) == 1 else tuple(items)), tuple(found)


@move("view", 5)
def getitem(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("operator.getitem")
    if v is None or call is None:
        return False
    index, shape = indexed(d, v.shape)
    return d.view(call, v, (index,), shape, dense=v.dense and index is Ellipsis)


@move("view", 1)
def diagonal(d: Drawing) -> bool:
    v, call = _ranked(d, 2), d.spelled("Tensor.diagonal", "torch.diagonal")
    if v is None or call is None:
        return False
    return d.view(call, v, (), (*v.shape[2:], min(v.shape[:2])), dense=False)


@move("view", 2)
def unbind(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("Tensor.unbind", "torch.unbind")
    if v is None or call is None:
        return False
    dim = _dim(d, v.rank)
    part = d.pick.integer(0, v.shape[dim] - 1)
    return d.view(call, v, (dim,), _without(v.shape, dim), part, dense=v.dense and dim % v.rank == 0)


@move("view", 2)
def split(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("Tensor.split", "torch.split")
    if v is None or call is None:
        return False
    dim = _dim(d, v.rank)
    n = v.shape[dim]
    size = d.pick.integer(1, n)
    part = d.pick.integer(0, -(-n // size) - 1)
    shape = _sized(v.shape, dim, min(size, n - part * size))
    return d.view(call, v, (size, dim), shape, part, dense=v.dense and dim % v.rank == 0)


@move("view", 1)
def unfold(d: Drawing) -> bool:
    v, call = _ranked(d, 1, 3), d.spelled("Tensor.unfold")
    if v is None or call is None:
        return False
    dim = d.pick.integer(0, v.rank - 1)
    size, step = d.pick.integer(1, v.shape[dim]), d.pick.integer(1, 2)
    shape = (*_sized(v.shape, dim, (v.shape[dim] - size) // step + 1), size)
    return d.view(call, v, (dim, size, step), shape, dense=False, repeated=step < size)


@move("branch", 2)
def detach(d: Drawing) -> bool:
    v, call = d.value(lambda v: v.grad), d.spelled("Tensor.detach")
    return v is not None and call is not None and d.view(call, v, (), v.shape, detached=True)


# -- copies ------------------------------------------------------------------------------------------------------------
@move("copy", 3)
def clone(d: Drawing) -> bool:
    v, call = d.value(), d.spelled("Tensor.clone", "torch.clone")
    return v is not None and call is not None and d.result(call, (v,), v.shape, v.dtype, v.range)


@move("copy", 2)
def contiguous(d: Drawing) -> bool:
    v, call = d.value(lambda v: v.promised), d.spelled("Tensor.contiguous")
    return v is not None and call is not None and d.view(call, v, (), v.shape, dense=True)


@move("copy", 3)
def cast(d: Drawing) -> bool:
    v, call = d.value(lambda v: v.kind < 3), d.spelled("Tensor.to")
    if v is None or call is None:
        return False
    among = {v.dtype for v in d.values if v.kind == 2} or {"float32"}
    dtype = d.pick.choice(sorted(among)) if d.pick.chance(0.8) else d.pick.choice(("float64", "float32"))
    if d.grows(v.shape, dtype, v.range):
        return False
    # A wider evaluation casts from a dtype to the same one, which is no copy unless it is asked for.
    return d.result(call, (v, Named(dtype)), v.shape, dtype, v.range, {"copy": True})


@move("copy", 3)
def cat(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("torch.cat")
    if v is None or call is None:
        return False
    dim = _dim(d, v.rank)
    other = d.value(lambda o: o.rank == v.rank and _without(o.shape, dim) == _without(v.shape, dim))
    assert other is not None
    dtype, shape = promoted(v, other), _sized(v.shape, dim, v.shape[dim] + other.shape[dim])
    bounds = v.range.joined(other.range)
    return not d.grows(shape, dtype, bounds) and d.result(
        call, ([v, other], dim), shape, dtype, bounds, elementwise=False
    )


@move("copy", 2)
def stack(d: Drawing) -> bool:
    v, call = _ranked(d, 0, 2), d.spelled("torch.stack")
    if v is None or call is None:
        return False
    other = d.value(lambda o: o.shape == v.shape)
    assert other is not None
    dim = d.pick.integer(0, v.rank)
    dtype, shape = promoted(v, other), (*v.shape[:dim], 2, *v.shape[dim:])
    bounds = v.range.joined(other.range)
    return not d.grows(shape, dtype, bounds) and d.result(
        call, ([v, other], dim), shape, dtype, bounds, elementwise=False
    )


@move("copy", 1)
def flip(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("torch.flip", "Tensor.flip")
    if v is None or call is None:
        return False
    return d.result(call, (v, (_dim(d, v.rank),)), v.shape, v.dtype, v.range, elementwise=False)


@move("copy", 1)
def roll(d: Drawing) -> bool:
    v, call = _ranked(d, 1), d.spelled("torch.roll", "Tensor.roll")
    if v is None or call is None:
        return False
    return d.result(call, (v, d.pick.integer(-2, 2), _dim(d, v.rank)), v.shape, v.dtype, v.range, elementwise=False)


@move("copy", 1)
def repeat(d: Drawing) -> bool:
    v, call = _ranked(d, 0, 2), d.spelled("Tensor.repeat")
    if v is None or call is None:
        return False
    times = tuple(d.pick.integer(1, 2) for _ in range(max(v.rank, 1)))
    sizes = v.shape or (1,)
    shape = tuple(n * t for n, t in zip(sizes, times, strict=True))
    return not d.grows(shape, v.dtype, v.range) and d.result(
        call, (v, times), shape, v.dtype, v.range, elementwise=False
    )


@move("copy", 2)
def picked(d: Drawing) -> bool:
    """Rows by a list of positions: a copy, whose gradient adds up where one is named twice."""
    v, call = _ranked(d, 1), d.spelled("operator.getitem")
    if v is None or call is None:
        return False
    rows = [d.pick.integer(-v.shape[0], v.shape[0] - 1) for _ in range(d.pick.integer(1, 3))]
    shape = (len(rows), *v.shape[1:])
    return not d.grows(shape, v.dtype, v.range) and d.result(
        call, (v, rows), shape, v.dtype, v.range, elementwise=False
    )


__all__ = ["Memory", "Ref", "indexed"]

"""Simpler cases near a failing one, the boldest first: what shrinking tries.

A candidate need not be valid: one that no longer fails in the same way is dropped by whoever asks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from assay.case import Case, Layout, TensorSpec, Values, Window, specs_of
from assay.dtypes import category
from assay.values import array, literal

_WRITABLE = 64
_ORDERS = ("index", "distinct")


def smaller(case: Case) -> Iterator[Case]:
    """Cases simpler than `case`, each by one step. Going down them greedily ends, because every step lowers a measure:
    the number of arguments, elements, dimensions, the layout, the plan, or the size of a number."""
    for candidate in _candidates(case):
        if candidate != case and _is_whole(candidate):
            yield candidate


def _is_whole(case: Case) -> bool:
    """Whether every window still has a shared memory to look at."""
    given = (*case.args, *case.kwargs.values())
    tensors = [s for arg in given for s in specs_of(arg)]
    windows = (v for v in given if isinstance(v, Window))
    return all(w.index < len(tensors) and tensors[w.index].layout.kind == "shared" for w in windows)


def _candidates(case: Case) -> Iterator[Case]:
    if case.default_dtype != "float32":
        yield replace(case, default_dtype="float32")
    for order in range(case.order):
        yield _without_grad(replace(case, order=order)) if order == 0 else replace(case, order=order)
    for name in case.kwargs:
        yield replace(case, kwargs={k: v for k, v in case.kwargs.items() if k != name})
    tensors = [s for arg in (*case.args, *case.kwargs.values()) for s in specs_of(arg)]
    if any(s.layout != Layout() for s in tensors):
        yield _map(case, _contiguous)
        yield from _one_by_one(case, _contiguous)
    yield from _shapes(case, tensors)
    yield from _dtypes(case, tensors)
    yield from _one_by_one(case, lambda s: replace(s, requires_grad=False))
    yield from _sequences(case)
    yield from _values(case, tensors)
    yield from _numbers(case)
    for at, spec in enumerate(tensors):
        if spec.values.kind == "literal":
            yield from (_map(case, _constant(new), only=at) for new in _elements(spec))


def _constant(new: TensorSpec) -> Callable[[TensorSpec], TensorSpec]:
    return lambda _: new


def _rebuild(value: Any, change: Callable[[TensorSpec, int], TensorSpec], at: list[int]) -> Any:
    if isinstance(value, TensorSpec):
        at[0] += 1
        return change(value, at[0] - 1)
    if type(value) in (tuple, list):
        return type(value)(_rebuild(v, change, at) for v in value)
    return value


def _map(case: Case, change: Callable[[TensorSpec], TensorSpec], only: int | None = None) -> Case:
    """The case with every tensor changed, or the one at `only`."""
    at = [0]

    def chosen(spec: TensorSpec, index: int) -> TensorSpec:
        return change(spec) if only is None or only == index else spec

    args = tuple(_rebuild(arg, chosen, at) for arg in case.args)
    kwargs = {name: _rebuild(arg, chosen, at) for name, arg in case.kwargs.items()}
    return replace(case, args=args, kwargs=kwargs)


def _one_by_one(case: Case, change: Callable[[TensorSpec], TensorSpec]) -> Iterator[Case]:
    tensors = [s for arg in (*case.args, *case.kwargs.values()) for s in specs_of(arg)]
    if len(tensors) > 1:
        for at, spec in enumerate(tensors):
            if change(spec) != spec:
                yield _map(case, change, only=at)


def _without_grad(case: Case) -> Case:
    return _map(case, lambda s: replace(s, requires_grad=False))


def _contiguous(spec: TensorSpec) -> TensorSpec:
    return replace(spec, layout=Layout())


# -- shapes ----------------------------------------------------------------------------------------------------------
def _shapes(case: Case, tensors: list[TensorSpec]) -> Iterator[Case]:
    """Drop dimensions of all tensors alike, then make equal sizes equally smaller, which keeps shapes fitting."""
    rank = max((len(s.shape) for s in tensors), default=0)
    for d in range(rank):
        for end in (0, -1):
            yield _map(case, partial(_cut_dim, d=d - rank, end=end))
    for size in sorted({n for s in tensors for n in s.shape if n > 1}, reverse=True):
        for new in sorted({1, 2, size // 2, size - 1} - {0, size}):
            if new < size:
                yield _sizes(case, size, slice(0, new))
                yield _sizes(case, size, slice(size - new, size))
    for at, spec in enumerate(tensors):
        if spec.shape and len(tensors) > 1:
            yield _map(case, lambda s: _cut_dim(s, -len(s.shape)), only=at)


def _sizes(case: Case, size: int, part: slice) -> Case:
    new = part.stop - part.start
    changed = _map(case, lambda s: _resize(s, size, part))

    def number(value: Any) -> Any:
        if type(value) in (tuple, list):
            return type(value)(number(v) for v in value)
        return new if type(value) is int and value == size else value

    return replace(changed, args=tuple(number(a) if type(a) in (tuple, list) else a for a in changed.args))


def _cut_dim(spec: TensorSpec, d: int, end: int = 0) -> TensorSpec:
    """Keep the first (or last) slice along dimension d, counted from the end; a tensor without it stays."""
    if -d > len(spec.shape) or 0 in spec.shape:
        return spec if -d > len(spec.shape) else _plain(spec, (*spec.shape[:d], *spec.shape[len(spec.shape) + d + 1 :]))
    index = (*(slice(None),) * (len(spec.shape) + d), end)
    return _crop(spec, index)


def _resize(spec: TensorSpec, size: int, part: slice) -> TensorSpec:
    values, new = spec.values, part.stop - part.start
    if values.kind in _ORDERS:
        bounds: dict[float | None, int] = {size: new, -size: -new}
        values = replace(values, low=bounds.get(values.low, values.low), high=bounds.get(values.high, values.high))
        spec = replace(spec, values=values)
    if size not in spec.shape:
        return spec
    return _crop(spec, tuple(part if n == size else slice(None) for n in spec.shape), keep=True)


def _plain(spec: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    values = Values("counting") if spec.values.kind == "literal" else spec.values
    return replace(spec, shape=shape, layout=Layout(), values=values)


def _crop(spec: TensorSpec, index: tuple[Any, ...], keep: bool = False) -> TensorSpec:
    """A part of the tensor with its elements written out where they are few, and its layout where it still fits."""
    shape = np.broadcast_to(0, spec.shape)[index].shape
    layout = spec.layout if keep else Layout()
    if spec.values.kind in _ORDERS or math.prod(shape) > _WRITABLE:
        return replace(_plain(spec, shape), layout=layout)
    part = np.asarray(array(spec)[index])
    return replace(spec, shape=shape, layout=layout, values=Values("literal", literal=_written(part, spec.dtype)))


def _written(part: np.ndarray, dtype: str) -> tuple[Any, ...]:
    if dtype == "complex32":
        return tuple(complex(a, b) for a, b in part.reshape(-1, 2).astype(np.float64).tolist())
    return tuple((part.astype(np.float64) if category(dtype) == 2 else part).ravel().tolist())


# -- dtypes, sequences, values, numbers --------------------------------------------------------------------------------
def _dtypes(case: Case, tensors: list[TensorSpec]) -> Iterator[Case]:
    for dtype in dict.fromkeys(s.dtype for s in tensors):
        simple = {0: "bool", 1: "int64", 2: "float32", 3: "complex64"}[category(dtype)]
        if dtype != simple and all(s.values.kind != "literal" for s in tensors if s.dtype == dtype):
            yield _map(case, partial(_converted, dtype, simple))


def _converted(dtype: str, simple: str, spec: TensorSpec) -> TensorSpec:
    return replace(spec, dtype=simple) if spec.dtype == dtype else spec


def _sequences(case: Case) -> Iterator[Case]:
    """Lists of tensors lose one."""
    for at, arg in enumerate(case.args):
        if type(arg) in (tuple, list) and len(arg) > 1 and all(isinstance(a, TensorSpec) for a in arg):
            for i in range(len(arg)):
                yield replace(case, args=(*case.args[:at], type(arg)((*arg[:i], *arg[i + 1 :])), *case.args[at + 1 :]))


_PLANS = ("zeros", "ones", "counting", "normal")


def _planned(name: str, spec: TensorSpec) -> TensorSpec:
    return replace(spec, values=Values(name, spec.values.seed if name == "normal" else 0))


def _values(case: Case, tensors: list[TensorSpec]) -> Iterator[Case]:
    for at, spec in enumerate(tensors):
        kind = spec.values.kind
        if kind in _ORDERS or kind == "literal":
            continue
        simpler = _PLANS[: _PLANS.index(kind)] if kind in _PLANS else _PLANS
        for name in simpler:
            yield _map(
                case,
                partial(_planned, name),
                only=at,
            )
    for at, spec in enumerate(tensors):
        if spec.values.kind not in (*_PLANS[:3], "literal") and math.prod(spec.shape) <= _WRITABLE:
            yield _map(case, lambda s: replace(s, values=literal(s)), only=at)


def _elements(spec: TensorSpec) -> Iterator[TensorSpec]:
    """One element at a time becomes 0, 1 or a rounder number."""
    numbers = spec.values.literal or ()
    floating = category(spec.dtype) >= 2
    for i, number in enumerate(numbers):
        for simple in _rounder(number, floating and not isinstance(number, complex)):
            changed = (*numbers[:i], simple, *numbers[i + 1 :])
            yield replace(spec, values=Values("literal", literal=changed))


def _rounder(number: Any, floating: bool) -> Iterator[Any]:
    if isinstance(number, bool):
        if number:
            yield False
        return
    if number in (0, 1) and not (number == 0 and math.copysign(1, complex(number).real) < 0):
        if number == 1:
            yield type(number)(0)
        return
    yield type(number)(0)
    yield type(number)(1)
    if floating and math.isfinite(number):
        if number != round(number, 0) and abs(number) < 1e6:
            yield float(round(number, 0))
        if number != round(number, 1) and abs(number) < 1e6:
            yield round(number, 1)


def _numbers(case: Case) -> Iterator[Case]:
    """Python numbers among the arguments become simpler, inside sizes too."""
    for at, arg in enumerate(case.args):
        for new in _simpler_number(arg):
            yield replace(case, args=(*case.args[:at], new, *case.args[at + 1 :]))
    for name, arg in case.kwargs.items():
        for new in _simpler_number(arg):
            yield replace(case, kwargs={**case.kwargs, name: new})


def _simpler_number(arg: Any) -> Iterator[Any]:
    if type(arg) is int and abs(arg) > 1:
        yield from (n for n in (0, 1, arg // 2) if n != arg)
    elif type(arg) is float and math.isfinite(arg) and arg not in (0.0, 1.0):
        yield from (0.0, 1.0)
    elif type(arg) is tuple and arg and all(type(a) is int for a in arg):
        for i, a in enumerate(arg):
            if a > 1:
                yield from ((*arg[:i], new, *arg[i + 1 :]) for new in {1, a // 2} if new != a)
        yield arg[1:]

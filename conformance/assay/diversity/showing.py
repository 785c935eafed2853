"""Cases that show a kind of input, made of others that do not: what PyTorch is asked about a kind that is not drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from assay.case import Case, Layout, Same, TensorSpec, Values, Window, specs_of
from assay.diversity.kinds import MISTAKES
from assay.dtypes import ALL, category
from assay.traits import traits

Change = Callable[[TensorSpec], TensorSpec]
_SPECIAL = {"nan": "special", "inf": "special", "-0.0": "special", "subnormal": "subnormal", "huge": "huge"}
_SPECIAL |= {"border": "border", "ties": "ties"}


#: Plans that constrain nothing, so that other elements do as well. (`out=` is drawn with zeros.)
_FREE = frozenset(("normal", "special", "ties", "integers", "huge", "subnormal", "border", "zeros", "ones"))


#: What a case's labels alone tell.
TOLD = frozenset((*MISTAKES, "number", "out-resized", "out-cast"))


def showing(kind: str, case: Case) -> Iterator[Case]:
    """Cases like `case` that show `kind`; none where it cannot be made so."""
    for made in _KINDS[kind](kind, replace(case, labels=())):
        if made != case and (kind in TOLD or kind in traits(made)) and not any(map(_crowded, tensors(made))):
            yield made


def _crowded(spec: TensorSpec) -> bool:
    """Whether there are too few places for all to be different, as these plans promise: nobody promises which of two
    writers is the last."""
    low, high = spec.values.low, spec.values.high
    if spec.values.kind == "distinct" and spec.shape:
        return spec.shape[int(low or 0) % len(spec.shape)] > int(high or 1)
    return spec.values.kind == "apart" and math.prod(spec.shape[len(spec.shape) - int(low or 1) :]) > int(high or 1)


def tensors(case: Case) -> list[TensorSpec]:
    """All tensor arguments but `out=`."""
    return list(specs_of((case.args, {k: v for k, v in case.kwargs.items() if k != "out"})))


def _changed(value: Any, change: Change, at: list[int], only: int | None) -> Any:
    if isinstance(value, TensorSpec):
        at[0] += 1
        return change(value) if only in (None, at[0] - 1) else value
    if type(value) in (tuple, list):
        return type(value)(_changed(v, change, at, only) for v in value)
    return value


def changed(case: Case, change: Change, only: int | None = None) -> Case:
    """The case with every tensor but `out=` changed, or the one at `only`."""
    at = [0]
    args = tuple(_changed(arg, change, at, only) for arg in case.args)
    kwargs = {k: v if k == "out" else _changed(v, change, at, only) for k, v in case.kwargs.items()}
    return replace(case, args=args, kwargs=kwargs)


def _plain(spec: TensorSpec, shape: tuple[int, ...]) -> TensorSpec:
    if shape == spec.shape:
        return spec
    literal = spec.values.kind == "literal"
    return replace(spec, shape=shape, layout=Layout(), values=Values("zeros") if literal else spec.values)


def _each(case: Case, change: Change) -> Iterator[Case]:
    """All tensors changed, then one at a time."""
    yield changed(case, change)
    count = len(tensors(case))
    for at in range(count if count > 1 else 0):
        yield changed(case, change, only=at)


def _dtype(kind: str, case: Case) -> Iterator[Case]:
    """The tensors of the first one's dtype, or it alone, in another dtype."""
    given = tensors(case)
    case = changed(replace(case, order=0), lambda s: replace(s, requires_grad=False))
    for own in dict.fromkeys(s.dtype for s in given):
        yield changed(case, lambda s, own=own: _cast(s, kind) if s.dtype == own else s)  # type: ignore[misc]
    for at in range(len(given)):
        yield changed(case, lambda s: _cast(s, kind), only=at)


def _cast(spec: TensorSpec, dtype: str) -> TensorSpec:
    """In another dtype, unless its elements are given, which that may not hold."""
    return spec if spec.values.kind == "literal" else replace(spec, dtype=dtype, requires_grad=False)


#: Operations whose numbers are no sizes but name modes, which PyTorch does not check.
_MODES = frozenset({"grid_sampler", "grid_sampler_2d", "grid_sampler_3d"})


def _sized(new: int) -> Callable[[str, Case], Iterator[Case]]:
    """Every size that there is replaced by `new`: where it stands in shapes, and as a number."""

    def make(kind: str, case: Case) -> Iterator[Case]:
        for size in sorted({n for s in tensors(case) for n in s.shape} - {new}):
            resized = changed(case, lambda s, n=size: _plain(s, tuple(new if d == n else d for d in s.shape)))  # type: ignore[misc]
            yield resized
            if case.op not in _MODES:
                yield replace(resized, args=_numbers(resized.args, size, new))
        for at, spec in enumerate(tensors(case)):
            if spec.shape:
                yield changed(case, lambda s: _plain(s, (new, *s.shape[1:])), only=at)
                yield changed(case, lambda s: _plain(s, (*s.shape[:-1], new)), only=at)

    return make


def _numbers(value: Any, old: int, new: int) -> Any:
    if type(value) in (tuple, list):
        return type(value)(_numbers(v, old, new) for v in value)
    return new if type(value) is int and value == old else value


def _zeroed(value: Any) -> Any:
    """Dims of a tensor that has none."""
    if type(value) is int:
        return 0
    return type(value)() if type(value) in (tuple, list) and all(type(v) is int for v in value) else value


def _no_dims(kind: str, case: Case) -> Iterator[Case]:
    for made in _each(case, lambda s: _plain(s, ())):
        yield made
        yield replace(made, args=tuple(map(_zeroed, made.args)), kwargs={k: _zeroed(v) for k, v in made.kwargs.items()})


def _broadcast(kind: str, case: Case) -> Iterator[Case]:
    """One tensor with a dim of size 1, or without its first dim."""
    for at, spec in enumerate(tensors(case)):
        for d in (d for d, n in enumerate(spec.shape) if n > 1):
            yield changed(case, lambda s, d=d: _plain(s, (*s.shape[:d], 1, *s.shape[d + 1 :])), only=at)  # type: ignore[misc]
        if spec.shape:
            yield changed(case, lambda s: _plain(s, s.shape[1:]), only=at)


def _laid(kind: str, case: Case) -> Iterator[Case]:
    def change(spec: TensorSpec) -> TensorSpec:
        rank = len(spec.shape)
        long = [d for d in range(rank) if spec.shape[d] > 1]
        if kind == "permuted" and len(long) > 1:
            return replace(spec, layout=Layout("permuted", tuple(reversed(range(rank)))))
        if kind == "stepped" and long:
            return replace(spec, layout=Layout("stepped", (long[-1],)))
        if kind == "expanded" and long:
            return replace(spec, layout=Layout("expanded", (long[0],)))
        if kind == "channels-last" and rank == 4 and spec.shape[1] > 1 and spec.shape[2] * spec.shape[3] > 1:
            return replace(spec, layout=Layout("channels_last"))
        return replace(spec, layout=Layout("offset")) if kind == "offset" else spec

    yield from _each(case, change)
    given = tensors(case)
    if kind == "channels-last" and given:
        # the first one, and what is shaped alike, in four dims
        own = given[0].shape
        yield changed(case, lambda s: change(_plain(s, (2, 3, 2, 2))) if s.shape == own else s)


def _valued(kind: str, case: Case) -> Iterator[Case]:
    """With other elements, of a few seeds: one element alone cannot be all of them. For the limits of integers also
    with tensors of integers instead."""
    floating = kind not in ("border", "ties", "huge")

    def change(spec: TensorSpec, seed: int) -> TensorSpec:
        fits = spec.values.kind != "literal" and (not floating or category(spec.dtype) >= 2)
        return replace(spec, values=Values(_SPECIAL[kind], seed)) if fits else spec

    cases = [case, *_dtype("int64", case)] if kind == "border" else [case]
    for given in cases:
        for seed in range(7, 19):
            yield from _each(given, lambda s, seed=seed: change(s, seed))  # type: ignore[misc]


#: Plans of elements that are places, which no others can stand for: PyTorch does not look at all of them.
_PLACES = frozenset({"index", "distinct", "apart", "pivots", "permutation", "sorted"})


def _aliased(kind: str, case: Case) -> Iterator[Case]:
    first = case.args[0] if case.args else None
    for at, arg in enumerate(case.args):
        if not at or not isinstance(first, TensorSpec) or not isinstance(arg, TensorSpec):
            continue
        if arg.values.kind not in _PLACES:
            yield replace(case, args=(*case.args[:at], Same(0), *case.args[at + 1 :]))
    if isinstance(first, tuple | list) and len(first) > 1 and all(isinstance(v, TensorSpec) for v in first):
        yield replace(case, args=(type(first)((first[0], Same(0), *first[2:])), *case.args[1:]))


def _mixed(kind: str, case: Case) -> Iterator[Case]:
    for at in range(len(tensors(case))):
        for dtype in ("float64", "float32", "int64", "int8", "float16"):
            yield changed(case, lambda s, d=dtype: _cast(s, d), only=at)  # type: ignore[misc]


def _number(kind: str, case: Case) -> Iterator[Case]:
    for at, arg in enumerate(case.args):
        if at and isinstance(arg, TensorSpec):
            for number in (2, 0.5):
                yield replace(case, args=(*case.args[:at], number, *case.args[at + 1 :]), order=0)


def _derived(kind: str, case: Case) -> Iterator[Case]:
    order = 2 if kind == "gradients2" else 1

    def change(spec: TensorSpec) -> TensorSpec:
        return replace(spec, requires_grad=True) if category(spec.dtype) >= 2 else spec

    made = changed(replace(case, order=order), change)
    if any(s.requires_grad for s in tensors(made)):
        yield made


def _into(kind: str, case: Case) -> Iterator[Case]:
    changes: list[Change] = []
    if kind == "out-resized":
        changes = [lambda s: _plain(s, (0,)), lambda s: _plain(s, (*s.shape, 2))]
    else:
        dtypes = ("float64", "complex128", "int64") if kind == "out-cast" else ("bool", "int8")
        changes = [lambda s, d=d: replace(s, dtype=d) for d in dtypes]  # type: ignore[misc]
    for change in changes:
        made = replace(case, kwargs=case.kwargs | {"out": _changed(case.kwargs.get("out"), change, [0], None)})
        if made != case:
            yield made


def _misshaped(kind: str, case: Case) -> Iterator[Case]:
    for at in range(len(tensors(case))):
        yield changed(case, lambda s: _plain(s, (*s.shape, 2, 3)), only=at)
        yield changed(case, lambda s: _plain(s, tuple(n + 1 for n in s.shape) or (3,)), only=at)
        yield changed(case, lambda s: _plain(s, ()), only=at)


def _mistyped(kind: str, case: Case) -> Iterator[Case]:
    for at in range(len(tensors(case))):
        for dtype in ALL:
            yield changed(case, lambda s, d=dtype: _cast(s, d), only=at)  # type: ignore[misc]


def _windowed(kind: str, case: Case) -> Iterator[Case]:
    """`out=`, or the second operand of an in-place call, on the memory of the first tensor: behind it or, as a mistake,
    one element before its end."""
    first = case.args[0] if case.args else None
    if not isinstance(first, TensorSpec) or not math.prod(first.shape):
        return
    count = math.prod(first.shape)
    case = changed(replace(case, order=0), lambda s: replace(s, requires_grad=False))
    for at, other in (*enumerate(case.args), ("out", case.kwargs.get("out"))):
        if not isinstance(other, TensorSpec) or other.dtype != first.dtype or at == 0 or not math.prod(other.shape):
            continue
        if (at == "out") != (case.variant == "out") or other.values.kind not in _FREE:
            continue
        needed = math.prod(other.shape)
        start = count if kind == "window" else count - 1
        args = [
            replace(first, layout=Layout("shared", (0, 1, start + needed - count)), requires_grad=False),
            *case.args[1:],
        ]
        if isinstance(at, int):
            args[at] = Window(0, other.shape, start)
            yield replace(case, args=tuple(args))
        else:
            yield replace(case, args=tuple(args), kwargs=case.kwargs | {"out": Window(0, other.shape, start)})


def _overlapping(kind: str, case: Case) -> Iterator[Case]:
    """The same partly, or a tensor that is written to with a dim of stride 0."""
    first = case.args[0] if case.args else None
    if case.variant == "inplace" and isinstance(first, TensorSpec):
        for d in (d for d, n in enumerate(first.shape) if n > 1):
            spread = replace(first, layout=Layout("expanded", (d,)), requires_grad=False)
            yield replace(case, args=(spread, *case.args[1:]), order=0)
    yield from _windowed(kind, case)


def _as_function(kind: str, case: Case) -> Iterator[Case]:
    if case.variant == "method":
        yield replace(case, variant="function", call=case.call.replace("Tensor.", "torch.", 1))


def _out(kind: str, case: Case) -> Iterator[Case]:
    """Into an empty tensor, or two, of the first one's dtype, or of indices."""
    given = tensors(case)
    if case.variant != "function" or "out" in case.kwargs:
        return
    plain = changed(replace(case, order=0, variant="out"), lambda s: replace(s, requires_grad=False))
    empty = [TensorSpec((0,), d, Values("zeros")) for d in (given[0].dtype if given else case.default_dtype, "int64")]
    for out in (empty[0], empty[1], tuple(empty)):
        yield replace(plain, kwargs=plain.kwargs | {"out": out})


def _unexpected(kind: str, case: Case) -> Iterator[Case]:
    if case.variant != "operator":
        yield replace(case, kwargs=case.kwargs | {"bogus": 1}, order=0)


_KINDS: dict[str, Callable[[str, Case], Iterator[Case]]] = {
    **dict.fromkeys(ALL, _dtype),
    **dict.fromkeys(("permuted", "stepped", "channels-last", "expanded", "offset"), _laid),
    **dict.fromkeys(_SPECIAL, _valued),
    **dict.fromkeys(("gradients", "gradients2"), _derived),
    **dict.fromkeys(("out-resized", "out-cast", "bad-out"), _into),
    "empty": _sized(0),
    "size-1": _sized(1),
    "long": _sized(19),
    "0-dim": _no_dims,
    "broadcast": _broadcast,
    "aliased": _aliased,
    "mixed-dtype": _mixed,
    "number": _number,
    "bad-shape": _misshaped,
    "bad-dtype": _mistyped,
    "bad-keyword": _unexpected,
    "function": _as_function,
    "out": _out,
    "window": _windowed,
    "bad-overlap": _overlapping,
}
#: What PyTorch can be asked about.
ASKABLE = frozenset(_KINDS)

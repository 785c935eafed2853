"""The inputs of a case, built in the module under test by its public names alone.

Each side owns what it is given: arrays are copied into the module's own memory. Layouts come about by view operations
on a larger or permuted tensor; what lies between the elements is poisoned, so that reading beyond a view shows.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assay import values
from assay.case import Case, Layout, Make, Named, Same, TensorSpec, Window
from assay.subjects.adapter import Adapter, Missing

Adapt = Callable[[TensorSpec, np.ndarray], tuple[str, np.ndarray]]

_GAP = 3
_INPLACE_OPERATORS = frozenset(n for n in dir(operator) if n.startswith("i") and hasattr(operator, f"__{n}__")) - {
    "index",
    "inv",
    "invert",
    "is_",
    "is_not",
    "indexOf",
}


@dataclass(frozen=True, slots=True)
class Built:
    """A tensor argument in the module under test.

    tensor is what the call receives; leaf is what gradients are asked for (the same object unless the case works in
    place); regain turns the leaf's gradient into one of the tensor's shape; raw holds the bytes that `tensor` was
    built from, in row-major order. memory is what `tensor` is a view of, and array what that was built from.
    """

    spec: TensorSpec
    tensor: Any
    leaf: Any
    regain: Callable[[Any], Any]
    raw: bytes
    memory: Any = None
    array: np.ndarray | None = None


@dataclass(slots=True)
class Inputs:
    """All arguments of one case; `tensors` in argument order, windows behind all others."""

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    tensors: list[Built] = field(default_factory=list)
    generators: list[Any] = field(default_factory=list)


def works_in_place(case: Case) -> bool:
    """Whether the call writes into its first argument, which then must not be a leaf that requires grad."""
    if case.variant == "inplace" or case.call in ("operator.setitem", "Tensor.__setitem__"):
        return True
    if case.kwargs.get("inplace") is True:
        return True
    owner, _, name = case.call.rpartition(".")
    return owner == "operator" and name in _INPLACE_OPERATORS


def poison(array: np.ndarray, dtype: str, seed: int) -> np.ndarray:
    """Like `array`, filled with what no computation answers: NaN, 0xA5 bytes for integers, noise for bool."""
    if dtype == "bool":
        return np.random.RandomState(seed & 0xFFFFFFFF).randint(0, 2, array.shape).astype(bool)
    if array.dtype.kind in "iu":
        return np.frombuffer(b"\xa5" * array.nbytes, array.dtype).reshape(array.shape)
    return np.full(array.shape, np.nan, array.dtype)


def named(side: Adapter, name: str) -> Any:
    """`side.named(name)`. Raises Missing."""
    try:
        return side.named(name)
    except AttributeError as error:
        raise Missing(f"torch.{name.removeprefix('torch.')}") from error


class Builder:
    """Builds the inputs of one case in a library.

    adapt, where given, replaces each array and its dtype before it is built (a wider dtype, a perturbed input).
    """

    def __init__(self, case: Case, side: Adapter, adapt: Adapt | None = None) -> None:
        self.case = case
        self.side = side
        self.adapt = adapt
        self.inputs = Inputs()
        self.windows: list[Built] = []

    def build(self) -> Inputs:
        """All arguments. Raises whatever the module raises."""
        in_place = works_in_place(self.case)
        self.inputs.args = tuple(
            self.value(arg, detach_leaf=in_place and i == 0) for i, arg in enumerate(self.case.args)
        )
        self.inputs.kwargs = {
            name: self.value(arg, poisoned=name == "out" and self.case.variant == "out")
            for name, arg in self.case.kwargs.items()
        }
        self.inputs.tensors += self.windows
        return self.inputs

    def value(self, arg: Any, detach_leaf: bool = False, poisoned: bool = False) -> Any:
        kind = type(arg)
        if kind is TensorSpec:
            return self.tensor(arg, detach_leaf, poisoned)
        if kind in (tuple, list):
            return kind(self.value(a, False, poisoned) for a in arg)
        if kind is dict:
            return {k: self.value(v) for k, v in arg.items()}
        if kind is slice:
            return slice(self.value(arg.start), self.value(arg.stop), self.value(arg.step))
        if kind is Same:
            return self.inputs.tensors[arg.index].tensor
        if kind is Window:
            return self.window(arg)
        if kind is Named:
            return named(self.side, arg.name)
        if kind is Make:
            return self.make(arg)
        return arg

    def make(self, arg: Make) -> Any:
        if arg.what == "object":
            return object()
        if arg.what == "ndarray":
            named(self.side, arg.args[0].dtype)  # of a dtype that the library has not, nothing can be asked
            return values.array(arg.args[0]).copy()
        if arg.what == "Generator":
            generator = self.side.generator(*arg.args)
            self.inputs.generators.append(generator)
            return generator
        return named(self.side, arg.what)(*(self.value(a) for a in arg.args))

    def tensor(self, spec: TensorSpec, detach_leaf: bool, poisoned: bool) -> Any:
        dtype, array = spec.dtype, values.array(spec)
        if poisoned:
            array = poison(array, dtype, self.case.seed)
        if self.adapt is not None:
            dtype, array = self.adapt(spec, array)
        pair = dtype == "complex32"
        # A complex32 array is pairs of halves: its layout concerns the leading dimensions only.
        rank = array.ndim - pair
        base, regain, seen = arrange(array, rank, spec.layout, lambda a: poison(a, dtype, self.case.seed))
        side = self.side
        if not side.views:
            base, regain = np.asarray(seen, order="C"), _unchanged
        root = side.tensor(base, dtype)
        if not spec.requires_grad:
            tensor = leaf = regain(root)
            back: Callable[[Any], Any] = _unchanged
        elif detach_leaf:
            # The leaf is the whole memory; the case works on a copy of it, seen through the layout.
            leaf = side.differentiable(root)
            root = side.copy(leaf)
            tensor = regain(root)
            back = regain
        else:
            tensor = leaf = side.differentiable(side.detached(regain(root)))
            back = _unchanged
        self.inputs.tensors.append(Built(spec, tensor, leaf, back, seen.tobytes(), root, base))
        return tensor

    def window(self, window: Window) -> Any:
        if not self.side.views:
            raise NotImplementedError("two tensors on one memory")
        on = self.inputs.tensors[window.index]
        assert on.array is not None
        tensor = looking(on.memory, window)
        rank = on.array.ndim - (on.spec.dtype == "complex32")
        seen = np.asarray(looked(on.array, rank, window), order="C")
        spec = replace(on.spec, shape=window.shape, requires_grad=False)
        self.windows.append(Built(spec, tensor, tensor, _unchanged, seen.tobytes()))
        return tensor


def _unchanged(tensor: Any) -> Any:
    return tensor


def sliced(tensor: Any, index: Any) -> Any:
    """`tensor[index]`. Raises Missing where the library has no indexing at all."""
    if not hasattr(type(tensor), "__getitem__"):
        raise Missing("Tensor.__getitem__")
    return tensor[index]


def span(count: int, start: int, step: int) -> slice:
    """`count` elements from `start` on, `step` apart."""
    return slice(start, start + step * (count - 1) + 1 if count else start, step)


def looking(memory: Any, window: Window) -> Any:
    """The window on a memory of one dimension."""
    shape, order = window.shape, window.order or range(len(window.shape))
    flat = sliced(memory, span(math.prod(shape), window.start, window.step)).view(tuple(shape[d] for d in order))
    return flat.permute(tuple(int(i) for i in np.argsort(order))) if window.order else flat


def looked(memory: np.ndarray, rank: int, window: Window) -> np.ndarray:
    """What the window sees of an array of `rank` dimensions and a tail. Raises ValueError where it looks beyond."""
    shape, order = window.shape, tuple(window.order or range(len(window.shape)))
    tail = memory.shape[rank:]
    flat = memory[span(math.prod(shape), window.start, window.step)].reshape((*(shape[d] for d in order), *tail))
    return flat.transpose(*np.argsort(order), *range(len(shape), flat.ndim))


def arrange(
    array: np.ndarray, rank: int, layout: Layout, filler: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, Callable[[Any], Any], np.ndarray]:
    """(memory, view, seen): the contiguous memory to build, how to view it so that it lies as `layout` says, and the
    elements then seen (other than `array` only where an expanded dimension repeats one element)."""
    tail = tuple(range(rank, array.ndim))
    shape = array.shape[:rank]
    match layout.kind:
        case "contiguous":
            return array, _unchanged, array
        case "permuted" | "channels_last":
            order = layout.dims
            if layout.kind == "channels_last":
                order = (0, *range(2, rank), 1)
            back = tuple(sorted(range(rank), key=order.__getitem__))
            return array.transpose(*order, *tail), lambda t: t.permute(back), array
        case "stepped":
            dims = {d % rank for d in layout.dims}
            memory = np.empty(
                [n * 2 if d in dims else n for d, n in enumerate(shape)] + list(array.shape[rank:]), array.dtype
            )
            memory = filler(memory).copy()
            index = tuple(slice(None, None, 2) if d in dims else slice(None) for d in range(rank))
            memory[index] = array
            return memory, lambda t: sliced(t, index), array
        case "offset":
            count = math.prod(shape)
            memory = filler(np.empty((count + 2 * _GAP, *array.shape[rank:]), array.dtype)).copy()
            memory[_GAP : _GAP + count] = array.reshape(count, *array.shape[rank:])
            return memory, lambda t: sliced(t, slice(_GAP, _GAP + count)).view(shape), array
        case "shared":
            before, step, after = layout.dims
            count = math.prod(shape)
            flat = array.reshape(count, *array.shape[rank:])
            length = before + step * count + after
            memory = flat[np.arange(length) % count] if count else flat
            place = span(count, before, step) if count else slice(0)
            memory[place] = flat
            return memory, lambda t: sliced(t, place).view(shape), array
        case "expanded":
            dims = {d % rank for d in layout.dims}
            index = tuple(slice(0, 1) if d in dims and n else slice(None) for d, n in enumerate(shape))
            memory = array[index]
            if any(shape[d] == 0 for d in dims):
                memory = np.zeros(
                    [1 if d in dims else n for d, n in enumerate(shape)] + list(array.shape[rank:]), array.dtype
                )
            return memory, lambda t: t.expand(shape), np.broadcast_to(memory, array.shape)
    raise ValueError(f"unknown layout {layout.kind!r}")

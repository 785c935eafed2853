"""A Case: one execution of one variant of one operation, as frozen plain data.

A case says everything a worker needs: which callable, which arguments, which derivatives, which seed. It never holds
an array; a tensor argument is a `TensorSpec` whose values are a small plan that `assay.values` expands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from assay.plain import encode, in_given_order, in_sorted_order, loads, plain
from assay.program import Program as Program  # a case may hold one: its classes must be known to read it


@plain("values")
@dataclass(frozen=True, slots=True)
class Values:
    """A value plan: how the elements of a tensor come about.

    kind is one of the generators of `assay.values` ("normal", "uniform", "integers", "special", "ties", "huge",
    "subnormal", "border", "zeros", "permutation", ... or "literal"); seed feeds numpy's RandomState; low and high
    bound what is drawn; literal holds the elements themselves, flat, in row-major order.
    """

    kind: str
    seed: int = 0
    low: float | int | None = None
    high: float | int | None = None
    literal: tuple[Any, ...] | None = None


@plain("layout")
@dataclass(frozen=True, slots=True)
class Layout:
    """How a tensor lies in memory; built by public view operations from a contiguous tensor.

    kind: "contiguous"; "permuted" (dims gives the memory order, outermost first); "stepped" (every second element
    along each of dims); "offset" (a window in a larger storage); "expanded" (dims have stride 0); "channels_last";
    "shared" (dims = before, step, after: row-major, every step-th element of a storage with so many elements before and
    after, which hold the tensor's own over again: what a `Window` looks at).
    """

    kind: str = "contiguous"
    dims: tuple[int, ...] = ()


@plain("tensor")
@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor argument: shape, dtype name as in `torch.<dtype>`, values, layout, requires_grad, device ("cpu")."""

    shape: tuple[int, ...]
    dtype: str
    values: Values = Values("normal")
    layout: Layout = Layout()
    requires_grad: bool = False


@plain("same")
@dataclass(frozen=True, slots=True)
class Same:
    """The very tensor object that was built for the n-th TensorSpec of this case (in argument order)."""

    index: int


@plain("window")
@dataclass(frozen=True, slots=True)
class Window:
    """Another tensor on the memory of the n-th TensorSpec of this case (in argument order, with layout "shared").

    It is what lies from `start` on, `step` apart, row-major; order, where given, is the order of its dims in memory,
    outermost first.
    """

    index: int
    shape: tuple[int, ...]
    start: int = 0
    step: int = 1
    order: tuple[int, ...] = ()


@plain("named")
@dataclass(frozen=True, slots=True)
class Named:
    """An attribute of the module under test: a dtype ("float32"), layout, memory_format ("channels_last"), ..."""

    name: str


@plain("make")
@dataclass(frozen=True, slots=True)
class Make:
    """A value made by calling something: what is "Size", "device", "Generator" (seeded by args[0]), "object" (a bare
    object() for bad arguments), "ndarray" (numpy array from a TensorSpec)."""

    what: str
    args: tuple[Any, ...] = ()


@plain("case")
@dataclass(frozen=True)
class Case:
    """One execution.

    op: catalogue name ("sum", "nn.functional.gelu"). variant: "function", "method", "inplace", "out", "operator".
    call: what is called: "torch.sum", "Tensor.sum", "Tensor.add_", "operator.add", "Tensor.__getitem__".
    args, kwargs: plain data (numbers, strings, None, tuples, lists, slices, Ellipsis) and the classes above. For
    methods args[0] is self.
    order: highest derivative asked (0 none, 1 gradients, 2 also double backward).
    seed: for manual_seed before the call and for cotangents. invalid: drawn in order to be refused.
    labels: traits worth counting, given by the drawing side ("empty", "mixed-dtype", "keyword", ...).
    """

    op: str
    variant: str
    call: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    order: int = 0
    seed: int = 0
    default_dtype: str = "float32"
    invalid: bool = False
    labels: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line of JSON. Keyword arguments keep their order: PyTorch's error texts name them in it."""
        return in_given_order(encode(self))

    @staticmethod
    def from_json(text: str) -> Case:
        """Inverse of `to_json`. Raises ValueError when the text is not a case."""
        value = loads(text)
        if not isinstance(value, Case):
            raise ValueError(f"not a case: {text[:80]}")
        return value

    @cached_property
    def id(self) -> str:
        """Sixteen hex digits that equal cases share, whatever their labels."""
        data = encode(self)
        data.pop("labels", None)  # as if there were none
        return hashlib.sha256(in_sorted_order(data).encode()).hexdigest()[:16]


def specs_of(value: Any) -> Iterator[TensorSpec]:
    """Every tensor argument in plain data, in argument order."""
    if isinstance(value, TensorSpec):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from specs_of(item)
    elif isinstance(value, dict):
        yield from specs_of(tuple(value.values()))
    elif isinstance(value, slice):
        yield from specs_of((value.start, value.stop, value.step))

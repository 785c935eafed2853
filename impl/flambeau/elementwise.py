"""Elementwise operations: promotion, broadcasting, and the fast fronts.

The fast fronts take one or two tensors of one dtype (or a tensor and a Python number) straight to the NumPy ufunc;
everything else goes through the generic path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.autograd.modes import state
from flambeau.autograd.node import Saved, node_of, sequence
from flambeau.cpu.casting import cast, scalar
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import FLOATING, INTEGRAL, NATIVE_FLOAT, NATIVE_INTEXACT, combine, dtype, of_scalar, promote_types
from flambeau.errors import not_implemented_for
from flambeau.geometry import broadcast
from flambeau.operation import Launch, Operation
from flambeau.overrides import PLAIN
from flambeau.tensor import Tensor, new, shape_of

SAME, INT_TO_FLOAT, TO_BOOL = "same", "int_to_float", "bool"


def result_type(*operands: Any) -> dtype:
    """The dtype of an operation on these tensors and Python numbers."""
    dimensioned = zero_dim = number = None
    for x in operands:
        if isinstance(x, Tensor):
            d = x._dtype
            if shape_of(x):
                dimensioned = d if dimensioned is None else promote_types(dimensioned, d)
            else:
                zero_dim = d if zero_dim is None else promote_types(zero_dim, d)
        elif x is not None:
            d = of_scalar(x)
            number = d if number is None else promote_types(number, d)
    found = combine(dimensioned, combine(zero_dim, number))
    if found is None:
        raise ValueError("at least one operand is needed")
    return found


class Elementwise(Operation):
    """An operation that answers each element from the elements at the same place."""

    form = "elementwise"

    def __init__(
        self,
        name: str,
        schemas: Sequence[str],
        body: Callable[..., Any],
        *,
        numpy: Callable[..., Any],
        fast: Callable[..., Any] | None,
        cuda: str,
        promote: str,
        accept: int,
        refusal: str | None,
        native: int | None,
        check: Callable[..., None] | None,
        **rest: Any,
    ) -> None:
        self.numpy = numpy
        self.fast = fast or numpy
        self.cuda = cuda
        self.promote = promote
        self.accept = accept
        self.refusal = refusal
        self.check = check
        super().__init__(name, schemas, body, kernels={"cpu": numpy}, **rest)
        first = self.parser.signatures[0] if self.parser else None
        self.params = tuple(p.name for p in (first.parameters if first else ()) if p.name not in (*self.tensors, "out"))
        self.defaults: dict[str, Any] = {}
        self.cuda_inputs, self.cuda_params = ("x", "y", "z")[: len(self.tensors)], self.params
        if native is None:
            native = NATIVE_FLOAT if promote == INT_TO_FLOAT else NATIVE_FLOAT | NATIVE_INTEXACT
        self.native = native & accept
        self.body = self.plan

    def _order_saved(self, names: Sequence[str]) -> tuple[str, ...]:
        # the fast fronts save in the order inputs, result, parameters
        used = set(names)
        order = [*self.tensors, "out"]
        return (*(n for n in order if n in used), *dict.fromkeys(n for n in names if n not in order))

    def plan(self, **bound: Any) -> Launch:
        """Promote and broadcast."""
        inputs = [bound.pop(n) for n in self.tensors]
        if self.check is not None:
            self.check(*inputs, **bound)
        common = result_type(*inputs)
        if self.promote == INT_TO_FLOAT and common.category < FLOATING:
            common = dtypes.get_default_dtype()
        if not common.bit & self.accept:
            not_implemented_for(self.refusal or f"{self.name}_cpu", common)
        shape = broadcast(*[shape_of(t) if isinstance(t, Tensor) else () for t in inputs])
        answer = dtypes.bool_ if self.promote == TO_BOOL else common
        return Launch(inputs, shape, answer, compute=common, **bound)

    def _operand(self, t: Any, compute: dtype | None) -> Any:
        assert compute is not None
        if isinstance(t, Tensor):
            # half and bfloat16: operands round to the common dtype, arithmetic is done in float32
            return cast(cast(t._array, t._dtype, compute), compute, compute.compute)
        return None if t is None else scalar(t, compute.compute)


def unary_front(op: Elementwise, slow: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """`f(x)` for one plain tensor."""
    function, native = op.fast, op.native
    is_ufunc = isinstance(function, np.ufunc)
    answer = dtypes.bool_ if op.promote == TO_BOOL else None
    node_class = op.node_class
    has_rule = op.rules[0] is not None
    keep_in, keep_out = op.tensors[0] in op.saved_names, "out" in op.saved_names
    constants = tuple(op.defaults.get(n) for n in op.saved_names if n not in (op.tensors[0], "out"))
    raw = op.raw

    def front(self: Tensor) -> Tensor:
        d = self._dtype
        x = self._array
        if not d.bit & native or x is None or type(self) not in PLAIN:
            return slow(self)
        token = enter(QUIET)
        try:
            r = function(x, out=...) if is_ufunc else function(x)
        finally:
            leave(token)
        out = new(Tensor)
        out._array = r
        out._dtype = answer or d
        out._grad = out._memory = out._version_counter = out._view = out._node = None
        a = self._node if self._view is None else node_of(self)
        if a is not None and has_rule and state.enabled:
            n = out._node = new(node_class)
            n.edges = (a,)
            n.shape = r.shape
            n.dtype = d
            n.hooks = None
            n.raw = raw and d.bit & NATIVE_FLOAT
            n.seq = sequence()
            saved: tuple[Any, ...] = constants
            versions: tuple[int, ...] = ()
            if keep_out:
                saved, versions = (Saved(out), *saved), (0,)
            if keep_in:
                counter = self._version_counter
                saved, versions = (self, *saved), (0 if counter is None else counter[0], *versions)
            n.saved, n.versions = saved, versions + (0,) * len(constants)
        return out

    return front


def binary_front(op: Elementwise, slow: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
    """`f(x, y)` for two plain tensors of one dtype, or one and a Python number."""
    function, native = op.fast, op.native
    is_ufunc = isinstance(function, np.ufunc)
    answer = dtypes.bool_ if op.promote == TO_BOOL else None
    node_class = op.node_class
    first, second = op.tensors
    recorded = any(r is not None for r in op.rules)
    names = op.saved_names
    constants = tuple(op.defaults.get(n) for n in names if n not in (first, second, "out"))
    # which of (first, second, out) to save when the first, the second or both inputs require grad
    plans = []
    for k in range(4):
        needed: set[str] = set()
        for i in (0, 1):
            if k >> i & 1:
                needed |= op.needs.get(i, frozenset())
        plans.append(tuple(n in needed for n in (first, second, "out")))
    layout = tuple(n in names for n in (first, second, "out"))
    raw = op.raw
    keeps = any(layout)

    def front(self: Any, other: Any) -> Tensor:
        if type(self) not in PLAIN:
            return slow(self, other)
        d = self._dtype
        x = self._array
        if not d.bit & native or x is None:
            return slow(self, other)
        kind = type(other)
        if kind in PLAIN:
            y = other._array
            if other._dtype is not d or y is None:
                return slow(self, other)
            b = other._node if other._view is None else node_of(other)
        elif kind is float:
            if d.category < FLOATING:
                return slow(self, other)
            y, b = other, None
        elif kind is int:
            y, b = other, None
        else:
            return slow(self, other)
        token = enter(QUIET)
        try:
            r = function(x, y, out=...) if is_ufunc else function(x, y)
        except (ValueError, OverflowError):
            return slow(self, other)
        finally:
            leave(token)
        out = new(Tensor)
        out._array = r
        out._dtype = answer or d
        out._grad = out._memory = out._version_counter = out._view = out._node = None
        a = self._node if self._view is None else node_of(self)
        if (a is not None or b is not None) and recorded and state.enabled:
            n = out._node = new(node_class)
            n.edges = (a, b)
            n.shape = r.shape
            n.dtype = d
            n.hooks = None
            n.raw = raw and d.bit & NATIVE_FLOAT
            n.seq = sequence()
            if keeps:
                keep_x, keep_y, keep_out = plans[(a is not None) + 2 * (b is not None)]
                saved: list[Any] = []
                versions: list[int] = []
                if layout[0]:
                    saved.append(self if keep_x else None)
                    counter = self._version_counter
                    versions.append(0 if counter is None else counter[0])
                if layout[1]:
                    saved.append(other if keep_y else None)
                    counter = other._version_counter if kind in PLAIN else None
                    versions.append(0 if counter is None else counter[0])
                if layout[2]:
                    saved.append(Saved(out) if keep_out else None)
                    versions.append(0)
                n.saved = (*saved, *constants)
                n.versions = (*versions, *constants)
            else:
                n.saved, n.versions = constants, constants
        return out

    return front


__all__ = [
    "INTEGRAL",
    "INT_TO_FLOAT",
    "SAME",
    "TO_BOOL",
    "Elementwise",
    "binary_front",
    "result_type",
    "unary_front",
]

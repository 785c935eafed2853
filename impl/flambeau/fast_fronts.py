"""The fast fronts of elementwise operations.

They take one or two plain tensors of one dtype (or a tensor and a Python number) straight to the NumPy ufunc; what
else there is goes through the generic path, `slow`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.adaptive import own_code
from flambeau.autograd.modes import inference_modes, state
from flambeau.autograd.node import Saved, edge_of, sequence
from flambeau.cpu.quiet import QUIET, anyway, enter, leave, quietly
from flambeau.dtypes import FLOATING, NATIVE_FLOAT, mask
from flambeau.elementwise import INT_TO_FLOAT, SAME, TO_BOOL, TO_REAL, Elementwise
from flambeau.overrides import PLAIN
from flambeau.tensor import UNTRACKED, Tensor, bump, new, row_major

_ndarray = np.ndarray


def unary_front(op: Elementwise, slow: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """`f(x)` for one plain tensor."""
    function, native = op.fast, op.native
    is_ufunc = isinstance(function, np.ufunc)
    answer = dtypes.bool_ if op.promote == TO_BOOL else None
    if op.promote == TO_REAL:
        native &= ~mask(*dtypes.COMPLEXES)
    node_class = op.node_class
    has_rule = op.rules[0] is not None and not op.tells
    keep_in, keep_out = op.tensors[0] in op.saved_names, "out" in op.saved_names
    constants = tuple(op.defaults.get(n) for n in op.saved_names if n not in (op.tensors[0], "out"))
    unchanged: tuple[int | None, ...] = (None,) * len(constants)
    raw = op.raw

    def front(self: Tensor) -> Tensor:
        d = self._dtype
        x = self._array
        kind = type(self)
        if not d.bit & native or x is None or (kind is not Tensor and kind not in PLAIN):
            return slow(self)
        if is_ufunc:
            try:
                r = quietly(function, x, out=...)
            except RuntimeError:
                r = anyway(function, x)
        else:
            token = enter(QUIET)
            try:
                r = function(x)
            finally:
                leave(token)
            if type(r) is not _ndarray:
                r = np.asarray(r)
        if r.ndim > 1 and not x.flags.c_contiguous:
            r = op.laid_out(r, (self,))
        out = new(Tensor)
        out._array = r
        out._dtype = answer or d
        out._grad = out._memory = out._view = out._node = None
        out._version_counter = UNTRACKED if inference_modes and state.inference else None
        a = None if not has_rule else self._node if self._view is None else edge_of(self)
        if a is not None and state.enabled:
            n = out._node = new(node_class)
            n.edges = (a,)
            n.shape = r.shape
            n.dtype = d
            n.hooks = None
            n.raw = raw and d.bit & NATIVE_FLOAT
            n.seq = sequence()
            saved, versions = constants, unchanged
            if keep_out:
                saved, versions = (Saved(out), *saved), (0, *versions)
            if keep_in:
                counter = self._version_counter
                saved, versions = (self, *saved), (0 if counter is None else counter[0], *versions)
            n.saved, n.versions = saved, versions if keep_in or keep_out else None
        return out

    return own_code(front)


def binary_front(op: Elementwise, slow: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
    """`f(x, y)` for two plain tensors of one dtype, or one and a Python number."""
    function, native = op.fast, op.native
    is_ufunc = isinstance(function, np.ufunc)
    answer = dtypes.bool_ if op.promote == TO_BOOL else None
    takes_numbers = op.takes_numbers
    # the widest integers of either sign that every integer dtype holds: beyond them a comparison must wrap
    low, high = (0, 127) if answer else (-0x80000000, 0x7FFFFFFF)
    tensor_class = op.node_class
    number_class = op.node_class if op.number_nodes[0] is None else op.node_class_of(op.number_nodes[0])
    recorded = not op.tells and (op.joint is not None or any(r is not None for r in op.rules))
    save = _saver(op)
    constants = tuple(op.defaults.get(n) for n in op.saved_names)
    raw = NATIVE_FLOAT if op.raw else 0

    def front(self: Any, other: Any) -> Tensor:
        kind = type(self)
        if kind is not Tensor and kind not in PLAIN:
            return slow(self, other)
        d = self._dtype
        x = self._array
        if not d.bit & native or x is None:
            return slow(self, other)
        kind = type(other)
        b = None
        if kind is Tensor or kind in PLAIN:
            y = other._array
            if other._dtype is not d or y is None:
                return slow(self, other)
            if is_ufunc and x.ndim != y.ndim:
                # NumPy takes a 0-d operand in its stride; one of shape (1,) makes it broadcast, at six times the price
                if y.size == 1 and x.ndim > y.ndim:
                    y = y.reshape(())
                elif x.size == 1 and x.ndim < y.ndim:
                    x = x.reshape(())
            if recorded:
                b = other._node if other._view is None else edge_of(other)
        elif not takes_numbers:
            return slow(self, other)
        elif kind is float:
            if d.category < FLOATING:
                return slow(self, other)
            y = other
        elif kind is int and low <= other <= high and d.category:
            y = other
        else:
            return slow(self, other)
        try:
            if is_ufunc:
                r = quietly(function, x, y, out=...)
            else:
                token = enter(QUIET)
                try:
                    r = function(x, y)
                finally:
                    leave(token)
                if type(r) is not _ndarray:
                    r = np.asarray(r)
        except (ValueError, OverflowError):
            r = None  # gone the slow way outside the handler, so that its error stands alone
        except RuntimeError:
            if not is_ufunc:
                raise
            r = anyway(function, x, y)
        if r is None:
            return slow(self, other)
        if r.ndim > 1 and not (
            (x.flags.c_contiguous if self._memory is None else row_major(self))
            and (y is other or (y.flags.c_contiguous if other._memory is None else row_major(other)))
        ):
            r = op.laid_out(r, (self, other))
        out = new(Tensor)
        out._array = r
        out._dtype = answer or d
        out._grad = out._memory = out._view = out._node = None
        out._version_counter = UNTRACKED if inference_modes and state.inference else None
        a = None if not recorded else self._node if self._view is None else edge_of(self)
        if (a is not None or b is not None) and state.enabled:
            n = out._node = new(number_class if y is other else tensor_class)
            n.edges = (a, b)
            n.shape = r.shape
            n.dtype = d
            n.hooks = None
            n.raw = d.bit & raw
            n.seq = sequence()
            if save is None:
                n.saved, n.versions = constants, None
            else:
                save(n, self, other, out, y is not other)
        return out

    return own_code(front)


def _version(t: Tensor) -> int:
    counter = t._version_counter
    return 0 if counter is None else counter[0]


def _saver(op: Elementwise) -> Callable[[Any, Tensor, Any, Tensor, bool], None] | None:
    """What a binary operation's node keeps: a function of the node, the operands, the result, and whether the second
    operand is a tensor. None where only constants are kept."""
    first, second = op.tensors
    names = op.saved_names
    constants = tuple(op.defaults.get(n) for n in names if n not in (first, second, "out"))
    unchanged: tuple[int | None, ...] = (None,) * len(constants)
    has_x, has_y, has_out = (n in names for n in (first, second, "out"))
    if not (has_x or has_y or has_out):
        return None
    # whether to save (first, second, out), by which of the inputs require grad: the first, the second or both
    plans = []
    for k in range(4):
        needed: set[str] = set()
        for i in (0, 1):
            if k >> i & 1:
                needed |= op.needs.get(i, frozenset())
        plans.append(tuple(n in needed for n in (first, second, "out")))

    def save_operands(n: Any, self: Tensor, other: Any, out: Tensor, tensors: bool) -> None:
        a, b = n.edges
        keep_x, keep_y, _ = plans[(a is not None) + 2 * (b is not None)]
        n.saved = (self if keep_x else None, other if keep_y else None)
        n.versions = (_version(self) if keep_x else None, _version(other) if keep_y and tensors else None)

    def save_all(n: Any, self: Tensor, other: Any, out: Tensor, tensors: bool) -> None:
        a, b = n.edges
        keep_x, keep_y, keep_out = plans[(a is not None) + 2 * (b is not None)]
        n.saved = (self if keep_x else None, other if keep_y else None, Saved(out) if keep_out else None)
        n.versions = (
            _version(self) if keep_x else None,
            _version(other) if keep_y and tensors else None,
            0 if keep_out else None,
        )

    def save(n: Any, self: Tensor, other: Any, out: Tensor, tensors: bool) -> None:
        a, b = n.edges
        keep_x, keep_y, keep_out = plans[(a is not None) + 2 * (b is not None)]
        saved, versions = constants, unchanged
        if has_out:
            saved, versions = (Saved(out) if keep_out else None, *saved), (0 if keep_out else None, *versions)
        if has_y:
            saved = (other if keep_y else None, *saved)
            versions = (_version(other) if keep_y and tensors else None, *versions)
        if has_x:
            saved = (self if keep_x else None, *saved)
            versions = (_version(self) if keep_x else None, *versions)
        n.saved, n.versions = saved, versions

    if has_x and has_y and not constants:
        return save_all if has_out else save_operands
    return save


def inplace_front(op: Elementwise, slow: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`f_(x)`, `f_(x, y)` or `f_(x, y, alpha)` straight into x's memory, where nothing is recorded."""
    function, kernel = op.fast, op.numpy
    is_ufunc = isinstance(function, np.ufunc)
    native = op.native if op.promote in (SAME, INT_TO_FLOAT) else 0
    unary = len(op.tensors) == 1
    takes_numbers = op.takes_numbers

    def front(self: Tensor, other: Any = None, alpha: Any = 1) -> Tensor:
        d = self._dtype
        x = self._array
        if not d.bit & native or x is None or type(self) not in PLAIN:
            return slow(self, other, alpha)
        if self._memory is not None and not x.flags.c_contiguous:
            return slow(self, other, alpha)
        view = self._view
        recording = state.enabled
        if recording and (self._node is not None or (view is not None and view.base._node is not None)):
            return slow(self, other, alpha)
        y = other
        if not unary:
            kind = type(other)
            if kind in PLAIN:
                y = other._array
                if other._dtype is not d or y is None:
                    return slow(self, other, alpha)
                if is_ufunc and y.size == 1 and x.ndim > y.ndim:
                    y = y.reshape(())
                if recording and (other._node is not None or other._view is not None):
                    return slow(self, other, alpha)
                own, its = self._memory, other._memory
                if own is not None and its is not None and other is not self and own.storage is its.storage:
                    return slow(self, other, alpha)
            elif not takes_numbers or not (
                kind is int
                and d.category
                and -0x80000000 <= other <= 0x7FFFFFFF
                or kind is float
                and d.category >= FLOATING
            ):
                return slow(self, other, alpha)
            if alpha is not one and (type(alpha) is not float and type(alpha) is not int or d.category < FLOATING):
                return slow(self, other, alpha)
        token = enter(QUIET)
        done = True
        try:
            if alpha is not one:
                kernel(x, y if type(y) is _ndarray else np.asarray(y, x.dtype), alpha, out=x)
            elif is_ufunc:
                if unary:
                    function(x, out=x)
                else:
                    function(x, y, out=x)
            else:
                r = function(x) if unary else function(x, y)
                done = r.shape == x.shape
                if done:
                    x[...] = r
        except (ValueError, OverflowError):
            done = False
        finally:
            leave(token)
        if not done:
            return slow(self, other, alpha)
        bump(self)
        return self

    one = 1
    return own_code(front)


def ternary_inplace_front(op: Elementwise, slow: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`f_(x, y, z, **params)` where nothing is recorded and dtypes and memory leave no question."""
    kernel, defaults = op.numpy, op.defaults
    native = op.accept & mask(dtypes.float32, dtypes.float64)
    # the operands that a signature takes a number for
    numbers = tuple(
        any(p.name == n and (p.numbers or p.type_name == "Number") for s in op.parser.signatures for p in s.parameters)  # type: ignore[union-attr]
        for n in op.tensors[1:]
    )

    largest = 2.0**62  # of numbers that surely fit float32, and int64

    def front(self: Tensor, args: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
        d, x = self._dtype, self._array
        if not d.bit & native or x is None or type(self) not in PLAIN or self._view is not None:
            return slow(self, args, params)
        recording, own = state.enabled, self._memory
        if (recording and self._node is not None) or (own is not None and not x.flags.c_contiguous):
            return slow(self, args, params)
        arrays = []
        for t, may_be_number in zip(args, numbers, strict=True):
            if type(t) is float and may_be_number:
                if abs(t) > largest:
                    return slow(self, args, params)
                arrays.append(np.asarray(t, d.numpy))
                continue
            if type(t) not in PLAIN or t._dtype is not d or t._array is None or t is self:
                return slow(self, args, params)
            if recording and (t._node is not None or t._view is not None):
                return slow(self, args, params)
            if own is not None and t._memory is not None and t._memory.storage is own.storage:
                return slow(self, args, params)
            arrays.append(t._array)
        for name, value in params.items():
            if name not in defaults or (type(value) is not float and type(value) is not int) or abs(value) > largest:
                return slow(self, args, params)
        token = enter(QUIET)
        try:
            r = kernel(x, *arrays, **{**defaults, **params})
            if r.shape != x.shape:
                return slow(self, args, params)
            x[...] = r
        except ValueError:
            return slow(self, args, params)
        finally:
            leave(token)
        bump(self)
        return self

    return front

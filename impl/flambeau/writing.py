"""Writing results over what is there: the in-place form of an operation, and out=."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flambeau import return_types
from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of
from flambeau.cpu.casting import cast
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import FLOATING, dtype
from flambeau.errors import cannot_cast, warn_of_refused
from flambeau.geometry import Shape
from flambeau.inplace import (
    apart_from_all,
    can_store,
    check_inplace,
    check_memory,
    set_history,
    warn_of_expanded,
    write_out,
)
from flambeau.return_types import StructSequence
from flambeau.running import Launch, Runner, common_device
from flambeau.signatures import Parser
from flambeau.size import CPU
from flambeau.tensor import Tensor, bump, shape_of


class Writer(Runner):
    """The part of an operation that writes its result over a tensor."""

    form: str
    names: list[list[str]]
    body: Callable[..., Any]
    parser: Parser | None
    sees_out: bool
    update: Callable[..., Any] | None
    rules: list[Any]
    joint: Any
    # whether the result is bools, of which no derivative is asked
    tells = False
    # the error for an out= of another dtype than the result's, for operations that do not convert
    out_text: Callable[[dtype, dtype], str | None] | None = None
    # of one input and out=: whether the latter, where resized, follows the input's strides, if that is not `iterated`
    layout_kept: Callable[[Any, Any], bool] | None = None
    # of the bound arguments, the shape of out= and that of the result: the two that the warning of a resize names
    told: Callable[[Mapping[str, Any], Shape, Shape], tuple[Shape, Shape]] | None = None
    # whether the in-place form writes one value everywhere, so that an element named twice does no harm
    # (a text: with a warning; a function: for the tensors that it holds for)
    fills: bool | str | Callable[[Tensor], bool] = False
    # whether the in-place form reads and writes element by element, whatever memory it shares
    sequential = False
    # for forms that update: raises where an operand lies in the memory of what is written, and must not
    apart: Callable[..., None] = staticmethod(apart_from_all)

    @property
    def first(self) -> str:
        """Name of the argument that a method's self stands for."""
        return self.names[0][0] if self.names else self.tensors[0]

    def run(self, bound: dict[str, Any]) -> Any:
        """Run on bound arguments."""
        try:
            plan = self.body(**bound)
        except RuntimeError as error:
            warn_of_refused(error, bound)
            raise
        return self.launch(plan) if type(plan) is Launch else plan

    def run_inplace(self, this: Tensor, bound: dict[str, Any]) -> Tensor:
        """Overwrite `this` with the result. Raises RuntimeError where PyTorch refuses."""
        check_inplace(this, bound.values())
        if self.form == "elementwise":  # these look at memory before they look at shapes
            check_memory(this, bound.values())
        plan = self.body(**{self.first: this, **bound})
        if type(plan) is not Launch:
            return overwrite(this, plan)
        inputs = plan.inputs
        fills = self.fills(this) if callable(self.fills) else self.fills
        if not fills and self.form != "elementwise":
            check_memory(this, () if self.sequential else inputs)
        elif type(fills) is str:
            warn_of_expanded(this, fills)
        if self.update is not None and not self.sequential:
            self.apart(this, plan)
        have = shape_of(this)
        if plan.shape != have:
            raise RuntimeError(f"output with shape {list(have)} doesn't match the broadcast shape {list(plan.shape)}")
        if not can_store(plan.dtype, this._dtype):
            cannot_cast(plan.dtype, this._dtype, plan.c_names)
        plan.target = this._dtype
        edges = self.edges(plan) if state.enabled and this._dtype.category >= FLOATING else None
        originals: dict[str, Any] = {}
        if edges is not None:
            needed = frozenset().union(*(self.needs[i] for i, e in enumerate(edges) if e is not None))
            key = next(k for k, t in zip(self.tensors, inputs, strict=False) if t is this)
            if key in needed:
                original = originals[key] = this.detach().clone()
                original._node = node_of(this)
        where = plan.device or common_device(inputs)
        if where is CPU and self.update is not None and (self.moves or this._dtype.compute is this._dtype):
            token = enter(QUIET)
            try:
                self.update(this._array, *[self._operand(t, plan.compute) for t in inputs[1:]], **plan.params)
            finally:
                leave(token)
        elif where is CPU:
            (result,) = self.compute(plan, where)
            token = enter(QUIET)
            try:
                this._array[...] = cast(result, plan.dtype, this._dtype)
            finally:
                leave(token)
        bump(this)
        if edges is not None:
            node = self.history(inputs, edges, this, plan=plan, outs=(this,), originals=originals)
            for key, t in zip(self.tensors, inputs, strict=False):
                if key not in self.saved_names or key in originals or not isinstance(t, Tensor):
                    continue
                i = self.saved_names.index(key)
                if t._version_counter is this._version_counter and node.versions and node.versions[i] is not None:
                    node.versions[i] -= 1  # an operand that this update has changed
            set_history(this, node)
        return this

    def followed(self, bound: Mapping[str, Any], out: Tensor, result: Tensor) -> Tensor | None:
        """The tensor whose strides an out= that is resized follows, given the bound arguments; None: row-major."""
        if self.layout_kept is None:
            return result if self.iterated else None
        return bound["input"] if self.layout_kept(bound["input"], out) else None

    def run_out(self, bound: dict[str, Any], out: Any) -> Any:
        """Run and write the result to `out`, resized where its shape differs."""
        given = list(out) if isinstance(out, tuple | list) else [out]
        if state.enabled:
            tensors = [t for v in bound.values() for t in (v if isinstance(v, tuple | list) else (v,))]
            derived = not self.tells and (self.joint is not None or any(self.rules))
            if derived and any(isinstance(t, Tensor) and node_of(t) is not None for t in [*tensors, *given]):
                raise RuntimeError(
                    f"{self.parser.name}(): functions with out=... arguments don't support automatic "  # type: ignore[union-attr]
                    "differentiation, but one of the arguments requires grad."
                )
        if (self.iterated or self.layout_kept is not None) and isinstance(out, Tensor):
            check_memory(out, bound.values())
        previous, state.enabled = state.enabled, False
        if self.sees_out:
            bound["out"] = out
        try:
            results = self.run(bound)
        finally:
            state.enabled = previous
        made = list(results) if isinstance(results, tuple) else [results]
        for target, result in zip(given, made, strict=True):
            if self.out_text is not None and target._dtype is not result._dtype:
                message = self.out_text(result._dtype, target._dtype)
                if message is not None:
                    raise RuntimeError(message)
            told = None if self.told is None else self.told(bound, shape_of(target), shape_of(result))
            write_out(target, result, self.followed(bound, target, result), told)
        if isinstance(results, StructSequence):
            return getattr(return_types, f"{type(results).__name__}_out")(given)
        return out if not isinstance(results, tuple) or isinstance(out, tuple) else tuple(given)


def overwrite(this: Tensor, result: Tensor) -> Tensor:
    """The in-place form of a composite operation: copy the result over."""
    have, made = shape_of(this), shape_of(result)
    if have != made:
        raise RuntimeError(f"output with shape {list(have)} doesn't match the broadcast shape {list(made)}")
    if not can_store(result._dtype, this._dtype):
        cannot_cast(result._dtype, this._dtype)
    return this.copy_(result)

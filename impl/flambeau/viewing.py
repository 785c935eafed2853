"""The form of view operations: results that share memory with their input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, overload

from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of
from flambeau.declare import install
from flambeau.dtypes import dtype
from flambeau.fronts import Front, R_co
from flambeau.geometry import Shape
from flambeau.operation import Operation, attach
from flambeau.tensor import UNTRACKED, Tensor, View, alias, memory, version


class Place:
    """Where a view lies in its input's storage, and the parameters its rule may name."""

    __slots__ = ("dtype", "node", "offset", "params", "replay", "shape", "strides")

    def __init__(
        self,
        shape: Shape,
        strides: Shape,
        offset: int,
        *,
        node: str | None = None,
        dtype: dtype | None = None,
        replay: Callable[[Tensor], Tensor] | None = None,
        **params: Any,
    ) -> None:
        self.shape = shape
        self.strides = strides
        self.offset = offset
        self.node = node
        self.dtype = dtype
        self.replay = replay
        self.params = params


class ViewOperation(Operation):
    """An operation whose result is a view of its one tensor input (or several views, from a list of places)."""

    form = "view"

    def run(self, bound: dict[str, Any]) -> Any:
        """Place the view, follow its base, record."""
        this = bound[self.first]
        place = self.body(**bound)
        if isinstance(place, Tensor):
            return place
        if type(place) is list:
            return self._several(this, place)
        return self.at(this, place)

    def at(self, this: Tensor, place: Place) -> Tensor:
        """The view at a place, recorded."""
        out = alias(this, place.shape, place.strides, place.offset, place.dtype)
        self._follow(this, out, place, "")
        if state.enabled:
            edge = node_of(this)
            if edge is not None:
                out._node = self.history([this], [edge], out, plan=place)
        return out

    def _several(self, this: Tensor, places: Sequence[Place]) -> tuple[Tensor, ...]:
        outs = tuple(alias(this, p.shape, p.strides, p.offset) for p in places)
        for out, place in zip(outs, places, strict=True):
            self._follow(this, out, place, "multi_output")
        if state.enabled and outs:
            edge = node_of(this)
            if edge is not None:
                attach(self.history([this], [edge], outs[0], plan=places[0], outs=outs), outs)
        return outs

    def _follow(self, this: Tensor, out: Tensor, place: Place, origin: str) -> None:
        if this._version_counter is UNTRACKED:  # views of inference tensors are not followed
            return
        parent = this._view
        replay = place.replay
        if parent is None and state.enabled:
            out._view = View(this, origin, replay, out._version_counter[0])  # type: ignore[index]
            return
        base = this if parent is None else parent.base
        if parent is not None and (parent.replay is not None or replay is not None):
            replay = _chained(this, parent, place, self)
        if not state.enabled:
            origin = "inference" if state.inference else "no_grad"
        if parent is not None and parent.origin and not origin:
            origin = parent.origin
        out._view = View(base, origin, replay, version(this)[0])


def _chained(this: Tensor, parent: View, place: Place, op: ViewOperation) -> Callable[[Tensor], Tensor]:
    """A view of a view as one function of the base, where a dtype changes on the way."""
    first = parent.replay
    if first is None:
        own, root = memory(this), memory(parent.base)

        def first(base: Tensor) -> Tensor:
            return base.as_strided(own.shape, own.strides, memory(base).offset + own.offset - root.offset)

    second = place.replay
    if second is not None:
        return lambda base: second(first(base))
    own = memory(this)

    def moved(base: Tensor) -> Tensor:
        middle = first(base)
        offset = memory(middle).offset + place.offset - own.offset
        return middle.as_strided(place.shape, place.strides, offset)  # type: ignore[no-any-return]

    return moved


class ViewFront(Front[R_co], Protocol[R_co]):
    """The function form of a view operation."""

    @property
    def op(self) -> ViewOperation: ...


class _Declared(Protocol):
    @overload
    def __call__(self, body: Callable[..., list[Place]]) -> ViewFront[tuple[Tensor, ...]]: ...
    @overload
    def __call__(self, body: Callable[..., Place | Tensor]) -> ViewFront[Tensor]: ...


def view(*schemas: str, grad: Any, node: str | None = None, raw: bool = False, **where: Any) -> _Declared:
    """Declare a view operation: the body answers with a `Place`, a list of them, or a finished tensor.

    raw: the rule runs on ndarrays too.
    """

    def declare(body: Callable[..., Any]) -> Any:
        op = ViewOperation(
            where.pop("full_name", schemas[0].partition("(")[0]),
            schemas,
            body,
            grad=grad,
            node=node,
            moves=True,
            raw=raw,
        )
        return install(op, **where)

    return declare

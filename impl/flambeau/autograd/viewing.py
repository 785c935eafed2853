"""History of in-place updates of views.

An in-place update of a view is an update of its base: the base gets a `CopySlices` node, which applies the operation's
own rules to the viewed part of the gradient. Views of the base regenerate their history from the base.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.autograd.modes import state
from flambeau.autograd.node import Edge, Node, sequence
from flambeau.errors import FREED, SELF_OVERLAP
from flambeau.geometry import may_overlap
from flambeau.tensor import Memory, Tensor, View, memory, shape_of


class CopySlices(Node):
    """An in-place update of a view, seen from its base.

    inner: the node of the operation itself (its first edge: the old view). place: the view's geometry in the storage.
    replay: the view as a function of the base where geometry cannot say it.
    """

    __slots__ = ("base_memory", "freed", "inner", "place", "replay")
    raw = False

    def __init__(self, base: Tensor, base_edge: Edge | None, inner: Node, place: Memory, replay: Any) -> None:
        self.edges = [base_edge, *inner.edges[1:]]
        self.shape = shape_of(base)
        self.dtype = base._dtype
        self.hooks = self.saved = self.versions = None
        self.seq = sequence()
        self.base_memory = memory(base)
        self.inner = inner
        self.freed = False
        self.place = place
        self.replay = replay

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The old base's node, then those of the operation's operands."""
        return (*super().next_functions[:1], *self.inner.next_functions[1:])

    def apply(self, gradient: Any, create_graph: bool) -> Sequence[Any]:
        """The base's gradient with the overwritten part replaced, then the operands' gradients. Raises RuntimeError
        the second time, whatever the operation saved."""
        from flambeau.ops.strided import as_strided_scatter, restride

        if self.freed:
            raise RuntimeError(FREED)
        base, place = self.base_memory, self.place
        if self.replay is None:
            if memory(gradient).strides != base.strides:
                gradient = restride(gradient, base.strides)
            offset = memory(gradient).offset + place.offset - base.offset
            part = gradient.as_strided(place.shape, place.strides, offset)
        else:
            part = self.replay(gradient)
        # a copy: rules may hand their argument on, and the gradient is overwritten below
        results = list(self.inner.apply(part.clone(), create_graph))
        if self.edges[0] is None:
            return [None, *results[1:]]
        through = results[0]
        if through is None:
            through = part.new_zeros(shape_of(part))
        elif shape_of(through) != shape_of(part):
            through = through.expand(shape_of(part))
        if self.replay is None:
            if may_overlap(place.shape, place.strides):  # an indexed write into an expanded view, which only warned
                raise RuntimeError(SELF_OVERLAP)
            return [as_strided_scatter(gradient, through, place.shape, place.strides, offset), *results[1:]]
        gradient = gradient.clone()
        self.replay(gradient).copy_(through)
        return [gradient, *results[1:]]

    def release(self) -> None:
        """Forget the operation: what it saved, and the old view."""
        self.inner.release()
        self.inner.edges = [None, *self.inner.edges[1:]]
        self.freed = True


def part_of(t: Tensor, update: CopySlices) -> Edge:
    """A node that reads the gradient of the part that was updated back into the updated base."""
    from flambeau.ops.strided import as_strided

    params = {"base": update.base_memory, "place": update.place}
    return as_strided.op.history([t], [update], update.place, params=params)


def view_node(view: View, place: Memory, base_edge: Edge | None) -> Edge:
    """A node that reads a view's gradient back into its (updated) base."""
    from flambeau.ops.strided import as_strided

    if view.replay is not None:
        previous, state.enabled = state.enabled, True
        try:
            return view.replay(view.base)._node  # type: ignore[no-any-return]
        finally:
            state.enabled = previous
    params = {"base": memory(view.base), "place": place}
    return as_strided.op.history([view.base], [base_edge], place, params=params)

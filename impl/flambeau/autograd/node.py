"""Nodes of the autograd graph.

An edge points from a node to the node that made an input: a `Node`, or a `Pick` where that node has several outputs;
None where no gradient is asked. Leaves are nodes too. Order is by creation number, so no recursion is ever needed.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from flambeau.autograd.hooks import Hooks, RemovableHandle
from flambeau.autograd.modes import state
from flambeau.dtypes import FLOATING, dtype
from flambeau.errors import FREED, legacy_type
from flambeau.geometry import Shape
from flambeau.tensor import Tensor, alias, fresh, memory, shape_of, version

if TYPE_CHECKING:
    from flambeau.autograd.viewing import CopySlices

sequence = count().__next__
# the nodes that PyTorch names in full
_QUALIFIED = frozenset(("AccumulateGrad", "CopyBackwards", "CopySlices", "NotImplemented"))


class Node:
    """What made a tensor. shape, dtype: of its (first) output; hooks: None or a `Hooks`.

    versions: of what was saved, one each, None for what is no tensor; None where nothing saved can be overwritten.
    """

    __slots__ = ("__dict__", "__weakref__", "dtype", "edges", "hooks", "saved", "seq", "shape", "versions")
    __module__ = "torch.autograd.graph"

    edges: Sequence[Edge | None]
    dtype: dtype
    shape: Shape
    seq: int
    hooks: Hooks | None
    saved: Any
    versions: Any
    outputs = 1

    def apply(self, gradient: Any, create_graph: bool) -> Sequence[Any]:
        """Gradients of the inputs, one an edge (None for none). gradient: a Tensor, or a list where outputs > 1."""
        raise NotImplementedError(f"{self.name()} has no derivative")

    def release(self) -> None:
        """Forget what was saved for backward."""

    def name(self) -> str:
        """The node's name, as PyTorch prints it."""
        name = type(self).__name__
        return f"torch::autograd::{name}" if name in _QUALIFIED else name

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs with the number of the output used."""
        return tuple(
            (None, 0) if e is None or type(e) is Unreached else (e.node, e.index) if type(e) is Pick else (e, 0)  # type: ignore[misc]
            for e in self.edges
        )

    @property
    def metadata(self) -> dict[str, Any]:
        """A dict for whatever the user wants to keep here."""
        return self.__dict__.setdefault("_metadata", {})  # type: ignore[no-any-return]

    def register_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(grad_inputs, grad_outputs) after this node ran; what it returns replaces grad_inputs."""
        return hooks_of(self).add("post", hook)

    def register_prehook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call hook(grad_outputs) before this node runs; what it returns replaces grad_outputs."""
        return hooks_of(self).add("pre", hook)

    def _sequence_nr(self) -> int:
        return self.seq

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {hex(id(self))}>"


class Pick:
    """One output of a node with several."""

    __slots__ = ("dtype", "index", "node", "shape")

    def __init__(self, node: Node, index: int, shape: Shape, d: dtype) -> None:
        self.node = node
        self.index = index
        self.shape = shape
        self.dtype = d


Edge: TypeAlias = Node | Pick


# not empty once a leaf has hooks: from then on leaves run as early as PyTorch runs them
hooked_leaves: list[bool] = []


def hooks_of(node: Node) -> Hooks:
    """The node's hooks, made on first request."""
    if node.hooks is None:
        node.hooks = Hooks()
        if type(node) is AccumulateGrad and not hooked_leaves:
            hooked_leaves.append(True)
    return node.hooks


class AccumulateGrad(Node):
    """The node of a leaf: adds what reaches it to the leaf's `.grad`."""

    __slots__ = ("target",)

    def __init__(self, leaf: Tensor) -> None:
        self.target = weakref.ref(leaf)
        self.edges = ()
        self.saved = self.versions = self.hooks = None
        self.seq = -1
        self.shape = shape_of(leaf)
        self.dtype = leaf._dtype

    @property
    def variable(self) -> Tensor | None:
        """The leaf, None if it is gone."""
        return self.target()


class Unreached(Node):
    """Stands for a view made while nothing was recorded, of a base that requires grad: gradients end here."""

    __slots__ = ()

    def __init__(self, t: Tensor) -> None:
        self.edges = ()
        self.saved = self.versions = self.hooks = None
        self.seq = -1
        self.shape = shape_of(t)
        self.dtype = t._dtype
        self.raw = False

    def apply(self, gradient: Any, create_graph: bool) -> Sequence[Any]:
        """Nothing."""
        return ()


class Saved:
    """An output kept by its own node: made into a tensor on demand, so that there is no cycle."""

    __slots__ = ("array", "counter", "dtype", "index", "memory", "seen", "update")

    def __init__(self, t: Tensor, index: int = 0) -> None:
        # the node of the base where the output is a view updated in place
        self.update: Callable[[], CopySlices | None] | None = None
        # the view's own node then, for as long as anybody has it
        self.seen: Callable[[], Node | None] | None = None
        self.array = t._array
        self.counter = version(t)
        self.dtype = t._dtype
        self.index = index
        self.memory = t._memory if t._array is not None else memory(t)

    def tensor(self, node: Node, create_graph: bool) -> Tensor:
        """The output, with its node where a graph is being made."""
        t = fresh(self.array, self.dtype)
        t._memory = self.memory
        t._version_counter = self.counter
        if create_graph and self.update is not None:
            from flambeau.autograd.viewing import part_of

            update = self.update()
            t._node = None if update is None else part_of(t, update)
        elif create_graph:
            t._node = Pick(node, self.index, shape_of(t), self.dtype) if node.outputs > 1 else node
        return t


def changed_in_place(t: Tensor | Saved, node: Node, expected: int, actual: int) -> RuntimeError:
    """The error for a saved tensor that was overwritten before backward."""
    shape = list(t.array.shape if isinstance(t, Saved) else shape_of(t))
    made_by: Edge | None
    if isinstance(t, Saved):
        made_by = (t.seen() if t.seen is not None else None) or Pick(node, t.index, (), t.dtype)
    else:
        made_by = node_of(t)
    index = made_by.index if type(made_by) is Pick else 0
    made_by = made_by.node if type(made_by) is Pick else made_by
    known = made_by is not None and type(made_by) not in (AccumulateGrad, Unreached)
    origin = f", which is output {index} of {short_name(made_by)}," if known else ""  # type: ignore[arg-type]
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{legacy_type(t.dtype)} {shape}]{origin} is at version {actual}; expected version {expected} instead. "
        "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )


def unpack(node: Node, create_graph: bool) -> list[Any]:
    """What a node saved, tensors checked against their versions. Raises RuntimeError if freed or overwritten."""
    saved = node.saved
    if saved is None:
        raise RuntimeError(FREED)
    versions = node.versions
    values = list(saved)
    # the last first: where several were overwritten PyTorch mostly names a later operand, which the first rule uses
    for i in range(len(values) - 1, -1, -1):
        value = values[i]
        if isinstance(value, Tensor):
            counter = value._version_counter
            expected = versions[i] if versions is not None else 0
            if counter is not None and counter[0] != expected:
                raise changed_in_place(value, node, expected, counter[0])
        elif type(value) is Saved:
            if value.counter[0] != versions[i]:
                raise changed_in_place(value, node, versions[i], value.counter[0])
            values[i] = value.tensor(node, create_graph)
        elif versions is not None and type(versions[i]) is list:
            for element, expected in zip(value, versions[i], strict=True):
                counter = element._version_counter if isinstance(element, Tensor) else None
                if counter is not None and counter[0] != expected:
                    raise changed_in_place(element, node, expected, counter[0])
    return values


def node_of(t: Tensor) -> Edge | None:
    """The tensor's edge into the graph; a view whose base was updated in place gets its history anew.

    Raises RuntimeError for such a view if it must not be updated through its base.
    """
    view = t._view
    if view is None:
        return t._node
    own, base_edge = t._node, view.base._node
    if base_edge is None and (own is None or type(own) is AccumulateGrad):
        return own
    if view.seen == version(t)[0]:
        return Unreached(t) if own is None else own
    refuse_update(t, "its base or another view of its base has been")
    from flambeau.autograd import viewing

    t._node = viewing.view_node(view, memory(t), base_edge)
    view.seen = version(t)[0]
    return t._node


def edge_of(t: Tensor) -> Edge | None:
    """The tensor's edge for an operation to record; None, and no question asked, where nothing is recorded."""
    return node_of(t) if state.enabled else None


def requires_grad(t: Tensor) -> bool:
    """Whether gradients are asked for."""
    return t._node is not None or (t._view is not None and t._view.base._node is not None)


def refuse_history(d: dtype, *inputs: Tensor) -> None:
    """Raise RuntimeError where a result of dtype d cannot carry the history that these inputs ask for."""
    if d.category < FLOATING and state.enabled and any(requires_grad(t) for t in inputs):
        raise RuntimeError(f"Autograd not support dtype: {d.type_name}")


_ADVICE = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code "
    "by moving both the "
    "view and the inplace either both inside the {0} block (if you don't want the inplace to be tracked) "
    "or both outside "
    "(if you want the inplace to be tracked)."
)
_FORBIDDEN = {
    "multi_output": (
        "This view is the output of a function that returns multiple views. Such functions do not allow "
        "the output views "
        "to be modified inplace. You should replace the inplace operation by an out-of-place one."
    ),
    "no_grad": _ADVICE.format("no_grad"),
    "inference": _ADVICE.format("inference_mode"),
    "custom": (
        "This view was created inside a custom Function (or because an input was returned as-is) and the "
        "autograd logic "
        "to handle view+inplace would override the custom backward associated with the custom Function, leading to "
        "incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the "
        "custom Function."
    ),
}


def refuse_update(t: Tensor, what: str = "is being") -> None:
    """Raise RuntimeError for a view that must not share recorded in-place updates with its base."""
    view, e = t._view, t._node
    if view is None or not view.origin:
        return
    node = e.node if type(e) is Pick else e
    of_graph = node is not None and type(node) is not AccumulateGrad
    output = f"Output {e.index if type(e) is Pick else 0} of {short_name(node)} is a view" if of_graph else "A view"  # type: ignore[arg-type]
    if of_graph and view.origin in ("multi_output", "custom"):
        head = f"{output} and {what} modified inplace."
    else:
        mode = "inference mode" if view.origin == "inference" else "no_grad mode"
        when = "in normal mode" if view.origin == "inference" else "with grad mode enabled"
        made = f"{output} of a view which was created" if of_graph else f"{output} was created"
        head = f"{made} in {mode} and {what} modified inplace {when}."
    raise RuntimeError(f"{head} {_FORBIDDEN[view.origin]}")


def short_name(node: Node) -> str:
    """A node's name as errors give it: `ExpBackward0` is Exp, `SumBackward1` is Sum1."""
    return re.sub(r"Backward0?(\d*)$", r"\1", node.name())


# by id of its tensor, the node of a leaf that asks for no gradient any more, while a graph still holds it
_resting: weakref.WeakValueDictionary[int, AccumulateGrad] = weakref.WeakValueDictionary()


def leaf(t: Tensor) -> None:
    """Make t a leaf that asks for its gradient."""
    known = _resting.pop(id(t), None)
    t._node = known if known is not None and known.target() is t else AccumulateGrad(t)


def no_leaf(t: Tensor) -> None:
    """Take t out of the graph."""
    if type(t._node) is AccumulateGrad:
        _resting[id(t)] = t._node
    t._node = None


def twin_of(t: Tensor) -> Tensor:
    """An alias of t over the same elements, outside the graph."""
    own = memory(t)
    return alias(t, own.shape, own.strides, own.offset)

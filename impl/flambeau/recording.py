"""Recording: derivative rules, the nodes that carry them, and what a node saves.

A rule's own argument names say what is saved for it.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flambeau.adaptive import own_code
from flambeau.autograd.node import Edge, Node, Pick, Saved, node_of, sequence, unpack
from flambeau.dtypes import FLOATING, NATIVE_FLOAT
from flambeau.overrides import PLAIN
from flambeau.tensor import Memory, Tensor, column_major, shape_of

if TYPE_CHECKING:
    from flambeau.running import Launch
    from flambeau.viewing import Place

Rule = Callable[..., Any]


# what a rule may ask of an argument that it does not keep
_FACTS: dict[str, Callable[[Tensor], Any]] = {"shape": shape_of, "dtype": lambda t: t._dtype, "columns": column_major}


class Joint:
    """One rule for all inputs: called with (g, needs, ...) it returns one gradient an edge, lists flattened."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule


def joint(rule: Rule) -> Joint:
    """Declare a rule that answers for all inputs at once."""
    return Joint(rule)


class OpNode(Node):
    """A node made by an operation; its class carries the operation."""

    __slots__ = ("raw",)
    op: Recorder
    raw: int

    def apply(self, gradient: Any, create_graph: bool) -> Sequence[Any]:
        """Run the operation's rules on Tensors."""
        op, edges = self.op, self.edges
        values = unpack(self, create_graph)
        if op.joint is not None:
            return op.joint(gradient, [e is not None for e in edges], values)  # type: ignore[no-any-return]
        return [None if e is None else rule(gradient, values) for e, rule in zip(edges, op.rules, strict=True)]  # type: ignore[misc]

    def release(self) -> None:
        if self.saved and any(isinstance(v, Tensor | Saved) for v in self.saved):
            self.saved = None

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes of the inputs that can have a gradient."""
        op, listed = self.op, super().next_functions
        if op.joint is not None:
            return listed
        # overloads for a number have no input in its place
        number = type(self) is not op.node_class and type(self).__name__ in op.number_nodes
        return tuple(
            f
            for f, e, rule in zip(listed, self.edges, op.rules, strict=True)
            if rule is not None and not (number and e is None)
        )


def _saved(i: int) -> property:
    """The attribute of a node that answers with the i-th of what it saved."""
    return property(lambda self: unpack(self, True)[i])


# what PyTorch's attributes of nodes call what rules call otherwise
_TOLD = {"input": "self", "out": "result"}


def camel(name: str) -> str:
    """PyTorch's node name for an operation: `log_softmax` -> `LogSoftmax`."""
    return re.sub(r"(?:^|_)([a-z0-9])", lambda m: m.group(1).upper(), name.strip("_").replace(".", "_"))


def unchanged(g: Any) -> Any:
    """The rule of an input whose gradient is the result's."""
    return g


def passed_on(g: Any, _: Any) -> Any:
    """That rule bound: the engine knows it, and saves itself the call."""
    return g


def _bind_rule(rule: Rule, names: Sequence[str], index: Mapping[str, int], lead: int) -> Rule:
    """A rule that picks its own arguments from what the node saved; lead counts the arguments the engine gives."""
    if rule is unchanged:
        return passed_on
    picks = [index[n] for n in names]
    if lead == 2:
        return lambda g, needs, saved: rule(g, needs, *[saved[i] for i in picks])
    return own_code(_picking(tuple(picks))(rule))


@functools.cache
def _picking(picks: tuple[int, ...]) -> Callable[[Rule], Rule]:
    """What binds a rule to these of the saved values. Spelled out: `*` costs as much as a small rule."""
    arguments = ", ".join(("g", *[f"saved[{i}]" for i in picks]))
    return eval(f"lambda rule: lambda g, saved: rule({arguments})")  # type: ignore[no-any-return]


def _argument_names(rule: Rule, lead: int) -> tuple[str, ...]:
    return tuple(inspect.signature(rule).parameters)[lead:]


class Recorder:
    """The part of an operation that records it.

    raw: rules run on ndarrays too. outputs: names of the results, of which the first `differentiable` carry gradients.
    """

    name: str
    tensors: tuple[str, ...]
    outputs: tuple[str, ...]
    differentiable: int
    raw: bool
    node_class: type[OpNode]
    # names of the nodes of overloads for a Python number in place of a tensor
    number_nodes: tuple[str | None, ...] = ()
    _node_classes: dict[str, type[OpNode]]

    def _set_rules(self, grad: Any) -> None:
        self.joint: Rule | None = None
        self.rules: list[Rule | None] = [None] * len(self.tensors)
        found: list[tuple[int, Rule]] = []
        if isinstance(grad, Joint):
            names = _argument_names(grad.rule, 2)
            self.saved_names = tuple(dict.fromkeys(names))
            self.needs = {i: frozenset(names) for i in range(len(self.tensors))}
            self.joint = _bind_rule(grad.rule, names, {n: i for i, n in enumerate(self.saved_names)}, 2)
            return
        if grad is None:
            rules: Mapping[str, Rule] = {}
        elif isinstance(grad, Mapping):
            rules = grad
        elif isinstance(grad, tuple):
            rules = dict(zip(self.tensors, grad, strict=True))
        else:
            rules = {self.tensors[0]: grad}
        unknown = [n for n in rules if n not in self.tensors]
        if unknown:
            raise TypeError(f"{self.name}: a rule for {unknown[0]!r}, which is no tensor argument")
        for i, name in enumerate(self.tensors):
            if rules.get(name) is not None:
                found.append((i, rules[name]))
        self.saved_names = self._order_saved([n for _, r in found for n in _argument_names(r, 1)])
        index = {n: i for i, n in enumerate(self.saved_names)}
        self.needs = {}
        for i, rule in found:
            names = _argument_names(rule, 1)
            self.needs[i] = frozenset(names)
            self.rules[i] = _bind_rule(rule, names, index, 1)

    def _order_saved(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(names))

    def node_class_of(self, name: str) -> type[OpNode]:
        """The node class of that name, made on first request."""
        found = self._node_classes.get(name)
        if found is None:
            space = {"__slots__": (), "op": self, "outputs": self.differentiable, "__module__": "torch.autograd"}
            # no __getattr__, which would make every attribute that the engine reads three times as slow
            space.update((f"_saved_{_TOLD.get(n, n)}", _saved(i)) for i, n in enumerate(self.saved_names))
            found = self._node_classes[name] = type(name, (OpNode,), space)
        return found

    def edges(self, plan: Launch) -> list[Edge | None] | None:
        """One edge a tensor input, lists flattened; None where nothing requires grad."""
        edges: list[Edge | None] = []
        for i, t in enumerate(plan.inputs):
            if type(t) in PLAIN and t._node is None and t._view is None:
                edges.append(None)
            elif isinstance(t, Tensor):
                edges.append(node_of(t) if self.rules[i] is not None or self.joint is not None else None)
            elif type(t) in (list, tuple) and self.joint is not None:
                edges.extend(node_of(x) if isinstance(x, Tensor) else None for x in t)
            else:
                edges.append(None)
        return edges if edges.count(None) != len(edges) else None

    def record(self, plan: Launch, outs: Sequence[Tensor]) -> None:
        """Give the results their node, if an input requires grad and they can carry one."""
        if outs[0]._dtype.category < FLOATING:
            return
        edges = self.edges(plan)
        if edges is None:
            return
        attach(self.history(plan.inputs, edges, outs[0], plan=plan, outs=outs), outs[: self._carrying(outs)])

    def _carrying(self, outs: Sequence[Tensor]) -> int:
        return len(outs) if self.differentiable == len(self.outputs) else self.differentiable

    def history(
        self,
        inputs: Sequence[Any],
        edges: Sequence[Edge | None],
        like: Any,
        *,
        plan: Launch | Place | None = None,
        outs: Sequence[Tensor] = (),
        params: Mapping[str, Any] | None = None,
        originals: Mapping[str, Any] | None = None,
    ) -> OpNode:
        """A node with these edges. like: a Tensor or Memory that has the result's shape."""
        name = plan.node if plan is not None else None
        n: OpNode = object.__new__(self.node_class if name is None else self.node_class_of(name))
        n.edges = edges
        n.shape = like.shape if isinstance(like, Memory) else shape_of(like)
        n.dtype = inputs[0]._dtype if isinstance(like, Memory) else like._dtype
        n.hooks = None
        n.seq = sequence()
        values = dict(zip(self.tensors, inputs, strict=False))
        values.update(plan.params if plan is not None else params or {})
        values.update(originals or {})
        needed: set[str] = set()
        if self.joint is not None:
            needed.update(self.saved_names)
        else:
            for i, e in enumerate(edges):
                if e is not None:
                    needed |= self.needs[i]
        saved: list[Any] = []
        versions: list[Any] = []
        for key in self.saved_names:
            if key not in needed:
                value: Any = None
            elif key in self.outputs and outs:
                i = self.outputs.index(key)
                value = Saved(outs[i], i) if i < self.differentiable else outs[i]
            elif key == "outs":
                value = [Saved(o, i) for i, o in enumerate(outs)]
            elif key in values:
                value = values[key]
            else:  # "input_shape", "input_dtype", "input_columns": known without keeping the tensor
                owner, _, what = key.rpartition("_")
                value = _FACTS[what](values[owner])
            saved.append(value)
            if isinstance(value, Tensor):
                versions.append(value._version_counter[0] if value._version_counter is not None else 0)
            elif type(value) is Saved:
                versions.append(value.counter[0])
            elif type(value) in (list, tuple) and any(isinstance(v, Tensor) for v in value):
                versions.append([v._version_counter[0] if getattr(v, "_version_counter", None) else 0 for v in value])
            else:
                versions.append(None)
        held = any(isinstance(v, Tensor | Saved | list | tuple) for v in saved)
        n.saved, n.versions = tuple(saved), versions if held else None
        first = inputs[0] if inputs else None
        n.raw = (
            self.raw
            and isinstance(first, Tensor)
            and bool(first._dtype.bit & NATIVE_FLOAT)
            and all(
                t._dtype is first._dtype and t._array is not None if isinstance(t, Tensor) else True for t in inputs
            )
            and n.dtype is first._dtype
        )
        return n


def attach(node: OpNode, outs: Sequence[Tensor]) -> None:
    """Make node the history of its outputs."""
    if len(outs) == 1 and node.outputs == 1:
        outs[0]._node = node
        return
    if node.outputs != len(outs):
        node.__class__ = _variadic(type(node), len(outs))
    if node.outputs == 1:
        outs[0]._node = node
        return
    for i, o in enumerate(outs):
        if o._dtype.category >= FLOATING:
            o._node = Pick(node, i, shape_of(o), o._dtype)


_variadics: dict[tuple[type[OpNode], int], type[OpNode]] = {}


def _variadic(cls: type[OpNode], count: int) -> type[OpNode]:
    """The node class for an operation whose number of outputs depends on its arguments."""
    key = cls, count
    if key not in _variadics:
        _variadics[key] = type(cls.__name__, (cls,), {"__slots__": (), "outputs": count, "__module__": cls.__module__})
    return _variadics[key]

"""Hooks of nodes: on the tensors they made, before and after they run, after a leaf's `.grad` was updated."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flambeau.autograd.fitting import to_tensor
from flambeau.tensor import Tensor, shape_of

if TYPE_CHECKING:
    from flambeau.autograd.node import Node

Table = OrderedDict[int, Callable[..., Any]]


class Hooks:
    """Hooks of a node: on tensors (by output), before and after the node, and gradients to retain."""

    def __init__(self) -> None:
        self.tensor: dict[int, Table] = {}
        self.pre: Table = OrderedDict()
        self.post: Table = OrderedDict()
        self.accumulated: Table = OrderedDict()
        self.retain: dict[int, weakref.ref[Tensor]] = {}

    def add(self, kind: str, hook: Callable[..., Any], index: int = 0) -> RemovableHandle:
        """Register a hook; kind is "tensor", "pre", "post" or "accumulated"."""
        table = self.tensor.setdefault(index, OrderedDict()) if kind == "tensor" else getattr(self, kind)
        return RemovableHandle(table, hook)


class RemovableHandle:
    """Removes a hook (`torch.utils.hooks.RemovableHandle`); also a context manager that removes it at its end."""

    __module__ = "torch.utils.hooks"
    next_id = 0

    def __init__(self, table: Table, hook: Any) -> None:
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        self._table = weakref.ref(table)
        table[self.id] = hook

    def remove(self) -> None:
        """Take the hook away; removing it twice is allowed."""
        table = self._table()
        if table is not None:
            table.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def _name(hook: Any) -> str:
    return getattr(hook, "__name__", "<unknown>")


def _checked(result: Any, expected: Tensor | None, hook: Any) -> Tensor:
    """What a hook gave in place of a gradient. Raises for another type, shape or dtype."""
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    if expected is None:
        raise RuntimeError("can't replace a None gradient with a non-None value")
    if result.dtype is not expected.dtype:
        raise RuntimeError(
            f"hook '{_name(hook)}' has changed the type of value (was {expected.type()} got {result.type()})"
        )
    if shape_of(result) != shape_of(expected):
        raise RuntimeError(f"hook '{_name(hook)}' has changed the size of value")
    return result


def _replaced(values: tuple[Any, ...], result: Any, hook: Any) -> tuple[Any, ...]:
    """What a node's hook gave in place of gradients."""
    if result is None:
        return values
    if not isinstance(result, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(result).__name__}'")
    if len(result) != len(values):
        raise RuntimeError(
            f"hook '{_name(hook)}' has returned an incorrect number of values (got {len(result)}, but expected "
            f"{len(values)})"
        )
    return tuple(None if r is None else _checked(r, v, hook) for r, v in zip(result, values, strict=True))


def on_tensors(n: Node, hooks: Hooks, g: Any) -> Any:
    """Run the hooks on a node's outputs, and retain their gradients where asked."""
    parts = [None if p is None else to_tensor(p, n.dtype) for p in (g if n.outputs > 1 else [g])]
    for index, table in hooks.tensor.items():
        for hook in list(table.values()):
            result = hook(parts[index])
            if result is not None:
                parts[index] = _checked(result, parts[index], hook)
    for index, reference in hooks.retain.items():
        t, own = reference(), parts[index]
        if t is not None and own is not None:
            t._grad = own.clone() if t._grad is None else t._grad + own
    return parts if n.outputs > 1 else parts[0]


def before(n: Node, hooks: Hooks, g: Any) -> Any:
    """Run what stands before a node."""
    values = tuple(g) if n.outputs > 1 else (g,)
    for hook in list(hooks.pre.values()):
        values = _replaced(values, hook(values), hook)
    return list(values) if n.outputs > 1 else values[0]


def after(hooks: Hooks, results: Sequence[Any], g: Any) -> Sequence[Any]:
    """Run what stands after a node: results are its inputs' gradients."""
    outputs = tuple(g) if isinstance(g, list) else (g,)
    values = tuple(results)
    for hook in list(hooks.post.values()):
        values = _replaced(values, hook(values, outputs), hook)
    return values


def accumulated(hooks: Hooks, t: Tensor) -> None:
    """Run what stands after a leaf's update."""
    for hook in list(hooks.accumulated.values()):
        result = hook(t)
        if result is not None:
            raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")

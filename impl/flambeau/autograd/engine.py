"""Running a graph backward.

Gradients travel as ndarrays while every rule they meet is declared raw and no graph is being made; as Tensors otherwise.
The engine, not the rules, undoes broadcasting and casts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from sys import getrefcount
from typing import Any

import numpy as np

from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, Edge, Hooks, Node, Pick, unpack
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import dtype
from flambeau.geometry import Shape, contiguous_strides
from flambeau.tensor import Tensor, bump, fresh, memory, shape_of, share

_number = attrgetter("seq")
_add_reduce = np.add.reduce
# what getrefcount says of a gradient that only `run` holds: its local name and the call's own argument
_SOLE = 2


def order_of(roots: Iterable[Node]) -> list[Node]:
    """Every node reachable from the roots, last made first."""
    nodes = list(dict.fromkeys(roots))
    seen = set(nodes)
    for n in nodes:
        for m in n.edges:
            if m is not None:
                if type(m) is Pick:
                    m = m.node
                if m not in seen:
                    seen.add(m)
                    nodes.append(m)
    nodes.sort(key=_number, reverse=True)
    return nodes


def _leading_to(order: list[Node], targets: set[Node]) -> set[Node]:
    """The nodes from which a target can be reached."""
    needed = set(targets)
    for n in reversed(order):
        if n not in needed and any(m is not None and (m.node if type(m) is Pick else m) in needed for m in n.edges):
            needed.add(n)
    # leaves sort last whatever their place, so a second look is never wrong and seldom needed
    return needed


def sum_to(g: Any, shape: Shape) -> Any:
    """Sum an ndarray over the dims that broadcasting `shape` to it added."""
    lead = g.ndim - len(shape)
    if lead == 1 and g.shape[1:] == shape:
        return _add_reduce(g, 0)
    axes = (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 != g.shape[i + lead]))
    return g.sum(axes, keepdims=True, dtype=g.dtype).reshape(shape)


def to_tensor(g: Any, d: dtype) -> Tensor:
    """A gradient as a Tensor."""
    if isinstance(g, Tensor):
        return g
    g = np.asarray(g, d.numpy)
    # an expanded gradient, of a sum say, names one element many times
    return fresh(g, d) if g.flags.forc else share(g, d)


def fit(g: Any, shape: Shape, d: dtype, source: Node) -> Any:
    """A gradient in the shape and dtype of the input it belongs to."""
    if isinstance(g, Tensor):
        have = shape_of(g)
        if have != shape:
            if not _expandable(shape, have):
                raise RuntimeError(
                    f"Function {source.name()} returned an invalid gradient at index 0 - "
                    f"got {list(have)} but expected shape compatible with {list(shape)}"
                )
            g = g.sum_to_size(shape)  # type: ignore[attr-defined]
        if g._dtype is not d:
            if g._dtype.is_complex and not d.is_complex:
                g = g.real  # type: ignore[attr-defined]
            g = g.to(d)  # type: ignore[attr-defined]
        return g
    if g.shape != shape:
        g = sum_to(g, shape)
    if g.dtype != d.numpy:
        if g.dtype.kind == "c" and not d.is_complex:
            g = g.real
        g = g.astype(d.numpy)
    return g


def _expandable(shape: Shape, target: Shape) -> bool:
    lead = len(target) - len(shape)
    return lead >= 0 and all(n in (1, t) for n, t in zip(shape, target[lead:], strict=True))


def run(
    roots: Sequence[tuple[Edge, Tensor]],
    *,
    keep_graph: bool,
    create_graph: bool,
    targets: Sequence[Edge] | None = None,
    accumulate: bool = True,
) -> dict[int, Tensor]:
    """Send gradients from roots down to the leaves.

    targets: the edges whose gradients are returned, by position, in the result; with them only what leads there runs.
    accumulate: whether the target leaves' `.grad` are updated (all leaves where targets is None).
    Raises RuntimeError where saved tensors were freed or overwritten.
    """
    nodes = [e.node if type(e) is Pick else e for e, _ in roots]
    order = order_of(nodes)  # type: ignore[arg-type]
    wanted: dict[Node, list[tuple[int, int]]] = {}
    needed: set[Node] | None = None
    if targets is not None:
        for position, e in enumerate(targets):
            node, index = (e.node, e.index) if type(e) is Pick else (e, 0)
            wanted.setdefault(node, []).append((position, index))  # type: ignore[arg-type]
        needed = _leading_to(order, set(wanted))
    found: dict[int, Tensor] = {}
    grads: dict[Node, Any] = {}
    previous = state.enabled
    state.enabled = create_graph
    quiet = enter(QUIET)
    try:
        for e, g in roots:
            _push(grads, e, g, None)
        for n in order:
            g = grads.pop(n, None)
            if g is None:
                continue
            if n.hooks is not None:
                g = _before(n, n.hooks, g)
            if n in wanted:
                for position, index in wanted[n]:
                    part = g[index] if n.outputs > 1 else g
                    if part is not None:
                        found[position] = to_tensor(part, n.dtype)
            if type(n) is AccumulateGrad:
                if accumulate and (needed is None or n in wanted):
                    _accumulate(n, g, create_graph)
                continue
            if needed is not None and n not in needed:
                continue
            edges = n.edges
            if not create_graph and n.raw and n.hooks is None:  # type: ignore[attr-defined]
                if type(g) is Tensor:
                    g = g._array
                values = [v._array if isinstance(v, Tensor) else v for v in unpack(n, False)]
                for e, rule in zip(edges, n.op.rules, strict=True):  # type: ignore[attr-defined]
                    if e is not None:
                        if type(e) is Pick:
                            _push(grads, e, fit(rule(g, values), e.shape, e.dtype, n), n)
                            continue
                        d = rule(g, values)
                        if d.shape != e.shape or d.dtype is not e.dtype.numpy:
                            d = fit(d, e.shape, e.dtype, n)
                        before = grads.get(e)
                        grads[e] = d if before is None else _plus(before, d)
                        d = before = None
            else:
                if n.outputs > 1:
                    g = [None if p is None else to_tensor(p, n.dtype) for p in g]
                else:
                    g = to_tensor(g, n.dtype)
                results = n.apply(g, create_graph)
                if n.hooks is not None and n.hooks.post:
                    results = _after(n.hooks, results, g)
                for e, d in zip(edges, results, strict=True):
                    if e is not None and d is not None and (needed is None or _node(e) in needed):
                        _push(grads, e, d, n)
                results = d = None
            if not keep_graph:
                n.release()
    finally:
        leave(quiet)
        state.enabled = previous
    return found


def _node(e: Edge) -> Node:
    return e.node if type(e) is Pick else e  # type: ignore[return-value]


def _push(grads: dict[Node, Any], e: Edge, d: Any, source: Node | None) -> None:
    """Add a gradient to what an edge has received so far."""
    if source is not None:
        d = fit(d, e.shape, e.dtype, source)
    if type(e) is not Pick:
        before = grads.get(e)  # type: ignore[arg-type]
        grads[e] = d if before is None else _plus(before, d)  # type: ignore[index]
        return
    slots = grads.setdefault(e.node, [None] * e.node.outputs)
    before = slots[e.index]
    slots[e.index] = d if before is None else _plus(before, d)


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor) is isinstance(b, Tensor):
        return a + b
    tensor, array = (a, b) if isinstance(a, Tensor) else (b, a)
    return tensor + to_tensor(array, tensor._dtype)


def _before(n: Node, hooks: Hooks, g: Any) -> Any:
    """Run what stands before a node: hooks on its output tensors, its pre-hooks, gradients to retain."""
    parts = g if n.outputs > 1 else [g]
    parts = [None if p is None else to_tensor(p, n.dtype) for p in parts]
    for index, table in hooks.tensor.items():
        for hook in list(table.values()):
            if parts[index] is None:
                continue
            result = hook(parts[index])
            if result is not None:
                parts[index] = _checked(result, parts[index])
    if hooks.pre:
        for hook in list(hooks.pre.values()):
            result = hook(tuple(parts))
            if result is not None:
                parts = list(result) if isinstance(result, tuple) else [result]
    for index, reference in hooks.retain.items():
        t = reference()
        if t is not None and parts[index] is not None:
            own = parts[index] if state.enabled else parts[index].clone()
            t._grad = own if t._grad is None else t._grad + own
    return parts if n.outputs > 1 else parts[0]


def _checked(result: Any, expected: Tensor) -> Tensor:
    if not isinstance(result, Tensor):
        raise TypeError(f"expected Variable, but hook returned '{type(result).__name__}'")
    if shape_of(result) != shape_of(expected):
        raise RuntimeError("hook 'hook' has changed the size of value")
    return result


def _after(hooks: Hooks, results: Sequence[Any], g: Any) -> Sequence[Any]:
    outputs = tuple(g) if isinstance(g, list) else (g,)
    for hook in list(hooks.post.values()):
        changed = hook(tuple(results), outputs)
        if changed is not None:
            results = changed if isinstance(changed, tuple) else (changed,)
    return results


def _accumulate(n: AccumulateGrad, g: Any, create_graph: bool) -> None:
    """Add to a leaf's `.grad`, which follows the leaf's dtype and strides and is updated in place."""
    t = n.target()
    if t is None or t._node is None:
        return
    current = t._grad
    if current is None:
        if create_graph:
            t._grad = to_tensor(g, n.dtype).clone()  # type: ignore[attr-defined]
        elif isinstance(g, Tensor):
            t._grad = _owned_tensor(g, t)
        else:
            # the caller's name, this parameter and getrefcount's argument: more means that somebody else has it too
            owned = getrefcount(g) <= _SOLE + 1 and type(g) is np.ndarray and g.base is None
            t._grad = fresh(g if owned and g.flags.c_contiguous else np.array(g, n.dtype.numpy, order="C"), n.dtype)
            if t._memory is not None:
                _follow_strides(t)
    elif create_graph:
        t._grad = current + to_tensor(g, n.dtype)
    elif current._array is None or isinstance(g, Tensor):
        current.add_(to_tensor(g, n.dtype))  # type: ignore[attr-defined]
    else:
        np.add(current._array, g, out=current._array)
        bump(current)
    if n.hooks is not None:
        for hook in list(n.hooks.accumulated.values()):
            hook(t)


def _owned_tensor(g: Tensor, leaf: Tensor) -> Tensor:
    if g._array is None:
        return g.detach().clone()  # type: ignore[attr-defined,no-any-return]
    out = fresh(np.array(g._array, order="C"), g._dtype)
    if leaf._memory is not None:
        holder = fresh(out._array, out._dtype)
        holder._memory, holder._grad = leaf._memory, out
        _follow_strides(holder)
        out = holder._grad  # type: ignore[assignment]
    return out


def _follow_strides(t: Tensor) -> None:
    """Give t.grad the strides of t where those are dense but not row-major."""
    own = memory(t)
    grad = t._grad
    if grad is None or own.strides == contiguous_strides(own.shape):
        return
    order = sorted(range(len(own.shape)), key=lambda i: (-own.strides[i], i))
    inverse = np.argsort(order)
    step = 1
    for i in reversed(order):
        if own.shape[i] != 1 and own.strides[i] != step:
            return
        step *= own.shape[i]
    t._grad = fresh(np.ascontiguousarray(grad._array.transpose(order)).transpose(inverse), grad._dtype)

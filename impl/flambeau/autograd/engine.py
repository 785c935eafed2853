"""Running a graph backward.

Gradients travel as ndarrays while every rule they meet is declared raw and no graph is being made; as Tensors
otherwise. The engine, not the rules, undoes broadcasting and casts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

from flambeau.autograd import anomaly, hooks
from flambeau.autograd.fitting import cast_to, fit, plus, sum_to, to_tensor
from flambeau.autograd.leaves import accumulate as accumulate_leaf
from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, Edge, Node, Pick, Saved, hooked_leaves, unpack
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.recording import passed_on
from flambeau.tensor import Tensor


def reachable(roots: Iterable[Node]) -> list[Node]:
    """Every node that can be reached from the roots."""
    nodes = list(dict.fromkeys(roots))
    seen = set(nodes)
    for n in nodes:
        for e in n.edges:
            if e is not None:
                m = _node(e)
                if m not in seen:
                    seen.add(m)
                    nodes.append(m)
    return nodes


def _leading_to(nodes: list[Node], targets: set[Node]) -> set[Node]:
    """The nodes from which a target can be reached."""
    needed = set(targets)
    for n in sorted(nodes, key=lambda n: n.seq):
        if n not in needed and any(e is not None and _node(e) in needed for e in n.edges):
            needed.add(n)
    return needed


def _node(e: Edge) -> Node:
    return e.node if type(e) is Pick else e  # type: ignore[return-value]


class _Run:
    """Gradients on their way. Nodes run in the order opposite to that in which they were made; leaves as soon as all
    that can reach them has run, or at the end where nobody can tell the difference."""

    # what only some runs have: the targets by node (position, output), the nodes that lead to them, what arrived there
    wanted: Mapping[Node, list[tuple[int, int]]] = {}
    needed: set[Node] | None = None
    accumulate = True
    # how many edges to a leaf have not been passed yet; None where leaves wait for the end
    waiting: dict[Node, int] | None = None

    def __init__(self, create_graph: bool) -> None:
        self.create_graph = create_graph
        self.grads: dict[Node, Any] = {}
        # (-seq, node): a node that received a gradient and has not run
        self.heap: list[tuple[int, Node]] = []
        self.leaves: list[Node] = []

    def aim(self, roots: Iterable[Node], targets: Sequence[Edge] | None) -> dict[int, Tensor]:
        """Look ahead: which nodes lead to the targets, and what each leaf has to wait for."""
        nodes = reachable(roots)
        self.found: dict[int, Tensor] = {}
        if targets is not None:
            wanted: dict[Node, list[tuple[int, int]]] = {}
            for position, e in enumerate(targets):
                wanted.setdefault(_node(e), []).append((position, e.index if type(e) is Pick else 0))
            self.wanted, self.needed = wanted, _leading_to(nodes, set(wanted))
        waiting: dict[Node, int] = {}
        for n in nodes:
            if self.needed is None or n in self.needed:
                for edge in n.edges:
                    if type(edge) is AccumulateGrad:
                        waiting[edge] = waiting.get(edge, 0) + 1
        self.waiting = waiting
        return self.found

    def push(self, e: Edge, d: Any) -> None:
        """Add a gradient to what an edge has received so far."""
        grads = self.grads
        n: Node
        if type(e) is Pick:
            n = e.node
            first = n not in grads
            if first:
                grads[n] = [None] * n.outputs
            slots = grads[n]
            before = slots[e.index]
            slots[e.index] = d if before is None else plus(before, d)
        else:
            n = e  # type: ignore[assignment]
            first = n not in grads
            grads[n] = d if first else plus(grads[n], d)
        if first:
            if n.seq < 0:
                self.leaves.append(n)
            else:
                heappush(self.heap, (-n.seq, n))

    def arrive(self, n: Node, g: Any) -> Any:
        """What happens to a gradient before its node runs."""
        if n.hooks is not None:
            g = hooks.on_tensors(n, n.hooks, g)
        for position, index in self.wanted.get(n, ()):
            part = g[index] if n.outputs > 1 else g
            if part is not None:
                self.found[position] = to_tensor(part, n.dtype)
        if n.hooks is not None and n.hooks.pre and (self.needed is None or self.accumulate or n not in self.wanted):
            g = hooks.before(n, n.hooks, g)
        return g

    def run_leaf(self, n: Node, g: Any) -> None:
        """Add to a leaf's `.grad`."""
        if n.hooks is not None or self.wanted:
            g = self.arrive(n, g)
        if type(n) is AccumulateGrad and self.accumulate and (self.needed is None or n in self.wanted):
            accumulate_leaf(n, g, self.create_graph)
            if n.hooks is not None and n.hooks.post:
                hooks.after(n.hooks, (), to_tensor(g, n.dtype))

    def run_ready(self, edges: Iterable[Edge | None]) -> None:
        """Run the leaves that wait for nothing any more, now that these edges have been passed."""
        assert self.waiting is not None
        ready = []
        for e in edges:
            if type(e) is AccumulateGrad:
                self.waiting[e] -= 1
                if not self.waiting[e]:
                    ready.append(e)
        for e in ready:
            if e in self.grads:
                self.leaves.remove(e)
                self.run_leaf(e, self.grads.pop(e))


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
    this = _Run(create_graph)
    found: dict[int, Tensor] = {}
    if targets is not None or hooked_leaves:
        found = this.aim((_node(e) for e, _ in roots), targets)
        this.accumulate = accumulate
    grads, heap, needed = this.grads, this.heap, this.needed
    plain = not create_graph and needed is None and not anomaly.enabled
    previous = state.enabled
    state.enabled = create_graph
    quiet = enter(QUIET)
    try:
        first, seed = roots[0] if len(roots) == 1 else (None, None)
        if plain and isinstance(first, Node) and first.seq >= 0:
            _run_raws(this, keep_graph, first, seed)
        else:
            for e, g in roots:
                this.push(e, g)
        g = None  # type: ignore[assignment]
        if this.waiting is not None:
            for n in [n for n in this.leaves if not this.waiting.get(n)]:
                this.leaves.remove(n)
                this.run_leaf(n, grads.pop(n))
        while heap:
            if plain:
                _run_raws(this, keep_graph)
                if not heap:
                    break
            n = heappop(heap)[1]
            g = grads.pop(n)
            if needed is None or n in needed:
                if n.hooks is not None or this.wanted:
                    g = this.arrive(n, g)
                if needed is None or any(e is not None and _node(e) in needed for e in n.edges):
                    _run_node(this, n, g, needed)
                    if not keep_graph:
                        n.release()
            g = None  # type: ignore[assignment]
            if this.waiting is not None and (needed is None or n in needed):
                this.run_ready(n.edges)
        for n in this.leaves:
            if plain and n.hooks is None and type(n) is AccumulateGrad:
                accumulate_leaf(n, grads.pop(n), False)
            else:
                this.run_leaf(n, grads.pop(n))
    finally:
        leave(quiet)
        state.enabled = previous
    return found


def _arrays(n: Node, keep_graph: bool) -> list[Any]:
    """What a node saved, tensors as ndarrays, for rules that run on those. Raises RuntimeError as `unpack` does."""
    values, held = list(n.saved or unpack(n, False)), False
    for i, expected in enumerate(n.versions):
        if expected is not None:
            held, v = True, values[i]
            if type(v) is Saved:
                counter, values[i] = v.counter, v.array
            else:
                counter, values[i] = v._version_counter, v._array
            if counter is not None and counter[0] != expected:
                unpack(n, False)
    if held and not keep_graph:
        n.saved = None
    return values


def _run_raws(this: _Run, keep_graph: bool, alone: Any = None, received: Any = None) -> None:
    """Run nodes' rules on ndarrays, until a node comes that wants Tensors.

    alone, received: the only node with a gradient, and that gradient, which do not pass through heap and dict.
    """
    grads, heap, leaves, waiting = this.grads, this.heap, this.leaves, this.waiting
    while alone is not None or heap:
        n: Any = heap[0][1] if alone is None else alone
        if not n.raw or n.hooks is not None:
            break
        if alone is None:
            heappop(heap)
            g = grads.pop(n)
        else:
            g = received
            alone = received = None
        if type(g) is Tensor:
            g = g._array
        values = n.saved if n.versions is None else _arrays(n, keep_graph)
        for e, rule in zip(n.edges, n.op.rules):  # noqa: B905
            if e is None:
                continue
            d = g if rule is passed_on else rule(g, values)
            if d.shape != e.shape:
                d = sum_to(d, e.shape)
            if d.dtype is not e.dtype.numpy:
                d = cast_to(d, e.dtype)
            if e is alone:
                received = plus(received, d)
            elif type(e) is Pick:
                this.push(e, d)
            elif alone is None and not heap and e.seq >= 0:
                alone, received = e, d
            elif e in grads:
                grads[e] = plus(grads[e], d)
            else:
                grads[e] = d
                if e.seq < 0:
                    leaves.append(e)
                else:
                    heappush(heap, (-e.seq, e))
        if heap and alone is not None:
            this.push(alone, received)
            alone = received = None
        if waiting is not None:
            # nobody but the engine holds a gradient when its leaf asks whether it may keep it
            g = d = None
            this.run_ready(n.edges)
    if alone is not None:
        this.push(alone, received)


def _run_node(this: _Run, n: Node, g: Any, needed: set[Node] | None) -> None:
    """Run a node on Tensors."""
    several = n.outputs > 1
    g = [None if p is None else to_tensor(p, n.dtype) for p in g] if several else to_tensor(g, n.dtype)
    results = [
        None if e is None or d is None else fit(d, e.shape, e.dtype, n, i)
        for i, (e, d) in enumerate(zip(n.edges, n.apply(g, this.create_graph), strict=True))
    ]
    if anomaly.enabled:
        anomaly.check(n, results)
    if n.hooks is not None and n.hooks.post:
        results = list(hooks.after(n.hooks, results, g))
    for i, (e, d) in enumerate(zip(n.edges, results, strict=True)):
        if e is not None and d is not None and (needed is None or _node(e) in needed):
            # the list holds no gradient any more when its leaf asks whether it may keep it
            results[i] = None
            this.push(e, d)
            d = None

"""backward and grad: what a person calls."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from flambeau.autograd import engine
from flambeau.autograd.modes import state
from flambeau.autograd.node import Edge, Node, Pick, node_of
from flambeau.declare import export
from flambeau.dtypes import dtype
from flambeau.tensor import Tensor, filled_like, shape_of


class GradientEdge(NamedTuple):
    """An output of a node, which stands for a tensor in `backward` and `grad` (`torch.autograd.graph.GradientEdge`)."""

    node: Node
    output_nr: int
    ownership_token: Any = None

    def edge(self) -> Edge:
        """The engine's edge."""
        node = self.node
        return Pick(node, self.output_nr, node.shape, node.dtype) if node.outputs > 1 else node


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge of a tensor that requires grad. Raises RuntimeError for another."""
    e = node_of(tensor)
    if e is None:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(edge_node(e), e.index if type(e) is Pick else 0)


# gradients of 0-dim results by dtype; shared, so that nobody may take them over
_ONES: dict[dtype, Tensor] = {}


def _first_gradient(output: Tensor, given: Tensor | None, what: str) -> Tensor:
    if given is None:
        shape, d = shape_of(output), output._dtype
        if shape and prod(shape) != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if not d.is_floating_point:
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {d}")
        if shape or output._array is None or state.inference:
            return filled_like(output, 1)
        if d not in _ONES:
            _ONES[d] = filled_like(output, 1)
        return _ONES[d]
    if not isinstance(given, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(given).__name__}")
    if shape_of(given) != shape_of(output):
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{what}] has a shape of {given.shape} and output[{what}] has a shape of "
            f"{output.shape}."
        )
    if given.dtype.is_complex != output.dtype.is_complex:
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
            f"grad_output[{what}] has a dtype of {given.dtype} and output[{what}] has a dtype of {output.dtype}."
        )
    return given


def _roots(outputs: Sequence[Any], grads: Sequence[Tensor | None]) -> list[tuple[Edge, Tensor]]:
    roots = []
    for i, (output, given) in enumerate(zip(outputs, grads, strict=False)):
        if isinstance(output, GradientEdge):
            if given is None:
                raise RuntimeError("grad_outputs is required for a GradientEdge")
            roots.append((output.edge(), given))
            continue
        e = node_of(output)
        g = None if e is None and given is None else _first_gradient(output, given, str(i))
        if e is None:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        assert g is not None
        roots.append((e, g))
    if len(outputs) != len(grads):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    return roots


_SINGLE = (Tensor, GradientEdge)


def backward_from(output: Tensor, keep_graph: bool) -> None:
    """`output.backward()` with nothing else asked for: the short way of every training step."""
    e = node_of(output)
    if e is None:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    g = _first_gradient(output, None, "0")
    engine.run(((e, g),), keep_graph=keep_graph, create_graph=False)


def _several(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, _SINGLE) else tuple(value)


def _input_edge(t: Any) -> Any:
    """The edge of something to differentiate by."""
    if isinstance(t, GradientEdge):
        return t.edge()
    if not isinstance(t, Tensor):
        raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(t).__name__}")
    return node_of(t)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add to `.grad` of the leaves the gradients of the tensors (`torch.autograd.backward`).

    grad_tensors: cotangents, of the tensors' shapes; may be left out for one-element tensors. inputs: the leaves to
    update, all by default. Raises RuntimeError where there is no graph, or it was freed.
    """
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only "
                "use `grad_tensors`."
            )
        grad_tensors = grad_variables
    if inputs is not None and not isinstance(inputs, Tensor) and len(inputs) == 0:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    outputs = _several(tensors)
    grads = (None,) * len(outputs) if grad_tensors is None else _several(grad_tensors)
    targets = None
    if inputs is not None:
        targets = [_input_edge(t) for t in _several(inputs)]
        for t in _several(inputs):
            if isinstance(t, Tensor):  # a non-leaf asked for by name collects its gradient too
                t.retain_grad()
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
            "gradient which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid "
            "this. If you have to use this function, make sure to reset the .grad fields of your parameters to None "
            "after use to break the cycle and avoid the leak.",
            UserWarning,
            stacklevel=3,
        )
    keep = create_graph if retain_graph is None else retain_graph
    engine.run(_roots(outputs, grads), keep_graph=keep, create_graph=create_graph, targets=targets)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """Gradients of outputs with respect to inputs, without touching `.grad` (`torch.autograd.grad`).

    Raises RuntimeError for an input that was not used, unless allow_unused.
    """
    if is_grads_batched:
        raise NotImplementedError("autograd.grad(is_grads_batched=True) is not implemented in flambeau")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    allow = materialize_grads if allow_unused is None else allow_unused
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for "
            "other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    outs, ins = _several(outputs), _several(inputs)
    if not ins:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    grads = (None,) * len(outs) if grad_outputs is None else _several(grad_outputs)
    roots = _roots(outs, grads)
    targets = [_input_edge(t) for t in ins]
    if any(e is None for e in targets):
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    keep = create_graph if retain_graph is None else retain_graph
    found = engine.run(roots, keep_graph=keep, create_graph=create_graph, targets=targets, accumulate=False)
    results: list[Tensor | None] = []
    for i, t in enumerate(ins):
        g = found.get(i)
        if g is None and materialize_grads:
            g = t.new_zeros(shape_of(t))
        elif g is None and not allow:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set "
                "allow_unused=True if this is the desired behavior."
            )
        results.append(g)
    return tuple(results)


def edge_node(e: Edge | None) -> Any:
    """The node behind an edge."""
    return e.node if type(e) is Pick else e


export("backward", backward, "autograd")
export("grad", grad, "autograd")
export("GradientEdge", GradientEdge, "autograd.graph")
export("get_gradient_edge", get_gradient_edge, "autograd.graph")

"""autograd.Function: operations written by the user (https://docs.pytorch.org/docs/stable/notes/extending.html)."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, Node, Pick, Saved, changed_in_place, node_of, sequence
from flambeau.declare import export
from flambeau.dtypes import FLOATING
from flambeau.errors import FREED, LEAF_IN_PLACE
from flambeau.tensor import Tensor, shape_of, version


class FunctionCtx:
    """What forward and backward of a Function share."""

    __module__ = "torch.autograd.function"
    needs_input_grad: tuple[bool, ...]

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for backward. Raises TypeError for what is no tensor."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument 0 is of type {type(t).__name__}"
                )
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for forward-mode differentiation, which flambeau does not have."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs forward updated in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs carry no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether missing gradients reach backward as zeros (the default) or None."""
        self.materialize_grads = value

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What save_for_backward kept. Raises RuntimeError if it was freed or overwritten."""
        return self._unpack()  # type: ignore[attr-defined,no-any-return]

    saved_variables = saved_tensors


class BackwardCFunction(Node, FunctionCtx):
    """The node of one call of a Function, and its context."""

    __module__ = "torch.autograd.function"
    raw = False
    _forward_cls: type[Function]
    to_save: tuple[Tensor | None, ...] = ()
    dirty_tensors: tuple[Tensor, ...] = ()
    non_differentiable: tuple[Tensor, ...] = ()
    materialize_grads = True
    _versions: tuple[int, ...] = ()
    _freed = False

    def _keep(self, outputs: Sequence[Any]) -> None:
        """Fix what was saved, once the outputs are known."""
        kept: list[Any] = []
        for t in self.to_save:
            place = next((i for i, o in enumerate(outputs) if o is t), None) if t is not None else None
            kept.append(Saved(t, place) if place is not None and t is not None else t)
        self.saved = kept
        self._versions = tuple(0 if t is None else version(t)[0] for t in self.to_save)
        self.to_save = ()

    def _unpack(self) -> tuple[Tensor | None, ...]:
        if self._freed:
            raise RuntimeError(FREED)
        if self.saved is None:
            return tuple(self.to_save)
        found = []
        for t, expected in zip(self.saved, self._versions, strict=True):
            if isinstance(t, Saved):
                if t.counter[0] != expected:
                    raise changed_in_place(t, self, expected, t.counter[0])
                t = t.tensor(self, True)
            elif t is not None and version(t)[0] != expected:
                raise changed_in_place(t, self, expected, version(t)[0])
            found.append(t)
        return tuple(found)

    def release(self) -> None:
        """Forget what was saved."""
        if self.saved:
            self.saved, self._freed = [], True

    def apply(self, gradient: Any, create_graph: bool) -> Sequence[Any]:
        """Call the user's backward and check what it answers."""
        cls = self._forward_cls
        if cls.backward is not Function.backward and cls.vjp is not Function.vjp:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should "
                "only implement one of them."
            )
        grads = list(gradient) if isinstance(gradient, list) else [gradient]
        if self.materialize_grads:
            grads = [
                g if g is not None or meta is None else _zeros(meta)
                for g, meta in zip(grads, self._output_meta, strict=True)
            ]
        function = cls.vjp if cls.vjp is not Function.vjp else cls.backward
        result = function(self, *grads)
        results = list(result) if isinstance(result, tuple | list) else [result]
        count = len(self.needs_input_grad)
        if len(results) > count and all(r is None for r in results[count:]):
            results = results[:count]
        if len(results) != count:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {count}, "
                f"got {len(results)})"
            )
        kept = [r for r, is_tensor in zip(results, self._is_tensor, strict=True) if is_tensor]
        for i, (r, is_tensor) in enumerate(zip(results, self._is_tensor, strict=True)):
            if not is_tensor and r is not None:
                raise RuntimeError(
                    f"function {self.name()} returned a gradient different than None at position {i + 1}, but the "
                    "corresponding forward input was not a Variable"
                )
        for r in kept:
            if r is not None and not isinstance(r, Tensor):
                raise RuntimeError(f"expected Variable or None (got {type(r).__name__})")
        return kept

    _output_meta: list[Any]
    _is_tensor: list[bool]


def _zeros(meta: Any) -> Tensor:
    import flambeau

    shape, d, where = meta
    return flambeau.zeros(shape, dtype=d, device=where)  # type: ignore[no-any-return]


class _FunctionMeta(type):
    """Gives every Function its node class."""

    def __init__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> None:
        super().__init__(name, bases, space)
        cls._backward_cls = type(f"{name}Backward", (BackwardCFunction,), {"_forward_cls": cls})
        cls._backward_cls.__module__ = "torch.autograd.function"


class Function(metaclass=_FunctionMeta):
    """Base of operations with a derivative of their own.

    forward(ctx, *args), or forward(*args) with setup_context(ctx, inputs, output); backward(ctx, *grads).
    """

    __module__ = "torch.autograd.function"
    _backward_cls: type[BackwardCFunction]
    generate_vmap_rule = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            "function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Fill the context, where forward takes none."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Gradients of the inputs from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record the call."""
        ctx: Any = object.__new__(cls._backward_cls)
        ctx.saved = ctx.versions = ctx.hooks = None
        ctx._is_tensor = [isinstance(a, Tensor) for a in args]
        edges = [node_of(a) for a in args if isinstance(a, Tensor)]
        ctx.edges = edges
        recording = state.enabled and any(e is not None for e in edges)
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and node_of(a) is not None for a in args)
        before = {id(a): version(a)[0] for a in args if isinstance(a, Tensor)}
        separate = cls.setup_context is not Function.setup_context
        previous, state.enabled = state.enabled, False
        try:
            result = cls.forward(*args, **kwargs) if separate else cls.forward(ctx, *args, **kwargs)
            if separate:
                cls.setup_context(ctx, args, result)
        finally:
            state.enabled = previous
        single = not isinstance(result, tuple)
        outputs = [result] if single else list(result)
        return _finish(ctx, args, outputs, single, recording, before)


def _finish(
    ctx: BackwardCFunction,
    args: Sequence[Any],
    outputs: list[Any],
    single: bool,
    recording: bool,
    before: dict[int, int],
) -> Any:
    """Give the outputs their history."""
    dirty = {id(t) for t in ctx.dirty_tensors}
    silent = {id(t) for t in ctx.non_differentiable}
    inputs = {id(a): a for a in args if isinstance(a, Tensor)}
    for t in ctx.dirty_tensors:
        if id(t) not in inputs:
            raise RuntimeError("mark_dirty only accepts input tensors")
    saved_ids = [id(t) for t in ctx.to_save if t is not None]
    wrapped = []
    for o in outputs:
        if isinstance(o, Tensor) and recording and id(o) in inputs and id(o) not in dirty:
            twin = _view_of(o)  # an input handed on is a view of it
            if id(o) in saved_ids:
                ctx.to_save = tuple(t for t in ctx.to_save)
            o = twin
        wrapped.append(o)
    ctx.seq = sequence()
    ctx.__class__ = _with_outputs(type(ctx), len(wrapped))
    ctx._output_meta = [
        (shape_of(o), o.dtype, o.device) if isinstance(o, Tensor) and o.dtype.category >= FLOATING else None
        for o in wrapped
    ]
    first = next((o for o in wrapped if isinstance(o, Tensor)), None)
    ctx.shape = shape_of(first) if first is not None else ()
    ctx.dtype = first.dtype if first is not None else None  # type: ignore[assignment]
    if recording:
        for i, o in enumerate(wrapped):
            if not isinstance(o, Tensor) or id(o) in silent or o.dtype.category < FLOATING:
                continue
            if id(o) in dirty:
                if type(o._node) is AccumulateGrad:
                    raise RuntimeError(LEAF_IN_PLACE)
                if version(o)[0] == before.get(id(o)):
                    version(o)[0] += 1
            o._node = Pick(ctx, i, shape_of(o), o.dtype) if len(wrapped) > 1 else ctx
            if o._view is not None:
                o._view.seen = version(o)[0]
        ctx._keep(wrapped)
    return wrapped[0] if single else tuple(wrapped)


def _view_of(t: Tensor) -> Tensor:
    from flambeau.tensor import View, detached

    out = detached(t)
    out._view = View(t if t._view is None else t._view.base, "custom", None, version(t)[0])
    return out


_variants: dict[tuple[type, int], type] = {}


def _with_outputs(cls: type, count: int) -> type:
    """The node class for that many outputs."""
    if count == 1:
        return cls
    key = cls, count
    if key not in _variants:
        made = type(cls.__name__, (cls,), {"outputs": count})
        made.__module__ = cls.__module__
        _variants[key] = made
    return _variants[key]


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator for a backward that cannot itself be differentiated: doing so raises RuntimeError."""

    @functools.wraps(function)
    def wrapper(ctx: Any, *args: Any) -> Any:
        recording = state.enabled
        previous, state.enabled = state.enabled, False
        try:
            outputs = function(ctx, *args)
        finally:
            state.enabled = previous
        if not recording or not any(isinstance(a, Tensor) and node_of(a) is not None for a in args):
            return outputs
        many = outputs if isinstance(outputs, tuple) else (outputs,)
        marked = tuple(_refusing(o) for o in many)
        return marked if isinstance(outputs, tuple) else marked[0]

    return wrapper


class DelayedError(Node):
    """Raises when it is run backward."""

    __module__ = "torch.autograd.function"
    raw = False

    def apply(self, gradient: Any, create_graph: bool) -> Sequence[Any]:
        """Raise RuntimeError."""
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def _refusing(t: Any) -> Any:
    if not isinstance(t, Tensor):
        return t
    out = t.detach()
    n = DelayedError.__new__(DelayedError)
    n.edges, n.saved, n.versions, n.hooks = (), None, None, None
    n.seq, n.shape, n.dtype = sequence(), shape_of(out), out.dtype
    out._node = n
    return out


export("Function", Function, "autograd")

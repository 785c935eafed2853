"""Operation: what a declaration becomes.

An operation's body checks its arguments and answers with a `Launch`: which kernel inputs, and the shape and dtype of
the result, all without looking at data. The operation then runs the kernel of the device at hand (on `meta` there is
none to run), and records. Composite operations answer with finished tensors instead.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from flambeau import overrides
from flambeau.binding import Binder
from flambeau.cuda.body import Body
from flambeau.recording import OpNode, attach, camel, joint
from flambeau.running import Launch, on_copy
from flambeau.signatures import Parser, not_a_tensor
from flambeau.tensor import Tensor
from flambeau.writing import Writer

__all__ = ["OPERATIONS", "Launch", "OpNode", "Operation", "attach", "joint"]

OPERATIONS: dict[str, Operation] = {}


def _bound_names(parser: Parser) -> list[list[str]]:
    """Argument names by signature; an overload's `self`, a number, stands where the others have `input`."""
    return [["input" if p.name == "self" else p.name for p in s.parameters] for s in parser.signatures]


class Operation(Writer):
    """One operation of PyTorch: its signatures, body, kernels by device, derivative rules and documentation."""

    form = "primitive"
    # whether the body itself writes to out= (random operations draw straight into it)
    takes_out = False
    # body of the elementwise kernel: an expression, or what `flambeau.cuda.body` describes; None for other operations
    cuda: str | Body | None = None
    # schemas that the function alone has
    function_only: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        schemas: Sequence[str],
        body: Callable[..., Any],
        *,
        kernels: Mapping[str, Callable[..., Any]] | None = None,
        update: Callable[..., Any] | None = None,
        grad: Any = None,
        tensors: Sequence[str] | None = None,
        outputs: Sequence[str] = ("out",),
        differentiable: int | None = None,
        moves: bool = False,
        raw: bool = False,
        node: str | None = None,
        results: type | None = None,
    ) -> None:
        self.name = name
        self.body = body
        # a body with a parameter `out` looks at out= (whose dtype may decide the result's) without writing to it
        self.sees_out = "out" in inspect.signature(body).parameters
        self.results = results
        self.kernels = dict(kernels or {})
        self.update = update
        if update is not None:
            self.kernels.setdefault("cpu", on_copy(update))
        self.moves = moves
        self.raw = raw
        self.doc = inspect.getdoc(body) or ""
        self.schemas = tuple(schemas)
        self.parser = Parser(name.rpartition(".")[2], *schemas) if schemas else None
        self.names = _bound_names(self.parser) if self.parser else []
        self.binder = Binder(self.parser, self.names) if self.parser else None
        self.method_binder: Binder | None = None
        self.inplace_binder: Binder | None = None
        self.method_parser: Parser | None = None
        self.method_names: list[list[str]] = []
        self.inplace_parser: Parser | None = None
        self.tensors = tuple(tensors) if tensors is not None else self._tensor_names()
        self.outputs = tuple(outputs)
        # outputs from this number on carry no gradient (indices)
        self.differentiable = len(self.outputs) if differentiable is None else differentiable
        self._set_rules(grad)
        self.node_name = node or f"{camel(name)}Backward0"
        self._node_classes: dict[str, type[OpNode]] = {}
        self.node_class = self.node_class_of(self.node_name)

    def _tensor_names(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for signature in self.parser.signatures if self.parser else ():
            for p in signature.parameters:
                if p.name != "out" and "Tensor" in p.type_name:
                    names[p.name] = None
        return tuple(names)

    def renamed(self, name: str, schemas: Sequence[str]) -> Self:
        """The operation under an alias, which speaks of itself in its errors but shares kernels, rules and nodes."""
        twin = copy.copy(self)
        twin.schemas = tuple(schemas)
        twin.parser = Parser(name, *schemas)
        twin.names = _bound_names(twin.parser)
        twin.binder = Binder(twin.parser, twin.names)
        return twin

    def call(self, front: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The function form: honour `__torch_function__`, bind, run, write to out= where asked."""
        if overrides.needed(args, kwargs):
            return overrides.handle(front, args, kwargs)
        index, values = self.parser.bind(args, kwargs)  # type: ignore[union-attr]
        return self.run_function(dict(zip(self.names[index], values, strict=True)))

    def run_function(self, bound: dict[str, Any]) -> Any:
        """Run on the bound arguments of the function form, `out` among them."""
        if self.takes_out:
            return self.run(bound)
        out = bound.pop("out", None)
        return self.run(bound) if out is None else self.run_out(bound, out)

    def call_method(
        self, front: Callable[..., Any], this: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """The method form."""
        if overrides.needed((this, *args), kwargs):
            return overrides.handle(front, (this, *args), kwargs)
        if not isinstance(this, Tensor):
            raise not_a_tensor(front.__name__, this)
        index, values = self.method_parser.bind(args, kwargs)  # type: ignore[union-attr]
        return self.run({self.first: this, **dict(zip(self.method_names[index], values, strict=True))})

    def call_inplace(
        self, front: Callable[..., Any], this: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """The in-place form."""
        if overrides.needed((this, *args), kwargs):
            return overrides.handle(front, (this, *args), kwargs)
        if not isinstance(this, Tensor):
            raise not_a_tensor(front.__name__, this)
        index, values = self.inplace_parser.bind(args, kwargs)  # type: ignore[union-attr]
        return self.run_inplace(this, dict(zip(self.method_names[index], values, strict=True)))

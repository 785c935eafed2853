"""Operation: what a declaration becomes.

An operation's body checks its arguments and answers with a `Launch`: which kernel inputs, and the shape and dtype of
the result, all without looking at data. The operation then runs the kernel of the device at hand (on `meta` there is
none to run), and records. Composite operations answer with finished tensors instead.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from flambeau import overrides, return_types
from flambeau.autograd.modes import state
from flambeau.autograd.node import Edge, Node, Pick, Saved, node_of, sequence, unpack
from flambeau.binding import Binder
from flambeau.cpu.casting import cast
from flambeau.cpu.copying import relaid
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import FLOATING, NATIVE_FLOAT, OF_NUMPY, complex32, dtype
from flambeau.errors import cannot_cast, warn_of_refused
from flambeau.geometry import Shape, contiguous_strides, copied_strides, elementwise_strides
from flambeau.inplace import (
    can_store,
    check_inplace,
    check_memory,
    check_no_overlap,
    set_history,
    warn_of_expanded,
    write_out,
)
from flambeau.overrides import PLAIN
from flambeau.return_types import StructSequence
from flambeau.signatures import Parser, not_a_tensor
from flambeau.size import CPU, META, device
from flambeau.tensor import (
    Memory,
    Tensor,
    bump,
    column_major,
    fresh,
    memory,
    row_major,
    shape_of,
    warn_of_complex_half,
    without_data,
)

if TYPE_CHECKING:
    from flambeau.viewing import Place

Rule = Callable[..., Any]
OPERATIONS: dict[str, Operation] = {}


class Launch:
    """What a body answers: kernel inputs (Tensors, numbers, None, or a list of Tensors), result shape and dtype.

    shape None says that it depends on the data. For several results shape and dtype are lists. node: the name of the
    autograd node where it is not the operation's own.
    """

    __slots__ = ("c_names", "compute", "device", "dtype", "inputs", "node", "params", "refusal", "shape", "target")

    def __init__(
        self,
        inputs: Sequence[Any],
        shape: Any,
        dtype: Any,
        /,
        *,
        node: str | None = None,
        device: device | None = None,
        compute: dtype | None = None,
        **params: Any,
    ) -> None:
        self.inputs = inputs
        self.shape = shape
        self.dtype = dtype
        self.node = node
        self.device = device
        self.compute = compute
        self.params = params
        # kernel in whose name the dtype is refused, once shapes and casts have been checked
        self.refusal: str | None = None
        # whether PyTorch calls dtypes by their C names where the result cannot be stored
        self.c_names = False
        # dtype of the tensor that the result is written to, where that is given
        self.target: dtype | None = None


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
    op: Operation
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

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_saved_"):
            names = ["self" if n == "input" else "result" if n == "out" else n for n in self.op.saved_names]
            if name[7:] in names:
                return unpack(self, True)[names.index(name[7:])]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def camel(name: str) -> str:
    """PyTorch's node name for an operation: `log_softmax` -> `LogSoftmax`."""
    return re.sub(r"(?:^|_)([a-z0-9])", lambda m: m.group(1).upper(), name.strip("_").replace(".", "_"))


def _bind_rule(rule: Rule, names: Sequence[str], index: Mapping[str, int], lead: int) -> Rule:
    """A rule that picks its own arguments from what the node saved; lead counts the arguments the engine gives."""
    picks = [index[n] for n in names]
    if lead == 2:
        return lambda g, needs, saved: rule(g, needs, *[saved[i] for i in picks])
    if not picks:
        return lambda g, saved: rule(g)
    if len(picks) == 1:
        (i,) = picks
        return lambda g, saved: rule(g, saved[i])
    if picks == list(range(len(index))):
        return lambda g, saved: rule(g, *saved)
    pick = itemgetter(*picks)
    return lambda g, saved: rule(g, *pick(saved))


def _argument_names(rule: Rule, lead: int) -> tuple[str, ...]:
    return tuple(inspect.signature(rule).parameters)[lead:]


def _bound_names(parser: Parser) -> list[list[str]]:
    """Argument names by signature; an overload's `self`, a number, stands where the others have `input`."""
    return [["input" if p.name == "self" else p.name for p in s.parameters] for s in parser.signatures]


class Operation:
    """One operation of PyTorch: its signatures, body, kernels by device, derivative rules and documentation."""

    form = "primitive"
    # whether the body itself writes to out= (random operations draw straight into it)
    takes_out = False
    # the error for an out= of another dtype than the result's, for operations that do not convert
    out_text: Callable[[dtype, dtype], str | None] | None = None
    # schemas that the function alone has
    function_only: tuple[str, ...] = ()
    # whether results are laid out as elementwise ones are
    iterated = False

    # of one input: whether an out= that is resized takes the result's strides, where that is not `iterated`
    layout_kept: Callable[[Any], bool] | None = None

    # of the bound arguments, the shape of out= and that of the result: the two that the warning of a resize names
    told: Callable[[Mapping[str, Any], Shape, Shape], tuple[Shape, Shape]] | None = None

    # whether the in-place form writes one value everywhere, so that an element named twice does no harm
    # (a text: with a warning; a function: for the tensors that it holds for)
    fills: bool | str | Callable[[Tensor], bool] = False
    # names of the nodes of overloads for a Python number in place of a tensor
    number_nodes: tuple[str | None, ...] = ()

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
            found = self._node_classes[name] = type(name, (OpNode,), space)
        return found

    # ------------------------------------------------------------------------------------------ calling

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

    @property
    def first(self) -> str:
        """Name of the argument that a method's self stands for."""
        return self.names[0][0] if self.names else self.tensors[0]

    def run(self, bound: dict[str, Any]) -> Any:
        """Run on bound arguments."""
        try:
            plan = self.body(**bound)
        except RuntimeError as error:
            warn_of_refused(error, bound)
            raise
        return self.launch(plan) if type(plan) is Launch else plan

    # ------------------------------------------------------------------------------------------ running

    def compute(self, plan: Launch, where: device) -> list[Any]:
        """Run the kernel: arrays in the results' storage dtypes."""
        kernel = self.kernels.get(where.type)
        if kernel is None:
            raise NotImplementedError(f"flambeau has no {where.type} kernel for {self.name}")
        token = enter(QUIET)
        try:
            arrays = self._operands(plan)
            results = kernel(*arrays, **plan.params)
            several = len(self.outputs) > 1 or type(plan.dtype) is list
            if not several:
                result = self._store(results, plan.dtype)
                return [self.laid_out(result, plan.inputs, plan.compute) if self.iterated else result]
            return [self._store(r, d) for r, d in zip(results, plan.dtype, strict=True)]
        finally:
            leave(token)

    def laid_out(self, result: Any, inputs: Sequence[Any], common: dtype | None = None) -> Any:
        """The result of an elementwise operation with the strides that PyTorch gives it.

        common: the dtype that the inputs are converted to; a converted expanded input counts as a dense one.
        """
        if result.ndim < 2:
            return result
        tensors = [t for t in inputs if isinstance(t, Tensor)]
        if result.flags.c_contiguous and all(row_major(t) for t in tensors):
            return result
        return relaid(result, self._strides(result.shape, tensors, common))

    @staticmethod
    def _strides(shape: Shape, inputs: Sequence[Any], common: dtype | None = None) -> Shape:
        operands = []
        for t in inputs:
            if isinstance(t, Tensor):
                own = memory(t)
                converted = common is not None and t._dtype is not common
                operands.append((own.shape, copied_strides(own.shape, own.strides) if converted else own.strides))
        return elementwise_strides(shape, tuple(operands)) if operands else contiguous_strides(shape)

    def _operands(self, plan: Launch) -> list[Any]:
        """What the kernel is given."""
        return [self._operand(t, plan.compute) for t in plan.inputs]

    def _operand(self, t: Any, compute: dtype | None) -> Any:
        if isinstance(t, Tensor):
            d = t._dtype
            if self.moves or d is compute is d.compute:
                return t._array
            if compute is None:
                return cast(t._array, d, d.compute)
            return cast(cast(t._array, d, compute), compute, compute.compute)
        if type(t) in (list, tuple):
            return [self._operand(x, compute) for x in t]
        return t

    @staticmethod
    def _store(result: Any, d: dtype) -> Any:
        if type(result) is not np.ndarray:
            result = np.asarray(result)
        if result.dtype is not d.numpy and result.dtype != d.numpy:
            result = cast(result, OF_NUMPY[result.dtype], d)
        return result

    def launch(self, plan: Launch) -> Any:
        """Compute, wrap and record."""
        where = plan.device or common_device(plan.inputs)
        shape, d = plan.shape, plan.dtype
        if where is CPU:
            try:
                arrays = self.compute(plan, where)
            except IndexError:
                if d is complex32:  # PyTorch has made its result by then
                    warn_of_complex_half()
                raise
            if type(d) is not list:
                outs = [fresh(arrays[0], d)]
            else:
                outs = [fresh(a, e) for a, e in zip(arrays, d, strict=True)]
        elif where == META:
            if shape is None:
                raise NotImplementedError(
                    f"{self.name}(): the result's shape depends on the data, which meta tensors do not have"
                )
            outs = (
                [without_data(shape, d, self._strides(shape, plan.inputs) if self.iterated else None)]
                if type(d) is not list
                else [without_data(s, e) for s, e in zip(shape, d, strict=True)]
            )
        else:
            raise NotImplementedError(f"flambeau has no {where.type} kernels yet")
        if state.enabled:
            self.record(plan, outs)
        if type(d) is not list:
            return outs[0]
        return tuple(outs) if self.results is None else self.results(outs)

    # ------------------------------------------------------------------------------------------ recording

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
                versions.append(0)
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

    # ------------------------------------------------------------------------------------------ in-place and out=

    def run_inplace(self, this: Tensor, bound: dict[str, Any]) -> Tensor:
        """Overwrite `this` with the result. Raises RuntimeError where PyTorch refuses."""
        check_inplace(this, bound.values())
        if self.form == "elementwise":  # these look at memory before they look at shapes
            check_memory(this, bound.values())
        plan = self.body(**{self.first: this, **bound})
        if type(plan) is not Launch:
            return overwrite(this, plan)
        inputs = plan.inputs
        fills = self.fills(this) if callable(self.fills) else self.fills
        if not fills and self.form != "elementwise":
            check_memory(this, inputs)
        elif type(fills) is str:
            warn_of_expanded(this, fills)
        if self.update is not None:
            for other in inputs[1:]:
                check_no_overlap(this, other)
        have = shape_of(this)
        if plan.shape != have:
            raise RuntimeError(f"output with shape {list(have)} doesn't match the broadcast shape {list(plan.shape)}")
        if not can_store(plan.dtype, this._dtype):
            cannot_cast(plan.dtype, this._dtype, plan.c_names)
        plan.target = this._dtype
        edges = self.edges(plan) if state.enabled and this._dtype.category >= FLOATING else None
        originals: dict[str, Any] = {}
        if edges is not None:
            needed = frozenset().union(*(self.needs[i] for i, e in enumerate(edges) if e is not None))
            key = next(k for k, t in zip(self.tensors, inputs, strict=False) if t is this)
            if key in needed:
                original = originals[key] = this.detach().clone()
                original._node = node_of(this)
        where = plan.device or common_device(inputs)
        if where is CPU and self.update is not None and (self.moves or this._dtype.compute is this._dtype):
            token = enter(QUIET)
            try:
                self.update(this._array, *[self._operand(t, plan.compute) for t in inputs[1:]], **plan.params)
            finally:
                leave(token)
        elif where is CPU:
            (result,) = self.compute(plan, where)
            this._array[...] = cast(result, plan.dtype, this._dtype)
        bump(this)
        if edges is not None:
            node = self.history(inputs, edges, this, plan=plan, outs=(this,), originals=originals)
            for key, t in zip(self.tensors, inputs, strict=False):
                if key not in self.saved_names or key in originals or not isinstance(t, Tensor):
                    continue
                if t._version_counter is this._version_counter and node.versions is not None:
                    node.versions[self.saved_names.index(key)] -= 1  # an operand that this update has changed
            set_history(this, node)
        return this

    def follows(self, bound: Mapping[str, Any]) -> bool:
        """Whether an out= that is resized takes the result's strides, given the bound arguments."""
        return self.iterated if self.layout_kept is None else self.layout_kept(bound["input"])

    def run_out(self, bound: dict[str, Any], out: Any) -> Any:
        """Run and write the result to `out`, resized where its shape differs."""
        given = list(out) if isinstance(out, tuple | list) else [out]
        if state.enabled:
            tensors = [t for v in bound.values() for t in (v if isinstance(v, tuple | list) else (v,))]
            if any(isinstance(t, Tensor) and node_of(t) is not None for t in [*tensors, *given]):
                raise RuntimeError(
                    f"{self.parser.name}(): functions with out=... arguments don't support automatic "  # type: ignore[union-attr]
                    "differentiation, but one of the arguments requires grad."
                )
        previous, state.enabled = state.enabled, False
        if self.sees_out:
            bound["out"] = out
        try:
            results = self.run(bound)
        finally:
            state.enabled = previous
        made = list(results) if isinstance(results, tuple) else [results]
        for target, result in zip(given, made, strict=True):
            if self.out_text is not None and target._dtype is not result._dtype:
                message = self.out_text(result._dtype, target._dtype)
                if message is not None:
                    raise RuntimeError(message)
            told = None if self.told is None else self.told(bound, shape_of(target), shape_of(result))
            write_out(target, result, self.follows(bound), told)
        if isinstance(results, StructSequence):
            return getattr(return_types, f"{type(results).__name__}_out")(given)
        return out if not isinstance(results, tuple) or isinstance(out, tuple) else tuple(given)


def on_copy(update: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel from one that updates its first array: it updates a row-major copy."""

    def kernel(x: Any, *rest: Any, **params: Any) -> Any:
        x = np.array(x, order="C")
        update(x, *rest, **params)
        return x

    return kernel


def common_device(inputs: Sequence[Any]) -> device:
    """The one device of all tensors. Raises RuntimeError for two, 0-dim CPU tensors apart."""
    found: device | None = None
    for t in inputs:
        if isinstance(t, Tensor):
            if t._array is not None and (found is None or found is CPU):
                found = CPU
            elif t._array is None or found is not CPU:
                where = t.device
                if found is None or where == found:
                    found = where
                else:
                    host = (
                        t if where is CPU else next(x for x in inputs if isinstance(x, Tensor) and x._array is not None)
                    )
                    if shape_of(host) != ():
                        raise RuntimeError(
                            f"Expected all tensors to be on the same device, but found at least two devices, "
                            f"{found} and {where}!"
                        )
                    found = found if found is not CPU else where
        elif type(t) in (list, tuple):
            nested = [x for x in t if isinstance(x, Tensor)]
            if nested:
                where = common_device(nested)
                if found is None:
                    found = where
                elif where != found:
                    raise RuntimeError(
                        "Expected all tensors to be on the same device, but found at least two devices, "
                        f"{found} and {where}!"
                    )
    return found or CPU


def overwrite(this: Tensor, result: Tensor) -> Tensor:
    """The in-place form of a composite operation: copy the result over."""
    have, made = shape_of(this), shape_of(result)
    if have != made:
        raise RuntimeError(f"output with shape {list(have)} doesn't match the broadcast shape {list(made)}")
    if not can_store(result._dtype, this._dtype):
        cannot_cast(result._dtype, this._dtype)
    return this.copy_(result)


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

"""The forms in which operations are declared.

`elementwise`  NumPy function, CUDA body, promotion, one derivative rule an input.
`primitive`    a body that answers with a `Launch`, kernels by device, derivative rules.
`view`         a body that answers with a `Place` (shape, strides, offset): the result shares memory.
`composite`    a plain function over other fronts.

Each gives the function, and where asked the method, the in-place method (`add_`), `out=`, argument parsing with
PyTorch's error texts, and the documentation. Schemas are written as PyTorch prints them (see `flambeau.signatures`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

from flambeau import overrides
from flambeau.binding import Binder
from flambeau.cuda.body import Body
from flambeau.dtypes import DTYPES, dtype, mask
from flambeau.elementwise import SAME, Elementwise
from flambeau.fronts import (
    ElementwiseFront,
    F,
    Front,
    Function,
    R,
    fast_forms,
    function_form,
    inplace_form,
    inplace_function_form,
    method_form,
    name_form,
)
from flambeau.operation import OPERATIONS, Launch, Operation
from flambeau.pinning import without_pinning
from flambeau.signatures import Parser
from flambeau.tensor import Tensor

ANY = mask(*DTYPES)
# namespace ("" is torch itself) -> public name -> what stands there
NAMESPACES: dict[str, dict[str, Any]] = {}


def export(name: str, value: Any, namespace: str = "") -> Any:
    """Put something into a public namespace. Raises ValueError if the name is taken."""
    table = NAMESPACES.setdefault(namespace, {})
    if name in table:
        raise ValueError(f"{namespace or 'torch'}.{name} is declared twice")
    table[name] = value
    return value


def install(
    op: Operation,
    *,
    function: bool = True,
    method: bool = True,
    inplace: bool = False,
    inplace_function: bool | Sequence[str] = False,
    namespace: str = "",
    aliases: Sequence[str] | Mapping[str, Sequence[str]] = (),
    name: str | None = None,
    shortcut: Function | None = None,
) -> Any:
    """Make the public forms of an operation and put them where PyTorch has them. Returns the function form.

    shortcut: the fast path, asked first where all arguments are positional (any number, of any type), or always if it
    takes any keywords; it answers None where the general way has to be taken.

    inplace: also the method `name_`; inplace_function: also `torch.name_`, for all names or those listed.
    aliases: further names, with schemas of their own where those differ.
    """
    public = name or op.name.rpartition(".")[2]
    if op.name in OPERATIONS:
        raise ValueError(f"{op.name} is declared twice")
    OPERATIONS[op.name] = op
    forms: dict[str, Any] = {
        "function": function, "method": method, "inplace": inplace, "namespace": namespace, "shortcut": shortcut,
    }  # fmt: skip
    listed = inplace_function if isinstance(inplace_function, Sequence) else None
    made = _install(op, public, inplace_function=public in listed if listed else bool(inplace_function), **forms)
    for alias in aliases:
        schemas = (
            aliases[alias] if isinstance(aliases, Mapping) else [f"{alias}{s[s.index('(') :]}" for s in op.schemas]
        )
        has_function = alias in listed if listed else bool(inplace_function)
        _install(op.renamed(alias, schemas), alias, inplace_function=has_function, **forms)
    return made


def _install(
    op: Operation, public: str, *, function: bool, method: bool, inplace: bool, inplace_function: bool, namespace: str,
    shortcut: Function | None,
) -> Any:  # fmt: skip
    """The forms of one name."""
    if method or inplace or inplace_function:
        shared = [s for s in op.schemas if s not in op.function_only]
        op.method_parser = Parser(public, *shared, method=True)
        op.method_names = [[p.name for p in s.parameters] for s in op.method_parser.signatures]
        op.method_binder = Binder(op.method_parser, op.method_names)
    made: Any
    bound: Any
    if isinstance(op, Elementwise) and len(op.tensors) in (1, 2) and op.native:
        made, bound, made.fast = fast_forms(op)
    else:
        made = function_form(op, shortcut)
        bound = method_form(op, shortcut) if method or inplace or inplace_function else made
    name_form(made, public, op.doc)
    made.op = bound.op = op
    made.run = op.run
    if function:
        export(public, made, namespace)
    if method:
        made.method = bound
        setattr(Tensor, public, name_form(bound, public, op.doc, "Tensor"))
    if inplace or inplace_function:
        op.inplace_parser = Parser(f"{public}_", *[f"{public}_{s[s.index('(') :]}" for s in shared], method=True)
        op.inplace_binder = Binder(op.inplace_parser, op.method_names)
        doc = f"In-place form of `{public}`."
        updating = name_form(inplace_form(op), f"{public}_", doc, "Tensor")
        made.inplace = updating
        if inplace:
            setattr(Tensor, f"{public}_", updating)
        if inplace_function:
            export(
                f"{public}_", name_form(inplace_function_form(op, f"{public}_", updating), f"{public}_", doc), namespace
            )
    return made


def elementwise(
    *schemas: str,
    numpy: Callable[..., Any],
    cuda: str,
    fast: Callable[..., Any] | None = None,
    grad: Any = None,
    promote: str = SAME,
    accept: int = ANY,
    refusal: str | None = None,
    native: int | None = None,
    check: Callable[..., Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
    tensors: Sequence[str] | None = None,
    raw: bool = True,
    node: str | tuple[str, ...] | None = None,
    opmath: bool = False,
    out_text: Callable[[dtype, dtype], str | None] | None = None,
    layout_kept: Callable[[Any, Any], bool] | None = None,
    **where: Any,
) -> Callable[[Function], ElementwiseFront]:
    """Declare an elementwise operation.

    numpy: called with arrays in the compute dtype, parameters by name. fast: the same with default parameters, for the
    fast path. cuda: expression over x, y, z (the tensor arguments in order) and the parameters. grad: one rule an
    input (a tuple), or one alone; a rule's argument names say what is saved ("out" is the result). promote: SAME,
    INT_TO_FLOAT, TO_BOOL or TO_REAL. accept: mask of common dtypes, others are refused in the name of kernel
    `refusal`. native: mask of dtypes whose arrays `numpy` answers uncast (fast path). check: called with the bound
    arguments, raises; may answer with what they change, a mapping with keys among promote, common (dtype), accept,
    refusal, c_names, out_text and node. raw: rules run on ndarrays too. node: PyTorch's name of the node; a tuple
    where overloads for numbers differ: (tensors, second is a number, first is a number). opmath: numbers, and a
    single operand that is the second of two, are not rounded to half. out_text: the error for an out= of another dtype
    than the result's, where PyTorch does not convert. layout_kept: of the input and out=, whether an out= that is
    resized follows the input's strides. where: see `install`.
    """

    def declare(body: Function) -> Any:
        name = schemas[0].partition("(")[0]
        op = Elementwise(
            where.pop("full_name", name), schemas, body, numpy=numpy, fast=fast, cuda=cuda, promote=promote,
            accept=accept,
            refusal=refusal, native=native, check=check, grad=grad, tensors=tensors, raw=raw, node=node, opmath=opmath,
        )  # fmt: skip
        op.defaults.update(defaults or {})
        op.out_text, op.layout_kept = out_text, layout_kept
        # three tensors, none of them optional: addcmul, addcdiv, lerp
        parameters = {p.name: p for p in op.parser.signatures[0].parameters}  # type: ignore[union-attr]
        op.ternary = len(op.tensors) == 3 and not any(parameters[n].allow_none for n in op.tensors)
        return install(op, **where)

    return declare


def primitive(
    *schemas: str,
    cpu: Callable[..., Any] | None = None,
    update: Callable[..., Any] | None = None,
    grad: Any = None,
    tensors: Sequence[str] | None = None,
    outputs: Sequence[str] = ("out",),
    differentiable: int | None = None,
    moves: bool = False,
    raw: bool = False,
    node: str | None = None,
    results: type | None = None,
    out_text: Callable[[dtype, dtype], str] | None = None,
    iterated: bool = False,
    fills: bool | str | Callable[[Tensor], bool] = False,
    sequential: bool = False,
    apart: Callable[..., None] | None = None,
    function_only: Sequence[str] = (),
    cuda: Body | None = None,
    **where: Any,
) -> Callable[[Callable[..., Launch]], Front[Tensor]]:
    """Declare an operation by a body that answers with a `Launch`.

    cpu: kernel, called with the inputs' arrays (in their compute dtype; as stored where `moves`) and the Launch's
    parameters. update: in place of cpu, a kernel that changes its first array, which has the result's shape and dtype,
    and checks everything before it does. grad: a rule for the first tensor, a tuple, a mapping by argument name, or
    `joint(rule)`. tensors: argument names of the Launch's inputs, where the schema does not say it. outputs: names of
    the results; differentiable: how many of them carry gradients; results: the named tuple they come in
    (`flambeau.return_types`). raw: rules run on ndarrays too. A body with a parameter `out` is shown the tensors given
    as out=. iterated: the result is laid out as elementwise ones are. out_text: the error for an out= of another dtype
    than the result's, where PyTorch does not convert (called with both dtypes, e.g. `errors.structured_out`). fills:
    may write to expanded tensors; a string is what PyTorch then warns of. sequential: `update` may read what it writes,
    element by element. apart: what must not share memory with the tensor that an `update` writes to, where that is not
    every operand (called with it and the Launch). function_only: further schemas, which the methods do not have. cuda:
    the kernel's body, where each element of the result comes from the inputs' elements at the same place.
    """

    def declare(body: Callable[..., Launch]) -> Any:
        name = schemas[0].partition("(")[0]
        op = Operation(
            where.pop("full_name", name), (*schemas, *function_only), body, kernels={"cpu": cpu} if cpu else {},
            update=update, grad=grad, tensors=tensors, outputs=outputs, differentiable=differentiable,
            moves=moves, raw=raw, node=node,
            results=results,
        )  # fmt: skip
        op.function_only = tuple(function_only)
        op.out_text = out_text
        op.iterated = iterated
        op.fills = fills
        op.sequential = sequential
        if apart is not None:
            op.apart = apart
        op.cuda = cuda
        return install(op, **where)

    return declare


def several(*schemas: str, outputs: Sequence[str], **declared: Any) -> Callable[[Callable[..., Launch]], Front[Any]]:
    """Declare an operation with several results, named by outputs; see `primitive`."""
    return primitive(*schemas, outputs=outputs, **declared)


def composite(
    *schemas: str, takes_out: bool = False, out_text: Callable[[dtype, dtype], str] | None = None, **where: Any
) -> Callable[[Callable[..., R]], Front[R]]:
    """Declare an operation as a plain function over other operations.

    takes_out: the body is handed `out`. out_text: see `primitive`. where: see `install`.
    """

    def declare(body: Callable[..., R]) -> Any:
        name = schemas[0].partition("(")[0]
        run = without_pinning(body) if any("pin_memory" in s for s in schemas) else body
        op = Operation(where.pop("full_name", name), schemas, run, tensors=())
        op.form = "composite"
        op.takes_out = takes_out
        op.out_text = out_text
        return install(op, **where)

    return declare


def internal(
    *,
    tensors: Sequence[str],
    cpu: Callable[..., Any] | None = None,
    name: str | None = None,
    cuda: Body | None = None,
    **rest: Any,
) -> Callable[[Callable[..., Launch]], Front[Tensor]]:
    """Declare an operation that has no public name: called by bodies and rules with plain positional arguments."""

    def declare(body: Callable[..., Launch]) -> Any:
        op = Operation(name or body.__name__, (), body, kernels={"cpu": cpu} if cpu else {}, tensors=tensors, **rest)
        op.cuda = cuda
        OPERATIONS[op.name] = op

        @functools.wraps(body)
        def front(*args: Any, **kwargs: Any) -> Any:
            return op.launch(body(*args, **kwargs))

        made: Any = front
        made.op = op
        return made

    return declare


@overload
def python_function(function: F, *, namespace: str = ..., method: bool = ..., aliases: Sequence[str] = ...) -> F: ...
@overload
def python_function(
    function: None = None, *, namespace: str = ..., method: bool = ..., aliases: Sequence[str] = ...
) -> Callable[[F], F]: ...
def python_function(
    function: Function | None = None, *, namespace: str = "", method: bool = False, aliases: Sequence[str] = ()
) -> Any:
    """Export a function that PyTorch too writes in Python: Python itself parses its arguments."""

    def declare(body: Function) -> Function:
        @functools.wraps(body)
        def front(*args: Any, **kwargs: Any) -> Any:
            if overrides.needed(args, kwargs):
                return overrides.handle(front, args, kwargs)
            return body(*args, **kwargs)

        front.__module__ = "torch"
        for n in (body.__name__, *aliases):
            export(n, front, namespace)
            if method:
                setattr(Tensor, n, front)
        return front

    return declare if function is None else declare(function)

"""The forms in which an operation is called: function, method, in-place method, each with its fast path in front."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from flambeau import overrides
from flambeau.elementwise import Elementwise
from flambeau.fast_fronts import binary_front, inplace_front, ternary_inplace_front, unary_front
from flambeau.operation import Operation
from flambeau.overrides import PLAIN
from flambeau.signatures import Parser
from flambeau.tensor import Tensor

R_co = TypeVar("R_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")
Function = Callable[..., Any]


class Front(Protocol[R_co]):
    """The function form of an operation; what else it is called by hangs on it."""

    __name__: str
    __wrapped__: Callable[..., Any]

    @property
    def op(self) -> Operation: ...
    @property
    def run(self) -> Callable[[dict[str, Any]], R_co]:
        """The operation of bound arguments, by name."""

    method: Callable[..., Any]
    inplace: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> R_co: ...


class ElementwiseFront(Front[Tensor], Protocol):
    """The function form of an elementwise operation."""

    @property
    def op(self) -> Elementwise: ...

    # the method, without a look at keywords
    fast: Callable[..., Any]


def name_form(front: F, name: str, doc: str, owner: str = "") -> F:
    """Give a form the name, owner and documentation that PyTorch's has."""
    front.__name__ = name
    front.__qualname__ = f"{owner}.{name}" if owner else name
    front.__doc__ = doc
    front.__module__ = "torch"
    return front


def takes_keywords(shortcut: Function | None) -> bool:
    """Whether a shortcut is asked about calls with keywords too: it takes any."""
    if shortcut is None:
        return False
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(shortcut).parameters.values())


def function_form(op: Operation, shortcut: Function | None = None) -> Function:
    """The function form."""
    bind, run = op.binder.bind, op.run_function  # type: ignore[union-attr]

    def front(*args: Any, **kwargs: Any) -> Any:
        bound = bind(args, kwargs)
        return op.call(front, args, kwargs) if bound is None else run(bound)

    named = takes_keywords(shortcut)

    def short_front(*args: Any, **kwargs: Any) -> Any:
        if named or not kwargs:
            found = shortcut(*args, **kwargs) if kwargs else shortcut(*args)  # type: ignore[misc]
            if found is not None:
                return found
        bound = bind(args, kwargs)
        return op.call(short_front, args, kwargs) if bound is None else run(bound)

    return front if shortcut is None else short_front


def method_form(op: Operation, shortcut: Function | None = None) -> Function:
    bind, run, first = op.method_binder.bind, op.run, op.first  # type: ignore[union-attr]

    def front(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if type(self) in PLAIN:
            bound = bind(args, kwargs)
            if bound is not None:
                bound[first] = self
                return run(bound)
        return op.call_method(front, self, args, kwargs)

    named = takes_keywords(shortcut)

    def short_front(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if named or not kwargs:
            found = shortcut(self, *args, **kwargs) if args or kwargs else shortcut(self)  # type: ignore[misc]
            if found is not None:
                return found
        if type(self) in PLAIN:
            bound = bind(args, kwargs)
            if bound is not None:
                bound[first] = self
                return run(bound)
        return op.call_method(short_front, self, args, kwargs)

    return front if shortcut is None else short_front


def fast_forms(op: Elementwise) -> tuple[Function, Function, Function]:
    """Function and method with the fast path in front; and the method that looks at no keywords."""

    def slow_function(*args: Any) -> Any:
        return op.call(function, args, {})

    def slow_method(self: Tensor, *args: Any) -> Any:
        return op.call_method(method, self, args, {})

    count = len(op.tensors)
    make = unary_front if count == 1 else binary_front
    fast: Function = make(op, slow_function)
    fast_method: Function = make(op, slow_method)

    if count == 1:

        def function(*args: Any, **kwargs: Any) -> Any:
            if not kwargs and len(args) == 1 and type(args[0]) in PLAIN:
                return fast(args[0])
            return op.call(function, args, kwargs)

        def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            if not kwargs and not args and type(self) in PLAIN:
                return fast_method(self)
            return op.call_method(method, self, args, kwargs)

    else:

        def function(*args: Any, **kwargs: Any) -> Any:
            if not kwargs and len(args) == 2 and type(args[0]) in PLAIN:
                return fast(*args)
            return op.call(function, args, kwargs)

        def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            if not kwargs and len(args) == 1:
                return fast_method(self, args[0])
            return op.call_method(method, self, args, kwargs)

    return function, method, fast_method


def inplace_form(op: Operation) -> Function:
    if isinstance(op, Elementwise) and len(op.tensors) in (1, 2) and op.native:
        return _fast_inplace(op)
    if isinstance(op, Elementwise) and op.ternary:
        return _fast_ternary_inplace(op)

    bind, run = op.inplace_binder.bind, op.run_inplace  # type: ignore[union-attr]

    def front(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if type(self) in PLAIN:
            bound = bind(args, kwargs)
            if bound is not None:
                return run(self, bound)
        return op.call_inplace(front, self, args, kwargs)

    return front


def _fast_ternary_inplace(op: Elementwise) -> Function:
    """The in-place method of three operands with the fast path in front."""

    def slow(self: Tensor, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return op.call_inplace(front, self, args, kwargs)

    fast = ternary_inplace_front(op, slow)

    def front(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return fast(self, args, kwargs) if len(args) == 2 else slow(self, args, kwargs)

    return front


def _fast_inplace(op: Elementwise) -> Function:
    """The in-place method with the fast path in front."""
    count = len(op.tensors) - 1
    has_alpha = op.params == ("alpha",)

    def slow(self: Tensor, other: Any, alpha: Any) -> Any:
        kwargs = {} if type(alpha) is int and alpha == 1 else {"alpha": alpha}
        return op.call_inplace(front, self, (other,) if count else (), kwargs)

    fast = inplace_front(op, slow)

    def front(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if len(args) == count and type(self) in PLAIN:
            if not kwargs:
                return fast(self, *args)
            if has_alpha and len(kwargs) == 1 and "alpha" in kwargs:
                return fast(self, args[0], kwargs["alpha"])
        return op.call_inplace(front, self, args, kwargs)

    return front


def inplace_function_form(op: Operation, name: str, method: Function) -> Function:
    """`torch.name_`: the in-place method as a function."""
    without_out = [re.sub(r", (?:[*], )?Tensor out=None[)]", ")", s[s.index("(") :]) for s in op.schemas]
    parser = Parser(name, *[f"{name}{s}" for s in without_out])

    def front(*args: Any, **kwargs: Any) -> Any:
        if not kwargs and args and type(args[0]) in PLAIN:
            return method(*args)
        if overrides.needed(args, kwargs):
            return overrides.handle(front, args, kwargs)
        index, values = parser.bind(args, kwargs)
        bound = dict(zip([p.name for p in parser.signatures[index].parameters], values, strict=True))
        return op.run_inplace(bound.pop(op.first), bound)

    return front

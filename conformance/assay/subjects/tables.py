"""What adapters by table share: an operation is a function with PyTorch's own parameter names.

An adapter gives a table {"sum": function, ...} by the operation's name, as in the catalogue. Function and method of an
operation are that function, its operator is Python's; in-place forms and `out=` are missing. Operations that are alike
are made alike, by `spread` and `Conventions`.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from assay.subjects.adapter import Adapter

#: What Python's operators are called as operations.
OPERATORS = {
    "getitem": "__getitem__",
    "truediv": "div",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "and_": "bitwise_and",
    "or_": "bitwise_or",
    "xor": "bitwise_xor",
    "invert": "bitwise_not",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
    "pos": "positive",
}


class TableAdapter(Adapter):
    """A library whose operations stand in a table.

    operations: by name. dtypes: PyTorch's name -> the library's dtype. Gradients of a library without a graph come
    from `call`; what `grad` is asked for was differentiated there.
    """

    operations: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    dtypes: ClassVar[Mapping[str, Any]] = {}
    views = False
    writable = False

    def reset(self, seed: int, default_dtype: str) -> None:
        if default_dtype != "float32":
            raise NotImplementedError(f"the default dtype {default_dtype}")

    def reset_printing(self) -> None:
        """Text is not claimed."""

    def named(self, path: str) -> Any:
        name = path.removeprefix("torch.")
        if name not in self.dtypes:
            raise NotImplementedError(path)
        return self.dtypes[name]

    def function(self, path: str) -> Callable[..., Any]:
        name = path.removeprefix("torch.")
        if name not in self.operations:
            raise AttributeError(path)
        return _offering(self.operations[name])

    def operator(self, name: str) -> Callable[..., Any]:
        if OPERATORS.get(name, name) not in self.operations:
            raise AttributeError(name)
        return super().operator(name)

    def method(self, name: str, args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.function(name), args

    def generator(self, *seed: int) -> Any:
        raise NotImplementedError("random generators")

    def random_digest(self, generators: Sequence[Any]) -> str:
        """The same always: there is no generator whose state could tell."""
        return ""

    def stride(self, tensor: Any) -> None:
        return None

    def offset(self, tensor: Any) -> None:
        return None

    def kind(self, tensor: Any) -> str:
        return "Tensor"


def _offering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; arguments that its signature does not offer are lacking, not refused."""
    signature = inspect.signature(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise NotImplementedError(f"so called: {error}") from error
        return function(*args, **kwargs)

    return call


def spread(names: str, make: Callable[[str], Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """A table of operations that are made alike; "torch_name=own_name" where the names differ."""
    pairs = (name.partition("=")[::2] for name in names.split())
    return {name: make(own or name) for name, own in pairs}


def substituted(value: Any, old: Sequence[Any], new: Sequence[Any]) -> Any:
    """An argument with some of its tensors, known by identity, replaced."""
    for before, after in zip(old, new, strict=True):
        if value is before:
            return after
    if isinstance(value, tuple | list):
        return type(value)(substituted(v, old, new) for v in value)
    return value


def sizes(*given: Any) -> tuple[int, ...]:
    """f(2, 3) and f((2, 3)) as (2, 3)."""
    return tuple(gathered(*given))


def listed(dim: Any) -> Any:
    """A dim or several; PyTorch takes lists where others want tuples."""
    return tuple(dim) if isinstance(dim, list) else dim


def reduced(dim: Any) -> Any:
    """The dims of a reduction, of which none are all."""
    return None if dim is None or listed(dim) == () else listed(dim)


def positional(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> tuple[int, ...]:
    """The sizes or dims of f(1, 2), f((1, 2)) and f(name=(1, 2)). Raises NotImplementedError for other keywords."""
    if set(named) - {name} or bool(named) == bool(given):
        raise NotImplementedError(f"so called: {given}, {dict(named)}")
    return sizes(*(given or (named[name],)))


def gathered(*given: Any) -> Any:
    """f(a, b) and f([a, b]) as (a, b)."""
    return given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given


def record(name: str, *fields: str) -> Callable[..., Any]:
    """A named tuple as PyTorch returns it."""
    return namedtuple(name, fields)


@dataclass(frozen=True, slots=True)
class Conventions:
    """Makes functions with PyTorch's parameters out of a library's own, each by its name there.

    find: the library's function of a name, looked up at the call, so that what a release lacks is missing. keepdim,
    correction: what the library calls these; a tensor comes first and an axis is `axis` in every library known.
    """

    find: Callable[[str], Callable[..., Any]]
    keepdim: str = "keepdim"
    correction: str = "correction"

    def unary(self, own: str) -> Callable[..., Any]:
        """f(input)"""
        return lambda input: self.find(own)(input)

    def binary(self, own: str) -> Callable[..., Any]:
        """f(input, other)"""
        return lambda input, other: self.find(own)(input, other)

    def scaled(self, own: str) -> Callable[..., Any]:
        """f(input, other, alpha=1), the library's f with alpha · other"""

        def scaled(input: Any, other: Any, *, alpha: Any = 1) -> Any:
            return self.find(own)(input, other if alpha == 1 else other * alpha)

        return scaled

    def activation(self, own: str) -> Callable[..., Any]:
        """f(input, inplace=False)"""

        def activation(input: Any, inplace: bool = False) -> Any:
            if inplace:
                raise NotImplementedError("inplace=True")
            return self.find(own)(input)

        return activation

    def reduction(self, own: str) -> Callable[..., Any]:
        """f(input, dim=None, keepdim=False), where no dims are all"""

        def reduction(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
            return self.find(own)(input, axis=reduced(dim), **{self.keepdim: keepdim})

        return reduction

    def typed_reduction(self, own: str) -> Callable[..., Any]:
        """f(input, dim=None, keepdim=False, dtype=None), where no dims are all"""

        def reduction(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
            typed = {} if dtype is None else {"dtype": dtype}
            return self.find(own)(input, axis=reduced(dim), **{self.keepdim: keepdim}, **typed)

        return reduction

    def truth(self, own: str) -> Callable[..., Any]:
        """f(input, dim=None, keepdim=False), where no dims are none"""

        def truth(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
            return self.find(own)(input, axis=listed(dim), **{self.keepdim: keepdim})

        return truth

    def deviation(self, own: str) -> Callable[..., Any]:
        """f(input, dim=None, correction=1, keepdim=False) and f(input, dim, unbiased, keepdim)"""

        def deviation(
            input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
        ) -> Any:
            if isinstance(dim, bool):
                dim, unbiased = None, dim
            if correction is None:
                correction = 1 if unbiased is None else int(unbiased)
            return self.find(own)(input, axis=reduced(dim), **{self.correction: correction, self.keepdim: keepdim})

        return deviation

    def extreme(self, own: str, of_two: str) -> Callable[..., Any]:
        """f(input), f(input, other) by the library's `of_two`, and f(input, dim, keepdim=False) with indices by its
        "argmax" or "argmin" """
        pair = record(own, "values", "indices")

        def extreme(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
            if dim is None:
                return self.find(own)(input)
            if not isinstance(dim, int):
                return self.find(of_two)(input, dim)
            how = {"axis": dim, self.keepdim: keepdim}
            return pair(self.find(own)(input, **how), self.find("arg" + own)(input, **how))

        return extreme

    def place(self, own: str) -> Callable[..., Any]:
        """f(input, dim=None, keepdim=False), of one dim"""
        return lambda input, dim=None, keepdim=False: self.find(own)(input, axis=dim, **{self.keepdim: keepdim})

    def bent(self, own: str, default: float) -> Callable[..., Any]:
        """f(input, alpha=default, inplace=False), an activation with one parameter"""

        def bent(input: Any, alpha: Any = default, inplace: bool = False) -> Any:
            if inplace:
                raise NotImplementedError("inplace=True")
            return self.find(own)(input, alpha)

        return bent

    def along(self, own: str) -> Callable[..., Any]:
        """f(input, dim)"""
        return lambda input, dim: self.find(own)(input, axis=dim)

    def softmax(self, own: str, cast: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        """f(input, dim, dtype=None); cast: of a tensor to a dtype"""

        def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
            return self.find(own)(input if dtype is None else cast(input, dtype), axis=dim)

        return softmax

    def created(self, own: str, default: Any) -> Callable[..., Any]:
        """f(*size, dtype=default)"""

        def created(*size: Any, dtype: Any = default, **named: Any) -> Any:
            return self.find(own)(positional("size", size, named), dtype=default if dtype is None else dtype)

        return created

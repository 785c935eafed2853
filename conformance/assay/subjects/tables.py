"""What adapters by table share: an operation is a function with PyTorch's own parameter names.

An adapter gives a table {"sum": function, ...} by the operation's name, as in the catalogue. Function, method and
operator of an operation are that function; in-place forms and `out=` are missing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from assay.subjects.adapter import Adapter

#: What Python's operators are called as operations.
OPERATORS = {
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
        return _without_out(self.operations[name])

    def operator(self, name: str) -> Callable[..., Any]:
        return self.function(OPERATORS.get(name, name))

    def method(self, name: str, args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.function(name), args

    def generator(self, *seed: int) -> Any:
        raise NotImplementedError("random generators")

    def stride(self, tensor: Any) -> None:
        return None

    def offset(self, tensor: Any) -> None:
        return None

    def kind(self, tensor: Any) -> str:
        return "Tensor"


def _without_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; what its signature does not offer is lacking, not refused."""
    offered = inspect.signature(function).parameters

    def call(*args: Any, **kwargs: Any) -> Any:
        for name in kwargs:
            if name not in offered:
                raise NotImplementedError(f"{name}=")
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

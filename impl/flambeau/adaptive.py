"""Bytecode that closures do not share."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def own_code(function: F) -> F:
    """The function with bytecode of its own: the interpreter adapts bytecode to the types that it meets, which are one
    operation's here, but those of all operations in code that their closures share."""
    made = FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    made.__annotations__ = function.__annotations__
    return made  # type: ignore[return-value]

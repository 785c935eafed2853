"""`__torch_function__`: how tensor subclasses and other types take part in operations
(https://docs.pytorch.org/docs/stable/notes/extending.html)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from flambeau.parameter import Parameter
from flambeau.tensor import Tensor

PLAIN = frozenset((Tensor, Parameter))
_NEVER = frozenset((Tensor, Parameter, int, float, bool, complex, str, type(None), slice, type(Ellipsis)))


class _State(threading.local):
    disabled = False


state = _State()


class DisableTorchFunctionSubclass:
    """Context manager: subclasses are treated as plain tensors inside."""

    __module__ = "torch._C"

    def __enter__(self) -> None:
        self.previous = state.disabled
        state.disabled = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        state.disabled = self.previous


def _overloaded(args: Iterable[Any]) -> list[Any]:
    """Arguments whose type overrides, each type once, subclasses before their bases, else in order."""
    found: list[Any] = []
    for a in args:
        cls = type(a)
        if cls in _NEVER:
            continue
        if cls is tuple or cls is list:
            for b in _overloaded(a):
                _insert(found, b)
        elif hasattr(cls, "__torch_function__"):
            _insert(found, a)
    return found


def _insert(found: list[Any], a: Any) -> None:
    cls = type(a)
    if any(type(b) is cls for b in found):
        return
    place = next((i for i, b in enumerate(found) if issubclass(cls, type(b))), len(found))
    found.insert(place, a)


def needed(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether an argument wants a say."""
    for a in args:
        if type(a) not in _NEVER and not state.disabled and _overloaded((a,)):
            return True
    return bool(kwargs) and not state.disabled and bool(_overloaded(kwargs.values()))


def handle(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Ask the overriding types in turn. Raises TypeError when all decline."""
    found = _overloaded((*args, *kwargs.values()))
    types = tuple(type(a) for a in found)
    for a in found:
        result = type(a).__torch_function__(function, types, tuple(args), dict(kwargs))
        if result is not NotImplemented:
            return result
    name = f"{getattr(function, '__module__', 'torch')}.{getattr(function, '__name__', function)}"
    raise TypeError(
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned NotImplemented:\n\n"
        + "\n".join(f"  - tensor subclass {t}" for t in types)
        + "\n\nFor more information, try re-running with TORCH_LOGS=not_implemented"
    )


def convert(result: Any, cls: type) -> Any:
    """Results of an operation on a subclass, as instances of it."""
    if cls is Tensor:
        return result
    if isinstance(result, Tensor) and not isinstance(result, cls):
        return result.as_subclass(cls)  # type: ignore[attr-defined]
    if isinstance(result, tuple | list):
        items = [convert(r, cls) for r in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    return result


def default(cls: type, function: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None) -> Any:
    """`Tensor.__torch_function__`: run the operation on plain tensors and give the results the subclass's type."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = function(*args, **(kwargs or {}))
    return convert(result, cls)


Tensor.__torch_function__ = classmethod(default)  # type: ignore[attr-defined]

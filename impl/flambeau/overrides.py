"""`__torch_function__`: how tensor subclasses and other types take part in operations
(https://docs.pytorch.org/docs/stable/notes/extending.html)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from flambeau.parameter import Parameter
from flambeau.tensor import Tensor, extend

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
        elif getattr(cls, "__torch_function__", _disabled_torch_function_impl) is not _disabled_torch_function_impl:
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
    return _ask(function, _overloaded((*args, *kwargs.values())), args, kwargs)


def _ask(function: Callable[..., Any], found: list[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    types = tuple(type(a) for a in found)
    for a in found:
        result = type(a).__torch_function__(function, types, tuple(args), dict(kwargs))
        if result is not NotImplemented:
            return result
    if not found:
        return function(*args, **kwargs)
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
        return result.as_subclass(cls)
    if isinstance(result, tuple | list):
        items = [convert(r, cls) for r in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    return result


def __torch_function__(
    cls: type, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
) -> Any:
    """Run the operation on plain tensors and give the results the subclass's type."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    with DisableTorchFunctionSubclass():
        result = func(*args, **(kwargs or {}))
    return result if func in get_default_nowrap_functions() else convert(result, cls)


extend(__torch_function__=classmethod(__torch_function__))

# what `__torch_function__` is asked about besides operations: PyTorch's attributes, and its methods in plain Python
_ATTRIBUTES = (
    "H", "T", "_base", "_version", "data", "device", "dtype", "grad", "grad_fn", "imag", "is_cpu", "is_cuda", "is_leaf",
    "is_meta", "is_sparse", "itemsize", "layout", "mH", "mT", "names", "nbytes", "ndim", "output_nr", "real",
    "requires_grad", "retains_grad", "shape", "volatile",
)  # fmt: skip
_METHODS = (
    "__array__", "__array_wrap__", "__contains__", "__deepcopy__", "__format__", "__len__", "__repr__", "__reversed__",
    "register_hook", "register_post_accumulate_grad_hook", "split",
)  # fmt: skip


@functools.cache
def get_default_nowrap_functions() -> frozenset[Callable[..., Any]]:
    """The functions whose results keep their type."""
    return frozenset(vars(Tensor)[name].__get__ for name in ("_base", "grad"))


def _disabled_torch_function_impl(
    func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
) -> Any:
    """The `__torch_function__` of classes that do not want to be asked."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


def _asked(cls: type) -> bool:
    return not state.disabled and cls.__torch_function__ is not _disabled_torch_function_impl  # type: ignore[attr-defined]


class _Attribute:
    """An attribute of a subclass of Tensor, for which `__torch_function__` answers."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        own = getattr(Tensor, self.name)
        if instance is None:
            return own
        return handle(own.__get__, (instance,), {}) if _asked(type(instance)) else own.__get__(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        own = getattr(Tensor, self.name)
        handle(own.__set__, (instance, value), {}) if _asked(type(instance)) else own.__set__(instance, value)

    def __delete__(self, instance: Any) -> None:
        own = getattr(Tensor, self.name)
        handle(own.__delete__, (instance,), {}) if _asked(type(instance)) else own.__delete__(instance)


def _asking(name: str) -> Callable[..., Any]:
    """A method of a subclass of Tensor, for which `__torch_function__` answers."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        own = getattr(Tensor, name)
        return handle(own, (self, *args), kwargs) if _asked(type(self)) else own(self, *args, **kwargs)

    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    return method


def _prepare(cls: type[Tensor], **kwargs: Any) -> None:
    """Plain tensors pay nothing for what subclasses may override: each subclass gets asking attributes of its own."""
    super(Tensor, cls).__init_subclass__(**kwargs)
    if any(b not in PLAIN and issubclass(b, Tensor) for b in cls.__bases__) or issubclass(cls, Parameter):
        return
    for name in _ATTRIBUTES:
        if name not in cls.__dict__:
            setattr(cls, name, _Attribute(name))
    for name in _METHODS:
        if name not in cls.__dict__:
            setattr(cls, name, _asking(name))


extend(__init_subclass__=classmethod(_prepare))  # type: ignore[arg-type]


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether one of the arguments has a `__torch_function__` of its own."""
    return needed(tuple(relevant_args), {})


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Ask the `__torch_function__` of the relevant arguments in turn. Raises TypeError when all decline."""
    found = _overloaded(relevant_args)
    return _ask(public_api, found, args, kwargs)


def is_tensor_like(inp: Any) -> bool:
    """Whether an object is a tensor or stands in for one."""
    return isinstance(inp, Tensor) or hasattr(type(inp), "__torch_function__")

"""The classes that argument binding knows by the role they play, and the names that errors give to types.

Binding is independent of the modules that define Tensor, dtype and device: they register themselves.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["CONSTANTS", "EXACT", "PYTHON_DTYPES", "TYPES", "register", "registered", "type_name"]

_ROLES = ("tensor", "dtype", "device", "generator", "layout", "memory_format", "size", "storage", "qscheme", "stream")
_PRINTED_TYPES = {
    "dtype": "torch.dtype",
    "device": "torch.device",
    "generator": "torch._C.Generator",
    "layout": "torch.layout",
    "memory_format": "torch.memory_format",
    "size": "torch.Size",
    "qscheme": "torch.qscheme",
    "storage": "torch.storage.UntypedStorage",
    "stream": "torch.Stream",
}
TYPES: dict[str, tuple[Any, ...]] = dict.fromkeys(_ROLES, ())
EXACT: dict[str, set[Any]] = {role: set() for role in _ROLES}
PYTHON_DTYPES: dict[type, Any] = {}
CONSTANTS: dict[str, Any] = {"at::Reduction::Mean": 1}


def register(
    *,
    python_dtypes: Mapping[type, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    **types: type | tuple[type, ...],
) -> None:
    """Name the classes that play the roles `tensor`, `dtype`, `device`, `generator`, `layout`, `memory_format`, ….

    A role's value is a class or a tuple of classes; values of exactly these classes take the fast path, subclasses are
    accepted too. `python_dtypes` maps float, int, bool and complex to dtypes; `constants` maps the text of a default
    value (such as "torch.strided") to the object. All are looked up at call time, so parsers may be built before.
    Raises TypeError for an unknown role.
    """
    for role, classes in types.items():
        if role not in TYPES:
            raise TypeError(f"register() knows no role '{role}', only {', '.join(_ROLES)}")
        TYPES[role] = classes if isinstance(classes, tuple) else (classes,)
        EXACT[role].clear()
        EXACT[role].update(TYPES[role])
    PYTHON_DTYPES.update(python_dtypes or {})
    CONSTANTS.update(constants or {})


@contextlib.contextmanager
def registered(**roles: Any) -> Iterator[None]:
    """`register(**roles)` for the length of a with block, for tests."""
    types, python_dtypes, constants = dict(TYPES), dict(PYTHON_DTYPES), dict(CONSTANTS)
    try:
        register(**roles)
        yield
    finally:
        PYTHON_DTYPES.clear()
        CONSTANTS.clear()
        register(python_dtypes=python_dtypes, constants=constants, **types)


_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8


def type_name(value: object) -> str:
    """The name PyTorch's errors give to the type of `value` (C's tp_name: 'int', 'numpy.ndarray', 'torch.dtype')."""
    cls = type(value)
    for role, printed in _PRINTED_TYPES.items():
        if cls in EXACT[role]:
            return printed
    written_in_python = cls.__flags__ & _HEAP_TYPE and not cls.__flags__ & _IMMUTABLE_TYPE
    if written_in_python or cls.__module__ == "builtins":
        return cls.__name__
    return f"{cls.__module__}.{cls.__name__}"

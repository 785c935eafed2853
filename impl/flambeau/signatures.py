"""Argument binding by PyTorch's rules, with PyTorch's error texts.

A `Parser` holds the schemas of one function or method, written as PyTorch prints them in its own errors::

    Parser(
        "sum",
        "sum(Tensor input, *, torch.dtype dtype=None)",
        "sum(Tensor input, tuple of ints[1]? dim, bool keepdim=False, *, torch.dtype dtype=None, Tensor out=None)",
    )

Beyond what PyTorch prints, a schema says: `type?` accepts None; `tuple of ints[2]` also accepts one int, repeated
twice; `Tensor|Number` also accepts Python numbers; `index` is an `int` that takes any object with `__index__`
(PyTorch's SymInt); `|deprecated` or `|hidden` after the closing parenthesis keeps a signature out of the error texts;
deprecated ones are tried last and warn once.
"""

import contextlib
import functools
import operator
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Parameter", "Parser", "Signature", "parse_signature", "register", "registered", "type_name"]

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


class _Mark:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


_MISSING = _Mark("MISSING")
_REFUSED = _Mark("REFUSED")
_DEFERRED = _Mark("DEFERRED")


# ---------------------------------------------------------------------------------------------- registered types

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
_types: dict[str, tuple[type, ...]] = dict.fromkeys(_ROLES, ())
_exact: dict[str, set[type]] = {role: set() for role in _ROLES}
_python_dtypes: dict[type, Any] = {}
_constants: dict[str, Any] = {"at::Reduction::Mean": 1}


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
        if role not in _types:
            raise TypeError(f"register() knows no role '{role}', only {', '.join(_ROLES)}")
        _types[role] = classes if isinstance(classes, tuple) else (classes,)
        _exact[role].clear()
        _exact[role].update(_types[role])
    _python_dtypes.update(python_dtypes or {})
    _constants.update(constants or {})


@contextlib.contextmanager
def registered(**roles: Any) -> Iterator[None]:
    """`register(**roles)` for the length of a with block, for tests."""
    types, python_dtypes, constants = dict(_types), dict(_python_dtypes), dict(_constants)
    try:
        register(**roles)
        yield
    finally:
        _python_dtypes.clear()
        _constants.clear()
        register(python_dtypes=python_dtypes, constants=constants, **types)


_HEAP_TYPE, _IMMUTABLE_TYPE = 1 << 9, 1 << 8


def type_name(value: object) -> str:
    """The name PyTorch's errors give to the type of `value` (C's tp_name: 'int', 'numpy.ndarray', 'torch.dtype')."""
    cls = type(value)
    for role, printed in _PRINTED_TYPES.items():
        if cls in _exact[role]:
            return printed
    written_in_python = cls.__flags__ & _HEAP_TYPE and not cls.__flags__ & _IMMUTABLE_TYPE
    if written_in_python or cls.__module__ == "builtins":
        return cls.__name__
    return f"{cls.__module__}.{cls.__name__}"


# ---------------------------------------------------------------------------------------------- parameters


@dataclass(frozen=True)
class Parameter:
    """One parameter of a signature: `size` is the n of `tuple of ints[n]` or 0, `default` the text after `=`."""

    name: str
    kind: str
    keyword_only: bool = False
    allow_none: bool = False
    size: int = 0
    default: str | None = None
    numbers: bool = False

    @property
    def optional(self) -> bool:
        return self.default is not None

    @property
    def type_name(self) -> str:
        return _PRINTED_KINDS.get(self.kind, self.kind)

    @property
    def aliases(self) -> tuple[str, ...]:
        """NumPy's names for this parameter, accepted as keywords."""
        return _NUMPY_NAMES.get(self.name, ())

    def __str__(self) -> str:
        return f"{self.type_name} {self.name}" + (f" = {self.default}" if self.optional else "")


_PRINTED_KINDS = {"index": "int", "tuple of Tensors or None": "tuple of Tensors"}
_NUMPY_NAMES = {"dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",)}


@dataclass(frozen=True)
class Signature:
    """One schema, parsed. `str()` is the text PyTorch prints for it in a list of signatures."""

    name: str
    parameters: tuple[Parameter, ...]
    deprecated: bool = False
    hidden: bool = False
    min_args: int = field(init=False)
    max_positional: int = field(init=False)
    varargs: bool = field(init=False)
    keywords: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        positional = [p for p in self.parameters if not p.keyword_only]
        set_ = functools.partial(object.__setattr__, self)
        set_("min_args", sum(not p.optional for p in self.parameters))
        set_("max_positional", len(positional))
        # A single positional int list may be spelled out: x.view(2, 3) is x.view((2, 3)).
        set_("varargs", len(positional) == 1 and positional[0].kind == "tuple of ints")
        set_("keywords", frozenset(name for p in self.parameters for name in (p.name, *p.aliases)))

    def __str__(self) -> str:
        texts = [str(p) for p in self.parameters]
        if self.max_positional < len(texts):
            texts[self.max_positional] = "*, " + texts[self.max_positional]
        return f"({', '.join(texts)})"


# Only these functions take Python numbers for their Tensor parameters (the others have overloads for them).
_NUMBERS_AS_TENSORS = frozenset(
    name + suffix
    for name in ("add", "div", "divide", "mul", "multiply", "sub", "subtract", "true_divide", "floor_divide")
    for suffix in ("", "_")
) | {"to", "copy_"}

_SCHEMA = re.compile(r"(\w+)\((.*)\)(\|deprecated|\|hidden)?$", re.DOTALL)
_PARAMETER = re.compile(r"(.+?)(\|Number)?(?:\[(\d+)\])?(\?)? (\w+)(?:\s?=\s?(.*))?$", re.DOTALL)


@functools.cache
def parse_signature(schema: str) -> Signature:
    """Parse a schema such as "add(Tensor input, Tensor other, *, Number alpha=1)"; ValueError if it is malformed."""
    outer = _SCHEMA.match(schema)
    if outer is None:
        raise ValueError(f"malformed schema: {schema}")
    name, body, mark = outer.groups()
    parameters: list[Parameter] = []
    keyword_only = False
    for text in body.split(", ") if body else ():
        if text == "*":
            keyword_only = True
            continue
        match = _PARAMETER.match(text)
        if match is None or _kind_name(match[1]) not in _KINDS:
            raise ValueError(f"malformed parameter '{text}' in schema: {schema}")
        kind, numbers, size, question, parameter, default = match.groups()
        parameters.append(
            Parameter(
                name=parameter,
                kind=_kind_name(kind),
                keyword_only=keyword_only,
                allow_none=question is not None or default == "None",
                size=int(size or 0),
                default=default,
                numbers=kind == "Tensor" and (numbers is not None or name in _NUMBERS_AS_TENSORS),
            )
        )
    return Signature(name, tuple(parameters), mark == "|deprecated", mark is not None)


def _kind_name(text: str) -> str:
    return {"Generator": "torch.Generator", "SymInt": "index"}.get(text, text)


def _default_value(parameter: Parameter) -> Any:
    text = parameter.default
    if text is None or text == "None":
        return None
    if text in _constants:
        return _constants[text]
    if text in ("True", "False"):
        return text == "True"
    if text[0] in "\"'":
        return text[1:-1].replace("\\", "")
    if text[0] == "{":
        return tuple(int(number) for number in text[1:-1].split(",") if number)
    try:
        number: int | float = float(text) if parameter.kind == "float" else int(text)
    except ValueError:
        try:
            number = float(text)
        except ValueError:
            raise NotImplementedError(f"default value '{text}' is not registered (constants=)") from None
    return (number,) * parameter.size if parameter.kind == "tuple of ints" else number


# ---------------------------------------------------------------------------------------------- kinds of values
# `accepts(parameter, position, value)` is the test that chooses among signatures; `unpack(signature, parameter, value)`
# converts once a signature is chosen, and may still raise.


def _is_tensor(value: object) -> bool:
    return isinstance(value, _types["tensor"]) or hasattr(type(value), "__torch_function__")


def _is_integral_tensor(value: Any, include_bool: bool) -> bool:
    dtype = value.dtype
    if dtype.is_floating_point or dtype.is_complex:
        return False
    return include_bool or dtype != _python_dtypes.get(bool)


def _is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_index(value: Any) -> bool:
    if _is_int(value):
        return True
    if isinstance(value, bool):
        return False
    if isinstance(value, _types["tensor"]):
        return value.numel() == 1 and _is_integral_tensor(value, include_bool=True)
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, complex, np.number, np.bool_))


def _is_float(value: Any) -> bool:
    if isinstance(value, (float, int, np.number, np.bool_)):
        return True
    return isinstance(value, _types["tensor"]) and value.dim() == 0 and not value.requires_grad


def _accepts_int(_p: Parameter, _i: int, value: Any) -> bool:
    if isinstance(value, _types["tensor"]):
        return value.dim() == 0 and not value.requires_grad and _is_integral_tensor(value, include_bool=False)
    return _is_int(value)


def _accepts_ints(parameter: Parameter, _i: int, value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) == 0 or _is_index(value[0])
    return parameter.size > 0 and _is_index(value)


def _accepts_tensors(_p: Parameter, position: int, value: Any) -> bool:
    if not isinstance(value, (tuple, list)):
        return False
    for i, element in enumerate(value):
        if not _is_tensor(element):
            raise TypeError(f"expected Tensor as element {i} in argument {position}, but got {type_name(element)}")
    return True


def _accepts_floats(_p: Parameter, _i: int, value: Any) -> bool:
    if not isinstance(value, (tuple, list)):
        return False
    return len(value) == 0 or isinstance(value[0], (float, int, complex, np.number, np.bool_))


def _unpack_number(value: Any) -> bool | int | float | complex:
    if isinstance(value, _types["tensor"]):
        return value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, np.integer)):
        if not _INT64_MIN <= value <= 2**64 - 1:
            raise OverflowError("int too big to convert" if value > 0 else "can't convert negative int to unsigned")
        return int(value)
    return complex(value) if isinstance(value, complex) else float(value)


def _unpack_int(value: Any) -> int:
    number = value.item() if isinstance(value, _types["tensor"]) else operator.index(value)
    if not _INT64_MIN <= number <= _INT64_MAX:
        raise ValueError("Overflow when unpacking long long")
    return int(number)


def _unpack_ints(signature: Signature, parameter: Parameter, value: Any) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)):
        return (_unpack_int(value),) * parameter.size
    numbers = []
    for i, element in enumerate(value):
        why = f"type must be {parameter.type_name},but got {type_name(element)}"
        try:
            if isinstance(element, bool) or _is_index(element):
                numbers.append(_unpack_int(element))
                continue
        except ValueError as error:
            why = str(error)
        raise TypeError(
            f"{signature.name}(): argument '{parameter.name}' failed to unpack the object at pos {i + 1} "
            f'with error "{why}"'
        )
    return tuple(numbers)


def _unpack_tensors(_s: Signature, parameter: Parameter, value: Sequence[Any]) -> tuple[Any, ...]:
    if parameter.size and len(value) != parameter.size:
        raise TypeError(f"expected tuple of {parameter.size} elements but got {len(value)}")
    return tuple(value)


def _unpack_floats(signature: Signature, parameter: Parameter, value: Sequence[Any]) -> tuple[float, ...]:
    numbers = []
    for i, element in enumerate(value):
        try:
            numbers.append(float(element))
        except (TypeError, ValueError):
            raise TypeError(
                f"{signature.name}(): argument '{parameter.name}' must be {parameter.type_name}, "
                f"but found element of type {type_name(element)} at pos {i + 1}"
            ) from None
    return tuple(numbers)


def _unpack_dtype(value: Any) -> Any:
    return _python_dtypes[value] if isinstance(value, type) else value


def _unpack_device(value: Any) -> Any:
    return value if isinstance(value, _types["device"]) else _types["device"][0](value)


def _of_role(role: str) -> Callable[[Parameter, int, Any], bool]:
    return lambda _p, _i, value: isinstance(value, _types[role])


_PYTHON_FLOATS = frozenset({float, bool, complex})


@dataclass(frozen=True)
class _Kind:
    accepts: Callable[[Parameter, int, Any], bool]
    unpack: Callable[[Signature, Parameter, Any], Any] = lambda _s, _p, value: value
    exact: frozenset[type] | set[type] = frozenset()  # values of exactly these types are taken as they are


def _value(convert: Callable[[Any], Any]) -> Callable[[Signature, Parameter, Any], Any]:
    return lambda _s, _p, value: convert(value)


_TENSORS = _Kind(_accepts_tensors, _unpack_tensors)
_KINDS: dict[str, _Kind] = {
    "Tensor": _Kind(
        lambda p, _i, v: _is_tensor(v) or (p.numbers and _is_number(v)),
        lambda _s, _p, v: v if _is_tensor(v) else _unpack_number(v),
        _exact["tensor"],
    ),
    "Number": _Kind(lambda _p, _i, v: _is_number(v) or _is_float(v), _value(_unpack_number), _PYTHON_FLOATS),
    "int": _Kind(_accepts_int, _value(_unpack_int)),
    "index": _Kind(lambda _p, _i, v: _is_index(v), _value(_unpack_int)),
    "float": _Kind(lambda _p, _i, v: _is_float(v), _value(float), frozenset({float})),
    "complex": _Kind(lambda _p, _i, v: isinstance(v, complex) or _is_float(v), _value(complex)),
    "bool": _Kind(lambda _p, _i, v: isinstance(v, bool), exact=frozenset({bool})),
    "str": _Kind(lambda _p, _i, v: isinstance(v, str), exact=frozenset({str})),
    "object": _Kind(lambda _p, _i, _v: True),
    "tuple of ints": _Kind(_accepts_ints, _unpack_ints),
    "tuple of Tensors": _TENSORS,
    "tuple of floats": _Kind(_accepts_floats, _unpack_floats),
    "tuple of bools": _Kind(
        lambda _p, _i, v: isinstance(v, (tuple, list)) and all(isinstance(e, bool) for e in v), _value(tuple)
    ),
    "tuple of Scalars": _Kind(
        lambda _p, _i, v: isinstance(v, (tuple, list)) and all(map(_is_number, v)),
        lambda _s, _p, v: tuple(_unpack_number(e) for e in v),
    ),
    "name": _Kind(lambda _p, _i, v: v is None or isinstance(v, str)),
    "tuple of names": _Kind(
        lambda p, _i, v: (
            (isinstance(v, (tuple, list)) and all(e is None or isinstance(e, str) for e in v))
            or (p.size == 1 and isinstance(v, str))
        )
    ),
    "torch.dtype": _Kind(
        lambda _p, _i, v: isinstance(v, _types["dtype"]) or v in (float, int, bool, complex),
        _value(_unpack_dtype),
        _exact["dtype"],
    ),
    "torch.device": _Kind(
        lambda _p, _i, v: isinstance(v, (str, *_types["device"])) or _is_int(v),
        _value(_unpack_device),
        _exact["device"],
    ),
    "torch.Generator": _Kind(_of_role("generator"), exact=_exact["generator"]),
    "torch.layout": _Kind(_of_role("layout"), exact=_exact["layout"]),
    "torch.memory_format": _Kind(_of_role("memory_format"), exact=_exact["memory_format"]),
    "torch.qscheme": _Kind(_of_role("qscheme"), exact=_exact["qscheme"]),
    "torch.Storage": _Kind(_of_role("storage"), exact=_exact["storage"]),
    "torch.Stream": _Kind(_of_role("stream"), exact=_exact["stream"]),
    "DispatchKeySet": _Kind(lambda _p, _i, _v: False),
}


def _taker(signature: Signature, position: int) -> Callable[[Any], Any]:
    """A function of a value: the converted value, _REFUSED, or _DEFERRED where a conversion raises.

    PyTorch converts only after every argument has passed its test, so an error has to wait for the slow path.
    """
    parameter = signature.parameters[position]
    kind = _KINDS[parameter.kind]
    accepts, unpack, allow_none, size = kind.accepts, kind.unpack, parameter.allow_none, parameter.size

    def take(value: Any) -> Any:
        if value is None and allow_none:
            return _default_value(parameter)
        if not accepts(parameter, position, value):
            return _REFUSED
        try:
            return unpack(signature, parameter, value)
        except Exception:
            return _DEFERRED

    def take_int(value: Any) -> Any:
        return value if type(value) is int and _INT64_MIN <= value <= _INT64_MAX else take(value)

    def take_ints(value: Any) -> Any:
        if type(value) is int:
            return (value,) * size if size and _INT64_MIN <= value <= _INT64_MAX else take(value)
        if isinstance(value, (tuple, list)):
            for element in value:
                if type(element) is not int or not _INT64_MIN <= element <= _INT64_MAX:
                    return take(value)
            return tuple(value)
        return take(value)

    def take_number(value: Any) -> Any:
        return value if type(value) in _PYTHON_FLOATS else take_int(value)

    if parameter.kind in ("int", "index"):
        return take_int
    if parameter.kind == "Number" or parameter.numbers:
        return take_number
    return take_ints if parameter.kind == "tuple of ints" else take


# ---------------------------------------------------------------------------------------------- the parser


class _Candidate:
    """A signature with what binding needs at hand: per parameter its exact types, taker, keyword names, default."""

    def __init__(self, index: int, signature: Signature) -> None:
        self.index, self.signature = index, signature
        self.slots = tuple(
            (_KINDS[p.kind].exact, _taker(signature, i), p.name, p.aliases, p.optional, p)
            for i, p in enumerate(signature.parameters)
        )

    def plan(self, count: int) -> tuple["_Candidate", tuple[Any, ...], list[Any]] | None:
        """How to bind `count` positional arguments and no keywords; None where that cannot be."""
        parameters = self.signature.parameters
        if self.signature.varargs and count > 1:
            return self, (), [_default_value(p) for p in parameters[1:]]
        if count > self.signature.max_positional or not all(p.optional for p in parameters[count:]):
            return None
        return self, tuple(slot[:2] for slot in self.slots[:count]), [_default_value(p) for p in parameters[count:]]


class Parser:
    """Binds the arguments of one function or method to its schemas.

    With `method=True` the parameters `input` (it is self) and `out` are dropped from the schemas, so that a method can
    be declared with the schemas of its function; positions then count without self, as PyTorch's do.
    """

    def __init__(self, name: str, *schemas: str, method: bool = False) -> None:
        if not schemas:
            raise ValueError(f"{name}: a parser needs at least one schema")
        self.name, self.method = name, method
        signatures = [parse_signature(schema) for schema in schemas]
        if method:
            signatures = [_without_self(signature) for signature in signatures]
        self.signatures = tuple(signatures)
        # The stable sort puts deprecated signatures last; the index stays that of the declaration.
        self._candidates = sorted((_Candidate(i, s) for i, s in enumerate(signatures)), key=_is_deprecated)
        self._function_name = signatures[0].name
        self._plans: dict[int, list[Any]] = {}
        self._warned = False

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> tuple[int, list[Any]]:
        """The index of the matching schema and its values in parameter order, converted, defaults filled in.

        Raises TypeError with PyTorch's text where nothing matches, ValueError or OverflowError where an integer does
        not fit into 64 bits.
        """
        if kwargs:
            return self._bind_keywords(args, kwargs)
        count = len(args)
        plans = self._plans.get(count)
        if plans is None:
            plans = self._make_plans(count)
        for candidate, slots, tail in plans:
            if not slots and count:
                if all(type(arg) is int and _INT64_MIN <= arg <= _INT64_MAX for arg in args):
                    return candidate.index, [tuple(args), *tail]
                return self._bind_slowly(args, {})
            values = []
            for (exact, take), value in zip(slots, args, strict=True):
                if type(value) not in exact:
                    value = take(value)
                    if value is _REFUSED:
                        break
                    if value is _DEFERRED:
                        return self._bind_slowly(args, {})
                values.append(value)
            else:
                if candidate.signature.deprecated:
                    self._warn_deprecated(candidate.signature)
                values += tail
                return candidate.index, values
        return self._bind_slowly(args, {})

    def _make_plans(self, count: int) -> list[Any]:
        plans = [plan for candidate in self._candidates if (plan := candidate.plan(count)) is not None]
        if count <= 16:
            self._plans[count] = plans
        return plans

    def _bind_keywords(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[int, list[Any]]:
        count, given = len(args), kwargs.keys()
        for candidate in self._candidates:
            signature = candidate.signature
            if signature.varargs and count:
                return self._bind_slowly(args, kwargs)
            if count > signature.max_positional or not given <= signature.keywords:
                continue
            values, used = [], 0
            for i, (exact, take, name, aliases, optional, parameter) in enumerate(candidate.slots):
                if i < count:
                    value = args[i]
                else:
                    value = kwargs.get(name, _MISSING)
                    if value is _MISSING and aliases:
                        value = _find_alias(kwargs, aliases)
                    if value is _MISSING:
                        if not optional:
                            break
                        values.append(_default_value(parameter))
                        continue
                    used += 1
                if type(value) not in exact:
                    value = take(value)
                    if value is _REFUSED:
                        break
                    if value is _DEFERRED:
                        return self._bind_slowly(args, kwargs)
                values.append(value)
            else:
                if used == len(kwargs):
                    if signature.deprecated:
                        self._warn_deprecated(signature)
                    return candidate.index, values
        return self._bind_slowly(args, kwargs)

    def _bind_slowly(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[int, list[Any]]:
        """PyTorch's procedure step by step; raises its errors."""
        if not any(signature.parameters for signature in self.signatures):
            owner = "TensorBase" if self.method else "torch"
            raise TypeError(_no_arguments_text(f"{owner}.{self._function_name}", args, kwargs))
        alone = len(self._candidates) == 1
        for candidate in self._candidates:
            signature = candidate.signature
            raw = _match(signature, args, kwargs, explain=alone)
            if raw is None:
                continue
            if signature.deprecated:
                self._warn_deprecated(signature)
            return candidate.index, [
                _default_value(p) if value is _MISSING else _KINDS[p.kind].unpack(signature, p, value)
                for p, value in zip(signature.parameters, raw, strict=True)
            ]
        total = len(args) + len(kwargs)
        plausible = [
            c.signature
            for c in self._candidates
            if c.signature.min_args <= total <= len(c.signature.parameters) and not c.signature.hidden
        ]
        if len(plausible) == 1:
            _match(plausible[0], args, kwargs, explain=True)
        raise TypeError(_invalid_combination(self._function_name, self._printed(), args, kwargs))

    def _printed(self) -> list[str]:
        return [str(c.signature) for c in self._candidates if not c.signature.hidden]

    def _warn_deprecated(self, signature: Signature) -> None:
        if self._warned:
            return
        self._warned = True
        text = f"This overload of {signature.name} is deprecated:\n\t{signature.name}{signature}"
        if printed := self._printed():
            text += "\nConsider using one of the following signatures instead:"
            text += "".join(f"\n\t{signature.name}{option}" for option in printed)
        warnings.warn(text, UserWarning, stacklevel=4)


def _is_deprecated(candidate: _Candidate) -> bool:
    return candidate.signature.deprecated


def _without_self(signature: Signature) -> Signature:
    kept = tuple(p for p in signature.parameters if p.name not in ("input", "out"))
    return Signature(signature.name, kept, signature.deprecated, signature.hidden)


def _find_alias(kwargs: Mapping[str, Any], aliases: tuple[str, ...]) -> Any:
    for alias in aliases:
        if alias in kwargs:
            return kwargs[alias]
    return _MISSING


def _match(signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any], explain: bool) -> list[Any] | None:
    """The unconverted values in parameter order, _MISSING for defaults; on failure None or, with `explain`, a raise."""
    name, count = signature.name, len(args)
    spelled_out = signature.varargs and count > 0 and _is_index(args[0])
    if count > signature.max_positional and not spelled_out:
        return _fail(explain, _too_many_text(signature, count))
    values: list[Any] = []
    position, remaining = 0, len(kwargs)
    for i, parameter in enumerate(signature.parameters):
        by_keyword = position >= count
        if by_keyword:
            value = kwargs.get(parameter.name, _MISSING)
            if value is _MISSING:
                value = _find_alias(kwargs, parameter.aliases)
        else:
            value = args[position]
        if (value is _MISSING and parameter.optional) or (value is None and parameter.allow_none):
            values.append(_MISSING)
        elif value is _MISSING:
            missing = [f'"{p.name}"' for p in signature.parameters[i:] if not p.optional]
            # PyTorch's plural is the wrong way round.
            plural = "s" if len(missing) == 1 else ""
            text = f"{name}() missing {len(missing)} required positional argument{plural}: {', '.join(missing)}"
            return _fail(explain, text)
        elif _KINDS[parameter.kind].accepts(parameter, i, value):
            values.append(value)
        elif spelled_out and position == 0 and not by_keyword:
            values.append(tuple(args))
            position = count
            continue
        elif by_keyword:
            text = f"{name}(): argument '{parameter.name}' must be {parameter.type_name}, not {type_name(value)}"
            return _fail(explain, text)
        else:
            text = f"{name}(): argument '{parameter.name}' (position {position + 1}) must be {parameter.type_name}"
            if parameter.kind == "tuple of ints" and isinstance(value, (tuple, list)):
                return _fail(explain, f"{text}, but found element of type {type_name(value[0])} at pos 0")
            return _fail(explain, f"{text}, not {type_name(value)}")
        if not by_keyword:
            position += 1
        elif value is not _MISSING:
            remaining -= 1
    if remaining > 0:
        return _fail(explain, _extra_keywords_text(signature, kwargs, count))
    return values


def _fail(explain: bool, text: str) -> None:
    if explain:
        raise TypeError(text)


# ---------------------------------------------------------------------------------------------- error texts


def _too_many_text(signature: Signature, count: int) -> str:
    most, least = signature.max_positional, signature.min_args
    if least != most:
        return f"{signature.name}() takes from {least} to {most} positional arguments but {count} were given"
    were = "was" if count == 1 else "were"
    return f"{signature.name}() takes {most} positional argument{'s' if most != 1 else ''} but {count} {were} given"


def _extra_keywords_text(signature: Signature, kwargs: Mapping[str, Any], count: int) -> str:
    names = [p.name for p in signature.parameters]
    for keyword in kwargs:
        if keyword not in names:
            return f"{signature.name}() got an unexpected keyword argument '{keyword}'"
        if names.index(keyword) < count:
            return f"{signature.name}() got multiple values for argument '{keyword}'"
    return "invalid keyword arguments"


def _no_arguments_text(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    if kwargs:
        return f"{name}() takes no keyword arguments"
    return f"{name}() takes no arguments ({len(args)} given)"


def _invalid_combination(name: str, options: list[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    # libstdc++'s hash map of up to a dozen keywords walks from the last inserted to the first.
    keywords = dict(reversed(kwargs.items()))
    text = f"{name}() received an invalid combination of arguments - "
    if len(options) == 1:
        fields = _printed_fields(options[0])
        if unmatched := _unmatched_keywords(fields, keywords):
            return text + f"got unrecognized keyword arguments: {', '.join(unmatched)}"
        count_matches = len(fields) == len(args) + len(keywords)
        got = _marked_types(fields, args, keywords) if count_matches else _plain_types(args, keywords)
        return text + f"got {got}, but expected {options[0]}"
    text += f"got {_plain_types(args, keywords)}, but expected one of:\n"
    for option in options:
        text += f" * {option}\n"
        fields = _printed_fields(option)
        if len(fields) != len(args) + len(keywords):
            continue
        text += "      didn't match because some of the "
        if unmatched := _unmatched_keywords(fields, keywords):
            text += f"keywords were incorrect: {', '.join(unmatched)}\n"
        else:
            text += f"arguments have invalid types: {_marked_types(fields, args, keywords)}\n"
    return text


def _printed_fields(option: str) -> list[tuple[str, str]]:
    """(type, name) as PyTorch's formatter reads them back from the printed text: at the last blank.

    So `*` counts as an argument, and `bool keepdim = False` is one named "False"; its texts depend on both.
    """
    fields = []
    for text in option[1:-1].split(", "):
        kind, _, name = text.rpartition(" ")
        fields.append((kind or text, name))
    return fields


def _unmatched_keywords(fields: list[tuple[str, str]], keywords: Mapping[str, Any]) -> list[str]:
    names = [name for _, name in fields[max(len(fields) - len(keywords), 0) :]]
    return [keyword for keyword in keywords if keyword not in names]


def _plain_types(args: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    texts = [type_name(arg) for arg in args] + [f"{k}={type_name(v)}" for k, v in keywords.items()]
    # PyTorch takes the last comma away only after positional arguments.
    return f"({', '.join(texts)}{', ' if keywords and not args else ''})"


def _marked_types(fields: list[tuple[str, str]], args: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    red, end_red, green, end_green = "!", "!", "", ""
    if os.isatty(1) and os.isatty(2):
        red, end_red, green, end_green = "\33[31;1m", "\33[0m", "\33[32;1m", "\33[0m"
    texts = []
    for i, (kind, name) in enumerate(fields):
        value = args[i] if i < len(args) else keywords[name]
        accepted = {"float": ("float", "int", "long"), "int": ("int", "long")}.get(kind, (kind,))
        text = "" if i < len(args) else f"{name}="
        if isinstance(value, (tuple, list)):
            elements = ", ".join(map(type_name, value))
            if isinstance(value, tuple):
                text += f"{type_name(value)} of ({elements}{',' if len(value) == 1 else ''})"
            else:
                text += f"{type_name(value)} of [{elements}]"
        else:
            text += type_name(value)
        matches = type_name(value) in accepted
        texts.append(f"{green}{text}{end_green}" if matches else f"{red}{text}{end_red}")
    return f"({', '.join(texts)}{', ' if keywords and not args else ''})"

"""Argument binding by PyTorch's rules, with PyTorch's error texts.

A `Parser` holds the schemas of one function or method, written as PyTorch prints them in its own errors::

    Parser(
        "sum",
        "sum(Tensor input, *, torch.dtype dtype=None)",
        "sum(Tensor input, tuple of ints[1]? dim, bool keepdim=False, *, torch.dtype dtype=None, Tensor out=None)",
    )

The notation is described in `schema`. The classes of values are those given to `register`.
"""

import functools
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .argument_errors import extra_keywords_text, invalid_combination_text, no_arguments_text, too_many_text
from .argument_types import CONSTANTS, EXACT, PYTHON_DTYPES, TYPES, register, registered, type_name
from .errors import check_out_dtype
from .schema import Parameter, Signature, parse_signature

__all__ = ["Parameter", "Parser", "Signature", "not_a_tensor", "parse_signature", "register", "registered", "type_name"]

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


class _Mark:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


_MISSING = _Mark("MISSING")
_REFUSED = _Mark("REFUSED")
_DEFERRED = _Mark("DEFERRED")


def _default_value(parameter: Parameter) -> Any:
    text = parameter.default
    if text is None or text == "None":
        return None
    if text in CONSTANTS:
        return CONSTANTS[text]
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
    return isinstance(value, TYPES["tensor"]) or hasattr(type(value), "__torch_function__")


def _is_integral_tensor(value: Any, include_bool: bool) -> bool:
    dtype = value.dtype
    if dtype.is_floating_point or dtype.is_complex:
        return False
    return include_bool or dtype != PYTHON_DTYPES.get(bool)


def _is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_index(value: Any) -> bool:
    if _is_int(value):
        return True
    if isinstance(value, bool):
        return False
    if isinstance(value, TYPES["tensor"]):
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
    return isinstance(value, TYPES["tensor"]) and value.dim() == 0 and not value.requires_grad


def _accepts_int(_p: Parameter, _i: int, value: Any) -> bool:
    if isinstance(value, TYPES["tensor"]):
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
    if isinstance(value, TYPES["tensor"]):
        number: bool | int | float | complex = value.item()
        return number
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, np.integer)):
        if not _INT64_MIN <= value <= 2**64 - 1:
            raise OverflowError("int too big to convert" if value > 0 else "can't convert negative int to unsigned")
        return int(value)
    return complex(value) if isinstance(value, complex | np.complexfloating) else float(value)


def _unpack_int(value: Any) -> int:
    number = value.item() if isinstance(value, TYPES["tensor"]) else operator.index(value)
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
    return PYTHON_DTYPES[value] if isinstance(value, type) else value


def _unpack_device(value: Any) -> Any:
    if isinstance(value, TYPES["device"]):
        return value
    return TYPES["device"][0](value.decode() if isinstance(value, bytes) else value)


def _of_role(role: str) -> Callable[[Parameter, int, Any], bool]:
    return lambda _p, _i, value: isinstance(value, TYPES[role])


_PYTHON_FLOATS = frozenset({float, bool, complex})
# Told apart from tensors without looking for `__torch_function__`, and from dtypes.
_PLAIN_DATA = frozenset({int, float, bool, complex, str, tuple, list})


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
        EXACT["tensor"],
    ),
    "Number": _Kind(lambda _p, _i, v: _is_number(v) or _is_float(v), _value(_unpack_number), _PYTHON_FLOATS),
    "int": _Kind(_accepts_int, _value(_unpack_int)),
    "index": _Kind(lambda _p, _i, v: _is_index(v), _value(_unpack_int)),
    "float": _Kind(lambda _p, _i, v: _is_float(v), _value(float), frozenset({float})),
    "complex": _Kind(lambda _p, _i, v: isinstance(v, complex) or _is_float(v), _value(complex)),
    "bool": _Kind(lambda _p, _i, v: isinstance(v, bool), exact=frozenset({bool})),
    "str": _Kind(
        lambda _p, _i, v: isinstance(v, (str, bytes)),
        _value(lambda v: v.decode() if isinstance(v, bytes) else v),
        frozenset({str}),
    ),
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
        lambda _p, _i, v: isinstance(v, TYPES["dtype"]) or v in (float, int, bool, complex),
        _value(_unpack_dtype),
        EXACT["dtype"],
    ),
    "torch.device": _Kind(
        lambda _p, _i, v: isinstance(v, (str, bytes, *TYPES["device"])) or _is_int(v),
        _value(_unpack_device),
        EXACT["device"],
    ),
    "torch.Generator": _Kind(_of_role("generator"), exact=EXACT["generator"]),
    "torch.layout": _Kind(_of_role("layout"), exact=EXACT["layout"]),
    "torch.memory_format": _Kind(_of_role("memory_format"), exact=EXACT["memory_format"]),
    "torch.qscheme": _Kind(_of_role("qscheme"), exact=EXACT["qscheme"]),
    "torch.Storage": _Kind(_of_role("storage"), exact=EXACT["storage"]),
    "torch.Stream": _Kind(_of_role("stream"), exact=EXACT["stream"]),
    "DispatchKeySet": _Kind(lambda _p, _i, _v: False),
}


def _are_plain_ints(values: Sequence[Any]) -> bool:
    for value in values:  # noqa: SIM110 - twice as fast as all() with a generator
        if type(value) is not int or not _INT64_MIN <= value <= _INT64_MAX:
            return False
    return True


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
        return tuple(value) if isinstance(value, (tuple, list)) and _are_plain_ints(value) else take(value)

    def take_object(value: Any) -> Any:
        return _REFUSED if type(value) in _PLAIN_DATA else take(value)

    def take_tensors(value: Any) -> Any:
        if type(value) in (list, tuple) and not size and {type(element) for element in value} <= EXACT["tensor"]:
            return tuple(value)
        return take(value)

    def take_number(value: Any) -> Any:
        return value if type(value) in _PYTHON_FLOATS else take_int(value)

    if parameter.kind in ("int", "index"):
        return take_int
    if parameter.kind == "Number" or parameter.numbers:
        return take_number
    if parameter.kind in ("Tensor", "torch.dtype"):
        return take_object
    if parameter.kind == "tuple of Tensors":
        return take_tensors
    return take_ints if parameter.kind == "tuple of ints" else take


def _taker_of_one(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The taker of a list of ints that may be spelled out, for one argument."""
    return lambda value: (value,) if type(value) is int and _INT64_MIN <= value <= _INT64_MAX else take(value)


# ---------------------------------------------------------------------------------------------- the parser


class _Candidate:
    """A signature with what binding needs at hand: per parameter its exact types, taker, keyword names, default."""

    def __init__(self, index: int, signature: Signature) -> None:
        self.index, self.signature = index, signature
        # x.view(6) is x.view((6,)); where the list has a size, one int is all of its elements
        self.spelled_out = signature.varargs and signature.parameters[0].size == 0
        self.slots = tuple(
            (_KINDS[p.kind].exact, _taker(signature, i), p.name, p.aliases, p.optional)
            for i, p in enumerate(signature.parameters)
        )

    @functools.cached_property
    def defaults(self) -> list[Any]:
        return [_default_value(p) for p in self.signature.parameters]

    def plan(self, count: int) -> tuple["_Candidate", tuple[Any, ...], list[Any]] | None:
        """How to bind `count` positional arguments and no keywords; None where that cannot be."""
        parameters = self.signature.parameters
        if self.signature.varargs and count > 1:
            return self, (), self.defaults[1:]
        if count > self.signature.max_positional or not all(p.optional for p in parameters[count:]):
            return None
        slots = tuple(slot[:2] for slot in self.slots[:count])
        if self.spelled_out and count == 1:
            slots = ((slots[0][0], _taker_of_one(slots[0][1])),)
        return self, slots, self.defaults[count:]


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
            # an overload for a number in place of the first tensor is no method
            signatures = [_without_self(s) for s in signatures if all(p.name != "self" for p in s.parameters)]
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
                if _are_plain_ints(args):
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
        for candidate in self._candidates:
            signature, positional = candidate.signature, args
            if signature.varargs and args and (len(args) > 1 or (candidate.spelled_out and type(args[0]) is int)):
                if not _are_plain_ints(args):
                    return self._bind_slowly(args, kwargs)
                positional = (args,)
            count = len(positional)
            if count > signature.max_positional or not kwargs.keys() <= signature.keywords:
                continue
            values, used = [], 0
            for i, (exact, take, name, aliases, optional) in enumerate(candidate.slots):
                if i < count:
                    value = positional[i]
                else:
                    value = kwargs.get(name, _MISSING)
                    if value is _MISSING and aliases:
                        value = _find_alias(kwargs, aliases)
                    if value is _MISSING:
                        if not optional:
                            break
                        values.append(candidate.defaults[i])
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
        if (args or kwargs) and not any(signature.parameters for signature in self.signatures):
            owner = "TensorBase" if self.method else "torch"
            raise TypeError(no_arguments_text(f"{owner}.{self._function_name}", args, kwargs))
        for candidate in self._candidates:
            signature = candidate.signature
            try:
                raw = _match(signature, args, kwargs)
            except _Mismatch as mismatch:
                if len(self._candidates) == 1:
                    raise TypeError(str(mismatch)) from None
                continue
            if signature.deprecated:
                self._warn_deprecated(signature)
            _check_out_dtype(signature, raw)
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
            try:
                _match(plausible[0], args, kwargs)
            except _Mismatch as mismatch:
                raise TypeError(str(mismatch)) from None
        raise TypeError(invalid_combination_text(self._function_name, self._printed(), args, kwargs))

    def _printed(self) -> list[str]:
        return [str(c.signature) for c in self._candidates if not c.signature.hidden]

    def _warn_deprecated(self, signature: Signature) -> None:
        from .warning import is_warn_always_enabled

        if self._warned and not is_warn_always_enabled():
            return
        self._warned = True
        text = f"This overload of {signature.name} is deprecated:\n\t{signature.name}{signature}"
        if printed := self._printed():
            text += "\nConsider using one of the following signatures instead:"
            text += "".join(f"\n\t{signature.name}{option}" for option in printed)
        warnings.warn(text, UserWarning, stacklevel=4)


def not_a_tensor(method: str, value: object) -> TypeError:
    """The error for a method of Tensor that is called on something else."""
    return TypeError(
        f"descriptor '{method}' for 'torch._C.TensorBase' objects doesn't apply to a '{type_name(value)}' object"
    )


def _check_out_dtype(signature: Signature, raw: Sequence[Any]) -> None:
    """Raise RuntimeError where a creation is given an out= of another dtype, of which it speaks before all sizes."""
    given = dict(zip([p.name for p in signature.parameters], raw, strict=True))
    if "layout" in given and all(given.get(n, _MISSING) not in (_MISSING, None) for n in ("out", "dtype")):
        check_out_dtype(given["out"].dtype, given["dtype"])


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


class _Mismatch(Exception):
    """A signature does not take the arguments; the text says why, as PyTorch would."""


def _match(signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """The unconverted values in parameter order, _MISSING for defaults. Raises _Mismatch."""
    name, count = signature.name, len(args)
    spelled_out = signature.varargs and count > 0 and _is_index(args[0])
    if count > signature.max_positional and not spelled_out:
        raise _Mismatch(too_many_text(signature, count))
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
            raise _Mismatch(text)
        elif _KINDS[parameter.kind].accepts(parameter, i, value):
            values.append(value)
        elif spelled_out and position == 0 and not by_keyword:
            values.append(tuple(args))
            position = count
            continue
        elif by_keyword:
            text = f"{name}(): argument '{parameter.name}' must be {parameter.type_name}, not {type_name(value)}"
            raise _Mismatch(text)
        else:
            text = f"{name}(): argument '{parameter.name}' (position {position + 1}) must be {parameter.type_name}"
            if parameter.kind == "tuple of ints" and isinstance(value, (tuple, list)):
                raise _Mismatch(f"{text}, but found element of type {type_name(value[0])} at pos 0")
            raise _Mismatch(f"{text}, not {type_name(value)}")
        if not by_keyword:
            position += 1
        elif value is not _MISSING:
            remaining -= 1
    if remaining > 0:
        raise _Mismatch(extra_keywords_text(signature, kwargs, count))
    return values

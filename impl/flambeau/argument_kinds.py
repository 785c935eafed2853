"""The kinds of arguments that schemas name: which values each accepts, and what it makes of them.

`accepts(parameter, position, value)` is the test that chooses among signatures; `unpack(signature, parameter, value)`
converts once a signature is chosen, and may still raise. `taker` is both for values that need no second look.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .argument_types import CONSTANTS, EXACT, PYTHON_DTYPES, TYPES, type_name
from .schema import Parameter, Signature

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class _Mark:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


MISSING = _Mark("MISSING")
REFUSED = _Mark("REFUSED")
DEFERRED = _Mark("DEFERRED")


def default_value(parameter: Parameter) -> Any:
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


def _is_tensor(value: object) -> bool:
    return isinstance(value, TYPES["tensor"]) or hasattr(type(value), "__torch_function__")


def _is_integral_tensor(value: Any, include_bool: bool) -> bool:
    dtype = value.dtype
    if dtype.is_floating_point or dtype.is_complex:
        return False
    return include_bool or dtype != PYTHON_DTYPES.get(bool)


def _is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_index(value: Any) -> bool:
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
        return len(value) == 0 or is_index(value[0])
    return parameter.size > 0 and is_index(value)


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
        if not INT64_MIN <= value <= 2**64 - 1:
            raise OverflowError("int too big to convert" if value > 0 else "can't convert negative int to unsigned")
        return int(value)
    return complex(value) if isinstance(value, complex | np.complexfloating) else float(value)


def _unpack_int(value: Any) -> int:
    number = value.item() if isinstance(value, TYPES["tensor"]) else operator.index(value)
    if not INT64_MIN <= number <= INT64_MAX:
        raise ValueError("Overflow when unpacking long long")
    return int(number)


def _unpack_ints(signature: Signature, parameter: Parameter, value: Any) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)):
        return (_unpack_int(value),) * parameter.size
    numbers = []
    for i, element in enumerate(value):
        why = f"type must be {parameter.type_name},but got {type_name(element)}"
        try:
            if isinstance(element, bool) or is_index(element):
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
class Kind:
    accepts: Callable[[Parameter, int, Any], bool]
    unpack: Callable[[Signature, Parameter, Any], Any] = lambda _s, _p, value: value
    exact: frozenset[type] | set[type] = frozenset()  # values of exactly these types are taken as they are


def _value(convert: Callable[[Any], Any]) -> Callable[[Signature, Parameter, Any], Any]:
    return lambda _s, _p, value: convert(value)


_TENSORS = Kind(_accepts_tensors, _unpack_tensors)
KINDS: dict[str, Kind] = {
    "Tensor": Kind(
        lambda p, _i, v: _is_tensor(v) or (p.numbers and _is_number(v)),
        lambda _s, _p, v: v if _is_tensor(v) else _unpack_number(v),
        EXACT["tensor"],
    ),
    "Number": Kind(lambda _p, _i, v: _is_number(v) or _is_float(v), _value(_unpack_number), _PYTHON_FLOATS),
    "int": Kind(_accepts_int, _value(_unpack_int)),
    "index": Kind(lambda _p, _i, v: is_index(v), _value(_unpack_int)),
    "float": Kind(lambda _p, _i, v: _is_float(v), _value(float), frozenset({float})),
    "complex": Kind(lambda _p, _i, v: isinstance(v, complex) or _is_float(v), _value(complex)),
    "bool": Kind(lambda _p, _i, v: isinstance(v, bool), exact=frozenset({bool})),
    "str": Kind(
        lambda _p, _i, v: isinstance(v, (str, bytes)),
        _value(lambda v: v.decode() if isinstance(v, bytes) else v),
        frozenset({str}),
    ),
    "object": Kind(lambda _p, _i, _v: True),
    "tuple of ints": Kind(_accepts_ints, _unpack_ints),
    "tuple of Tensors": _TENSORS,
    "tuple of floats": Kind(_accepts_floats, _unpack_floats),
    "tuple of bools": Kind(
        lambda _p, _i, v: isinstance(v, (tuple, list)) and all(isinstance(e, bool) for e in v), _value(tuple)
    ),
    "tuple of Scalars": Kind(
        lambda _p, _i, v: isinstance(v, (tuple, list)) and all(map(_is_number, v)),
        lambda _s, _p, v: tuple(_unpack_number(e) for e in v),
    ),
    "name": Kind(lambda _p, _i, v: v is None or isinstance(v, str)),
    "tuple of names": Kind(
        lambda p, _i, v: (
            (isinstance(v, (tuple, list)) and all(e is None or isinstance(e, str) for e in v))
            or (p.size == 1 and isinstance(v, str))
        )
    ),
    "torch.dtype": Kind(
        lambda _p, _i, v: isinstance(v, TYPES["dtype"]) or v in (float, int, bool, complex),
        _value(_unpack_dtype),
        EXACT["dtype"],
    ),
    "torch.device": Kind(
        lambda _p, _i, v: isinstance(v, (str, bytes, *TYPES["device"])) or _is_int(v),
        _value(_unpack_device),
        EXACT["device"],
    ),
    "torch.Generator": Kind(_of_role("generator"), exact=EXACT["generator"]),
    "torch.layout": Kind(_of_role("layout"), exact=EXACT["layout"]),
    "torch.memory_format": Kind(_of_role("memory_format"), exact=EXACT["memory_format"]),
    "torch.qscheme": Kind(_of_role("qscheme"), exact=EXACT["qscheme"]),
    "torch.Storage": Kind(_of_role("storage"), exact=EXACT["storage"]),
    "torch.Stream": Kind(_of_role("stream"), exact=EXACT["stream"]),
    "DispatchKeySet": Kind(lambda _p, _i, _v: False),
}


def are_plain_ints(values: Sequence[Any]) -> bool:
    for value in values:  # noqa: SIM110 - twice as fast as all() with a generator
        if type(value) is not int or not INT64_MIN <= value <= INT64_MAX:
            return False
    return True


def taker(signature: Signature, position: int) -> Callable[[Any], Any]:
    """A function of a value: the converted value, REFUSED, or DEFERRED where a conversion raises.

    PyTorch converts only after every argument has passed its test, so an error has to wait for the slow path.
    """
    parameter = signature.parameters[position]
    kind = KINDS[parameter.kind]
    accepts, unpack, allow_none, size = kind.accepts, kind.unpack, parameter.allow_none, parameter.size

    def take(value: Any) -> Any:
        if value is None and allow_none:
            return default_value(parameter)
        if not accepts(parameter, position, value):
            return REFUSED
        try:
            return unpack(signature, parameter, value)
        except Exception:
            return DEFERRED

    def take_int(value: Any) -> Any:
        return value if type(value) is int and INT64_MIN <= value <= INT64_MAX else take(value)

    def take_ints(value: Any) -> Any:
        if type(value) is int:
            return (value,) * size if size and INT64_MIN <= value <= INT64_MAX else take(value)
        return tuple(value) if isinstance(value, (tuple, list)) and are_plain_ints(value) else take(value)

    def take_object(value: Any) -> Any:
        return REFUSED if type(value) in _PLAIN_DATA else take(value)

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


def taker_of_one(take: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The taker of a list of ints that may be spelled out, for one argument."""
    return lambda value: (value,) if type(value) is int and INT64_MIN <= value <= INT64_MAX else take(value)

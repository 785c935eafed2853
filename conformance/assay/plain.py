"""Plain data to JSON and back, without losing anything JSON cannot say.

NaN, infinities, -0.0, complex numbers, tuples, slices, bytes and dicts with odd keys come back as they went in.
Frozen dataclasses named with `@plain("tag")` travel as tagged objects; fields that hold their default are left out.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any, TypeVar

_CLASSES: dict[str, type] = {}
_TAGS: dict[type, str] = {}
#: Of each field: its name, its default, and the type that an item must have to be left out where it equals that.
_FIELDS: dict[type, tuple[tuple[str, Any, type | None], ...]] = {}
#: JSON in one line; made once, for `json.dumps` makes an encoder for each call that wants its own separators.
in_given_order = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
in_sorted_order = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_AS_IT_IS = frozenset({type(None), bool, int, str})
_TAG = "$"
_T = TypeVar("_T", bound=type)


def plain(tag: str) -> Callable[[_T], _T]:
    """Class decorator: let a frozen dataclass travel under `tag`."""

    def name(cls: _T) -> _T:
        if tag in _CLASSES:
            raise ValueError(f"the tag {tag!r} is taken by {_CLASSES[tag].__name__}")
        _CLASSES[tag] = cls
        _TAGS[cls] = tag
        # A floating default is always written: 0.0 and -0.0 are equal.
        _FIELDS[cls] = tuple(
            (f.name, f.default, None if isinstance(f.default, float | complex) else type(f.default))
            for f in fields(cls)
        )
        if "__slots__" in vars(cls):
            setattr(cls, "__reduce__", _reducer(cls))  # noqa: B010  # mypy takes no assignment to a method
        return cls

    return name


def _reducer(cls: type) -> Callable[[Any], tuple[type, tuple[Any, ...]]]:
    """How to pickle a dataclass with slots: what `dataclasses` does itself takes several times as long."""
    names = [f.name for f in fields(cls)]
    found = attrgetter(*names)
    values: Callable[[Any], tuple[Any, ...]] = found if len(names) > 1 else lambda one: (found(one),)
    return lambda one: (cls, values(one))


def encode(value: Any, keep: Callable[[bytes], Any] | None = None) -> Any:
    """What `json.dumps` can write and `decode` turns back into an equal value. Raises TypeError on anything else.

    keep: keeps bytes elsewhere, and gives what stands for them, from which decode's `take` finds them again; both are
    called in the same order.
    """
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    named = _FIELDS.get(kind)
    if named is not None:
        data = {_TAG: _TAGS[kind]}
        for name, default, droppable in named:
            item = getattr(value, name)
            found = type(item)
            if found is not droppable or item != default:
                data[name] = item if found in _AS_IT_IS else encode(item, keep)
        return data
    if kind is tuple:
        return {_TAG: "t", "v": _items(value, keep)}
    if kind is float:
        if math.isfinite(value) and not (value == 0 and math.copysign(1, value) < 0):
            return value
        return {_TAG: "f", "v": repr(value)}
    if kind is list:
        return _items(value, keep)
    if kind is dict:
        if all(type(k) is str for k in value) and _TAG not in value:
            return {k: encode(v, keep) for k, v in value.items()}
        return {_TAG: "d", "v": [[encode(k, keep), encode(v, keep)] for k, v in value.items()]}
    if kind is complex:
        return {_TAG: "c", "v": [encode(value.real), encode(value.imag)]}
    if kind is bytes:
        return {_TAG: "b", "v": base64.b64encode(value).decode("ascii") if keep is None else keep(value)}
    if kind is slice:
        return {_TAG: "s", "v": [encode(value.start), encode(value.stop), encode(value.step)]}
    if value is Ellipsis:
        return {_TAG: "..."}
    raise TypeError(f"{kind.__name__} is not plain data")


def _items(values: Iterable[Any], keep: Callable[[bytes], Any] | None) -> list[Any]:
    return [v if type(v) in _AS_IT_IS else encode(v, keep) for v in values]


def decode(data: Any, take: Callable[[Any], bytes] | None = None) -> Any:
    """The value that `encode` was given. Raises ValueError on an unknown tag."""
    if isinstance(data, list):
        return [decode(v, take) for v in data]
    if not isinstance(data, dict):
        return data
    tag = data.get(_TAG)
    if tag is None:
        return {k: decode(v, take) for k, v in data.items()}
    if tag == "f":
        return float(data["v"])
    if tag == "t":
        return tuple(decode(v, take) for v in data["v"])
    if tag == "d":
        return {decode(k, take): decode(v, take) for k, v in data["v"]}
    if tag == "c":
        return complex(*(decode(v, take) for v in data["v"]))
    if tag == "b":
        return base64.b64decode(data["v"]) if take is None else take(data["v"])
    if tag == "s":
        return slice(*(decode(v, take) for v in data["v"]))
    if tag == "...":
        return Ellipsis
    cls = _CLASSES.get(tag)
    if cls is None:
        raise ValueError(f"unknown tag {tag!r} in plain data")
    return cls(**{k: decode(v, take) for k, v in data.items() if k != _TAG})


def dumps(value: Any) -> str:
    """One line of JSON, keys sorted, so that equal values give equal text."""
    return in_sorted_order(encode(value))


def loads(text: str) -> Any:
    """Inverse of `dumps`."""
    return decode(json.loads(text))

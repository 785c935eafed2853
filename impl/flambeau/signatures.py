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
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from .argument_errors import extra_keywords_text, invalid_combination_text, no_arguments_text, too_many_text
from .argument_kinds import (
    DEFERRED,
    KINDS,
    MISSING,
    REFUSED,
    are_plain_ints,
    default_value,
    is_index,
    taker,
    taker_of_one,
)
from .argument_types import register, registered, type_name
from .errors import check_out_dtype
from .schema import Parameter, Signature, parse_signature

__all__ = ["Parameter", "Parser", "Signature", "not_a_tensor", "parse_signature", "register", "registered", "type_name"]


class Candidate:
    """A signature with what binding needs at hand: per parameter its exact types, taker, keyword names, default."""

    def __init__(self, index: int, signature: Signature) -> None:
        self.index, self.signature = index, signature
        # x.view(6) is x.view((6,)); where the list has a size, one int is all of its elements
        self.spelled_out = signature.varargs and signature.parameters[0].size == 0
        self.slots = tuple(
            (KINDS[p.kind].exact, taker(signature, i), p.name, p.aliases, p.optional)
            for i, p in enumerate(signature.parameters)
        )

    @functools.cached_property
    def defaults(self) -> list[Any]:
        return [default_value(p) for p in self.signature.parameters]

    def plan(self, count: int) -> tuple["Candidate", tuple[Any, ...], list[Any]] | None:
        """How to bind `count` positional arguments and no keywords; None where that cannot be."""
        parameters = self.signature.parameters
        if self.signature.varargs and count > 1:
            return self, (), self.defaults[1:]
        if count > self.signature.max_positional or not all(p.optional for p in parameters[count:]):
            return None
        slots = tuple(slot[:2] for slot in self.slots[:count])
        if self.spelled_out and count == 1:
            slots = ((slots[0][0], taker_of_one(slots[0][1])),)
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
        self.candidates = sorted((Candidate(i, s) for i, s in enumerate(signatures)), key=_is_deprecated)
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
                if are_plain_ints(args):
                    return candidate.index, [tuple(args), *tail]
                return self._bind_slowly(args, {})
            values = []
            for (exact, take), value in zip(slots, args, strict=True):
                if type(value) not in exact:
                    value = take(value)
                    if value is REFUSED:
                        break
                    if value is DEFERRED:
                        return self._bind_slowly(args, {})
                values.append(value)
            else:
                if candidate.signature.deprecated:
                    self._warn_deprecated(candidate.signature)
                values += tail
                return candidate.index, values
        return self._bind_slowly(args, {})

    def _make_plans(self, count: int) -> list[Any]:
        plans = [plan for candidate in self.candidates if (plan := candidate.plan(count)) is not None]
        if count <= 16:
            self._plans[count] = plans
        return plans

    def _bind_keywords(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[int, list[Any]]:
        for candidate in self.candidates:
            signature, positional = candidate.signature, args
            if signature.varargs and args and (len(args) > 1 or (candidate.spelled_out and type(args[0]) is int)):
                if not are_plain_ints(args):
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
                    value = kwargs.get(name, MISSING)
                    if value is MISSING and aliases:
                        value = _find_alias(kwargs, aliases)
                    if value is MISSING:
                        if not optional:
                            break
                        values.append(candidate.defaults[i])
                        continue
                    used += 1
                if type(value) not in exact:
                    value = take(value)
                    if value is REFUSED:
                        break
                    if value is DEFERRED:
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
        for candidate in self.candidates:
            signature = candidate.signature
            try:
                raw = _match(signature, args, kwargs)
            except _Mismatch as mismatch:
                if len(self.candidates) == 1:
                    raise TypeError(str(mismatch)) from None
                continue
            if signature.deprecated:
                self._warn_deprecated(signature)
            _check_out_dtype(signature, raw)
            return candidate.index, [
                default_value(p) if value is MISSING else KINDS[p.kind].unpack(signature, p, value)
                for p, value in zip(signature.parameters, raw, strict=True)
            ]
        total = len(args) + len(kwargs)
        plausible = [
            c.signature
            for c in self.candidates
            if c.signature.min_args <= total <= len(c.signature.parameters) and not c.signature.hidden
        ]
        if len(plausible) == 1:
            try:
                _match(plausible[0], args, kwargs)
            except _Mismatch as mismatch:
                raise TypeError(str(mismatch)) from None
        raise TypeError(invalid_combination_text(self._function_name, self._printed(), args, kwargs))

    def _printed(self) -> list[str]:
        return [str(c.signature) for c in self.candidates if not c.signature.hidden]

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
    if "layout" in given and all(given.get(n, MISSING) not in (MISSING, None) for n in ("out", "dtype")):
        check_out_dtype(given["out"].dtype, given["dtype"])


def _is_deprecated(candidate: Candidate) -> bool:
    return candidate.signature.deprecated


def _without_self(signature: Signature) -> Signature:
    kept = tuple(p for p in signature.parameters if p.name not in ("input", "out"))
    return Signature(signature.name, kept, signature.deprecated, signature.hidden)


def _find_alias(kwargs: Mapping[str, Any], aliases: tuple[str, ...]) -> Any:
    for alias in aliases:
        if alias in kwargs:
            return kwargs[alias]
    return MISSING


class _Mismatch(Exception):
    """A signature does not take the arguments; the text says why, as PyTorch would."""


def _match(signature: Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """The unconverted values in parameter order, MISSING for defaults. Raises _Mismatch."""
    name, count = signature.name, len(args)
    spelled_out = signature.varargs and count > 0 and is_index(args[0])
    if count > signature.max_positional and not spelled_out:
        raise _Mismatch(too_many_text(signature, count))
    values: list[Any] = []
    position, remaining = 0, len(kwargs)
    for i, parameter in enumerate(signature.parameters):
        by_keyword = position >= count
        if by_keyword:
            value = kwargs.get(parameter.name, MISSING)
            if value is MISSING:
                value = _find_alias(kwargs, parameter.aliases)
        else:
            value = args[position]
        if (value is MISSING and parameter.optional) or (value is None and parameter.allow_none):
            values.append(MISSING)
        elif value is MISSING:
            missing = [f'"{p.name}"' for p in signature.parameters[i:] if not p.optional]
            # PyTorch's plural is the wrong way round.
            plural = "s" if len(missing) == 1 else ""
            text = f"{name}() missing {len(missing)} required positional argument{plural}: {', '.join(missing)}"
            raise _Mismatch(text)
        elif KINDS[parameter.kind].accepts(parameter, i, value):
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
        elif value is not MISSING:
            remaining -= 1
    if remaining > 0:
        raise _Mismatch(extra_keywords_text(signature, kwargs, count))
    return values

"""Calls bound by the types of their arguments.

Most calls of an operation look like one before: a tensor, an int, a `keepdim=True`. What the parser made of the first
such call, which signature it chose and which argument went where, holds for every call with the same types, as long as
the choice depended on nothing but types. Such a plan is kept and replayed; everything else is the parser's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flambeau.argument_kinds import DEFERRED, REFUSED, are_plain_ints
from flambeau.dtypes import dtype
from flambeau.overrides import PLAIN
from flambeau.schema import Parameter
from flambeau.signatures import Candidate, Parser
from flambeau.size import Size, device, layout, memory_format

# types of which neither `__torch_function__` nor a parameter can ask more than what type they are; of a list or tuple
# the elements count too, and are looked at by `_taker`
_SIMPLE = PLAIN | {int, float, bool, complex, str, type(None), tuple, list, Size, dtype, device, layout, memory_format}
_LISTS: frozenset[type] = frozenset((tuple, list, Size))
# what a 0-d tensor may stand for, and an integral one of one element
_NUMERIC = frozenset(("Number", "int", "index", "float", "complex"))


class _Plan:
    """How to bind calls of one kind. slots: for each argument the parameter's name and None or a conversion."""

    __slots__ = ("defaults", "slots", "spelled_out")

    def __init__(
        self, slots: Sequence[tuple[str, Any]], defaults: Mapping[str, Any], spelled_out: str | None = None
    ) -> None:
        self.slots = slots
        self.defaults = defaults
        # the parameter that takes all arguments as one tuple of ints
        self.spelled_out = spelled_out


class Binder:
    """Binds calls of one function or method to parameter names, where a plan is known or can be made.

    names: what each signature's parameters are called, by index.
    """

    def __init__(self, parser: Parser, names: Sequence[Sequence[str]]) -> None:
        self._parser = parser
        self._names = names
        # by the types of the positional arguments, then each keyword and its argument's type; None: no plan
        self._plans: dict[tuple[Any, ...], _Plan | None] = {}

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """The arguments by parameter name, defaults filled in. None where the parser has to be asked."""
        if kwargs:
            key: tuple[Any, ...] = (*map(type, args), *kwargs, *map(type, kwargs.values()))
        else:
            key = tuple(map(type, args))
        try:
            plan = self._plans[key]
        except KeyError:
            plan = self._learn(key, args, kwargs)
        if plan is None:
            return None
        bound = dict(plan.defaults)
        if plan.spelled_out is not None:
            if not are_plain_ints(args):
                return None
            bound[plan.spelled_out] = args
            return bound
        for (name, take), value in zip(plan.slots, (*args, *kwargs.values()) if kwargs else args):  # noqa: B905
            if take is not None:
                value = take(value)
                if value is REFUSED or value is DEFERRED:
                    return None
            bound[name] = value
        return bound

    def _learn(self, key: tuple[Any, ...], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Plan | None:
        types = [t for t in key if type(t) is not str]
        if not _SIMPLE.issuperset(types):
            return None  # types come and go; these are not kept
        plan = self._plans[key] = self._made(types, len(args), tuple(kwargs))
        return plan

    def _made(self, types: Sequence[type], count: int, keywords: Sequence[str]) -> _Plan | None:
        """The plan for arguments of these types, `count` of them positional; None where types do not decide."""
        for candidate in self._parser.candidates:
            if candidate.signature.deprecated:
                return None
            spelled_out = candidate.signature.varargs and count and types[0] is int
            if spelled_out and (count > 1 or candidate.spelled_out):
                if keywords or set(types) != {int}:
                    return None
                names = self._names[candidate.index]
                defaults = dict(zip(names[1:], candidate.defaults[1:], strict=True))
                return _Plan((), defaults, names[0])
            places = _places(candidate, count, keywords)
            if places is None:
                continue
            takers = [_taker(candidate, i, t) for i, t in zip(places, types, strict=True)]
            if _UNDECIDED in takers:
                return None
            if REFUSED not in takers:
                names = self._names[candidate.index]
                given = set(places)
                defaults = {
                    n: d for i, (n, d) in enumerate(zip(names, candidate.defaults, strict=True)) if i not in given
                }
                return _Plan([(names[i], t) for i, t in zip(places, takers, strict=True)], defaults)
        return None


def _places(candidate: Candidate, count: int, keywords: Sequence[str]) -> list[int] | None:
    """The position of each argument's parameter, None where the signature cannot take so many, or these keywords."""
    parameters = candidate.signature.parameters
    if count > candidate.signature.max_positional:
        return None
    places = list(range(count))
    for keyword in keywords:
        found = [i for i, p in enumerate(parameters) if keyword == p.name or keyword in p.aliases]
        if not found or found[0] in places:
            return None
        places.append(found[0])
    if any(not p.optional and i not in places for i, p in enumerate(parameters)):
        return None
    return places


_UNDECIDED = object()
# what takes objects of these types; no other kind does
_TAKERS_OF: dict[type, tuple[str, ...]] = {
    str: ("str", "torch.device", "name", "tuple of names"),
    dtype: ("torch.dtype",),
    device: ("torch.device",),
    layout: ("torch.layout",),
    memory_format: ("torch.layout", "torch.memory_format"),
}


def _taker(candidate: Candidate, position: int, given: type) -> Any:
    """What takes an argument of that type: None if it is taken as it is, a conversion, REFUSED, or _UNDECIDED."""
    parameter: Parameter = candidate.signature.parameters[position]
    exact, take = candidate.slots[position][:2]
    kind = parameter.kind
    if given in exact or kind == "object":
        return None
    if given in _LISTS:
        return _list_taker(parameter) if kind.startswith("tuple") else REFUSED
    if given in PLAIN:
        # a 0-d tensor may stand for a number: the parser's to judge
        return _UNDECIDED if kind in _NUMERIC or kind == "tuple of ints" else REFUSED
    if given in _TAKERS_OF:
        return _UNDECIDED if kind in _TAKERS_OF[given] else REFUSED
    # numbers and None: one value is as good as another, but for integers beyond 64 bits, which `take` defers
    return REFUSED if take(None if given is type(None) else given()) is REFUSED else take


def _list_taker(parameter: Parameter) -> Any:
    """The conversion of a list or tuple, which looks at its elements; _UNDECIDED where others might fit too."""
    if parameter.kind == "tuple of ints":
        return lambda values: tuple(values) if values and are_plain_ints(values) else REFUSED
    if parameter.kind == "tuple of Tensors" and not parameter.size:
        return lambda values: tuple(values) if values and PLAIN.issuperset(map(type, values)) else REFUSED
    return _UNDECIDED

"""Failures that have one root, told together; each root says what it is based on.

place    they were raised in the same place of the subject, by the tracebacks
words    they were raised with the same words, numbers apart, where no traceback shows a place of the subject
calls    an operation that fails runs, by its public name, another that fails in the same aspect: seen in its smallest
         failing case
trait    all failing cases of several operations share what few cases have (a dtype, a layout, special values), and
         shrinking could not do without it; cases without it conform

None is a proof. A failure belongs to one root at most, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from assay.dtypes import ALL
from assay.levels import ASPECTS
from assay.result import Group, Name, Result, Root, marks

#: What few cases have, so that sharing it says something.
_LAYOUTS = ("non-contiguous", "expanded", "offset", "aliased", "window")
_SPECIAL = ("nan", "inf", "-0.0", "subnormal", "huge")
TELLING = frozenset(("empty", "0-dim", "mixed-dtype", *_LAYOUTS, *_SPECIAL))
#: In how many operations failures must share a trait, and how many cases must share a dtype.
ENOUGH = 3

#: What is raised, of a detail: "raised TypeError: no; expected …".
_RAISED = re.compile(r"(?:^|: )raised (\w+: .+?)(?:; expected |$)", re.DOTALL)


def name_of(group: Group) -> Name:
    """What a group is filed under."""
    return group.op, group.aspect, group.status, group.kind


def find(result: Result, called: Mapping[Name, Iterable[str]]) -> list[Root]:
    """The roots of what fails the run. called: by group, the public operations that its example calls."""
    left = {name_of(g): g for g in result.failing if g.status != "flaky"}
    roots = []
    finders = (_places, _words, lambda left: _callers(left, called), lambda left: _traits(result, left))
    for finder in finders:
        found = finder(left)
        roots += found
        for name in (name for root in found for name in root.failures):
            del left[name]
    return roots


def _places(groups: Mapping[Name, Group]) -> list[Root]:
    found: dict[str, list[Name]] = {}
    for name, group in groups.items():
        if group.cause:
            found.setdefault(group.cause, []).append(name)
    return [Root("place", cause, tuple(names)) for cause, names in found.items() if len(names) > 1]


def _words(groups: Mapping[Name, Group]) -> list[Root]:
    """Of several operations: one operation's own words say nothing."""
    found: dict[str, list[Name]] = {}
    texts: dict[str, str] = {}
    for name, group in groups.items():
        raised = _RAISED.search(group.detail)
        if raised and not group.cause:
            key = re.sub(r"[\d.]+", "#", raised[1])
            found.setdefault(key, []).append(name)
            texts.setdefault(key, raised[1])
    several = {key: names for key, names in found.items() if len({name[0] for name in names}) > 1}
    return [Root("words", texts[key], tuple(names)) for key, names in several.items()]


def _callers(groups: Mapping[Name, Group], called: Mapping[Name, Iterable[str]]) -> list[Root]:
    """Failures under the failing operation that they call, or that what they call calls, and so on."""
    failing: dict[tuple[str, str], list[Name]] = {}
    for name, group in groups.items():
        failing.setdefault((group.op, group.aspect), []).append(name)
    edges = {
        name: [op for op in called.get(name, ()) if op != group.op and (op, group.aspect) in failing]
        for name, group in groups.items()
    }
    members: dict[tuple[str, str], list[Name]] = {}
    for name, group in groups.items():
        root = _innermost(name, group.aspect, edges, failing)
        if root != group.op:
            members.setdefault((root, group.aspect), []).append(name)
    found: dict[str, tuple[list[Name], list[Name]]] = {}
    for (op, aspect), names in members.items():
        if not any(edges[name] for name in failing[op, aspect]):
            own, callers = found.setdefault(op, ([], []))
            own += failing[op, aspect]
            callers += names
    return [
        Root("calls", op, (*sorted(own, key=lambda name: ASPECTS.index(name[1])), *callers))
        for op, (own, callers) in found.items()
    ]


def _innermost(
    name: Name, aspect: str, edges: Mapping[Name, list[str]], failing: Mapping[tuple[str, str], list[Name]]
) -> str:
    """The failing operation at the end of the calls; the one that is called first, where there are several."""
    op, seen = name[0], {name[0]}
    following = edges[name]
    while following:
        nearer = next((o for o in following if o not in seen), None)
        if nearer is None:  # they call each other
            return op
        op = nearer
        seen.add(op)
        following = [o for inner in failing[op, aspect] for o in edges[inner]]
    return op


def _traits(result: Result, groups: Mapping[Name, Group]) -> list[Root]:
    """The trait that most operations share first, then the next."""
    left = {name: _shared(result, group) for name, group in groups.items()}
    roots: list[Root] = []
    while True:
        ops: dict[str, set[str]] = {}
        for name, shared in left.items():
            for trait in shared:
                ops.setdefault(trait, set()).add(name[0])
        trait = max(sorted(ops), key=lambda t: len(ops[t]), default="")
        if len(ops.get(trait, ())) < ENOUGH:
            return roots
        names = tuple(name for name, shared in left.items() if trait in shared)
        roots.append(Root("trait", trait, names))
        for name in names:
            del left[name]


def _shared(result: Result, group: Group) -> frozenset[str]:
    """The telling traits of all cases of a failure, its shrunk one too; none where nothing else conforms."""
    if group.shared is None or (group.shrunk is None and group.cases < ENOUGH):
        return frozenset()
    shared = group.shared if group.shrunk is None else group.shared & marks(group.shrunk)
    cells = [c for c in result.cells.values() if (c.op, c.aspect) == (group.op, group.aspect)]
    conforming = {dtype for cell in cells for dtype, counts in cell.dtypes.items() if counts["conforms"]}
    if not conforming:
        return frozenset()
    dtypes = {t for t in shared & set(ALL) if group.cases >= ENOUGH and conforming - {t}}
    return frozenset(shared & TELLING | dtypes)

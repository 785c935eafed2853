"""Cases drawn from the catalogue: Hypothesis decides the structure, each structure feeds several executions.

The same (operation, profile, seed) gives the same cases. Nothing here loads torch or a subject, and nothing raises
for what it drew: the cases are complete before the first one is executed.
"""

from __future__ import annotations

import contextlib
import fnmatch
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from assay.case import Case
from assay.catalog import entries
from assay.catalog.form import Entry, Execution, Form, Structure, is_in_place
from assay.catalog.spelling import corrupt, fill, spell
from assay.diversity.kinds import MISTAKES
from assay.diversity.twists import LIMIT, TWISTED, Twists
from assay.dtypes import FLOATS, category, is_differentiable
from assay.pick import Pick
from assay.program import MadeOf
from assay.programs.families import Programs
from assay.simpler import smaller
from assay.traits import traits

__all__ = ["PROFILES", "Profile", "draw", "draw_cases", "select", "smaller", "structures", "traits"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How many cases are drawn for each operation, how many executions one structure feeds, and how many structures
    one example of Hypothesis holds: an example costs several times what a structure does."""

    name: str
    valid: int
    invalid: int
    executions: int = 4
    together: int = 1


PROFILES = {
    p.name: p for p in (Profile("quick", 25, 4), Profile("standard", 390, 66, 4, 8), Profile("deep", 2200, 380, 3, 8))
}


#: Of a form's structures, one in so many has an empty tensor, or only 0-dim ones, where the form allows it.
_STRATA = {"empty": 9, "0-dim": 12}


@st.composite
def structures(draw: st.DrawFn, form: Form, stratum: str = "") -> Structure:
    """Structures of a form: any, or of the stratum "empty" or "0-dim"."""
    drawn: dict[str, object] = {}
    env = Structure(form, drawn, stratum)
    for param in form.params:
        drawn[param.name] = param.kind.structure(draw, env)
    return env


@contextlib.contextmanager
def _no_harvest() -> Iterator[None]:
    """Hypothesis mixes constants from the source of local modules into its draws: then editing assay would change
    the cases of a seed."""
    harvest, cache = providers._get_local_constants, providers.CONSTANTS_CACHE
    providers._get_local_constants = Constants
    providers.CONSTANTS_CACHE = type(cache)(1024)
    try:
        yield
    finally:
        providers._get_local_constants, providers.CONSTANTS_CACHE = harvest, cache


def _generate(strategy: st.SearchStrategy[Structure], count: int, seed: int, together: int) -> list[Structure]:
    """At most `count` structures, `together` an example; the first example that Hypothesis makes, always the simplest
    there is, is left out."""
    found: list[tuple[Structure, ...]] = []

    @seeded(seed)
    @settings(
        max_examples=-(-count // together) + 1,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*[strategy] * together))
    def collect(structures: tuple[Structure, ...]) -> None:
        found.append(structures)

    with _no_harvest():
        collect()
    return [structure for example in found[1:] or found for structure in example][:count]


def _collect(entry: Entry, count: int, seed: int, together: int = 1) -> list[Structure]:
    """Structures of all forms by their weight and of all strata, evenly mixed."""
    total = sum(form.weight for form in entry.forms)
    placed: list[tuple[float, int, Structure]] = []
    for i, form in enumerate(entry.forms):
        share = max(round(count * form.weight / total), 1)
        parts = {name: round(share / rarity) for name, rarity in _STRATA.items()}
        parts[""] = max(share - sum(parts.values()), 1)
        for j, (stratum, wanted) in enumerate(parts.items()):
            if wanted:
                found = _generate(structures(form, stratum), wanted, seed + 31 * i + j, min(together, wanted))
                placed += [((k + 0.5) / len(found), len(placed) + k, s) for k, s in enumerate(found)]
    return [structure for _, _, structure in sorted(placed, key=lambda item: item[:2])]


class _Rotation:
    """Goes round every variant and every dtype of every form, so that none is left to luck."""

    def __init__(self, entry: Entry, pick: Pick, made_of: MadeOf) -> None:
        def around(form: Form, pool: tuple[str, ...]) -> Iterator[str]:
            return cycle(pick.shuffled(made_of.of(pool)) or form.dtypes)

        self.ways = {id(form): cycle(pick.shuffled(form.ways)) for form in entry.forms}
        self.any = {id(form): around(form, _pool(form)) for form in entry.forms}
        self.written = {id(form): around(form, _holding(form)) for form in entry.forms}

    def next(self, form: Form) -> tuple[str, str, str]:
        variant, operator = next(self.ways[id(form)])
        in_place = variant == "inplace" or is_in_place(operator) or form.writes
        return variant, operator, next((self.written if in_place else self.any)[id(form)])


def _pool(form: Form) -> tuple[str, ...]:
    """The form's dtypes; those that have derivatives more often, where it has any."""
    extra = tuple(d for d in form.dtypes if is_differentiable(d)) if form.order else ()
    return (*form.dtypes, *extra, *(d for d in FLOATS if d in form.dtypes))


def _holding(form: Form) -> tuple[str, ...]:
    """Of these, the dtypes that can hold the operation's own result, as in-place calls must."""
    result = form.result[0]

    def holds(dtype: str) -> bool:
        return category(result(Execution(Structure(form, {}), Pick(0), dtype))) <= category(dtype)

    return tuple(d for d in _pool(form) if holds(d))


def _execution(structure: Structure, rotation: _Rotation, pick: Pick, made_of: MadeOf) -> Execution:
    form = structure.form
    variant, operator, dtype = rotation.next(form)
    order = 0
    if form.order and variant != "out" and is_differentiable(dtype):
        order = pick.integer(0, form.order) if made_of.gradients else 0
    default = pick.weighted({"float32": 95, "float64": 3, "float16": 1, "bfloat16": 1})
    if made_of.dtypes and default not in made_of.dtypes:
        default = "float32"
    ex = Execution(structure, pick, dtype, variant, operator, order, default)
    fill(ex)
    return ex


def executions(entry: Entry, count: int, seed: int = 0) -> Iterator[Execution]:
    """Executions of `count` structures, filled in but not spelled."""
    pick = Pick(f"{seed}:{entry.op}")
    rotation = _Rotation(entry, pick, MadeOf())
    return (_execution(structure, rotation, pick, MadeOf()) for structure in _collect(entry, count, seed))


def draw_cases(
    entry: Entry,
    profile: Profile | str = "standard",
    seed: int = 0,
    made_of: MadeOf | None = None,
    *,
    twisted: bool = True,
) -> Iterator[Case]:
    """The cases of one operation: `profile.valid` meant to be accepted, then `profile.invalid` meant to be refused.
    They are made of what made_of says.

    Fewer where an operation has not that many different ones. Of the last of both some are `twisted`: turned into kinds
    of input that the entry does not draw by itself. Raises KeyError on an unknown profile.
    """
    if isinstance(profile, str):
        profile = PROFILES[profile]
    made_of = made_of or MadeOf()
    if isinstance(entry, Programs):
        yield from entry.cases(profile.name, seed, made_of)
        return
    mixed = zlib.crc32(f"{seed}:{entry.op}".encode())
    pick = Pick(f"{seed}:{entry.op}")
    count = -(-profile.valid // profile.executions)
    found = _collect(entry, count, mixed, profile.together)
    rotation = _Rotation(entry, pick, made_of)
    seen: set[str] = set()
    for wanted, invalid in ((profile.valid, False), (profile.invalid if entry.mistakes else 0, True)):
        made = 0
        twists = Twists(entry.op, invalid, seed)
        turns = twists.turns(wanted) if twisted else 0
        lacking = set(MISTAKES) if invalid and wanted >= TWISTED else set()
        for structure, _ in zip(cycle(found), range(2 * wanted)):
            ex = _execution(structure, rotation, pick, made_of)
            case = None
            if turns and made >= wanted - wanted // LIMIT:
                case = twists.turned(spell(entry, ex))
                turns -= case is not None
            if case is None:
                case = corrupt(entry, ex, lacking) if invalid else spell(entry, ex)
            if case.id not in seen:
                seen.add(case.id)
                made += 1
                lacking -= set(case.labels)
                yield case
            if made == wanted:
                break


def most(entry: Entry, profile: str) -> int:
    """How many cases `draw_cases` gives at most."""
    if isinstance(entry, Programs):
        return entry.most(profile)
    found = PROFILES[profile]
    return found.valid + (found.invalid if entry.mistakes else 0)


def select(only: Iterable[str] = ()) -> list[Entry]:
    """The catalogue's entries whose operation matches any of the globs; all without globs."""
    globs = tuple(only)
    return [e for e in entries() if not globs or any(fnmatch.fnmatchcase(e.op, g) for g in globs)]


def draw(only: Iterable[str] = (), profile: Profile | str = "standard", seed: int = 0) -> Iterator[Case]:
    """The cases of a selection, operation by operation."""
    for entry in select(only):
        yield from draw_cases(entry, profile, seed)

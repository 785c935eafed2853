"""Mutants: every catalogued operation, wrong in each of seven ways, must be caught and rightly blamed.

    python -m assay.testing.mutants [--sample 200] [--seed 0] [--profile quick] [--only GLOB] [--json FILE]

A mutant is planted in this process's torch and put to cases of its operation; what it answers is judged by the sound
torch's answers. Where no answer to any case differs in a single byte from the sound one (a wrong dtype of an operation
that returns none), the mutant has no effect: it is told as such and left out of the rate.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.case import Case
from assay.catalog.form import Entry
from assay.doubt import careful, in_doubt
from assay.drawing import Profile, draw_cases, select
from assay.execute import Want, answer
from assay.judge import UnmeasuredError, judge
from assay.outcome import Error, Outcome, Verdict
from assay.plain import dumps
from assay.policy import Policy
from assay.subjects import parse
from assay.testing.planting import planted
from assay.truth import ReferenceAnswer, reference_answer
from assay.worker import Limits, Worker

_OTHER_DTYPE = {
    "float32": "float64",
    "float64": "float32",
    "float16": "float32",
    "bfloat16": "float32",
    "complex64": "complex128",
    "complex128": "complex64",
    "int64": "int32",
    "bool": "uint8",
}


@dataclass(frozen=True, slots=True)
class Way:
    """A way to be wrong. change(torch, result, args, kwargs) gives the changed result, or None where there is nothing
    to change; aspects: in which of them it must show for the blame to be right."""

    name: str
    change: Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]
    aspects: frozenset[str]


def _is_tensor(torch: Any, value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _tensors(torch: Any, value: Any) -> Iterator[Any]:
    if _is_tensor(torch, value):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(torch, item)
    elif isinstance(value, dict):
        yield from _tensors(torch, list(value.values()))


def _at_last(value: Any, change: Callable[[Any], Any]) -> Any:
    """A sequence with its last item changed; None where that cannot be."""
    if isinstance(value, tuple | list) and len(value):
        last = change(value[-1])
        if last is None:
            return None
        items = [*value[:-1], last]
        return type(value)(items) if type(value) in (tuple, list) else _rebuilt(value, items)
    return None


def _rebuilt(value: Any, items: list[Any]) -> Any:
    try:
        return type(value)(items)
    except TypeError:
        return type(value)(*items)


def off_by_units(torch: Any, tensor: Any, units: float = 64.0) -> bool:
    """Move the last element by some units of rounding error (integers by one, bools to the other); False if empty."""
    data = tensor.data
    if data.numel() == 0:
        return False
    at = (-1,) * data.ndim
    old = data[at].item()
    if data.dtype == torch.bool:
        data[at] = not old
    elif not (data.is_floating_point() or data.is_complex()):
        data[at] = old + 1 if old < torch.iinfo(data.dtype).max else old - 1
    elif abs(old) == float("inf") or old != old:
        data[at] = 1.0
    else:
        part = torch.finfo(data.dtype)
        unit = max(part.eps / 2 * abs(old), part.smallest_normal * part.eps)
        # The next representable value beyond, so that rounding does not bring it back inside.
        data[at] = old + (units + 1) * unit
    return True


def _value(torch: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _is_tensor(torch, result):
        return result if off_by_units(torch, result) else None
    if isinstance(result, bool):
        return not result
    if isinstance(result, int):
        return result + 1
    if isinstance(result, float | complex):
        return result * (1 + 2.0**-40) if result and result - result == 0 else 1.0
    if isinstance(result, str):
        return result + " "
    if result is None:
        for tensor in _tensors(torch, args):
            return None if not off_by_units(torch, tensor) else _NOTHING
    return _at_last(result, lambda last: _value(torch, last, args, kwargs))


_NOTHING = object()


def _dtype(torch: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _is_tensor(torch, result):
        name = str(result.dtype).removeprefix("torch.")
        return result.to(getattr(torch, _OTHER_DTYPE.get(name, "int64")))
    if isinstance(result, bool):
        return int(result)
    if isinstance(result, int):
        return float(result)
    if isinstance(result, float):
        return complex(result)
    return _at_last(result, lambda last: _dtype(torch, last, args, kwargs))


def _shape(torch: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _is_tensor(torch, result):
        return result.unsqueeze(0)
    if isinstance(result, tuple | list):
        if type(result) in (tuple, list, torch.Size):
            return type(result)([*result, *(result[-1:] or [0])])
        return tuple(result)
    return None


def _gradient(torch: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    found = False
    outputs = _tensors(torch, result) if result is not None else _tensors(torch, args[:1])
    for tensor in outputs:
        if tensor.requires_grad and not tensor.is_leaf:
            tensor.register_hook(lambda g: g * 1.01)
            found = True
    if not found:
        return None
    return _NOTHING if result is None else result


def _storage(torch: Any, tensor: Any) -> int:
    return int(tensor.untyped_storage().data_ptr())


def _view_or_copy(torch: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if not _is_tensor(torch, result):
        return _at_last(result, lambda last: _view_or_copy(torch, last, args, kwargs))
    if result.numel() == 0:
        return None
    inputs = list(_tensors(torch, (args, kwargs)))
    if any(_storage(torch, result) == _storage(torch, t) for t in inputs):
        return result.clone()
    for tensor in inputs:
        if tensor.shape == result.shape and tensor.dtype == result.dtype and _same(torch, tensor, result):
            return tensor
    return None


def _same(torch: Any, a: Any, b: Any) -> bool:
    return bool(torch.equal(a, b))


def _mutated(torch: Any, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    written = {_storage(torch, t) for t in _tensors(torch, result)}
    for tensor in _tensors(torch, (args, kwargs)):
        if _storage(torch, tensor) not in written and off_by_units(torch, tensor):
            return _NOTHING if result is None else result
    return None


WAYS = (
    Way("value", _value, frozenset({"values", "random", "text"})),
    Way("dtype", _dtype, frozenset({"dtype", "structure"})),
    Way("shape", _shape, frozenset({"shape", "structure"})),
    Way("gradient", _gradient, frozenset({"gradients", "gradients2"})),
    Way("view_or_copy", _view_or_copy, frozenset({"aliasing", "stride"})),
    Way("mutation", _mutated, frozenset({"mutation"})),
    Way("error", lambda *_: None, frozenset({"error"})),
)


@dataclass(slots=True)
class Fate:
    """What became of a mutant. cases: put to it; changed: answers it changed; caught: of these, those the judge
    refused; unseen: the first of the others, as JSON; outcome: "caught" (and rightly blamed), "misblamed", "survived",
    "no effect"."""

    op: str
    way: str
    cases: int = 0
    changed: int = 0
    caught: int = 0
    outcome: str = "survived"
    aspects: dict[str, int] | None = None
    detail: str = ""
    unseen: str = ""


class Mutant:
    """One operation, wrong in one way."""

    def __init__(self, torch: Any, way: Way) -> None:
        self.torch = torch
        self.way = way
        self.changed = False

    def __call__(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            result = original(*args, **kwargs)
        except Exception as error:
            if self.way.name != "error":
                raise
            self.changed = True
            other = ValueError if not isinstance(error, ValueError) else TypeError
            raise other(str(error)) from error
        with self.torch.no_grad() if self.way.name in ("value", "mutation") else self.torch.enable_grad():
            changed = self.way.change(self.torch, result, args, kwargs)
        if changed is None:
            return result
        self.changed = True
        return result if changed is _NOTHING else changed


#: Operations with cases on which PyTorch itself dies, so that they are first put to it in a process of its own.
UNSAFE: set[str] = set()


def survived(cases: Sequence[Case], policy: Policy) -> tuple[Case, ...]:
    """The cases that PyTorch answers, one way or the other."""
    with Worker(parse("torch"), limits=Limits(patience=len(cases))) as worker:
        outcomes = worker.answers([(case, policy) for case in cases])
    answered = ("returned", "raised", "missing")
    return tuple(case for case, outcome in zip(cases, outcomes, strict=True) if outcome.status in answered)


class References:
    """The cases of an operation with the sound torch's bare answers, each asked for once, when it is first needed.

    fatal: how many PyTorch itself dies of, which are left out of those of an operation in `UNSAFE`.
    """

    def __init__(self, entry: Entry, profile: str | Profile, seed: int) -> None:
        self._bare = replace(entry.policy, looks=0)
        drawn = tuple(draw_cases(entry, profile, seed))
        self._cases = survived(drawn, entry.policy) if entry.op in UNSAFE else drawn
        self.fatal = len(drawn) - len(self._cases)
        self._answers: list[ReferenceAnswer] = []

    def __iter__(self) -> Iterator[tuple[Case, ReferenceAnswer]]:
        import torch

        for i, case in enumerate(self._cases):
            if i == len(self._answers):
                self._answers.append(reference_answer(case, torch, self._bare))
            yield case, self._answers[i]


@lru_cache(maxsize=8)
def references(op: str, profile: str | Profile, seed: int) -> References:
    """The references of an operation; the last few operations are kept. No fault may be planted while iterating."""
    (entry,) = [e for e in select([op]) if e.op == op]
    return References(entry, profile, seed)


def judged_as_in_a_run(case: Case, reference: ReferenceAnswer, subject: Outcome, policy: Policy) -> list[Verdict]:
    """Verdicts as a run gives them: the truth where answers differ, and a second look. No fault may be planted."""
    import torch

    try:
        verdicts = judge(case, reference, subject, policy)
    except UnmeasuredError:
        verdicts = judge(case, reference_answer(case, torch, policy), subject, policy)
    if in_doubt(verdicts):
        verdicts = judge(case, reference_answer(case, torch, careful(policy)), subject, policy)
    return verdicts


def is_same(a: Outcome, b: Outcome) -> bool:
    """Whether two answers are the same in every byte; where an error was raised does not count."""
    first, second = _unplaced(a), _unplaced(b)
    return first == second or dumps(first) == dumps(second)  # NaN is not itself


def _unplaced(outcome: Outcome) -> Outcome:
    def plain(error: Error | None) -> Error | None:
        return error and replace(error, traceback="")

    return replace(outcome, error=plain(outcome.error), gradient_error=plain(outcome.gradient_error))


def _can_change(way: Way, case: Case, sound: Outcome) -> bool:
    """Whether a mutant may change the answer at all; asked first, because most cases are neither refused nor
    differentiated."""
    if way.name == "error":
        return sound.status == "raised"
    return sound.status == "returned" and (way.name != "gradient" or case.order > 0)


def try_mutant(entry: Entry, way: Way, profile: str = "quick", seed: int = 0, enough: int = 3) -> Fate:
    """Put a mutant to the cases of its operation, until it has been caught `enough` times."""
    import torch

    fate = Fate(entry.op, way.name)
    aspects: Counter[str] = Counter()
    for case, reference in references(entry.op, profile, seed):
        fate.cases += 1
        if not _can_change(way, case, reference.outcome):
            continue
        mutant = Mutant(torch, way)
        try:
            with planted(torch, [case.call], mutant):
                subject = answer(case, torch, want=Want.of(entry.policy))
        except AttributeError:
            continue  # nothing is called: a property, or a name that is absent in torch too
        if not mutant.changed or is_same(subject, reference.outcome):
            continue
        fate.changed += 1
        verdicts = judged_as_in_a_run(case, reference, subject, entry.policy)
        wrong = [v for v in verdicts if v.status == "deviates"]
        if wrong:
            fate.caught += 1
            aspects.update(v.aspect for v in wrong)
            fate.detail = fate.detail or f"{wrong[0].aspect}: {wrong[0].detail}"
        elif not fate.unseen:
            fate.unseen = case.to_json()
        if aspects.keys() & way.aspects and fate.caught >= enough:
            break
    fate.aspects = dict(aspects)
    if not fate.changed:
        fate.outcome = "no effect"
    elif aspects.keys() & way.aspects:
        fate.outcome = "caught"
    elif fate.caught:
        fate.outcome = "misblamed"
    return fate


def population(only: Sequence[str] = (), sample: int | None = None, seed: int = 0) -> list[tuple[Entry, Way]]:
    """Every (operation, way), or a sample of them by seed, operation by operation."""
    every = [(entry, way) for entry in select(only) for way in WAYS]
    if sample is not None and sample < len(every):
        chosen = set(random.Random(seed).sample(range(len(every)), sample))
        every = [pair for i, pair in enumerate(every) if i in chosen]
    return every


def try_all(
    only: Sequence[str] = (), sample: int | None = None, seed: int = 0, profile: str = "quick"
) -> Iterator[Fate]:
    """The fates of a population, one after the other."""
    for entry, way in population(only, sample, seed):
        yield try_mutant(entry, way, profile, seed)


def reason(fate: Fate) -> str:
    """Why a mutant may survive, where the catalogue says so."""
    (policy,) = {e.policy for e in select([fate.op]) if e.op == fate.op}
    if fate.way == "value" and policy.values == "metadata":
        return "uninitialised memory: its values are nobody's promise"
    if fate.way == "gradient":
        return "derivatives only in dtypes of so few digits that a hundredth is within their windows"
    return ""


def rate(fates: Sequence[Fate]) -> float:
    """The share of real mutants that were caught and rightly blamed; 0.0 where none changes an answer, which proves
    nothing."""
    real = [f for f in fates if f.outcome != "no effect"]
    return sum(f.outcome == "caught" for f in real) / len(real) if real else 0.0


def table(fates: Sequence[Fate]) -> str:
    """Counts by way and outcome, the rate, and every mutant that was not caught."""
    outcomes = ("caught", "misblamed", "survived", "no effect")
    counts = Counter((f.way, f.outcome) for f in fates)
    lines = [f"{'way':14s}" + "".join(f"{o:>12s}" for o in outcomes)]
    lines += [f"{w.name:14s}" + "".join(f"{counts[w.name, o]:12d}" for o in outcomes) for w in WAYS]
    lines.append(f"caught and rightly blamed: {rate(fates):.1%}")
    for fate in fates:
        if fate.outcome in ("misblamed", "survived"):
            why = fate.detail or reason(fate)
            lines.append(f"{fate.outcome}: {fate.op} {fate.way} ({fate.changed} answers changed) {why}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit code 0 when at least 95% were caught."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(1)
    torch.set_warn_always(True)
    fates = list(try_all(options.only, options.sample, options.seed, options.profile))
    print(table(fates))
    if options.json:
        options.json.write_text(json.dumps([asdict(f) for f in fates], indent=1))
    return 0 if rate(fates) >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main())

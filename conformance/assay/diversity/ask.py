"""Ask real PyTorch about the kinds of input that are not drawn: what it refuses needs no drawing.

    python -m assay.diversity.ask [--only GLOB] [--jobs N] [--write]

Cases of the standard profile that PyTorch takes are changed until they show the kind. What it refuses every time is
written to reference/inputs-<version>.json with the first line of its error, and so is what it takes at least once: that
`assay.diversity.twists` draws. Of a mistake it is the other way round: what is never refused is none.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice, repeat
from multiprocessing.connection import Connection
from pathlib import Path

from assay.case import Case
from assay.catalog import catalog
from assay.catalog.check import refusal as refused
from assay.catalog.form import Entry
from assay.diversity.kinds import KINDS, MISTAKES
from assay.diversity.reasons import Drawn, by_rule
from assay.diversity.record import Record, record
from assay.diversity.showing import ASKABLE, showing, tensors
from assay.diversity.table import count
from assay.diversity.twists import LIMIT
from assay.drawing import draw_cases, select
from assay.dtypes import ALL
from assay.execute import Want, answer
from assay.policy import Policy

#: How many cases are asked about at most, and how many changed ones of each.
CASES, EACH = 14, 4
DIES = "dies"
UNSHOWN = "none of its cases can be made to show it"
INTO = ("out-resized", "out-cast", "bad-out", "window", "bad-overlap")
#: torch is imported once; each operation is asked about in a copy of that process.
CONTEXT = multiprocessing.get_context("fork")


def refusal(case: Case, policy: Policy) -> str:
    """Why PyTorch refuses the case or its derivatives; "" where it takes it."""
    import torch

    if not case.order:
        return refused(case, torch) or ""
    outcome = answer(case, torch, want=Want.of(policy, ("gradients",)))
    if outcome.status != "returned":
        return "refused"
    if outcome.gradient_error is not None:
        return _first_line(outcome.gradient_error.text)
    if not any(outcome.gradients or ()):
        return "no result has a derivative"
    return "no second derivative" if case.order == 2 and outcome.gradients2 is None else ""


def _first_line(text: str) -> str:
    line = (text.splitlines() or [""])[0]
    return re.sub(r"-?\d+", "#", line)[:110]


def asked(entry: Entry, drawn: Drawn, cases: list[Case], kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(kind, refusal) of every kind that is not drawn and that no rule explains; "" where PyTorch takes it."""
    import torch

    takes = (c for c in cases if not c.invalid and tensors(c) and refused(c, torch) is None)
    bases: list[Case] = []
    drawn = replace(drawn, shown=drawn.shown.copy())
    # dtypes first: rules about values ask which are drawn
    for kind in sorted(set(kinds) & ASKABLE, key=lambda k: (k not in ALL, list(KINDS).index(k))):
        if drawn.shown[kind] or by_rule(entry, kind, drawn):
            continue
        bases = bases or list(islice(takes, 6 * CASES))
        pool = [c for c in (cases if kind in INTO else bases) if _fits(kind, c)]
        made = [m for c in pool for m in islice(showing(kind, c), EACH)][: CASES * EACH]
        said = Counter[str]()
        for case in made:
            told = refusal(case, entry.policy)
            said[told] += 1
            if bool(told) == (kind in MISTAKES):
                break
        if not made:
            yield kind, UNSHOWN
        elif kind in MISTAKES:
            yield kind, "" if len(said) > 1 or "" not in said else "takes any"
        else:
            drawn.shown[kind] += "" in said
            yield kind, "" if "" in said else said.most_common(1)[0][0]


def _fits(kind: str, case: Case) -> bool:
    """Whether a case of its variant can show the kind."""
    if kind in ("window", "bad-overlap"):
        return not case.invalid and case.variant in ("inplace", "out")
    return not case.invalid and (case.variant == "out") == (kind in INTO)


def _apart(op: str, kinds: Sequence[str]) -> dict[str, str] | None:
    """The same in a process of its own, for PyTorch dies of some questions; None where it did."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_ask, args=(op, kinds, theirs))
    process.start()
    theirs.close()
    try:
        return ours.recv()  # type: ignore[no-any-return]
    except EOFError:
        return None
    finally:
        process.join()
        ours.close()


def _answers(op: str, kinds: Sequence[str]) -> dict[str, str]:
    """By kind; each on its own where PyTorch dies of one of them."""
    found = _apart(op, kinds)
    if found is not None:
        return found
    apart = {kind: _apart(op, (kind,)) for kind in kinds}
    return {k: t for kind, told in apart.items() for k, t in ({kind: DIES} if told is None else told).items()}


def _ask(op: str, kinds: Sequence[str], to: Connection) -> None:
    cases = list(draw_cases(catalog()[op], "standard", 0, twisted=False))
    to.send(dict(asked(catalog()[op], count(kept(cases)), cases, kinds)))


def kept(cases: Sequence[Case]) -> list[Case]:
    """Those of the cases that no twist takes the place of, however many there are."""
    valid, invalid = ([c for c in cases if c.invalid == bad] for bad in (False, True))
    return [*valid[: -(len(valid) // LIMIT) or None], *invalid[: -(len(invalid) // LIMIT) or None]]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--kind", action="append", choices=sorted(ASKABLE))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the record")
    options = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    refused, taken = dict(record().refused), dict(record().taken)
    kinds = tuple(options.kind or KINDS)
    ops = [entry.op for entry in select(options.only)]
    with ThreadPoolExecutor(options.jobs) as threads:
        for op, found in zip(ops, threads.map(_answers, ops, repeat(kinds)), strict=True):
            kept = {kind: told for kind, told in refused.get(op, {}).items() if kind not in kinds}
            refused[op] = kept | {kind: told for kind, told in found.items() if told}
            taken[op] = (
                *(k for k in taken.get(op, ()) if k not in kinds),
                *(k for k, told in found.items() if not told),
            )
            print(f"{op}: takes {' '.join(taken[op]) or 'nothing else'}", flush=True)
    if options.write:
        version = torch.__version__.partition("+")[0]
        file = Path(__file__).parents[1] / "reference" / f"inputs-{'.'.join(version.split('.')[:2])}.json"
        file.write_text(Record(version, refused, taken).to_json(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

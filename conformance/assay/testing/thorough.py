"""All that assay must catch, in one command: sampled mutants and every hand-planted fault, with the results in a file.

    python -m assay.testing.thorough [--mutants 1000] [--seed 0] [--profile standard] [--jobs 1]
                                     [--keep FILE.jsonl] [--write conformance/results/faults.md]

For example, all of it over the whole surface, going on where it was broken off:

    python -m assay.testing.thorough --keep faults.jsonl --write conformance/results/faults.md

Exit code 0 when at least 97% of the mutants and every hand-planted fault were caught and blamed on the right operation
in the right aspect, and no other operation was blamed; 1 when not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from assay.catalog import catalog
from assay.catalog.form import Entry
from assay.drawing import select
from assay.execute import Want, answer
from assay.testing.faulty import DEADLY, FAULTS
from assay.testing.handmade import catalogued, try_fault
from assay.testing.mutants import (
    UNSAFE,
    WAYS,
    Fate,
    Mutant,
    is_same,
    judged_as_in_a_run,
    population,
    rate,
    reason,
    references,
    table,
    try_mutant,
)
from assay.testing.planting import planted, restore

#: Cases of another operation that each fault must leave alone.
BYSTANDERS = 6
#: Operations that Python itself answers by another: what breaks that one breaks them.
MADE_OF = {"__str__": "__repr__"}
Row = dict[str, Any]
Job = tuple[str, str, str, str, int]


def prepare() -> None:
    """This process's torch as a worker has it."""
    import torch

    torch.set_num_threads(1)
    torch.set_warn_always(True)


def bystander(op: str) -> Entry:
    """The next operation of the same family, or of the next: what is most like `op` and must not be blamed for it."""
    entries = list(catalog().values())
    at = next(i for i, entry in enumerate(entries) if entry.op == op)
    return entries[(at + 1) % len(entries)]


def mutant_row(entry: Entry, way: str, profile: str, seed: int) -> Row:
    """The fate of one mutant, as JSON; elsewhere: other operations whose answers it changed."""
    import torch

    chosen = next(w for w in WAYS if w.name == way)
    fate = try_mutant(entry, chosen, profile, seed)
    calls = sorted({case.call for case, _ in references(entry.op, "quick", seed)})
    elsewhere = _elsewhere(entry.op, seed, lambda: planted(torch, _callable(torch, calls), Mutant(torch, chosen)))
    return {"kind": "mutant", "name": f"{entry.op} {way}", **asdict(fate), "elsewhere": elsewhere}


def _callable(torch: Any, calls: Iterable[str]) -> list[str]:
    found = []
    for call in calls:
        try:
            with planted(torch, [call], lambda original, *args, **kwargs: original(*args, **kwargs)):
                found.append(call)
        except AttributeError:  # a property
            continue
    return found


def _elsewhere(op: str, seed: int, plant: Any) -> list[str]:
    """The bystander, where it answers otherwise with the fault planted."""
    import torch

    entry = bystander(op)
    if MADE_OF.get(entry.op) == op:
        return []
    for (case, reference), _ in zip(references(entry.op, "quick", seed), range(BYSTANDERS), strict=False):
        with plant():
            subject = answer(case, torch, want=Want.of(entry.policy))
        if is_same(subject, reference.outcome):
            continue
        if any(v.status == "deviates" for v in judged_as_in_a_run(case, reference, subject, entry.policy)):
            return [entry.op]
    return []


class _Planted:
    def __init__(self, name: str) -> None:
        self.fault = FAULTS[name]

    def __enter__(self) -> None:
        import torch

        self.undo = self.fault.plant(torch)

    def __exit__(self, *_: object) -> None:
        restore(self.undo)


def fault_row(name: str, profile: str, seed: int) -> Row:
    """What became of a hand-planted fault, as JSON."""
    import torch

    fault = FAULTS[name]
    finding = try_fault(fault, torch, seed, ("quick",) if profile == "quick" else ("quick", profile))
    seen = next((a for a in fault.aspects if finding.aspects[a]), "")
    return {
        "kind": "fault",
        "name": name,
        "op": fault.op,
        "aspects": list(fault.aspects),
        "seen": dict(finding.aspects),
        "cases": finding.cases,
        "outcome": "caught" if seen else "misblamed" if finding.aspects else "survived",
        "detail": finding.details.get(seen, ""),
        "elsewhere": _elsewhere(fault.op, seed, lambda: _Planted(name)),
    }


def deadly_row(name: str, profile: str) -> Row:
    """What a run says of a fault that ends or blocks its process, as JSON."""
    fault, status = FAULTS[name], DEADLY[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "result.json")
        command = [sys.executable, "-P", "-m", "assay", "run", f"assay.testing.faulty_torch.{name}", "--no-shrink"]
        command += ["--only", fault.op, "--only", "neg", "--profile", profile, "--max-failures", "1"]
        command += ["--timeout", "5", "--memory", "400", "--json", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=_environment())
        failures = json.loads(path.read_text())["failures"] if path.exists() else []
    blamed = sorted({f["op"] for f in failures if f["status"] == status})
    return {
        "kind": "fault",
        "name": name,
        "op": fault.op,
        "aspects": [status],
        "outcome": "caught" if fault.op in blamed else "survived",
        "detail": failures[0]["detail"] if failures else done.stderr[-300:],
        "elsewhere": [op for op in blamed if op != fault.op],
    }


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def one(job: Job, unsafe: bool = False) -> Row:
    """A job of `jobs`, carried out. unsafe: PyTorch may die on the operation's cases; row["fatal"] says on how many."""
    kind, name, way, profile, seed = job
    op = name if kind == "mutant" else FAULTS[name].op
    if unsafe:
        UNSAFE.add(op)
        references.cache_clear()
    start = time.process_time()
    if kind == "mutant":
        (entry,) = [e for e in select([name]) if e.op == name]
        row = mutant_row(entry, way, profile, seed)
    else:
        row = deadly_row(name, profile) if name in DEADLY else fault_row(name, profile, seed)
    fatal = references(op, profile, seed).fatal if unsafe else 0
    return row | {"seconds": round(time.process_time() - start, 3), "fatal": fatal}


def jobs(mutants: int, profile: str, seed: int) -> list[Job]:
    """(kind, operation or fault, way, profile, seed) of everything to be tried."""
    found = [("mutant", entry.op, way.name, profile, seed) for entry, way in population((), mutants, seed)]
    found += [("fault", fault.name, "", profile, seed) for fault in sorted(catalogued(), key=lambda f: f.op)]
    return found + [("fault", name, "", profile, seed) for name in DEADLY]


class Hand:
    """A process of its own for one job after the other; a new one when PyTorch dies in it."""

    def __init__(self) -> None:
        self._pool = self._new()

    @staticmethod
    def _new() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, get_context("spawn"), prepare)

    def do(self, job: Job) -> Row:
        """The job's row. Raises BrokenProcessPool where it kills even a process that was warned."""
        try:
            return self._pool.submit(one, job).result()
        except BrokenProcessPool:
            self._pool = self._new()
            return self._pool.submit(one, job, True).result()

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def done(todo: Sequence[Job], size: int) -> Iterator[tuple[Job, Row]]:
    """Every job with its row, in order, by `size` processes."""
    hands = [Hand() for _ in range(size)]
    try:
        free: queue.SimpleQueue[Hand] = queue.SimpleQueue()
        for hand in hands:
            free.put(hand)

        def do(job: Job) -> Row:
            hand = free.get()
            try:
                return hand.do(job)
            finally:
                free.put(hand)

        with ThreadPoolExecutor(size) as threads:
            yield from zip(todo, threads.map(do, todo), strict=True)
    finally:
        for hand in hands:
            hand.close()


def carried_out(todo: Sequence[Job], size: int, keep: Path | None) -> list[Row]:
    """The rows of all jobs; those that `keep` has are taken from it, new ones are appended to it at once."""
    kept: dict[str, Row] = {}
    if keep is not None and keep.exists():
        for line in keep.read_text().splitlines():
            row = json.loads(line)
            kept[row["job"]] = row
    left = [job for job in todo if json.dumps(job) not in kept]
    with keep.open("a") if keep is not None else nullcontext() as file:
        for job, row in done(left, size):
            row["job"] = json.dumps(job)
            kept[row["job"]] = row
            if file is not None:
                file.write(json.dumps(row) + "\n")
                file.flush()
    return [kept[json.dumps(job)] for job in todo]


def fates(rows: Iterable[Row]) -> list[Fate]:
    """The mutants among the rows."""
    names = Fate.__dataclass_fields__
    return [Fate(**{k: v for k, v in row.items() if k in names}) for row in rows if row["kind"] == "mutant"]


def holds(rows: Sequence[Row]) -> bool:
    """Whether everything was caught that has to be."""
    faults = [row for row in rows if row["kind"] == "fault"]
    mutants = fates(rows)
    enough = not mutants or rate(mutants) >= 0.97
    return enough and all(r["outcome"] == "caught" for r in faults) and not any(r["elsewhere"] for r in rows)


def told(rows: Sequence[Row], profile: str, seed: int) -> str:
    """The results in Markdown."""
    import numpy
    import torch

    mutants, faults = fates(rows), [row for row in rows if row["kind"] == "fault"]
    caught = sum(row["outcome"] == "caught" for row in faults)
    entries = catalog()
    families = Counter(entries[row["op"]].family for row in faults)
    seconds = sum(row["seconds"] for row in rows)
    real = [f for f in mutants if f.outcome != "no effect"]
    lines = [
        "# What assay catches",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}; Python {platform.python_version()}, PyTorch {torch.__version__}, "
        f"NumPy {numpy.__version__}; profile {profile}, seed {seed}; {seconds:.0f} s of one core.",
        "Made by `python -m assay.testing.thorough`.",
        "",
        f"- **Mutants**: {len(mutants)} sampled of {len(entries) * len(WAYS)} over {len(entries)} operations; "
        f"{len(mutants) - len(real)} have no effect on any answer (no derivative, dtype or input to get wrong; or "
        "values that are nobody's promise and not read: fresh memory, generator states) and do not count; of the other "
        f"{len(real)}, "
        f"**{rate(mutants):.1%}** are caught and blamed on the right operation in the right aspect.",
        f"- **Hand-planted faults**: {caught} of {len(faults)} caught and rightly blamed, in "
        f"{len({row['op'] for row in faults})} operations of {len(families)} families.",
        f"- **Other operations blamed**: {sum(bool(row['elsewhere']) for row in rows)}.",
        *_fatal(rows),
        "",
        "```",
        table(mutants),
        "```",
        "",
        "## Not caught",
        "",
    ]
    for row in rows:
        if row["outcome"] in ("survived", "misblamed") or row["elsewhere"]:
            why = reason(fates([row])[0]) if row["kind"] == "mutant" and row["outcome"] == "survived" else ""
            also = f"; also blamed: {', '.join(row['elsewhere'])}" if row["elsewhere"] else ""
            lines.append(f"- {row['kind']} `{row['name']}` {row['outcome']}: {why or row['detail']}{also}")
    return "\n".join([*lines, ""])


def _fatal(rows: Sequence[Row]) -> list[str]:
    """What was left out because PyTorch itself dies of it."""
    left = {row["op"]: row["fatal"] for row in rows if row["fatal"]}
    told = ", ".join(f"{n} of `{op}`" for op, n in left.items())
    return [f"- **Left out**, because PyTorch itself dies of them: {told}."] if left else []


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=1000, help="how many to sample")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--keep", type=Path, help="a file of finished ones, to go on with")
    parser.add_argument("--write", type=Path, help="the results, in Markdown")
    options = parser.parse_args(arguments)
    prepare()
    rows = carried_out(jobs(options.mutants, options.profile, options.seed), options.jobs, options.keep)
    text = told(rows, options.profile, options.seed)
    print(text)
    if options.write:
        options.write.write_text(text)
    return 0 if holds(rows) else 1


if __name__ == "__main__":
    sys.exit(main())

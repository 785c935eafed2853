"""What is drawn for each operation and kind, and what is said of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from itertools import repeat
from multiprocessing import get_context

from assay.case import Case, specs_of
from assay.catalog import catalog
from assay.catalog.form import Entry
from assay.diversity.byhand import BY_HAND
from assay.diversity.kinds import KINDS, MISTAKES
from assay.diversity.reasons import Drawn, why
from assay.diversity.record import record
from assay.drawing import draw_cases
from assay.traits import traits


@dataclass(frozen=True, slots=True)
class Cell:
    """How often a kind is drawn for an operation and, where it never is, why; "" for no reason."""

    op: str
    kind: str
    drawn: int
    reason: str = ""

    @property
    def is_hole(self) -> bool:
        """Neither drawn nor explained."""
        return not self.drawn and not self.reason

    @property
    def is_stale(self) -> bool:
        """Drawn, although a person or the record of PyTorch's answers says that it cannot be."""
        return bool(self.drawn and self.reason)


@dataclass(slots=True)
class Table:
    """The cells of all operations and kinds, operation by operation."""

    cells: list[Cell] = field(default_factory=list)

    def holes(self) -> Iterator[Cell]:
        """What is neither drawn nor explained."""
        return (cell for cell in self.cells if cell.is_hole)

    @property
    def is_whole(self) -> bool:
        """Whether there is neither a hole nor a stale reason."""
        return not any(cell.is_hole or cell.is_stale for cell in self.cells)

    def idle(self) -> Iterator[str]:
        """Of a table of all operations, what is said by hand and neither explains a hole nor holds back what PyTorch
        takes: a kind, or a glob of operations."""
        held = [(op, kind) for op, kinds in record().taken.items() for kind in kinds]
        by_text: dict[str, list[Cell]] = {}
        for cell in self.cells:
            by_text.setdefault("" if cell.drawn else cell.reason, []).append(cell)
        for reason in BY_HAND:
            cells = by_text.get(reason.text, [])
            effects = [(c.op, c.kind) for c in cells] + [(op, kind) for op, kind in held if reason.explains(op, kind)]
            yield from (f"{kind}: {reason.text}" for kind in reason.kinds if all(k != kind for _, k in effects))
            for glob in reason.ops:
                if not any(fnmatchcase(op, glob) for op, _ in effects):
                    yield f"{glob}: {reason.text}"

    def stale(self) -> Iterator[Cell]:
        """What is explained though it is drawn."""
        return (cell for cell in self.cells if cell.is_stale)


def count(cases: Iterable[Case]) -> Drawn:
    """What the cases of one operation show: those meant to be refused by their mistakes, all others by their traits."""
    shown: Counter[str] = Counter()
    tensors = rank = longest = 0
    for case in cases:
        if case.invalid:
            shown.update(set(case.labels) & set(MISTAKES))
            continue
        shown.update(traits(case))
        given = list(specs_of((case.args, {k: v for k, v in case.kwargs.items() if k != "out"})))
        tensors = max(tensors, len(given))
        rank = max((rank, *(len(s.shape) for s in given)))
        longest = max((longest, *(n for s in given for n in s.shape)))
    return Drawn(shown, tensors, rank, longest)


def row(entry: Entry, drawn: Drawn) -> Iterator[Cell]:
    """The cells of one operation."""
    for kind in KINDS:
        yield Cell(entry.op, kind, drawn.shown[kind], why(entry, kind, drawn))


def draw_table(
    ops: Sequence[str],
    profile: str = "standard",
    seed: int = 0,
    jobs: int = 1,
    on_row: Callable[[str], None] = lambda op: None,
) -> Table:
    """The table of these operations, drawn now, by `jobs` processes. on_row: called with each that is done."""
    table = Table()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else nullcontext() as pool:
        each = map if pool is None else partial(pool.map, chunksize=8)
        for op, cells in zip(ops, each(row_of, ops, repeat(profile), repeat(seed)), strict=True):
            table.cells += cells
            on_row(op)
    return table


def row_of(op: str, profile: str = "standard", seed: int = 0) -> list[Cell]:
    """The cells of one operation, drawn now. Raises KeyError on an unknown operation or profile."""
    entry = catalog()[op]
    return list(row(entry, count(draw_cases(entry, profile, seed))))

"""How far a run is: a live line on a terminal, a plain line now and then elsewhere. Always on stderr."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from assay.record import Record
from assay.result import Result
from assay.wording import counted

_EVERY = 10.0


class Progress:
    """Call with each record, or `tell` it what there is to say of an operation."""

    def __init__(self, ops: list[str]) -> None:
        self._at = {op: i for i, op in enumerate(ops, 1)}
        self._total = len(ops)
        self._last = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("starting", total=self._total)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, record: Record, result: Result) -> None:
        kinds = len(result.failing)
        self.tell(record.op, f"{counted(result.cases, 'case')}, {counted(kinds, 'kind')} of deviation")

    def tell(self, op: str, told: str) -> None:
        """Show, now and then, that `op` is being worked on."""
        now = time.monotonic()
        if now - self._last < (0.1 if self._bar is not None else _EVERY):
            return
        self._last = now
        told = f"{op}: {told}"
        if self._bar is not None:
            self._bar.update(self._task, completed=self._at.get(op, 0), description=told)
        else:
            print(f"[{self._at.get(op, 0)}/{self._total}] {told}", file=sys.stderr, flush=True)

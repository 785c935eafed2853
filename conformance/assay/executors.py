"""A run carried out by a `concurrent.futures.Executor`: threads, processes, or a cluster.

The cases go out in batches of a second or two, no more than a window of them at once, and come back as records. These
are told in the order of the run, so the result is that of a run here; what is judged ahead of its turn can be kept at
once (`Remote.hold`). A batch whose process dies is put out again in halves, alone, until one case is to blame.
"""

from __future__ import annotations

import itertools
import json
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from assay.batches import Piece, cut, judge_batch, pack
from assay.case import Case
from assay.drawn import Drawn
from assay.feed import DrawingError, Feed, Source
from assay.outcome import Verdict
from assay.patience import Patience
from assay.plan import Plan, dtype_of
from assay.record import Place, Record
from assay.worker import WorkerError

#: Seconds that a batch should take, and the cases it has at first and at most.
SECONDS, FIRST, MOST = 1.5, 16, 1024
#: How often a batch of one case may take its process along before it is blamed.
_DEATHS = 2
#: So many deaths in a row are no case's fault: finding one among 1024 takes 14.
_ALL_DIE = 40
_CHUNK = 64


class ExecutorError(Exception):
    """The executor cannot carry out the run. The text says why."""


@dataclass
class Remote:
    """An executor and how it is used.

    executor: one, or what makes one: then a new one takes over where it breaks. window: batches that are out at once
    (None: twice the executor's workers). hold: called with the records of a batch that was judged ahead of its turn.
    """

    executor: Executor | Callable[[], Executor]
    window: int | Callable[[], int] | None = None
    hold: Callable[[Sequence[Record]], None] | None = None
    restarts: int = field(default=0, init=False)
    _batches: Batches | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._made: Executor | None = None

    @property
    def _current(self) -> Executor:
        if isinstance(self.executor, Executor):
            return self.executor
        if self._made is None:
            self._made = self.executor()
        return self._made

    def submit(self, text: str) -> Future[str]:
        """Put a batch out. Raises ExecutorError."""
        try:
            return self._current.submit(judge_batch, text)
        except BrokenExecutor as error:
            if self._made is None:
                why = "a process of the executor died, and with it the executor; give what makes one instead"
                raise ExecutorError(why) from error
            self.close()
            return self._current.submit(judge_batch, text)
        except RuntimeError as error:  # it was shut down
            raise ExecutorError(f"the executor takes no more work: {error}") from error

    def size(self) -> int:
        """How many batches may be out at once."""
        if self.window is None:
            return 2 * int(getattr(self._current, "_max_workers", 1))
        return max(1, self.window if isinstance(self.window, int) else self.window())

    def records(
        self,
        plan: Plan,
        source: Source,
        phase: int,
        patience: Patience,
        done: Collection[Place],
        ahead: dict[Place, Record],
    ) -> Iterator[Record]:
        """The records of all cases of a phase that the plan takes and that are not done, in order; those in `ahead`
        are not judged again. Raises ExecutorError, WorkerError, DrawingError."""
        self._batches = Batches(self, plan, source, phase, patience)
        return self._batches.records(done, ahead)

    def give_up(self) -> None:
        """Cancel what is out. What has come back all the same is held."""
        if self._batches is not None:
            self._batches.give_up()

    def close(self) -> None:
        """Shut down the executor if it was made here; another is made when it is needed."""
        if self._made is not None:
            self._made.shutdown(wait=False, cancel_futures=True)
            self._made = None


@dataclass(slots=True, eq=False)
class _Batch:
    """Some pieces on their way; deaths: how often their process died."""

    pieces: list[Piece]
    deaths: int = 0
    records: list[Record] | None = None

    @property
    def size(self) -> int:
        return sum(p.stop - p.start for p in self.pieces)


class Batches:
    """The batches of a phase of a run, out and back."""

    def __init__(self, remote: Remote, plan: Plan, source: Source, phase: int, patience: Patience) -> None:
        self._remote, self._plan, self._patience, self._phase = remote, plan, patience, phase
        self._source, self._drawn = source, source if isinstance(source, Drawn) else None
        self._order: deque[_Batch] = deque()
        self._suspects: deque[_Batch] = deque()
        self._out: dict[Future[str], _Batch] = {}
        self._pace = _Pace()
        self._deaths = 0

    def records(self, done: Collection[Place], ahead: dict[Place, Record]) -> Iterator[Record]:
        """See `Remote.records`."""
        rest = _Rest(self._pieces({*done, *ahead}))
        order, out = self._order, self._out
        while True:
            if self._suspects:  # alone: whoever else is out would be lost with it
                if not out:
                    self._put_out(self._suspects.popleft())
            else:
                size = self._remote.size()
                while len(out) < size and (pieces := rest.take(self._pace.count)):
                    order.append(_Batch(pieces))
                    self._put_out(order[-1])
            if not out:
                return
            for future in wait(out, timeout=1.0, return_when=FIRST_COMPLETED).done:
                self._back(out.pop(future), future)
                while order and (found := order[0].records) is not None:
                    yield from _merged(found, order.popleft(), ahead)

    def give_up(self) -> None:
        """See `Remote.give_up`."""
        for future in self._out:
            if not future.cancel() and future.done() and future.exception() is None:
                self._hold([Record.from_line(line) for line in json.loads(future.result()).get("lines", ())])
        self._out.clear()

    def _hold(self, records: list[Record]) -> None:
        if self._remote.hold is not None and records:
            self._remote.hold(records)

    def _pieces(self, known: set[Place]) -> Iterator[Piece]:
        source = self._source
        if isinstance(source, Drawn):
            skip: dict[str, list[int]] = {}
            for op, at, index in known:
                if at == self._phase:
                    skip.setdefault(op, []).append(index)
            for op in source.ops:
                yield Piece(self._phase, 0, source.most(op), op, skip=tuple(sorted(skip.get(op, ()))))
            return
        cases = _fed(source) if isinstance(source, Feed) else iter(source)
        # As in a run here: what was drawn is numbered by operation, what was given from first to last.
        by_op = self._plan.drawn and self._phase == 0
        for _, found in itertools.groupby(cases, lambda case: case.op if by_op else None):
            start = 0
            while chunk := tuple(itertools.islice(found, _CHUNK)):
                judged = tuple(i for i, case in enumerate(chunk, start) if (case.op, self._phase, i) in known)
                yield Piece(self._phase, start, start + len(chunk), cases=chunk, skip=judged)
                start += len(chunk)

    def _put_out(self, batch: _Batch) -> None:
        text = pack(self._plan, self._drawn, batch.pieces, self._patience.fatal(self._phase))
        self._out[self._remote.submit(text)] = batch

    def _back(self, batch: _Batch, future: Future[str]) -> None:
        """Take a batch that has come back, one way or another."""
        try:
            answer = json.loads(future.result())
        except CancelledError as error:
            raise ExecutorError("the executor cancelled a batch: its scheduler is gone, or it was shut down") from error
        except Exception as error:
            if not _is_death(error):
                raise ExecutorError(f"a worker of the executor cannot judge: {_told(error)}") from error
            self._died(batch, error)
            return
        self._raise(answer)
        self._deaths = 0
        batch.records = [Record.from_line(line) for line in answer["lines"]]
        self._remote.restarts += answer["restarts"]
        if answer["warm"]:
            self._pace.learn(answer["seen"], answer["seconds"])
        if batch is not self._order[0]:
            self._hold(batch.records)

    def _raise(self, answer: dict[str, Any]) -> None:
        word, text = answer.get("failed"), answer.get("text", "")
        if word == "subject":
            raise WorkerError(text)
        if word == "drawing":
            raise DrawingError(text)
        if word == "versions":
            raise ExecutorError(f"the executor's workers have other versions, which need not judge alike: {text}")
        if word is not None:
            raise ExecutorError(f"assay itself failed on a worker of the executor\n{text}")

    def _died(self, batch: _Batch, error: BaseException) -> None:
        """A process died with this batch in its hands, or with others of a pool that broke."""
        self._deaths += 1
        if self._deaths > _ALL_DIE:
            raise ExecutorError(f"the executor's processes die, whatever they judge: {_told(error)}") from error
        batch.deaths += 1
        if batch.size > 1 and batch.deaths > 1:
            halves = [_Batch(part, 1) for part in cut(batch.pieces, batch.size // 2)]
            place = self._order.index(batch)
            del self._order[place]
            for half in reversed(halves):
                self._order.insert(place, half)
            self._suspects.extendleft(reversed(halves))
        elif batch.size == 1 and batch.deaths > _DEATHS:
            batch.records = self._blamed(batch.pieces[0], error)
        else:
            self._suspects.append(batch)

    def _blamed(self, piece: Piece, error: BaseException) -> list[Record]:
        """The record of the one case of a piece that takes every process along that judges it."""
        cases = piece.cases
        if piece.op and self._drawn is not None:
            cases = self._drawn.cases(piece.op)[piece.start : piece.stop]
        how = f"the executor's process died: {_told(error)}"
        verdict = Verdict("structure", "unjudged", f"assay itself failed: {how[:300]}")
        return [
            Record(c.id, c.op, c.variant, dtype_of(c), (piece.phase, piece.start), False, (verdict,), c, how)
            for c in cases
        ]


class _Pace:
    """How many cases a batch should have: as many as take `SECONDS` by what the last ones took, the later the more."""

    def __init__(self) -> None:
        self.count = FIRST
        self._seen = self._seconds = 0.0

    def learn(self, seen: int, seconds: float) -> None:
        """A batch of `seen` cases took so long. The next has twice as many at most: it may be of slower operations."""
        self._seen = self._seen / 2 + seen
        self._seconds = self._seconds / 2 + seconds
        wanted = SECONDS * self._seen / max(self._seconds, 1e-3)
        self.count = max(1, min(int(wanted), 2 * self.count, MOST))


class _Rest:
    """Pieces that are not out yet."""

    def __init__(self, pieces: Iterator[Piece]) -> None:
        self._pieces, self._begun = pieces, list[Piece]()

    def take(self, count: int) -> list[Piece]:
        """The next cases; none where there are no more."""
        while sum(p.stop - p.start for p in self._begun) < count and (more := next(self._pieces, None)) is not None:
            self._begun.append(more)
        first, self._begun = cut(self._begun, count)
        return first


def _fed(feed: Feed) -> Iterator[Case]:
    while not feed.done:
        yield from feed.take()


def _is_death(error: BaseException) -> bool:
    """Whether a worker's process died; distributed's own error is known by its name, so that it need not be there."""
    return isinstance(error, BrokenExecutor) or any(t.__name__ == "KilledWorker" for t in type(error).__mro__)


def _told(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def _merged(found: list[Record], batch: _Batch, ahead: dict[Place, Record]) -> list[Record]:
    """The records of a batch with those judged ahead, in order."""
    if not ahead:
        return found
    merged = []
    judged = {r.place: r for r in found}
    for piece in batch.pieces:
        for index in range(piece.start, piece.stop):
            op = piece.op or piece.cases[index - piece.start].op
            if (
                record := judged.get((op, piece.phase, index)) or ahead.pop((op, piece.phase, index), None)
            ) is not None:
                merged.append(record)
    return merged

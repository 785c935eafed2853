"""Several workers of one side: jobs go to whoever has the fewest, answers come back by number."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from multiprocessing.connection import Connection
from typing import Any

from assay.case import Case
from assay.policy import Policy
from assay.subjects import Subject
from assay.subjects.adapter import Claims
from assay.worker import Called, Limits, Local, Worker

Numbered = tuple[int, Case, Policy]


class Pool:
    """`size` workers of one subject in one role; one `Local` when run in process."""

    def __init__(
        self,
        subject: Subject,
        role: str,
        limits: Limits,
        aspects: Collection[str] | None = None,
        size: int = 1,
        in_process: bool = False,
    ) -> None:
        self.role = role
        in_process = in_process or subject.kind == "recorded"  # a file needs no process
        self.workers: list[Worker | Local] = []
        self._numbers: list[deque[int]] = []
        try:
            for _ in range(1 if in_process else size):
                self.workers.append(
                    Local(subject, role, aspects)
                    if in_process
                    else Worker(subject, role, limits, aspects=aspects, wait=False)
                )
                self._numbers.append(deque())
        except BaseException:
            self.close()
            raise

    def ready(self) -> None:
        """Wait until all have imported the subject. Raises WorkerError with its traceback."""
        for worker in self.workers:
            if isinstance(worker, Worker):
                worker.ready()

    def observe(self, aspects: Collection[str]) -> None:
        """Observe what `aspects` need from the next case on."""
        for worker in self.workers:
            worker.observe(aspects)

    @property
    def claims(self) -> Claims:
        """What the subject promises, once it is ready."""
        return self.workers[0].claims

    @property
    def connections(self) -> list[Connection]:
        """What to wait on."""
        return [w.connection for w in self.workers if w.connection is not None and w.pending]

    @property
    def restarts(self) -> int:
        """How often a worker had to be started anew."""
        return sum(w.restarts for w in self.workers)

    def forgive(self, fatal: Mapping[Called, int] | None = None) -> None:
        """Forget which callables were fatal, but for `fatal`."""
        for worker in self.workers:
            worker.forgive(fatal)

    def submit(self, jobs: list[Numbered]) -> None:
        """Ask for answers."""
        i = min(range(len(self.workers)), key=lambda i: len(self.workers[i].pending))
        self._numbers[i].extend(number for number, _, _ in jobs)
        self.workers[i].submit([(case, policy) for _, case, policy in jobs])

    def collect(self) -> list[tuple[int, Any]]:
        """(number, answer) for every answer that is there now."""
        return [
            (numbers.popleft(), answer)
            for worker, numbers in zip(self.workers, self._numbers, strict=True)
            for answer in worker.collect()
        ]

    def abandon(self) -> None:
        """Give up all that was asked for and is not answered."""
        for worker, numbers in zip(self.workers, self._numbers, strict=True):
            if worker.pending:
                worker.abandon()
                numbers.clear()

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers:
            worker.close()

"""A subject in a process of its own: spawned, spoken to over a private pipe, watched, killed and restarted.

Whatever a subject does to itself (a segmentation fault, `os._exit`, an endless loop, all the memory, a flood of
output) costs one case: the parent writes an Outcome of status "crash", "exit", "timeout" or "memory" for it and goes
on with a fresh process. Before a case is blamed it is tried once more alone.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import pickle
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from assay.begun import Begun
from assay.case import Case
from assay.orphan import start
from assay.outcome import Outcome
from assay.policy import Policy
from assay.subjects import Subject
from assay.subjects.adapter import Claims
from assay.waiting import readable

_POLL = 0.05
_TAIL = 4000
_WINDOW = 32  # jobs in a child's hands at once
FATAL = ("crash", "exit", "timeout", "memory")
Job = tuple[Case, Policy]
Answer = Any  # an Outcome; of the role "reference" also a ReferenceAnswer
Called = tuple[str, str]  # operation and variant: what is given up when it was fatal too often


class WorkerError(Exception):
    """The subject could not be started; its text holds the traceback."""


@dataclass(frozen=True, slots=True)
class Limits:
    """seconds a case may take; megabytes the process may grow beyond what it had after import; seconds to start;
    patience: how often one callable may be fatal before its other cases are skipped, because every death costs a new
    process."""

    timeout: float = 20.0
    memory: float = 4096.0
    start: float = 120.0
    patience: int = 8


def _called(job: Job) -> Called:
    return job[0].op, job[0].variant


def skipped(called: Called, times: int) -> str:
    """Why a case was not put to the subject."""
    return f"skipped: {called[0]} ({called[1]}) was fatal {times} times before"


def resident(pid: int) -> float:
    """Megabytes of memory that process `pid` holds; 0 when it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 2**20
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return 0.0
    except (IndexError, ProcessLookupError):
        return 0.0
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(shown or 0) / 1024


class Process:
    """One spawned subject process. role: "subject" answers; "reference" answers with the truth."""

    def __init__(
        self,
        subject: Subject,
        role: str,
        limits: Limits,
        threads: int,
        aspects: Collection[str] | None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.limits = limits
        self.connection, child = Pipe()
        own = dict(os.environ, **subject.environment, **(environment or {}))
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            own[name] = str(subject.threads or threads)
        own["PYTHONPATH"] = os.pathsep.join([*(p for p in sys.path if p), os.getcwd()])
        self._begun = Begun()
        self.received = 0
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "assay.worker_main"]
        shared = [child.fileno(), self._begun.descriptor]
        self.process = start(
            [*command, *map(str, shared), role, subject.to_json(), ",".join(aspects or ())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=shared,
            env=own,
            start_new_session=True,
        )
        child.close()
        self._begun.shared()
        self._printed = b""
        self._drain = threading.Thread(target=self._read_output, daemon=True)
        self._drain.start()
        self._socket = socket.fromfd(self.connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._sender: threading.Thread | None = None
        self.baseline = 0.0
        self.claims = Claims()

    def ready(self) -> None:
        """Wait until the subject is imported. Raises WorkerError."""
        try:
            self.baseline = self._hello()
        except WorkerError:
            self.close()
            raise

    def _read_output(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while chunk := os.read(stream.fileno(), 65536):
            self._printed = (self._printed + chunk)[-_TAIL:]

    def _write(self, frame: bytes) -> None:
        """Send, without ever waiting: a child that is itself busy sending reads nothing, and both would wait. What
        finds no room is left to a thread from then on, which costs several switches a message."""
        if self._sender is None:
            try:
                frame = frame[self._socket.send(frame, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                pass
            except OSError:  # the process is gone, which is noticed when reading
                return
            if not frame:
                return
            self._sender = threading.Thread(target=self._write_on, daemon=True)
            self._sender.start()
        self._outbox.put(frame)

    def _write_on(self) -> None:
        while (frame := self._outbox.get()) is not None:
            try:
                self._socket.sendall(frame)
            except OSError:
                return

    def printed(self) -> str:
        """The end of what the subject wrote to stdout and stderr."""
        self._drain.join(timeout=1)
        return self._printed.decode(errors="replace")

    def _hello(self) -> float:
        try:
            if self.connection.poll(self.limits.start):
                word, told = self.connection.recv()
                if word == "ready":
                    self.claims = told
                    return resident(self.process.pid)
                raise WorkerError(told)
        except EOFError:
            pass
        self.kill()
        code = self.process.returncode
        raise WorkerError(f"the subject's process ended or hung while importing (exit {code})\n{self.printed()}")

    def send(self, jobs: Sequence[Job]) -> None:
        """Ask for answers; they come back in order over `connection`. A dead process is noticed when reading."""
        self.tell(list(jobs))

    def tell(self, message: list[Job] | tuple[str, ...]) -> None:
        """Send jobs, or the aspects to observe for from now on."""
        told = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._write(struct.pack("!i", len(told)) + told)  # as `Connection.recv_bytes` reads it

    def receive(self) -> list[Answer]:
        """The next answers, in the order of the jobs. Raises EOFError or OSError when the process is gone."""
        answers: list[Answer] = pickle.loads(self.connection.recv_bytes())
        self.received += len(answers)
        return answers

    @property
    def lost(self) -> int:
        """How many jobs were done when the process died whose answers it had not sent yet."""
        return max(self._begun.count - 1 - self.received, 0)

    def over_memory(self) -> float | None:
        """Megabytes grown, where that is more than allowed."""
        grown = resident(self.process.pid) - self.baseline
        return grown if grown > self.limits.memory else None

    def kill(self) -> None:
        """End the process and everything it started."""
        # The group outlives its leader when the subject has children of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """End the process and give its pipes back."""
        self.kill()
        if self._sender is not None:
            self._outbox.put(None)
            self._sender.join(timeout=1)
        self._socket.close()
        self.connection.close()
        self._begun.close()
        self._drain.join(timeout=1)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def fatal(self) -> Outcome:
        """What the death of the process means."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
            return Outcome("crash", extra={"how": "closed its pipe and went on", "printed": self.printed()})
        if code < 0:
            try:
                how = signal.Signals(-code).name
            except ValueError:
                how = f"signal {-code}"
            return Outcome("crash", extra={"how": how, "printed": self.printed()})
        return Outcome("exit", extra={"how": f"exit code {code}", "printed": self.printed()})


class Worker:
    """A subject that always answers: `submit` jobs, wait on `connection`, `collect` outcomes in order.

    Restarts its process as often as needed. In the parent everything is single-threaded: call `collect` when
    `connection` is readable, or every 50 ms to let limits be watched.
    """

    def __init__(
        self,
        subject: Subject,
        role: str = "subject",
        limits: Limits | None = None,
        threads: int = 1,
        aspects: Collection[str] | None = None,
        wait: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """aspects: those to observe for (None: all). wait=False returns while the subject is still being imported:
        call `ready` then. environment: variables beside this process's own."""
        self.limits = limits or Limits()
        self._make = functools.partial(Process, subject, role, self.limits, threads, environment=environment)
        self._aspects = aspects
        self.process = self._new()
        if wait:
            self.ready()
        self.pending: deque[Job] = deque()
        self.restarts = 0
        self._fatal: Counter[Called] = Counter()
        self._spare: Process | None = None
        self._sent = 0
        self._since = time.monotonic()
        self._watched = 0.0

    def _start(self) -> Process:
        """A fresh process. One more is started ahead: whoever died once will do so again."""
        spare, self._spare = self._spare, None
        if spare is not None:
            try:
                spare.ready()
            except WorkerError:  # killed while it waited: what is wrong with the subject shows in the next one
                spare = None
        process = spare or self._new()
        self._spare = self._new()
        if spare is None:
            process.ready()
        return process

    def forgive(self, fatal: Mapping[Called, int] | None = None) -> None:
        """Start counting fatal cases anew, from `fatal` where it is given."""
        self._fatal = Counter(fatal or {})

    def _given_up(self, job: Job) -> bool:
        return self._fatal[_called(job)] >= self.limits.patience

    def _skip(self) -> Iterator[Outcome]:
        """Outcomes for the next cases that are not worth another process."""
        while self.pending and not self._sent and self._given_up(self.pending[0]):
            called = _called(self.pending.popleft())
            self._since = time.monotonic()
            yield Outcome("skipped", extra={"how": skipped(called, self._fatal[called])})
        self._feed()

    def ready(self) -> None:
        """Wait until the subject is imported. Raises WorkerError with its traceback."""
        self.process.ready()

    def _new(self) -> Process:
        return self._make(aspects=self._aspects)

    def observe(self, aspects: Collection[str]) -> None:
        """Observe what `aspects` need from the next case on, and in every process to come."""
        self._aspects = tuple(aspects)
        self.process.tell(self._aspects)

    @property
    def claims(self) -> Claims:
        """What the subject promises, once it is ready."""
        return self.process.claims

    @property
    def connection(self) -> Connection:
        """What to wait on. It changes after a restart."""
        return self.process.connection

    def submit(self, jobs: Sequence[Job]) -> None:
        """Ask for more answers."""
        if not self.pending:
            self._since = time.monotonic()
        self.pending.extend(jobs)
        self._feed()

    def _feed(self) -> None:
        if self._sent <= _WINDOW // 2 and len(self.pending) > self._sent:
            more = itertools.islice(self.pending, self._sent, _WINDOW)
            jobs = list(itertools.takewhile(lambda job: not self._given_up(job), more))
            self._sent += len(jobs)
            if jobs:
                self.process.send(jobs)

    def collect(self) -> list[Answer]:
        """The outcomes that are there now, in the order of the jobs; may be empty."""
        found: list[Answer] = list(self._skip())
        try:
            while self._sent and readable([self.connection]):
                answers = self.process.receive()
                found += answers
                for _ in answers:
                    self.pending.popleft()
                self._sent -= len(answers)
                self._since = time.monotonic()
                self._feed()
        except (EOFError, OSError):
            return found + self._revived(self.process.fatal())
        if self._sent and not found:
            trouble = self._trouble(self.process, self._since)
            if trouble is not None:
                self.process.kill()
                found += self._revived(trouble)
        return found

    def _trouble(self, process: Process, since: float) -> Outcome | None:
        now = time.monotonic()
        # A child of the subject may hold the pipe open when the subject is gone; what it has sent is read first.
        if process.process.poll() is not None and not readable([process.connection]):
            return process.fatal()
        if now - since > self.limits.timeout:
            return Outcome("timeout", extra={"how": f"no answer within {self.limits.timeout:g} s"})
        if now - self._watched > _POLL:
            self._watched = now
            grown = process.over_memory()
            if grown is not None:
                return Outcome("memory", extra={"how": f"grew by {grown:.0f} MB, {self.limits.memory:g} MB allowed"})
        return None

    def _revived(self, how: Outcome) -> list[Answer]:
        """Go on in a fresh process: answers to the cases whose answers were lost, and to the one that was fatal."""
        lost = self.process.lost
        self.process.close()
        self.restarts += 1
        self.process = self._start()
        found = [self._again(self.pending.popleft()) for _ in range(lost)]
        found.append(self._again(self.pending.popleft(), how))
        self._sent = 0
        self._since = time.monotonic()
        self._feed()
        return found

    def _again(self, job: Job, first: Outcome | None = None) -> Answer:
        """Confirm what a case did; first: how it was fatal, None where only its answer was lost."""
        second = self._alone(self.process, job)
        if isinstance(second, Outcome) and second.status in FATAL:
            self.process.close()
            self.process = self._start()
            second = replace(second, extra={**second.extra, "alone": True})
        elif first is not None and first.status in ("crash", "exit") and first.extra["how"] != "SIGKILL":
            # whoever sent that, not the case
            second = replace(first, extra={**first.extra, "alone": False})
        if isinstance(second, Outcome) and second.status in FATAL:
            self._fatal[_called(job)] += 1
        return second

    def _alone(self, process: Process, job: Job) -> Answer:
        process.send([job])
        since = time.monotonic()
        while True:
            try:
                if process.connection.poll(_POLL):
                    return process.receive()[0]
            except (EOFError, OSError):
                return process.fatal()
            trouble = self._trouble(process, since)
            if trouble is not None:
                process.kill()
                return replace(trouble, extra={**trouble.extra, "printed": process.printed()})

    def answers(self, jobs: Sequence[Job]) -> list[Answer]:
        """All outcomes of `jobs`, waiting for them."""
        self.submit(jobs)
        found: list[Answer] = []
        while self.pending:
            self.connection.poll(_POLL)
            found += self.collect()
        return found

    def abandon(self) -> None:
        """Give up what is pending, and the process that works on it."""
        self.process.close()
        self.pending.clear()
        self._sent = 0
        self.process = self._start()

    def close(self) -> None:
        """End the process."""
        self.process.close()
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Local:
    """The same interface without a process, for debugging: a subject's death is the run's. Raises WorkerError."""

    connection = None

    def __init__(self, subject: Subject, role: str = "subject", aspects: Collection[str] | None = None) -> None:
        self._role = role
        try:
            self._side = subject.load()
            self._side.start()
        except Exception as error:
            raise WorkerError(traceback.format_exc()) from error
        self.claims = self._side.found()
        self.observe(aspects)
        self.pending: deque[Job] = deque()
        self.restarts = 0

    def observe(self, aspects: Collection[str] | None) -> None:
        from assay.worker_main import answering, guarded

        self._answer = functools.partial(guarded, answering(self._side, self._role, aspects))

    def submit(self, jobs: Sequence[Job]) -> None:
        self.pending.extend(jobs)

    def forgive(self, fatal: Mapping[Called, int] | None = None) -> None:
        return None

    def collect(self) -> list[Answer]:
        return [self._answer(*self.pending.popleft()) for _ in range(len(self.pending))]

    def answers(self, jobs: Sequence[Job]) -> list[Answer]:
        self.submit(jobs)
        return self.collect()

    def abandon(self) -> None:
        self.pending.clear()

    def close(self) -> None:
        return None

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

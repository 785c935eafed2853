"""Making a recording: the catalogue draws, PyTorch answers every case with all that can be judged, a file keeps it."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from assay.case import Case
from assay.doubt import careful
from assay.feed import Feed
from assay.outcome import Outcome
from assay.plan import policy_of
from assay.pool import Pool
from assay.recording import Header, Recording, Writer, fingerprint
from assay.subjects import parse
from assay.truth import ReferenceAnswer
from assay.waiting import readable
from assay.worker import Limits, WorkerError

_CHUNK, _IN_FLIGHT = 8, 96
_ABOUT = """
import json, torch
print(json.dumps([torch.__version__, torch.backends.cpu.get_cpu_capability()]))
"""


def header(ops: Sequence[str], profile: str, seed: int, only: tuple[str, ...] = ()) -> Header:
    """The header of a recording made here and now. Raises WorkerError where PyTorch cannot be imported."""
    done = subprocess.run([sys.executable, "-P", "-c", _ABOUT], capture_output=True, text=True, check=False)
    if done.returncode:
        raise WorkerError(done.stderr)
    torch, capability = json.loads(done.stdout.splitlines()[-1])
    policies = {op: fingerprint(policy_of(op)) for op in ops}
    made = version("numpy"), platform.python_version(), platform.platform()
    return Header(torch, capability, *made, profile, seed, only, policies)


def record(
    path: Path,
    ops: Sequence[str],
    about: Header,
    jobs: int = 2,
    limits: Limits | None = None,
    on_case: Callable[[Case, int], None] = lambda case, cases: None,
) -> Recording:
    """Record the cases of `ops` that `about` names into `path`; on_case is told of each and how many there are.

    Raises WorkerError, DrawingError, OSError, RuntimeError where assay itself fails on a case; then nothing is left.
    """
    limits = limits or Limits(200.0)
    with Writer(path, about) as writer, closing(Pool(parse("torch"), "reference", limits, None, jobs)) as pool:
        feed = Feed(ops, about.profile, about.seed)
        try:
            pool.ready()
            for case, answer in _answered(pool, _drawn(feed)):
                if isinstance(answer, Outcome):  # its process died, or assay failed in it
                    if answer.status == "harness":
                        raise RuntimeError(f"assay itself failed on {case.to_json()}\n{answer.extra['traceback']}")
                    answer = ReferenceAnswer(answer)
                writer.add(case, answer)
                on_case(case, writer.cases)
        finally:
            feed.close()
        writer.finish()
    return Recording(path)


def _drawn(feed: Feed) -> Iterator[Case]:
    while not feed.done:
        yield from feed.take()


def _answered(pool: Pool, cases: Iterable[Case]) -> Iterator[tuple[Case, Any]]:
    """Every case with what the pool answers, in order."""
    source, flying, found = iter(cases), deque[tuple[int, Case]](), dict[int, Any]()
    taken = 0
    while True:
        while len(flying) < _IN_FLIGHT and (chunk := list(islice(source, _CHUNK))):
            jobs = [(taken + i, case, careful(policy_of(case.op))) for i, case in enumerate(chunk)]
            taken += len(jobs)
            flying.extend((number, case) for number, case, _ in jobs)
            pool.submit(jobs)
        if not flying:
            return
        readable(pool.connections, 0.05)
        found.update(pool.collect())
        while flying and flying[0][0] in found:
            number, case = flying.popleft()
            yield case, found.pop(number)

"""Drawing in a process of its own that loads no subject; cases arrive over a pipe, in batches.

The pipe's own bound holds the drawing back when executing is slower.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, Pipe

from assay.case import Case
from assay.drawn import Drawn
from assay.orphan import end_with_parent, start
from assay.program import MadeOf

_BATCH = 32


class DrawingError(Exception):
    """Drawing failed: the catalogue is at fault. The text holds the traceback."""


class Feed:
    """Cases of some operations, operation by operation; `take` when `connection` is readable."""

    def __init__(self, ops: Sequence[str], profile: str, seed: int, made_of: MadeOf | None = None) -> None:
        """made_of: what cases may be made of (None: of everything)."""
        self.connection, child = Pipe()
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
        environment["PYTHONHASHSEED"] = "0"
        command = [sys.executable, "-P", "-m", "assay.feed", str(child.fileno())]
        # A session of its own: Ctrl-C is for the run, which then closes this.
        self.process = start(
            command, stdin=subprocess.DEVNULL, pass_fds=[child.fileno()], env=environment, start_new_session=True
        )
        child.close()
        self.connection.send((list(ops), profile, seed, made_of))
        self.done = False

    def take(self) -> list[Case]:
        """The next batch; sets `done` after the last. Raises DrawingError."""
        try:
            word, batch = pickle.loads(self.connection.recv_bytes())
        except EOFError as error:
            raise DrawingError(f"the drawing process ended early (exit {self.process.wait()})") from error
        if word == "failed":
            raise DrawingError(batch)
        self.done = word == "done"
        return list(batch)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.connection.close()


#: What the cases of a run may be given as.
Source = Iterable[Case] | Feed | Drawn


@contextmanager
def feeding(source: Source) -> Iterator[Iterable[Case] | Feed]:
    """The cases of `source`, drawn where they have to be."""
    if not isinstance(source, Drawn):
        yield source
        return
    feed = Feed(source.ops, source.profile, source.seed, source.made_of)
    try:
        yield feed
    finally:
        feed.close()


def main() -> None:
    end_with_parent()
    from assay.catalog import everything
    from assay.drawing import draw_cases

    connection = Connection(int(sys.argv[1]))
    ops, profile, seed, made_of = connection.recv()
    entries = everything()
    gc.freeze()
    batch: list[Case] = []
    try:
        for op in ops:
            for case in draw_cases(entries[op], profile, seed, made_of):
                batch.append(case)
                if len(batch) == _BATCH:
                    connection.send_bytes(pickle.dumps(("cases", batch)))
                    batch = []
        connection.send_bytes(pickle.dumps(("done", batch)))
    except (BrokenPipeError, ConnectionResetError):  # the run has ended early
        return
    except Exception:
        connection.send_bytes(pickle.dumps(("failed", traceback.format_exc())))


if __name__ == "__main__":
    main()

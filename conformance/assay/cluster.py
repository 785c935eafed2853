"""`--executor dask://HOST:PORT`: an existing Dask cluster as an executor."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assay.executors import ExecutorError, Remote

#: Seconds to wait for a scheduler to answer, and for a worker to be there.
PATIENCE = 15.0
#: Seconds for which a count of workers is good.
_COUNTED = 5.0
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}")


def address(given: str) -> str:
    """The scheduler's address from "dask://HOST:PORT". Raises ExecutorError on anything else."""
    scheme, mark, rest = given.partition("://")
    if not mark or scheme != "dask":
        raise ExecutorError(f"{given!r} is not an executor: give dask://HOST:PORT")
    if not _ADDRESS.fullmatch(rest):
        raise ExecutorError(
            f"{given!r} does not name a scheduler: give dask://HOST:PORT, such as dask://localhost:8786"
        )
    return f"tcp://{rest}"


@contextmanager
def connected(given: str) -> Iterator[Remote]:
    """The cluster at "dask://HOST:PORT", for as long as the context lasts. Raises ExecutorError."""
    scheduler = address(given)
    try:
        from distributed import Client
    except ImportError as error:
        raise ExecutorError(f"{given} needs Dask, `pip install 'torch-assay[dask]'`: {error}") from error
    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ExecutorError(f"no Dask scheduler answers at {given}: {error}") from error
    try:
        workers = _Workers(client)
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise ExecutorError(f"the Dask scheduler at {given} has no workers") from error
        yield Remote(client.get_executor(pure=False), workers.window)
    finally:
        client.close(timeout=2)


class _Workers:
    """Counts a cluster's threads, of which there may be more or fewer later."""

    def __init__(self, client: Any) -> None:
        self._client, self._at, self._threads = client, float("-inf"), 0

    def window(self) -> int:
        """Two batches a thread."""
        if time.monotonic() - self._at > _COUNTED and self._client.status == "running":
            self._threads = sum(self._client.nthreads().values())
            self._at = time.monotonic()
        return 2 * max(1, self._threads)

"""Waiting for pipes. What `multiprocessing.connection` offers makes a selector anew each time: twenty times the cost,
and a run waits several times for every case."""

from __future__ import annotations

import select
from collections.abc import Iterable
from multiprocessing.connection import Connection


def readable(connections: Iterable[Connection], seconds: float = 0.0) -> bool:
    """Whether something can be read from one of them (an end of file counts), now or within `seconds`. Returns at once
    where there are none. Raises OSError on a closed connection."""
    poller, watched = select.poll(), False
    for connection in connections:
        poller.register(connection.fileno(), select.POLLIN)
        watched = True
    return watched and bool(poller.poll(1000 * seconds))

"""No process outlives the run that started it: not even one that hangs in C code and never looks at its pipe again.

On Linux the kernel kills a process when the thread that started it ends (PR_SET_PDEATHSIG), so processes are started by
a thread that lasts. Elsewhere a thread of the process watches its parent, which helps as long as it gets to run.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

_PARENT = "ASSAY_PARENT"
_PR_SET_PDEATHSIG = 1
_WATCH = 1.0
_Request = tuple["Future[Any]", Callable[[], Any]]


class _Starter:
    """A thread that lasts as long as its process and starts others."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._asked: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="assay starts processes", daemon=True).start()

    def _serve(self) -> None:
        while True:
            future, start = self._asked.get()
            try:
                future.set_result(start())
            except BaseException as error:
                future.set_exception(error)

    def do(self, start: Callable[[], Any]) -> Any:
        future: Future[Any] = Future()
        self._asked.put((future, start))
        return future.result()


_starter: _Starter | None = None
_lock = threading.Lock()


def start(command: list[str], *, env: dict[str, str], **how: Any) -> subprocess.Popen[bytes]:
    """`subprocess.Popen` for a process that calls `end_with_parent` first thing."""
    global _starter
    env = env | {_PARENT: str(os.getpid())}

    def popen() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, env=env, **how)

    if threading.current_thread() is threading.main_thread():
        return popen()
    with _lock:
        if _starter is None or _starter.pid != os.getpid():  # a fork has no threads but its own
            _starter = _Starter()
    made: subprocess.Popen[bytes] = _starter.do(popen)
    return made


def end_with_parent() -> None:
    """End this process when the one that started it ends, however that comes about."""
    parent = int(os.environ.pop(_PARENT, os.getppid()))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before it was watched
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH)
    os.killpg(0, signal.SIGKILL)

"""Silence NumPy's floating-point warnings around a kernel without touching the caller's settings.

`np.errstate` costs about 1 µs; setting the context variable behind it costs 0.14 µs, which a one-element addition can
afford. A ufunc run in a context that has it set, `quietly`, costs 0.04 µs more than the bare ufunc. Where NumPy keeps
that variable elsewhere, `np.errstate` serves.
"""

from __future__ import annotations

from contextvars import Context
from typing import Any

import numpy as np

try:
    from numpy._core.umath import _extobj_contextvar as _variable
    from numpy._core.umath import _make_extobj

    QUIET: Any = _make_extobj(all="ignore")
    #: raises FloatingPointError where a result under- or overflows
    WATCHFUL: Any = _make_extobj(all="ignore", under="raise", over="raise")
    enter = _variable.set
    leave = _variable.reset
    _context: Any = Context()
    _context.run(enter, QUIET)
    #: call a ufunc; raises RuntimeError while another thread does, or a call that a finalizer interrupted
    quietly = _context.run
except ImportError:  # another NumPy than the ones this was written for
    QUIET = {"all": "ignore"}
    WATCHFUL = {"all": "ignore", "under": "raise", "over": "raise"}

    def enter(what: Any) -> Any:
        """Silence, or watch; returns what `leave` takes."""
        state = np.errstate(**what)
        state.__enter__()
        return state

    def leave(token: Any) -> None:
        """Undo `enter`."""
        token.__exit__(None, None, None)

    def quietly(ufunc: Any, *args: Any, **options: Any) -> Any:
        """Call a ufunc."""
        with np.errstate(**QUIET):
            return ufunc(*args, **options)


def anyway(ufunc: Any, *args: Any) -> Any:
    """Call a ufunc where `quietly` could not. None where it does not take the arguments."""
    token = enter(QUIET)
    try:
        return ufunc(*args, out=...)
    except (ValueError, OverflowError):
        return None
    finally:
        leave(token)

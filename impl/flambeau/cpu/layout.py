"""Results in row-major order, where PyTorch makes them so whatever the layout of the inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np


def row_major(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Let a kernel answer row-major arrays; NumPy's own reductions keep the order of the operand's strides."""

    @functools.wraps(kernel)
    def wrapped(*args: Any, **params: Any) -> Any:
        result = kernel(*args, **params)
        if type(result) is tuple:
            return tuple([_ordered(r) for r in result])
        return _ordered(result)

    return wrapped


def _ordered(a: Any) -> Any:
    return a.copy(order="C") if isinstance(a, np.ndarray) and not a.flags.c_contiguous else a

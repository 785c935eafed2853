"""Results in row-major order, where PyTorch makes them so whatever the layout of the inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def row_major(kernel: Kernel) -> Kernel:
    """Let a kernel answer row-major arrays; NumPy's own reductions keep the order of the operand's strides."""

    @functools.wraps(kernel)
    def wrapped(*args: Any, **params: Any) -> Any:
        result = kernel(*args, **params)
        if type(result) is np.ndarray and result.flags.c_contiguous:
            return result
        if type(result) is tuple:
            return tuple([_ordered(r) for r in result])
        return _ordered(result)

    return wrapped  # type: ignore[return-value]


def _ordered(a: Any) -> Any:
    return a.copy(order="C") if isinstance(a, np.ndarray) and not a.flags.c_contiguous else a

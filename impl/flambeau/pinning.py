"""Page-locked memory, which only an accelerator's allocator gives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from flambeau.size import META, device

NO_PINNED_MEMORY = (
    "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on this "
    "system."
)


def _allocates(arguments: Mapping[str, Any]) -> bool:
    where = arguments.get("device")
    if where is None:
        where = getattr(arguments.get("input"), "device", None)
    return where is None or device(where) != META


def without_pinning(body: Callable[..., Any]) -> Callable[..., Any]:
    """The body of an operation that takes pin_memory: it raises RuntimeError where that is asked for."""

    @functools.wraps(body)
    def allocating(*args: Any, **arguments: Any) -> Any:
        if arguments.get("pin_memory") and _allocates(arguments):
            raise RuntimeError(NO_PINNED_MEMORY)
        return body(*args, **arguments)

    return allocating

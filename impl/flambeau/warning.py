"""Warnings that PyTorch issues once a process, unless `set_warn_always(True)`."""

from __future__ import annotations

import warnings

from flambeau.declare import export

_seen: set[str] = set()
_always = False


def warn_once(text: str, source: str = "", category: type[Warning] = UserWarning, stacklevel: int = 3) -> None:
    """Warn the first time only. source: where PyTorch's own code warns, which its text names."""
    if not _always:
        if text in _seen:
            return
        _seen.add(text)
    warn(text, source, category, stacklevel + 1)


def warn(text: str, source: str = "", category: type[Warning] = UserWarning, stacklevel: int = 3) -> None:
    """Warn every time. source: where PyTorch's own code warns, which its text names."""
    if source:
        text += f" (Triggered internally at /__w/pytorch/pytorch/{source}.)"
    warnings.warn(text, category, stacklevel=stacklevel + 1)


def set_warn_always(b: bool, /) -> None:
    """Whether such warnings are shown every time."""
    global _always
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    _always = b


def is_warn_always_enabled() -> bool:
    """Whether such warnings are shown every time."""
    return _always


export("set_warn_always", set_warn_always)
export("is_warn_always_enabled", is_warn_always_enabled)

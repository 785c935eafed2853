"""Reasons that a person gives: where neither the entry nor PyTorch's answers tell why a kind is not drawn."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Reason:
    """Why none of `kinds` is drawn for the operations that match one of the globs `ops`."""

    ops: tuple[str, ...]
    kinds: tuple[str, ...]
    text: str


def by_hand(op: str, kind: str) -> str:
    """What a person says; "" where nobody does."""
    for reason in BY_HAND:
        if kind in reason.kinds and any(fnmatchcase(op, glob) for glob in reason.ops):
            return reason.text
    return ""


BY_HAND: tuple[Reason, ...] = ()

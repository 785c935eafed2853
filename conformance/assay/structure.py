"""What two answers are before their elements are looked at: kinds of things, memory they share, plain values."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.outcome import Opaque, Outcome, Sequence, TensorData


def difference_in_kind(mine: Any, theirs: Any, path: str) -> str:
    """What is different in kind, or ""."""
    if isinstance(theirs, TensorData):
        if not isinstance(mine, TensorData):
            return f"{path} is {typed(mine)}; expected a {theirs.kind}"
        return f"{path} is a {mine.kind}; expected a {theirs.kind}" if mine.kind != theirs.kind else ""
    if isinstance(theirs, Sequence):
        if not isinstance(mine, Sequence) or _kind(mine.kind) != _kind(theirs.kind):
            return f"{path} is {typed(mine)}; expected a {theirs.kind}"
        if len(mine.items) != len(theirs.items):
            return f"{path} has {len(mine.items)} items; expected {len(theirs.items)}"
        if mine.fields != theirs.fields:
            return f"{path} has the fields {mine.fields}; expected {theirs.fields}"
        found = (
            difference_in_kind(m, t, f"{path}.{i}")
            for i, (m, t) in enumerate(zip(mine.items, theirs.items, strict=True))
        )
        return next((problem for problem in found if problem), "")
    if isinstance(theirs, dict):
        if not isinstance(mine, dict) or mine.keys() != theirs.keys():
            return f"{path} is {typed(mine)}; expected a dict with {sorted(theirs)}"
        return next((p for k in theirs if (p := difference_in_kind(mine[k], theirs[k], f"{path}.{k}"))), "")
    if type(mine) is not type(theirs) or (isinstance(theirs, Opaque) and mine.kind != theirs.kind):
        return f"{path} is {typed(mine)}; expected {typed(theirs)}"
    return ""


def typed(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, TensorData | Sequence | Opaque):
        return f"a {value.kind}"
    return "None" if value is None else f"a {type(value).__name__}"


def _kind(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def same_value(mine: Any, theirs: Any) -> bool:
    """Whether two plain values are the same: zeros by sign, any NaN as any other."""
    if isinstance(theirs, float):
        return (mine == theirs and np.signbit(mine) == np.signbit(theirs)) or (mine != mine and theirs != theirs)
    if isinstance(theirs, complex):
        return same_value(mine.real, theirs.real) and same_value(mine.imag, theirs.imag)
    return bool(mine == theirs)


def comparable(mine: Any, theirs: TensorData) -> bool:
    """Whether two tensors carry elements of one dtype and shape."""
    return (
        isinstance(mine, TensorData)
        and mine.data is not None
        and theirs.data is not None
        and mine.dtype == theirs.dtype
        and mine.shape == theirs.shape
    )


def shared(outcome: Outcome) -> set[tuple[str, str]]:
    """Every pair of a result and an input, or two results, that share memory or are the same object."""
    return {(min(pair), max(pair)) for pair in outcome.aliases} | {
        (f"{a} is", b) for a, b in outcome.extra.get("same", ())
    }


def sharing(pair: tuple[str, str]) -> str:
    """Such a pair in words."""
    path, is_itself, _ = pair[0].rpartition(" is")
    if is_itself:
        return f"{'result ' + path if path else 'the result'} is input {pair[1]} itself"
    return f"{pair[0] or 'result'} and {pair[1] or 'result'} share memory"

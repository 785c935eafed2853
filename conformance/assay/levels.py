"""What is judged, and how verdicts rank: aspects in their levels, statuses from worst to best."""

from __future__ import annotations

from collections.abc import Collection

LEVELS: dict[str, tuple[str, ...]] = {
    "core": ("build", "structure", "dtype", "shape", "values", "mutation", "aliasing"),
    "gradients": ("gradients", "gradients2"),
    "errors": ("error",),
    "fidelity": ("stride", "random", "text", "error_text", "warnings"),
}
ASPECTS: tuple[str, ...] = tuple(aspect for aspects in LEVELS.values() for aspect in aspects)
#: Aspects that are scored, and fail a run only when asked.
SCORED = frozenset({"error_text", "warnings"})
#: The statuses of which one is enough to fail a run; "flaky" does so only when asked.
FAILING = frozenset({"crash", "memory", "timeout", "deviates"})
#: Worst first; what a cell of the report shows is the worst of its verdicts.
STATUSES = ("crash", "memory", "timeout", "deviates", "flaky", "missing", "known", "unjudged", "conforms")


def aspects_of(levels: Collection[str]) -> tuple[str, ...]:
    """The aspects of some levels, in order. Raises ValueError for an unknown level."""
    unknown = [level for level in levels if level not in LEVELS]
    if unknown:
        raise ValueError(f"unknown level {unknown[0]!r}; the levels are {', '.join(LEVELS)}")
    return tuple(a for level, aspects in LEVELS.items() if level in levels for a in aspects)


def worst(statuses: Collection[str]) -> str:
    """The worst of some statuses; "conforms" for none."""
    return min(statuses, key=STATUSES.index, default="conforms")

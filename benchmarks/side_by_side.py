"""Timing of flambeau beside PyTorch: both in one process, in turns, so that a busy machine slows both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import torch

import flambeau

ROUNDS = 15
# how long one round of one library lasts, seconds of process time
ROUND_TIME = 0.01

Make = Callable[[ModuleType], Callable[[], Any]]


class Times(NamedTuple):
    """Seconds of process time of one call: the least and the median of all rounds, by library."""

    least: dict[str, float]
    median: dict[str, float]
    works: dict[str, Callable[[], Any]]
    repetitions: dict[str, int]

    @property
    def ratio(self) -> float:
        """flambeau's median ÷ PyTorch's: below 1, flambeau is faster."""
        return self.median["flambeau"] / self.median["torch"]

    @property
    def ratio_of_least(self) -> float:
        """The same of the least times, which a busy machine disturbs less."""
        return self.least["flambeau"] / self.least["torch"]


def _repetitions(work: Callable[[], Any], round_time: float) -> int:
    for _ in range(3):
        work()
    start = time.process_time()
    for _ in range(3):
        work()
    return max(int(round_time / max((time.process_time() - start) / 3, 1e-7)), 1)


def _round(work: Callable[[], Any], repetitions: int) -> float:
    start = time.process_time()
    for _ in range(repetitions):
        work()
    return (time.process_time() - start) / repetitions


def measure(make: Make, rounds: int = ROUNDS, round_time: float = ROUND_TIME) -> Times:
    """Time what `make(library)` returns, for both libraries in turns, on one thread.

    Raises NotImplementedError or AttributeError where flambeau lacks an operation.
    """
    torch.set_num_threads(1)
    flambeau.set_num_threads(1)
    works = {"torch": make(torch), "flambeau": make(flambeau)}
    repetitions = {name: _repetitions(work, round_time) for name, work in works.items()}
    seconds: dict[str, list[float]] = {"torch": [], "flambeau": []}
    for i in range(rounds):
        for name in ("torch", "flambeau") if i % 2 else ("flambeau", "torch"):
            seconds[name].append(_round(works[name], repetitions[name]))
    least = {name: min(s) for name, s in seconds.items()}
    return Times(least, {name: statistics.median(s) for name, s in seconds.items()}, works, repetitions)


def compare(benchmark: Any, make: Make) -> None:
    """Measure what `make(library)` returns, for both libraries in turns.

    pytest-benchmark records flambeau's rounds; extra_info holds PyTorch's median, flambeau's and their ratio (below 1:
    flambeau is faster). Times are reported, never asserted. Operations that flambeau lacks are skipped by name.
    """
    import pytest

    try:
        times = measure(make)
    except (NotImplementedError, AttributeError) as error:
        pytest.skip(f"flambeau: {error}")
    benchmark.extra_info.update(
        torch_us=times.median["torch"] * 1e6,
        flambeau_us=times.median["flambeau"] * 1e6,
        ratio=times.ratio,
        ratio_of_least=times.ratio_of_least,
    )
    benchmark.pedantic(times.works["flambeau"], rounds=5, iterations=times.repetitions["flambeau"])

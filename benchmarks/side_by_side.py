"""Timing of flambeau beside PyTorch: both in one process, in turns, so that a busy machine slows both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

import flambeau

ROUNDS = 15
# how long one round of one library lasts, seconds of process time
ROUND_TIME = 0.01

Make = Callable[[ModuleType], Callable[[], Any]]


def _repetitions(work: Callable[[], Any]) -> int:
    for _ in range(3):
        work()
    start = time.process_time()
    for _ in range(3):
        work()
    return max(int(ROUND_TIME / max((time.process_time() - start) / 3, 1e-7)), 1)


def _round(work: Callable[[], Any], repetitions: int) -> float:
    start = time.process_time()
    for _ in range(repetitions):
        work()
    return (time.process_time() - start) / repetitions


def compare(benchmark: Any, make: Make) -> None:
    """Measure what `make(library)` returns, for both libraries in turns.

    pytest-benchmark records flambeau's rounds; extra_info holds PyTorch's median, flambeau's and their ratio (below 1:
    flambeau is faster). Times are reported, never asserted. Operations that flambeau lacks are skipped by name.
    """
    torch.set_num_threads(1)
    flambeau.set_num_threads(1)
    try:
        works = {"torch": make(torch), "flambeau": make(flambeau)}
        repetitions = {name: _repetitions(work) for name, work in works.items()}
    except (NotImplementedError, AttributeError) as error:
        pytest.skip(f"flambeau: {error}")
    seconds: dict[str, list[float]] = {"torch": [], "flambeau": []}
    for i in range(ROUNDS):
        for name in ("torch", "flambeau") if i % 2 else ("flambeau", "torch"):
            seconds[name].append(_round(works[name], repetitions[name]))
    medians = {name: statistics.median(s) for name, s in seconds.items()}
    benchmark.extra_info.update(
        torch_us=medians["torch"] * 1e6,
        flambeau_us=medians["flambeau"] * 1e6,
        ratio=medians["flambeau"] / medians["torch"],
    )
    benchmark.pedantic(works["flambeau"], rounds=5, iterations=repetitions["flambeau"])

"""Floating-point steps that random streams rest on: they round as PyTorch's compiled code does."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flambeau.random import boxmuller, exactmath


def test_numpy_sin_and_cos_are_the_c_library_s() -> None:
    theta = 2 * np.pi * np.random.RandomState(2).rand(100_000)
    np.testing.assert_array_equal(np.cos(theta), [math.cos(v) for v in theta])
    np.testing.assert_array_equal(np.sin(theta), [math.sin(v) for v in theta])


def test_log_is_the_c_library_s_for_few_and_many() -> None:
    u = np.random.RandomState(2).rand(100_000)
    np.testing.assert_array_equal(exactmath.log(u), [math.log(v) for v in u])
    np.testing.assert_array_equal(exactmath.log(u[:100]), [math.log(v) for v in u[:100]])
    assert exactmath.log(np.zeros(1))[0] == exactmath.log(np.zeros(1000))[999] == -math.inf


def exact_fused(a: float, b: float, c: float) -> Any:
    return Fraction(a) * Fraction(b) + Fraction(c)


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.lists(st.tuples(*[st.floats(-(2.0**40), 2.0**40, width=32)] * 3), min_size=1, max_size=8))
def test_fma32_rounds_once(rows: list[tuple[float, float, float]]) -> None:
    a, b, c = (np.array(column, np.float32) for column in zip(*rows, strict=True))
    for x, y, z, got in zip(a.tolist(), b.tolist(), c.tolist(), exactmath.fma32(a, b, c), strict=True):
        truth = exact_fused(x, y, z)
        error = abs(truth - Fraction(float(got)))
        below, above = np.nextafter(got, np.float32(-np.inf)), np.nextafter(got, np.float32(np.inf))
        assert all(error <= abs(truth - Fraction(float(v))) for v in (below, above))
        ties = [v for v in (below, above) if abs(truth - Fraction(float(v))) == error]
        assert not ties or not int(np.float32(got).view(np.int32)) & 1


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.floats(0, 1), st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e300, 1e300))
def test_fma64_rounds_once(a: float, b: float, c: float) -> None:
    try:
        truth = float(exact_fused(a, b, c))
    except OverflowError:
        return
    if abs(truth) >= 2.0**-900:  # below that the scaled result may be rounded twice
        with np.errstate(over="ignore"):
            assert exactmath.fma64(np.array([a]), b, c)[0] == truth


def test_careful_steps_agree_with_the_quick_ones() -> None:
    u = (1 + np.arange(100_000, dtype=np.float32)) * np.float32(2.0**-24) * 160
    quick, careful = boxmuller._Steps(u.size), boxmuller._CarefulSteps()
    np.testing.assert_array_equal(boxmuller._log(u, quick), boxmuller._log(u, careful))
    quick = boxmuller._Steps(u.size)
    for got, want in zip(boxmuller._sincos(u * 6, quick), boxmuller._sincos(u * 6, careful), strict=True):
        np.testing.assert_array_equal(got, want)

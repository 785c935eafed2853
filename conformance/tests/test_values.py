"""Value plans: the right dtype and shape, the same bytes everywhere, and what each plan promises."""

from __future__ import annotations

import hashlib
import math

import ml_dtypes
import numpy as np
import pytest

from assay.case import TensorSpec, Values
from assay.dtypes import ALL, NUMPY, category, is_differentiable, real_part
from assay.values import array, elements, kinds, literal

SHAPES = ((), (0,), (3,), (2, 3, 4))


def plan(kind: str, shape: tuple[int, ...], seed: int = 3) -> Values:
    if kind == "distinct":
        return Values(kind, seed, low=0, high=9)
    if kind == "index":
        return Values(kind, seed, low=-4, high=4)
    return Values(kind, seed)


@pytest.mark.parametrize("dtype", ALL)
def test_every_plan_gives_the_dtype_and_shape_asked_for(dtype: str) -> None:
    for kind in set(kinds()) - {"literal"}:
        for shape in SHAPES:
            made = elements(plan(kind, shape), shape, dtype)
            assert made.dtype == NUMPY[dtype], kind
            assert made.shape == ((*shape, 2) if dtype == "complex32" else shape), kind
            assert made.flags.c_contiguous, kind


@pytest.mark.parametrize("dtype", ALL)
def test_a_literal_gives_the_same_bytes(dtype: str) -> None:
    for kind in set(kinds()) - {"literal"}:
        spec = TensorSpec((3, 4), dtype, plan(kind, (3, 4)))
        assert elements(literal(spec), (3, 4), dtype).tobytes() == array(spec).tobytes(), kind


def test_the_bytes_are_those_of_every_machine() -> None:
    digest = hashlib.sha256()
    for dtype in ALL:
        for kind in sorted(set(kinds()) - {"literal"}):
            digest.update(elements(plan(kind, (5, 7), seed=11), (5, 7), dtype).tobytes())
    assert digest.hexdigest()[:16] == "5721331edca37850"


def test_normal_is_normal() -> None:
    drawn = elements(Values("normal", 1), (20000,), "float64")
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 1) < 0.03
    assert len(np.unique(drawn)) == drawn.size


@pytest.mark.parametrize("dtype", [d for d in ALL if category(d) == 2])
def test_special_holds_every_special_value(dtype: str) -> None:
    drawn = elements(Values("special", 2), (2000,), dtype).astype(np.float64)
    info = ml_dtypes.finfo(dtype)
    size = np.abs(drawn)
    assert np.isnan(drawn).any()
    assert {math.inf, -math.inf} <= set(drawn)
    assert ((drawn == 0) & np.signbit(drawn)).any()
    assert ((size > 0) & (size < float(info.tiny))).any()
    assert (size == float(info.max)).any()


@pytest.mark.parametrize("dtype", [d for d in ALL if category(d) == 1])
def test_border_reaches_both_limits(dtype: str) -> None:
    drawn = elements(Values("border", 2), (500,), dtype)
    info = np.iinfo(NUMPY[dtype])
    assert drawn.min() == info.min
    assert drawn.max() == info.max


@pytest.mark.parametrize("dtype", [d for d in ALL if is_differentiable(d)])
def test_subnormal_is_below_the_normal_range(dtype: str) -> None:
    made = elements(Values("subnormal", 2), (200,), dtype)
    part = real_part(dtype)
    drawn = np.abs(made.reshape(-1).view(NUMPY[part]).astype(np.float64))
    assert (drawn < float(ml_dtypes.finfo(part).tiny)).all()
    assert (drawn > 0).any()


def test_indices_stay_inside() -> None:
    drawn = elements(Values("index", 5, low=-7, high=7), (400,), "int64")
    assert set(drawn.tolist()) == set(range(-7, 7))


def test_distinct_has_no_duplicates_along_its_dimension() -> None:
    for dim, shape in ((0, (4, 3)), (1, (3, 4)), (1, (2, 5, 3))):
        drawn = elements(Values("distinct", 5, low=dim, high=6), shape, "int64")
        lines = np.moveaxis(drawn, dim, -1).reshape(-1, shape[dim])
        assert all(len(set(line)) == len(line) for line in lines.tolist())
        assert drawn.min() >= 0
        assert drawn.max() < 6


def test_permutation_has_every_number_once() -> None:
    assert sorted(elements(Values("permutation", 5), (4, 6), "int32").ravel().tolist()) == list(range(24))


def test_divisors_are_never_zero() -> None:
    for dtype in ALL:
        if dtype != "complex32":
            assert (elements(Values("nonzero", 5), (300,), dtype) != 0).all(), dtype


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match="unknown value plan 'gauss'"):
        elements(Values("gauss"), (2,), "float32")
    with pytest.raises(ValueError, match="unknown dtype 'float31'"):
        elements(Values("normal"), (2,), "float31")
    with pytest.raises(ValueError, match="a literal of 1 elements"):
        elements(Values("literal", literal=(1,)), (2,), "int64")

"""What pools, grids, copies and memory brought to the catalogue: geometries that fit, sequences that are spread, lists
of `out=`, places that are apart, memory nobody wrote to, positions that are rounded, answers that are read once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.case import Case, Layout, TensorSpec, Values
from assay.catalog import catalog
from assay.catalog.form import Structure
from assay.catalog.sliding import Slide, pooled
from assay.drawing import draw_cases
from assay.execute import Want, answer
from assay.judge import judge
from assay.outcome import Outcome, Sequence, TensorData
from assay.policy import Policy
from assay.reading import exposed
from assay.tolerance import raw_array
from assay.truth import reference_answer
from assay.values import elements


@st.composite
def geometries(draw: st.DrawFn, rank: int) -> Slide:
    found: Slide = pooled(rank, dilated=True)(draw, Structure(catalog()["max_pool2d"].forms[0], {}))
    return found


@settings(max_examples=60, deadline=None, database=None)
@given(st.integers(1, 3).flatmap(geometries), st.booleans())
def test_every_window_of_a_pool_has_an_element(slide: Slide, rounded_up: bool) -> None:
    for size, kernel, stride, padding, dilation in zip(
        slide.size, slide.kernel, slide.stride, slide.padding, slide.dilation, strict=True
    ):
        assert 2 * padding <= kernel
        starts = range(-padding, size if rounded_up else size + padding - dilation * (kernel - 1), stride)
        for start in starts:
            taps = range(start, start + dilation * kernel, dilation)
            assert any(0 <= tap < size for tap in taps), slide


@pytest.mark.parametrize("op", ["block_diag", "cartesian_prod", "broadcast_tensors"])
def test_a_variadic_sequence_is_always_spread(op: str) -> None:
    cases = [c for c in draw_cases(catalog()[op], "quick", 3) if not c.invalid]
    assert len(cases) > 10
    assert all(c.args and not c.kwargs and all(isinstance(a, TensorSpec) for a in c.args) for c in cases)


@pytest.mark.parametrize("op", ["split_copy", "unbind_copy", "split_with_sizes_copy"])
def test_a_list_of_out_fits_exactly_or_is_refused(op: str) -> None:
    cases = [c for s in range(4) for c in draw_cases(catalog()[op], "quick", s) if c.variant == "out"]
    assert all(answer(c, torch).status == "returned" for c in cases if not c.invalid)
    wrong = [c for c in cases if c.invalid]
    assert wrong
    assert sum(answer(c, torch).status == "raised" for c in wrong) > len(wrong) // 2


@pytest.mark.parametrize(("shape", "dims"), [((2, 3, 4), 2), ((5, 6), 1), ((2, 2, 2, 3), 3), ((0, 3), 2), ((), 0)])
def test_places_are_apart_within_the_last_dimensions_together(shape: tuple[int, ...], dims: int) -> None:
    plane = int(np.prod(shape[len(shape) - dims :]))
    found = elements(Values("apart", 9, dims, plane + 2), shape, "int64").reshape(-1, max(plane, 1))
    assert all(len(set(line.tolist())) == line.size and line.max() < plane + 2 and line.min() >= 0 for line in found)
    again = elements(Values("apart", 10, dims, plane + 2), shape, "int64")
    assert plane < 4 or not np.array_equal(found.reshape(shape), again)


# -- memory nobody wrote to --------------------------------------------------------------------------------------------
FRESH = catalog()["resize_"].policy


def _with(outcome: Outcome, at: int) -> Outcome:
    """Another byte in the element at `at`, in the result and in the input that it is."""

    def changed(leaf: Any) -> Any:
        array = raw_array(leaf).copy().reshape(-1)
        array[at] += 1
        return replace(leaf, data=array.tobytes())

    assert isinstance(outcome.result, TensorData)
    return replace(outcome, result=changed(outcome.result), inputs=(changed(outcome.inputs[0]), *outcome.inputs[1:]))


def _deviating(case: Case, policy: Policy, at: int) -> set[str]:
    reference = reference_answer(case, torch, policy)
    subject = answer(case, torch, want=Want.of(policy))
    assert not {v.aspect for v in judge(case, reference, subject, policy) if v.status == "deviates"}
    return {v.aspect for v in judge(case, reference, _with(subject, at), policy) if v.status == "deviates"}


def test_only_what_a_resized_tensor_keeps_is_judged() -> None:
    tensor = TensorSpec((2, 3), "int32", Values("counting"))
    case = Case("resize_", "inplace", "Tensor.resize_", (tensor, (3, 4)))
    assert _deviating(case, FRESH, 5) == {"values"}
    assert not _deviating(case, FRESH, 6)
    expanded = Case("resize_", "inplace", "Tensor.resize_", (replace(tensor, layout=Layout("expanded", (1,))), (6,)))
    assert _deviating(expanded, FRESH, 1) == {"values"}
    assert not _deviating(expanded, FRESH, 2)


def test_a_new_tensor_has_no_elements_by_size_and_its_own_by_data() -> None:
    tensor = TensorSpec((2,), "float32", Values("ones"))
    policy = catalog()["new"].policy
    for args, judged in (((2, 3), False), (([1.0, 2.0],), True)):
        case = Case("new", "method", "Tensor.new", (tensor, *args))
        reference = reference_answer(case, torch, policy)
        subject = answer(case, torch, want=Want.of(policy))
        assert isinstance(subject.result, TensorData)
        assert subject.result.data is not None
        other = replace(subject, result=replace(subject.result, data=b"\x01" * len(subject.result.data)))
        found = {v.aspect for v in judge(case, reference, other, policy) if v.status == "deviates"}
        assert found == ({"values"} if judged else set())


# -- positions ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize(("share", "conforms"), [(1.0, True), (80.0, False)])
def test_interpolation_errs_relative_to_the_largest(dtype: str, share: float, conforms: bool) -> None:
    entry = catalog()["nn.functional.interpolate"]
    image = TensorSpec((1, 1, 5, 4), dtype, Values("normal", 3))
    case = Case(entry.op, "function", "torch.nn.functional.interpolate", (image,), {"size": 7, "mode": "bicubic"})
    reference = reference_answer(case, torch, entry.policy)
    subject = answer(case, torch)
    result = subject.result
    assert isinstance(result, TensorData)
    array = raw_array(result).copy()
    largest = np.abs(array.astype(np.float64)).max()
    unit = {"float32": 2.0**-24, "float64": 2.0**-53, "bfloat16": 2.0**-8}[dtype] * largest
    least = np.unravel_index(np.abs(array.astype(np.float64)).argmin(), array.shape)
    array[least] = array[least].astype(np.float64) + share * unit
    changed = replace(subject, result=replace(result, data=array.tobytes()))
    found = {v.aspect for v in judge(case, reference, changed, entry.policy) if v.status == "deviates"}
    assert found == (set() if conforms else {"values"})


# -- answers that are read once ----------------------------------------------------------------------------------------
def test_an_iterator_is_what_it_yields() -> None:
    def endless() -> Iterator[int]:
        return itertools.count()

    assert exposed(iter((1, 2))) == [1, 2]
    assert len(exposed(endless())) == 10_000
    tensor = TensorSpec((3, 2), "float32", Values("counting"))
    case = Case("__iter__", "method", "Tensor.__iter__", (tensor,))
    policy = catalog()["__iter__"].policy
    reference = reference_answer(case, torch, policy)
    subject = answer(case, torch, want=Want.of(policy))
    assert isinstance(subject.result, Sequence)
    assert len(subject.result.items) == 3
    reversed_ = replace(subject, result=replace(subject.result, items=subject.result.items[::-1]))
    assert {v.aspect for v in judge(case, reference, reversed_, policy) if v.status == "deviates"} >= {"values"}


def test_a_capsule_is_the_array_in_it() -> None:
    tensor = torch.arange(6.0).reshape(2, 3).t()
    found = exposed(tensor.__dlpack__())
    assert np.array_equal(found, tensor.numpy())
    assert found.strides == (4, 12)
    capsule = torch.ones(2, dtype=torch.bfloat16).__dlpack__()
    assert exposed(capsule) is capsule

"""The strategies keep what they promise; index expressions are checked against real torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from assay import strategies as s
from assay.case import Layout
from assay.pick import Pick
from assay.strategies.arguments import layout

quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@quick
@given(s.shapes(min_rank=1, max_rank=4, min_size=1))
def test_shapes_keep_their_bounds(shape: tuple[int, ...]) -> None:
    assert 1 <= len(shape) <= 4
    assert all(size >= 1 for size in shape)
    assert math.prod(shape) <= 1200


@quick
@given(s.broadcast_triples())
def test_triples_broadcast_as_torch_does(shapes: tuple[tuple[int, ...], ...]) -> None:
    assert s.broadcast(*shapes) == tuple(torch.broadcast_shapes(*shapes))


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match="do not broadcast"):
        s.broadcast((2, 3), (4, 3))
    with pytest.raises(RuntimeError):
        torch.broadcast_shapes((2, 3), (4, 3))


@quick
@given(s.shapes(max_rank=4).flatmap(lambda shape: st.tuples(st.just(shape), s.factorisations(shape))))
def test_factorisations_reshape(pair: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    old, new = pair
    assert torch.zeros(old).reshape(new).shape == new


@quick
@given(s.shapes(max_rank=4).flatmap(lambda shape: st.tuples(st.just(shape), s.basic_indices(shape))))
def test_basic_indices_fit(pair: tuple[tuple[int, ...], object]) -> None:
    shape, index = pair
    assert torch.zeros(shape)[index].shape == np.zeros(shape)[index].shape


@quick
@given(s.shapes(max_rank=4).flatmap(lambda shape: st.tuples(st.just(shape), s.advanced_indices(shape))))
def test_advanced_indices_fit(pair: tuple[tuple[int, ...], object]) -> None:
    shape, index = pair
    torch.zeros(shape)[_tensors(index)]


def _tensors(item: object) -> object:
    if isinstance(item, tuple):
        return tuple(map(_tensors, item))
    if isinstance(item, s.IndexTensor):
        return torch.ones(item.shape, dtype=torch.bool) if item.mask else torch.zeros(item.shape, dtype=torch.int64)
    return item


@quick
@given(st.integers(0, 5).flatmap(lambda rank: st.tuples(st.just(rank), s.dim_sets(rank))))
def test_dim_sets_are_different_dims(pair: tuple[int, tuple[int, ...]]) -> None:
    rank, dims = pair
    span = max(rank, 1)
    assert all(-span <= d < span for d in dims)
    assert len({d % span for d in dims}) == len(dims)


@quick
@given(s.shapes().flatmap(lambda shape: st.tuples(st.just(shape), s.layouts(shape))))
def test_layouts_name_dims_that_are_there(pair: tuple[tuple[int, ...], Layout]) -> None:
    shape, lies = pair
    assert all(0 <= d < len(shape) for d in lies.dims)
    if lies.kind == "permuted":
        assert sorted(lies.dims) == list(range(len(shape)))
    if lies.kind == "channels_last":
        assert len(shape) == 4


def test_every_layout_comes_up() -> None:
    drawn = {layout(Pick(seed), (2, 3, 4, 5)).kind for seed in range(200)}
    assert drawn == {"contiguous", "permuted", "stepped", "offset", "expanded", "channels_last"}
    assert "expanded" not in {layout(Pick(seed), (2, 3), expanded=False).kind for seed in range(200)}


def test_arguments_are_validated() -> None:
    with pytest.raises(ValueError, match="ranks must satisfy"):
        s.shapes(min_rank=3, max_rank=2)
    with pytest.raises(ValueError, match="'float31' is no dtype"):
        s.dtypes(["float31"])


def test_picks_repeat_and_spread() -> None:
    first, second = Pick("a"), Pick("a")
    assert [first.integer(0, 9) for _ in range(50)] == [second.integer(0, 9) for _ in range(50)]
    assert {Pick(seed).integer(2, 4) for seed in range(60)} == {2, 3, 4}
    assert {Pick(seed).weighted({"a": 1, "b": 3}) for seed in range(60)} == {"a", "b"}
    assert sorted(Pick(3).shuffled(range(9))) == list(range(9))

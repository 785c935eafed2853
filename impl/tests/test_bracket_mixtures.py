"""Masks, index tensors, slices, numbers, None and Ellipsis in one pair of brackets, against real PyTorch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from hypothesis import example, given
from hypothesis import strategies as st

import flambeau

Item = tuple[str, Any]


@st.composite
def brackets(draw: st.DrawFn) -> tuple[tuple[int, ...], list[Item]]:
    """A shape, and what stands in the brackets: (kind, plain data)."""
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=4)))
    items: list[Item] = []
    dim = 0
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["mask", "mask", "truth", "slice", "indices", "none", "ellipsis", "number"]))
        if kind == "mask":
            rank = draw(st.integers(1, 2))
            sizes = shape[dim : dim + rank]
            if len(sizes) < rank or draw(st.integers(0, 15)) == 0:
                sizes = (1, 2)[:rank]  # mostly refused
            count = sizes[0] * (sizes[1] if rank == 2 else 1)
            items.append(("mask", (sizes, draw(st.lists(st.booleans(), min_size=count, max_size=count)))))
            dim += rank
        elif kind == "truth":
            items.append((kind, draw(st.booleans())))
        elif kind == "slice":
            items.append((kind, (draw(st.sampled_from([None, 0, 1])), draw(st.sampled_from([None, 1, 2])))))
            dim += 1
        elif kind == "indices":
            items.append((kind, draw(st.lists(st.sampled_from([0, -1]), min_size=1, max_size=2))))
            dim += 1
        elif kind == "number":
            items.append((kind, 0))
            dim += 1
        elif kind == "none" or all(k != "ellipsis" for k, _ in items):
            items.append((kind, None))
    return shape, items


def _item(t: ModuleType, kind: str, value: Any) -> Any:
    if kind == "mask":
        sizes, truths = value
        return t.tensor(truths).reshape(sizes)
    if kind == "slice":
        return slice(*value)
    if kind == "indices":
        return t.tensor(value)
    return Ellipsis if kind == "ellipsis" else value


def _answers(t: ModuleType, shape: tuple[int, ...], items: list[Item]) -> list[Any]:
    found: list[Any] = []
    item = tuple(_item(t, kind, value) for kind, value in items)
    for assign in (False, True):
        x = t.arange(torch.Size(shape).numel()).reshape(shape)
        try:
            if assign:
                x[item] = -5
            result = x if assign else x[item]
            found.append((tuple(result.shape), result.tolist()))
        except (IndexError, RuntimeError, TypeError) as error:
            found.append((type(error).__name__, str(error)))
    return found


@given(brackets())
@example(((1, 2, 1, 2), [("mask", ((1, 2), [False, True])), ("slice", (None, 1))]))
@example(((2, 1, 2, 2), [("slice", (None, None)), ("mask", ((1, 2), [True, True])), ("indices", [0])]))
def test_reading_and_assigning(drawn: tuple[tuple[int, ...], list[Item]]) -> None:
    assert _answers(flambeau, *drawn) == _answers(torch, *drawn)

"""Views against PyTorch: strides, offsets, sharing, in-place forms and errors, over random geometries."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from against import assert_agree
from hypothesis import given, settings
from hypothesis import strategies as st

import flambeau

STEPS = ("transpose", "narrow", "step", "unsqueeze", "expand", "permute", "select", "diagonal", "unfold", "squeeze")


@st.composite
def geometries(draw: Any) -> list[tuple[Any, ...]]:
    """A shape, then view operations as data."""
    shape = tuple(draw(st.lists(st.sampled_from((1, 2, 3, 4, 0, 1, 2, 3)), max_size=5)))
    numbers = st.integers(0, 5)
    return [shape, *draw(st.lists(st.tuples(st.sampled_from(STEPS), numbers, numbers), max_size=5))]


def apply(x: Any, step: tuple[Any, ...]) -> Any:
    """One step; those that make no sense for the shape at hand leave it alone."""
    name, a, b = step
    n = x.dim()
    if name == "unsqueeze":
        return x.unsqueeze(a % (n + 1))
    if name == "squeeze":
        return x.squeeze() if b % 2 else x.squeeze(a % n if n else 0)
    if not n:
        return x
    d, e = a % n, b % n
    size = x.size(d)
    if name == "transpose":
        return x.transpose(d, e)
    if name == "narrow":
        return x.narrow(d, min(b, 1, size), max(size - 1 - b % 2, 0) if size > 1 else size - min(b, 1, size))
    if name == "step":
        return x[(slice(None),) * d + (slice(b % 2, None, 2),)]
    if name == "expand":
        return x.expand(*[3 if s == 1 and i == d else s for i, s in enumerate(x.shape)])
    if name == "permute":
        return x.permute(*range(d, n), *range(d))
    if name == "select" and size:
        return x.select(d, b % size)
    if name == "diagonal" and n > 1 and d != e:
        return x.diagonal(b % 2, d, e)
    if name == "unfold" and size > 1:
        return x.unfold(d, 2, 1 + b % 2)
    return x


def place(x: Any) -> tuple[Any, ...]:
    return tuple(x.shape), x.stride(), x.storage_offset(), x.is_contiguous()


def both(steps: list[tuple[Any, ...]]) -> tuple[Any, Any]:
    shape, *rest = steps
    made = []
    for library in (torch, flambeau):
        count = 1
        for n in shape:
            count *= n
        x = library.arange(count).reshape(shape)
        for step in rest:
            x = apply(x, step)
        made.append(x)
    return made[0], made[1]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(geometries())
def test_views_of_views_lie_where_pytorch_puts_them(steps: list[tuple[Any, ...]]) -> None:
    expected, found = both(steps)
    assert place(found) == place(expected)
    assert found.tolist() == expected.tolist()


def attempt(function: Any) -> Any:
    try:
        return place(function())
    except RuntimeError as error:
        return str(error).partition("\n")[0]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(geometries(), st.data())
def test_view_and_reshape_share_where_pytorch_shares(steps: list[tuple[Any, ...]], data: Any) -> None:
    expected, found = both(steps)
    rest, new = expected.numel(), []
    while rest > 1 and data.draw(st.booleans()):
        factor = data.draw(st.sampled_from([f for f in range(1, rest + 1) if rest % f == 0]))
        new.append(factor)
        rest //= factor
    new = data.draw(st.permutations([*new, rest]))
    assert attempt(lambda: found.view(new)) == attempt(lambda: expected.view(new))
    ours, theirs = found.reshape(new), expected.reshape(new)
    assert (tuple(ours.shape), ours.stride(), ours.tolist()) == (tuple(theirs.shape), theirs.stride(), theirs.tolist())
    assert (ours.data_ptr() == found.data_ptr()) == (theirs.data_ptr() == expected.data_ptr()) or not ours.numel()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(geometries())
def test_copies_have_pytorchs_strides(steps: list[tuple[Any, ...]]) -> None:
    expected, found = both(steps)
    for copy in (
        lambda x: x.clone(),
        lambda x: x.contiguous(),
        lambda x: x.double(),
        lambda x: x + 1,
        lambda x: x.clone(memory_format=(torch if isinstance(x, torch.Tensor) else flambeau).contiguous_format),
    ):
        ours, theirs = copy(found), copy(expected)
        large = [d for d, n in enumerate(theirs.shape) if n > 1] if theirs.numel() else []
        assert [ours.stride(d) for d in large] == [theirs.stride(d) for d in large]


SETUP = """
x, m, e, z = torch.tensor([1.0, 2.0]), torch.arange(6.0).reshape(2, 3), torch.zeros(0), torch.tensor(1)
c, b = torch.tensor([1j, 2.0]), torch.arange(24.0).reshape(2, 3, 4)
"""
CALLS = (
    "x.view(())",
    "x.view('a')",
    "x.view(-2)",
    "x.view(-1, -1)",
    "x.view(3)",
    "e.view(-1, 0)",
    "x.view()",
    "x.reshape()",
    "x.reshape(3)",
    "m.t().view(6)",
    "m.permute(0)",
    "m.permute(0, 0)",
    "m.permute(0, 5)",
    "m.transpose(0, 5)",
    "b.t()",
    "m.squeeze(5)",
    "m.squeeze((0, 0))",
    "m.unsqueeze(5)",
    "m.flatten(1, 0)",
    "m.movedim(0, 5)",
    "m.movedim((0, 0), (0, 1))",
    "m.select(5, 0)",
    "m.select(0, 5)",
    "m.narrow(0, 0, 5)",
    "m.narrow(0, -1, 1)",
    "m.narrow(0, 5, 1)",
    "m.unbind(-5)",
    "z.unbind(-2)",
    "z.unbind(0)",
    "m.split(1, 'a')",
    "m.split(True)",
    "m.split(1, 1.0)",
    "m.split([1], 5)",
    "m.split(-1)",
    "m.split(0)",
    "m.split(torch.tensor(2))",
    "torch.split(3, 1)",
    "m.chunk(0)",
    "m.expand(2)",
    "c.reshape(1, 2).expand(3)",
    "m.expand(2, -1, -1, -1)",
    "m.expand(-1, 2, 3)",
    "m.expand(4, 5)",
    "x.expand(2, -3)",
    "m.expand(0, 2, 3)",
    "m.unflatten(0, (2,))",
    "m.unflatten(5, (2,))",
    "torch.view_as_real(x)",
    "torch.view_as_complex(x)",
    "torch.view_as_complex(m)",
    "torch.view_as_real(c)",
    "m.T",
    "b.T",
    "m.mT",
    "x.mT",
    "b.mT",
    "m.H",
    "x.H",
    "m.adjoint()",
    "x.adjoint()",
    "m.rot90(1, (0, 5))",
    "m.rot90(1, (0, 0))",
    "x.rot90()",
    "m.rot90(3)",
    "m.flip(5)",
    "m.flip(0, 0)",
    "x.fliplr()",
    "z.flipud()",
    "m.roll(1, 5)",
    "m.roll((1, 2), 0)",
    "m.roll(1)",
    "m.repeat(2)",
    "m.repeat(-1, 2)",
    "m.repeat(2, 1)",
    "m.tile(2)",
    "x.repeat_interleave(2)",
    "m.repeat_interleave(torch.tensor([1, 2]), 0)",
    "m.repeat_interleave(torch.tensor([1, 2]), 1)",
    "z.repeat_interleave(2, 0)",
    "torch.repeat_interleave(x)",
    "torch.cat([])",
    "torch.cat([m, x])",
    "torch.cat([m, e])",
    "torch.cat([z])",
    "torch.stack([x, m])",
    "torch.hstack([])",
    "torch.cat([x, c])",
    "torch.cat([x, z.reshape(1)])",
    "m.view(torch.int32)",
    "m.view(torch.float64)",
    "m.t().view(torch.float64)",
    "m.view(torch.int16)",
    "z.view(torch.int8)",
    "y = m.clone(); y.t_(); y",
    "y = m.clone(); y.squeeze_(); y",
    "y = m.clone(); y.unsqueeze_(1); y",
    "y = m.clone(); y.transpose_(0, 1); y.stride()",
    "y = m.clone(); y.resize_(2); y",
    "y = m.t(); y.add_(1); m",
    "y = m.view(6); y[0] = 9; m",
    "y = m.t().reshape(6); y[0] = 9; m",
    "y = m.expand(2, 2, 3); y.add_(1)",
    "y = m.unbind(1); y[0].mul_(2); m",
    "y = m.split(2, 1); y[1].zero_(); m",
    "y = b.chunk(2, 2); y[1].zero_(); b",
)


@pytest.mark.parametrize("source", CALLS)
def test_calls(source: str) -> None:
    assert_agree(source, SETUP)

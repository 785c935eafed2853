"""Answers of PyTorch that only unusual shapes, places and values bring about, found by `assay run flambeau`."""

from __future__ import annotations

import pytest
from against import assert_agree


@pytest.mark.parametrize("shape", [(0, 1), (2, 0, 3), (0,), (2, 1), (2, 2), (4,), ()])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_an_out_tensor_of_the_right_size_keeps_its_shape(shape: tuple[int, ...], count: int) -> None:
    setup = f"o = torch.zeros({shape}); turned = torch.zeros({shape[::-1]}).permute(*range({len(shape)})[::-1])"
    for call in (f"linspace(0, 3, {count}", f"logspace(0, 3, {count}", f"arange({count}", f"range(0, {count}"):
        assert_agree(f"torch.{call}, out=o), o", setup)
        assert_agree(f"torch.{call}, out=turned), turned", setup)


def test_a_bernoulli_by_a_number_has_no_derivative() -> None:
    setup = "torch.manual_seed(3); x = torch.tensor([0.25, 0.5, 0.75], requires_grad=True)"
    for draw in (
        "x.bernoulli()",
        "torch.bernoulli(x)",
        "x.bernoulli(0.5)",
        "x.bernoulli(p=0.5)",
        "torch.bernoulli(x, 0)",
    ):
        assert_agree(draw, setup)
        assert_agree(f"torch.autograd.grad({draw}.sum(), x)", setup)
        assert_agree(draw.replace("x", "x.detach()", 1), setup)


def test_a_tensor_is_filled_with_one_of_its_own_elements() -> None:
    setup = "x = torch.tensor([1.0, 2.0, 3.0]); one = torch.tensor(4.0); same = torch.zeros(1).expand(3)"
    for source in (
        "x.fill_(x[1])",
        "x[:2].fill_(x[1]); x",
        "x[:] = x[2]; x",
        "one[None] = one; one",
        "one[None, None] = one; one",
        "x[0:2] = x[1:3]; x",
        "same.fill_(one)",
        "same.fill_(4.0)",
    ):
        assert_agree(source, setup)


def test_what_is_filled_may_lie_where_the_value_is() -> None:
    setup = (
        "x = torch.tensor([True, False, True, True]); one = torch.tensor(True); single = torch.tensor([True])\n"
        "n = torch.zeros(2, 2); cell = torch.zeros(1, 1); none = torch.tensor([], dtype=torch.int64)\n"
        "mask = torch.tensor([[True, False], [False, False]])"
    )
    for source in (
        "one.masked_fill_(one, False)",
        "one.masked_fill_(one, one)",
        "x.masked_fill_(x, False)",
        "x[0:2].masked_fill_(x[1:3], False)",
        "x.masked_fill_(x[0], False)",
        "x.view(2, 2).masked_fill_(x[0:2], False)",
        "x.view(4, 1).masked_fill_(x.view(4, 1), False)",
        "x.view(2, 2).masked_fill_(x.view(2, 2).t(), False)",
        "single.view(1, 1).masked_fill_(single, False)",
        "x.masked_fill_(torch.tensor([True, False, True, True]), x[1])",
        "n.index_fill_(0, torch.tensor([1]), n[0, 0])",
        "none.index_fill_(0, none, 1)",
        "cell[single, :] = cell; cell",
        "cell[~single, :] = cell; cell",
        "n[torch.tensor([True, True]), :] = n; n",
        "n[torch.tensor([True, False])] = n[0:1]; n",
        "n[mask] = n[0, 0:1]; n",
        "n[~mask] = n[0, 0]; n",
        "n[torch.tensor([0])] = n[0:1]; n",
        "n[none] = n[0:1]; n",
        "n[:, none] = n[:, 0:1]; n",
        "n.index_put_((mask,), n[0, 0])",
        "n.index_put_((mask,), n[0, 0], accumulate=True)",
        "n.index_put_((none,), n[0:1], accumulate=True)",
    ):
        assert_agree(source, setup)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (2, 3, 4), (0, 3), (2, 0), (0, 3, 2), (3,), (2, 0, 3)])
def test_an_index_out_of_bounds_is_told_as_its_loop_tells_it(shape: tuple[int, ...]) -> None:
    for dim in range(-len(shape), len(shape)):
        for index in ([0], [7], [-1], []):
            assert_agree(f"torch.zeros({shape}).index_select({dim}, torch.tensor({index}, dtype=torch.int64))")


def test_empty_tensors_are_channels_last_by_their_strides() -> None:
    for shape in ((1, 1, 2, 0), (1, 1, 0, 2), (2, 0, 1, 1), (0, 2, 2, 2), (1, 1, 0, 0), (1, 0, 1, 1), (2, 1, 1, 1)):
        assert_agree(f"torch.zeros({shape}).is_contiguous(memory_format=torch.channels_last)")


@pytest.mark.parametrize("equal_nan", [False, True])
def test_closeness_of_half_complex_numbers_is_rounded_at_every_step(equal_nan: bool) -> None:
    setup = (
        "a = torch.tensor([1 - 0.499755859375j, 1 + 2j, 3e4 + 3e4j, complex('nan')], dtype=torch.complex32)\n"
        "b = torch.tensor([1 - 1j, 1 + 2.001j, 3e4 + 2e4j, complex('nan')], dtype=torch.complex32)"
    )
    for rtol in (0.0, 0.1, 1e-3):
        for atol in (0.5, 0.0, 1e-3, 1.0):
            assert_agree(f"torch.isclose(a, b, {rtol}, {atol}, equal_nan={equal_nan})", setup)


@pytest.mark.parametrize("alpha", ["1", "1.0", "1+0j", "True", "2.5", "2"])
def test_an_alpha_of_one_must_be_of_the_right_kind_too(alpha: str) -> None:
    for kind in ("bool", "uint8", "uint64", "int32", "float32", "complex64"):
        for other in ("True", "-1", "x", "2.5"):
            for name in ("add", "sub"):
                assert_agree(f"x.{name}({other}, alpha={alpha})", f"x = torch.zeros(2, dtype=torch.{kind})")


@pytest.mark.parametrize("dims", [(2, -2, 4), (4, 2, -2), (2, 4, -2), (5, 4)])
def test_which_wrong_dim_is_told(dims: tuple[int, ...]) -> None:
    setup = "x = torch.zeros(1, 1, 1, 1, dtype=torch.float64)"
    names = (
        "var std var_mean std_mean sum mean nansum amax amin norm logsumexp all any count_nonzero flip squeeze permute"
    )
    for name in (*names.split(), "linalg.vector_norm"):
        keyword = "dims" if name == "flip" else "dim"
        assert_agree(f"torch.{name}(x, {keyword}={dims})", setup)

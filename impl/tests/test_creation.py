"""New tensors against PyTorch: values, dtypes, strides, out=, refusals and their texts."""

from __future__ import annotations

import itertools

import pytest
import torch
from against import assert_agree

import flambeau

DTYPES = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex32",
    "complex64",
    "complex128",
)
NUMBERS = ("300", "70000", "70000.0", "1e39", "2**62", "-1", "-300", "1j", "1+0j", "1e39j", "inf", "nan", "1.5", "True")
SETUP = "inf, nan = float('inf'), float('nan'); o = torch.zeros(2); whole = torch.zeros(2, dtype=torch.long)"


@pytest.mark.parametrize(("dtype", "count"), list(itertools.product(DTYPES, (0, 1, 2))))
def test_fills_take_and_refuse_the_same_numbers(dtype: str, count: int) -> None:
    for number in NUMBERS:
        for source in (
            "torch.full(({n},), {v}, dtype=torch.{d})",
            "torch.zeros({n}, dtype=torch.{d}).fill_({v})",
            "torch.fill(torch.zeros({n}, dtype=torch.{d}), {v})",
            "torch.full_like(torch.zeros({n}, dtype=torch.{d}), {v})",
            "torch.zeros(3).new_full(({n},), {v}, dtype=torch.{d})",
            "torch.tensor([{v}] * {n}, dtype=torch.{d})",
        ):
            assert_agree(source.format(n=count, v=number, d=dtype), SETUP)


RANGES = (
    "eye(2, dtype=D)",
    "eye(0, dtype=D)",
    "eye(2, 3, dtype=D)",
    "range(0, 3, dtype=D)",
    "range(-1, 4, 2, dtype=D)",
    "arange(5, dtype=D)",
    "arange(0, dtype=D)",
    "arange(1.5, 9.25, 2.5, dtype=D)",
    "arange(4, -2, -2, dtype=D)",
    "linspace(0, 2, 2, dtype=D)",
    "linspace(2, 2, 1, dtype=D)",
    "linspace(-3, 9, 5, dtype=D)",
    "linspace(70000, 1, 1, dtype=D)",
    "linspace(1, 70000, 2, dtype=D)",
    "logspace(2, 2, 1, dtype=D)",
    "logspace(0, 1, 0, dtype=D)",
    "logspace(300, 3, 1, dtype=D)",
    "zeros(2, dtype=D)",
    "ones(2, 0, dtype=D)",
    "tril_indices(2, 3, dtype=D)",
    "triu_indices(2, 3, dtype=D)",
)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ranges_by_dtype(dtype: str) -> None:
    for source in RANGES:
        assert_agree("torch." + source.replace("D", f"torch.{dtype}"), SETUP)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128", "int64"])
def test_logspace_is_near(dtype: str) -> None:
    rtol = {"float16": 2e-3, "bfloat16": 2e-2, "float64": 1e-14, "complex128": 1e-14, "int64": 0.0}.get(dtype, 1e-6)
    for arguments in ("0, 1, 7", "-2, 2, 5", "1, 3, 4, base=2.5", "0.25, 2.75, 6, base=3"):
        assert_agree(f"torch.logspace({arguments}, dtype=torch.{dtype})", SETUP, rtol=rtol, atol=rtol)


ERRORS = (
    "zeros(-1)",
    "ones(-1)",
    "empty(-1)",
    "full((-1,), 2)",
    "eye(-1)",
    "eye(3, -2)",
    "eye(2.5)",
    "rand(-1)",
    "zeros(2, -1, out=o)",
    "zeros(2, 'a')",
    "zeros(2, 3.5)",
    "ones(2, 'a', out=whole, dtype=torch.uint16)",
    "ones(2, 'a', out=whole)",
    "empty((2, None), out=o, dtype=torch.long)",
    "full((2, 'a'), 1, out=o, dtype=torch.long)",
    "rand(2, 'a', out=o, dtype=torch.long)",
    "randint(3, (2, 'a'), out=o, dtype=torch.long)",
    "zeros(2, out=o, dtype=torch.long)",
    "full((2,), 'a')",
    "full((2,), None)",
    "full((2,), torch.tensor([3]))",
    "full((2,), 2, dtype=torch.int32, requires_grad=True)",
    "zeros(2, dtype=torch.long, requires_grad=True)",
    "linspace(1j, 3, 3, dtype=torch.float32)",
    "linspace(1j, 3, 3, out=o)",
    "linspace(1, 3, -1)",
    "linspace(torch.tensor([1]), 3, 3)",
    "linspace(torch.tensor(1), torch.tensor([3]), 3)",
    "logspace(1j, 3, 3, dtype=torch.float32)",
    "logspace(torch.tensor([1]), 3, 3)",
    "arange(5j)",
    "arange(-1)",
    "arange(1, 3, 0)",
    "arange(1, inf)",
    "arange(nan, 3)",
    "arange(0, 1e20)",
    "arange(torch.tensor([3]))",
    "range(3, 1)",
    "empty((2**40, 2**40))",
    "empty((2**40, 2**40, 0))",
    "empty(2**62)",
    "zeros(2, device='nowhere')",
    "empty((1, 2, 3), memory_format=torch.channels_last)",
    "empty((1, 2), memory_format=torch.preserve_format)",
    "empty((1, 2, 3, 4), memory_format=torch.channels_last, out=o)",
    "empty_strided((2, 3), (1,))",
    "empty_strided((2, 3), (1, -1))",
    "empty_strided((2, -3), (1, 1))",
    "empty_permuted((2, 3, 4), (2, 0))",
    "empty_permuted((2, 3, 4), (2, 0, 0))",
    "empty_permuted((2, 3), (2, -1))",
    "zeros()",
    "zeros(2, out=torch.empty(2, requires_grad=True))",
    "fill(o, torch.tensor([1]))",
    "fill(whole, 1e30)",
    "fill(whole, torch.tensor(1.0, requires_grad=True))",
    "full_like(whole, 2**63)",
)


@pytest.mark.parametrize("source", ERRORS)
def test_refusals(source: str) -> None:
    assert_agree("torch." + source, SETUP)


LAYOUTS = (
    "zeros(())",
    "zeros([])",
    "zeros(size=(2,))",
    "empty((1, 2, 3, 4), memory_format=torch.channels_last)",
    "empty_like(torch.zeros(2, 3).t())",
    "empty_like(torch.zeros(2, 3).t(), memory_format=torch.contiguous_format)",
    "empty_strided((2, 3), (1, 2))",
    "empty_strided((2, 3), (0, 7))",
    "empty_permuted((2, 3, 4), (2, 0, 1))",
    "zeros(3).new_empty_strided((2, 3), (1, 2))",
    "zeros(3).new_empty((2, 3))",
    "zeros(2, 0, 3)",
    "empty_like(torch.zeros(4, 1).expand(4, 3))",
    "empty_like(torch.zeros(2, 3, 4).permute(2, 0, 1)[::2])",
)


@pytest.mark.parametrize("source", LAYOUTS)
def test_layouts(source: str) -> None:
    assert_agree(f"t = torch.{source}; (tuple(t.shape), t.stride(), str(t.dtype))")


@pytest.mark.parametrize("default", ["float16", "bfloat16", "float32", "float64"])
def test_dtypes_follow_the_default(default: str) -> None:
    names = (
        "full((1,), 1.0)",
        "full((1,), 2j)",
        "full((1,), 3)",
        "tensor(1.0)",
        "tensor(1)",
        "zeros(1)",
        "arange(3.0)",
        "linspace(0, 1, 2)",
        "scalar_tensor(1)",
        "eye(1)",
        "get_default_dtype()",
    )
    try:
        for source in names:
            assert_agree(
                f"torch.set_default_dtype(torch.{default}); str(getattr(torch.{source}, 'dtype', torch.{source}))"
            )
    finally:
        torch.set_default_dtype(torch.float32)
        flambeau.set_default_dtype(flambeau.float32)


@pytest.mark.parametrize("numbers", ["1j", "[2, 1j]", "[[], [1j]]", "[1.5]", "[1j], dtype=torch.complex64", "[]"])
@pytest.mark.parametrize("default", ["float16", "bfloat16", "float64"])
def test_complex_numbers_take_the_default_dtypes_counterpart(numbers: str, default: str) -> None:
    try:
        for name in ("tensor", "as_tensor", "asarray"):
            assert_agree(f"torch.set_default_dtype(torch.{default}); str(torch.{name}({numbers}).dtype)")
    finally:
        torch.set_default_dtype(torch.float32)
        flambeau.set_default_dtype(flambeau.float32)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float16", "float32"])
def test_linspace_rounds_once(dtype: str) -> None:
    """Whether 4 - 13 · (6 / 26) is one or just less decides the integer."""
    for n in range(2, 40, 5):
        for ends in ("-2.5, 4.5", "4.5, -2.5", "0.3, 5.7", "-2, 4"):
            assert_agree(f"torch.linspace({ends}, {n}, dtype=torch.{dtype})")


@pytest.mark.parametrize(
    "source",
    [
        "zeros(3, out=o)",
        "ones(2, 2, out=o)",
        "full((4,), 7.5, out=o)",
        "eye(2, out=o)",
        "arange(6, out=o)",
        "linspace(0, 1, 5, out=o)",
    ],
)
def test_out_is_resized_and_returned(source: str) -> None:
    assert_agree(f"r = torch.{source}; (r is o, r, o)", SETUP)


@pytest.mark.parametrize(
    "source",
    [
        "zeros(2, pin_memory=True)",
        "zeros(0, pin_memory=True)",
        "ones_like(o, pin_memory=True)",
        "ones_like(o.to('meta'), pin_memory=True)",
        "empty(2, pin_memory=True, device='meta')",
        "arange(3, pin_memory=True)",
        "tensor([1.0], pin_memory=True)",
        "tril_indices(2, 2, pin_memory=True)",
        "rand(2, pin_memory=True)",
        "randperm(2, pin_memory=True)",
        "zeros(2, pin_memory=None)",
        "zeros(2).pin_memory()",
        "zeros(2).is_pinned()",
        "zeros(2).to(1)",
        "zeros(2).to(device=0)",
        "zeros(2, device=1)",
        "zeros(2).to(-1)",
        "device(0)",
        "device('cuda', 1).index",
    ],
)
def test_what_only_an_accelerator_has(source: str) -> None:
    assert_agree(f"torch.{source}", SETUP)

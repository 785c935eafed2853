"""flambeau's CPU random streams against PyTorch's: values and generator state, byte for byte."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_draws import (
    BERNOULLIS,
    DTYPES,
    FLOATING,
    FLOATS,
    INTEGERS,
    NORMALS,
    OTHERS,
    SEEDS,
    SIZES,
    UNIFORMS,
    Draw,
    answer,
    array_bytes,
    check,
    layouts,
    torch_bytes,
    torch_state,
)

from flambeau.random import distributions
from flambeau.random.mt19937 import Engine

if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
    pytest.skip("PyTorch's float32 normals differ without AVX2, and flambeau follows AVX2", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")


INTEL = platform.machine() in ("x86_64", "AMD64") and "GenuineIntel" in (
    Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else platform.processor()
)
not_on_intel = pytest.mark.skipif(INTEL, reason="on Intel CPUs PyTorch takes bernoulli_(number) from MKL's own stream")


@pytest.fixture(scope="module", autouse=True)
def warn_always() -> Iterator[None]:
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def check_all(draw: Draw, dtype: torch.dtype) -> None:
    for i, size in enumerate(SIZES):
        for layout, t, a in layouts(size, dtype):
            if layout != "contiguous" and size > 100:
                continue
            seed = SEEDS[(i + len(layout)) % len(SEEDS)]
            g, e = torch.Generator().manual_seed(seed), Engine(seed)
            check(draw, t, a, g, e)
            check(draw, t, a, g, e)  # again, from wherever the first left the stream and the cached normal


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("draw", UNIFORMS + NORMALS + OTHERS + INTEGERS, ids=str)
def test_draw(draw: Draw, dtype: torch.dtype) -> None:
    check_all(draw, dtype)


@not_on_intel
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("draw", BERNOULLIS, ids=str)
def test_bernoulli_number(draw: Draw, dtype: torch.dtype) -> None:
    check_all(draw, dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64], ids=str)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_seed_and_size(seed: int, dtype: torch.dtype) -> None:
    g, e = torch.Generator().manual_seed(seed), Engine(seed)
    for size in SIZES:
        for draw in (UNIFORMS[0], NORMALS[0], NORMALS[1]):
            check(draw, torch.zeros(size, dtype=dtype), np.zeros(size, DTYPES[dtype]), g, e)


def test_a_million_float32_normals() -> None:
    g, e = torch.Generator().manual_seed(3), Engine(3)
    for draw in (NORMALS[0], NORMALS[2]):
        check(draw, torch.empty(10**6 + 3), np.empty(10**6 + 3, np.float32), g, e)


@pytest.mark.parametrize("p_dtype", DTYPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_bernoulli_array(dtype: torch.dtype, p_dtype: torch.dtype) -> None:
    values = np.random.RandomState(1).rand(1000)
    g, e = torch.Generator().manual_seed(9), Engine(9)
    for size in SIZES[:-1]:
        for _, t, a in layouts(size, dtype):
            p = torch.from_numpy(values[:size].copy()).to(p_dtype) if t.dim() == 1 else torch.tensor(0.4).to(p_dtype)
            q = np.frombuffer(torch_bytes(p), DTYPES[p_dtype]).reshape(tuple(p.shape))
            draw = Draw(
                "", lambda t, g, p=p: t.bernoulli_(p, generator=g), lambda a, e, q=q: distributions.bernoulli(a, q, e)
            )
            check(draw, t, a, g, e)


@pytest.mark.parametrize("bad", [-0.5, 1.5, float("nan")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bernoulli_array_stops_at_a_bad_probability(bad: float, dtype: type) -> None:
    p = np.full(10, 0.5, dtype)
    p[6] = bad
    draw = Draw(
        "",
        lambda t, g: t.bernoulli_(torch.from_numpy(p), generator=g),
        lambda a, e: distributions.bernoulli(a, p, e),
    )
    for _, t, a in layouts(10, torch.float32):
        if t.dim() == 1:
            check(draw, t, a, torch.Generator().manual_seed(1), Engine(1))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_randperm(dtype: torch.dtype) -> None:
    g, e = torch.Generator().manual_seed(11), Engine(11)
    for n in (*SIZES, -1, 4, 127, 128, 129, 255, 256, 257, 258, 300, 2048, 2049, 2050, 32768, 60000):
        t, expected, _ = answer(lambda n=n: torch.randperm(n, dtype=dtype, generator=g))
        a, error, _ = answer(lambda n=n: distributions.randperm(n, DTYPES[dtype], e))
        assert error == expected
        if expected is None:
            assert a.dtype == DTYPES[dtype]
            assert array_bytes(a) == torch_bytes(t)
        assert e.get_state() == torch_state(g)


def test_randperm_of_a_million() -> None:
    g, e = torch.Generator().manual_seed(12), Engine(12)
    expected = torch.randperm(10**6, generator=g).numpy()
    np.testing.assert_array_equal(distributions.randperm(10**6, np.int64, e), expected)
    assert e.get_state() == torch_state(g)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(1,), (7,), (300,), (5, 30), (3, 1), (1, 1000)], ids=str)
def test_multinomial(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    p = torch.from_numpy(np.random.RandomState(4).rand(*shape)).to(dtype)
    q = np.frombuffer(torch_bytes(p), DTYPES[dtype]).reshape(shape)
    g, e = torch.Generator().manual_seed(13), Engine(13)
    for k in (1, 2, 5, 100):
        for replacement in (False, True):
            if not replacement and k > 1 and dtype in (torch.float16, torch.bfloat16):
                continue  # ties among 16-bit scores: see test_multinomial_without_replacement_16_bit
            t, expected, _ = answer(lambda k=k, r=replacement: torch.multinomial(p, k, r, generator=g))
            a, error, _ = answer(lambda k=k, r=replacement: distributions.multinomial(q, k, r, e))
            assert error == expected
            if expected is None:
                np.testing.assert_array_equal(a, t.numpy())
            assert e.get_state() == torch_state(g)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [0, 0.001, 0.3, 1, 3, 60, 1e6, 1e12, -1])
def test_standard_gamma(scale: float, dtype: torch.dtype) -> None:
    shapes = torch.from_numpy(np.random.RandomState(6).rand(20, 40) * scale).to(dtype)
    for shape in (shapes, shapes.t(), shapes[:0]):
        array = np.frombuffer(torch_bytes(shape), DTYPES[dtype]).reshape(tuple(shape.shape))
        g, e = torch.Generator().manual_seed(18), Engine(18)
        t, expected, _ = answer(lambda shape=shape, g=g: torch._standard_gamma(shape, generator=g))
        a, error, _ = answer(lambda array=array, e=e: distributions.standard_gamma(array, e))
        assert error == expected
        if expected is None:
            np.testing.assert_array_equal(a, t.numpy(), strict=True)
        assert e.get_state() == torch_state(g)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_multinomial_without_replacement_16_bit(dtype: torch.dtype) -> None:
    """Scores of 16 bits tie often, and the order of equal scores is PyTorch's sort's own affair."""
    p = torch.from_numpy(np.random.RandomState(4).rand(5, 300)).to(dtype)
    q = np.frombuffer(torch_bytes(p), DTYPES[dtype]).reshape(5, 300)
    for k in (2, 5, 100, 300):
        g, e = torch.Generator().manual_seed(k), Engine(k)
        scores = p / torch.empty_like(p).exponential_(1, generator=torch.Generator().manual_seed(k))
        expected = torch.multinomial(p, k, generator=g)
        index = torch.from_numpy(distributions.multinomial(q, k, False, e))
        assert torch.equal(scores.gather(1, index), scores.gather(1, expected))
        assert all(len(set(row.tolist())) == k for row in index)
        assert e.get_state() == torch_state(g)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [0, 1, 9.99, 10, 60, 1000, 60000, 1e12, float("inf"), -1, float("nan")])
def test_poisson(scale: float, dtype: torch.dtype) -> None:
    rates = torch.from_numpy(np.random.RandomState(6).rand(20, 40) * scale).to(dtype)
    for rate in (rates, rates.t(), rates[:0]):
        array = np.frombuffer(torch_bytes(rate), DTYPES[dtype]).reshape(tuple(rate.shape))
        g, e = torch.Generator().manual_seed(17), Engine(17)
        t, expected, _ = answer(lambda rate=rate, g=g: torch.poisson(rate, generator=g))
        a, error, _ = answer(lambda array=array, e=e: distributions.poisson(array, e))
        assert error == expected
        if expected is None:
            assert array_bytes(a) == torch_bytes(t)
        assert e.get_state() == torch_state(g)


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("k", [-1, 0, 1, 2, 4])
@pytest.mark.parametrize(
    "p",
    [
        [], [[]], 0.5, [[[0.5]]], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-1.0, 1.0, 1.0], [1.0, float("nan"), 1.0],
        [1.0, float("inf"), 1.0], [1.0, float("-inf"), 1.0], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]], [1, 2, 3],
        [[1.0, 1.0, 1.0], [1.0, -1.0, 1.0]], [1e-45, 1e-45, 1e-45], [3e38, 3e38, 3e38], [True, True, False],
    ],
    ids=str,
)  # fmt: skip
def test_multinomial_of_odd_probabilities(p: Any, k: int, replacement: bool) -> None:
    tensor = torch.tensor(p)
    array = np.asarray(p, np.float32 if tensor.dtype == torch.float32 else None)
    g, e = torch.Generator().manual_seed(14), Engine(14)
    t, expected, _ = answer(lambda: torch.multinomial(tensor, k, replacement, generator=g))
    a, error, _ = answer(lambda: distributions.multinomial(array, k, replacement, e))
    assert error == expected
    if expected is None:
        np.testing.assert_array_equal(a, t.numpy())
    assert e.get_state() == torch_state(g)


@pytest.mark.parametrize("std_dtype", DTYPES, ids=str)
@pytest.mark.parametrize("mean_dtype", DTYPES, ids=str)
def test_normal_tensor(mean_dtype: torch.dtype, std_dtype: torch.dtype) -> None:
    random = np.random.RandomState(8)
    g, e = torch.Generator().manual_seed(15), Engine(15)
    for mean_shape, std_shape in (((40,), (40,)), ((3, 1), (1, 7)), ((), (20,)), ((20,), ()), ((), ()), ((0,), (0,))):
        if mean_shape == (0,) and not {mean_dtype, std_dtype} <= FLOATING:
            continue  # nothing is drawn, and the promotion of what is not floating is the operation's affair
        mean = torch.from_numpy(np.asarray(3 * random.randn(*mean_shape))).to(mean_dtype)
        std = torch.from_numpy(np.asarray(3 * random.rand(*std_shape))).to(std_dtype)
        m = np.frombuffer(torch_bytes(mean), DTYPES[mean_dtype]).reshape(mean_shape)
        s = np.frombuffer(torch_bytes(std), DTYPES[std_dtype]).reshape(std_shape)
        for tensors, arrays in (((mean, std), (m, s)), ((mean, 0.7), (m, 0.7)), ((0.3, std), (0.3, s))):
            t, expected, _ = answer(lambda p=tensors: torch.normal(*p, generator=g))
            a, error, _ = answer(lambda p=arrays: distributions.normal_tensor(*p, e))
            assert error == expected
            if expected is None:
                assert a.dtype == DTYPES[t.dtype]
                assert a.shape == t.shape
                assert array_bytes(a) == torch_bytes(t)
            assert e.get_state() == torch_state(g)


INTERLEAVED = [*UNIFORMS[:6], *NORMALS[:5], *OTHERS[:2], *INTEGERS, *OTHERS[-6:-3]]


@settings(derandomize=True, deadline=None, max_examples=150, database=None)
@given(
    seed=st.integers(-(2**63), 2**64 - 1),
    steps=st.lists(
        st.tuples(
            st.sampled_from(INTERLEAVED),
            st.sampled_from([*FLOATS, torch.complex64, torch.int64, torch.int16, torch.uint8, torch.bool]),
            st.integers(0, 40) | st.integers(0, 2000),
            st.integers(0, 3),
            st.sampled_from(["go on", "go on", "clone", "save and restore"]),
        ),
        min_size=1,
        max_size=12,
    ),
)
def test_interleaved_draws(seed: int, steps: list[Any]) -> None:
    g, e = torch.Generator().manual_seed(seed), Engine(seed)
    for draw, dtype, size, layout, then in steps:
        _, t, a = list(layouts(size, dtype))[layout]
        check(draw, t, a, g, e)
        if then == "clone":
            e = e.clone()
        elif then == "save and restore":
            e = Engine(1)
            e.set_state(torch_state(g))

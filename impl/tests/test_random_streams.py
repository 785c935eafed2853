"""flambeau's CPU random streams against PyTorch's: values and generator state, byte for byte."""

from __future__ import annotations

import platform
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flambeau.random import boxmuller, distributions, exactmath
from flambeau.random.mt19937 import DEFAULT_SEED, STATE_BYTES, Engine

if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
    pytest.skip("PyTorch's float32 normals differ without AVX2, and flambeau follows AVX2", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")

SIZES = (0, 1, 2, 3, 15, 16, 17, 31, 100, 1000, 10007)
SEEDS = (0, 1, -1, 2**32 + 5, 2**63, 2**64 - 1)
DTYPES = {
    torch.bool: np.dtype(np.bool_),
    torch.uint8: np.dtype(np.uint8),
    torch.int8: np.dtype(np.int8),
    torch.int16: np.dtype(np.int16),
    torch.int32: np.dtype(np.int32),
    torch.int64: np.dtype(np.int64),
    torch.uint16: np.dtype(np.uint16),
    torch.uint32: np.dtype(np.uint32),
    torch.uint64: np.dtype(np.uint64),
    torch.float16: np.dtype(np.float16),
    torch.bfloat16: np.dtype(ml_dtypes.bfloat16),
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
    torch.complex32: distributions.COMPLEX32,
    torch.complex64: np.dtype(np.complex64),
    torch.complex128: np.dtype(np.complex128),
}
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
FLOATING = {*FLOATS, torch.complex32, torch.complex64, torch.complex128}
INTEL = platform.machine() in ("x86_64", "AMD64") and "GenuineIntel" in (
    Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else platform.processor()
)
not_on_intel = pytest.mark.skipif(INTEL, reason="on Intel CPUs PyTorch takes bernoulli_(number) from MKL's own stream")


@dataclass(frozen=True)
class Draw:
    """One in-place draw, in PyTorch and in flambeau."""

    name: str
    torch: Callable[[torch.Tensor, torch.Generator], Any]
    flambeau: Callable[[np.ndarray[Any, Any], Engine], Any]

    def __str__(self) -> str:
        return self.name


def in_place(method: str, function: Callable[..., Any], *arguments: float | None) -> Draw:
    return Draw(
        f"{method}{arguments}".replace(" ", ""),
        lambda t, g: getattr(t, method)(*arguments, generator=g),
        lambda a, e: function(a, *arguments, e),
    )


UNIFORMS = [
    in_place("uniform_", distributions.uniform, low, high)
    for low, high in (
        (0, 1), (-1, 2), (0.1, 0.3), (0, 3), (5, 5.001), (-0.3, 0.3), (2, 2), (0, 0), (-1e-30, 1e-30), (1, 2),
        (2, 1), (float("nan"), 1), (0, 1e6), (-1e308, 1e308), (-60000, 60000), (-1e38, 1e38), (-(2**100), 2**120),
    )
]  # fmt: skip
NORMALS = [
    in_place("normal_", distributions.normal, mean, std)
    for mean, std in ((0, 1), (2, 3), (0.1, 0.3), (0, 0.1), (5, 0), (-1, 1e-40), (0, 1e38), (0, -1), (0, float("nan")))
]
OTHERS = [
    *(in_place("exponential_", distributions.exponential, rate) for rate in (1, 1.5, 1e-300, 1e30, 1e45, 0, -1)),
    *(
        in_place("cauchy_", distributions.cauchy, m, s)
        for m, s in ((0, 1), (0.3, 1.7), (1e5, 1e-3), (0, 1e300), (0, 0))
    ),
    *(in_place("log_normal_", distributions.log_normal, m, s) for m, s in ((1, 2), (0.3, 0.7), (700, 50), (0, 0))),
    *(in_place("geometric_", distributions.geometric, p) for p in (0.3, 0.5, 0.003, 0.9999, 0, 1)),
]
INTEGERS = [
    in_place("random_", distributions.random_default),
    *(
        in_place("random_", distributions.random_integers, low, high)
        for low, high in (
            (0, 1), (0, 2), (0, 10), (-5, 100), (3, None), (0, None), (-7, None), (-(2**63), None), (0, 2**28 - 1),
            (0, 2**28), (0, 2**32 - 1), (0, 2**32), (0, 2**32 + 3), (-(2**62), 2**62), (0, 2**63 - 1), (5, 5),
            (0, 2049), (-(2**63), 2**63 - 1), (0, 300), (-65000, 65504), (0, 65505), (100, 2**24 + 1),
            (2**40 + 1, 2**40 + 2), (2**24 + 1, None), (2**62, None),
        )
    ),
]  # fmt: skip
BERNOULLIS = [in_place("bernoulli_", distributions.bernoulli, p) for p in (0.3, 0.5, 0, 1, -0.1, 1.5)]


def torch_bytes(t: torch.Tensor) -> bytes:
    return torch.empty(t.numel(), dtype=t.dtype).copy_(t.reshape(-1)).view(torch.uint8).numpy().tobytes()


def array_bytes(a: np.ndarray[Any, Any]) -> bytes:
    return np.ascontiguousarray(a).tobytes()


def torch_state(g: torch.Generator) -> bytes:
    return g.get_state().numpy().tobytes()


def answer(call: Callable[[], Any]) -> tuple[Any, Any, list[str]]:
    """The value, the error as (type, text) and the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value, error = call(), None
        except (RuntimeError, NotImplementedError, ValueError, TypeError) as e:
            value, error = None, (type(e), str(e))
    texts = [str(w.message).split(" (Triggered")[0] for w in caught]
    return value, error, [text for text in texts if not text.startswith("ComplexHalf")]


def layouts(size: int, dtype: torch.dtype) -> Iterator[tuple[str, torch.Tensor, np.ndarray[Any, Any]]]:
    """Equal zeroed outputs: contiguous, every other element, transposed and strided."""
    numpy_dtype = DTYPES[dtype]
    yield "contiguous", torch.zeros(size, dtype=dtype), np.zeros(size, numpy_dtype)
    yield "step", torch.zeros(2 * size, dtype=dtype)[::2], np.zeros(2 * size, numpy_dtype)[::2]
    rows = size // 3
    yield "transposed", torch.zeros(rows, 3, dtype=dtype).t(), np.zeros((rows, 3), numpy_dtype).T
    yield (
        "permuted",
        torch.zeros(2, rows, 4, dtype=dtype).permute(1, 2, 0)[:, 1:3],
        np.zeros((2, rows, 4), numpy_dtype).transpose(1, 2, 0)[:, 1:3],
    )


@pytest.fixture(scope="module", autouse=True)
def warn_always() -> Iterator[None]:
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    yield
    torch.set_warn_always(before)


def check(draw: Draw, t: torch.Tensor, a: np.ndarray[Any, Any], g: torch.Generator, e: Engine) -> None:
    _, expected, expected_warnings = answer(lambda: draw.torch(t, g))
    _, error, given_warnings = answer(lambda: draw.flambeau(a, e))
    assert error == expected
    assert given_warnings == expected_warnings
    assert array_bytes(a) == torch_bytes(t)
    assert e.get_state() == torch_state(g)


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


def test_default_seed() -> None:
    assert torch.Generator().initial_seed() == Engine().initial_seed() == DEFAULT_SEED
    assert Engine().get_state() == torch_state(torch.Generator())


@pytest.mark.parametrize("seed", [*SEEDS, -(2**63), 12345, 2**64, -(2**63) - 1])
def test_manual_seed(seed: int) -> None:
    g, e = torch.Generator(), Engine()
    expected = answer(lambda: g.manual_seed(seed))[1]
    assert answer(lambda: e.manual_seed(seed))[1] == expected
    assert e.initial_seed() == g.initial_seed()
    assert e.get_state() == torch_state(g)


def test_manual_seed_forgets_the_cached_normal() -> None:
    e = Engine(5)
    distributions.normal(np.empty(3), 0, 1, e)
    assert e.next_double_normal is not None
    assert e.manual_seed(5).get_state() == torch_state(torch.Generator().manual_seed(5))


def test_seed_is_returned_and_used() -> None:
    e = Engine()
    seed = e.seed()
    assert seed == e.initial_seed()
    assert e.get_state() == torch_state(torch.Generator().manual_seed(seed))
    assert e.seed() != seed


@pytest.mark.parametrize("drawn", [0, 1, 5, 623, 624, 625, 1247, 1248, 1249, 3000])
def test_state_goes_both_ways(drawn: int) -> None:
    g, e = torch.Generator().manual_seed(21), Engine(21)
    torch.rand(drawn, generator=g)
    distributions.uniform(np.empty(drawn, np.float32), 0, 1, e)
    torch.randn(1, generator=g)
    distributions.normal(np.empty(1), 0, 1, e)
    restored, back = Engine(0), torch.Generator()
    restored.set_state(torch_state(g))
    assert restored.get_state() == torch_state(g)
    back.set_state(torch.frombuffer(bytearray(e.get_state()), dtype=torch.uint8))
    for draw in (NORMALS[0], UNIFORMS[0], NORMALS[1], UNIFORMS[0]):
        check(draw, torch.empty(701), np.empty(701, np.float32), back, restored)


@pytest.mark.parametrize("size", [0, 1, 5047, 5048, 5049, 5055, 5057, 10112])
def test_states_of_a_wrong_size(size: int) -> None:
    expected = answer(lambda: torch.Generator().set_state(torch.zeros(size, dtype=torch.uint8)))[1]
    assert expected is not None
    assert answer(lambda: Engine().set_state(bytes(size)))[1] == expected


@pytest.mark.parametrize(
    ("offset", "value"), [(8, 0), (8, -1), (8, 1), (8, 300), (8, 624), (8, 625), (12, 0), (12, 2), (16, 625), (16, 624)]
)
@pytest.mark.parametrize("drawn", [0, 5])
def test_edited_states(drawn: int, offset: int, value: int) -> None:
    edited = bytearray(Engine().get_state())
    if drawn:
        e = Engine()
        e.words(drawn)
        edited = bytearray(e.get_state())
    edited[offset : offset + 4] = value.to_bytes(4, "little", signed=True)
    left, following = (int.from_bytes(edited[i : i + 4], "little", signed=True) for i in (8, 16))
    if 0 < left <= 624 and following <= 624 and following + left - 1 > 624:
        with pytest.raises(RuntimeError, match="Invalid mt19937 state"):  # PyTorch would read past its array
            Engine().set_state(bytes(edited))
        return
    g, e = torch.Generator(), Engine()
    expected = answer(lambda: g.set_state(torch.frombuffer(edited, dtype=torch.uint8)))[1]
    assert answer(lambda: e.set_state(bytes(edited)))[1] == expected
    for size in (0, 3, 700):
        check(UNIFORMS[0], torch.empty(size), np.empty(size, np.float32), g, e)


def test_float_normal_in_the_state_is_kept() -> None:
    state = bytearray(Engine().get_state())
    state[5048:5052] = np.float32(0.25).tobytes()
    state[5052] = 1
    g, e = torch.Generator(), Engine()
    g.set_state(torch.frombuffer(state, dtype=torch.uint8))
    e.set_state(bytes(state))
    assert e.next_float_normal == 0.25
    assert len(state) == STATE_BYTES
    check(NORMALS[0], torch.empty(3), np.empty(3, np.float32), g, e)


def test_clone_goes_its_own_way() -> None:
    e = Engine(31)
    distributions.normal(np.empty(5), 0, 1, e)
    before = e.get_state()
    other = e.clone()
    assert other.lock is not e.lock
    distributions.normal(np.empty(2000), 0, 1, other)
    assert e.get_state() == before
    distributions.normal(np.empty(2000), 0, 1, e)
    assert e.get_state() == other.get_state()


def test_threads_share_an_engine_without_losing_words() -> None:
    e = Engine(41)
    parts: list[np.ndarray[Any, Any]] = []

    def work() -> None:
        for _ in range(200):
            a = np.empty(7)
            distributions.uniform(a, 0, 1, e)
            parts.append(a)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    g = torch.Generator().manual_seed(41)
    whole = torch.rand(7 * 800, dtype=torch.float64, generator=g).numpy()
    assert sorted(map(bytes, parts)) == sorted(map(bytes, whole.reshape(-1, 7)))
    assert e.get_state() == torch_state(g)


def test_numpy_sin_and_cos_are_the_c_library_s() -> None:
    import math

    theta = 2 * np.pi * np.random.RandomState(2).rand(100_000)
    np.testing.assert_array_equal(np.cos(theta), [math.cos(v) for v in theta])
    np.testing.assert_array_equal(np.sin(theta), [math.sin(v) for v in theta])


def test_log_is_the_c_library_s_for_few_and_many() -> None:
    import math

    u = np.random.RandomState(2).rand(100_000)
    np.testing.assert_array_equal(exactmath.log(u), [math.log(v) for v in u])
    np.testing.assert_array_equal(exactmath.log(u[:100]), [math.log(v) for v in u[:100]])
    assert exactmath.log(np.zeros(1))[0] == exactmath.log(np.zeros(1000))[999] == -math.inf


def exact_fused(a: float, b: float, c: float) -> Any:
    from fractions import Fraction

    return Fraction(a) * Fraction(b) + Fraction(c)


@settings(derandomize=True, deadline=None, max_examples=300, database=None)
@given(st.lists(st.tuples(*[st.floats(-(2.0**40), 2.0**40, width=32)] * 3), min_size=1, max_size=8))
def test_fma32_rounds_once(rows: list[tuple[float, float, float]]) -> None:
    from fractions import Fraction

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

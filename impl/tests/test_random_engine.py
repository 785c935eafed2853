"""flambeau's CPU generator against PyTorch's: seeds, states that go both ways, clones, threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from random_draws import (
    NORMALS,
    SEEDS,
    UNIFORMS,
    answer,
    check,
    torch_state,
)

from flambeau.random import distributions
from flambeau.random.mt19937 import DEFAULT_SEED, STATE_BYTES, Engine

if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
    pytest.skip("PyTorch's float32 normals differ without AVX2, and flambeau follows AVX2", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")


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

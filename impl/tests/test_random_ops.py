"""Random functions and methods against PyTorch: the same seed gives the same values, and leaves the same state."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import pytest
import torch
from against import LIBRARIES, plain, run

if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
    pytest.skip("PyTorch's float32 normals differ without AVX2, and flambeau follows AVX2", allow_module_level=True)

FLOATS = ("float16", "bfloat16", "float32", "float64")
SHAPES = ("()", "(0,)", "(5,)", "(16,)", "(17,)", "(3, 7)", "(1000,)")
CALLS = (
    "torch.rand(S, dtype=D)",
    "torch.randn(S, dtype=D)",
    "torch.rand_like(torch.zeros(S, dtype=D))",
    "torch.randn_like(torch.zeros(S, dtype=D))",
    "torch.randint(7, S, dtype=D)",
    "torch.randint(-3, 40, S, dtype=D)",
    "torch.randint_like(torch.zeros(S, dtype=D), 9)",
    "torch.zeros(S, dtype=D).uniform_()",
    "torch.zeros(S, dtype=D).uniform_(-2, 3)",
    "torch.zeros(S, dtype=D).normal_()",
    "torch.zeros(S, dtype=D).normal_(3, 0.5)",
    "torch.zeros(S, dtype=D).random_()",
    "torch.zeros(S, dtype=D).random_(9)",
    "torch.zeros(S, dtype=D).random_(-4, 9)",
    "torch.zeros(S, dtype=D).bernoulli_(torch.full(S, 0.3))",
    "torch.bernoulli(torch.full(S, 0.25, dtype=D))",
    "torch.normal(torch.zeros(S, dtype=D), 2.0)",
    "torch.normal(1.5, torch.ones(S, dtype=D))",
    "torch.normal(torch.zeros(S, dtype=D), torch.ones(S, dtype=D))",
    "torch.normal(0.5, 2.0, S, dtype=D)",
    "torch.zeros(S, dtype=D).log_normal_()",
    "torch.zeros(S, dtype=D).cauchy_()",
    "torch.zeros(S, dtype=D).geometric_(0.3)",
)


def drawn(library: ModuleType, source: str, seed: int) -> Any:
    """Value or error of a source after a seed, and a number drawn after it, which tells the state."""
    answer = run(library, f"torch.manual_seed({seed}); {source}", strides=False)
    answer["after"] = plain(library.rand(2, dtype=library.float64))
    return answer


@pytest.mark.parametrize(("call", "dtype"), list(itertools.product(CALLS, FLOATS)))
def test_floats(call: str, dtype: str) -> None:
    for shape in SHAPES:
        source = call.replace("S", shape).replace("D", f"torch.{dtype}")
        expected, found = (drawn(library, source, 7) for library in LIBRARIES)
        assert found == expected, source


INTEGERS = (
    "torch.randint(7, S, dtype=D)",
    "torch.zeros(S, dtype=D).random_()",
    "torch.zeros(S, dtype=D).random_(5)",
    "torch.zeros(S, dtype=D).random_(1, 5)",
    "torch.randint_like(torch.zeros(S, dtype=D), 2, 9)",
    "torch.zeros(S, dtype=D).uniform_()",
    "torch.zeros(S, dtype=D).normal_()",
    "torch.rand(S, dtype=D)",
    "torch.randn(S, dtype=D)",
    "torch.zeros(S, dtype=D).bernoulli_(torch.full(S, 0.3))",
)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("call", INTEGERS)
def test_integers(call: str, dtype: str) -> None:
    for shape in ("()", "(0,)", "(3, 7)", "(100,)"):
        source = call.replace("S", shape).replace("D", f"torch.{dtype}")
        expected, found = (drawn(library, source, -3) for library in LIBRARIES)
        assert found == expected, source


OTHERS = (
    "torch.randperm(0)",
    "torch.randperm(1)",
    "torch.randperm(10)",
    "torch.randperm(1000, dtype=torch.int32)",
    "torch.randperm(-1)",
    "torch.randperm(300, dtype=torch.uint8)",
    "torch.rand(3, generator=torch.Generator().manual_seed(5))",
    "g = torch.Generator().manual_seed(5); torch.rand(2, generator=g); torch.randn(3, generator=g)",
    "torch.multinomial(torch.tensor([0.1, 0.7, 0.2]), 2)",
    "torch.multinomial(torch.tensor([[0.1, 0.9], [1.0, 0]]), 4, True)",
    "torch.multinomial(torch.tensor([1.0, 0.0]), 2)",
    "torch.multinomial(torch.tensor([1.0, -1.0]), 1)",
    "torch.bernoulli(torch.tensor([1.5]))",
    "torch.bernoulli(torch.zeros(3), 0.0)",
    "torch.zeros(3).bernoulli_(2.0)",
    "torch.zeros(3).uniform_(2, 1)",
    "torch.zeros(3).normal_(0, -1)",
    "torch.zeros(3).random_(5, 5)",
    "torch.randint(0, (2,))",
    "torch.randint(5, 3, (2,))",
    "torch.zeros(3).exponential_(-1)",
    "torch.zeros(3).geometric_(0)",
    "torch.zeros(3).cauchy_(0, -1)",
    "torch.normal(torch.zeros(3), torch.tensor([-1.0]))",
    "torch.poisson(torch.tensor([0.5, 3.0, 20.0]))",
    "torch.zeros(4, 3).t().uniform_()",
    "torch.zeros(8, 4)[::2].normal_()",
    "torch.zeros(2).expand(3, 2).uniform_()",
    "torch.initial_seed()",
    "s = torch.get_rng_state(); a = torch.rand(3); torch.set_rng_state(s); (a, torch.rand(3))",
    "torch.get_rng_state()",
    "torch.manual_seed('a')",
    "torch.manual_seed(2**64)",
    "torch.manual_seed(1.5).initial_seed()",
    "x = torch.ones(3, requires_grad=True) * 1; x.normal_()",
    "torch.rand(3, requires_grad=True)",
)


@pytest.mark.parametrize("source", OTHERS)
def test_others(source: str) -> None:
    expected, found = (drawn(library, source, 11) for library in LIBRARIES)
    assert found == expected


WIDE = ("bool", "uint8", "int64", "uint16", "float16", "float32", "float64", "complex64")


@pytest.mark.parametrize(("first", "second"), list(itertools.product(WIDE, WIDE)))
def test_normal_refuses_what_its_product_and_sum_refuse(first: str, second: str) -> None:
    """Of no elements too, where nothing is drawn."""
    for n in (0, 3):
        for call in ("a, b", "a, b.new_zeros(())", "a, out=b", "0.0, a, out=b"):
            source = f"torch.normal({call})"
            setup = f"a, b = torch.zeros({n}, dtype=torch.{first}), torch.zeros({n}, dtype=torch.{second})"
            answers = []
            for library in LIBRARIES:
                found = run(library, f"torch.manual_seed(3); t = {source}; str((t.dtype, tuple(t.shape)))", setup)
                answers.append(found)
            assert answers[0] == answers[1], source


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize(
    "call", ["rand((1, -1)", "randn((1, -1)", "randn((2, 0)", "normal(0.0, 1.0, (1, -1)", "randperm(-1"]
)
def test_sizes_are_refused_before_dtypes(call: str, dtype: str) -> None:
    for source in (f"torch.{call}, dtype=torch.{dtype})", f"torch.{call}, out=torch.zeros(2, dtype=torch.{dtype}))"):
        expected, found = (run(library, source) for library in LIBRARIES)
        assert found == expected, source

"""Draws in PyTorch and in flambeau side by side: what there is to draw, and how two streams are compared."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
import torch

from flambeau.random import distributions
from flambeau.random.mt19937 import Engine

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


def check(draw: Draw, t: torch.Tensor, a: np.ndarray[Any, Any], g: torch.Generator, e: Engine) -> None:
    _, expected, expected_warnings = answer(lambda: draw.torch(t, g))
    _, error, given_warnings = answer(lambda: draw.flambeau(a, e))
    assert error == expected
    assert given_warnings == expected_warnings
    assert array_bytes(a) == torch_bytes(t)
    assert e.get_state() == torch_state(g)

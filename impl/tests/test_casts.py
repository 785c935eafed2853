"""Conversions between dtypes, bit by bit against real PyTorch."""

import numpy as np
import pytest
import torch

import flambeau

WORDS = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}
TARGETS = ("float16", "bfloat16", "float32", "float64", "complex32", "complex64", "int16", "bool")


def _sources() -> dict[str, np.ndarray]:
    state = np.random.RandomState(0)
    normal = state.randn(200_000)
    return {
        "bool": normal > 0,
        "uint8": state.randint(0, 256, 500).astype(np.uint8),
        "int32": state.randint(-70_000, 70_000, 50_000).astype(np.int32),
        "int64": state.randint(-(2**62), 2**62, 50_000),
        "float32": normal.astype(np.float32),
        # a double lies close enough to the middle of two halves to be rounded twice about once in 20,000
        "float64": normal,
        "complex128": normal[::2] + 1j * normal[1::2],
    }


SOURCES = _sources()


@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_bits(source: str, target: str) -> None:
    def converted(t) -> np.ndarray:
        made = t.from_numpy(SOURCES[source]).to(getattr(t, target))
        if target in ("complex64", "complex32"):
            made = t.view_as_real(made) if target == "complex64" else made.view(t.int32)
        return made.numpy() if target == "bool" else made.view(getattr(t, WORDS[made.element_size()])).numpy()

    np.testing.assert_array_equal(converted(flambeau), converted(torch))

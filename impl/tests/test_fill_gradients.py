"""The derivative of fill and masked_fill by the value, a tensor: refused where PyTorch forgets that it is real."""

from __future__ import annotations

import warnings

import pytest
import torch

import flambeau


def slope(module, shape, dtype, value_dtype, mask):
    """The derivative by the value as text, or how it was refused."""
    tensor = module.zeros(shape, dtype=getattr(module, dtype))
    value = module.tensor(1.5, dtype=getattr(module, value_dtype), requires_grad=True)
    filled = module.fill(tensor, value) if mask is None else tensor.clone().masked_fill_(module.tensor(mask), value)
    try:
        return repr(module.autograd.grad([filled], [value], [module.ones_like(filled)])[0])
    except (RuntimeError, NotImplementedError) as error:
        return type(error).__name__, str(error).partition("\n")[0]


@pytest.mark.parametrize("mask", [None, True, False])
@pytest.mark.parametrize(
    "dtypes", ["float32 float64", "complex64 float64", "complex32 bfloat16", "complex64 complex64"]
)
@pytest.mark.parametrize("shape", [(0,), (1,), (2, 3)])
def test_slope_by_the_value(shape, dtypes, mask):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ComplexHalf is experimental
        mine, theirs = (slope(module, shape, *dtypes.split(), mask) for module in (flambeau, torch))
    assert mine == theirs

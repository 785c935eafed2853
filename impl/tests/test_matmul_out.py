"""matmul with an out= of any dtype: which check comes first depends on the product that is taken."""

from __future__ import annotations

import warnings

import pytest
import torch

import flambeau

SHAPES = (
    ((3, 1, 5), (2, 1, 5, 3)),
    ((1, 7, 4), (4,)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 3, 4), (1, 4, 5)),
    ((3, 4), (4, 5)),
    ((4,), (4,)),
    ((3, 4), (4,)),
    ((4,), (4, 5)),
    ((4,), (2, 4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((0, 3, 4), (4,)),
    ((0, 3, 4), (4, 2)),
)
DTYPES = (
    "uint64 complex64 complex32",
    "complex32 int64 uint8",
    "uint16 uint16 int64",
    "complex32 complex32 complex64",
    "float32 float64 float64",
    "float32 float32 float64",
    "float32 float32 float32",
    "bool bool int8",
    "int64 float32 float32",
)


def outcome(module, shapes, dtypes, strided):
    first, second, out = (getattr(module, name) for name in dtypes.split())
    input, other = module.ones(shapes[0], dtype=first), module.ones(shapes[1], dtype=second)
    if strided and input.dim() > 1:
        input = module.ones((*shapes[0][:-2], *shapes[0][:-3:-1]), dtype=first).transpose(-1, -2)
    try:
        return tuple(module.matmul(input, other, out=module.zeros(0, dtype=out)).shape)
    except (RuntimeError, NotImplementedError) as error:
        return type(error).__name__, str(error).partition("\n")[0]


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_what_is_refused_first(shapes, strided):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ComplexHalf is experimental
        for dtypes in DTYPES:
            mine, theirs = (outcome(module, shapes, dtypes, strided) for module in (flambeau, torch))
            assert mine == theirs, dtypes

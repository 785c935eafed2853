"""Reductions on empty, 0-d and small tensors of every dtype: answers' dtypes and shapes, and refusals, as torch's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import flambeau

DTYPES = (
    "bool",
    "uint8",
    "int32",
    "int64",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "complex32",
    "complex64",
)
SHAPES = ((0,), (2, 0), (0, 2), (2,), (), (1,), (2, 2))
PLAIN = (
    "argmax",
    "argmin",
    "max",
    "min",
    "amax",
    "amin",
    "sum",
    "prod",
    "mean",
    "nansum",
    "any",
    "all",
    "var",
    "std",
    "median",
    "nanmedian",
    "mode",
    "count_nonzero",
    "sort",
    "argsort",
    "logsumexp",
    "norm",
    "unique",
    "msort",
    "aminmax",
)
DTYPE_ARGUMENTS = ("uint16", "float16", "complex32", "float32", "bool", "int32")


def told(call: Callable[[], Any]) -> str:
    """dtypes and shapes of what is returned, or the refusal's type and first line."""

    def brief(result: Any) -> Any:
        if isinstance(result, tuple | list):
            return [brief(r) for r in result]
        return f"{str(result.dtype).rsplit('.')[-1]}{list(result.shape)}" if hasattr(result, "dtype") else repr(result)

    try:
        return str(brief(call()))
    except Exception as error:  # the answer itself, compared with torch's
        return f"{type(error).__name__}: {str(error).splitlines()[0][:110]}"


def calls(module: Any, dtype: str, shape: tuple[int, ...]) -> Iterator[tuple[str, Callable[[], Any]]]:
    x = module.zeros(shape, dtype=getattr(module, dtype))
    for name in PLAIN:
        f = getattr(module, name)
        yield name, lambda f=f: f(x)
        if name not in ("unique", "msort") and (name, dtype) != ("logsumexp", "complex32"):
            for dim in (0, -1, 1):
                yield f"{name} dim={dim}", lambda f=f, dim=dim: f(x, dim=dim)
    for name in ("sum", "prod", "mean", "nansum"):
        f = getattr(module, name)
        for other in DTYPE_ARGUMENTS:
            d = getattr(module, other)
            yield f"{name} dtype={other}", lambda f=f, d=d: f(x, dtype=d)
            yield f"{name} out={other}", lambda f=f, d=d: f(x, dim=0, out=module.zeros((), dtype=d))
    for name in ("cumsum", "cumprod", "cummax", "logcumsumexp"):
        f = getattr(module, name, None)
        if f is not None:
            yield name, lambda f=f: f(x, -1)
    for name in ("topk", "kthvalue"):
        f = getattr(module, name)
        for k in (0, 1):
            yield f"{name} {k}", lambda f=f, k=k: f(x, k, -1)
    yield "unique dim", lambda: module.unique(x, dim=0)
    yield "unique_consecutive dim", lambda: module.unique_consecutive(x, True, False, dim=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_tensors_are_answered_and_refused_alike(dtype: str) -> None:
    different = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for shape in SHAPES:
            ours = dict(calls(flambeau, dtype, shape))
            for name, call in calls(torch, dtype, shape):
                if name in ours and (expected := told(call)) != (got := told(ours[name])):
                    different.append(f"{name} {shape}: {got}; expected {expected}")
    assert not different, "\n".join(different)


@pytest.mark.filterwarnings("ignore:Casting complex values to real")  # PyTorch says so once
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16", "complex64"])
def test_norms_of_a_single_subnormal_are_its_size(dtype: str) -> None:
    value = {"float64": 2e-322, "float32": 1.7e-39, "bfloat16": 1.7448744e-39, "float16": 6e-8, "complex64": 1e-39}
    for shape in ((), (1,), (1, 1), (3, 1)):
        for dim in (None, -1, 0):
            for p in (2, 3, 0.5, -1, 1, 0, "fro"):
                found = []
                for module in (torch, flambeau):
                    x = module.full(shape, value[dtype], dtype=getattr(module, dtype))
                    y = module.norm(x, p) if dim is None else module.norm(x, p, dim)
                    found.append((y.reshape(-1)[0] == x.abs().reshape(-1)[0]).item())
                assert found[0] == found[1], (shape, dim, p)


def test_unique_rows_with_nan_of_up_to_sixteen() -> None:
    rng = np.random.RandomState(0)
    for _ in range(150):
        rows = rng.choice([0.0, 1, 2, np.nan, -1], (rng.randint(1, 17), rng.randint(1, 3))).astype(np.float32)
        theirs = torch.unique(torch.from_numpy(rows), dim=0, return_inverse=True)
        ours = flambeau.unique(flambeau.from_numpy(rows.copy()), dim=0, return_inverse=True)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def _kinds(a: np.ndarray) -> np.ndarray:
    """Per element what overflow and underflow make of it: NaN, infinite with sign, zero, or a number."""
    if np.iscomplexobj(a):
        return np.isfinite(a)  # NumPy fuses multiplications: infinite or NaN is an accident
    return np.stack([np.isnan(a), np.isposinf(a), np.isneginf(a), a == 0])


def _products(dtype: str, values: np.ndarray) -> None:
    def of(module: Any, dim: int | None, transposed: bool) -> np.ndarray:
        x = module.from_numpy(values.copy()).to(getattr(module, dtype))
        x = x.mT if transposed else x
        made = x.prod() if dim is None else x.prod(dim)
        return np.asarray((made.float() if dtype == "float16" else made).numpy())

    for dim in (None, 0, -1):
        for transposed in (False, True) if values.ndim > 1 else (False,):
            theirs, ours = of(torch, dim, transposed), of(flambeau, dim, transposed)
            np.testing.assert_array_equal(_kinds(ours), _kinds(theirs), f"{dtype} {values.shape} {dim} {transposed}")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_products_are_taken_in_an_order_that_overflows_alike(dtype: str) -> None:
    rng = np.random.RandomState(1)
    for k in range(120):
        shapes: list[tuple[int, ...]] = [
            (rng.randint(1, 40),),
            (rng.randint(1, 9), rng.randint(1, 9)),
            (rng.randint(1, 200),),
            (3, rng.randint(1, 170)),
            (rng.randint(1, 170), 5),
            (2, 3, 70),
        ]
        shape = shapes[k % 6]
        if dtype == "float16":
            values = rng.choice([0.0, 1, 2, 5, 8, -7, 300, 0.01, 1e-3, 60000][: (6, 8, 10)[k % 3]], shape)
            _products(dtype, values.astype(np.float16))
            continue
        reach = 10 if dtype in ("float32", "complex64") else 90
        values = rng.randn(*shape) * 10.0 ** rng.randint(-reach, reach, shape)
        if dtype.startswith("complex"):
            values = values + 1j * rng.randn(*shape) * 10.0 ** rng.randint(-reach, reach, shape)
        values = np.where(rng.rand(*shape) < 0.05, 0, values) if k % 3 == 0 else values
        _products(dtype, values.astype(dtype))


SPECIAL = (0.0, 0.0, 1.0, -2.0, 3.0, math.inf, math.nan, -0.0)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
def test_gradients_of_products_of_zeros(dtype: str, create_graph: bool) -> None:
    rng = np.random.RandomState(2)
    for k in range(80):
        shape = ((3,), (2, 2), (), (1,), (4,), (2, 3), (2, 1, 2))[k % 7]
        values = rng.choice(SPECIAL[: (5, 8)[k % 2]], shape).tolist()
        for dim in (None, -1, 0):
            found = []
            for module in (torch, flambeau):
                x = module.tensor(values, dtype=getattr(module, dtype), requires_grad=True)
                made = x.prod() if dim is None else x.prod(dim)
                cotangent = module.full(tuple(made.shape), 1.5, dtype=made.dtype)
                (g,) = module.autograd.grad(made, x, cotangent, create_graph=create_graph)
                g = g.detach()
                g = g.to(module.complex128).numpy() if dtype.startswith("complex") else g.double().numpy()
                found.append(g)
            np.testing.assert_allclose(
                found[1], found[0], rtol=2e-2 if dtype[-2:] == "16" else 1e-5, err_msg=f"{values} {dim}"
            )

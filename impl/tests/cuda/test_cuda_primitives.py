"""CUDA bodies of primitive operations, run on the CPU against the operations' own NumPy kernels, on edge values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from needs import needs_cuda_packages

import flambeau
import flambeau.ops
from flambeau.cuda.host.arrays import Array, launch_on, numpy_dtype
from flambeau.cuda.host.consistency import host_module
from flambeau.cuda.templates import ElementwiseKernel, instance, kernels_of, results_of
from flambeau.operation import OPERATIONS

pytestmark = [pytest.mark.nvrtc, needs_cuda_packages]
KERNELS = {kernel.name: kernel for kernel in kernels_of(op for op in OPERATIONS.values() if op.form != "elementwise")}
# in several dtypes infinite or zero; subnormal, smallest normal, largest in half, bfloat16, float and double
FLOATS = (
    0.0, 1.0, 0.5, 2.5, 3.25, 6e-8, 6.1e-5, 65504.0, 1e-45, 1e-40, 1.1754944e-38, 3.3895314e38, 3.4028235e38,
    5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 16777217.0, 1.0009765626, np.inf, np.nan,
)  # fmt: skip


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Infinities and NaN are what is asked about."""
    with np.errstate(all="ignore"):
        yield


def edges(dtype: str) -> Array:
    """Zeros, infinities, NaN, subnormal and huge numbers of either sign; the ends of integers' ranges."""
    kind = numpy_dtype(dtype)
    if dtype == "bool":
        return np.array([False, True])
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return np.array([0, 1, 2, 100, info.max, info.max - 1, info.min, info.min + 1], kind)
    real = np.array([sign * x for x in FLOATS for sign in (1, -1)])
    with np.errstate(all="ignore"):
        if kind.kind != "c":
            return real.astype(kind)
        few = np.array([0.0, -0.0, 1.5, -1e-40, 3e38, np.inf, -np.inf, np.nan])
        pairs = np.array(list(product(few, few)))
        return np.ascontiguousarray(pairs).astype(kind.char.lower() if kind.itemsize == 16 else "f4").view(kind).ravel()


def run(
    kernel: ElementwiseKernel, dtype: str, arrays: list[Array], parameters: tuple[complex, ...] = (), to: Any = None
) -> Array:
    """The kernel on every one of the arrays' elements."""
    out = np.empty(arrays[0].shape, numpy_dtype(instance(kernel, dtype, to=to).result))
    out.view(np.uint8).fill(0xA5)
    launch = launch_on(kernel, dtype, out, arrays, parameters, to)
    assert launch is not None
    host_module([kernel]).launch(launch)
    return out


def every(*operands: Array) -> list[Array]:
    """Each value of each operand with each of the others."""
    return [np.ascontiguousarray(x).ravel() for x in np.meshgrid(*operands, indexing="ij")]


def exact(found: Array, expected: Array, where: str) -> None:
    """The same bits, except that NaN is NaN."""
    assert found.dtype == expected.dtype, where
    if found.dtype.kind == "c":
        exact(found.real, expected.real, where)
        exact(found.imag, expected.imag, where)
        return
    if found.dtype.kind in "biu":
        np.testing.assert_array_equal(found, expected, err_msg=where)
        return
    x, y = found.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_array_equal(x, y, err_msg=where)
    numbers = ~np.isnan(y)
    np.testing.assert_array_equal(np.signbit(x[numbers]), np.signbit(y[numbers]), err_msg=where)


def answer(name: str, tensors: list[Array], dtype: str, **parameters: Any) -> Array:
    """What flambeau's operation answers on the CPU, given tensors with these elements."""
    kinds = [getattr(flambeau, "bool" if x.dtype == bool else dtype) for x in tensors]
    given = [flambeau.from_numpy(x) if dtype != "bfloat16" or x.dtype == bool else _bfloat16(x) for x in tensors]
    assert [t.dtype for t in given] == kinds
    front: Callable[..., Any] = getattr(flambeau, name)
    result = front(*given, **parameters)
    return result._array  # type: ignore[no-any-return]


def _bfloat16(x: Array) -> flambeau.Tensor:
    return flambeau.from_numpy(x.view(np.int16)).view(flambeau.bfloat16)


def by_dtype(*names: str) -> Any:
    return pytest.mark.parametrize(
        ("name", "dtype"), [(name, dtype) for name in names for dtype in KERNELS[name].dtypes]
    )


TESTED = {
    "copied", "converted", "copied_over", "_filled", "_filled_number", "_zeroed", "isclose", "complex", "polar",
    "where", "masked_fill", "error_slope", "squared_error", "nextafter", "nan_to_num",
    "derivative_of_digamma", "restride", "wrapped_indices",
}  # fmt: skip


def test_every_primitive_body_is_run() -> None:
    assert set(KERNELS) == TESTED


@by_dtype("copied", "copied_over", "_filled", "restride")
def test_copies_keep_every_bit(name: str, dtype: str) -> None:
    x = edges(dtype)
    out = run(KERNELS[name], dtype, [x])
    assert out.tobytes() == x.tobytes()  # the payload of NaN too


@by_dtype("_zeroed", "_filled_number")
def test_fills(name: str, dtype: str) -> None:
    kernel = KERNELS[name]
    x = np.ones(5, numpy_dtype(dtype))
    for value in (0,) if name == "_zeroed" else (0, 1, 100, np.nan, np.inf, -0.0, 1e-7, 0.1, 3 - 2j):
        kind = numpy_dtype(dtype).kind
        if kind in "biu" and not (isinstance(value, int) and (kind != "b" or value < 2)):
            continue
        if kind != "c" and isinstance(value, complex):
            continue
        out = np.zeros(5, x.dtype)
        launch = launch_on(kernel, dtype, out, [], (value,) if kernel.params else ())
        assert launch is not None
        host_module([kernel]).launch(launch)
        exact(out, _stored(flambeau.full((5,), value, dtype=getattr(flambeau, dtype))), f"{dtype} {value}")


def _stored(t: flambeau.Tensor) -> Array:
    return t._array  # type: ignore[no-any-return]


@by_dtype("where", "masked_fill")
def test_choices_keep_every_bit(name: str, dtype: str) -> None:
    x = edges(dtype)
    mask, first, second = every(np.array([False, True]), x, x[::-1])
    if name == "where":
        operands, expected = [mask, first, second], answer(name, [mask, first, second], dtype)
    else:
        operands = [first, mask, np.broadcast_to(x[-1:], first.shape)]
        value = flambeau.from_numpy(x[-1:]) if dtype != "bfloat16" else _bfloat16(x[-1:])
        given = flambeau.from_numpy(first) if dtype != "bfloat16" else _bfloat16(first)
        expected = given.masked_fill(flambeau.from_numpy(mask), value.reshape(()))._array
    out = run(KERNELS[name], dtype, operands)
    assert out.tobytes() == expected.tobytes()


@by_dtype("wrapped_indices")
def test_indices_from_the_end(name: str, dtype: str) -> None:
    x = np.arange(-7, 7, dtype=dtype)
    expected = OPERATIONS[name].kernels["cpu"](x, n=7)
    exact(run(KERNELS[name], dtype, [x], (7,)), expected, dtype)


@by_dtype("nextafter")
def test_nextafter(name: str, dtype: str) -> None:
    x = edges(dtype)
    x, y = every(x, x)
    expected = OPERATIONS[name].kernels["cpu"](x, y, target=getattr(flambeau, dtype))
    expected = np.where(x == y, y, expected)  # as C says; NumPy's for half keeps the sign of its first zero
    exact(run(KERNELS[name], dtype, [x, y]), expected, dtype)


@by_dtype("nan_to_num")
@pytest.mark.parametrize("chosen", [(None, None, None), (0.5, -2.0, 7.0), (np.inf, np.nan, -0.0)])
def test_nan_to_num(name: str, dtype: str, chosen: tuple[float | None, ...]) -> None:
    x = edges(dtype)
    exponents = getattr(flambeau, dtype)
    largest = float(flambeau.finfo(exponents).max) if numpy_dtype(dtype).kind not in "biu" else 1.0
    defaults = (0.0, largest, -largest)
    given = tuple(d if c is None else c for c, d in zip(chosen, defaults, strict=True))
    parameters = given if numpy_dtype(dtype).kind not in "biu" else (0, 0, 0)  # integers have none of the three
    expected = answer(name, [x], dtype, **dict(zip(("nan", "posinf", "neginf"), chosen, strict=True)))
    exact(run(KERNELS[name], dtype, [x], parameters), expected, dtype)


@by_dtype("isclose")
@pytest.mark.parametrize("tolerances", [(1e-5, 1e-8), (0.0, 0.0), (0.0, 1.0), (0.25, 0.0), (np.inf, 0.0)])
@pytest.mark.parametrize("equal_nan", [False, True])
def test_isclose(name: str, dtype: str, tolerances: tuple[float, float], equal_nan: bool) -> None:
    x = edges(dtype)
    near = x * x.dtype.type(1) if x.dtype.kind in "biu" else (x.astype(x.dtype) * np.ones((), x.dtype))
    x, y = every(x, near)
    expected = answer(name, [x, y], dtype, rtol=tolerances[0], atol=tolerances[1], equal_nan=equal_nan)
    exact(run(KERNELS[name], dtype, [x, y], (*tolerances, equal_nan)), expected, dtype)


@by_dtype("complex", "polar")
def test_complex_numbers_of_parts(name: str, dtype: str) -> None:
    x, y = every(edges(dtype), edges(dtype))
    kernel = KERNELS[name]
    if name == "complex" and dtype == "float16":
        with pytest.warns(UserWarning, match="ComplexHalf"):
            expected = answer(name, [x, y], dtype)
        out = np.empty(x.shape, expected.dtype)
        launch = launch_on(kernel, dtype, out, [x, y])
        assert launch is not None
        host_module([kernel]).launch(launch)
        for part in ("re", "im"):
            exact(out[part], expected[part], part)
        return
    found, expected = run(kernel, dtype, [x, y]), answer(name, [x, y], dtype)
    if name == "complex":
        exact(found, expected, dtype)
        return
    tolerance = 4 * float(np.finfo(dtype).eps)  # libraries' sines differ by a unit in the last place
    for a, b in ((found.real, expected.real), (found.imag, expected.imag)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=2 * float(np.finfo(dtype).smallest_subnormal))
        numbers = ~np.isnan(b)
        np.testing.assert_array_equal(np.signbit(a[numbers]), np.signbit(b[numbers]))


@by_dtype("squared_error", "error_slope")
def test_errors_and_their_slopes(name: str, dtype: str) -> None:
    x = edges(dtype)
    wide = numpy_dtype(dtype) if dtype == "float64" else np.dtype(np.float32)
    if name == "squared_error":
        x, y = every(x, x)
        difference = x.astype(wide) - y.astype(wide)
        exact(run(KERNELS[name], dtype, [x, y]), (difference * difference).astype(x.dtype), dtype)
        return
    g, x, y = every(x[::5], x[::3], x[::3])
    for factor in (2.0, 0.1):
        expected = (
            OPERATIONS[name]
            .kernels["cpu"](g.astype(wide), x.astype(wide), y.astype(wide), factor=factor, reduction=1, count=20)
            .astype(x.dtype)
        )
        exact(run(KERNELS[name], dtype, [g, x, y], (factor,)), expected, f"{dtype} {factor}")


def convertible(x: Array, to: str) -> Array:
    """The values whose conversion C defines: an integer type must hold what is left of them."""
    kind = numpy_dtype(to)
    if kind.kind not in "iu" or x.dtype.kind in "biu":
        return x
    info = np.iinfo(kind)
    real = x.real.astype(np.float64)
    # one below 2**63 in doubles
    return x[np.isfinite(real) & (real > float(info.min) - 1) & (real < min(float(info.max) + 1, 2.0**63))]


@pytest.mark.parametrize(
    ("dtype", "to"), [(dtype, to) for dtype in KERNELS["converted"].dtypes for to in results_of(KERNELS["converted"])]
)
def test_conversions(dtype: str, to: str) -> None:
    x = convertible(edges(dtype), to)
    source, target = getattr(flambeau, dtype), getattr(flambeau, to)
    expected = OPERATIONS["converted"].kernels["cpu"](x, source=source, target=target, strides=(1,))
    exact(run(KERNELS["converted"], dtype, [x], to=to), expected, f"{dtype} to {to}")


SUBNORMAL = {"float16": 2.0**-24, "float64": 2.0**-1074}


@by_dtype("derivative_of_digamma")
@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
def test_polygamma(name: str, dtype: str, order: int) -> None:
    kind = numpy_dtype(dtype)
    generator = np.random.default_rng(order)
    special = [0.0, -0.0, -1.0, -2.0, np.inf, -np.inf, np.nan, 1.0, 0.5, 10.0]
    points = np.concatenate([special, generator.uniform(0.05, 40, 500), generator.uniform(1e2, 1e4, 40)]).astype(kind)
    negative = generator.uniform(-0.9, -0.1, 90) - generator.integers(0, 9, 90)
    points = np.concatenate([points, negative.astype(kind)])
    found = run(KERNELS[name], dtype, [points], (order,)).astype(np.float64)
    wide = points.astype(np.float64)
    expected = OPERATIONS[name].kernels["cpu"](wide, n=order)
    judged = np.isfinite(expected.astype(kind).astype(np.float64)) & ((wide > 0) | (wide % 1 != 0))
    assert judged.sum() > 500
    relative = max(float(np.ldexp(1.0, -_digits(dtype))), 2e-14)
    # derivatives of even order have zeros, where terms as large as the nearest pole's cancel
    pole = np.where(wide > 0, wide, np.abs(wide - np.round(wide)))
    cancelled = 1e-13 * math.factorial(order) * pole ** -(order + 1.0) * (wide < 0)
    allowed = relative * np.abs(expected) + cancelled + SUBNORMAL.get(dtype, 2.0**-149)
    assert (np.abs(found - expected) <= allowed)[judged].all()
    with np.errstate(all="raise"):  # far below zero SciPy would never come to an end
        assert np.isfinite(run(KERNELS[name], dtype, [np.array([-100.5], kind)], (order,))).all()
    poles = np.inf if order % 2 else -np.inf
    assert (found[:4] == poles).all()
    assert found[4] == 0
    assert np.isnan(found[5:7]).all()


def _digits(dtype: str) -> int:
    return {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}[dtype]

"""CUDA kernels without a GPU: elementwise bodies run on the CPU against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from cuda_samples import BY_NAME, CASES, DTYPES, ORDERS, Sample
from needs import needs_cuda_packages

from flambeau.cuda import launch as launching
from flambeau.cuda.cpp import FLOATING, INTEGRAL
from flambeau.cuda.host.arrays import launch_on, numpy_dtype
from flambeau.cuda.host.runner import HostModule
from flambeau.cuda.launch import Launch
from flambeau.cuda.templates import ElementwiseKernel, instance, module_source

# ---------------------------------------------------------------- operands and what they should give


def draw(dtype: str, count: int, seed: int) -> np.ndarray:
    """Normal values with specials for floats, small integers with the ends of their range, coins for bool."""
    generator = np.random.default_rng(seed)
    kind = numpy_dtype(dtype)
    if dtype == "bool":
        return generator.random(count) < 0.5
    if kind.kind == "i":
        values = generator.integers(-9, 10, count, dtype=kind)
        values[::53] = np.iinfo(kind).max
        values[7::53] = np.iinfo(kind).min
        return values
    if kind.kind == "c":
        return (3 * (generator.standard_normal(count) + 1j * generator.standard_normal(count))).astype(kind)
    values = 3 * generator.standard_normal(count)
    for position, special in enumerate((np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, 1.5, -2.5)):
        values[position :: 61 + 2 * (seed % 5)] = special
    return values.astype(kind)


def operands(one: Sample, dtype: str, count: int) -> list[np.ndarray]:
    stored = instance(one.kernel, dtype).operands
    drawn = [draw(operand, count, seed) for seed, operand in enumerate(stored)]
    return [x if x.dtype == bool else one.values(x).astype(x.dtype) for x in drawn]


def widened(one: Sample, dtype: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Operands as the next wider dtype sees them: long double for float64, float64 for all below."""
    wanted = instance(one.kernel, dtype)
    compute = numpy_dtype(wanted.compute)
    wider = {"float64": np.longdouble, "complex64": np.complex128}.get(wanted.compute)
    if wider is None:
        wider = np.float64 if wanted.compute in FLOATING else compute
    # Loading converts to the compute type: an int64 becomes a float32 before anything is computed.
    return [x if x.dtype == bool and one.kernel.masks else x.astype(compute).astype(wider) for x in arrays]


def truth(one: Sample, dtype: str, arrays: list[np.ndarray]) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(one.reference(*widened(one, dtype, arrays), *one.parameters))


def error_scale(one: Sample, dtype: str, arrays: list[np.ndarray]) -> np.ndarray | None:
    if one.scale is None:
        return None
    with np.errstate(all="ignore"):
        return one.scale(*widened(one, dtype, arrays), *one.parameters)


def assert_close(got: np.ndarray, expected: np.ndarray, ulps: float, scale: np.ndarray | None = None) -> None:
    """Equal where not finite; else within ``ulps`` units in the last place of max(|expected|, scale)."""
    if got.dtype.kind in "bi":
        np.testing.assert_array_equal(got, expected.astype(got.dtype))
        return
    with np.errstate(all="ignore"):
        rounded = expected.astype(got.dtype)
    wide = np.clongdouble if got.dtype.kind == "c" else np.longdouble
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(np.isfinite(got), finite)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(rounded))
    bounded = ~finite & ~np.isnan(rounded)
    np.testing.assert_array_equal(got[bounded], rounded[bounded])
    size = np.abs(rounded[finite])
    if scale is not None:
        size = np.maximum(size, scale[finite].astype(size.dtype))
    unit_in_last_place = np.spacing(size).astype(np.longdouble)
    error = np.abs(got[finite].astype(wide) - expected[finite].astype(wide)) / unit_in_last_place
    assert error.max(initial=0) <= ulps, f"{float(error.max()):.1f} ulp at {int(error.argmax())}"


@pytest.fixture(scope="session")
def host() -> Callable[[Sample], HostModule]:
    """A sample's kernels compiled for the CPU, once a session."""
    built: dict[str, HostModule] = {}

    def build(one: Sample) -> HostModule:
        name = one.kernel.name
        if name not in built:
            expressions = []
            for dtype in one.dtypes:
                wanted = instance(one.kernel, dtype)
                expressions += [wanted.strided(), wanted.contiguous(1), wanted.contiguous(wanted.width)]
            built[name] = HostModule(module_source([one.kernel]), expressions)
        return built[name]

    return build


def run(
    module: HostModule, one: Sample, dtype: str, arrays: list[np.ndarray], out: np.ndarray, order: int = 0
) -> Launch | None:
    launch = launch_on(one.kernel, dtype, out, arrays, one.parameters)
    if launch is not None:
        module.launch(launch, order)
    return launch


def result_like(one: Sample, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, 1, numpy_dtype(instance(one.kernel, dtype).result))


# ---------------------------------------------------------------- elementwise kernels on the CPU


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize(("one", "dtype"), CASES)
def test_values_over_several_blocks(host, one: Sample, dtype: str) -> None:
    count = 3 * 256 * instance(one.kernel, dtype).width + 5
    arrays = operands(one, dtype, count)
    out = result_like(one, dtype, (count,))
    launch = run(host(one), one, dtype, arrays, out)
    assert launch is not None
    assert "elementwise_contiguous" in launch.expression
    assert launch.grid[0] >= 4
    assert_close(out, truth(one, dtype, arrays), one.ulps, error_scale(one, dtype, arrays))


def strided(x: np.ndarray) -> np.ndarray:
    buffer = np.zeros((x.shape[0] * 2, x.shape[1] * 3), x.dtype)
    view = buffer[::2, 1::3]
    view[...] = x
    return view


def offset(x: np.ndarray) -> np.ndarray:
    buffer = np.zeros(x.size + 1, x.dtype)
    buffer[1:] = x.reshape(-1)
    return buffer[1:].reshape(x.shape)


LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "transposed": np.asfortranarray,
    "strided": strided,
    "offset": offset,
    "broadcast_row": lambda x: np.ascontiguousarray(x[:1]),
    "broadcast_column": lambda x: np.ascontiguousarray(x[:, :1]),
    "scalar": lambda x: np.ascontiguousarray(x[:1, :1]),
}


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts(host, dtype: str, layout: str) -> None:
    one = BY_NAME["add"]
    shape = (22, 38)
    arrays = [x.reshape(shape) for x in operands(one, dtype, 22 * 38)]
    arrays[-1] = LAYOUTS[layout](arrays[-1])
    out = result_like(one, dtype, shape)
    for order in ORDERS:
        out[...] = 1
        run(host(one), one, dtype, arrays, out, order)
        assert_close(out, np.broadcast_to(truth(one, dtype, arrays), shape), one.ulps)


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("order", ORDERS)
def test_strided_result_leaves_its_gaps(host, order: int) -> None:
    one = BY_NAME["mul"]
    arrays = [x.reshape(11, 90) for x in operands(one, "float32", 990)]
    buffer = np.full((22, 180), 7, np.float32)
    run(host(one), one, "float32", arrays, buffer[::2, ::2], order)
    assert_close(buffer[::2, ::2], truth(one, "float32", arrays), one.ulps)
    assert (buffer[1::2] == 7).all()
    assert (buffer[:, 1::2] == 7).all()


@pytest.mark.nvrtc
@needs_cuda_packages
def test_in_place(host) -> None:
    one = BY_NAME["add"]
    x, y = operands(one, "float64", 5000)
    expected = truth(one, "float64", [x, y])
    run(host(one), one, "float64", [x, y], x)
    assert_close(x, expected, one.ulps)


@pytest.mark.parametrize("shape", [(0,), (3, 0, 2)])
def test_empty_operands_launch_nothing(shape: tuple[int, ...]) -> None:
    one = BY_NAME["mul"]
    x = np.zeros(shape, np.float32)
    assert launch_on(one.kernel, "float32", x, [x, x]) is None


@pytest.mark.nvrtc
@needs_cuda_packages
def test_no_dimensions(host) -> None:
    one = BY_NAME["mul"]
    out = np.zeros((), np.int64)
    run(host(one), one, "int64", [np.array(6), np.array(7)], out)
    assert out == 42


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("layout", ["contiguous", "transposed"])
def test_wide_indices_give_the_same(monkeypatch: pytest.MonkeyPatch, layout: str) -> None:
    one = BY_NAME["mul"]
    monkeypatch.setattr(launching, "INDEX_LIMIT", 10)
    arrays = [x.reshape(40, 60) for x in operands(one, "float32", 2400)]
    arrays[1] = LAYOUTS[layout](arrays[1])
    out = result_like(one, "float32", (40, 60))
    launch = launch_on(one.kernel, "float32", out, arrays)
    assert launch is not None
    assert "flambeau::i64" in launch.expression
    HostModule(module_source([one.kernel]), [launch.expression]).launch(launch)
    assert_close(out, truth(one, "float32", arrays), one.ulps)


@pytest.mark.nvrtc
@needs_cuda_packages
def test_eight_dimensions_and_no_more(host) -> None:
    one = BY_NAME["mul"]
    x = operands(one, "float32", 3**8)[0].reshape((3,) * 8).transpose(7, 0, 6, 1, 5, 2, 4, 3)
    y = operands(one, "float32", 3**8)[1].reshape((3,) * 8)
    out = result_like(one, "float32", x.shape)
    launch = run(host(one), one, "float32", [x, y], out)
    assert launch is not None
    assert_close(out, truth(one, "float32", [x, y]), one.ulps)
    nine = np.zeros((2,) * 18, np.float32)[(slice(None), 0) * 9]
    crossed = nine.transpose(8, 0, 7, 1, 6, 2, 5, 3, 4)
    with pytest.raises(ValueError, match="9 dimensions are left after collapsing, at most 8"):
        launch_on(one.kernel, "float32", nine, [nine, crossed])


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "asin", "acosh", "atan"])
def test_complex_functions_at_the_edges(host, name: str) -> None:
    """Infinities and signed zeros on the axes: C's annex G as NumPy has it, where both are numbers."""
    one = BY_NAME[name]
    inf = np.inf
    points = np.array([0j, complex(-0.0, 0.0), complex(0.0, -0.0), 1 + 0j, -1 + 0j, complex(-4, -0.0), complex(-4, 0.0),
                       1j, -1j, 1e-20 + 1e-20j, complex(inf, 1), complex(-inf, 1), 3e-5 - 2e-5j, 80 + 1j, -80 - 1j],
                      np.complex64)  # fmt: skip
    if name in ("asin", "acosh", "atan"):
        points = points[np.isfinite(points)]
        points = points[(points != 1j) & (points != -1j)] if name == "atan" else points
    out = np.zeros_like(points)
    run(host(one), one, "complex64", [points], out)
    with np.errstate(all="ignore"):
        expected = one.reference(points.astype(np.complex128)).astype(np.complex64)
    for part in ("real", "imag"):
        np.testing.assert_allclose(getattr(out, part), getattr(expected, part), rtol=1e-5, atol=1e-25)
        zero = getattr(expected, part) == 0
        np.testing.assert_array_equal(np.signbit(getattr(out, part)[zero]), np.signbit(getattr(expected, part)[zero]))


@pytest.mark.nvrtc
@needs_cuda_packages
def test_integer_division_by_zero_has_an_answer() -> None:
    for body, expected in (("floor_divide(x, y)", [-1, -1, -(2**31)]), ("remainder(x, y)", [5, -5, 0])):
        kernel = ElementwiseKernel("divide", body, ("x", "y"), dtypes=INTEGRAL)
        x, y = np.array([5, -5, -(2**31)], np.int32), np.array([0, 0, -1], np.int32)
        out = np.zeros_like(x)
        launch = launch_on(kernel, "int32", out, [x, y])
        assert launch is not None
        HostModule(module_source([kernel]), [launch.expression]).launch(launch)
        assert out.tolist() == expected

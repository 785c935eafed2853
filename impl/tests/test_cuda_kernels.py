"""CUDA kernels without a GPU: elementwise bodies run on the CPU against NumPy, and every sample compiled by NVRTC."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from flambeau.cuda import launch as launching
from flambeau.cuda.check import main as check
from flambeau.cuda.compile import CompileError, compile_module, explain
from flambeau.cuda.cpp import ALL, COMPLEX, FLOATING, INTEGRAL, REAL
from flambeau.cuda.host.arrays import launch_on, numpy_dtype
from flambeau.cuda.host.consistency import inconsistencies
from flambeau.cuda.host.runner import HostModule, KernelError
from flambeau.cuda.launch import Launch, Packer, collapse, divisor
from flambeau.cuda.packages import include_directory
from flambeau.cuda.templates import ElementwiseKernel, instance, instances, kernels_of, module_source

try:
    include_directory()
    MISSING = ""
except ImportError as error:
    MISSING = str(error)

needs_cuda_packages = pytest.mark.skipif(bool(MISSING), reason=MISSING)
DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64", "bool", "complex64")
ORDERS = (0, 1, 20261)


@dataclass(frozen=True)
class Sample:
    """A kernel, and what it should compute: ``reference`` is given operands and parameters in a wider dtype."""

    kernel: ElementwiseKernel
    reference: Callable[..., np.ndarray]
    parameters: tuple[complex, ...] = ()
    values: Callable[[np.ndarray], np.ndarray] = field(default=lambda x: x)  # into the function's domain
    ulps: float = 2
    scale: Callable[..., np.ndarray] | None = None  # of the error, where terms cancel

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(dtype for dtype in DTYPES if dtype in self.kernel.dtypes)


def sample(
    name: str,
    body: str,
    reference: Callable[..., np.ndarray],
    inputs: str = "x",
    params: dict[str, complex] | None = None,
    values: Callable[[np.ndarray], np.ndarray] = lambda x: x,
    ulps: float = 2,
    scale: Callable[..., np.ndarray] | None = None,
    **more: object,
) -> Sample:
    params = params or {}
    kernel = ElementwiseKernel(name, body, tuple(inputs.split()), tuple(params), **more)  # type: ignore[arg-type]
    return Sample(kernel, reference, tuple(params.values()), values, ulps, scale)


def nonzero(x: np.ndarray) -> np.ndarray:
    return np.where(x == 0, np.ones((), x.dtype), x)


def unit(x: np.ndarray) -> np.ndarray:
    return np.clip(x / 4, -1, 1)


def small_exponent(x: np.ndarray) -> np.ndarray:
    return np.clip(x, -3, 6) if x.dtype.kind == "i" else x


def python_pow(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind != "i":
        return np.power(x, y)
    with np.errstate(divide="ignore"):
        negative = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2 == 0, 1, -1), 0))
    return np.where(y < 0, negative, np.power(x, np.maximum(y, 0)))


def wrapped_shift(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    bits = 8 * x.dtype.itemsize
    return np.where((y < 0) | (y >= bits), 0, np.left_shift(x, np.clip(y, 0, bits - 1)))


def gelu(x: np.ndarray) -> np.ndarray:
    return x * scipy.special.ndtr(x.astype(float))


def float_floor_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    quotient = np.floor_divide(x, y)
    return np.where((y == 0) & (x != 0), x / y, quotient) if x.dtype.kind == "f" else quotient


WIDE = FLOATING + COMPLEX
TO_FLOAT = {"result": "int_to_float"}
SAMPLES = [
    sample("add", "x + alpha * y", lambda x, y, a: x + a * y, "x y", {"alpha": 2}, dtypes=ALL, ulps=3),
    sample("mul", "x * y", np.multiply, "x y", dtypes=ALL),
    sample("div", "x / y", np.divide, "x y", dtypes=ALL, values=nonzero, ulps=4, **TO_FLOAT),
    sample("neg", "-x", np.negative, dtypes=(*FLOATING, *INTEGRAL, *COMPLEX)),
    sample("abs", "abs(x)", np.abs, dtypes=ALL, result="real"),
    sample("exp", "exp(x)", np.exp, dtypes=ALL, **TO_FLOAT),
    sample("log", "log(x)", np.log, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("sqrt", "sqrt(x)", np.sqrt, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("sin", "sin(x)", np.sin, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("cos", "cos(x)", np.cos, dtypes=ALL, ulps=3, **TO_FLOAT),
    sample("tanh", "tanh(x)", np.tanh, dtypes=ALL, ulps=6, **TO_FLOAT),
    sample("asin", "asin(x)", np.arcsin, dtypes=WIDE, values=unit, ulps=6),
    sample("acosh", "acosh(x)", np.arccosh, dtypes=WIDE, ulps=6),
    sample("atan", "atan(x)", np.arctan, dtypes=WIDE, ulps=6),
    sample("pow", "pow(x, y)", python_pow, "x y", dtypes=(*FLOATING, *INTEGRAL), values=small_exponent, ulps=3),
    sample("complex_pow", "pow(x, y)", np.power, "x y", dtypes=COMPLEX, values=nonzero, ulps=64),
    sample("sigmoid", "sigmoid(x)", scipy.special.expit, dtypes=REAL, ulps=4, **TO_FLOAT),
    sample("gelu", "T(0.5) * x * erfc(-x * T(0.7071067811865476))", gelu, dtypes=("float16", "bfloat16", "float32"),
           ulps=4, scale=lambda x: (1 + x * x) * np.abs(gelu(x))),
    sample("lerp", "lerp(x, y, weight)", lambda x, y, w: x + w * (y - x), "x y", {"weight": 0.25}, dtypes=FLOATING,
           scale=lambda x, y, w: np.abs(x) + np.abs(y)),
    sample("maximum", "maximum(x, y)", np.maximum, "x y"),
    sample("minimum", "minimum(x, y)", np.minimum, "x y"),
    sample("fmax", "fmax(x, y)", np.fmax, "x y"),
    sample("clamp", "clamp(x, low, high)", lambda x, a, b: np.clip(x, a, b), "x", {"low": -1, "high": 2},
           dtypes=(*FLOATING, *INTEGRAL)),
    sample("floor_divide", "floor_divide(x, y)", float_floor_divide, "x y", values=nonzero,
           dtypes=("float32", "float64", *INTEGRAL)),
    sample("remainder", "remainder(x, y)", np.remainder, "x y", values=nonzero, dtypes=(*FLOATING, *INTEGRAL)),
    sample("fmod", "fmod(x, y)", np.fmod, "x y", values=nonzero, dtypes=(*FLOATING, *INTEGRAL)),
    sample("round", "round(x)", lambda x: np.rint(x) if x.dtype.kind == "f" else x, dtypes=(*FLOATING, *INTEGRAL)),
    sample("sign", "sign(x)", lambda x: np.where(np.isnan(x), 0, np.sign(x)), dtypes=(*FLOATING, *INTEGRAL)),
    sample("lt", "x < y", np.less, "x y", result="bool"),
    sample("eq", "x == y", np.equal, "x y", result="bool", dtypes=ALL),
    sample("isnan", "isnan(x)", np.isnan, result="bool", dtypes=ALL),
    sample("logical_and", "logical_and(x, y)", np.logical_and, "x y", result="bool", dtypes=ALL),
    sample("where", "condition ? x : y", np.where, "condition x y", dtypes=ALL, masks=("condition",)),
    sample("bitwise_and", "x & y", np.bitwise_and, "x y", dtypes=(*INTEGRAL, "bool")),
    sample("bitwise_not", "bitwise_not(x)", np.invert, dtypes=(*INTEGRAL, "bool")),
    sample("left_shift", "left_shift(x, y)", wrapped_shift, "x y", dtypes=INTEGRAL),
    sample("gcd", "gcd(x, y)", np.gcd, "x y", dtypes=INTEGRAL),
    sample("atan2", "atan2(x, y)", np.arctan2, "x y", dtypes=FLOATING),
    sample("erfinv", "erfinv(x)", lambda x: scipy.special.erfinv(x.astype(float)), values=unit, dtypes=FLOATING,
           ulps=4),
    sample("lgamma", "lgamma(x)", lambda x: scipy.special.gammaln(x.astype(float)), values=np.abs, dtypes=FLOATING,
           ulps=4, scale=np.ones_like),
    sample("digamma", "digamma(x)", lambda x: scipy.special.digamma(x.astype(float)), values=np.abs, dtypes=FLOATING,
           ulps=8, scale=lambda x: np.abs(np.log(x)) + 1),
]  # fmt: skip
BY_NAME = {one.kernel.name: one for one in SAMPLES}
CASES = [pytest.param(one, dtype, id=f"{one.kernel.name}-{dtype}") for one in SAMPLES for dtype in one.dtypes]


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


# ---------------------------------------------------------------- geometry, arguments and source


def element_offsets(
    shape: tuple[int, ...], strides: list[list[int]], innermost_first: bool = False
) -> list[tuple[int, ...]]:
    order = "F" if innermost_first else "C"
    grids = [np.zeros(shape, np.int64) for _ in strides]
    for grid, steps in zip(grids, strides, strict=True):
        for axis, step in enumerate(steps):
            grid += np.arange(shape[axis]).reshape([-1 if d == axis else 1 for d in range(len(shape))]) * step
    return list(zip(*(grid.ravel(order).tolist() for grid in grids), strict=True))


@given(st.data())
def test_collapsed_geometry_visits_the_same_elements(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), max_size=5)))
    steps = st.lists(st.sampled_from([0, 1, 2, 3, 4, 6, 8, 12, 24]), min_size=len(shape), max_size=len(shape))
    strides = data.draw(st.lists(steps, min_size=1, max_size=3))
    sizes, collapsed = collapse(shape, strides)
    assert len(sizes) <= len(shape)
    assert 1 not in sizes
    assert sorted(element_offsets(tuple(sizes), collapsed, True)) == sorted(element_offsets(shape, strides))


@pytest.mark.parametrize("shape", [(4, 5, 6), (4, 1, 6), (120,)])
def test_contiguous_geometry_collapses_to_one_dimension(shape: tuple[int, ...]) -> None:
    x = np.zeros(shape)
    steps = [step // 8 for step in x.strides]
    assert collapse(shape, [steps, steps]) == ([x.size], [[1], [1]])
    y = x.T
    steps = [step // 8 for step in y.strides]
    assert collapse(y.shape, [steps, steps]) == ([x.size], [[1], [1]])


@given(st.integers(1, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_division_by_multiplication(value: int, n: int) -> None:
    _, multiplier, shift = divisor(value)
    assert multiplier < 2**32
    assert ((n * multiplier >> 32) + n) >> shift == n // value


def test_packing_follows_c_alignment() -> None:
    packer = Packer()
    packer.add("i", 1)
    packer.add("Q", 2)
    packer.add("?", True)
    packer.scalars("complex128", [3 + 4j])
    packed = packer.finish()
    assert len(packed) == 48
    assert np.frombuffer(packed[32:], np.complex128).tolist() == [3 + 4j]


def test_parameters_beyond_float_are_infinite() -> None:
    packer = Packer()
    packer.scalars("float16", [1e300, -1e300])
    packer.scalars("complex64", [1e300 + 1j])
    assert np.frombuffer(packer.finish(), np.float32).tolist() == [np.inf, -np.inf, np.inf, 1]


@pytest.mark.nvrtc
@needs_cuda_packages
def test_a_launch_with_the_wrong_parameters_is_refused() -> None:
    one = BY_NAME["mul"]
    x = np.ones(8, np.float32)
    launch = launch_on(one.kernel, "float32", x, [x, x])
    assert launch is not None
    module = HostModule(module_source([one.kernel]), [launch.expression])
    with pytest.raises(KernelError, match=r"takes 32 bytes of parameters, got 40"):
        module.launch(Launch(launch.expression, launch.grid, launch.block, launch.arguments + bytes(8)))
    with pytest.raises(KernelError, match="invalid launch configuration"):
        module.launch(Launch(launch.expression, (0,), launch.block, launch.arguments))


def test_a_dtype_without_a_body_is_not_implemented() -> None:
    with pytest.raises(NotImplementedError, match='"lt_cuda" not implemented for complex64'):
        instance(BY_NAME["lt"].kernel, "complex64")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"inputs": ("int",)}, "'int' cannot name an argument"),
        ({"inputs": ("T",)}, "'T' cannot name an argument"),
        ({"params": ("x",)}, "occurs twice"),
        ({"body": "x; y"}, "one expression on one line"),
        ({"body": " "}, "one expression on one line"),
        ({"result": "float"}, "result must be one of"),
        ({"dtypes": ("float8",)}, "unknown dtypes float8"),
        ({"masks": ("mask",)}, "masks must be among the inputs"),
    ],
)
def test_declarations_are_checked(changes: dict[str, object], text: str) -> None:
    fields = {"name": "op", "body": "x", "inputs": ("x",), **changes}
    with pytest.raises(ValueError, match=text):
        ElementwiseKernel(**fields)  # type: ignore[arg-type]


def test_kernels_of_declared_operations() -> None:
    mul = SimpleNamespace(name="mul", cuda="x * y", cuda_inputs=("x", "y"), cuda_params=(), promote="same")
    log = SimpleNamespace(
        name="log", cuda="log(x)", cuda_inputs=["x"], cuda_params=[], promote=SimpleNamespace(value="INT_TO_FLOAT")
    )
    composite = SimpleNamespace(name="addcmul", cuda=None)
    assert kernels_of([mul, log, composite]) == [
        ElementwiseKernel("mul", "x * y", ("x", "y")),
        ElementwiseKernel("log", "log(x)", ("x",), result="int_to_float"),
    ]


# ---------------------------------------------------------------- compilers


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("one", [pytest.param(one, id=one.kernel.name) for one in SAMPLES])
def test_nvrtc_compiles(one: Sample) -> None:
    module = compile_module(module_source([one.kernel]), instances(one.kernel), arch="sm_90")
    assert module.cubin.startswith(b"\x7fELF")
    assert set(module.names) == set(instances(one.kernel))
    assert all(0 < takes.registers <= 128 and not takes.spills for takes in module.resources.values())


@pytest.mark.nvrtc
@needs_cuda_packages
@pytest.mark.parametrize("arch", ["sm_80", "sm_100"])
def test_nvrtc_compiles_for_other_architectures(arch: str) -> None:
    kernels = [BY_NAME[name].kernel for name in ("mul", "pow", "digamma")]
    expressions = [instance(kernel, "bfloat16").strided() for kernel in kernels]
    assert len(compile_module(module_source(kernels), expressions, arch=arch).names) == 3


@pytest.mark.nvrtc
@needs_cuda_packages
def test_compiled_modules_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("FLAMBEAU_CACHE", str(tmp_path))
    kernel = BY_NAME["mul"].kernel
    source, wanted = module_source([kernel]), [instance(kernel, "float16").strided()]
    first = compile_module(source, wanted, arch="sm_90")
    monkeypatch.setattr("flambeau.cuda.compile._compile", lambda *_: pytest.fail("compiled again"))
    assert compile_module(source, wanted, arch="sm_90") == first
    with pytest.raises(pytest.fail.Exception, match="compiled again"):
        compile_module(source, wanted, arch="sm_80")


@pytest.mark.nvrtc
@needs_cuda_packages
def test_errors_quote_the_body() -> None:
    bad = ElementwiseKernel("bad", "logg(x) + x", ("x",))
    wanted = [instance(bad, "float32").strided()]
    with pytest.raises(CompileError) as caught:
        compile_module(module_source([bad]), wanted, arch="sm_90")
    assert 'bad.cuda(1): error: identifier "logg" is undefined' in str(caught.value)
    assert "return logg(x) + x;" in str(caught.value)
    assert "instantiation of" not in str(caught.value)
    with pytest.raises(RuntimeError, match=r"bad\.cuda:1:.*logg"):
        HostModule(module_source([bad]), wanted)


def test_the_path_of_instantiations_is_left_out() -> None:
    log = (
        'a.cuda(1): error: no\n      x\n          detected during:\n            instantiation of "f"\nb(2): error: so\n'
    )
    assert explain(log) == "a.cuda(1): error: no\n      x\nb(2): error: so"


@pytest.mark.parametrize("arch", ["", "90", "compute_90"])
def test_architecture_must_be_spelled_out(arch: str) -> None:
    with pytest.raises(ValueError, match="arch must be of the form sm_90"):
        compile_module("", ["f"], arch=arch)


def test_missing_packages_name_the_extra() -> None:
    code = (
        "import sys; sys.modules['cuda'] = None; from flambeau.cuda.compile import compile_module; "
        "compile_module('', ['f'], arch='sm_90')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "ImportError: cannot import" in ended.stderr
    assert "pip install 'torch-assay[cuda]'" in ended.stderr


# ---------------------------------------------------------------- the check command


OPERATIONS = [BY_NAME[name].kernel for name in ("mul", "where")]


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    module = SimpleNamespace(OPERATIONS=OPERATIONS)
    monkeypatch.setitem(sys.modules, "declared_operations", module)  # type: ignore[arg-type]
    return module


@pytest.mark.nvrtc
@needs_cuda_packages
def test_check_compiles_and_runs(declared: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["--arch", "sm_90", "--host", "--operations", "declared_operations:OPERATIONS", "--only"]
    assert check([*call, "mul", "--only", "where"]) == 0
    shown = capsys.readouterr().out
    assert "[2/2] sm_90 where:" in shown
    assert "sm_90: 76 kernels of 2 operations compiled" in shown
    assert "[1/2] host mul: every path and thread order agrees" in shown
    declared.OPERATIONS = [*OPERATIONS, ElementwiseKernel("bad", "x +", ("x",))]
    assert check([*call, "bad"]) == 1
    shown = capsys.readouterr().out
    assert "[1/1] sm_90 bad: FAILED" in shown
    assert "[1/1] host bad: FAILED" in shown


def test_check_explains_wrong_calls(declared: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(["--host", "--only", "nosuch", "--operations", "declared_operations"]) == 2
    assert "no CUDA body is declared for nosuch" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        check([])
    assert "nothing to do" in capsys.readouterr().err


@pytest.mark.nvrtc
@needs_cuda_packages
def test_inconsistent_kernels_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that see where they run: their answers must not agree between paths or orders."""
    by_thread = ElementwiseKernel("by_thread", "x + T(threadIdx.x)", ("x",), dtypes=("float32",))
    assert "by_thread, float32, transposed: differs from the contiguous path" in inconsistencies([by_thread])

"""CUDA reductions run on the CPU against NumPy, and the host runner itself: it must catch broken kernels."""

from __future__ import annotations

import re

import numpy as np
import pytest
from needs import needs_cuda_packages

from flambeau.cuda import launch as launching
from flambeau.cuda import reduction as reducing
from flambeau.cuda.compile import compile_module
from flambeau.cuda.cpp import CPP_TYPES
from flambeau.cuda.host.arrays import Array, numpy_dtype, operand
from flambeau.cuda.host.runner import HostModule, KernelError
from flambeau.cuda.launch import Launch, Operand
from flambeau.cuda.reduction import REDUCTIONS, SOURCE, reduction_instances, reduction_launches, result_dtype
from flambeau.cuda.templates import KERNELS

pytestmark = [pytest.mark.nvrtc, needs_cuda_packages]
DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64", "bool", "complex64")
ORDERS = (0, 1, 20261)
CASES = [(name, dtype) for name, (_, accepted) in REDUCTIONS.items() for dtype in DTYPES if dtype in accepted]
#: Shapes and reduced dimensions: whole, rows, columns, several, none; short and long enough to be split.
GEOMETRIES = {
    "whole_split": ((70, 150), (0, 1)),
    "rows": ((5, 700), (1,)),
    "columns": ((300, 600), (0,)),
    "columns_of_few": ((300, 6), (0,)),
    "outer_and_inner": ((9, 4, 31), (0, 2)),
    "middle": ((3, 90, 5), (1,)),
    "none": ((4, 6), ()),
    "short": ((30, 7), (1,)),
    "one_element": ((1, 1), (0,)),
}


def draw(dtype: str, shape: tuple[int, ...]) -> Array:
    generator = np.random.default_rng(7)
    kind = numpy_dtype(dtype)
    if dtype == "bool":
        return generator.random(shape) < 0.9
    if kind.kind == "i":
        return generator.integers(-3, 9, shape, dtype=kind)
    values = generator.standard_normal(shape)
    if kind.kind == "c":
        values = values + 1j * generator.standard_normal(shape)
    return values.astype(kind)


def plan(name: str, dtype: str, x: Array, dims: tuple[int, ...], keep: list[Array]) -> tuple[list[Launch], Array]:
    """Launches of a reduction with ``keepdim``, and the array they write, full of ones before."""
    shape = tuple(1 if d in dims else size for d, size in enumerate(x.shape))
    out = np.ones(shape, numpy_dtype(result_dtype(name, dtype)))

    def allocate(size: int) -> int:
        keep.append(np.full(size, 0xFF, np.uint8))
        return keep[-1].__array_interface__["data"][0]

    result = Operand(out.__array_interface__["data"][0], tuple(step // out.itemsize for step in out.strides))
    return reduction_launches(name, dtype, x.shape, dims, result, operand(x, x.shape), allocate), out


def expected(name: str, x: Array, dims: tuple[int, ...]) -> Array:
    wide = {"f": np.float64, "V": np.float64, "i": np.int64, "c": np.complex128}.get(x.dtype.kind, x.dtype)
    x = x.astype(np.int64 if x.dtype == bool and name in ("sum", "prod") else wide)
    return np.asarray(getattr(np, name)(x, axis=dims, keepdims=True))


def error_bound(name: str, dtype: str, x: Array, dims: tuple[int, ...], answer: Array) -> Array:
    """Roundings of a blocked sum or product against the sum of magnitudes, and one of the result's own dtype."""
    unit = {"float64": 2.0**-53, "complex128": 2.0**-53}.get(dtype, 2.0**-24)
    own = {"float16": 2.0**-11, "bfloat16": 2.0**-8}.get(dtype, unit)
    magnitudes = np.abs(x.astype(np.complex128))
    count = max(1, answer.size and x.size // answer.size)
    if name == "prod":
        return np.abs(answer) * (own + 4 * count * unit)
    total = magnitudes.sum(axis=dims, keepdims=True) / (count if name == "mean" else 1)
    return np.abs(answer) * own + total * unit * (count / 256 + 32)


@pytest.fixture(scope="session")
def module() -> HostModule:
    """Every reduction on the dtypes tested, compiled once for the CPU."""
    stored = {CPP_TYPES[dtype].stored for dtype in DTYPES} | {"float", "flambeau::i64"}
    expressions = [
        expression
        for name in REDUCTIONS
        for expression in reduction_instances(name)
        if set(re.findall(r"[\w:]+<float>|[\w:]+", expression.split("<", 1)[1])) <= stored | PLAIN_WORDS
    ]
    return HostModule(SOURCE, expressions)


PLAIN_WORDS = {"true", "false", "flambeau::i32", "flambeau::i64", *(f"flambeau::{f}" for f, _ in REDUCTIONS.values())}


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_values(module: HostModule, name: str, dtype: str, geometry: str) -> None:
    shape, dims = GEOMETRIES[geometry]
    x, keep = draw(dtype, shape), []
    if name == "prod" and x.dtype.kind not in "bi":
        x = (1 + x.astype(np.complex128 if x.dtype.kind == "c" else float) / 64).astype(
            x.dtype
        )  # neither over nor under
    launches, out = plan(name, dtype, x, dims, keep)
    answers = set()
    for order in ORDERS:
        out[...] = 1
        for launch in launches:
            module.launch(launch, order)
        answers.add(out.tobytes())
    assert len(answers) == 1, "the result depends on the order of the threads"
    answer = expected(name, x, dims)
    if out.dtype.kind in "bi" or name in ("max", "min"):
        np.testing.assert_array_equal(out, answer.astype(out.dtype))
        return
    wide = np.complex128 if out.dtype.kind == "c" else np.float64
    error = np.abs(out.astype(wide) - answer)
    assert (error <= error_bound(name, dtype, x, dims, answer)).all(), float(error.max())


def test_long_reductions_are_split_and_short_ones_are_not() -> None:
    def kernels(shape: tuple[int, ...], dims: tuple[int, ...]) -> list[str]:
        launches, _ = plan("sum", "float32", np.zeros(shape, np.float32), dims, [])
        return [re.match(r"flambeau::(\w+)<.*?(true|false|float)>$", launch.expression)[1] for launch in launches]

    assert kernels((70, 150), (0, 1)) == ["reduce_by_block", "reduce_by_block"]
    assert kernels((600, 700), (1,)) == ["reduce_by_block"]
    assert kernels((300, 600), (0,)) == ["reduce_by_thread"]
    assert kernels((30, 7), (1,)) == ["reduce_by_thread"]


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dims", [(1,), (0, 1)])
def test_nan_wins(module: HostModule, name: str, dims: tuple[int, ...]) -> None:
    x = draw("float32", (3, 5000))
    x[1, 4321] = np.nan
    launches, out = plan(name, "float32", x, dims, [])
    for launch in launches:
        module.launch(launch)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(out, getattr(np, name)(x, axis=dims, keepdims=True))


@pytest.mark.parametrize(("name", "identity"), [("sum", 0), ("prod", 1), ("all", True), ("any", False)])
def test_nothing_reduces_to_the_identity(module: HostModule, name: str, identity: int) -> None:
    x = np.zeros((3, 0), np.float32)
    launches, out = plan(name, "float32", x, (1,), [])
    out[...] = 1 - identity
    for launch in launches:
        module.launch(launch)
    assert out.tolist() == [[identity]] * 3
    assert plan(name, "float32", x, (0,), [])[0] == []


def test_half_accumulates_in_float(module: HostModule) -> None:
    """A thousand ones: bfloat16 arithmetic would stay at 256."""
    x = np.ones((1, 1000), numpy_dtype("bfloat16"))
    launches, out = plan("sum", "bfloat16", x, (1,), [])
    for launch in launches:
        module.launch(launch)
    assert out.astype(float).tolist() == [[1000]]


@pytest.mark.parametrize("layout", ["transposed", "every_second", "broadcast"])
def test_layouts(module: HostModule, layout: str) -> None:
    x = draw("float64", (40, 900))
    view = {"transposed": x.T, "every_second": x[::2, ::3], "broadcast": np.broadcast_to(x[:, :1], x.shape)}[layout]
    for dims in ((0,), (1,), (0, 1)):
        launches, out = plan("sum", "float64", view, dims, [])
        for launch in launches:
            module.launch(launch)
        np.testing.assert_allclose(out, view.sum(axis=dims, keepdims=True), rtol=1e-12, atol=1e-11)


def test_wide_indices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "INDEX_LIMIT", 10)
    x = draw("float64", (40, 900)).T
    launches, out = plan("sum", "float64", x, (0, 1), [])
    assert all("flambeau::i64, double" in launch.expression for launch in launches)
    wide = HostModule(SOURCE, [launch.expression for launch in launches])
    for launch in launches:
        wide.launch(launch)
    np.testing.assert_allclose(out, x.sum(), rtol=1e-12)


def test_more_results_than_blocks(module: HostModule, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that reduces several results in turn must not overwrite what it still reads."""
    monkeypatch.setattr(reducing, "MAX_BLOCKS", 3)
    x = draw("float32", (20, 700))
    launches, out = plan("max", "float32", x, (1,), [])
    assert [launch.grid for launch in launches] == [(3,)]
    for order in ORDERS:
        module.launch(launches[0], order)
        np.testing.assert_array_equal(out, x.max(1, keepdims=True))


def test_undefined_dtypes_and_too_many_dimensions() -> None:
    with pytest.raises(NotImplementedError, match='"mean_cuda" not implemented for int32'):
        plan("mean", "int32", np.zeros(3, np.int32), (0,), [])
    crossed = np.zeros((2,) * 18, np.float32)[(slice(None), 0) * 9]
    with pytest.raises(ValueError, match="more than 8 dimensions are left"):
        plan("sum", "float32", crossed, tuple(range(9)), [])


@pytest.mark.parametrize("name", REDUCTIONS)
def test_nvrtc_compiles(name: str) -> None:
    expressions = reduction_instances(name)
    module = compile_module(SOURCE, expressions, arch="sm_90")
    assert set(module.names) == set(expressions)
    assert all(0 < takes.registers <= 128 and not takes.spills for takes in module.resources.values())


# ---------------------------------------------------------------- the host runner catches what it should


FAULTS = """
__global__ void race(float* out) {
  __shared__ float s[256];
  s[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = s[255 - threadIdx.x];
}
__global__ void divergent(float* out) {
  if (threadIdx.x < 16) __shfl_down_sync(0xffffffffu, 1.f, 1); else __syncthreads();
  out[threadIdx.x] = 1;
}
__global__ void unwritten(float* out) {
  __shared__ float s[256];
  if (threadIdx.x != 7) s[threadIdx.x] = 0;
  __syncthreads();
  out[threadIdx.x] = s[threadIdx.x];
}
__global__ void not_in_its_mask(float* out) { out[threadIdx.x] = __shfl_sync(1u, 1.f, 0); }
__global__ void trapped(float* out) { if (threadIdx.x == 3) __trap(); out[threadIdx.x] = 1; }
__global__ void good(float* out) { out[threadIdx.x] = __shfl_xor_sync(~0u, float(threadIdx.x), 1); }
"""


@pytest.fixture(scope="session")
def faults() -> HostModule:
    return HostModule(FAULTS, ["race", "divergent", "unwritten", "not_in_its_mask", "trapped", "good"])


def run_fault(module: HostModule, name: str, order: int = 0, threads: int = 256) -> Array:
    out = np.zeros(256, np.float32)
    packed = out.ctypes.data.to_bytes(8, "little")
    module.launch(Launch(name, (1,), (threads,), packed), order)
    return out


def test_a_race_shows_in_some_order(faults: HostModule) -> None:
    right = np.arange(256, dtype=np.float32)[::-1]
    assert any((run_fault(faults, "race", order) != right).any() for order in ORDERS)


def test_unwritten_shared_memory_is_nan(faults: HostModule) -> None:
    assert np.flatnonzero(np.isnan(run_fault(faults, "unwritten"))).tolist() == [7]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("divergent", r"deadlock in block \(0,0,0\): 16 of 32 live threads at __syncthreads"),
        ("not_in_its_mask", r"the calling lane is not in its mask in block \(0,0,0\) thread \(1,0,0\)"),
        ("trapped", r"__trap\(\) in block \(0,0,0\) thread \(3,0,0\)"),
    ],
)
def test_broken_kernels_are_errors_not_hangs(faults: HostModule, name: str, text: str) -> None:
    with pytest.raises(KernelError, match=text):
        run_fault(faults, name, threads=32)
    good = run_fault(faults, "good", threads=32)  # the runner goes on after a failure
    assert good[:4].tolist() == [1, 0, 3, 2]


BARRIER = "__syncthreads();"
HEADER = (KERNELS / "reduction.cuh").read_text()


@pytest.mark.parametrize("position", range(HEADER.count(BARRIER)))
def test_every_barrier_of_the_reduction_is_needed(monkeypatch: pytest.MonkeyPatch, position: int) -> None:
    """Without any one __syncthreads() some order of the threads gives a wrong sum."""
    monkeypatch.setattr(reducing, "MAX_BLOCKS", 2)
    at = [match.start() for match in re.finditer(re.escape(BARRIER), HEADER)][position]
    broken = HEADER[:at] + HEADER[at + len(BARRIER) :]
    x = draw("float32", (8, 700))
    launches, out = plan("max", "float32", x, (1,), [])
    module = HostModule(broken, [launches[0].expression])
    wrong = []
    for order in ORDERS:
        out[...] = 0
        try:
            module.launch(launches[0], order)
        except KernelError:
            wrong.append(order)
        else:
            if (out != x.max(1, keepdims=True)).any():
                wrong.append(order)
    assert wrong

"""The CUDA body of each declared operation, run on the CPU, against the operation's own NumPy kernel."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
import pytest
import scipy.special
from needs import needs_cuda_packages

import flambeau.ops  # noqa: F401 - declares the operations
from flambeau.cuda.host.arrays import Array, launch_on, numpy_dtype
from flambeau.cuda.host.consistency import host_module
from flambeau.cuda.host.runner import compiler
from flambeau.cuda.packages import cache_directory
from flambeau.cuda.templates import ElementwiseKernel, Instance, instance, kernels_of
from flambeau.operation import OPERATIONS

pytestmark = [
    pytest.mark.nvrtc,
    needs_cuda_packages,
    pytest.mark.skipif(
        np.finfo(np.longdouble).nmant <= np.finfo(np.float64).nmant,
        reason="long double is no wider than double here: nothing can judge float64",
    ),
]
KERNELS = kernels_of(op for op in OPERATIONS.values() if op.form == "elementwise")
WIDER = {
    "float16": "float64",
    "bfloat16": "float64",
    "float32": "float64",
    "float64": "longdouble",
    "complex64": "complex128",
    "complex128": "clongdouble",
}
COUNT = 1500
LIBRARY = """
#include <math.h>
#define EACH(name) \
  extern "C" void name##_each(const long double* x, long double* out, long n) { \
    for (long i = 0; i < n; ++i) out[i] = name##l(x[i]); \
  }
EACH(erf) EACH(erfc) EACH(lgamma)
"""


@cache
def c_library() -> ctypes.CDLL:
    """The C library's special functions in long double: SciPy's are in double."""
    library = cache_directory() / f"long-{hashlib.sha256(LIBRARY.encode()).hexdigest()[:16]}.so"
    if not library.exists():
        mine = library.with_suffix(f".{os.getpid()}")
        command = [compiler(), "-O1", "-shared", "-fPIC", "-x", "c++", "-", "-o", str(mine)]
        subprocess.run(command, input=LIBRARY, text=True, check=True)
        os.replace(mine, library)
    return ctypes.CDLL(str(library))


def special(name: str, x: Array) -> Array:
    out = np.empty_like(x := np.ascontiguousarray(x))
    getattr(c_library(), f"{name}_each")(
        ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.c_long(x.size)
    )
    return out


def erfinv(x: Array) -> Array:
    """The double result after two Newton steps in long double."""
    y = scipy.special.erfinv(x.astype(np.float64)).astype(x.dtype)
    for _ in range(2):
        error = np.where(np.abs(x) > 0.5, np.sign(x) * ((1 - np.abs(x)) - special("erfc", np.abs(y))), 0)
        error = np.where(np.abs(x) > 0.5, error, special("erf", y) - x)
        y = y - error * np.exp(y * y) * np.sqrt(x.dtype.type(PI)) / 2
    return y


def digamma(x: Array) -> Array:
    """Recurrence to 40 and beyond, then the asymptotic series."""
    shift = sum(1 / (x + k) for k in range(44))
    z = x + 44
    s = 1 / (z * z)
    series = sum(x.dtype.type(b) / d * s ** (k + 1) for k, (b, d) in enumerate(BERNOULLI))
    return np.log(z) - 1 / (2 * z) - series - shift


def log1p(x: Array) -> Array:
    if x.dtype.kind != "c":
        return np.log1p(x)
    real = np.log1p(x.real * (2 + x.real) + x.imag * x.imag) / 2
    return real + 1j * np.arctan2(x.imag, 1 + x.real)


def logaddexp(x: Array, y: Array) -> Array:
    if x.dtype.kind != "c":
        return np.logaddexp(x, y)
    high, low = np.where(x.real >= y.real, x, y), np.where(x.real >= y.real, y, x)
    return high + log1p(np.exp(low - high))


PI = np.longdouble("3.14159265358979323846264338327950288")
BERNOULLI = ((1, 12), (-1, 120), (1, 252), (-1, 240), (1, 132), (-691, 32760), (1, 12), (-3617, 8160))
# Truth in long double for operations whose own kernel is SciPy's, which has none wider than double.
TRUTH: dict[str, Callable[..., Array]] = {
    "erf": lambda x: special("erf", x),
    "erfc": lambda x: special("erfc", x),
    "erfinv": erfinv,
    "lgamma": lambda x: special("lgamma", x),
    "digamma": digamma,
    "log1p": log1p,
    "logaddexp": logaddexp,
    "xlogy": lambda x, y: np.where(x == 0, 0, x * np.log(y)),
}


def draw(dtype: str, position: int) -> Array:
    """Values on both sides of zero and within [-1, 1], none zero; small integers; coins."""
    generator = np.random.default_rng(position)
    if dtype == "bool":
        return generator.random(COUNT) < 0.5
    kind = numpy_dtype(dtype)
    if kind.kind in "iu":
        return (generator.integers(1, 7, COUNT) * generator.choice([1, 1 if kind.kind == "u" else -1], COUNT)).astype(
            kind
        )
    values = generator.uniform(0.05, 4, COUNT) * generator.choice([-1, 1, 0.24], COUNT)
    if kind.kind == "c":
        values = values + 1j * np.roll(values, 7)
    return values.astype(kind)


def parameters(kernel: ElementwiseKernel) -> tuple[complex, ...]:
    """Each parameter's default where that is a number, else 2."""
    defaults = OPERATIONS[kernel.name].defaults
    return tuple(defaults[name] if isinstance(defaults.get(name), int | float) else 2 for name in kernel.params)


def reference(kernel: ElementwiseKernel, arrays: list[Array], dtype: str) -> Array:
    values = dict(zip(kernel.params, parameters(kernel), strict=True))
    with np.errstate(all="ignore"):
        wide = dtype in ("longdouble", "clongdouble")
        compute = TRUTH.get(kernel.name) if wide else None
        answer = np.asarray((compute or OPERATIONS[kernel.name].numpy)(*(x.astype(dtype) for x in arrays), **values))
    assert not wide or answer.dtype.kind not in "fc" or answer.real.dtype == np.longdouble, (
        f"{answer.dtype} is not wide"
    )
    return answer


def roundoff(dtype: str) -> float:
    return {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float64": 2.0**-53, "complex128": 2.0**-53}.get(dtype, 2.0**-24)


@np.errstate(all="ignore")
def allowed_error(kernel: ElementwiseKernel, loaded: list[Array], wanted: Instance, wide: str, truth: Array) -> Array:
    """8 roundings of the result, and 8 times what a change of each operand by one unit in the last place does to it."""
    step = 2 * min(roundoff(wanted.compute), 2.0**-24)  # half is computed in float; 1 + roundoff would be 1
    subnormal = {"float16": 2.0**-24, "float64": 2.0**-1074, "complex128": 2.0**-1074}.get(wanted.result, 2.0**-149)
    change = np.zeros(truth.shape)
    for i in range(len(loaded)):
        moved = [x.astype(wide) * (1 + step * (i == j)) for j, x in enumerate(loaded)]
        change += np.nan_to_num(np.abs(reference(kernel, moved, wide) - truth))
    return 8 * (roundoff(wanted.result) * np.abs(truth) + change) + subnormal


@pytest.mark.parametrize("kernel", [pytest.param(kernel, id=kernel.name) for kernel in KERNELS])
def test_body_agrees_with_the_numpy_kernel(kernel: ElementwiseKernel) -> None:
    runs = []
    for dtype in kernel.dtypes:
        wanted = instance(kernel, dtype)
        arrays = [draw(stored, position) for position, stored in enumerate(wanted.operands)]
        loaded = [x.astype(numpy_dtype(wanted.compute)) for x in arrays]
        wide = WIDER.get(wanted.compute, wanted.compute)
        truth = reference(kernel, loaded, wide)
        out = np.zeros(COUNT, numpy_dtype(wanted.result))
        launch = launch_on(kernel, dtype, out, arrays, parameters(kernel))
        assert launch is not None
        runs.append((wanted, loaded, arrays, wide, truth, out, launch))
    module = host_module([kernel])
    for wanted, loaded, _, wide, truth, out, launch in runs:
        module.launch(launch)
        if out.dtype.kind in "biu":
            np.testing.assert_array_equal(out, truth.astype(out.dtype), err_msg=wanted.compute)
            continue
        finite = np.isfinite(truth)
        np.testing.assert_array_equal(np.isfinite(out), finite, err_msg=wanted.compute)
        error = np.abs(out[finite].astype(truth.dtype) - truth[finite])
        allowed = allowed_error(kernel, loaded, wanted, wide, truth)[finite]
        assert (error <= allowed).all(), (wanted.compute, float((error / allowed).max()))


EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 1e-40, 3e38)
# Which of 0 and -0 is the larger, C leaves open; CUDA's max orders them, NumPy's answer depends on its loop.
SIGNLESS_ZERO = {"relu", "maximum", "minimum", "fmax", "fmin", "clamp", "clamp_min", "clamp_max"}


@pytest.mark.parametrize("kernel", [pytest.param(kernel, id=kernel.name) for kernel in KERNELS])
def test_body_agrees_at_the_edges(kernel: ElementwiseKernel) -> None:
    """Zeros, infinities, NaN, subnormal and huge numbers, each with each: same kind, same sign, about the same size."""
    for dtype in ("float32", "float64"):
        if dtype not in kernel.dtypes:
            continue
        wanted = instance(kernel, dtype)
        points = list(product(*((False, True) if stored == "bool" else EDGES for stored in wanted.operands)))
        arrays = [
            np.array(x, numpy_dtype(stored))
            for x, stored in zip(zip(*points, strict=True), wanted.operands, strict=True)
        ]
        out = np.zeros(len(points), numpy_dtype(wanted.result))
        launch = launch_on(kernel, dtype, out, arrays, parameters(kernel))
        assert launch is not None
        host_module([kernel]).launch(launch)
        alone = [reference(kernel, [x[i : i + 1] for x in arrays], dtype) for i in range(len(points))]
        with np.errstate(all="ignore"):
            expected = np.concatenate(alone).astype(out.dtype)
        where = f"{kernel.name} {dtype}"
        if out.dtype == bool:
            np.testing.assert_array_equal(out, expected, err_msg=where)
            continue
        np.testing.assert_allclose(out, expected, rtol=1e-5, atol=2.0**-149, err_msg=where)
        if kernel.name not in SIGNLESS_ZERO:
            signed = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(out[signed]), np.signbit(expected[signed]), err_msg=where)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_powers_keep_the_bound_that_the_header_states(dtype: str) -> None:
    """complex_math.cuh: at most 2 (1 + |y| + |y log x|) of the dtype's largest roundings, relative to |x^y|."""
    generator = np.random.default_rng(3)
    length = 10 ** generator.uniform(-4, 4, COUNT)
    x = (length * np.exp(1j * generator.uniform(-np.pi, np.pi, COUNT))).astype(dtype)
    y = (10 ** generator.uniform(-2, 0.8, COUNT) * np.exp(1j * generator.uniform(-np.pi, np.pi, COUNT))).astype(dtype)
    kernel = next(kernel for kernel in KERNELS if kernel.name == "pow")
    out = np.zeros(COUNT, dtype)
    launch = launch_on(kernel, dtype, out, [x, y])
    assert launch is not None
    host_module([kernel]).launch(launch)
    exponent = y.astype(np.clongdouble) * np.log(x.astype(np.clongdouble))
    truth = np.exp(exponent)
    assert np.isfinite(out).all()
    assert (out != 0).all()
    errors = np.abs(out - truth) / np.abs(truth) / np.finfo(dtype).eps
    assert (errors <= 2 * (1 + np.abs(y) + np.abs(exponent))).all()
    assert errors.max() > 8  # the bound is no formality: these powers lose bits

"""The CUDA body of each declared operation, run on the CPU, against the operation's own NumPy kernel."""

from __future__ import annotations

import numpy as np
import pytest
from needs import needs_cuda_packages

import flambeau.ops  # noqa: F401 - declares the operations
from flambeau.cuda.host.arrays import Array, launch_on, numpy_dtype
from flambeau.cuda.host.runner import HostModule
from flambeau.cuda.templates import ElementwiseKernel, Instance, instance, kernels_of, module_source
from flambeau.operation import OPERATIONS

pytestmark = [pytest.mark.nvrtc, needs_cuda_packages]
KERNELS = kernels_of(OPERATIONS.values())
WIDER = {"float16": "float64", "bfloat16": "float64", "float32": "float64", "complex64": "complex128"}
COUNT = 1500


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
        return np.asarray(OPERATIONS[kernel.name].numpy(*[x.astype(numpy_dtype(dtype)) for x in arrays], **values))


def roundoff(dtype: str) -> float:
    return {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float64": 2.0**-53, "complex128": 2.0**-53}.get(dtype, 2.0**-24)


@np.errstate(all="ignore")
def allowed_error(kernel: ElementwiseKernel, loaded: list[Array], wanted: Instance, wide: str, truth: Array) -> Array:
    """8 roundings of the result, and 8 times what a change of each operand by one unit in the last place does to it."""
    step = 2 * min(roundoff(wanted.compute), 2.0**-24)  # half is computed in float; 1 + roundoff would be 1
    subnormal = 2.0**-24 if wanted.result == "float16" else 2.0**-149
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
    module = HostModule(module_source([kernel]), [launch.expression for *_, launch in runs])
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

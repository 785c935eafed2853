"""What goes to a CUDA kernel: collapsed geometry, packed arguments, and the declarations they come from."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from cuda_samples import BY_NAME
from hypothesis import given
from hypothesis import strategies as st
from needs import needs_cuda_packages

from flambeau.cuda.host.arrays import launch_on
from flambeau.cuda.host.runner import HostModule, KernelError
from flambeau.cuda.launch import Launch, Packer, collapse, divisor
from flambeau.cuda.templates import ElementwiseKernel, instance, kernels_of, module_source


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

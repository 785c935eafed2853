"""NumPy arrays as the operands of kernels run on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from flambeau.cuda.launch import Launch, Operand, elementwise_launch
from flambeau.cuda.templates import ElementwiseKernel

Array = np.ndarray[Any, np.dtype[Any]]


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """NumPy's dtype of that name, bfloat16 by ml_dtypes."""
    return np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def operand(array: Array, shape: Sequence[int]) -> Operand:
    """An array broadcast to ``shape``, as a kernel sees it."""
    view = np.broadcast_to(array, shape)
    return Operand(array.__array_interface__["data"][0], tuple(step // array.itemsize for step in view.strides))


def launch_on(
    kernel: ElementwiseKernel,
    dtype: str,
    result: Array,
    arrays: Sequence[Array],
    parameters: Sequence[complex] = (),
    to: str | None = None,
) -> Launch | None:
    """The launch that writes ``kernel`` of ``arrays``, broadcast, to ``result``; both must outlive it."""
    shape = result.shape
    return elementwise_launch(
        kernel, dtype, shape, operand(result, shape), [operand(array, shape) for array in arrays], parameters, to=to
    )

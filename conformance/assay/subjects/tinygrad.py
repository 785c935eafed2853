"""tinygrad (https://docs.tinygrad.org) as a subject: `assay run tinygrad`; needs `pip install tinygrad`.

tinygrad compiles for the CPU with clang; where there is none, its own interpreter in Python computes
(DEV=PYTHON), which is exact but slow. bfloat16 is claimed where that clang knows it (17 or later on x86). What tinygrad
calls weakfloat and weakint, a number's dtype that gives way to the next operand's, is told as the dtype that reading
it gives.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

from assay.reading import tensors_of
from assay.subjects.adapter import Claims
from assay.subjects.tables import TableAdapter

# before tinygrad is imported
if shutil.which("clang") is None:
    os.environ.setdefault("DEV", "PYTHON")

from tinygrad import Device, Tensor, dtypes

from assay.subjects.tinygrad_table import OPERATIONS

_DTYPES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64"
#: tinygrad's older names of its dtypes, as they print.
_PRINTED = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64"}
_PRINTED |= {"short": "int16", "char": "int8", "uchar": "uint8", "ushort": "uint16", "uint": "uint32"}
_PRINTED |= {"ulong": "uint64"}


@functools.cache
def knows_bfloat16() -> bool:
    """Whether what computes here takes tinygrad's bfloat16: older versions of clang do not."""
    clang = shutil.which("clang")
    if Device.DEFAULT != "CPU" or clang is None:
        return True
    asked = subprocess.run([clang, "-x", "c", "-fsyntax-only", "-"], input=b"__bf16 one;", capture_output=True)
    return asked.returncode == 0


def _reaches(output: Any, leaf: Any) -> bool:
    """Whether the output is computed from the leaf."""
    return leaf.uop in output.uop.backward_slice_with_self


class Tinygrad(TableAdapter):
    """tinygrad behind PyTorch's names: values, shapes, dtypes and first derivatives."""

    claims = Claims(
        aspects=("structure", "dtype", "shape", "values", "gradients"),
        operations=tuple(OPERATIONS),
        dtypes=tuple(_DTYPES.split()),
    )
    operations = OPERATIONS
    dtypes: ClassVar[dict[str, Any]] = {name: getattr(dtypes, name) for name in _DTYPES.split()}

    def __init__(self) -> None:
        super().__init__(None)
        if not knows_bfloat16():
            claimed = tuple(name for name in self.claims.dtypes if name != "bfloat16")
            self.claims = replace(self.claims, dtypes=claimed)
        self._leaves: list[Any] = []
        self._made: list[tuple[Any, Any]] = []

    def start(self) -> None:
        """Nothing to switch on."""

    def reset(self, seed: int, default_dtype: str) -> None:
        super().reset(seed, default_dtype)
        self._leaves, self._made = [], []

    def named(self, path: str) -> Any:
        if path.removeprefix("torch.") == "bfloat16" and not knows_bfloat16():
            raise NotImplementedError("bfloat16: the compiler does not know it")
        return super().named(path)

    def tensor(self, array: np.ndarray, dtype: str) -> Any:
        if dtype not in self.claims.dtypes:
            raise NotImplementedError(dtype)
        if dtype == "bfloat16":
            return Tensor(array.view(ml_dtypes.bfloat16).astype(np.float32)).cast(dtypes.bfloat16).realize()
        return Tensor(array.copy() if array.shape else array.copy().reshape(1)).reshape(array.shape).realize()

    def differentiable(self, tensor: Any) -> Any:
        made = tensor.clone().realize()
        self._leaves.append(made)
        return made

    def detached(self, tensor: Any) -> Any:
        return tensor.detach()

    def copy(self, tensor: Any) -> Any:
        return tensor.clone()

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any]
    ) -> Any:
        if any(isinstance(value, complex) for value in (*args, *kwargs.values())):
            raise NotImplementedError("complex numbers")
        result = function(*args, **kwargs)
        self._made = [(tensor, tensor.uop) for _, tensor in tensors_of(self, result)]
        return result

    def _as_made(self, tensor: Any) -> Any:
        """A result with its graph: reading one may put what was computed in the place of how."""
        return next((Tensor(uop) for made, uop in self._made if made is tensor), tensor)

    def requires_grad(self, tensor: Any) -> bool:
        made = self._as_made(tensor)
        return bool(made.is_floating_point()) and any(_reaches(made, leaf) for leaf in self._leaves)

    def grad(
        self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], create_graph: bool
    ) -> Sequence[Any]:
        found: list[Any] = [None] * len(inputs)
        for output, cotangent in zip(map(self._as_made, outputs), cotangents, strict=True):
            for i, part in enumerate(output.gradient(*inputs, gradient=cotangent)):
                if _reaches(output, inputs[i]):  # elsewhere tinygrad answers zeros, PyTorch None
                    found[i] = part if found[i] is None else found[i] + part
        return found

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def dtype(self, tensor: Any) -> str:
        name = str(tensor.dtype).removeprefix("dtypes.")
        if name.startswith("weak"):
            return str(tensor.numpy().dtype)
        return _PRINTED.get(name, name)

    def data(self, tensor: Any, dtype: str) -> bytes | None:
        array: np.ndarray = tensor.cast(dtypes.float32).numpy() if dtype == "bfloat16" else tensor.numpy()
        return (array.astype(ml_dtypes.bfloat16) if dtype == "bfloat16" else array).tobytes()

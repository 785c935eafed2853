"""JAX (https://docs.jax.dev) as a subject: `assay run jax`; needs `pip install "jax[cpu]"`.

Arrays are immutable and have no strides; derivatives are those of functions, so that a call is differentiated as it is
made. 64-bit types are switched on, as PyTorch has them. Each operation of each shape is compiled, which takes about
50 ms: JAX's own compilation cache (JAX_COMPILATION_CACHE_DIR) makes the same run again three times as fast.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import ml_dtypes
import numpy as np

# before JAX is imported: it would take the GPU's memory, and every core
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("NPROC", os.environ.get("OMP_NUM_THREADS", "1"))

import jax
import jax.numpy as jnp

from assay.subjects.adapter import Claims
from assay.subjects.jax_arrays import ARRAYS
from assay.subjects.jax_elementwise import ELEMENTWISE
from assay.subjects.tables import TableAdapter, substituted

jax.config.update("jax_enable_x64", True)

OPERATIONS = ELEMENTWISE | ARRAYS
_DTYPES = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"


class Jax(TableAdapter):
    """JAX behind PyTorch's names: values, shapes, dtypes and first derivatives."""

    claims = Claims(
        aspects=("structure", "dtype", "shape", "values", "gradients"),
        operations=tuple(OPERATIONS),
        dtypes=tuple(_DTYPES.split()),
    )
    operations = OPERATIONS
    dtypes: ClassVar[dict[str, Any]] = {name: getattr(jnp, name) for name in _DTYPES.split() if name != "bool"}
    dtypes["bool"] = jnp.bool_

    def __init__(self) -> None:
        super().__init__(jax)
        self._leaves: list[Any] = []
        self._results: list[Any] = []
        self._outputs: Any = None
        self._pull: Callable[..., Any] | None = None

    def start(self) -> None:
        """Nothing to switch on."""

    def reset(self, seed: int, default_dtype: str) -> None:
        super().reset(seed, default_dtype)
        self._leaves, self._results, self._pull = [], [], None

    def tensor(self, array: np.ndarray, dtype: str) -> Any:
        if dtype not in self.dtypes:
            raise NotImplementedError(dtype)
        return jnp.asarray(array.view(ml_dtypes.bfloat16) if dtype == "bfloat16" else array.copy())

    def differentiable(self, tensor: Any) -> Any:
        made = jnp.array(tensor)
        self._leaves.append(made)
        return made

    def detached(self, tensor: Any) -> Any:
        return tensor

    def copy(self, tensor: Any) -> Any:
        return jnp.array(tensor)

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any]
    ) -> Any:
        if not leaves:
            return function(*args, **kwargs)

        def of_leaves(*given: Any) -> Any:
            replaced = {k: substituted(v, leaves, given) for k, v in kwargs.items()}
            return function(*substituted(args, leaves, given), **replaced)

        self._outputs, self._pull = jax.vjp(of_leaves, *leaves)
        flat = jax.tree_util.tree_leaves(self._outputs)
        self._results = [r for r in flat if jnp.issubdtype(r.dtype, jnp.inexact)]
        return self._outputs

    def requires_grad(self, tensor: Any) -> bool:
        return any(tensor is one for one in (*self._results, *self._leaves))

    def grad(
        self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], create_graph: bool
    ) -> Sequence[Any]:
        # One array may be several outputs: each occurrence has a cotangent of its own.
        given: dict[int, list[Any]] = {}
        for output, weight in zip(outputs, cotangents, strict=True):
            given.setdefault(id(output), []).append(weight)

        def cotangent(output: Any) -> Any:
            if jnp.issubdtype(output.dtype, jnp.inexact):
                left = given.get(id(output))
                found = left.pop(0) if left else jnp.zeros_like(output)
                # JAX's complex derivatives are the conjugates of PyTorch's
                return jnp.conj(found) if jnp.iscomplexobj(found) else found
            return np.zeros(output.shape, jax.dtypes.float0)

        assert self._pull is not None
        found = self._pull(jax.tree_util.tree_map(cotangent, self._outputs))
        return [jnp.conj(g) if jnp.iscomplexobj(g) else g for g in found]

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, jax.Array)

    def dtype(self, tensor: Any) -> str:
        return str(tensor.dtype)

    def data(self, tensor: Any, dtype: str) -> bytes | None:
        return np.asarray(tensor).tobytes()

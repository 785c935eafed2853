"""Every path of a kernel must give the same bits: contiguous or strided, 32- or 64-bit, threads in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from flambeau.cuda.host.arrays import Array, launch_on, numpy_dtype
from flambeau.cuda.host.runner import HostModule
from flambeau.cuda.launch import Launch
from flambeau.cuda.templates import ElementwiseKernel, instance, module_source, results_of

ORDERS = (0, 1, 20261)
# Several blocks and no multiple of a vector; sizes share a factor, since indices taken modulo coprime sizes still
# visit every element once.
SHAPE = (9, 15, 21)

GUARD = 64  # bytes


@dataclass(frozen=True)
class Trial:
    """One launch to run: it writes ``result``, which starts ``before`` bytes into ``memory``, from ``operands``."""

    kernel: ElementwiseKernel
    dtype: str
    path: str
    launch: Launch
    result: Array
    memory: Array
    before: int
    operands: tuple[Array, ...]


def trials(kernel: ElementwiseKernel) -> Iterator[Trial]:
    """Launches of one operation on each dtype: contiguous and aligned, off alignment, transposed."""
    parameters = [1] * len(kernel.params)
    for dtype, to in product(kernel.dtypes, results_of(kernel)):
        wanted = instance(kernel, dtype, to=to)
        operands = [_values(name, position) for position, name in enumerate(wanted.operands)]
        for path, arrange in _ARRANGEMENTS.items():
            arrays = tuple(arrange(array) for array in operands)
            before = numpy_dtype(wanted.result).itemsize if path == "unaligned" else 0
            memory, result = _room(wanted.result, before)
            launch = launch_on(kernel, dtype, result, arrays, parameters, to)
            if launch is not None:
                yield Trial(
                    kernel, dtype if to is None else f"{dtype} to {to}", path, launch, result, memory, before, arrays
                )


def host_module(kernels: Sequence[ElementwiseKernel]) -> HostModule:
    """Every path of the kernels on every dtype, with 32-bit indices, compiled for the CPU; kept on disk.

    Raises RuntimeError when g++ refuses the source.
    """
    return _module(kernels, [trial for kernel in kernels for trial in trials(kernel)])


def _module(kernels: Sequence[ElementwiseKernel], planned: Sequence[Trial]) -> HostModule:
    return HostModule(module_source(kernels), [trial.launch.expression for trial in planned])


def inconsistencies(kernels: Sequence[ElementwiseKernel]) -> list[str]:
    """Compile the kernels for the host, run all trials in every order, and say where two of them differ.

    Raises RuntimeError when g++ refuses the source.
    """
    planned = [trial for kernel in kernels for trial in trials(kernel)]
    module = _module(kernels, planned)
    found = []
    reference: dict[tuple[str, str], bytes] = {}
    for trial in planned:
        who = f"{trial.kernel.name}, {trial.dtype}, {trial.path}"
        answers = set()
        for order, fill in zip(ORDERS, (0, 1, 0), strict=True):  # two fills: an element left unwritten differs
            trial.memory.fill(fill)
            module.launch(trial.launch, order)
            answers.add(trial.result.tobytes())
            after = trial.before + trial.result.nbytes
            if (trial.memory[: trial.before] != fill).any() or (trial.memory[after:] != fill).any():
                found.append(f"{who}: memory outside the result was written")
        if len(answers) > 1:
            found.append(f"{who}: the result depends on the order of the threads, or not all of it is written")
        if reference.setdefault((trial.kernel.name, trial.dtype), min(answers)) not in answers:
            found.append(f"{who}: differs from the contiguous path")
    return found


def _values(dtype: str, position: int) -> Array:
    """Distinct small values in (-4, 5), none zero, of any dtype; the second operand's in another order."""
    count = int(np.prod(SHAPE))
    step = np.roll(np.arange(count), 37 * position) % 17
    if dtype == "bool":
        return np.asarray(step % 2 == 0).reshape(SHAPE)
    values: Array = step // 2 + 1 if dtype.startswith("u") else step - 4 + (step >= 4)
    if numpy_dtype(dtype).kind == "c":
        values = values + 1j * np.roll(values, 5)
    elif dtype.startswith(("float", "bfloat")):
        values = values * 0.375
    return values.reshape(SHAPE).astype(numpy_dtype(dtype))


def _room(dtype: str, before: int) -> tuple[Array, Array]:
    """Bytes of memory, and the array of ``SHAPE`` in them, ``before`` bytes from the start and a guard from the end."""
    kind = numpy_dtype(dtype)
    size = int(np.prod(SHAPE)) * kind.itemsize
    memory = np.zeros(before + size + GUARD, np.uint8)
    return memory, memory[before : before + size].view(kind).reshape(SHAPE)


def _unaligned(array: Array) -> Array:
    buffer = np.empty(array.size + 1, array.dtype)
    buffer[1:] = array.reshape(-1)
    return buffer[1:].reshape(array.shape)


def _transposed(array: Array) -> Array:
    return np.ascontiguousarray(array.T).T


_ARRANGEMENTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": np.ascontiguousarray,
    "unaligned": _unaligned,
    "transposed": _transposed,
}

"""From shapes, strides and addresses to one kernel launch: collapsed geometry, index width, packed arguments.

A launch's arguments are one buffer laid out as the kernel's argument struct in ``kernels/elementwise.cuh``; the driver
takes it whole (``CU_LAUNCH_PARAM_BUFFER_POINTER``), and so does the host runner.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flambeau.cuda.cpp import CPP_TYPES
from flambeau.cuda.templates import VECTOR_BYTES, ElementwiseKernel, Instance, instance

MAX_DIMS = 8  # as in elementwise.cuh
BLOCK = 256
MAX_BLOCKS = 4096
# A grid's threads step past the end by at most one grid, which must not overflow the index.
INDEX_LIMIT = 2**31 - 1 - MAX_BLOCKS * 1024 * VECTOR_BYTES


@dataclass(frozen=True)
class Operand:
    """Device memory of a tensor: the address of its first element and its strides in elements."""

    address: int
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Launch:
    """One kernel launch: which instance, how many blocks of how many threads, and the packed arguments."""

    expression: str
    grid: tuple[int, ...]
    block: tuple[int, ...]
    arguments: bytes


class Packer:
    """Bytes of a C struct: each value at its natural alignment, the whole padded to the largest."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._largest = 1

    def align(self, alignment: int) -> None:
        self._largest = max(self._largest, alignment)
        self._bytes.extend(bytes(-len(self._bytes) % alignment))

    def add(self, code: str, *values: int | float | bool) -> None:
        """Append values of one ``struct`` code, as an array."""
        self.align(struct.calcsize(code))
        self._bytes += struct.pack(f"={len(values)}{code}", *values)

    def scalars(self, dtype: str, values: Sequence[complex]) -> None:
        """Append values as the compute type of ``dtype``; none still takes one element, as in C."""
        code = CPP_TYPES[dtype].scalar
        self.align(struct.calcsize(code))
        for value in values or (0,):
            parts = (value,) if len(code) == 1 else (complex(value).real, complex(value).imag)
            if code[0] == "f":  # too large is infinite, as in C
                parts = tuple(ctypes.c_float(part).value for part in parts)  # type: ignore[arg-type, assignment]
            self.add(code[0], *parts)

    def finish(self) -> bytes:
        self.align(self._largest)
        return bytes(self._bytes)


def collapse(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Fewest dimensions with the same elements in them, innermost first: ``(sizes, strides by operand)``.

    Dimensions of size 1 go, the rest are ordered by stride, the first operand's before the others', and neighbours
    that every operand steps through as one are merged.
    """
    dims = [d for d in range(len(shape)) if shape[d] != 1]
    dims.sort(key=lambda d: [abs(operand[d]) for operand in strides] + [-d])
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for d in dims:
        if sizes and all(operand[d] == step[-1] * sizes[-1] for operand, step in zip(strides, steps, strict=True)):
            sizes[-1] *= shape[d]
            continue
        sizes.append(shape[d])
        for operand, step in zip(strides, steps, strict=True):
            step.append(operand[d])
    return sizes, steps


def divisor(value: int) -> tuple[int, int, int]:
    """``(value, multiplier, shift)`` such that ``n // value == (n * multiplier // 2**32 + n) >> shift`` below 2**31."""
    shift = (value - 1).bit_length()
    return value, (2**32 * (2**shift - value)) // value + 1, shift


def index_type(count: int, sizes: Sequence[int], steps: Sequence[Sequence[int]]) -> Literal["i32", "i64"]:
    """ "i32" if the element count and every offset fit with room for one grid's step, else "i64"."""
    offsets = (sum((size - 1) * abs(step) for size, step in zip(sizes, operand, strict=True)) for operand in steps)
    return "i32" if max(count, *offsets) <= INDEX_LIMIT else "i64"


def vector_width(wanted: Instance, addresses: Sequence[int]) -> int:
    """How many elements a thread may move at once, the result's address first: 1 unless all are aligned to more."""
    sizes = (CPP_TYPES[dtype].itemsize for dtype in (wanted.result, *wanted.operands))
    aligned = all(address % (wanted.width * size) == 0 for address, size in zip(addresses, sizes, strict=True))
    return wanted.width if aligned else 1


def elementwise_launch(
    kernel: ElementwiseKernel,
    dtype: str,
    shape: Sequence[int],
    result: Operand,
    operands: Sequence[Operand],
    parameters: Sequence[complex] = (),
    default_float: str = "float32",
    to: str | None = None,
) -> Launch | None:
    """The launch that computes ``kernel`` over operands broadcast to ``shape``; None if there are no elements.

    Operands have been promoted to ``dtype``; a broadcast dimension has stride 0; ``to`` is the dtype of a conversion's
    result. Raises NotImplementedError for a
    dtype the operation has no body for, ValueError for a wrong number of operands or parameters, or for geometry that
    needs more than 8 dimensions after collapsing (copy an operand to contiguous memory first).
    """
    if len(operands) != len(kernel.inputs) or len(parameters) != len(kernel.params):
        raise ValueError(
            f"{kernel.name} takes {len(kernel.inputs)} tensors and {len(kernel.params)} scalars, "
            f"got {len(operands)} and {len(parameters)}"
        )
    everyone = (result, *operands)
    for operand in everyone:
        if len(operand.strides) != len(shape):
            raise ValueError(f"{kernel.name}: strides {operand.strides} do not go with shape {tuple(shape)}")
    count = 1
    for size in shape:
        count *= size
    if count == 0:
        instance(kernel, dtype, default_float=default_float, to=to)
        return None
    sizes, steps = collapse(shape, [operand.strides for operand in everyone])
    if len(sizes) > MAX_DIMS:
        raise ValueError(
            f"{kernel.name}: {len(sizes)} dimensions are left after collapsing, at most {MAX_DIMS} are possible; "
            "make the operands contiguous first"
        )
    index = index_type(count, sizes, steps)
    wanted = instance(kernel, dtype, index, default_float, to)
    packer = Packer()
    packer.add("Q", result.address)
    packer.add("Q", *([operand.address for operand in operands] or [0]))
    if all(step in ([], [1]) for step in steps):
        width = vector_width(wanted, [operand.address for operand in everyone])
        packer.add("i" if index == "i32" else "q", count)
        expression, per_block = wanted.contiguous(width), BLOCK * width
    else:
        _pack_geometry(packer, wanted, count, sizes, steps)
        expression, per_block = wanted.strided(), BLOCK
    packer.scalars(wanted.scalars, parameters)
    blocks = min(-(-count // per_block), MAX_BLOCKS)
    return Launch(expression, (blocks,), (BLOCK,), packer.finish())


def _pack_geometry(packer: Packer, wanted: Instance, count: int, sizes: list[int], steps: list[list[int]]) -> None:
    packer.add("i" if wanted.index == "i32" else "q", count)
    packer.add("i", len(sizes))
    pack_sizes(packer, wanted.index, sizes)
    pack_strides(packer, wanted.index, *steps)


def pack_sizes(packer: Packer, index: Literal["i32", "i64"], sizes: Sequence[int]) -> None:
    """Append ``Divisor<Index>[MAX_DIMS]``."""
    padded = (*sizes, *[1] * (MAX_DIMS - len(sizes)))
    if index == "i64":
        packer.add("q", *padded)
        return
    for size in padded:
        packer.add("I", *divisor(size))


def pack_strides(packer: Packer, index: Literal["i32", "i64"], *steps: Sequence[int]) -> None:
    """Append ``Index[MAX_DIMS]`` for each operand."""
    for step in steps:
        packer.add("i" if index == "i32" else "q", *step, *[0] * (MAX_DIMS - len(step)))

"""Launches of the reductions in ``kernels/reduction.cuh``: sum, mean, prod, max, min, all, any."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from math import prod
from typing import Literal

from flambeau.cuda.cpp import ALL, COMPLEX, CPP_TYPES, EXACT, FLOATING, REAL
from flambeau.cuda.launch import (
    BLOCK,
    MAX_BLOCKS,
    MAX_DIMS,
    Launch,
    Operand,
    Packer,
    collapse,
    index_type,
    pack_sizes,
    pack_strides,
)

SOURCE = '#include "reduction.cuh"\n'

#: Reductions and the dtypes each accepts.
REDUCTIONS = {
    "sum": ("Sum", ALL),
    "mean": ("Mean", (*FLOATING, *COMPLEX)),
    "prod": ("Prod", ALL),
    "max": ("Max", REAL),
    "min": ("Min", REAL),
    "all": ("All", ALL),
    "any": ("Any", ALL),
}
#: The declared operations that each serves.
SERVES = {
    "sum": ("sum",),
    "mean": ("mean",),
    "prod": ("prod",),
    "max": ("max.all", "amax"),
    "min": ("min.all", "amin"),
    "all": ("all",),
    "any": ("any",),
}
#: Declared reductions, and their helpers, without a kernel yet.
WITHOUT_KERNEL = frozenset(
    "nansum count_nonzero trace diagonal_matrix centred max.dim min.dim aminmax argmax argmin median.all median.dim "  # noqa: SIM905
    "nanmedian.all nanmedian.dim mode linalg_vector_norm dist var std var_mean std_mean logsumexp".split()
)
# A block is worth its barriers only for reductions longer than this.
SHORT = 64
# Results fewer than this leave a GPU idle: long reductions are then split into parts of at least PART elements.
BUSY = 512
PART = 16 * BLOCK


def result_dtype(name: str, dtype: str) -> str:
    """int64 for sums and products of integers, bool for all and any but of uint8, else the operand's dtype."""
    if name in ("all", "any"):
        return "uint8" if dtype == "uint8" else "bool"
    return "int64" if name in ("sum", "prod") and dtype in EXACT else dtype


def reduction_launches(
    name: str,
    dtype: str,
    shape: Sequence[int],
    dims: Collection[int],
    result: Operand,
    operand: Operand,
    allocate: Callable[[int], int],
) -> list[Launch]:
    """Launches, in order, that reduce ``dims`` of an operand of ``shape``.

    ``result.strides`` has one entry for each dimension of ``shape``; those of reduced ones are ignored.
    ``allocate(bytes)`` gives the address of workspace, and is called only where a reduction is split. No launch when
    there are no results. Raises NotImplementedError for a dtype the reduction is not defined on, ValueError for
    geometry of more than 8 dimensions after collapsing.
    """
    functor, dtypes = REDUCTIONS[name]
    if dtype not in dtypes:
        raise NotImplementedError(f'"{name}_cuda" not implemented for {dtype}')
    answer = result_dtype(name, dtype)
    kept = [d for d in range(len(shape)) if d not in dims]
    gone = [d for d in range(len(shape)) if d in dims]
    results, length = prod(shape[d] for d in kept), prod(shape[d] for d in gone)
    if results == 0:
        return []
    kept_sizes, (result_step, kept_step) = collapse(
        [shape[d] for d in kept], [[operand_.strides[d] for d in kept] for operand_ in (result, operand)]
    )
    sizes, (step,) = collapse([shape[d] for d in gone], [[operand.strides[d] for d in gone]])
    if max(len(kept_sizes), len(sizes)) > MAX_DIMS:
        raise ValueError(
            f"{name}: more than {MAX_DIMS} dimensions are left after collapsing; make the operand contiguous"
        )
    if length == 0:
        sizes, step = [], []
    index = index_type(
        max(results, length), [*kept_sizes, *sizes], [[*kept_step, *step], [*result_step, *[0] * len(sizes)]]
    )
    accumulated = CPP_TYPES[answer].computed
    stored, out = CPP_TYPES[dtype].stored, CPP_TYPES[answer].stored
    count = float(length)
    geometry = (kept_sizes, sizes, result_step, kept_step, step)

    def launch(kernel: str, blocks: int, *arguments: object) -> Launch:
        packed = _pack(index, count, *arguments)  # type: ignore[arg-type]
        return Launch(f"flambeau::{kernel}", (min(blocks, MAX_BLOCKS),), (BLOCK,), packed)

    common = f"flambeau::{functor}, flambeau::{index}, {accumulated}"
    side_by_side = bool(kept_step) and kept_step[0] == 1 and step[:1] != [1]
    if length <= SHORT or (side_by_side and results >= BUSY):
        kernel = f"reduce_by_thread<{common}, {out}, {stored}>"
        return [
            launch(kernel, -(-results // BLOCK), result.address, operand.address, results, length, 1, length, *geometry)
        ]
    parts = 1 if results >= BUSY else min(-(-length // PART), -(-BUSY // results))
    if parts == 1:
        kernel = f"reduce_by_block<{common}, {out}, {stored}, true>"
        return [launch(kernel, results, result.address, operand.address, results, length, 1, length, *geometry)]
    part = -(-length // parts)
    parts = -(-length // part)
    workspace = allocate(results * parts * _accumulator_bytes(answer))
    first = launch(
        f"reduce_by_block<{common}, {accumulated}, {stored}, false>",
        results * parts,
        *(workspace, operand.address, results, length, parts, part),
        *geometry,
    )
    # The parts of one result lie side by side; results follow each other in the order of the kept dimensions.
    between = [prod(kept_sizes[:d]) * parts for d in range(len(kept_sizes))]
    second = launch(
        f"reduce_by_block<{common}, {out}, {accumulated}, true>",
        results,
        *(result.address, workspace, results, parts, 1, parts),
        *(kept_sizes, [parts], result_step, between, [1]),
    )
    return [first, second]


def reduction_instances(name: str) -> list[str]:
    """Name expressions that cover a reduction: every dtype by block, by thread and in parts; 64-bit on the first."""
    functor, dtypes = REDUCTIONS[name]
    expressions = []
    for position, dtype in enumerate(dtypes):
        answer = result_dtype(name, dtype)
        stored, out, accumulated = CPP_TYPES[dtype].stored, CPP_TYPES[answer].stored, CPP_TYPES[answer].computed
        for index in ("i32", "i64") if position == 0 else ("i32",):
            common = f"flambeau::{functor}, flambeau::{index}, {accumulated}"
            expressions += [
                f"flambeau::reduce_by_thread<{common}, {out}, {stored}>",
                f"flambeau::reduce_by_block<{common}, {out}, {stored}, true>",
                f"flambeau::reduce_by_block<{common}, {accumulated}, {stored}, false>",
                f"flambeau::reduce_by_block<{common}, {out}, {accumulated}, true>",
            ]
    return list(dict.fromkeys(expressions))


def _accumulator_bytes(dtype: str) -> int:
    return {"float16": 4, "bfloat16": 4, "complex32": 8}.get(dtype, CPP_TYPES[dtype].itemsize)


def _pack(
    index: Literal["i32", "i64"],
    count: float,
    result: int,
    operand: int,
    results: int,
    length: int,
    parts: int,
    part: int,
    kept_sizes: list[int],
    sizes: list[int],
    result_step: list[int],
    kept_step: list[int],
    step: list[int],
) -> bytes:
    packer = Packer()
    packer.add("Q", result, operand)
    packer.add("i" if index == "i32" else "q", results, length, parts, part)
    packer.add("i", len(kept_sizes), len(sizes))
    pack_sizes(packer, index, kept_sizes)
    pack_sizes(packer, index, sizes)
    pack_strides(packer, index, result_step, kept_step, step)
    packer.add("d", count)
    return packer.finish()

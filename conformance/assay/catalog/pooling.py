"""Pools of nn.functional and of torch: averages, maxima, norms, adaptive and fractional ones, and maxima put back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, TensorSpec, Values
from assay.catalog.form import Execution, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import Tensor, choice, flag, made, tensor
from assay.catalog.results import unknown
from assay.catalog.sliding import (
    DILATION,
    KERNEL,
    LENGTHS,
    PADDING,
    STRIDE,
    Slide,
    lead,
    over,
    part,
    pooled,
    slid,
    slide_of,
    sliding,
)
from assay.dtypes import FLOATING, FLOATS, REAL
from assay.policy import Policy
from assay.strategies.shapes import Shape

AVERAGE = Policy(scale="sum_abs", overflow=True, strides=True, signed_zeros=False)
MAXIMUM = Policy(values="exact", strides=True, signed_zeros=False)
#: A power and its root: the rounding of 1/p is multiplied by the logarithm of the sum; up to 8 units in float32.
NORM = Policy(overflow="power", method_error=2.0)
CEIL = opt("ceil_mode", flag())

# -- averages --------------------------------------------------------------------------------------------------------
COUNTED = opt("count_include_pad", flag())
DIVISOR = opt("divisor_override", choice((1, 2, 3, 7, -2, None), (0, 1.5, "two")), 0.6)
AVERAGED = {1: (*FLOATING, "int64"), 2: (*FLOATING, "int64"), 3: (*FLOATS, "int64")}
for rank, dtypes in AVERAGED.items():
    windows = (sliding(pooled(rank)), over(dtypes), KERNEL, STRIDE, PADDING, CEIL, COUNTED)
    names = ("avg_pool1d", "nn.functional.avg_pool1d") if rank == 1 else (f"nn.functional.avg_pool{rank}d",)
    for name in names:
        entry(
            name,
            *windows,
            *(() if rank == 1 else (DIVISOR,)),
            variants="function",
            out=None if rank == 1 else unknown,
            order=2,
            policy=AVERAGE,
        )

# -- maxima ----------------------------------------------------------------------------------------------------------
INDICES = opt("return_indices", flag())


@dataclass(frozen=True)
class _volumes(Tensor):
    """To PyTorch, channels last is an order of four dims, which it refuses for volumes without a batch."""

    def realise(self, drawn: Shape, name: str, ex: Execution) -> TensorSpec:
        spec = super().realise(drawn, name, ex)
        return replace(spec, layout=Layout()) if spec.layout.kind == "channels_last" else spec


def maxima(name: str, rank: int, dtypes: tuple[str, ...], *more: Param) -> None:
    """A maximum pool."""
    given = arg("input", _volumes(dtypes, slid)) if rank == 3 else over(dtypes)
    windows = (sliding(pooled(rank, dilated=True)), given, KERNEL, STRIDE, PADDING, DILATION, CEIL)
    entry(name, *windows, *more, variants="function", order=2, policy=MAXIMUM)


for rank in (1, 2, 3):
    maxima(f"max_pool{rank}d", rank, FLOATING if rank == 1 else REAL)
    maxima(f"nn.functional.max_pool{rank}d", rank, FLOATING if rank == 1 else REAL, INDICES)
    maxima(f"nn.functional.max_pool{rank}d_with_indices", rank, REAL, INDICES)
maxima("max_pool1d_with_indices", 1, REAL)


# -- norms -----------------------------------------------------------------------------------------------------------
for rank in (1, 2, 3):
    entry(
        f"nn.functional.lp_pool{rank}d",
        sliding(pooled(rank, padded=False)),
        over(FLOATS if rank == 3 else FLOATING),
        arg("norm_type", choice((2, 1, 2.0, 3, 1.5, 4), ("two", None))),
        KERNEL if rank > 1 else arg("kernel_size", made(lambda d, ex: slide_of(ex).kernel[0], None, (0, -1, "two"))),
        STRIDE,
        CEIL,
        variants="function",
        order=2,
        policy=NORM,
    )


# -- to a given size -------------------------------------------------------------------------------------------------
def adaptive(rank: int) -> Any:
    """Any size, and the size it is to become."""

    def rule(draw: st.DrawFn, env: Structure) -> Slide:
        size = tuple(draw(st.sampled_from(LENGTHS[rank])) for _ in range(rank))
        wanted = tuple(draw(st.sampled_from((2, 1, 3, 4, 5, 7))) for _ in range(rank))
        if draw(st.booleans()):
            wanted = wanted[:1] * rank
        ones = (1,) * rank
        return Slide(lead(draw, env), size, ones, ones, ones, ones, (("wanted", wanted),))

    return rule


def _wanted(drawn: Any, ex: Execution) -> Any:
    """The size that is asked for; None stands for as it is, but not in one dimension."""
    slide = slide_of(ex)
    wanted = list(slide.part("wanted"))
    if len(wanted) > 1:
        wanted = [None if ex.pick.chance(0.15) else n for n in wanted]
    if len(set(wanted)) == 1 and wanted[0] is not None and ex.pick.chance(0.6):
        return wanted[0]
    return wanted if ex.pick.chance(0.3) else tuple(wanted)


OUTPUT = arg("output_size", made(_wanted, None, (-1, (2, 2, 2, 2), (-2,), 2.5)))
for name in ("avg", "max"):
    policy = AVERAGE if name == "avg" else MAXIMUM
    for rank in (1, 2, 3):
        op = f"adaptive_{name}_pool{rank}d"
        where = (sliding(adaptive(rank)), over(FLOATING), OUTPUT)
        if rank == 1:
            entry(op, *where, variants="function", order=2, policy=policy)
        more = (INDICES,) if name == "max" else ()
        entry(f"nn.functional.{op}", *where, *more, variants="function", order=2, policy=policy)
        if name == "max":
            entry(f"nn.functional.{op}_with_indices", *where, *more, variants="function", order=2, policy=policy)


# -- fractional ------------------------------------------------------------------------------------------------------
def fractional(rank: int, settled: bool = False) -> Any:
    """A window and an output that its random steps fit into; settled: whatever is drawn, the steps are the same (as
    many windows as there are places; in three dimensions, which PyTorch lets have one less, one window)."""

    def rule(draw: st.DrawFn, env: Structure) -> Slide:
        size = tuple(draw(st.sampled_from((4, 5, 3, 6, 3))) for _ in range(rank))
        kernel = tuple(draw(st.integers(1, 2)) for _ in size)
        most = [n - k + (rank == 2) for n, k in zip(size, kernel, strict=True)]
        least = most if settled and rank == 2 else [1] * rank
        wanted = tuple(low if settled else draw(st.integers(low, n)) for low, n in zip(least, most, strict=True))
        ones = (1,) * rank
        return Slide(lead(draw, env), size, kernel, ones, ones, ones, (("wanted", wanted),))

    return rule


def _samples(drawn: Any, ex: Execution) -> TensorSpec:
    """One uniform number a plane and dimension."""
    slide = slide_of(ex)
    front = slide.lead if len(slide.lead) == 2 else (1, *slide.lead)
    return TensorSpec((*front, len(slide.size)), ex.dtype, Values("uniform", ex.pick.seed(), 0.0, 0.9375))


def _ratio(drawn: Any, ex: Execution) -> Any:
    """Of output to input: between two outputs, so that rounding it down is no matter of the last bit."""
    slide = slide_of(ex)
    return tuple((w + 0.5) / n for w, n in zip(slide.part("wanted"), slide.size, strict=True))


SAMPLES = kw("_random_samples", made(_samples), 0)
WANTED = part("wanted", (0, 1000))
for rank in (2, 3):
    for suffix in ("", "_with_indices"):
        window = (over(FLOATING), arg("kernel_size", part("kernel", (1000,))))
        entry(
            f"nn.functional.fractional_max_pool{rank}d{suffix}",
            form(
                sliding(fractional(rank)), *window, arg("output_size", WANTED),
                SAMPLES, kw("return_indices", flag()), variants="function", order=2, weight=3,
            ),
            form(
                sliding(fractional(rank)), *window, kw("output_ratio", made(_ratio, None, (2.0, (0.0,) * rank)), 0),
                SAMPLES, kw("return_indices", flag()), variants="function", order=2, weight=2,
            ),
            form(
                sliding(fractional(rank, settled=True)), *window, arg("output_size", WANTED),
                kw("return_indices", flag()), variants="function", order=2,
            ),
            policy=MAXIMUM,
        )  # fmt: skip


# -- maxima put back -------------------------------------------------------------------------------------------------
def unpooled(rank: int) -> Any:
    """What is put back, and where to."""

    def rule(draw: st.DrawFn, env: Structure) -> Slide:
        size = tuple(draw(st.integers(1, 3)) for _ in range(rank))
        kernel = tuple(draw(st.integers(2, 3)) for _ in range(rank))
        stride = tuple(draw(st.sampled_from((k, k, 2))) for k in kernel)
        padding = tuple(draw(st.sampled_from((0, 0, 1))) for _ in range(rank))
        plain = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(size, stride, kernel, padding, strict=True))
        padding = tuple(0 if whole < n else p for whole, n, p in zip(plain, size, padding, strict=True))
        plain = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(size, stride, kernel, padding, strict=True))
        wanted = tuple(whole + draw(st.integers(0, s - 1)) for whole, s in zip(plain, stride, strict=True))
        extra = (("wanted", wanted), ("plain", plain))
        return Slide(lead(draw, env), size, kernel, stride, padding, (1,) * rank, extra)

    return rule


def _places(ex: Execution, shape: Shape) -> Values:
    """Places in a plane of the result, no two alike."""
    slide = slide_of(ex)
    return Values("apart", low=len(slide.size), high=math.prod(slide.part("plain")))


def _output_size(drawn: Any, ex: Execution) -> Any:
    slide = slide_of(ex)
    front = slide.lead if len(slide.lead) == 2 and ex.pick.chance(0.3) else ()
    return (*front, *slide.part("wanted"))


for rank in (1, 2, 3):
    entry(
        f"nn.functional.max_unpool{rank}d",
        sliding(unpooled(rank)),
        over(FLOATING),
        arg("indices", tensor(("int64",), slid, own=True, values=_places, contiguous=1.0)),
        arg("kernel_size", part("kernel", (0,))),
        arg("stride", part("stride", (0, -1))),
        opt("padding", part("padding", (-99,)), 0),
        opt("output_size", made(_output_size, None, ((99,) * rank, (1,) * 7)), 0.5),
        variants="function",
        order=2,
        policy=MAXIMUM,
    )

"""Normalisation over batches, groups, instances, layers and channels; running statistics are written into."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Make, TensorSpec, Values
from assay.catalog.form import Execution, Kind, Param, Structure, arg, entry, form, opt
from assay.catalog.kinds import ShapeRule, Tensor, choice, either, flag, integer, made, real, shaped, tensor
from assay.dtypes import DIFFERENTIABLE, FLOATING, HALVES
from assay.policy import NORMALISING
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape

POSITIVE = Values("positive")
EPS = real(among=(1e-5, 1e-3, 0.1, 1.0))
MOMENTUM = real(among=(0.1, 0.5, 1.0, 0.0))
BATCHES, CHANNELS, PLACES = (2, 3, 4, 0), (3, 2, 4, 1, 6, 8), (2, 3, 4, 5)


def channelled(low: int, high: int, spatial: bool = False) -> ShapeRule:
    """(N, C, d1, ...) with more than one element to normalise; spatial: in each instance."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        rank = draw(st.sampled_from([r for r in (3, 2, 4, 3, 5) if low <= r <= high]))
        batch = 0 if env.stratum == "empty" and not spatial else draw(st.sampled_from(BATCHES[: 3 if spatial else 4]))
        places = [draw(st.sampled_from((1, *PLACES) if i or not spatial else PLACES)) for i in range(rank - 2)]
        if env.stratum == "empty" and spatial:
            places[-1] = 0
        return (batch, draw(st.sampled_from(CHANNELS)), *places)

    return rule


def per_channel(draw: st.DrawFn, env: Structure) -> Shape:
    return (env.shape("input")[1],)


def grouped(draw: st.DrawFn, env: Structure) -> Shape:
    """(N, C, d1, ...) with more than one element in each group, whatever the groups."""
    shape = channelled(2, 5)(draw, env)
    return shape if math.prod(shape[2:]) > 1 else (*shape[:2], 2)


def maybe(kind: Tensor) -> either:
    """A tensor or None."""
    return either((kind, choice((None,))), (3, 1))


MEAN, VARIANCE = (tensor((), per_channel, grad=False, values=v, contiguous=1.0) for v in (Values("normal"), POSITIVE))


def finite(ex: Execution, shape: Shape) -> Values:
    """An infinite weight times what is rounded to about zero is NaN or infinite by accident."""
    found = plan(ex.pick, smooth=ex.order > 0)
    return Values("normal") if found.kind == "special" else found


# Contiguous: PyTorch 2.13's derivatives read beyond weights and statistics of other strides.
SCALE = tensor((), per_channel, values=finite, contiguous=1.0)
SHIFT = tensor((), per_channel, contiguous=1.0)
BATCH = arg("input", tensor(FLOATING, channelled(2, 5), prefer=Values("normal")))
HALF_BATCH = arg("input", tensor(HALVES, channelled(2, 5), prefer=Values("normal")))
INSTANCE = arg("input", tensor(FLOATING, channelled(3, 5, True), prefer=Values("normal")))


def few(ex: Execution) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """One value a channel; statistics of another size."""
    one = TensorSpec((1, 3), ex.dtype)
    wrong = TensorSpec((2,), ex.dtype, Values("ones"))
    return [
        ((one, None, None), {"training": True}),
        ((TensorSpec((2, 3), ex.dtype), wrong, wrong), {}),
        ((TensorSpec((2, 3), ex.dtype), None, None), {"training": False}),
        ((TensorSpec((3,), ex.dtype), None, None), {"training": True}),
    ]


def must(name: str, kind: Kind) -> Param:
    """An argument that a form needs, among others that PyTorch has defaults for."""
    return Param(name, kind, 1e-12)


END = (opt("momentum", MOMENTUM), opt("eps", EPS))
TRUE, FALSE = choice((True,)), choice((False,))
TRACKED = (arg("running_mean", MEAN), arg("running_var", VARIANCE))
NONE = (arg("running_mean", choice((None,))), arg("running_var", choice((None,))))
AFFINE = (opt("weight", maybe(SCALE), 0.3), opt("bias", maybe(SHIFT), 0.3))
#: Halves may be normalised with parameters and statistics in float32.
WIDE_MEAN, WIDE_VARIANCE = (replace(k, dtypes=("float32",), relation="own") for k in (MEAN, VARIANCE))
WIDE_SCALE, WIDE_SHIFT = (replace(k, dtypes=("float32",), relation="own") for k in (SCALE, SHIFT))
entry(
    "nn.functional.batch_norm",
    form(BATCH, *TRACKED, *AFFINE, opt("training", FALSE), *END, variants="function", order=2, weight=2),
    form(BATCH, *TRACKED, *AFFINE, must("training", TRUE), *END, variants="function", order=2, weight=2),
    form(BATCH, *NONE, *AFFINE, must("training", TRUE), *END, variants="function", order=2, weight=2),
    form(
        HALF_BATCH,
        arg("running_mean", WIDE_MEAN),
        arg("running_var", WIDE_VARIANCE),
        arg("weight", WIDE_SCALE),
        arg("bias", WIDE_SHIFT),
        opt("training", flag()),
        *END,
        variants="function",
        order=2,
    ),
    policy=NORMALISING,
    bad=few,
)
LAST = (arg("momentum", MOMENTUM), arg("eps", EPS), arg("cudnn_enabled", flag()))
BOTH = (arg("weight", maybe(SCALE)), arg("bias", maybe(SHIFT)))
entry(
    "batch_norm",
    form(BATCH, *BOTH, *TRACKED, arg("training", flag()), *LAST, variants="function", order=2),
    form(BATCH, *BOTH, *NONE, arg("training", TRUE), *LAST, variants="function", order=2),
    policy=NORMALISING,
)
USE = choice((True,), ("yes",))
entry(
    "nn.functional.instance_norm",
    form(
        INSTANCE,
        opt("running_mean", choice((None,))),
        opt("running_var", choice((None,))),
        *AFFINE,
        opt("use_input_stats", USE),
        *END,
        variants="function",
        order=2,
    ),
    form(INSTANCE, *TRACKED, *AFFINE, opt("use_input_stats", flag()), *END, variants="function", order=2),
    policy=NORMALISING,
)
entry(
    "instance_norm",
    form(INSTANCE, *BOTH, *NONE, arg("use_input_stats", TRUE), *LAST, variants="function", order=2),
    form(INSTANCE, *BOTH, *TRACKED, arg("use_input_stats", flag()), *LAST, variants="function", order=2),
    policy=NORMALISING,
)


def divisor_of_channels(draw: st.DrawFn, env: Structure) -> int:
    count = env.shape("input")[1]
    return draw(st.sampled_from([d for d in range(1, count + 1) if count % d == 0]))


GROUPS = made(lambda drawn, ex: drawn, divisor_of_channels, (0, -1, 7))
GROUPED = arg("input", tensor(FLOATING, grouped, prefer=Values("normal")))
for prefix in ("", "nn.functional."):
    entry(
        f"{prefix}group_norm",
        GROUPED,
        arg("num_groups", GROUPS),
        *AFFINE,
        opt("eps", EPS),
        *(() if prefix else (opt("cudnn_enabled", flag()),)),
        variants="function",
        order=2,
        policy=NORMALISING,
    )


# -- over the last dimensions
def how_many(draw: st.DrawFn, env: Structure) -> int:
    return draw(st.integers(1, len(env.shape("input"))))


def last(drawn: int, ex: Execution) -> Any:
    found = ex.shape("input")[-drawn:]
    return ex.pick.choice((found, list(found), Make("Size", (found,))))


def normalised(draw: st.DrawFn, env: Structure) -> Shape:
    return env.shape("input")[-env.drawn["normalized_shape"] :]


OVER = arg("normalized_shape", made(last, how_many, ((99,), (), "text", (2.5,))))
SCALED, SHIFTED = maybe(tensor((), normalised, values=finite)), maybe(tensor((), normalised))
for prefix in ("", "nn.functional."):
    entry(
        f"{prefix}layer_norm",
        arg("input", tensor(FLOATING, shaped(1, 4))),
        OVER,
        opt("weight", SCALED, 0.3),
        opt("bias", SHIFTED, 0.3),
        opt("eps", EPS),
        *(() if prefix else (opt("cudnn_enable", flag()),)),
        variants="function",
        order=2,
        policy=NORMALISING,
    )
    entry(
        f"{prefix}rms_norm",
        arg("input", tensor(DIFFERENTIABLE, shaped(1, 4))),
        OVER,
        opt("weight", SCALED, 0.3),
        opt("eps", choice((None, 1e-5, 0.1, 1.0), ("text",))),
        variants="function",
        order=2,
        policy=NORMALISING,
    )
entry(
    "nn.functional.local_response_norm",
    arg("input", tensor(FLOATING, channelled(3, 5))),
    arg("size", integer(1, 4)),
    opt("alpha", real(among=(1e-4, 0.5, 1.0, 2.0))),
    opt("beta", real(among=(0.75, 0.5, 1.0, 2.0))),
    opt("k", real(among=(1.0, 2.0, 0.5))),
    variants="function",
    order=2,
    policy=NORMALISING,
)

"""Convolutions of torch and of nn.functional, plain and transposed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.form import ABSENT, Execution, Form, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, either, integer, made, shaped, tensor, untyped
from assay.catalog.sliding import DILATION, LENGTHS, STRIDE, Slide, lead, over, part, slid, slide_of, sliding
from assay.dtypes import COMPLEX, DIFFERENTIABLE, FLOATING, category
from assay.policy import PRODUCT
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape

CONVOLVED = (*DIFFERENTIABLE, "int64", "complex32")
#: Other integers are only convolved without dilation, and not transposed.
NARROW = ("uint8", "int8", "int16", "int32")


def convolved(rank: int, *, transposed: bool = False, unit: bool = False, batch: bool | None = None) -> Any:
    """A geometry for convolutions; unit: of stride 1, as padding to the same size needs."""

    def rule(draw: st.DrawFn, env: Structure) -> Slide:
        found = []
        within = unit or draw(st.integers(0, 7)) > 0
        for _ in range(rank):
            size, kernel = draw(st.sampled_from(LENGTHS[rank])), draw(st.integers(1, 3))
            dilation = draw(st.sampled_from((1, 1, 2)))
            if transposed:
                padding = draw(st.integers(0, min(2, (size + kernel - 2) // 2)))
            else:
                padding = draw(st.integers(0, 2))
                if within and size < dilation * (kernel - 1) + 1:
                    kernel, dilation = min(size, kernel), 1
            found.append((size, kernel, 1 if unit else draw(st.integers(1, 3)), padding, dilation))
        sizes, kernels, strides, paddings, dilations = zip(*found, strict=True)
        groups = draw(st.sampled_from((1, 1, 2, 1, 3)))
        front = lead(draw, env, batch)
        inner, outer = groups * draw(st.sampled_from((1, 2))), groups * draw(st.sampled_from((2, 1, 3)))
        extra = (("groups", groups), ("inner", inner), ("outer", outer))
        return Slide((*front[:-1], inner), sizes, kernels, strides, paddings, dilations, extra)

    return rule


def _weight(transposed: bool) -> Any:
    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        slide = slide_of(env)
        inner, outer, groups = (slide.part(name) for name in ("inner", "outer", "groups"))
        channels = (inner, outer // groups) if transposed else (outer, inner // groups)
        return (*channels, *slide.kernel)

    return rule


def _finite(ex: Execution, shape: Shape) -> Values:
    """Whether an infinite weight meets the zeros of the padding (or, the other way, an infinite input those of the
    gradient's) is an accident of the algorithm."""
    found = plan(ex.pick, smooth=ex.order > 0)
    return Values("ties") if found.kind == "special" and category(ex.dtype) >= 2 else found


def _outer(draw: st.DrawFn, env: Structure) -> Shape:
    return (slide_of(env).part("outer"),)


def _groups(drawn: Any, ex: Execution) -> Any:
    """Left out now and then where it is 1."""
    groups = slide_of(ex).part("groups")
    return ABSENT if groups == 1 and ex.pick.chance(0.6) else groups


MET = arg("input", tensor(CONVOLVED, slid, values=_finite))
BIAS = opt("bias", either((untyped(tensor((), _outer)), choice((None,))), (5, 1)), 0.3)
COUNT = made(_groups, None, (0, -1, 5, 1.5))
GROUPS, NAMED_GROUPS = opt("groups", COUNT, 1e-9), kw("groups", COUNT, 0)
PADDING = opt("padding", part("padding", (-1, "full")), 0.3)
NAMED = kw("padding", choice(("same", "valid"), ("full", "", b"same")), 0)


def weights(transposed: bool = False) -> Param:
    """The weight, whose shape the geometry tells."""
    return arg("weight", tensor((), _weight(transposed), values=_finite))


for rank in (1, 2, 3):
    for prefix in ("", "nn.functional."):
        entry(
            f"{prefix}conv{rank}d",
            form(
                sliding(convolved(rank)), over(CONVOLVED), weights(), BIAS, STRIDE, PADDING, DILATION, GROUPS,
                variants="function", order=2, weight=4,
            ),
            form(
                sliding(convolved(rank)), over(NARROW), weights(), BIAS, STRIDE, PADDING, NAMED_GROUPS,
                variants="function",
            ),
            form(
                sliding(convolved(rank, unit=True)), over(CONVOLVED), weights(), BIAS, STRIDE, NAMED,
                kw("dilation", part("dilation", (0, -1)), 0.4), NAMED_GROUPS, variants="function", order=2,
            ),
            policy=PRODUCT,
        )  # fmt: skip
        turned = (sliding(convolved(rank, transposed=True)), MET, weights(transposed=True), BIAS)
        entry(
            f"{prefix}conv_transpose{rank}d",
            form(
                *turned, STRIDE, PADDING, kw("dilation", part("dilation", (0, -1)), 0.5), NAMED_GROUPS,
                variants="function", order=2,
            ),
            form(
                *turned, kw("stride", part("stride", (0, -1)), 0),
                kw("output_padding", made(lambda d, ex: tuple(s - 1 for s in slide_of(ex).stride), None, (-1, 9)), 0),
                kw("padding", part("padding", (-1,)), 0.4), NAMED_GROUPS, variants="function", order=2,
            ),
            policy=PRODUCT,
        )  # fmt: skip


def _channels(ex: Execution) -> Any:
    return slide_of(ex).part("groups")


def _all(rank: int, transposed: bool) -> tuple[Param, ...]:
    """What `convolution` takes, none of it optional."""
    spare = made(lambda d, ex: tuple(s - 1 for s in slide_of(ex).stride) if transposed else (0,) * rank, None, ((-1,),))
    return (
        sliding(convolved(rank, transposed=transposed, batch=True)),
        arg("input", tensor((*FLOATING, "int64"), slid, values=_finite if transposed else None)),
        weights(transposed),
        arg("bias", either((tensor((), _outer), choice((None,))), (3, 2))),
        arg("stride", part("stride", ((0,), (-1, 1)), whole=True)),
        arg("padding", part("padding", ((-1,),), whole=True)),
        arg("dilation", part("dilation", ((0,),), whole=True)),
        arg("transposed", choice((transposed,), ("no", 2.5))),
        arg("output_padding", spare),
        arg("groups", made(lambda d, ex: _channels(ex), None, (0, 5, -1))),
    )


entry(
    "convolution",
    *(form(*_all(rank, turned), variants="function", order=2) for rank in (1, 2, 3) for turned in (False, True)),
    policy=PRODUCT,
)


# -- time first ------------------------------------------------------------------------------------------------------
def _taps(draw: st.DrawFn, env: Structure) -> Shape:
    """(as long as fits, inner channels, outer channels)."""
    time, _, inner = env.shape("input")
    reach = max(min(time + 2 * env.drawn["pad"], 3), 1)
    return (draw(st.integers(1, reach)), inner, draw(st.sampled_from((2, 1, 3))))


def _time_first(dtypes: tuple[str, ...], order: int) -> Form:
    return form(
        kw("pad", integer(0, 2), 0),
        arg("input", tensor(dtypes, shaped(3, 3, 1), contiguous=0.85)),
        arg("weight", tensor((), _taps, values=_finite)),
        arg("bias", tensor((), lambda draw, env: (env.shape("weight")[2],))),
        variants="function",
        order=order,
        weight=3 if order else 1,
    )


for prefix in ("", "nn.functional."):
    entry(
        f"{prefix}conv_tbc",
        _time_first((*FLOATING, "int64"), 2),
        _time_first((*COMPLEX, *NARROW), 0),  # of which PyTorch has no derivative
        policy=PRODUCT,
    )

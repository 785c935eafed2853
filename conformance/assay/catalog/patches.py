"""Images cut into patches and put together again, padded, and shuffled."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from assay.catalog.common import x
from assay.catalog.form import ABSENT, Execution, Form, Param, Structure, arg, entry, form, opt
from assay.catalog.kinds import aside, choice, either, made, number, shaped, tensor
from assay.catalog.sliding import DILATION, LENGTHS, PADDING, STRIDE, Slide, lead, over, part, slide_of, sliding
from assay.dtypes import ALL, COMMON, COMPLEX, FLOATING, NUMERIC
from assay.policy import MOVE, Policy
from assay.strategies.shapes import Shape, shapes

PATCHED = Policy(scale="sum_abs", overflow=True)


# -- patches ---------------------------------------------------------------------------------------------------------
def _patches(draw: st.DrawFn, env: Structure) -> Slide:
    """Patches of an image; whether padded or not, there is one."""
    found = []
    for _ in range(2):
        kernel, dilation = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 2)))
        least = dilation * (kernel - 1) + 1
        size = least + draw(st.integers(0, 4))
        found.append((size, kernel, draw(st.integers(1, 3)), draw(st.integers(0, 2)), dilation))
    if draw(st.booleans()):
        found[1] = found[0]
    sizes, kernels, strides, paddings, dilations = zip(*found, strict=True)
    return Slide(lead(draw, env), sizes, kernels, strides, paddings, dilations)


WINDOW = arg("kernel_size", part("kernel", (0, -1)))
entry(
    "nn.functional.unfold",
    sliding(_patches),
    over((*FLOATING, *COMPLEX, "bool")),
    WINDOW,
    DILATION,
    PADDING,
    STRIDE,
    variants="function",
    order=2,
    policy=MOVE,
)


def _columns(draw: st.DrawFn, env: Structure) -> Shape:
    slide = slide_of(env)
    return (*slide.lead[:-1], slide.lead[-1] * math.prod(slide.kernel), math.prod(slide.windows))


def _given(name: str, plain: int) -> Param:
    """A part of the geometry, left out now and then where it is `plain` everywhere."""

    def how(_: Any, ex: Execution) -> Any:
        value = slide_of(ex).part(name)
        if set(value) == {plain} and ex.pick.chance(0.6):
            return ABSENT
        return part(name).realise(None, name, ex)

    return opt(name, made(how, None, (-1, (1, 2, 3), "two")), 1e-9)


entry(
    "nn.functional.fold",
    sliding(_patches),
    arg("input", tensor((*FLOATING, *COMPLEX, "bool"), _columns)),
    arg("output_size", part("size", (0, -1, 1000))),
    WINDOW,
    _given("dilation", 1),
    _given("padding", 0),
    _given("stride", 1),
    variants="function",
    order=2,
    policy=PATCHED,
)


# -- padding ---------------------------------------------------------------------------------------------------------
def _constant(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
    """Two numbers for each of some last dimensions; negative ones cut, but never more than there is."""
    shape = env.shape("input")
    found: list[int] = []
    for size in reversed(shape[len(shape) - draw(st.integers(0, len(shape))) :]):
        first = draw(st.integers(-min(size, 2), 3))
        found += [first, draw(st.integers(-min(size + min(first, 0), 2), 3))]
    return tuple(found)


PADS = made(lambda d, ex: list(d) if ex.pick.chance(0.4) else d, _constant, ((1,), (1, 1, 1), (-99, 0), (1,) * 14, 2.5))
VALUE = number(2, keep=True)
PADDED = x(ALL, shaped(max_rank=4))
entry("constant_pad_nd", PADDED, arg("pad", PADS), opt("value", VALUE), variants="function", order=2, policy=MOVE)


def _around(mode: str) -> Any:
    """As far as the mode reaches: reflection to the other end, circular once around."""

    def rule(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
        shape, count = env.shape("input"), env.drawn["spatial"]
        found: list[int] = []
        for size in reversed(shape[len(shape) - count :]):
            most = {"reflect": size - 1, "circular": size, "replicate": 3}[mode]
            found += [draw(st.integers(0, min(most, 3))) for _ in range(2)]
        return tuple(found)

    return rule


def _bordered(mode: str, dtypes: tuple[str, ...]) -> Form:
    def shape(draw: st.DrawFn, env: Structure) -> Shape:
        count = env.drawn["spatial"]
        front = lead(draw, env, batch=True if mode == "circular" else None)
        return (*front, *(draw(st.sampled_from(LENGTHS[count])) for _ in range(count)))

    wide = made(lambda d, ex: list(d) if ex.pick.chance(0.4) else d, _around(mode), ((1, 2, 3), (1,) * 14, (99, 99)))
    return form(
        aside("spatial", lambda draw, env: draw(st.integers(1, 3))),
        arg("input", tensor(dtypes, shape)),
        arg("pad", wide),
        arg("mode", choice((mode,), ("mirror", 1, None))),
        variants="function",
        order=2,
    )


entry(
    "nn.functional.pad",
    form(
        PADDED,
        arg("pad", PADS),
        opt("mode", choice(("constant",), ("mirror", 1, None))),
        opt("value", either((VALUE, choice((None,))), (4, 1))),
        variants="function",
        order=2,
        weight=3,
    ),
    _bordered("reflect", NUMERIC),
    _bordered("replicate", NUMERIC),
    _bordered("circular", COMMON),
    policy=MOVE,
)


# -- shuffles --------------------------------------------------------------------------------------------------------
def _pixels(shuffled: bool) -> Any:
    """An image whose channels (or, the other way, pixels) are a multiple of the factor's square."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        factor = env.drawn["factor"]
        front = tuple(draw(st.sampled_from((2, 1, 3))) for _ in range(draw(st.integers(0, 2))))
        front = (*front[:-1], 0) if env.stratum == "empty" and front else front
        channels, height, width = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
        if shuffled:
            return (*front, channels * factor**2, height, width)
        return (*front, channels, height * factor, width * factor)

    return rule


for name, shuffled, word in (("pixel_shuffle", True, "upscale_factor"), ("pixel_unshuffle", False, "downscale_factor")):
    for prefix in ("", "nn.functional."):
        entry(
            f"{prefix}{name}",
            aside("factor", lambda draw, env: draw(st.integers(1, 3))),
            arg("input", tensor(COMMON, _pixels(shuffled))),
            arg(word, made(lambda d, ex: ex.structure.drawn["factor"], None, (0, -2, 7, 1.5))),
            variants="function",
            order=2,
            policy=MOVE,
        )


def _channels(draw: st.DrawFn, env: Structure) -> Shape:
    rest = tuple(min(s, 4) for s in draw(shapes(min_rank=1, max_rank=3)))
    return (draw(st.sampled_from((2, 1, 3, 0))), env.drawn["parts"] * draw(st.integers(1, 3)), *rest)


for prefix in ("", "nn.functional."):
    entry(
        f"{prefix}channel_shuffle",
        aside("parts", lambda draw, env: draw(st.integers(1, 4))),
        arg("input", tensor(COMMON, _channels)),
        arg("groups", made(lambda d, ex: ex.structure.drawn["parts"], None, (0, -1, 17, 1.5))),
        variants="function",
        order=2,
        policy=MOVE,
    )

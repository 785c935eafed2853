"""Images resized, and sampled along a grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.form import Execution, Form, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import aside, choice, flag, made, tensor
from assay.catalog.sliding import LENGTHS, lead
from assay.dtypes import FLOATING, FLOATS
from assay.policy import REDUCTION, Policy
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape

#: What is interpolated is a sum whose weights come from positions, which are rounded too.
RESIZED = Policy(scale="positions", gradient_scale="positions", overflow=True)
SAMPLED = replace(RESIZED, gradient_scale="sampling")


def ordinary(ex: Execution, shape: Shape) -> Values:
    """Of one magnitude and finite: whether a neighbour of weight zero counts (0 times infinity), and how nearly zero
    its weight is, are accidents of the arithmetic, vectorised or not."""
    found = plan(ex.pick, smooth=ex.order > 0)
    return Values({"special": "ties", "border": "integers"}.get(found.kind, found.kind))


# -- resizing --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Resizing:
    """The shape of an image, and what it is to become: a size, or a factor for each dimension."""

    shape: Shape
    size: Shape
    factor: tuple[float, ...]


def _resizing(rank: int) -> Any:
    def rule(draw: st.DrawFn, env: Structure) -> Resizing:
        front = lead(draw, env, batch=True)
        sizes = tuple(draw(st.sampled_from(LENGTHS[rank])) for _ in range(rank))
        wanted = tuple(draw(st.sampled_from((4, 2, 3, 1, 5, 7))) for _ in range(rank))
        # in quarters, so that no factor is rounded in any dtype, and never to nothing
        factors = tuple(max(draw(st.sampled_from((2.0, 0.5, 1.5, 1.0, 2.5, 0.75))), 1 / n) for n in sizes)
        if draw(st.booleans()):
            factors = tuple(2.0 if n == 1 else 1.5 for n in sizes)
            factors = (factors[0],) * rank if len(set(factors)) == 1 else (2.0,) * rank
            wanted = wanted[:1] * rank
        return Resizing((*front, *sizes), wanted, factors)

    return rule


def _resize(ex: Execution) -> Resizing:
    found: Resizing = ex.structure.drawn["resizing"]
    return found


def _alike(values: tuple[Any, ...], ex: Execution) -> Any:
    if len(set(values)) == 1 and ex.pick.chance(0.6):
        return values[0]
    return list(values) if ex.pick.chance(0.3) else values


def resized(rank: int, dtypes: tuple[str, ...], *, nearest: bool = False) -> tuple[Param, Param]:
    """An image with `rank` dimensions behind its channels."""
    values = None if nearest else ordinary
    image = arg("input", tensor(dtypes, lambda draw, env: env.drawn["resizing"].shape, values=values))
    return aside("resizing", _resizing(rank)), image


SIZE = made(lambda d, ex: _alike(_resize(ex).size, ex), None, (0, (2,) * 6, -3, "two"))
FACTOR = made(lambda d, ex: _alike(_resize(ex).factor, ex), None, (0.0, (2.0,) * 6, -1.0, "two"))
BY_SIZE, BY_FACTOR = arg("size", SIZE), kw("scale_factor", FACTOR, 0)
CORNERS = kw("align_corners", flag(), 0.4)
AGAIN = kw("recompute_scale_factor", choice((True, False, None), ("yes",)), 0.7)
BYTES = (*FLOATING, "uint8")
# mode: (ranks, dtypes, whether corners may be aligned)
MODES: dict[str, tuple[tuple[int, ...], tuple[str, ...], bool]] = {
    "nearest": ((1, 2, 3), BYTES, False),
    "nearest-exact": ((1, 2, 3), BYTES, False),
    "area": ((1, 2, 3), FLOATING, False),
    "linear": ((1,), FLOATING, True),
    "bilinear": ((2,), FLOATING, True),
    "bicubic": ((2,), FLOATING, True),
    "trilinear": ((3,), FLOATING, True),
}


def _mode(name: str) -> Param:
    return kw("mode", choice((name,), ("cubic", 3, None)), 0.3 if name == "nearest" else 0)


def _interpolated(again: bool) -> list[Form]:
    found = []
    for name, (ranks, dtypes, corners) in MODES.items():
        for rank in ranks:
            image = resized(rank, dtypes, nearest=name[:7] == "nearest")
            how = (_mode(name), *((CORNERS,) if corners else ()))
            more = (AGAIN,) if again else ()
            for params in ((BY_SIZE, *how), (BY_FACTOR, *how, *more)):
                found.append(form(*image, *params, variants="function", order=2, weight=3 // len(ranks)))
    return found


def _antialiased(name: str) -> Form:
    smooth = kw("antialias", made(lambda d, ex: True, None, ("yes",)), 0)
    image = resized(2, FLOATS)
    return form(*image, BY_SIZE, _mode(name), CORNERS, smooth, variants="function", order=2)


entry(
    "nn.functional.interpolate",
    *_interpolated(again=True),
    *(_antialiased(name) for name in ("bilinear", "bicubic")),
    policy=RESIZED,
    bad=lambda ex: [((ex.values["input"],), {}), ((ex.values["input"], 2, 2.0), {})],
)
entry("nn.functional.upsample", *_interpolated(again=False), policy=RESIZED)
for name, ranks, dtypes in (("nearest", (1, 2, 3), BYTES), ("bilinear", (2,), FLOATING)):
    by_factor = [resized(rank, dtypes, nearest=name == "nearest") for rank in ranks]
    entry(
        f"nn.functional.upsample_{name}",
        *(form(*p, BY_SIZE, variants="function", order=2) for p in by_factor),
        *(form(*p, BY_FACTOR, variants="function", order=2) for p in by_factor),
        policy=RESIZED,
    )


# -- grids -----------------------------------------------------------------------------------------------------------
def _gridded(rank: int) -> Any:
    """The shape of a grid that samples the input."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        return (env.shape("input")[0], *(draw(st.sampled_from((3, 2, 1, 4))) for _ in range(rank)), rank)

    return rule


def _image(rank: int) -> Any:
    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        return (*lead(draw, env, batch=True), *(draw(st.sampled_from(LENGTHS[rank])) for _ in range(rank)))

    return rule


def _inside(ex: Execution, shape: Shape) -> Values:
    """Mostly between the corners at ±1 and a little beyond."""
    if ex.pick.chance(0.8):
        return Values("uniform", low=-1.25, high=1.25)
    return Values(ex.pick.choice(("ties", "ties", "normal", "zeros")))


def gridded(rank: int) -> tuple[Param, Param]:
    """An image and a grid."""
    return (
        arg("input", tensor(FLOATING, _image(rank), values=ordinary)),
        arg("grid", tensor((), _gridded(rank), values=_inside)),
    )


SMOOTH = ("bilinear", "nearest", "bicubic")
BORDERS = ("zeros", "border", "reflection")
for rank in (2, 3):
    numbered = (
        arg("interpolation_mode", choice((0, 1, 2) if rank == 2 else (0, 1), ("bilinear", 1.5))),
        arg("padding_mode", choice((0, 1, 2), ("zeros", None))),
        arg("align_corners", flag()),
    )
    entry(f"grid_sampler_{rank}d", *gridded(rank), *numbered, variants="function", order=1, policy=SAMPLED)
entry(
    "grid_sampler",
    *(
        form(
            *gridded(rank),
            arg("interpolation_mode", choice((0, 1, 2) if rank == 2 else (0, 1), ("bilinear", 1.5))),
            arg("padding_mode", choice((0, 1, 2), ("zeros", None))),
            arg("align_corners", flag()),
            variants="function",
            order=1,
        )
        for rank in (2, 3)
    ),
    policy=SAMPLED,
)
entry(
    "nn.functional.grid_sample",
    *(
        form(
            *gridded(rank),
            opt("mode", choice(SMOOTH[: 5 - rank], ("cubic", 0, None)), 0.3),
            opt("padding_mode", choice(BORDERS, ("ones", 1, None)), 0.3),
            opt("align_corners", choice((True, False, None), ("yes", [])), 0.3),
            variants="function",
            order=1,
        )
        for rank in (2, 3)
    ),
    policy=SAMPLED,
)


def _affine(rank: int) -> tuple[Param, Param]:
    def shape(draw: st.DrawFn, env: Structure) -> Shape:
        batch = draw(st.sampled_from((1, 2, 3)))
        return (batch, draw(st.integers(1, 3)), *(draw(st.sampled_from((3, 2, 1, 4, 5))) for _ in range(rank)))

    theta = arg("theta", tensor(FLOATING, lambda draw, env: (env.drawn["image"][0], rank, rank + 1)))
    return aside("image", shape), theta


IMAGE_SIZE = arg(
    "size",
    made(lambda d, ex: list(ex.structure.drawn["image"]) if ex.pick.chance(0.4) else ex.structure.drawn["image"],
         None, ((2, 3), (1, 1, 0, 2), (1, 2, -3, 4), "big", 3)),
)  # fmt: skip
for name, corners in (
    ("affine_grid_generator", arg("align_corners", flag())),
    ("nn.functional.affine_grid", opt("align_corners", choice((True, False, None), ("yes", [])), 0.3)),
):
    forms = (form(*_affine(rank), IMAGE_SIZE, corners, variants="function", order=2) for rank in (2, 3))
    entry(name, *forms, policy=REDUCTION)

"""Windows that slide over the last dimensions of a tensor: what pools and convolutions have in common.

Their arguments depend on one another (a window must fit into what it slides over), so all of them are drawn aside at
once, as a `Slide`, and each argument then names its part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from assay.catalog.form import Execution, Kind, Param, Structure, arg, opt
from assay.catalog.kinds import aside, tensor
from assay.strategies.arguments import stranger
from assay.strategies.shapes import Shape

#: How long a dimension that is slid over may be, by their number: the cost is their product.
LENGTHS = {1: (4, 1, 5, 2, 7, 3, 9, 17), 2: (4, 2, 3, 5, 1, 7), 3: (3, 2, 4, 1)}


@dataclass(frozen=True, slots=True)
class Slide:
    """One drawn geometry: lead are the dimensions in front (batch, channels), the others one number a dimension that is
    slid over. extra: whatever else an operation needs, by name."""

    lead: Shape
    size: Shape
    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def shape(self) -> Shape:
        """Of the tensor that is slid over."""
        return (*self.lead, *self.size)

    @property
    def windows(self) -> Shape:
        """How many windows there are along each dimension."""
        return tuple(
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        )

    def part(self, name: str) -> Any:
        """One of its parts, or of its extras. Raises KeyError."""
        return getattr(self, name) if hasattr(self, name) else dict(self.extra)[name]


def lead(draw: st.DrawFn, env: Structure, batch: bool | None = None) -> Shape:
    """Channels, mostly with a batch in front of them, which may be empty."""
    channels = draw(st.sampled_from((2, 1, 3)))
    if env.stratum == "empty":
        return (0, channels)
    if batch is None:
        batch = draw(st.integers(0, 3)) > 0
    return (draw(st.sampled_from((1, 2, 3, 0))), channels) if batch else (channels,)


def pooled(rank: int, dilated: bool = False, padded: bool = True) -> Callable[[st.DrawFn, Structure], Slide]:
    """A geometry for pools: padding is at most half of the window."""

    def rule(draw: st.DrawFn, env: Structure) -> Slide:
        found: list[tuple[int, int, int, int, int]] = []
        even = draw(st.booleans())
        for _ in range(rank):
            size = draw(st.sampled_from(LENGTHS[rank]))
            if even and found and _fits(size, *found[0][1:]):
                found.append((size, *found[0][1:]))
                continue
            kernel = draw(st.integers(1, 3))
            padding = draw(st.integers(0, kernel // 2)) if padded else 0
            dilation = draw(st.sampled_from((1, 1, 2, 3))) if dilated else 1
            stride = draw(st.integers(1, 3))
            if not _fits(size, kernel, stride, padding, dilation):
                kernel, dilation, padding = min(size, kernel), 1, min(padding, min(size, kernel) // 2)
            found.append((size, kernel, stride, padding, dilation))
        sizes, kernels, strides, paddings, dilations = zip(*found, strict=True)
        return Slide(lead(draw, env), sizes, kernels, strides, paddings, dilations)

    return rule


def _fits(size: int, kernel: int, stride: int, padding: int, dilation: int) -> bool:
    """Whether there is a window, padded or not, and every one has an element in it: where a maximum pool's has none,
    PyTorch 2.13 writes beyond its gradient (dilation and padding 1, one element)."""
    return size >= dilation * (kernel - 1) + 1 or (
        size + 2 * padding >= dilation * (kernel - 1) + 1 and size > dilation
    )


def slide_of(env: Structure | Execution) -> Slide:
    """What was drawn aside."""
    structure = env.structure if isinstance(env, Execution) else env
    found: Slide = structure.drawn["slide"]
    return found


def slid(draw: st.DrawFn, env: Structure) -> Shape:
    """The shape of the tensor that is slid over."""
    return slide_of(env).shape


def sliding(rule: Callable[[st.DrawFn, Structure], Slide]) -> Param:
    """The geometry, drawn aside."""
    return aside("slide", rule)


def over(dtypes: tuple[str, ...]) -> Param:
    """The tensor that is slid over."""
    return arg("input", tensor(dtypes, slid))


@dataclass(frozen=True)
class part(Kind):
    """A part of the geometry: a number where it is the same along every dimension, else a tuple or a list.

    refused: what this part is never; whole: always a tuple or list.
    """

    name: str
    refused: tuple[Any, ...] = ()
    whole: bool = False

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        value = slide_of(ex).part(self.name)
        if not self.whole and len(set(value)) == 1 and ex.pick.chance(0.6):
            return value[0]
        return list(value) if ex.pick.chance(0.3) else value

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        if self.refused:
            yield ex.pick.choice(self.refused)
        yield (2,) * (len(slide_of(ex).size) + 1)
        yield stranger(ex.pick, (list, type(None)))


KERNEL = arg("kernel_size", part("kernel", (0, -1, 1000)))
STRIDE = opt("stride", part("stride", (0, -2)), 0.35)
PADDING = opt("padding", part("padding", (-1, 99)), 0.3)
DILATION = opt("dilation", part("dilation", (0, -1)), 0.3)

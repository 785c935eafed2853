"""Losses of nn.functional whose targets are classes, labels or sequences, with their twins in torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from assay.case import TensorSpec, Values
from assay.catalog.form import Execution, Param, Structure, arg, entry, kw, opt
from assay.catalog.kinds import aside, choice, flag, like, made, real, tensor
from assay.catalog.losses import LEGACY, NUMBERED, REDUCTION, SPREAD, called, loss
from assay.dtypes import FLOATING, FLOATS
from assay.policy import Policy
from assay.strategies.shapes import Shape

BATCHES, CLASSES = (2, 3, 1, 4, 0, 5), (3, 2, 5, 1, 4, 7)
LOG_SPREAD = Values("uniform", low=-4, high=0)
#: A class's weight.
SIDED = Values("positive")


def scores(least: int = 1, most: int = 4, empty: bool = True) -> Any:
    """(C), (N, C) or (N, C, d1, ...)."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        rank = draw(st.sampled_from([r for r in (2, 2, 1, 3, 4) if least <= r <= most]))
        classes = draw(st.sampled_from(CLASSES))
        if rank == 1:
            return (classes,)
        batch = 0 if env.stratum == "empty" else draw(st.sampled_from(BATCHES))
        return (
            batch if empty else batch or 2,
            classes,
            *(draw(st.sampled_from((2, 1, 3, 0) if i else (3, 1, 2))) for i in range(rank - 2)),
        )

    return rule


def classes(shape: Shape) -> int:
    """How many classes there are scores for."""
    return shape[0] if len(shape) == 1 else shape[1]


def one_each(draw: st.DrawFn, env: Structure) -> Shape:
    """A class for each row of scores."""
    shape = env.shape("input")
    return () if len(shape) == 1 else (shape[0], *shape[2:])


def per_class(draw: st.DrawFn, env: Structure) -> Shape:
    return (classes(env.shape("input")),)


def any_class(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=0, high=classes(ex.shape("input")))


def wrong_class(ex: Execution) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """A class beyond the last, and targets that are no classes."""
    shape = ex.shape("input")
    given = TensorSpec(shape, ex.dtype, Values("normal", 3))
    last = () if len(shape) == 1 else (shape[0], *shape[2:])
    beyond = Values("index", 5, low=classes(shape), high=classes(shape) + 3)
    return [
        ((given, TensorSpec(last, "int64", beyond)), {}),
        ((given, TensorSpec(last, "int32", Values("zeros"))), {}),
        ((given, TensorSpec((*last, 2), "int64", Values("zeros"))), {}),
    ]


SCORES = arg("input", tensor(FLOATING, scores(), prefer=SPREAD))
CLASS = arg("target", tensor(("int64",), one_each, own=True, values=any_class))
WEIGHTS = opt("weight", tensor((), per_class, values=SIDED, grad=False), 0.6)
IGNORED = opt("ignore_index", choice((-100, 0, 1, -1), (1.5, "no")), 0.5)
SMOOTHING = opt("label_smoothing", real(among=(0.0, 0.1, 0.5, 1.0)), 0.5)
CLASSIFYING = Policy(scale="bounded", gradient_scale="bounded", strides=True, overflow=True, signed_zeros=False)
loss(
    "nn.functional.nll_loss",
    arg("input", tensor(FLOATING, scores(), prefer=LOG_SPREAD)),
    CLASS,
    WEIGHTS,
    LEGACY[0],
    IGNORED,
    LEGACY[1],
    REDUCTION,
    bad=wrong_class,
)
entry(
    "nn.functional.cross_entropy",
    called(SCORES, CLASS, WEIGHTS, LEGACY[0], IGNORED, LEGACY[1], REDUCTION, SMOOTHING, weight=2),
    called(
        SCORES,
        arg("target", tensor((), like("input"), prefer=Values("probability"))),
        WEIGHTS,
        kw("reduction", REDUCTION.kind),
        kw("label_smoothing", SMOOTHING.kind),
    ),
    policy=CLASSIFYING,
    bad=wrong_class,
)
LABELS = arg(
    "target",
    tensor(
        ("int64",), like("input"), own=True, values=lambda ex, shape: Values("index", low=-1, high=(shape or (1,))[-1])
    ),
)
# Of an empty batch PyTorch answers uninitialised memory.
FLAT = tensor(FLOATS, scores(1, 2, empty=False), prefer=SPREAD)
loss(
    "nn.functional.multi_margin_loss",
    arg("input", FLAT),
    CLASS,
    opt("p", choice((1, 2), (3, "one"))),
    opt("margin", real(among=(1.0, 0.5, 2.0, 1))),
    opt("weight", tensor((), per_class, values=SIDED, grad=False), 0.6),
    *LEGACY,
    REDUCTION,
    order=1,
)
loss("nn.functional.multilabel_margin_loss", arg("input", FLAT), LABELS, *LEGACY, REDUCTION, order=1)
loss(
    "nn.functional.multilabel_soft_margin_loss",
    arg("input", tensor(FLOATING, scores(1, 3), prefer=SPREAD)),
    arg("target", tensor((), like("input"), prefer=Values("probability"))),
    opt("weight", tensor((), like("input"), values=SIDED, grad=False), 0.6),
    *LEGACY,
    REDUCTION,
)


# -- classes of a linear map
def features(draw: st.DrawFn, env: Structure) -> Shape:
    inner = draw(st.sampled_from((2, 3, 1, 5)))
    return (inner,) if draw(st.integers(0, 3)) == 0 else (draw(st.sampled_from(BATCHES)), inner)


def class_map(draw: st.DrawFn, env: Structure) -> Shape:
    shape = env.shape("input")
    more = (draw(st.sampled_from((2, 1, 3))),) if len(shape) == 2 and draw(st.integers(0, 4)) == 0 else ()
    return (draw(st.sampled_from(CLASSES)), *more, shape[-1])


def mapped_class(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=0, high=ex.shape("linear_weight")[0])


loss(
    "nn.functional.linear_cross_entropy",
    arg("input", tensor(FLOATING, features)),
    arg("linear_weight", tensor((), class_map)),
    arg(
        "target",
        tensor(
            ("int64",),
            lambda draw, env: (*env.shape("input")[:-1], *env.shape("linear_weight")[1:-1]),
            own=True,
            values=mapped_class,
        ),
    ),
    kw("linear_bias", tensor((), lambda draw, env: env.shape("linear_weight")[:-1])),
    kw("weight", tensor((), lambda draw, env: env.shape("linear_weight")[:1], values=SIDED, grad=False)),
    kw("reduction", REDUCTION.kind),
    kw("ignore_index", choice((-100, 0, 1, None), (1.5, "no"))),
    kw("label_smoothing", SMOOTHING.kind),
    policy=CLASSIFYING,
)


# -- sequences
@dataclass(frozen=True, slots=True)
class Speech:
    """How much is spoken: frames, sequences (0: one, unbatched), letters, and the lengths of both sides. joined: the
    targets stand one behind the other."""

    time: int
    batch: int
    letters: int
    heard: tuple[int, ...]
    written: tuple[int, ...]
    joined: bool


def speech(batches: tuple[int, ...]) -> Callable[[st.DrawFn, Structure], Speech]:
    def rule(draw: st.DrawFn, env: Structure) -> Speech:
        time, batch = draw(st.sampled_from((4, 3, 6, 1))), draw(st.sampled_from(batches))
        longest, many = draw(st.sampled_from((2, 1, 3, 0))), max(batch, 1)
        heard = tuple(draw(st.integers(min(1, time), time)) for _ in range(many))
        written = tuple(draw(st.integers(0, longest)) for _ in range(many))
        return Speech(
            time, batch, draw(st.sampled_from((3, 2, 5))), heard, written, bool(batch) and draw(st.booleans())
        )

    return rule


def of(env: Structure) -> Speech:
    found: Speech = env.drawn["speech"]
    return found


def frames(draw: st.DrawFn, env: Structure) -> Shape:
    said = of(env)
    return (said.time, said.batch, said.letters) if said.batch else (said.time, said.letters)


def spelled(draw: st.DrawFn, env: Structure) -> Shape:
    said = of(env)
    if said.joined:
        return (sum(said.written),)
    longest = max(said.written)
    return (said.batch, longest) if said.batch else (longest,)


def lengths(side: str, tensors: bool = True) -> made:
    """The lengths of a side, as a tensor or a tuple."""

    def how(drawn: Any, ex: Execution) -> Any:
        said = of(ex.structure)
        found = getattr(said, side)
        if not tensors:
            return found
        return TensorSpec((len(found),) if said.batch else (), "int64", Values("literal", literal=found))

    return made(how)


def letters(ex: Execution, shape: Shape) -> Values:
    return Values("index", low=1, high=of(ex.structure).letters)


def spoken(batches: tuple[int, ...], tensors: bool) -> tuple[Param, ...]:
    return (
        aside("speech", speech(batches)),
        arg("log_probs", tensor(FLOATS, frames, values=Values("uniform", low=-5, high=-0.05))),
        arg("targets", tensor(("int64", "int32"), spelled, own=True, values=letters, contiguous=1.0)),
        arg("input_lengths", lengths("heard", tensors)),
        arg("target_lengths", lengths("written", tensors)),
    )


BLANK, ZERO = opt("blank", choice((0,), (-1, 99)), 0.4), opt("zero_infinity", flag(), 0.5)
CTC = Policy(scale="bounded", gradient_scale="bounded", overflow=True, signed_zeros=False)
TENSORS, TUPLES = spoken((2, 1, 3, 0), True), spoken((2, 1, 3), False)
loss("nn.functional.ctc_loss", *TENSORS, BLANK, REDUCTION, ZERO, order=1, policy=CTC)
entry(
    "ctc_loss",
    called(*TENSORS, BLANK, NUMBERED, ZERO, order=1),
    called(*TUPLES, BLANK, NUMBERED, ZERO, order=1),
    policy=CTC,
)

"""Losses of nn.functional between tensors of one shape, and between pairs and triplets, with their twins in torch.

The legacy arguments `size_average` and `reduce` are deprecated: PyTorch still takes them, and warns.
"""

from __future__ import annotations

from functools import partial

from hypothesis import strategies as st

from assay.case import Named, Values
from assay.catalog.common import x
from assay.catalog.form import Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import ShapeRule, Tensor, choice, dim, either, flag, like, other, real, shaped, tensor
from assay.dtypes import COMPLEX, DIFFERENTIABLE, FLOATING, REAL
from assay.policy import Policy
from assay.strategies.shapes import Shape

LOSS = Policy(strides=True, overflow=True, signed_zeros=False)
#: A loss of one form, and a form of a loss.
loss = partial(entry, variants="function", order=2, policy=LOSS)
called = partial(form, variants="function", order=2)
LEGACY = tuple(
    opt(name, choice((None, None, None, True, False), ("mean",)), 0.6) for name in ("size_average", "reduce")
)
REDUCTION = opt("reduction", choice(("mean", "sum", "none"), ("max", 1, None)), 0.35)
#: What the twins in torch take instead: none, mean, sum.
NUMBERED = opt("reduction", choice((0, 1, 2), ("mean", None, 1.5)), 0.35)
UNIT, INSIDE = Values("probability"), Values("uniform", low=0.02, high=0.98)
SIGNS, SPREAD = Values("signs"), Values("uniform", low=-3, high=3)
MARGIN = opt("margin", real(-0.5, 2.0))
MARGIN_ABOVE = opt("margin", real(among=(1.0, 0.5, 2.0)))
P, EPS = opt("p", real(among=(2.0, 1.0, 2, 3.0, 0.5, float("inf")))), opt("eps", real(among=(1e-6, 1e-3, 0.0)))


def legacy(*params: Param) -> tuple[Param, ...]:
    """The arguments of a loss of nn.functional with the usual end."""
    return (*params, *LEGACY, REDUCTION)


def inside(name: str) -> ShapeRule:
    """A shape that broadcasts to that of the named argument."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(name)
        kept = shape[draw(st.integers(0, len(shape))) if draw(st.booleans()) else 0 :]
        ones = draw(st.integers(0, 2 ** len(kept) - 1)) if draw(st.booleans()) else 0
        return tuple(1 if ones >> i & 1 else s for i, s in enumerate(kept))

    return rule


def optional(name: str, kind: Tensor, absent: float = 0.7) -> Param:
    """A tensor or None."""
    return opt(name, either((kind, choice((None,))), (4, 1)), absent)


# -- probabilities
PROBABLE = tensor((), like("input"), prefer=UNIT)
WEIGHT = optional("weight", tensor((), inside("input"), prefer=Values("positive"), grad=False))
POS_WEIGHT = optional("pos_weight", tensor((), inside("input"), prefer=Values("positive"), grad=False))
entry(
    "nn.functional.binary_cross_entropy",
    called(arg("input", tensor(FLOATING, values=INSIDE)), arg("target", PROBABLE), *legacy(WEIGHT), weight=4),
    called(
        arg("input", tensor(FLOATING, values=UNIT)), arg("target", PROBABLE), kw("reduction", REDUCTION.kind), order=1
    ),
    policy=LOSS,
)
loss(
    "nn.functional.binary_cross_entropy_with_logits",
    x(FLOATING, prefer=SPREAD),
    arg("target", PROBABLE),
    *legacy(WEIGHT),
    POS_WEIGHT,
)
loss(
    "binary_cross_entropy_with_logits",
    x(FLOATING, prefer=SPREAD),
    arg("target", PROBABLE),
    WEIGHT,
    POS_WEIGHT,
    NUMBERED,
)
LOG_TARGET = kw("log_target", flag())
BATCHMEAN = opt("reduction", choice(("mean", "sum", "none", "batchmean"), ("max", 1)), 0.35)
# The mean over the batch divides by the first dimension.
loss(
    "nn.functional.kl_div",
    arg("input", tensor(FLOATING, shaped(1, 4), prefer=SPREAD)),
    arg("target", other(FLOATING, mixed=False, prefer=UNIT)),
    *LEGACY,
    BATCHMEAN,
    opt("log_target", flag()),
)
loss(
    "kl_div", x(FLOATING, prefer=SPREAD), arg("target", other(FLOATING, mixed=False, prefer=UNIT)), NUMBERED, LOG_TARGET
)
LOG_INPUT, FULL, COUNTS = flag(), flag(), Values("uniform", low=0, high=5)
loss(
    "nn.functional.poisson_nll_loss",
    x(FLOATING, prefer=SPREAD),
    arg("target", other(FLOATING, prefer=COUNTS)),
    opt("log_input", LOG_INPUT),
    opt("full", FULL),
    LEGACY[0],
    opt("eps", real(among=(1e-8, 1e-3))),
    LEGACY[1],
    REDUCTION,
)
loss(
    "poisson_nll_loss",
    x(FLOATING, prefer=SPREAD),
    arg("target", other(FLOATING, prefer=COUNTS)),
    arg("log_input", LOG_INPUT),
    arg("full", FULL),
    arg("eps", real(among=(1e-8, 1e-3))),
    arg("reduction", NUMBERED.kind),
)


def variances(draw: st.DrawFn, env: Structure) -> Shape:
    """A variance for each element, for each row, or with a last dimension of 1."""
    shape = env.shape("input")
    how = draw(st.integers(0, 3))
    return shape if how < 2 or not shape else shape[:-1] if how == 2 else (*shape[:-1], 1)


loss(
    "nn.functional.gaussian_nll_loss",
    x(FLOATING, shaped(0, 4)),
    arg("target", tensor((), like("input"))),
    arg("var", either((tensor((), variances, values=Values("positive")), real(0.25, 4)), (4, 1))),
    opt("full", flag()),
    opt("eps", real(among=(1e-6, 0.5))),
    REDUCTION,
)

# -- distances
TARGET = arg("target", other(FLOATING))
loss(
    "nn.functional.l1_loss",
    x(DIFFERENTIABLE),
    arg("target", other(DIFFERENTIABLE)),
    *legacy(),
    kw("weight", tensor((), like("input"), grad=False), 0.85),
)
loss("nn.functional.smooth_l1_loss", x(FLOATING), TARGET, *legacy(), opt("beta", real(among=(1.0, 0.0, 0.5, 2.0))))
loss(
    "nn.functional.huber_loss",
    x(FLOATING),
    TARGET,
    REDUCTION,
    opt("delta", real(among=(1.0, 0.5, 2.0, 1))),
    kw("weight", tensor((), like("input"), grad=False), 0.85),
)
entry(
    "nn.functional.soft_margin_loss",
    called(
        x(FLOATING, prefer=SPREAD),
        arg("target", tensor((), like("input"), prefer=SIGNS, grad=False)),
        *legacy(),
        weight=5,
    ),
    called(x(COMPLEX), arg("target", tensor((), like("input"))), *legacy(), order=0),
    policy=LOSS,
)
SIGNED = arg("target", tensor((), like("input"), prefer=SIGNS))
loss("nn.functional.hinge_embedding_loss", x(FLOATING), SIGNED, MARGIN, *legacy())
loss("hinge_embedding_loss", x(FLOATING), SIGNED, MARGIN, NUMBERED)
for prefix in ("", "nn.functional."):
    end = (NUMBERED,) if not prefix else (*LEGACY, REDUCTION)
    loss(
        f"{prefix}margin_ranking_loss",
        arg("input1", tensor(REAL)),
        arg("input2", tensor((), like("input1"))),
        arg("target", tensor((), like("input1"), prefer=SIGNS)),
        MARGIN,
        *end,
    )
    PAIRED = shaped(1, 2)
    loss(
        f"{prefix}cosine_embedding_loss",
        arg("input1", tensor(FLOATING, PAIRED)),
        arg("input2", tensor((), like("input1"))),
        arg("target", tensor((), lambda draw, env: env.shape("input1")[:-1], prefer=SIGNS, grad=False)),
        MARGIN,
        *end,
    )
    loss(
        f"{prefix}cosine_similarity",
        arg("x1", tensor(FLOATING, shaped(1, 4))),
        arg("x2", tensor((), inside("x1"))),
        kw("dim", dim("x1"), 0.2),
        kw("eps", real(among=(1e-8, 1e-3, 0.5))),
    )
    loss(
        f"{prefix}pairwise_distance",
        arg("x1", tensor(DIFFERENTIABLE, shaped(1, 4))),
        arg("x2", tensor((), inside("x1"))),
        P,
        EPS,
        opt("keepdim", flag()),
    )
    loss(
        f"{prefix}triplet_margin_loss",
        arg("anchor", tensor(FLOATING, shaped(1, 3))),
        arg("positive", tensor((), like("anchor"))),
        arg("negative", tensor((), like("anchor"))),
        MARGIN_ABOVE,
        P,
        EPS,
        opt("swap", flag()),
        *end,
    )
DISTANCES = tuple(Named(f"nn.functional.{name}") for name in ("pairwise_distance", "cosine_similarity"))
loss(
    "nn.functional.triplet_margin_with_distance_loss",
    arg("anchor", tensor(FLOATING, shaped(2, 3))),
    arg("positive", tensor((), like("anchor"))),
    arg("negative", tensor((), like("anchor"))),
    kw("distance_function", choice((*DISTANCES, None), (1.5,)), 0.3),
    kw("margin", MARGIN_ABOVE.kind),
    kw("swap", flag()),
    kw("reduction", REDUCTION.kind),
)

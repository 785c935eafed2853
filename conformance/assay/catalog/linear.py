"""Products of vectors and matrices."""

from __future__ import annotations

from hypothesis import strategies as st

from assay.catalog.common import x
from assay.catalog.form import Structure, arg, entry, kw
from assay.catalog.kinds import ShapeRule, number, shaped, tensor
from assay.catalog.results import unknown
from assay.dtypes import NUMERIC
from assay.policy import PRODUCT
from assay.strategies.shapes import SIZES, Shape, broadcastable


def multipliable(draw: st.DrawFn, env: Structure) -> Shape:
    """A shape that `input @ other` takes."""
    left = env.shape("input")
    inner = left[-1]
    if draw(st.integers(0, 3)) == 0:
        return (inner,)
    batch = draw(broadcastable(left[:-2], max_rank=3))
    return (*batch, inner, draw(st.sampled_from(SIZES)))


def built(*pattern: tuple[str, int] | None) -> ShapeRule:
    """A shape of sizes of earlier arguments, each named with its dimension, or new ones (None)."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        return tuple(draw(st.sampled_from(SIZES)) if p is None else env.shape(p[0])[p[1]] for p in pattern)

    return rule


VECTOR, MATRIX, BATCH = shaped(1, 1), shaped(2, 2), shaped(3, 3)
A = "input"
entry("matmul", x(NUMERIC, shaped(min_rank=1, max_rank=4)), arg("other", tensor((), multipliable)), operators="matmul", out=unknown,
      order=2, policy=PRODUCT, alias=True)  # fmt: skip
PRODUCTS: dict[str, tuple[ShapeRule, str, ShapeRule, ShapeRule]] = {
    "mm": (MATRIX, "mat2", built((A, 1), None), lambda draw, env: ()),
    "bmm": (BATCH, "mat2", built((A, 0), (A, 2), None), lambda draw, env: ()),
    "mv": (MATRIX, "vec", built((A, 1)), lambda draw, env: ()),
    "dot": (VECTOR, "tensor", built((A, 0)), lambda draw, env: ()),
    "vdot": (VECTOR, "other", built((A, 0)), lambda draw, env: ()),
    "outer": (VECTOR, "vec2", built(None), lambda draw, env: ()),
    "ger": (VECTOR, "vec2", built(None), lambda draw, env: ()),
    "inner": (
        shaped(1, 3),
        "other",
        lambda draw, env: (*draw(st.sampled_from(((), (2,), (3, 1)))), env.shape(A)[-1]),
        lambda draw, env: (),
    ),
}
for name, (left, second, right, _) in PRODUCTS.items():
    entry(name, x(NUMERIC, left), arg(second, tensor((), right)), out=unknown, order=2, policy=PRODUCT)

SCALED = (kw("beta", number(keep=True)), kw("alpha", number(keep=True)))


def added(*rest: str) -> ShapeRule:
    """What broadcasts to the product of the arguments drawn before it."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        first, second = (env.shape(n) for n in rest)
        result = (*first[:-1], *second[-1:]) if len(second) > 1 else first[:-1]
        return draw(st.sampled_from((result, result, result[-1:], (1,) * len(result))))

    return rule

"""Products of vectors and matrices."""

from __future__ import annotations

from hypothesis import strategies as st

from assay.catalog.common import x
from assay.catalog.form import ALIASED, Structure, arg, entry, form, opt
from assay.catalog.kinds import ShapeRule, choice, either, shaped, tensor
from assay.catalog.results import unknown
from assay.dtypes import COMPLEX, FLOATING, INTEGERS, NUMERIC
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
entry(
    "matmul",
    x(NUMERIC, shaped(min_rank=1, max_rank=4)),
    arg("other", tensor((), multipliable)),
    operators="matmul",
    out=unknown,
    order=2,
    policy=PRODUCT,
    alias=ALIASED,
)
# name: (the first operand's shape, the second's name and shape)
PRODUCTS: dict[str, tuple[ShapeRule, str, ShapeRule]] = {
    "mm": (MATRIX, "mat2", built((A, 1), None)),
    "bmm": (BATCH, "mat2", built((A, 0), (A, 2), None)),
    "mv": (MATRIX, "vec", built((A, 1))),
    "dot": (VECTOR, "tensor", built((A, 0))),
    "vdot": (VECTOR, "other", built((A, 0))),
    "outer": (VECTOR, "vec2", built(None)),
    "ger": (VECTOR, "vec2", built(None)),
    "inner": (shaped(1, 3), "other", lambda draw, env: (*draw(st.sampled_from(((), (2,), (3, 1)))), env.shape(A)[-1])),
}
for name, (left, second, right) in PRODUCTS.items():
    entry(name, x(NUMERIC, left), arg(second, tensor((), right)), out=unknown, order=2, policy=PRODUCT)


def mapped(draw: st.DrawFn, env: Structure) -> Shape:
    """The weight of a linear map: a matrix, or a vector for one result."""
    inner = env.shape("input")[-1]
    return (inner,) if draw(st.integers(0, 5)) == 0 else (draw(st.sampled_from(SIZES)), inner)


entry(
    "nn.functional.linear",
    form(x(NUMERIC, shaped(1, 4)), arg("weight", tensor((), mapped)), variants="function", out=unknown, order=2),
    form(
        x(NUMERIC, shaped(1, 4)),
        arg("weight", tensor((), built(None, (A, -1)))),
        opt("bias", either((tensor((), built(("weight", 0))), choice((None,))), (5, 1)), 0.1),
        variants="function",
        out=unknown,
        order=2,
        weight=2,
    ),
    policy=PRODUCT,
)


def factors(draw: st.DrawFn, env: Structure) -> Shape:
    """Any batch of vectors that are not empty."""
    shape = shaped(1, 3)(draw, env)
    return shape if shape[-1] else (*shape[:-1], 2)


def beside(draw: st.DrawFn, env: Structure) -> Shape:
    """As many vectors of another size."""
    return (*env.shape("input1")[:-1], draw(st.sampled_from((2, 1, 3))))


for name in ("bilinear", "nn.functional.bilinear"):
    entry(
        name,
        *(
            form(
                arg("input1", tensor(dtypes, factors)),
                arg("input2", tensor((), beside)),
                arg("weight", tensor((), built(None, ("input1", -1), ("input2", -1)))),
                opt("bias", either((tensor((), built(("weight", 0))), choice((None,))), (3, 1)), 0.4),
                variants="function",
                order=order,
                weight=weight,
            )
            # of complex numbers there is no derivative
            for dtypes, order, weight in ((FLOATING, 2, 2), ((*INTEGERS, *COMPLEX), 0, 1))
        ),
        policy=PRODUCT,
    )

"""Matrix products."""

from __future__ import annotations

from hypothesis import strategies as st

from assay.catalog.form import Execution, Structure, arg, entry, form
from assay.catalog.kinds import shaped, tensor
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


entry(
    "matmul",
    form(arg("input", tensor(NUMERIC, shaped(min_rank=1, max_rank=4))), arg("other", tensor((), multipliable)), operators="matmul",
         out=unknown(), order=2),
    policy=PRODUCT, alias=True,
)  # fmt: skip

"""Activations and losses of nn.functional, and softmax."""

from __future__ import annotations

from assay.case import Values
from assay.catalog.common import DIM, x
from assay.catalog.form import Execution, arg, entry, kw, opt
from assay.catalog.kinds import choice, dim, dtype, other, tensor
from assay.catalog.results import asked_or, same, shape_of
from assay.dtypes import DIFFERENTIABLE, FLOATING, REAL
from assay.policy import ELEMENTWISE, EXACT_ELEMENTWISE, LOG_OF_SUM, REDUCTION
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape


def _apart(ex: Execution, shape: Shape) -> Values:
    """Now and then numbers so far apart that all but one of their exponentials underflow."""
    return Values("uniform", low=-200, high=200) if ex.pick.chance(0.12) else plan(ex.pick, smooth=ex.order > 0)


APART = arg("input", tensor(FLOATING, values=_apart))
TARGET_DTYPE = kw("dtype", dtype(FLOATING, wide=True), 0.8)
for name, policy in (("softmax", ELEMENTWISE), ("log_softmax", LOG_OF_SUM)):
    entry(name, APART, DIM, TARGET_DTYPE, order=2, out=shape_of(), result=asked_or(same), policy=policy)
    entry(
        f"nn.functional.{name}",
        APART,
        kw("dim", dim(), 0),
        TARGET_DTYPE,
        variants="function",
        order=2,
        policy=policy,
    )
entry("nn.functional.softmin", x(FLOATING), kw("dim", dim(), 0), variants="function", order=2, policy=ELEMENTWISE)
entry(
    "nn.functional.relu",
    x(REAL),
    opt("inplace", choice((False,), ())),
    variants="function",
    order=2,
    policy=EXACT_ELEMENTWISE,
)
for name in ("sigmoid", "tanh"):
    entry(f"nn.functional.{name}", x(DIFFERENTIABLE), variants="function", order=2, policy=ELEMENTWISE)
REDUCE = kw("reduction", choice(("mean", "sum", "none"), ("max", 1, None)))
entry(
    "nn.functional.mse_loss",
    x(FLOATING),
    arg("target", other(FLOATING)),
    REDUCE,
    variants="function",
    order=2,
    policy=REDUCTION,
)

"""Reductions: over everything, over dims, and the extreme ones that also say where; running sums and products."""

from __future__ import annotations

from typing import Any

from assay.case import Named, Values
from assay.catalog.common import DIM, DIMS, DTYPE, FILLED_DIM, KEEPDIM, x
from assay.catalog.form import Execution, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, dim, dims, dtype, flag, made, other, shaped, tensor
from assay.catalog.results import always, asked_or, broadcast_shape, floating, reduced, same, shape_of, summed
from assay.catalog.results import real as real_result
from assay.dtypes import COMMON, DIFFERENTIABLE, FLOATING, INTEGERS_AND_BOOL, REAL, REAL_AND_BOOL, category
from assay.policy import DEVIATION, NORM, POWERS, SELECTION, SPREAD, SUM, Policy

FULL, SOME = shaped(min_size=1), shaped(some=True)
INT64 = always("int64")
MAYBE_DIMS = arg("dim", dims(none=0.05))

entry(
    "sum",
    form(x(), DTYPE, order=2),
    form(x(), MAYBE_DIMS, KEEPDIM, DTYPE, out=reduced, result=summed, order=2, weight=2),
    policy=SUM,
)
entry(
    "nansum",
    x(REAL_AND_BOOL, prefer=Values("special")),
    opt("dim", dims(none=0.1)),
    KEEPDIM,
    kw("dtype", dtype(FLOATING)),
    out=reduced,
    result=summed,
    order=2,
    policy=SUM,
)
MEAN_DTYPE = kw("dtype", dtype(DIFFERENTIABLE, wide=True))
entry(
    "mean",
    form(x(DIFFERENTIABLE), MEAN_DTYPE, order=2),
    form(x(DIFFERENTIABLE), MAYBE_DIMS, KEEPDIM, MEAN_DTYPE, out=reduced, result=asked_or(same), order=2, weight=2),
    form(x(INTEGERS_AND_BOOL), arg("dim", dims()), KEEPDIM, kw("dtype", dtype(DIFFERENTIABLE, none=0), 0), order=0),
    policy=SUM,
    bad=lambda ex: [((tensor(("int64",)).realise((2, 3), "input", ex),), {})] if ex.dtype == "int64" else [],
)
entry(
    "prod",
    form(x(), DTYPE, order=2),
    form(x(), DIM, KEEPDIM, DTYPE, out=reduced, result=summed, order=2, weight=2),
    policy=POWERS,
)
UNBIASED, CORRECTION = flag(), choice((0, 1, 2, 0.5, None), ("one", [1]))
for name, policy in (("var", SPREAD), ("std", DEVIATION)):
    entry(
        name,
        form(x(DIFFERENTIABLE), opt("unbiased", UNBIASED), order=2),
        form(x(DIFFERENTIABLE), DIMS, arg("unbiased", UNBIASED), KEEPDIM, order=2, out=reduced, result=real_result),
        form(
            x(DIFFERENTIABLE),
            opt("dim", dims(none=0.1)),
            kw("correction", CORRECTION),
            kw("keepdim", flag()),
            order=2,
            out=reduced,
            result=real_result,
            weight=2,
        ),
        policy=policy,
    )
    entry(
        f"{name}_mean",
        form(x(DIFFERENTIABLE), opt("unbiased", UNBIASED), variants="function", order=2),
        form(x(DIFFERENTIABLE), DIMS, arg("unbiased", UNBIASED), KEEPDIM, variants="function", order=2),
        form(
            x(DIFFERENTIABLE),
            opt("dim", dims(none=0.1)),
            kw("correction", CORRECTION),
            kw("keepdim", flag()),
            variants="function",
            order=2,
            weight=2,
        ),
        policy=policy,
    )
for name in ("max", "min"):
    entry(
        name,
        form(x(REAL_AND_BOOL, FULL), order=2),
        form(x(REAL_AND_BOOL, SOME), FILLED_DIM, KEEPDIM, out=reduced, result=(same, INT64), order=2, weight=2),
        form(x(REAL_AND_BOOL), arg("other", other(REAL_AND_BOOL)), out=broadcast_shape, order=2),
        policy=SELECTION,
    )
for name in ("amax", "amin"):
    entry(
        name,
        form(x(REAL_AND_BOOL, FULL), opt("dim", dims()), KEEPDIM, out=reduced, order=2, weight=3),
        form(x(REAL_AND_BOOL, SOME), FILLED_DIM, KEEPDIM, out=reduced, order=2),
        policy=SELECTION,
    )
entry(
    "aminmax",
    x(REAL_AND_BOOL, FULL),
    kw("dim", dim(), 0.4),
    kw("keepdim", flag()),
    out=reduced,
    result=(same, same),
    order=2,
    policy=SELECTION,
)
for name in ("argmax", "argmin"):
    entry(
        name,
        form(x(REAL, FULL)),
        form(x(REAL, SOME), FILLED_DIM, KEEPDIM, out=reduced, result=INT64, weight=2),
        policy=SELECTION,
    )
for name in ("any", "all"):
    entry(
        name,
        form(x(COMMON, prefer=Values("ties"))),
        form(
            x(COMMON, prefer=Values("ties")),
            DIMS,
            KEEPDIM,
            out=reduced,
            weight=2,
            result=lambda ex: "uint8" if ex.dtype == "uint8" else "bool",
        ),
        policy=SELECTION,
    )
entry("count_nonzero", x(COMMON, prefer=Values("ties")), opt("dim", dims(none=0.1)), policy=SELECTION)
for name, policy in (("cumsum", SUM), ("cumprod", POWERS)):
    entry(
        name,
        form(x(), DIM, DTYPE, out=shape_of(), result=summed, order=2, weight=2),
        form(x(), DIM, variants="inplace", order=2),
        policy=policy,
    )
entry(
    "logsumexp",
    x(COMMON, shaped(min_size=1)),
    arg("dim", dims(min_size=1)),
    KEEPDIM,
    out=reduced,
    result=floating,
    order=2,
    policy=Policy(scale="bounded", gradient_scale="bounded", overflow=True),
)


def widest(drawn: Any, ex: Execution) -> Named:
    """The widest dtype of the tensor's own category."""
    return Named("complex128" if category(ex.dtype) == 3 else "float64")


P = choice((2, 1, 0, 3, 0.5, float("inf"), float("-inf"), "fro", 2.0, -1), ("nucl", [], (2,)))
entry(
    "norm",
    form(x(DIFFERENTIABLE, FULL), opt("p", P), order=2),
    form(
        x(DIFFERENTIABLE, FULL),
        opt("p", P),
        kw("dim", dims(min_size=1), 0),
        kw("keepdim", flag()),
        kw("dtype", made(widest), 0.8),
        order=2,
    ),
    policy=NORM,
)
for name in ("median", "nanmedian"):
    entry(
        name,
        form(x(REAL), order=2),
        # Contiguous: PyTorch 2.13 answers uninitialised memory for the median along an expanded dimension.
        form(
            arg("input", tensor(REAL, SOME, contiguous=1.0)),
            FILLED_DIM,
            KEEPDIM,
            out=reduced,
            result=(same, INT64),
            order=2,
            weight=2,
        ),
        policy=SELECTION,
    )

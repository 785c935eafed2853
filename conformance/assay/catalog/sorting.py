"""Sorting, selection by rank, and distinct elements."""

from __future__ import annotations

from assay.case import Values
from assay.catalog.common import KEEPDIM, x
from assay.catalog.form import Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import aside, choice, dim, drawn, flag, integer, shaped
from assay.catalog.results import always, reduced, same, shape_of
from assay.dtypes import REAL, REAL_AND_BOOL
from assay.policy import SELECTION, SORTED_VALUES, UNORDERED, Policy

AT = aside("at", dim().structure)
INT64 = always("int64")
TIES = Values("ties")
STABLE = Policy(values="exact")


def length(env: Structure) -> int:
    """The size of the dimension that was drawn before."""
    shape = env.shape("input")
    return shape[env.drawn["at"] % len(shape)] if shape else 1


entry(
    "sort",
    form(
        x(REAL_AND_BOOL, prefer=TIES),
        opt("dim", dim()),
        opt("descending", flag()),
        out=shape_of(),
        result=(same, INT64),
        order=2,
        weight=2,
    ),
    form(
        x(REAL_AND_BOOL, prefer=TIES),
        kw("stable", choice((True, False)), 0),
        kw("dim", dim()),
        kw("descending", flag()),
        out=shape_of(),
        result=(same, INT64),
        order=2,
    ),
    policy=SELECTION,
)
entry(
    "argsort",
    form(x(REAL_AND_BOOL, prefer=TIES), opt("dim", dim()), opt("descending", flag())),
    form(x(REAL_AND_BOOL, prefer=TIES), kw("stable", choice((True,)), 0), kw("dim", dim()), kw("descending", flag())),
    policy=SELECTION,
)
entry("msort", x(REAL_AND_BOOL, shaped(min_rank=1)), out=shape_of(), order=2, policy=SORTED_VALUES)
entry(
    "topk",
    form(
        x(REAL, shaped(max_rank=4)),
        arg("k", integer(0, lambda env: env.shape("input")[-1] if env.shape("input") else 1)),
        opt("dim", choice((-1,)), 0.7),
        opt("largest", flag()),
        opt("sorted", choice((True,))),
        order=2,
    ),
    form(
        x(REAL, shaped(max_rank=4)),
        AT,
        arg("k", integer(0, length)),
        arg("dim", drawn("at")),
        opt("largest", flag()),
        order=2,
    ),
    policy=SELECTION,
)
entry(
    "kthvalue",
    form(
        x(REAL, shaped(min_size=1)),
        arg("k", integer(1, lambda env: env.shape("input")[-1] if env.shape("input") else 1)),
        opt("dim", choice((-1,))),
        KEEPDIM,
        order=2,
    ),
    form(
        x(REAL, shaped(min_size=1)),
        AT,
        arg("k", integer(1, length)),
        arg("dim", drawn("at")),
        KEEPDIM,
        out=reduced,
        result=(same, INT64),
        order=2,
    ),
    policy=SELECTION,
)
RETURNS = (opt("return_inverse", flag()), opt("return_counts", flag()))
entry(
    "unique",
    form(x(REAL_AND_BOOL, prefer=TIES), opt("sorted", choice((True, True, False))), *RETURNS, weight=2),
    form(x(REAL_AND_BOOL, shaped(min_rank=1, min_size=1), prefer=TIES), *RETURNS, kw("dim", dim(), 0)),
    policy=UNORDERED,
)
entry(
    "unique_consecutive",
    form(x(REAL_AND_BOOL, prefer=TIES), *RETURNS, weight=2),
    form(x(REAL_AND_BOOL, shaped(min_rank=1, min_size=1), prefer=TIES), *RETURNS, kw("dim", dim(), 0)),
    policy=STABLE,
)

"""Reductions: over everything, over dims, and the extreme ones that also say where."""

from __future__ import annotations

from assay.catalog.form import arg, entry, form, kw, opt
from assay.catalog.kinds import dim, dims, dtype, flag, other, shaped, tensor
from assay.catalog.results import always, elementwise, reduced, same, summed
from assay.dtypes import COMMON, DIFFERENTIABLE, REAL, REAL_AND_BOOL
from assay.policy import SELECTION, SUM

entry(
    "sum",
    form(arg("input", tensor(COMMON)), kw("dtype", dtype(COMMON, wide=True)), order=2),
    form(arg("input", tensor(COMMON)), arg("dim", dims(none=0.05)), opt("keepdim", flag()), kw("dtype", dtype(COMMON, wide=True)),
         out=reduced(summed), order=2, weight=2),
    policy=SUM,
)  # fmt: skip
entry(
    "max",
    form(arg("input", tensor(REAL_AND_BOOL, shaped(min_size=1))), order=2),
    form(arg("input", tensor(REAL_AND_BOOL)), arg("dim", dim(filled=True)), opt("keepdim", flag()), out=reduced(same, always("int64")),
         order=2, weight=2),
    form(arg("input", tensor(REAL_AND_BOOL)), arg("other", other(REAL_AND_BOOL)), out=elementwise(), order=2),
    policy=SELECTION,
)  # fmt: skip

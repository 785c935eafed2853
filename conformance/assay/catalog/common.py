"""Arguments that many entries share."""

from __future__ import annotations

from assay.case import Values
from assay.catalog.form import Param, arg, kw, opt
from assay.catalog.kinds import ShapeRule, dim, dims, dtype, flag, other, tensor
from assay.dtypes import ALL, COMMON

DIM = arg("dim", dim())
FILLED_DIM = arg("dim", dim(filled=True))
DIMS = arg("dim", dims())
KEEPDIM = opt("keepdim", flag())
DTYPE = kw("dtype", dtype(COMMON, wide=True))


def x(dtypes: tuple[str, ...] = COMMON, shape: ShapeRule | None = None, prefer: Values | None = None) -> Param:
    """The tensor that most operations start with."""
    return arg("input", tensor(dtypes, shape, prefer=prefer))


def y(dtypes: tuple[str, ...] = COMMON, prefer: Values | None = None) -> Param:
    """A second tensor that broadcasts with the first and may have another dtype."""
    return arg("other", other(dtypes, prefer=prefer))


ANY = x(ALL)

"""How functions of matrices are declared: forms and entries with what nearly all of them share."""

from __future__ import annotations

from functools import partial

from assay.catalog.form import entry, form, kw, opt
from assay.catalog.kinds import flag
from assay.catalog.results import always, unknown
from assay.policy import Policy

MATRIX = Policy(scale="matrix", gradient_scale="matrix")
SCALAR = Policy(gradient_scale="matrix")
FACTORS = Policy(values="exact", gradient_scale="matrix", signed_zeros=False)
INT32, INT64 = always("int32"), always("int64")
F, FM = "function", "function method"
CHECK = kw("check_errors", flag())
UPPER = opt("upper", flag())

#: A form that takes `out=` and has second derivatives; functions of torch.linalg are no methods.
solved = partial(form, variants=F, out=unknown, order=2)
#: An entry of one such form.
lapack = partial(entry, variants=F, out=unknown, order=2, policy=MATRIX)

"""Questions about a tensor that its elements, its memory or its kind answer; parts of it put into effect."""

from __future__ import annotations

from assay.case import Named
from assay.catalog.common import ANY, x
from assay.catalog.form import ALIASED, arg, entry, kw
from assay.catalog.items import ONE
from assay.catalog.kinds import choice, tensor
from assay.dtypes import ALL, COMMON
from assay.policy import MOVE, VIEW

for name in ("is_conj", "is_neg", "is_inference", "get_device"):
    entry(name, ANY, policy=MOVE)
for name in ("is_cpu", "is_meta", "is_nested", "is_quantized", "is_sparse_csr"):
    entry(name, ANY, variants="method", mistakes=False, policy=MOVE)
for name in ("resolve_conj", "resolve_neg"):
    entry(name, x(COMMON), order=2, policy=VIEW)
entry("is_nonzero", ONE, policy=MOVE, bad=lambda ex: [])
entry("is_set_to", ANY, arg("tensor", tensor(())), variants="method", alias=ALIASED, policy=MOVE)
FORMATS = [Named("contiguous_format"), Named("channels_last")]
entry(
    "dim_order",
    x(ALL),
    kw("ambiguity_check", choice((False, True, FORMATS), (1, "text", [1]))),
    variants="method",
    policy=MOVE,
)

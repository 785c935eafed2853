"""Leaving the tensor: Python numbers, lists, arrays, text, and the attributes that describe it."""

from __future__ import annotations

from assay.case import Values
from assay.catalog.common import ANY, x
from assay.catalog.form import arg, entry, form, opt, pos
from assay.catalog.kinds import choice, dim, number, shaped, tensor
from assay.dtypes import ALL, INTEGERS_AND_BOOL, REAL_AND_BOOL
from assay.policy import MOVE, VIEW

ONE = x(ALL, lambda draw, env: (1,) * len(shaped(max_rank=3)(draw, env)))
REAL_ONE = x(REAL_AND_BOOL, lambda draw, env: (1,) * len(shaped(max_rank=3)(draw, env)), prefer=Values("integers"))
entry("item", ONE, variants="method", policy=MOVE)
for name in ("__bool__", "__float__", "__int__", "__complex__"):
    source = ONE if name == "__bool__" else REAL_ONE
    if name == "__int__":
        source = arg("input", tensor(REAL_AND_BOOL, lambda draw, env: (), values=Values("integers")))
    entry(name, source, variants="method", policy=MOVE)
entry("__index__", arg("input", tensor(INTEGERS_AND_BOOL, lambda draw, env: ())), variants="method", policy=MOVE)
entry("__len__", x(ALL, shaped(min_rank=1)), variants="method", policy=MOVE)
entry(
    "__contains__",
    x(REAL_AND_BOOL, prefer=Values("ties")),
    pos("element", number(2)),
    variants="method",
    operators="contains",
    policy=MOVE,
)
NUMPY = tuple(d for d in ALL if d not in ("bfloat16", "complex32"))
entry("tolist", ANY, variants="method", policy=MOVE)
entry("numpy", x(NUMPY), variants="method", policy=MOVE)
entry("__array__", x(NUMPY), variants="method", policy=MOVE)
entry("__deepcopy__", ANY, pos("memo", choice(({},))), variants="method", policy=VIEW)
for name in ("__repr__", "__str__"):
    entry(name, ANY, variants="method", policy=MOVE)

for name in (
    "shape",
    "dtype",
    "ndim",
    "requires_grad",
    "is_leaf",
    "device",
    "layout",
    "itemsize",
    "nbytes",
    "grad",
    "is_sparse",
):
    entry(name, ANY, variants="method", mistakes=False, policy=MOVE)
entry("data", ANY, variants="method", mistakes=False, policy=VIEW)
for name in ("dim", "numel", "nelement", "element_size", "storage_offset"):
    entry(name, ANY, variants="function method" if name == "numel" else "method", policy=MOVE)
for name in ("size", "stride"):
    entry(
        name,
        form(ANY, variants="method"),
        form(x(ALL, shaped(min_rank=1)), opt("dim", dim()), variants="method"),
        policy=MOVE,
    )
for name in ("ndimension", "is_signed", "cpu"):
    entry(name, ANY, variants="method", policy=MOVE)
entry("is_contiguous", ANY, variants="method", policy=MOVE)
entry("is_tensor", pos("obj", tensor(ALL)), variants="function", policy=MOVE)
entry("is_same_size", ANY, arg("other", tensor(())), policy=MOVE)

"""Leaving the tensor: Python numbers, lists, arrays, text, and the attributes that describe it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import Named, Values
from assay.catalog.common import ANY, x
from assay.catalog.form import Execution, arg, entry, form, kw, opt, pos
from assay.catalog.kinds import choice, dim, made, number, shaped, tensor
from assay.dtypes import ALL, COMMON, INTEGERS_AND_BOOL, REAL_AND_BOOL, category
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
FORMAT = kw("memory_format", choice((Named("contiguous_format"), Named("channels_last"))), 0.4)
entry(
    "is_contiguous",
    form(ANY, variants="method"),
    form(x(ALL, shaped(min_rank=4, max_rank=4)), FORMAT, variants="method"),
    policy=MOVE,
)
entry("is_tensor", pos("obj", tensor(ALL)), variants="function", policy=MOVE)
entry("is_same_size", ANY, arg("other", tensor(())), policy=MOVE)


def _spec(drawn: Any, ex: Execution) -> str:
    """What stands behind the colon, for a number of the tensor's category; for others nothing may."""
    if ex.shape("input"):
        return ""
    return ex.pick.choice({0: ("", "d"), 1: ("", "d", "5d", "x"), 2: ("", ".3f", "e", "8.2g"), 3: ("", ".2f")}[
        category(ex.dtype)
    ])  # fmt: skip


entry(
    "__format__",
    x(COMMON, lambda draw, env: () if draw(st.integers(0, 2)) else shaped(max_rank=2)(draw, env)),
    pos("format_spec", made(_spec, None, (".3q", "zz"))),
    variants="method",
    policy=MOVE,
)
entry("__iter__", x(ALL, shaped(min_rank=1)), variants="method", order=2, policy=VIEW)
entry("__reversed__", ANY, variants="method", order=2, policy=MOVE)
EXPORTED = arg("input", tensor((*COMMON, "uint16", "uint32", "uint64"), grad=False))
entry(
    "__dlpack__",
    EXPORTED,
    kw("stream", choice((None,), (3, "one")), 0.6),
    kw("dl_device", choice(((1, 0), None), ((77, 0), "cpu")), 0.6),
    kw("copy", choice((True, False, None), ()), 0.6),
    kw("max_version", choice(((1, 0), None, (0, 8)), ("new",)), 0.6),
    variants="method",
    policy=MOVE,
)
entry("__dlpack_device__", EXPORTED, variants="method", policy=MOVE)
entry("to_dlpack", pos("tensor", EXPORTED.kind), variants="function", policy=MOVE)

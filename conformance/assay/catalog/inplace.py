"""What only exists in place: filling, copying, and flags of a tensor."""

from __future__ import annotations

from assay.catalog.common import ANY, x
from assay.catalog.form import arg, entry, opt, pos
from assay.catalog.kinds import either, flag, number, other, tensor
from assay.dtypes import ALL, COMMON, DIFFERENTIABLE
from assay.policy import MOVE

VALUE = either((number(keep=True), tensor((), lambda draw, env: ())), (3, 1))
entry("fill", x(), arg("value", VALUE), variants="function inplace", order=2, policy=MOVE)
entry("zero_", ANY, variants="inplace", calls={"inplace": "Tensor.zero_"}, order=2, policy=MOVE)
entry(
    "copy_",
    x(),
    pos("other", other(COMMON)),
    opt("non_blocking", flag()),
    variants="inplace",
    calls={"inplace": "Tensor.copy_"},
    order=2,
    policy=MOVE,
)
entry(
    "requires_grad_",
    x(DIFFERENTIABLE),
    opt("requires_grad", flag()),
    variants="method",
    calls={"method": "Tensor.requires_grad_"},
    policy=MOVE,
)
entry(
    "detach_",
    arg("input", tensor(ALL, contiguous=1.0)),
    variants="method",
    calls={"method": "Tensor.detach_"},
    policy=MOVE,
)

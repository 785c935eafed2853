"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from flambeau.declare import primitive
from flambeau.errors import check
from flambeau.operation import Launch
from flambeau.ops.rules import conj
from flambeau.tensor import Tensor, shape_of


def _same_dtype(a: Tensor, b: Tensor) -> None:
    names = {"float32": "float", "float64": "double", "int64": "long long"}
    check(
        a.dtype is b.dtype,
        f"expected m1 and m2 to have the same dtype, but got: {names.get(a.dtype.name, a.dtype.name)} != "
        f"{names.get(b.dtype.name, b.dtype.name)}",
    )


@primitive(
    "mm(Tensor input, Tensor mat2, *, Tensor out=None)",
    cpu=np.matmul,
    grad=(lambda g, mat2: g.mm(conj(mat2).transpose(0, 1)), lambda g, input: conj(input).transpose(0, 1).mm(g)),
)
def mm(input: Tensor, mat2: Tensor) -> Launch:
    """Matrix product of (n, m) and (m, p)."""
    a, b = shape_of(input), shape_of(mat2)
    check(len(a) == 2, "self must be a matrix")
    check(len(b) == 2, "mat2 must be a matrix")
    check(a[1] == b[0], f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})")
    _same_dtype(input, mat2)
    return Launch((input, mat2), (a[0], b[1]), input.dtype)

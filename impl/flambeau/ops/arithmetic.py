"""Addition, subtraction, multiplication, division."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.declare import elementwise
from flambeau.elementwise import INT_TO_FLOAT, result_type
from flambeau.errors import check
from flambeau.ops.rules import conj, scaled
from flambeau.tensor import Tensor


def _check_alpha(input: Any, other: Any, *, alpha: Any) -> None:
    if alpha == 1 and type(alpha) is not bool:
        return
    common = result_type(input, other)
    check(common is dtypes.bool_ or type(alpha) is not bool, "Boolean alpha only supported for Boolean results.")
    check(
        common.category >= dtypes.FLOATING or not isinstance(alpha, float | complex),
        "For integral input tensors, argument alpha must not be a floating point number.",
    )
    check(
        common.is_complex or not isinstance(alpha, complex),
        "For non-complex input tensors, argument alpha must not be a complex number.",
    )


def _check_sub(input: Any, other: Any, *, alpha: Any) -> None:
    kinds = [t.dtype if isinstance(t, Tensor) else dtypes.of_scalar(t) for t in (input, other)]
    check(
        not all(d is dtypes.bool_ for d in kinds),
        "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
        "operator instead.",
    )
    check(
        dtypes.bool_ not in kinds,
        "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use "
        "the `~` or `logical_not()` operator instead.",
    )
    _check_alpha(input, other, alpha=alpha)


def _times(y: Any, alpha: Any) -> Any:
    return y if alpha == 1 else y * y.dtype.type(alpha)


@elementwise(
    "add(Tensor|Number input, Tensor|Number other, *, Number alpha=1, Tensor out=None)",
    "add(Tensor|Number input, Number alpha, Tensor|Number other, *, Tensor out=None)|deprecated",
    numpy=lambda x, y, alpha: np.add(x, _times(y, alpha)),
    fast=np.add,
    cuda="x + alpha * y",
    grad=(lambda g: g, lambda g, alpha: scaled(g, alpha)),
    defaults={"alpha": 1},
    check=_check_alpha,
    inplace=True,
)
def add(input: Tensor, other: Tensor, *, alpha: Any = 1) -> None:
    """input + alpha · other, broadcasting and promoting."""


@elementwise(
    "sub(Tensor|Number input, Tensor|Number other, *, Number alpha=1, Tensor out=None)",
    "sub(Tensor|Number input, Number alpha, Tensor|Number other, *, Tensor out=None)|deprecated",
    numpy=lambda x, y, alpha: np.subtract(x, _times(y, alpha)),
    fast=np.subtract,
    cuda="x - alpha * y",
    grad=(lambda g: g, lambda g, alpha: -scaled(g, alpha)),
    defaults={"alpha": 1},
    check=_check_sub,
    inplace=True,
)
def sub(input: Tensor, other: Tensor, *, alpha: Any = 1) -> None:
    """input - alpha · other, broadcasting and promoting."""


@elementwise(
    "mul(Tensor|Number input, Tensor|Number other, *, Tensor out=None)",
    numpy=np.multiply,
    cuda="x * y",
    grad=(lambda g, other: g * conj(other), lambda g, input: g * conj(input)),
    inplace=True,
    aliases=("multiply",),
)
def mul(input: Tensor, other: Tensor) -> None:
    """input · other, broadcasting and promoting."""


@elementwise(
    "neg(Tensor input, *, Tensor out=None)",
    numpy=np.negative,
    cuda="-x",
    grad=lambda g: -g,
    inplace=True,
    aliases=("negative",),
    accept=dtypes.mask(*(d for d in dtypes.DTYPES if d is not dtypes.bool_)),
)
def neg(input: Tensor) -> None:
    """-input."""


__all__ = ["INT_TO_FLOAT"]

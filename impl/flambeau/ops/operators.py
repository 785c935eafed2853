"""Python operators on tensors."""

from __future__ import annotations

from flambeau.ops import arithmetic
from flambeau.tensor import Tensor

Tensor.__add__ = Tensor.__radd__ = arithmetic.add.fast  # type: ignore[attr-defined,operator]
Tensor.__sub__ = arithmetic.sub.fast  # type: ignore[attr-defined,operator]
Tensor.__mul__ = Tensor.__rmul__ = arithmetic.mul.fast  # type: ignore[attr-defined,operator]
Tensor.__neg__ = arithmetic.neg.fast  # type: ignore[attr-defined,operator]

"""Operations on dense tensors that the catalogue leaves out, and why."""

from __future__ import annotations

_ORTHOGONAL = (
    "the QR decomposition of a random matrix: how far a correct answer may lie off depends on the condition of numbers "
    "that nobody else draws"
)
#: operation -> reason
OMITTED = {
    "lobpcg": "an iteration whose answer is defined only up to its own stopping rule",
    "nn.init.orthogonal": _ORTHOGONAL,
    "nn.init.orthogonal_": _ORTHOGONAL,
}

"""Cotangents of results that are unique up to a choice alone: the derivative must not depend on the choice.

A singular vector may be multiplied by any phase, and eigenvalues may stand in any order. A cotangent drawn without
regard to that asks for a derivative that nobody defines. These are functions of the result itself that follow the
choice: columns X have the cotangent C X W, the gradient of half the sum of w x*Cx, with a Hermitian C and real weights
w.
"""

from __future__ import annotations

from typing import Any

#: What a cotangent follows. "columns", "rows": the phase of each; "unordered columns": their order, too;
#: "spectrum": the order of eigenvalues.
GAUGES = ("", "columns", "rows", "unordered columns", "spectrum")


def covariant(result: Any, kind: str, draw: Any) -> Any:
    """The cotangent of an array; draw(shape) gives an array of random numbers of its kind."""
    if kind == "spectrum":
        factors = draw((2,))
        return result * factors[0] + factors[1]
    size = result.shape[-1] if kind == "rows" else result.shape[-2]
    mixing = draw((*result.shape[:-2], size, size))
    mixing = mixing + mixing.swapaxes(-2, -1).conj()
    if kind == "unordered columns":
        return mixing @ result
    weights = abs(draw((result.shape[-2 if kind == "rows" else -1],)))
    return (result @ mixing) * weights[:, None] if kind == "rows" else (mixing @ result) * weights

"""What a primitive operation declares for CUDA: the body of an elementwise kernel and how its operands are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

OPERANDS = ("x", "y", "z")


@dataclass(frozen=True)
class Body:
    """A C++ expression over x, y, z (the operation's tensors in order; those it does not name are not read).

    params: names of the Launch's parameters it reads, of dtype ``scalars`` where that is given, else of the compute
    type. masks: which of x, y, z are bool tensors whatever the dtype. result: see `templates.RESULTS`. moves: elements
    reach the body as they are stored (``T`` is half, not float). dtypes: names of those that the tensors, after
    promotion, may have.
    """

    expression: str
    dtypes: Sequence[str]
    params: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    result: str = "same"
    scalars: str | None = None
    moves: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """The operands that the expression names."""
        return tuple(name for name in OPERANDS if re.search(rf"\b{name}\b", self.expression))

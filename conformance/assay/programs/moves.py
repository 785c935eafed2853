"""The register of moves: each tries to add one step to a program that is being drawn, and says whether it did."""

from __future__ import annotations

from collections.abc import Callable

from assay.programs.drawing import Drawing

Move = Callable[[Drawing], bool]
#: By sort ("view", "elementwise", "write", "copy", "reduction", "product", "branch"): moves with their weights.
MOVES: dict[str, dict[Move, int]] = {}
#: Numbers that every floating dtype holds exactly: a wider evaluation multiplies by the very same.
FACTORS = (0.5, 1.5, 2.0, -1.0, -0.5, 0.75, 3.0)
TERMS = (0.5, 1.0, -1.0, 0.25, 2.0, -2.0)


def move(sort: str, weight: int = 1) -> Callable[[Move], Move]:
    """Register a move of a sort."""

    def register(made: Move) -> Move:
        MOVES.setdefault(sort, {})[made] = weight
        return made

    return register


def number(d: Drawing, kind: int, pool: tuple[float, ...]) -> int | float:
    """A number for a tensor of this kind: whole for integers."""
    drawn = d.pick.choice(pool)
    if kind < 2 or (drawn.is_integer() and d.pick.chance(0.3)):
        return int(drawn) if drawn.is_integer() else 2
    return drawn

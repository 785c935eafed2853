"""Tensors put together: stacked, in blocks, in all combinations; brought to common shapes and ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from assay.case import Make
from assay.catalog.common import x
from assay.catalog.form import Execution, Form, Structure, arg, entry, form, kw, opt, pos, variadic
from assay.catalog.kinds import choice, flag, integer, made, shaped, tensor
from assay.catalog.results import unknown
from assay.catalog.shapes import tensors
from assay.dtypes import ALL, COMMON, NUMERIC
from assay.policy import ELEMENTWISE, MOVE, POWERS, VIEW
from assay.strategies.shapes import Shape, broadcastable, shapes


class several(tensors):
    """A list or tuple of tensors of the shapes that a rule draws."""

    def __init__(
        self, rule: Callable[[st.DrawFn, Structure], tuple[Shape, ...]], dtypes: tuple[str, ...], mixed: bool = True
    ) -> None:
        super().__init__(dtypes, None, mixed)
        self.rule = rule

    def structure(self, draw: st.DrawFn, env: Structure) -> Any:
        return self.rule(draw, env)


def alike(least: int, along: int | None = None) -> Any:
    """Shapes of one rank that differ along one dimension only, if at all."""

    def rule(draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
        shape = tuple(min(s, 7) for s in shaped(least, 4)(draw, env))
        if along is None:
            return (shape,) * draw(st.integers(1, 4))
        sizes = [draw(st.sampled_from((shape[along], 1, 2, 0))) for _ in range(draw(st.integers(1, 4)))]
        return tuple((*shape[:along], n, *shape[along + 1 :]) for n in sizes)

    return rule


def joined(*rules: Any) -> list[Form]:
    """Functions of one sequence of tensors."""
    return [
        form(arg("tensors", several(rule, COMMON)), variants="function", out=unknown, order=2, dtypes=COMMON)
        for rule in rules
    ]


entry("column_stack", *joined(alike(0), alike(2, 1)), policy=MOVE)
entry("dstack", *joined(alike(0), alike(3, 2)), policy=MOVE)
entry("row_stack", *joined(alike(0), alike(2, 0)), policy=MOVE)


def spread(rule: Any, mixed: bool = True) -> Form:
    """A function of any number of tensors."""
    return form(variadic("tensors", several(rule, COMMON, mixed)), variants="function", order=2, dtypes=COMMON)


def _blocks(draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
    return tuple(
        tuple(draw(st.integers(0 if draw(st.integers(0, 4)) == 0 else 1, 4)) for _ in range(draw(st.integers(0, 2))))
        for _ in range(draw(st.integers(1, 4)))
    )


entry("block_diag", spread(_blocks), policy=MOVE)


def _lines(least: int) -> Any:
    """Vectors; with `least` 0 numbers, too."""

    def rule(draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
        count = draw(st.integers(1, 3))
        ranks = (1, 1, 1, least)
        return tuple((draw(st.integers(0, 4)),) * draw(st.sampled_from(ranks)) for _ in range(count))

    return rule


entry("cartesian_prod", spread(_lines(1), mixed=False), policy=MOVE)
INDEXING = kw("indexing", choice(("ij", "xy"), ("yx", 1)), 0.3)
entry(
    "meshgrid",
    form(variadic("tensors", several(_lines(0), COMMON, False)), INDEXING, variants="function", order=2, dtypes=COMMON),
    form(pos("tensors", several(_lines(0), COMMON, False)), INDEXING, variants="function", order=2, dtypes=COMMON),
    policy=VIEW,
)


def _fitting(draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
    """Shapes that broadcast together."""
    found = [tuple(min(s, 5) for s in shaped(max_rank=4)(draw, env))]
    for _ in range(draw(st.integers(0, 2))):
        found.append(draw(broadcastable(*found, max_rank=4)))
    return tuple(found)


entry("broadcast_tensors", spread(_fitting), policy=VIEW)


def _sizes(drawn: tuple[Shape, ...], ex: Execution) -> list[Any]:
    """Tuples, lists, Sizes, and numbers for vectors."""
    ways: tuple[Callable[[Shape], Any], ...] = (tuple, tuple, list, lambda s: Make("Size", (s,)))
    return [s[0] if len(s) == 1 and ex.pick.chance(0.3) else ex.pick.choice(ways)(s) for s in drawn]


entry(
    "broadcast_shapes",
    variadic("shapes", made(_sizes, _fitting, ([(2,), (3,)], [(2, -5)], ["two"], [(1.5,)]))),
    variants="function",
    policy=MOVE,
)


def _some(draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
    return tuple(tuple(min(s, 5) for s in draw(shapes())) for _ in range(draw(st.integers(2, 4))))


for rank in (1, 2, 3):
    entry(
        f"atleast_{rank}d",
        form(pos("tensors", tensor(ALL)), variants="function", order=2, weight=2),
        spread(_some),
        form(pos("tensors", several(_some, COMMON)), variants="function", order=2, dtypes=COMMON),
        policy=VIEW,
    )


# -- combinations of elements ----------------------------------------------------------------------------------------
def _short(most: int) -> Any:
    return lambda draw, env: (0 if env.stratum == "empty" else draw(st.integers(0, most)),)


entry(
    "combinations",
    x(COMMON, _short(6)),
    opt("r", integer(0, 3)),
    opt("with_replacement", flag()),
    variants="function",
    order=2,
    policy=MOVE,
)


def _little(draw: st.DrawFn, env: Structure) -> Shape:
    return tuple(min(s, 3) for s in shaped(max_rank=3)(draw, env))


entry(
    "kron",
    x(NUMERIC, _little),
    arg("other", tensor(NUMERIC, _little, mixed=True)),
    out=unknown,
    order=2,
    policy=ELEMENTWISE,
)
VECTOR = arg("x", tensor(NUMERIC, _short(7)))
# PyTorch 2.13 derives no more than two columns: it goes on multiplying in what it has saved.
entry(
    "vander",
    form(VECTOR, opt("N", integer(0, 5)), opt("increasing", flag()), variants="function", weight=2),
    form(VECTOR, arg("N", integer(0, 2)), opt("increasing", flag()), variants="function", order=2),
    policy=POWERS,
)

"""Contractions over named or numbered dims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from assay.catalog.form import Execution, Param, Structure, arg, entry, pos
from assay.catalog.kinds import ShapeRule, aside, made, tensor
from assay.catalog.products import called, operands, product
from assay.dtypes import DIFFERENTIABLE, NUMERIC
from assay.policy import PRODUCT
from assay.strategies.shapes import Shape, broadcastable


@dataclass(frozen=True)
class Contraction:
    """An equation with the shapes of its operands; subscripts: the same as numbers, one list an operand and the
    result's."""

    equation: str
    shapes: tuple[Shape, ...]
    subscripts: tuple[tuple[int, ...], ...] = ()


_LETTERS = "ijkl"


def _contraction(
    draw: st.DrawFn, env: Structure, counts: tuple[int, ...] = (2, 1, 3), dots: bool = True
) -> Contraction:
    count = draw(st.sampled_from(counts))
    size = {c: draw(st.sampled_from((2, 3, 1, 4, 5))) for c in _LETTERS}
    if env.stratum == "empty":
        size[draw(st.sampled_from(_LETTERS[:2]))] = 0
    batch = draw(st.sampled_from((None, None, (), (2,), (3, 2)))) if dots else None
    subscripts, shapes = [], []
    for _ in range(count):
        # a repeated letter is a diagonal
        letters = "".join(draw(st.lists(st.sampled_from(_LETTERS), max_size=0 if env.stratum == "0-dim" else 3)))
        sizes = tuple(size[c] for c in letters)
        if batch is None:
            subscripts.append(letters)
            shapes.append(sizes)
        else:
            own = draw(broadcastable(batch, max_rank=len(batch)))
            at = draw(st.integers(0, len(letters)))
            subscripts.append(f"{letters[:at]}...{letters[at:]}")
            shapes.append((*sizes[:at], *own, *sizes[at:]))
    used = sorted(set("".join(subscripts)) - {"."})
    kept = [c for c in draw(st.permutations(used)) if draw(st.booleans())] if used else []
    result = "".join(kept)
    if batch is not None and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(result)))
        result = f"{result[:at]}...{result[at:]}"
    text = ",".join(subscripts)
    if draw(st.integers(0, 3)):
        text += f"->{result}"
    if draw(st.integers(0, 5)) == 0:
        text = text.replace(",", " , ").replace("->", " -> ")
    numbers = tuple(tuple(_LETTERS.index(c) for c in s if c != ".") for s in (*subscripts, "".join(kept)))
    return Contraction(text, tuple(shapes), numbers)


CONTRACTION = aside("contraction", _contraction)
EQUATION = made(
    lambda drawn, ex: ex.structure.drawn["contraction"].equation, refused=("i->j", "ij,jk,kl,l->i", "i!,j", ",,,")
)
SUMMED = ("int64", *DIFFERENTIABLE)


def _part(at: int) -> made:
    def numbered(drawn: Any, ex: Execution) -> Any:
        return list(ex.structure.drawn["contraction"].subscripts[at])

    return made(numbered, refused=([0, 1, 2, 3, 0, 1], [-1], [99], ["i"]))


def _operand(at: int) -> Param:
    shape: ShapeRule = lambda draw, env: env.drawn["contraction"].shapes[at]  # noqa: E731
    return pos(f"operand{at}", tensor(SUMMED if at == 0 else (), shape))


def _counted_contraction(count: int, dots: bool) -> Param:
    return aside("contraction", lambda draw, env: _contraction(draw, env, (count,), dots))


entry(
    "einsum",
    *(
        called(
            _counted_contraction(count, True),
            pos("equation", EQUATION),
            *(_operand(i) for i in range(count)),
            weight=weight,
            dtypes=SUMMED,
        )
        for count, weight in ((2, 4), (1, 2), (3, 2))
    ),
    called(
        _counted_contraction(2, False),
        _operand(0),
        pos("subscripts0", _part(0)),
        _operand(1),
        pos("subscripts1", _part(1)),
        pos("subscripts2", _part(2)),
        dtypes=SUMMED,
    ),
    called(
        CONTRACTION,
        pos("equation", EQUATION),
        pos("operands", operands(lambda draw, env: env.drawn["contraction"].shapes)),
        dtypes=SUMMED,
    ),
    policy=PRODUCT,
)


@dataclass(frozen=True)
class Contracted:
    """Two shapes and the dims of each that are summed over together."""

    left: Shape
    right: Shape
    dims: Any


def _contracted(draw: st.DrawFn, env: Structure) -> Contracted:
    pool = st.sampled_from((2, 3, 1, 4, 0) if env.stratum == "empty" else (2, 3, 1, 4, 2))
    both = [draw(pool) for _ in range(0 if env.stratum == "0-dim" else draw(st.integers(0, 2)))]
    left, right = ([draw(pool) for _ in range(draw(st.integers(0, 2)))] for _ in range(2))
    if env.stratum == "0-dim":
        left, right = [], []
    if env.stratum == "empty" and 0 not in (*left, *right, *both):
        left.append(0)
    if draw(st.booleans()):
        return Contracted((*left, *both), (*both, *right), len(both))
    dims: list[list[int]] = []
    shapes: list[Shape] = []
    for own in (left, right):
        order = draw(st.permutations(range(len(own) + len(both))))
        mixed = [*own, *both]
        shapes.append(tuple(mixed[i] for i in order))
        where = [order.index(len(own) + i) for i in range(len(both))]
        dims.append([w - len(mixed) if draw(st.booleans()) else w for w in where])
    return Contracted(shapes[0], shapes[1], (dims[0], dims[1]))


def _dims(drawn: Any, ex: Execution) -> Any:
    found = ex.structure.drawn["contracted"].dims
    if isinstance(found, int):
        return found
    return tuple(tuple(d) for d in found) if ex.pick.chance(0.4) else [list(d) for d in found]


def _side(name: str) -> ShapeRule:
    return lambda draw, env: getattr(env.drawn["contracted"], name)


product(
    "tensordot",
    aside("contracted", _contracted),
    arg("a", tensor(NUMERIC, _side("left"))),
    arg("b", tensor((), _side("right"))),
    arg("dims", made(_dims, refused=(-1, 7, ([0], [0, 1]), ([9], [9]), "text", 1.5))),
)

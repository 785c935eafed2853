"""Determinants, inverses, solutions and powers of matrices, and tensors taken as matrices."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.catalog.form import Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import aside, choice, finite, flag, integer, made, tensor
from assay.catalog.lapack import CHECK, FM, INT32, MATRIX, SCALAR, UPPER, F, lapack, solved
from assay.catalog.matrices import DOMINANT, LAPACK, SMALL, WELL, matrices, square
from assay.catalog.results import real as real_result
from assay.catalog.results import same, unknown
from assay.dtypes import DIFFERENTIABLE, NUMERIC
from assay.policy import Policy
from assay.strategies.shapes import Shape

# -- determinants and inverses -----------------------------------------------------------------------------------------
DETERMINED = {"conditioned": 5, "normal": 3, "symmetric": 1, "deficient": 1, "zeros": 1, "ones": 1}
for name in ("det", "linalg.det"):
    legacy = name == "det"
    first, how = ("input", FM) if legacy else ("A", F)
    # The second derivative by a singular matrix is made of its factors, which rounding decides.
    entry(
        name,
        form(arg(first, matrices(DETERMINED)), variants=how, out=None if legacy else unknown),
        form(arg(first, matrices(WELL)), variants=how, order=2, weight=2),
        policy=SCALAR,
    )
for name in ("slogdet", "linalg.slogdet"):
    legacy = name == "slogdet"
    x = arg("input" if legacy else "A", matrices(WELL))
    lapack(name, x, variants=FM if legacy else F, result=(same, real_result), policy=SCALAR)
entry("logdet", arg("input", matrices(WELL)), variants=FM, order=2, policy=SCALAR)
lapack("inverse", arg("input", matrices(WELL)), variants=FM)
lapack("linalg.inv", arg("A", matrices(WELL)))
lapack("linalg.inv_ex", arg("A", matrices(WELL)), CHECK, result=(same, INT32))


# -- solutions ---------------------------------------------------------------------------------------------------------
def _right(side: str, of: str) -> Any:
    """What stands on the right of matrices `of`: matrices or, of one matrix or some, vectors; on the left instead
    where that was drawn aside."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        count = draw(st.sampled_from((2, 1, 3, 4, 0)))
        if env.drawn.get(side) is False:
            return (*shape[:-2], count, shape[-1])
        if side and draw(st.integers(0, 3)) == 0:
            return shape[:-1]
        return (*shape[:-1], count)

    return rule


def matrices_beside(of: str) -> Any:
    """Matrices on the side that was drawn."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        count = draw(st.sampled_from((2, 1, 3, 4, 0)))
        return (*shape[:-1], count) if env.drawn["side"] else (*shape[:-2], count, shape[-1])

    return rule


LEFT = aside("side", lambda draw, env: draw(st.sampled_from((True, True, False))))
IS_LEFT = kw("left", made(lambda drawn, ex: ex.structure.drawn["side"], refused=("yes", 2.5)), 0)


def beside(side: str, of: str) -> Any:
    return tensor((), _right(side, of), values=finite)


def _solved(x: Param, of: str) -> tuple[Param, ...]:
    return (x, LEFT, arg("B", beside("side", of)), IS_LEFT)


entry(
    "linalg.solve",
    solved(arg("A", matrices(WELL)), arg("B", beside("", "A"))),
    solved(*_solved(arg("A", matrices(WELL)), "A")),
    policy=MATRIX,
)
lapack("linalg.solve_ex", *_solved(arg("A", matrices(WELL)), "A"), CHECK, result=(same, INT32))
lapack(
    "linalg.solve_triangular",
    arg("input", matrices(DOMINANT)),
    LEFT,
    arg("B", tensor((), matrices_beside("input"), values=finite)),
    kw("upper", flag(), 0),
    IS_LEFT,
    kw("unitriangular", flag()),
)


SIZE = aside("size", lambda draw, env: square()(draw, env))


def columns(draw: st.DrawFn, env: Structure) -> Shape:
    return (*env.drawn["size"][:-1], draw(st.sampled_from((2, 1, 3, 0))))


def whole(draw: st.DrawFn, env: Structure) -> Shape:
    shape: Shape = env.drawn["size"]
    return shape


lapack(
    "triangular_solve",
    SIZE,
    arg("input", tensor(LAPACK, columns, values=finite)),
    arg("A", matrices(DOMINANT, whole, ())),
    UPPER,
    opt("transpose", flag()),
    opt("unitriangular", flag()),
    variants=FM,
    result=(same, same),
)


# -- powers ------------------------------------------------------------------------------------------------------------
for name, how in (("matrix_exp", FM), ("linalg.matrix_exp", F)):
    entry(
        name,
        arg("input", matrices({"normal": 5, "conditioned": 2, "zeros": 1, "symmetric": 1}, square(), DIFFERENTIABLE)),
        variants=how,
        order=2,
        policy=MATRIX,
    )
for name, how in (("matrix_power", FM), ("linalg.matrix_power", F)):
    entry(
        name,
        solved(
            arg("input", matrices({"normal": 5, "conditioned": 2, "zeros": 1}, square(), NUMERIC)),
            arg("n", integer(0, 5)),
            variants=how,
            weight=2,
        ),
        solved(
            arg("input", matrices(WELL)),
            arg("n", made(lambda drawn, ex: -ex.pick.integer(1, 3), refused=(1.5, "text"))),
            variants=how,
        ),
        policy=Policy(scale="matrix", gradient_scale="matrix", overflow="power"),
    )

# -- tensors as matrices -----------------------------------------------------------------------------------------------
#: Shapes whose first dims, and whose last, have as many elements.
_HALVES: tuple[tuple[Shape, Shape], ...] = (
    ((2, 3), (6,)),
    ((4,), (2, 2)),
    ((6,), (3, 2)),
    ((2, 2), (4, 1)),
    ((3,), (3,)),
    ((1,), (1, 1)),
    ((2, 1, 2), (4,)),
)


def _halves(draw: st.DrawFn, env: Structure) -> tuple[Shape, Shape]:
    return draw(st.sampled_from(_HALVES))


def _both_halves(draw: st.DrawFn, env: Structure) -> Shape:
    first, last = env.drawn["halves"]
    return (*first, *last)


HALVES = aside("halves", _halves)
lapack(
    "linalg.tensorinv",
    HALVES,
    arg("input", matrices(SMALL, _both_halves, within=9)),
    arg("ind", made(lambda drawn, ex: len(ex.structure.drawn["halves"][0]), refused=(0, -1, "text", 1.5))),
)


lapack(
    "linalg.tensorsolve",
    HALVES,
    arg("input", matrices(SMALL, _both_halves, within=9)),
    arg("other", tensor((), lambda draw, env: env.drawn["halves"][0], values=finite)),
    opt("dims", choice((None,), ((9,), "text"))),
)

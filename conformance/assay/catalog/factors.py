"""Triangular and symmetric factors of matrices, what is solved by them, and reflectors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.form import Execution, Structure, arg, entry, kw, opt
from assay.catalog.kinds import choice, finite, flag, made, tensor, unresized
from assay.catalog.lapack import CHECK, FACTORS, FM, INT32, MATRIX, UPPER, F, lapack
from assay.catalog.linalg import IS_LEFT, LEFT, SIZE, beside, columns, matrices_beside, whole
from assay.catalog.matrices import (
    CONDITIONED,
    DEFINITE,
    DOMINANT,
    LAPACK,
    SYMMETRIC,
    WELL,
    matrices,
    rectangular,
    sized,
)
from assay.catalog.results import same
from assay.strategies.shapes import Shape


# -- triangular factors ------------------------------------------------------------------------------------------------
def _pivots(ex: Execution, shape: Shape) -> Values:
    return Values("pivots")


def _one_a_row(of: str) -> Any:
    """A pivot for each row that has one."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        return (*shape[:-2], min(shape[-2:]))

    return rule


def pivots(of: str, contiguous: float = 0.0) -> Any:
    """The exchanges that LU factors of this shape come with."""
    return tensor(("int32",), _one_a_row(of), own=True, values=_pivots, grad=False, contiguous=contiguous)


PIVOT = kw("pivot", choice((True,), (False, "yes")), 0.6)
LU = CONDITIONED
lapack("linalg.lu_factor", arg("A", matrices(LU, rectangular())), PIVOT, result=(same, INT32))
lapack("linalg.lu_factor_ex", arg("A", matrices(LU, rectangular())), PIVOT, CHECK, result=(same, INT32, INT32))
lapack("linalg.lu", arg("A", matrices(LU, rectangular())), PIVOT, result=(same, same, same))
entry(
    "lu",
    arg("input", matrices(LU, rectangular())),
    opt("pivot", choice((True,), (False, "yes")), 0.4),
    opt("get_infos", flag()),
    variants=FM,
    order=2,
    policy=MATRIX,
)
# PyTorch 2.13 reads beyond pivots that are too few.
lapack(
    "lu_unpack",
    arg("LU_data", unresized(matrices(DOMINANT, rectangular()))),
    arg("LU_pivots", unresized(pivots("LU_data"))),
    opt("unpack_data", flag()),
    opt("unpack_pivots", flag()),
    result=(same, same, same),
    policy=FACTORS,
)
# Contiguous: PyTorch 2.13 reads beyond the factors of 1x1 matrices of other strides, and beyond such pivots.
COMPACT_LU = arg("LU", matrices(DOMINANT, contiguous=1.0))
lapack(
    "linalg.lu_solve",
    COMPACT_LU,
    arg("pivots", pivots("LU", contiguous=1.0)),
    LEFT,
    arg("B", tensor((), matrices_beside("LU"), values=finite)),
    IS_LEFT,
    kw("adjoint", flag()),
)


lapack(
    "lu_solve",
    SIZE,
    arg("input", tensor(LAPACK, columns, values=finite)),
    arg("LU_data", matrices(DOMINANT, whole, (), contiguous=1.0)),
    arg("LU_pivots", pivots("LU_data", contiguous=1.0)),
    variants=FM,
)
FACTORED = {"positive definite": 12, "symmetric": 1}
lapack("cholesky", arg("input", matrices(DEFINITE)), UPPER, variants=FM)
lapack("linalg.cholesky", arg("input", matrices(FACTORED)), kw("upper", flag()))
lapack("linalg.cholesky_ex", arg("input", matrices(DEFINITE)), kw("upper", flag()), CHECK, result=(same, INT32))
lapack("cholesky_inverse", arg("input", matrices(DOMINANT)), UPPER, variants=FM)
lapack(
    "cholesky_solve",
    SIZE,
    arg("input", tensor(LAPACK, columns, values=finite)),
    arg("input2", matrices(DOMINANT, whole, ())),
    UPPER,
    variants=FM,
)
HERMITIAN = kw("hermitian", flag())
lapack("linalg.ldl_factor", arg("input", matrices(SYMMETRIC)), HERMITIAN, result=(same, INT32), order=0)
lapack(
    "linalg.ldl_factor_ex", arg("input", matrices(SYMMETRIC)), HERMITIAN, CHECK, result=(same, INT32, INT32), order=0
)
# Contiguous: PyTorch 2.13 crashes on pivots of other strides.
lapack(
    "linalg.ldl_solve",
    arg("LD", matrices(DOMINANT, contiguous=1.0)),
    arg("pivots", pivots("LD", contiguous=1.0)),
    arg("B", beside("", "LD")),
    HERMITIAN,
    order=0,
)


# -- reflectors --------------------------------------------------------------------------------------------------------
#: Short vectors and small factors: the derivative undoes each reflection, by 1 - τ |v|², which must stay clear of 0.
VECTORS, SCALARS = Values("uniform", low=-0.35, high=0.35), Values("uniform", low=-0.3, high=0.3)


def _reflections(of: str) -> Any:
    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        return (*shape[:-2], draw(st.integers(0, shape[-1])))

    return tensor((), rule, values=SCALARS)


for name, second, how in (("linalg.householder_product", "tau", F), ("orgqr", "input2", FM)):
    lapack(
        name,
        arg("input", tensor(LAPACK, rectangular(tall=True), values=VECTORS)),
        arg(second, _reflections("input")),
        variants=how,
    )


def _multiplied(draw: st.DrawFn, env: Structure) -> Shape:
    """What the reflections stand on the left or the right of."""
    shape = env.shape("input")
    count = draw(st.sampled_from((2, 1, 3, 4)))
    return (*shape[:-1], count) if env.drawn["side"] else (*shape[:-2], count, shape[-2])


lapack(
    "ormqr",
    LEFT,
    arg("input", tensor(LAPACK, rectangular(tall=True, empty=False), values=VECTORS)),
    arg("input2", tensor((), sized(("input", -1), of="input"), values=SCALARS)),
    arg("input3", tensor((), _multiplied, values=finite)),
    arg("left", made(lambda drawn, ex: ex.structure.drawn["side"], refused=("yes", 2.5))),
    opt("transpose", flag()),
    variants=FM,
)
lapack("geqrf", arg("input", matrices(WELL, rectangular())), variants=FM, result=(same, same), order=0)

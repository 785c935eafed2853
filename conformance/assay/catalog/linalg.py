"""Linear algebra whose answers are unique: determinants, inverses, solutions, factors, powers, singular values."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import TensorSpec, Values
from assay.catalog.form import Execution, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import aside, choice, finite, flag, integer, made, real, tensor
from assay.catalog.matrices import (
    ANY,
    CONDITIONED,
    DEFINITE,
    DOMINANT,
    LAPACK,
    RANKED,
    SYMMETRIC,
    WELL,
    matrices,
    rectangular,
    sized,
    square,
)
from assay.catalog.results import always, same, unknown
from assay.catalog.results import real as real_result
from assay.dtypes import DIFFERENTIABLE, NUMERIC, real_part
from assay.policy import Policy
from assay.strategies.shapes import Shape

MATRIX = Policy(scale="matrix", gradient_scale="matrix")
SCALAR = Policy(gradient_scale="matrix")
FACTORS = Policy(values="exact", gradient_scale="matrix", signed_zeros=False)
INT32, INT64 = always("int32"), always("int64")
F, FM = "function", "function method"
CHECK = kw("check_errors", flag())
UPPER = opt("upper", flag())


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
    entry(name, x, variants=FM if legacy else F, out=unknown, result=(same, real_result), order=2, policy=SCALAR)
entry("logdet", arg("input", matrices(WELL)), variants=FM, order=2, policy=SCALAR)
entry("inverse", arg("input", matrices(WELL)), variants=FM, out=unknown, order=2, policy=MATRIX)
entry("linalg.inv", arg("A", matrices(WELL)), variants=F, out=unknown, order=2, policy=MATRIX)
entry(
    "linalg.inv_ex",
    arg("A", matrices(WELL)),
    CHECK,
    variants=F,
    out=unknown,
    result=(same, INT32),
    order=2,
    policy=MATRIX,
)


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


def _matrices_beside(of: str) -> Any:
    """Matrices on the side that was drawn."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        count = draw(st.sampled_from((2, 1, 3, 4, 0)))
        return (*shape[:-1], count) if env.drawn["side"] else (*shape[:-2], count, shape[-1])

    return rule


LEFT = aside("side", lambda draw, env: draw(st.sampled_from((True, True, False))))
IS_LEFT = kw("left", made(lambda drawn, ex: ex.structure.drawn["side"], refused=("yes", 2.5)), 0)


def _beside(side: str, of: str) -> Any:
    return tensor((), _right(side, of), values=finite)


def _solved(x: Param, of: str) -> tuple[Param, ...]:
    return (x, LEFT, arg("B", _beside("side", of)), IS_LEFT)


entry(
    "linalg.solve",
    form(arg("A", matrices(WELL)), arg("B", _beside("", "A")), variants=F, out=unknown, order=2),
    form(*_solved(arg("A", matrices(WELL)), "A"), variants=F, out=unknown, order=2),
    policy=MATRIX,
)
entry(
    "linalg.solve_ex",
    *_solved(arg("A", matrices(WELL)), "A"),
    CHECK,
    variants=F,
    out=unknown,
    result=(same, INT32),
    order=2,
    policy=MATRIX,
)
entry(
    "linalg.solve_triangular",
    arg("input", matrices(DOMINANT)),
    LEFT,
    arg("B", tensor((), _matrices_beside("input"), values=finite)),
    kw("upper", flag(), 0),
    IS_LEFT,
    kw("unitriangular", flag()),
    variants=F,
    out=unknown,
    order=2,
    policy=MATRIX,
)


SIZE = aside("size", lambda draw, env: square()(draw, env))


def _columns(draw: st.DrawFn, env: Structure) -> Shape:
    return (*env.drawn["size"][:-1], draw(st.sampled_from((2, 1, 3, 0))))


def _whole(draw: st.DrawFn, env: Structure) -> Shape:
    shape: Shape = env.drawn["size"]
    return shape


entry(
    "triangular_solve",
    SIZE,
    arg("input", tensor(LAPACK, _columns, values=finite)),
    arg("A", matrices(DOMINANT, _whole, ())),
    UPPER,
    opt("transpose", flag()),
    opt("unitriangular", flag()),
    variants=FM,
    out=unknown,
    result=(same, same),
    order=2,
    policy=MATRIX,
)


# -- triangular factors ------------------------------------------------------------------------------------------------
def _pivots(ex: Execution, shape: Shape) -> Values:
    return Values("pivots")


def _one_a_row(of: str) -> Any:
    """A pivot for each row that has one."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        return (*shape[:-2], min(shape[-2:]))

    return rule


def pivots(of: str) -> Any:
    """The exchanges that LU factors of this shape come with."""
    return tensor(("int32",), _one_a_row(of), own=True, values=_pivots, grad=False)


PIVOT = kw("pivot", choice((True,), (False, "yes")), 0.6)
LU = CONDITIONED
entry(
    "linalg.lu_factor",
    arg("A", matrices(LU, rectangular())),
    PIVOT,
    variants=F,
    out=unknown,
    result=(same, INT32),
    order=2,
    policy=MATRIX,
)
entry(
    "linalg.lu_factor_ex",
    arg("A", matrices(LU, rectangular())),
    PIVOT,
    CHECK,
    variants=F,
    out=unknown,
    result=(same, INT32, INT32),
    order=2,
    policy=MATRIX,
)
entry(
    "linalg.lu",
    arg("A", matrices(LU, rectangular())),
    PIVOT,
    variants=F,
    out=unknown,
    result=(same, same, same),
    order=2,
    policy=MATRIX,
)
entry(
    "lu",
    arg("input", matrices(LU, rectangular())),
    opt("pivot", choice((True,), (False, "yes")), 0.4),
    opt("get_infos", flag()),
    variants=FM,
    order=2,
    policy=MATRIX,
)
entry(
    "lu_unpack",
    arg("LU_data", matrices(DOMINANT, rectangular())),
    arg("LU_pivots", pivots("LU_data")),
    opt("unpack_data", flag()),
    opt("unpack_pivots", flag()),
    variants=F,
    out=unknown,
    result=(same, same, same),
    order=2,
    policy=FACTORS,
)
# Contiguous: PyTorch 2.13 reads beyond the factors of 1x1 matrices of other strides.
COMPACT_LU = arg("LU", matrices(DOMINANT, contiguous=1.0))
entry(
    "linalg.lu_solve",
    COMPACT_LU,
    arg("pivots", pivots("LU")),
    LEFT,
    arg("B", tensor((), _matrices_beside("LU"), values=finite)),
    IS_LEFT,
    kw("adjoint", flag()),
    variants=F,
    out=unknown,
    order=2,
    policy=MATRIX,
)


entry(
    "lu_solve",
    SIZE,
    arg("input", tensor(LAPACK, _columns, values=finite)),
    arg("LU_data", matrices(DOMINANT, _whole, (), contiguous=1.0)),
    arg("LU_pivots", pivots("LU_data")),
    variants=FM,
    out=unknown,
    order=2,
    policy=MATRIX,
)
FACTORED = {"positive definite": 12, "symmetric": 1}
entry("cholesky", arg("input", matrices(DEFINITE)), UPPER, variants=FM, out=unknown, order=2, policy=MATRIX)
entry(
    "linalg.cholesky",
    arg("input", matrices(FACTORED)),
    kw("upper", flag()),
    variants=F,
    out=unknown,
    order=2,
    policy=MATRIX,
)
entry(
    "linalg.cholesky_ex",
    arg("input", matrices(DEFINITE)),
    kw("upper", flag()),
    CHECK,
    variants=F,
    out=unknown,
    result=(same, INT32),
    order=2,
    policy=MATRIX,
)
entry("cholesky_inverse", arg("input", matrices(DOMINANT)), UPPER, variants=FM, out=unknown, order=2, policy=MATRIX)
entry(
    "cholesky_solve",
    SIZE,
    arg("input", tensor(LAPACK, _columns, values=finite)),
    arg("input2", matrices(DOMINANT, _whole, ())),
    UPPER,
    variants=FM,
    out=unknown,
    order=2,
    policy=MATRIX,
)
HERMITIAN = kw("hermitian", flag())
entry(
    "linalg.ldl_factor",
    arg("input", matrices(SYMMETRIC)),
    HERMITIAN,
    variants=F,
    out=unknown,
    result=(same, INT32),
    policy=MATRIX,
)
entry(
    "linalg.ldl_factor_ex",
    arg("input", matrices(SYMMETRIC)),
    HERMITIAN,
    CHECK,
    variants=F,
    out=unknown,
    result=(same, INT32, INT32),
    policy=MATRIX,
)
entry(
    "linalg.ldl_solve",
    arg("LD", matrices(DOMINANT, contiguous=1.0)),
    arg("pivots", pivots("LD")),
    arg("B", _beside("", "LD")),
    HERMITIAN,
    variants=F,
    out=unknown,
    policy=MATRIX,
)


# -- reflectors --------------------------------------------------------------------------------------------------------
def _reflections(of: str) -> Any:
    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        shape = env.shape(of)
        return (*shape[:-2], draw(st.integers(0, shape[-1])))

    return tensor((), rule, values=Values("uniform", low=-1, high=1))


SMALL = {"normal": 1}
for name, second, how in (("linalg.householder_product", "tau", F), ("orgqr", "input2", FM)):
    entry(
        name,
        arg("input", matrices(SMALL, rectangular(tall=True))),
        arg(second, _reflections("input")),
        variants=how,
        out=unknown,
        order=2,
        policy=MATRIX,
    )


def _multiplied(draw: st.DrawFn, env: Structure) -> Shape:
    """What the reflections stand on the left or the right of."""
    shape = env.shape("input")
    count = draw(st.sampled_from((2, 1, 3, 4)))
    return (*shape[:-1], count) if env.drawn["side"] else (*shape[:-2], count, shape[-2])


entry(
    "ormqr",
    LEFT,
    arg("input", matrices(SMALL, rectangular(tall=True, empty=False))),
    arg("input2", tensor((), sized(("input", -1), of="input"), values=Values("uniform", low=-1, high=1))),
    arg("input3", tensor((), _multiplied, values=finite)),
    arg("left", made(lambda drawn, ex: ex.structure.drawn["side"], refused=("yes", 2.5))),
    opt("transpose", flag()),
    variants=FM,
    out=unknown,
    order=2,
    policy=MATRIX,
)
entry(
    "geqrf",
    arg("input", matrices(WELL, rectangular())),
    variants=FM,
    out=unknown,
    result=(same, same),
    policy=MATRIX,
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
        form(
            arg("input", matrices({"normal": 5, "conditioned": 2, "zeros": 1}, square(), NUMERIC)),
            arg("n", integer(0, 5)),
            variants=how,
            out=unknown,
            order=2,
            weight=2,
        ),
        form(
            arg("input", matrices(WELL)),
            arg("n", made(lambda drawn, ex: -ex.pick.integer(1, 3), refused=(1.5, "text"))),
            variants=how,
            out=unknown,
            order=2,
        ),
        policy=Policy(scale="matrix", gradient_scale="matrix", overflow="power"),
    )

# -- singular values and ranks -----------------------------------------------------------------------------------------
entry(
    "linalg.svdvals",
    arg("A", matrices(ANY, rectangular())),
    kw("driver", choice((None,), ("gesvd", "fast", 1)), 0.9),
    variants=F,
    out=unknown,
    result=real_result,
    order=2,
    policy=MATRIX,
)
UPLO = opt("UPLO", choice(("L", "U"), ("X", "", 1)))
entry(
    "linalg.eigvalsh",
    arg("input", matrices(SYMMETRIC | {"normal": 3, "zeros": 1})),
    UPLO,
    variants=F,
    out=unknown,
    result=real_result,
    order=2,
    policy=MATRIX,
)


def _limit(drawn: Any, ex: Execution) -> TensorSpec:
    """One for each matrix, or for all, far from every singular value."""
    before = ex.shape("input")[:-2] if ex.pick.chance(0.5) else ()
    return TensorSpec(before, real_part(ex.dtype), Values("uniform", ex.pick.seed(), 0.001, 0.05))


LIMIT = real(0.001, 0.05)
NUMBERS = (kw("atol", LIMIT, 0.5), kw("rtol", LIMIT, 0.5))
LIMITS = (kw("atol", made(_limit, refused=("text", [1.0])), 0.3), kw("rtol", made(_limit, refused=("text",)), 0.3))
IS_HERMITIAN = kw("hermitian", choice((True,), ("yes", 2.5)), 0)
RANKS: dict[str, Any] = {"variants": F, "out": unknown, "result": INT64}
entry(
    "linalg.matrix_rank",
    form(arg("input", matrices(RANKED, rectangular())), *NUMBERS, **RANKS),
    form(arg("input", matrices(RANKED, rectangular())), *LIMITS, **RANKS),
    form(arg("input", matrices(RANKED, rectangular())), arg("tol", LIMIT), **RANKS),
    form(arg("input", matrices(SYMMETRIC)), *NUMBERS, IS_HERMITIAN, **RANKS),
    policy=FACTORS,
)
INVERSES: dict[str, Any] = {"variants": F, "out": unknown, "order": 2}
entry(
    "linalg.pinv",
    form(arg("input", matrices(RANKED, rectangular())), *NUMBERS, **INVERSES),
    form(arg("input", matrices(RANKED, rectangular())), *LIMITS, **INVERSES),
    form(arg("input", matrices(RANKED, rectangular())), arg("rcond", LIMIT), **INVERSES),
    form(arg("input", matrices(SYMMETRIC)), *NUMBERS, IS_HERMITIAN, **INVERSES),
    policy=MATRIX,
)
entry(
    "pinverse",
    arg("input", matrices(CONDITIONED, rectangular())),
    opt("rcond", LIMIT),
    variants=FM,
    order=2,
    policy=MATRIX,
)
ORDERS = choice((None, 1, -1, 2, -2, float("inf"), float("-inf"), "fro", "nuc"), ("max", 3, 0.5, [2]))
entry(
    "linalg.cond",
    form(
        arg("input", matrices(WELL)), opt("p", ORDERS), variants=F, out=unknown, result=real_result, order=2, weight=2
    ),
    form(
        arg("input", matrices(CONDITIONED, rectangular(empty=False))),
        opt("p", choice((None, 2, -2))),
        variants=F,
        out=unknown,
        result=real_result,
        order=2,
    ),
    policy=SCALAR,
)
entry(
    "linalg.lstsq",
    arg("input", matrices(CONDITIONED, rectangular(empty=False))),
    arg("b", tensor((), sized(("input", -2), None, of="input"), values=finite)),
    opt("rcond", real(0.001, 0.01), 0.7),
    kw("driver", choice((None, "gelsy", "gels", "gelsd", "gelss"), ("fast", 1)), 0.4),
    variants=F,
    out=unknown,
    result=(same, real_result, INT64, real_result),
    order=2,
    policy=MATRIX,
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
entry(
    "linalg.tensorinv",
    HALVES,
    arg("input", matrices(SMALL, _both_halves, within=9)),
    arg("ind", made(lambda drawn, ex: len(ex.structure.drawn["halves"][0]), refused=(0, -1, "text", 1.5))),
    variants=F,
    out=unknown,
    order=2,
    policy=MATRIX,
)


entry(
    "linalg.tensorsolve",
    HALVES,
    arg("input", matrices(SMALL, _both_halves, within=9)),
    arg("other", tensor((), lambda draw, env: env.drawn["halves"][0], values=finite)),
    opt("dims", choice((None,), ((9,), "text"))),
    variants=F,
    out=unknown,
    order=2,
    policy=MATRIX,
)

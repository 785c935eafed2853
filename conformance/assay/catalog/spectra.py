"""What singular values and eigenvalues decide: ranks, pseudo-inverses, condition numbers, least squares."""

from __future__ import annotations

from functools import partial
from typing import Any

from assay.case import TensorSpec, Values
from assay.catalog.form import Execution, arg, entry, kw, opt
from assay.catalog.kinds import choice, finite, made, real, tensor
from assay.catalog.lapack import FACTORS, FM, INT64, MATRIX, SCALAR, lapack, solved
from assay.catalog.matrices import ANY, CONDITIONED, RANKED, SYMMETRIC, WELL, matrices, rectangular, sized
from assay.catalog.results import real as real_result
from assay.catalog.results import same
from assay.dtypes import real_part

lapack(
    "linalg.svdvals",
    arg("A", matrices(ANY, rectangular())),
    kw("driver", choice((None,), ("gesvd", "fast", 1)), 0.9),
    result=real_result,
)
UPLO = opt("UPLO", choice(("L", "U"), ("X", "", 1)))
lapack("linalg.eigvalsh", arg("input", matrices(SYMMETRIC | {"normal": 3, "zeros": 1})), UPLO, result=real_result)


def _limit(drawn: Any, ex: Execution) -> TensorSpec:
    """One for each matrix, or for all, far from every singular value."""
    before = ex.shape("input")[:-2] if ex.pick.chance(0.5) else ()
    return TensorSpec(before, real_part(ex.dtype), Values("uniform", ex.pick.seed(), 0.001, 0.05))


LIMIT = real(0.001, 0.05)
NUMBERS = (kw("atol", LIMIT, 0.5), kw("rtol", LIMIT, 0.5))
LIMITS = (kw("atol", made(_limit, refused=("text", [1.0])), 0.3), kw("rtol", made(_limit, refused=("text",)), 0.3))
IS_HERMITIAN = kw("hermitian", choice((True,), ("yes", 2.5)), 0)
ranked = partial(solved, result=INT64, order=0)
entry(
    "linalg.matrix_rank",
    ranked(arg("input", matrices(RANKED, rectangular())), *NUMBERS),
    ranked(arg("input", matrices(RANKED, rectangular())), *LIMITS),
    ranked(arg("input", matrices(RANKED, rectangular())), arg("tol", LIMIT)),
    ranked(arg("input", matrices(SYMMETRIC)), *NUMBERS, IS_HERMITIAN),
    policy=FACTORS,
)
entry(
    "linalg.pinv",
    solved(arg("input", matrices(RANKED, rectangular())), *NUMBERS),
    solved(arg("input", matrices(RANKED, rectangular())), *LIMITS),
    solved(arg("input", matrices(RANKED, rectangular())), arg("rcond", LIMIT)),
    solved(arg("input", matrices(SYMMETRIC)), *NUMBERS, IS_HERMITIAN),
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
    solved(arg("input", matrices(WELL)), opt("p", ORDERS), result=real_result, weight=2),
    solved(
        arg("input", matrices(CONDITIONED, rectangular(empty=False))),
        opt("p", choice((None, 2, -2))),
        result=real_result,
    ),
    policy=SCALAR,
)
lapack(
    "linalg.lstsq",
    arg("input", matrices(CONDITIONED, rectangular(empty=False))),
    arg("b", tensor((), sized(("input", -2), None, of="input"), values=finite)),
    # Far below the matrices' conditioning: PyTorch 2.13 leaves gelsy's first pivots to what the memory happens to hold,
    # on which its estimate of the rank depends where it is close.
    opt("rcond", real(1e-5, 1e-4), 0.7),
    kw("driver", choice((None, "gelsy", "gels", "gelsd", "gelss"), ("fast", 1)), 0.4),
    result=(same, real_result, INT64, real_result),
)

"""Decompositions whose factors are unique up to phases and order: what they rebuild is judged, and derivatives that do
not depend on the choice."""

from __future__ import annotations

from typing import Any

from assay.catalog.form import Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, flag, integer
from assay.catalog.matrices import SYMMETRIC, matrices, rectangular
from assay.catalog.results import real as real_result
from assay.catalog.results import same, unknown
from assay.policy import Policy

F, FM = "function", "function method"
RECTANGULAR = {"conditioned": 6, "normal": 3, "deficient": 1, "zeros": 1}
#: Derivatives divide by the gaps between singular values, and by themselves.
APART = {"conditioned": 1}


def _policy(form: str, *gauge: str) -> Policy:
    return Policy(scale="matrix", gradient_scale="matrix", canonical=form, gauge=gauge)


DRIVER = kw("driver", choice((None,), ("gesvd", "fast", 1)), 0.9)
THREE: dict[str, Any] = {"out": unknown, "result": (same, real_result, same)}
SVD = _policy("svd", "columns", "", "rows")
entry(
    "linalg.svd",
    form(arg("A", matrices(RECTANGULAR, rectangular())), opt("full_matrices", flag()), DRIVER, variants=F, **THREE),
    form(
        arg("A", matrices(APART, rectangular())),
        arg("full_matrices", choice((False,), ("yes", 2.5))),
        variants=F,
        order=1,
        **THREE,
    ),
    policy=SVD,
)
entry(
    "svd",
    form(
        arg("input", matrices(RECTANGULAR, rectangular())),
        opt("some", flag()),
        opt("compute_uv", flag()),
        variants=FM,
        **THREE,
    ),
    form(
        arg("input", matrices(APART, rectangular())),
        opt("some", choice((True,), ("yes", 2.5))),
        variants=FM,
        order=1,
        **THREE,
    ),
    policy=_policy("svd", "columns", "", "columns"),
)
TWO: dict[str, Any] = {"out": unknown, "result": (same, same)}
QR = _policy("qr", "columns", "rows")
entry(
    "linalg.qr",
    form(
        arg("A", matrices(RECTANGULAR, rectangular())),
        opt("mode", choice(("reduced", "complete", "r"), ("full", "", 1))),
        variants=F,
        **TWO,
    ),
    form(
        arg("A", matrices(APART, rectangular())),
        opt("mode", choice(("reduced",), ("full", "", 1))),
        variants=F,
        order=1,
        **TWO,
    ),
    policy=QR,
)
entry(
    "qr",
    form(arg("input", matrices(RECTANGULAR, rectangular())), opt("some", flag()), variants=FM, **TWO),
    form(
        arg("input", matrices(APART, rectangular())),
        opt("some", choice((True,), ("yes", 2.5))),
        variants=FM,
        order=1,
        **TWO,
    ),
    policy=QR,
)
UPLO = opt("UPLO", choice(("L", "U"), ("X", "", 1)))
VALUES_FIRST: dict[str, Any] = {"out": unknown, "result": (real_result, same)}
entry(
    "linalg.eigh",
    form(arg("input", matrices(SYMMETRIC | {"normal": 3, "zeros": 1})), UPLO, variants=F, **VALUES_FIRST),
    form(arg("input", matrices(SYMMETRIC)), UPLO, variants=F, order=1, **VALUES_FIRST),
    policy=_policy("eigh", "", "columns"),
)


def _complex(ex: Any) -> str:
    return "complex128" if ex.dtype in ("float64", "complex128") else "complex64"


#: Eigenvalues far apart, real or complex.
GENERAL = {"dominant": 3, "normal": 4}
entry(
    "linalg.eig",
    arg("input", matrices(GENERAL)),
    variants=F,
    out=unknown,
    result=(_complex, _complex),
    order=1,
    policy=_policy("eig", "spectrum", "unordered columns"),
)
entry(
    "linalg.eigvals",
    arg("input", matrices(GENERAL)),
    variants=F,
    out=unknown,
    result=_complex,
    order=1,
    policy=_policy("eigvals", "spectrum"),
)


# -- from random projections: exact where as many are asked for as the matrix has --------------------------------------
def _all(env: Structure) -> int:
    return min(env.shape("A")[-2:])


#: Orthonormal factors of orthonormal factors: up to 26 units off in float32 and 33 in float64, a unit or two by luck.
LOW = Policy(scale="matrix", canonical="svd", method_error=4.0, reference_error=64.0)
for name, more in (("svd_lowrank", ()), ("pca_lowrank", (opt("center", flag()),))):
    entry(
        name,
        arg("A", matrices(APART, rectangular(empty=False))),
        arg("q", integer(_all, _all)),
        *more,
        opt("niter", integer(1, 3)),
        variants=F,
        policy=LOW,
    )

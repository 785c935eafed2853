"""Norms of vectors and matrices, along any dims."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import Named
from assay.catalog.common import KEEPDIM
from assay.catalog.form import Execution, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import aside, choice, dim, dims, flag, integer, made, shaped, tensor
from assay.catalog.matrices import CONDITIONED, matrices, rectangular
from assay.catalog.reductions import widest
from assay.catalog.results import reduced, unknown
from assay.dtypes import DIFFERENTIABLE, real_part
from assay.policy import REDUCTION, Policy

F = "function"
INFINITE = float("inf")
FULL = shaped(min_size=1)
DTYPE = kw("dtype", made(widest), 0.8)
ORDERS = choice((2, 1, 0, 3, 0.5, INFINITE, -INFINITE, -1, 2.5), ("fro", [2], (1, 2)))
OF_ELEMENTS = ("fro", 1, -1, INFINITE, -INFINITE)
OF_SINGULAR_VALUES = (2, -2, "nuc")


def _result(ex: Execution) -> str:
    """The real dtype of what is asked for, or of the input."""
    given = ex.get("dtype")
    return real_part(given.name if isinstance(given, Named) else ex.dtype)


REAL_ONES: dict[str, Any] = {"variants": F, "result": _result, "order": 2}
SCALAR = Policy(overflow=True, gradient_scale="matrix")


def _pair(draw: st.DrawFn, env: Structure) -> tuple[int, int]:
    """Two dims of the input, in any order, from either end."""
    shape = env.shape("input") if "input" in env.drawn else env.shape("A")
    first, second = draw(st.permutations(range(len(shape))))[:2]
    return (
        first - len(shape) if draw(st.booleans()) else first,
        second - len(shape) if draw(st.booleans()) else second,
    )


PAIR = aside("pair", _pair)


def _both(drawn: Any, ex: Execution) -> Any:
    pair = ex.structure.drawn["pair"]
    return pair if ex.pick.chance(0.6) else list(pair)


TWO_DIMS = made(_both, refused=((0,), (0, 0), (7, 1), "text", 1.5))
A: Param = arg("input", tensor(DIFFERENTIABLE, FULL))
LEAST_TWO = arg("input", tensor(DIFFERENTIABLE, shaped(min_rank=2, max_rank=4, min_size=1)))
#: Singular values are derived where they are apart, and none is zero.
WELL = arg("input", matrices(CONDITIONED, rectangular(empty=False)))

entry(
    "linalg.vector_norm",
    form(
        A,
        opt("ord", ORDERS),
        kw("dim", dims(none=0.1, min_size=1)),
        kw("keepdim", flag()),
        DTYPE,
        out=reduced,
        **REAL_ONES,
    ),
    form(arg("input", tensor(DIFFERENTIABLE)), opt("ord", choice((2, 1, 3))), **REAL_ONES),
    policy=REDUCTION,
)
entry(
    "linalg.matrix_norm",
    form(
        LEAST_TWO,
        opt("ord", choice(OF_ELEMENTS, ("max", 3, 0.5))),
        kw("keepdim", flag()),
        DTYPE,
        out=unknown,
        **REAL_ONES,
    ),
    form(LEAST_TWO, PAIR, arg("ord", choice(OF_ELEMENTS)), arg("dim", TWO_DIMS), KEEPDIM, out=unknown, **REAL_ONES),
    form(WELL, arg("ord", choice(OF_SINGULAR_VALUES)), kw("keepdim", flag()), out=unknown, **REAL_ONES),
    policy=SCALAR,
)
entry(
    "linalg.norm",
    form(arg("input", tensor(DIFFERENTIABLE)), DTYPE, out=unknown, **REAL_ONES),
    form(A, opt("ord", choice((None,)), 0), arg("dim", dims(min_size=1)), KEEPDIM, out=unknown, **REAL_ONES),
    form(A, arg("ord", ORDERS), arg("dim", dim()), KEEPDIM, out=unknown, **REAL_ONES),
    form(LEAST_TWO, PAIR, arg("ord", choice(OF_ELEMENTS)), arg("dim", TWO_DIMS), KEEPDIM, out=unknown, **REAL_ONES),
    form(
        arg("input", matrices(CONDITIONED, lambda draw, env: rectangular(empty=False)(draw, env)[-2:])),
        arg("ord", choice(OF_SINGULAR_VALUES)),
        out=unknown,
        **REAL_ONES,
    ),
    policy=SCALAR,
)
entry(
    "frobenius_norm",
    form(
        arg("input", tensor(DIFFERENTIABLE, shaped(0, 2, 1))),
        arg("dim", dims(min_size=1)),
        KEEPDIM,
        out=unknown,
        **REAL_ONES,
    ),
    form(LEAST_TWO, PAIR, arg("dim", TWO_DIMS), KEEPDIM, out=unknown, **REAL_ONES),
    policy=REDUCTION,
)
entry(
    "nuclear_norm",
    form(
        arg("input", matrices(CONDITIONED, lambda draw, env: rectangular(empty=False)(draw, env)[-2:])),
        KEEPDIM,
        out=unknown,
        **REAL_ONES,
    ),
    form(
        WELL,
        PAIR,
        arg("dim", made(lambda drawn, ex: (-2, -1), refused=((0,), (0, 0)))),
        KEEPDIM,
        out=unknown,
        **REAL_ONES,
    ),
    policy=SCALAR,
)
entry(
    "norm_except_dim",
    arg("v", tensor(DIFFERENTIABLE, shaped(1, 4, 1))),
    opt("pow", integer(1, 3)),
    opt(
        "dim", made(lambda drawn, ex: drawn, lambda draw, env: draw(st.sampled_from((0, -1, len(env.shape("v")) - 1))))
    ),
    variants=F,
    order=2,
    policy=REDUCTION,
)

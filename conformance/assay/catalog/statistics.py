"""Statistics along dimensions: running extremes, sums of exponentials, quantiles, covariance, hashes."""

from __future__ import annotations

from assay.case import TensorSpec, Values
from assay.catalog.common import DIM, FILLED_DIM, KEEPDIM, x
from assay.catalog.form import REGISTRY, Execution, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, dim, dims, dtype, flag, integer, real, shaped, tensor
from assay.catalog.results import always, asked_or, reduced, same, shape_of
from assay.catalog.special import functions
from assay.dtypes import DIFFERENTIABLE, FLOATING, FLOATS, INTEGERS, NUMERIC, REAL_AND_BOOL
from assay.policy import LOG_OF_SUM, MOVE, REDUCTION, SELECTION, SUM, Policy
from assay.strategies.shapes import Shape

FULL, SOME = shaped(min_size=1), shaped(some=True)
TIES = Values("ties")
INT64 = always("int64")

for name in ("cummax", "cummin"):
    entry(
        name,
        x(REAL_AND_BOOL, prefer=TIES),
        DIM,
        out=shape_of(),
        result=(same, INT64),
        order=2,
        policy=SELECTION,
    )
for name, variants in (("logsumexp", "function out"), ("softmax", "function"), ("log_softmax", "function")):
    known = REGISTRY[name]
    entry(f"special.{name}", *functions(known.forms, variants), policy=known.policy)
entry("logcumsumexp", x(DIFFERENTIABLE), DIM, out=shape_of(), order=2, policy=LOG_OF_SUM)
entry(
    "mode",
    form(x(REAL_AND_BOOL, SOME, prefer=TIES), order=2),
    form(
        x(REAL_AND_BOOL, SOME, prefer=TIES),
        FILLED_DIM,
        KEEPDIM,
        out=reduced,
        result=(same, INT64),
        order=2,
        weight=3,
    ),
    policy=SELECTION,
)
entry(
    "nanmean",
    x(FLOATING, prefer=Values("special")),
    opt("dim", dims(none=0.1)),
    KEEPDIM,
    kw("dtype", dtype(FLOATING)),
    out=reduced,
    result=asked_or(same),
    order=2,
    policy=SUM,
)

# -- quantiles -------------------------------------------------------------------------------------------------------
SHARE = real(0, 1)
HOW = kw("interpolation", choice(("linear", "lower", "higher", "midpoint", "nearest"), ("middle", 1)))
#: Sorted on the way: which of two equal elements counts shows in the gradient alone.
QUANTILE = Policy(canonical="hidden ties", overflow=True)


def _shares(ex: Execution, shape: Shape) -> Values:
    """Some below 1, or all at an end, where nothing is interpolated: for a 1 cannot be moved to find the scale."""
    if ex.pick.chance(0.15):
        return Values(ex.pick.choice(("zeros", "ones")))
    return Values("uniform", low=0, high=0.9990234375)


def _reduced_for_each(ex: Execution) -> Shape:
    """The input's shape after reducing, behind that of q."""
    q = ex.get("q")
    return (*(q.shape if isinstance(q, TensorSpec) else ()), *reduced(ex))


for name in ("quantile", "nanquantile"):
    source = x(FLOATS, FULL, prefer=Values("normal" if name == "quantile" else "special"))
    q = arg("q", tensor((), shaped(max_rank=1), values=_shares, grad=False))
    entry(
        name,
        form(source, arg("q", SHARE), HOW, order=2),
        form(source, arg("q", SHARE), opt("dim", dim(), 0.1), KEEPDIM, HOW, out=_reduced_for_each, order=2, weight=2),
        form(source, q, opt("dim", dim(), 0.3), KEEPDIM, HOW, out=_reduced_for_each, order=2, weight=2),
        policy=QUANTILE,
        bad=lambda ex: [
            ((TensorSpec((3,), "float32"), 1.5), {}),
            ((TensorSpec((3,), "float32"), -0.1), {}),
            ((TensorSpec((0,), "float32"), 0.5), {}),
            ((TensorSpec((3,), "float32"), TensorSpec((2,), "float64", Values("probability"))), {}),
            ((TensorSpec((3,), "float32"), TensorSpec((2, 2), "float32", Values("probability"))), {}),
        ],
    )

# -- lengths and moments ---------------------------------------------------------------------------------------------
entry(
    "renorm",
    x(DIFFERENTIABLE, shaped(min_rank=2)),
    arg("p", choice((2, 1, 0.5, 3, 2.0, float("inf")), (0, -1, "text", []))),
    DIM,
    arg("maxnorm", choice((1.0, 0.5, 5, 0, 100.0), (-1.0, "text", []))),
    variants="function method inplace",
    out=shape_of(),
    order=2,
    policy=REDUCTION,
)


def _observations(draw: object, env: Structure) -> Shape:
    """One weight for each column."""
    shape = env.shape("input")
    return (shape[-1],) if shape else (1,)


VARIABLES, WEIGHED = shaped(max_rank=2), shaped(1, 2, 1)
COUNTS = tensor(INTEGERS, _observations, own=True, values=Values("integers", low=1, high=4))
RELIABILITIES = tensor((), _observations, values=Values("positive"), grad=False)
entry(
    "cov",
    form(x(NUMERIC, VARIABLES), kw("correction", integer(0, 2)), order=2, weight=2),
    form(
        x(NUMERIC, WEIGHED),
        kw("correction", integer(0, 2)),
        kw("fweights", COUNTS, 0),
        order=2,
    ),
    form(
        x(FLOATING, WEIGHED),
        kw("correction", choice((0, 1), (1.5, "text"))),
        kw("fweights", COUNTS),
        kw("aweights", RELIABILITIES, 0),
        order=2,
        weight=2,
    ),
    policy=REDUCTION,
    bad=lambda ex: [
        ((TensorSpec((2, 2, 2), "float32"),), {}),
        ((TensorSpec((2, 3), "float32"),), {"fweights": TensorSpec((2,), "int64", Values("ones"))}),
        ((TensorSpec((2, 3), "float32"),), {"fweights": TensorSpec((3,), "float32", Values("ones"))}),
        ((TensorSpec((2, 3), "float32"),), {"aweights": TensorSpec((3,), "int64", Values("ones"))}),
    ],
)
entry("corrcoef", arg("input", tensor(NUMERIC, VARIABLES, contiguous=1.0)), order=2, policy=REDUCTION)
MODE = kw("mode", choice((0,), (1, -1, "text")))
entry(
    "hash_tensor",
    form(x(REAL_AND_BOOL, FULL), kw("keepdim", flag()), MODE, out=reduced, result=always("uint64")),
    form(
        x(REAL_AND_BOOL, SOME),
        FILLED_DIM,
        kw("keepdim", flag()),
        MODE,
        out=reduced,
        result=always("uint64"),
        weight=2,
    ),
    policy=MOVE,
)

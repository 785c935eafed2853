"""torch.special: functions found nowhere else, and those it shares with torch under another name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.case import Values
from assay.catalog.common import x
from assay.catalog.elementwise import operand
from assay.catalog.form import ALIASED, REGISTRY, Form, arg, entry, form, kw
from assay.catalog.functions import EVERY_REAL, POSITIVE, UNIT, WHOLE, number_first
from assay.catalog.kinds import either, integer, number, other, tensor
from assay.catalog.results import broadcast_shape, floating, shape_of
from assay.dtypes import FLOATING, FLOATS, HALVES, REAL_AND_BOOL
from assay.policy import AMPLITUDE, EXACT_ELEMENTWISE, FUNCTION, RECURRENCE, Policy

# name here: name in torch; same arguments, same answers
ALIASES = {
    **{name: name for name in ("digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p")},
    **{name: name for name in ("logit", "polygamma", "sinc", "xlogy")},
    "expit": "sigmoid",
    "gammainc": "igamma",
    "gammaincc": "igammac",
    "gammaln": "lgamma",
    "multigammaln": "mvlgamma",
    "psi": "digamma",
}


def functions(forms: tuple[Form, ...], variants: str = "function out") -> Iterator[Form]:
    """The forms as functions and with out=, for they are no methods of a tensor."""
    for one in forms:
        kept = tuple(v for v in one.variants if v in variants.split())
        if kept:
            yield replace(one, variants=kept, operators=())


for name, known in ALIASES.items():
    found = REGISTRY[known]
    entry(f"special.{name}", *functions(found.forms), policy=found.policy, bad=found.bad, alias=found.alias)
entry(
    "special.round",
    x(FLOATING),
    kw("decimals", integer(-2, 3)),
    variants="function",
    out=shape_of(),
    order=2,
    policy=EXACT_ELEMENTWISE,
)

# -- of one number ---------------------------------------------------------------------------------------------------
SINGLE = (*FLOATS, *WHOLE)
#: dtypes with second derivatives, with first ones only, with none
Orders = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
PLAIN: Orders = ((), (), SINGLE)
SMOOTH: Orders = (SINGLE, (), ())
HALVES_TOO: Orders = (EVERY_REAL, (), ())


def real(
    op: str, orders: Orders, prefer: Values | None = None, first: str = "input", policy: Policy = FUNCTION
) -> None:
    """A function of one real tensor; integers and bools give the default dtype."""
    forms = [
        form(
            arg(first, tensor(dtypes, prefer=prefer)),
            variants="function",
            out=broadcast_shape,
            result=floating,
            order=order,
            weight=len(dtypes),
        )
        for dtypes, order in zip(orders, (2, 1, 0), strict=True)
        if dtypes
    ]
    entry(f"special.{op}", *forms, policy=policy)


# PyTorch's Bessel functions beyond 5 are right to some 4e-7, its Airy function left of -2 to 2e-6, in double precision,
# too (against mpmath): so much any right answer differs from them.
BESSEL = replace(AMPLITUDE, reference_error=4e9)
AIRY = replace(AMPLITUDE, reference_error=2e10, method_error=2.5)
OSCILLATING, RIGHT = Values("uniform", low=-30, high=30), Values("positive", high=20)
real("airy_ai", PLAIN, Values("uniform", low=-9, high=9), "x", AIRY)
for name in ("bessel_j0", "bessel_j1"):
    real(name, PLAIN, OSCILLATING, policy=BESSEL)
for name in ("bessel_y0", "bessel_y1"):
    real(name, PLAIN, RIGHT, policy=BESSEL)
for name in ("modified_bessel_i0", "modified_bessel_i1"):
    real(name, PLAIN, OSCILLATING)
for name in ("modified_bessel_k0", "modified_bessel_k1"):
    real(name, PLAIN, RIGHT)
for name in ("scaled_modified_bessel_k0", "scaled_modified_bessel_k1"):
    real(name, PLAIN, RIGHT, "x")
real("spherical_bessel_j0", PLAIN, OSCILLATING, "x", AMPLITUDE)
real("entr", HALVES_TOO, POSITIVE)
real("erfcx", SMOOTH, Values("uniform", low=-4, high=12))
real("ndtr", HALVES_TOO, policy=AMPLITUDE)
real("log_ndtr", SMOOTH, Values("uniform", low=-12, high=4))
real("ndtri", SMOOTH, UNIT)
real("i0e", (SINGLE, HALVES, ()))
for name in ("i1", "i1e"):
    real(name, (SINGLE, (), HALVES))

# -- of two numbers --------------------------------------------------------------------------------------------------
TAIL = Values("uniform", low=-1, high=4)
entry(
    "special.xlog1py",
    form(
        x(EVERY_REAL),
        operand(REAL_AND_BOOL, number(2), prefer=TAIL),
        variants="function",
        out=broadcast_shape,
        result=floating,
        order=2,
        weight=3,
    ),
    number_first(EVERY_REAL, TAIL, result=floating, order=2),
    policy=FUNCTION,
    alias=ALIASED,
)
S, Q = Values("positive", low=1.0625, high=9), Values("positive", high=9)
# PyTorch has a derivative by the second argument only.
entry(
    "special.zeta",
    form(
        arg("input", tensor(SINGLE, prefer=S, grad=False)),
        operand((*FLOATS, "int64", "int8", "bool"), number(2), prefer=Q),
        variants="function",
        out=broadcast_shape,
        result=floating,
        order=2,
        weight=3,
    ),
    form(
        arg("self", number(2, fits=lambda n, ex: n > 1)),
        arg("other", tensor(SINGLE, prefer=Q)),
        variants="function",
        out=broadcast_shape,
        result=floating,
        order=2,
    ),
    policy=FUNCTION,
)

# -- orthogonal polynomials ------------------------------------------------------------------------------------------
DEGREE = Values("integers", low=-1, high=11)
POLYNOMIALS = (
    *(f"chebyshev_polynomial_{kind}" for kind in "tuvw"),
    *(f"shifted_chebyshev_polynomial_{kind}" for kind in "tuvw"),
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
)
for name in POLYNOMIALS:
    at = Values("uniform", low=0 if name.startswith("shifted") else -1, high=1)
    degrees = tensor(SINGLE, values=DEGREE)
    entry(
        f"special.{name}",
        form(
            arg("x", tensor(SINGLE, prefer=at)),
            arg("n", either((other(SINGLE, "x", values=DEGREE), integer(-1, 11)), (7, 3))),
            variants="function",
            out=broadcast_shape,
            result=floating,
            weight=3,
        ),
        form(arg("x", number(2)), arg("n", degrees), variants="function", out=broadcast_shape, result=floating),
        policy=RECURRENCE,
    )

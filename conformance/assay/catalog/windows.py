"""Windows: weights of a running transform or filter, made from a length."""

from __future__ import annotations

from typing import Any

from assay.case import Named
from assay.catalog.creation import DEVICE, LAYOUT, REQUIRES_GRAD
from assay.catalog.form import Bad, Execution, Param, arg, entry, form, kw
from assay.catalog.kinds import choice, dtype, flag, integer, made, real
from assay.dtypes import FLOATING, FLOATS
from assay.policy import SPANNING

LENGTH = integer(0, 40)
SYMMETRIC = kw("sym", flag(), 0.5)


def _given(names: tuple[str, ...]) -> tuple[Param, ...]:
    return (kw("dtype", dtype(names), 0.5), LAYOUT, DEVICE, REQUIRES_GRAD)


def _wrong(*mistakes: tuple[tuple[Any, ...], dict[str, Any]]) -> Bad:
    """A negative length, dtypes that are not floating, and what only this window refuses."""
    common: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
        ((-1,), {}),
        ((5,), {"dtype": Named("int64")}),
        ((5,), {"dtype": Named("complex64")}),
        ((2.5,), {}),
        ((), {}),
    )
    return lambda ex: (*common, *mistakes)


PERIODIC = arg("periodic", flag())
SHAPES: dict[str, tuple[Param, ...]] = {
    "bartlett_window": (),
    "blackman_window": (),
    "hann_window": (),
    "hamming_window": (arg("alpha", real(0.25, 0.75)), arg("beta", real(0.25, 0.75))),
    "kaiser_window": (arg("beta", real(0.5, 20)),),
}
for name, parameters in SHAPES.items():
    ways = [(), *((PERIODIC, *parameters[:n]) for n in range(len(parameters) + 1))]
    entry(
        name,
        *(
            form(*_given(FLOATING), arg("window_length", LENGTH), *way, variants="function", dtypes=FLOATING)
            for way in ways
        ),
        policy=SPANNING,
        bad=_wrong(),
    )


def _center(drawn: Any, ex: Execution) -> float | None:
    """None, or a place in or near the window, which then must be periodic."""
    return ex.pick.choice((None, 0.0, 1.5, 3.0, -0.5))


def _symmetric(drawn: Any, ex: Execution) -> bool:
    return ex.get("center") is None and ex.pick.chance(0.5)


WEIGHTS = choice(
    ((0.5, 0.5), [0.46, 0.23, 0.31], (1.0,), [0.25, 0.5, -0.25, 1], (0.2, 0.3, 0.1, 0.3, 0.1)), (3.5, ("a", "b"), ())
)
# name: (its own arguments, what they are refused as)
FILTERS: dict[str, tuple[tuple[Param, ...], tuple[tuple[tuple[Any, ...], dict[str, Any]], ...]]] = {
    "bartlett": ((SYMMETRIC,), ()),
    "blackman": ((SYMMETRIC,), ()),
    "cosine": ((SYMMETRIC,), ()),
    "exponential": (
        (kw("center", made(_center), 0.5), kw("tau", real(0.5, 4)), kw("sym", made(_symmetric, refused=("yes",)), 0)),
        (((5,), {"tau": 0.0}), ((5,), {"tau": -1.0}), ((5,), {"center": 1.0, "sym": True})),
    ),
    "gaussian": ((kw("std", real(0.5, 4)), SYMMETRIC), (((5,), {"std": 0.0}), ((5,), {"std": -2.0}))),
    "general_cosine": ((kw("a", WEIGHTS, 0), SYMMETRIC), (((5,), {"a": []}), ((5,), {"a": 1.0}))),
    "general_hamming": ((kw("alpha", real(0, 1)), SYMMETRIC), ()),
    "hamming": ((SYMMETRIC,), ()),
    "hann": ((SYMMETRIC,), ()),
    "kaiser": ((kw("beta", real(0, 20)), SYMMETRIC), (((5,), {"beta": -1.0}),)),
    "nuttall": ((SYMMETRIC,), ()),
}
for name, (own, mistakes) in FILTERS.items():
    entry(
        f"signal.windows.{name}",
        *_given(FLOATS),
        arg("M", LENGTH),
        *own,
        variants="function",
        dtypes=FLOATS,
        policy=SPANNING,
        bad=_wrong(*mistakes),
    )

"""Samples of distributions whose parameters, or whose place, are tensors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.form import Execution, Param, Structure, arg, entry, form, opt
from assay.catalog.kinds import choice, integer, like, made, real, tensor
from assay.catalog.random import GENERATOR
from assay.catalog.results import always
from assay.dtypes import COMMON, FLOATING, FLOATS, INTEGERS
from assay.policy import STREAM
from assay.strategies.shapes import Shape

WEIGHTS = Values("positive", low=0.25, high=1)


def categories(env: Structure) -> int:
    """How many there are to choose from."""
    return env.shape("input")[-1]


def _drawn_from(ex: Execution) -> Shape:
    return (*ex.shape("input")[:-1], ex.get("num_samples"))


def _weighed(draw: st.DrawFn, env: Structure) -> Shape:
    """One distribution or some, each of at least one category; of distributions there may be none."""
    rows = draw(st.sampled_from(((), (3,), (1,), (2,), (5,), (0,))))
    if env.stratum == "empty":
        rows = (0,)
    return (*rows, draw(st.sampled_from((3, 1, 2, 4, 7, 17, 33))))


entry(
    "multinomial",
    form(
        arg("input", tensor(FLOATING, _weighed, values=WEIGHTS, grad=False)),
        arg("num_samples", integer(1, categories)),
        opt("replacement", choice((False,))),
        GENERATOR,
        out=_drawn_from,
        result=always("int64"),
    ),
    form(
        arg("input", tensor(FLOATING, _weighed, values=WEIGHTS, grad=False)),
        arg("num_samples", integer(1, 40)),
        arg("replacement", choice((True,), ("yes", 2.5))),
        GENERATOR,
        out=_drawn_from,
        result=always("int64"),
    ),
    policy=STREAM,
    bad=lambda ex: [
        ((tensor(FLOATING, values=Values("uniform", low=-2, high=-1)).realise((3, 4), "input", ex), 2), {}),
        ((tensor(FLOATING, values=Values("zeros")).realise((4,), "input", ex), 2), {}),
        ((tensor(FLOATING, values=WEIGHTS).realise((4,), "input", ex), 5), {}),
        ((tensor(FLOATING, values=WEIGHTS).realise((4,), "input", ex), 0, True), {}),
        ((tensor(FLOATING, values=WEIGHTS).realise((0,), "input", ex), 1, True), {}),
    ],
)
entry(
    "poisson",
    arg("input", tensor(FLOATING, values=Values("positive", low=0, high=40))),
    GENERATOR,
    variants="function",
    order=1,
    policy=STREAM,
)
entry(
    "binomial",
    arg("count", tensor(FLOATS, values=Values("integers", low=0, high=30))),
    arg("prob", tensor((), like("count"), values=Values("probability"))),
    GENERATOR,
    variants="function",
    policy=STREAM,
)


def _filling(name: str, dtypes: tuple[str, ...], *parameters: Param, **options: Any) -> None:
    """A distribution that fills its first argument."""
    entry(
        name,
        arg("input", tensor(dtypes)),
        *parameters,
        GENERATOR,
        variants="inplace",
        calls={"inplace": f"Tensor.{name}"},
        order=1,
        policy=STREAM,
        **options,
    )


_filling("cauchy_", FLOATING, opt("median", real(-2, 2)), opt("sigma", real(0.25, 3)))
_filling("exponential_", FLOATING, opt("lambd", real(0.25, 4)))
_filling("log_normal_", FLOATING, opt("mean", real(-1, 1)), opt("std", real(0.25, 2)))
# the rarest value must fit into int8
_filling("geometric_", (*INTEGERS, *FLOATING), arg("p", real(0.3, 0.9)))


def _fitting(low: int, high: int) -> made:
    """An integer that every dtype of the first argument can hold."""
    return made(lambda drawn, ex: ex.pick.integer(low, high), refused=("text", 1.5, None))


RANGED = (*INTEGERS, *FLOATING)
entry(
    "random_",
    form(arg("input", tensor((*COMMON[:9], "bool"))), GENERATOR, variants="inplace", order=1),
    form(arg("input", tensor(RANGED)), arg("to", _fitting(1, 127)), GENERATOR, variants="inplace", order=1),
    form(
        arg("input", tensor(tuple(d for d in RANGED if d != "uint8"))),
        arg("from", _fitting(-128, 0)),
        arg("to", _fitting(1, 127)),
        GENERATOR,
        variants="inplace",
        order=1,
    ),
    calls={"inplace": "Tensor.random_"},
    policy=STREAM,
    bad=lambda ex: [
        ((tensor(("int8",)).realise((3,), "input", ex), 5, 5), {}),
        ((tensor(("int8",)).realise((3,), "input", ex), 5, 2), {}),
        ((tensor(("int8",)).realise((3,), "input", ex), 0, 1000), {}),
        ((tensor(("float32",)).realise((3,), "input", ex), 0), {}),
    ],
)

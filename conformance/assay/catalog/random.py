"""Random creation and filling: the generator is seeded by the case before the call."""

from __future__ import annotations

from assay.case import Make, Values
from assay.catalog.common import x
from assay.catalog.creation import FORMAT, SIZE, default, options, size_of
from assay.catalog.form import arg, entry, form, kw, opt
from assay.catalog.kinds import integer, like, made, real, size, tensor
from assay.catalog.results import always, asked_or, shape_of
from assay.dtypes import DIFFERENTIABLE, FLOATING, INTEGERS, REAL
from assay.policy import STREAM, UNINITIALISED

GENERATOR = kw("generator", made(lambda drawn, ex: Make("Generator", (ex.pick.integer(0, 2**31),))), 0.8)
WHOLE = (*FLOATING, *INTEGERS)

entry(
    "rand",
    SIZE,
    GENERATOR,
    *options(FLOATING),
    variants="function",
    out=size_of,
    result=asked_or(default),
    policy=STREAM,
)
entry(
    "randn",
    SIZE,
    GENERATOR,
    *options(DIFFERENTIABLE),
    variants="function",
    out=size_of,
    result=asked_or(default),
    policy=STREAM,
)
LOW, HIGH = integer(-9, 3), integer(4, 130)
entry(
    "randint",
    form(arg("high", integer(1, 130)), arg("size", size()), GENERATOR, *options(WHOLE, 0.5), variants="function"),
    form(
        arg("low", LOW),
        arg("high", HIGH),
        arg("size", size()),
        GENERATOR,
        *options(("int64", "int32", "int16", "float32", "float64"), 0.5),
        variants="function",
        out=size_of,
        result=asked_or(always("int64")),
    ),
    form(
        arg("low", made(lambda d, ex: -(2 ** ex.pick.integer(20, 40)))),
        arg("high", made(lambda d, ex: 2 ** ex.pick.integer(20, 40))),
        arg("size", size()),
        GENERATOR,
        variants="function",
    ),
    policy=STREAM,
    bad=lambda ex: [((5, 5, (2,)), {}), ((5, 2, (2,)), {}), ((0, (2,)), {}), ((3,), {})],
)
N = integer(0, 60)
entry(
    "randperm",
    arg("n", N),
    GENERATOR,
    *options(("int64", "int32", "int16", "float32", "float64"), 0.5),
    variants="function",
    out=lambda ex: (ex.get("n"),),
    result=asked_or(always("int64")),
    policy=STREAM,
)
MODEL = x(FLOATING)
for name in ("rand_like", "randn_like"):
    entry(name, MODEL, FORMAT, *options(FLOATING, 0.7), variants="function", policy=STREAM)
entry(
    "randint_like",
    form(x(WHOLE), arg("high", integer(1, 120)), FORMAT, variants="function"),
    form(
        x(("int64", "int32", "int16", "float32", "float64")),
        arg("low", LOW),
        arg("high", integer(4, 120)),
        FORMAT,
        variants="function",
    ),
    policy=STREAM,
)
SPREAD = Values("positive")
entry(
    "normal",
    form(
        arg("mean", tensor(FLOATING, values=Values("normal"), grad=False)),
        arg("std", tensor((), like("mean"), values=SPREAD, grad=False)),
        GENERATOR,
        variants="function",
    ),
    form(
        arg("mean", tensor(FLOATING, values=Values("normal"), grad=False)),
        opt("std", real(0, 3)),
        GENERATOR,
        variants="function",
    ),
    form(
        arg("mean", real(-2, 2)),
        arg("std", tensor(FLOATING, values=SPREAD, grad=False)),
        GENERATOR,
        variants="function",
    ),
    form(
        arg("mean", real(-2, 2)),
        arg("std", real(0, 3)),
        arg("size", size()),
        GENERATOR,
        *options(FLOATING, 0.6),
        variants="function",
    ),
    policy=STREAM,
    bad=lambda ex: [((0.0, -1.0, (3,)), {}), ((0.0, 1.0), {}), ((), {})],
)
PROBABILITY = Values("probability")
entry(
    "bernoulli",
    form(arg("input", tensor(FLOATING, values=PROBABILITY)), GENERATOR, out=shape_of()),
    form(arg("input", tensor(REAL)), arg("p", real(0, 1)), GENERATOR, variants="function method inplace"),
    policy=STREAM,
)
for name, kinds, first, second in (
    ("uniform_", FLOATING, opt("from", real(-2, 0)), opt("to", real(1, 3))),
    ("normal_", DIFFERENTIABLE, opt("mean", real(-2, 2)), opt("std", real(0, 3))),
):
    entry(
        name,
        arg("input", tensor(kinds)),
        first,
        second,
        GENERATOR,
        variants="inplace",
        calls={"inplace": f"Tensor.{name}"},
        policy=STREAM,
    )
entry(
    "manual_seed",
    arg("seed", made(lambda d, ex: ex.pick.choice((0, 1, 42, -5, 2**40, 2**63, ex.pick.seed())))),
    variants="function",
    policy=STREAM,
)
entry("initial_seed", variants="function", policy=STREAM)
entry("get_rng_state", variants="function", policy=UNINITIALISED)

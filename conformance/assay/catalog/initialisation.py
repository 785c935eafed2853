"""nn.init: filling a tensor in place by a rule or from a random stream; the names without underscore are deprecated
and warn."""

from __future__ import annotations

from hypothesis import strategies as st

from assay.catalog.form import Param, Structure, arg, entry, form, opt
from assay.catalog.kinds import ShapeRule, choice, made, number, real, shaped, tensor
from assay.catalog.random import GENERATOR
from assay.dtypes import COMMON, DIFFERENTIABLE, FLOATING
from assay.policy import MOVE, STREAM, Policy


def filled(dtypes: tuple[str, ...], shape: ShapeRule | None = None) -> Param:
    """The tensor to fill."""
    return arg("tensor", tensor(dtypes, shape, grad=False))


def both(name: str, *params: Param, policy: Policy) -> None:
    """The function that fills in place, and its deprecated name."""
    entry(
        f"nn.init.{name}_",
        *params,
        variants="inplace",
        calls={"inplace": f"torch.nn.init.{name}_"},
        policy=policy,
    )
    if name in DEPRECATED:
        entry(f"nn.init.{name}", *params, variants="function", writes=True, policy=policy)


DEPRECATED = (
    "constant",
    "dirac",
    "eye",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "orthogonal",
    "sparse",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
)
# -- by a rule
both("constant", filled(COMMON), arg("val", number(keep=True)), policy=MOVE)
both("ones", filled(COMMON), policy=MOVE)
both("zeros", filled(COMMON), policy=MOVE)
both("eye", filled(COMMON, shaped(2, 2)), policy=MOVE)


def divisors(draw: st.DrawFn, env: Structure) -> int:
    out = env.shape("tensor")[0]
    return draw(st.sampled_from([d for d in range(1, out + 1) if out % d == 0]))


both(
    "dirac",
    filled(COMMON, shaped(3, 5, 1)),
    opt("groups", made(lambda drawn, ex: drawn, divisors, (0, 7, "one"))),
    policy=MOVE,
)

# -- from a stream
both(
    "uniform",
    filled(FLOATING),
    opt("a", real(-2, 0)),
    opt("b", real(0.5, 3)),
    GENERATOR,
    policy=STREAM,
)
both("normal", filled(DIFFERENTIABLE), opt("mean", real(-2, 2)), opt("std", real(0, 3)), GENERATOR, policy=STREAM)
both(
    "trunc_normal",
    filled(FLOATING),
    opt("mean", real(-1, 1)),
    opt("std", real(0.25, 2)),
    opt("a", real(-2, -0.5)),
    opt("b", real(0.5, 2)),
    GENERATOR,
    policy=STREAM,
)
MATRIX = shaped(2, 4)
SLOPE, MODE = opt("a", real(0, 1)), opt("mode", choice(("fan_in", "fan_out"), ("fan", 1)))
NONLINEARITIES = ("linear", "relu", "leaky_relu", "tanh", "sigmoid", "conv2d", "selu")
NONLINEARITY = opt("nonlinearity", choice(NONLINEARITIES, ("gelu", 1, None)))
GAIN = opt("gain", real(0.5, 2))
for name, dtypes in (("uniform", FLOATING), ("normal", DIFFERENTIABLE)):
    both(f"kaiming_{name}", filled(dtypes, MATRIX), SLOPE, MODE, NONLINEARITY, GENERATOR, policy=STREAM)
    both(f"xavier_{name}", filled(dtypes, shaped(2, 4, 1)), GAIN, GENERATOR, policy=STREAM)
both(
    "sparse",
    filled(FLOATING, shaped(2, 2)),
    arg("sparsity", real(0, 1)),
    opt("std", real(0.01, 2)),
    GENERATOR,
    policy=STREAM,
)
entry(
    "nn.init.calculate_gain",
    form(
        arg("nonlinearity", choice((*NONLINEARITIES, "linear", "conv1d", "conv_transpose3d"), ("gelu", 1, None))),
        variants="function",
    ),
    form(
        arg("nonlinearity", choice(("leaky_relu",))),
        opt(
            "param", made(lambda drawn, ex: ex.pick.choice((None, 0.0, 0.5, 1, 2.5, 0.01, -1.0, 3)), None, (True, "a"))
        ),
        variants="function",
    ),
    policy=MOVE,
)

"""Activations: of nn.functional, their twins in torch, and their in-place forms, by name and by `inplace=True`."""

from __future__ import annotations

from hypothesis import strategies as st

from assay.case import Values
from assay.catalog.common import x
from assay.catalog.form import Execution, Form, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import choice, dim, flag, real, shaped, tensor
from assay.catalog.random import GENERATOR
from assay.catalog.results import shape_of
from assay.dtypes import COMPLEX, DIFFERENTIABLE, FLOATING, NUMERIC, REAL, SIGNED
from assay.policy import ELEMENTWISE, EXACT_ELEMENTWISE, OVERFLOWING, SAMPLED, Policy
from assay.strategies.arguments import plan
from assay.strategies.shapes import Shape

GELU = Policy(strides=True, scale="fused", gradient_scale="fused")
#: Where activations bend.
BEND = Values("uniform", low=-6, high=6)
KEEP = opt("inplace", choice((False,), ("no", None)))
WRITE = kw("inplace", choice((True,)), 0)
SLOPE = real(among=(0.01, 0.5, 1.0, 2.0, 0.0, 1))
ALPHA = real(among=(1.0, 0.5, 2.0, 1.5, 3, 0.01))
LAMBDA = real(among=(0.5, 0.0, 1.0, 2, 0.1))
WHOLE = (*SIGNED, *FLOATING)


def _ordered(ex: Execution, shape: Shape) -> Values:
    """No NaN where derivatives are asked: on which side of the bend it stands is an accident of loops and their
    tails."""
    found = plan(ex.pick, BEND, smooth=ex.order > 0)
    return Values("normal") if ex.order and found.kind == "special" else found


def bent(name: str, dtypes: tuple[str, ...]) -> Param:
    """What an activation takes."""
    return arg("input", tensor(dtypes, values=_ordered)) if name in ("elu", "celu", "selu") else x(dtypes, prefer=BEND)


def functional(name: str, *params: Param, dtypes: tuple[str, ...] = FLOATING, order: int = 2) -> tuple[Form, Form]:
    """An activation of nn.functional with and without `inplace=True`."""
    tensors = bent(name, dtypes)
    return (
        form(tensors, *params, KEEP, variants="function", order=order, weight=2),
        form(tensors, *params, WRITE, variants="function", order=order, writes=True),
    )


def underscore(name: str, *params: Param, dtypes: tuple[str, ...] = FLOATING, order: int = 2) -> Form:
    """The in-place form with a name of its own."""
    return form(bent(name, dtypes), *params, variants="inplace", order=order)


LIMITS = (opt("min_val", real(-2, 0)), opt("max_val", real(0, 3)))
CUT = (arg("threshold", real(-1, 2)), arg("value", real(among=(0.5, -1.0, 0.0, 20.0, 2))))
CUTS = (*REAL,)

# name: (arguments, dtypes of the function, dtypes in place, order, policy, whether there is a name_)
SIMPLE: dict[str, tuple[tuple[Param, ...], tuple[str, ...], int, Policy, bool]] = {
    "celu": ((opt("alpha", ALPHA),), FLOATING, 2, ELEMENTWISE, True),
    "elu": ((opt("alpha", ALPHA),), FLOATING, 2, ELEMENTWISE, True),
    "selu": ((), FLOATING, 2, ELEMENTWISE, True),
    "hardtanh": (LIMITS, WHOLE, 2, EXACT_ELEMENTWISE, True),
    "leaky_relu": ((opt("negative_slope", SLOPE),), FLOATING, 2, ELEMENTWISE, True),
    "threshold": (CUT, CUTS, 2, EXACT_ELEMENTWISE, True),
    "relu6": ((), REAL, 2, EXACT_ELEMENTWISE, False),
    "hardsigmoid": ((), FLOATING, 2, ELEMENTWISE, False),
    "hardswish": ((), FLOATING, 2, OVERFLOWING, False),
    "mish": ((), FLOATING, 2, ELEMENTWISE, False),
}
for name, (params, dtypes, order, policy, named) in SIMPLE.items():
    entry(
        f"nn.functional.{name}",
        *functional(name, *params, dtypes=dtypes, order=order),
        *((underscore(name, *params, dtypes=dtypes, order=order),) if named else ()),
        calls={"inplace": f"torch.nn.functional.{name}_"},
        policy=policy,
    )
entry(
    "nn.functional.silu",
    *functional("silu"),
    form(x(COMPLEX), KEEP, variants="function"),
    policy=ELEMENTWISE,
)
for name, params in (("celu", (opt("alpha", ALPHA),)), ("selu", ())):
    entry(
        name,
        form(bent(name, FLOATING), *params, variants="function", order=2),
        underscore(name, *params),
        calls={"inplace": f"torch.{name}_"},
        policy=ELEMENTWISE,
    )
entry(
    "threshold",
    form(x(CUTS, prefer=BEND), *CUT, variants="function", out=shape_of(), order=2, weight=2),
    underscore("threshold", *CUT, dtypes=CUTS),
    calls={"inplace": "torch.threshold_"},
    policy=EXACT_ELEMENTWISE,
)
entry(
    "hardshrink",
    x(FLOATING, prefer=BEND),
    opt("lambd", LAMBDA),
    out=shape_of(),
    order=2,
    policy=EXACT_ELEMENTWISE,
)
# name: (arguments, policy); these can write to out=
WRITING: dict[str, tuple[tuple[Param, ...], Policy]] = {
    "gelu": ((kw("approximate", choice(("none", "tanh"), ("exact", 1, None)), 0.4),), GELU),
    "hardshrink": ((opt("lambd", LAMBDA),), EXACT_ELEMENTWISE),
    "logsigmoid": ((), ELEMENTWISE),
    "softplus": (
        (opt("beta", real(among=(1, 0.5, 2.0, 1.0, 10.0))), opt("threshold", real(among=(20, 2.0, 0.5)))),
        ELEMENTWISE,
    ),
    "softshrink": ((opt("lambd", LAMBDA),), OVERFLOWING),
}
for name, (params, policy) in WRITING.items():
    entry(
        f"nn.functional.{name}",
        x(FLOATING, prefer=BEND),
        *params,
        variants="function",
        out=shape_of(),
        order=2,
        policy=policy,
    )
for name in ("softsign", "tanhshrink"):
    entry(f"nn.functional.{name}", x(NUMERIC, prefer=BEND), variants="function", order=2, policy=ELEMENTWISE)


def halved(draw: st.DrawFn, env: Structure) -> Shape:
    """A shape whose last dimension is even."""
    shape = shaped(1, 4)(draw, env)
    return tuple(2 * ((s + 1) // 2) if s < 9 else 8 for s in shape)


entry(
    "nn.functional.glu",
    arg("input", tensor(FLOATING, halved, prefer=BEND)),
    opt("dim", dim()),
    variants="function",
    order=2,
    policy=OVERFLOWING,
)


def weights(draw: st.DrawFn, env: Structure) -> Shape:
    """One weight, or one for each channel."""
    shape = env.shape("input")
    how = draw(st.integers(0, 4))
    return () if how == 0 else (shape[1],) if how > 1 and len(shape) > 1 else (1,)


for name in ("prelu", "nn.functional.prelu"):
    entry(
        name,
        x(FLOATING),
        arg("weight", tensor((), weights)),
        variants="function method" if name == "prelu" else "function",
        order=2,
        policy=ELEMENTWISE,
    )

# In training half has no kernel, and slopes are drawn.
BOUNDS = (opt("lower", real(0, 0.25)), opt("upper", real(0.25, 1)))
TRAIN, EVALUATE = choice((True,), ("yes",)), choice((False,), ("yes",))
DRAWN = tuple(d for d in FLOATING if d != "float16")
for prefix in ("", "nn.functional."):
    more = (GENERATOR,) if not prefix else ()
    keep = () if not prefix else (kw("inplace", KEEP.kind),)
    write = () if not prefix else (WRITE,)
    made = [
        form(x(FLOATING, prefer=BEND), *BOUNDS, opt("training", EVALUATE), *keep, variants="function", order=2),
        form(x(DRAWN, prefer=BEND), *BOUNDS, kw("training", TRAIN, 0), *keep, *more, variants="function", order=2),
        form(x(FLOATING, prefer=BEND), *BOUNDS, opt("training", EVALUATE), variants="inplace", order=2),
        form(x(DRAWN, prefer=BEND), *BOUNDS, kw("training", TRAIN, 0), *more, variants="inplace", order=2),
    ]
    if prefix:
        made.append(
            form(
                x(DRAWN, prefer=BEND),
                *BOUNDS,
                kw("training", choice((True, False)), 0),
                WRITE,
                variants="function",
                order=2,
                writes=True,
            )
        )
    entry(f"{prefix}rrelu", *made, calls={"inplace": f"torch.{prefix}rrelu_"}, policy=SAMPLED)
entry(
    "nn.functional.gumbel_softmax",
    arg("logits", tensor(FLOATING, shaped(1, 4), prefer=Values("normal"))),
    opt("tau", real(among=(1, 0.5, 2.0))),
    opt("hard", flag()),
    kw("eps", real(among=(1e-10,)), 0.9),
    kw("dim", dim("logits"), 0.4),
    variants="function",
    order=2,
    policy=SAMPLED,
)
entry(
    "nn.functional.normalize",
    x(DIFFERENTIABLE, shaped(2, 4)),
    opt("p", real(among=(2.0, 1.0, 2, 3.0, 0.5, float("inf")))),
    opt("dim", dim()),
    opt("eps", real(among=(1e-12, 1e-3, 0.5))),
    variants="function",
    out=shape_of(),
    order=2,
    policy=OVERFLOWING,
)

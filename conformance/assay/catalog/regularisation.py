"""Dropout: random while training, exact while evaluating."""

from __future__ import annotations

from assay.catalog.form import Param, arg, entry, form, kw, opt
from assay.catalog.kinds import ShapeRule, choice, shaped, tensor
from assay.catalog.normalisation import must
from assay.dtypes import COMMON, FLOATING
from assay.policy import SAMPLED

PROBABILITY = choice((0.5, 0.1, 0.9, 0.25, 0.0, 1.0, 1), (-0.1, 1.5, "half"))
TRAIN, EVALUATE = choice((True,), ("yes", 1.5)), choice((False,), ("yes", 1.5))
KEEP, WRITE = kw("inplace", choice((False,), ("no",))), kw("inplace", choice((True,)), 0)

# name: the shapes that are taken
TWINS: dict[str, ShapeRule] = {
    "dropout": shaped(),
    "alpha_dropout": shaped(),
    "feature_dropout": shaped(2),
    "feature_alpha_dropout": shaped(2),
}
for name, shape in TWINS.items():
    drawn, kept = arg("input", tensor(FLOATING, shape)), arg("input", tensor(COMMON, shape))
    p = arg("p", PROBABILITY)
    entry(
        name,
        form(drawn, p, arg("train", TRAIN), variants="function inplace", order=2, weight=2),
        form(kept, p, arg("train", EVALUATE), variants="function inplace", order=2),
        calls={"inplace": f"torch.{name}_"},
        policy=SAMPLED,
    )

# name: (the shapes that are taken, whether it trains unless told otherwise)
FUNCTIONS: dict[str, tuple[ShapeRule, bool]] = {
    "dropout": (shaped(), True),
    "dropout1d": (shaped(2, 3), True),
    "dropout2d": (shaped(2), True),
    "dropout3d": (shaped(2), True),
    "alpha_dropout": (shaped(), False),
    "feature_alpha_dropout": (shaped(2), False),
}
for name, (shape, trains) in FUNCTIONS.items():
    drawn, kept = arg("input", tensor(FLOATING, shape)), arg("input", tensor(COMMON, shape))
    p = opt("p", PROBABILITY, 0.2)

    def training(wanted: bool, default: bool = trains) -> Param:
        """`training`, left out at times where it is so by default."""
        kind = TRAIN if wanted else EVALUATE
        return opt("training", kind, 0.3) if wanted is default else must("training", kind)

    entry(
        f"nn.functional.{name}",
        form(drawn, p, training(True), KEEP, variants="function", order=2, weight=2),
        form(kept, p, training(False), KEEP, variants="function", order=2),
        form(drawn, p, training(True), WRITE, variants="function", order=2, writes=True),
        form(kept, p, training(False), WRITE, variants="function", order=2, writes=True),
        policy=SAMPLED,
    )

"""Random creation: the generator is seeded by the case before the call."""

from __future__ import annotations

from assay.case import Make
from assay.catalog.creation import asked_or, default, options, size_of
from assay.catalog.form import arg, entry, form, kw
from assay.catalog.kinds import made, size
from assay.catalog.results import shaped_by
from assay.dtypes import FLOATING
from assay.policy import STREAM

generator = kw("generator", made(lambda drawn, ex: Make("Generator", (ex.pick.integer(0, 2**31),))), 0.8)

for name in ("rand", "randn"):
    entry(
        name,
        form(
            arg("size", size(), splat=True),
            generator,
            *options(FLOATING),
            variants="function",
            out=shaped_by(size_of, asked_or(default)),
        ),
        policy=STREAM,
    )

"""Views and rearrangements."""

from __future__ import annotations

from assay.catalog.form import arg, entry, form
from assay.catalog.kinds import dim, reshaping, size, tensor
from assay.dtypes import ALL
from assay.policy import VIEW

entry("transpose", form(arg("input", tensor(ALL)), arg("dim0", dim()), arg("dim1", dim()), variants="function method inplace", order=2),
      policy=VIEW)  # fmt: skip
entry("reshape",
      form(arg("input", tensor(ALL)), arg("shape", size(reshaping())), variants="function", order=2),
      form(arg("input", tensor(ALL)), arg("shape", size(reshaping()), splat=True), variants="method", order=2),
      policy=VIEW)  # fmt: skip

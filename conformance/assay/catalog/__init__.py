"""The catalogue: how to call each operation of PyTorch, well and badly. One module a family.

To add an operation, put an `entry` into the module of its family (`assay.catalog.form` shows the form,
`assay.catalog.kinds` what arguments may be, `assay.catalog.common` what many entries share), then ask real PyTorch:

    python -m assay.catalog.check --only NAME --gradients --example

prints the share of draws that it accepts and every refusal, each with a case. PyTorch's signatures are the source;
an implementation under test never is.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from assay.catalog.form import REGISTRY, Entry, Form, Param

FAMILIES = (
    "creation",
    "casts",
    "elementwise",
    "comparison",
    "reductions",
    "sorting",
    "shapes",
    "viewing",
    "copying",
    "allocation",
    "indexing",
    "assembling",
    "placing",
    "landing",
    "linear",
    "products",
    "contractions",
    "fourier",
    "norms",
    "linalg",
    "factors",
    "spectra",
    "decompositions",
    "nn",
    "pooling",
    "convolution",
    "vision",
    "patches",
    "random",
    "sampling",
    "windows",
    "activations",
    "losses",
    "classification",
    "normalisation",
    "regularisation",
    "embeddings",
    "initialisation",
    "recurrent",
    "attention",
    "inplace",
    "items",
    "legacy",
    "functions",
    "special",
    "counting",
    "statistics",
    "differences",
    "queries",
)

_loaded: dict[str, Entry] = {}


def catalog() -> dict[str, Entry]:
    """All entries by operation, in declaration order."""
    if not _loaded:
        for family in FAMILIES:
            importlib.import_module(f"assay.catalog.{family}")
        _loaded.update(REGISTRY)
    return _loaded


def entries() -> Iterator[Entry]:
    """All entries, in declaration order."""
    return iter(catalog().values())


def is_program(op: str) -> bool:
    """Whether this is a family of programs, not an operation."""
    from assay.programs.families import programs

    return op in programs()


def families() -> tuple[str, ...]:
    """The families of operations, and that of random programs."""
    from assay.programs.families import FAMILY

    return (*FAMILIES, FAMILY)


def everything() -> dict[str, Entry]:
    """All that a run can ask for: the operations of the catalogue, then the families of random programs, which are no
    operations of PyTorch's surface."""
    from assay.programs.families import programs

    return {**catalog(), **programs()}


__all__ = ["Entry", "Form", "Param", "catalog", "entries", "everything", "families", "is_program"]

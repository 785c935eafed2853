"""The catalogue: how to call each operation of PyTorch, well and badly. One module a family."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace

from assay.catalog.form import REGISTRY, Entry, Form, Param

FAMILIES = (
    "creation",
    "casts",
    "elementwise",
    "comparison",
    "reductions",
    "sorting",
    "shapes",
    "indexing",
    "linear",
    "nn",
    "random",
    "inplace",
    "items",
    "legacy",
)

_loaded: dict[str, Entry] = {}


def catalog() -> dict[str, Entry]:
    """All entries by operation, in declaration order."""
    if not _loaded:
        for family in FAMILIES:
            before = set(REGISTRY)
            importlib.import_module(f"assay.catalog.{family}")
            _loaded.update({op: replace(e, family=family) for op, e in REGISTRY.items() if op not in before})
    return _loaded


def entries() -> Iterator[Entry]:
    """All entries, in declaration order."""
    return iter(catalog().values())


__all__ = ["Entry", "Form", "Param", "catalog", "entries"]

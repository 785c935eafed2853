"""What a subject claims, from a file beside it.

    # my_library/assay.toml, or my_module.assay.toml beside my_module.py
    levels = ["core", "gradients"]        # as assay run --level
    aspects = ["structure", "values"]     # all that can be seen of the library
    operations = ["sum", "nn.functional.*"]
    dtypes = ["float32", "int64", "bool"]

What is left out promises everything. Nothing that is not claimed is asked, unless the command line asks for it (but
for aspects, which cannot be seen then either).
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from assay.levels import ASPECTS, LEVELS
from assay.subjects.adapter import Claims

_KEYS = tuple(f.name for f in fields(Claims) if f.name != "source")


#: What may stand in a list, where it is not the catalogue that tells.
_NAMES = {"levels": tuple(LEVELS), "aspects": ASPECTS}


class ClaimsError(ValueError):
    """The file is not well formed."""


def load_claims(path: Path) -> Claims:
    """From a TOML file. Raises ClaimsError, which says what is wrong, and OSError."""
    try:
        data = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClaimsError(f"{path}: {error}") from error
    for key, value in data.items():
        if key not in _KEYS:
            raise ClaimsError(f"{path}: {key!r} is none of {', '.join(_KEYS)}")
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise ClaimsError(f"{path}: {key} must be a list of names")
        known = _NAMES.get(key, value)
        unknown = next((v for v in value if v not in known), None)
        if unknown is not None:
            raise ClaimsError(f"{path}: {unknown!r} is none of the {key}: {', '.join(known)}")
    return Claims(**{key: tuple(value) for key, value in data.items()}, source=str(path))


def claims_beside(module: Any) -> Claims | None:
    """The claims beside a module's file; None where there is none. Raises ClaimsError."""
    where = getattr(module, "__file__", None)
    if where is None:
        return None
    file = Path(where)
    beside = file.parent / "assay.toml" if file.name == "__init__.py" else file.with_suffix(".assay.toml")
    return load_claims(beside) if beside.is_file() else None

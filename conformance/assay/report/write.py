"""Reports written to files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.report.results import Run


@dataclass(frozen=True, slots=True)
class Files:
    """Where to write which report; None for not at all."""

    json: Path | None = None
    html: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Those that are asked for."""
        return tuple(path for path in (self.json, self.html, self.junit, self.markdown) if path is not None)

    def __bool__(self) -> bool:
        return bool(self.paths)

    def write(self, runs: Sequence[Run]) -> None:
        """Write what is asked for. The first run is the one reported, the others are what it is compared with.

        Raises OSError with the file's name; a file is whole or as it was.
        """
        first, before = runs[0], runs[1] if len(runs) > 1 else None
        if self.json is not None:
            from assay.report.result_json import dumps

            _replace(self.json, dumps(first.data).encode())
        if self.junit is not None:
            from assay.report.junit import junit

            _replace(self.junit, junit(first))
        if self.markdown is not None:
            from assay.report.markdown import markdown

            _replace(self.markdown, markdown(first, before).encode())
        if self.html is not None:
            from assay.report.html import html

            _replace(self.html, html(runs).encode())


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once: a full disk or Ctrl-C leaves what was there."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.exists() and not path.is_file():  # a pipe, /dev/stdout
            path.write_bytes(content)
            return
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)

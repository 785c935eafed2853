"""Reports written to files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from assay.report.results import Run


def write_reports(
    runs: Sequence[Run],
    html_file: Path | None = None,
    junit_file: Path | None = None,
    markdown_file: Path | None = None,
) -> None:
    """Write what is asked for; the first run is the one reported. Raises OSError; a file is whole or as it was."""
    if html_file is not None:
        from assay.report.html import html

        _replace(html_file, html(runs).encode())
    if junit_file is not None:
        from assay.report.junit import junit

        _replace(junit_file, junit(runs[0]))
    if markdown_file is not None:
        from assay.report.markdown import markdown

        _replace(markdown_file, markdown(runs[0], runs[1] if len(runs) > 1 else None).encode())


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

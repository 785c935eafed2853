"""assay report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from assay.cli.common import fail


def report_options(command: Any) -> Any:
    """The options that name a report's file, for every command that can write one."""
    for name, text in (
        ("markdown", "Write a Markdown summary here, for a pull request."),
        ("junit", "Write JUnit XML here, a testcase an operation × aspect."),
        ("html", "Write one self-contained page here."),
    ):
        command = click.option(f"--{name}", f"{name}_file", type=click.Path(path_type=Path), help=text)(command)
    return command


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@report_options
@click.option(
    "--history", type=click.IntRange(min=0), default=0, show_default=True, help="Earlier runs of the same to add."
)
def report(
    runs: tuple[str, ...], html_file: Path | None, junit_file: Path | None, markdown_file: Path | None, history: int
) -> None:
    """Make reports of RUNs: a page for people, JUnit XML for CI, Markdown for a pull request.

    RUN is `latest`, the id of a run under .assay/runs or the start of one, its folder, or a result written by --json.
    The first RUN is the one reported. Further ones are what it is compared with: the second is the one before it in
    the Markdown summary, and the page holds all of them, of one subject or of several. --history adds that many
    earlier runs that asked the same subject the same. Without a file to write the Markdown summary is printed.

    \b
    Example: assay report latest --html report.html --history 10
    Example: assay report new.json old.json --markdown summary.md --junit junit.xml

    \b
    Exit codes: 0 written, 2 usage error (no such run, not a result, nowhere to write).
    """
    from assay.report.results import ReportError, earlier, read
    from assay.report.write import Files

    try:
        loaded = [read(name) for name in runs]
        known = {run.name for run in loaded}
        loaded += [run for run in earlier(loaded[0], history) if run.name not in known]
    except ReportError as error:
        fail(str(error))
    files = Files(None, html_file, junit_file, markdown_file)
    try:
        files.write(loaded)
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror or error}")
    if not files:
        from assay.report.markdown import markdown

        click.echo(markdown(loaded[0], loaded[1] if len(loaded) > 1 else None), nl=False)

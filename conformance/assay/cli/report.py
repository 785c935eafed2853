"""assay report."""

from __future__ import annotations

from pathlib import Path

import click

from assay.cli.common import fail


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write one self-contained page here.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write JUnit XML of the first RUN here.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path), help="Write a Markdown summary here.")
def report(runs: tuple[str, ...], html_file: Path | None, junit_file: Path | None, markdown_file: Path | None) -> None:
    """Make reports of finished RUNs: a page for people, JUnit XML for CI, Markdown for a pull request.

    RUN is `latest`, the name of a run under .assay/runs, its folder, or a result written by --json. The first RUN is
    the one reported. Further ones are what it is compared with: the second is the one before it in the Markdown
    summary, and the page holds all of them, of one subject or of several. Without any option the Markdown summary is
    printed.

    \b
    Example: assay report latest --html report.html
    Example: assay report new.json old.json --markdown summary.md --junit junit.xml

    \b
    Exit codes: 0 written, 2 usage error (no such run, not a result, nowhere to write).
    """
    from assay.report.results import ReportError, load, resolve
    from assay.report.write import write_reports

    try:
        loaded = [load(resolve(name)) for name in runs]
    except ReportError as error:
        fail(str(error))
    try:
        write_reports(loaded, html_file, junit_file, markdown_file)
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror or error}")
    if not (html_file or junit_file or markdown_file):
        from assay.report.markdown import markdown

        click.echo(markdown(loaded[0], loaded[1] if len(loaded) > 1 else None), nl=False)

"""assay list, assay surface."""

from __future__ import annotations

import json
import sys
from typing import NoReturn

import click

from assay.cli.common import CONFORMS, DEVIATES, NO_CASES, PROFILE_NAMES, check_names, fail


@click.command("list")
@click.argument("globs", nargs=-1, metavar="[GLOB]…")
@click.option("--family", metavar="NAME", help="Only one family.")
def list_operations(globs: tuple[str, ...], family: str | None) -> None:
    """List the operations of the catalogue with their family and variants, at the end the families of random programs.

    \b
    Example: assay list 'cum*'
    """
    from assay.catalog import everything, families

    if family is not None and family not in families():
        fail(f"{family!r} is not a family; one of {', '.join(families())}")
    ops = [op for op in check_names(globs) if family is None or everything()[op].family == family]
    if not ops:
        click.echo("assay: no operation matched", err=True)
        sys.exit(NO_CASES)
    width = max(map(len, ops))
    for op in ops:
        found = everything()[op]
        click.echo(f"{op.ljust(width)}  {found.family:<12}  {' '.join(found.variants)}")


@click.command()
@click.option("--draws", is_flag=True, help="Draw, ask PyTorch, and tell the share of valid draws and their diversity.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only these operations (with --draws). Repeatable.")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), default="standard", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--uncovered", is_flag=True, help="Name the operations that the catalogue lacks.")
@click.option("--diversity", is_flag=True, help="Draw, and tell for every kind of input how often, or why never.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON (with --diversity).")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes (with --diversity).")
def surface(
    draws: bool,
    only: tuple[str, ...],
    profile: str,
    seed: int,
    uncovered: bool,
    diversity: bool,
    as_json: bool,
    jobs: int,
) -> None:
    """Show what PyTorch offers and what share the catalogue covers.

    \b
    Example: assay surface
    Example: assay surface --draws --only sum --profile quick
    Example: assay surface --diversity --only 'cum*'

    --diversity exits with 1 when a kind of input is neither drawn nor explained, or explained though it is drawn.
    """
    from assay.report.surface_text import coverage_lines, draws_report

    if diversity:
        _diversity(check_names(only), profile, seed, jobs, as_json, bool(only))
    if as_json:
        fail("--json goes with --diversity")
    if not draws:
        for line in coverage_lines(uncovered):
            click.echo(line)
        return
    ops = check_names(only)
    if not ops:
        click.echo("assay: no case matched", err=True)
        sys.exit(NO_CASES)
    lines, good = draws_report(ops, profile, seed)
    for line in lines:
        click.echo(line)
    sys.exit(CONFORMS if good else DEVIATES)


def _diversity(ops: list[str], profile: str, seed: int, jobs: int, as_json: bool, by_operation: bool) -> NoReturn:
    from assay.catalog import is_program
    from assay.diversity.table import draw_table
    from assay.progress import Progress
    from assay.report.diversity_text import as_data, lines

    ops = [op for op in ops if not is_program(op)]
    with Progress(ops) as progress:
        table = draw_table(ops, profile, seed, jobs, lambda op: progress.tell(op, "drawn"))
    if not table.cells:
        click.echo("assay: no operation matched", err=True)
        sys.exit(NO_CASES)
    click.echo(json.dumps(as_data(table, profile, seed)) if as_json else "\n".join(lines(table, by_operation)))
    sys.exit(CONFORMS if table.is_whole else DEVIATES)

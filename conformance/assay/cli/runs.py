"""What was run before: assay runs, show, diff, compare, history, merge."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from assay.cli.common import CONFORMS, DEVIATES, check_names, fail
from assay.cli.report import report_options
from assay.cli.run import FILES
from assay.report.write import Files
from assay.wording import counted

_CHANGES = (("failing", "newly failing"), ("missing", "newly missing"), ("passing", "newly passing"))


@click.command()
@click.option("--subject", metavar="S", help="Only runs of this subject.")
def runs(subject: str | None) -> None:
    """List the runs that are kept, oldest first, with what became of them.

    \b
    Example: assay runs --subject flambeau
    """
    from assay.runs import names, state
    from assay.store import ROOT, Setup, StoreError, read_result, records

    shown = 0
    for name in names():
        folder = ROOT / "runs" / name
        try:
            setup = Setup.read(folder)
            if subject not in (None, setup.plan.subject.name):
                continue
            shown += 1
            how = state(folder)
            if how == "finished":
                data = read_result(folder)
                kinds = sum(f["fails"] for f in data["failures"])
                judged = any(status != "missing" for cell in data["cells"] for status in cell["counts"])
                became = "conforms" if judged else "nothing was judged"
                if kinds:
                    became = f"{counted(kinds, 'kind')} of deviation"
                told = f"{data['cases']:>7} cases  {became}"
            else:
                told = f"{sum(1 for _ in records(folder)):>7} cases  {how}"
        except StoreError as error:
            told = f"broken: {error}"
        click.echo(f"{name}  {told}")
    if not shown:
        click.echo("no run is kept here" if subject is None else f"no run of {subject} is kept here", err=True)


@click.command()
@click.argument("run", default="latest")
def show(run: str) -> None:
    """Show RUN again: its failures and its table of family × aspect. An unfinished run is shown as far as it came.

    RUN is its id, the start of one, or latest.

    \b
    Example: assay show latest
    """
    from assay.report import terminal
    from assay.runs import find, result_of, state
    from assay.store import StoreError

    try:
        folder = find(run)
        result = result_of(folder.name)
        how = state(folder)
    except StoreError as error:
        fail(str(error))
    terminal.say_failures(result, folder, click.echo)
    click.echo(terminal.table_text(result))
    terminal.say_rest(result, click.echo)
    click.echo(terminal.summary(result))
    click.echo(f"verdicts: {folder}")
    if how != "finished":
        then = f"; `assay run --resume {folder.name}` goes on" if how == "interrupted" else ""
        click.echo(f"this run is not finished ({how}){then}")


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Lines of each sort.")
def diff(before: str, after: str, limit: int) -> None:
    """Tell what run AFTER has otherwise than run BEFORE: newly failing, newly missing and newly passing apart.

    A cell (operation, variant, aspect) is newly failing when it fails and did not before, or when cases that both runs
    put to the test fail only now.

    \b
    Example: assay diff 20261121 latest

    \b
    Exit codes: 0 nothing fails newly, 1 something does, 2 usage error.
    """
    from assay.database import database
    from assay.difference import difference
    from assay.runs import find
    from assay.store import StoreError

    try:
        old, new = (find(name).name for name in (before, after))
        with database() as opened:
            found = difference(opened, old, new)
    except StoreError as error:
        fail(str(error))
    for what, one, other in found.settings:
        click.echo(f"note: {what} differs: {_brief(one)}, then {_brief(other)}")
    for attribute, heading in _CHANGES:
        changes = getattr(found, attribute)
        click.echo(f"{heading}: {len(changes)}")
        for change in changes[:limit]:
            counts = [f"{change.failed} more cases fail"] if change.failed else []
            counts += [f"{change.passed} that failed pass"] if change.passed else []
            told = f" ({', '.join(counts)})" if counts else ""
            detail = f": {change.detail}" if change.detail and attribute == "failing" else ""
            click.echo(
                f"    {change.op} · {change.variant} · {change.aspect}  {change.before or 'not judged'} → "
                f"{change.after}{told}{detail}"
            )
        if len(changes) > limit:
            click.echo(f"    … and {len(changes) - limit} more")
    click.echo(f"otherwise changed: {len(found.other)} cells; judged only in {old}: {found.gone}")
    click.echo(f"cases in both runs: {found.common}")
    sys.exit(DEVIATES if found.failing else CONFORMS)


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items() if v)
    if isinstance(value, list):
        return " ".join(map(str, value)) or "all"
    return str(value)


@click.command()
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT…")
@click.option("--by", type=click.Choice(("family", "op")), default="family", show_default=True)
@click.option("--only", multiple=True, metavar="GLOB", help="Only these operations. Repeatable.")
def compare(subjects: tuple[str, ...], by: str, only: tuple[str, ...]) -> None:
    """Set SUBJECTs side by side, from the latest finished run of each.

    By family: how many cells (operation, aspect) conform of those judged. By operation: the worst status, with the
    aspects that have it; operations that conform everywhere are only counted.

    \b
    Example: assay compare flambeau tinygrad
    Example: assay compare torch@meta my_library --by op --only 'linalg.*'
    """
    from assay.report.matrix import by_family, by_operation, text
    from assay.report.results import Run
    from assay.runs import latest, load, subjects_run
    from assay.store import StoreError

    ops = set(check_names(only)) if only else None
    sides = []
    try:
        for subject in subjects:
            name = latest(subject)
            if name is None:
                known = subjects_run()
                fail(f"no finished run of {subject!r} is kept here; there are some of: {', '.join(known) or 'nobody'}")
            sides.append(Run(name, load(name)))
    except StoreError as error:
        fail(str(error))
    for side in sides:
        click.echo(f"{side.subject}: {side.name}, {side.data['cases']} cases")
    rows, conforming = by_family(sides, ops), 0
    if by == "op":
        rows, conforming = by_operation(sides, ops)
    click.echo(text([by, *(side.subject for side in sides)], rows))
    if by == "op":
        click.echo(f"{conforming} operations conform in all of them")


@click.command()
@click.argument("op")
@click.option("--subject", metavar="S", help="Only runs of this subject.")
@click.option("--aspect", multiple=True, metavar="A", help="Only these aspects. Repeatable.")
def history(op: str, subject: str | None, aspect: tuple[str, ...]) -> None:
    """Tell how the cells of OP changed from run to run: only transitions, oldest first.

    \b
    Example: assay history linalg.svd --subject flambeau
    """
    from assay.database import database
    from assay.store import StoreError
    from assay.transitions import transitions

    check_names((op,))
    try:
        with database() as opened:
            found, seen = transitions(opened, op, subject, aspect)
    except StoreError as error:
        fail(str(error))
    if not seen:
        fail(f"no finished run{f' of {subject}' if subject else ''} has judged {op}")
    for (who, variant, name), steps in found.items():
        click.echo(f"{who}: {op} · {variant} · {name}")
        for run, status, detail in steps:
            click.echo(f"    {run}  {status}{f': {detail}' if detail else ''}")
    click.echo(f"{seen} runs; {sum(len(steps) > 1 for steps in found.values())} cells changed")


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN…")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result here as JSON.")
@report_options
def merge(runs: tuple[str, ...], **files: Path | None) -> None:
    """Join the finished shards (`assay run --shard I/N`) of one run into a new run, and tell it as that run would.

    Runs from other machines: copy their folders into .assay/runs first.

    \b
    Example: assay merge 20261122-101500.000-flambeau-standard-0-1of2 20261122-101502.000-flambeau-standard-0-2of2

    \b
    Exit codes: as `assay run`.
    """
    from assay.cli.perform import finish
    from assay.merging import merge as join
    from assay.runs import find
    from assay.store import StoreError

    try:
        store, result = join([find(run) for run in runs])
    except StoreError as error:
        fail(str(error))
    with store:
        sys.exit(finish(store, result, Files(*(files[name] for name in FILES))))

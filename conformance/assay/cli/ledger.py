"""assay ledger update, assay ledger check."""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.common import fail

if TYPE_CHECKING:
    from assay.ledger import Known


@click.group()
def ledger() -> None:
    """Known deviations of a subject, in a TOML file: propose entries from a run, check what was written.

    \b
    Example: assay ledger update latest --ledger known.toml
    Example: assay ledger check known.toml
    """


@ledger.command()
@click.argument("run")
@click.option("--ledger", "file", type=click.Path(path_type=Path), help="The file; the one that RUN went by otherwise.")
def update(run: str, file: Path | None) -> None:
    """Append an entry for each kind of deviation of RUN that the ledger does not know.

    What is in the file stays as it is, comments too. Entries come with an empty reason and link: until a person writes
    them, `assay ledger check` and every run that goes by the ledger refuse it. Crashes, timeouts and eaten memory are
    never known.

    \b
    Example: assay ledger update latest --ledger known.toml
    """
    from assay.proposal import entries, kinds, toml
    from assay.runs import find, result_of
    from assay.store import Setup, StoreError, records

    try:
        folder = find(run)
        setup = Setup.read(folder)
        result = result_of(folder.name)
        file = file or (Path(setup.ledger_path) if setup.ledger_path else None)
        if file is None:
            fail(f"{folder.name} went by no ledger file; name one with --ledger FILE")
        text = file.read_text() if file.exists() else ""
        known = _known(text, file)
        aspects = [a for a in setup.plan.aspects if result.fails(a)]
        found = kinds(records(folder), known, aspects)
    except (StoreError, OSError, TypeError) as error:
        fail(str(error))
    shrunk = {group.first: group.shrunk for group in result.groups.values()}
    proposed = [entry for kind in found for entry in entries(kind, shrunk.get(kind.case.id))]
    if proposed:
        begin = text if not text or text.endswith("\n") else text + "\n"
        try:
            part = file.with_name(file.name + ".part")
            part.write_text("\n".join(filter(None, [begin, *map(toml, proposed)])))
            os.replace(part, file)
        except OSError as error:
            fail(f"cannot write {file}: {error}")
    click.echo(f"{file}: {len(proposed)} entries proposed for {len(found)} kinds of deviation")
    if proposed:
        click.echo("write a reason and a link for each; until then `assay ledger check` fails")
    for entry in result.stale:
        click.echo(f"no longer met, take it out: {entry.op} · {entry.aspect} · {entry.reason}")
    if fatal := sorted({f"{g.op} ({g.status})" for g in result.failing if g.status not in ("deviates", "flaky")}):
        click.echo(f"never known: {', '.join(fatal)}")


def _known(text: str, file: Path) -> list[Known]:
    """The entries of a ledger that may lack reasons still. Exits with 2 on a broken file."""
    from assay.ledger import Known, faults_of

    try:
        rows = tomllib.loads(text).get("known", [])
    except tomllib.TOMLDecodeError as error:
        fail(f"{file}: {error}")
    found = []
    for i, row in enumerate(rows, 1):
        written = row | {key: row.get(key) or "?" for key in ("reason", "link")} if isinstance(row, dict) else row
        for fault in faults_of(written):
            fail(f"{file}: entry {i} {fault}")
        found.append(Known(**{key: value for key, value in written.items() if key != "case"}))
    return found


@ledger.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check that FILE is a ledger that a run can go by: every entry complete, its names known.

    \b
    Example: assay ledger check known.toml

    \b
    Exit codes: 0 well formed, 2 not.
    """
    from assay.catalog import everything
    from assay.dtypes import ALL
    from assay.ledger import Ledger, LedgerError
    from assay.levels import ASPECTS

    try:
        known = Ledger.load(file).known
    except (LedgerError, OSError, UnicodeDecodeError) as error:
        fail(str(error))
    faults = []
    for i, entry in enumerate(known, 1):
        for what, value, names in (
            ("operation", entry.op, everything()),
            ("aspect", entry.aspect, ASPECTS),
            ("dtype", entry.dtype, ALL),
        ):
            if value not in names and not any(c in value for c in "*?["):
                near = get_close_matches(value, names, 3)
                faults.append(f"{file}: entry {i}: {value!r} is no {what}; nearest: {', '.join(near) or 'none'}")
    if faults:
        fail("\n".join(faults))
    click.echo(f"{file}: {len(known)} entries, well formed")

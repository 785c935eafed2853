"""The command line: assay run, assay list, assay surface.

Exit codes: 0 conforms, 1 deviations (or a full run met no case of a ledger entry), 2 usage or harness error, 5 no case
matched.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import click

from assay.case import Case
from assay.plain import decode

CONFORMS, DEVIATES, ERROR, NO_CASES = 0, 1, 2, 5
LEVEL_NAMES = ("core", "gradients", "errors", "fidelity")
PROFILE_NAMES = ("quick", "standard", "deep")
_SHRUNK_GROUPS = 30
_SHRINK_BUDGET = 240
_SHRINK_FATAL = 6


def _fail(text: str) -> NoReturn:
    click.echo(f"assay: {text}", err=True)
    sys.exit(ERROR)


class _Commands(click.Group):
    """Commands whose unexpected exceptions are harness errors: their traceback and exit code 2, never 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(ERROR)
        except (KeyboardInterrupt, click.Abort):
            _fail("interrupted")
        except Exception:
            _fail(f"the harness failed\n{traceback.format_exc()}")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="torch-assay", prog_name="assay")
def main() -> None:
    """Put torch-like libraries to real PyTorch's test, case by case.

    \b
    Example: assay run flambeau --profile quick
    """


def _check_names(only: tuple[str, ...]) -> list[str]:
    """The operations that `only` selects. Exits with 2 on an unknown name."""
    from assay.catalog import catalog
    from assay.runner import select
    from assay.surface import load_surface

    known = list(catalog())
    for name in only:
        if name in known or any(c in name for c in "*?["):
            continue
        near = get_close_matches(name, known, 5, 0.5)
        offered = name in load_surface().operations_by_name
        why = "is an operation of PyTorch that the catalogue does not have yet" if offered else "is not an operation"
        _fail(f"{name!r} {why}; nearest in the catalogue: {', '.join(near) if near else 'none'}")
    return select(only)


def _check_dtypes(given: tuple[str, ...]) -> tuple[str, ...]:
    from assay.dtypes import ALL

    names = tuple(d.removeprefix("torch.") for one in given for d in one.split(",") if d)
    for name in names:
        if name not in ALL:
            near = get_close_matches(name, ALL, 3)
            _fail(f"{name!r} is not a dtype; one of {', '.join(near or ALL)}")
    return names


def _check_aspects(
    subject: str, levels: tuple[str, ...], aspects: tuple[str, ...], skipped: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(levels, aspects) of a run. Exits with 2 on an unknown aspect."""
    from assay.judge import ASPECTS, aspects_of

    for name in (*aspects, *skipped):
        if name not in ASPECTS:
            near = get_close_matches(name, ASPECTS, 3)
            _fail(f"{name!r} is not an aspect; {'nearest' if near else 'one of'}: {', '.join(near or ASPECTS)}")
    levels = levels or (LEVEL_NAMES if subject == "flambeau" else ("core", "gradients"))
    chosen = aspects or aspects_of(levels)
    return levels, tuple(a for a in ASPECTS if a in chosen and a not in skipped)


def _read_cases(path: Path) -> list[Case]:
    """Cases from a file: one case or a list of them as JSON, one case a line, or a result with failures."""
    try:
        text = path.read_text()
        try:
            data = json.loads(text)
        except json.JSONDecodeError:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
        if isinstance(data, dict) and "failures" in data:
            data = [failure["case"] for failure in data["failures"]]
        cases = [decode(one) for one in (data if isinstance(data, list) else [data])]
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError) as error:
        _fail(f"{path} holds no case: {type(error).__name__}: {error}")
    for case in cases:
        if not isinstance(case, Case):
            _fail(f"{path} holds no case but {str(case)[:80]}")
    return cases


@main.command()
@click.argument("subject")
@click.option("--only", multiple=True, metavar="GLOB", help="Operations, e.g. sum or 'nn.functional.*'. Repeatable.")
@click.option("--level", multiple=True, type=click.Choice(LEVEL_NAMES), help="What is promised. Repeatable.")
@click.option("--aspect", multiple=True, metavar="A", help="Only these aspects, whatever the level. Repeatable.")
@click.option("--skip-aspect", multiple=True, metavar="A", help="Leave an aspect out. Repeatable.")
@click.option("--dtypes", multiple=True, metavar="D,…", help="Only cases whose first tensor has one of these dtypes.")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), default="standard", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same cases, same verdicts.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=20.0, show_default=True, help="Seconds a case."
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0, min_open=True),
    default=4096.0,
    show_default=True,
    help="Megabytes the subject's process may grow by.",
)
@click.option("--max-failures", type=click.IntRange(min=1), help="Stop after this many kinds of deviation.")
@click.option("--strict-text", is_flag=True, help="Error texts and warnings fail the run too.")
@click.option("--case", "case_file", type=click.Path(path_type=Path), help="Run the case(s) in a file instead.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result here as JSON.")
@click.option("--ledger", "ledger_file", type=click.Path(path_type=Path), help="Known deviations (TOML).")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes of the subject.")
@click.option("--in-process", is_flag=True, help="No processes: for a debugger. A crash ends the run.")
@click.option("--no-shrink", is_flag=True, help="Report failing cases as they were drawn.")
def run(subject: str, **options: Any) -> None:
    """Judge SUBJECT against real PyTorch.

    SUBJECT is flambeau, torch, or the dotted path of an importable torch-like module. Levels are core and gradients
    unless told otherwise (all four for flambeau). Ends with a table of family × aspect.

    \b
    Example: assay run flambeau --only sum --only 'c*' --profile quick
    Example: assay run my_library.torch_api --level core --json result.json

    \b
    Exit codes: 0 conforms, 1 deviations, 2 usage or harness error, 5 no case matched.
    """
    sys.exit(_run(subject, **options))


def _run(
    subject: str,
    only: tuple[str, ...],
    level: tuple[str, ...],
    aspect: tuple[str, ...],
    skip_aspect: tuple[str, ...],
    dtypes: tuple[str, ...],
    profile: str,
    seed: int,
    timeout: float,
    memory: float,
    max_failures: int | None,
    strict_text: bool,
    case_file: Path | None,
    json_file: Path | None,
    ledger_file: Path | None,
    jobs: int,
    in_process: bool,
    no_shrink: bool,
) -> int:
    from assay.feed import DrawingError, Feed
    from assay.ledger import Ledger, LedgerError
    from assay.progress import Progress
    from assay.report import terminal
    from assay.report.result_json import as_json
    from assay.runner import Plan, Session
    from assay.runner import run as run_cases
    from assay.store import Store
    from assay.subjects import SubjectError, parse
    from assay.worker import Limits, WorkerError

    levels, aspects = _check_aspects(subject, level, aspect, skip_aspect)
    chosen = _check_dtypes(dtypes)
    cases = _read_cases(case_file) if case_file is not None else None
    ops = _check_names(only)
    if cases is not None:
        cases = [c for c in cases if not only or c.op in ops]
        ops = list(dict.fromkeys(c.op for c in cases))
    if not ops or not aspects:
        click.echo("assay: no case matched", err=True)
        return NO_CASES
    try:
        who = parse(subject)
        ledger = Ledger.packaged(subject) if ledger_file is None else Ledger.load(ledger_file)
    except (SubjectError, LedgerError, OSError) as error:
        _fail(str(error))
    plan = Plan(
        who,
        only=only,
        aspects=aspects,
        levels=levels,
        dtypes=chosen,
        profile=profile,
        seed=seed,
        limits=Limits(timeout, memory),
        jobs=jobs,
        in_process=in_process,
        strict_text=strict_text,
        max_failures=max_failures,
        drawn=cases is None,
    )
    feed = None
    try:
        with Session(plan, ledger) as session:
            store = Store(subject, profile, seed)
            source = cases if cases is not None else (feed := Feed(ops, profile, seed))
            with Progress(ops) as progress:

                def note(judged: Any, result: Any) -> None:
                    store.write(judged)
                    progress(judged, result)

                result = run_cases(session, source, note)
            if not result.cases:
                click.echo("assay: no case matched", err=True)
                return NO_CASES
            paths = _scripts(session, result, store, subject, shrink_them=not no_shrink)
            store.finish(result)
    except WorkerError as error:
        _fail(f"{subject} does not start\n{error}")
    except DrawingError as error:
        _fail(f"drawing failed\n{error}")
    finally:
        if feed is not None:
            feed.close()
    terminal.say_failures(result, paths, click.echo)
    if sys.stdout.isatty():
        terminal.print_table(result)
    else:
        click.echo(terminal.table_text(result))
    terminal.say_rest(result, click.echo)
    click.echo(terminal.summary(result))
    click.echo(f"verdicts: {store.path}")
    if json_file is not None:
        try:
            json_file.write_text(json.dumps(as_json(result), indent=1) + "\n")
        except OSError as error:
            _fail(f"cannot write {json_file}: {error}")
    if result.harness_errors:
        case, trace = result.harness_errors[0]
        _fail(f"the harness failed on {len(result.harness_errors)} cases; the first is\n{case.to_json()}\n{trace}")
    return DEVIATES if result.failing or result.stale else CONFORMS


def _scripts(session: Any, result: Any, store: Any, subject: str, shrink_them: bool) -> dict[int, str]:
    """Shrink what fails the run and give every group its script. Paths by the group's id()."""
    from assay.judge import STATUSES
    from assay.reproduce import script

    groups = sorted(result.groups.values(), key=lambda g: (not result.fails(g.aspect), STATUSES.index(g.status)))
    paths, shrunk = {}, 0
    for number, group in enumerate(groups, 1):
        if shrink_them and result.fails(group.aspect) and shrunk < _SHRUNK_GROUPS:
            from assay.shrink import shrink

            shrunk += 1
            budget = _SHRINK_BUDGET if group.status == "deviates" else _SHRINK_FATAL
            group.shrunk, group.detail = shrink(session, group, budget)
        group.script = script(group.shrunk or group.case, subject, group.aspect, group.detail)
        if result.fails(group.aspect):
            paths[id(group)] = str(store.script(number, group))
    return paths


@main.command("list")
@click.argument("globs", nargs=-1, metavar="[GLOB]…")
@click.option("--family", metavar="NAME", help="Only one family.")
def list_operations(globs: tuple[str, ...], family: str | None) -> None:
    """List the operations of the catalogue with their family and variants.

    \b
    Example: assay list 'cum*'
    """
    from assay.catalog import FAMILIES, catalog

    if family is not None and family not in FAMILIES:
        _fail(f"{family!r} is not a family; one of {', '.join(FAMILIES)}")
    ops = [op for op in _check_names(globs) if family is None or catalog()[op].family == family]
    if not ops:
        click.echo("assay: no operation matched", err=True)
        sys.exit(NO_CASES)
    width = max(map(len, ops))
    for op in ops:
        found = catalog()[op]
        click.echo(f"{op.ljust(width)}  {found.family:<12}  {' '.join(found.variants)}")


@main.command()
@click.option("--draws", is_flag=True, help="Draw, ask PyTorch, and tell the share of valid draws and their diversity.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only these operations (with --draws). Repeatable.")
@click.option("--profile", type=click.Choice(PROFILE_NAMES), default="standard", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--uncovered", is_flag=True, help="Name the operations that the catalogue lacks.")
def surface(draws: bool, only: tuple[str, ...], profile: str, seed: int, uncovered: bool) -> None:
    """Show what PyTorch offers and what share the catalogue covers.

    \b
    Example: assay surface
    Example: assay surface --draws --only sum --profile quick
    """
    from assay.report.surface_text import coverage_lines, draws_report

    if not draws:
        for line in coverage_lines(uncovered):
            click.echo(line)
        return
    ops = _check_names(only)
    if not ops:
        click.echo("assay: no case matched", err=True)
        sys.exit(NO_CASES)
    lines, good = draws_report(ops, profile, seed)
    for line in lines:
        click.echo(line)
    sys.exit(CONFORMS if good else DEVIATES)


if __name__ == "__main__":
    main()

"""assay run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from assay.cli.common import (
    CONFORMS,
    DEVIATES,
    LEVEL_NAMES,
    NO_CASES,
    PROFILE_NAMES,
    check_aspects,
    check_dtypes,
    check_names,
    fail,
    read_cases,
)

_SHRUNK_GROUPS = 30
_SHRINK_BUDGET = 240
_SHRINK_FATAL = 6


@click.command()
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
@click.option("--case", "case_file", type=click.Path(path_type=Path), help="Run the case(s) in a file (or -) instead.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result here as JSON.")
@click.option("--ledger", "ledger_file", type=click.Path(path_type=Path), help="Known deviations (TOML).")
@click.option("--setup", metavar="MODULE", default="", help="Import this first; it may register a backend.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes of the subject.")
@click.option("--in-process", is_flag=True, help="No processes: for a debugger. A crash ends the run.")
@click.option("--no-shrink", is_flag=True, help="Report failing cases as they were drawn.")
def run(subject: str, **options: Any) -> None:
    """Judge SUBJECT against real PyTorch.

    SUBJECT is flambeau, torch, the dotted path of an importable torch-like module, package.module:Adapter, or an
    adapter that ships: tinygrad, jax. torch@cuda, torch@meta, torch@compile=inductor, torch@threads=4 run PyTorch
    elsewhere or otherwise. Levels are core and gradients unless told otherwise (all four for flambeau). Ends with a
    table of family × aspect.

    \b
    Example: assay run flambeau --only sum --only 'c*' --profile quick
    Example: assay run my_library.torch_api --level core --json result.json
    Example: assay run torch@my_device --setup my_backend --level core

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
    setup: str,
    jobs: int,
    in_process: bool,
    no_shrink: bool,
) -> int:
    from assay.feed import DrawingError, Feed
    from assay.ledger import Ledger, LedgerError
    from assay.plan import Plan
    from assay.progress import Progress
    from assay.report import terminal
    from assay.report.result_json import as_json, dumps
    from assay.runner import Session
    from assay.runner import run as run_cases
    from assay.store import Store
    from assay.subjects import SubjectError, parse
    from assay.worker import Limits, WorkerError

    levels, aspects = check_aspects(subject, level, aspect, skip_aspect)
    chosen = check_dtypes(dtypes)
    cases = read_cases(case_file) if case_file is not None else None
    ops = check_names(only)
    if cases is not None:
        cases = [c for c in cases if not only or c.op in ops]
        ops = list(dict.fromkeys(c.op for c in cases))
    if not ops or not aspects:
        click.echo("assay: no case matched", err=True)
        return NO_CASES
    try:
        who = parse(subject, setup)
        ledger = Ledger.packaged(subject) if ledger_file is None else Ledger.load(ledger_file)
    except (SubjectError, LedgerError, OSError) as error:
        fail(str(error))
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
        asked=frozenset(
            name
            for name, given in (("aspects", level or aspect), ("operations", only or cases), ("dtypes", dtypes))
            if given
        ),
    )
    feed = None
    try:
        with Session(plan, ledger) as session:
            ops = [op for op in ops if session.plan.claims(op)]
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
        fail(f"{subject} does not start\n{error}")
    except DrawingError as error:
        fail(f"drawing failed\n{error}")
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
            json_file.write_text(dumps(as_json(result)))
        except OSError as error:
            fail(f"cannot write {json_file}: {error}")
    if result.harness_errors:
        case, trace = result.harness_errors[0]
        fail(f"the harness failed on {len(result.harness_errors)} cases; the first is\n{case.to_json()}\n{trace}")
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

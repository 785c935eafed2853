"""assay run."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from assay.cli.common import (
    LEVEL_NAMES,
    NO_CASES,
    PROFILE_NAMES,
    check_aspects,
    check_dtypes,
    check_names,
    fail,
    read_cases,
)
from assay.cli.report import report_options
from assay.report.write import Files

FILES = ("json_file", "html_file", "junit_file", "markdown_file")
#: What may be said together with --resume; the rest stands in the run's plan.
_WITH_RESUME = {"resume", "jobs", "in_process", "executor", *FILES}


class _Shard(click.ParamType[tuple[int, int]]):
    name = "I/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(\d+)/(\d+)", value)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            self.fail(f"{value!r} is not a shard: give i/n with i from 1 to n, such as 2/8", param, ctx)
        return int(found[1]), int(found[2])


@click.command()
@click.argument("subject", required=False)
@click.option("--only", multiple=True, metavar="GLOB", help="Operations, e.g. sum or 'nn.functional.*'. Repeatable.")
@click.option("--level", multiple=True, type=click.Choice(LEVEL_NAMES), help="What is promised. Repeatable.")
@click.option("--aspect", multiple=True, metavar="A", help="Only these aspects, whatever the level. Repeatable.")
@click.option("--skip-aspect", multiple=True, metavar="A", help="Leave an aspect out. Repeatable.")
@click.option("--dtypes", multiple=True, metavar="D,…", help="Only cases whose first tensor has one of these dtypes.")
@click.option("--against", metavar="recorded:…", help="PyTorch's recorded answers, not PyTorch: a file or a version.")
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
@click.option("--strict-flaky", is_flag=True, help="What deviates once and not again fails the run too.")
@click.option(
    "--case", "case_file", metavar="FILE|JSON|-", help="Run these instead: a failure's script, a result, JSON."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the result here as JSON.")
@report_options
@click.option("--ledger", "ledger_file", type=click.Path(path_type=Path), help="Known deviations (TOML).")
@click.option("--setup", metavar="MODULE", default="", help="Import this first; it may register a backend.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes of the subject.")
@click.option("--executor", metavar="dask://HOST:PORT", help="Judge on an existing Dask cluster, in batches.")
@click.option("--shard", type=_Shard(), default="1/1", help="Only the i-th of n parts; `assay merge` joins them.")
@click.option("--resume", metavar="RUN", help="Go on where a run stopped: its id, the start of it, or latest.")
@click.option("--in-process", is_flag=True, help="No processes: for a debugger. A crash ends the run.")
@click.option("--no-shrink", is_flag=True, help="Report failing cases as they were drawn.")
@click.pass_context
def run(context: click.Context, /, subject: str | None, **options: Any) -> None:
    """Judge SUBJECT against real PyTorch.

    SUBJECT is flambeau, torch, the dotted path of an importable torch-like module, package.module:Adapter, or an
    adapter that ships: tinygrad, jax. torch@cuda, torch@meta, torch@compile=inductor, torch@threads=4 run PyTorch
    elsewhere or otherwise. Levels are core and gradients unless told otherwise, here or by what the subject claims in
    an assay.toml beside it, operations those that it claims. Ends with a table of family × aspect.

    What deviates is executed a second time in fresh processes before it is reported; what does not repeat is "flaky":
    named, and no failure unless --strict-flaky. Every verdict is on the disk (.assay/runs) at once.

    With --against recorded:FILE nothing is drawn and PyTorch is not needed: FILE, made by `assay record`, has the cases
    and PyTorch's answers. recorded:FILE as SUBJECT puts those answers to the test.

    \b
    Example: assay run flambeau --only sum --only 'c*' --profile quick
    Example: assay run my_library.torch_api --level core --html report.html --junit junit.xml
    Example: assay run torch@my_device --setup my_backend --level core
    Example: assay run my_library --executor dask://scheduler:8786
    Example: assay run my_library --against recorded:2.13
    Example: assay run --resume latest

    \b
    Exit codes: 0 conforms, 1 deviations, 2 usage or harness error, 5 no case matched, or all of them are missing.
    """
    files = Files(*(options.pop(name) for name in FILES))
    if options["resume"] is not None:
        given = {p for p in context.params if context.get_parameter_source(p) != ParameterSource.DEFAULT}
        if others := sorted(given - _WITH_RESUME):
            fail(f"--resume goes on as the run was begun; leave out {', '.join(others)}")
        _check_executor(options["executor"], options["jobs"])
        sys.exit(_resume(options["resume"], options["jobs"], options["in_process"], options["executor"], files))
    if subject is None:
        raise click.MissingParameter(ctx=context, param_hint="'SUBJECT'", param_type="argument")
    del options["resume"]
    drawn = {p: options[p] for p in ("profile", "seed") if context.get_parameter_source(p) != ParameterSource.DEFAULT}
    sys.exit(_run(subject, files=files, drawn=drawn, **options))


def _check_executor(executor: str | None, jobs: int) -> None:
    """Exits with 2 on what is no executor, and on what does not go with one."""
    if executor is None:
        return
    from assay.cluster import address
    from assay.executors import ExecutorError

    try:
        address(executor)
    except ExecutorError as error:
        fail(f"--executor: {error}")
    if jobs > 1:
        fail("--executor has as many workers as it has; leave out --jobs")


def _resume(run: str, jobs: int, in_process: bool, executor: str | None, files: Files) -> int:
    from assay.cli.perform import perform, report
    from assay.ledger import Ledger
    from assay.report.result_json import versions
    from assay.runs import find, result_of
    from assay.store import Store, StoreError, is_finished
    from assay.subjects import SubjectError

    try:
        folder = find(run)
        if is_finished(folder):
            click.echo(f"{folder.name} has finished", err=True)
            return report(result_of(folder.name), folder, files)
        store = Store.resume(folder)
    except StoreError as error:
        fail(str(error))
    setup = store.setup
    try:
        now = versions(setup.plan)
    except SubjectError as error:  # the recording is gone, or another
        fail(str(error))
    if changed := [k for k, v in now.items() if v != setup.versions[k]]:
        told = ", ".join(f"{k} {setup.versions[k]}" for k in changed)
        fail(f"{folder.name} was begun with {told}, which is another version now; begin a new run")
    plan = replace(setup.plan, jobs=jobs, in_process=in_process)
    click.echo(f"{folder.name}: {store.written} cases are there already", err=True)
    return perform(plan, Ledger.parse(setup.ledger, setup.ledger_path), files, store=store, executor=executor)


def _run(
    subject: str,
    drawn: dict[str, Any],
    against: str | None,
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
    strict_flaky: bool,
    case_file: str | None,
    files: Files,
    ledger_file: Path | None,
    setup: str,
    jobs: int,
    executor: str | None,
    shard: tuple[int, int],
    in_process: bool,
    no_shrink: bool,
) -> int:
    from assay.cli.perform import perform
    from assay.ledger import Ledger, LedgerError
    from assay.plan import Plan
    from assay.replay import drawn_as, recorded_ops, recordings, require, sides
    from assay.store import Setup
    from assay.subjects import SubjectError
    from assay.worker import Limits

    _check_executor(executor, jobs)
    levels, aspects = check_aspects(subject, level, aspect, skip_aspect)
    chosen = check_dtypes(dtypes)
    cases = read_cases(case_file) if case_file is not None else None
    ops = check_names(only)
    if cases is not None:
        cases = [c for c in cases if not only or c.op in ops]
        ops = list(dict.fromkeys(c.op for c in cases))
    try:
        who, reference = sides(subject, against, setup)
        recorded = recordings(who, reference)
        if recorded:
            profile, seed = drawn_as(recorded, drawn.get("profile"), drawn.get("seed"))
            ops = list(recorded_ops(recorded, ops))
            require(recorded, cases or ())
        ledger = Ledger.packaged(subject) if ledger_file is None else Ledger.load(ledger_file)
    except (SubjectError, LedgerError, OSError) as error:
        fail(str(error))
    if not ops or not aspects:
        click.echo("assay: no case matched", err=True)
        return NO_CASES
    plan = Plan(
        who,
        only=only,
        aspects=aspects,
        levels=levels,
        dtypes=chosen,
        profile=profile,
        seed=seed,
        limits=Limits(timeout, memory),
        reference=reference,
        jobs=jobs,
        in_process=in_process,
        strict_text=strict_text,
        strict_flaky=strict_flaky,
        max_failures=max_failures,
        drawn=cases is None,
        shard=shard,
        skipped=skip_aspect,
        asked=frozenset(
            name
            for name, given in (("aspects", level or aspect), ("operations", only or cases), ("dtypes", dtypes))
            if given
        ),
    )
    begin = Setup.of(
        plan,
        tuple(ops),
        cases=None if cases is None else tuple(cases),
        ledger=ledger.text,
        ledger_path=str(ledger_file or ""),
        shrink=not (no_shrink or plan.recorded),
    )
    return perform(plan, ledger, files, setup=begin, executor=executor)

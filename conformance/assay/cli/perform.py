"""Carrying out a run that has been planned or begun, and telling what it found."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

import click

from assay import roots
from assay.called import called_by
from assay.cli.common import CONFORMS, DEVIATES, NO_CASES, check_dtypes, check_names, fail
from assay.cluster import connected
from assay.database import Database
from assay.drawn import Drawn
from assay.executors import ExecutorError, Remote
from assay.feed import DrawingError, Source
from assay.ledger import Ledger
from assay.plan import Plan
from assay.progress import Progress
from assay.replay import answered, recorded_cases
from assay.report import terminal
from assay.report.result_json import as_json
from assay.report.results import ReportError, Run, earlier, load
from assay.report.write import Files
from assay.reproduce import script
from assay.result import Result, worst_first
from assay.runner import Session
from assay.runner import run as run_cases
from assay.shrink import shrink
from assay.store import Setup, Store, StoreError, is_finished, records
from assay.subjects import SubjectError
from assay.worker import WorkerError

_SHRUNK_GROUPS = 30
_SHRINK_BUDGET = 240
_SHRINK_FATAL = 6
#: Of how many failures it is seen what they call.
_TRACED = 300
#: How many earlier runs the page shows beside this one.
_HISTORY = 5


def perform(
    plan: Plan,
    ledger: Ledger,
    files: Files,
    setup: Setup | None = None,
    store: Store | None = None,
    executor: str | None = None,
) -> int:
    """Run what `setup` asks for, or go on with what `store` has, and tell what was found. The exit code."""
    try:
        with Database():  # a broken file is told before the work, not after it
            pass
        with contextlib.ExitStack() as stack:
            remote = None
            if executor is not None:
                remote = stack.enter_context(connected(executor))
            session = stack.enter_context(Session(plan, ledger))
            claims = session.subject.claims
            if claims.source:
                click.echo(f"what {plan.subject.name} claims: {claims.source}", err=True)
                check_names(claims.operations, f"{claims.source}: ")
                check_dtypes(claims.dtypes, f"{claims.source}: ")
            if store is None:
                assert setup is not None
                ops = tuple(op for op in setup.ops if session.plan.claims(op))
                store = Store.create(replace(setup, plan=session.plan, ops=ops))
            with store:
                return _carried_out(session, store, files, remote)
    except KeyboardInterrupt:
        fail(f"interrupted{_kept(store)}")
    except WorkerError as error:
        fail(f"{plan.subject.name} does not start{_kept(store)}\n{error}")
    except ExecutorError as error:
        why, _, trace = str(error).partition("\n")
        fail("\n".join(filter(None, [f"{why}{_kept(store)}", trace])))
    except DrawingError as error:
        fail(f"drawing failed{_kept(store)}\n{error}")
    except (StoreError, SubjectError) as error:
        fail(f"{error}{_kept(store)}" if isinstance(error, SubjectError) else str(error))


def _kept(store: Store | None) -> str:
    return "" if store is None else f"; {store.go_on}"


def _carried_out(session: Session, store: Store, files: Files, remote: Remote | None) -> int:
    setup = store.setup
    ops = setup.ops
    if store.last is not None and setup.cases is None:
        # What was drawn before is complete: cases come operation by operation, those of the ledger at the end.
        ops = ops[ops.index(store.last.op) :] if store.last.at[0] == 0 else ()
    source: Source
    if setup.cases is not None:
        source = setup.cases
    elif setup.plan.recorded:
        source = recorded_cases(setup.plan, ops)
    else:
        source = Drawn(ops, setup.plan.profile, setup.plan.seed, setup.plan.made_of)
    if remote is not None:
        remote.hold = store.hold
    with Progress(list(setup.ops)) as progress:
        before = records(store.path) if store.last is not None else ()
        result = run_cases(session, source, progress, store.write, before, list(store.ahead.values()), remote)
    if not result.cases:
        store.discard()
        claimed = session.subject.claims.source
        why = f"; {claimed} claims others (--only '*', --level, --dtypes ask for more)" if claimed else ""
        click.echo(f"assay: no case matched{why}", err=True)
        return NO_CASES
    result.started = setup.started.timestamp()
    _scripts(session, result, store)
    _roots(session.plan, result)
    return finish(store, result, files)


def _scripts(session: Session, result: Result, store: Store) -> None:
    """Shrink what fails the run and give every group its script."""
    shrunk = 0
    for number, group in enumerate(worst_first(result, result.groups.values()), 1):
        fails = result.fails(group.aspect, group.status)
        if store.setup.shrink and fails and group.status != "flaky" and shrunk < _SHRUNK_GROUPS:
            shrunk += 1
            budget = _SHRINK_BUDGET if group.status == "deviates" else _SHRINK_FATAL
            group.shrunk, group.detail = shrink(session, group, budget)
        case = group.shrunk or group.case
        recorded = answered(result.plan, case)
        group.script = script(case, result.plan.subject, group.aspect, group.detail, recorded)
        if fails:
            store.script(number, group)


def _roots(plan: Plan, result: Result) -> None:
    """Find the failures that have one root."""
    deviating = [g for g in result.failing if g.status == "deviates"][:_TRACED]
    cases = {roots.name_of(g): g.shrunk or g.case for g in deviating}
    several = len({op for op, *_ in cases}) > 1
    result.roots = roots.find(result, called_by(plan, cases) if several else {})


def finish(store: Store, result: Result, files: Files) -> int:
    """Keep the result and tell it. The exit code."""
    trouble = ""
    try:
        store.finish(result)
        with Database(store.path.parent.parent) as database:
            database.add(store.path)
    except StoreError as error:  # what was found is told all the same
        trouble = str(error)
    code = report(result, store.path, files)
    if trouble:
        fail(trouble)
    return code


def _write(result: Result, folder: Path, files: Files) -> None:
    """Write the reports asked for; the runs before this one that asked the same are its history."""
    if not files:
        return
    try:
        run = load(folder / "result.json", folder.name) if is_finished(folder) else Run(folder.name, as_json(result))
        files.write([run, *(earlier(run, _HISTORY) if files.html or files.markdown else ())])
        click.echo(f"written: {', '.join(map(str, files.paths))}", err=True)
    except ReportError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror or error}")


def report(result: Result, folder: Path, files: Files) -> int:
    """Tell what was found, on stdout and in files. The exit code."""
    terminal.say_failures(result, folder, click.echo)
    if sys.stdout.isatty():
        terminal.print_table(result)
    else:
        click.echo(terminal.table_text(result))
    terminal.say_rest(result, click.echo)
    click.echo(terminal.summary(result))
    click.echo(f"verdicts: {folder}")
    _write(result, folder, files)
    if result.harness_errors:
        case, trace = result.harness_errors[0]
        fail(f"the harness failed on {len(result.harness_errors)} cases; the first is\n{case.to_json()}\n{trace}")
    if result.failing or result.stale:
        return DEVIATES
    return CONFORMS if result.judged else NO_CASES

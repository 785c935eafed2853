"""The shards of one run joined: the same records in the same order as one run over all cases finds."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from assay.ledger import Ledger
from assay.plan import Plan
from assay.record import Record
from assay.result import Result, worst_first
from assay.runs import result_of
from assay.store import ROOT, Setup, Store, StoreError, is_finished, records

_Place = tuple[int, int, int]


def joined(folders: Sequence[Path]) -> Setup:
    """What the shards together are. Raises StoreError where they are not all the shards of one run, finished."""
    if unfinished := [f.name for f in folders if not is_finished(f)]:
        raise StoreError(f"{unfinished[0]} has not finished; `assay run --resume {unfinished[0]}` goes on with it")
    setups = [Setup.read(folder) for folder in folders]
    first = setups[0]
    for folder, setup in zip(folders, setups, strict=True):
        for what, one, other in (
            ("plan", _whole(first.plan), _whole(setup.plan)),
            ("operations", first.ops, setup.ops),
            ("cases", first.cases, setup.cases),
            ("ledger", first.ledger, setup.ledger),
            ("versions", first.versions, setup.versions),
        ):
            if one != other:
                raise StoreError(f"{folder.name} is no shard of the same run as {folders[0].name}: another {what}")
    total = first.plan.shard[1]
    parts = sorted(setup.plan.shard[0] for setup in setups)
    if parts != list(range(1, total + 1)):
        lacking = sorted(set(range(1, total + 1)) - set(parts))
        why = f"lacking: {', '.join(f'{i}/{total}' for i in lacking)}" if lacking else "one was given twice"
        raise StoreError(f"these are not the {total} shards of a run; {why}")
    plan = replace(first.plan, shard=(1, 1))
    return replace(first, plan=plan, parts=tuple(f.name for f in folders), started=min(s.started for s in setups))


def _whole(plan: Plan) -> Plan:
    """The plan without what a shard may have of its own."""
    return replace(plan, shard=(1, 1), jobs=1, in_process=False)


def _place(setup: Setup) -> Callable[[Record], _Place]:
    """Where a record stands in the run."""
    rank = {op: i for i, op in enumerate(setup.ops)} if setup.plan.drawn else {}
    return lambda record: (record.at[0], 0 if record.at[0] else rank.get(record.op, 0), record.at[1])


def merge(folders: Sequence[Path], root: Path = ROOT) -> tuple[Store, Result]:
    """A new run made of the shards, its records written, not yet finished; shrunk cases are those of the shards.

    Raises StoreError.
    """
    setup = joined(folders)
    ledger = Ledger.parse(setup.ledger, setup.ledger_path)
    store = Store.create(setup, root)
    result = Result(setup.plan, started=setup.started.timestamp())
    for record in heapq.merge(*(records(folder) for folder in folders), key=_place(setup)):
        store.write(record)
        result.add(record.map(ledger.apply))
    if setup.plan.full:
        result.stale = ledger.stale(setup.plan.aspects)
    shards = [result_of(folder.name, root) for folder in folders]
    result.restarts = sum(shard.restarts for shard in shards)
    result.seconds = sum(shard.seconds for shard in shards)
    examples = {(name, group.first): group for shard in shards for name, group in shard.groups.items()}
    for number, group in enumerate(worst_first(result, result.groups.values()), 1):
        name = (group.op, group.aspect, group.status, group.kind)
        known = examples[name, group.first]
        group.shrunk, group.detail, group.script = known.shrunk or known.case, known.detail, known.script
        if result.fails(group.aspect, group.status):
            store.script(number, group)
    return store, result

"""The result of a run as text: failures grouped, then a table of family × aspect."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from assay.catalog import catalog, everything
from assay.judge import ASPECTS, STATUSES
from assay.rerun import command
from assay.result import Group, Name, Result, worst_first
from assay.wording import ABSENT, counted

_SIGN = {
    "crash": "CRASH",
    "memory": "MEM",
    "timeout": "TIME",
    "deviates": "dev",
    "flaky": "flaky",
    "missing": "miss",
    "known": "known",
    "unjudged": "?",
}
_COLOURS = {
    "crash": "bold red",
    "memory": "bold red",
    "timeout": "bold red",
    "deviates": "red",
    "flaky": "magenta",
    "missing": "yellow",
}

#: How many reasons for what is missing are told.
_REASONS = 12
#: How many absent names are listed.
_NAMES = 60
_STRICT = {False: "; --strict-flaky makes it count"}


def table(result: Result) -> tuple[list[str], list[list[tuple[str, str]]]]:
    """(header, rows) of family × aspect; a field is (text, worst status).

    A field says how many verdicts conform, and how many have another status.
    """
    aspects = [a for a in ASPECTS if any(c.aspect == a for c in result.cells.values())]
    counts: dict[tuple[str, str], Counter[str]] = {}
    families: dict[str, set[str]] = {}
    entries = everything()
    for cell in result.cells.values():
        family = entries[cell.op].family if cell.op in entries else "other"
        families.setdefault(family, set()).add(cell.op)
        for key in ((family, cell.aspect), ("total", cell.aspect)):
            counts.setdefault(key, Counter()).update(cell.counts)
    rows = []
    ops = {family: len(found) for family, found in families.items()}
    for family in [*families, "total"]:
        row = [(family, "conforms"), (str(ops.get(family, sum(ops.values()))), "conforms")]
        for aspect in aspects:
            found = counts.get((family, aspect), Counter())
            row.append((_field(found), next((s for s in STATUSES if found[s] and s != "unjudged"), "conforms")))
        rows.append(row)
    return ["family", "ops", *aspects], rows


def _field(found: Counter[str]) -> str:
    if not found:
        return "·"
    other = [f"{found[s]} {_SIGN[s]}" for s in STATUSES if s in _SIGN and found[s]]
    return " ".join([str(found["conforms"]), *other]) if found["conforms"] or not other else " ".join(other)


def table_text(result: Result) -> str:
    """The table in plain characters."""
    header, rows = table(result)
    cells = [header, *([text for text, _ in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  ".join(
            text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def print_table(result: Result) -> None:
    """The table on a terminal."""
    from rich.console import Console
    from rich.table import Table

    header, rows = table(result)
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for i, name in enumerate(header):
        shown.add_column(name, justify="left" if i == 0 else "right")
    for row in rows:
        shown.add_row(*(f"[{_COLOURS[s]}]{text}[/]" if s in _COLOURS else text for text, s in row))
    Console().print(shown)


def failure_text(number: int, group: Group, result: Result, folder: Path) -> str:
    """One group of failures; folder: where its run is kept."""
    case = group.shrunk or group.case
    path = str(folder / group.file) if group.file else ""
    lines = [
        f"[{number}] {_kind(group)}",
        f"    {group.detail}",
        f"    case   {case.to_json()}",
        f"    rerun  {command(result.plan, group, path)}",
    ]
    return "\n".join([*lines, f"    script {path}"] if path else lines)


def _kind(group: Group) -> str:
    more = f", {group.cases} cases" if group.cases > 1 else ""
    return f"{group.op} · {group.aspect} · {group.status} ({', '.join(sorted(group.variants))}{more})"


def by_root(result: Result) -> list[tuple[str, list[Group]]]:
    """What fails the run, worst first: (why they are together, groups); "" and one group where nothing is shared."""
    roots = {name: root for root in result.roots for name in root.failures}
    told: set[Name] = set()
    found = []
    for group in worst_first(result, result.failing):
        name = (group.op, group.aspect, group.status, group.kind)
        root = roots.get(name)
        if root is None:
            found.append(("", [group]))
        elif name not in told:
            told.update(root.failures)
            found.append((root.because, [result.groups[n] for n in root.failures]))
    return found


def say_failures(result: Result, folder: Path, echo: Callable[[str], None], limit: int = 40) -> None:
    """All groups that fail the run, worst first; those of one root are told as one."""
    roots = by_root(result)
    for number, (because, (group, *others)) in enumerate(roots[:limit], 1):
        echo(failure_text(number, group, result, folder))
        if others:
            echo(f"    also fails, {because}:")
            for other in others:
                script = f"  {folder / other.file}" if other.file else ""
                echo(f"        {_kind(other)}{script}")
        echo("")
    if len(roots) > limit:
        echo(f"… and {len(roots) - limit} more; all of them are in the JSON result.\n")


def say_rest(result: Result, echo: Callable[[str], None]) -> None:
    """What does not fail a run but has to be said: missing, scored, known, unjudged, stale."""
    if result.plan.operations:
        left = sum(not result.plan.claims(op) for op in catalog())
        echo(f"not claimed, not asked: {left} of {len(catalog())} operations (--only '*' asks for all)")
    if result.plan.absent:
        echo(textwrap.fill(f"not there, not asked: {', '.join(result.plan.absent)}", 118, subsequent_indent="    "))
    if result.missing:
        say_missing(result, echo)
    if result.flaky:
        cases = sum(g.cases for g in result.flaky)
        echo(f"flaky ({cases} cases deviated once and not again{_STRICT.get(result.plan.strict_flaky, '')}):")
        for group in result.flaky:
            echo(f"    {group.op} · {group.aspect} ({', '.join(sorted(group.variants))}): {group.detail}")
    scored = Counter(g.aspect for g in result.groups.values() if not result.fails(g.aspect) and g.status != "flaky")
    for aspect, kinds in scored.items():
        verdicts = sum(c.counts["deviates"] for c in result.cells.values() if c.aspect == aspect)
        asked = sum(c.cases for c in result.cells.values() if c.aspect == aspect)
        echo(
            f"{aspect}: {verdicts} of {asked} differ in {kinds} operations (scored only; --strict-text makes it count)"
        )
    known = sum(c.counts["known"] for c in result.cells.values())
    if known:
        echo(f"known deviations: {known} verdicts (see the ledger)")
    for entry in result.stale:
        echo(f"stale ledger entry: {entry.op} · {entry.aspect} · {entry.reason}: nothing deviates like this any more")
    for op, share in sorted(result.hard_to_judge.items()):
        echo(f"hard to judge: {op}: {share:.1%} of its elements; the catalogue entry is at fault")
    if result.restarts:
        echo(f"the subject's process was restarted {result.restarts} times")


def say_missing(result: Result, echo: Callable[[str], None]) -> None:
    """What is missing, by its reasons: the names that are absent, then others, those of most verdicts first."""
    missing = result.missing
    whole = {op for op in missing if all(c.status == "missing" for c in result.cells.values() if c.op == op)}
    echo(f"missing ({counted(len(missing), 'operation')}, {len(whole)} wholly):")
    absent = {why.removesuffix(ABSENT): ops.total() for why, ops in result.lacking.items() if why.endswith(ABSENT)}
    others = {why: ops for why, ops in result.lacking.items() if not why.endswith(ABSENT)}
    if absent:
        names = sorted(absent)
        names[_NAMES:] = [f"… and {len(names) - _NAMES} more"] if len(names) > _NAMES else []
        verdicts = counted(sum(absent.values()), "verdict")
        echo(_listed(f"{counted(len(absent), 'name')} absent ({verdicts}):", names))
    for why, ops in sorted(others.items(), key=lambda item: -item[1].total())[:_REASONS]:
        echo(_listed(f"{why} ({counted(ops.total(), 'verdict')}):", sorted(ops)))
    if len(others) > _REASONS:
        echo(f"    … and {len(others) - _REASONS} more reasons; the JSON result has all cells")


def _listed(head: str, names: list[str]) -> str:
    return textwrap.fill(f"{head} {', '.join(names)}", 118, initial_indent="    ", subsequent_indent=" " * 8)


def summary(result: Result) -> str:
    """One line: how it ended."""
    statuses: Counter[str] = Counter()
    for cell in result.cells.values():
        statuses[cell.status] += 1
    ops = len({c.op for c in result.cells.values()})
    told = ", ".join(f"{statuses[s]} {s}" for s in reversed(STATUSES) if statuses[s])
    groups = len(result.failing)
    verdict = f"{counted(groups, 'kind')} of deviation"
    if not groups:
        verdict = "conforms" if result.judged else "nothing was judged: all of it is missing"
    stopped = " (stopped early)" if result.stopped else ""
    of = f"{result.cases} cases, {ops} operations; cells: {told or 'none'}."
    reference = result.plan.reference
    judge = f" Judged by {reference.name}." if reference.kind == "recorded" else ""
    return f"{result.plan.subject.name}: {verdict}{stopped}. {of}{judge}"

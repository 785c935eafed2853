"""A result as a short Markdown summary, for a pull request or a step summary."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from assay.report.changes import KINDS, Change, changes
from assay.report.rerun import case_again, run_again
from assay.report.results import STANDINGS, Run
from assay.wording import counted

#: GitHub refuses a comment of more than 65,536 characters.
LIMIT = 60_000
_SHOWN = 10
_SCRIPT = 6_000
_LISTED = 30
_MEANING = {
    "crash": "the process died",
    "memory": "too much memory",
    "timeout": "no answer in time",
    "deviates": "answers otherwise than the reference",
    "flaky": "deviated once, and not again",
    "missing": "not there",
    "scored": "differs, but does not fail the run",
    "known": "deviates as the ledger says",
    "unjudged": "could not be judged",
    "conforms": "answers as the reference does",
}


def markdown(run: Run, before: Run | None = None) -> str:
    """The summary; with `before`, what is newly failing and newly passing since then. At most `LIMIT` characters."""
    lines = [f"## {_symbol(run)} assay: {_text(run.subject)} {verdict(run)}", "", _about(run), "", *_counts(run)]
    if before is not None:
        lines += ["", *_since(run, before)]
    lines += ["", *_troubles(run)]
    text = "\n".join(lines).rstrip() + "\n"
    shown = 0
    told = _by_root(run)
    for because, (failure, *others) in told[:_SHOWN]:
        section = _failure(run, failure) + _also(because, others)
        if len(text) + len(section) > LIMIT:
            break
        text += section
        shown += 1
    left = sum(len(failures) for _, failures in told[shown:])
    if left:
        text += f"\n… and {left} more kinds of deviation; all are in the JSON and the HTML report.\n"
    return text + f"\nAgain: `{run_again(run)}`\n"


def _by_root(run: Run) -> list[tuple[str, list[dict[str, Any]]]]:
    """What fails the run, worst first: (why they are together, kinds of deviation)."""
    roots = {id(failure): root for root in run.roots for failure in root[1]}
    found = [roots.get(id(failure), ("", [failure])) for failure in run.failing]
    return list({id(failures[0]): (because, failures) for because, failures in found}.values())


def _also(because: str, others: list[dict[str, Any]]) -> str:
    """The failures of the same root."""
    if not others:
        return ""
    names = ", ".join(f"`{f['op']}` · {f['aspect']}" for f in others[:_LISTED])
    more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    return f"Also fails, {_text(because)}: {names}{more}\n"


def verdict(run: Run) -> str:
    """How the run ended, in a few words."""
    harness = run.data.get("harness_errors", {}).get("count", 0)
    stale = len(run.data.get("stale_known", ()))
    kinds, ops = len(run.failing), len({f["op"] for f in run.failing})
    told = []
    if kinds:
        told.append(f"deviates: {counted(kinds, 'kind')} in {counted(ops, 'operation')}")
    if stale:
        told.append(f"has {counted(stale, 'stale ledger entry', 'stale ledger entries')}")
    if harness:
        told.append(f"was not wholly judged: assay itself failed on {counted(harness, 'case')}")
    return "; ".join(told) or "conforms"


def _symbol(run: Run) -> str:
    if run.data.get("harness_errors", {}).get("count", 0):
        return "⚠️"
    return "❌" if run.failing or run.data.get("stale_known") else "✅"


def _about(run: Run) -> str:
    data = run.data
    versions = {name: found for name, found in data.get("versions", {}).items() if found}
    told = [
        f"{counted(data['cases'], 'case')} of {counted(len({op for op, _ in run.cells}), 'operation')}",
        f"against {_text(data['reference'])} {_text(str(versions.get('reference', '')))}".rstrip(),
        f"profile {data['profile']}, seed {data['seed']}",
    ]
    if data.get("levels"):
        told.append(f"levels {', '.join(data['levels'])}")
    if data.get("seconds"):
        told.append(f"{data['seconds']:.0f} s")
    if data.get("stopped"):
        told.append("**stopped early**")
    if not run.finished:
        told.append("**not finished**")
    return " · ".join(told)


def _counts(run: Run) -> list[str]:
    rows = [
        f"| {standing} | {run.standings[standing]:,} | {_MEANING.get(standing, '')} |"
        for standing in (*STANDINGS, *sorted(run.standings.keys() - set(STANDINGS)))
        if run.standings[standing]
    ]
    return ["| cells (operation × aspect) | | |", "| --- | ---: | --- |", *rows]


def _since(run: Run, before: Run) -> list[str]:
    found = changes(before, run)
    counts = Counter(change.kind for change in found)
    whose = "" if before.subject == run.subject else f" ({_text(before.subject)})"
    told = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    lines = [f"**Since {_text(before.name)}**{whose}: {told or 'no cell changed'}"]
    for kind, sign in (("newly failing", "🔴"), ("newly missing", "🟡"), ("newly passing", "🟢")):
        listed = [_change(c) for c in found if c.kind == kind]
        if listed:
            more = [f"- … and {len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
            lines += ["", f"{sign} {kind.capitalize()}", "", *listed[:_LISTED], *more]
    return lines


def _change(change: Change) -> str:
    return f"- `{change.op}` · {change.aspect}: {change.before} → {change.after}"


def _troubles(run: Run) -> list[str]:
    """What is neither a cell nor a deviation but has to be said."""
    lines = []
    if run.data.get("absent"):
        lines += [f"Not there, not asked: {', '.join(f'`{name}`' for name in run.data['absent'])}", ""]
    missing = run.data.get("missing", {})
    if missing:
        names = ", ".join(f"`{op}`" for op in list(missing)[:_LISTED])
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        lines += [f"Missing in {counted(len(missing), 'operation')}: {names}{more}", ""]
    for entry in run.data.get("stale_known", ())[:_LISTED]:
        lines.append(f"- stale ledger entry: `{entry['op']}` · {entry['aspect']}: {_text(entry['reason'])}")
    for error in run.data.get("harness_errors", {}).get("first", ())[:1]:
        lines += ["", "assay itself failed; the first time:", "", *_fenced(error["traceback"])]
    return lines


def _failure(run: Run, failure: dict[str, Any]) -> str:
    """One kind of deviation, collapsed."""
    cases = f", {counted(failure['cases'], 'case')}" if failure.get("cases", 1) > 1 else ""
    title = f"<code>{_html(failure['op'])}</code> · {_html(failure['aspect'])} · {_html(failure['status'])}"
    detail = _html(failure["detail"].split("\n", 1)[0][:300])
    script = failure["script"]
    shown = (
        _fenced(script, "python")
        if len(script) <= _SCRIPT
        else ["The script is too long for here; see the JSON result."]
    )
    again = case_again(run, failure)
    return "\n".join(
        [
            "",
            f"<details><summary>{title}{cases}: {detail}</summary>",
            "",
            *(
                _fenced(again, "sh")
                if len(again) <= _SCRIPT
                else ["The case is too long for here; see the JSON result."]
            ),
            "",
            *shown,
            "",
            "</details>",
            "",
        ]
    )


def _fenced(text: str, language: str = "") -> list[str]:
    """A code block whose fence is longer than any in it."""
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", text.rstrip("\n"), fence]


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", " ".join(text.split()))

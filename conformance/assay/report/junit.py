"""A result as JUnit XML: one testcase per operation × aspect, one testsuite per family.

Conforming cells pass; deviations are failures; what died, hung or ate memory is an error; what is missing, known,
scored only or could not be judged is skipped, with its reason. Valid by Jenkins' junit-10 schema and by Ant's.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from typing import Any

from assay.report.rerun import case_again, cell_again, run_again
from assay.report.results import Folded, Key, Run

_ERRORS = frozenset({"crash", "memory", "timeout"})
_SKIPPED = {
    "flaky": "deviated once, and not again",
    "missing": "missing: the subject does not have it",
    "scored": "scored only, does not fail the run",
    "known": "known deviation",
    "unjudged": "could not be judged",
}
#: What XML 1.0 cannot hold, even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(run: Run) -> bytes:
    """The XML, UTF-8."""
    root = ET.Element("testsuites")
    for family, ops in run.families.items():
        cells = [((op, a), run.cells[op, a]) for op in ops for a in run.aspects if (op, a) in run.cells]
        cases = [_testcase(run, family, key, cell) for key, cell in cells]
        _suite(root, run, family, cases)
    own = [*_stale(run), *_harness(run)]
    if own:
        _suite(root, run, "assay", own)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(root: ET.Element, run: Run, family: str, cases: list[ET.Element]) -> None:
    found = Counter(child.tag for case in cases for child in case)
    started = run.started
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"{run.subject} {family}",
        package=f"assay.{run.subject}",
        id=str(len(root)),
        timestamp=(started.strftime("%Y-%m-%dT%H:%M:%S") if started else "1970-01-01T00:00:00"),
        hostname="localhost",
        tests=str(len(cases)),
        failures=str(found["failure"]),
        errors=str(found["error"]),
        skipped=str(found["skipped"]),
        # The run's time is told once: verdicts of one case belong to many cells.
        time=f"{run.data.get('seconds', 0) if len(root) == 0 else 0:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(run):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    suite.extend(cases)
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")


def _properties(run: Run) -> list[tuple[str, str]]:
    data = run.data
    told = [
        ("subject", run.subject),
        ("reference", data["reference"]),
        ("profile", data["profile"]),
        ("seed", str(data["seed"])),
        ("levels", " ".join(data.get("levels", ()))),
        ("cases", str(data["cases"])),
        ("rerun", run_again(run)),
    ]
    versions = [(f"version.{name}", str(found)) for name, found in data.get("versions", {}).items() if found]
    return [(name, value) for name, value in (*told, *versions) if value]


def _testcase(run: Run, family: str, key: Key, cell: Folded) -> ET.Element:
    op, aspect = key
    case = ET.Element("testcase", classname=f"{run.subject}.{family}.{op}", name=aspect, time="0")
    if cell.standing == "conforms":
        return case
    failures = run.failures.get(key, [])
    if cell.standing in _SKIPPED and not cell.fails:
        why = _SKIPPED[cell.standing]
        message = f"{why}: {cell.detail}" if cell.detail else why
        ET.SubElement(case, "skipped", type=cell.standing, message=_clean(message))
        return case
    told = ET.SubElement(
        case,
        "error" if cell.standing in _ERRORS else "failure",
        type=cell.standing,
        message=_clean(failures[0]["detail"] if failures else cell.detail),
    )
    told.text = _clean("\n\n".join(_counts(cell) + [_failure(run, f) for f in failures] + [_again(run, key)]))
    return case


def _counts(cell: Folded) -> list[str]:
    return [", ".join(f"{n} {status}" for status, n in sorted(cell.counts.items())) + f" of {cell.cases} cases"]


def _failure(run: Run, failure: dict[str, Any]) -> str:
    variants = ", ".join(failure.get("variants", [failure["variant"]]))
    return f"{failure['status']} ({variants}): {failure['detail']}\n{case_again(run, failure)}\n\n{failure['script']}"


def _again(run: Run, key: Key) -> str:
    return f"All cases of this cell again: {cell_again(run, *key)}"


def _stale(run: Run) -> list[ET.Element]:
    """Ledger entries that nothing met fail a run; each is a testcase of its own."""
    cases = []
    for n, entry in enumerate(run.data.get("stale_known", ()), 1):
        name = f"{n}: {entry['op']} · {entry['aspect']}"
        case = ET.Element("testcase", classname=f"{run.subject}.ledger", name=_clean(name), time="0")
        message = f"nothing deviates like this any more: {entry['reason']}"
        ET.SubElement(case, "failure", type="stale", message=_clean(message))
        cases.append(case)
    return cases


def _harness(run: Run) -> list[ET.Element]:
    """Cases on which assay itself failed."""
    cases = []
    for n, error in enumerate(run.data.get("harness_errors", {}).get("first", ()), 1):
        case = ET.Element("testcase", classname=f"{run.subject}.harness", name=_clean(f"{n}: {error['op']}"), time="0")
        told = ET.SubElement(case, "error", type="harness", message="assay itself failed on a case")
        told.text = _clean(f"{error['traceback']}\n{error['case']}")
        cases.append(case)
    return cases


def _clean(text: str) -> str:
    """Text without the characters that XML does not allow, each replaced by how Python writes it."""
    return _FORBIDDEN.sub(lambda found: ascii(found[0])[1:-1], text)

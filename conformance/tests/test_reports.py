"""Reports: what they say of a result, that the formats are valid, that bad input is told."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
import shutil
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from madeup import EVERY, EVERY_FAILURE, cell, failure, result, whole_surface
from markdown_it import MarkdownIt

from assay.cli import main
from assay.report.changes import changes
from assay.report.html import html
from assay.report.junit import junit
from assay.report.markdown import LIMIT, markdown
from assay.report.payload import call, encoded, payload
from assay.report.rerun import case_again, cell_again, run_again
from assay.report.result_json import dumps
from assay.report.results import STANDINGS, ReportError, earlier, load, read

FAULTY = """
import torch

def __getattr__(name):
    return getattr(torch, name)

def sum(*a, **k): return torch.sum(*a, **k) * 1.01

def tanh(*a, **k): raise NotImplementedError("not here")
"""
DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A real result: torch with a wrong sum and without tanh."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "reports_faulty.py").write_text(FAULTY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        words = "run reports_faulty --only sum --only tanh --only neg --profile quick --in-process --no-shrink"
        done = CliRunner().invoke(main, [*words.split(), "--json", "result.json"], catch_exceptions=False)
    assert done.exit_code == 1
    return load(folder / "result.json")


@pytest.fixture
def every():
    return result(EVERY, EVERY_FAILURE)


# Reading


def test_a_results_cells_are_folded_over_variants():
    run = result(
        [
            cell("sum", "values", of=7, variant="method"),
            cell("sum", "values", "deviates", n=2, of=9, variant="function"),
            cell("sum", "values", "unjudged", n=3, of=3, variant="out"),
            cell("neg", "values", "unjudged", n=3, of=3),
        ]
    )
    folded = run.cells["sum", "values"]
    assert (folded.standing, folded.cases, folded.detail) == ("deviates", 19, "sum values deviates")
    assert folded.counts == Counter(conforms=14, deviates=2, unjudged=3)
    assert folded.dtypes["float16"] == Counter(deviates=2, unjudged=3)
    assert [p["variant"] for p in folded.parts] == ["method", "function", "out"]
    assert run.cells["neg", "values"].standing == "unjudged"


def test_a_real_result_reads_back_as_it_was(real):
    assert real.cells["sum", "values"].fails
    assert real.cells["neg", "values"].standing == "conforms"
    assert real.cells["tanh", "structure"].standing == "missing"
    assert list(real.families) == ["elementwise", "reductions"]
    assert real.families["elementwise"] == ["neg", "tanh"]
    assert {f["op"] for f in real.failing} == {"sum"}
    assert all(c.counts == sum(c.dtypes.values(), Counter()) for c in real.cells.values())
    assert real.started is not None
    assert real.data["seconds"] > 0
    assert json.loads(dumps(real.data)) == real.data
    rows = [line for line in dumps(real.data).splitlines() if line.startswith('  {"op"')]
    assert len(rows) == len(real.data["cells"]) + len(real.data["failures"])


def test_every_key_of_a_result_is_documented(real):
    documented = set(re.findall(r"`([a-z_]+)`", (DOCS / "result-json.md").read_text()))
    rows = [real.data, *real.data["cells"], *real.data["failures"]]
    assert {key for row in rows for key in row} <= documented


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder with three kept runs, of seeds 1, 2 and 3; the last, of another operation, wrote reports too."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for seed, op in ((1, "neg"), (2, "neg"), (3, "abs")):
            words = f"run torch --only {op} --seed {seed} --profile quick --level core --in-process"
            files = "--html run.html --junit run.xml --markdown run.md --json run.json" if seed >= 2 else ""
            done = CliRunner().invoke(main, f"{words} {files.replace('run.', f'{seed}.')}".split())
            assert done.exit_code == 0, done.output
    return folder


def test_runs_are_found_by_id_folder_file_and_latest(kept):
    root = kept / ".assay"
    first, second, third = sorted((root / "runs").iterdir(), key=lambda p: p.name.rpartition("-")[2])
    for text in (first.name, str(first), f"{first}/", str(first / "result.json")):
        found = read(text, root)
        assert (found.name, found.data["seed"]) == (first.name, 1)
    assert read("latest", root).name == third.name
    assert [run.name for run in earlier(read(str(second)), 9, root)] == [first.name]
    assert earlier(read(str(first)), 9, root) == earlier(read(str(third)), 9, root) == []
    assert earlier(read(str(second)), 0, root) == []
    with pytest.raises(ReportError, match=r"'nothing' is no file, and 'nothing' is no run; nearest: "):
        read("nothing", root)
    with pytest.raises(ReportError, match="no run is kept in"):
        read("latest", kept / "elsewhere")


def test_a_run_that_has_not_finished_is_reported_as_such(kept, tmp_path):
    root = tmp_path / ".assay"
    shutil.copytree(kept / ".assay", root)
    folder = next((root / "runs").glob("*-3"))
    with gzip.open(folder / "verdicts.jsonl.gz") as packed:
        (folder / "verdicts.jsonl").write_bytes(b"".join(packed.readlines()[:5]))
    (folder / "verdicts.jsonl.gz").unlink()
    (folder / "result.json").unlink()
    run = read(folder.name, root)
    assert not run.finished
    assert run.data["cases"] == 5
    assert "**not finished**" in markdown(run)
    assert unpacked(html([run]))["runs"][0]["unfinished"]


def test_a_run_writes_its_reports_with_the_runs_before_it(kept):
    assert [run["seed"] for run in unpacked((kept / "2.html").read_text())["runs"]] == [2, 1]
    assert [run["seed"] for run in unpacked((kept / "3.html").read_text())["runs"]] == [3]
    assert "**Since " in (kept / "2.md").read_text()
    assert "**Since " not in (kept / "3.md").read_text()
    check_schema(ET.parse(kept / "2.xml").getroot())
    assert load(kept / "2.json").data["seed"] == 2


# Changes


def test_changes_tell_failing_missing_and_passing_apart():
    before = {"a": "conforms", "b": "deviates", "c": "conforms", "d": "missing", "e": "deviates", "f": "conforms"}
    after = {"a": "crash", "b": "conforms", "c": "missing", "d": "conforms", "e": "timeout", "g": "deviates"}
    old = result([cell(op, "values", status) for op, status in before.items()])
    new = result([cell(op, "values", status) for op, status in after.items()])
    assert {c.op: c.kind for c in changes(old, new)} == {
        "a": "newly failing",
        "b": "newly passing",
        "c": "newly missing",
        "d": "newly passing",
        "e": "changed",
        "f": "no longer judged",
        "g": "newly judged",
    }
    assert changes(new, new) == []


# Commands


def test_the_command_of_a_failure_judges_its_case_again(real, tmp_path, monkeypatch):
    found = next(f for f in real.failing if f["aspect"] == "values")
    words = shlex.split(case_again(real, found))
    assert words[:3] == ["assay", "run", "reports_faulty"]
    (tmp_path / "reports_faulty.py").write_text(FAULTY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    done = CliRunner().invoke(main, [*words[1:], "--in-process", "--no-shrink", "--json", "again.json"])
    assert done.exit_code == 1, done.output
    again = load(Path("again.json"))
    assert set(again.cells) == {("sum", "values")}
    assert again.failures["sum", "values"][0]["case"] == found["case"]


def test_commands_repeat_what_was_asked():
    run = result(
        [cell("sum", "values"), cell("sum", "error_text")],
        only=["s*", "exp"],
        dtypes=["float16"],
        setup="my_backend",
        strict_text=True,
        shard=[2, 4],
        scored=[],
        subject="torch@my_device",
    )
    words = shlex.split(run_again(run))
    assert words[:3] == ["assay", "run", "torch@my_device"]
    assert [words[i + 1] for i, w in enumerate(words) if w == "--only"] == ["s*", "exp"]
    assert [words[i + 1] for i, w in enumerate(words) if w == "--level"] == ["core", "gradients"]
    assert {"--strict-text", "--setup", "my_backend", "float16", "--shard", "2/4"} <= set(words)
    assert shlex.split(case_again(run, failure("sum", "values")))[:5] == [*words[:3], "--aspect", "values"]
    narrowed = shlex.split(cell_again(run, "sum", "values"))
    assert [narrowed[i + 1] for i, w in enumerate(narrowed) if w == "--only"] == ["sum"]
    assert "--level" not in narrowed


# JUnit

#: What Jenkins' junit-10.xsd and Ant's JUnit.xsd both allow: element → (attributes needed, allowed, children).
_SUITE = {"name", "tests", "failures", "errors", "time", "timestamp", "hostname", "package", "id"}
SCHEMA = {
    "testsuites": (set(), set(), ["testsuite*"]),
    "testsuite": (_SUITE, {"skipped"}, ["properties", "testcase*", "system-out", "system-err"]),
    "properties": (set(), set(), ["property*"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name", "classname", "time"}, set(), ["skipped|error|failure?"]),
    "skipped": (set(), {"type", "message"}, []),
    "error": ({"type"}, {"message"}, []),
    "failure": ({"type"}, {"message"}, []),
    "system-out": (set(), set(), []),
    "system-err": (set(), set(), []),
}


def check_schema(element: ET.Element) -> None:
    needed, allowed, children = SCHEMA[element.tag]
    assert needed <= set(element.attrib) <= needed | allowed, element.tag
    pattern = "".join(f"(?:(?:{c.rstrip('*?')}) ){c[-1] if c[-1] in '*?' else ''}" for c in children)
    assert re.fullmatch(pattern, "".join(f"{child.tag} " for child in element)), element.tag
    if element.tag == "testsuite":
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp"))
        assert re.fullmatch(r"[0-9]{1,3}\.[0-9]*|[0-9]{4,}\.[0-9]*", element.get("time"))
        assert all(element.get(n).isdigit() for n in ("id", "tests", "failures", "errors", "skipped"))
    for child in element:
        check_schema(child)


def test_junit_has_one_testcase_a_cell(every):
    root = ET.fromstring(junit(every))
    check_schema(root)
    found = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
    assert len(found) == len(list(root.iter("testcase"))) == len(every.cells)
    told = {
        (name[0].split(".")[-1], name[1]): [(child.tag, child.get("type")) for child in c] for name, c in found.items()
    }
    assert told == {
        ("sum", "values"): [("failure", "deviates")],
        ("sum", "dtype"): [],
        ("sum", "error_text"): [("skipped", "scored")],
        ("sort", "structure"): [("error", "crash")],
        ("sort", "values"): [("skipped", "known")],
        ("exp", "structure"): [("error", "timeout")],
        ("exp", "values"): [("error", "memory")],
        ("tanh", "structure"): [("skipped", "missing")],
        ("cos", "values"): [("skipped", "flaky")],
        ("neg", "values"): [("skipped", "unjudged")],
        ("neg", "gradients"): [],
    }
    wrong = found["mylib.reductions.sum", "values"].find("failure")
    assert wrong.get("message") == EVERY_FAILURE[0]["detail"]
    for n in (0, 1):
        assert EVERY_FAILURE[n]["script"].strip() in wrong.text
        assert case_again(every, EVERY_FAILURE[n]) in wrong.text
    assert "ties (https://example.org/ties)" in found["mylib.reductions.sort", "values"].find("skipped").get("message")


def test_what_is_flaky_fails_where_it_was_asked_to():
    flaky = [cell("cos", "values", "flaky")], [failure("cos", "values", "flaky", fails=True)]
    for run, fails in ((result(*flaky), True), (result(flaky[0], [flaky[1][0] | {"fails": False}]), False)):
        assert run.cells["cos", "values"].fails == fails
        assert len(run.failing) == fails
        (told,) = ET.fromstring(junit(run)).iter("testcase")
        assert [child.tag for child in told] == ["failure" if fails else "skipped"]
        assert [c.kind for c in changes(result([cell("cos", "values")]), run)] == [
            "newly failing" if fails else "changed"
        ]


def test_junits_counts_are_those_of_its_testcases(every):
    for suite in ET.fromstring(junit(every)).iter("testsuite"):
        tags = Counter(child.tag for case in suite.iter("testcase") for child in case)
        told = {n: int(suite.get(n)) for n in ("tests", "failures", "errors", "skipped")}
        assert told == {
            "tests": len(list(suite.iter("testcase"))),
            "failures": tags["failure"],
            "errors": tags["error"],
            "skipped": tags["skipped"],
        }
    assert sum(float(s.get("time")) for s in ET.fromstring(junit(every)).iter("testsuite")) == 12.5


def test_junit_survives_what_xml_cannot_say():
    ugly = 'a\x00b\x1b[31m<&"\ud800\ufffe]]>\n\u2713'
    run = result([cell("sum", "values", "deviates")], [failure("sum", "values", detail=ugly)])
    (told,) = ET.fromstring(junit(run)).iter("failure")
    assert told.get("message") == 'a\\x00b\\x1b[31m<&"\\ud800\\ufffe]]>\n\u2713'


def test_junit_tells_stale_ledger_entries_and_failures_of_the_harness():
    stale = [{"op": "sum", "aspect": "values", "reason": "not any more", "link": "https://example.org"}] * 2
    broken = {"count": 1, "first": [{"op": "exp", "case": {}, "traceback": "Traceback: ValueError"}]}
    root = ET.fromstring(junit(result([cell("sum", "values")], stale_known=stale, harness_errors=broken)))
    check_schema(root)
    names = [(c.get("classname"), c.get("name")) for c in root.iter("testcase")]
    assert len(set(names)) == len(names) == 4
    assert [f.get("type") for f in root.iter("failure")] == ["stale", "stale"]
    assert [e.text.splitlines()[0] for e in root.iter("error")] == ["Traceback: ValueError"]


def test_a_real_result_as_junit(real):
    root = ET.fromstring(junit(real))
    check_schema(root)
    failing = {c.get("classname") for c in root.iter("testcase") if c.find("failure") is not None}
    assert failing == {"reports_faulty.reductions.sum"}


# Markdown


def parsed(text: str) -> list:
    return MarkdownIt().enable("table").parse(text)


def test_markdown_tells_the_verdict_counts_and_failures(every):
    tokens = parsed(markdown(every))
    headings = [tokens[i + 1].content for i, t in enumerate(tokens) if t.type == "heading_open"]
    assert headings == ["❌ assay: mylib deviates: 5 kinds in 3 operations"]
    rows = [
        [c.content for c in tokens[i:] if c.type == "inline"][:2] for i, t in enumerate(tokens) if t.type == "tr_open"
    ]
    assert dict(rows[1:]) == {s: str(n) for s, n in every.standings.items()}
    assert [r[0] for r in rows[1:]] == [s for s in STANDINGS if every.standings[s]]
    fences = [t for t in tokens if t.type == "fence"]
    scripts = [t.content.strip() for t in fences if t.info == "python"]
    assert scripts == [f["script"].strip() for f in every.failing]
    assert [t.content.strip() for t in fences if t.info == "sh"] == [case_again(every, f) for f in every.failing]
    blocks = [t.content for t in tokens if t.type == "html_block"]
    assert sum("<details>" in b for b in blocks) == sum("</details>" in b for b in blocks) == 5
    assert "<code>sort</code> · structure · crash" in blocks[0]


def test_markdown_of_a_conforming_run_is_short():
    text = markdown(result([cell("sum", "values")]))
    assert text.startswith("## ✅ assay: mylib conforms\n")
    assert len(text.splitlines()) < 15
    assert "<details>" not in text


def test_markdown_with_a_run_before_lists_what_is_new():
    old = result([cell("sum", "values"), cell("exp", "values", "deviates"), cell("abs", "values")], name="old_run")
    new = result([cell("sum", "values", "deviates"), cell("exp", "values"), cell("abs", "values", "missing")])
    tokens = parsed(markdown(new, old))
    listed: dict[str, list[str]] = {}
    for i, token in enumerate(tokens):
        if token.type == "inline" and token.content.split(" ", 1)[-1].startswith("Newly"):
            kind = token.content
        if token.type == "list_item_open":
            listed.setdefault(kind, []).append(tokens[i + 2].content)
    assert listed == {
        "🔴 Newly failing": ["`sum` · values: conforms → deviates"],
        "🟡 Newly missing": ["`abs` · values: conforms → missing"],
        "🟢 Newly passing": ["`exp` · values: deviates → conforms"],
    }
    assert "**Since old\\_run**: 1 newly failing, 1 newly missing, 1 newly passing" in markdown(new, old)


def test_markdown_is_not_broken_by_what_it_quotes():
    bad = failure(
        "sum", "values", detail="</summary><script>`x`</script>\nsecond", script="'''\n```\n</details>\n````\n'''\n"
    )
    tokens = parsed(markdown(result([cell("sum", "values", "deviates")], [bad], subject="my_lib*s")))
    (script,) = [t.content for t in tokens if t.type == "fence" and t.info == "python"]
    assert script == bad["script"]
    blocks = "".join(t.content for t in tokens if t.type == "html_block")
    assert blocks.count("</details>") == 1
    assert "<script>" not in blocks
    assert "second" not in blocks


def test_markdown_never_exceeds_what_a_comment_may_hold():
    failures = [failure(f"op{i}", "values", seed=i, script="x = 1\n" * 950) for i in range(40)]
    text = markdown(result([cell(f["op"], "values", "deviates") for f in failures], failures))
    assert 20_000 < len(text) <= LIMIT + 500
    (more,) = re.findall(r"… and (\d+) more kinds of deviation", text)
    assert text.count("<details>") + int(more) == 40
    huge = failure("sum", "values", script="x = 1\n" * 100_000)
    assert len(markdown(result([cell("sum", "values", "deviates")], [huge]))) < 5_000


def test_markdown_says_when_the_harness_failed():
    broken = {"count": 3, "first": [{"op": "exp", "case": {}, "traceback": "Traceback\n  ValueError"}]}
    text = markdown(result([cell("sum", "values")], harness_errors=broken))
    assert text.startswith("## ⚠️ assay: mylib was not wholly judged: assay itself failed on 3 cases")
    assert any(t.content == "Traceback\n  ValueError\n" for t in parsed(text) if t.type == "fence")


# The page, without a browser


class _Page(HTMLParser):
    """Attributes of all elements, and the text of those with an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "link", "br", "input"):
            self._open.append(dict(attrs).get("id", ""))

    def handle_endtag(self, tag):
        self._open.pop()

    def handle_data(self, text):
        if self._open and self._open[-1]:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + text


def unpacked(page: str) -> dict:
    return json.loads(gzip.decompress(base64.b64decode(_Page(page).texts["data"])))


def test_the_page_needs_nothing_from_elsewhere(every):
    page = html([every])
    links = [v for _, name, v in _Page(page).attributes if name in ("src", "href", "action", "srcset", "data")]
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    without = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|\burl\(|\bimport\(|importScripts|XMLHttpRequest|\bfetch\(", without)
    policy = next(v for _, name, v in _Page(page).attributes if name == "content" and v.startswith("default-src"))
    assert policy.startswith("default-src 'none';")


def test_the_page_says_how_it_ended_without_any_code(every):
    texts = _Page(html([every])).texts
    assert texts["subject"] == "mylib"
    assert texts["verdict"] == "deviates: 5 kinds in 3 operations"


def test_the_pages_data_are_the_runs_cells(every, real):
    data = unpacked(html([every, real]))
    for run, told in zip((every, real), data["runs"], strict=True):
        found = {}
        for op, cells in told["cells"].items():
            for aspect, packed in zip(data["aspects"], cells, strict=True):
                if packed:
                    counts: Counter[str] = Counter()
                    for _, part, *_ in packed[1]:
                        counts.update({"conforms": part} if isinstance(part, int) else part)
                    dtypes = {d: c for d, c in zip(data["dtypes"], packed[2], strict=True) if c != "-"}
                    worst = {d: data["standings"][int(c, 36)] for d, c in dtypes.items()}
                    found[op, aspect] = (data["standings"][packed[0]], counts, worst)
        assert found == {
            key: (c.standing, c.counts, {d: run.standing(n, key[1]) for d, n in c.dtypes.items()})
            for key, c in run.cells.items()
        }
        assert [f["script"] for f in told["failures"]] == [f["script"] for f in run.data["failures"]]
    assert {op for _, ops in data["families"] for op in ops} == {op for run in (every, real) for op, _ in run.cells}


def test_a_shrunk_case_is_shown_by_the_lines_that_call(real):
    found = next(f for f in real.data["failures"] if f["aspect"] == "values")
    lines = call(found["script"]).splitlines()
    assert lines[0].startswith("torch.manual_seed(")
    assert any(line.startswith("x0 = torch.") for line in lines)
    assert "sum" in lines[-1]
    assert not any(line.startswith(("inputs[", "case.leaves")) for line in lines)
    assert call("x = 1") == call("def case(:") == ""


def test_text_of_a_subject_cannot_break_out_of_the_page():
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    run = result(
        [cell("sum", "values", "deviates", detail=evil)], [failure("sum", "values", detail=evil)], subject=evil
    )
    page = html([run])
    assert page.count("<script") == 2
    assert "<img" not in page
    assert unpacked(page)["runs"][0]["failures"][0]["detail"] == evil


def test_the_same_results_give_the_same_page(every):
    assert html([every]) == html([every])


def test_runs_of_one_name_are_told_apart(every):
    assert [run["name"] for run in payload([every, every, every])["runs"]] == ["made-up", "made-up (2)", "made-up (3)"]


def test_runs_are_in_order_of_time():
    days = ("2026-11-03", "2026-11-01", "2026-11-02")
    runs = [result([cell("sum", "values")], started=f"{day}T00:00:00+00:00") for day in days]
    assert payload(runs)["chronology"] == [1, 2, 0]
    runs[0].data["started"] = None
    assert payload(runs)["chronology"] == [2, 1, 0]


def test_the_page_of_the_whole_surface_is_below_two_megabytes():
    run = whole_surface()
    assert len(run.cells) == 870 * 12
    page = html([run])
    assert len(page.encode()) < 2_000_000
    assert all(f["script"] for f in unpacked(page)["runs"][0]["failures"])


def test_scripts_are_left_out_before_a_page_grows_too_large():
    runs = [result(EVERY, [failure("sum", "values", seed=s) for s in range(1, 40)] + EVERY_FAILURE) for _ in range(2)]
    whole = encoded(payload(runs))
    limit = len(whole) * 19 // 20
    data = payload(runs)
    assert len(encoded(data, limit)) <= limit
    first, second = ([f["script"] for f in run["failures"]] for run in data["runs"])
    assert None in second
    assert first.count(None) < second.count(None)
    assert all(f["call"] and f["rerun"] for run in data["runs"] for f in run["failures"])


# Colours


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", css))


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(theme):
    css = (Path(main.callback.__code__.co_filename).parents[1] / "report/templates/report.css").read_text()
    light, dark = css.split("prefers-color-scheme: dark")
    colours = _colours(light) | (_colours(dark) if theme == "dark" else {})
    pairs = [(name, name.removesuffix("-ink")) for name in colours if name.endswith("-ink")]
    pairs += [(ink, paper) for ink in ("ink", "quiet", "link") for paper in ("paper", "raised", "selected")]
    pairs += [("deviates-ink", "paper"), ("conforms-ink", "paper")]
    assert {f"{ink} on {paper}" for ink, paper in pairs if contrast(colours[ink], colours[paper]) < 4.5} == set()
    assert {name for name in ("edge", "focus", "crash") if contrast(colours[name], colours["paper"]) < 3} == set()
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


# The command


@pytest.fixture
def report(tmp_path, monkeypatch, every):
    """`assay report` in a folder with new.json and old.json: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    Path("new.json").write_text(dumps(every.data))
    Path("old.json").write_text(dumps(result([cell("sum", "values")]).data))

    def run(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(main, ["report", *arguments], catch_exceptions=False)
        return done.exit_code, done.stdout, done.stderr

    return run


def test_the_command_writes_what_is_asked_for(report, every):
    written = report("new.json", "old.json", "--html", "r.html", "--junit", "r.xml", "--markdown", "r.md")
    assert written[0] == 0
    assert [run["name"] for run in unpacked(Path("r.html").read_text())["runs"]] == ["new", "old"]
    assert Path("r.xml").read_bytes() == junit(every)
    assert "Since old" in Path("r.md").read_text()
    assert report("new.json") == (0, markdown(every), "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument"),
        (["latest"], "no run is kept in .assay/runs"),
        (["no_such_run"], "'no_such_run' is no file, and no run is kept"),
        (["broken.json"], "broken.json is not JSON: Expecting"),
        (["binary.json"], "binary.json is not text"),
        (["list.json"], "it holds a list, not an object"),
        (["case.json"], "it has no key 'schema'"),
        (["next.json"], "its schema is 2; this assay reads schema 1"),
        (["short.json"], "its key 'cells' is missing"),
        (["cell.json"], "cells[1] lacks 'counts'"),
        (["failure.json"], "failures[0] lacks 'script'"),
        (["new.json", "broken.json"], "broken.json is not JSON"),
        (["new.json", "--html", "no/such/folder/r.html"], "cannot write no/such/folder/r.html: No such file"),
        (["new.json", "--markdown", "/dev/full"], "cannot write /dev/full: No space left"),
        (["."], "'.' is no file, and no run is kept"),
    ],
    ids=lambda a: " ".join(a) if isinstance(a, list) else "",
)
def test_bad_input_exits_2_and_says_why(report, every, arguments, said):
    Path("broken.json").write_text('{"schema": 1,')
    Path("binary.json").write_bytes(b'{"schema": "\xff\x81"}')
    Path("list.json").write_text("[1]")
    Path("case.json").write_text('{"op": "sum"}')
    Path("next.json").write_text(json.dumps(every.data | {"schema": 2}))
    Path("short.json").write_text(json.dumps({k: v for k, v in every.data.items() if k != "cells"}))
    uncounted = {k: v for k, v in EVERY[0].items() if k != "counts"}
    Path("cell.json").write_text(json.dumps(every.data | {"cells": [EVERY[0], uncounted]}))
    Path("failure.json").write_text(json.dumps(every.data | {"failures": [EVERY_FAILURE[0] | {"script": None}]}))
    code, out, err = report(*arguments)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_a_file_that_cannot_be_replaced_stays_as_it_was(report, monkeypatch):
    Path("r.md").write_text("before")

    def full(self, data):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    code, _, err = report("new.json", "--markdown", "r.md")
    assert (code, Path("r.md").read_text()) == (2, "before")
    assert "cannot write r.md: No space left on device" in err
    assert [p.name for p in Path().iterdir() if p.name.startswith(".r.md")] == []

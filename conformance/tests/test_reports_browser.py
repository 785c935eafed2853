"""The HTML report in a real browser: what is shown, by which address, with which keys, and in which words."""

from __future__ import annotations

import re

import pytest
from devtools import Chromium, find_chromium
from madeup import EVERY, EVERY_FAILURE, cell, failure, result, whole_surface

from assay.report.changes import changes
from assay.report.html import html
from assay.report.rerun import case_again, cell_again

pytestmark = pytest.mark.browser

OLD = result(
    [
        *(c for c in EVERY if c["op"] != "exp"),
        cell("exp", "structure"),
        cell("exp", "values", "memory"),
        cell("gone", "values"),
        cell("log", "values", "deviates"),
    ],
    [failure("log", "values", seed=9)],
    "older",
    started="2026-11-18T10:00:00+00:00",
)
OLDEST = result([cell("sum", "values"), cell("log", "values")], (), "oldest", started="2026-11-17T10:00:00+00:00")
NEW = result([*EVERY, cell("log", "values")], EVERY_FAILURE, "newer")
OTHER = result(
    [cell("sum", "values"), cell("exp", "values", "missing")],
    subject="otherlib",
    name="other",
    started="2026-11-21T10:00:00+00:00",
)
RUNS = [NEW, OLD, OLDEST, OTHER]


@pytest.fixture(scope="module")
def chromium():
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium found on PATH (set ASSAY_CHROMIUM to its path)")
    browser = Chromium(program)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of four runs of two subjects."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html(RUNS))
    return path


@pytest.fixture
def tab(chromium, page):
    """The report, opened; it must not have complained when the test is over."""
    chromium.view(1400, 900)
    chromium.requests.clear()
    chromium.complaints.clear()
    chromium.open(page)
    yield chromium
    assert chromium.complaints == []


ROWS = """[...document.querySelectorAll('#grid tbody:not([hidden]) tr:not([hidden]):not(.family) th a')].map(
    (a) => a.textContent)"""
CELLS = """Object.fromEntries([...document.querySelectorAll('#grid td a')].map(
    (a) => [a.dataset.place, [a.textContent, a.getAttribute('aria-label')]]))"""
PANEL = "document.getElementById('panel').innerText"
FOCUS = "document.activeElement.dataset.place ?? document.activeElement.id"


def test_it_opens_without_network(tab, page):
    assert set(tab.requests) <= {"about:blank", page.resolve().as_uri()}
    assert tab.js("document.title") == "mylib: deviates: 5 kinds in 3 operations · assay"


def test_the_matrix_says_how_every_cell_stands(tab):
    tab.go("base=none")
    found = tab.js(CELLS)
    told = {tuple(place.split("/")): label for place, (_, label) in found.items() if label != "not judged"}
    assert {key: label.split(",")[0] for key, label in told.items()} == {k: c.standing for k, c in NEW.cells.items()}
    assert told["sum", "values"] == "deviates, 2 of 10 cases"
    assert told["sum", "dtype"] == "conforms, 10 cases"
    texts = {label.split(",")[0]: text for text, label in found.values()}
    assert len(set(texts.values())) == len(texts), "statuses must differ by more than their colour"
    assert texts["deviates"] == "✕ 2"
    assert texts["not judged"] == ""


def test_families_and_levels_head_the_matrix(tab):
    heads = tab.js("[...document.querySelectorAll('#grid .family th')].map((t) => t.innerText.split('\\n')[0])")
    assert [head.split()[0] for head in heads] == ["reductions", "elementwise"]
    assert tab.js("[...document.querySelectorAll('#grid .levels th')].map((t) => t.textContent)") == [
        "core",
        "gradients",
        "fidelity",
    ]


@pytest.mark.parametrize(
    ("fragment", "rows"),
    [
        ("", ["cos", "exp", "gone", "log", "neg", "sort", "sum", "tanh"]),
        ("show=failing", ["exp", "sort", "sum"]),
        ("show=missing", ["tanh"]),
        ("show=missing,known", ["sort", "tanh"]),
        ("show=crash", ["sort"]),
        ("show=newly-failing", ["exp"]),
        ("show=newly-passing", ["log"]),
        ("show=changed", ["exp", "log"]),
        ("show=no-longer-judged", ["gone"]),
        ("show=newly-judged", []),
        ("show=changed&base=none", []),
        ("show=changed&base=oldest", ["sum"]),
        ("show=newly-judged,no-longer-judged&base=oldest", ["cos", "exp", "neg", "sort", "sum", "tanh"]),
        ("family=reductions", ["sort", "sum"]),
        ("aspect=dtype&show=conforms", ["sum"]),
        ("aspect=error_text&show=scored", ["sum"]),
        ("dtype=float16&show=conforms", []),
        ("dtype=float32&show=failing", []),
        ("dtype=float16&show=failing", ["exp", "sort", "sum"]),
        ("q=TAN", ["tanh"]),
        ("q=SIGSEGV", ["sort"]),
        ("q=sum+kind", ["sum"]),
        ("q=no+such+thing", []),
        ("run=older&base=none&show=failing", ["exp", "log", "sort", "sum"]),
        ("by=runs&show=changed", ["exp", "log", "sum"]),
        ("by=runs&show=missing", ["exp", "tanh"]),
    ],
)
def test_addresses_filter(tab, fragment, rows):
    tab.go(fragment)
    found = tab.js(ROWS)
    assert sorted(found) == rows
    said = tab.js("document.getElementById('shown').textContent")
    assert said == "No operation matches." if not rows else str(len(rows)) in said


def test_changes_are_those_of_the_other_reports(tab):
    labels = {place: label for place, (_, label) in tab.js(CELLS).items()}
    expected = {f"{c.op}/{c.aspect}": c.kind for c in changes(OLD, NEW)}
    kinds = ("newly failing", "newly missing", "newly passing", "newly judged", "no longer judged", "changed")
    found = {p: label.split(", ")[-1] for p, label in labels.items() if label.split(", ")[-1] in kinds}
    assert found == expected
    assert len(set(expected.values())) >= 3


def test_a_cells_address_opens_its_details(tab):
    tab.go("cell=sum/values")
    text = tab.js(PANEL)
    assert "sum · values" in text
    assert "Deviation 1 of 2" in text
    assert "(second kind)" in text
    assert "torch.manual_seed(2)" in text
    assert cell_again(NEW, "sum", "values").split(" --level")[0].split(" --profile")[0] in text
    codes = tab.js("[...document.querySelectorAll('#panel code')].map((c) => c.textContent)")
    for found in EVERY_FAILURE[:2]:
        assert found["script"] in codes
        assert case_again(NEW, found) in codes
    assert tab.js(FOCUS) == "panel-title"
    saved = tab.js(
        "decodeURIComponent(document.querySelector('#panel a[download]').href.split(',').slice(1).join(','))"
    )
    assert saved == EVERY_FAILURE[0]["script"]


def test_the_command_for_a_cell_is_that_of_the_other_reports(tab):
    tab.go("cell=sum/values")
    commands = tab.js("[...document.querySelectorAll('#panel .command code')].map((c) => c.textContent)")
    assert commands[-1] == cell_again(NEW, "sum", "values")


def test_a_known_deviation_shows_its_reason(tab):
    tab.go("cell=sort/values")
    assert "ties (https://example.org/ties): differ" in tab.js(PANEL)
    assert "✕" not in tab.js("document.querySelector('#panel .standing').textContent")


def test_history_is_told_as_transitions(tab):
    tab.go("cell=log/values")
    steps = tab.js(
        "[...document.querySelectorAll('#panel .history')].map((o) => o.innerText.split('\\n').filter(Boolean))"
    )
    told = [[re.sub(r"\s+", " ", step) for step in steps] for steps in steps]
    assert told == [
        [
            "✓ conforms in 2026-11-17 10:00 UTC",
            "✕ deviates in 2026-11-18 10:00 UTC",
            "✓ conforms in 2026-11-20 10:00 UTC",
        ]
    ]
    rows = tab.js(
        "[...document.querySelectorAll('#panel table:last-of-type tbody tr')].map((r) => r.cells[1].innerText)"
    )
    assert rows == ["mylib", "mylib", "mylib", "otherlib"]


def test_runs_and_subjects_side_by_side(tab):
    tab.go("by=runs")
    heads = tab.js("[...document.querySelectorAll('#grid thead th')].slice(1).map((t) => t.firstChild.textContent)")
    assert heads == ["mylib", "mylib", "mylib", "otherlib"]
    found = {place: label.split(",")[0] for place, (_, label) in tab.js(CELLS).items()}
    assert [found[f"sum@{name}"] for name in ("oldest", "older", "newer", "other")] == ["conforms"] + [
        "deviates"
    ] * 2 + ["conforms"]
    assert found["exp@newer"] == "memory"
    assert found["exp@other"] == "missing"
    assert found["exp@oldest"] == "not judged"
    tab.js("document.querySelector('[data-place=\"exp@other\"]').click()")
    tab.settle()
    assert tab.js("location.hash") == "#run=other&by=runs&cell=exp"
    assert tab.js("document.getElementById('subject').textContent") == "otherlib"


def test_an_unknown_cell_or_run_is_told_not_thrown(tab):
    tab.go("cell=nonsense/values&run=nowhere&family=fruit&dtype=int3&show=purple")
    assert "No run in this file has this operation" in tab.js(PANEL)
    assert tab.js(ROWS) == []


def test_the_grid_is_walked_by_keys(tab):
    tab.js("document.getElementById('skip').focus()")
    tab.press("Enter")
    assert tab.js(FOCUS) == tab.js(ROWS)[0]
    assert tab.js("document.querySelectorAll('#grid a[tabindex=\"0\"]').length") == 1
    first = tab.js(FOCUS)
    for key, place in (("ArrowRight", f"{first}/structure"), ("ArrowRight", f"{first}/dtype")):
        tab.press(key)
        assert tab.js(FOCUS) == place
    tab.press("ArrowDown")
    assert tab.js(FOCUS) == f"{tab.js(ROWS)[1]}/dtype"
    tab.press("Home")
    assert tab.js(FOCUS) == tab.js(ROWS)[1]
    tab.press("ArrowUp")
    tab.press("ArrowUp")
    assert tab.js(FOCUS) == first


def test_enter_opens_a_cell_and_escape_returns_to_it(tab):
    tab.js("document.querySelector('[data-place=\"sum/dtype\"]').focus()")
    tab.press("Enter")
    assert tab.js("location.hash") == "#cell=sum/dtype"
    assert tab.js(FOCUS) == "panel-title"
    assert tab.js("document.querySelector('[aria-selected=\"true\"] a').dataset.place") == "sum/dtype"
    tab.press("Escape")
    assert tab.js(FOCUS) == "sum/dtype"
    assert tab.js("state => state, location.hash") == ""


def test_typing_searches_and_keeps_the_focus(tab):
    tab.press("/")
    assert tab.js(FOCUS) == "search"
    for letter in "tan":
        tab.press(letter)
    tab.wait_for("location.hash === '#q=tan'")
    tab.settle()
    assert tab.js(ROWS) == ["tanh"]
    assert tab.js(FOCUS) == "search"
    assert tab.js("document.getElementById('search').value") == "tan"


def test_filters_are_buttons_that_say_whether_they_are_on(tab):
    tab.js("document.querySelector('[data-show=failing]').click()")
    tab.settle()
    assert tab.js("location.hash") == "#show=failing"
    assert tab.js("document.activeElement.dataset.show") == "failing"
    assert tab.js("document.activeElement.getAttribute('aria-pressed')") == "true"
    tab.press("Enter")
    assert tab.js("location.hash") == ""


def test_n_walks_through_what_fails(tab):
    places = []
    for _ in range(6):
        tab.press("n")
        places.append(tab.js("location.hash").removeprefix("#cell="))
    failing = {"/".join(key) for key, c in NEW.cells.items() if c.fails or c.standing == "missing"}
    assert len(failing) == 5
    assert set(places[:5]) == failing
    assert places[5] == places[0]


def test_a_screen_reader_finds_a_grid_with_headers_and_named_cells(tab):
    nodes = tab.accessible()
    roles = [(node["role"], node["name"]) for node in nodes]
    assert ("grid", "Operations by aspects, mylib") in roles
    assert {name.split()[0] for role, name in roles if role == "columnheader"} >= {"operation", "structure", "values"}
    assert {name for role, name in roles if role == "rowheader"} >= {"sum", "tanh"}
    assert ("link", "deviates, 2 of 10 cases") in roles
    assert ("searchbox", "Search") in roles
    assert {name for role, name in roles if role == "combobox"} >= {"Family", "Aspect", "Dtype", "Run"}
    unnamed = [
        role for role, name in roles if role in ("button", "link", "combobox", "searchbox", "grid", "main") and not name
    ]
    assert unnamed == []
    assert [role for role, _ in roles].count("main") == 1


def test_dark_is_followed(tab):
    colours = []
    for dark in (False, True):
        tab.view(1400, 900, dark=dark)
        colours.append(tab.js("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(16, 21, 27)"]


def test_a_narrow_window_does_not_scroll_sideways(tab):
    tab.view(380, 800)
    for fragment in ("", "cell=sum/values", "by=runs"):
        tab.go(fragment)
        assert tab.js("document.documentElement.scrollWidth") <= 380
    tab.go("cell=sum/values")
    assert tab.js("document.getElementById('panel').getBoundingClientRect().width") == 380


def test_a_run_on_which_the_harness_failed_says_so(chromium, tmp_path):
    broken = {"count": 2, "first": [{"op": "exp", "case": {}, "traceback": "Traceback: made up"}]}
    path = tmp_path / "broken.html"
    path.write_text(html([result([cell("sum", "values")], harness_errors=broken, stopped=True)]))
    chromium.open(path)
    said = chromium.js("document.getElementById('banner').innerText")
    assert "assay itself failed on 2 cases" in said
    assert "stopped early" in said


def test_data_that_cannot_be_unpacked_are_told(chromium, page, tmp_path):
    text = page.read_text()
    at = text.index('id="data">') + 200
    path = tmp_path / "cut.html"
    path.write_text(text[:at] + text[at + 40 :])
    chromium.call("Page.navigate", url=path.as_uri())
    chromium.wait_for("document.getElementById('loading')?.textContent.includes('cannot be shown')")
    chromium.complaints.clear()


def test_the_whole_surface_opens(chromium, tmp_path):
    run = whole_surface()
    path = tmp_path / "whole.html"
    path.write_text(html([run]))
    chromium.view(1400, 900)
    chromium.open(path, "show=failing")
    failing = {op for (op, _), c in run.cells.items() if c.fails}
    assert set(chromium.js(ROWS)) == failing
    chromium.go("")
    assert len(chromium.js(ROWS)) == 870
    assert chromium.js("document.querySelectorAll('#grid td a').length") == 870 * 12

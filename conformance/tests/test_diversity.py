"""Every kind of input is drawn for every operation, or has a reason; and what is told of it is so."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from click.testing import CliRunner

from assay.case import Case, Layout, Same, TensorSpec, Values, Window
from assay.catalog import catalog
from assay.cli import main
from assay.diversity.ask import asked, kept
from assay.diversity.byhand import BY_HAND
from assay.diversity.kinds import KINDS, MISTAKES
from assay.diversity.reasons import Drawn, by_rule, why
from assay.diversity.record import Record, record
from assay.diversity.showing import ASKABLE, showing
from assay.diversity.table import Cell, Table, count, draw_table, row
from assay.diversity.twists import LIMIT
from assay.drawing import draw_cases
from assay.traits import traits

#: One operation in so many, over all families.
SAMPLE = tuple(catalog())[5::60]
PLAIN = Case("add", "function", "torch.add", (TensorSpec((2, 3), "float32"), TensorSpec((2, 3), "float32")))


@pytest.fixture(scope="module")
def table() -> Table:
    done: list[str] = []
    drawn = draw_table(SAMPLE, on_row=done.append)
    assert done == list(SAMPLE)
    return drawn


def test_no_hole_is_unexplained(table: Table) -> None:
    assert [(cell.op, cell.kind) for cell in table.holes()] == []


def test_no_reason_is_given_for_what_is_drawn(table: Table) -> None:
    assert [(cell.op, cell.kind, cell.reason) for cell in table.stale()] == []


@pytest.mark.slow
def test_no_hole_is_unexplained_in_the_whole_catalogue() -> None:
    whole = draw_table(tuple(catalog()), jobs=2)
    assert [(cell.op, cell.kind) for cell in whole.holes()] == []
    assert [(cell.op, cell.kind, cell.reason) for cell in whole.stale()] == []
    assert list(whole.idle()) == []


def test_reasons_by_hand_are_about_kinds_and_operations_that_there_are() -> None:
    for reason in BY_HAND:
        assert set(reason.kinds) <= set(KINDS)
        assert reason.text
        for glob in reason.ops:
            assert any(reason.explains(op, reason.kinds[0]) for op in catalog()), glob


def test_the_record_is_about_kinds_and_operations_that_there_are() -> None:
    for told in (record().refused, record().taken):
        assert set(told) <= set(catalog())
        assert {kind for kinds in told.values() for kind in kinds} <= ASKABLE
    assert Record.from_json(record().to_json()) == record()


@pytest.mark.parametrize("op", ["abs", "mm", "sum", "topk"])
def test_pytorch_answers_as_recorded(op: str) -> None:
    cases = list(draw_cases(catalog()[op], "standard", 0, twisted=False))
    found = dict(asked(catalog()[op], count(kept(cases)), cases, tuple(KINDS)))
    assert {kind: told for kind, told in found.items() if told} == record().refused.get(op, {})
    assert sorted(kind for kind, told in found.items() if not told) == sorted(record().taken.get(op, ()))


def test_what_is_neither_drawn_nor_explained_is_a_hole() -> None:
    drawn = count(draw_cases(catalog()["exp"], "standard", 0))
    seen = {cell.kind: cell for cell in row(catalog()["exp"], drawn)}
    assert seen["nan"].drawn == drawn.shown["nan"] > 0
    del drawn.shown["nan"]
    lacking = {cell.kind: cell for cell in row(catalog()["exp"], drawn)}
    assert lacking["nan"].is_hole
    assert [c for c in lacking.values() if c.is_hole and not seen[c.kind].is_hole] == [lacking["nan"]]


def test_a_refusal_of_what_is_drawn_is_stale() -> None:
    op, refused = next(iter(record().refused.items()))
    kind = next(iter(refused))
    drawn = Drawn(Counter({kind: 3}), tensors=2, rank=4, longest=9)
    cell = Cell(op, kind, 3, why(catalog()[op], kind, drawn))
    assert cell.is_stale
    assert not Table([cell]).is_whole


@pytest.mark.parametrize(
    ("op", "kind", "reason"),
    [
        ("eye", "nan", "takes no tensor"),
        ("bitwise_and", "inf", "takes no floating tensor"),
        ("exp", "broadcast", "takes one tensor"),
        ("exp", "operator", "PyTorch has none as operator"),
        ("ravel", "bad-overlap", "writes to no tensor"),
        ("nn.functional.dropout", "out-cast", "takes no out="),
        ("exp", "bad-value", "none of its arguments can be wrong so"),
        ("ravel", "keyword", ""),
        ("H", "keyword", "takes arguments by position alone"),
    ],
)
def test_rules(op: str, kind: str, reason: str) -> None:
    cases = list(draw_cases(catalog()[op], "quick", 0))
    assert by_rule(catalog()[op], kind, count(cases)) == reason


@pytest.mark.parametrize(
    "kind", sorted(ASKABLE - set(MISTAKES) - {"out", "function", "window", "out-cast", "out-resized"})
)
def test_cases_made_to_show_a_kind_show_it(kind: str) -> None:
    dtype = {"border": "int32", "float32": "float64"}.get(kind, "float32")
    spec = TensorSpec((2, 3, 2, 4), dtype)
    base = Case("add", "function", "torch.add", (spec, TensorSpec((2, 3, 2, 4), dtype)))
    made = list(showing(kind, base))
    assert made
    assert all(kind in traits(case) or (kind == "number" and type(case.args[1]) in (int, float)) for case in made)
    assert all(case.op == "add" and case != base for case in made)


def test_out_and_windows_are_made() -> None:
    into = Case("neg", "out", "torch.neg", (TensorSpec((3,), "float32"),), {"out": TensorSpec((3,), "float32")})
    (apart,) = showing("window", into)
    assert apart.args[0].layout == Layout("shared", (0, 1, 3))
    assert apart.kwargs["out"] == Window(0, (3,), 3)
    (partly,) = showing("bad-overlap", into)
    assert partly.kwargs["out"] == Window(0, (3,), 2)
    assert [c.kwargs["out"].shape for c in showing("out-resized", into)] == [(0,), (3, 2)]
    assert {c.kwargs["out"].dtype for c in showing("out-cast", into)} == {"float64", "complex128", "int64"}
    assert next(showing("aliased", PLAIN)).args[1] == Same(0)


def test_elements_that_are_given_keep_their_dtype() -> None:
    given = TensorSpec((2,), "int64", Values("literal", literal=(300, 1)))
    assert list(showing("int8", Case("add", "function", "torch.add", (given, 1)))) == []


def test_twists_change_the_last_cases_of_large_profiles_alone() -> None:
    op = next(op for op in SAMPLE if record().taken.get(op))
    for profile, same in (("quick", True), ("standard", False)):
        plain, twisted = (list(draw_cases(catalog()[op], profile, 3, twisted=t)) for t in (False, True))
        assert (plain == twisted) == same
    first = 390 - 390 // LIMIT
    assert [c.id for c in plain[:first]] == [c.id for c in twisted[:first]]
    drawn = {c.id for c in plain}
    assert sum(c.id not in drawn for c in twisted[first:390]) > 0


def test_the_command_tells_cells_holes_and_kinds() -> None:
    done = CliRunner().invoke(main, ["surface", "--diversity", "--only", "exp", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert set(told["operations"]["exp"]) == set(KINDS)
    assert told["operations"]["exp"]["nan"]["drawn"] > 0
    assert told["operations"]["exp"]["broadcast"] == {"drawn": 0, "reason": "takes one tensor"}
    # one case in four of quick shows few kinds
    done = CliRunner().invoke(main, ["surface", "--diversity", "--only", "exp", "--profile", "quick"])
    assert done.exit_code == 1
    assert "hole: exp: " in done.output
    assert CliRunner().invoke(main, ["surface", "--json"]).exit_code == 2

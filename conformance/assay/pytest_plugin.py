"""Conformance through pytest: one item an operation and suite, never one a case.

    pytest conformance/suites --subject my_library.torch_api --assay-profile standard

Environment variables say the same: ASSAY_SUBJECT (flambeau), ASSAY_PROFILE (quick), ASSAY_SEED (0), ASSAY_LEVELS.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from assay.catalog import catalog
from assay.catalog.form import Entry
from assay.drawing import draw_cases
from assay.judge import aspects_of
from assay.ledger import Ledger
from assay.levels import FAILING
from assay.plan import Plan
from assay.reproduce import script
from assay.result import Result
from assay.runner import Session, run
from assay.shrink import shrink
from assay.subjects import parse

_BUDGET = 48


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suites."""
    group = parser.getgroup("assay")
    group.addoption("--subject", help="who is judged (flambeau)")
    group.addoption("--assay-profile", choices=("quick", "standard", "deep"), help="how many cases (quick)")
    group.addoption("--assay-seed", help="which cases (0)")
    group.addoption("--levels", help="comma-separated; all for flambeau and torch, else core,gradients")


def operations(choose: Callable[[Entry], bool] = lambda entry: True) -> pytest.MarkDecorator:
    """Parametrises a test by the operations of the catalogue that `choose` takes."""
    ops = [op for op, entry in catalog().items() if choose(entry)]
    return pytest.mark.parametrize("op", ops)


class Suite:
    """Runs an operation's cases once and answers for each of its aspects."""

    def __init__(self, subject: str, profile: str, seed: int, levels: tuple[str, ...]) -> None:
        self.plan = Plan(parse(subject), aspects=aspects_of(levels), levels=levels, profile=profile, seed=seed)
        self.session = Session(self.plan, Ledger.packaged(subject))
        self.results: dict[str, Result] = {}

    def result(self, op: str) -> Result:
        """All verdicts on `op`."""
        if op not in self.results:
            # This process loads neither side, so that it may draw by itself.
            self.results[op] = run(self.session, draw_cases(catalog()[op], self.plan.profile, self.plan.seed))
        return self.results[op]

    def check(self, op: str, *aspects: str) -> None:
        """Fail with a script when `op` deviates in any of `aspects`; skip when it is missing or nothing shows it."""
        if not set(aspects) & set(self.plan.aspects):
            pytest.skip(f"not promised at the levels {', '.join(self.plan.levels)}")
        result = self.result(op)
        if result.harness_errors:
            case, trace = result.harness_errors[0]
            pytest.fail(f"assay itself failed on {case.to_json()}\n{trace}", pytrace=False)
        groups = [g for g in result.failing if g.aspect in aspects and g.status in FAILING]
        if groups:
            pytest.fail("\n\n".join(self._told(group) for group in groups), pytrace=False)
        cells = [c for c in result.cells.values() if c.aspect in aspects]
        missing = sorted({c.variant for c in cells if c.counts["missing"]})
        if missing:
            pytest.skip(f"missing: {', '.join(missing)}")
        if not any(c.counts["conforms"] or c.counts["known"] for c in cells):
            pytest.skip("no case puts it to the test")

    def _told(self, group) -> str:  # type: ignore[no-untyped-def]
        if not group.script:
            budget = _BUDGET if group.status == "deviates" else 4
            group.shrunk, group.detail = shrink(self.session, group, budget)
            group.script = script(group.shrunk, self.plan.subject.name, group.aspect, group.detail)
        return f"{group.op} · {group.aspect} · {group.status}: {group.detail}\n\n{group.script}"


@pytest.fixture(scope="session")
def suite(pytestconfig: pytest.Config) -> Iterator[Suite]:
    """The subject and the reference, started."""

    def given(option: str, variable: str, default: str) -> str:
        return pytestconfig.getoption(option, default=None) or os.environ.get(variable) or default

    subject = given("--subject", "ASSAY_SUBJECT", "flambeau")
    whole = "core,gradients,errors,fidelity" if subject in ("flambeau", "torch") else "core,gradients"
    levels = tuple(given("--levels", "ASSAY_LEVELS", whole).split(","))
    seed = int(given("--assay-seed", "ASSAY_SEED", "0"))
    made = Suite(subject, given("--assay-profile", "ASSAY_PROFILE", "quick"), seed, levels)
    yield made
    made.session.close()

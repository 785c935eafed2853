"""Conformance through pytest, for whoever has assay installed: an item for each operation and aspect, never one a case.

    pytest --assay-subject my_library --assay-only 'sum*' -m assay
    pytest --assay-subject my_library -m "assay_reductions and assay_values" -n 2 --dist loadgroup

Without --assay-subject nothing is added to a session. Items carry the markers `assay`, `assay_<family>` and
`assay_<aspect>`, and are grouped by operation for pytest-xdist, so that each operation's cases run once. The fixture
`assay_suite` answers for operations in tests of one's own; conformance/suites is made of such tests.

Environment variables say the same as the options: ASSAY_SUBJECT, ASSAY_PROFILE (quick), ASSAY_SEED (0), ASSAY_LEVELS,
ASSAY_AGAINST (PyTorch itself).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from assay.catalog.form import Entry
    from assay.result import Group, Result

_BUDGET = 48
_FATAL_BUDGET = 4
_SUITE = pytest.StashKey["Suite"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; nothing is imported for them, since every pytest session of an environment comes by here."""
    group = parser.getgroup("assay", "conformance with PyTorch")
    group.addoption("--assay-subject", metavar="SUBJECT", help="who is judged, as for `assay run`")
    group.addoption(
        "--assay-only", metavar="GLOB", action="append", default=[], help="only these operations; repeatable"
    )
    group.addoption("--assay-against", metavar="recorded:…", help="PyTorch's recorded answers, not PyTorch")
    group.addoption("--assay-profile", choices=("quick", "standard", "deep"), help="how many cases (quick)")
    group.addoption("--assay-seed", metavar="N", help="which cases (0)")
    group.addoption("--assay-levels", metavar="L,…", help="what is promised (what the subject claims)")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of the items."""
    config.addinivalue_line("markers", "assay: conformance of one operation in one aspect")
    if _option(config, "--assay-subject", "ASSAY_SUBJECT"):
        from assay.catalog import families
        from assay.levels import ASPECTS

        for name in (*families(), *ASPECTS):
            config.addinivalue_line("markers", f"assay_{name}: conformance, {name}")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the items of the subject, unless tests of the session judge it themselves."""
    if config.getoption("--assay-subject") is None or any("assay_suite" in _fixtures(i) for i in items):
        return
    from assay.catalog import everything
    from assay.levels import ASPECTS

    for op in _selected(config.getoption("--assay-only")):
        for aspect in ASPECTS:
            name = f"assay[{op}-{aspect}]"
            item = Conformance.from_parent(session, name=name, nodeid=name, op=op, aspect=aspect)
            for marker in ("assay", f"assay_{everything()[op].family}", f"assay_{aspect}"):
                item.add_marker(marker)
            item.add_marker(pytest.mark.xdist_group(op))
            items.append(item)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the processes."""
    found = session.config.stash.get(_SUITE, None)
    if found is not None:
        found.close()


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


def _option(config: pytest.Config, option: str, variable: str, default: str = "") -> str:
    return config.getoption(option, default=None) or os.environ.get(variable) or default


def _selected(globs: list[str]) -> list[str]:
    from assay.plan import select
    from assay.surface import load_surface

    found = select(globs)
    for glob in globs:
        if not select([glob]):
            near = load_surface().nearest(glob)
            hint = f"; nearest: {', '.join(near)}" if near else ""
            raise pytest.UsageError(f"--assay-only {glob!r} matches no operation of the catalogue{hint}")
    return found


class Conformance(pytest.Item):
    """One operation in one aspect."""

    def __init__(self, *, op: str, aspect: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.op = op
        self.aspect = aspect

    def runtest(self) -> None:
        """Judge the operation's cases, once for all its aspects."""
        the_suite(self.config).check(self.op, self.aspect)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where it stands in a report: nowhere in a file."""
        return self.path, None, self.name


def operations(choose: Callable[[Entry], bool] = lambda entry: True) -> pytest.MarkDecorator:
    """Parametrises a test by the operations of the catalogue that `choose` takes."""
    from assay.catalog import catalog

    return pytest.mark.parametrize("op", [op for op, entry in catalog().items() if choose(entry)])


class Suite:
    """Runs an operation's cases once and answers for each of its aspects."""

    def __init__(
        self,
        subject: str,
        profile: str | None = None,
        seed: int | None = None,
        levels: tuple[str, ...] = (),
        against: str = "",
    ) -> None:
        """profile, seed: quick and 0, or those of a recording, without any. levels: those the subject claims, or core
        and gradients, without any. against: the recording that takes the place of PyTorch.

        Raises SubjectError, ValueError for an unknown level, LedgerError, and WorkerError where it does not start.
        """
        from assay.judge import aspects_of
        from assay.ledger import Ledger
        from assay.plan import Plan
        from assay.replay import drawn_as, recordings, sides
        from assay.runner import Session

        asked = frozenset({"aspects"} if levels else ())
        levels = levels or ("core", "gradients")
        who, reference = sides(subject, against)
        if recorded := recordings(who, reference):
            profile, seed = drawn_as(recorded, profile, seed)
        plan = Plan(
            who,
            reference=reference,
            aspects=aspects_of(levels),
            levels=levels,
            profile=profile or "quick",
            seed=seed or 0,
            asked=asked,
        )
        self.session = Session(plan, Ledger.packaged(subject))
        self.plan = self.session.plan
        self.results: dict[str, Result] = {}

    def result(self, op: str) -> Result:
        """All verdicts on `op`."""
        from assay.catalog import everything
        from assay.drawing import draw_cases
        from assay.replay import recorded_cases
        from assay.runner import run

        if op not in self.results:
            plan = self.plan
            # This process loads neither side, so that it may draw by itself.
            cases = (
                recorded_cases(plan, [op])
                if plan.recorded
                else draw_cases(everything()[op], plan.profile, plan.seed, plan.made_of)
            )
            self.results[op] = run(self.session, cases)
        return self.results[op]

    def check(self, op: str, *aspects: str) -> None:
        """Fail with a script when `op` deviates in any of `aspects`; skip when it is missing, not claimed, or nothing
        shows it."""
        from assay.levels import FAILING

        if not self.plan.claims(op):
            pytest.skip("the subject does not claim it")
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
        if self.plan.recorded and not result.cases:
            pytest.skip("it is not recorded")
        if not any(c.counts["conforms"] or c.counts["known"] for c in cells):
            pytest.skip("no case puts it to the test")

    def _told(self, group: Group) -> str:
        from assay.replay import answered
        from assay.reproduce import script
        from assay.shrink import shrink

        if not group.script:
            if not self.plan.recorded:
                budget = _BUDGET if group.status == "deviates" else _FATAL_BUDGET
                group.shrunk, group.detail = shrink(self.session, group, budget)
            case = group.shrunk or group.case
            recorded = answered(self.plan, case)
            group.script = script(case, self.plan.subject, group.aspect, group.detail, recorded)
        return f"{group.op} · {group.aspect} · {group.status}: {group.detail}\n\n{group.script}"

    def close(self) -> None:
        """End the processes."""
        self.session.close()


def the_suite(config: pytest.Config) -> Suite:
    """The session's suite, started on first use. Raises pytest.UsageError where the subject is none."""
    from assay.ledger import LedgerError
    from assay.subjects import SubjectError
    from assay.worker import WorkerError

    found = config.stash.get(_SUITE, None)
    if found is None:
        subject = _option(config, "--assay-subject", "ASSAY_SUBJECT", "flambeau")
        levels = tuple(filter(None, _option(config, "--assay-levels", "ASSAY_LEVELS").split(",")))
        profile = _option(config, "--assay-profile", "ASSAY_PROFILE") or None
        seed = _option(config, "--assay-seed", "ASSAY_SEED")
        against = _option(config, "--assay-against", "ASSAY_AGAINST")
        try:
            found = Suite(subject, profile, int(seed) if seed else None, levels, against)
        except WorkerError as error:
            pytest.exit(f"{subject} does not start\n{error}", returncode=pytest.ExitCode.USAGE_ERROR)
        except (SubjectError, LedgerError, ValueError) as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
        config.stash[_SUITE] = found
    return found


@pytest.fixture(scope="session")
def assay_suite(pytestconfig: pytest.Config) -> Suite:
    """The subject and the reference, started."""
    return the_suite(pytestconfig)

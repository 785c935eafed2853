"""What the catalogue covers of PyTorch, and how diverse what it draws is."""

from __future__ import annotations

from collections import Counter
from multiprocessing.connection import wait
from typing import Any

from assay.catalog import catalog, everything
from assay.catalog.omitted import OMITTED
from assay.drawing import traits
from assay.plan import Plan, policy_of
from assay.subjects import parse
from assay.surface import load_surface

#: What every operation's cases ought to show where its arguments allow it, in the order of the table.
COLUMNS = (
    "empty",
    "0-dim",
    "non-contiguous",
    "expanded",
    "nan",
    "inf",
    "-0.0",
    "subnormal",
    "huge",
    "ties",
    "mixed-dtype",
    "mixed-rank",
    "gradients",
    "gradients2",
)
LEAST_VALID = 0.70
#: Counted where they were answered, not where they were asked for.
_DERIVATIVES = frozenset(("gradients", "gradients2"))


def coverage_lines(uncovered: bool) -> list[str]:
    """The share of each part of PyTorch's surface that the catalogue covers."""
    surface = load_surface()
    coverage = surface.coverage(catalog())
    parts: dict[str, Counter[str]] = {}
    for op in coverage.covered + coverage.uncovered:
        part = op.rpartition(".")[0] or "torch, Tensor"
        parts.setdefault(part, Counter())["covered" if op in coverage.covered else "lacking"] += 1
    width = max(map(len, parts))
    lines = [f"PyTorch {surface.version}: {len(surface.names)} public names, {len(surface.operations())} operations"]
    lines += [
        f"  {part.ljust(width)}  {n['covered']:>4} of {n.total():>4}  {n['covered'] / n.total():6.1%}"
        for part, n in sorted(parts.items(), key=lambda item: -item[1].total())
    ]
    lines.append(
        f"  {'all'.ljust(width)}  {len(coverage.covered):>4} of {len(surface.operations()):>4}  {coverage.share:6.1%}"
    )
    count = len(everything()) - len(catalog())
    lines.append(f"beside them {count} families of random programs, which are no operations (assay list 'programs.*')")
    if coverage.unknown:
        lines.append(f"in the catalogue but not in the record: {', '.join(coverage.unknown)}")
    lines += [f"left out: {op}: {OMITTED[op]}" for op in coverage.uncovered if op in OMITTED]
    if uncovered:
        lines.append("lacking, for no reason:")
        lines += [f"  {op}" for op in coverage.uncovered if op not in OMITTED] or ["  none"]
        lines.append("names that are no operation on dense tensors:")
        lines += [f"  {len(paths):>4}  {reason}" for reason, paths in coverage.left_out.items()]
    return lines


def draws_report(ops: list[str], profile: str, seed: int) -> tuple[list[str], bool]:
    """(lines, whether every operation has at least 70% valid draws): valid share and diversity by operation.

    A draw is valid when real PyTorch accepts it. The table counts the valid cases that show a trait.
    """
    from assay.feed import Feed

    plan = Plan(parse("torch"), profile=profile, seed=seed)
    draws: dict[str, Counter[str]] = {op: Counter() for op in ops}
    shown: dict[str, Counter[str]] = {op: Counter() for op in ops}
    variants: dict[str, Counter[str]] = {op: Counter() for op in ops}
    feed = Feed(ops, profile, seed)
    try:
        for case, outcome in _answers(plan, feed):
            count = draws[case.op]
            count["drawn"] += 1
            count["bad"] += case.invalid
            accepted = outcome.status == "returned"
            count["valid"] += accepted
            count["unexpected"] += not accepted and not case.invalid
            if accepted:
                variants[case.op][case.variant] += 1
                shown[case.op].update((traits(case) - _DERIVATIVES) | set(_derivatives(outcome)))
    finally:
        feed.close()
    width = max(map(len, ops))
    lines = [f"{'operation'.ljust(width)}  drawn valid  share   bad unexpected"]
    good = True
    for op in ops:
        n = draws[op]
        share = n["valid"] / n["drawn"] if n["drawn"] else 0.0
        good &= share >= LEAST_VALID
        sign = "" if share >= LEAST_VALID else "  < 70%"
        lines.append(
            f"{op.ljust(width)}  {n['drawn']:5} {n['valid']:5} {share:6.1%} {n['bad'] / max(n['drawn'], 1):5.1%} "
            f"{n['unexpected']:10}{sign}"
        )
    total = sum(draws.values(), Counter())
    lines.append(
        f"{'all'.ljust(width)}  {total['drawn']:5} {total['valid']:5} {total['valid'] / max(total['drawn'], 1):6.1%} "
        f"{total['bad'] / max(total['drawn'], 1):5.1%} {total['unexpected']:10}"
    )
    lines += ["", "valid cases that show a trait:", f"{'operation'.ljust(width)}  {'  '.join(COLUMNS)}  variants"]
    for op in ops:
        fields = "  ".join(str(shown[op][c] or "·").rjust(len(c)) for c in COLUMNS)
        told = " ".join(f"{v}:{variants[op][v] or 'NONE'}" for v in everything()[op].variants)
        lines.append(f"{op.ljust(width)}  {fields}  {told}")
    return lines, good


def _derivatives(outcome: Any) -> list[str]:
    return [name for name in ("gradients", "gradients2") if getattr(outcome, name) is not None]


def _answers(plan: Plan, feed: Any) -> Any:
    """(case, outcome) for all cases of the feed, by two plain workers."""
    from assay.pool import Pool

    pool = Pool(plan.subject, "subject", plan.limits, ("gradients",), 2)
    try:
        pool.ready()
        cases: dict[int, Any] = {}
        taken = 0
        while not feed.done:
            batch = feed.take()
            jobs = [(taken + i, case, policy_of(case.op)) for i, case in enumerate(batch)]
            taken += len(jobs)
            cases.update((n, case) for n, case, _ in jobs)
            pool.submit(jobs)
            while len(cases) > (0 if feed.done else 128):
                wait(pool.connections, timeout=0.05)
                for number, outcome in pool.collect():
                    yield cases.pop(number), outcome
    finally:
        pool.close()

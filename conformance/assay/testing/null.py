"""Torch against torch: two processes that differ in threads or CPU capability must agree in every verdict.

python -m assay.testing.null [--seed 0] [--capability avx2] [--threads 2] [--profile quick] [--only GLOB]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assay.case import Case
from assay.feed import Feed
from assay.outcome import Verdict
from assay.plan import Plan, select
from assay.record import Judged
from assay.runner import Session
from assay.subjects import parse


@dataclass(frozen=True, slots=True)
class Difference:
    """A verdict that is not clean although both sides are PyTorch."""

    case: Case
    verdict: Verdict


@dataclass(slots=True)
class Null:
    """What torch against torch gave: cases, verdicts by (aspect, status), differences, unjudged shares by operation."""

    cases: int
    counts: Counter[tuple[str, str]]
    differences: list[Difference]
    unjudged: dict[str, float]


def null_test(
    only: Sequence[str] = (),
    profile: str = "quick",
    seed: int = 0,
    capability: str = "",
    threads: int = 1,
    on_judged: Callable[[Judged], None] = lambda judged: None,
) -> Null:
    """Judge torch (with another capability or number of threads) by torch. Raises what a run raises."""
    subject = replace(parse("torch"), capability=capability, threads=threads)
    plan = Plan(subject, tuple(only), profile=profile, seed=seed)
    counts: Counter[tuple[str, str]] = Counter()
    differences, elements, unjudged = [], Counter[str](), Counter[str]()
    cases = 0
    with Session(plan) as session:
        feed = Feed(select(only), profile, seed, session.plan.made_of)
        try:
            for judged in session.judged(feed):
                cases += 1
                on_judged(judged)
                for verdict in judged.verdicts:
                    counts[verdict.aspect, verdict.status] += 1
                    elements[judged.case.op] += verdict.elements
                    unjudged[judged.case.op] += verdict.unjudged
                    if verdict.status not in ("conforms", "unjudged") or judged.harness_error:
                        differences.append(Difference(judged.case, verdict))
        finally:
            feed.close()
    shares = {op: unjudged[op] / elements[op] for op in elements if elements[op] and unjudged[op]}
    return Null(cases, counts, differences, shares)


def _tell(judged: Judged) -> None:
    for verdict in judged.verdicts:
        if verdict.status not in ("conforms", "unjudged") or judged.harness_error:
            case = judged.case
            print(f"{case.op} {case.variant} {verdict.aspect} {verdict.status}: {verdict.detail}\n    {case.to_json()}")
            sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit code 0 when torch conforms to itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--capability", default="")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    null = null_test(options.only, options.profile, options.seed, options.capability, options.threads, _tell)
    print(f"{null.cases} cases; " + ", ".join(f"{a} {s} {n}" for (a, s), n in sorted(null.counts.items())))
    for op, share in sorted(null.unjudged.items(), key=lambda pair: -pair[1])[:20]:
        print(f"unjudged {share:6.2%} {op}")
    print(f"{len(null.differences)} differences")
    return 1 if null.differences else 0


if __name__ == "__main__":
    sys.exit(main())

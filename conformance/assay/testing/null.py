"""Torch against torch: two processes that differ in threads or CPU capability must agree in every verdict.

python -m assay.testing.null --seed 0 --capability avx2 --threads 1 [--profile quick] [--only GLOB]
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.case import Case
from assay.drawing import draw_cases, select
from assay.execute import Want, answer
from assay.judge import judge
from assay.outcome import Verdict
from assay.policy import Policy
from assay.truth import reference_answer


def jobs(only: Sequence[str], profile: str, seed: int) -> Iterator[tuple[Case, Policy]]:
    """The cases of a selection with their policies."""
    for entry in select(only):
        for case in draw_cases(entry, profile, seed):
            yield case, entry.policy


def write_answers(work: Iterable[tuple[Case, Policy]], role: str, threads: int, path: Path) -> None:
    """Put every case to torch in this process and pickle what it answers."""
    import torch

    torch.set_num_threads(threads)
    torch.set_warn_always(True)
    answers: list[Any] = []
    for case, policy in work:
        if role == "reference":
            answers.append(reference_answer(case, torch, policy))
        else:
            answers.append(answer(case, torch, want=Want.of(policy)))
    path.write_bytes(pickle.dumps(answers))


def answers_elsewhere(
    only: Sequence[str], profile: str, seed: int, role: str, path: Path, capability: str = "", threads: int = 1
) -> subprocess.Popen[bytes]:
    """Start a process that writes its answers to `path`."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    if capability:
        environment["ATEN_CPU_CAPABILITY"] = capability
    command = [sys.executable, "-m", __spec__.name if __spec__ else "assay.testing.null", "--write", str(path)]
    command += ["--role", role, "--profile", profile, "--seed", str(seed), "--threads", str(threads)]
    for glob in only:
        command += ["--only", glob]
    return subprocess.Popen(command, env=environment)


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
    only: Sequence[str] = (), profile: str = "quick", seed: int = 0, capability: str = "", threads: int = 1
) -> Null:
    """Judge torch (with another capability or number of threads) by torch."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("reference", "subject")]
        running = [
            answers_elsewhere(only, profile, seed, "reference", paths[0]),
            answers_elsewhere(only, profile, seed, "subject", paths[1], capability, threads),
        ]
        codes = [process.wait() for process in running]
        if any(codes):
            raise RuntimeError(f"a process of the null test ended with {codes}")
        references, subjects = (pickle.loads(path.read_bytes()) for path in paths)
    counts: Counter[tuple[str, str]] = Counter()
    differences, elements, unjudged = [], Counter[str](), Counter[str]()
    cases = 0
    for (case, policy), reference, subject in zip(jobs(only, profile, seed), references, subjects, strict=True):
        cases += 1
        for verdict in judge(case, reference, subject, policy, same_capability=not capability):
            counts[verdict.aspect, verdict.status] += 1
            elements[case.op] += verdict.elements
            unjudged[case.op] += verdict.unjudged
            if verdict.status not in ("conforms", "unjudged"):
                differences.append(Difference(case, verdict))
    shares = {op: unjudged[op] / elements[op] for op in elements if elements[op] and unjudged[op]}
    return Null(cases, counts, differences, shares)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Exit code 0 when torch conforms to itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--capability", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--role", default="")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    if options.write:
        write_answers(jobs(options.only, options.profile, options.seed), options.role, options.threads, options.write)
        return 0
    null = null_test(options.only, options.profile, options.seed, options.capability, options.threads)
    print(f"{null.cases} cases; " + ", ".join(f"{a} {s} {n}" for (a, s), n in sorted(null.counts.items())))
    for op, share in sorted(null.unjudged.items(), key=lambda pair: -pair[1])[:20]:
        print(f"unjudged {share:6.2%} {op}")
    for difference in null.differences:
        case, verdict = difference.case, difference.verdict
        print(f"{case.op} {case.variant} {verdict.aspect} {verdict.status}: {verdict.detail}\n    {case.to_json()}")
    return 1 if null.differences else 0


if __name__ == "__main__":
    sys.exit(main())

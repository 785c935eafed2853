"""How many draws real PyTorch accepts: `python -m assay.catalog.check [--only GLOB] [--seed N] [--profile P]`.

Prints per operation the draws meant as valid, the share accepted, and the refusals by text; and of those meant to be
refused, the share that was. Needs torch; the drawing itself does not.
"""

from __future__ import annotations

import argparse
import collections
import re
import time
from typing import Any

from assay.case import Case
from assay.drawing import draw_cases, select
from assay.policy import Policy


def first_line(error: BaseException) -> str:
    """Numbers stand for one another, so that refusals of one kind count together."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {re.sub(r'-?[0-9]+', '#', lines[0])[:110]}"


def refusal(case: Case, module: Any) -> str | None:
    """Why `module` refuses the case; None where it answers. Other failures of the harness are raised."""
    from assay.inputs import Builder
    from assay.subjects.adapter import Missing, adapted

    side = adapted(module)
    side.reset(case.seed, case.default_dtype)
    inputs = Builder(case, side).build()
    try:
        function, args = side.resolve(case.call, inputs.args)
    except Missing:
        return f"missing: {case.call}"
    try:
        function(*args, **inputs.kwargs)
    except Exception as error:
        return first_line(error)
    return None


def gradient_refusal(case: Case, module: Any, policy: Policy) -> str | None:
    """What the derivatives of an accepted case raise."""
    from assay.execute import Want, answer

    outcome = answer(case, module, want=Want.of(policy, ("gradients",)))
    error = outcome.gradient_error
    return None if error is None else f"{error.stage}: {first_line(RuntimeError(error.text))}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="assay.catalog.check", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="standard")
    parser.add_argument("--texts", type=int, default=5, help="refusals shown per operation")
    parser.add_argument("--below", type=float, default=2.0, help="show only operations accepted less than this share")
    parser.add_argument("--example", action="store_true", help="show one case of each refusal")
    parser.add_argument("--gradients", action="store_true", help="ask for the derivatives, too")
    options = parser.parse_args()

    import warnings

    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    total: collections.Counter[str] = collections.Counter()
    for entry in select(options.only):
        start = time.perf_counter()
        cases = list(draw_cases(entry, options.profile, options.seed))
        took = time.perf_counter() - start
        count: collections.Counter[str] = collections.Counter()
        texts: collections.Counter[str] = collections.Counter()
        examples: dict[str, Case] = {}
        for case in cases:
            text = refusal(case, torch)
            if text is None and options.gradients and case.order:
                text = gradient_refusal(case, torch, entry.policy)
            kind = "bad" if case.invalid else "good"
            count[kind] += 1
            if text is None:
                count[f"{kind} accepted"] += 1
            elif not case.invalid:
                texts[text] += 1
                examples.setdefault(text, case)
        total.update(count)
        share = count["good accepted"] / max(count["good"], 1)
        if share < options.below:
            refused = 1 - count["bad accepted"] / max(count["bad"], 1)
            print(
                f"{entry.op:28} {count['good']:5} draws {share:6.1%} accepted ({count['good accepted']}); "
                f"{count['bad']:4} bad {refused:6.1%} refused; drawn in {took * 1000:.0f} ms",
                flush=True,
            )
            for text, n in texts.most_common(options.texts):
                print(f"    {n:4} {text}")
                if options.example:
                    c = examples[text]
                    print(f"         {c.call} {c.args} {c.kwargs} order={c.order}")
    print(f"all: {total['good']} good, {total['good accepted'] / max(total['good'], 1):.1%} accepted; "
          f"{total['bad']} bad, {1 - total['bad accepted'] / max(total['bad'], 1):.1%} refused")  # fmt: skip


if __name__ == "__main__":
    main()

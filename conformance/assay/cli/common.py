"""What the commands share: exit codes, and checks of what was typed."""

from __future__ import annotations

import json
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

import click

from assay.case import Case
from assay.plain import decode

CONFORMS, DEVIATES, ERROR, NO_CASES = 0, 1, 2, 5
LEVEL_NAMES = ("core", "gradients", "errors", "fidelity")
PROFILE_NAMES = ("quick", "standard", "deep")
_IN_SCRIPT = re.compile(r"^CASE = r'''(.*)'''$", re.MULTILINE)


def fail(text: str) -> NoReturn:
    click.echo(f"assay: {text}", err=True)
    sys.exit(ERROR)


def check_names(only: tuple[str, ...], source: str = "") -> list[str]:
    """The operations that `only`, typed or read in a file, selects. Exits with 2 on an unknown name."""
    from assay.catalog import everything
    from assay.plan import select
    from assay.surface import load_surface

    known = list(everything())
    for name in only:
        if name in known or any(c in name for c in "*?["):
            continue
        near = get_close_matches(name, known, 5, 0.5)
        offered = name in load_surface().operations_by_name
        why = "is an operation of PyTorch that the catalogue does not have yet" if offered else "is not an operation"
        fail(f"{source}{name!r} {why}; nearest in the catalogue: {', '.join(near) if near else 'none'}")
    return select(only)


def check_dtypes(given: tuple[str, ...], source: str = "") -> tuple[str, ...]:
    """The dtypes of lists, typed or read in a file. Exits with 2 on an unknown name."""
    from assay.dtypes import ALL

    names = tuple(d.removeprefix("torch.") for one in given for d in one.split(",") if d)
    for name in names:
        if name not in ALL:
            near = get_close_matches(name, ALL, 3)
            fail(f"{source}{name!r} is not a dtype; {'nearest' if near else 'one of'}: {', '.join(near or ALL)}")
    return names


def check_aspects(
    subject: str, levels: tuple[str, ...], aspects: tuple[str, ...], skipped: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(levels, aspects) of a run. Exits with 2 on an unknown aspect."""
    from assay.judge import ASPECTS, aspects_of

    for name in (*aspects, *skipped):
        if name not in ASPECTS:
            near = get_close_matches(name, ASPECTS, 3)
            fail(f"{name!r} is not an aspect; {'nearest' if near else 'one of'}: {', '.join(near or ASPECTS)}")
    levels = levels or ("core", "gradients")
    chosen = aspects or aspects_of(levels)
    return levels, tuple(a for a in ASPECTS if a in chosen and a not in skipped)


def read_cases(given: str) -> list[Case]:
    """Cases as JSON, from a file, or from standard input for "-": one case or a list of them, one case a line, a result
    with failures, or the script of a failure."""
    path = Path(given)
    try:
        text = given if given.lstrip().startswith("{") else sys.stdin.read() if given == "-" else path.read_text()
        script = _IN_SCRIPT.search(text)
        if path.suffix == ".py" and script is not None:
            text = script[1]
        try:
            data = json.loads(text)
        except json.JSONDecodeError:
            data = [json.loads(line) for line in text.splitlines() if line.strip()]
        if isinstance(data, dict) and "failures" in data:
            data = [failure["case"] for failure in data["failures"]]
        cases = [decode(one) for one in (data if isinstance(data, list) else [data])]
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError) as error:
        fail(f"{given} holds no case: {type(error).__name__}: {error}")
    for case in cases:
        if not isinstance(case, Case):
            fail(f"{given} holds no case but {str(case)[:80]}")
    return cases

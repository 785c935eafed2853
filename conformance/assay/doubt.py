"""A second look before anybody is blamed for an error of finitely many units.

The scale of an error is the largest change by a few perturbations, which may all miss by chance: at one in some
thousand elements. Where such an error is refused, the reference is asked with more of them, and judged again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from assay.outcome import Verdict
from assay.policy import Policy

#: Perturbations of the second look.
LOOKS = 8


def in_doubt(verdicts: Iterable[Verdict]) -> bool:
    """Whether some deviation is an error of finitely many units."""
    return any(v.status == "deviates" and v.measure is not None and math.isfinite(v.measure) for v in verdicts)


def careful(policy: Policy) -> Policy:
    """The policy of a second look."""
    return replace(policy, looks=LOOKS)

"""Whether two samples come from one distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.outcome import TensorData
from assay.tolerance import FLOATING, raw_array, wide_array


def other_distribution(mine: TensorData, theirs: TensorData) -> str:
    """Why two samples do not come from one distribution (two-sample Kolmogorov–Smirnov at 1e-9), or ""."""
    if theirs.dtype in FLOATING:
        ours, reference = wide_array(mine).reshape(-1), wide_array(theirs).reshape(-1)
    else:
        ours, reference = (raw_array(t).reshape(-1).astype(np.float64) for t in (mine, theirs))
    parts: list[Callable[[Any], Any]] = [np.real, np.imag] if np.iscomplexobj(reference) else [np.real]
    for part in parts:
        a, b = np.sort(part(ours)), np.sort(part(reference))
        if np.isfinite(a).all() != np.isfinite(b).all():
            return "non-finite values where the reference draws finite ones, or the reverse"
        both = np.concatenate([a, b])
        distance = np.abs(np.searchsorted(a, both, "right") - np.searchsorted(b, both, "right")).max(initial=0) / max(
            a.size, 1
        )
        if distance > np.sqrt(np.log(2 / 1e-9) / 2 * 2 / max(a.size, 1)):
            return f"another distribution than the reference's (Kolmogorov–Smirnov distance {distance:.2f})"
    return ""

"""Anomaly detection: gradients are searched for NaN (https://docs.pytorch.org/docs/stable/autograd.html#anomaly-detection)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flambeau.declare import export

if TYPE_CHECKING:
    from flambeau.autograd.node import Node

enabled = False
_nan = True


def check(n: Node, results: Sequence[Any]) -> None:
    """Raise RuntimeError if a gradient holds NaN."""
    if not _nan:
        return
    for i, d in enumerate(results):
        if d is not None and d.isnan().any():
            warnings.warn(
                f"Error detected in {n.name()}. No forward pass information available. Enable detect anomaly during "
                "forward pass for more information.",
                UserWarning,
                stacklevel=6,
            )
            raise RuntimeError(f"Function '{n.name()}' returned nan values in its {i}th output.")


def _set(mode: bool, check_nan: bool) -> None:
    global enabled, _nan
    enabled, _nan = mode, check_nan


class set_detect_anomaly:
    """Turn anomaly detection on or off, at once; undone where used as a context manager."""

    __module__ = "torch.autograd.anomaly_mode"

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.previous = enabled, _nan
        _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _set(*self.previous)


class detect_anomaly:
    """Context manager: anomaly detection is on inside."""

    __module__ = "torch.autograd.anomaly_mode"

    def __init__(self, check_nan: bool = True) -> None:
        self.previous = enabled, _nan
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            UserWarning,
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self.previous = enabled, _nan
        _set(True, self.check_nan)

    def __exit__(self, *_: object) -> None:
        _set(*self.previous)


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether it searches for NaN."""
    return _nan


for _f in (set_detect_anomaly, detect_anomaly):
    export(_f.__name__, _f, "autograd")
for _query in (is_anomaly_enabled, is_anomaly_check_nan_enabled):
    export(_query.__name__, _query)

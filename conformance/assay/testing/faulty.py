"""Hand-planted faults of every kind; `assay.testing.faulty_torch` makes a subject of each."""

from __future__ import annotations

from assay.testing import faulty_behaviour, faulty_forms, faulty_values  # noqa: F401  each registers its faults
from assay.testing.fault import FAULTS, Fault

#: Faults that end or block the process: they need a worker of their own.
DEADLY = {"exp_crashes": "crash", "sum_exits": "crash", "exp_hangs": "timeout", "sum_eats_memory": "memory"}

__all__ = ["DEADLY", "FAULTS", "Fault"]

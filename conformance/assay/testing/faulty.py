"""Hand-planted faults of every kind; `assay.testing.faulty_torch` makes a subject of each."""

from __future__ import annotations

from assay.testing import (  # noqa: F401  each registers its faults
    faulty_behaviour,
    faulty_forms,
    faulty_values,
    table_creation,
    table_elementwise,
    table_layers,
    table_reductions,
    table_shapes,
    table_spatial,
    table_transforms,
)
from assay.testing.fault import FAULTS, Fault

#: Faults that end or block the process: they need a worker of their own.
DEADLY = {
    "exp_crashes": "crash",
    "sum_exits": "crash",
    "exp_hangs": "timeout",
    "arange_hangs_on_a_step_of_zero": "timeout",
    "sum_eats_memory": "memory",
}

__all__ = ["DEADLY", "FAULTS", "Fault"]

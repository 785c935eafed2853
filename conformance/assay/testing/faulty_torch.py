"""Torch with one planted fault: `assay run assay.testing.faulty_torch.sum_wrong` must fail and blame `sum`.

Each fault is an attribute of this module; taking it plants the fault in the process's own torch and gives torch.
"""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from assay.testing.faulty import FAULTS

    if name not in FAULTS:
        raise AttributeError(f"no fault is called {name!r}; there are {', '.join(FAULTS)}")
    import torch

    FAULTS[name].plant(torch)
    return torch

"""What is saved beside the times: versions and the machine's instruction set; and the table of ratios at the end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

import flambeau

sys.path.insert(0, str(Path(__file__).parent))


def pytest_benchmark_update_machine_info(config: Any, machine_info: dict[str, Any]) -> None:
    """Add the versions that decide the times."""
    machine_info["versions"] = {
        "torch": torch.__version__,
        "flambeau": flambeau.__version__,
        "numpy": np.__version__,
        "python": sys.version.split()[0],
    }
    machine_info["torch_cpu_capability"] = torch.backends.cpu.get_cpu_capability()
    machine_info["threads"] = os.environ.get("OMP_NUM_THREADS", "1 in torch, NumPy's BLAS as it comes")


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """flambeau's time ÷ PyTorch's, test by test; assay's throughput."""
    session = getattr(config, "_benchmarksession", None)
    found = getattr(session, "benchmarks", [])
    rows = [b for b in found if "ratio" in b.extra_info]
    if rows:
        terminalreporter.section("flambeau beside PyTorch, 1 thread, µs of process time")
    for b in rows:
        info = b.extra_info
        terminalreporter.write_line(
            "{:52} torch {torch_us:11.2f}  flambeau {flambeau_us:11.2f}  ratio {ratio:6.2f}".format(b.name, **info)
        )
    runs = [b for b in found if "cases_per_core_second" in b.extra_info]
    if runs:
        terminalreporter.section("judged cases a second and a core; µs of processor time a case")
    for b in runs:
        parts = ", ".join(f"{name} {us}" for name, us in b.extra_info["us_per_case"].items())
        terminalreporter.write_line(f"{b.name:52} {b.extra_info['cases_per_core_second']:6}   {parts}")

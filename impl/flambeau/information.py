"""What one asks of an installation: versions, BLAS, threads, devices."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _blas() -> str:
    import numpy as np

    config = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {}) if isinstance(config, dict) else {}
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            names = [line.partition(":")[2].strip() for line in f if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def report() -> str:
    """A few lines of text."""
    import flambeau

    lines = [
        ("flambeau", flambeau.__version__),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("CPU", _cpu()),
        ("NumPy", _version("numpy")),
        ("BLAS", _blas()),
        ("SciPy", _version("scipy")),
        ("ml-dtypes", _version("ml-dtypes")),
        ("threads", str(flambeau.get_num_threads())),
        ("devices", "cpu, meta"),
        ("CUDA", "kernels compile (python -m flambeau.cuda.check); running on a device is not implemented"),
        ("cuda-core", _version("cuda-core")),
        ("NVRTC", _version("nvidia-cuda-nvrtc")),
    ]
    return "\n".join(f"{name + ':':<12}{text}" for name, text in lines)

"""The CUDA packages flambeau compiles with, imported only when asked for."""

from __future__ import annotations

import importlib
import os
import threading
from pathlib import Path
from types import ModuleType

# cuda.core puts another module in its own place while it is imported; a second thread would find that one half made.
_IMPORTING = threading.RLock()
_HINT = "the CUDA packages are not installed: pip install 'torch-assay[cuda]'"


def require(module: str) -> ModuleType:
    """Import a module of the CUDA packages; ImportError says which extra provides it."""
    try:
        with _IMPORTING:
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "cuda":
            raise
        raise ImportError(f"cannot import {module}: {_HINT}", name=module) from error


def include_directory() -> str:
    """Directory of ``cuda_fp16.h`` and its like; ImportError if it is nowhere."""
    found = require("cuda.pathfinder").find_nvidia_header_directory("cudart")
    if found is None or not Path(found, "cuda_fp16.h").exists():
        raise ImportError(f"cannot find the CUDA headers (cuda_fp16.h): {_HINT}")
    return str(found)


def cache_directory() -> Path:
    """Where compiled kernels are kept: ``$FLAMBEAU_CACHE``, else ``flambeau`` in the user's cache directory."""
    chosen = os.environ.get("FLAMBEAU_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(chosen) if chosen else Path(base) / "flambeau"
    path.mkdir(parents=True, exist_ok=True)
    return path

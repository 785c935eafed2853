"""Compile CUDA C++ with g++ and ``cuda_host.h``, and launch its kernels on arrays in ordinary memory."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from flambeau.cuda.launch import Launch
from flambeau.cuda.packages import cache_directory, include_directory
from flambeau.cuda.templates import KERNELS, headers_digest

HEADER = Path(__file__).parent / "cuda_host.h"
# Integers wrap on a GPU; contraction would differ from NumPy by a rounding. NVIDIA's headers and unroll pragmas warn.
FLAGS = ("-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-fwrapv", "-w")

_SHIM = """
extern "C" __attribute__((visibility("default")))
const char* launch_{index}(const unsigned* g, size_t shared, const void* packed, size_t bytes, unsigned order) {{
  return cuda_host::launch({expression}, dim3(g[0], g[1], g[2]), dim3(g[3], g[4], g[5]), shared, packed, bytes, order);
}}
"""


class KernelError(RuntimeError):
    """A kernel failed on the host: a wait without end, a trap, or a launch the GPU would refuse."""


def compiler() -> str:
    """The C++ compiler, ``$CXX`` or g++; FileNotFoundError if there is none."""
    command = os.environ.get("CXX", "g++")
    if shutil.which(command) is None:
        raise FileNotFoundError(f"no C++ compiler: {command} is not on PATH")
    return command


class HostModule:
    """Kernels compiled for the CPU.

    ``source`` is CUDA C++; ``expressions`` name the instances to build, as for NVRTC. The shared library is kept in
    the cache. Raises RuntimeError with g++'s messages when the source does not compile.
    """

    def __init__(self, source: str, expressions: Iterable[str], optimize: str = "-O1") -> None:
        self._index = {expression: i for i, expression in enumerate(dict.fromkeys(expressions))}
        shims = (_SHIM.format(index=i, expression=expression) for expression, i in self._index.items())
        text = f'#line 1 "module.cu"\n{source}' + '\n#line 1 "launch.cpp"\n' + "".join(shims)
        self._library = ctypes.CDLL(str(_build(text, optimize)))

    def launch(self, launch: Launch, order: int = 0, shared: int = 0) -> None:
        """Run one launch. ``order``: 0 threads ascending, 1 descending, any other number seeds a random order.

        Raises KernelError when the kernel fails, KeyError for an expression that was not built.
        """
        function = getattr(self._library, f"launch_{self._index[launch.expression]}")
        function.restype = ctypes.c_char_p
        sizes = (ctypes.c_uint * 6)(*(*launch.grid, 1, 1)[:3], *(*launch.block, 1, 1)[:3])
        error = function(
            sizes,
            ctypes.c_size_t(shared),
            launch.arguments,
            ctypes.c_size_t(len(launch.arguments)),
            ctypes.c_uint(order),
        )
        if error:
            raise KernelError(f"{launch.expression}: {error.decode()}")


def _build(text: str, optimize: str) -> Path:
    folders = (KERNELS, HEADER.parent, include_directory())
    command = [compiler(), *FLAGS, optimize, *(f"-I{folder}" for folder in folders), "-include", str(HEADER)]
    identity = "\0".join((text, HEADER.read_text(), headers_digest(), *command))
    folder = cache_directory() / "host"
    folder.mkdir(exist_ok=True)
    library = folder / (hashlib.sha256(identity.encode()).hexdigest()[:32] + ".so")
    if not library.exists():
        # Written aside and renamed: another process may build the same module.
        mine = library.with_suffix(f".{os.getpid()}")
        run = subprocess.run([*command, "-x", "c++", "-", "-o", str(mine)], input=text, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(f"{shlex.join(command)} failed:\n{_errors(run.stderr)}")
        os.replace(mine, library)
    return library


def _errors(log: str, limit: int = 20) -> str:
    """g++'s errors, each with the line it quotes and the mark beneath, without notes and instantiations."""
    lines = log.splitlines()
    found = [lines[i : i + 3] for i, line in enumerate(lines) if "error:" in line]
    return "\n".join(line for error in found[:limit] for line in error) or log[:4000]

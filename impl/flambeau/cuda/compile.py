"""CUDA C++ to machine code with NVRTC through cuda.core; needs no GPU and no driver.

Compiled modules are kept on disk: the cubin in cuda.core's program cache, and beside it, as JSON, the mangled names
and resources of its kernels. The key covers source, headers, names, architecture and compiler.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from flambeau.cuda.packages import cache_directory, include_directory, require
from flambeau.cuda.templates import KERNELS, headers_digest

STANDARD = "c++20"
MODULE = "module.cu"
SIDECAR = "2"  # version of what stands in the JSON


class CompileError(RuntimeError):
    """NVRTC refused the source; the text is its messages with the lines they speak of."""


@dataclass(frozen=True)
class Resources:
    """What ptxas says one kernel takes: registers a thread, bytes of static shared memory, spills and stack."""

    registers: int
    shared: int
    spills: int
    stack: int


@dataclass(frozen=True)
class Module:
    """Machine code for one architecture: ``names`` are mangled, by name expression, ``resources`` likewise.

    ``warnings`` are the compiler's, each with the line it speaks of.
    """

    arch: str
    cubin: bytes
    names: dict[str, str]
    resources: dict[str, Resources]
    warnings: tuple[str, ...] = ()


def compile_module(source: str, expressions: Iterable[str], *, arch: str, use_cache: bool = True) -> Module:
    """Compile the instances named by ``expressions``.

    ``arch`` must be given, for instance "sm_90". Raises CompileError for bad source, ImportError when the CUDA packages
    are absent.
    """
    wanted = tuple(dict.fromkeys(expressions))
    if not wanted:
        raise ValueError("no kernel to compile: give at least one name expression")
    if not re.fullmatch(r"sm_\d+[af]?", arch):
        raise ValueError(f"arch must be of the form sm_90, got {arch!r}")
    key = _key(source, wanted, arch)
    if use_cache:
        with _program_cache() as kept:
            cubin, names = kept.get(key), kept.get(f"{key}.json")
        if cubin is not None and names is not None:
            return _from_sidecar(arch, cubin, json.loads(names))
    module = _compile(source, wanted, arch)
    if use_cache:
        resources = {expression: asdict(takes) for expression, takes in module.resources.items()}
        sidecar = {"names": module.names, "resources": resources, "warnings": module.warnings}
        with _program_cache() as kept:
            kept[key] = module.cubin
            kept[f"{key}.json"] = json.dumps(sidecar).encode()
    return module


def _compile(source: str, expressions: tuple[str, ...], arch: str) -> Module:
    core = require("cuda.core")
    log = io.StringIO()
    options = core.ProgramOptions(
        name=MODULE,
        arch=arch,
        std=STANDARD,
        include_path=[str(KERNELS), include_directory()],
        ptxas_options=["-v"],
    )
    try:
        code = core.Program(source, "c++", options).compile("cubin", name_expressions=expressions, logs=log)
    except Exception as error:
        # NVRTC's own exception type lives in a private module; anything else than a refused source goes on unchanged.
        if type(error).__name__ != "NVRTCError":
            raise
        raise CompileError(explain(f"{error}\n{log.getvalue()}")) from error
    # ObjectCode must never be printed: its repr loads it, which needs a driver.
    names = {expression: _text(code.symbol_mapping[expression]) for expression in expressions}
    by_name = parse_resources(log.getvalue())
    if missing := [expression for expression, name in names.items() if name not in by_name]:
        raise CompileError(f"ptxas reported no resources for {missing[0]}:\n{log.getvalue()[:2000]}")
    resources = {expression: by_name[name] for expression, name in names.items()}
    return Module(arch, bytes(code.code), names, resources, parse_warnings(log.getvalue()))


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def parse_resources(log: str) -> dict[str, Resources]:
    """Resources by mangled kernel name out of the log of ``ptxas -v``."""
    entry = re.compile(r"Compiling entry function '(\S+)' for.*?\n(.*?)(?=ptxas info\s+: Compiling|\Z)", re.DOTALL)

    def number(pattern: str, text: str) -> int:
        found = re.search(pattern, text)
        return int(found[1]) if found else 0

    return {
        name: Resources(
            registers=number(r"Used (\d+) registers", body),
            shared=number(r"(\d+) bytes smem", body),
            spills=number(r"(\d+) bytes spill stores", body),
            stack=number(r"(\d+) bytes stack frame", body),
        )
        for name, body in entry.findall(log)
    }


def parse_warnings(log: str) -> tuple[str, ...]:
    """Warnings in NVRTC's and ptxas' log: the message, and the line of source beneath if it quotes one."""
    lines = log.splitlines()
    return tuple(
        "\n".join(lines[i : i + 2]).rstrip()
        for i, line in enumerate(lines)
        if re.search(r"\bwarning\s*[#:]", line, re.IGNORECASE)
    )


def explain(log: str, limit: int = 40) -> str:
    """NVRTC's messages, which quote the line they speak of, without the template instantiations that led there."""
    out: list[str] = []
    led_here = False
    for line in log.splitlines():
        # The path of instantiations is indented deeper than any message and ends with the next one.
        led_here = line.strip() == "detected during:" or (led_here and line.startswith(" " * 12))
        if not line.strip() or led_here or line.startswith("ptxas info"):
            continue
        out.append(line)
    return "\n".join([*out[:limit], *(["…"] if len(out) > limit else [])])


def _from_sidecar(arch: str, cubin: bytes, sidecar: dict[str, Any]) -> Module:
    resources = {e: Resources(**values) for e, values in sidecar["resources"].items()}
    return Module(arch, cubin, sidecar["names"], resources, tuple(sidecar["warnings"]))


def _program_cache() -> Any:
    return require("cuda.core.utils").FileStreamProgramCache(cache_directory() / "nvrtc", max_size_bytes=512 << 20)


@cache
def _compiler_version() -> str:
    version = require("cuda.bindings.nvrtc").nvrtcVersion()
    return f"nvrtc {version[1]}.{version[2]}, cuda.core {require('cuda.core').__version__}"


def _key(source: str, expressions: tuple[str, ...], arch: str) -> str:
    parts = (SIDECAR, source, headers_digest(), *expressions, arch, STANDARD, _compiler_version())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

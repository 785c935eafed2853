"""Compile every CUDA kernel of flambeau, without a GPU.

    python -m flambeau.cuda.check --arch sm_90 --host

compiles the kernels of every declared operation, and the reductions, with NVRTC for each architecture named and says
what they take; a warning or a spilled register is a failure. With --host it also builds the operations' with g++, runs
them on the CPU, and demands the same bits of every path and thread order. What was compiled is kept on disk by a digest
of source, headers and compiler, so that a second run costs seconds.
The exit status is 0 if all went well, 1 if a kernel failed, 2 if the call was wrong or something needed is missing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from flambeau.cuda.compile import CompileError, Module, compile_module
from flambeau.cuda.reduction import REDUCTIONS, SOURCE, reduction_instances
from flambeau.cuda.templates import ElementwiseKernel, instances, kernels_of, module_source, without_body

OPERATIONS = "flambeau.operation:OPERATIONS"
EXAMPLES = """\
examples:
  python -m flambeau.cuda.check --arch sm_90
  python -m flambeau.cuda.check --arch sm_80 --arch sm_90 --arch sm_100 --host
  python -m flambeau.cuda.check --arch sm_90 --only mul --only log --verbose
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    if not options.arch and not options.host:
        _parser().error("nothing to do: name an architecture with --arch, or give --host")
    try:
        operations = load_operations(options.operations)
        kernels, failures = kernels_in(operations), 0
        if options.only:
            if unknown := set(options.only) - {kernel.name for kernel in kernels}:
                raise LookupError(f"no CUDA body is declared for {', '.join(sorted(unknown))}")
            kernels = [kernel for kernel in kernels if kernel.name in options.only]
        if not kernels:
            raise LookupError(f"{options.operations} declares no CUDA body")
        if not options.only and (bodiless := without_body(operations)):
            failures += len(bodiless)
            print(f"elementwise operations without a CUDA body: {', '.join(bodiless)}")
        units = units_of(kernels, options.full) + ([] if options.only else reductions())
        for arch in options.arch:
            failures += check_nvrtc(units, arch, jobs=options.jobs, verbose=options.verbose)
        if options.host:
            failures += check_host(kernels, jobs=options.jobs)
    except (ImportError, LookupError, FileNotFoundError, ValueError) as error:
        print(f"flambeau.cuda.check: {error}", file=sys.stderr)
        return 2
    return 1 if failures else 0


def load_operations(where: str) -> list[object]:
    """What stands at ``module:attribute``, a mapping or an iterable of declarations or of kernels."""
    importlib.import_module("flambeau.ops")  # declares the operations
    module, _, attribute = where.partition(":")
    found: Any = getattr(importlib.import_module(module), attribute or "OPERATIONS", None)
    if found is None:
        raise LookupError(f"{module} has no {attribute or 'OPERATIONS'}")
    return list(found.values() if isinstance(found, Mapping) else found)


def kernels_in(operations: Iterable[object]) -> list[ElementwiseKernel]:
    """The kernels among ``operations``, and those of the declarations among them."""
    ready = [operation for operation in operations if isinstance(operation, ElementwiseKernel)]
    declared = [operation for operation in operations if not isinstance(operation, ElementwiseKernel)]
    return [*ready, *kernels_of(declared)]


class Unit(NamedTuple):
    """What is compiled at once: the kernels of one operation."""

    name: str
    source: str
    expressions: list[str]


def units_of(kernels: Iterable[ElementwiseKernel], full: bool = False) -> list[Unit]:
    """A unit for each elementwise operation; ``full`` asks for 64-bit indices on every dtype."""
    return [Unit(kernel.name, module_source([kernel]), instances(kernel, full)) for kernel in kernels]


def reductions() -> list[Unit]:
    """A unit for each reduction."""
    return [Unit(f"{name} (reduction)", SOURCE, reduction_instances(name)) for name in REDUCTIONS]


def check_nvrtc(
    units: Sequence[Unit], arch: str, *, jobs: int = 1, verbose: bool = False, say: Callable[[str], None] = print
) -> int:
    """Compile each operation's kernels for ``arch``; returns how many operations failed, warned or spilled."""

    def attempt(unit: Unit) -> Module | CompileError:
        try:
            return compile_module(unit.source, unit.expressions, arch=arch)
        except CompileError as error:
            return error

    start, done, failed, registers, spilled, warned = time.perf_counter(), 0, 0, Counter[int](), 0, 0
    with ThreadPoolExecutor(jobs) as pool:
        for position, (unit, outcome) in enumerate(zip(units, pool.map(attempt, units), strict=True), 1):
            head = f"[{position}/{len(units)}] {arch} {unit.name}"
            if isinstance(outcome, CompileError):
                failed += 1
                say(f"{head}: FAILED\n{outcome}")
                continue
            spills = sum(takes.spills > 0 for takes in outcome.resources.values())
            failed += bool(spills or outcome.warnings)
            spilled, warned = spilled + spills, warned + len(outcome.warnings)
            say(f"{head}: {_summary(outcome)} ({time.perf_counter() - start:.0f} s)")
            for warning in outcome.warnings:
                say(f"    {warning}")
            for expression, takes in outcome.resources.items():
                done += 1
                registers[takes.registers] += 1
                if verbose or takes.spills:
                    say(f"    {takes.registers:3} registers, {takes.spills} bytes spilled  {expression}")
    most = f", at most {max(registers)} registers a thread" if registers else ""
    say(
        f"{arch}: {done} kernels of {len(units)} operations in {time.perf_counter() - start:.1f} s"
        f"{most}, {spilled} with spills, {warned} warnings, {failed} operations failed"
    )
    return failed


def check_host(kernels: Sequence[ElementwiseKernel], *, jobs: int = 1, say: Callable[[str], None] = print) -> int:
    """Run each operation's kernels on the CPU along every path; returns how many operations failed."""
    from flambeau.cuda.host.consistency import host_module, inconsistencies

    def build(kernel: ElementwiseKernel) -> RuntimeError | None:
        try:
            host_module([kernel])
        except RuntimeError as error:
            return error
        return None

    start, failed = time.perf_counter(), 0
    # Built side by side, run one after another: the host's fibers belong to one thread.
    with ThreadPoolExecutor(jobs) as pool:
        for position, (kernel, refused) in enumerate(zip(kernels, pool.map(build, kernels), strict=True), 1):
            head = f"[{position}/{len(kernels)}] host {kernel.name}"
            try:
                found = [str(refused)] if refused else inconsistencies([kernel])
            except RuntimeError as error:  # a kernel failed while it ran
                found = [str(error)]
            failed += bool(found)
            verdict = "FAILED" if found else "every path and thread order agrees"
            say(f"{head}: {verdict} ({time.perf_counter() - start:.0f} s)")
            for line in found:
                say(f"    {line}")
    say(f"host: {len(kernels)} operations in {time.perf_counter() - start:.1f} s, {failed} failed")
    return failed


def _summary(module: Module) -> str:
    registers = [takes.registers for takes in module.resources.values()]
    spills = sum(takes.spills > 0 for takes in module.resources.values())
    warned = f", {len(module.warnings)} warnings" if module.warnings else ""
    return (
        f"{len(registers)} kernels, {min(registers)}–{max(registers)} registers, {spills or 'none'} with spills{warned}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flambeau.cuda.check",
        description="Compile every CUDA kernel of flambeau with NVRTC, and run it on the CPU; needs no GPU.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--arch", action="append", default=[], help="GPU architecture, such as sm_90; may be repeated")
    add("--host", action="store_true", help="also build with g++ and run on the CPU, in three orders of threads")
    add("--only", action="append", metavar="NAME", help="only this operation; may be repeated")
    add("--full", action="store_true", help="64-bit indices for every dtype, not for one dtype of each operation")
    jobs = os.cpu_count() or 1
    add(
        "--jobs",
        type=_positive,
        default=jobs,
        help="operations compiled at once (default %(default)s: this CPU's cores)",
    )
    add("--verbose", action="store_true", help="a line for each kernel: registers and spills")
    add("--operations", default=OPERATIONS, metavar="MODULE:NAME", help="where the declarations are (%(default)s)")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())

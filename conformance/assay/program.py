"""A random program as frozen plain data: calls of PyTorch one after the other, each on what came before.

Values are numbered: the case's tensors first, then the result of each step. A program travels as the last argument of a
case whose call is `CALL`; `assay.programs` draws, executes, simplifies and writes such cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from assay.plain import plain

#: What a case with a program "calls".
CALL = "program"
#: Operators that write into their first operand.
_UPDATES = ("iadd", "isub", "imul", "itruediv")
#: A step that is no call but Python's own choice: (condition, value where it holds, value where it does not).
CHOICE = "if"


@plain("ref")
@dataclass(frozen=True, slots=True)
class Ref:
    """The n-th value of a program; part: the item of it, where it is a tuple or list."""

    index: int
    part: int | None = None


@plain("step")
@dataclass(frozen=True, slots=True)
class Step:
    """One call ("torch.add", "Tensor.add_", "operator.setitem") with plain data, `Named` and `Ref` as arguments.

    guard: the step is left out where this value, a tensor of one element, is false; what it would have given is then
    its first operand. no_grad: the step is taken under `torch.no_grad()`.
    """

    call: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    guard: Ref | None = None
    no_grad: bool = False


@plain("program")
@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and which values are the answer."""

    steps: tuple[Step, ...]
    returns: tuple[Ref, ...]


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Plain data with every leaf put through `change`; sequences, dicts and slices keep their form."""
    kind = type(value)
    if kind in (tuple, list):
        return kind(mapped(v, change) for v in value)
    if kind is dict:
        return {k: mapped(v, change) for k, v in value.items()}
    if kind is slice:
        return slice(*(mapped(v, change) for v in (value.start, value.stop, value.step)))
    if kind is Program:
        return replace(
            value, steps=tuple(mapped(s, change) for s in value.steps), returns=mapped(value.returns, change)
        )
    if kind is Step:
        guard = None if value.guard is None else change(value.guard)
        return replace(value, args=mapped(value.args, change), kwargs=mapped(value.kwargs, change), guard=guard)
    return change(value)


def plain_leaves(value: Any) -> Iterator[Any]:
    """Every leaf of plain data, those of programs included."""
    found: list[Any] = []

    def keep(leaf: Any) -> Any:
        found.append(leaf)
        return leaf

    mapped(value, keep)
    return iter(found)


def program_of(case: Any) -> Program | None:
    """The program of a case; None where it has none."""
    found = case.args[-1] if case.args else None
    return found if isinstance(found, Program) else None


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What cases may be made of. Programs: calls of these operations (globs; all without any), and whether steps may
    write into memory or leave the graph, which a library without views and in-place updates has no word for. All
    cases: tensors of these dtypes as their first (any, where none of them will do), and whether inputs may require
    gradients."""

    operations: tuple[str, ...] = ()
    writes: bool = True
    dtypes: tuple[str, ...] = ()
    gradients: bool = True

    def claimed(self, call: str) -> bool:
        """Whether a step may make this call."""
        return not self.operations or _matches(operation_of(call), self.operations)

    def of(self, dtypes: Sequence[str]) -> tuple[str, ...]:
        """Those of `dtypes` that are allowed; all of them where none is."""
        return tuple(d for d in dtypes if not self.dtypes or d in self.dtypes) or tuple(dtypes)

    def allows(self, program: Program) -> bool:
        """Whether a program is made of nothing else."""
        if not all(self.claimed(s.call) for s in program.steps if s.call != CHOICE):
            return False
        return self.writes or not any(s.no_grad or in_place(s.call) for s in program.steps)


@cache
def _matches(op: str, globs: tuple[str, ...]) -> bool:
    return bool(op) and any(fnmatchcase(op, glob) for glob in globs)


def last_name(call: str) -> str:
    """ "add" for "torch.add", "Tensor.add_", "Tensor.__add__" and "operator.iadd"."""
    owner, _, name = call.rpartition(".")
    return name[1:] if owner == "operator" and name in _UPDATES else name.strip("_")


def in_place(call: str) -> bool:
    """Whether a call writes into its first operand, or changes its form."""
    owner, _, name = call.rpartition(".")
    if owner == "operator":
        return name == "setitem" or name in _UPDATES
    return owner == "Tensor" and name.endswith("_") and (not name.endswith("__") or name == "__setitem__")


def variant_of(call: str) -> str:
    """By which variant a step calls its operation."""
    owner = call.rpartition(".")[0]
    return (
        "operator"
        if owner == "operator"
        else "inplace"
        if in_place(call)
        else "method"
        if owner == "Tensor"
        else "function"
    )


def operation_of(call: str) -> str:
    """The catalogue's name of what a step calls: "add" for "torch.add", "Tensor.add_" and "operator.iadd"; "" for
    what is no operation."""
    return _operations().get(call, "")


def operations_in(program: Program) -> frozenset[str]:
    """All operations that a program calls."""
    return frozenset(filter(None, (operation_of(s.call) for s in program.steps)))


@cache
def _operations() -> dict[str, str]:
    from assay.surface import load_surface

    found = {path: name.op for path, name in load_surface().names.items() if name.op is not None}
    dunder = "Tensor.__"
    for path, op in list(found.items()):
        if path.startswith(dunder):
            found.setdefault(f"operator.{path.removeprefix(dunder).removesuffix('__')}", op)
    return found


__all__ = [
    "CALL",
    "CHOICE",
    "MadeOf",
    "Program",
    "Ref",
    "Step",
    "in_place",
    "last_name",
    "mapped",
    "operation_of",
    "operations_in",
    "plain_leaves",
    "program_of",
    "variant_of",
]

"""A program as Python statements that a person would write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from assay.program import CHOICE, Program, Ref, Step, in_place, plain_leaves

_BETWEEN = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "matmul": "@",
    "gt": ">",
    "lt": "<",
    "ge": ">=",
    "le": "<=",
}

#: Turns plain data into source, and a call with its arguments, keywords apart.
Text = Callable[[Any], str]
Call = Callable[[str, list[str], list[str]], str]


def name(ref: Ref) -> str:
    """What a value is called."""
    return f"x{ref.index}" if ref.part is None else f"x{ref.index}[{ref.part}]"


def statements(program: Program, leaves: int, text: Text, call: Call) -> list[str]:
    """Lines that take the steps; the case's tensors are x0, x1, …, and the last line returns the answer."""
    used = {leaf.index for leaf in plain_leaves(program) if isinstance(leaf, Ref)}
    lines: list[str] = []
    for number, step in enumerate(program.steps, leaves):
        lines += _taken(step, f"x{number}" if number in used or not in_place(step.call) else "", text, call)
    found = [name(ref) for ref in program.returns]
    return [*lines, f"return {found[0] if len(found) == 1 else '(' + ', '.join(found) + ')'}"]


def _taken(step: Step, result: str, text: Text, call: Call) -> Iterator[str]:
    args = [text(a) for a in step.args]
    if step.call == CHOICE:
        yield f"{result} = {args[1]} if {args[0]} else {args[2]}"
        return
    expression = _expression(step, args, [f"{k}={text(v)}" for k, v in step.kwargs.items()], text, call)
    if step.call == "operator.setitem" and not result:
        taken = f"{args[0]}[{_index(step.args[1], text)}] = {args[2]}"
    else:
        taken = f"{result} = {expression}" if result else expression
    indent = ""
    if step.guard is not None:
        if result:
            yield f"{result} = {args[0]}"
        yield f"if {name(step.guard)}:"
        indent = "    "
    if step.no_grad:
        yield f"{indent}with torch.no_grad():"
        indent += "    "
    yield indent + taken


def _expression(step: Step, args: list[str], keywords: list[str], text: Text, call: Call) -> str:
    owner, _, operator = step.call.rpartition(".")
    if owner == "operator" and operator in _BETWEEN:
        return f"{args[0]} {_BETWEEN[operator]} {args[1]}"
    if step.call == "operator.invert":
        return f"~{args[0]}"
    if step.call == "operator.getitem":
        return f"{args[0]}[{_index(step.args[1], text)}]"
    return call(step.call, args, keywords)


def _index(index: Any, text: Text) -> str:
    """What stands between the brackets."""
    if type(index) is tuple and index:
        return ", ".join(_index(i, text) for i in index) + ("," if len(index) == 1 else "")
    if type(index) is slice:
        ends = ["" if end is None else text(end) for end in (index.start, index.stop, index.step)]
        return ":".join(ends[: 2 if index.step is None else 3])
    return text(index)

"""Shorter programs near a failing one: what shrinking tries before it makes tensors and numbers smaller.

As in `assay.simpler`, a candidate need not be valid, and every one is simpler than the program by a measure that ends:
steps, answers, tensors, how late what a step takes was made, modes, keywords, the size of a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from assay.case import Case, TensorSpec
from assay.program import CHOICE, Program, Ref, Step, in_place, mapped, plain_leaves, program_of


def shorter(case: Case) -> Iterator[Case]:
    """Candidates, the boldest first; none where the case has no program."""
    program = program_of(case)
    if program is None:
        return
    specs = [arg for arg in case.args[:-1] if isinstance(arg, TensorSpec)]
    seen = {case.id}
    for leaves, candidate in _candidates(specs, program):
        made = replace(case, args=(*leaves, candidate))
        if not any(s.requires_grad for s in leaves):
            made = replace(made, order=0)
        if made.id not in seen:
            seen.add(made.id)
            yield made


_Candidate = tuple[list[TensorSpec], Program]


def _candidates(specs: list[TensorSpec], program: Program) -> Iterator[_Candidate]:
    count, steps = len(specs), program.steps
    # One answer instead of several, with no step that it does not need.
    if len(program.returns) > 1:
        for ref in program.returns:
            yield specs, needed(replace(program, returns=(ref,)), count)
        for ref in program.returns:
            yield specs, replace(program, returns=tuple(r for r in program.returns if r != ref))
    tidy = needed(program, count)
    if tidy != program:
        yield specs, tidy
    # The beginning alone: the answer is what the last step left there, or what it was done to.
    for length in sorted({len(steps) // 2, len(steps) * 3 // 4, len(steps) - 1} - {0, len(steps)}):
        yield specs, _beginning(program, count, length)
    # Runs of steps left out, long ones first; who took their result takes what they took.
    size = len(steps) // 2
    while size:
        for start in range(len(steps) - size, -1, -1 if size == 1 else -size):
            for way in (0, 1):
                yield specs, without(program, count, range(start, start + size), way)
        size //= 2
    yield from _unused(specs, program)
    for at, step in enumerate(steps):
        yield from ((specs, _at(program, at, new)) for new in _simpler_steps(step))
    # What a step takes, taken from earlier.
    for at, step in enumerate(steps):
        yield from ((specs, _at(program, at, new)) for new in _rewired(step, count))
    for i, ref in enumerate(program.returns):
        for earlier in range(count, ref.index):
            returns = (*program.returns[:i], Ref(earlier), *program.returns[i + 1 :])
            yield specs, replace(program, returns=tuple(dict.fromkeys(returns)))
    # The same size, wherever it stands, as one less: shapes and what is said of them change together.
    sizes = {n for s in specs for n in s.shape if n > 1}
    for n in sorted(sizes, reverse=True):
        for new in sorted({1, n - 1}):
            if all(s.values.kind != "literal" for s in specs if n in s.shape):
                yield [_resized(s, n, new) for s in specs], mapped(program, _number(n, new))


def needed(program: Program, count: int) -> Program:
    """Without the steps that neither the answer nor what is written to needs."""
    wanted = {ref.index for ref in program.returns}
    kept: list[bool] = []
    for at in range(len(program.steps) - 1, -1, -1):
        step = program.steps[at]
        writes = in_place(step.call) and bool(wanted & _reaches(program, step, count))
        keep = count + at in wanted or writes
        kept.append(keep)
        if keep:
            wanted |= {leaf.index for leaf in plain_leaves(step) if isinstance(leaf, Ref)}
    kept.reverse()
    return _without(program, count, {i for i, keep in enumerate(kept) if not keep}, 0)


def _reaches(program: Program, step: Step, count: int) -> set[int]:
    """The values that may lie in the memory a step writes to: what its target was made of, and what is made of that."""
    related = {leaf.index for leaf in plain_leaves(step.args[0]) if isinstance(leaf, Ref)}
    for _ in range(2):
        for n, other in enumerate(program.steps, count):
            around = {leaf.index for leaf in plain_leaves(other.args) if isinstance(leaf, Ref)} | {n}
            if around & related:
                related |= around
    return related


def without(program: Program, count: int, left_out: range, way: int = 0) -> Program:
    """Without some steps. way: whose place their results' users take, that of the first operand or of the last."""
    return _without(program, count, set(left_out), way)


def _without(program: Program, count: int, left_out: set[int], way: int) -> Program:
    place: dict[int, Ref] = {n: Ref(n) for n in range(count)}
    gone = {count + at for at in left_out}

    def placed(leaf: Any) -> Any:
        if not isinstance(leaf, Ref):
            return leaf
        found = place[leaf.index]
        # A part of what is gone is all of what stands for it.
        return found if leaf.index in gone else Ref(found.index, leaf.part)

    steps: list[Step] = []
    for at, step in enumerate(program.steps):
        if at in left_out:
            operands = [leaf for leaf in plain_leaves(step.args) if isinstance(leaf, Ref)]
            if step.call == CHOICE:
                operands = operands[1:]
            place[count + at] = placed(operands[0 if way == 0 else -1]) if operands else Ref(0)
        else:
            steps.append(mapped(step, placed))
            place[count + at] = Ref(count + len(steps) - 1)
    return Program(tuple(steps), tuple(dict.fromkeys(placed(ref) for ref in program.returns)))


def _beginning(program: Program, count: int, length: int) -> Program:
    """The first steps; of the answer what is there by then, else the last value."""
    last = count + length
    returns = tuple(ref for ref in program.returns if ref.index < last)
    end = program.steps[length - 1]
    there = end.args[0] if in_place(end.call) and isinstance(end.args[0], Ref) else Ref(last - 1)
    return Program(program.steps[:length], tuple(dict.fromkeys((*returns, there))))


def _unused(specs: list[TensorSpec], program: Program) -> Iterator[_Candidate]:
    """Without one tensor of the case that no step takes."""
    used = {leaf.index for leaf in plain_leaves(program) if isinstance(leaf, Ref)}
    for n in range(len(specs)):
        if n not in used and len(specs) > 1:
            yield [s for i, s in enumerate(specs) if i != n], mapped(program, _shifted(n))


def _shifted(gone: int) -> Callable[[Any], Any]:
    def change(leaf: Any) -> Any:
        return replace(leaf, index=leaf.index - 1) if isinstance(leaf, Ref) and leaf.index > gone else leaf

    return change


def _at(program: Program, at: int, step: Step) -> Program:
    return replace(program, steps=(*program.steps[:at], step, *program.steps[at + 1 :]))


def _simpler_steps(step: Step) -> Iterator[Step]:
    if step.guard is not None:
        yield replace(step, guard=None)
    if step.no_grad:
        yield replace(step, no_grad=False)
    for name in step.kwargs:
        yield replace(step, kwargs={k: v for k, v in step.kwargs.items() if k != name})
    for i, arg in enumerate(step.args):
        if type(arg) is tuple and arg and all(type(a) is int and a > 0 for a in arg):
            for n in range(len(arg)):
                yield replace(step, args=(*step.args[:i], (*arg[:n], -1, *arg[n + 1 :]), *step.args[i + 1 :]))
        if type(arg) is int and arg:
            for simple in (0, -1) if arg != -1 else (0,):
                yield replace(step, args=(*step.args[:i], simple, *step.args[i + 1 :]))
        if type(arg) is float and arg not in (0.0, 1.0, 2.0):
            yield replace(step, args=(*step.args[:i], 2.0, *step.args[i + 1 :]))
        elif type(arg) is tuple and any(type(a) is slice or type(a) is int for a in arg) and step.call.endswith("item"):
            for index in (Ellipsis, arg[0]):
                yield replace(step, args=(*step.args[:i], index, *step.args[i + 1 :]))


def _rewired(step: Step, count: int) -> Iterator[Step]:
    refs = list(dict.fromkeys(leaf for leaf in plain_leaves(step.args) if isinstance(leaf, Ref)))
    for ref in refs:
        for earlier in range(min(ref.index, count)):
            yield replace(step, args=mapped(step.args, partial(_instead, ref, Ref(earlier))))


def _instead(old: Ref, new: Ref, leaf: Any) -> Any:
    return new if leaf == old else leaf


def _resized(spec: TensorSpec, size: int, new: int) -> TensorSpec:
    return replace(spec, shape=tuple(new if n == size else n for n in spec.shape))


def _number(size: int, new: int) -> Callable[[Any], Any]:
    return lambda leaf: new if type(leaf) is int and leaf == size else leaf


__all__ = ["needed", "shorter", "without"]

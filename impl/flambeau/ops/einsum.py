"""Sums of products in Einstein's notation, operand by operand through batched matrix products.

Every operand is brought to one order of dims: those of the output, then those summed over, of size 1 where it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from flambeau.declare import python_function
from flambeau.errors import check
from flambeau.ops import arithmetic, permutations, views
from flambeau.ops.linear import bmm
from flambeau.tensor import Tensor, shape_of

LETTERS = ascii_uppercase + ascii_lowercase
ELLIPSIS = "..."


def _run(front: Any, t: Tensor, **arguments: Any) -> Tensor:
    """A view operation on arguments that need no parsing."""
    return front.run({"input": t, **arguments})  # type: ignore[no-any-return]


def _reshaped(t: Tensor, shape: tuple[int, ...]) -> Tensor:
    return _run(views.reshape, t, shape=shape)


def _permuted(t: Tensor, dims: tuple[int, ...]) -> Tensor:
    return _run(permutations.permute, t, dims=dims)


@dataclass(frozen=True)
class _Equation:
    """Labels of every operand and of the output (None: not given); ELLIPSIS is a label of its own."""

    operands: list[list[str]]
    output: list[str] | None


def _labels(text: str, start: int, whose: str) -> list[str]:
    """The labels of one term. start: where it stands in the equation."""
    labels: list[str] = []
    i = 0
    end = " (...)" if whose == "output" else ""
    while i < len(text):
        c = text[i]
        if c == ".":
            check(
                ELLIPSIS not in labels,
                f"einsum(): found '.' for {whose} for which an ellipsis "
                + ("(...) was already found" if end else "was already found"),
            )
            check(text[i : i + 3] == ELLIPSIS, f"einsum(): found '.' for {whose} that is not part of any ellipsis{end}")
            labels.append(ELLIPSIS)
            i += 3
            continue
        if c != " ":
            check(
                c in LETTERS,
                f"einsum(): invalid subscript given at index {start + i} in the equation string, subscripts must be "
                "in [a-zA-Z]",
            )
            labels.append(c)
        i += 1
    return labels


def _parse(equation: str, count: int) -> _Equation:
    """Raises RuntimeError for anything that is no equation over that many operands."""
    arrow = equation.find("->")
    left = equation if arrow < 0 else equation[:arrow]
    terms, start = [], 0
    parts = left.split(",")
    for k, part in enumerate(parts):
        terms.append(_labels(part, start, f"operand {k}"))
        start += len(part) + 1
        check(
            k + 1 < count or k + 1 == len(parts),
            "einsum(): fewer operands were provided than specified in the equation",
        )
    check(len(terms) >= count, "einsum(): more operands were provided than specified in the equation")
    return _Equation(terms, None if arrow < 0 else _labels(equation[arrow + 2 :], arrow + 2, "output"))


def _spread(labels: Sequence[str], rank: int, k: int) -> tuple[list[str], int]:
    """An operand's labels with its ellipsis spread over the dims it stands for, and how many those are."""
    named = len(labels) - (ELLIPSIS in labels)
    if ELLIPSIS in labels:
        check(
            named <= rank,
            f"einsum(): the number of subscripts in the equation ({named}) is more than the number of dimensions "
            f"({rank}) for operand {k}",
        )
    else:
        check(
            named == rank,
            f"einsum(): the number of subscripts in the equation ({named}) does not match the number of dimensions "
            f"({rank}) for operand {k} and no ellipsis was given",
        )
    covered = rank - named
    out: list[str] = []
    for label in labels:
        # counted from the end, as broadcasting counts
        out.extend([f".{i}" for i in range(covered, 0, -1)] if label == ELLIPSIS else [label])
    return out, covered


def _order(equation: _Equation, spread: Sequence[Sequence[str]], covered: int) -> tuple[list[str], int]:
    """All labels, the output's first, and how many those are."""
    dots = [f".{i}" for i in range(covered, 0, -1)]
    if equation.output is None:
        found = [x for labels in spread for x in labels if x[0] != "."]
        output = dots + [c for c in LETTERS if found.count(c) == 1]
    else:
        output = []
        for label in equation.output:
            if label == ELLIPSIS:
                output.extend(dots)
                continue
            check(label not in output, f"einsum(): output subscript {label} appears more than once in the output")
            check(
                any(label in labels for labels in spread),
                f"einsum(): output subscript {label} does not appear in the equation for any input operand",
            )
            output.append(label)
    rest = dict.fromkeys(x for labels in spread for x in labels if x not in output)
    summed = [d for d in dots if d in rest] + [c for c in LETTERS if c in rest]
    return output + summed, len(output)


def _arranged(t: Tensor, labels: Sequence[str], order: Sequence[str], k: int) -> Tensor:
    """An operand with its repeated labels on the diagonal and its dims in the common order."""
    have: list[str] = []
    for label in labels:
        if label not in have:
            have.append(label)
            continue
        first, second = have.index(label), len(have)
        shape = shape_of(t)
        check(
            shape[first] == shape[second],
            f"einsum(): subscript {label} is repeated for operand {k} but the sizes don't match, {shape[second]} != "
            f"{shape[first]}",
        )
        t = t.diagonal(0, first, second).movedim(-1, first)
    for label in order:
        if label not in have:
            t = _run(views.unsqueeze, t, dim=len(have))
            have.append(label)
    return _permuted(t, tuple(have.index(label) for label in order))


def _pair(left: Tensor, right: Tensor, summed: Sequence[int]) -> Tensor:
    """Product of two operands in the common order, summed over some dims, which stay with size 1."""
    both, only_left, only_right, contracted = [], [], [], []
    for d, (n, m) in enumerate(zip(shape_of(left), shape_of(right), strict=True)):
        if d in summed:
            contracted.append(d)
            if n == 1 != m:
                right = right.sum(d, keepdim=True)
            elif m == 1 != n:
                left = left.sum(d, keepdim=True)
        elif n != 1 != m:
            both.append(d)
        elif n != 1:
            only_left.append(d)
        else:
            only_right.append(d)
    if only_left and only_right and only_right[-1] < only_left[0]:
        # the output's order asks for the other operand's dims first
        left, right, only_left, only_right = right, left, only_right, only_left
    a, b = shape_of(left), shape_of(right)
    batch, rows, columns = prod(a[d] for d in both), prod(a[d] for d in only_left), prod(b[d] for d in only_right)
    inner = prod(a[d] for d in contracted)
    x = _reshaped(_permuted(left, (*both, *only_left, *contracted, *only_right)), (batch, rows, inner))
    y = _reshaped(_permuted(right, (*both, *contracted, *only_right, *only_left)), (batch, inner, columns))
    order = [*both, *only_left, *contracted, *only_right]
    sizes = [a[d] if d in both or d in only_left else b[d] if d in only_right else 1 for d in order]
    made = _run(views.view_, bmm(x, y), size=tuple(sizes))
    return _permuted(made, tuple(order.index(d) for d in range(len(order))))


def _sum_of_products(
    operands: Sequence[Tensor], spread: Sequence[Sequence[str]], order: list[str], kept: int
) -> Tensor:
    rank = len(order)
    last = {label: k for k, labels in enumerate(spread) for label in labels}
    result = operands[0]
    ended = [d for d in range(kept, rank) if last[order[d]] == 0]
    if ended:
        result = result.sum(tuple(ended), keepdim=len(operands) > 1)
    if len(operands) == 1:
        return result
    for k, other in enumerate(operands[1:], 1):
        contracted = []
        for d in range(kept, rank):
            if last[order[d]] != k:
                continue
            n, m = shape_of(result)[d], shape_of(other)[d]
            if n != 1 and m != 1:
                contracted.append(d)
            elif n != 1:
                result = result.sum(d, keepdim=True)
            elif m != 1:
                other = other.sum(d, keepdim=True)
        result = _pair(result, other, contracted) if contracted else arithmetic.mul(result, other)
    if rank > kept:
        result = _run(views.view_, result, size=shape_of(result)[:kept])
    return result


def _equation_of(arguments: Sequence[Any]) -> tuple[str, list[Tensor]]:
    """The equation and operands of the form einsum(t0, subscripts0, t1, subscripts1, ..., [output subscripts])."""

    def term(subscripts: Sequence[Any]) -> str:
        text = ""
        for s in subscripts:
            if s is Ellipsis:
                text += ELLIPSIS
            elif 0 <= s < 52:
                text += LETTERS[s]
            else:
                raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        return text

    equation = ",".join(term(s) for s in arguments[1::2])
    if len(arguments) % 2:
        equation += "->" + term(arguments[-1])
        return equation, list(arguments[:-1:2])
    return equation, list(arguments[::2])


@python_function
def einsum(*args: Any) -> Tensor:
    """Sum of products of operands, in Einstein's notation: `einsum("ij,jk->ik", a, b)`, or with lists of subscripts.

    Raises RuntimeError for an equation that is malformed or does not fit the operands.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], Tensor):
        # the output's subscripts come last, where there are any
        equation, operands = _equation_of(args)
    else:
        equation, operands = args[0], list(args[1:])
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        return einsum(equation, *operands[0])
    for i, t in enumerate(operands):
        if not isinstance(t, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type(t).__name__}")
    parsed = _parse(equation, len(operands))
    pairs = [
        _spread(labels, len(shape_of(t)), k)
        for k, (labels, t) in enumerate(zip(parsed.operands, operands, strict=True))
    ]
    spread = [labels for labels, _ in pairs]
    order, kept = _order(parsed, spread, max(n for _, n in pairs))
    arranged = [_arranged(t, labels, order, k) for k, (t, labels) in enumerate(zip(operands, spread, strict=True))]
    seen = list(shape_of(arranged[0]))
    for k, t in enumerate(arranged[1:], 1):
        for d, n in enumerate(shape_of(t)):
            check(
                n == seen[d] or 1 in (n, seen[d]),
                f"einsum(): subscript {order[d]} has size {n} for operand {k} which does not broadcast with "
                f"previously seen size {seen[d]}",
            )
            seen[d] = n if seen[d] == 1 else seen[d]
    return _sum_of_products(arranged, spread, order, kept)

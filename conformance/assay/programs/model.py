"""What the drawing of programs knows of a value without computing it: shape, dtype, memory, and how large it may be.

The model errs on the safe side: two values may be said to share memory that do not, and a bound may be wide. What it
says of PyTorch's rules decides only what is drawn; how a case is judged never depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.dtypes import HALVES, category
from assay.program import Ref

Shape = tuple[int, ...]
#: Whole numbers up to here are exact in bfloat16.
_WHOLE = 256
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = ("int32", "int64")


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of elements: low ≤ x ≤ high and gap ≤ |x|. whole: they are whole numbers that nothing has rounded, so
    that a comparison with a half decides the same way everywhere."""

    low: float
    high: float
    gap: float = 0.0
    whole: bool = False

    @property
    def size(self) -> float:
        """The largest magnitude."""
        return max(abs(self.low), abs(self.high))

    def joined(self, other: Range) -> Range:
        """Bounds of what may be either."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Range(low, high, min(self.gap, other.gap), self.whole and other.whole)


def bounded(low: float, high: float, gap: float = 0.0, whole: bool = False) -> Range:
    """A range; its gap at least what the bounds tell."""
    return Range(low, high, max(gap, low, -high, 0.0), whole and max(abs(low), abs(high)) <= _WHOLE)


def constant(number: float) -> Range:
    """The range of one number."""
    return bounded(number, number, abs(number), float(number).is_integer())


@dataclass(slots=True, eq=False)
class Memory:
    """What several values may share. saved: the graph keeps elements of it for backward; grad: they require grad;
    leaf: they are those of a tensor of the case that requires grad."""

    range: Range
    grad: bool = False
    leaf: bool = False
    saved: bool = False


@dataclass(slots=True, eq=False)
class Value:
    """A value of the program.

    dense: row-major without gaps, for certain. promised: its strides are, by PyTorch's own rules for views and
    elementwise results. repeated: elements share a place. several: one of many views of a single call. detached: in
    the memory, but not in the graph.
    """

    ref: Ref
    shape: Shape
    dtype: str
    memory: Memory
    dense: bool = True
    promised: bool = True
    repeated: bool = False
    several: bool = False
    detached: bool = False
    used: bool = field(default=False)

    @property
    def range(self) -> Range:
        return self.memory.range

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def grad(self) -> bool:
        return self.memory.grad and not self.detached and category(self.dtype) >= 2

    @property
    def half(self) -> bool:
        return self.dtype in HALVES

    @property
    def kind(self) -> int:
        """0 bool, 1 integer, 2 floating, 3 complex."""
        return category(self.dtype)


Operand = Value | int | float


def range_of(operand: Operand) -> Range:
    """The bounds of a value or number."""
    return operand.range if isinstance(operand, Value) else constant(operand)


def broadcast(*shapes: Shape) -> Shape | None:
    """The common shape; None where there is none."""
    rank = max((len(s) for s in shapes), default=0)
    found = []
    for sizes in zip(*((1,) * (rank - len(s)) + s for s in shapes), strict=True):
        long = {n for n in sizes if n != 1}
        if len(long) > 1:
            return None
        found.append(next(iter(long), 1))
    return tuple(found)


def promoted(*operands: Operand) -> str:
    """The dtype of an arithmetic result."""
    wide = [o.dtype for o in operands if isinstance(o, Value) and o.rank]
    flat = [o.dtype for o in operands if isinstance(o, Value) and not o.rank]
    plain = ["float32" if isinstance(o, float) else "int64" for o in operands if not isinstance(o, Value)]
    found = ""
    for level in (wide, flat, plain):
        other = _joined(level)
        if other and (not found or category(other) > category(found)):
            if found in ("float64",) and category(other) == 3:
                other = "complex128"
            found = other
    return found


def _joined(dtypes: Sequence[str]) -> str:
    found = ""
    for dtype in dtypes:
        if not found or category(dtype) > category(found):
            found, dtype = dtype, found
        if dtype and found != dtype:
            found = _pair(found, dtype)
    return found


def _pair(high: str, low: str) -> str:
    if category(high) == 3:
        return "complex128" if "float64" in (high, low) or "complex128" in (high, low) else high
    if category(high) > category(low):
        return high
    if category(high) == 1:
        return max(high, low, key=_INTEGERS.index)
    if {high, low} == {"float16", "bfloat16"}:
        return "float32"
    return max(high, low, key=_FLOATS.index)


# -- bounds of results -------------------------------------------------------------------------------------------------
def arithmetic(name: str, a: Range, b: Range) -> Range | None:
    """The bounds of a sum, difference, product or quotient; None where a divisor may be near zero."""
    whole = a.whole and b.whole
    match name:
        case "add":
            return bounded(a.low + b.low, a.high + b.high, 0.0, whole)
        case "sub":
            return bounded(a.low - b.high, a.high - b.low, 0.0, whole)
        case "mul":
            corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
            return bounded(min(corners), max(corners), a.gap * b.gap, whole)
        case "div":
            if b.gap < 0.2:
                return None
            if b.low > 0 or b.high < 0:
                corners = [x / y for x in (a.low, a.high) for y in (b.low, b.high)]
                return bounded(min(corners), max(corners), a.gap / b.size)
            return bounded(-a.size / b.gap, a.size / b.gap, a.gap / b.size)
        case "maximum":
            return bounded(max(a.low, b.low), max(a.high, b.high), min(a.gap, b.gap), whole)
        case "minimum":
            return bounded(min(a.low, b.low), min(a.high, b.high), min(a.gap, b.gap), whole)
    raise ValueError(name)


def unary(name: str, r: Range) -> Range | None:
    """The bounds of an elementwise function; None where it should not be taken of such elements."""
    match name:
        case "neg":
            return bounded(-r.high, -r.low, r.gap, r.whole)
        case "abs":
            return bounded(r.gap, r.size, r.gap, r.whole)
        case "relu":
            return bounded(max(r.low, 0.0), max(r.high, 0.0), 0.0, r.whole)
        case "square":
            return bounded(r.gap**2, r.size**2, r.gap**2, r.whole)
        case "exp":
            return bounded(math.exp(r.low), math.exp(r.high)) if r.size <= 4 else None
        case "sin" | "cos" | "tanh":
            return bounded(-1.0, 1.0) if r.size <= 64 else None
        case "sigmoid":
            return bounded(0.0, 1.0) if r.size > 6 else bounded(1 / (1 + math.exp(-r.low)), 1 / (1 + math.exp(-r.high)))
        case "sqrt":
            return bounded(math.sqrt(r.low), math.sqrt(r.high)) if r.low >= 0.05 else None
        case "log":
            return bounded(math.log(r.low), math.log(r.high)) if r.low >= 0.05 else None
        case "reciprocal":
            return arithmetic("div", constant(1.0), r)
    raise ValueError(name)


def summed(r: Range, count: int) -> Range:
    """The bounds of a sum of so many."""
    return bounded(min(r.low, 0.0) if not count else r.low * count, r.high * count, 0.0, r.whole)

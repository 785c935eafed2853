"""The kinds of input that find faults in implementations, by what they concern."""

from __future__ import annotations

from assay.dtypes import ALL

SHAPES = {
    "empty": "a tensor without elements",
    "0-dim": "a tensor of no dims",
    "size-1": "a dim of size 1",
    "long": "a dim longer than a vector register, with a rest",
    "broadcast": "two tensors whose different shapes broadcast with each other",
}
LAYOUTS = {
    "permuted": "dims in another order in memory",
    "stepped": "elements apart in memory",
    "channels-last": "four dims, channels innermost in memory",
    "expanded": "a dim of stride 0",
    "offset": "an offset into a larger storage",
    "aliased": "one tensor as two arguments",
    "window": "another operand, or out=, on the memory of the tensor that is written to",
}
VALUES = {
    "nan": "NaN",
    "inf": "infinities",
    "-0.0": "negative zero",
    "subnormal": "numbers below the smallest normal one",
    "huge": "numbers whose square overflows",
    "border": "the least or the greatest integer of the dtype",
    "ties": "equal elements",
}
DTYPES = {dtype: f"a tensor of {dtype}" for dtype in ALL} | {
    "mixed-dtype": "tensors of different dtypes, or a Python number above a tensor's",
    "default-dtype": "another default dtype than float32",
}
CALLS = {
    "function": "as a function",
    "method": "as a method",
    "inplace": "in place",
    "out": "into out=",
    "operator": "as an operator of Python",
    "out-resized": "out= of another shape, to be resized",
    "out-cast": "out= of another dtype, to be cast to",
    "keyword": "arguments by keyword",
    "number": "a Python number where tensors may stand",
}
DERIVATIVES = {"gradients": "first derivatives", "gradients2": "second derivatives"}
MISTAKES = {
    "bad-type": "an argument of a wrong type",
    "bad-value": "a value out of bounds: a dim, a size, a choice",
    "bad-shape": "a tensor of a wrong shape",
    "bad-dtype": "a tensor of a wrong dtype",
    "bad-count": "too few or too many arguments",
    "bad-keyword": "a keyword that is none",
    "bad-out": "out= that cannot hold the result",
    "bad-overlap": "operands that overlap what is written to",
}
GROUPS = {
    "shapes": SHAPES,
    "layouts": LAYOUTS,
    "values": VALUES,
    "dtypes": DTYPES,
    "calls": CALLS,
    "derivatives": DERIVATIVES,
    "mistakes": MISTAKES,
}
#: kind -> what it is
KINDS = {kind: meaning for group in GROUPS.values() for kind, meaning in group.items()}
#: Kinds that need a tensor among the arguments.
OF_TENSORS = frozenset(
    (*SHAPES, *LAYOUTS, *VALUES, *ALL, "mixed-dtype", "number", *DERIVATIVES, "bad-shape", "bad-dtype")
)

"""An Outcome: what one implementation answered to one case, as frozen plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assay.plain import plain


@plain("array")
@dataclass(frozen=True, slots=True)
class TensorData:
    """A tensor of an answer.

    data: the elements in row-major order, little-endian, in the dtype's own width (bool one byte; complex as pairs);
    None where only metadata is asked. stride and offset in elements; None where the subject cannot tell.
    grad_fn: the node's printed name without address ("AddBackward0"), None for none. text: repr, where asked.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes | None
    stride: tuple[int, ...] | None = None
    offset: int | None = None
    requires_grad: bool = False
    is_leaf: bool = True
    grad_fn: str | None = None
    text: str | None = None
    kind: str = "Tensor"


@plain("sequence")
@dataclass(frozen=True, slots=True)
class Sequence:
    """A tuple, list, named tuple or Size of an answer: kind is the type's name, fields the names of a named tuple."""

    kind: str
    items: tuple[Any, ...]
    fields: tuple[str, ...] | None = None


@plain("opaque")
@dataclass(frozen=True, slots=True)
class Opaque:
    """Anything else an answer may hold (a dtype, a device, a type): its kind and its text."""

    kind: str
    text: str


@plain("error")
@dataclass(frozen=True, slots=True)
class Error:
    """An exception: the names of its class and bases (most derived first), its text, where it came from.

    stage: "build" (making the inputs), "call", "read" (reading the result), "backward", "double_backward".
    """

    types: tuple[str, ...]
    text: str
    stage: str = "call"
    traceback: str = ""


@plain("outcome")
@dataclass(frozen=True)
class Outcome:
    """What one implementation answered.

    status: "returned", "raised", "missing" (the name is absent), or, given by the parent, "crash", "exit", "timeout",
    "memory", "skipped" (its callable was fatal too often before), "harness" (assay itself failed on it). result: plain
    data, TensorData, Sequence, Opaque. inputs: every tensor argument as it was after the call. mutated: per tensor
    argument, whether its bytes changed. aliases: pairs (path of a result tensor, index of an input or path of another
    result) that share memory, found by writing through. gradients: per tensor argument that required one, TensorData
    or None (no gradient reached it); gradients2 the same for the double backward. gradient_error: what backward
    raised. random: digest of the generator's state afterwards. warnings: (category, text) pairs.
    """

    status: str
    result: Any = None
    error: Error | None = None
    inputs: tuple[TensorData, ...] = ()
    mutated: tuple[bool, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    gradients: tuple[TensorData | None, ...] | None = None
    gradients2: tuple[TensorData | None, ...] | None = None
    gradient_error: Error | None = None
    random: str | None = None
    warnings: tuple[tuple[str, str], ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)


@plain("verdict")
@dataclass(frozen=True)
class Verdict:
    """How a subject's outcome compares with the reference's in one aspect.

    aspect: structure, dtype, shape, values, mutation, aliasing (core); gradients, gradients2 (gradients); error
    (errors); stride, random, text, error_text, warnings (fidelity); creation of inputs counts as "build".
    status: "conforms", "known", "missing", "flaky" (deviated only once), "deviates", "timeout", "memory", "crash",
    "unjudged".
    detail: one line for a person. measure: worst error in units of tolerance, where the aspect has one.
    elements, unjudged: how many floating elements there were, and how many of them could not be judged.
    """

    aspect: str
    status: str
    detail: str = ""
    measure: float | None = None
    elements: int = 0
    unjudged: int = 0

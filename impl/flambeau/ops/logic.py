"""Logical and bitwise operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import bits as cpu
from flambeau.declare import elementwise
from flambeau.dtypes import INTEGERS, NATIVE_INTEXACT, mask
from flambeau.elementwise import TO_BOOL
from flambeau.errors import check, found_out, not_implemented_for
from flambeau.ops.arithmetic import NOT_HALF_COMPLEX, WITHOUT_UNSIGNED
from flambeau.tensor import Tensor

EXACT = mask(dtypes.bool_, *INTEGERS)
LOGICAL = WITHOUT_UNSIGNED & NOT_HALF_COMPLEX


def _logical(name: str, doc: str, *, numpy: Any) -> None:
    def body(input: Tensor, other: Tensor) -> None: ...

    body.__doc__ = doc
    elementwise(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        numpy=numpy,
        cuda=f"{name}(x, y)",
        promote=TO_BOOL,
        accept=LOGICAL,
        native=LOGICAL & (dtypes.NATIVE_FLOAT | EXACT),
        inplace=True,
    )(body)


_logical("logical_and", "Whether both elements are nonzero.", numpy=np.logical_and)
_logical("logical_or", "Whether either element is nonzero.", numpy=np.logical_or)
_logical("logical_xor", "Whether just one element is nonzero.", numpy=np.logical_xor)


def _refuse_half_complex(result: dtypes.dtype, out: dtypes.dtype) -> str | None:
    if out is dtypes.complex32:
        not_implemented_for("logical_not_cpu", out)
    return None


@elementwise(
    "logical_not(Tensor input, *, Tensor out=None)",
    numpy=np.logical_not,
    cuda="logical_not(x)",
    promote=TO_BOOL,
    accept=LOGICAL,
    native=LOGICAL & (dtypes.NATIVE_FLOAT | EXACT),
    out_text=_refuse_half_complex,
    inplace=True,
)
def logical_not(input: Tensor) -> None:
    """Whether the element is zero."""


def _bitwise(name: str, doc: str, cuda: str, *, numpy: Any, accept: int = EXACT, refusal: str | None = None) -> Any:
    def body(input: Tensor, other: Tensor) -> None: ...

    body.__doc__ = doc
    return elementwise(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        f"{name}(Number self, Tensor other)",
        f"{name}(Tensor input, Number other, *, Tensor out=None)",
        numpy=numpy,
        cuda=cuda,
        accept=accept,
        native=accept & (NATIVE_INTEXACT | dtypes.bool_.bit) if accept == EXACT else 0,
        refusal=refusal,
        inplace=True,
    )(body)


SHIFTED = WITHOUT_UNSIGNED & mask(*INTEGERS)
bitwise_and = _bitwise("bitwise_and", "Bits set in both.", "x & y", numpy=np.bitwise_and)
bitwise_or = _bitwise("bitwise_or", "Bits set in either.", "x | y", numpy=np.bitwise_or)
bitwise_xor = _bitwise("bitwise_xor", "Bits set in just one.", "x ^ y", numpy=np.bitwise_xor)
bitwise_left_shift = _bitwise(
    "bitwise_left_shift", "input · 2^other; zero where other is negative or too large.", "left_shift(x, y)",
    numpy=cpu.left_shift, accept=SHIFTED, refusal="lshift_cpu",
)  # fmt: skip
bitwise_right_shift = _bitwise(
    "bitwise_right_shift", "input / 2^other rounded down; the sign alone where other is negative or too large.",
    "right_shift(x, y)", numpy=cpu.right_shift, accept=SHIFTED, refusal="rshift_cpu",
)  # fmt: skip


@elementwise(
    "bitwise_not(Tensor input, *, Tensor out=None)",
    numpy=np.invert,
    cuda="bitwise_not(x)",
    accept=WITHOUT_UNSIGNED & EXACT,
    native=WITHOUT_UNSIGNED & EXACT,
    inplace=True,
    out_text=found_out,
)
def bitwise_not(input: Tensor) -> None:
    """Every bit inverted; of booleans, not."""


def invert(self: Tensor) -> Tensor:
    """The operator ~. Raises TypeError for floats."""
    check(
        self.dtype.category < dtypes.FLOATING,
        "~ (operator.invert) is only implemented on integer and Boolean-type tensors",
        TypeError,
    )
    return self.bitwise_not()


@elementwise("gcd(Tensor input, Tensor other, *, Tensor out=None)", numpy=np.gcd, cuda="gcd(x, y)", accept=SHIFTED,
             inplace=True, inplace_function=True)  # fmt: skip
def gcd(input: Tensor, other: Tensor) -> None:
    """Greatest common divisor."""


@elementwise("lcm(Tensor input, Tensor other, *, Tensor out=None)", numpy=cpu.lcm, cuda="lcm(x, y)", accept=SHIFTED,
             inplace=True, inplace_function=True)  # fmt: skip
def lcm(input: Tensor, other: Tensor) -> None:
    """Least common multiple."""

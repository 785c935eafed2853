"""Comparisons, and tests of what kind of number an element is."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import comparison as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL
from flambeau.declare import ANY, composite, elementwise, primitive
from flambeau.dtypes import BAREBONES_UNSIGNED, COMPLEX, COMPLEXES, NATIVE_FLOAT, mask
from flambeau.elementwise import TO_BOOL, result_type
from flambeau.errors import check, no_case_for, too_late
from flambeau.geometry import broadcast
from flambeau.operation import Launch
from flambeau.ops.rules import zero_rule
from flambeau.tensor import Tensor, shape_of

TOTALLY_ORDERED = ANY & ~mask(*BAREBONES_UNSIGNED, *COMPLEXES)


def _comparison(name: str, alias: str | None, operator: str, accept: int, doc: str, *, numpy: Any) -> Any:
    def body(input: Tensor, other: Tensor) -> None: ...

    body.__doc__ = doc
    return elementwise(
        f"{name}(Tensor input, Tensor other, *, Tensor out=None)",
        f"{name}(Tensor input, Number other, *, Tensor out=None)",
        numpy=numpy,
        cuda=f"x {operator} y",
        grad=(zero_rule, zero_rule),
        promote=TO_BOOL,
        accept=accept,
        node=(f"{name.capitalize()}Backward1", f"{name.capitalize()}Backward0"),
        inplace=True,
        aliases=(alias,) if alias else (),
    )(body)


eq = _comparison("eq", None, "==", ANY, "Whether the elements are equal.", numpy=np.equal)
ne = _comparison("ne", "not_equal", "!=", ANY, "Whether the elements differ.", numpy=np.not_equal)
lt = _comparison("lt", "less", "<", TOTALLY_ORDERED, "Whether input is less than other.", numpy=np.less)
le = _comparison("le", "less_equal", "<=", TOTALLY_ORDERED, "Whether input is at most other.", numpy=np.less_equal)
gt = _comparison("gt", "greater", ">", TOTALLY_ORDERED, "Whether input is greater than other.", numpy=np.greater)
ge = _comparison(
    "ge", "greater_equal", ">=", TOTALLY_ORDERED, "Whether input is at least other.", numpy=np.greater_equal
)


def _check_isclose(input: Tensor, other: Tensor, rtol: float, atol: float) -> None:
    check(input.dtype is other.dtype, f"{_name(input)} did not match {_name(other)}")
    check(rtol >= 0, f"rtol must be greater than or equal to zero, but got {rtol:g}")
    check(atol >= 0, f"atol must be greater than or equal to zero, but got {atol:g}")


def _name(t: Tensor) -> str:
    return {"float32": "Float", "float64": "Double"}.get(t.dtype.name, t.dtype.type_name)


@primitive(
    "isclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)",
    cpu=cpu.isclose,
    cuda=Body(
        "isclose(x, y, rtol, atol, equal_nan)",
        ALL,
        params=("rtol", "atol", "equal_nan"),
        moves=True,
        result="bool",
        scalars="float64",
    ),
    iterated=True,
)
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Launch:
    """Whether |input - other| <= atol + rtol · |other|. Raises RuntimeError for two dtypes or negative tolerances."""
    _check_isclose(input, other, rtol, atol)
    shape = broadcast(shape_of(input), shape_of(other))
    return Launch((input, other), shape, dtypes.bool_, rtol=rtol, atol=atol, equal_nan=equal_nan, of=input.dtype)


@composite("allclose(Tensor input, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False)")
def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close (see `isclose`)."""
    return cpu.every(_values(isclose(input, other, rtol, atol, equal_nan)))


@composite("equal(Tensor input, Tensor other)")
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements are the same."""
    check(
        input.device == other.device,
        f"Cannot compare two tensors on different devices. Got: {input.device} and {other.device}",
    )
    if shape_of(input) != shape_of(other):
        return False
    if result_type(input, other) is dtypes.complex32:
        error = no_case_for("equal_cpu", dtypes.complex32)
        raise error if input.dtype is other.dtype else too_late(error, dtypes.complex32)
    if 0 in shape_of(input):
        return True
    return cpu.every(_values(eq(input, other)))


def _values(t: Tensor) -> Any:
    if t._array is None:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    return t._array


def _predicate(
    name: str,
    cuda: str,
    doc: str,
    *,
    numpy: Any,
    refuses: tuple[type[Exception], str] | None = None,
    out: bool = False,
) -> Any:
    """A test of each element that integers pass or fail alike."""

    def body(input: Tensor) -> None: ...

    def refuse(input: Tensor) -> None:
        if refuses is not None and input.dtype.category == COMPLEX:
            raise refuses[0](refuses[1])

    body.__doc__ = doc
    return elementwise(
        f"{name}(Tensor input{', *, Tensor out=None' if out else ''})",
        numpy=numpy,
        cuda=cuda,
        promote=TO_BOOL,
        check=refuse,
        out_text=lambda result, out: f"{name} does not support non-boolean outputs.",
        native=NATIVE_FLOAT if refuses is None else NATIVE_FLOAT & ~mask(*COMPLEXES),
    )(body)


isnan = _predicate("isnan", "isnan(x)", "Whether the element is not a number.", numpy=np.isnan)
isinf = _predicate("isinf", "isinf(x)", "Whether the element is infinite.", numpy=np.isinf)
isfinite = _predicate("isfinite", "isfinite(x)", "Whether the element is neither infinite nor NaN.", numpy=np.isfinite)
isreal = _predicate("isreal", "isreal(x)", "Whether the imaginary part is zero.", numpy=np.isreal)
isposinf = _predicate(
    "isposinf", "isposinf(x)", "Whether the element is infinity.", numpy=cpu.isposinf,
    refuses=(RuntimeError, "isposinf does not support complex inputs."), out=True,
)  # fmt: skip
isneginf = _predicate(
    "isneginf", "isneginf(x)", "Whether the element is minus infinity.", numpy=cpu.isneginf,
    refuses=(RuntimeError, "isneginf does not support complex inputs."), out=True,
)  # fmt: skip
signbit = _predicate(
    "signbit", "signbit(x)", "Whether the sign bit is set.", numpy=cpu.signbit,
    refuses=(NotImplementedError, "signbit is not implemented for complex tensors."), out=True,
)  # fmt: skip

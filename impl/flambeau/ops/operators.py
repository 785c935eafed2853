"""Python operators on tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flambeau import overrides
from flambeau.fast_fronts import binary_front, inplace_front
from flambeau.fronts import ElementwiseFront
from flambeau.ops import arithmetic, comparison, logic, powers, rounding
from flambeau.tensor import Tensor, extend


def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, answering NotImplemented where it cannot take its operands, so that Python asks the other one."""

    @functools.wraps(function)
    def front(self: Any, other: Any) -> Any:
        try:
            return function(self, other)
        except TypeError:
            return NotImplemented

    return front


def _attach(name: str, function: Callable[..., Any]) -> None:
    function.__name__ = name
    function.__qualname__ = f"Tensor.{name}"
    function.__module__ = "torch"
    setattr(Tensor, name, function)


def operator(names: str, front: ElementwiseFront, *, named: bool = False) -> None:
    """Attach a binary operation as operators (names parted by blanks), its fast path first.

    named: `__torch_function__` is told of the operator, not of the operation.
    """
    method = refusing(getattr(front, "method", front))
    for name in names.split():
        slow = asking(f"__{name}__", method) if named else method
        _attach(f"__{name}__", binary_front(front.op, slow))


def asking(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, put to `__torch_function__` as the operator of that name."""

    def front(self: Any, other: Any) -> Any:
        if overrides.needed((self, other), {}):
            return overrides.handle(getattr(Tensor, name), (self, other), {})
        return function(self, other)

    return front


def updating(names: str, front: ElementwiseFront) -> None:
    """Attach the in-place form of an operation as operators."""
    update = refusing(front.inplace)

    def slow(self: Any, other: Any, alpha: Any) -> Any:
        return update(self, other)

    for name in names.split():
        _attach(f"__{name}__", inplace_front(front.op, slow))


def reflected(name: str, function: Callable[[Tensor, Any], Any]) -> None:
    """Attach an operator for a left operand that is no tensor."""
    told = "__rdiv__" if name == "rtruediv" else f"__{name}__"
    _attach(f"__{name}__", asking(told, refusing(function)))


operator("add radd", arithmetic.add)
operator("sub", arithmetic.sub)
operator("rsub", arithmetic.rsub, named=True)
operator("mul rmul", arithmetic.mul)
operator("truediv div", arithmetic.div)
operator("floordiv", arithmetic.floor_divide)
operator("mod", arithmetic.remainder)
operator("pow", powers.pow)
operator("and rand", logic.bitwise_and)
operator("or ror", logic.bitwise_or)
operator("xor rxor", logic.bitwise_xor)
operator("lshift", logic.bitwise_left_shift)
operator("rshift", logic.bitwise_right_shift)
updating("iadd", arithmetic.add)
updating("isub", arithmetic.sub)
updating("imul", arithmetic.mul)
updating("itruediv idiv", arithmetic.div)
updating("ifloordiv", arithmetic.floor_divide)
updating("imod", arithmetic.remainder)
updating("ipow", powers.pow)
updating("iand", logic.bitwise_and)
updating("ior", logic.bitwise_or)
updating("ixor", logic.bitwise_xor)
updating("ilshift", logic.bitwise_left_shift)
updating("irshift", logic.bitwise_right_shift)
reflected("rtruediv", lambda self, other: powers.reciprocal(self) * other)
reflected("rdiv", lambda self, other: powers.reciprocal(self) * other)
reflected("rfloordiv", lambda self, other: arithmetic.floor_divide(other, self))
reflected("rmod", lambda self, other: arithmetic.remainder(other, self))
reflected("rpow", lambda self, other: powers.pow(other, self))
reflected("rlshift", lambda self, other: logic.bitwise_left_shift(other, self))
reflected("rrshift", lambda self, other: logic.bitwise_right_shift(other, self))

for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    operator(_name, getattr(comparison, _name))


def _equal(self: Any, other: Any) -> Any:
    from flambeau.data import from_numpy, is_array

    return comparison.eq.method(self, from_numpy(other) if is_array(other) else other)


# alone among the comparisons, it takes NumPy's arrays
_attach("__eq__", binary_front(comparison.eq.op, asking("__eq__", refusing(_equal))))

extend(
    __neg__=arithmetic.neg.fast,
    __pos__=arithmetic.positive.method,
    __abs__=rounding.abs.method,
    __invert__=logic.invert,
)
# NumPy's arrays and scalars on the left leave the operation to the tensor
extend(__array_priority__=1000)

"""Complex numbers: their parts, conjugates, and views as real ones.

The conjugate is computed at once (PyTorch defers it), so `is_conj` is always false.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu import complexes as cpu
from flambeau.cuda.body import Body
from flambeau.declare import composite, elementwise, primitive
from flambeau.dtypes import FLOATING, dtype, float16, float32, float64
from flambeau.elementwise import TO_REAL
from flambeau.errors import cannot_cast, check, found_out
from flambeau.geometry import broadcast
from flambeau.inplace import can_store
from flambeau.operation import Launch
from flambeau.ops.arithmetic import NOT_HALF_COMPLEX
from flambeau.ops.rules import choose, conj, is_complex, real, zeros_like
from flambeau.tensor import Tensor, extend, memory, shape_of
from flambeau.viewing import Place, view

# ------------------------------------------------------------------------------------------ views


@view(
    "view_as_real(Tensor input)",
    grad=lambda g: view_as_complex(_innermost(g)),  # type: ignore[has-type]
    method=False,
)
def view_as_real(input: Tensor) -> Place:
    """The view as real numbers, with a last dim of size 2. Raises RuntimeError for real tensors."""
    check(input.dtype.is_complex, "view_as_real is only supported for complex tensors")
    own = memory(input)
    strides = (*(2 * s for s in own.strides), 1)
    return Place((*own.shape, 2), strides, 2 * own.offset, dtype=input.dtype.to_real(), replay=view_as_real)


def _innermost(g: Tensor) -> Tensor:
    """g with its last dim's elements side by side, as a view as complex numbers needs them."""
    own = memory(g)
    good = own.strides[-1] == 1 and own.offset % 2 == 0 and all(s % 2 == 0 for s in own.strides[:-1])
    return g if good else g.contiguous().clone()


@view("view_as_complex(Tensor input)", grad=lambda g: view_as_real(g), method=False)
def view_as_complex(input: Tensor) -> Place:
    """The view of pairs (last dim, size 2) as complex numbers. Raises RuntimeError where geometry forbids it."""
    d = input.dtype
    check(
        d in (float16, float32, float64),
        "view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
        f"{d.type_name}",
    )
    own = memory(input)
    check(len(own.shape) > 0, "Input tensor must have one or more dimensions")
    check(own.shape[-1] == 2, "Tensor must have a last dimension of size 2")
    check(own.strides[-1] == 1, "Tensor must have a last dimension with stride 1")
    check(
        all(s % 2 == 0 for s in own.strides[:-1]), "Tensor must have a stride divisible by 2 for all but last dimension"
    )
    check(own.offset % 2 == 0, "Tensor must have a storage_offset divisible by 2")
    strides = tuple(s // 2 for s in own.strides[:-1])
    return Place(own.shape[:-1], strides, own.offset // 2, dtype=d.to_complex(), replay=view_as_complex)


@composite("real(Tensor input)", method=False)
def real_part(input: Tensor) -> Tensor:
    """A view of the real part; a real tensor itself."""
    return view_as_real(input).select(-1, 0) if input.dtype.is_complex else input


@composite("imag(Tensor input)", method=False)
def imaginary_part(input: Tensor) -> Tensor:
    """A view of the imaginary part. Raises RuntimeError for real tensors."""
    check(input.dtype.is_complex, "imag is not implemented for tensors with non-complex dtypes.")
    return view_as_real(input).select(-1, 1)


def _set_real(self: Tensor, value: Any) -> None:
    real_part(self).copy_(value)


def _set_imag(self: Tensor, value: Any) -> None:
    imaginary_part(self).copy_(value)


extend(
    real=property(lambda self: real_part(self), _set_real, doc="A view of the real part."),
    imag=property(lambda self: imaginary_part(self), _set_imag, doc="A view of the imaginary part."),
)


# ------------------------------------------------------------------------------------------ conjugates


def _conjugate(name: str, node: str, *, numpy: Any, **where: Any) -> Any:
    def body(input: Tensor) -> None: ...

    body.__doc__ = "Complex conjugate."
    return elementwise(
        f"{name}(Tensor input{', *, Tensor out=None' if name == 'conj_physical' else ''})",
        numpy=numpy,
        cuda="conj(x)",
        grad=lambda g: conj(g),
        node=node,
        native=dtypes.mask(dtypes.complex64, dtypes.complex128),
        full_name=f"_{name}",
        name=name,
        **where,
    )(body)


conjugated = _conjugate("conj", "ConjBackward0", numpy=np.conjugate, function=False, method=False)
conjugated_at_once = _conjugate(
    "conj_physical", "ConjPhysicalBackward0", numpy=np.conjugate, function=False, method=False
)


@composite("conj(Tensor input)")
def conj_(input: Tensor) -> Tensor:
    """Complex conjugate; a real tensor itself."""
    return conjugated(input) if input.dtype.is_complex else input


@composite("conj_physical(Tensor input, *, Tensor out=None)", out_text=found_out)
def conj_physical(input: Tensor) -> Tensor:
    """Complex conjugate; a real tensor itself."""
    return conjugated_at_once(input) if input.dtype.is_complex else input


conj_physical.op.layout_kept = lambda input, out: True


@composite("conj_physical_(Tensor input)")
def conj_physical_(input: Tensor) -> Tensor:
    """In-place form of `conj_physical`."""
    return conjugated_at_once.op.run_inplace(input, {}) if input.dtype.is_complex else input


def _constant(name: str, doc: str, answer: Any) -> None:
    def body(input: Tensor) -> Any:
        return answer(input)

    body.__doc__ = doc
    composite(f"{name}(Tensor input)")(body)


_constant("is_conj", "Whether a conjugation is pending: never.", lambda t: False)
_constant("is_neg", "Whether a negation is pending: never.", lambda t: False)
_constant("resolve_conj", "The tensor with nothing pending: itself.", lambda t: t)
_constant("resolve_neg", "The tensor with nothing pending: itself.", lambda t: t)


# ------------------------------------------------------------------------------------------ polar form


def _angle_rule(g: Any, input: Any) -> Any:
    if not is_complex(input):
        return zeros_like(g)
    square = real(input * conj(input))
    return choose(square == 0, 0, g * (input * 1j) / square)


@elementwise(
    "angle(Tensor input)",
    numpy=cpu.angle,
    cuda="angle(x)",
    grad=_angle_rule,
    promote=TO_REAL,
    accept=NOT_HALF_COMPLEX & dtypes.mask(*dtypes.FLOATS, *dtypes.COMPLEXES),
    refusal="angle_cpu",
    native=dtypes.NATIVE_FLOAT,
    full_name="_angle",
    node="AngleBackward0",
    function=False,
    method=False,
)
def angle_of_floats(input: Tensor) -> None:
    """Argument of each element."""


angle_of_floats.op.complex_contiguous = True


@composite("angle(Tensor input, *, Tensor out=None)")
def angle(input: Tensor, out: Tensor | None = None) -> Tensor:
    """The argument, in radians: of real numbers 0 or π."""
    if out is not None and input.dtype.is_complex and not can_store(input.dtype.to_real(), out.dtype):
        cannot_cast(input.dtype.to_real(), out.dtype)
    if input.dtype.category < FLOATING:
        input = input.to(dtypes.get_default_dtype())
    return angle_of_floats(input)


angle.op.layout_kept = lambda input, out: out.dtype.is_complex or not input.dtype.is_complex


def _pair(first: Tensor, second: Tensor) -> tuple[tuple[int, ...], dtype]:
    kinds = (float16, float32, float64)
    check(
        first.dtype in kinds and second.dtype in kinds,
        f"Expected both inputs to be Half, Float or Double tensors but got {first.dtype.type_name} and "
        f"{second.dtype.type_name}",
    )
    check(
        first.dtype is second.dtype,
        f"Expected object of scalar type {first.dtype.type_name} but got scalar type {second.dtype.type_name} for "
        "second argument",
    )
    return broadcast(shape_of(first), shape_of(second)), first.dtype.to_complex()


@primitive(
    "complex(Tensor real, Tensor imag, *, Tensor out=None)",
    cpu=cpu.of_parts,
    cuda=Body("complex<T>(x, y)", ("float16", "float32", "float64"), result="complex"),
    grad={"real": lambda g: g.real, "imag": lambda g: g.imag},
    method=False,
)
def complex(real: Tensor, imag: Tensor) -> Launch:
    """real + imag · i."""
    shape, d = _pair(real, imag)
    return Launch((real, imag), shape, d)


def _polar_rules() -> Mapping[str, Any]:
    return {
        "abs": lambda g, out: real(conj(g) * out.sgn()),
        "angle": lambda g, out: real(conj(g) * (out * 1j)),
    }


@primitive(
    "polar(Tensor abs, Tensor angle, *, Tensor out=None)",
    cpu=cpu.of_polar,
    cuda=Body("complex<T>(x * cos(y), x * sin(y))", ("float32", "float64"), result="complex"),
    grad=_polar_rules(),
    method=False,
)
def polar(abs: Tensor, angle: Tensor) -> Launch:
    """abs · (cos angle + i sin angle)."""
    shape, d = _pair(abs, angle)
    if d is dtypes.complex32:
        from flambeau.errors import not_implemented_for

        not_implemented_for("polar_cpu", float16)
    return Launch((abs, angle), shape, d)

"""Views with the dims in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.declare import composite
from flambeau.errors import check
from flambeau.geometry import Shape, wrap_dim
from flambeau.ops.views import alias_of
from flambeau.tensor import Tensor, extend, memory, shape_of
from flambeau.viewing import Place, view
from flambeau.warning import warn_once


@view(
    "transpose(Tensor input, int dim0, int dim1)",
    grad=lambda g, dim0, dim1: g.transpose(dim0, dim1),
)
def transpose(input: Tensor, dim0: int, dim1: int) -> Place:
    """The view with two dims exchanged."""
    own = memory(input)
    n = len(own.shape)
    dim0, dim1 = wrap_dim(dim0, n), wrap_dim(dim1, n)
    shape, strides = list(own.shape), list(own.strides)
    if shape:
        shape[dim0], shape[dim1] = shape[dim1], shape[dim0]
        strides[dim0], strides[dim1] = strides[dim1], strides[dim0]
    return Place(tuple(shape), tuple(strides), own.offset, dim0=dim0, dim1=dim1)


for _name, _a in (("swapaxes", "axis"), ("swapdims", "dim")):
    composite(f"{_name}(Tensor input, int {_a}0, int {_a}1)")(
        lambda input, _a=_a, **dims: transpose(input, dims[f"{_a}0"], dims[f"{_a}1"])
    )


@view("t(Tensor input)", grad=lambda g: g.mT if g.ndim == 2 else g, raw=True)
def t(input: Tensor) -> Place:
    """The transpose of a matrix; vectors and scalars as they are."""
    own = memory(input)
    check(len(own.shape) <= 2, f"t() expects a tensor with <= 2 dimensions, but self is {len(own.shape)}D")
    return Place(own.shape[::-1], own.strides[::-1], own.offset)


def _inverse(dims: Sequence[int]) -> tuple[int, ...]:
    inverse = [0] * len(dims)
    for i, d in enumerate(dims):
        inverse[d] = i
    return tuple(inverse)


@view("permute(Tensor input, tuple of ints dims)", grad=lambda g, dims: g.permute(_inverse(dims)))
def permute(input: Tensor, dims: Shape) -> Place:
    """The view with its dims in another order."""
    own = memory(input)
    n = len(own.shape)
    check(
        len(dims) == n,
        "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
        f"ordering of dimensions i.e. input.dim() = {n} is not equal to len(dims) = {len(dims)}",
    )
    dims = tuple(wrap_dim(d, n) for d in dims)
    check(len(set(dims)) == n, "permute(): duplicate dims are not allowed.")
    return Place(tuple(own.shape[d] for d in dims), tuple(own.strides[d] for d in dims), own.offset, dims=dims)


def _move(input: Tensor, source: Any, destination: Any) -> Tensor:
    n = input.dim()
    src = (source,) if isinstance(source, int) else tuple(source)
    dst = (destination,) if isinstance(destination, int) else tuple(destination)
    check(
        len(src) == len(dst),
        f"movedim: Invalid source or destination dims: source ({list(src)} dims) should contain the same number of "
        f"dims as destination ({list(dst)} dims)",
    )
    src_, dst_ = tuple(wrap_dim(d, n) for d in src), tuple(wrap_dim(d, n) for d in dst)
    check(len(set(src_)) == len(src_), f"movedim: repeated dim in `source` ({list(src)})")
    check(len(set(dst_)) == len(dst_), f"movedim: repeated dim in `destination` ({list(dst)})")
    if n == 0:
        return alias_of(input)
    order = [d for d in range(n) if d not in src_]
    for d, s in sorted(zip(dst_, src_, strict=True)):
        order.insert(d, s)
    return permute(input, order)


for _name in ("movedim", "moveaxis"):
    composite(
        f"{_name}(Tensor input, int source, int destination)",
        f"{_name}(Tensor input, tuple of ints source, tuple of ints destination)",
    )(_move)


@composite("adjoint(Tensor input)")
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of the last two dims."""
    n = len(shape_of(input))
    check(n != 1, f"tensor.adjoint() is only supported on matrices or batches of matrices. Got {n}-D tensor.")
    if n == 0:
        _warn_of_none("adjoint()", "4390")
        return _conjugate(input)
    result = transpose(input, -2, -1)
    return result.conj() if input.dtype.is_complex else result


_IDENTITY = "This function is the identity in these cases."


def _conjugate(input: Tensor) -> Tensor:
    return input.conj() if input.dtype.is_complex else input


def _warn_of_none(name: str, line: str, hint: str = "Consider using x.conj().") -> None:
    """That a transpose of no dims is on its way out."""
    warn_once(f"{name} is deprecated on 0-D tensors. {hint}", f"aten/src/ATen/native/TensorShape.cpp:{line}")


def _numpy_t(self: Tensor) -> Tensor:
    n = len(shape_of(self))
    if n == 0:
        _warn_of_none("Tensor.T", "4321", _IDENTITY)
    elif n != 2:
        warn_once(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
            "aten/src/ATen/native/TensorShape.cpp:4328",
        )
    return permute(self, tuple(range(n))[::-1])


def _matrices(name: str, self: Tensor) -> None:
    n = len(shape_of(self))
    check(
        n != 1,
        f"tensor.{name} is only supported on matrices or batches of matrices. Got {n}-D tensor.",
    )


def _m_t(self: Tensor) -> Tensor:
    _matrices("mT", self)
    if not shape_of(self):
        _warn_of_none("Tensor.mT", "4373", _IDENTITY)
        return self
    return transpose(self, -2, -1)


def _m_h(self: Tensor) -> Tensor:
    _matrices("mH", self)
    if not shape_of(self):
        _warn_of_none("Tensor.mH", "4382")
        return _conjugate(self)
    return adjoint(self)


def _h(self: Tensor) -> Tensor:
    n = len(shape_of(self))
    check(
        n in (0, 2),
        f"tensor.H is only supported on matrices (2-D tensors). Got {n}-D tensor."
        + (" For batches of matrices, consider using tensor.mH" if n > 2 else ""),
    )
    if n == 0:
        _warn_of_none("Tensor.H", "4335")
        return _conjugate(self)
    return adjoint(self)


extend(
    T=property(_numpy_t, doc="The tensor with its dims reversed."),
    mT=property(_m_t, doc="The transpose of the last two dims."),
    mH=property(_m_h, doc="The conjugate transpose of the last two dims."),
    H=property(_h, doc="The conjugate transpose of a matrix."),
)

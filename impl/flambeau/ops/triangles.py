"""Triangles and diagonals: tril, triu, diag, diag_embed, diagflat and the indices of triangles."""

from __future__ import annotations

from typing import Any, Unpack

from flambeau import dtypes
from flambeau.cpu import triangles as cpu
from flambeau.declare import composite, internal, primitive
from flambeau.dtypes import BAREBONES, dtype
from flambeau.errors import check, not_implemented_for, refuse, structured_out
from flambeau.fronts import Front
from flambeau.geometry import wrap_dim
from flambeau.inplace import can_store
from flambeau.operation import Launch
from flambeau.ops.copying import check_device
from flambeau.ops.creation import TENSOR_OPTIONS, TensorOptions
from flambeau.ops.slicing import diagonal, diagonal_copy
from flambeau.tensor import Tensor, memory, shape_of


def _updates_at_once(t: Tensor) -> bool:
    """Whether PyTorch's kernel goes through t itself, and not through a copy that it then writes over t."""
    own = memory(t)
    if len(own.shape) <= 3:
        return True
    step = own.shape[-1] * own.shape[-2]
    for d in range(len(own.shape) - 3, -1, -1):
        if d == 0 and (own.strides[d] == 0 or own.shape[d] == 1):
            continue
        if own.strides[d] != step:
            return False
        step *= own.shape[d]
    return True


def _triangle(name: str, kernel: Any, doc: str) -> Front[Tensor]:
    def body(input: Tensor, diagonal: int = 0) -> Launch:
        check(len(shape_of(input)) >= 2, f"{name}: input tensor must have at least 2 dimensions")
        refuse(name, input.dtype, BAREBONES, 0 not in shape_of(input))
        return Launch((input,), shape_of(input), input.dtype, diagonal=diagonal)

    body.__doc__ = doc
    return primitive(
        f"{name}(Tensor input, index diagonal=0, *, Tensor out=None)",
        update=kernel,
        fills=_updates_at_once,
        out_text=structured_out,
        grad=lambda g, diagonal: getattr(g, name)(diagonal),
        moves=True,
        inplace=True,
    )(body)


tril = _triangle("tril", cpu.tril, "A copy with zeros above a diagonal of the last two dims.")
triu = _triangle("triu", cpu.triu, "A copy with zeros below a diagonal of the last two dims.")


@internal(cpu=cpu.indices, tensors=())
def _indices(row: int, col: int, offset: int, upper: bool, d: dtype, device: Any) -> Launch:
    return Launch((), cpu.indices_shape(row, col, offset, upper), d, device=device, row=row, col=col, offset=offset,
                  upper=upper)  # fmt: skip


def _declare_indices(name: str, upper: bool, doc: str) -> None:
    def body(row: int, col: int, offset: int = 0, **options: Unpack[TensorOptions]) -> Tensor:
        d = options.get("dtype") or dtypes.int64
        check(row >= 0, f"row must be non-negative, got{row}")
        check(col >= 0, f"col must be non-negative, got{col}")
        if d not in (dtypes.int64, dtypes.int32):
            not_implemented_for(name, d)
        made = _indices(row, col, offset, upper, d, check_device(options.get("device")))
        if options.get("requires_grad"):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        return made

    body.__name__, body.__doc__ = name, doc
    composite(f"{name}(int row, int col, int offset=0, *, {TENSOR_OPTIONS})", method=False)(body)


_declare_indices("tril_indices", False, "Rows and columns of the elements on and below a diagonal.")
_declare_indices("triu_indices", True, "Rows and columns of the elements on and above a diagonal.")


@primitive(
    "diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1)",
    cpu=cpu.diag_embed,
    grad=lambda g, offset, dim1, dim2: diagonal(g, offset, dim1, dim2),
    moves=True,
)
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Launch:
    """Zeros with the last dim of input on a diagonal of two new dims."""
    shape = shape_of(input)
    n = len(shape) + 1
    first, second = wrap_dim(dim1, n), wrap_dim(dim2, n)
    check(first != second, f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    side = shape[wrap_dim(-1, len(shape))] + abs(offset)
    rest = list(shape[:-1])
    for d in sorted((first, second)):
        rest.insert(d, side)
    return Launch((input,), tuple(rest), input.dtype, shape=tuple(rest), offset=offset, dim1=first, dim2=second)


@composite("diag(Tensor input, int diagonal=0, *, Tensor out=None)", out_text=structured_out)
def diag(input: Tensor, diagonal: int = 0, out: Tensor | None = None) -> Tensor:
    """The matrix with a vector on a diagonal, or a diagonal of a matrix."""
    rank = len(shape_of(input))
    prefix = "diag(): " if out is None else ""
    check(rank in (1, 2), f"{prefix}Supports 1D or 2D tensors. Got {rank}D")
    if rank == 1:
        check(
            out is None or can_store(input.dtype, out.dtype),
            f"diag: result type {input.dtype.type_name} can't be cast to the desired out= type "
            f"{'' if out is None else out.dtype.type_name}",
        )
        return diag_embed(input, diagonal)
    return diagonal_copy(input, diagonal)


@composite("diagflat(Tensor input, int offset=0)")
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements on a diagonal."""
    return diag_embed(input.contiguous().view(-1), offset)

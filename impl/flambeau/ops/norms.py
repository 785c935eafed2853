"""Vector norms and the distance they make."""

from __future__ import annotations

import math
from typing import Any

from flambeau import dtypes, linalg
from flambeau.cpu import norm as cpu
from flambeau.declare import composite, primitive, python_function
from flambeau.dtypes import dtype
from flambeau.elementwise import result_type
from flambeau.errors import check, structured_out
from flambeau.geometry import broadcast, wrap_dim
from flambeau.operation import Launch, joint
from flambeau.ops.reductions import reduced
from flambeau.ops.rules import choose, unsqueezed
from flambeau.tensor import Tensor, extend, shape_of


def norm_gradient(g: Any, x: Tensor, out: Tensor, ord: float, dims: tuple[int, ...], keepdim: bool) -> Any:
    """Gradient of a vector norm; zero where the norm is zero, shared by the largest elements at order inf."""
    if ord == 0:
        return None
    g, out = unsqueezed(g, dims, keepdim), unsqueezed(out, dims, keepdim)
    if ord == 1:
        return x.sgn() * g
    if ord == 2:
        return g * choose(out == 0, 0.0, x / out)
    size = x.abs()
    if math.isinf(ord):
        wins = (size == out) | size.isnan()
        return x.sgn() * ((g / wins.sum(dims, True)) * wins)
    if ord < 1:
        powers = choose(x == 0, 0.0, size ** (ord - 1))
        return x.sgn() * powers * g * out ** (1 - ord)
    scale = choose(out == 0, 0.0, g / out ** (ord - 1))
    if ord < 2:
        return x.sgn() * size ** (ord - 1) * scale
    return x * size ** (ord - 2) * scale


def _text(ord: float) -> str:
    """An order as C++ prints it."""
    return f"{ord:g}"


def _check_norm_dtype(own: dtype, asked: dtype | None, which: str) -> None:
    check(
        own.category >= dtypes.FLOATING,
        f"linalg.{which}: Expected a floating point or complex tensor as input. Got {own.type_name}",
    )
    if asked is None:
        return
    name = asked.type_name
    check(
        asked.category >= dtypes.FLOATING,
        f"linalg.{which}: dtype should be floating point or complex, but got {name}",
    )
    kind = "complex" if own.is_complex else "real"
    check(
        asked.is_complex == own.is_complex,
        f"linalg.{which}: dtype should be {kind} for {kind} inputs, but got {name}",
    )
    check(
        dtypes.promote_types(own, asked) is asked,
        f"linalg.{which}: the dtype of the input ({own.type_name}) should be convertible without narrowing to the "
        f"specified dtype ({name})",
    )


@primitive(
    "linalg_vector_norm(Tensor input, Number ord=2, tuple of ints[1]? dim=None, bool keepdim=False, *, "
    "torch.dtype? dtype=None, Tensor out=None)",
    cpu=cpu.vector_norm,
    grad=lambda g, input, out, ord, dims, keepdim: norm_gradient(g, input, out, ord, dims, keepdim),
    name="vector_norm",
    namespace="linalg",
    method=False,
    out_text=structured_out,
)
def vector_norm(
    input: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: dtype | None = None
) -> Launch:
    """Norm of order ord over all dims or those in dim, as of one long vector.

    Raises RuntimeError for integers, and for empty norms that have no value (negative orders and inf).
    """
    check(not isinstance(ord, complex), "linalg.vector_norm: Expected a non-complex scalar as the order of norm.")
    order = float(ord)
    shape = shape_of(input)
    _check_norm_dtype(input.dtype, dtype, "vector_norm")
    if 0 in shape and (order < 0 or math.isinf(order)):
        word = f"linalg.vector_norm cannot compute the {_text(order)} norm on"
        check(
            dim is not None and dim != (),
            f"{word} an empty tensor because the operation does not have an identity",
        )
        for d in dim:
            check(
                shape[wrap_dim(d, len(shape))] != 0,
                f"{word} the dimension {d}because this dimension is empty and the operation does not have an identity",
            )
    dims, made = reduced(input, dim, keepdim, in_turn=True)
    d = dtype or input.dtype
    return Launch(
        (input,),
        made,
        d.to_real(),
        compute=d,
        ord=order,
        dims=dims,
        keepdim=keepdim,
        plain=dim is not None and not shape,
    )


def _as_dims(dim: Any) -> Any:
    return (dim,) if isinstance(dim, int) else None if dim is None else tuple(dim)


@composite(
    "linalg_norm(Tensor input, Number? ord=None, tuple of ints[1]? dim=None, bool keepdim=False, *, "
    "torch.dtype? dtype=None, Tensor out=None)",
    "linalg_norm(Tensor input, str ord, tuple of ints[1]? dim=None, bool keepdim=False, *, torch.dtype? dtype=None, "
    "Tensor out=None)",
    name="norm",
    namespace="linalg",
    method=False,
    out_text=structured_out,
)
def linalg_norm(
    input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, dtype: dtype | None = None
) -> Any:
    """Norm of a vector or of matrices (see `matrix_norm`); of all elements where no order is given."""
    dims = _as_dims(dim)
    rank = len(shape_of(input))
    if dims is not None:
        check(len(dims) in (1, 2), f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dims)}")
    elif ord is not None:
        check(
            rank in (1, 2),
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {rank}D.",
        )
    if isinstance(ord, str) or (ord is not None and (len(dims) if dims is not None else rank) == 2):
        return matrix_norm(input, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(input, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


@composite(
    "linalg_matrix_norm(Tensor input, Number ord, tuple of ints dim={-2,-1}, bool keepdim=False, *, "
    "torch.dtype? dtype=None, Tensor out=None)",
    'linalg_matrix_norm(Tensor input, str ord="fro", tuple of ints dim={-2,-1}, bool keepdim=False, *, '
    "torch.dtype? dtype=None, Tensor out=None)",
    name="matrix_norm",
    namespace="linalg",
    method=False,
    out_text=structured_out,
)
def matrix_norm(
    input: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, dtype: dtype | None = None
) -> Any:
    """Norm of the matrices that lie in two dims: "fro", "nuc", ±1 (columns), ±inf (rows) or ±2 (singular values)."""
    shape = shape_of(input)
    _check_norm_dtype(input.dtype, dtype, "matrix_norm")
    check(len(shape) >= 2, "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if not isinstance(ord, str):
        check(
            abs(ord) in (1, 2, math.inf),
            f"linalg.matrix_norm: Order {_text(ord)} not supported.",
        )
    else:
        check(ord in ("fro", "nuc"), f"linalg.matrix_norm: Order {ord} not supported.")
    check(len(dim) == 2, f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    rows, columns = (wrap_dim(d, len(shape)) for d in dim)
    check(rows != columns, f"linalg.matrix_norm: dims must be different. Got ({rows}, {columns})")
    if ord == "fro":
        return vector_norm(input, 2, (rows, columns), keepdim, dtype=dtype)
    if ord == "nuc" or abs(ord) == 2:
        if not hasattr(linalg, "svdvals"):
            raise NotImplementedError(f"flambeau has no singular values yet, which a norm of order {ord} needs")
        last = input if dtype is None else input.to(dtype)
        values = linalg.svdvals(last.movedim((rows, columns), (-2, -1)))
        found = values.sum(-1) if ord == "nuc" else (values.amax if ord > 0 else values.amin)(-1)
        return unsqueezed(found, (rows, columns), False) if keepdim else found
    if abs(ord) == math.inf:
        rows, columns = columns, rows
    sums = vector_norm(input, 1, rows, keepdim, dtype=dtype)
    if shape[columns] == 0:
        return sums.new_zeros(reduced(input, (rows, columns), keepdim)[1])
    return (sums.amax if ord > 0 else sums.amin)(columns - (rows < columns and not keepdim), keepdim)


@python_function
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: dtype | None = None,
) -> Any:
    """Norm of order p over all dims or those in dim; "fro" is 2, "nuc" sums singular values of matrices."""
    if not isinstance(input, Tensor):
        input.layout  # noqa: B018 - what PyTorch looks at first of what is no tensor
    dims = (dim,) if isinstance(dim, int) else dim
    if isinstance(p, str) and (p != "fro" or (dims is not None and len(dims) > 2)):
        return matrix_norm(input, p, (-2, -1) if dims is None else dims, keepdim, dtype=dtype, out=out)
    order = 2.0 if p is None or p == "fro" else p
    return vector_norm(input, order, dims, keepdim, dtype=dtype, out=out)


def _norm_method(self: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """Norm of order p over all dims or those in dim (see `torch.norm`)."""
    return norm(self, p, dim, keepdim, dtype=dtype)


_norm_method.__name__, _norm_method.__qualname__ = "norm", "Tensor.norm"
extend(norm=_norm_method)


def _dist_gradient(g: Any, needs: Any, input: Tensor, other: Tensor, out: Tensor, p: float) -> Any:
    difference = input - other
    dims = tuple(range(len(shape_of(difference))))
    found = norm_gradient(g, difference, out, p, dims, False)
    if found is None:
        return [None, None]
    return [found if needs[0] else None, -found if needs[1] else None]


@primitive("dist(Tensor input, Tensor other, Number p=2)", cpu=cpu.distance, grad=joint(_dist_gradient))
def dist(input: Tensor, other: Tensor, p: Any = 2) -> Launch:
    """Norm of order p of the difference, broadcasting."""
    d = result_type(input, other)
    broadcast(shape_of(input), shape_of(other))
    check(
        d.category >= dtypes.FLOATING,
        f"norm(): input dtype should be either floating point or complex. Got {d.type_name} instead.",
    )
    return Launch((input, other), (), d.to_real(), compute=d, p=float(p))

"""Products made of other operations: outer, inner, tensordot, kron, chains; cross."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from flambeau.cpu import linear as cpu
from flambeau.declare import composite, primitive, python_function
from flambeau.dtypes import FLOATING
from flambeau.errors import check, cpp_name, structured_out
from flambeau.geometry import broadcast, wrap_dim
from flambeau.operation import Launch
from flambeau.ops import arithmetic, permutations, views
from flambeau.ops.linear import batch_dtypes, dot, mm, own_view, times
from flambeau.ops.rules import conj
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn_once


@composite("outer(Tensor input, Tensor vec2, *, Tensor out=None)")
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Products of every element of a vector with every element of another."""
    a, b = shape_of(input), shape_of(vec2)
    check(len(a) == 1, f"outer: Expected 1-D argument self, but got {len(a)}-D")
    check(len(b) == 1, f"outer: Expected 1-D argument vec2, but got {len(b)}-D")
    return arithmetic.mul(views.reshape(input, (a[0], 1)), vec2)


@composite("ger(Tensor input, Tensor vec2, *, Tensor out=None)")
def ger(input: Tensor, vec2: Tensor, out: Tensor | None = None) -> Tensor:
    """The same under its old name."""
    if out is not None:
        warn_once(
            "torch.ger is deprecated and will be removed in a future PyTorch release. Use torch.outer instead.",
            "aten/src/ATen/native/LinearAlgebra.cpp:1274",
            stacklevel=4,
        )
    return outer(input, vec2)


@composite(
    "inner(Tensor input, Tensor other, *, Tensor out=None)",
)
def inner(input: Tensor, other: Tensor, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last dims; the product where one tensor has no dims."""
    a, b = shape_of(input), shape_of(other)
    if not a or not b:
        return arithmetic.mul(input, other)
    check(
        a[-1] == b[-1],
        f"inner() the last dimension must match on both input tensors but got shapes {list(a)} and {list(b)}",
    )
    result = _contract(input, other, (-1,), (-1,))
    check_product_out(result, out)
    return result


def check_product_out(result: Tensor, out: Tensor | None) -> None:
    """Raise RuntimeError for an out= of another dtype."""
    check(
        out is None or out.dtype is result.dtype,
        f"tensordot: Expected the output tensor to have dtype {result.dtype.type_name}, but got an output tensor with "
        f"dtype {result.dtype.type_name if out is None else out.dtype.type_name}",
    )


def _contract(a: Tensor, b: Tensor, dims_a: Sequence[int], dims_b: Sequence[int]) -> Tensor:
    """Sum of products over pairs of dims, as one product of matrices."""
    check(len(dims_a) == len(dims_b), "both dimension lists should have same length")
    check(a.dtype is b.dtype, "both inputs should have same dtype")
    shape_a, shape_b = shape_of(a), shape_of(b)
    wrapped: tuple[list[int], list[int]] = ([], [])
    for i, j in zip(dims_a, dims_b, strict=True):
        first, second = wrap_dim(i, len(shape_a)), wrap_dim(j, len(shape_b))
        n, m = shape_a[first] if shape_a else 1, shape_b[second] if shape_b else 1
        if m == 1:
            a = a.sum(first, keepdim=True, dtype=a.dtype)
        elif n == 1:
            b = b.sum(second, keepdim=True, dtype=b.dtype)
        else:
            check(
                n == m,
                f"contracted dimensions need to match, but first has size {n} in dim {i} and second has size {m} in "
                f"dim {j}",
            )
        wrapped[0].append(first)
        wrapped[1].append(second)
    for dims in wrapped:
        for k, d in enumerate(dims):
            check(d not in dims[:k], f"dim {d} appears multiple times in the list of dims")
    shape_a, shape_b = shape_of(a), shape_of(b)
    free_a = [d for d in range(len(shape_a)) if d not in wrapped[0]]
    free_b = [d for d in range(len(shape_b)) if d not in wrapped[1]]
    result = (*(shape_a[d] for d in free_a), *(shape_b[d] for d in free_b))
    count = prod(shape_a[d] for d in wrapped[0]) if shape_a else 1
    x = permutations.permute(a, (*free_a, *wrapped[0])) if shape_a else permutations.permute(a, ())
    y = permutations.permute(b, (*wrapped[1], *free_b)) if shape_b else permutations.permute(b, ())
    if not free_a and not free_b:
        return views.reshape(dot(_vector(x), _vector(y)), result)
    rows, columns = prod(shape_a[d] for d in free_a), prod(shape_b[d] for d in free_b)
    return views.reshape(mm(views.reshape(x, (rows, count)), views.reshape(y, (count, columns))), result)


def _vector(t: Tensor) -> Tensor:
    return t if len(shape_of(t)) == 1 else views.reshape(t, (-1,))


@python_function
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sum of products over `dims` dims at the end of a and the start of b, or over two lists of dims.

    Raises RuntimeError where sizes of contracted dims differ.
    """
    if not isinstance(dims, tuple | list | Tensor | int):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists, "
            f"but got dims={dims}"
        )
    dims_a: Sequence[int]
    dims_b: Sequence[int]
    if isinstance(dims, tuple | list):
        first, second = dims
        dims_a, dims_b = (
            [first] if isinstance(first, int) else list(first),
            ([second] if isinstance(second, int) else list(second)),
        )
    elif isinstance(dims, Tensor) and dims.numel() > 1:
        check(shape_of(dims)[0] == 2, f"tensordot expects dims tensor to have two elements, but got {dims}")
        dims_a, dims_b = dims[0].tolist(), dims[1].tolist()
    else:
        count = int(dims.item()) if isinstance(dims, Tensor) else dims
        if count < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if count > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims_a, dims_b = list(range(-count, 0)), list(range(count))
    result = _contract(a, b, dims_a, dims_b)
    if out is None:
        return result
    check_product_out(result, out)
    from flambeau.inplace import write_out

    write_out(out, result)
    return out


@composite("kron(Tensor input, Tensor other, *, Tensor out=None)")
def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker product: every element of input times all of other, as blocks."""
    a, b = shape_of(input), shape_of(other)
    rank = max(len(a), len(b))
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    x = own_view(input, tuple(n for pair in zip(a, (1,) * rank, strict=True) for n in pair))
    y = own_view(other, tuple(n for pair in zip((1,) * rank, b, strict=True) for n in pair))
    return own_view(arithmetic.mul(x, y), tuple(n * m for n, m in zip(a, b, strict=True)))


# ------------------------------------------------------------------------------------------ cross, vecdot


@primitive(
    "linalg_cross(Tensor input, Tensor other, *, int dim=-1, Tensor out=None)",
    cpu=cpu.cross,
    grad=(
        lambda g, other, dim: linalg_cross(conj(other), g, dim=dim),  # type: ignore[has-type]
        lambda g, input, dim: linalg_cross(g, conj(input), dim=dim),  # type: ignore[has-type]
    ),
    out_text=structured_out,
    method=False,
    namespace="linalg",
    name="cross",
)
def linalg_cross(input: Tensor, other: Tensor, dim: int = -1) -> Launch:
    """Cross products of three-vectors along dim; the other dims broadcast. Raises RuntimeError for other sizes."""
    a, b = shape_of(input), shape_of(other)
    check(len(a) == len(b), "linalg.cross: inputs must have the same number of dimensions.")
    dim = wrap_dim(dim, len(a))
    n, m = (a[dim], b[dim]) if a else (1, 1)
    check(n == 3 == m, f"linalg.cross: inputs dimension {dim} must have length 3. Got {n} and {m}")
    shape = broadcast(a, b)
    batch_dtypes("cross", input, other) if 0 not in shape else None
    return Launch((input, other), shape, input.dtype, dim=dim)


@composite("cross(Tensor input, Tensor other, int? dim=None, *, Tensor out=None)", out_text=structured_out)
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Cross products along dim, the first of size 3 where none is given (deprecated)."""
    if dim is None:
        warn_once(
            "Using torch.cross without specifying the dim arg is deprecated.\nPlease either pass the dim explicitly or "
            "simply use torch.linalg.cross.\nThe default value of dim will change to agree with that of linalg.cross "
            "in a future release.",
            "aten/src/ATen/native/Cross.cpp:63",
            stacklevel=4,
        )
        shape = shape_of(input)
        check(3 in shape, "no dimension of size 3 in input")
        dim = shape.index(3)
    return linalg_cross(input, other, dim=dim)


@composite(
    "linalg_vecdot(Tensor x, Tensor y, *, int dim=-1, Tensor out=None)",
    method=False, namespace="linalg", name="vecdot",
)  # fmt: skip
def vecdot(x: Tensor, y: Tensor, dim: int = -1) -> Tensor:
    """Sums of conj(x) * y along a dim, broadcasting. Raises RuntimeError for integers or different dtypes."""
    check(
        x.dtype.category >= FLOATING,
        f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {x.dtype.type_name}",
    )
    check(
        x.dtype is y.dtype,
        f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype.type_name} and y of "
        f"type {y.dtype.type_name} instead",
    )
    if len(shape_of(x)) == 1 == len(shape_of(y)):
        return x.vdot(y)
    return arithmetic.mul(conj(x), y).sum(dim)


# ------------------------------------------------------------------------------------------ chains


def _cheapest_order(sizes: Sequence[int]) -> list[list[int]]:
    """Where to part each stretch of a chain of matrices so that fewest multiplications are needed.

    Textbook dynamic programme (Cormen et al., Introduction to Algorithms, matrix-chain multiplication).
    """
    n = len(sizes) - 1
    cost = [[0] * n for _ in range(n)]
    part = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            choices = [(cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            cost[i][j], part[i][j] = min(choices)
    return part


def _chain(matrices: Sequence[Tensor], part: Sequence[Sequence[int]], i: int, j: int) -> Tensor:
    if i == j:
        return matrices[i]
    k = part[i][j]
    return times(_chain(matrices, part, i, k), _chain(matrices, part, k + 1, j))  # type: ignore[no-any-return]


@composite(
    "linalg_multi_dot(tuple of Tensors tensors, *, Tensor out=None)",
    out_text=lambda result, out: (
        f"multi_dot(): expected out tensor to have dtype {cpp_name(result)} but got {cpp_name(out)}"
    ),
    method=False, namespace="linalg", name="multi_dot",
)  # fmt: skip
def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Product of two or more matrices in the cheapest order; the first and last may be vectors."""
    count = len(tensors)
    check(count >= 2, f"multi_dot(): expected at least 2 tensors but got {count}")
    matrices = list(tensors)
    shape: tuple[int, ...] = ()
    first, last = shape_of(matrices[0]), shape_of(matrices[-1])
    for which, dims in (("first", first), ("last", last)):
        check(len(dims) in (1, 2), f"multi_dot(): the {which} tensor must be 1D or 2D but got {len(dims)}D")
    if len(first) == 1:
        matrices[0] = views.unsqueeze(matrices[0], 0)
    else:
        shape = first[:1]
    if len(last) == 1:
        matrices[-1] = views.unsqueeze(matrices[-1], -1)
    else:
        shape += last[1:]
    for i, t in enumerate(matrices):
        rank = len(shape_of(t))
        check(rank == 2, f"multi_dot(): tensor {i} must be 2D but got {rank}D")
        check(
            t.dtype is matrices[0].dtype,
            f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {cpp_name(matrices[0].dtype)} and "
            f"tensor {i} {cpp_name(t.dtype)}",
        )
        if i:
            a, b = shape_of(tensors[i - 1]), shape_of(tensors[i])
            check(
                shape_of(matrices[i - 1])[1] == shape_of(t)[0],
                f"multi_dot(): tensors {i - 1} and {i} with shapes {list(a)} and {list(b)} cannot be multiplied",
            )
    sizes = [shape_of(matrices[0])[0], *(shape_of(t)[1] for t in matrices)]
    if count == 3:
        n, m, k, p = sizes
        part = [[0, 0, 1 if n * m * k + n * k * p < m * k * p + n * m * p else 0], [0, 0, 1], [0, 0, 0]]
    else:
        part = _cheapest_order(sizes)
    return views.reshape(_chain(matrices, part, 0, count - 1), shape)


@python_function
def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """Product of matrices in the cheapest order (deprecated: `linalg.multi_dot`)."""
    warn_once(
        "torch.chain_matmul is deprecated and will be removed in a future PyTorch release. Use torch.linalg.multi_dot "
        "instead, which accepts a list of two or more tensors rather than multiple parameters.",
        "aten/src/ATen/native/LinearAlgebra.cpp:1102",
    )
    for t in matrices:
        rank = len(shape_of(t))
        check(rank == 2, f"Tensor dimension is {rank}, expected 2 instead.")
    check(matrices, "chain_matmul(): Expected one or more matrices")
    if len(matrices) == 1:
        return matrices[0].clone()
    return multi_dot(list(matrices)) if out is None else multi_dot(list(matrices), out=out)


__all__ = ["chain_matmul", "cross", "inner", "kron", "linalg_cross", "multi_dot", "tensordot", "vecdot"]

"""Products of matrices and vectors: mm, bmm, mv, dot, vdot and matmul, which is made of them.

Products of plain tensors of one float dtype take a short way past the argument parser: `_shortcut` below.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from flambeau.autograd.modes import inference_modes, state
from flambeau.autograd.node import node_of, refuse_history, sequence
from flambeau.cpu import linear as cpu
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.declare import composite, internal, primitive
from flambeau.dtypes import BAREBONES_UNSIGNED, NATIVE_FLOAT, bool_, complex32, dtype, mask
from flambeau.errors import check, cpp_name, no_case_for, not_implemented_for, structured_out, too_late
from flambeau.geometry import Shape, broadcast
from flambeau.operation import Launch, OpNode
from flambeau.ops import permutations, views
from flambeau.ops.rules import conj
from flambeau.overrides import PLAIN
from flambeau.tensor import UNTRACKED, Tensor, memory, new, shape_of

# what no product takes
REFUSED = mask(bool_, complex32, *BAREBONES_UNSIGNED)


def refuse(kernel: str, d: dtype, *, empty: bool = False) -> None:
    """Raise NotImplementedError for dtypes that no product takes; empty products never reach a kernel."""
    if d.bit & REFUSED and not empty:
        if kernel in ("dot", "vdot", "bmm"):  # they look before they make a result
            raise no_case_for(kernel, d)
        not_implemented_for(kernel, d)


def times(a: Any, b: Any) -> Any:
    """The product of two Tensors or two ndarrays of equal rank, or of matrices and a vector."""
    if not isinstance(a, Tensor):
        return a @ b
    rank = len(shape_of(a)), len(shape_of(b))
    if rank == (2, 2):
        return mm.run({"input": a, "mat2": b})
    if rank == (3, 3):
        return bmm.run({"input": a, "mat2": b})
    return matmul.run({"input": a, "other": b})


def left_gradient(g: Any, mat2: Any, input_columns: bool) -> Any:
    """g @ mat2ᴴ, laid out as the left operand is (Tensors and ndarrays)."""
    b = conj(mat2)
    return times(b, g.mT).mT if input_columns else times(g, b.mT)


def right_gradient(g: Any, input: Any, mat2_columns: bool) -> Any:
    """inputᴴ @ g, laid out as the right operand is (Tensors and ndarrays)."""
    a = conj(input)
    return times(g.mT, a).mT if mat2_columns else times(a.mT, g)


def _shortcut(name: str, ranks: tuple[int, ...]) -> Callable[..., Tensor | None]:
    """The fast path of products of two plain tensors whose ranks (as 10 * first + second) are among those given."""

    def front(input: Any = None, other: Any = None, *rest: Any) -> Tensor | None:
        if rest or type(input) not in PLAIN or type(other) not in PLAIN:
            return None
        d, x, y = input._dtype, input._array, other._array
        if not d.bit & NATIVE_FLOAT or other._dtype is not d or x is None or y is None:
            return None
        rank = 10 * x.ndim + y.ndim
        if rank not in ranks or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
            return None
        if rank == 33 and x.shape[0] != y.shape[0]:
            return None
        token = enter(QUIET)
        try:
            r = cpu.product(x, y)
        finally:
            leave(token)
        out = new(Tensor)
        out._array = r
        out._dtype = d
        out._grad = out._memory = out._view = out._node = None
        out._version_counter = UNTRACKED if inference_modes and state.inference else None
        if state.enabled:
            a = input._node if input._view is None else node_of(input)
            b = other._node if other._view is None else node_of(other)
            if a is not None or b is not None:
                out._node = _node(rank, a, b, input, other, out)
        return out

    front.__name__ = name
    return front


def _node(rank: int, a: Any, b: Any, input: Tensor, other: Tensor, out: Tensor) -> OpNode:
    """The node of a product: what the operation's own `history` would make."""
    n = new(_CLASSES[rank])
    n.edges = (a, b)
    n.shape = out._array.shape
    n.dtype = out._dtype
    n.hooks = None
    n.raw = True
    n.seq = sequence()
    x, y = input._version_counter, other._version_counter
    first, second = None if a is None else other, None if b is None else input
    versions = (
        None if a is None else 0 if y is None else y[0],
        None if b is None else 0 if x is None else x[0],
    )
    if rank == 22:
        s, t = input._array.flags, other._array.flags
        n.saved = (
            first, s.f_contiguous and not s.c_contiguous, second, t.f_contiguous and not t.c_contiguous
        )  # fmt: skip
        n.versions = (versions[0], None, versions[1], None)
    else:
        n.saved, n.versions = (first, second), versions
    return n


@primitive(
    "mm(Tensor input, Tensor mat2, *, Tensor out=None)",
    function_only=["mm(Tensor input, Tensor mat2, torch.dtype out_dtype, *, Tensor out=None)"],
    cpu=cpu.product,
    grad=(left_gradient, right_gradient),
    raw=True,
    out_text=structured_out,
    shortcut=_shortcut("mm", (22,)),
)
def mm(input: Tensor, mat2: Tensor, out_dtype: dtype | None = None, out: Tensor | None = None) -> Launch:
    """Matrix product of (n, m) and (m, p). Raises RuntimeError for other shapes or different dtypes."""
    only_cuda("mm", out_dtype)
    a, b = shape_of(input), shape_of(mat2)
    check(len(a) == 2, "self must be a matrix")
    check(len(b) == 2, "mat2 must be a matrix")
    check_sizes(a, b)
    check_out(out, input.dtype)
    if input.dtype is not mat2.dtype:
        text = f"expected m1 and m2 to have the same dtype, but got: {cpp_name(input.dtype)} != {cpp_name(mat2.dtype)}"
        raise too_late(RuntimeError(text), input.dtype)
    refuse("addmm_impl_cpu_", input.dtype, empty=0 in (*a, b[1]))
    return Launch((input, mat2), (a[0], b[1]), input.dtype)


def check_out(out: Tensor | None, d: dtype) -> None:
    """PyTorch looks at out='s dtype before it refuses the operands'."""
    if out is not None and out.dtype is not d:
        raise RuntimeError(structured_out(d, out.dtype))


def only_cuda(name: str, out_dtype: dtype | None) -> None:
    """PyTorch has products with a dtype of their own on CUDA only."""
    if out_dtype is not None:
        raise NotImplementedError(f"Could not run 'aten::{name}.dtype' with arguments from the 'CPU' backend.")


def check_sizes(a: Shape, b: Shape) -> None:
    """Raise RuntimeError unless matrices of these shapes can be multiplied."""
    check(a[1] == b[0], f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})")


@primitive(
    "bmm(Tensor input, Tensor mat2, *, Tensor out=None)",
    function_only=["bmm(Tensor input, Tensor mat2, torch.dtype out_dtype, *, Tensor out=None)"],
    cpu=cpu.product,
    grad=(lambda g, mat2: times(g, conj(mat2).mT), lambda g, input: times(conj(input).mT, g)),
    raw=True,
    out_text=structured_out,
    shortcut=_shortcut("bmm", (33,)),
)
def bmm(input: Tensor, mat2: Tensor, out_dtype: dtype | None = None, out: Tensor | None = None) -> Launch:
    """Products of the matrices of (b, n, m) and (b, m, p). Raises RuntimeError for other shapes."""
    only_cuda("bmm", out_dtype)
    shape = batch_shape(shape_of(input), shape_of(mat2))
    check_out(out, mat2.dtype)
    if 0 in (*shape, shape_of(mat2)[1]):  # nothing to multiply: the dtypes are not compared
        refuse_history(mat2.dtype, input, mat2)
        return Launch((input, mat2), shape, mat2.dtype)
    if prod((*shape[1:], shape_of(mat2)[1])) >= 400:
        _check_large("baddbmm_with_gemm", input.dtype, mat2.dtype)
    batch_dtypes("bmm", input, mat2)
    return Launch((input, mat2), shape, input.dtype)


def _check_large(kernel: str, a: dtype, b: dtype) -> None:
    """Raise for two dtypes of a product large enough that PyTorch leaves it to a library, which asks otherwise."""
    if a is b:
        return
    if b is complex32:
        not_implemented_for(kernel, b)
    check(
        not b.bit & NATIVE_FLOAT,
        f"expected scalar type {b.type_name} but found {a.type_name}",
    )
    raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {cpp_name(a)} != {cpp_name(b)}")


def batch_shape(a: Shape, b: Shape) -> Shape:
    """The shape of a batch of products. Raises RuntimeError if they cannot be multiplied."""
    check(len(a) == 3, "batch1 must be a 3D tensor")
    check(len(b) == 3, "batch2 must be a 3D tensor")
    check(
        a[0] == b[0] and a[2] == b[1],
        f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}].",
    )
    return a[0], a[1], b[2]


def batch_dtypes(kernel: str, batch1: Tensor, batch2: Tensor) -> None:
    """Raise for dtypes that a batched product does not take."""
    refuse(kernel, batch1.dtype, empty=0 in (*shape_of(batch1), *shape_of(batch2)))
    check(
        batch1.dtype is batch2.dtype,
        f"expected scalar type {batch1.dtype.type_name} but found {batch2.dtype.type_name}",
    )


def check_vector_product(ranks: tuple[int, int, int], size: str, mat: Shape, vec: Shape, fits: bool) -> None:
    """Raise RuntimeError unless a matrix and a vector can be multiplied and added to a vector."""
    check(
        ranks[0] <= 1 and ranks[1:] == (2, 1),
        f"vector + matrix @ vector expected, got {ranks[0]}, {ranks[1]}, {ranks[2]}",
    )
    check(
        mat[1] == vec[0] and fits,
        f"size mismatch, got input ({size}), mat ({mat[0]}x{mat[1]}), vec ({vec[0]})",
    )


def vector_dtypes(self: dtype, mat: dtype, vec: dtype) -> None:
    """Raise RuntimeError unless the three are the same."""
    check(
        self is mat is vec,
        f"addmv input tensors must have the same dtype, but got {self.type_name}, {mat.type_name}, and {vec.type_name}",
    )


@primitive(
    "mv(Tensor input, Tensor vec, *, Tensor out=None)",
    cpu=cpu.product,
    grad=(
        lambda g, vec: g.reshape((-1, 1)) * conj(vec),
        lambda g, input: times(conj(input).mT, g),
    ),
    raw=True,
    out_text=lambda result, out: (
        f"addmv input tensors must have the same dtype, but got {out.type_name}, {result.type_name}, and "
        f"{result.type_name}"
    ),
    shortcut=_shortcut("mv", (21,)),
)
def mv(input: Tensor, vec: Tensor, out: Tensor | None = None) -> Launch:
    """Product of a matrix (n, m) and a vector (m,)."""
    a, b = shape_of(input), shape_of(vec)
    check(a, "Dimension specified as 0 but tensor has no dimensions", IndexError)
    check_vector_product((1, len(a), len(b)), str(a[0]), a, b, True)
    vector_dtypes(vec.dtype, input.dtype, vec.dtype)
    if out is not None and shape_of(out) != a[:1]:
        check_out(out, vec.dtype)
    refuse("addmv_impl_cpu", input.dtype, empty=0 in a)
    return Launch((input, vec), a[:1], input.dtype)


def _dot_plan(name: str, input: Tensor, other: Tensor, out: Tensor | None) -> Launch:
    a, b = shape_of(input), shape_of(other)
    if out is not None and out.dtype is not input.dtype:
        raise RuntimeError(_dot_out(input.dtype, out.dtype))
    check(len(a) == 1 == len(b), f"1D tensors expected, but got {len(a)}D and {len(b)}D tensors")
    check(
        input.dtype is other.dtype,
        f"dot : expected both vectors to have same dtype, but found {input.dtype.type_name} and "
        f"{other.dtype.type_name}",
    )
    check(
        a == b,
        f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have the same number of elements, "
        f"but got {a[0]} and {b[0]} elements respectively",
    )
    refuse(name if input.dtype.is_complex else "dot", input.dtype)
    return Launch((input, other), (), input.dtype)


def _dot_out(result: dtype, out: dtype) -> str:
    return f"result dtype {out.type_name} does not match input dtype {result.type_name}"


@primitive(
    "dot(Tensor input, Tensor tensor, *, Tensor out=None)",
    cpu=cpu.dot,
    grad=(lambda g, tensor: g * conj(tensor), lambda g, input: g * conj(input)),
    raw=True,
    out_text=_dot_out,
    shortcut=_shortcut("dot", (11,)),
)
def dot(input: Tensor, tensor: Tensor, out: Tensor | None = None) -> Launch:
    """Sum of the products of two vectors' elements, without conjugation."""
    return _dot_plan("dot", input, tensor, out)


@primitive(
    "vdot(Tensor input, Tensor other, *, Tensor out=None)",
    cpu=cpu.vdot,
    grad=(lambda g, other: conj(g) * other, lambda g, input: g * input),
    raw=True,
    out_text=_dot_out,
)
def vdot(input: Tensor, other: Tensor, out: Tensor | None = None) -> Launch:
    """Sum of the products of two vectors' elements, the first conjugated."""
    return _dot_plan("vdot", input, other, out)


_CLASSES: dict[int, type[OpNode]] = {
    22: mm.op.node_class, 33: bmm.op.node_class, 21: mv.op.node_class, 11: dot.op.node_class,
}  # fmt: skip


# ------------------------------------------------------------------------------------------ matmul


def own_view(t: Tensor, shape: Shape) -> Tensor:
    """A result in another shape, as if it had been made so."""
    result = views.unsafe_view.run({"input": t, "size": shape})
    result._view = None
    return result


def _requires_grad(t: Tensor) -> bool:
    return node_of(t) is not None


def _folds(input: Tensor, other: Tensor) -> bool:
    """Whether a batch times a matrix or vector becomes one product of matrices: without a copy, or where a gradient
    would otherwise be as large as the expanded operand."""
    a, b = shape_of(input), shape_of(other)
    first_larger = len(a) >= len(b)
    if max(len(a), len(b)) < 3 or min(len(a), len(b)) > 2:
        return False
    if _requires_grad(other if first_larger else input):
        return True
    if len(a) == 2:
        return False
    own = memory(input if first_larger else permutations.transpose(other, -2, -1))
    if 0 in own.shape:
        return True
    shape, strides = own.shape, own.strides
    return all(strides[i] == strides[i + 1] * shape[i + 1] for i in range(len(shape) - 2))


def _folded(input: Tensor, other: Tensor) -> Tensor:
    """The product of a batch of matrices and a matrix or vector, in either order, as one product."""
    swapped = len(shape_of(other)) > len(shape_of(input))
    batch, rest = (permutations.transpose(other, -2, -1), input) if swapped else (input, other)
    if swapped and len(shape_of(rest)) == 2:
        rest = permutations.t(rest)
    shape = shape_of(batch)
    folded = views.reshape(batch, (prod(shape[:-1]), shape[-1]))
    if len(shape_of(rest)) == 1:
        return own_view(mv(folded, rest), shape[:-1])
    result = own_view(mm(folded, rest), (*shape[:-1], shape_of(rest)[1]))
    return result.mT.contiguous() if swapped else result


@internal(tensors=("input", "other"), cpu=cpu.product)
def _broadcast_product(input: Tensor, other: Tensor, shape: Shape) -> Launch:
    """A product of batches that nobody differentiates: BLAS reads the repeated operand in place."""
    return Launch((input, other), shape, input.dtype)


def _batched(input: Tensor, other: Tensor) -> Tensor:
    """The product of batches that broadcast, a vector on either side standing for a row or column."""
    a, b = shape_of(input), shape_of(other)
    n = a[-2:-1] or (1,)
    vector = len(b) == 1
    batch = broadcast(a[:-2], b[:-2])
    count = prod(batch)
    inner, columns = (b[0], ()) if vector else (b[-2], b[-1:])
    shape = (*batch, *a[-2:-1], *columns)
    graph = state.enabled and (_requires_grad(input) or _requires_grad(other))
    plain = input.dtype is other.dtype and not input.dtype.bit & REFUSED and a[-1] == inner
    if plain and not graph and input._array is not None and other._array is not None:
        return _broadcast_product(input, other, shape)
    x = views.reshape(input.expand((*batch, *n, a[-1])), (count, *n, a[-1]))
    y = views.reshape(other.expand((*batch, inner, *columns)), (count, inner, *columns))
    if vector:
        return own_view(bmm(x, views.unsqueeze(y, 2)).squeeze(-1), shape)
    return own_view(bmm(x, y), shape)


def _check_out(input: Tensor, other: Tensor, out: dtype, rank: int, folds: bool) -> None:
    """Refuse an out= of another dtype as the product that is taken does, before its kernel is looked for."""
    first, second = input.dtype, other.dtype
    if folds and rank % 10 == 1:
        check(
            out is first is second,
            f"addmv input tensors must have the same dtype, but got {out.type_name}, {first.type_name}, and "
            f"{second.type_name}",
        )
    expected = first if rank == 12 or folds else second
    check(out is expected, structured_out(expected, out))


def _matmul(input: Tensor, other: Tensor, out: Tensor | None = None) -> Tensor:
    a, b = shape_of(input), shape_of(other)
    check(
        a and b,
        f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D",
    )
    rank = 10 * len(a) + len(b)
    if out is not None and rank in (11, 21, 22):
        op = {11: dot, 21: mv, 22: mm}[rank].op
        return op.run({**dict(zip(op.tensors, (input, other), strict=True)), "out": out})  # type: ignore[no-any-return]
    if rank == 11:
        return dot(input, other)
    if rank == 21:
        return mv(input, other)
    if rank == 22:
        return mm(input, other)
    folds = rank != 12 and _folds(input, other)
    if out is not None:
        _check_out(input, other, out.dtype, rank, folds)
    if rank == 12:
        return mm(views.unsqueeze(input, 0), other).squeeze_(0)
    if folds:
        return _folded(input, other)
    if rank == 33 and a[0] != b[0]:
        if a[0] == 1 and _requires_grad(input):
            return _folded(views.squeeze(input, 0), other)
        if b[0] == 1 and _requires_grad(other):
            return _folded(input, views.squeeze(other, 0))
    return _batched(input, other)


matmul = composite(
    "matmul(Tensor input, Tensor other, *, Tensor out=None)",
    out_text=structured_out,
    shortcut=_shortcut("matmul", (22, 21, 11)),
)(_matmul)
matmul.op.doc = matmul.__doc__ = matmul.method.__doc__ = (
    "Product of vectors, matrices or batches of matrices that broadcast: (..., n, m) @ (..., m, p) -> (..., n, p)."
)
composite(
    "linalg_matmul(Tensor input, Tensor other, *, Tensor out=None)",
    out_text=structured_out, method=False, namespace="linalg", name="matmul",
)(_matmul)  # fmt: skip


def _operator(name: str, product: Callable[..., Any]) -> None:
    def front(self: Any, other: Any) -> Any:
        try:
            return product(self, other)
        except TypeError:
            return NotImplemented

    front.__name__ = name
    front.__qualname__ = f"Tensor.{name}"
    front.__module__ = "torch"
    setattr(Tensor, name, front)


_operator("__matmul__", matmul.method)
_operator("__rmatmul__", lambda self, other: matmul(other, self))

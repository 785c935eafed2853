"""Products added to something: beta * input + alpha * (product)."""

from __future__ import annotations

from typing import Any

from flambeau.autograd.node import refuse_history
from flambeau.cpu import linear as cpu
from flambeau.declare import primitive
from flambeau.dtypes import BOOL, FLOATING, dtype
from flambeau.elementwise import result_type
from flambeau.errors import check, cpp_name, not_implemented_for, structured_out
from flambeau.geometry import Shape
from flambeau.operation import Launch
from flambeau.ops.broadcasting import expand
from flambeau.ops.filling import check_representable
from flambeau.ops.linear import (
    batch_dtypes,
    batch_shape,
    check_out,
    check_sizes,
    check_vector_product,
    left_gradient,
    only_cuda,
    refuse,
    right_gradient,
    times,
    vector_dtypes,
)
from flambeau.ops.rules import conj, scaled
from flambeau.tensor import Tensor, shape_of


def _schemas(name: str, *products: str) -> list[str]:
    """The signature, and the deprecated ones in which beta and alpha stand before what they multiply."""
    tensors = ", ".join(f"Tensor {p}" for p in products)
    return [
        f"{name}(Tensor input, {tensors}, *, Number beta=1, Number alpha=1, Tensor out=None)",
        f"{name}(Number beta, Tensor input, Number alpha, {tensors}, *, Tensor out=None)|deprecated",
        f"{name}(Number beta, Tensor input, {tensors}, *, Tensor out=None)|deprecated",
    ]


def _with_dtype(schemas: list[str]) -> list[str]:
    """The signature with a dtype for the result."""
    return [schemas[0].replace(", *, Number beta", ", torch.dtype out_dtype, *, Number beta")]


def _check_factors(beta: Any, alpha: Any, d: dtype, *, wide: bool = True) -> None:
    """Raise RuntimeError for factors that the dtype cannot hold. wide: half counts as float32."""
    for factor in (beta, alpha):
        if isinstance(factor, complex) and factor.imag and d.category == FLOATING and not wide:
            raise RuntimeError(f"value cannot be converted to type {cpp_name(d)} without overflow")
        check_representable(factor, d.compute)


def _check_expands(input: Tensor, shape: Shape) -> None:
    """Raise RuntimeError unless input broadcasts to the product's shape."""
    if shape_of(input) != shape:
        expand.op.body(input, shape)


@primitive(
    *_schemas("addmm", "mat1", "mat2"),
    function_only=_with_dtype(_schemas("addmm", "mat1", "mat2")),
    cpu=cpu.scaled_product,
    grad=(
        lambda g, beta: scaled(g, beta),
        lambda g, mat2, mat1_columns, alpha: scaled(left_gradient(g, mat2, mat1_columns), alpha),
        lambda g, mat1, mat2_columns, alpha: scaled(right_gradient(g, mat1, mat2_columns), alpha),
    ),
    raw=True,
    inplace=True,
    out_text=structured_out,
)
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, out_dtype: dtype | None = None, beta: Any = 1, alpha: Any = 1
) -> Launch:
    """beta * input + alpha * (mat1 @ mat2); input broadcasts. A zero factor hides NaN in what it multiplies."""
    only_cuda("addmm", out_dtype)
    a, b = shape_of(mat1), shape_of(mat2)
    check(len(a) == 2, f"mat1 must be a matrix, got {len(a)}-D tensor")
    check(len(b) == 2, f"mat2 must be a matrix, got {len(b)}-D tensor")
    check_sizes(a, b)
    _same_as_mat2("self", input, mat2)
    _same_as_mat2("mat1", mat1, mat2)
    shape = a[0], b[1]
    _check_expands(input, shape)
    refuse("addmm_impl_cpu_", input.dtype, empty=0 in (*a, b[1]))
    _check_factors(beta, alpha, input.dtype)
    return Launch((input, mat1, mat2), shape, input.dtype, beta=beta, alpha=alpha)


def _same_as_mat2(name: str, t: Tensor, mat2: Tensor) -> None:
    check(
        t.dtype is mat2.dtype,
        f"{name} and mat2 must have the same dtype, but got {t.dtype.type_name} and {mat2.dtype.type_name}",
    )


@primitive(
    *_schemas("addmv", "mat", "vec"),
    cpu=cpu.scaled_product,
    grad=(
        lambda g, beta: scaled(g, beta),
        lambda g, vec, alpha: scaled(g.reshape((-1, 1)) * conj(vec), alpha),
        lambda g, mat, alpha: scaled(times(conj(mat).mT, g), alpha),
    ),
    raw=True,
    inplace=True,
    inplace_function=True,
    out_text=structured_out,
)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, beta: Any = 1, alpha: Any = 1) -> Launch:
    """beta * input + alpha * (mat @ vec); input is a vector or one element."""
    own, a, b = shape_of(input), shape_of(mat), shape_of(vec)
    size = own[0] if own else 1
    fits = len(a) == 2 and size in (a[0], 1)
    check_vector_product((len(own), len(a), len(b)), str(size), a, b, fits)
    vector_dtypes(input.dtype, mat.dtype, vec.dtype)
    refuse("addmv_impl_cpu", input.dtype, empty=0 in a)
    _check_factors(beta, alpha, input.dtype, wide=False)
    return Launch((input, mat, vec), a[:1], input.dtype, beta=beta, alpha=alpha)


_BATCHED: dict[str, Any] = {
    "cpu": cpu.batched_scaled_product,
    "grad": (
        lambda g, beta: scaled(g, beta),
        lambda g, batch2, alpha: scaled(times(g, conj(batch2).mT), alpha),
        lambda g, batch1, alpha: scaled(times(conj(batch1).mT, g), alpha),
    ),
    "raw": True,
    "node": "BaddbmmBackward0",
    "out_text": structured_out,
}


@primitive(
    *_schemas("baddbmm", "batch1", "batch2"),
    function_only=_with_dtype(_schemas("baddbmm", "batch1", "batch2")),
    **_BATCHED,
)
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    out_dtype: dtype | None = None,
    beta: Any = 1,
    alpha: Any = 1,
    out: Tensor | None = None,
) -> Launch:
    """beta * input + alpha * (batch1 @ batch2) for batches of matrices; input broadcasts."""
    only_cuda("baddbmm", out_dtype)
    shape = _check_batches(input, batch1, batch2)
    check_out(out, batch2.dtype)
    return _batched(input, batch1, batch2, shape, beta, alpha)


@primitive(
    *_schemas("baddbmm", "batch1", "batch2"),
    full_name="baddbmm_", name="baddbmm", function=False, method=False, inplace=True,
    **_BATCHED,
)  # fmt: skip
def _baddbmm_inplace(input: Tensor, batch1: Tensor, batch2: Tensor, beta: Any = 1, alpha: Any = 1) -> Launch:
    """beta * input + alpha * (batch1 @ batch2) in input's memory."""
    shape = _check_batches(input, batch1, batch2)
    check(
        input.dtype is batch2.dtype,
        f"Bad in-place call: input tensor dtype {cpp_name(input.dtype)} and output tensor dtype "
        f"{cpp_name(batch2.dtype)} should match",
    )
    have = shape_of(input)
    check(
        have == shape,
        f"Bad in-place call: input tensor size {list(have)} and output tensor size {list(shape)} should match",
    )
    return _batched(input, batch1, batch2, shape, beta, alpha)


def _check_batches(input: Tensor, batch1: Tensor, batch2: Tensor) -> Shape:
    _check_expands(input, _sizes((batch1, 0), (batch1, 1), (batch2, 2)))
    check(
        input.dtype is batch1.dtype,
        f"Input dtypes must be the same, got: input {cpp_name(input.dtype)}, batch1: {cpp_name(batch1.dtype)}, "
        f"batch2: {cpp_name(batch2.dtype)}",
    )
    return batch_shape(shape_of(batch1), shape_of(batch2))


def _batched(input: Tensor, batch1: Tensor, batch2: Tensor, shape: Shape, beta: Any, alpha: Any) -> Launch:
    if 0 in (*shape, shape_of(batch2)[1]):  # nothing to multiply: the dtypes are not compared
        refuse_history(batch2.dtype, input, batch1, batch2)
    else:
        batch_dtypes("baddbmm", batch1, batch2)
        _check_factors(beta, alpha, input.dtype)
    return Launch((input, batch1, batch2), shape, batch2.dtype, beta=beta, alpha=alpha)


def _sizes(*wanted: tuple[Tensor, int]) -> Shape:
    """Sizes of dims. Raises IndexError for dims that a tensor does not have."""
    return tuple(t.size(d) for t, d in wanted)


@primitive(
    *_schemas("addbmm", "batch1", "batch2"),
    cpu=cpu.summed_scaled_product,
    grad=(
        lambda g, beta: scaled(g, beta),
        lambda g, batch2, alpha: scaled(g @ conj(batch2).mT, alpha),
        lambda g, batch1, alpha: scaled(conj(batch1).mT @ g, alpha),
    ),
    raw=True,
    inplace=True,
    out_text=lambda result, out: (
        f"self and mat2 must have the same dtype, but got {out.type_name} and {result.type_name}"
    ),
)
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, beta: Any = 1, alpha: Any = 1) -> Launch:
    """beta * input + alpha * (sum of the products of the batches' matrices); input broadcasts."""
    shape = _sizes((batch1, 1), (batch2, 2))
    _check_expands(input, shape)
    a, b = shape_of(batch1), shape_of(batch2)
    check(len(a) == 3, "batch1 must be a 3D tensor")
    check(len(b) == 3, "batch2 must be a 3D tensor")
    check(a[0] == b[0], f"batch1 and batch2 must have same number of batches, got {a[0]} and {b[0]}")
    check(a[2] == b[1], f"Incompatible matrix sizes for bmm ({a[1]}x{a[2]} and {b[1]}x{b[2]})")
    _same_as_mat2("self", input, batch2)
    _same_as_mat2("mat1", batch1, batch2)
    refuse("addmm_impl_cpu_", input.dtype, empty=0 in (*a, b[2]))
    _check_factors(beta, alpha, input.dtype)
    return Launch((input, batch1, batch2), shape, input.dtype, beta=beta, alpha=alpha)


@primitive(
    *_schemas("addr", "vec1", "vec2"),
    cpu=cpu.scaled_outer,
    grad=(
        lambda g, beta: scaled(g, beta),
        lambda g, vec2, alpha: scaled(times(g, conj(vec2)), alpha),
        lambda g, vec1, alpha: scaled(times(g.mT, conj(vec1)), alpha),
    ),
    raw=True,
    inplace=True,
)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, beta: Any = 1, alpha: Any = 1) -> Launch:
    """beta * input + alpha * (outer product of vec1 and vec2), promoting; input broadcasts."""
    a, b = shape_of(vec1), shape_of(vec2)
    check(len(a) == 1, f"addr: Expected 1-D argument vec1, but got {len(a)}-D")
    check(len(b) == 1, f"addr: Expected 1-D argument vec2, but got {len(b)}-D")
    shape = a[0], b[0]
    _check_expands(input, shape)
    d = result_type(input, vec1, vec2)
    for name, factor in (("beta", beta), ("alpha", alpha)):
        check(
            d.category >= FLOATING or isinstance(factor, bool | int),
            f"For integral input tensors, argument {name} must not be a floating point number.",
        )
        check(not isinstance(factor, bool) or d.category == BOOL, f"Boolean {name} only supported for Boolean results.")
    if d.name in ("uint16", "uint32", "uint64", "complex32") and 0 not in shape:
        not_implemented_for("addr_cpu", d)
    _check_factors(beta, alpha, d, wide=False)
    return Launch((input, vec1, vec2), shape, d, compute=d.compute, beta=beta, alpha=alpha)

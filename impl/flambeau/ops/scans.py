"""Running sums, products and extremes; differences of neighbours."""

from __future__ import annotations

from typing import Any

from flambeau import dtypes, return_types
from flambeau.autograd.modes import state
from flambeau.cpu import scan as cpu
from flambeau.declare import ANY, composite, primitive, several
from flambeau.dtypes import dtype, mask
from flambeau.errors import cannot_cast, check, cpp_name, not_implemented_for, refuse, structured_out
from flambeau.geometry import wrap_dim
from flambeau.numeric_limits import finfo
from flambeau.operation import Launch
from flambeau.ops.copying import to_dtype
from flambeau.ops.extremes import ORDERED
from flambeau.ops.joining import cat
from flambeau.ops.reductions import SUMMABLE, accumulated, runs_kernel
from flambeau.ops.rules import choose, conj, kept, of_one_kind, real
from flambeau.tensor import Tensor, shape_of

SCANNED = SUMMABLE & ~mask(dtypes.bool_)
ANALYTIC = ANY & mask(*dtypes.FLOATS, dtypes.complex64, dtypes.complex128)


def from_behind(t: Tensor, dim: int) -> Any:
    """Running sum from the end."""
    return t.flip(dim).cumsum(dim).flip(dim) if shape_of(t) else t


def _product_gradient(g: Tensor, input: Tensor, out: Tensor, dim: int) -> Any:
    """Gradient of a running product: exact where elements are zero, and differentiable again."""
    shape = shape_of(input)
    if not shape or 0 in shape or shape[dim] == 1:
        return g
    zeros = input._array is None or bool((input == 0).any())
    if not zeros:
        of_one_kind(g, input.dtype)
    elif out.dtype.is_complex and not input.dtype.is_complex:
        if not state.enabled:
            cannot_cast(out.dtype, input.dtype)
        g = real(g)  # PyTorch copies into real slices
    # PyTorch hands the gradient on in the input's dtype, and computes in what it and the result promote to.
    g = to_dtype(g, input.dtype)
    if not zeros:
        return from_behind(g * conj(out), dim) / conj(input)
    if state.enabled:
        return _undivided_gradient(g, conj(input), dim)
    return _product_gradient_at_zeros(g, input, out, dim)


def _undivided_gradient(g: Any, x: Any, dim: int) -> Any:
    """The same by products and sums alone, as PyTorch takes them: of all factors but one, for each of them."""
    n = shape_of(x)[dim]
    parts = []
    for k in range(n):
        others = before = x.narrow(dim, 0, k).prod(dim, True) if k else x.new_ones(kept(shape_of(x), (dim,)))
        if k < n - 1:
            after = x.narrow(dim, k + 1, n - k - 1).cumprod(dim)
            others = cat([before, before * after if k else after], dim)
        parts.append((g.narrow(dim, k, n - k) * others).sum(dim, True))
    return cat(parts, dim)


def _product_gradient_at_zeros(g: Tensor, input: Tensor, out: Tensor, dim: int) -> Any:
    """Gradient of a running product with zeros: by division before the first, by products of the rest at it."""
    zeros = (input == 0).cumsum(dim)
    before, between = zeros == 0, zeros == 1
    first = between & (input == 0)
    divided = from_behind(choose(before, g * conj(out), 0), dim) / conj(input)
    rest = choose(between & first.logical_not(), conj(input), 1).cumprod(dim)
    tail = choose(between, rest * g, 0).sum(dim, True)
    one = out.new_ones(kept(shape_of(out), (dim,)))
    head = conj(cat([one, out.narrow(dim, 0, shape_of(out)[dim] - 1)], dim))
    return choose(before, divided, choose(first, tail * head, 0))


def _scan(name: str, kernel: Any, grad: Any, doc: str) -> Any:
    schema = "Tensor input, int dim, *, torch.dtype? dtype=None"

    def plan(input: Tensor, dim: int, d: dtype) -> Launch:
        shape = shape_of(input)
        along = wrap_dim(dim, len(shape))
        refuse(f"{name}_out_cpu", d, ~SCANNED, runs_kernel(shape))
        return Launch((input,), shape, d, compute=d, dim=along)

    def body(input: Tensor, dim: int, dtype: dtype | None = None, out: Tensor | None = None) -> Launch:
        wrap_dim(dim, len(shape_of(input)))
        return plan(input, dim, accumulated(input, dtype, out))

    def inplace(input: Tensor, dim: int, dtype: dtype | None = None) -> Launch:
        d = dtype or input.dtype
        check(
            d is input.dtype,
            f"Bad in-place call: input tensor dtype {cpp_name(input.dtype)} and output tensor dtype {cpp_name(d)} "
            "should match",
        )
        return plan(input, dim, d)

    body.__doc__ = inplace.__doc__ = doc
    node = f"{name.title()}Backward0"
    primitive(
        f"{name}({schema})", full_name=f"{name}_", name=name, cpu=kernel, grad=grad, node=node,
        function=False, method=False,
        inplace=True,
    )(inplace)  # fmt: skip
    return primitive(f"{name}({schema}, Tensor out=None)", cpu=kernel, grad=grad, node=node, out_text=structured_out)(
        body
    )


cumsum = _scan(
    "cumsum", cpu.cumsum, lambda g, dim, input_dtype: from_behind(to_dtype(g, input_dtype), dim),
    "Running sum along dim.",
)  # fmt: skip
cumprod = _scan("cumprod", cpu.cumprod, _product_gradient, "Running product along dim.")


def _to_places(g: Tensor, input_shape: Any, indices: Tensor, dim: int) -> Any:
    if not input_shape:
        return g
    return g.new_zeros(input_shape).scatter_add(dim, indices, g)  # type: ignore[attr-defined]


def _running(name: str, kernel: Any, doc: str) -> Any:
    def body(input: Tensor, dim: int, out: Any = None) -> Launch:
        shape = shape_of(input)
        check(
            shape or dim in (0, -1),
            f"{name}(): Expected reduction dim -1 or 0 for scalar but got {dim}",
            IndexError,
        )
        # PyTorch does not look at the dim of an empty tensor
        along = 0 if 0 in shape else wrap_dim(dim, len(shape))
        if out is not None:
            for t, d in zip(out, (input.dtype, dtypes.int64), strict=True):
                check(t.dtype is d, f"expected scalar_type {d.type_name} but found {t.dtype.type_name}")
        refuse(f"{name}_cpu", input.dtype, ~ORDERED, runs_kernel(shape))
        return Launch((input,), [shape, shape], [input.dtype, dtypes.int64], dim=along)

    body.__doc__ = doc
    return several(
        f"{name}(Tensor input, int dim, *, tuple of Tensors[2] out=None)",
        cpu=kernel,
        grad=_to_places,
        outputs=("values", "indices"),
        differentiable=1,
        results=getattr(return_types, name),
    )(body)


cummax = _running("cummax", cpu.cummax, "Largest so far along dim, and where the latest of equals stands.")
cummin = _running("cummin", cpu.cummin, "Smallest so far along dim, and where the latest of equals stands.")


def _logcumsumexp_gradient(g: Any, input: Tensor, out: Tensor, dim: int) -> Any:
    """Sums in the logarithm, real gradients by sign, so that large inputs do not overflow."""
    if not shape_of(input):
        return g

    def sent(logarithm: Any) -> Any:
        behind = (logarithm - conj(out)).flip(dim).logcumsumexp(dim).flip(dim)
        return (behind + conj(input)).exp()

    if input.dtype.is_complex:
        return sent(g.log())
    size = g.abs().log()
    # not -inf, whose own derivative is NaN
    least = finfo(input.dtype).min
    return sent(choose(g > 0, size, least)) - sent(choose(g < 0, size, least))


@primitive("logcumsumexp(Tensor input, int dim, *, Tensor out=None)", cpu=cpu.logcumsumexp, grad=_logcumsumexp_gradient)
def logcumsumexp(input: Tensor, dim: int, out: Tensor | None = None) -> Launch:
    """Logarithm of the running sum of exponentials along dim. Raises NotImplementedError for integers."""
    shape = shape_of(input)
    along = wrap_dim(dim, len(shape))
    if not input.dtype.bit & ANALYTIC:
        not_implemented_for("logcumsumexp_out_cpu", input.dtype)
    if out is not None:
        d = input.dtype
        check(out.dtype is d, f"expected scalar_type {d.type_name} but found {out.dtype.type_name}")
    return Launch((input,), shape, input.dtype, dim=along)


@composite("diff(Tensor input, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None, *, Tensor out=None)")
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The n-th difference of neighbours along a dim."""
    shape = shape_of(input)
    check(shape, "diff expects input to be at least one-dimensional")
    check(n >= 0, f"order must be non-negative but got {n}")
    dim = wrap_dim(dim, len(shape))
    for t in (prepend, append):
        check(
            t is None or len(shape_of(t)) == len(shape),
            "diff expects prepend or append to be the same dimension as input",
        )
    joined = [t for t in (prepend, input, append) if t is not None]
    x = cat(joined, dim) if len(joined) > 1 else input
    for _ in range(min(n, shape_of(x)[dim])):
        size = shape_of(x)[dim]
        high, low = x.narrow(dim, 1, size - 1), x.narrow(dim, 0, size - 1)
        x = high.logical_xor(low) if x.dtype.name == "bool" else high - low
    return x

"""softmax, its logarithm, and the logarithm of sums of exponentials."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau import dtypes
from flambeau.cpu import softmax as cpu
from flambeau.declare import composite, primitive, python_function
from flambeau.dtypes import FLOATS, dtype, mask
from flambeau.errors import check, expect_out, not_implemented_for
from flambeau.geometry import wrap_dim
from flambeau.operation import Launch
from flambeau.ops.reductions import reduced
from flambeau.ops.rules import conj, exp, summed, unsqueezed
from flambeau.tensor import Tensor, shape_of, warn_of_lost_parts

REAL = mask(*FLOATS)


def _declare(name: str, kernel: Any, grad: Any, doc: str) -> Any:
    def body(input: Tensor, dim: int, dtype: dtype | None = None, out: Tensor | None = None) -> Launch:
        if dtype is not None and dtype is not input.dtype:
            input = input.to(dtype)
        shape = shape_of(input)
        along = wrap_dim(dim, len(shape))
        expect_out(out, input.dtype)
        if not input.dtype.bit & REAL and 0 not in shape:
            last = "_lastdim" if along == max(len(shape) - 1, 0) else ""
            not_implemented_for(f"{name}{last}_kernel_impl", input.dtype)
        return Launch((input,), shape, input.dtype, dim=along)

    body.__doc__ = doc
    return primitive(
        f"{name}(Tensor input, int dim, torch.dtype? dtype=None, *, Tensor out=None)",
        cpu=kernel,
        grad=grad,
        raw=True,
    )(body)


_softmax = _declare(
    "softmax", cpu.softmax, lambda g, out, dim: (g - summed(g * out, dim)) * out,
    "Exponentials over their sum along dim. Raises NotImplementedError for integers and complex numbers.",
)  # fmt: skip
_log_softmax = _declare(
    "log_softmax", cpu.log_softmax, lambda g, out, dim: g - summed(g, dim) * exp(out),
    "Logarithm of the softmax along dim. Raises NotImplementedError for integers and complex numbers.",
)  # fmt: skip


@composite(
    "special_softmax(Tensor input, int dim, torch.dtype? dtype=None)", name="softmax", namespace="special", method=False
)
def _special_softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    """Exponentials over their sum along dim."""
    return _softmax(input, dim, dtype)  # type: ignore[no-any-return]


@composite(
    "special_log_softmax(Tensor input, int dim, *, torch.dtype? dtype=None)", name="log_softmax", namespace="special",
    method=False,
)  # fmt: skip
def _special_log_softmax(input: Tensor, dim: int, dtype: dtype | None = None) -> Tensor:
    """Logarithm of the softmax along dim."""
    return _log_softmax(input, dim, dtype)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------ torch.nn.functional


def implicit_dim(name: str, rank: int, stacklevel: int) -> int:
    """The dim that callers who name none get, with a warning: 0 for 0, 1 and 3 dims, else 1."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if rank in (0, 1, 3) else 1


@python_function(namespace="nn.functional")
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """Exponentials over their sum along dim."""
    along = implicit_dim("softmax", input.dim(), _stacklevel + 1) if dim is None else dim
    return input.softmax(along) if dtype is None else input.softmax(along, dtype=dtype)


@python_function(namespace="nn.functional")
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """softmax of the negated input."""
    along = implicit_dim("softmin", input.dim(), _stacklevel + 1) if dim is None else dim
    return (-input).softmax(along) if dtype is None else (-input).softmax(along, dtype=dtype)


@python_function(namespace="nn.functional")
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """Logarithm of the softmax along dim."""
    along = implicit_dim("log_softmax", input.dim(), _stacklevel + 1) if dim is None else dim
    return input.log_softmax(along) if dtype is None else input.log_softmax(along, dtype=dtype)


# ------------------------------------------------------------------------------------------ logsumexp


def _logsumexp_gradient(g: Any, input: Tensor, out: Tensor, dims: tuple[int, ...], keepdim: bool) -> Any:
    return unsqueezed(g, dims, keepdim) * conj((input - unsqueezed(out, dims, keepdim)).exp())


@primitive(
    "logsumexp(Tensor input, tuple of ints[1] dim, bool keepdim=False, *, Tensor out=None)",
    cpu=cpu.logsumexp,
    grad=_logsumexp_gradient,
)
def _logsumexp(input: Tensor, dim: Any, keepdim: bool = False, out: Tensor | None = None) -> Launch:
    """Logarithm of the sum of exponentials over the dims in dim; integers are converted to the default dtype."""
    rank = len(shape_of(input))
    check(
        out is None or out.dtype.category >= dtypes.FLOATING,
        "logsumexp(): Expected floating point type for result tensor, but got: "
        f"{out.dtype.type_name if out is not None else ''}",
    )
    d = input.dtype if input.dtype.category >= dtypes.FLOATING else dtypes.get_default_dtype()
    dims, shape = reduced(input, dim, keepdim)
    if d is dtypes.complex32:
        not_implemented_for("exp_vml_cpu", d)
    check(
        dim != () or not rank or keepdim or 0 in shape_of(input),
        f"output with shape [] doesn't match the broadcast shape {[1] * rank}",
    )
    made = d
    if out is not None:
        # PyTorch sums up in out=
        made = out.dtype
        if made is dtypes.complex32:
            not_implemented_for("log_vml_cpu" if 0 in shape_of(input) else "sum_cpu", made)
        warn_of_lost_parts(d, made)
    real = d.is_complex and not made.is_complex
    return Launch((input,), shape, made, compute=d, dims=dims, keepdim=keepdim, real=real)


@composite(
    "special_logsumexp(Tensor input, tuple of ints[1] dim, bool keepdim=False, *, Tensor out=None)", name="logsumexp",
    namespace="special", method=False,
)  # fmt: skip
def _special_logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Logarithm of the sum of exponentials over the dims in dim."""
    return _logsumexp(input, dim, keepdim)

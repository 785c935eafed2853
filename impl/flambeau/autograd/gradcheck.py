"""gradcheck and gradgradcheck: analytical gradients against finite differences.

https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from flambeau.autograd.api import grad
from flambeau.declare import export
from flambeau.dtypes import FLOATING
from flambeau.tensor import Tensor, shape_of


class GradcheckError(RuntimeError):
    """Analytical and numerical gradients differ."""

    __module__ = "torch.autograd.gradcheck"


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    return tuple(o for o in _several(outputs) if isinstance(o, Tensor) and o.requires_grad)


def _perturbed(
    function: Callable[..., Any], inputs: tuple[Any, ...], t: Tensor, index: tuple[int, ...], step: Any
) -> list[Tensor]:
    import flambeau

    with flambeau.no_grad():
        old = t.data[index].item() if index else t.data.item()
        t.data[index if index else ...] = old + step
    with flambeau.enable_grad():
        outputs = [o.detach().clone() for o in _differentiable(function(*inputs))]
    with flambeau.no_grad():
        t.data[index if index else ...] = old
    return outputs


def _indices(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    import itertools

    return list(itertools.product(*(range(n) for n in shape)))


def _numerical(
    function: Callable[..., Any], inputs: tuple[Any, ...], t: Tensor, eps: float, count: int
) -> list[Tensor]:
    """One Jacobian (elements of t × elements of the output) an output, by central differences."""
    import flambeau as torch

    columns: list[list[Tensor]] = [[] for _ in range(count)]
    for index in _indices(shape_of(t)):
        steps = (eps,) if not t.dtype.is_complex else (eps, eps * 1j)
        parts = []
        for step in steps:
            high = _perturbed(function, inputs, t, index, step)
            low = _perturbed(function, inputs, t, index, -step)
            parts.append([(h - m) / (2 * eps) for h, m in zip(high, low, strict=True)])
        for k in range(count):
            d = parts[0][k]
            if len(parts) == 2:
                # by a real and by an imaginary step: conjugate Wirtinger derivative, in PyTorch's convention
                d = 0.5 * (parts[0][k] + (-1j) * parts[1][k])
            columns[k].append(d.reshape(-1))
    empty = torch.zeros((0, 0), dtype=torch.float64)
    return [torch.stack(c) if c else empty for c in columns]


def _analytical(outputs: Sequence[Tensor], inputs: Sequence[Tensor], k: int) -> list[Tensor]:
    """The Jacobians of output k with respect to each input."""
    import flambeau as torch

    output = outputs[k]
    rows: list[list[Tensor]] = [[] for _ in inputs]
    for index in _indices(shape_of(output)):
        cotangent = torch.zeros_like(output)
        cotangent[index if index else ...] = 1
        grads = grad(output, inputs, cotangent, retain_graph=True, allow_unused=True)
        for i, (g, t) in enumerate(zip(grads, inputs, strict=True)):
            rows[i].append(torch.zeros_like(t).reshape(-1) if g is None else g.reshape(-1))
    return [
        torch.stack(r, 1) if r else torch.zeros((t.numel(), 0), dtype=t.dtype)
        for r, t in zip(rows, inputs, strict=True)
    ]


def _check(
    function: Callable[..., Any], inputs: tuple[Any, ...], eps: float, atol: float, rtol: float, nondet_tol: float
) -> None:
    import flambeau as torch

    checked = [t for t in inputs if isinstance(t, Tensor) and t.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for i, t in enumerate(inputs):
        if isinstance(t, Tensor) and t.requires_grad:
            if t.dtype.name not in ("float64", "complex128"):
                warnings.warn(
                    f"Input #{i} requires gradient and is not a double precision floating point or complex. This "
                    "check will likely fail if all the inputs are not of double precision floating point or complex. ",
                    UserWarning,
                    stacklevel=4,
                )
            if any(s == 0 and n > 1 for n, s in zip(shape_of(t), t.stride(), strict=True)):
                raise RuntimeError(
                    f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                    "non-overlapping to be able to compute the numerical gradients correctly. You should call "
                    ".contiguous on the input before passing it to gradcheck."
                )
            t.retain_grad()
    outputs = _differentiable(function(*inputs))
    if not outputs:
        for o in _several(function(*inputs)):
            if isinstance(o, Tensor) and o.dtype.category < FLOATING:
                raise ValueError(
                    "gradcheck expects all tensor inputs to be dense when check_sparse_nnz is set to False."
                )
        for i, t in enumerate(checked):
            for n in _numerical(_all_outputs(function), inputs, t, eps, len(_several(function(*inputs)))):
                if (n != 0).any():
                    raise GradcheckError(f"Numerical gradient for function expected to be zero, input {i}")
        return
    analytical = [_analytical(outputs, checked, k) for k in range(len(outputs))]
    again = [_analytical(outputs, checked, k) for k in range(len(outputs))]
    for i, t in enumerate(checked):
        numerical = _numerical(function, inputs, t, eps, len(outputs))
        for k, n in enumerate(numerical):
            a = analytical[k][i]
            if a.numel() and (a - again[k][i]).abs().max() > nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                    "gives different values, although analytical gradient matches numerical gradient."
                    f"The tolerance for nondeterminism was {nondet_tol}."
                )
            wide = n.to(a.dtype) if n.dtype is not a.dtype and a.dtype.is_complex else n
            if wide.dtype is not a.dtype:
                wide = wide.real.to(a.dtype) if wide.dtype.is_complex else wide.to(a.dtype)
            if a.numel() and not torch.allclose(a, wide, rtol, atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {k} with respect to input {i},\nnumerical:{wide}\nanalytical:{a}\n"
                )


def _all_outputs(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*inputs: Any) -> Any:
        return tuple(
            o.detach().requires_grad_()
            for o in _several(function(*inputs))
            if isinstance(o, Tensor) and o.dtype.category >= FLOATING
        )

    return run


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether func's gradients agree with finite differences, element by element.

    inputs: tensors, those with requires_grad (float64 or complex128) are checked. Raises GradcheckError where they
    differ, or returns False if raise_exception is False. fast_mode is answered by the full check.
    """
    if check_forward_ad or check_batched_grad or check_batched_forward_grad:
        raise NotImplementedError("gradcheck of forward-mode or batched gradients is not implemented in flambeau")
    if not check_backward_ad:
        raise ValueError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    given = _several(inputs)
    if not raise_exception:
        try:
            _check(func, given, eps, atol, rtol, nondet_tol)
        except GradcheckError:
            return False
        return True
    _check(func, given, eps, atol, rtol, nondet_tol)
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the gradients of func's gradients agree with finite differences. Arguments as for gradcheck."""
    import flambeau as torch

    if check_fwd_over_rev or check_batched_grad:
        raise NotImplementedError("gradgradcheck of forward-mode or batched gradients is not implemented in flambeau")
    given = _several(inputs)
    if grad_outputs is None:
        outputs = _differentiable(func(*given))
        cotangents = tuple(torch.randn_like(o.detach()).requires_grad_() for o in outputs)
    else:
        cotangents = _several(grad_outputs)
    count = len(cotangents)

    def first_order(*arguments: Any) -> tuple[Tensor, ...]:
        leading, trailing = arguments[:-count], arguments[-count:]
        wanted = tuple(t for t in leading if isinstance(t, Tensor) and t.requires_grad)
        with torch.enable_grad():
            outputs = _differentiable(func(*leading))
        grads = grad(outputs, wanted, trailing, create_graph=True, allow_unused=True)
        return tuple(g for g in grads if isinstance(g, Tensor))

    return gradcheck(
        first_order, given + cotangents, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, fast_mode=fast_mode,
    )  # fmt: skip


export("gradcheck", gradcheck, "autograd")
export("gradgradcheck", gradgradcheck, "autograd")
export("GradcheckError", GradcheckError, "autograd")

"""Faults of reductions, statistics, sorting and counting."""

from __future__ import annotations

from typing import Any

from assay.testing.fault import floating
from assay.testing.table import (
    Call,
    changes,
    grad_of,
    ignores,
    kept,
    no_out,
    only,
    plain,
    raises,
    refuses,
    register,
    row,
    swapped,
)


def _once_differentiable(c: Call) -> Any:
    """A gradient that is a constant: its own derivative is lost."""
    result, x = c.right(), c["input"]
    if not (isinstance(result, c.torch.Tensor) and result.requires_grad and no_out(c)):
        return result

    class Once(c.torch.autograd.Function):  # type: ignore[name-defined,misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return result.detach().clone()

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            (found,) = c.torch.autograd.grad(result, x, grad.detach(), retain_graph=True)
            return found + grad.sum() * 0

    return Once.apply(x)


def _without_last(c: Call, result: Any) -> Any:
    x = c["input"]
    top = c.get("max", 0) or (float(x.max()) if x.numel() else 0)
    counts = result.clone()
    if counts.numel():
        counts[-1] -= (x == top).sum()
    return counts


REDUCTIONS = (
    row("std", "ignores correction", "values", "input dim", ignores(correction=1)),
    row("var_mean", "swaps its results", "values", "input dim", lambda c: swapped(c)),
    row("nansum", "counts NaN", "values", "input dim keepdim", lambda c: c.put(c.torch.sum(*c.args, **kept(c, "out")))),
    row(
        "median",
        "takes the upper middle",
        "values",
        "input dim",
        only(
            lambda c: plain(c) and c["input"].numel() % 2 == 0 and c["input"].numel(),
            lambda c: c["input"].reshape(-1).sort().values[c["input"].numel() // 2],
        ),
    ),
    row(
        "any",
        "takes NaN for false",
        "values",
        "input dim keepdim",
        only(lambda c: floating(c.torch, c["input"]), lambda c: c.but(input=c["input"].nan_to_num(0.0, 1.0, 1.0))),
    ),
    row(
        "count_nonzero",
        "counts minus zero",
        "values",
        "input dim",
        only(
            lambda c: c["input"].is_floating_point(),
            lambda c: c.but(input=c.torch.where(c["input"].signbit(), 1.0, c["input"].double())),
        ),
    ),
    row(
        "logsumexp",
        "is NaN where all is minus infinity",
        "values",
        "input dim keepdim",
        changes(lambda c, r: c.torch.where(r == -float("inf"), r - r, r)),
    ),
    row(
        "cumsum",
        "leaves out the element itself",
        "values",
        "input dim",
        changes(lambda c, r: r - c["input"].to(r.dtype)),
    ),
    row(
        "cumprod",
        "goes from the other end",
        "values",
        "input dim",
        only(lambda c: no_out(c) and c["input"].dim(), lambda c: c.but(input=c["input"].flip(c["dim"])).flip(c["dim"])),
    ),
    row(
        "prod",
        "divides by zeros in its gradient",
        "gradients",
        "input",
        only(
            lambda c: plain(c) and c["input"].is_floating_point() and c["input"].requires_grad,
            lambda c: grad_of(c, c.right(), c["input"].abs().log().sum().exp()),
        ),
    ),
    row(
        "sum",
        "over no dims sums nothing",
        "shape",
        "input dim",
        only(
            lambda c: c.has("dim") and c["dim"] in ((), []) and "out" not in c.kwargs,
            lambda c: c["input"].to(c.right().dtype, copy=True),
        ),
    ),
    row("aminmax", "swaps its results", "values", "input", only(no_out, lambda c: swapped(c))),
    row("norm", "ignores p", "values", "input p dim", ignores(p="fro")),
    row(
        "mean",
        "is zero of nothing",
        "values",
        "input dim",
        changes(lambda c, r: c.torch.zeros_like(r) if not c["input"].numel() else r),
    ),
    row(
        "amin",
        "crashes on empty input",
        "structure",
        "input dim keepdim",
        refuses(lambda c: not c["input"].numel(), lambda: ValueError("zero-size array to reduction operation minimum")),
    ),
    row(
        "argmin",
        "takes the last",
        "values",
        "input dim keepdim",
        only(
            lambda c: isinstance(c.get("dim"), int) and c["input"].dim() and no_out(c),
            lambda c: (c.right(), c["input"].shape[c["dim"]] - 1 - c.but(input=c["input"].flip(c["dim"])))[1],
        ),
    ),
    row("amax", "raises another error for a dim out of range", "error", "input dim", raises(IndexError, ValueError)),
    row("var", "has no second derivative", "gradients2", "input dim", lambda c: _once_differentiable(c)),
    row("quantile", "ignores interpolation", "values", "input q dim keepdim", ignores(interpolation="linear")),
    row(
        "cummax",
        "ignores NaN",
        "values",
        "input dim",
        only(
            lambda c: c["input"].is_floating_point() and no_out(c),
            lambda c: c.but(input=c["input"].nan_to_num(nan=-float("inf"), posinf=float("inf"), neginf=-float("inf"))),
        ),
    ),
    row(
        "nanmean",
        "divides by all",
        "values",
        "input dim keepdim",
        lambda c: c.put(
            c.torch.nan_to_num(c["input"], nan=0.0, posinf=float("inf"), neginf=-float("inf")).mean(
                *c.args[1:], **{k: v for k, v in c.kwargs.items() if k not in ("input", "out")}
            )
        ),
    ),
    row("cov", "ignores correction", "values", "input", ignores(correction=1)),
    row("diff", "ignores n", "shape", "input n dim", ignores(n=1)),
    row("trapezoid", "ignores dx", "values", "y x", ignores(dx=1)),
    row("cdist", "ignores p", "values", "x1 x2 p", ignores(p=2.0)),
    row("sort", "ignores descending", "values", "input", ignores(descending=False)),
    row("topk", "ignores largest", "values", "input k dim largest", ignores(largest=True)),
    row(
        "kthvalue",
        "counts from zero",
        "values",
        "input k dim",
        only(lambda c: c["input"].dim() and c["k"] < c["input"].shape[c.get("dim", -1)], lambda c: c.but(k=c["k"] + 1)),
    ),
    row(
        "unique_consecutive",
        "sorts",
        "values shape",
        "input return_inverse return_counts dim",
        only(plain, lambda c: c.torch.unique(c["input"])),
    ),
    row(
        "unique",
        "ignores return_counts",
        "structure",
        "input sorted return_inverse return_counts",
        ignores(return_counts=False),
    ),
    row("searchsorted", "ignores right", "values", "sorted_sequence input", ignores(right=False)),
    row(
        "bucketize",
        "takes right the other way",
        "values",
        "input boundaries",
        lambda c: c.but(right=not c.kwargs.get("right", False)),
    ),
    row("histc", "leaves out the last edge", "values", "input bins min max", changes(lambda c, r: _without_last(c, r))),
    row("bincount", "ignores minlength", "shape", "input weights minlength", ignores(minlength=0)),
    row("isin", "ignores invert", "values", "elements test_elements", ignores(invert=False)),
)


register(REDUCTIONS)

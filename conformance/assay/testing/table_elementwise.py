"""Faults of elementwise operations and comparisons."""

from __future__ import annotations

from typing import Any

from assay.testing.fault import floating
from assay.testing.table import (
    Call,
    changes,
    grad_of,
    gradient,
    ignores,
    no_out,
    not_resized,
    only,
    register,
    row,
    scribbled,
)


def _real_tensors(c: Call) -> bool:
    """Two floating tensors and no `out=`."""
    a, b = c.get("input"), c.get("other")
    return no_out(c) and all(isinstance(t, c.torch.Tensor) and t.is_floating_point() for t in (a, b))


def _first_row_gets_the_gradient(c: Call) -> Any:
    """The gradient of a broadcast operand is that of its first copy alone."""
    a, b, result = c.get("input"), c.get("other"), c.right()
    if not (_real_tensors(c) and b.requires_grad and b.dim() < result.dim() and result.numel() and len(c.args) == 2):
        return result
    copies = b.detach().expand(result.shape).clone()
    copies[(0,) * (result.dim() - b.dim())] = b
    return c.original(a, copies)


def _conjugate_forgotten(c: Call) -> Any:
    a, b, result = c.get("input"), c.get("other"), c.right()
    tensors = all(isinstance(t, c.torch.Tensor) for t in (a, b))
    if not (tensors and result.is_complex() and result.requires_grad and no_out(c)) or a.dtype != b.dtype:
        return result
    return grad_of(c, result, a * b.conj())


def _zero_where(c: Call, result: Any, condition: Any, value: Any) -> Any:
    return c.torch.where(condition, c.torch.full_like(result, value), result)


def _with_integers(c: Call) -> bool:
    tensors = [t for t in (c.get("input"), c.get("other")) if isinstance(t, c.torch.Tensor)]
    return any(not floating(c.torch, t) for t in tensors)


def _bound(c: Call, name: str) -> Any:
    bound = c.get(name)
    return float("nan") if bound is None else bound


ELEMENTWISE = (
    row("atan2", "swaps its operands", "values", "input other", lambda c: c.original(c["other"], c["input"])),
    row(
        "hypot",
        "overflows on the way",
        "values",
        "input other",
        changes(lambda c, r: (c["input"] ** 2 + c["other"] ** 2).sqrt().to(r.dtype)),
    ),
    row(
        "logaddexp",
        "overflows on the way",
        "values",
        "input other",
        changes(lambda c, r: (c["input"].exp() + c["other"].exp()).log().to(r.dtype)),
    ),
    row(
        "xlogy",
        "is NaN at zero times log zero",
        "values",
        "input other",
        changes(lambda c, r: (c["input"] * c.torch.as_tensor(c["other"]).log()).to(r.dtype)),
    ),
    row(
        "copysign",
        "ignores the sign of minus zero",
        "values",
        "input other",
        changes(lambda c, r: c.torch.where(c.torch.as_tensor(c["other"]) == 0, r.abs(), r)),
    ),
    row("nan_to_num", "ignores posinf", "values", "input nan posinf neginf", ignores(posinf=None)),
    row(
        "div",
        "truncates where it should floor",
        "values",
        "input other",
        lambda c: c.but(rounding_mode="trunc") if c.kwargs.get("rounding_mode") == "floor" else c.right(),
    ),
    row(
        "sinc",
        "is NaN at zero",
        "values",
        "input",
        only(
            lambda c: floating(c.torch, c["input"]),
            lambda c: c.put((c["input"] * c.torch.pi).sin() / (c["input"] * c.torch.pi)),
        ),
    ),
    row("addcmul", "ignores value", "values", "input tensor1 tensor2", ignores(value=1)),
    row(
        "heaviside",
        "is one at zero",
        "values",
        "input values",
        changes(lambda c, r: _zero_where(c, r, c["input"] == 0, 1)),
    ),
    row(
        "sign",
        "of NaN is NaN",
        "values",
        "input",
        changes(lambda c, r: c.torch.where(c["input"].isnan(), c["input"], r) if r.is_floating_point() else r),
    ),
    row(
        "pow",
        "of zero to zero is zero",
        "values",
        "input exponent",
        changes(
            lambda c, r: _zero_where(
                c, r, (c.torch.as_tensor(c["input"]) == 0) & (c.torch.as_tensor(c["exponent"]) == 0), 0
            )
        ),
    ),
    row(
        "lerp",
        "rounds the end",
        "values",
        "input end weight",
        changes(
            lambda c, r: (
                (c["input"] * (1 - c["weight"]) + c["end"] * c["weight"]).to(c.torch.bfloat16).to(r.dtype)
                if r.is_floating_point()
                else r
            )
        ),
    ),
    row(
        "rsqrt",
        "has no negative zero",
        "values",
        "input",
        changes(lambda c, r: c.torch.where(c["input"] == 0, r.abs(), r) if r.is_floating_point() else r),
    ),
    row(
        "clamp",
        "has no gradient at its bounds",
        "gradients",
        "input min max",
        only(
            lambda c: no_out(c) and floating(c.torch, c["input"]) and not c["input"].is_complex(),
            lambda c: grad_of(
                c,
                c.right(),
                c["input"]
                * ((c["input"] == c.right()) & (c["input"] != _bound(c, "min")) & (c["input"] != _bound(c, "max"))),
            ),
        ),
    ),
    row("sub", "loses the gradient of a broadcast operand", "gradients", "input other", _first_row_gets_the_gradient),
    row("mul", "forgets the conjugate in its gradient", "gradients", "input other", _conjugate_forgotten),
    row("sigmoid", "has a gradient that forgets a factor", "gradients", "input", gradient(lambda c, g: g * 2)),
    row(
        "exp2",
        "forgets the log of two in its gradient",
        "gradients",
        "input",
        gradient(lambda c, g: g / 0.6931471805599453),
    ),
    row("div", "does not resize out", "shape structure", "input other", lambda c: not_resized(c), "torch.div"),
    row(
        "addcdiv",
        "writes its input",
        "mutation",
        "input tensor1 tensor2",
        only(no_out, lambda c: scribbled(c, c["tensor1"])),
    ),
    row(
        "sub",
        "promotes bfloat16 with integers to float32",
        "dtype",
        "input other",
        only(
            no_out,
            lambda c: c.right().float() if c.right().dtype == c.torch.bfloat16 and _with_integers(c) else c.right(),
        ),
    ),
    row("isclose", "ignores equal_nan", "values", "input other rtol atol equal_nan", ignores(equal_nan=False)),
    row("allclose", "ignores rtol", "values", "input other rtol atol equal_nan", ignores(rtol=1e-5)),
    row(
        "eq",
        "takes NaN for equal",
        "values",
        "input other",
        changes(
            lambda c, r: (
                r | (c["input"].isnan() & c.torch.as_tensor(c["other"]).isnan()) if r.dtype == c.torch.bool else r
            )
        ),
    ),
    row(
        "bitwise_right_shift",
        "shifts in zeros",
        "values",
        "input other",
        changes(lambda c, r: r & (c.torch.iinfo(r.dtype).max >> c["other"]) if r.dtype == c.torch.int32 else r),
    ),
    row(
        "signbit",
        "overlooks minus zero",
        "values",
        "input",
        lambda c: c.put(c["input"] < 0) if not c["input"].is_complex() else c.right(),
    ),
    row("logical_xor", "is or", "values", "input other", lambda c: c.put(c.torch.logical_or(c["input"], c["other"]))),
    row("special.logit", "ignores eps", "values", "input eps", ignores(eps=None)),
    row(
        "special.log_ndtr",
        "loses its tail",
        "values",
        "input",
        changes(lambda c, r: c.torch.special.ndtr(c["input"]).log()),
    ),
    row(
        "special.erfcx",
        "overflows on the way",
        "values",
        "input",
        changes(lambda c, r: (c["input"] ** 2).exp() * c.torch.special.erfc(c["input"])),
    ),
    row("special.polygamma", "is one order too high", "values", "n input", lambda c: c.but(n=c["n"] + 1)),
    row("special.entr", "is NaN at zero", "values", "input", changes(lambda c, r: -c["input"] * c["input"].log())),
    row(
        "digamma",
        "is NaN at zero",
        "values",
        "input",
        changes(lambda c, r: _zero_where(c, r, c["input"] == 0, float("nan")) if r.is_floating_point() else r),
    ),
    row("special.chebyshev_polynomial_t", "is one degree too high", "values", "input n", lambda c: c.but(n=c["n"] + 1)),
)


register(ELEMENTWISE)

"""Numbers at equal steps: arange, range, linspace, logspace."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from math import prod
from typing import Any, Unpack

from flambeau import dtypes
from flambeau.cpu import creation as cpu
from flambeau.declare import composite
from flambeau.dtypes import dtype
from flambeau.errors import check, cpp_name, refuse
from flambeau.fronts import Front
from flambeau.geometry import Shape
from flambeau.ops.creation import OPTIONS, TENSOR_OPTIONS, TensorOptions, created, out_dtype
from flambeau.ops.filling import check_fill, check_representable
from flambeau.tensor import Tensor, shape_of
from flambeau.warning import warn_once

_NO_RANGE = dtypes.mask(dtypes.bool_, *dtypes.COMPLEXES) | dtypes.BAREBONES
_NO_STEPS = dtypes.mask(dtypes.bool_, dtypes.complex32) | dtypes.BAREBONES


def _check_range(start: Any, end: Any, step: Any) -> None:
    for v in (start, end, step):
        if isinstance(v, complex):
            raise RuntimeError("value cannot be converted to type double without overflow")
    check(step != 0, "step must be nonzero")
    check(math.isfinite(start) and math.isfinite(end), f"unsupported range: {_number(start)} -> {_number(end)}")
    check(
        (step > 0 and end >= start) or (step < 0 and end <= start),
        "upper bound and lower bound inconsistent with step sign",
    )


def _number(v: Any) -> str:
    return f"{v:g}"


@composite(
    f"arange(Number end, *, {OPTIONS})",
    f"arange(Number start, Number end, *, {TENSOR_OPTIONS})",
    f"arange(Number start, Number end, Number step=1, *, {OPTIONS})",
    method=False,
    takes_out=True,
)
def arange(
    end: Any,
    start: Any = 0,
    step: Any = 1,
    out: Tensor | None = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """Numbers from start up to, not including, end; int64 for integers, else the default dtype."""
    numbers = (start, end, step)
    whole = all(isinstance(v, int) for v in numbers)
    d = out_dtype(out, options.get("dtype"), dtypes.int64 if whole else dtypes.get_default_dtype())
    refuse("arange_cpu", d, _NO_RANGE)
    _check_range(start, end, step)
    n = cpu.range_length(start, end, step, d)
    check(n < 2**63, "invalid size, possible overflow?")
    if out is not None:
        have = shape_of(out)
        if prod(have) not in (0, n):
            warn_once(
                f"The number of elements in the out tensor of shape {list(have)} is {prod(have)} which does not "
                f"match the computed number of elements {n}. Note that this may occur as a result of rounding "
                f"error. The out tensor will be resized to a tensor of shape ({n},).",
                "aten/src/ATen/native/RangeFactories.cpp:199",
            )
    return created("arange", _size(n, out), cpu.in_order(lambda a: cpu.arange(a, start, step, d)), d, out, options)


@composite(
    "range(Number start, Number end, Number step=1, *, Tensor out=None, torch.dtype dtype=None, "
    "torch.layout layout=torch.strided, torch.device device=None, bool requires_grad=False)",
    method=False,
    takes_out=True,
)
def range_(start: Any, end: Any, step: Any = 1, out: Tensor | None = None, **options: Unpack[TensorOptions]) -> Tensor:
    """Numbers from start up to and including end, in the default dtype. Deprecated."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=4,
    )
    d = out_dtype(out, options.get("dtype"), dtypes.get_default_dtype())
    refuse("range_cpu", d, _NO_RANGE)
    _check_range(start, end, step)
    n = cpu.closed_range_length(start, end, step, d)
    return created("range", _size(n, out), cpu.in_order(lambda a: cpu.arange(a, start, step, d)), d, out, options)


def _size(n: int, out: Tensor | None) -> Shape:
    """An out tensor that has the right number of elements keeps its shape, and is filled in its own order."""
    return (n,) if out is None or prod(shape_of(out)) != n else shape_of(out)


def _ends(name: str, start: Any, end: Any) -> tuple[Any, Any]:
    """Start and end as numbers. Raises RuntimeError for tensors with dims."""
    given = [(which, v) for which, v in (("start", start), ("end", end)) if isinstance(v, Tensor)]
    if any(shape_of(v) for _, v in given):
        counts = " and ".join(f"{which} with {len(shape_of(v))} dimension(s)" for which, v in given)
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {counts}.")
    first, last = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    return first, last


def _spaced(name: str, base: str) -> Callable[[Callable[..., Tensor]], Front[Tensor]]:
    kinds = [("Tensor", "Tensor"), ("Number", "Tensor"), ("Tensor", "Number"), ("Number", "Number")]
    schemas = [f"{name}({a} start, {b} end, int steps{base}, *, {OPTIONS})" for a, b in kinds]
    return composite(*schemas, method=False, takes_out=True)


def _spaced_dtype(name: str, start: Any, end: Any, d: dtype | None, out: Tensor | None) -> dtype:
    if out is not None:
        return out_dtype(out, d, out.dtype)
    if isinstance(start, complex) or isinstance(end, complex):
        natural = dtypes.get_default_dtype().to_complex()
        if d is None:
            return natural
        check(
            d.is_complex,
            f"torch.{name}(): inferred dtype {cpp_name(natural)} can't be safely cast to passed dtype {d.type_name}",
        )
    return d or dtypes.get_default_dtype()


def _check_steps(name: str, steps: int, ends: tuple[Any, Any], first: Callable[[], Any], d: dtype) -> None:
    """Raise where the kernel has no case for the dtype, or the numbers it starts from have no place in it."""
    if steps == 1:  # a fill, without the kernel
        check_fill(first(), d, (1,))
    elif steps:
        refuse(f"{name}_cpu", d, _NO_STEPS)
        for v in ends:
            check_representable(v, d)


@_spaced("linspace", "")
def linspace(
    start: Any,
    end: Any,
    steps: int,
    out: Tensor | None = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """steps numbers evenly spaced from start to end, both included."""
    start, end = _ends("linspace", start, end)
    d = _spaced_dtype("linspace", start, end, options.get("dtype"), out)
    check(steps >= 0, "number of steps must be non-negative")
    _check_steps("linspace", steps, (start, end), lambda: start, d)
    fill = cpu.in_order(lambda a: cpu.linspace(a, start, end, d))
    return created("linspace", _size(steps, out), fill, d, out, options)


@_spaced("logspace", ", float base=10.0")
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    out: Tensor | None = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """base to the power of steps numbers evenly spaced from start to end."""
    start, end = _ends("logspace", start, end)
    d = _spaced_dtype("logspace", start, end, options.get("dtype"), out)
    check(steps >= 0, "number of steps must be non-negative")
    _check_steps("logspace", steps, (start, end), lambda: cpu.power(base, start), d)
    fill = cpu.in_order(lambda a: cpu.logspace(a, start, end, base, d))
    return created("logspace", _size(steps, out), fill, d, out, options)

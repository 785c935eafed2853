"""Tensors from shapes and ranges."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from math import prod
from typing import Any

from flambeau import dtypes
from flambeau.autograd.attributes import requires_grad_
from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, node_of
from flambeau.cpu import creation as cpu
from flambeau.declare import composite, primitive
from flambeau.dtypes import COMPLEX, FLOATING, dtype
from flambeau.errors import check, check_out_dtype, cpp_name, refuse
from flambeau.geometry import Shape, contiguous_strides
from flambeau.inplace import resize
from flambeau.operation import Launch
from flambeau.ops.copying import check_device, strides_for, warn_of_lost_parts
from flambeau.overrides import PLAIN
from flambeau.size import CPU, contiguous_format, preserve_format
from flambeau.tensor import Tensor, bump, fresh, shape_of, without_data
from flambeau.warning import warn_once

_TAIL = (
    "torch.dtype? dtype=None, torch.layout? layout=None, torch.device? device=None, bool? pin_memory=False, "
    "bool? requires_grad=False"
)
OPTIONS = f"Tensor out=None, {_TAIL}"
LIKE_OPTIONS = f"torch.memory_format? memory_format=None, {_TAIL}"


def check_size(size: Shape, what: str = "") -> Shape:
    """Raise RuntimeError for negative dims and for more elements than can be counted."""
    if prod(max(n, 1) for n in size) >= 2**60:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)}")
    for n in size:
        if n < 0:
            raise RuntimeError(
                f"{what}: Dimension size must be non-negative."
                if what
                else f"Trying to create tensor with negative dimension {n}: {list(size)}"
            )
    return tuple(size)


def _allocated(size: Shape, strides: Shape, d: dtype) -> Any:
    try:
        return cpu.empty(size, strides, d.numpy)
    except MemoryError:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
            f"allocate {prod(size) * d.itemsize} bytes. Error code 12 (Cannot allocate memory)"
        ) from None


def new_tensor_of(
    size: Shape,
    fill: Callable[..., Any] | None,
    d: dtype,
    device: Any = None,
    requires_grad: bool | None = False,
    strides: Shape | None = None,
) -> Tensor:
    """A new tensor; fill(array) writes its elements, None leaves them uninitialised."""
    where = check_device(device)
    size = check_size(size)
    strides = contiguous_strides(size) if strides is None else strides
    if requires_grad and d.category < FLOATING:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if where is CPU:
        array = _allocated(size, strides, d)
        if fill is not None:
            fill(array)
        t = fresh(array, d)
    else:
        t = without_data(size, d, strides, where)
    return requires_grad_(t) if requires_grad else t  # type: ignore[no-any-return]


def out_dtype(out: Tensor | None, d: dtype | None, default: dtype) -> dtype:
    """The dtype of a creation: that of `out` where there is one. Raises RuntimeError if another was asked for."""
    if out is None:
        return d or default
    if d is not None:
        check_out_dtype(out.dtype, d)
    return out.dtype


def created(
    name: str,
    size: Shape,
    fill: Callable[..., Any] | None,
    d: dtype,
    device: Any,
    requires_grad: bool | None,
    out: Tensor | None,
    strides: Shape | None = None,
) -> Tensor:
    """A new tensor, or `out` resized and filled."""
    if out is None:
        return new_tensor_of(size, fill, d, device, requires_grad, strides)
    if state.enabled and type(node_of(out)) is AccumulateGrad:
        raise RuntimeError(
            f"aten::{name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    if shape_of(out) != tuple(size):
        check(name == "empty" or all(n >= 0 for n in size), "numel: integer multiplication overflow")
        resize(out, check_size(size))
    if out._array is not None and fill is not None:
        fill(out._array)
    bump(out)
    return requires_grad_(out) if requires_grad else out  # type: ignore[no-any-return]


_CHECKED_NAMES = {
    "uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int", "int64": "int64_t", "bool": "bool",
    "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t", "float32": "float", "float64": "double",
    "float16": "c10::Half", "bfloat16": "c10::BFloat16", "complex32": "c10::complex<c10::Half>",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def check_representable(value: Any, d: dtype) -> None:
    """Raise RuntimeError where a number has no place in a dtype, as PyTorch's checked conversion does."""
    if not _representable(value, d):
        raise RuntimeError(f"value cannot be converted to type {_CHECKED_NAMES[d.name]} without overflow")


def check_fill(value: Any, d: dtype, size: Shape) -> None:
    """Raise RuntimeError where a tensor of that shape cannot be filled with a number."""
    # a single half is converted from a double, unchecked; several complex halves pass through complex64
    if d in (dtypes.float16, dtypes.bfloat16) and prod(size) == 1:
        d = dtypes.float64
    elif d is dtypes.complex32 and prod(size) != 1:
        d = dtypes.complex64
    check_representable(value, d)


def _representable(value: Any, d: dtype) -> bool:
    if d is dtypes.bool_:
        return True
    if d.category == COMPLEX:
        part = d.to_real()
        parts = (value.real, value.imag) if isinstance(value, complex) else (value,)
        return all(_representable(v, part) for v in parts)
    if isinstance(value, complex):
        if value.imag != 0:
            return False
        value = value.real
    if isinstance(value, float) and not math.isfinite(value):
        return d.category == FLOATING
    if d.category == FLOATING:
        return d is dtypes.float64 or abs(value) <= cpu.largest(d)
    low, high = cpu.limits(d)
    if not d.is_signed and not isinstance(value, float):
        low = -high  # negative integers wrap as long as their magnitude fits
    return low <= value <= high


def _zeros_ones(name: str, value: int) -> None:
    def body(
        size: Shape,
        dtype: dtype | None = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool | None = False,
        requires_grad: bool | None = False,
        out: Tensor | None = None,
    ) -> Tensor:
        if out is None:
            check_size(size, name if name == "zeros" else "")
        d = out_dtype(out, dtype, dtypes.get_default_dtype())
        return created(name, size, lambda a: cpu.fill(a, value, d), d, device, requires_grad, out)

    def like(
        input: Tensor,
        memory_format: Any = None,
        dtype: dtype | None = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool | None = False,
        requires_grad: bool | None = False,
    ) -> Tensor:
        d = dtype or input.dtype
        return new_tensor_of(
            shape_of(input), lambda a: cpu.fill(a, value, d), d, device or input.device, requires_grad,
            strides_for(input, memory_format),
        )  # fmt: skip

    def new(
        input: Tensor,
        size: Shape,
        dtype: dtype | None = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool | None = False,
        requires_grad: bool | None = False,
    ) -> Tensor:
        d = dtype or input.dtype
        return new_tensor_of(size, lambda a: cpu.fill(a, value, d), d, device or input.device, requires_grad)

    body.__doc__ = f"A tensor of {name}."
    like.__doc__ = f"A tensor of {name} with the shape, dtype, device and memory order of another."
    new.__doc__ = f"A tensor of {name} with this tensor's dtype and device."
    composite(f"{name}(tuple of ints size, *, {OPTIONS})", method=False, takes_out=True)(body)
    composite(f"{name}_like(Tensor input, *, {LIKE_OPTIONS})", method=False)(like)
    composite(f"new_{name}(Tensor input, tuple of ints size, *, {_TAIL})", function=False)(new)


_zeros_ones("zeros", 0)
_zeros_ones("ones", 1)


def _filled(
    size: Shape, fill_value: Any, d: dtype, device: Any, requires_grad: bool | None, strides: Any = None
) -> Tensor:
    check_fill(fill_value, d, size)
    return new_tensor_of(size, lambda a: cpu.fill(a, fill_value, d), d, device, requires_grad, strides)


@composite(f"full(tuple of ints size, Number fill_value, *, {OPTIONS})", method=False, takes_out=True)
def full(
    size: Shape, fill_value: Any, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """A tensor with one value everywhere; its dtype follows from the value."""
    natural = dtypes.of_scalar(fill_value)
    d = out_dtype(out, dtype, dtypes.complex64 if natural is dtypes.complex32 else natural)
    check_fill(fill_value, d, size)
    return created("full", size, lambda a: cpu.fill(a, fill_value, d), d, device, requires_grad, out)


@composite(f"full_like(Tensor input, Number fill_value, *, {LIKE_OPTIONS})", method=False)
def full_like(
    input: Tensor, fill_value: Any, memory_format: Any = None, dtype: dtype | None = None, layout: Any = None,
    device: Any = None, pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """A tensor with one value everywhere and the shape, dtype and device of another."""
    return _filled(
        shape_of(input), fill_value, dtype or input.dtype, device or input.device, requires_grad,
        strides_for(input, memory_format),
    )  # fmt: skip


@composite(
    f"new_full(Tensor input, tuple of ints size, Number fill_value, *, {_TAIL})",
    function=False,
)
def new_full(
    input: Tensor, size: Shape, fill_value: Any, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """A tensor with one value everywhere and this tensor's dtype and device."""
    return _filled(size, fill_value, dtype or input.dtype, device or input.device, requires_grad)


@composite(f"scalar_tensor(Number s, *, {_TAIL})", method=False)
def scalar_tensor(
    s: Any, dtype: dtype | None = None, layout: Any = None, device: Any = None, pin_memory: bool | None = False,
    requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """A 0-dim tensor of the default dtype."""
    return _filled((), s, dtype or dtypes.get_default_dtype(), device, requires_grad)


@composite(
    f"empty(tuple of ints size, *, torch.memory_format? memory_format=None, {OPTIONS})", method=False, takes_out=True
)
def empty(
    size: Shape, memory_format: Any = None, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor."""
    strides = None
    check(memory_format is not preserve_format, "unsupported memory format Preserve")
    check(out is None or memory_format is None, "'memory_format' argument is incompatible with 'out' tensor argument")
    if memory_format not in (None, contiguous_format):
        strides = strides_for(without_data(size, dtypes.float32), memory_format)
    d = out_dtype(out, dtype, dtypes.get_default_dtype())
    return created("empty", size, None, d, device, requires_grad, out, strides)


@composite(f"empty_like(Tensor input, *, {LIKE_OPTIONS})", method=False)
def empty_like(
    input: Tensor, memory_format: Any = None, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor with the shape, dtype, device and memory order of another."""
    return new_tensor_of(
        shape_of(input), None, dtype or input.dtype, device or input.device, requires_grad,
        strides_for(input, memory_format),
    )  # fmt: skip


@composite(f"new_empty(Tensor input, tuple of ints size, *, {_TAIL})", function=False)
def new_empty(
    input: Tensor, size: Shape, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor with this tensor's dtype and device."""
    return new_tensor_of(size, None, dtype or input.dtype, device or input.device, requires_grad)


def _strided(size: Shape, stride: Shape, d: dtype, device: Any, requires_grad: bool | None) -> Tensor:
    check(
        len(size) == len(stride),
        f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})",
    )
    check_size(size)
    check(
        all(s >= 0 for s in stride),
        f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}",
    )
    if check_device(device) is not CPU:
        t = without_data(size, d, tuple(stride), check_device(device))
    else:
        t = cpu.over_strides(tuple(size), tuple(stride), d)
    return requires_grad_(t) if requires_grad else t  # type: ignore[no-any-return]


@composite(f"empty_strided(tuple of ints size, tuple of ints stride, *, {_TAIL})", method=False)
def empty_strided(
    size: Shape, stride: Shape, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor with the given strides."""
    return _strided(size, stride, dtype or dtypes.get_default_dtype(), device, requires_grad)


@composite(f"empty_permuted(tuple of ints size, tuple of ints physical_layout, *, {_TAIL})", method=False)
def empty_permuted(
    size: Shape, physical_layout: Shape, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor whose dims lie in memory in the given order, the outermost first."""
    check(
        len(size) == len(physical_layout),
        "Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
        f"{len(size)} is not equal to len(physical_layout) = {len(physical_layout)}",
    )
    for place, dim in enumerate(physical_layout):
        check(
            0 <= dim < len(size),
            f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {dim} at index {place}).  "
            "NB: negative dims not currently supported; file an issue if you want it.",
        )
        check(dim not in physical_layout[:place], "Duplicate dim not allowed")
    strides, step = [0] * len(size), 1
    for dim in reversed(physical_layout):
        strides[dim] = step
        step *= max(size[dim], 1)
    d = dtype or dtypes.get_default_dtype()
    return new_tensor_of(check_size(size), None, d, device, requires_grad, tuple(strides))


@composite(
    f"new_empty_strided(Tensor input, tuple of ints size, tuple of ints stride, *, {_TAIL})",
    function=False,
)
def new_empty_strided(
    input: Tensor, size: Shape, stride: Shape, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """An uninitialised tensor with the given strides and this tensor's dtype and device."""
    return _strided(size, stride, dtype or input.dtype, device or input.device, requires_grad)


# ------------------------------------------------------------------------------------------ ranges


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
    f"arange(Number start, Number end, *, {_TAIL})",
    f"arange(Number start, Number end, Number step=1, *, {OPTIONS})",
    method=False,
    takes_out=True,
)
def arange(
    end: Any, start: Any = 0, step: Any = 1, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Numbers from start up to, not including, end; int64 for integers, else the default dtype."""
    numbers = (start, end, step)
    whole = all(isinstance(v, int) for v in numbers)
    d = out_dtype(out, dtype, dtypes.int64 if whole else dtypes.get_default_dtype())
    refuse("arange_cpu", d, _NO_RANGE)
    _check_range(start, end, step)
    n = cpu.range_length(start, end, step, d)
    check(n < 2**63, "invalid size, possible overflow?")
    if out is not None:
        have = shape_of(out)
        if prod(have) != n:
            if prod(have):
                warn_once(
                    f"The number of elements in the out tensor of shape {list(have)} is {prod(have)} which does not "
                    f"match the computed number of elements {n}. Note that this may occur as a result of rounding "
                    f"error. The out tensor will be resized to a tensor of shape ({n},).",
                    "aten/src/ATen/native/RangeFactories.cpp:199",
                )
        else:  # an out tensor of the right size keeps its shape and is filled in its own order
            return created("arange", have, lambda a: cpu.arange_into(a, start, step, d), d, device, requires_grad, out)
    return created("arange", (n,), lambda a: cpu.arange(a, start, step, d), d, device, requires_grad, out)


@composite(
    "range(Number start, Number end, Number step=1, *, Tensor out=None, torch.dtype dtype=None, "
    "torch.layout layout=torch.strided, torch.device device=None, bool requires_grad=False)",
    method=False,
    takes_out=True,
)
def range_(
    start: Any, end: Any, step: Any = 1, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    requires_grad: bool | None = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Numbers from start up to and including end, in the default dtype. Deprecated."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=4,
    )
    d = out_dtype(out, dtype, dtypes.get_default_dtype())
    refuse("range_cpu", d, _NO_RANGE)
    _check_range(start, end, step)
    n = cpu.closed_range_length(start, end, step, d)
    return created("range", (n,), lambda a: cpu.arange(a, start, step, d), d, device, requires_grad, out)


def _ends(name: str, start: Any, end: Any) -> tuple[Any, Any]:
    """Start and end as numbers. Raises RuntimeError for tensors with dims."""
    given = [(which, v) for which, v in (("start", start), ("end", end)) if isinstance(v, Tensor)]
    if any(shape_of(v) for _, v in given):
        counts = " and ".join(f"{which} with {len(shape_of(v))} dimension(s)" for which, v in given)
        raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {counts}.")
    first, last = (v.item() if isinstance(v, Tensor) else v for v in (start, end))  # type: ignore[attr-defined]
    return first, last


def _spaced(name: str, base: str) -> Any:
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
    start: Any, end: Any, steps: int, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """steps numbers evenly spaced from start to end, both included."""
    start, end = _ends("linspace", start, end)
    d = _spaced_dtype("linspace", start, end, dtype, out)
    check(steps >= 0, "number of steps must be non-negative")
    _check_steps("linspace", steps, (start, end), lambda: start, d)
    return created("linspace", (steps,), lambda a: cpu.linspace(a, start, end, d), d, device, requires_grad, out)


@_spaced("logspace", ", float base=10.0")
def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, dtype: dtype | None = None, layout: Any = None,
    device: Any = None, pin_memory: bool | None = False, requires_grad: bool | None = False,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """base to the power of steps numbers evenly spaced from start to end."""
    start, end = _ends("logspace", start, end)
    d = _spaced_dtype("logspace", start, end, dtype, out)
    check(steps >= 0, "number of steps must be non-negative")
    _check_steps("logspace", steps, (start, end), lambda: cpu.power(base, start), d)
    return created("logspace", (steps,), lambda a: cpu.logspace(a, start, end, base, d), d, device, requires_grad, out)


@composite(f"eye(index n, *, {OPTIONS})", f"eye(index n, index m, *, {OPTIONS})", method=False, takes_out=True)
def eye(
    n: int, m: int | None = None, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Ones on the diagonal, zeros elsewhere."""
    check(n >= 0, f"n must be greater or equal to 0, got {n}")
    check(m is None or m >= 0, f"m must be greater or equal to 0, got {m}")
    d = out_dtype(out, dtype, dtypes.get_default_dtype())
    refuse("eye", d, dtypes.mask(dtypes.complex32) | dtypes.BAREBONES)
    return created("eye", (n, n if m is None else m), lambda a: cpu.eye(a, d), d, device, requires_grad, out)


# ------------------------------------------------------------------------------------------ filling


@primitive(
    "_filled(Tensor input, Tensor value)",
    tensors=("input", "value"),
    cpu=cpu.filled_from,
    grad={"input": lambda g, input_shape: g.new_zeros(input_shape), "value": lambda g: g.sum()},
    function=False,
    method=False,
    moves=True,
)
def filled_from(input: Tensor, value: Tensor, node: str) -> Launch:
    """A 0-dim tensor's value everywhere."""
    warn_of_lost_parts(value.dtype, input.dtype)
    return Launch((input, value), shape_of(input), input.dtype, node=node, source=value.dtype, target=input.dtype)


@primitive(
    "_filled_number(Tensor input, Number value)",
    cpu=cpu.filled,
    grad=lambda g, input_shape: g.new_zeros(input_shape),
    function=False,
    method=False,
    moves=True,
    fills=True,
)
def filled(input: Tensor, value: Any, node: str) -> Launch:
    """A number everywhere."""
    return Launch((input,), shape_of(input), input.dtype, node=node, value=value, target=input.dtype)


@primitive(
    "_zeroed(Tensor input)", cpu=cpu.zeroed, grad=lambda g, input_shape: g.new_zeros(input_shape),
    node="ZeroBackward0", function=False, method=False,
    moves=True,
    fills=True,
)  # fmt: skip
def zeroed(input: Tensor) -> Launch:
    """Zero everywhere."""
    return Launch((input,), shape_of(input), input.dtype)


@composite("fill_(Tensor input, Tensor value)", "fill_(Tensor input, Number value)")
def fill__(input: Tensor, value: Any) -> Tensor:
    """Overwrite every element with one value."""
    if isinstance(value, Tensor):
        n = len(shape_of(value))
        check(n == 0, f"fill_ only supports 0-dimension value tensor but got tensor with {n} dimensions.")
        return filled_from.op.run_inplace(  # type: ignore[attr-defined,no-any-return]
            input, {"value": value, "node": "FillBackward3"}
        )
    check_fill(value, input.dtype, shape_of(input))
    return filled.op.run_inplace(input, {"value": value, "node": "FillBackward2"})  # type: ignore[attr-defined,no-any-return]


@composite("fill(Tensor input, Tensor value)", "fill(Tensor input, Number value)", method=False)
def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like input with one value everywhere."""
    if isinstance(value, Tensor):
        n = len(shape_of(value))
        check(n == 0, f"fill_ only supports 0-dimension value tensor but got tensor with {n} dimensions.")
        if state.enabled and value.requires_grad and input.dtype.category < FLOATING:  # type: ignore[attr-defined]
            raise RuntimeError(f"Autograd not support dtype: {input.dtype.type_name}")
        return filled_from.op.run({"input": input, "value": value, "node": "FillBackward1"})  # type: ignore[attr-defined,no-any-return]
    check_fill(value, input.dtype, shape_of(input))
    return filled.op.run({"input": input, "value": value, "node": "FillBackward0"})  # type: ignore[attr-defined,no-any-return]


def _zero_at_once(input: Any = None, *rest: Any) -> Tensor | None:
    """The fast path: nothing of the graph to look at."""
    if rest or type(input) not in PLAIN or input._view is not None or input._node is not None or input._array is None:
        return None
    input._array.fill(0)
    bump(input)
    return input  # type: ignore[no-any-return]


@composite("zero_(Tensor input)", shortcut=_zero_at_once)
def zero__(input: Tensor) -> Tensor:
    """Overwrite every element with zero."""
    return zeroed.op.run_inplace(input, {})  # type: ignore[attr-defined,no-any-return]

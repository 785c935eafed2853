"""Tensors from shapes: zeros, ones, full, empty, eye; like another, or with another's dtype."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, TypedDict, Unpack

from flambeau import dtypes
from flambeau.autograd.attributes import requires_grad_
from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, node_of
from flambeau.cpu import creation as cpu
from flambeau.declare import composite
from flambeau.dtypes import FLOATING, dtype
from flambeau.errors import check, check_out_dtype, refuse
from flambeau.geometry import Shape, contiguous_strides
from flambeau.inplace import resize
from flambeau.ops.copying import check_device, strides_for
from flambeau.ops.filling import check_fill
from flambeau.size import CPU, contiguous_format, preserve_format
from flambeau.tensor import Tensor, bump, fresh, shape_of, without_data

TENSOR_OPTIONS = (
    "torch.dtype? dtype=None, torch.layout? layout=None, torch.device? device=None, bool? pin_memory=False, "
    "bool? requires_grad=False"
)
OPTIONS = f"Tensor out=None, {TENSOR_OPTIONS}"
LIKE_OPTIONS = f"torch.memory_format? memory_format=None, {TENSOR_OPTIONS}"


class TensorOptions(TypedDict, total=False):
    """What every creation function is given besides arguments of its own; layout has one value."""

    dtype: dtype | None
    layout: Any
    device: Any
    pin_memory: bool | None
    requires_grad: bool | None


def options_of(input: Tensor, options: TensorOptions) -> tuple[dtype, TensorOptions]:
    """The options, dtype and device being those of a tensor where none are given; and that dtype."""
    d = options.get("dtype") or input.dtype
    return d, {**options, "dtype": d, "device": options.get("device") or input.device}


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
        t = fresh(array, d)
        if fill is not None:
            fill(array)
    else:
        t = without_data(size, d, strides, where)
    return requires_grad_(t) if requires_grad else t


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
    out: Tensor | None,
    options: TensorOptions,
    strides: Shape | None = None,
) -> Tensor:
    """A new tensor, or `out` resized and filled."""
    requires_grad = options.get("requires_grad")
    if out is None:
        return new_tensor_of(size, fill, d, options.get("device"), requires_grad, strides)
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
    return requires_grad_(out) if requires_grad else out


def _default(options: TensorOptions) -> dtype:
    return options.get("dtype") or dtypes.get_default_dtype()


def _filled(size: Shape, value: Any, d: dtype, options: TensorOptions, strides: Shape | None = None) -> Tensor:
    check_fill(value, d, size)
    return created("full", size, lambda a: cpu.fill(a, value, d), d, None, options, strides)


def _filled_like(input: Tensor, value: Any, memory_format: Any, options: TensorOptions) -> Tensor:
    return _filled(shape_of(input), value, *options_of(input, options), strides_for(input, memory_format))


def _zeros_ones(name: str, value: int) -> None:
    def body(size: Shape, out: Tensor | None = None, **options: Unpack[TensorOptions]) -> Tensor:
        if out is None:
            check_size(size, name if name == "zeros" else "")
        d = out_dtype(out, options.get("dtype"), dtypes.get_default_dtype())
        return created(name, size, lambda a: cpu.fill(a, value, d), d, out, options)

    def like(input: Tensor, memory_format: Any = None, **options: Unpack[TensorOptions]) -> Tensor:
        return _filled_like(input, value, memory_format, options)

    def new(input: Tensor, size: Shape, **options: Unpack[TensorOptions]) -> Tensor:
        return _filled(size, value, *options_of(input, options))

    body.__doc__ = f"A tensor of {name}."
    like.__doc__ = f"A tensor of {name} with the shape, dtype, device and memory order of another."
    new.__doc__ = f"A tensor of {name} with this tensor's dtype and device."
    composite(f"{name}(tuple of ints size, *, {OPTIONS})", method=False, takes_out=True)(body)
    composite(f"{name}_like(Tensor input, *, {LIKE_OPTIONS})", method=False)(like)
    composite(f"new_{name}(Tensor input, tuple of ints size, *, {TENSOR_OPTIONS})", function=False)(new)


_zeros_ones("zeros", 0)
_zeros_ones("ones", 1)


@composite(f"full(tuple of ints size, Number fill_value, *, {OPTIONS})", method=False, takes_out=True)
def full(size: Shape, fill_value: Any, out: Tensor | None = None, **options: Unpack[TensorOptions]) -> Tensor:
    """A tensor with one value everywhere; its dtype follows from the value."""
    natural = dtypes.of_scalar(fill_value)
    d = out_dtype(out, options.get("dtype"), dtypes.complex64 if natural is dtypes.complex32 else natural)
    check_fill(fill_value, d, size)
    return created("full", size, lambda a: cpu.fill(a, fill_value, d), d, out, options)


@composite(f"full_like(Tensor input, Number fill_value, *, {LIKE_OPTIONS})", method=False)
def full_like(input: Tensor, fill_value: Any, memory_format: Any = None, **options: Unpack[TensorOptions]) -> Tensor:
    """A tensor with one value everywhere and the shape, dtype and device of another."""
    return _filled_like(input, fill_value, memory_format, options)


@composite(f"new_full(Tensor input, tuple of ints size, Number fill_value, *, {TENSOR_OPTIONS})", function=False)
def new_full(input: Tensor, size: Shape, fill_value: Any, **options: Unpack[TensorOptions]) -> Tensor:
    """A tensor with one value everywhere and this tensor's dtype and device."""
    return _filled(size, fill_value, *options_of(input, options))


@composite(f"scalar_tensor(Number s, *, {TENSOR_OPTIONS})", method=False)
def scalar_tensor(s: Any, **options: Unpack[TensorOptions]) -> Tensor:
    """A 0-dim tensor of the default dtype."""
    return _filled((), s, _default(options), options)


@composite(
    f"empty(tuple of ints size, *, torch.memory_format? memory_format=None, {OPTIONS})", method=False, takes_out=True
)
def empty(
    size: Shape, memory_format: Any = None, out: Tensor | None = None, **options: Unpack[TensorOptions]
) -> Tensor:
    """An uninitialised tensor."""
    strides = None
    check(memory_format is not preserve_format, "unsupported memory format Preserve")
    check(out is None or memory_format is None, "'memory_format' argument is incompatible with 'out' tensor argument")
    if memory_format not in (None, contiguous_format):
        strides = strides_for(without_data(size, dtypes.float32), memory_format)
    d = out_dtype(out, options.get("dtype"), dtypes.get_default_dtype())
    return created("empty", size, None, d, out, options, strides)


@composite(f"empty_like(Tensor input, *, {LIKE_OPTIONS})", method=False)
def empty_like(input: Tensor, memory_format: Any = None, **options: Unpack[TensorOptions]) -> Tensor:
    """An uninitialised tensor with the shape, dtype, device and memory order of another."""
    d, options = options_of(input, options)
    return created("empty", shape_of(input), None, d, None, options, strides_for(input, memory_format))


@composite(f"new_empty(Tensor input, tuple of ints size, *, {TENSOR_OPTIONS})", function=False)
def new_empty(input: Tensor, size: Shape, **options: Unpack[TensorOptions]) -> Tensor:
    """An uninitialised tensor with this tensor's dtype and device."""
    d, options = options_of(input, options)
    return created("empty", size, None, d, None, options)


def _strided(size: Shape, stride: Shape, d: dtype, options: TensorOptions) -> Tensor:
    check(
        len(size) == len(stride),
        f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})",
    )
    check_size(size)
    check(
        all(s >= 0 for s in stride),
        f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}",
    )
    device = check_device(options.get("device"))
    if device is not CPU:
        t = without_data(size, d, tuple(stride), device)
    else:
        t = cpu.over_strides(tuple(size), tuple(stride), d)
    return requires_grad_(t) if options.get("requires_grad") else t


@composite(f"empty_strided(tuple of ints size, tuple of ints stride, *, {TENSOR_OPTIONS})", method=False)
def empty_strided(
    size: Shape,
    stride: Shape,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """An uninitialised tensor with the given strides."""
    return _strided(size, stride, _default(options), options)


@composite(f"empty_permuted(tuple of ints size, tuple of ints physical_layout, *, {TENSOR_OPTIONS})", method=False)
def empty_permuted(
    size: Shape,
    physical_layout: Shape,
    **options: Unpack[TensorOptions],
) -> Tensor:
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
    return created("empty", check_size(size), None, _default(options), None, options, tuple(strides))


@composite(
    f"new_empty_strided(Tensor input, tuple of ints size, tuple of ints stride, *, {TENSOR_OPTIONS})",
    function=False,
)
def new_empty_strided(
    input: Tensor,
    size: Shape,
    stride: Shape,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """An uninitialised tensor with the given strides and this tensor's dtype and device."""
    return _strided(size, stride, *options_of(input, options))


@composite(f"eye(index n, *, {OPTIONS})", f"eye(index n, index m, *, {OPTIONS})", method=False, takes_out=True)
def eye(
    n: int,
    m: int | None = None,
    out: Tensor | None = None,
    **options: Unpack[TensorOptions],
) -> Tensor:
    """Ones on the diagonal, zeros elsewhere."""
    check(n >= 0, f"n must be greater or equal to 0, got {n}")
    check(m is None or m >= 0, f"m must be greater or equal to 0, got {m}")
    d = out_dtype(out, options.get("dtype"), dtypes.get_default_dtype())
    refuse("eye", d, dtypes.mask(dtypes.complex32) | dtypes.BAREBONES)
    return created("eye", (n, n if m is None else m), lambda a: cpu.eye(a, d), d, out, options)

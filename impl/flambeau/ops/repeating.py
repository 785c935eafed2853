"""Repeating: elements, slices or whole tensors several times, in memory of their own."""

from __future__ import annotations

from typing import Any

from flambeau.cpu import joining as cpu
from flambeau.declare import composite, primitive
from flambeau.errors import check, not_implemented_for
from flambeau.geometry import Shape, wrap_dim
from flambeau.operation import Launch
from flambeau.ops.views import unsqueeze
from flambeau.size import contiguous_format
from flambeau.tensor import Tensor, shape_of


def _repeat_rule(g: Tensor, input_shape: Shape, repeats: Shape) -> Tensor:
    if 0 in repeats:
        return g.new_zeros(input_shape)
    for _ in range(len(repeats) - len(input_shape)):
        g = g.sum(0)
    parted: list[int] = []
    summed: list[int] = []
    for n, times in zip(input_shape, repeats[len(repeats) - len(input_shape) :], strict=True):
        if times != 1:
            summed.append(len(parted))
            parted.append(times)
        parted.append(n)
    return g.reshape(parted).sum(summed) if summed else g


@primitive(
    "repeat(Tensor input, tuple of ints repeats)",
    cpu=cpu.repeat,
    grad=lambda g, input_shape, repeats: _repeat_rule(g, input_shape, repeats),
    moves=True,
    function=False,
)
def repeat(input: Tensor, repeats: Shape) -> Launch:
    """The tensor laid out several times along each dim."""
    shape = shape_of(input)
    check(
        len(repeats) >= len(shape),
        "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
    )
    padded = (1,) * (len(repeats) - len(shape)) + shape
    size = tuple(n * r for n, r in zip(padded, repeats, strict=True))
    for n in size:
        check(n >= 0, f"Trying to create tensor with negative dimension {n}: {list(size)}")
    return Launch((input,), size, input.dtype, repeats=tuple(repeats))


@composite("tile(Tensor input, tuple of ints dims)")
def tile(input: Tensor, dims: Shape) -> Tensor:
    """repeat, with missing repeats counted as one."""
    lead = len(shape_of(input)) - len(dims)
    return input.repeat((1,) * lead + tuple(dims))


@composite(
    "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, index? output_size=None)",
    "repeat_interleave(Tensor repeats, *, index? output_size=None)",
    "repeat_interleave(Tensor input, index repeats, int? dim=None, *, index? output_size=None)",
    method=False,
)
def repeat_interleave(
    repeats: Any, input: Tensor | None = None, dim: int | None = None, output_size: int | None = None
) -> Tensor:
    """Each element (or slice along dim) repeated in place."""
    if input is None:
        return _repeated_indices(repeats, output_size)
    x = input if dim is not None else input.flatten()
    axis = 0 if dim is None else wrap_dim(dim, len(shape_of(x)))
    if not shape_of(x):
        check(
            not isinstance(repeats, Tensor),
            f"Dimension specified as {dim} but tensor has no dimensions",
            IndexError,
        )
        wrap_dim(axis + 1, 0)  # where PyTorch inserts the dim of the repeats
    if isinstance(repeats, Tensor):
        if repeats.dim() == 0 or (repeats.dim() == 1 and shape_of(repeats)[0] == 1):
            repeats = repeats.reshape(1).expand(shape_of(x)[axis])
        elif repeats.dim() == 1:
            check(
                shape_of(repeats)[0] == shape_of(x)[axis],
                f"repeats must have the same size as input along dim, but got repeats.size(0) = {shape_of(repeats)[0]} "
                f"and input.size({axis}) = {shape_of(x)[axis]}",
            )
        else:
            raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
        return x.index_select(axis, _repeated_indices(repeats, output_size))
    check(repeats >= 0, "Repeats must be non-negative")
    shape = shape_of(x)
    spread = unsqueeze(x, axis + 1).expand((*shape[: axis + 1], repeats, *shape[axis + 1 :]))
    return spread.clone(memory_format=contiguous_format).flatten(axis, axis + 1)


@composite(
    "repeat_interleave(Tensor input, Tensor repeats, int? dim=None, *, index? output_size=None)",
    "repeat_interleave(Tensor input, index repeats, int? dim=None, *, index? output_size=None)",
    function=False,
    full_name="Tensor.repeat_interleave",
)
def repeat_interleave_(input: Tensor, repeats: Any, dim: int | None = None, output_size: int | None = None) -> Tensor:
    """Each element (or slice along dim) repeated in place."""
    return repeat_interleave.run({"input": input, "repeats": repeats, "dim": dim, "output_size": output_size})


@primitive("_repeated_indices(Tensor input)", cpu=cpu.repeated_indices, function=False, method=False)
def repeated(input: Tensor) -> Launch:
    """The number i, input[i] times."""
    if input.dtype.name not in ("int64", "int32"):
        not_implemented_for("repeat_interleave_cpu", input.dtype)
    check(len(shape_of(input)) == 1, "repeat_interleave only accept 1D vector as repeat")
    return Launch((input,), None, input.dtype)


def _repeated_indices(repeats: Tensor, output_size: int | None) -> Tensor:
    result = repeated.run({"input": repeats})
    if output_size is not None:
        check(shape_of(result)[0] == output_size, "allocated size does not match required size")
    return result

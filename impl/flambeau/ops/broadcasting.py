"""Broadcasting: views that repeat elements with stride 0, and the grids made of them."""

from __future__ import annotations

from typing import Any

from flambeau.declare import composite, python_function
from flambeau.errors import check
from flambeau.geometry import Shape, broadcast, expand_strides
from flambeau.ops.joining import stack, tensors_given
from flambeau.ops.permutations import transpose
from flambeau.tensor import Tensor, memory, shape_of
from flambeau.viewing import Place, view
from flambeau.warning import warn_once

_LEGACY_TYPES = ("Byte", "Char", "Short", "Int", "Long", "Half", "Float", "Double")


def _type_of(t: Tensor) -> str:
    """The name PyTorch's C++ gives to a tensor's type."""
    name = t.dtype.type_name
    if t.device.type != "cpu":
        return f"{t.device.type.capitalize()}{name}Type"
    return f"torch.{name}Tensor" if name in _LEGACY_TYPES else f"CPU{name}Type"


@view(
    "expand(Tensor input, tuple of ints size, *, bool implicit=False)",
    # the engine sums what broadcasting added; to no dims PyTorch sums even what has none, which not all dtypes can
    grad=lambda g, input_shape: g if input_shape else g.sum(),
    function=False,
)
def expand(input: Tensor, size: Shape, implicit: bool = False) -> Place:
    """The view that repeats size-1 dims with stride 0; -1 keeps a dim."""
    own = memory(input)
    lead = len(size) - len(own.shape)
    check(
        lead >= 0,
        f"expand({_type_of(input)}{{{list(own.shape)}}}, size={list(size)}): the number of sizes "
        f"provided ({len(size)}) must be greater or equal to the number of dimensions in the tensor ({len(own.shape)})",
    )
    target: list[int] = []
    for i, n in reversed(list(enumerate(size))):  # PyTorch complains of the last dim first
        have = own.shape[i - lead] if i >= lead else None
        if n == -1:
            check(
                have is not None,
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}",
            )
            n = have  # type: ignore[assignment]
        elif have is not None and have not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({have}) at non-singleton "
                f"dimension {i}.  Target sizes: {list(size)}.  Tensor sizes: {list(own.shape)}"
            )
        check(n >= 0, "numel: integer multiplication overflow")
        target.append(n)
    shape = tuple(reversed(target))
    return Place(shape, expand_strides(own.shape, own.strides, shape), own.offset)


@composite("expand_as(Tensor input, Tensor other)", function=False)
def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor expanded over the shape of other."""
    return expand.run({"input": input, "size": shape_of(other)})


@composite("broadcast_to(Tensor input, tuple of ints size)")
def broadcast_to(input: Tensor, size: Shape) -> Tensor:
    """The tensor expanded over a shape."""
    return expand.run({"input": input, "size": tuple(size)})


@python_function
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded over their common shape."""
    given = tensors_given(tensors)
    shape = broadcast(*[shape_of(t) for t in given]) if given else ()
    return tuple(t if shape_of(t) == shape else t.expand(shape) for t in given)


@python_function
def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that tensors of these shapes broadcast to. Raises RuntimeError if there is none."""
    from flambeau.size import Size

    result: list[int] = []
    for shape in [(s,) if isinstance(s, int) else tuple(s) for s in shapes]:
        result = [1] * (len(shape) - len(result)) + result
        for i in range(-1, -1 - len(shape), -1):
            n = shape[i]
            if n < 0:
                raise RuntimeError(f"Trying to create tensor with negative dimension ({n}): ({n})")
            if n in (1, result[i]):
                continue
            if result[i] != 1:
                raise RuntimeError("Shape mismatch: objects cannot be broadcast to a single shape")
            result[i] = n
    return Size(result)


@python_function
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Grids of coordinates given by vectors."""
    given = tensors_given(tensors)
    if indexing is None:
        warn_once(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            "aten/src/ATen/native/TensorShape.cpp:4593",
        )
        indexing = "ij"
    check(given, "meshgrid expects a non-empty TensorList")
    for t in given:
        n = len(shape_of(t))
        check(n <= 1, f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {_text(t)}")
        check(t.dtype is given[0].dtype, "torch.meshgrid expects all tensors to have the same dtype")
    check(
        indexing in ("ij", "xy"),
        f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}',
    )
    swap = indexing == "xy" and len(given) >= 2
    order = [given[1], given[0], *given[2:]] if swap else list(given)
    sizes = tuple(t.numel() for t in order)
    grids = []
    for i, t in enumerate(order):
        grid = t.view([-1 if j == i else 1 for j in range(len(order))]).expand(sizes)
        grids.append(transpose(grid, 0, 1) if swap else grid)
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def _text(t: Tensor) -> str:
    return str(t)


@python_function
def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of elements of the given vectors, a row each."""
    given = tensors_given(tensors)
    for t in given:
        check(len(shape_of(t)) == 1, f"Expect a 1D vector, but got shape [{', '.join(map(str, shape_of(t)))}]")
    if len(given) == 1:
        return given[0]
    return stack([g.flatten() for g in meshgrid(*given, indexing="ij")], 1)

"""Shapes, strides and offsets in elements: what views are made of. No data is touched here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import prod

Shape = tuple[int, ...]
# a program meets the same shapes again and again
_remembered = lru_cache(4096)


@_remembered
def contiguous_strides(shape: Shape) -> Shape:
    """Row-major strides; empty dims count as one, as PyTorch counts them."""
    step, strides = 1, []
    for n in reversed(shape):
        strides.append(step)
        step *= n if n > 1 else 1
    return tuple(reversed(strides))


@_remembered
def is_contiguous(shape: Shape, strides: Shape) -> bool:
    """Whether the elements lie in row-major order without gaps."""
    if 0 in shape:
        return True
    expected = 1
    for n, s in zip(reversed(shape), reversed(strides), strict=True):
        if n != 1:
            if s != expected:
                return False
            expected *= n
    return True


def channels_last_strides(shape: Shape) -> Shape:
    """Strides with dim 1 innermost: NHWC for rank 4, NDHWC for rank 5."""
    order = (1, *range(len(shape) - 1, 1, -1), 0)
    step, strides = 1, [0] * len(shape)
    for d in order:
        strides[d] = step
        step *= max(shape[d], 1)
    return tuple(strides)


def is_channels_last(shape: Shape, strides: Shape) -> bool:
    """Whether the elements lie in channels-last order without gaps; after an empty dim every stride would be 0."""
    expected = 1
    for d in (1, *range(len(shape) - 1, 1, -1), 0):
        if shape[d] != 1:
            if strides[d] != expected:
                return False
            expected *= shape[d]
    return True


@_remembered
def suggests_channels_last(shape: Shape, strides: Shape) -> bool:
    """Whether a rank-4 or rank-5 tensor is laid out channels last beyond doubt, which results then keep."""
    if strides[1] == 0:
        return False
    least = 0
    for d in (1, *range(len(shape) - 1, 1, -1), 0):
        if shape[d] == 0 or strides[d] < least:
            return False
        if d == 0 and least == strides[1]:
            return False
        least = strides[d]
        if shape[d] > 1:
            least *= shape[d]
    return True


@_remembered
def is_dense(shape: Shape, strides: Shape) -> bool:
    """Whether some order of the dims makes the elements contiguous: no overlap and no gaps."""
    expected = 1
    for s, n in sorted((s, n) for n, s in zip(shape, strides, strict=True) if n != 1):
        if n == 0:
            return True
        if s != expected:
            return False
        expected *= n
    return True


def overlaps_itself(shape: Shape, strides: Shape) -> bool:
    """Whether two indices may name one element (exact for expanded dims, conservative as PyTorch's check otherwise)."""
    if is_dense(shape, strides):
        return False
    return any(n > 1 and s == 0 for n, s in zip(shape, strides, strict=True))


@_remembered
def may_overlap(shape: Shape, strides: Shape) -> bool:
    """Whether two indices may name one element, windows (unfold, as_strided) included."""
    if 0 in shape:
        return False
    reach = 0
    for s, n in sorted((s, n) for n, s in zip(shape, strides, strict=True) if n != 1):
        if s <= reach:
            return True
        reach += s * (n - 1)
    return False


def extent(shape: Shape, strides: Shape) -> int:
    """Number of storage elements from the first to the last element named, both included."""
    if 0 in shape:
        return 0
    return 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))


@_remembered
def view_strides(shape: Shape, strides: Shape, new: Shape) -> Shape | None:
    """Strides of `x.view(new)`, or None where only a copy can have that shape."""
    if prod(shape) == 0:
        return strides if shape == new else contiguous_strides(new)
    if not shape:
        return (1,) * len(new)
    out = [0] * len(new)
    view_dim = len(new) - 1
    base = strides[-1]
    chunk = covered = 1
    for d in range(len(shape) - 1, -1, -1):
        chunk *= shape[d]
        if d == 0 or (shape[d - 1] != 1 and strides[d - 1] != chunk * base):
            while view_dim >= 0 and (covered < chunk or new[view_dim] == 1):
                out[view_dim] = covered * base
                covered *= new[view_dim]
                view_dim -= 1
            if covered != chunk:
                return None
            if d > 0:
                base = strides[d - 1]
                chunk = covered = 1
    return tuple(out) if view_dim == -1 else None


def broadcast(*shapes: Shape) -> Shape:
    """The common shape. Raises RuntimeError in PyTorch's words."""
    first = shapes[0]
    if all(s == first for s in shapes[1:]):
        return first
    result = list(first)
    for shape in shapes[1:]:
        if len(shape) > len(result):
            result = [1] * (len(shape) - len(result)) + result
        for i in range(1, len(shape) + 1):
            a, b = result[-i], shape[-i]
            if a == b or b == 1:
                continue
            if a != 1:
                raise RuntimeError(
                    f"The size of tensor a ({a}) must match the size of tensor b ({b}) "
                    f"at non-singleton dimension {len(result) - i}"
                )
            result[-i] = b
    return tuple(result)


def iterated_strides(shape: Shape, operands: list[Shape]) -> Shape:
    """Dense strides in the order of dims that the operands' strides (0 where broadcast) suggest, the first ones most.

    This is how PyTorch's TensorIterator lays out a result.
    """

    def later(a: int, b: int) -> int:
        for strides in operands:
            if strides[a] == 0 or strides[b] == 0:
                continue
            if strides[a] != strides[b]:
                return 1 if strides[a] > strides[b] else -1
            if shape[a] > shape[b]:
                return 1
        return 0

    order = list(range(len(shape) - 1, -1, -1))
    for i in range(1, len(order)):
        at = i
        for j in range(i - 1, -1, -1):
            comparison = later(order[j], order[at])
            if comparison > 0:
                order[j], order[at] = order[at], order[j]
                at = j
            elif comparison < 0:
                break
    result, step = [0] * len(shape), 1
    for d in order:
        result[d] = step
        step *= max(shape[d], 1)
    return tuple(result)


@_remembered
def elementwise_strides(shape: Shape, operands: tuple[tuple[Shape, Shape], ...]) -> Shape:
    """Strides of an elementwise result, from the shapes and strides of the operands, as PyTorch lays it out."""
    if all(own == shape for own, _ in operands):
        if all(is_contiguous(*o) for o in operands):
            return contiguous_strides(shape)
        if len(shape) == 4 and all(is_channels_last(*o) for o in operands):
            return channels_last_strides(shape)
        first = operands[0][1]
        if all(strides == first for _, strides in operands) and is_dense(shape, first):
            return first
    return iterated_strides(shape, [expand_strides(own, strides, shape) for own, strides in operands])


@_remembered
def copied_strides(shape: Shape, strides: Shape) -> Shape:
    """Strides of a copy that keeps the layout: the same, or, where they overlap or have gaps, dense in their order."""
    return strides if is_dense(shape, strides) else iterated_strides(shape, [strides])


def expand_strides(shape: Shape, strides: Shape, target: Shape) -> Shape:
    """Strides that repeat `shape` over `target` (known to broadcast) with stride 0."""
    lead = len(target) - len(shape)
    own = tuple(s if n == t else 0 for n, s, t in zip(shape, strides, target[lead:], strict=True))
    return (0,) * lead + own


def wrap_dim(dim: int, ndim: int, *, wrap_scalar: bool = True) -> int:
    """dim counted from the front. Raises IndexError in PyTorch's words."""
    if ndim == 0:
        if not wrap_scalar:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        ndim = 1
    if not -ndim <= dim < ndim:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {dim})")
    return dim % ndim


def different_dims(dims: Iterable[int], ndim: int) -> tuple[int, ...]:
    """dims counted from the front. Raises, at the first that is wrong, IndexError where it is out of range and
    RuntimeError where it was named before, in PyTorch's words."""
    found: list[int] = []
    for dim in dims:
        d = wrap_dim(dim, ndim)
        if d in found:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
        found.append(d)
    return tuple(found)


@_remembered
def infer_size(shape: Shape, numel: int) -> Shape:
    """`shape` with its -1 filled in. Raises RuntimeError in PyTorch's words."""
    known, unknown = 1, None
    for d, n in enumerate(shape):
        if n == -1:
            if unknown is not None:
                raise RuntimeError("only one dimension can be inferred")
            unknown = d
        elif n < 0:
            raise RuntimeError(f"invalid shape dimension {n} at index {d} of shape {list(shape)}")
        else:
            known *= n
    if unknown is None:
        if known != numel:
            raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
        return tuple(shape)
    if known == 0:
        if numel == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension "
                "size -1 can be any value and is ambiguous"
            )
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    if numel % known:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")
    return (*shape[:unknown], numel // known, *shape[unknown + 1 :])

"""The results of a call, from its filled-in execution: dtypes, which in-place calls must be able to take, and shapes,
which `out=` is fitted to."""

from __future__ import annotations

from assay.case import Named, TensorSpec
from assay.catalog.form import DtypeOf, Execution, ShapeOf, same
from assay.dtypes import category, real_part
from assay.strategies.shapes import Shape, broadcast

__all__ = [
    "always",
    "asked_or",
    "broadcast_shape",
    "exactly_broadcast",
    "floating",
    "real",
    "reduced",
    "same",
    "shape_of",
    "summed",
    "unknown",
]


def floating(ex: Execution) -> str:
    """The primary dtype; the default dtype for integers and bools."""
    return ex.dtype if category(ex.dtype) >= 2 else ex.default_dtype


def real(ex: Execution) -> str:
    """The real part's dtype."""
    return real_part(ex.dtype)


def always(dtype: str) -> DtypeOf:
    """That dtype."""
    return lambda ex: dtype


def wide(ex: Execution) -> str:
    """The primary dtype; int64 for integers and bools."""
    return ex.dtype if category(ex.dtype) >= 2 else "int64"


def asked_or(rule: DtypeOf) -> DtypeOf:
    """The `dtype` argument, else what `rule` says."""

    def result(ex: Execution) -> str:
        given = ex.get("dtype")
        return given.name if isinstance(given, Named) else rule(ex)

    return result


summed = asked_or(wide)


def broadcast_shape(ex: Execution) -> Shape:
    """All tensors broadcast."""
    return broadcast(*(v.shape for v in ex.values.values() if isinstance(v, TensorSpec)))


def exactly_broadcast(ex: Execution) -> Shape:
    """All tensors broadcast, for operations whose `out=` must have the result's own dtype."""
    return broadcast_shape(ex)


def reduced(ex: Execution) -> Shape:
    """The input's shape after reducing over `dim` (all dims where absent), honouring `keepdim`."""
    shape, over = ex.shape("input"), ex.get("dim")
    rank = len(shape)
    if over is None or over == () or over == []:
        chosen = set(range(rank))
    else:
        chosen = {d % max(rank, 1) for d in (over if isinstance(over, tuple | list) else (over,))}
    if ex.get("keepdim", False):
        return tuple(1 if d in chosen else s for d, s in enumerate(shape))
    return tuple(s for d, s in enumerate(shape) if d not in chosen)


def shape_of(name: str = "input") -> ShapeOf:
    """The named argument's shape."""
    return lambda ex: ex.shape(name)


def unknown(ex: Execution) -> None:
    """No shape is told: `out=` starts empty."""

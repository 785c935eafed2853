"""What `out=` is fitted to: the shape and dtype of a result, from a filled-in execution."""

from __future__ import annotations

from collections.abc import Callable

from assay.case import Named, TensorSpec
from assay.catalog.form import Execution, OutRule
from assay.dtypes import category, real_part
from assay.strategies.shapes import Shape, broadcast

DtypeRule = Callable[[Execution], str]


def same(ex: Execution) -> str:
    """The primary dtype."""
    return ex.dtype


def floating(ex: Execution) -> str:
    """The primary dtype; the default dtype for integers and bools."""
    return ex.dtype if category(ex.dtype) >= 2 else ex.default_dtype


def summed(ex: Execution) -> str:
    """The `dtype` argument, else the primary dtype with int64 for integers and bools."""
    given = ex.get("dtype")
    return given.name if isinstance(given, Named) else ex.dtype if category(ex.dtype) >= 2 else "int64"


def asked(ex: Execution) -> str:
    """The `dtype` argument, else what `floating` says."""
    given = ex.get("dtype")
    return given.name if isinstance(given, Named) else floating(ex)


def real(ex: Execution) -> str:
    """The real part's dtype."""
    return real_part(ex.dtype)


def always(dtype: str) -> DtypeRule:
    """That dtype."""
    return lambda ex: dtype


def _specs(ex: Execution) -> list[TensorSpec]:
    return [v for v in ex.values.values() if isinstance(v, TensorSpec)]


def elementwise(dtype: DtypeRule = same) -> OutRule:
    """All tensors broadcast."""
    return lambda ex: ((broadcast(*(s.shape for s in _specs(ex))), dtype(ex)),)


def reduced_shape(ex: Execution, of: str = "input") -> Shape:
    """The shape after reducing over `dim` (all dims where absent), honouring `keepdim`."""
    shape, over = ex.shape(of), ex.get("dim")
    rank = len(shape)
    if over is None or over == () or over == []:
        chosen = set(range(rank))
    else:
        chosen = {d % max(rank, 1) for d in (over if isinstance(over, tuple | list) else (over,))}
    if ex.get("keepdim", False):
        return tuple(1 if d in chosen else s for d, s in enumerate(shape))
    return tuple(s for d, s in enumerate(shape) if d not in chosen)


def reduced(*dtypes: DtypeRule) -> OutRule:
    """The reduced shape, one result for each dtype."""
    return lambda ex: tuple((reduced_shape(ex), d(ex)) for d in dtypes or (same,))


def shape_of(name: str = "input", *dtypes: DtypeRule) -> OutRule:
    """The named argument's shape, one result for each dtype."""
    return lambda ex: tuple((ex.shape(name), d(ex)) for d in dtypes or (same,))


def unknown(*dtypes: DtypeRule) -> OutRule:
    """No shape is known: `out=` starts empty."""
    return lambda ex: tuple((None, d(ex)) for d in dtypes or (same,))


def shaped_by(rule: Callable[[Execution], Shape], *dtypes: DtypeRule) -> OutRule:
    """The shape that `rule` says."""
    return lambda ex: tuple((rule(ex), d(ex)) for d in dtypes or (same,))

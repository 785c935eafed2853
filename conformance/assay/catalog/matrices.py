"""Matrices as arguments: shapes whose last two dims are matrices, and the plans that make them fit a purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, TensorSpec, Values
from assay.catalog.form import Execution, Structure
from assay.catalog.kinds import ShapeRule, Tensor
from assay.dtypes import COMPLEX, FLOATS
from assay.strategies.shapes import Shape

#: What LAPACK computes in.
LAPACK = (*FLOATS, *COMPLEX)
_SIZES = (3, 2, 1, 4, 5, 3, 2, 7, 9)
_BATCHES: tuple[Shape, ...] = ((), (2,), (), (3,), (1,), (2, 1), (2, 3))


def batch(draw: st.DrawFn, env: Structure) -> Shape:
    """What stands before a matrix; in the stratum "empty", often nothing at all."""
    if env.stratum == "empty" and draw(st.booleans()):
        return draw(st.sampled_from(((0,), (0, 2))))
    return draw(st.sampled_from(_BATCHES))


def _size(draw: st.DrawFn, env: Structure, least: int = 1) -> int:
    if env.stratum == "empty" and not least and draw(st.booleans()):
        return 0
    return draw(st.sampled_from(tuple(s for s in _SIZES if s >= least)))


@dataclass(frozen=True)
class square:
    """Square matrices; with `empty`, in the stratum of that name also of size 0."""

    empty: bool = True

    def __call__(self, draw: st.DrawFn, env: Structure) -> Shape:
        before = batch(draw, env)
        size = 0 if env.stratum == "empty" and 0 not in before and self.empty else _size(draw, env)
        return (*before, size, size)


@dataclass(frozen=True)
class rectangular:
    """Matrices of any two sizes; tall: of no more columns than rows. empty: of size 0, too, in the stratum."""

    tall: bool = False
    empty: bool = True

    def __call__(self, draw: st.DrawFn, env: Structure) -> Shape:
        before = batch(draw, env)
        least = 0 if self.empty else 1
        rows, columns = _size(draw, env, least), _size(draw, env, least)
        if self.tall:
            rows, columns = max(rows, columns), min(rows, columns)
        return (*before, rows, columns)


@dataclass(frozen=True)
class Matrices(Tensor):
    """A tensor of matrices. Which plan is drawn how often: `mix`; the last dims, so many are `within` a matrix, are
    never expanded, for a matrix of equal rows is singular."""

    mix: Mapping[str, int] = field(default_factory=dict)
    within: int = 2

    def realise(self, drawn: Shape, name: str, ex: Execution) -> TensorSpec:
        spec = super().realise(drawn, name, ex)
        if spec.layout.kind == "expanded" and any(d >= len(spec.shape) - self.within for d in spec.layout.dims):
            spec = replace(spec, layout=Layout())
        return replace(spec, values=Values(ex.pick.weighted(self.mix), ex.pick.seed()))

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield from super().bad(good, name, ex)
        if self.resized and isinstance(good, TensorSpec):
            yield replace(good, shape=(3,), layout=Layout(), values=Values("ones"))
            if good.shape[-1:] == good.shape[-2:-1]:
                wider = (*good.shape[:-1], good.shape[-1] + 1)
                yield replace(good, shape=wider, layout=Layout(), values=Values("conditioned", 1))


SMALL = {"normal": 1}
WELL = {"conditioned": 7, "normal": 2, "positive definite": 1, "symmetric": 1}
SYMMETRIC = {"symmetric": 7, "positive definite": 3}
DEFINITE = {"positive definite": 1}
DOMINANT = {"dominant": 1}
CONDITIONED = {"conditioned": 1}
RANKED = {"conditioned": 4, "deficient": 3, "zeros": 1}
ANY = {"normal": 4, "conditioned": 4, "symmetric": 1, "deficient": 1, "ties": 1, "zeros": 1, "ones": 1}


def matrices(
    mix: Mapping[str, int],
    shape: ShapeRule | None = None,
    dtypes: tuple[str, ...] = LAPACK,
    *,
    mixed: bool = False,
    grad: bool = True,
    within: int = 2,
    contiguous: float = 0.0,
) -> Matrices:
    """Matrices of these plans, square unless told otherwise; without dtypes, of the primary one."""
    return Matrices(
        dtypes, shape or square(), "mixed" if mixed else "primary", None, None, grad, contiguous, mix=mix, within=within
    )


def sized(*pattern: tuple[str, int] | None, of: str) -> ShapeRule:
    """The batch of `of`, then sizes of earlier arguments, each named with its dimension, or new ones (None)."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        sizes = tuple(_size(draw, env) if p is None else env.shape(p[0])[p[1]] for p in pattern)
        return (*env.shape(of)[:-2], *sizes)

    return rule

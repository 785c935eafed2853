"""Views that are copied at once: `*_copy`, with the arguments of the operations whose views they copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from assay.case import Named
from assay.catalog.common import ANY, x
from assay.catalog.form import REGISTRY, Execution, Form, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import aside, dim, flag, integer, made, shaped
from assay.catalog.results import real, same, unknown
from assay.catalog.shapes import ALONG, AT, COMPACT, SECTIONS
from assay.catalog.viewing import PIECES, SOME_DIM
from assay.dtypes import ALL
from assay.policy import CREATION
from assay.strategies.shapes import Shape

COMPLEX_OF = {"float32": "complex64", "float64": "complex128"}


def copied(*params: Param, result: Any = same, order: int = 2, weight: int = 1) -> Form:
    """A function that also takes `out=`."""
    alone = (replace(p, splat=False) for p in params)
    return form(*alone, variants="function", out=unknown, result=result, order=order, weight=weight)


def like_view(op: str, at: Sequence[int] = (), *more: Param, result: Any = same) -> None:
    """`op_copy`: the forms of `op` (or some of them), none of them a method."""
    forms = REGISTRY[op].forms
    chosen = [forms[i] for i in at] or forms
    entry(f"{op}_copy", *(copied(*f.params, *more, result=result) for f in chosen), policy=CREATION)


for name in ("t", "transpose", "squeeze", "unsqueeze", "select"):
    like_view(name)
entry("narrow_copy", form(*REGISTRY["narrow"].forms[0].params, out=unknown, order=2), policy=CREATION)
like_view("permute", [0])
like_view("expand", (), kw("implicit", flag()))
like_view("as_strided")
like_view("unfold")
like_view("view_as_real", result=real)
PAIRS = REGISTRY["view_as_complex"].forms[0].params
# PyTorch 2.13 refuses to derive either copy.
for name, params, made_of in (
    ("view_as_complex_copy", PAIRS, lambda ex: COMPLEX_OF[ex.dtype]),
    ("detach_copy", (ANY,), same),
):
    refused = copied(*params, result=made_of)
    entry(name, copied(*params, result=made_of, order=0, weight=4), refused, policy=CREATION)
entry("alias_copy", copied(ANY), policy=CREATION)


def _reinterpreted(drawn: Any, ex: Execution) -> Named:
    """A dtype of the same width, or of half of it."""
    widths = ({"float32", "int32", "uint32"}, {"float64", "int64", "complex64"}, {"float16", "bfloat16", "int16"})
    alike = next((sorted(w) for w in widths if ex.dtype in w), [ex.dtype])
    return Named(ex.pick.choice(alike))


entry(
    "view_copy",
    copied(*REGISTRY["view"].forms[0].params, weight=2),
    form(COMPACT, arg("dtype", made(_reinterpreted, refused=("float32", 2.5))), variants="function"),
    policy=CREATION,
)


# -- diagonals -------------------------------------------------------------------------------------------------------
def _other_dim(draw: st.DrawFn, env: Structure) -> tuple[int, int]:
    """Two different dimensions, each from either end."""
    rank = len(env.shape("input"))
    first, second = draw(st.permutations(range(rank)))[:2]
    return first - rank * draw(st.integers(0, 1)), second - rank * draw(st.integers(0, 1))


def one_of_dims(at: int) -> made:
    """One of the two dimensions drawn aside as "plane"."""
    return made(lambda d, ex: ex.structure.drawn["plane"][at], None, (9, -9, 1.5))


PLANE = aside("plane", _other_dim)
DIAGONAL = (kw("offset", integer(-3, 3), 0.4), kw("dim1", one_of_dims(0), 0), kw("dim2", one_of_dims(1), 0))
MATRICES = x(ALL, shaped(2, 4))
entry(
    "diagonal_copy",
    copied(MATRICES, opt("offset", integer(-3, 3))),
    copied(MATRICES, PLANE, *DIAGONAL),
    policy=CREATION,
)


# -- slices and pieces -----------------------------------------------------------------------------------------------
BOUND = made(lambda d, ex: d, lambda draw, env: draw(st.one_of(st.none(), st.integers(-6, 9))), ("a", 1.5))
SLICE = (opt("dim", dim(), 0.3), opt("start", BOUND, 0.2), opt("end", BOUND, 0.2), opt("step", integer(1, 3)))
entry("slice_copy", copied(SOME_DIM, *SLICE), policy=CREATION)


def _along(ex: Execution) -> tuple[Shape, int]:
    shape = ex.shape("input")
    return shape, ex.get("dim", 0) % len(shape)


def _shapes(sizes: Sequence[int], ex: Execution) -> list[Shape]:
    shape, d = _along(ex)
    return [(*shape[:d], n, *shape[d + 1 :]) for n in sizes]


def _equal(ex: Execution) -> list[Shape]:
    shape, d = _along(ex)
    size, length = ex.get("split_size"), shape[d]
    sizes = [min(size, length - at) for at in range(0, length, size)] or [0]
    return _shapes(sizes, ex)


def _unbound(ex: Execution) -> list[Shape]:
    shape, d = _along(ex)
    return [(*shape[:d], *shape[d + 1 :])] * shape[d]


entry("split_copy", SOME_DIM, PIECES, opt("dim", dim()), variants="function", out=_equal, order=2, policy=CREATION)
entry(
    "split_with_sizes_copy",
    SOME_DIM,
    ALONG,
    arg("split_sizes", SECTIONS),
    AT,
    variants="function",
    out=lambda ex: _shapes(ex.get("split_sizes"), ex),
    order=2,
    policy=CREATION,
)
entry("unbind_copy", SOME_DIM, opt("dim", dim()), variants="function", out=_unbound, order=2, policy=CREATION)

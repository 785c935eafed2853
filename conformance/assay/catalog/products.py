"""Products added to something, chains of products, and products of vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, Make, TensorSpec
from assay.catalog.common import x
from assay.catalog.form import ALIASED, Execution, Kind, Param, Structure, arg, entry, form, kw, opt, pos
from assay.catalog.kinds import ShapeRule, aside, dim, integer, like, made, shaped, tensor
from assay.catalog.linear import BATCH, MATRIX, VECTOR, built, multipliable
from assay.catalog.results import unknown
from assay.dtypes import ALL, COMMON, DIFFERENTIABLE, NUMERIC, category
from assay.policy import PRODUCT, VIEW, Policy
from assay.strategies.arguments import layout, plan, scalar
from assay.strategies.shapes import SIZES, Shape

PERTURBED = Policy(overflow=True)
#: A product that takes `out=`, of one form, and a form of one that does not.
product = partial(entry, variants="function", out=unknown, order=2, policy=PRODUCT)
called = partial(form, variants="function", order=2)


def _factor(drawn: Any, ex: Execution) -> Any:
    """A number of the tensors' category, or below; often 0 beside what is not finite, which a beta of 0 leaves out."""
    own, given = category(ex.dtype), ex.get("input")
    special = isinstance(given, TensorSpec) and given.values.kind == "special"
    value = 0 if special and ex.pick.chance(0.4) else scalar(ex.pick, ex.pick.integer(min(own, 1), own))
    if value == 0:
        # PyTorch 2.13 answers uninitialised memory for a bfloat16 baddbmm of alpha and beta 0
        return 1 if ex.dtype == "bfloat16" and ex.get("beta") == 0 else abs(value)
    return abs(value) if ex.dtype == "uint8" else value


FACTORS = (kw("beta", made(_factor), 0.5), kw("alpha", made(_factor), 0.5))
NEW = st.sampled_from(SIZES)


def _fitting(whole: Callable[[Structure], Shape]) -> ShapeRule:
    """A shape that broadcasts to the product's."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        target = whole(env)
        keep = draw(st.integers(0, len(target)))
        ones = draw(st.integers(0, 2**keep - 1))
        return tuple(1 if ones >> i & 1 else s for i, s in enumerate(target[len(target) - keep :]))

    return rule


def _sizes(count: int) -> Param:
    return aside("sizes", lambda draw, env: tuple(draw(NEW) for _ in range(count)))


def _of(*which: int) -> ShapeRule:
    """A shape of the sizes that were drawn aside."""
    return lambda draw, env: tuple(env.drawn["sizes"][i] for i in which)


def weighted(
    op: str, dtypes: tuple[str, ...], first: str, second: str, whole: ShapeRule, left: ShapeRule, right: ShapeRule,
    sizes: tuple[int, tuple[int, ...], tuple[int, ...], tuple[int, ...]],
) -> None:  # fmt: skip
    """beta · input + alpha · product. `whole` is the product's shape, `left` and `right` those of its factors after it;
    sizes: how many sizes there are, and the three shapes made of them, for an input that broadcasts."""
    count, target, one, two = sizes
    entry(
        op,
        called(
            arg("input", tensor(dtypes, whole)),
            arg(first, tensor((), left)),
            arg(second, tensor((), right)),
            *FACTORS,
            variants="function method inplace",
            out=unknown,
        ),
        form(
            _sizes(count),
            arg("input", tensor(dtypes, _fitting(lambda env: tuple(env.drawn["sizes"][i] for i in target)))),
            arg(first, tensor((), _of(*one))),
            arg(second, tensor((), _of(*two))),
            *FACTORS,
            order=2,
        ),
        policy=PRODUCT,
    )


A = "input"
weighted(
    "addmm", NUMERIC, "mat1", "mat2", MATRIX, built((A, 0), None), built(("mat1", 1), (A, 1)),
    (3, (0, 2), (0, 1), (1, 2)),
)  # fmt: skip
weighted(
    "addmv", NUMERIC, "mat", "vec", VECTOR, built((A, 0), None), built(("mat", 1)), (2, (0,), (0, 1), (1,))
)  # fmt: skip
weighted("addr", COMMON, "vec1", "vec2", MATRIX, built((A, 0)), built((A, 1)), (2, (0, 1), (0,), (1,)))
weighted(
    "addbmm", NUMERIC, "batch1", "batch2", MATRIX, built(None, (A, 0), None),
    built(("batch1", 0), ("batch1", 2), (A, 1)), (4, (0, 2), (3, 0, 1), (3, 1, 2)),
)  # fmt: skip
weighted(
    "baddbmm", NUMERIC, "batch1", "batch2", BATCH, built((A, 0), (A, 1), None), built((A, 0), ("batch1", 2), (A, 2)),
    (4, (3, 0, 2), (3, 0, 1), (3, 1, 2)),
)  # fmt: skip


# -- several operands --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class operands(Kind):
    """Tensors of one dtype whose shapes a rule draws; spread over the call, or a tuple or list."""

    rule: Callable[[st.DrawFn, Structure], tuple[Shape, ...]]
    listed: bool = True

    def structure(self, draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
        return self.rule(draw, env)

    def realise(self, drawn: tuple[Shape, ...], name: str, ex: Execution) -> Any:
        built = [
            TensorSpec(s, ex.dtype, plan(ex.pick, smooth=ex.order > 0), layout(ex.pick, s), self._wants(ex))
            for s in drawn
        ]
        if ex.order and built and not any(b.requires_grad for b in built):
            built[-1] = replace(built[-1], requires_grad=True)
        return built if self.listed and ex.pick.chance(0.5) else tuple(built)

    def _wants(self, ex: Execution) -> bool:
        return ex.order > 0 and ex.pick.chance(0.85)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        last = good[-1]
        yield (*good[:-1], replace(last, shape=(*last.shape, 2, 5), layout=Layout()))
        yield (*good, Make("object"))
        yield ()
        if len(good) > 1:
            strange = ex.pick.choice([d for d in ("float64", "float32", "int64") if d != ex.dtype])
            yield (*good[:-1], replace(last, dtype=strange, requires_grad=False))


def _chain(vectors: bool) -> Callable[[st.DrawFn, Structure], tuple[Shape, ...]]:
    """Shapes of matrices that multiply; with `vectors`, the first and last may be vectors."""

    def rule(draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
        count = draw(st.integers(2 if vectors else 1, 5))
        sizes = [draw(st.sampled_from((2, 3, 1, 4, 0, 5, 9))) for _ in range(count + 1)]
        if env.stratum == "empty":
            sizes[draw(st.integers(0, count))] = 0
        found: list[Shape] = [(a, b) for a, b in itertools.pairwise(sizes)]
        if vectors and draw(st.integers(0, 2)) == 0:
            found[0] = found[0][1:]
        if vectors and draw(st.integers(0, 2)) == 0:
            found[-1] = found[-1][:1]
        return tuple(found)

    return rule


product("linalg.multi_dot", arg("tensors", operands(_chain(True))), dtypes=NUMERIC)


@dataclass(frozen=True)
class spread(Kind):
    """One of the operands that were drawn aside; beyond their number it is left out."""

    at: int

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        shape = ex.structure.drawn["shapes"][self.at]
        return TensorSpec(shape, ex.dtype, plan(ex.pick, smooth=ex.order > 0), layout(ex.pick, shape), ex.order > 0)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        yield replace(good, shape=(*good.shape, 2, 5), layout=Layout())
        yield Make("object")


def _counted(count: int) -> Callable[[st.DrawFn, Structure], tuple[Shape, ...]]:
    def rule(draw: st.DrawFn, env: Structure) -> tuple[Shape, ...]:
        sizes = [draw(st.sampled_from((2, 3, 1, 4, 0, 5, 9))) for _ in range(count + 1)]
        return tuple(itertools.pairwise(sizes))

    return rule


entry(
    "chain_matmul",
    *(
        called(
            aside("shapes", _counted(count)),
            *(pos(f"matrix{i}", spread(i)) for i in range(count)),
            out=unknown if count > 1 else None,
            dtypes=NUMERIC,
        )
        for count in (1, 2, 3, 4)
    ),
    policy=PRODUCT,
)


# -- vectors -----------------------------------------------------------------------------------------------------------
product(
    "linalg.matmul", x(NUMERIC, shaped(min_rank=1, max_rank=4)), arg("other", tensor((), multipliable)), alias=ALIASED
)


def _of_three(last: bool) -> ShapeRule:
    """A shape with a dim of size 3: any one, or the last."""

    def rule(draw: st.DrawFn, env: Structure) -> Shape:
        rest = list(draw(st.lists(st.sampled_from((2, 1, 4, 5) + ((0,) if env.stratum else ())), max_size=3)))
        rest.insert(len(rest) if last else draw(st.integers(0, len(rest))), 3)
        return tuple(rest)

    return rule


def _three(draw: st.DrawFn, env: Structure) -> int:
    """The dim of size 3."""
    at = env.shape("input").index(3)
    return at - len(env.shape("input")) if draw(st.booleans()) else at


def _beside(draw: st.DrawFn, env: Structure) -> Shape:
    """A shape that broadcasts and has size 3 at the end."""
    whole = env.shape("input")
    return tuple(1 if s != 3 and draw(st.integers(0, 3)) == 0 else s for s in whole)


AT_THREE = made(lambda drawn, ex: drawn, _three, refused=(7, -7, "text", 1.5))
for name in ("cross", "linalg.cross"):
    last = name.startswith("linalg")
    how = "function" if last else "function method"
    place = kw if last else opt
    entry(
        name,
        called(x(NUMERIC, _of_three(True)), arg("other", tensor((), _beside)), variants=how, out=unknown),
        called(
            x(NUMERIC, _of_three(False)),
            arg("other", tensor((), like(A))),
            place("dim", AT_THREE, 0.0 if last else 0.3),
            variants=how,
            out=unknown,
        ),
        policy=PERTURBED,
    )
product(
    "linalg.vecdot",
    arg("x", tensor(DIFFERENTIABLE, shaped(min_rank=1, max_rank=4))),
    arg("y", tensor((), like("x"))),
    kw("dim", dim("x")),
)
entry(
    "linalg.vander",
    arg("x", tensor((*(d for d in NUMERIC if d not in ("float16", "bfloat16")),), shaped(min_rank=1, max_rank=3))),
    kw("N", integer(2, 6)),
    variants="function",
    order=2,
    policy=Policy(overflow="power"),
)


entry(
    "linalg.diagonal",
    called(arg("A", tensor(ALL, shaped(min_rank=2))), kw("offset", integer(-3, 3))),
    called(
        arg("A", tensor(ALL, shaped(min_rank=2))),
        aside("pair", lambda draw, env: draw(st.permutations(range(len(env.shape("A")))))[:2]),
        kw("offset", integer(-3, 3)),
        kw("dim1", made(lambda drawn, ex: ex.structure.drawn["pair"][0], refused=(9, "text")), 0),
        kw("dim2", made(lambda drawn, ex: ex.structure.drawn["pair"][1] - len(ex.shape("A")), refused=(-9, "text")), 0),
    ),
    policy=VIEW,
)

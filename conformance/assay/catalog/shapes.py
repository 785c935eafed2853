"""Views, rearrangements, joining and splitting."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import Layout, Make, Named, TensorSpec
from assay.catalog.common import ANY, DIM, x
from assay.catalog.form import Execution, Kind, Param, Structure, arg, entry, form, kw, opt, pos
from assay.catalog.kinds import (
    aside,
    choice,
    dim,
    dims,
    drawn,
    integer,
    made,
    permutation,
    reshaping,
    shaped,
    size,
    tensor,
)
from assay.catalog.results import unknown
from assay.dtypes import ALL, COMMON
from assay.pick import Pick
from assay.policy import MOVE, VIEW
from assay.strategies.arguments import layout, plan
from assay.strategies.shapes import Shape, shapes

ROUND = "function method inplace"

# -- views -----------------------------------------------------------------------------------------------------------
for name, first, second in (
    ("transpose", "dim0", "dim1"),
    ("swapdims", "dim0", "dim1"),
    ("swapaxes", "axis0", "axis1"),
):
    entry(name, ANY, arg(first, dim()), arg(second, dim()), variants=ROUND, order=2, policy=VIEW)
entry("t", x(ALL, shaped(max_rank=2)), variants=ROUND, order=2, policy=VIEW)
entry("adjoint", x(ALL, shaped(min_rank=2)), order=2, policy=VIEW)
entry("T", x(ALL, shaped(2, 2)), variants="method", mistakes=False, order=2, policy=VIEW)
entry("mT", x(ALL, shaped(min_rank=2)), variants="method", mistakes=False, order=2, policy=VIEW)
entry("H", x(COMMON, shaped(2, 2)), variants="method", mistakes=False, order=2, policy=VIEW)
entry("mH", x(COMMON, shaped(min_rank=2)), variants="method", mistakes=False, order=2, policy=VIEW)
entry(
    "permute",
    form(ANY, arg("dims", permutation()), variants="function", order=2),
    form(ANY, arg("dims", permutation(), splat=True), variants="method", order=2),
    policy=VIEW,
)


def _as_many(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
    """As many different dims as the argument before names."""
    rank, count = len(env.shape("input")), len(env.drawn["source"])
    return tuple(draw(st.permutations(range(max(rank, 1))))[:count])


SOURCE = arg("source", dims(single=False))
for name in ("movedim", "moveaxis"):
    entry(
        name,
        form(ANY, arg("source", dim()), arg("destination", dim()), order=2),
        form(x(ALL, shaped(min_rank=1)), SOURCE, arg("destination", made(lambda d, ex: d, _as_many)), order=2),
        policy=VIEW,
    )
RESHAPED = size(reshaping())
entry(
    "reshape",
    form(ANY, arg("shape", RESHAPED), variants="function", order=2),
    form(ANY, arg("shape", RESHAPED, splat=True), variants="method", order=2),
    policy=VIEW,
)
COMPACT = arg("input", tensor(ALL, contiguous=0.6))
entry("view", COMPACT, arg("size", size(reshaping()), splat=True), variants="method", order=2, policy=VIEW)
OTHER_SHAPE = arg("other", tensor((), lambda draw, env: reshaping(inferred=False)(draw, env)))
entry("reshape_as", ANY, OTHER_SHAPE, variants="method", order=2, policy=VIEW)
entry("view_as", COMPACT, OTHER_SHAPE, variants="method", order=2, policy=VIEW)
entry("ravel", ANY, order=2, policy=VIEW)


def _later(draw: st.DrawFn, env: Structure) -> int:
    rank = max(len(env.shape("input")), 1)
    start = env.drawn["start_dim"] % rank
    end = draw(st.integers(start, rank - 1))
    return end - rank if draw(st.booleans()) else end


entry(
    "flatten",
    form(ANY, order=2),
    form(ANY, arg("start_dim", dim()), order=2),
    form(ANY, arg("start_dim", dim()), arg("end_dim", made(lambda d, ex: d, _later)), order=2, weight=2),
    policy=VIEW,
)
entry(
    "squeeze",
    form(ANY, variants=ROUND, order=2),
    form(ANY, DIM, variants=ROUND, order=2),
    form(ANY, arg("dim", dims(single=False)), variants=ROUND, order=2),
    policy=VIEW,
)
entry("unsqueeze", x(ALL, shaped(max_rank=4)), arg("dim", dim(extra=1)), variants=ROUND, order=2, policy=VIEW)


def _expanded(draw: st.DrawFn, env: Structure) -> Shape:
    """Ones grow, new dimensions come in front, and -1 stands for what is there."""
    shape = env.shape("input")
    grown = [draw(st.sampled_from((1, 2, 3, 0))) if s == 1 else s for s in shape]
    grown = [-1 if draw(st.integers(0, 4)) == 0 else s for s in grown]
    return (*draw(st.sampled_from(((), (2,), (1, 3), (0,)))), *grown)


EXPANDABLE = x(
    ALL, lambda draw, env: tuple(draw(st.sampled_from((1, 2, 1, 3, 4))) for _ in range(draw(st.integers(0, 3))))
)
entry("expand", EXPANDABLE, arg("size", size(_expanded), splat=True), variants="method", order=2, policy=VIEW)
entry("broadcast_to", EXPANDABLE, arg("size", size(_expanded)), order=2, policy=VIEW)


def _grown(draw: st.DrawFn, env: Structure) -> Shape:
    return tuple(
        abs(s) if s >= 0 else o
        for s, o in zip(_expanded(draw, env)[-len(env.shape("input")) or None :], env.shape("input"), strict=False)
    )


entry("expand_as", EXPANDABLE, arg("other", tensor((), _grown)), variants="method", order=2, policy=VIEW)


def _within(draw: st.DrawFn, env: Structure) -> int:
    shape = env.shape("input")
    size = shape[env.drawn["dim"] % len(shape)]
    return draw(st.integers(-size, size - 1))


AXES = x(ALL, shaped(min_rank=1, min_size=1))
entry("select", AXES, DIM, arg("index", made(lambda d, ex: d, _within, (1000, -1000))), order=2, policy=VIEW)


def _rest(draw: st.DrawFn, env: Structure) -> int:
    shape = env.shape("input")
    size = shape[env.drawn["dim"] % len(shape)]
    return draw(st.integers(0, size - env.drawn["start"] % size))


entry(
    "narrow",
    AXES,
    DIM,
    arg("start", made(lambda d, ex: d, _within, (1000, -1000))),
    arg("length", made(lambda d, ex: d, _rest, (1000, -1))),
    order=2,
    policy=VIEW,
)
entry("unbind", x(ALL, shaped(min_rank=1)), opt("dim", dim()), order=2, policy=VIEW)
CHUNKS = integer(1, 6)
entry("chunk", x(ALL, shaped(min_rank=1)), arg("chunks", CHUNKS), opt("dim", dim()), order=2, policy=VIEW)


def _sections(draw: st.DrawFn, env: Structure) -> tuple[int, ...]:
    """Sizes that add up to the dimension drawn before."""
    shape = env.shape("input")
    left = shape[env.drawn["at"] % len(shape)]
    sizes: list[int] = []
    while left > 0 and len(sizes) < 4:
        sizes.append(draw(st.integers(0, left)))
        left -= sizes[-1]
    return (*sizes, left) if left or not sizes else tuple(sizes)


SECTIONS = made(lambda d, ex: list(d) if ex.pick.chance(0.7) else d, _sections, ([1000], [-1]))
ALONG, AT = aside("at", dim().structure), arg("dim", drawn("at"))
entry(
    "split",
    form(
        x(ALL, shaped(min_rank=1)),
        arg("split_size_or_sections", integer(1, 5)),
        opt("dim", dim()),
        order=2,
        variants="function",
    ),
    form(x(ALL, shaped(min_rank=1)), ALONG, pos("split_size", SECTIONS), AT, order=2, variants="method"),
    form(x(ALL, shaped(min_rank=1)), pos("split_size", integer(1, 5)), opt("dim", dim()), order=2, variants="method"),
    policy=VIEW,
)
entry("split_with_sizes", x(ALL, shaped(min_rank=1)), ALONG, arg("split_sizes", SECTIONS), AT, order=2, policy=VIEW)
FORMATS = (Named("preserve_format"), Named("contiguous_format"))
KEPT: dict[str, tuple[Param, ...]] = {
    "clone": (kw("memory_format", choice(FORMATS, (1,))),),
    "contiguous": (kw("memory_format", choice(FORMATS[1:], (FORMATS[0], 1))),),
}
for name in ("detach", "view_as_real", "contiguous", "clone"):
    dtypes = ("complex64", "complex128") if name == "view_as_real" else ALL
    entry(
        name,
        x(dtypes),
        *KEPT.get(name, ()),
        variants="method" if name == "contiguous" else "function" if name == "view_as_real" else "function method",
        order=0 if name == "detach" else 2,
        policy=VIEW,
    )
entry(
    "view_as_complex",
    arg("input", tensor(("float32", "float64"), lambda draw, env: (*draw(shapes(max_rank=3)), 2), contiguous=1.0)),
    variants="function",
    policy=VIEW,
)

# -- rearrangements --------------------------------------------------------------------------------------------------
entry(
    "flip",
    form(x(), arg("dims", dims(single=False)), variants="function", order=2),
    form(x(), arg("dims", dims(single=False), splat=True), variants="method", order=2),
    policy=MOVE,
)
entry("fliplr", x(COMMON, shaped(min_rank=2)), order=2, policy=MOVE)
entry("flipud", x(COMMON, shaped(min_rank=1)), order=2, policy=MOVE)


def _shifts(draw: st.DrawFn, env: Structure) -> Any:
    count = env.drawn["dims"]
    if isinstance(count, tuple):
        return tuple(draw(st.integers(-7, 7)) for _ in count)
    return draw(st.integers(-7, 7))


entry(
    "roll",
    form(ANY, arg("shifts", integer(-9, 9)), order=2),
    form(
        x(ALL, shaped(min_rank=1)),
        kw("dims", dims(min_size=1), 0),
        arg("shifts", made(lambda d, ex: d, _shifts)),
        order=2,
        weight=2,
    ),
    policy=MOVE,
)
entry(
    "rot90",
    x(COMMON, shaped(min_rank=2)),
    opt("k", integer(-5, 5)),
    opt(
        "dims",
        made(lambda d, ex: ex.pick.choice((d, list(d))), lambda draw, env: (0, 1) if draw(st.booleans()) else (-1, 0)),
    ),
    order=2,
    policy=MOVE,
)


def _repeats(draw: st.DrawFn, env: Structure) -> Shape:
    rank = len(env.shape("input"))
    return tuple(draw(st.sampled_from((1, 2, 1, 3, 0))) for _ in range(rank + draw(st.integers(0, 1))))


REPEATED = x(ALL, lambda draw, env: tuple(min(s, 3) for s in draw(shapes(max_rank=3))))
entry("repeat", REPEATED, arg("repeats", size(_repeats), splat=True), variants="method", order=2, policy=MOVE)
entry(
    "tile",
    REPEATED,
    arg("dims", size(lambda draw, env: draw(st.sampled_from(((2,), (1, 2), (2, 1, 3), ()))))),
    order=2,
    policy=MOVE,
)
entry("repeat_interleave", form(REPEATED, arg("repeats", integer(0, 4)), opt("dim", dim()), order=2), policy=MOVE)
# without out=: PyTorch 2.13 corrupts its heap when triu writes into a permuted tensor of rank 5
for name in ("tril", "triu"):
    entry(name, x(COMMON, shaped(min_rank=2)), opt("diagonal", integer(-4, 4)), variants=ROUND, order=2, policy=MOVE)
entry("diag", x(COMMON, shaped(1, 2)), opt("diagonal", integer(-3, 3)), out=unknown, order=2, policy=MOVE)
entry(
    "diagonal",
    form(x(ALL, shaped(2, 4)), opt("offset", integer(-3, 3)), order=2),
    form(
        x(ALL, shaped(2, 4)),
        aside("pair", lambda draw, env: draw(st.permutations(range(len(env.shape("input")))))[:2]),
        arg("offset", integer(-3, 3)),
        arg("dim1", made(lambda drawn, ex: ex.structure.drawn["pair"][0], None, (9, 1.5))),
        arg("dim2", made(lambda drawn, ex: ex.structure.drawn["pair"][1] - len(ex.shape("input")), None, (-9, 1.5))),
        order=2,
    ),
    policy=VIEW,
)


# -- joining ---------------------------------------------------------------------------------------------------------
def _layouts(drawn: tuple[Shape, ...], pick: Pick) -> list[Layout]:
    """How parts lie: mostly each in its own way, or all alike (as a joined tensor then lies too), or all but one."""
    own = [layout(pick, shape) for shape in drawn]
    how = pick.weighted({"own": 6, "alike": 3, "all but one": 2})
    rank = max(len(s) for s in drawn)
    if how == "own" or rank < 2:
        return own
    like = next(s for s in drawn if len(s) == rank)
    common = layout(pick, like)
    if rank == 4 and pick.chance(0.6):
        common = Layout("channels_last")
    odd = pick.integer(0, len(drawn) - 1) if how == "all but one" else -1
    return [common if len(s) == rank and i != odd else own[i] for i, s in enumerate(drawn)]


class tensors(Kind):
    """A list or tuple of tensors; along the dimension `vary` their sizes may differ."""

    def __init__(self, dtypes: tuple[str, ...], vary: str | None, mixed: bool = True) -> None:
        self.dtypes, self.vary, self.mixed = dtypes, vary, mixed

    def structure(self, draw: st.DrawFn, env: Structure) -> Any:
        shape, count = env.drawn["like"], draw(st.integers(1, 4))
        if self.vary is None:
            return (shape,) * count
        d = env.drawn[self.vary] % len(shape)
        found = [(*shape[:d], draw(st.sampled_from((shape[d], 1, 2, 0))), *shape[d + 1 :]) for _ in range(count)]
        if draw(st.integers(0, 9)) == 0:
            found.append((0,))
        return tuple(found)

    def realise(self, drawn: tuple[Shape, ...], name: str, ex: Execution) -> Any:
        built = []
        lies = _layouts(drawn, ex.pick)
        for at, shape in enumerate(drawn):
            dtype = ex.pick.choice(COMMON) if self.mixed and ex.variant != "out" and ex.pick.chance(0.1) else ex.dtype
            grad = ex.order > 0 and dtype in ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")
            built.append(
                TensorSpec(
                    shape,
                    dtype,
                    plan(ex.pick, smooth=ex.order > 0),
                    lies[at],
                    grad and ex.pick.chance(0.9),
                )
            )
        return tuple(built) if ex.pick.chance(0.5) else built

    def bad(self, good: Any, name: str, ex: Execution) -> Any:
        yield ()
        yield [*good, Make("object")]
        yield [TensorSpec((2, 3), ex.dtype), TensorSpec((4, 5, 6), ex.dtype)]
        yield ex.pick.choice((None, "text", 2, TensorSpec((), ex.dtype)))


MODEL = aside("like", lambda draw, env: tuple(min(s, 9) for s in draw(shapes(max_rank=4))))
LONG_MODEL = aside("like", lambda draw, env: tuple(min(s, 9) for s in draw(shapes(min_rank=1, max_rank=4))))
for name in ("cat", "concat", "concatenate"):
    entry(
        name,
        form(
            LONG_MODEL,
            aside("at", dim("like").structure),
            arg("tensors", tensors(COMMON, "at")),
            arg("dim", drawn("at", "like")),
            variants="function",
            out=unknown,
            order=2,
            weight=3,
        ),
        form(
            LONG_MODEL,
            aside("at", lambda draw, env: 0),
            arg("tensors", tensors(COMMON, "at")),
            variants="function",
            order=2,
        ),
        policy=MOVE,
    )
entry(
    "stack",
    MODEL,
    arg("tensors", tensors(COMMON, None)),
    opt("dim", dim("like", extra=1)),
    variants="function",
    out=unknown,
    order=2,
    policy=MOVE,
)
entry("hstack", MODEL, arg("tensors", tensors(COMMON, None)), variants="function", out=unknown, order=2, policy=MOVE)
entry("vstack", MODEL, arg("tensors", tensors(COMMON, None)), variants="function", out=unknown, order=2, policy=MOVE)

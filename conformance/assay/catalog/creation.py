"""Creation: from sizes, from ranges, from data, and like another tensor."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from assay.case import Make, Named, TensorSpec
from assay.catalog.common import ANY
from assay.catalog.form import Execution, Param, Structure, arg, entry, form, kw, opt, pos
from assay.catalog.kinds import choice, dtype, integer, made, size, tensor
from assay.catalog.results import asked_or
from assay.dtypes import ALL, BAREBONES, COMMON, REAL, category
from assay.pick import Pick
from assay.policy import CREATION, ELEMENTWISE, SPANNING, UNINITIALISED, VIEW
from assay.strategies.arguments import layout, plan, scalar
from assay.strategies.shapes import Shape, shapes

LAYOUT = kw("layout", choice((Named("strided"),), ("strided", 3)), 0.95)
DEVICE = kw("device", choice(("cpu", Make("device", ("cpu",)), None), ("nowhere", 1.5, Named("float32"))), 0.9)


def _may_require_grad(drawn: Any, ex: Execution) -> bool:
    given = ex.get("dtype")
    return category(given.name) >= 2 if isinstance(given, Named) else False


REQUIRES_GRAD = kw("requires_grad", made(_may_require_grad, refused=("yes", 2.5)), 0.85)


def options(names: tuple[str, ...] = ALL, absent: float = 0.25) -> tuple[Param, ...]:
    """dtype=, layout=, device=, requires_grad= of a creation function; dtype first, for the others look at it."""
    return (kw("dtype", dtype(names), absent), LAYOUT, DEVICE, REQUIRES_GRAD)


def size_of(ex: Execution) -> Shape:
    """The `size` argument as a tuple."""
    given = ex.get("size")
    return tuple(given.args[0]) if isinstance(given, Make) else tuple(given)


def default(ex: Execution) -> str:
    """The default dtype."""
    return ex.default_dtype


SIZE = arg("size", size(), splat=True)
for name in ("zeros", "ones", "empty"):
    entry(
        name,
        SIZE,
        *options(),
        variants="function",
        out=size_of,
        result=asked_or(default),
        policy=UNINITIALISED if name == "empty" else CREATION,
    )


def held(drawn: Any, ex: Execution) -> Any:
    """A number that the dtype argument holds (any number without one)."""
    given = ex.get("dtype")
    top = category(given.name) if isinstance(given, Named) else 3
    value = scalar(ex.pick, ex.pick.integer(0, top))
    unsigned = isinstance(given, Named) and given.name in ("uint8", *BAREBONES)
    return abs(value) if unsigned and not isinstance(value, bool) else value


def _filled(ex: Execution) -> str:
    kinds = {bool: "bool", int: "int64", float: ex.default_dtype}
    return kinds.get(type(ex.get("fill_value")), "complex64")


entry(
    "full",
    *options(COMMON),
    arg("size", size()),
    arg("fill_value", made(held)),
    variants="function",
    out=size_of,
    result=asked_or(_filled),
    policy=CREATION,
)


def one_of(*among: Any) -> made:
    """One of a few numbers; everything strange is refused."""
    return made(lambda drawn, ex: ex.pick.choice(among))


RANGE = options((*REAL, "float32", "int64"), 0.5)
entry(
    "arange",
    form(*RANGE, arg("end", one_of(5, 3, 0, 7, 2.5, 10, 4.0, 1, 37)), variants="function"),
    form(
        *RANGE,
        arg("start", one_of(0, 1, -2, 0.5, 3)),
        arg("end", one_of(3, 4, 6.5, 9, 17)),
        opt("step", one_of(1, 2, 3)),
        variants="function",
    ),
    form(
        *RANGE,
        arg("start", one_of(3, 4, 6.5, 9)),
        arg("end", one_of(0, 1, 0.5, 3)),
        arg("step", one_of(-1, -2)),
        variants="function",
    ),
    form(
        *options(("float32", "float64", "float16", "bfloat16")),
        arg("start", one_of(0, -1, 0.25)),
        arg("end", one_of(1, 2.5, 4)),
        arg("step", one_of(0.1, 0.3, 0.5, 0.75)),
        variants="function",
    ),
    policy=SPANNING,
    bad=lambda ex: [((0, 5, 0), {}), ((1, 5, -1), {}), ((5, 1), {}), (("a",), {}), ((), {}), ((float("nan"),), {})],
)
entry(
    "range",
    *options(REAL, 0.6),
    arg("start", one_of(0, 1, -2, 3)),
    arg("end", one_of(3, 4, 9, 17)),
    opt("step", one_of(1, 2, 3)),
    variants="function",
    policy=SPANNING,
    bad=lambda ex: [((0, 5, 0), {}), ((5, 1), {}), ((1, 5, -1), {})],
)
STEPS = arg("steps", integer(0, 40))
FLOATING_RANGE = options(("float32", "float64", "complex64", "float16", "bfloat16"), 0.4)
entry(
    "linspace",
    *FLOATING_RANGE,
    arg("start", one_of(0, 1, -2.5, 3)),
    arg("end", one_of(3, 4.5, -1, 10, 1)),
    STEPS,
    variants="function",
    out=lambda ex: (ex.get("steps"),),
    result=asked_or(default),
    policy=SPANNING,
)
entry(
    "logspace",
    *FLOATING_RANGE,
    arg("start", one_of(0, 1, -1.5)),
    arg("end", one_of(1, 2, 0.5)),
    STEPS,
    opt("base", one_of(10.0, 2.0, 2.718281828)),
    variants="function",
    out=lambda ex: (ex.get("steps"),),
    result=asked_or(default),
    policy=ELEMENTWISE,
)
entry(
    "eye",
    *options(COMMON),
    arg("n", integer(0, 9)),
    opt("m", integer(0, 9)),
    variants="function",
    out=lambda ex: (ex.get("n"), ex.get("m", ex.get("n"))),
    result=asked_or(default),
    policy=CREATION,
)


def nested(pick: Pick, shape: Shape, kind: int) -> Any:
    """Nested lists (now and then tuples) of numbers of at most this category."""
    if not shape:
        return scalar(pick, pick.integer(0, kind) if pick.chance(0.3) else kind)
    items = [nested(pick, shape[1:], kind) for _ in range(shape[0])]
    return tuple(items) if pick.chance(0.15) else items


def nonnegative(data: Any) -> Any:
    """The same nested numbers without signs."""
    if isinstance(data, list | tuple):
        return type(data)(nonnegative(item) for item in data)
    return data if isinstance(data, bool) else abs(data)


def data(drawn: Shape, ex: Execution) -> Any:
    """Nested numbers, a tensor or an ndarray, which the dtype argument holds."""
    given = ex.get("dtype")
    top = category(given.name) if isinstance(given, Named) else 3
    how = ex.pick.integer(0, 9)
    source = ex.pick.choice([d for d in COMMON if category(d) <= top])
    if how < 3:
        return TensorSpec(drawn, source, plan(ex.pick, smooth=True), layout(ex.pick, drawn))
    if how == 3 and source != "bfloat16":
        return Make("ndarray", (TensorSpec(drawn, source, plan(ex.pick, smooth=True)),))
    numbers = nested(ex.pick, drawn, ex.pick.integer(0, top))
    unsigned = isinstance(given, Named) and given.name in ("uint8", *BAREBONES)
    return nonnegative(numbers) if unsigned else numbers


def small(draw: st.DrawFn, env: Structure) -> Shape:
    """A shape of few elements."""
    return tuple(min(s, 4) for s in draw(shapes(max_rank=3)))


DATA = arg("data", made(data, small))
RAGGED: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    (([[1, 2], [3]],), {}),
    (([1, "a"],), {}),
    (("abc",), {}),
    ((None,), {}),
    ((), {}),
    ((2, 3), {}),
    (([1, None],), {}),
)
for name, policy in (("tensor", CREATION), ("as_tensor", CREATION)):
    grad = (REQUIRES_GRAD,) if name == "tensor" else ()
    entry(
        name, kw("dtype", dtype(), 0.4), DEVICE, *grad, DATA, variants="function", policy=policy, bad=lambda ex: RAGGED
    )
entry(
    "asarray",
    kw("dtype", dtype(), 0.6),
    arg("obj", made(data, small)),
    kw("copy", choice((True, None), ("yes", 2.5))),
    DEVICE,
    variants="function",
    policy=CREATION,
    bad=lambda ex: RAGGED,
)


def _ndarray(drawn: Shape, ex: Execution) -> Make:
    return Make("ndarray", (TensorSpec(drawn, ex.dtype, plan(ex.pick)),))


NDARRAY = made(_ndarray, lambda draw, env: draw(shapes()))
entry(
    "from_numpy",
    pos("ndarray", NDARRAY),
    variants="function",
    policy=CREATION,
    dtypes=tuple(d for d in ALL if d not in ("bfloat16", "complex32")),
)

entry(
    "from_dlpack",
    pos("ext_tensor", tensor(tuple(d for d in COMMON if d != "bool"), grad=False)),
    variants="function",
    policy=VIEW,
)

FORMAT = kw("memory_format", choice((Named("preserve_format"), Named("contiguous_format")), ("channels_last", 1)), 0.85)


for name in ("zeros_like", "ones_like", "empty_like"):
    entry(
        name,
        *options(ALL, 0.6),
        ANY,
        FORMAT,
        variants="function",
        policy=UNINITIALISED if name == "empty_like" else CREATION,
    )


def held_or_kept(drawn: Any, ex: Execution) -> Any:
    """A number that the dtype argument, or else the tensor, holds."""
    given = ex.get("dtype")
    name = given.name if isinstance(given, Named) else ex.dtype
    value = scalar(ex.pick, ex.pick.integer(0, category(name)))
    return abs(value) if name in ("uint8", *BAREBONES) and not isinstance(value, bool) else value


LIKE = arg("input", tensor(COMMON))
entry(
    "full_like",
    *options(COMMON, 0.6),
    LIKE,
    arg("fill_value", made(held_or_kept)),
    FORMAT,
    variants="function",
    policy=CREATION,
)
for name in ("new_zeros", "new_ones", "new_empty"):
    entry(
        name,
        *options(ALL, 0.6),
        ANY,
        SIZE,
        variants="method",
        policy=UNINITIALISED if name == "new_empty" else CREATION,
    )
entry(
    "new_full",
    *options(COMMON, 0.6),
    LIKE,
    arg("size", size()),
    arg("fill_value", made(held_or_kept)),
    variants="method",
    policy=CREATION,
)


def data_kept(drawn: Shape, ex: Execution) -> Any:
    """Nested numbers that the dtype argument, or else the tensor, holds."""
    given = ex.get("dtype")
    name = given.name if isinstance(given, Named) else ex.dtype
    numbers = nested(ex.pick, drawn, ex.pick.integer(0, category(name)))
    return nonnegative(numbers) if name in ("uint8", *BAREBONES) else numbers


entry(
    "new_tensor",
    kw("dtype", dtype(), 0.6),
    LIKE,
    arg("data", made(data_kept, small)),
    DEVICE,
    REQUIRES_GRAD,
    variants="method",
    policy=CREATION,
)

"""Discrete Fourier transforms, of whole dims and of short stretches in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from assay.case import Named, TensorSpec, Values
from assay.catalog.creation import DEVICE, LAYOUT, REQUIRES_GRAD, default
from assay.catalog.form import Execution, Param, Structure, arg, entry, form, kw, opt
from assay.catalog.kinds import ShapeRule, aside, choice, dims, dtype, finite, flag, integer, made, real, shaped, tensor
from assay.catalog.results import asked_or, unknown
from assay.dtypes import ALL, BOOL, COMPLEX, FLOATING, FLOATS, INTEGERS, category, real_part
from assay.policy import ELEMENTWISE, MOVE, Policy
from assay.strategies.shapes import Shape

FOURIER = Policy(integers=True, overflow=True)
REALS = (*INTEGERS, *FLOATS, *BOOL)
ANY = (*REALS, *COMPLEX)
SIZES = (3, 1, 2, 4, 5, 7, 8, 9, 16, 17, 33)
NORM = opt("norm", choice((None, "forward", "backward", "ortho"), ("fast", 1, True)))


def complex_result(ex: Execution) -> str:
    """The complex dtype of the input's precision."""
    kept = ex.dtype if category(ex.dtype) >= 2 else ex.default_dtype
    return "complex128" if kept in ("float64", "complex128") else "complex64"


def real_result(ex: Execution) -> str:
    """The real dtype of the input's precision."""
    return real_part(complex_result(ex))


# name of a transform: (dtypes, least size of the last dim where no length is given, dtype of the result)
TRANSFORMS: dict[str, tuple[tuple[str, ...], int, Any]] = {
    "fft": (ANY, 1, complex_result),
    "ifft": (ANY, 1, complex_result),
    "rfft": (REALS, 1, complex_result),
    "irfft": (ANY, 2, real_result),
    "hfft": (ANY, 2, real_result),
    "ihfft": (REALS, 1, complex_result),
}


@dataclass(frozen=True)
class Transformed:
    """A shape, the dims that are transformed, and how long they are made first (None: as long as they are)."""

    shape: Shape
    dims: tuple[int, ...]
    lengths: tuple[int, ...] | None


def transformed(count: tuple[int, ...], least: int, named: bool, lengths: bool) -> Param:
    """So many dims are transformed: some that are `named`, else the last ones. MKL refuses tensors without elements,
    but for those that are made longer."""

    def rule(draw: st.DrawFn, env: Structure) -> Transformed:
        n = draw(st.sampled_from(count))
        rank = n + draw(st.sampled_from((0, 1, 2)))
        pool = tuple(s for s in SIZES if s >= least)
        sizes = [draw(st.sampled_from(pool if rank == 1 else pool[:6])) for _ in range(rank)]
        dims = list(range(rank - n, rank))
        if named:
            dims = [d - rank if draw(st.booleans()) else d for d in draw(st.permutations(range(rank)))[:n]]
        given = None
        if lengths:
            given = tuple(draw(st.sampled_from(SIZES if n == 1 else SIZES[:6])) for _ in range(n))
            if env.stratum == "empty":
                sizes[dims[0]] = 0
        return Transformed(tuple(sizes), tuple(dims), given)

    return aside("transformed", rule)


def _found(ex: Execution) -> Transformed:
    found = ex.structure.drawn["transformed"]
    assert isinstance(found, Transformed)
    return found


def _shape(draw: st.DrawFn, env: Structure) -> Shape:
    shape: Shape = env.drawn["transformed"].shape
    return shape


def _lengths(drawn: Any, ex: Execution) -> Any:
    """Now and then -1: as it is, but where that is nothing."""
    found = _found(ex)
    kept = [
        -1 if ex.pick.chance(0.2) and found.shape[d] > 1 else n
        for d, n in zip(found.dims, found.lengths or (), strict=True)
    ]
    return tuple(kept) if ex.pick.chance(0.6) else kept


def _dims(drawn: Any, ex: Execution) -> Any:
    dims = _found(ex).dims
    return dims if ex.pick.chance(0.6) else list(dims)


N = made(lambda drawn, ex: (_found(ex).lengths or (1,))[0], refused=(0, -3, "text", 1.5, [4]))
DIM = made(lambda drawn, ex: _found(ex).dims[0], refused=(7, -8, "text", 1.5))
S = made(_lengths, refused=((0, 0), (-3,), (2, 2, 2, 2, 2, 2), "text", (1.5, 2)))
DIMS = made(_dims, refused=((9,), (0, 0), "text", (1.5,)))

for name, (dtypes, least, result) in TRANSFORMS.items():
    # One pass over conjugate pairs leaves out what is zero in exact arithmetic: MKL and pocketfft, with both of which
    # PyTorch is built, answer NaN, infinities and finite numbers in different places.
    values = finite if name in ("irfft", "hfft") else None
    x = arg("input", tensor(dtypes, _shape, values=values))
    common: dict[str, Any] = {"variants": "function", "out": unknown, "result": result, "order": 2}
    entry(
        f"fft.{name}",
        form(transformed((1,), least, False, False), x, kw("norm", NORM.kind), **common),
        form(transformed((1,), 1, False, True), x, arg("n", N), **common),
        form(transformed((1,), 1, True, True), x, arg("n", N), arg("dim", DIM), NORM, **common, weight=2),
        form(transformed((1,), least, True, False), x, kw("dim", DIM, 0), kw("norm", NORM.kind), **common),
        policy=FOURIER,
    )
    for suffix, counts in (("2", (2,)), ("n", (2, 1, 3))):
        entry(
            f"fft.{name}{suffix}",
            form(transformed(counts, least, False, False), x, kw("norm", NORM.kind), **common)
            if suffix == "2"
            else form(
                arg("input", tensor(dtypes, shaped(0 if least == 1 else 1, 3, least), values=values)),
                **common,
            ),
            form(transformed(counts, 1, False, True), x, arg("s", S), **common),
            form(transformed(counts, 1, True, True), x, arg("s", S), arg("dim", DIMS), NORM, **common, weight=2),
            form(transformed(counts, least, True, False), x, kw("dim", DIMS, 0), kw("norm", NORM.kind), **common),
            policy=FOURIER,
        )

OPTIONS = (kw("dtype", dtype(FLOATING), 0.5), LAYOUT, DEVICE, REQUIRES_GRAD)
for name in ("fftfreq", "rfftfreq"):
    entry(
        f"fft.{name}",
        *OPTIONS,
        arg("n", integer(1, 40)),
        opt("d", real(0.25, 4)),
        variants="function",
        out=unknown,
        result=asked_or(default),
        dtypes=FLOATING,
        policy=ELEMENTWISE,
        bad=lambda ex: [((-1,), {}), ((2.5,), {}), ((), {}), ((4,), {"dtype": Named("int64")}), ((4, "x"), {})],
    )
for name in ("fftshift", "ifftshift"):
    entry(
        f"fft.{name}",
        arg("input", tensor(ALL, shaped(min_rank=1))),
        opt("dim", dims(min_size=1)),
        variants="function",
        order=2,
        policy=MOVE,
    )


# -- short-time transforms ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Stretches:
    """A transform of `n` elements every `hop` ones, of which a window covers `window`."""

    n: int
    hop: int
    window: int
    batch: Shape
    length: int


def _stretches(draw: st.DrawFn, env: Structure) -> Stretches:
    n = draw(st.sampled_from((4, 5, 8, 6, 7, 16)))
    window = draw(st.sampled_from((n, n, n - 1, n - 2)))
    hop = draw(st.integers(1, max(window // 2, 1)))
    batch = draw(st.sampled_from(((), (2,), (1,))))
    return Stretches(n, hop, window, batch, n + draw(st.sampled_from((9, 5, 0, 14, 21))))


STRETCHES = aside("stretches", _stretches)
WINDOW: ShapeRule = lambda draw, env: (env.drawn["stretches"].window,)  # noqa: E731


def _of(name: str) -> made:
    return made(lambda drawn, ex: getattr(ex.structure.drawn["stretches"], name), refused=(0, -2, "text", 1.5, 400))


def _one_sided(drawn: Any, ex: Execution) -> bool:
    """Only the transform of real numbers is."""
    return category(ex.dtype) < 3 and ex.pick.chance(0.5)


def _signal(draw: st.DrawFn, env: Structure) -> Shape:
    found = env.drawn["stretches"]
    return (*found.batch, found.length)


def _as_complex(drawn: Any, ex: Execution) -> bool:
    return ex.dtype in COMPLEX or ex.pick.chance(0.8)


entry(
    "stft",
    STRETCHES,
    arg("input", tensor((*FLOATS, *COMPLEX), _signal)),
    arg("n_fft", _of("n")),
    kw("hop_length", _of("hop"), 0.3),
    kw("win_length", _of("window"), 0),
    kw("window", tensor((), WINDOW, prefer=Values("positive")), 0.3),
    kw("center", flag()),
    kw("pad_mode", choice(("reflect", "constant", "replicate", "circular"), ("mirror", 2))),
    kw("normalized", flag()),
    kw("onesided", made(_one_sided, refused=("yes", 2.5))),
    kw("return_complex", made(_as_complex, refused=("yes", 2.5)), 0),
    order=2,
    policy=FOURIER,
    bad=lambda ex: [((TensorSpec((12,), "float32"), 4), {}), ((TensorSpec((12,), "complex64"), 4), {"onesided": True})],
)


def _spectrum(draw: st.DrawFn, env: Structure) -> Shape:
    found = env.drawn["stretches"]
    frequencies = found.n // 2 + 1 if env.drawn["half"] else found.n
    return (*found.batch, frequencies, draw(st.integers(2, 6)))


def _envelope(drawn: Any, ex: Execution) -> TensorSpec:
    """A real window without zeros, for what it covers is divided by it."""
    shape = (ex.structure.drawn["stretches"].window,)
    wants = ex.order > 0 and ex.pick.chance(0.85)
    return TensorSpec(shape, real_part(ex.dtype), Values("positive", ex.pick.seed()), requires_grad=wants)


HALF = made(lambda drawn, ex: ex.structure.drawn["half"], refused=("yes", 2.5))
entry(
    "istft",
    STRETCHES,
    aside("half", lambda draw, env: draw(st.booleans())),
    arg("input", tensor(COMPLEX, _spectrum, values=finite)),
    arg("n_fft", _of("n")),
    kw("hop_length", _of("hop"), 0),
    kw("win_length", _of("window"), 0),
    kw("window", made(_envelope), 0.3),
    kw("center", choice((True, True, True, False), ("yes", 2.5))),
    kw("normalized", flag()),
    kw("onesided", HALF, 0),
    kw("length", integer(1, 12), 0.7),
    kw("return_complex", made(lambda drawn, ex: not ex.get("onesided") and ex.pick.chance(0.7), refused=("yes", 2.5))),
    order=2,
    policy=FOURIER,
)

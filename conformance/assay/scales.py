"""What an error is relative to, where |truth| alone is too strict: how far rounding moves a result, as the wider
evaluation shows it, or the conditioning that the catalogue entry declares."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from assay import values
from assay.canonical import canonical
from assay.case import TensorSpec
from assay.outcome import Outcome, TensorData
from assay.parts import is_gradient, tensors
from assay.policy import Policy
from assay.rounding import Rounding
from assay.tolerance import format_of, wide_array
from assay.widened import RANK, Array, Transform, Widened, absolute, arrays_of

#: float64 has no wider dtype: its perturbations are enlarged, to stand clear of the evaluation's own rounding.
_ENLARGED = 1024.0
#: A change of this many half ulps of the result may be a jump, not conditioning; a smaller step tells: measured in
#: steps, a jump then grows as the step shrinks (by 16), a root near its branch point by the square root of that.
_SUSPICIOUS = 64.0
_FINER = 16.0
_JUMP = 8.0
#: What stands for a change that is finite, counted in ulps beyond all numbers.
_MOST = float(np.finfo(np.float64).max)


#: Of more inputs than this not each is turned once: every pattern moves all their elements anew.
_MANY = 5
#: Reseeded for each use: making a RandomState costs two hundred times as much.
_STREAM = np.random.RandomState(0)


def _square(spec: TensorSpec, array: Array) -> Array:
    return np.abs(array) ** 2


def _squared(number: Any) -> Any:
    return abs(number) ** 2


#: Declared scales, each the largest of some evaluations: what is done to the floating inputs, to what comes out, and to
#: the numbers that terms are multiplied by.
#: The errors of a long running sum are a random walk: beyond some sixteen terms they outgrow √(A²B²), never Σ|A||B|.
SCALES: dict[str, tuple[tuple[Transform, Callable[[Array], Array], Callable[[Any], Any]], ...]] = {
    "sum_abs": ((absolute, np.abs, abs),),
    "product": (
        (_square, lambda out: np.sqrt(np.abs(out)), _squared),
        (absolute, lambda out: 0.4 * np.abs(out), abs),
    ),
}


def _span(widened: Widened, path: str, truth: Array, dtype: str) -> Array:
    magnitude = np.abs(truth)
    return np.full(truth.shape, np.max(magnitude, initial=0.0, where=np.isfinite(magnitude)))


#: Scales that the inputs' perturbation is part of.
_PERTURBED = ("perturbation", "bounded", "fused", "matrix", "positions", "sampling")


def _bounded(widened: Widened, path: str, truth: Array, dtype: str) -> Array:
    """Cotangents are below 2 and slopes at most 1; a second derivative has two cotangents and slopes below 2."""
    return np.full(truth.shape, 8.0 if path.startswith("gradients2") else 2.0)


def _fused(widened: Widened, path: str, truth: Array, dtype: str) -> Array:
    """A kernel subtracts rounded terms of up to some eight inside (x·(1 - tanh²)·u' of gelu, for |x| below six); what
    is narrower than float32 goes through it in float32, and is rounded once."""
    finer = min(format_of("float32").half_ulp / format_of(dtype).half_ulp, 1.0)
    return 4 * finer * _bounded(widened, path, truth, dtype)


def _matrix(widened: Widened, path: str, truth: Array, dtype: str) -> Array:
    """The largest element of the matrix that the last two dims are, or of the vector."""
    magnitude = np.abs(truth)
    over = tuple(range(-min(truth.ndim, 2), 0))
    return np.broadcast_to(
        np.max(magnitude, axis=over, keepdims=True, initial=0.0, where=np.isfinite(magnitude)), truth.shape
    )


def _sampling(widened: Widened, path: str, truth: Array, dtype: str) -> Array:
    """Of a derivative by places in an image: its neighbouring elements are subtracted, times half its length and
    cotangents below 2. Of a derivative by the image, as "positions"."""
    image = widened.specs[0]
    wanted = [spec for spec in widened.specs if spec.requires_grad]
    if not path.startswith("gradients.") or wanted[int(path.partition(".")[2])] is image:
        return _span(widened, path, truth, dtype)
    elements = TensorData(image.dtype, image.shape, values.array(image).tobytes())
    return np.full(truth.shape, np.max(np.abs(wide_array(elements)), initial=0.0) * max(image.shape[2:], default=1))


#: Declared scales that the case, the path, its truth and its dtype tell.
SIMPLE_SCALES: dict[str, Callable[[Widened, str, Array, str], Array]] = {
    "magnitude": lambda widened, path, truth, dtype: np.abs(truth),
    "span": _span,
    "matrix": _matrix,
    "bounded": _bounded,
    "fused": _fused,
    "positions": _span,
    "sampling": _sampling,
}


def scales_of(
    widened: Widened, module: Any, policy: Policy, judged: dict[str, TensorData], base: dict[str, Array]
) -> dict[str, Array]:
    """Per path the scale, as an array of non-negative float64; paths whose scale is |truth| are left out."""
    by_path = {
        path: (policy.gradient_scale if is_gradient(path) else policy.scale)
        for path, leaf in judged.items()
        if path in base and not (policy.values == "exact" and _is_exact(widened, leaf, base[path]))
    }
    found: dict[str, Array] = {}
    names = set(by_path.values())
    unknown = names - SCALES.keys() - SIMPLE_SCALES.keys() - {"perturbation"}
    if unknown:
        raise ValueError(f"unknown scale {sorted(unknown)[0]!r}")
    found |= {
        path: SIMPLE_SCALES[name](widened, path, base[path], judged[path].dtype)
        for path, name in by_path.items()
        if name in SIMPLE_SCALES
    }
    for name in sorted(names & SCALES.keys()):
        for transform, back, factor in SCALES[name]:
            outcome = widened.run(module, transform, factor=factor)
            arrays = _arrays_of_scale(outcome, judged)
            for path, array in arrays.items():
                if by_path.get(path) == name:
                    scale = back(array)
                    found[path] = np.fmax(found[path], scale) if path in found else scale
    wanted = {path: judged[path] for path, name in by_path.items() if name in _PERTURBED}
    if wanted:
        for path, scale in _perturbed(widened, module, policy, wanted, base).items():
            found[path] = np.fmax(found[path], scale) if path in found else scale
    return found


def _is_exact(widened: Widened, leaf: TensorData, truth: Array) -> bool:
    """Whether the reference's answer is the truth itself, so that nothing was rounded on the way."""
    return widened.wider and np.array_equal(wide_array(leaf), truth, equal_nan=True)


def _arrays_of_scale(outcome: Outcome, judged: dict[str, TensorData]) -> dict[str, Array]:
    return {
        path: np.abs(wide_array(leaf))
        for path, leaf in tensors(outcome)
        if path in judged and leaf.shape == judged[path].shape
    }


def _perturbed(
    widened: Widened, module: Any, policy: Policy, wanted: dict[str, TensorData], base: dict[str, Array]
) -> dict[str, Array]:
    """The outputs' change under one-ulp changes of the inputs, in units in which |truth| is the change of 1 ulp."""
    count = len(_movable(widened, policy))
    gradients = {path: leaf for path, leaf in wanted.items() if is_gradient(path)}
    if count == 0 and not gradients and not widened.steps:
        return {}
    step = 1.0 if widened.wider else _ENLARGED
    found: dict[str, Array] = {}
    for pattern in range(max(2 if count < 3 else min(count, _MANY) + 1, policy.looks)):
        change = _change(widened, module, policy, wanted, base, pattern, step)
        if any(_suspicious(change[path], base[path]).any() for path in change):
            finer = _change(widened, module, policy, wanted, base, pattern, step / _FINER)
            jumped = {
                path: (finer[path] > _JUMP * change[path]) | np.isinf(change[path])
                for path in change.keys() & finer.keys()
            }
            # At a jump (a kink's other side, a broken tie) a smaller step gains nothing: no conditioning there. Still
            # a derivative is linear in its cotangents and in what its nodes hand on, which break no tie.
            smooth = {}
            if any(jumped[path].any() for path in jumped.keys() & gradients.keys()):
                smooth = _change(widened, module, policy, gradients, base, pattern, step, held=True)
            for path, where in jumped.items():
                change[path] = np.where(where, smooth.get(path, 0.0), change[path])
        for path, scale in change.items():
            scale = np.where(np.isfinite(scale), scale, 0.0)
            found[path] = np.fmax(found[path], scale) if path in found else scale
    return found


def _movable(widened: Widened, policy: Policy) -> list[TensorSpec]:
    """The inputs that are moved."""
    return [s for s in widened.specs if policy.integers or s.dtype in RANK]


def _suspicious(change: Array, base: Array) -> Array:
    return change > _SUSPICIOUS * np.abs(base)


def _change(
    widened: Widened,
    module: Any,
    policy: Policy,
    wanted: dict[str, TensorData],
    base: dict[str, Array],
    pattern: int,
    step: float,
    held: bool = False,
) -> dict[str, Array]:
    """|change| / (step · ulp) per path, when every input, and what lies between it and the derivatives, moves by
    `step` ulps, with the signs of `pattern`; infinite where a finite element is lost. held: inputs and what is saved
    stay, gradients on their way move."""
    position = {id(spec): i for i, spec in enumerate(_movable(widened, policy))}
    count = len(position)

    def move(spec: TensorSpec, array: Array) -> Array:
        i = position[id(spec)]
        own = format_of(spec.dtype if spec.dtype in RANK else widened.compute).half_ulp
        ulp = 2 * max(own, widened.narrowest)
        salt = pattern if count == 1 or pattern > count or count > _MANY else 0
        return _moved(array, step * ulp, _flip(pattern, i, count), i, salt)

    units = [format_of(widened.unit(path, leaf.dtype)).half_ulp for path, leaf in wanted.items()]
    between = step * 2 * max(*units, widened.steps)
    salts = itertools.count(97)

    def move_cotangent(array: Array) -> Array:
        return _moved(array, between, 1.0, next(salts), pattern).astype(array.dtype, copy=False)

    def moved_by(dense: bool) -> dict[str, Array]:
        rounding = None
        if widened.steps or any(is_gradient(path) for path in wanted):
            rounding = Rounding(module, between, pattern, saved=not held)
        transform = None if held else move
        outcome = widened.run(module, transform, move_cotangent, rounding, integers=policy.integers, dense=dense)
        return arrays_of(canonical(policy.canonical, widened.wide_case, outcome), wanted)

    moved = moved_by(dense=True)
    if wanted.keys() - moved.keys():  # PyTorch may choose another kernel by the strides, one without derivatives
        moved = moved_by(dense=False) | moved
    change = {}
    for path, array in moved.items():
        ulp = 2 * format_of(widened.unit(path, wanted[path].dtype)).half_ulp
        moves = np.abs(array - base[path])
        distance = np.where(np.isfinite(moves), np.fmin(moves / (step * ulp), _MOST), moves)
        change[path] = np.where(np.isfinite(base[path]), np.where(np.isnan(distance), np.inf, distance), 0.0)
    return change


def _flip(pattern: int, i: int, count: int) -> float:
    """The sign of the i-th input in a pattern: beside all together, each input once against the others."""
    if count == 1:
        return 1.0
    return -1.0 if pattern and i == pattern % count else 1.0


def _moved(array: Array, relative: float, sign: float, i: int, salt: int) -> Array:
    """Every element moved by ±relative of itself, inwards where it would overflow; zeros stay, so that conventions at
    zero stay visible."""
    if np.iscomplexobj(array):
        return _moved(array.real, relative, sign, 2 * i, salt) + 1j * _moved(
            array.imag, relative, sign, 2 * i + 1, salt
        )
    _STREAM.seed(1009 * i + salt)
    # Steps of different lengths: equal ones can cancel exactly in a sum or difference.
    steps = _STREAM.uniform(0.25, 1.25, array.shape) * (_STREAM.randint(0, 2, array.shape) * 2.0 - 1.0)
    outwards, inwards = array * (1.0 + sign * relative * steps), array * (1.0 - sign * relative * steps)
    return np.where(np.isfinite(outwards), outwards, np.where(np.isfinite(array), inwards, array))

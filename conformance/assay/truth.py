"""What real PyTorch answers to a case, and how well: the truth behind its floating results, and their scale.

The truth is the same case evaluated in the next wider dtype, with Python scalars first rounded to the compute dtype and
the very same cotangents. The scale says what an error is relative to where |truth| alone is too strict: the output's
change when the inputs change by one ulp, or the conditioning that the catalogue entry declares.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay import values
from assay.canonical import canonical
from assay.case import Case, Named, TensorSpec, Values
from assay.execute import Want, answer
from assay.inputs import arrange, poison
from assay.outcome import Outcome, Sequence, TensorData
from assay.plain import plain
from assay.policy import Policy
from assay.rounding import Rounding
from assay.tolerance import FLOATING, FORMATS, format_of, is_complex, numpy_dtype, wide_array

_RANK = {
    "float16": 1,
    "bfloat16": 1,
    "complex32": 1,
    "float32": 2,
    "complex64": 2,
    "float64": 3,
    "complex128": 3,
}
_REAL = {1: "float32", 2: "float64", 3: "float64"}
_COMPLEX = {1: "complex64", 2: "complex128", 3: "complex128"}
_WIDE_WANT = Want(aliases=False)
#: float64 has no wider dtype: its perturbations are enlarged, to stand clear of the evaluation's own rounding.
_ENLARGED = 1024.0
#: A change of this many half ulps of the result may be a jump, not conditioning; a smaller step tells: measured in
#: steps, a jump then grows as the step shrinks (by 16), a root near its branch point by the square root of that.
_SUSPICIOUS = 64.0
_FINER = 16.0
_JUMP = 8.0

#: Reseeded for each use: making a RandomState costs two hundred times as much.
_STREAM = np.random.RandomState(0)

Array = NDArray[Any]
_Transform = Callable[[TensorSpec, Array], Array]


@plain("truth")
@dataclass(frozen=True, slots=True)
class Truth:
    """What one floating tensor of an outcome should be: value (float64 or complex128 elements, row-major; None where
    the reference itself is the truth), and scale (float64; None for |truth|). unit: the dtype in whose ulps errors
    count, where it is computed in a narrower one than it is returned in."""

    value: bytes | None = None
    scale: bytes | None = None
    unit: str = ""


@plain("reference")
@dataclass(frozen=True, slots=True)
class ReferenceAnswer:
    """The reference's outcome with what is needed to judge another by it.

    truths: by path as `tensors` gives it. overflow: the inputs are so large that an intermediate can overflow though
    every term is finite. underflow: they are so small that a product of two can underflow. note: why there is no wider
    evaluation, where one was wanted.
    """

    outcome: Outcome
    truths: dict[str, Truth] = field(default_factory=dict)
    overflow: bool = False
    underflow: bool = False
    note: str = ""


def leaves(value: Any, path: str = "result") -> Iterator[tuple[str, Any]]:
    """(path, leaf) for everything in a result that is not a sequence or dict."""
    if isinstance(value, Sequence):
        for i, item in enumerate(value.items):
            yield from leaves(item, f"{path}.{i}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    else:
        yield path, value


def tensors(outcome: Outcome) -> Iterator[tuple[str, TensorData]]:
    """(path, tensor) for every tensor of an outcome that carries data: "result", "result.0", "inputs.1",
    "gradients.0", "gradients2.0"."""
    for path, leaf in leaves(outcome.result):
        if isinstance(leaf, TensorData) and leaf.data is not None:
            yield path, leaf
    for name in ("inputs", "gradients", "gradients2"):
        for i, leaf in enumerate(getattr(outcome, name) or ()):
            if leaf is not None and leaf.data is not None:
                yield f"{name}.{i}", leaf


def is_gradient(path: str) -> bool:
    return path.startswith("gradients")


def _judged_by_truth(outcome: Outcome, policy: Policy) -> dict[str, TensorData]:
    by_value = policy.values == "truth"
    return {
        path: leaf
        for path, leaf in tensors(outcome)
        if leaf.dtype in FLOATING and 0 not in leaf.shape and (by_value or is_gradient(path))
    }


def _specs(value: Any) -> Iterator[TensorSpec]:
    if isinstance(value, TensorSpec):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _specs(item)
    elif isinstance(value, dict):
        yield from _specs(tuple(value.values()))


def tensor_specs(case: Case) -> list[TensorSpec]:
    """The tensor arguments of a case, in the order in which they are built."""
    return list(_specs((case.args, case.kwargs)))


def elements_before(case: Case, spec: TensorSpec) -> Array:
    """What a tensor argument holds before the call (complex32 as pairs of halves)."""
    array = values.array(spec)
    if case.variant == "out" and any(spec is given for given in _specs(case.kwargs.get("out"))):
        array = poison(array, spec.dtype, case.seed)
    rank = array.ndim - (spec.dtype == "complex32")
    return np.asarray(arrange(array, rank, spec.layout, lambda a: a)[2], order="C")


def _dtype_arguments(value: Any) -> Iterator[str]:
    if isinstance(value, Named):
        if value.name in _RANK:
            yield value.name
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _dtype_arguments(item)
    elif isinstance(value, dict):
        yield from _dtype_arguments(tuple(value.values()))


class _Widened:
    """A case in the next wider dtype."""

    def __init__(self, case: Case, judged: dict[str, TensorData], outcome: Outcome) -> None:
        self.case = case
        self.specs = tensor_specs(case)
        named = set(_dtype_arguments((case.args, case.kwargs)))
        present = {s.dtype for s in self.specs} | named | {t.dtype for t in judged.values()}
        # The exponents of bfloat16 are those of float32: what underflows in one does so in the other.
        self.rank = max(_RANK[d] + (d == "bfloat16") for d in present if d in _RANK)
        answered = [t.dtype for path, t in judged.items()]
        self.compute = _REAL_PART[min(answered, key=lambda d: _RANK[d])]
        # A gradient passes through the dtypes of the result and of dtype= arguments, whatever its own is.
        results = {t.dtype for _, t in leaves(outcome.result) if isinstance(t, TensorData) and t.dtype in _RANK}
        self.through = tuple(sorted(results | named))
        # With out= an operation computes in what its operands promote to, whatever it is then stored in.
        others = tensor_specs(replace(case, kwargs={k: v for k, v in case.kwargs.items() if k != "out"}))
        operands = {s.dtype for s in others} & _RANK.keys()
        self.operands = tuple(sorted(operands | named or ({case.default_dtype} if others else set())))
        self.narrowest = max((FORMATS[_REAL_PART[d]].half_ulp for d in named), default=0.0)
        self.wider = any(_RANK[self.unit(path, t.dtype)] < 3 for path, t in judged.items())
        self.wide_case = replace(
            case,
            args=self._value(case.args),
            kwargs=self._value(case.kwargs),
            default_dtype=_REAL[max(self.rank, _RANK[case.default_dtype] - 1)] if self.wider else case.default_dtype,
        )

    def dtype(self, dtype: str) -> str:
        if dtype not in _RANK:
            return dtype
        return (_COMPLEX if is_complex(dtype) else _REAL)[self.rank]

    def _value(self, value: Any) -> Any:
        kind = type(value)
        if kind is Named:
            return Named(self.dtype(value.name))
        if kind is float:
            return _rounded(value, self.compute)
        if kind is complex:
            return complex(_rounded(value.real, self.compute), _rounded(value.imag, self.compute))
        if kind in (tuple, list):
            return kind(self._value(v) for v in value)
        if kind is dict:
            return {k: self._value(v) for k, v in value.items()}
        return value

    def unit(self, path: str, dtype: str) -> str:
        """The dtype in whose ulps the errors of a tensor count."""
        if is_gradient(path):
            return max((dtype, *self.through), key=lambda d: format_of(d).half_ulp)
        if self.case.variant == "out" and self.operands:
            finest = min(self.operands, key=lambda d: format_of(d).half_ulp)
            return max(dtype, finest, key=lambda d: format_of(d).half_ulp)
        return dtype

    def run(
        self,
        module: Any,
        transform: _Transform | None = None,
        adapt_cotangent: Callable[[Array], Array] | None = None,
        rounding: Rounding | None = None,
    ) -> Outcome:
        """The case in the wider dtype, its floating inputs put through `transform` after the cast."""

        def adapt(spec: TensorSpec, array: Array) -> tuple[str, Array]:
            if spec.dtype not in _RANK:
                # Only the operand of a sum is changed among integers, never an index.
                return spec.dtype, _abs(spec, array) if transform is _abs and spec is self.specs[0] else array
            dtype = self.dtype(spec.dtype)
            if spec.dtype == "complex32":
                array = array[..., 0].astype(np.float32) + np.complex64(1j) * array[..., 1].astype(np.float32)
            wide = array.astype(numpy_dtype(dtype))
            return dtype, wide if transform is None else transform(spec, wide).astype(wide.dtype, copy=False)

        return answer(
            self.wide_case,
            module,
            want=_WIDE_WANT,
            adapt=adapt,
            adapt_cotangent=adapt_cotangent,
            rounding=rounding,
        )


_REAL_PART = {d: d for d in FORMATS} | {"complex32": "float16", "complex64": "float32", "complex128": "float64"}


def _rounded(value: float, dtype: str) -> float:
    with np.errstate(all="ignore"):
        return float(np.array(value).astype(numpy_dtype(dtype)).astype(np.float64))


def _abs(spec: TensorSpec, array: Array) -> Array:
    return np.abs(np.maximum(array, -np.iinfo(array.dtype).max) if array.dtype.kind == "i" else array)


def _square(spec: TensorSpec, array: Array) -> Array:
    return np.abs(array) ** 2


#: Declared scales, each the largest of some evaluations: what is done to the floating inputs, and to what comes out.
#: The errors of a long running sum are a random walk: beyond some sixteen terms they outgrow √(A²B²), never Σ|A||B|.
SCALES: dict[str, tuple[tuple[_Transform, Callable[[Array], Array]], ...]] = {
    "sum_abs": ((_abs, np.abs),),
    "product": ((_square, lambda out: np.sqrt(np.abs(out))), (_abs, lambda out: 0.4 * np.abs(out))),
}


def _span(path: str, truth: Array) -> Array:
    magnitude = np.abs(truth)
    return np.full(truth.shape, np.max(magnitude, initial=0.0, where=np.isfinite(magnitude)))


def _bounded(path: str, truth: Array) -> Array:
    """Cotangents are below 2 and slopes at most 1; a second derivative has two cotangents and slopes below 2."""
    return np.full(truth.shape, 8.0 if path.startswith("gradients2") else 2.0)


#: Declared scales that the path and its truth tell.
SIMPLE_SCALES: dict[str, Callable[[str, Array], Array]] = {
    "magnitude": lambda path, truth: np.abs(truth),
    "span": _span,
    "bounded": _bounded,
}


def reference_answer(case: Case, module: Any, policy: Policy, want: Want | None = None) -> ReferenceAnswer:
    """Put a case to real PyTorch (`module`) and find the truth and scale of every floating tensor it answers."""
    outcome = answer(case, module, want=want or Want.of(policy))
    if outcome.status != "returned":
        return ReferenceAnswer(outcome)
    judged = _judged_by_truth(canonical(policy.canonical, case, outcome), policy)
    # A complex product overflows on the way whenever its terms do.
    may = policy.overflow or any(is_complex(spec.dtype) for spec in tensor_specs(case))
    overflow = may and _can_overflow(case, policy)
    underflow = _can_underflow(case)
    if not judged:
        return ReferenceAnswer(outcome, _of_whole_numbers(case, outcome, module, policy), overflow, underflow)
    widened = _Widened(case, judged, outcome)
    with np.errstate(all="ignore"):
        truth, note = _evaluate(widened, module, policy, judged)
        base = {path: wide_array(leaf) for path, leaf in judged.items()} if truth is None else truth
        scales = _scales(widened, module, policy, judged, base)
    truths = {}
    for path in judged:
        value = None if truth is None or path not in truth else truth[path].tobytes()
        scale = None if path not in scales else scales[path].tobytes()
        unit = widened.unit(path, judged[path].dtype)
        truths[path] = Truth(value, scale, "" if unit == judged[path].dtype else unit)
    return ReferenceAnswer(outcome, truths, overflow, underflow, note)


def _of_whole_numbers(case: Case, outcome: Outcome, module: Any, policy: Policy) -> dict[str, Truth]:
    """What is truncated to the integers of a "span" (linspace): a step's last bit may decide them."""
    whole = {p: t for p, t in tensors(outcome) if t.dtype not in FLOATING and t.dtype != "bool" and 0 not in t.shape}
    if policy.scale != "span" or not whole:
        return {}

    def real(value: Any) -> Any:
        if isinstance(value, TensorSpec):
            return replace(value, dtype="float64", values=Values("zeros"))
        return Named("float64") if isinstance(value, Named) and value.name not in _RANK else value

    found = answer(replace(case, kwargs={k: real(v) for k, v in case.kwargs.items()}), module, want=_WIDE_WANT)
    return {
        path: Truth(wide_array(t).tobytes())
        for path, t in tensors(found)
        if path in whole and t.dtype in FLOATING and t.shape == whole[path].shape
    }


def _evaluate(
    widened: _Widened, module: Any, policy: Policy, judged: dict[str, TensorData]
) -> tuple[dict[str, Array] | None, str]:
    """The judged tensors of the wider evaluation, or None and the reason."""
    if not widened.wider:
        return None, ""
    outcome = widened.run(module)
    if outcome.status != "returned":
        return None, f"the wider evaluation {outcome.status}: {outcome.error.text[:200] if outcome.error else ''}"
    found = _arrays(canonical(policy.canonical, widened.wide_case, outcome), judged)
    lacking = [path for path in judged if path not in found]
    return found, f"the wider evaluation lacks {', '.join(lacking)}" if lacking else ""


def _arrays(outcome: Outcome, judged: dict[str, TensorData]) -> dict[str, Array]:
    return {
        path: wide_array(leaf)
        for path, leaf in tensors(outcome)
        if path in judged
        and leaf.shape == judged[path].shape
        and is_complex(leaf.dtype) == is_complex(judged[path].dtype)
    }


def _scales(
    widened: _Widened, module: Any, policy: Policy, judged: dict[str, TensorData], base: dict[str, Array]
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
    found |= {path: SIMPLE_SCALES[name](path, base[path]) for path, name in by_path.items() if name in SIMPLE_SCALES}
    for name in sorted(names & SCALES.keys()):
        for transform, back in SCALES[name]:
            outcome = widened.run(module, transform)
            arrays = _arrays_of_scale(outcome, judged)
            for path, array in arrays.items():
                if by_path.get(path) == name:
                    scale = back(array)
                    found[path] = np.fmax(found[path], scale) if path in found else scale
    wanted = {path: judged[path] for path, name in by_path.items() if name in ("perturbation", "bounded")}
    if wanted:
        for path, scale in _perturbed(widened, module, policy, wanted, base).items():
            found[path] = np.fmax(found[path], scale) if path in found else scale
    return found


def _is_exact(widened: _Widened, leaf: TensorData, truth: Array) -> bool:
    """Whether the reference's answer is the truth itself, so that nothing was rounded on the way."""
    return widened.wider and np.array_equal(wide_array(leaf), truth, equal_nan=True)


def _arrays_of_scale(outcome: Outcome, judged: dict[str, TensorData]) -> dict[str, Array]:
    return {
        path: np.abs(wide_array(leaf))
        for path, leaf in tensors(outcome)
        if path in judged and leaf.shape == judged[path].shape
    }


def _perturbed(
    widened: _Widened, module: Any, policy: Policy, wanted: dict[str, TensorData], base: dict[str, Array]
) -> dict[str, Array]:
    """The outputs' change under one-ulp changes of the inputs, in units in which |truth| is the change of 1 ulp."""
    count = sum(s.dtype in _RANK for s in widened.specs)
    gradients = {path: leaf for path, leaf in wanted.items() if is_gradient(path)}
    if count == 0 and not gradients:
        return {}
    step = 1.0 if widened.wider else _ENLARGED
    found: dict[str, Array] = {}
    for pattern in range(max(2 if count < 3 else count + 1, policy.looks)):
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


def _suspicious(change: Array, base: Array) -> Array:
    return change > _SUSPICIOUS * np.abs(base)


def _change(
    widened: _Widened,
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
    position = {id(spec): i for i, spec in enumerate(s for s in widened.specs if s.dtype in _RANK)}
    count = len(position)

    def move(spec: TensorSpec, array: Array) -> Array:
        i = position[id(spec)]
        ulp = 2 * max(format_of(spec.dtype).half_ulp, widened.narrowest)
        salt = pattern if count == 1 or pattern > count else 0
        return _moved(array, step * ulp, _flip(pattern, i, count), i, salt)

    between = step * 2 * max(format_of(widened.unit(path, leaf.dtype)).half_ulp for path, leaf in wanted.items())
    salts = itertools.count(97)

    def move_cotangent(array: Array) -> Array:
        return _moved(array, between, 1.0, next(salts), pattern).astype(array.dtype, copy=False)

    rounding = None
    if any(is_gradient(path) for path in wanted):
        rounding = Rounding(module, between, pattern, saved=not held)
    outcome = widened.run(module, None if held else move, move_cotangent, rounding)
    if outcome.status != "returned":
        return {}
    moved = _arrays(canonical(policy.canonical, widened.wide_case, outcome), wanted)
    change = {}
    for path, array in moved.items():
        ulp = 2 * format_of(widened.unit(path, wanted[path].dtype)).half_ulp
        distance = np.abs(array - base[path]) / (step * ulp)
        change[path] = np.where(np.isfinite(base[path]), np.where(np.isnan(distance), np.inf, distance), 0.0)
    return change


def _flip(pattern: int, i: int, count: int) -> float:
    """The sign of the i-th input in a pattern: beside all together, each input once against the others."""
    if count == 1:
        return 1.0
    return -1.0 if pattern and i == pattern % count else 1.0


def _moved(array: Array, relative: float, sign: float, i: int, salt: int) -> Array:
    """Every element moved by ±relative of itself; zeros stay, so that conventions at zero stay visible."""
    if np.iscomplexobj(array):
        return _moved(array.real, relative, sign, 2 * i, salt) + 1j * _moved(
            array.imag, relative, sign, 2 * i + 1, salt
        )
    _STREAM.seed(1009 * i + salt)
    # Steps of different lengths: equal ones can cancel exactly in a sum or difference.
    steps = _STREAM.uniform(0.25, 1.25, array.shape) * (_STREAM.randint(0, 2, array.shape) * 2.0 - 1.0)
    moved = array * (1.0 + sign * relative * steps)
    return np.where(np.isfinite(array) & np.isfinite(moved), moved, array)


def _can_overflow(case: Case, policy: Policy) -> bool:
    """Whether the inputs are so large, or so unlike, that their sums, products or quotients leave the format though
    each is finite."""
    largest, smallest, bound = 0.0, math.inf, math.inf
    for spec, finite in _magnitudes(case):
        bound = min(bound, format_of(spec.dtype).largest)
        largest = max(largest, float(finite.max()))
        smallest = min(smallest, float(np.min(finite, initial=math.inf, where=finite > 0)))
        if is_complex(spec.dtype) and not 1 / smallest < bound / 4:
            return True  # a complex quotient divides by a length, or multiplies by its reciprocal
        if policy.overflow == "power" and not np.log2(finite[finite > 1]).sum() < math.log2(bound / 4):
            return True
        if policy.scale == "sum_abs":
            if not largest * finite.size < bound / 4:
                return True
        elif not largest * largest * finite.size < bound / 4:
            return True
    with np.errstate(all="ignore"):
        return policy.scale != "sum_abs" and not np.float64(largest) / smallest < bound / 4


def _can_underflow(case: Case) -> bool:
    """Whether the product of two elements of an input leaves the format, so that its sign may be lost with it."""
    smallest = ((format_of(s.dtype).smallest, np.min(m, initial=math.inf, where=m > 0)) for s, m in _magnitudes(case))
    return any(float(least) * float(least) < bound for bound, least in smallest)


def _magnitudes(case: Case) -> Iterator[tuple[TensorSpec, Array]]:
    """Every floating input with the magnitudes of its finite elements, where it has some."""
    for spec in tensor_specs(case):
        if spec.dtype not in _RANK or 0 in spec.shape:
            continue
        elements = values.array(spec)
        magnitude = np.abs(elements.astype(np.complex128 if np.iscomplexobj(elements) else np.float64))
        finite = magnitude[np.isfinite(magnitude)]
        if finite.size:
            yield spec, finite

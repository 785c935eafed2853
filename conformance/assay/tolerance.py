"""When is a floating result right? Errors are measured against a wider evaluation, in units of rounding error.

One unit is max(half an ulp of scale, the smallest subnormal) of the result's dtype. A subject is accepted where its
error is at most `FACTOR` times the reference's own error (at least one unit), never more than `CAP` units; where the
reference itself is worse than that, subject and reference are compared with each other. The rule is per element, so
that one bad element of the reference widens nobody else's window.

Where there is no wider evaluation (float64, complex128) the reference's own error is not known. It is taken to be what
the reference was measured to err by in float32, over the quick profile of every operation: the worst element of a
result by at most 4.0 units in 99.9% of 625 cases, of a gradient by 5.3 in 99.9% of 570, of a second gradient by 6.8 in
99.9% of 340.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from assay.outcome import TensorData

Array = np.ndarray[Any, Any]
FACTOR = 8.0
CAP = 64.0
#: What the reference is taken to err by, in units, where that cannot be measured: in results and in gradients.
UNMEASURED, UNMEASURED_GRADIENT = 4.0, 8.0
#: Share of elements of one operation that may go unjudged before its catalogue entry is at fault.
UNJUDGED_SHARE = 0.02

_NUMPY = {
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "complex32": np.dtype([("re", np.float16), ("im", np.float16)]),
    "float8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8_e5m2": np.dtype(ml_dtypes.float8_e5m2),
}
_COMPLEX_PART = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}


@dataclass(frozen=True, slots=True)
class Format:
    """A floating format: half an ulp of 1, the smallest subnormal, the largest finite value."""

    half_ulp: float
    smallest: float
    largest: float


FORMATS = {
    "float16": Format(2.0**-11, 2.0**-24, 65504.0),
    "bfloat16": Format(2.0**-8, 2.0**-133, float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)),
    "float32": Format(2.0**-24, 2.0**-149, float(np.finfo(np.float32).max)),
    "float64": Format(2.0**-53, 2.0**-1074, float(np.finfo(np.float64).max)),
}
FLOATING = frozenset(FORMATS) | frozenset(_COMPLEX_PART)


def format_of(dtype: str) -> Format:
    """The format of a floating dtype, or of the parts of a complex one. Raises KeyError for other dtypes."""
    return FORMATS[_COMPLEX_PART.get(dtype, dtype)]


def is_complex(dtype: str) -> bool:
    return dtype in _COMPLEX_PART


def numpy_dtype(dtype: str) -> np.dtype:
    """The NumPy dtype that holds a tensor's bytes (complex32 as a pair of halves)."""
    known = _NUMPY.get(dtype)
    return np.dtype(dtype) if known is None else known


def raw_array(tensor: TensorData) -> Array:
    """The elements in the tensor's own dtype and shape. Raises ValueError where the tensor carries no data."""
    if tensor.data is None:
        raise ValueError("the tensor carries no data")
    return np.frombuffer(tensor.data, dtype=numpy_dtype(tensor.dtype)).reshape(tensor.shape)


def wide_array(tensor: TensorData) -> Array:
    """The elements of a floating or complex tensor as float64 or complex128; the cast loses nothing."""
    raw = raw_array(tensor)
    if tensor.dtype == "complex32":
        pairs = np.stack([raw["re"], raw["im"]], -1).astype(np.float64)
        return pairs.view(np.complex128)[..., 0]
    return raw.astype(np.complex128 if is_complex(tensor.dtype) else np.float64)


def overflow_bound(form: Format) -> float:
    """What an overflowed result stands for: the first value beyond the largest finite one."""
    return form.largest * (1 + form.half_ulp * 2)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one floating tensor compares.

    ok: accepted everywhere. worst: flat index of the worst element, None where nothing was judged. error, window: its
    error and its window in units. elements, unjudged: how many there are, and how many could not be judged.
    """

    ok: bool
    worst: int | None = None
    error: float = 0.0
    window: float = FACTOR
    elements: int = 0
    unjudged: int = 0

    @property
    def measure(self) -> float:
        """The worst error as a share of its window; above 1 is refused."""
        return self.error / self.window


def compare(
    subject: Array,
    reference: Array,
    truth: Array | None,
    scale: Array | None,
    dtype: str,
    overflow: bool = False,
    least: float = 1.0,
) -> Comparison:
    """Compare two arrays of equal shape that were cast to float64 or complex128.

    truth is the wider evaluation (None: the reference is the truth); scale is a non-negative float64 array or None for
    |truth|; dtype names the dtype both sides answered in; overflow says that an intermediate can overflow though every
    term is finite, so that non-finite elements prove nothing; least: what the reference is taken to err by at least,
    in units.
    """
    with np.errstate(all="ignore"):
        return _compare(
            subject.reshape(-1),
            reference.reshape(-1),
            None if truth is None else truth.reshape(-1),
            None if scale is None else scale.reshape(-1),
            format_of(dtype),
            overflow,
            least,
        )


def _compare(
    subject: Array,
    reference: Array,
    truth: Array | None,
    scale: Array | None,
    form: Format,
    overflow: bool,
    least: float,
) -> Comparison:
    total = subject.size
    if total == 0:
        return Comparison(True)
    exact = reference if truth is None else truth
    truth = reference if truth is None else np.where(np.isfinite(truth), truth, reference)
    placed = _same_non_finite(subject, reference)
    finite = np.isfinite(subject) & np.isfinite(reference)
    unit, error, window = _units(subject, reference, truth, scale, form, least)
    accepted = np.where(finite, error <= window, placed)
    if not accepted.all():
        accepted |= ~finite & _overflow_is_rounding(subject, reference, truth, unit, form)
        # Nobody is blamed for the truth where the reference loses it on the way.
        lost = np.isfinite(subject) & ~np.isfinite(reference) & np.isfinite(exact) & (np.abs(exact) <= form.largest)
        accepted |= lost & (error <= FACTOR)
        # Nor where the truth is an infinity that the reference's own overflow on the way made a NaN.
        beyond = np.isinf(subject) & (subject == np.sign(exact) * np.inf) & (np.abs(exact) >= overflow_bound(form))
        accepted |= beyond & np.isnan(reference)
    unjudged = 0
    if overflow:
        excused = ~finite & ~accepted
        unjudged = int(excused.sum())
        accepted |= excused
    excess = np.where(accepted & ~finite, -1.0, np.where(finite, error / window, np.inf))
    worst = int(np.argmax(excess))
    if excess[worst] < 0:
        return Comparison(True, None, 0.0, FACTOR, total, unjudged)
    measured = float(error[worst]) if finite[worst] else float("inf")
    return Comparison(bool(accepted.all()), worst, measured, float(window[worst]), total, unjudged)


def _units(
    subject: Array, reference: Array, truth: Array, scale: Array | None, form: Format, least: float = 1.0
) -> tuple[Array, Array, Array]:
    """Per element: the unit, the subject's error and its window, in units; least: of the reference's error."""
    magnitude = np.abs(truth)
    if scale is not None:
        # A scale that overflowed says that the terms did nearly: the unit is then that of the largest number.
        magnitude = np.fmax(magnitude, scale)
    unit = np.maximum(form.half_ulp * magnitude, form.smallest)
    unit = np.where(np.isfinite(unit), unit, form.half_ulp * form.largest)
    error = np.abs(subject - truth) / unit
    own = np.abs(reference - truth) / unit
    window = np.maximum(np.minimum(FACTOR * np.maximum(own, least), CAP), least)
    beyond = ~(own <= CAP)
    if beyond.any():
        # The reference is itself outside any window: agreeing with it is as good as agreeing with the truth.
        error = np.where(beyond, np.fmin(error, np.abs(subject - reference) / unit), error)
        # Nobody is blamed for being nearer to the truth than the reference.
        error = np.where(beyond & (np.abs(subject - truth) <= np.abs(reference - truth)), 0.0, error)
    return unit, error, window


def _same_non_finite(subject: Array, reference: Array) -> Array:
    """Elements where both sides are the same infinity, or both NaN."""
    if np.iscomplexobj(reference) or np.iscomplexobj(subject):
        # Which part of a complex number overflows or turns NaN first is an accident of the multiplication.
        return ~np.isfinite(subject) & ~np.isfinite(reference)
    return (subject == reference) | (np.isnan(subject) & np.isnan(reference))  # type: ignore[no-any-return]


def _overflow_is_rounding(subject: Array, reference: Array, truth: Array, unit: Array, form: Format) -> Array:
    """Elements where one side is finite, the other infinite, and the truth lies at the edge of the format."""
    if np.iscomplexobj(reference) or np.iscomplexobj(subject):
        return np.zeros(subject.shape, bool)
    edge = overflow_bound(form)
    near = np.abs(np.abs(truth) - edge) <= CAP * unit
    return near & (np.sign(subject) == np.sign(reference)) & ~np.isnan(subject) & ~np.isnan(reference)  # type: ignore[no-any-return]


def compare_exact(
    subject: TensorData, reference: TensorData, signed_zeros: bool = True, overflow: bool = False
) -> Comparison:
    """Compare bit for bit, except that any NaN equals any NaN. Shapes and dtypes must agree already.

    signed_zeros: whether 0 and -0 differ. overflow: as for `compare`.
    """
    if subject.data == reference.data:
        return Comparison(True, elements=_count(reference.shape))
    mine, theirs = raw_array(subject).reshape(-1), raw_array(reference).reshape(-1)
    if reference.dtype in FLOATING:
        ours, expected = wide_array(subject).reshape(-1), wide_array(reference).reshape(-1)
        same = _same_float(ours, expected)
        if not signed_zeros:
            same |= ours == expected
        if overflow:
            excused = ~same & ~(np.isfinite(ours) & np.isfinite(expected))
            if (same | excused).all():
                return Comparison(True, elements=mine.size, unjudged=int(excused.sum()))
    else:
        same = mine == theirs
    if same.all():
        return Comparison(True, elements=mine.size)
    worst = int(np.argmin(same))
    return Comparison(False, worst, float("inf"), FACTOR, mine.size)


def _same_float(mine: Array, theirs: Array) -> Array:
    if np.iscomplexobj(theirs):
        # PyTorch's own vectorised and plain complex loops give zeros of either sign.
        parts = ((mine.real, theirs.real), (mine.imag, theirs.imag))
        return np.logical_and(*((m == t) | (np.isnan(m) & np.isnan(t)) for m, t in parts))  # type: ignore[no-any-return]
    equal = (mine == theirs) & (np.signbit(mine) == np.signbit(theirs))
    return equal | (np.isnan(mine) & np.isnan(theirs))  # type: ignore[no-any-return]


def compare_whole(subject: TensorData, reference: TensorData, truth: Array) -> Comparison:
    """Compare integers that real numbers are truncated to: beside an integer their last bit decides."""
    mine, theirs = (raw_array(t).reshape(-1).astype(np.float64) for t in (subject, reference))
    truth = truth.reshape(-1)
    beside = np.abs(truth - np.rint(truth)) <= CAP * FORMATS["float64"].half_ulp * np.max(np.abs(truth), initial=1.0)
    accepted = (mine == theirs) | (beside & (np.abs(mine - theirs) == 1) & (np.abs(mine - truth) < 1.5))
    if accepted.all():
        return Comparison(True, elements=mine.size)
    return Comparison(False, int(np.argmin(accepted)), float("inf"), FACTOR, mine.size)


def wrong_zeros(subject: Array, reference: Array, truth: Array | None = None) -> int | None:
    """The flat index of a real zero with the other sign, or None; a zero for a truth that is none lost its sign."""
    if np.iscomplexobj(reference):
        return None
    wrong = ((subject == 0) & (reference == 0) & (np.signbit(subject) != np.signbit(reference))).reshape(-1)
    if truth is not None:
        wrong &= truth.reshape(-1) == 0
    return int(np.argmax(wrong)) if wrong.any() else None


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))

"""Box-Muller in the arithmetic of PyTorch's AVX2 kernel: Cephes' single-precision log and sincos, with fused steps.

Sources: Box & Muller 1958; S. Moshier, Cephes, logf and sinf; which products are fused was found by comparing bits.
Blocks of 16 uniforms give 16 normals: eight radii from the first half, eight angles from the second.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import exactmath

F32 = NDArray[np.float32]
_ROWS = 256  # blocks of 16 worked on at a time: the whole workspace stays in the second-level cache
_STEPS = 13

_f32 = np.float32
_SMALLEST_NORMAL = _f32(2.0**-126)
_SQRT_HALF = _f32(0.707106781186547524)
_LOG_POLYNOMIAL = [
    _f32(c)
    for c in (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )
]  # fmt: skip
_LN2_HIGH, _LN2_LOW = _f32(0.693359375), _f32(-2.12194440e-4)
_QUARTER_PI = [_f32(c) for c in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)]
_SIN_POLYNOMIAL = [_f32(c) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)]
_COS_POLYNOMIAL = [_f32(c) for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)]
_FOUR_OVER_PI, _TWO_PI = _f32(1.27323954473516), _f32(2 * np.pi)
_HALF, _ONE, _TWO = _f32(-0.5), _f32(1), _f32(-2)


class _Fused(Protocol):
    def __call__(self, a: Any, b: Any, c: Any) -> F32: ...


class _Recorder:
    """Fused steps through float64, whose double rounding goes wrong only where the sum falls on a float32 tie.

    The sums are kept, so that one look at the end tells whether any did (about once in 10**8 steps).
    """

    def __init__(self, size: int) -> None:
        self._sums = np.empty((_STEPS, size))
        self._step = 0

    def __call__(self, a: Any, b: Any, c: Any) -> F32:
        s = self._sums[self._step]
        self._step += 1
        np.multiply(a, b, out=s, dtype=np.float64)
        np.add(s, c, out=s)
        return s.astype(np.float32)

    def saw_tie(self) -> bool:
        ends = self._sums[: self._step].view(np.int64) & 0x1FFFFFFF
        self._step = 0
        return bool(np.count_nonzero(ends == 0x10000000))


def _exact_sum(a: Any, b: Any, c: Any) -> F32:
    """A fused step whose float64 sum is exact because ``a`` and ``b`` have few bits."""
    s = np.multiply(a, b, dtype=np.float64)
    s += c
    return s.astype(np.float32)


def _log(x: F32, fused: _Fused) -> F32:
    """Cephes logf of x in [2**-24, 1]."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < _SQRT_HALF
    e = (exponent - small).astype(np.float32)
    x = mantissa - _ONE
    np.add(x, mantissa, out=x, where=small)
    z = x * x
    y: Any = _LOG_POLYNOMIAL[0]
    for c in _LOG_POLYNOMIAL[1:]:
        y = fused(y, x, c)
    y *= x
    y = fused(y, z, e * _LN2_LOW)
    y = exactmath.fma32(z, _HALF, y)
    return _exact_sum(e, _LN2_HIGH, x + y)


def _sincos(x: F32, fused: _Fused) -> tuple[F32, F32]:
    """Cephes sinf and cosf of x in [0, 2 pi)."""
    octant = (x * _FOUR_OVER_PI).astype(np.int32)
    octant += 1
    octant &= ~1
    y = octant.astype(np.float32)
    x = _exact_sum(y, _QUARTER_PI[0], x)
    x = _exact_sum(y, _QUARTER_PI[1], x)
    x = fused(y, _QUARTER_PI[2], x)
    z = x * x
    c = fused(_COS_POLYNOMIAL[0], z, _COS_POLYNOMIAL[1])
    c = fused(c, z, _COS_POLYNOMIAL[2])
    c *= z
    c = fused(c, z, z * _HALF)
    c += _ONE
    s = fused(_SIN_POLYNOMIAL[0], z, _SIN_POLYNOMIAL[1])
    s = fused(s, z, _SIN_POLYNOMIAL[2])
    s *= z
    s = fused(s, x, x)
    swap = (octant & 2) != 0
    sine = np.where(swap, c, s)
    cosine = np.where(swap, s, c)
    np.negative(sine, out=sine, where=(octant & 4) != 0)
    np.negative(cosine, out=cosine, where=((octant + 2) & 4) != 0)
    return sine, cosine


def normals32(u: F32, mean: float, std: float) -> F32:
    """Normals of flat float32 uniforms in [0, 1), whose number is a multiple of 16."""
    blocks = u.reshape(-1, 16)
    out = np.empty_like(blocks)
    recorders: dict[int, tuple[_Recorder, _Recorder]] = {}
    for start in range(0, len(blocks), _ROWS):
        rows = blocks[start : start + _ROWS]
        u1 = (_ONE - rows[:, :8]).reshape(-1)
        theta = (_TWO_PI * rows[:, 8:]).reshape(-1)
        if u1.size not in recorders:
            recorders[u1.size] = _Recorder(u1.size), _Recorder(u1.size)
        for_log, for_sincos = recorders[u1.size]
        logarithm = _log(u1, for_log)
        if for_log.saw_tie():
            logarithm = _log(u1, exactmath.fma32)
        sine, cosine = _sincos(theta, for_sincos)
        if for_sincos.saw_tie():
            sine, cosine = _sincos(theta, exactmath.fma32)
        radius = np.sqrt(_TWO * logarithm)
        first, second = radius * cosine, radius * sine
        if mean == 0 and std == 1:
            first += _f32(0)  # the fused step turns -0 into 0
            second += _f32(0)
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                first = exactmath.fma32(first, _f32(std), _f32(mean))
                second = exactmath.fma32(second, _f32(std), _f32(mean))
        out[start : start + _ROWS, :8] = first.reshape(-1, 8)
        out[start : start + _ROWS, 8:] = second.reshape(-1, 8)
    return out.reshape(-1)


def normals64(u: exactmath.F64, mean: float, std: float) -> exactmath.F64:
    """Normals of flat float64 uniforms in [0, 1), whose number is a multiple of 16."""
    blocks = u.reshape(-1, 16)
    radius = np.sqrt(-2 * exactmath.log((1 - blocks[:, :8]).reshape(-1)))
    theta = (2 * np.pi * blocks[:, 8:]).reshape(-1)
    out = np.empty_like(blocks)
    out[:, :8] = (radius * np.cos(theta)).reshape(-1, 8)
    out[:, 8:] = (radius * np.sin(theta)).reshape(-1, 8)
    flat = out.reshape(-1)
    if mean == 0 and std == 1:
        flat += 0.0
        return flat
    return exactmath.fma64(flat, std, mean)

"""Box-Muller in the arithmetic of PyTorch's AVX2 kernel: Cephes' single-precision log and sincos, with fused steps.

Sources: Box & Muller 1958; S. Moshier, Cephes, logf and sinf; which products are fused was found by comparing bits.
Blocks of 16 uniforms give 16 normals: eight radii from the first half, eight angles from the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import exactmath

F32 = NDArray[np.float32]
_ROWS = 256  # blocks of 16 worked on at a time: the whole workspace stays in the second-level cache
_STEPS = 13

_f32 = np.float32
_SQRT_HALF_BITS = np.int32(0x3F3504F3)
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
_ZERO, _ONE, _MINUS_HALF, _MINUS_TWO = _f32(0), _f32(1), _f32(-0.5), _f32(-2)


class _Steps:
    """The fused steps of one block, by way of float64.

    A product of float32 values is exact there; the sum is rounded twice, which goes wrong only where it falls on a
    float32 tie. The sums are kept, so that one look at the end tells whether any did (about once in 10**8 steps).
    """

    def __init__(self, size: int) -> None:
        self._sums = np.empty((_STEPS, size))
        self._wide = np.empty(size)
        self._taken = 0

    def __call__(self, a: Any, b: Any, c: Any) -> F32:
        """float32 a*b + c of an array ``a`` with one rounding, unless :meth:`saw_tie` says otherwise afterwards."""
        s = self._sums[self._taken]
        self._taken += 1
        return self._step(s, a, b, c)

    def exact(self, a: Any, b: Any, c: Any) -> F32:
        """The same where ``a`` and ``b`` have so few bits that the float64 sum is exact."""
        return self._step(self._sums[-1], a, b, c)

    def _step(self, s: exactmath.F64, a: Any, b: Any, c: Any) -> F32:
        self._wide[...] = a
        np.multiply(self._wide, b, out=s)
        if isinstance(c, np.ndarray):
            self._wide[...] = c  # explicit casts are several times faster than a ufunc's own
            c = self._wide
        np.add(s, c, out=s)
        return s.astype(np.float32)

    def saw_tie(self) -> bool:
        """Whether any step since the last call needs the careful way."""
        ends = self._sums[: self._taken].view(np.int64) & 0x1FFFFFFF
        self._taken = 0
        return bool(np.count_nonzero(ends == 0x10000000))


class _CarefulSteps:
    """The same steps, each rounded right on its own."""

    def __call__(self, a: Any, b: Any, c: Any) -> F32:
        return exactmath.fma32(a, b, c)

    exact = __call__


def _log(x: F32, fused: _Steps | _CarefulSteps) -> F32:
    """Cephes logf of x in [2**-24, 1]."""
    bits = x.view(np.int32) - _SQRT_HALF_BITS
    e = (bits >> 23).astype(np.float32)
    bits &= 0x7FFFFF
    bits += _SQRT_HALF_BITS
    x = bits.view(np.float32) - _ONE  # x is now mantissa - 1, the mantissa in [sqrt(1/2), sqrt(2))
    z = x * x
    wide, wide_z = x.astype(np.float64), z.astype(np.float64)
    y = fused(wide, _LOG_POLYNOMIAL[0], _LOG_POLYNOMIAL[1])
    for c in _LOG_POLYNOMIAL[2:]:
        y = fused(y, wide, c)
    y *= x
    y = fused(y, wide_z, e * _LN2_LOW)
    y = exactmath.fma32(wide_z, _MINUS_HALF, y)  # ties are common in this sum of two float32 values
    return fused.exact(e, _LN2_HIGH, x + y)


def _sincos(x: F32, fused: _Steps | _CarefulSteps) -> tuple[F32, F32]:
    """Cephes sinf and cosf of x in [0, 2 pi)."""
    octant = (x * _FOUR_OVER_PI).astype(np.int32)
    octant += 1
    octant &= ~1
    y = octant.astype(np.float64)
    x = fused.exact(y, _QUARTER_PI[0], x)
    x = fused.exact(y, _QUARTER_PI[1], x)
    x = fused(y, _QUARTER_PI[2], x)
    z = x * x
    wide_z = z.astype(np.float64)
    c = fused(wide_z, _COS_POLYNOMIAL[0], _COS_POLYNOMIAL[1])
    c = fused(c, wide_z, _COS_POLYNOMIAL[2])
    c *= z
    c = fused(c, wide_z, z * _MINUS_HALF)
    c += _ONE
    s = fused(wide_z, _SIN_POLYNOMIAL[0], _SIN_POLYNOMIAL[1])
    s = fused(s, wide_z, _SIN_POLYNOMIAL[2])
    s *= z
    s = fused(s, x.astype(np.float64), x)
    swap = (octant & 2).astype(np.bool_)
    sine = np.where(swap, c, s)
    cosine = np.where(swap, s, c)
    sine.view(np.int32)[...] ^= (octant & 4) << 29
    octant += 2
    cosine.view(np.int32)[...] ^= (octant & 4) << 29
    return sine, cosine


def normals32(u: F32, mean: float, std: float) -> F32:
    """Normals of flat float32 uniforms in [0, 1), whose number is a multiple of 16."""
    blocks = u.reshape(-1, 16)
    out = np.empty_like(blocks)
    steps, careful = _Steps(min(len(blocks), _ROWS) * 8), _CarefulSteps()
    for start in range(0, len(blocks), _ROWS):
        rows = blocks[start : start + _ROWS]
        u1 = (_ONE - rows[:, :8]).reshape(-1)
        theta = (_TWO_PI * rows[:, 8:]).reshape(-1)
        if len(rows) < _ROWS < len(blocks):
            steps = _Steps(u1.size)
        logarithm = _log(u1, steps)
        if steps.saw_tie():
            logarithm = _log(u1, careful)
        sine, cosine = _sincos(theta, steps)
        if steps.saw_tie():
            sine, cosine = _sincos(theta, careful)
        logarithm *= _MINUS_TWO
        radius = np.sqrt(logarithm, out=logarithm)
        cosine *= radius
        sine *= radius
        if mean == 0 and std == 1:
            cosine += _ZERO  # the fused step turns -0 into 0
            sine += _ZERO
        else:
            cosine = exactmath.fma32(cosine, _f32(std), _f32(mean))
            sine = exactmath.fma32(sine, _f32(std), _f32(mean))
        out[start : start + _ROWS, :8] = cosine.reshape(-1, 8)
        out[start : start + _ROWS, 8:] = sine.reshape(-1, 8)
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

"""NumPy side of tensor creation. Strides count elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from flambeau import dtypes
from flambeau.cpu.casting import cast, scalar
from flambeau.cpu.copying import empty as empty
from flambeau.dtypes import COMPLEX, INTEGRAL, dtype
from flambeau.geometry import Shape, extent
from flambeau.random.exactmath import fma64
from flambeau.size import CPU
from flambeau.tensor import Memory, Storage, Tensor, fresh, window

Array = np.ndarray[Any, Any]


def fill(a: Array, value: Any, d: dtype) -> None:
    """Write one number everywhere."""
    if value == 0 and not isinstance(value, float):
        a[...] = np.zeros((), a.dtype)
        return
    if d is dtypes.bool_:
        a[...] = bool(value)
        return
    with np.errstate(all="ignore"):
        a[...] = cast(scalar(value, d.compute), d.compute, d)


def limits(d: dtype) -> tuple[int, int]:
    """Least and greatest value of an integer dtype."""
    info = np.iinfo(d.numpy)
    return int(info.min), int(info.max)


def largest(d: dtype) -> float:
    """Greatest finite value of a floating dtype."""
    return float(ml_dtypes.finfo(d.numpy).max)


def range_length(start: Any, end: Any, step: Any, d: dtype) -> int:
    """Number of elements of an arange."""
    if d is dtypes.int64:  # the one dtype whose length is counted in integers
        start, end, step = math.trunc(start), math.trunc(end), math.trunc(step)
        if step == 0:
            raise ValueError("step must be nonzero")
        return int(max(0, -((start - end) // step)) if step > 0 else max(0, -((end - start) // -step)))
    return max(0, math.ceil((float(end) - float(start)) / float(step)))


def closed_range_length(start: Any, end: Any, step: Any, d: dtype) -> int:
    """Number of elements of a range, whose ends are converted to the dtype first."""
    if d.category == INTEGRAL:
        start, end, step = math.trunc(start), math.trunc(end), math.trunc(step)
        if step == 0:
            raise ValueError("step must be nonzero")
        return int((end - start) / step + 1)
    if d.compute is dtypes.float32 and d is not dtypes.float32:
        first, last, by = (np.float32(v) for v in (start, end, step))
        return int((last - first) / by + np.float32(1))
    return int((float(end) - float(start)) / float(step) + 1)


def arange(a: Array, start: Any, step: Any, d: dtype) -> None:
    """start + i · step, integers in their own arithmetic, reals in double."""
    n = len(a)
    i: Array
    if d.category == INTEGRAL:
        i = np.arange(n, dtype=np.int64)
        with np.errstate(all="ignore"):
            a[...] = (i * math.trunc(step) + math.trunc(start)).astype(d.numpy)
        return
    i = np.arange(n, dtype=np.float64)
    if d is dtypes.float64:
        a[...] = start + i * step
    else:
        # PyTorch steps in the accumulation type of the dtype, double for float32 on the CPU
        with np.errstate(all="ignore"):
            a[...] = cast((start + i * step), dtypes.float64, d)


def in_order(fill: Callable[[Array], None]) -> Callable[[Array], None]:
    """What fills a line, for an array of any shape: in row-major order."""

    def filled(a: Array) -> None:
        if a.ndim == 1:
            fill(a)
            return
        flat = np.empty(a.size, a.dtype)
        fill(flat)
        a[...] = flat.reshape(a.shape)

    return filled


def linspace(a: Array, start: Any, end: Any, d: dtype) -> None:
    """Counted from the start in the first half and from the end in the second, so that both ends are exact."""
    n = len(a)
    if n == 0:
        return
    with np.errstate(all="ignore"):
        if n == 1:
            fill(a, start, d)
            return
        half = n // 2
        steps = np.arange(n, dtype=np.float64)
        from_end = steps[half:]
        first: Any
        last: Any
        np.subtract(n - 1, from_end, out=from_end)
        np.negative(from_end, out=from_end)  # the last one is -0, which leaves the end's sign as it is
        if d.category == INTEGRAL:
            # the ends wrap into the dtype; the step is double
            first, last = int(scalar(math.trunc(start), d)), int(scalar(math.trunc(end), d))
            step = (last - first) / (n - 1)
            # multiplied and added with one rounding, which decides whether a value is whole
            for part, count, origin in ((a[:half], steps[:half], first), (a[half:], from_end, last)):
                part[...] = np.trunc(fma64(count, step, float(origin))).astype(np.int64).astype(d.numpy)
            return
        wide = d.compute

        def rounded(x: Any) -> Array:
            # half precision rounds after every operation
            return x if wide is d else cast(cast(np.asarray(x), wide, d), d, wide)

        first, last = rounded(np.asarray(start).astype(wide.numpy)), rounded(np.asarray(end).astype(wide.numpy))
        step = rounded(rounded(last - first) / wide.numpy.type(n - 1))
        for part, count, origin in ((a[:half], steps[:half], first), (a[half:], from_end, last)):
            if d is dtypes.float32:
                # multiplied and added with one rounding
                part[...] = origin + np.float64(step) * count
            else:
                part[...] = cast(origin + rounded(step * count.astype(wide.to_real().numpy)), wide, d)


def power(base: float, exponent: Any) -> Any:
    """The one element of a logspace of one step, as a Python number."""
    if isinstance(exponent, complex):
        return complex(np.power(np.complex128(base), np.complex128(exponent)))
    with np.errstate(all="ignore"):
        return float(np.power(np.float64(base), np.float64(exponent)))


def logspace(a: Array, start: Any, end: Any, base: float, d: dtype) -> None:
    """base to the power of a linspace, evaluated in double (complex numbers in their own precision)."""
    n = len(a)
    if n == 0:
        return
    if n == 1:
        fill(a, power(base, start), d)
        return
    with np.errstate(all="ignore"):
        if d.category == COMPLEX:
            wide = d.numpy
            exponents = np.empty(n, wide)
            linspace(exponents, start, end, d)
            a[...] = np.power(np.asarray(base, np.complex128), exponents).astype(wide)
            return
        # both ends are rounded to the dtype, as they are in PyTorch
        first: float
        last: float
        if d.category == INTEGRAL:
            first, last = (int(scalar(math.trunc(v), d)) for v in (start, end))
        else:
            first, last = (float(cast(scalar(v, d.compute), d.compute, d)) for v in (start, end))
        step, i = (last - first) / (n - 1), np.arange(n)
        values = np.power(float(base), np.where(i < n // 2, first + step * i, last - step * (n - 1 - i)))
        if d.category == INTEGRAL:
            a[...] = values.astype(np.int64).astype(d.numpy)
        else:
            a[...] = cast(values, dtypes.float64, d)


def eye(a: Array, d: dtype) -> None:
    """Ones on the diagonal."""
    a[...] = np.zeros((), a.dtype)
    n = min(a.shape)
    one = cast(scalar(1, d.compute), d.compute, d)
    a[np.arange(n), np.arange(n)] = one


def over_strides(size: Shape, stride: Shape, d: dtype) -> Tensor:
    """A tensor over new uninitialised storage, just large enough for the strides."""
    flat = np.empty(extent(size, stride), d.numpy)
    storage = Storage(flat, CPU, flat.nbytes)
    t = fresh(window(storage, d, size, stride, 0), d)
    t._memory = Memory(size, stride, 0, storage)
    return t


def filled_from(x: Array, value: Array, source: dtype, target: dtype) -> Array:
    """A 0-d array's value in x's shape."""
    out = np.empty(x.shape, target.numpy)
    out[...] = cast(value, source, target)
    return out


def filled(x: Array, value: Any, target: dtype) -> Array:
    """A number in x's shape."""
    out = np.empty(x.shape, x.dtype)
    fill(out, value, target)
    return out


def zeroed(x: Array) -> Array:
    """Zeros in x's shape."""
    return np.zeros(x.shape, x.dtype)

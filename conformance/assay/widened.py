"""A case in the next wider dtype: the same elements, scalars and cotangents, computed with more digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.case import Case, Layout, Named, TensorSpec
from assay.execute import Want, answer
from assay.inputs import arrange
from assay.outcome import Outcome, TensorData
from assay.parts import is_gradient, leaves, tensor_specs, tensors
from assay.program import Program, mapped, plain_leaves, program_of
from assay.rounding import Rounding
from assay.tolerance import FORMATS, format_of, is_complex, numpy_dtype, wide_array

RANK = {
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


WANT = Want(aliases=False)
#: Keyword arguments that terms of a sum are multiplied by.
_FACTORS = ("alpha", "beta")

Array = NDArray[Any]
Transform = Callable[[TensorSpec, Array], Array]


def absolute(spec: TensorSpec, array: Array) -> Array:
    return np.abs(np.maximum(array, -np.iinfo(array.dtype).max) if array.dtype.kind == "i" else array)


def _dtype_arguments(value: Any) -> Iterator[str]:
    if isinstance(value, Named):
        if value.name in RANK:
            yield value.name
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _dtype_arguments(item)
    elif isinstance(value, dict):
        yield from _dtype_arguments(tuple(value.values()))
    elif isinstance(value, Program):
        yield from _dtype_arguments(tuple(plain_leaves(value)))


def dtypes_named(case: Case) -> set[str]:
    """The floating dtypes that a case names as arguments."""
    return set(_dtype_arguments((case.args, case.kwargs)))


class Widened:
    """A case in the next wider dtype."""

    def __init__(
        self, case: Case, judged: dict[str, TensorData], outcome: Outcome, gauge: tuple[str, ...] = ()
    ) -> None:
        self.case = case
        self.want = replace(WANT, gauge=gauge)
        self.specs = tensor_specs(case)
        named = dtypes_named(case)
        present = {s.dtype for s in self.specs} | named | {t.dtype for t in judged.values()}
        # The exponents of bfloat16 are those of float32: what underflows in one does so in the other.
        self.rank = max(RANK[d] + (d == "bfloat16") for d in present if d in RANK)
        # A gradient passes through the dtypes of the result and of dtype= arguments, whatever its own is.
        results = {t.dtype for _, t in leaves(outcome.result) if isinstance(t, TensorData) and t.dtype in RANK}
        self.through = tuple(sorted(results | named))
        # With out= an operation computes in what its operands promote to, whatever it is then stored in.
        others = tensor_specs(replace(case, kwargs={k: v for k, v in case.kwargs.items() if k != "out"}))
        operands = {s.dtype for s in others} & RANK.keys()
        self.operands = tuple(sorted(operands | named or ({case.default_dtype} if others else set())))
        out = case.variant == "out"
        answered = [self.unit(path, t.dtype) if out else t.dtype for path, t in judged.items()]
        self.compute = _REAL_PART[min(answered, key=lambda d: RANK[d])]
        self.narrowest = max((FORMATS[_REAL_PART[d]].half_ulp for d in named), default=0.0)
        # Every step of a program rounds, in whichever dtype it computes.
        self.steps = 0.0
        if program_of(case) is not None:
            self.steps = max(format_of(d).half_ulp for d in (*present, case.default_dtype) if d in RANK)
        self.wider = any(RANK[self.unit(path, t.dtype)] < 3 for path, t in judged.items())
        self.wide_case = replace(
            case,
            args=self._value(case.args),
            kwargs=self._value(case.kwargs),
            default_dtype=_REAL[max(self.rank, RANK[case.default_dtype] - 1)] if self.wider else case.default_dtype,
        )
        # What is computed with an element that stands in many places is rounded in each place by itself.
        self._shown: dict[int, TensorSpec] = {}
        self.dense_case = replace(
            self.wide_case, args=self._dense(self.wide_case.args), kwargs=self._dense(self.wide_case.kwargs)
        )

    def _dense(self, value: Any) -> Any:
        """Every element of an expanded tensor in a place of its own."""
        kind = type(value)
        if kind is TensorSpec and value.layout.kind == "expanded":
            dense = replace(value, layout=Layout())
            self._shown[id(dense)] = value
            return dense
        if kind in (tuple, list):
            return kind(self._dense(v) for v in value)
        if kind is dict:
            return {k: self._dense(v) for k, v in value.items()}
        return value

    def dtype(self, dtype: str) -> str:
        if dtype not in RANK:
            return dtype
        return (_COMPLEX if is_complex(dtype) else _REAL)[self.rank]

    def _value(self, value: Any) -> Any:
        kind = type(value)
        if kind is Program:
            return mapped(value, self._value)
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
        transform: Transform | None = None,
        adapt_cotangent: Callable[[Array], Array] | None = None,
        rounding: Rounding | None = None,
        factor: Callable[[Any], Any] | None = None,
        integers: bool = False,
        dense: bool = True,
    ) -> Outcome:
        """The case in the wider dtype, its floating inputs (integers, too: as floating ones) put through `transform`
        after the cast, and the numbers that terms are multiplied by through `factor`. dense: what is transformed is
        expanded before, not after."""
        case = self.wide_case if transform is None or not dense else self.dense_case
        if factor is not None:
            case = replace(case, kwargs={k: factor(v) if k in _FACTORS else v for k, v in case.kwargs.items()})

        def adapt(spec: TensorSpec, array: Array) -> tuple[str, Array]:
            if id(spec) in self._shown and transform is not None:
                spec = self._shown[id(spec)]
                array = arrange(array, len(spec.shape), spec.layout, lambda a: a)[2]
            if spec.dtype not in RANK:
                if integers and transform is not None:
                    wide = array.astype(numpy_dtype(_REAL[self.rank]))
                    return _REAL[self.rank], transform(spec, wide)
                # Only the operand of a sum is changed among integers, never an index.
                return spec.dtype, absolute(spec, array) if transform is absolute and spec is self.specs[0] else array
            dtype = self.dtype(spec.dtype)
            if spec.dtype == "complex32":
                array = array[..., 0].astype(np.float32) + np.complex64(1j) * array[..., 1].astype(np.float32)
            wide = array.astype(numpy_dtype(dtype))
            return dtype, wide if transform is None else transform(spec, wide).astype(wide.dtype, copy=False)

        return answer(
            case,
            module,
            want=self.want,
            adapt=adapt,
            adapt_cotangent=adapt_cotangent,
            rounding=rounding,
        )


_REAL_PART = {d: d for d in FORMATS} | {"complex32": "float16", "complex64": "float32", "complex128": "float64"}


def _rounded(value: float, dtype: str) -> float:
    with np.errstate(all="ignore"):
        return float(np.array(value).astype(numpy_dtype(dtype)).astype(np.float64))


def arrays_of(outcome: Outcome, judged: dict[str, TensorData]) -> dict[str, Array]:
    return {
        path: wide_array(leaf)
        for path, leaf in tensors(outcome)
        if path in judged
        and leaf.shape == judged[path].shape
        and is_complex(leaf.dtype) == is_complex(judged[path].dtype)
    }

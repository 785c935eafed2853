"""dtypes, the promotion lattice, finfo/iinfo and the default dtype.

Promotion follows PyTorch's documented rules (https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc):
operands fall into three buckets (dimensioned tensors, 0-dim tensors, Python scalars); a lower bucket matters only when
its category is higher.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

from flambeau.ctype import CType

BOOL, INTEGRAL, FLOATING, COMPLEX = range(4)


class dtype(metaclass=CType):
    """Data type of a tensor's elements.

    numpy: the storage type of one element. compute: the dtype arithmetic is done in (float32 for half and bfloat16,
    complex64 for complex32, else the dtype itself). category: BOOL < INTEGRAL < FLOATING < COMPLEX.
    """

    __slots__ = (
        "alias",
        "bit",
        "category",
        "compute",
        "is_complex",
        "is_floating_point",
        "is_signed",
        "itemsize",
        "name",
        "numpy",
        "type_name",
    )
    __module__ = "torch"
    bit: int
    itemsize: int
    numpy: np.dtype[Any]

    def __init__(self, name: str, numpy: Any, category: int, type_name: str, signed: bool = True, alias: str = ""):
        self.name = name
        self.numpy = np.dtype(numpy)
        self.category = category
        self.type_name = type_name
        self.alias = alias
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = category == FLOATING
        self.is_complex = category == COMPLEX
        self.is_signed = signed
        self.compute = self

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_name, (self.name,)

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: Any) -> dtype:
        return self

    def to_real(self) -> dtype:
        """The dtype of the real part."""
        return _REAL.get(self, self)

    def to_complex(self) -> dtype:
        """The complex dtype whose parts hold this one's values."""
        return self if self.is_complex else _COMPLEX.get(self, complex64)


bool_ = dtype("bool", np.bool_, BOOL, "Bool", signed=False)
uint8 = dtype("uint8", np.uint8, INTEGRAL, "Byte", signed=False)
int8 = dtype("int8", np.int8, INTEGRAL, "Char")
int16 = dtype("int16", np.int16, INTEGRAL, "Short", alias="short")
int32 = dtype("int32", np.int32, INTEGRAL, "Int", alias="int")
int64 = dtype("int64", np.int64, INTEGRAL, "Long", alias="long")
uint16 = dtype("uint16", np.uint16, INTEGRAL, "UInt16", signed=False)
uint32 = dtype("uint32", np.uint32, INTEGRAL, "UInt32", signed=False)
uint64 = dtype("uint64", np.uint64, INTEGRAL, "UInt64", signed=False)
float16 = dtype("float16", np.float16, FLOATING, "Half", alias="half")
bfloat16 = dtype("bfloat16", ml_dtypes.bfloat16, FLOATING, "BFloat16")
float32 = dtype("float32", np.float32, FLOATING, "Float", alias="float")
float64 = dtype("float64", np.float64, FLOATING, "Double", alias="double")
complex32 = dtype(
    "complex32", np.dtype([("re", np.float16), ("im", np.float16)]), COMPLEX, "ComplexHalf", alias="chalf"
)
complex64 = dtype("complex64", np.complex64, COMPLEX, "ComplexFloat", alias="cfloat")
complex128 = dtype("complex128", np.complex128, COMPLEX, "ComplexDouble", alias="cdouble")

for _d, _c in ((float16, float32), (bfloat16, float32), (complex32, complex64)):
    _d.compute = _c

DTYPES = (
    bool_, uint8, int8, int16, int32, int64, uint16, uint32, uint64,
    float16, bfloat16, float32, float64, complex32, complex64, complex128,
)  # fmt: skip
for _i, _d in enumerate(DTYPES):
    _d.bit = 1 << _i
BY_NAME = {d.name: d for d in DTYPES}


def mask(*dtypes: dtype) -> int:
    """A set of dtypes as bits, for a quick test by `d.bit & mask`."""
    bits = 0
    for d in dtypes:
        bits |= d.bit
    return bits


FLOATS = (float16, bfloat16, float32, float64)
COMPLEXES = (complex32, complex64, complex128)
INTEGERS = tuple(d for d in DTYPES if d.category == INTEGRAL)
# what NumPy's ufuncs answer as PyTorch does, operands uncast
NATIVE_INTEXACT = mask(*INTEGERS)
NATIVE_FLOAT = mask(float32, float64, complex64, complex128)
OF_NUMPY = {d.numpy: d for d in DTYPES}
PYTHON_TYPES = {bool: bool_, int: int64}
BAREBONES_UNSIGNED = (uint16, uint32, uint64)
BAREBONES = mask(*BAREBONES_UNSIGNED)
_REAL = {complex32: float16, complex64: float32, complex128: float64}
_COMPLEX = {float16: complex32, bfloat16: complex64, float32: complex64, float64: complex128}
_WIDTH = {float16: 1, bfloat16: 1, float32: 2, float64: 3, complex32: 1, complex64: 2, complex128: 3}
_COMPLEX_OF_WIDTH = {1: complex32, 2: complex64, 3: complex128}


def _by_name(name: str) -> dtype:
    return BY_NAME[name]


def of_numpy(numpy_dtype: np.dtype[Any]) -> dtype:
    """The dtype that stores a NumPy dtype. Raises TypeError as `torch.from_numpy` does."""
    found = OF_NUMPY.get(numpy_dtype)
    if found is None and numpy_dtype.isnative is False:
        raise ValueError(
            "given numpy array has byte order different from the native byte order. "
            "Conversion between byte orders is currently not supported."
        )
    if found is None:
        name = numpy_dtype.type.__name__ if numpy_dtype.kind != "O" else "object_"
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{name}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, "
            "uint8, and bool."
        )
    return found


@cache
def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Smallest dtype both convert to. Raises RuntimeError where PyTorch defines none."""
    a, b = type1, type2
    if a is b:
        return a
    if a in BAREBONES_UNSIGNED or b in BAREBONES_UNSIGNED:
        other = b if a in BAREBONES_UNSIGNED else a
        if other.is_floating_point:
            return other
        raise RuntimeError(
            f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {_scalar_name(a)} "
            f"and {_scalar_name(b)}"
        )
    if a.is_complex or b.is_complex:
        width = max(_WIDTH.get(a, 0), _WIDTH.get(b, 0))
        if width == 1 and bfloat16 in (a, b):
            width = 2
        return _COMPLEX_OF_WIDTH[width]
    if a.is_floating_point and b.is_floating_point:
        if _WIDTH[a] == _WIDTH[b]:
            return float32
        return a if _WIDTH[a] > _WIDTH[b] else b
    if a.category != b.category:
        return a if a.category > b.category else b
    if uint8 in (a, b):
        other = b if a is uint8 else a
        return int16 if other is int8 else other
    return a if a.itemsize > b.itemsize else b


def _scalar_name(d: dtype) -> str:
    return d.type_name


def combine(high: dtype | None, low: dtype | None) -> dtype | None:
    """Result of two buckets; `low` matters only when its category is higher."""
    if high is None or low is None:
        return low if high is None else high
    if high.category == COMPLEX:
        return high
    if high.category == FLOATING:
        return high.to_complex() if low.category == COMPLEX else high
    if high.category == INTEGRAL and low.category == COMPLEX:
        return low
    if high.category == BOOL or low.category >= FLOATING:
        return promote_types(high, low)
    return high


def of_scalar(value: Any) -> dtype:
    """dtype a Python number counts as: bool, int64, the default dtype or its complex counterpart."""
    kind = type(value)
    if kind is bool or isinstance(value, np.bool_):
        return bool_
    if isinstance(value, int | np.integer):
        return int64
    if isinstance(value, float | np.floating):
        return _default
    if isinstance(value, complex | np.complexfloating):
        return _default.to_complex()
    raise TypeError(f"{kind.__name__} is not a number")


_default = float32


def get_default_dtype() -> dtype:
    """The floating dtype of numbers that name none (initially float32)."""
    return _default


def set_default_dtype(d: dtype, /) -> None:
    """Set the default floating dtype. Raises TypeError for anything but a floating dtype."""
    global _default
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _default = d


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a result of dtype `from_` may be written into a tensor of dtype `to`: the category must not fall."""
    if from_.is_complex and not to.is_complex:
        return False
    if from_.is_floating_point and to.category < FLOATING:
        return False
    return not (from_.category != BOOL and to.category == BOOL)

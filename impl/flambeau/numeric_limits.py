"""torch.finfo and torch.iinfo."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from flambeau import dtypes, printing
from flambeau.ctype import CType
from flambeau.declare import export
from flambeau.dtypes import dtype
from flambeau.signatures import Parser

_FINFO = Parser("finfo", "finfo(torch.dtype type)", "finfo()")
_IINFO = Parser("iinfo", "iinfo(torch.dtype type)")


class finfo(metaclass=CType):
    """Limits of a floating dtype: bits, eps, min, max, tiny (smallest_normal), resolution.

    Raises TypeError for other dtypes.
    """

    __module__ = "torch"

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        index, values = _FINFO.bind(arguments, keywords)
        d = dtypes.get_default_dtype() if index else values[0]
        if d.category < dtypes.FLOATING:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        d = d.to_real()
        info = ml_dtypes.finfo(d.numpy)
        self.bits = d.itemsize * 8
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = 10.0**-info.precision
        self.dtype = d.name

    def __repr__(self) -> str:
        return printing.finfo_repr(
            self.dtype, resolution=self.resolution, min=self.min, max=self.max, eps=self.eps, tiny=self.tiny
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


class iinfo(metaclass=CType):
    """Limits of an integer dtype: bits, min, max. Raises TypeError for other dtypes."""

    __module__ = "torch"

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        type: dtype = _IINFO.bind(arguments, keywords)[1][0]
        if type is dtypes.bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if type.category != dtypes.INTEGRAL:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        info = np.iinfo(type.numpy)
        self.bits = type.itemsize * 8
        self.min = int(info.min)
        self.max = int(info.max)
        self.dtype = type.name

    def __repr__(self) -> str:
        return printing.iinfo_repr(self.dtype, min=self.min, max=self.max)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


export("finfo", finfo)
export("iinfo", iinfo)

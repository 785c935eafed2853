"""Tensors from shapes, ranges and Python data."""

from __future__ import annotations

from typing import Any

import numpy as np

from flambeau import dtypes
from flambeau.cpu.casting import scalar
from flambeau.cpu.copying import empty as empty_array
from flambeau.declare import composite
from flambeau.dtypes import dtype
from flambeau.geometry import Shape, contiguous_strides
from flambeau.methods import requires_grad_
from flambeau.ops.copying import check_device
from flambeau.size import CPU
from flambeau.tensor import Tensor, fresh, without_data

OPTIONS = (
    "Tensor out=None, torch.dtype? dtype=None, torch.layout? layout=torch.strided, torch.device? device=None, "
    "bool? pin_memory=False, bool? requires_grad=False"
)


def check_size(size: Shape) -> Shape:
    """Raise RuntimeError for negative dims."""
    for n in size:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    return tuple(size)


def filled(size: Shape, value: Any, d: dtype, device: Any = None, requires_grad: bool | None = False) -> Tensor:
    """A new row-major tensor with one value everywhere; None leaves it uninitialised."""
    where = check_device(device)
    size = check_size(size)
    if where is not CPU:
        t = without_data(size, d, contiguous_strides(size), where)
    elif value is None:
        t = fresh(np.empty(size, d.numpy), d)
    else:
        array = empty_array(size, contiguous_strides(size), d.numpy)
        from flambeau.cpu.casting import cast

        array[...] = cast(scalar(value, d.compute), d.compute, d)
        t = fresh(array, d)
    return requires_grad_(t) if requires_grad else t  # type: ignore[no-any-return]


def _constant(name: str, value: Any, doc: str) -> None:
    def body(
        size: Shape,
        dtype: dtype | None = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool | None = False,
        requires_grad: bool | None = False,
    ) -> Tensor:
        return filled(size, value, dtype or dtypes.get_default_dtype(), device, requires_grad)

    body.__name__, body.__doc__ = name, doc
    composite(f"{name}(tuple of ints size, *, {OPTIONS})", method=False)(body)


_constant("zeros", 0, "A tensor of zeros.")
_constant("ones", 1, "A tensor of ones.")


@composite(
    "new_zeros(Tensor input, tuple of ints size, *, torch.dtype? dtype=None, torch.layout? layout=None, "
    "torch.device? device=None, bool? pin_memory=False, bool? requires_grad=False)",
    function=False,
)
def new_zeros(
    input: Tensor, size: Shape, dtype: dtype | None = None, layout: Any = None, device: Any = None,
    pin_memory: bool | None = False, requires_grad: bool | None = False,
) -> Tensor:  # fmt: skip
    """Zeros of this tensor's dtype and device."""
    return filled(size, 0, dtype or input.dtype, device or input.device, requires_grad)

"""flambeau: PyTorch in plain Python."""

from importlib import import_module as _import_module

from flambeau import dtypes as _dtypes
from flambeau import signatures as _signatures
from flambeau import size as _size
from flambeau.declare import NAMESPACES as _NAMESPACES
from flambeau.parameter import Parameter as _Parameter
from flambeau.tensor import Tensor

_signatures.register(
    tensor=(Tensor, _Parameter),
    dtype=_dtypes.dtype,
    device=_size.device,
    layout=_size.layout,
    memory_format=_size.memory_format,
    size=_size.Size,
    python_dtypes={float: _dtypes.float64, int: _dtypes.int64, bool: _dtypes.bool_, complex: _dtypes.complex128},
    constants={
        "torch.strided": _size.strided,
        "torch.preserve_format": _size.preserve_format,
        "torch.contiguous_format": _size.contiguous_format,
        "contiguous_format": _size.contiguous_format,
        "c10::MemoryFormat::Contiguous": _size.contiguous_format,
    },
)

for _family in (
    "data",
    "methods",
    "ops.arithmetic",
    "ops.comparison",
    "ops.copying",
    "ops.creation",
    "ops.joining",
    "ops.linear",
    "ops.operators",
    "ops.powers",
    "ops.random",
    "ops.reductions",
    "ops.selection",
    "ops.strided",
    "ops.views",
):
    _import_module(f"flambeau.{_family}")
globals().update(_NAMESPACES[""])

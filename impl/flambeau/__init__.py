"""flambeau: PyTorch in plain Python."""

from flambeau import dtypes as _dtypes
from flambeau import signatures as _signatures
from flambeau import size as _size
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
from flambeau import methods as _methods  # noqa: E402,F401
from flambeau.declare import NAMESPACES as _NAMESPACES  # noqa: E402
from flambeau.ops import arithmetic, copying, creation, linear, operators, reductions, strided, views  # noqa: E402,F401

globals().update(_NAMESPACES[""])

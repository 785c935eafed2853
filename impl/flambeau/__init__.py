"""flambeau: PyTorch in plain Python."""

import sys as _sys
from importlib import import_module as _import_module
from typing import Any as _Any

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
    "autograd.attributes",
    "autograd.function",
    "autograd.gradcheck",
    "copies",
    "data",
    "legacy",
    "methods",
    "namespace",
    "numeric_limits",
    "ops.activation",
    "ops.affine",
    "ops.arithmetic",
    "ops.brackets",
    "ops.broadcasting",
    "ops.comparison",
    "ops.complexes",
    "ops.contractions",
    "ops.copying",
    "ops.creation",
    "ops.distinct",
    "ops.einsum",
    "ops.extremes",
    "ops.filling",
    "ops.functional",
    "ops.gathering",
    "ops.index_updates",
    "ops.indexing",
    "ops.inplace_views",
    "ops.joining",
    "ops.linear",
    "ops.logic",
    "ops.losses",
    "ops.masking",
    "ops.norms",
    "ops.operators",
    "ops.permutations",
    "ops.powers",
    "ops.random",
    "ops.ranges",
    "ops.reductions",
    "ops.reordering",
    "ops.repeating",
    "ops.rounding",
    "ops.scaled_products",
    "ops.scans",
    "ops.scatter",
    "ops.selection",
    "ops.slicing",
    "ops.softmax",
    "ops.sorting",
    "ops.splitting",
    "ops.statistics",
    "ops.strided",
    "ops.transcendental",
    "ops.triangles",
    "ops.views",
    "storage",
    "warning",
):
    _import_module(f"flambeau.{_family}")
globals().update(_NAMESPACES[""])
_PUBLIC = (
    "_C",
    "autograd",
    "autograd.graph",
    "cuda",
    "linalg",
    "nn",
    "nn.functional",
    "overrides",
    "random",
    "return_types",
    "special",
)
for _name in _PUBLIC:
    vars(_import_module(f"flambeau.{_name}")).update(_NAMESPACES.get(_name, {}))
# the package's own modules are no part of PyTorch's namespace
for _name in [n.split(".")[1] for n in _sys.modules if n.startswith("flambeau.")]:
    if _name not in _PUBLIC and _name not in _NAMESPACES[""]:
        globals().pop(_name, None)


def __getattr__(name: str) -> _Any:
    raise AttributeError(f"module 'torch' has no attribute '{name}'")


__version__ = "2.13.0+flambeau"

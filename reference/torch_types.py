"""Real PyTorch's types in place of flambeau's, for flambeau's argument parser, and values that each of them takes."""

from typing import Any

import torch

from flambeau.signatures import Parameter

STAND_INS = {
    "tensor": (torch.Tensor, torch.nn.Parameter),
    "dtype": torch.dtype,
    "device": torch.device,
    "generator": torch.Generator,
    "layout": torch.layout,
    "memory_format": torch.memory_format,
    "size": torch.Size,
    "qscheme": torch.qscheme,
    "stream": torch.Stream,
    "storage": torch.UntypedStorage,
    "python_dtypes": {float: torch.float64, int: torch.int64, bool: torch.bool, complex: torch.complex128},
    "constants": {
        "torch.strided": torch.strided,
        "contiguous_format": torch.contiguous_format,
        "c10::MemoryFormat::Contiguous": torch.contiguous_format,
    },
}


def sample(parameter: Parameter) -> Any:
    """A value that the parameter's type accepts."""
    kind = parameter.kind
    if kind == "tuple of Tensors":
        return [torch.ones(2)] * (parameter.size or 1)
    samples = {
        "Tensor": torch.ones(2),
        "tuple of ints": (1,),
        "tuple of floats": (0.5,),
        "tuple of Scalars": (1,),
        "float": 0.5,
        "bool": False,
        "str": "a",
        "torch.dtype": torch.float32,
        "torch.device": "cpu",
        "torch.layout": torch.strided,
        "torch.memory_format": torch.contiguous_format,
        "torch.Generator": torch.Generator(),
        "torch.Storage": torch.UntypedStorage(1),
        "name": "a",
        "tuple of names": ("a",),
    }
    return samples.get(kind, 1)

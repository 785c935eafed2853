"""The constructors and types of PyTorch's first years: torch.Tensor(...), torch.FloatTensor, Variable, .type().

https://docs.pytorch.org/docs/stable/tensors.html#torch.Tensor
"""

from __future__ import annotations

import warnings
from operator import index
from typing import Any

from flambeau import dtypes
from flambeau.autograd.attributes import requires_grad_
from flambeau.autograd.node import node_of
from flambeau.data import from_data
from flambeau.declare import export
from flambeau.dtypes import DTYPES, FLOATING, dtype
from flambeau.methods import builtin, on_tensor
from flambeau.ops.copying import to_dtype
from flambeau.ops.creation import new_tensor_of
from flambeau.signatures import type_name
from flambeau.size import CPU, Size, device
from flambeau.tensor import Tensor, detached, without_data
from flambeau.warning import warn_once

_CONSTRUCTORS = (
    "new() received an invalid combination of arguments - got ({got}), but expected one of:\n"
    " * (*, torch.device device = None)\n * (torch.Storage storage)\n * (Tensor other)\n"
    " * (tuple of ints size, *, torch.device device = None)\n * (object data, *, torch.device device = None)\n"
)
_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
    "float64": "double", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def construct(d: dtype, args: tuple[Any, ...], kwargs: dict[str, Any], *, exact: bool, where: Any = None) -> Tensor:
    """What `torch.Tensor(...)` (exact=False) and `torch.FloatTensor(...)` (exact=True) make of their arguments."""
    keywords = dict(kwargs)
    given = keywords.pop("device", None)
    if keywords:
        got = ", ".join([*(type_name(a) for a in args), *(f"{k}={type_name(v)}" for k, v in kwargs.items())])
        raise TypeError(_CONSTRUCTORS.format(got=got))
    if given is not None and device(given).type != "cpu":
        raise RuntimeError(
            f"legacy constructor expects device type: cpu but device type: {device(given).type} was passed"
        )
    where = where or CPU
    if not args:
        return new_tensor_of((0,), None, d, where)
    first = args[0]
    if len(args) == 1 and isinstance(first, Tensor):
        if exact and first.dtype is not d:
            rest = (
                "device=cpu, layout=Strided, requires_grad=false (default), pinned_memory=false (default), "
                "memory_format=(nullopt))"
            )
            names = [_C_NAMES.get(x.name, x.name) for x in (d, first.dtype)]
            raise TypeError(
                f"expected TensorOptions(dtype={names[0]}, {rest} (got TensorOptions(dtype={names[1]}, {rest})"
            )
        return detached(first)
    if len(args) == 1 and isinstance(first, Size):
        return new_tensor_of(tuple(first), None, d, where)
    if all(hasattr(a, "__index__") and not isinstance(a, bool | Tensor) for a in args):
        return new_tensor_of(tuple(index(a) for a in args), None, d, where)
    if len(args) == 1:
        if isinstance(first, str):
            raise TypeError("new(): invalid data type 'str'")
        if not hasattr(first, "__len__") or not hasattr(first, "__getitem__"):
            raise TypeError(f"new(): data must be a sequence (got {type_name(first)})")
        return from_data(first, d, where)
    if isinstance(first, int) and not isinstance(first, bool):
        place = next(i for i, a in enumerate(args) if not isinstance(a, int) or isinstance(a, bool))
        raise TypeError(
            f"new(): argument 'size' failed to unpack the object at pos {place + 1} with error \"type must be tuple of "
            f'ints,but got {type_name(args[place])}"'
        )
    raise TypeError(_CONSTRUCTORS.format(got=", ".join(type_name(a) for a in args)))


def _new(cls: type, *args: Any, **kwargs: Any) -> Tensor:
    t = construct(dtypes.get_default_dtype(), args, kwargs, exact=False)
    if cls is not Tensor:
        t.__class__ = cls  # type: ignore[assignment]
    return t


def _init(self: Tensor, *args: Any, **kwargs: Any) -> None:
    """Nothing is left to do after `__new__`; subclasses may take arguments of their own."""


Tensor.__new__ = _new  # type: ignore[assignment,method-assign]
Tensor.__init__ = _init  # type: ignore[method-assign,assignment]


class tensortype(type):
    """The type of torch.FloatTensor and its kin: classes that are dtype tests and constructors."""

    __module__ = "torch"
    dtype: dtype
    is_cuda: bool

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.is_cuda == cls.is_cuda  # type: ignore[attr-defined]

    def __call__(cls, *args: Any, **kwargs: Any) -> Tensor:
        if cls.is_cuda:
            raise TypeError(
                f"type {cls.__module__}.{cls.__name__} not available. Torch not compiled with CUDA enabled."
            )
        return construct(cls.dtype, args, kwargs, exact=True)


TYPES: dict[str, tensortype] = {}
_LEGACY = (
    dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16, dtypes.uint8, dtypes.int8, dtypes.int16,
    dtypes.int32, dtypes.int64, dtypes.bool_,
)  # fmt: skip
for _d in _LEGACY:
    for _module in ("torch", "torch.cuda"):
        _name = f"{_d.type_name}Tensor"
        _space = {"__module__": _module, "dtype": _d, "is_cuda": _module != "torch", "is_sparse": False}
        _made = tensortype(_name, (), _space)
        TYPES[f"{_module}.{_name}"] = _made
        export(_name, _made, "" if _module == "torch" else "cuda")
_ALL_NAMES = {f"torch.{d.type_name}Tensor": d for d in DTYPES}


@builtin("type(object dtype=None, bool non_blocking=False, *, torch.memory_format? memory_format=None)")
def type_of(self: Tensor, dtype: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
    """The name of the tensor's legacy type; or the tensor converted to a dtype or legacy type."""
    if dtype is None:
        where = "torch" if not self.is_cuda else "torch.cuda"  # type: ignore[attr-defined]
        return f"{where}.{self.dtype.type_name}Tensor"
    if isinstance(dtype, dtypes.dtype):
        return to_dtype(self, dtype)
    if isinstance(dtype, tensortype):
        dtype = f"{dtype.__module__}.{dtype.__name__}"
    if isinstance(dtype, str) and dtype in _ALL_NAMES:
        return to_dtype(self, _ALL_NAMES[dtype])
    if isinstance(dtype, str) and dtype in TYPES:
        return self.to("cuda")  # type: ignore[attr-defined]
    if dtype is Tensor:
        return to_dtype(self, dtypes.get_default_dtype())
    name = dtype.__name__ if isinstance(dtype, type) else str(dtype)
    raise ValueError(f"invalid type: '{name}'")


@on_tensor
def new(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """A tensor of this dtype by the legacy constructor."""
    if self._array is None:
        made = construct(self.dtype, args, kwargs, exact=True)
        return without_data(tuple(made.shape), self.dtype)
    return construct(self.dtype, args, kwargs, exact=True)


def set_default_tensor_type(t: Any, /) -> None:
    """Set the default dtype by a legacy type or its name. Deprecated."""
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        "torch/csrc/tensor/python_tensor.cpp:434",
        stacklevel=2,
    )
    if isinstance(t, str):
        module, _, name = t.rpartition(".")
        if t not in TYPES:
            if not module:
                raise ModuleNotFoundError(f"No module named {t!r}")
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        t = TYPES[t]
    if not isinstance(t, tensortype):
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    if not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    if t.is_cuda:
        raise TypeError(f"type {t.__module__}.{t.__name__} not available. Torch not compiled with CUDA enabled.")
    dtypes.set_default_dtype(t.dtype)


set_default_tensor_type.__module__ = "torch"
export("set_default_tensor_type", set_default_tensor_type)


class VariableMeta(type):
    """Every tensor is a Variable."""

    __module__ = "torch.autograd.variable"

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=VariableMeta):
    """Deprecated: a tensor that shares the data of another, with its own place in the graph."""

    __module__ = "torch.autograd.variable"

    def __new__(cls, data: Any = None, requires_grad: Any = None, volatile: Any = None) -> Any:
        """A tensor over data's elements. Raises TypeError for what is no tensor."""
        if volatile is not None and volatile is not False:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                UserWarning,
                stacklevel=2,
            )
        if data is None:
            return new_tensor_of((0,), None, dtypes.get_default_dtype())
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type_name(data)}")
        out = detached(data)
        if requires_grad:
            if data.dtype.category < FLOATING:
                raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
            requires_grad_(out)
        return out


export("Variable", Variable, "autograd")


def _volatile(self: Tensor) -> bool:
    warnings.warn("volatile was removed (Variable.volatile is always False)", UserWarning, stacklevel=2)
    return False


Tensor.volatile = property(_volatile)  # type: ignore[attr-defined]


@on_tensor
def as_subclass(self: Tensor, cls: type) -> Tensor:
    """The tensor as an instance of a subclass, over the same memory, gradients flowing."""
    out = _alias(self)
    out.__class__ = cls  # type: ignore[assignment]
    return out


def _alias(t: Tensor) -> Tensor:
    """A view of all of t, through which gradients flow where they are asked for."""
    from flambeau.ops.views import alias_of

    if node_of(t) is None:
        return detached(t)
    return alias_of.op.run({"input": t})  # type: ignore[attr-defined,no-any-return]


def _make_subclass(cls: type, data: Tensor, require_grad: bool = False, **_: Any) -> Tensor:
    """An instance of a tensor subclass over data's memory, outside the graph."""
    out = detached(data)
    out.__class__ = cls  # type: ignore[assignment]
    return requires_grad_(out) if require_grad else out  # type: ignore[no-any-return]


Tensor._make_subclass = staticmethod(_make_subclass)  # type: ignore[attr-defined]

"""The constructors and types of PyTorch's first years: torch.Tensor(...), torch.FloatTensor, Variable, .type().

https://docs.pytorch.org/docs/stable/tensors.html#torch.Tensor
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

from flambeau import dtypes
from flambeau.autograd.attributes import requires_grad_
from flambeau.autograd.node import node_of
from flambeau.data import from_data, is_sequence
from flambeau.declare import export
from flambeau.dtypes import DTYPES, FLOATING, dtype
from flambeau.methods import builtin, on_tensor
from flambeau.ops.copying import to_dtype
from flambeau.ops.creation import new_tensor_of
from flambeau.signatures import Parser, type_name
from flambeau.size import CPU, Size, device
from flambeau.tensor import Tensor, detached, extend, without_data
from flambeau.warning import warn_once

_CONSTRUCTOR = Parser(
    "new",
    "new(*, torch.device? device=None)",
    "new(torch.Storage storage)",
    "new(Tensor other)",
    "new(tuple of ints size, *, torch.device? device=None)",
    "new(object data, *, torch.device? device=None)",
)
_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float",
    "float64": "double", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def construct(d: dtype, args: tuple[Any, ...], kwargs: dict[str, Any], *, exact: bool, where: Any = None) -> Tensor:
    """What `torch.Tensor(...)` (exact=False) and `torch.FloatTensor(...)` (exact=True) make of their arguments."""
    given = _bound(args, kwargs)
    asked = given.get("device")
    if asked is not None and device(asked).type != "cpu":
        raise RuntimeError(
            f"legacy constructor expects device type: cpu but device type: {device(asked).type} was passed"
        )
    where = where or CPU
    if "size" in given:
        return new_tensor_of(given["size"], None, d, where)
    if "storage" in given:
        return _over_storage(given["storage"], d, where)
    if "other" in given:
        other = given["other"]
        if exact and (other.dtype is not d or other.device != where):
            raise TypeError(f"expected {_options(d, where)} (got {_options(other.dtype, other.device)})")
        return _alias(other)
    if "data" not in given:
        return new_tensor_of((0,), None, d, where)
    data = given["data"]
    if not is_sequence(data):
        raise TypeError(f"new(): data must be a sequence (got {type_name(data)})")
    return from_data(data, d, where)


def _bound(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name. Integers in a row are a size, a sequence of them is one only as a torch.Size."""
    first = args[0] if args else None
    if (
        len(args) == 1
        and isinstance(first, list | tuple)
        and not isinstance(first, Size)
        and kwargs.keys() <= {"device"}
    ):
        return {"data": first, **kwargs}
    sized = (args,) if _is_index(first) and kwargs.keys() <= {"device"} else args
    index, values = _CONSTRUCTOR.bind(sized, kwargs)
    return dict(zip([p.name for p in _CONSTRUCTOR.signatures[index].parameters], values, strict=True))


def _is_index(value: Any) -> bool:
    if isinstance(value, bool | Tensor) or not hasattr(type(value), "__index__"):
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _options(d: dtype, where: device) -> str:
    return (
        f"TensorOptions(dtype={_C_NAMES.get(d.name, d.name)}, device={where}, layout=Strided, "
        "requires_grad=false (default), pinned_memory=false (default), memory_format=(nullopt))"
    )


def _over_storage(storage: Any, d: dtype, where: device) -> Tensor:
    """A 1-dim tensor over all elements of a storage. Raises RuntimeError for one of another dtype."""
    typed = getattr(storage, "dtype", d)
    if typed is not d:
        raise RuntimeError(
            f"Expected a Storage of type {d.type_name} or an UntypedStorage, but got type {typed.type_name} for "
            "argument 1 'storage'"
        )
    return new_tensor_of((0,), None, d, where).set_(storage)


def _new(cls: type, *args: Any, **kwargs: Any) -> Tensor:
    t = construct(dtypes.get_default_dtype(), args, kwargs, exact=False)
    if cls is not Tensor:
        t.__class__ = cls
    return t


def _init(self: Tensor, *args: Any, **kwargs: Any) -> None:
    """Nothing is left to do after `__new__`; subclasses may take arguments of their own."""


extend(
    __new__=_new,
    __init__=_init,
)


class tensortype(type):
    """The type of torch.FloatTensor and its kin: classes that are dtype tests and constructors."""

    __module__ = "torch"
    dtype: dtype
    is_cuda: bool

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.is_cuda == cls.is_cuda

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


@builtin(
    "type(object dtype=None, bool non_blocking=False, *, torch.memory_format? memory_format=None)",
    "type(object dtype=None, bool async=False, *, torch.memory_format? memory_format=None)|deprecated",
)
def type_of(self: Tensor, dtype: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Any:
    """The name of the tensor's legacy type; or the tensor converted to a dtype or legacy type."""
    if dtype is None:
        where = "torch" if not self.is_cuda else "torch.cuda"
        return f"{where}.{self.dtype.type_name}Tensor"
    if not isinstance(dtype, dtypes.dtype | str | bytes | type):
        raise TypeError("dtype must be a type, str, or dtype object")
    if isinstance(dtype, bytes):
        dtype = dtype.decode()
    if isinstance(dtype, dtypes.dtype):
        return to_dtype(self, dtype)
    if isinstance(dtype, tensortype):
        dtype = f"{dtype.__module__}.{dtype.__name__}"
    if isinstance(dtype, str) and dtype in _ALL_NAMES:
        return to_dtype(self, _ALL_NAMES[dtype])
    if isinstance(dtype, str) and dtype in TYPES:
        return self.to("cuda")
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
    if isinstance(t, str):
        module, _, name = t.rpartition(".")
        if t not in TYPES:
            if not module:
                raise ModuleNotFoundError(f"No module named {t!r}")
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        t = TYPES[t]
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives.",
        "torch/csrc/tensor/python_tensor.cpp:434",
        stacklevel=2,
    )
    if not isinstance(t, tensortype):
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    if not t.dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    if t.is_cuda:
        raise TypeError(f"type {t.__module__}.{t.__name__} not available. Torch not compiled with CUDA enabled.")
    dtypes.set_default_dtype(t.dtype)


set_default_tensor_type.__module__ = "torch"
export("set_default_tensor_type", set_default_tensor_type)


_VARIABLE = ("data", "requires_grad", "volatile", "_grad_fn", "name")


class VariableMeta(type):
    """Every tensor is a Variable."""

    __module__ = "torch.autograd.variable"

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=VariableMeta):
    """Deprecated: a tensor that shares the data of another, with its own place in the graph."""

    __module__ = "torch.autograd.variable"

    def __new__(cls, *arguments: Any, **keywords: Any) -> Any:
        """A tensor over data's elements: Variable(data, requires_grad, volatile); its name is forgotten.

        Raises TypeError for what is no tensor, ValueError for volatile with requires_grad.
        """
        if len(arguments) + len(keywords) > len(_VARIABLE):
            count = len(arguments) + len(keywords)
            raise TypeError(f"function takes at most {len(_VARIABLE)} arguments ({count} given)")
        for name in keywords:
            if name not in _VARIABLE:
                raise TypeError(f"'{name}' is an invalid keyword argument for this function")
        given = {**dict(zip(_VARIABLE, arguments, strict=False)), **keywords}
        data, grad_fn = given.get("data"), given.get("_grad_fn")
        requires_grad, volatile = (bool(operator.index(given.get(n, False))) for n in ("requires_grad", "volatile"))
        if grad_fn is not None:
            raise TypeError(f"_grad_fn has to be a Function object or None, but got {type_name(grad_fn)}")
        if volatile:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.",
                UserWarning,
                stacklevel=2,
            )
        if volatile and requires_grad:
            raise ValueError("Variable can't be volatile and require_grad at the same time!")
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


extend(volatile=property(_volatile))


@on_tensor
def as_subclass(self: Tensor, cls: type) -> Tensor:
    """The tensor as an instance of a subclass, over the same memory, gradients flowing."""
    if not isinstance(cls, type):
        raise TypeError(f"cls must be a type (got {type_name(cls)})")
    if not issubclass(cls, Tensor):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not possible. Make sure your "
            "class inherits from Tensor."
        )
    out = _alias(self)
    out.__class__ = cls
    return out


def _alias(t: Tensor) -> Tensor:
    """A view of all of t, through which gradients flow where they are asked for."""
    from flambeau.ops.views import alias_of

    if node_of(t) is None:
        return detached(t)
    return alias_of.run({"input": t})


def _make_subclass(cls: type, data: Tensor, require_grad: bool = False, **_: Any) -> Tensor:
    """An instance of a tensor subclass over data's memory, outside the graph."""
    out = detached(data)
    out.__class__ = cls
    return requires_grad_(out) if require_grad else out


extend(_make_subclass=staticmethod(_make_subclass))

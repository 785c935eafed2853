"""What a person calls on a tensor that is no operation: its metadata, its place in the graph, text and values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any

import numpy as np

from flambeau import dtypes, overrides, printing
from flambeau.autograd import api
from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, Node, RemovableHandle, hooks_of, leaf, node_of
from flambeau.dtypes import FLOATING, dtype
from flambeau.geometry import is_channels_last, is_contiguous
from flambeau.signatures import Parser, not_a_tensor
from flambeau.size import CPU, Size, channels_last, channels_last_3d, contiguous_format, device, strided
from flambeau.tensor import Tensor, detached, memory, shape_of, version


def on_tensor(function: Callable[..., Any]) -> Callable[..., Any]:
    """Attach a function as a method of Tensor."""
    function.__qualname__ = f"Tensor.{function.__name__}"
    setattr(Tensor, function.__name__, function)
    return function


def builtin(schema: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Attach a function as a method whose arguments PyTorch's own parser reads. Returns the plain function."""

    def attach(function: Callable[..., Any]) -> Callable[..., Any]:
        name = schema.partition("(")[0]
        parser = Parser(name, schema, method=True)

        def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            if type(self) not in overrides.PLAIN:
                if not isinstance(self, Tensor):
                    raise not_a_tensor(name, self)
                if overrides.needed((self, *args), kwargs):
                    return overrides.handle(method, (self, *args), kwargs)
            if not args and not kwargs:
                return function(self)
            return function(self, *parser.bind(args, kwargs)[1])

        method.__name__, method.__qualname__, method.__doc__ = name, f"Tensor.{name}", function.__doc__
        setattr(Tensor, name, method)
        return function

    return attach


def property_of_tensor(function: Callable[..., Any]) -> property:
    """Attach a read-only property to Tensor."""
    made = property(function)
    setattr(Tensor, function.__name__, made)
    return made


# ------------------------------------------------------------------------------------------ metadata


@builtin("size(int? dim=None)")
def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or one of its dims."""
    shape = shape_of(self)
    if dim is None:
        return tuple.__new__(Size, shape)
    from flambeau.geometry import wrap_dim

    return shape[wrap_dim(dim, len(shape), wrap_scalar=False)]


@builtin("stride(int? dim=None)")
def stride(self: Tensor, dim: int | None = None) -> Any:
    """Elements from one index to the next along each dim, or one."""
    strides = memory(self).strides
    if dim is None:
        return strides
    from flambeau.geometry import wrap_dim

    return strides[wrap_dim(dim, len(strides), wrap_scalar=False)]


@builtin("dim()")
def dim(self: Tensor) -> int:
    """Number of dims."""
    return len(shape_of(self))


@builtin("numel()")
def numel(self: Tensor) -> int:
    """Number of elements."""
    return prod(shape_of(self))


@builtin("storage_offset()")
def storage_offset(self: Tensor) -> int:
    """Elements from the start of the storage to the first one."""
    return memory(self).offset


@builtin("data_ptr()")
def data_ptr(self: Tensor) -> int:
    """Address of the first element, 0 where there is none."""
    if self._array is None or not numel(self):
        return 0
    return self._array.__array_interface__["data"][0]  # type: ignore[no-any-return]


@builtin("element_size()")
def element_size(self: Tensor) -> int:
    """Bytes of one element."""
    return self._dtype.itemsize


@builtin("is_contiguous(*, torch.memory_format memory_format=contiguous_format)")
def is_contiguous_(self: Tensor, memory_format: Any = contiguous_format) -> bool:
    """Whether the elements lie in memory in row-major (or the given) order."""
    own = memory(self)
    if memory_format in (channels_last, channels_last_3d):
        rank = 4 if memory_format is channels_last else 5
        return len(own.shape) == rank and is_channels_last(own.shape, own.strides)
    return is_contiguous(own.shape, own.strides)


@builtin("is_floating_point()")
def is_floating_point(self: Tensor) -> bool:
    """Whether the dtype is a real floating one."""
    return self._dtype.is_floating_point


@builtin("is_complex()")
def is_complex(self: Tensor) -> bool:
    """Whether the dtype is complex."""
    return self._dtype.is_complex


@builtin("is_signed()")
def is_signed(self: Tensor) -> bool:
    """Whether the dtype has negative values."""
    return self._dtype.is_signed


@builtin("is_inference()")
def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return False


@builtin("get_device()")
def get_device(self: Tensor) -> int:
    """Index of the device, -1 on the CPU."""
    return -1


@on_tensor
def __len__(self: Tensor) -> int:
    shape = shape_of(self)
    if not shape:
        raise TypeError("len() of a 0-d tensor")
    return shape[0]


@on_tensor
def __hash__(self: Tensor) -> int:
    return id(self)


def _constant(name: str, value: Any) -> None:
    setattr(Tensor, name, property(lambda self: value))


for _name in (
    "is_cuda", "is_sparse", "is_quantized", "is_mkldnn", "is_mps", "is_xpu", "is_nested", "is_sparse_csr", "is_ipu",
    "is_maia", "is_vulkan", "is_xla", "is_mtia",
):  # fmt: skip
    _constant(_name, False)
_constant("layout", strided)
_constant("names", property)
Tensor.is_cpu = property(lambda self: self._array is not None or self.device == CPU)  # type: ignore[attr-defined]
Tensor.is_meta = property(lambda self: self.device.type == "meta")  # type: ignore[attr-defined]
Tensor.names = property(lambda self: (None,) * dim(self))  # type: ignore[attr-defined]
Tensor.ndim = property(dim)  # type: ignore[attr-defined]
builtin("ndimension()")(dim)
builtin("nelement()")(numel)
Tensor.itemsize = property(element_size)  # type: ignore[attr-defined]
Tensor.nbytes = property(lambda self: numel(self) * self._dtype.itemsize)  # type: ignore[attr-defined]
Tensor._version = property(lambda self: version(self)[0])  # type: ignore[attr-defined]


# ------------------------------------------------------------------------------------------ graph


def _get_requires_grad(self: Tensor) -> bool:
    return node_of(self) is not None


def _set_requires_grad(self: Tensor, value: bool) -> None:
    requires_grad_(self, value)


Tensor.requires_grad = property(_get_requires_grad, _set_requires_grad, doc="Whether gradients are asked for.")  # type: ignore[attr-defined]


@builtin("requires_grad_(bool requires_grad=True)")
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Ask for gradients, or no longer. Raises RuntimeError for integers, and for non-leaves that are switched off."""
    if not isinstance(requires_grad, bool):
        raise RuntimeError("requires_grad must be a bool")
    node = node_of(self)
    if node is not None and type(node) is not AccumulateGrad:
        if requires_grad:
            return self
        raise RuntimeError(
            "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
            "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
        )
    if requires_grad and self._dtype.category < FLOATING:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if requires_grad and node is None:
        leaf(self)
    elif not requires_grad:
        self._node = None
    return self


def _grad_fn(self: Tensor) -> Node | None:
    node = api.edge_node(node_of(self))
    return None if type(node) is AccumulateGrad else node


Tensor.grad_fn = property(_grad_fn, doc="The node that made this tensor, None for leaves.")  # type: ignore[attr-defined]
Tensor.is_leaf = property(lambda self: _grad_fn(self) is None, doc="Whether no recorded operation made it.")  # type: ignore[attr-defined]
Tensor.output_nr = property(lambda self: getattr(node_of(self), "index", 0))  # type: ignore[attr-defined]


def _get_grad(self: Tensor) -> Tensor | None:
    if self._grad is None and self._node is not None and _grad_fn(self) is not None and not _retains(self):
        import warnings

        warnings.warn(
            "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
            "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
            "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure "
            "you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more informations. "
            "(Triggered internally at /__w/pytorch/pytorch/build/aten/src/ATen/core/TensorBody.h:497.)",
            UserWarning,
            stacklevel=2,
        )
    return self._grad


def _set_grad(self: Tensor, value: Tensor | None) -> None:
    if value is not None:
        if not isinstance(value, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value._dtype is not self._dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{_c_name(value)}' to a tensor with grad_dtype "
                f"'{_c_name(self)}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). "
                "You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
                "grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream "
                "systems that assume they match."
            )
        if value.device != self.device:
            raise RuntimeError(
                f"attempting to assign a gradient with device type '{value.device.type}' to a tensor with device type "
                f"'{self.device.type}'. Please ensure that the gradient and the tensor are on the same device"
            )
        if shape_of(value) != shape_of(self):
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size "
                f"'{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )
    self._grad = value


def _c_name(t: Tensor) -> str:
    return {"float32": "float", "float64": "double"}.get(t._dtype.name, t._dtype.type_name)


def _del_grad(self: Tensor) -> None:
    self._grad = None


Tensor.grad = property(_get_grad, _set_grad, _del_grad, doc="The accumulated gradient, or None.")  # type: ignore[attr-defined]


def _get_data(self: Tensor) -> Tensor:
    twin = detached(self)
    twin._version_counter = None  # .data has a version of its own: updates through it are not noticed
    return twin


def _set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
    if value._dtype.category < FLOATING and node_of(self) is not None:
        raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
    node = self._node
    self._memory = memory(value)
    self._array, self._dtype = value._array, value._dtype
    if type(node) is AccumulateGrad:
        node.shape, node.dtype = shape_of(self), self._dtype


Tensor.data = property(_get_data, _set_data, doc="The same elements outside the graph and its version checks.")  # type: ignore[attr-defined]


@on_tensor
def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the leaves' `.grad` the gradient of this tensor."""
    api.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


@on_tensor
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call hook(grad) when this tensor's gradient is ready; what it returns replaces the gradient."""
    e = node_of(self)
    if e is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    return hooks_of(api.edge_node(e)).add("tensor", hook, getattr(e, "index", 0))


@on_tensor
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call hook(self) after `.grad` was updated. Raises RuntimeError for a non-leaf."""
    node = node_of(self)
    if node is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if type(node) is not AccumulateGrad:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return hooks_of(node).add("accumulated", hook)


def _retains(self: Tensor) -> bool:
    node = api.edge_node(node_of(self))
    if node is None or node.hooks is None:
        return False
    return any(r() is self for r in node.hooks.retain.values())


@builtin("retain_grad()")
def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this non-leaf in `.grad`. Raises RuntimeError if it requires none."""
    import weakref

    e = node_of(self)
    if e is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if type(e) is AccumulateGrad:
        return
    hooks_of(api.edge_node(e)).retain[getattr(e, "index", 0)] = weakref.ref(self)


Tensor.retains_grad = property(_retains)  # type: ignore[attr-defined]


@on_tensor
def _is_view(self: Tensor) -> bool:
    """Whether the tensor is a differentiable view of another."""
    return self._view is not None


Tensor._base = property(  # type: ignore[attr-defined]
    lambda self: None if self._view is None else self._view.base, doc="The tensor this one is a view of, or None."
)


# ------------------------------------------------------------------------------------------ values


def values_of(self: Tensor, what: str = "numpy()") -> np.ndarray[Any, Any]:
    """The elements as an ndarray over the same memory. Raises where there are none."""
    if self._array is None:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    return self._array  # type: ignore[no-any-return]


def as_python(array: np.ndarray[Any, Any], d: dtype) -> Any:
    """Elements as Python numbers, nested as the shape says."""
    if d is dtypes.complex32:
        wide = array["re"].astype(np.complex64)
        wide.imag = array["im"]
        array = wide
    elif d is dtypes.bfloat16:
        array = array.astype(np.float32)
    return array.tolist()


@builtin("item()")
def item(self: Tensor) -> Any:
    """The one element as a Python number. Raises RuntimeError if there is not exactly one."""
    if self._array is None:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")
    if numel(self) != 1:
        raise RuntimeError(f"a Tensor with {numel(self)} elements cannot be converted to Scalar")
    return as_python(self._array.reshape(()), self._dtype)


@builtin("tolist()")
def tolist(self: Tensor) -> Any:
    """The elements as nested lists of Python numbers."""
    return as_python(values_of(self), self._dtype)


def grad_fn_name(self: Tensor) -> str | None:
    """Name of the node that made the tensor."""
    node = _grad_fn(self)
    return None if node is None else type(node).__name__


@on_tensor
def __repr__(self: Tensor, *, tensor_contents: str | None = None) -> str:
    from flambeau.parameter import Parameter

    cls = type(self)
    text = printing.tensor_repr(
        self._array,
        dtype=self._dtype.name,
        shape=shape_of(self),
        default_dtype=dtypes.get_default_dtype().name,
        requires_grad=_get_requires_grad(self),
        grad_fn_name=grad_fn_name(self),
        device=str(self.device),
        prefix="tensor(" if cls in (Tensor, Parameter) else f"{cls.__name__}(",
        tensor_contents=tensor_contents,
    )
    return printing.parameter_repr(text) if cls is Parameter else text


Tensor.__str__ = __repr__  # type: ignore[attr-defined,assignment,method-assign]


@on_tensor
def __format__(self: Tensor, spec: str) -> str:
    if dim(self) == 0 and type(self) is Tensor and self._array is not None:
        return format(item(self), spec)
    return object.__format__(self, spec)


@on_tensor
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not shape_of(self):
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))  # type: ignore[attr-defined]


@on_tensor
def __reversed__(self: Tensor) -> Tensor:
    return self if dim(self) == 0 else self.flip(0)  # type: ignore[attr-defined,no-any-return]


@builtin("__bool__()")
def __bool__(self: Tensor) -> bool:
    n = numel(self)
    if n == 0:
        raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
    if n > 1:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    return bool(item(self))


def _number(kind: type, self: Tensor) -> Any:
    if numel(self) != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    value = item(self)
    if isinstance(value, complex) and kind is not complex:
        if value.imag:
            raise RuntimeError(
                f"value cannot be converted to type {'double' if kind is float else 'int64_t'} without overflow"
            )
        value = value.real
    return kind(value)


for _kind in (int, float, complex):
    builtin(f"__{_kind.__name__}__()")(partial(_number, _kind))


@builtin("__index__()")
def __index__(self: Tensor) -> int:
    if self._dtype.category > dtypes.INTEGRAL or numel(self) != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(item(self))


__all__ = ["device", "state"]

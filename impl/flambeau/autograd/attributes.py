"""A tensor's place in the graph, as methods and attributes: requires_grad, grad, data, backward, hooks."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from typing import Any

from flambeau import overrides
from flambeau.autograd import api, node
from flambeau.autograd.hooks import RemovableHandle
from flambeau.autograd.modes import state
from flambeau.autograd.node import AccumulateGrad, Node, Unreached, hooks_of, leaf, no_leaf, node_of
from flambeau.dtypes import FLOATING
from flambeau.errors import cpp_name
from flambeau.methods import builtin, on_tensor
from flambeau.tensor import UNTRACKED, Tensor, extend, memory, new, shape_of, version


def _get_requires_grad(self: Tensor) -> bool:
    return node.requires_grad(self)


def _set_requires_grad(self: Tensor, value: bool) -> None:
    if value is True and self._dtype.category < FLOATING:
        raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
    requires_grad_(self, value)


extend(requires_grad=property(_get_requires_grad, _set_requires_grad, doc="Whether gradients are asked for."))


@builtin("requires_grad_(bool requires_grad=True)")
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Ask for gradients, or no longer. Raises RuntimeError for integers, and for non-leaves that are switched off."""
    if not isinstance(requires_grad, bool):
        raise RuntimeError("requires_grad must be a bool")
    own = self._node  # as it was recorded: what became of the base since is no question here
    if own is not None and type(own) is not AccumulateGrad:
        if requires_grad:
            return self
        raise RuntimeError(
            "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
            "subgraph that doesn't require differentiation use var_no_grad = var.detach()."
        )
    if requires_grad and self._dtype.category < FLOATING:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if requires_grad and own is None:
        if self._version_counter is UNTRACKED and not state.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        leaf(self)
    elif not requires_grad:
        no_leaf(self)
    return self


def _grad_fn(self: Tensor) -> Node | None:
    made_by = api.edge_node(node_of(self))
    return None if type(made_by) in (AccumulateGrad, Unreached) else made_by


extend(
    grad_fn=property(_grad_fn, doc="The node that made this tensor, None for leaves."),
    is_leaf=property(lambda self: _grad_fn(self) is None, doc="Whether no recorded operation made it."),
    output_nr=property(lambda self: getattr(node_of(self), "index", 0)),
)


def _get_grad(self: Tensor) -> Tensor | None:
    if self._grad is None and self._node is not None and _grad_fn(self) is not None and not _retains(self):
        warnings.warn(
            "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
            "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
            "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by "
            "mistake, make sure "
            "you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information. "
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
                f"attempting to assign a gradient with dtype '{cpp_name(value._dtype)}' to a tensor with grad_dtype "
                f"'{self._dtype.type_name}'. The gradient must match the tensor's grad_dtype (defaults "
                "to the tensor's dtype). "
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


def _del_grad(self: Tensor) -> None:
    self._grad = None


extend(grad=property(_get_grad, _set_grad, _del_grad, doc="The accumulated gradient, or None."))


def _get_data(self: Tensor) -> Tensor:
    twin = new(Tensor)
    twin._array = self._array
    twin._dtype = self._dtype
    twin._grad = twin._node = twin._view = None
    twin._memory = self._memory or memory(self)
    # .data has a version of its own: updates through it are not noticed
    twin._version_counter = UNTRACKED if self._version_counter is UNTRACKED else None
    return twin


def _set_data(self: Tensor, value: Tensor) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
    if value._dtype.category < FLOATING and node_of(self) is not None:
        raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
    own = self._node
    self._memory = value._memory or memory(value)
    self._array, self._dtype = value._array, value._dtype
    if type(own) is AccumulateGrad:
        own.shape, own.dtype = shape_of(self), self._dtype


extend(data=property(_get_data, _set_data, doc="The same elements outside the graph and its version checks."))


@on_tensor
def backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the leaves' `.grad` the gradient of this tensor."""
    if type(self) not in overrides.PLAIN and overrides.needed((self,), {}):
        options = {
            "gradient": gradient, "retain_graph": retain_graph, "create_graph": create_graph, "inputs": inputs,
        }  # fmt: skip
        return overrides.handle(Tensor.backward, (self,), options)  # type: ignore[no-any-return]
    if gradient is None and inputs is None and not create_graph:
        api.backward_from(self, bool(retain_graph))
        return
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
    own = node_of(self)
    if own is None:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if type(own) is not AccumulateGrad:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return hooks_of(own).add("accumulated", hook)


def _retains(self: Tensor) -> bool:
    own = api.edge_node(node_of(self))
    if own is None or own.hooks is None:
        return False
    return any(r() is self for r in own.hooks.retain.values())


@builtin("retain_grad()")
def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this non-leaf in `.grad`. Raises RuntimeError if it requires none."""
    e = node_of(self)
    if e is None:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if type(e) is AccumulateGrad:
        return
    hooks_of(api.edge_node(e)).retain[getattr(e, "index", 0)] = weakref.ref(self)


extend(retains_grad=property(_retains))


def _version(self: Tensor) -> int:
    if self._version_counter is UNTRACKED:
        raise RuntimeError("Inference tensors do not track version counter.")
    return version(self)[0]


extend(_version=property(_version, doc="Number of in-place updates, shared by views."))


@on_tensor
def _is_view(self: Tensor) -> bool:
    """Whether the tensor is a differentiable view of another."""
    return self._view is not None


extend(
    _base=property(
        lambda self: None if self._view is None else self._view.base, doc="The tensor this one is a view of, or None."
    )
)

"""torch.nn.functional: the activations that PyTorch writes in Python over tensor methods."""

from __future__ import annotations

from flambeau.declare import export, python_function
from flambeau.ops import activation
from flambeau.tensor import Tensor


@python_function(namespace="nn.functional")
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0), in place where asked."""
    if inplace:
        return activation.relu.inplace(input)  # type: ignore[no-any-return]
    return activation.relu(input)


@python_function(namespace="nn.functional")
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return input.sigmoid()


@python_function(namespace="nn.functional")
def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent."""
    return input.tanh()


export("relu_", activation.relu.inplace, "nn.functional")

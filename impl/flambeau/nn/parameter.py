"""torch.nn.parameter."""

from flambeau.parameter import Parameter

__all__ = ["Parameter"]

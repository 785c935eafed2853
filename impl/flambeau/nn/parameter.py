"""torch.nn.parameter."""

from flambeau.parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter"]

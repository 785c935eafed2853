"""torch.nn: so far Parameter and the functional operations."""

from flambeau.nn import functional, parameter
from flambeau.parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional", "parameter"]

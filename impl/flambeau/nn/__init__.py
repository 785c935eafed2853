"""torch.nn: so far Parameter and the functional operations."""

from flambeau.nn import functional, parameter
from flambeau.parameter import Parameter

__all__ = ["Parameter", "functional", "parameter"]

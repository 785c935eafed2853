"""Draws from a CPU engine into ndarrays, with PyTorch's values and PyTorch's use of the stream.

Every function takes the engine's lock, fills in memory order whatever the strides of ``out``, and leaves the engine in
the state, byte for byte, that PyTorch 2.13 would have on x86 with AVX2 or AVX-512. On Intel CPUs PyTorch takes
bernoulli_(number) from MKL's own stream instead, which is not followed.
``out`` must not overlap itself.
complex32 is a structure of two float16 fields (:data:`~flambeau.random.layout.COMPLEX32`).
"""

from .continuous import cauchy, exponential, uniform
from .discrete import bernoulli, geometric, multinomial, random_default, random_integers, randperm
from .layout import COMPLEX32
from .mt19937 import Engine
from .normal import log_normal, normal, normal_tensor
from .rejection import poisson, standard_gamma

__all__ = [
    "COMPLEX32",
    "Engine",
    "bernoulli",
    "cauchy",
    "exponential",
    "geometric",
    "log_normal",
    "multinomial",
    "normal",
    "normal_tensor",
    "poisson",
    "random_default",
    "random_integers",
    "randperm",
    "standard_gamma",
    "uniform",
]

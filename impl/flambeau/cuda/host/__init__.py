"""CUDA kernels on the CPU, for tests: compiled by g++ against ``cuda_host.h``, launched as on a GPU."""

from flambeau.cuda.host.runner import HostModule, KernelError

__all__ = ["HostModule", "KernelError"]

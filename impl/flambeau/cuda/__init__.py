"""CUDA: kernel sources, their compilation by NVRTC and their check on machines without a GPU.

Importing this package imports no CUDA package; running on a GPU is not implemented yet.
"""


def is_available() -> bool:
    """Whether flambeau can run on a CUDA device: not yet."""
    return False


def device_count() -> int:
    """Number of CUDA devices flambeau can run on: none yet."""
    return 0

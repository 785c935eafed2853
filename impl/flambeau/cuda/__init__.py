"""CUDA: kernel sources, their compilation by NVRTC and their check on machines without a GPU.

Importing this package imports no CUDA package; running on a GPU is not implemented yet.
"""

"""Random programs: chains of PyTorch's calls with views, in-place updates and branches, judged as one case."""

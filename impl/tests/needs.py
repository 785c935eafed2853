"""Marks of tests that need what may not be installed."""

import pytest

from flambeau.cuda.packages import include_directory

try:
    include_directory()
    _missing = ""
except ImportError as error:
    _missing = str(error)

needs_cuda_packages = pytest.mark.skipif(bool(_missing), reason=_missing)

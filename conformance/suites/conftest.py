"""The suites' options and the subject they judge: see `assay.pytest_plugin`."""

from assay.pytest_plugin import pytest_addoption, suite

__all__ = ["pytest_addoption", "suite"]

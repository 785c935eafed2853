"""Making tensors: everything that is promised of them."""

from assay.pytest_plugin import Suite, operations


@operations(lambda entry: entry.family == "creation")
def test_creation(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "build", "structure", "dtype", "shape", "values", "mutation", "aliasing")

"""Shapes, strides and the structure of what is returned."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_shapes(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "structure", "shape", "stride")

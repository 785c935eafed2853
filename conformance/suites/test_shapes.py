"""Shapes, strides and the structure of what is returned."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_shapes(op: str, suite: Suite) -> None:
    suite.check(op, "structure", "shape", "stride")

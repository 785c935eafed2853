"""What is refused, and with which exception."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_errors(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "error")

"""What is refused, and with which exception."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_errors(op: str, suite: Suite) -> None:
    suite.check(op, "error")

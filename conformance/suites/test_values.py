"""Values, what is written to, and what shares memory."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_values(op: str, suite: Suite) -> None:
    suite.check(op, "build", "values", "mutation", "aliasing")

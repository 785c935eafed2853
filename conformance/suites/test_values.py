"""Values, what is written to, and what shares memory."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_values(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "build", "values", "mutation", "aliasing")

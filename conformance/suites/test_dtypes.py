"""The dtypes of results: promotion, defaults, dtype arguments."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_dtypes(op: str, suite: Suite) -> None:
    suite.check(op, "dtype")

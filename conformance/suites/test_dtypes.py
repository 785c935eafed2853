"""The dtypes of results: promotion, defaults, dtype arguments."""

from assay.pytest_plugin import Suite, operations


@operations()
def test_dtypes(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "dtype")

"""Random streams, bit for bit, and the generator's state afterwards."""

from assay.pytest_plugin import Suite, operations


@operations(lambda entry: entry.policy.random)
def test_random(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "values", "random")

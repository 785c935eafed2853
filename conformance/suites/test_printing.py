"""Printed text of tensors that hold exact values, and the names of graph nodes."""

from assay.pytest_plugin import Suite, operations


@operations(lambda entry: entry.policy.text or any(form.order for form in entry.forms))
def test_printing(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "text")

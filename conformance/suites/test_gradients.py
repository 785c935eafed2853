"""First and second derivatives."""

from assay.pytest_plugin import Suite, operations


@operations(lambda entry: any(form.order for form in entry.forms))
def test_gradients(op: str, assay_suite: Suite) -> None:
    assay_suite.check(op, "gradients", "gradients2")

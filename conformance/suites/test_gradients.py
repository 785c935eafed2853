"""First and second derivatives."""

from assay.pytest_plugin import Suite, operations


@operations(lambda entry: any(form.order for form in entry.forms))
def test_gradients(op: str, suite: Suite) -> None:
    suite.check(op, "gradients", "gradients2")

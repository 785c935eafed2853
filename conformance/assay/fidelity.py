"""The aspects of fidelity: strides, printed text, warnings."""

from __future__ import annotations

from collections.abc import Iterator

from assay.outcome import Outcome, TensorData, Verdict
from assay.parts import leaves
from assay.policy import Policy
from assay.wording import warned

#: (path, the subject's, the reference's) for the tensors of both results.
Pairs = list[tuple[str, TensorData, TensorData]]


def strides(policy: Policy, pairs: Pairs) -> Iterator[Verdict]:
    """Strides of dims of more than one element, where they are part of the answer."""
    if not policy.strides:
        return
    judged = False
    for path, mine, theirs in pairs:
        if mine.stride is None or theirs.stride is None or mine.shape != theirs.shape or 0 in theirs.shape:
            continue
        judged = True
        if any(m != t for m, t, n in zip(mine.stride, theirs.stride, theirs.shape, strict=True) if n > 1):
            yield Verdict("stride", "deviates", f"{path}: strides {mine.stride}; expected {theirs.stride}")
            return
    if judged:
        yield Verdict("stride", "conforms")


def text(policy: Policy, subject: Outcome, reference: Outcome, pairs: Pairs) -> Iterator[Verdict]:
    """Printed text, names of graph nodes, and strings."""
    judged = False
    for path, mine, theirs in pairs:
        if theirs.text is not None and policy.text:
            judged = True
            if mine.text != theirs.text:
                yield Verdict("text", "deviates", f"{path} prints {mine.text!r}; expected {theirs.text!r}")
                return
        if theirs.grad_fn is not None and mine.requires_grad:
            judged = True
            if mine.grad_fn != theirs.grad_fn:
                yield Verdict("text", "deviates", f"{path}.grad_fn is {mine.grad_fn}; expected {theirs.grad_fn}")
                return
    mine_leaves = dict(leaves(subject.result))
    for path, told in leaves(reference.result):
        if isinstance(told, str):
            judged = True
            if mine_leaves[path] != told:
                yield Verdict("text", "deviates", f"{path} is {mine_leaves[path]!r}; expected {told!r}")
                return
    if judged:
        yield Verdict("text", "conforms")


def warnings(subject: Outcome, reference: Outcome) -> Iterator[Verdict]:
    """Kinds and texts of warnings."""
    mine, theirs = warned(subject), warned(reference)
    if not mine and not theirs:
        return
    if mine == theirs:
        yield Verdict("warnings", "conforms")
    else:
        yield Verdict("warnings", "deviates", f"warned {sorted(mine)}; expected {sorted(theirs)}")

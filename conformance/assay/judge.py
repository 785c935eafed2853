"""Outcome × Outcome → verdicts, aspect by aspect.

A verdict is given for every aspect that the case puts to the test, "conforms" included. Aspects that a worse finding
makes meaningless (values where the shape differs) are left out, so that one fault is told once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from assay.canonical import canonical, has_ties
from assay.case import Case
from assay.distribution import other_distribution
from assay.dtypes import HALVES
from assay.extremes import scaled_overflows
from assay.fidelity import strides, text, warnings
from assay.levels import ASPECTS, LEVELS, SCORED, STATUSES, aspects_of, worst
from assay.outcome import Error, Outcome, TensorData, Verdict
from assay.parts import elements_before, is_gradient, leaves, tensor_specs, written_with
from assay.policy import Policy
from assay.show import brief, describe_outcome, element, position
from assay.structure import comparable, difference_in_kind, same_value, shared, sharing
from assay.tolerance import (
    FLOATING,
    UNMEASURED,
    UNMEASURED_GRADIENT,
    Comparison,
    compare,
    compare_exact,
    compare_whole,
    is_complex,
    wide_array,
    wrong_zeros,
)
from assay.truth import ReferenceAnswer, Truth
from assay.wording import ABSENT, error_name, first_line, normalised, refusal, unbuilt

_DIED = {"crash": "crash", "exit": "crash", "timeout": "timeout", "memory": "memory"}


#: Aspects that are judged by elements.
_BY_DATA = frozenset({"values", "random", "mutation", "gradients", "gradients2"})


class UnmeasuredError(Exception):
    """A verdict depends on the truth, and the reference was only asked for its outcome."""


def judge(
    case: Case,
    reference: ReferenceAnswer,
    subject: Outcome,
    policy: Policy | None = None,
    aspects: Collection[str] = ASPECTS,
    same_capability: bool = True,
) -> list[Verdict]:
    """Verdicts on a subject's outcome, one per aspect that `aspects` asks for and the case puts to the test.

    Raises UnmeasuredError where `reference` was not measured and that matters: not where both answers have the same
    bytes. same_capability: False where both sides are PyTorch on different CPU capabilities, whose normal deviates
    differ in the last bits.
    """
    policy = policy or Policy()
    if not _BY_DATA & set(aspects):
        policy = replace(policy, values="metadata")  # the subject may have no data at all
    verdicts = list(_Judgement(case, reference, subject, policy, same_capability).verdicts())
    found = [v for v in verdicts if v.aspect in aspects]
    if not found:
        # A deviation that shows in an aspect nobody asked for must not look like nothing at all.
        hidden = [v for v in verdicts if v.aspect in ("build", "structure") and v.status != "conforms"]
        if hidden and aspects:
            return [Verdict(next(iter(aspects)), hidden[0].status, hidden[0].detail)]
    return found


class _Judgement:
    def __init__(
        self, case: Case, reference: ReferenceAnswer, subject: Outcome, policy: Policy, same_capability: bool
    ) -> None:
        self.case = case
        self._answer = reference
        self.reference = reference.outcome
        self.subject = subject
        self.policy = policy
        self.same_capability = same_capability
        self.free_choice = False
        self.values_conform = True

    @property
    def answer(self) -> ReferenceAnswer:
        """What was measured. Raises UnmeasuredError if nothing was."""
        if not self._answer.measured:
            raise UnmeasuredError
        return self._answer

    def verdicts(self) -> Iterator[Verdict]:
        reference, subject = self.reference, self.subject
        if subject.status == "missing":  # then the reference need not have been asked
            yield Verdict("structure", "missing", f"{subject.extra.get('name', self.case.call)}{ABSENT}")
        elif reference.status not in ("returned", "raised"):
            yield Verdict("structure", "unjudged", f"the reference gives no answer: {describe_outcome(reference)}")
        elif subject.status in _DIED:
            yield Verdict("structure", _DIED[subject.status], describe_outcome(subject))
        elif reference.error is not None and reference.error.stage == "build":
            yield Verdict("build", "unjudged", f"the reference cannot build the inputs: {brief(reference.error)}")
        elif subject.error is not None and subject.error.stage == "build":
            yield Verdict("build", unbuilt(subject.error), f"building the inputs raised {brief(subject.error)}")
        elif reference.status == "raised":
            yield from self._against_error()
        elif subject.status == "raised":
            assert subject.error is not None
            yield Verdict(
                "structure",
                refusal(subject.error),
                f"raised {brief(subject.error)}; expected {describe_outcome(reference)}",
            )
        else:
            yield from self._returned()

    # Errors

    def _against_error(self) -> Iterator[Verdict]:
        expected = self.reference.error
        assert expected is not None
        if self.subject.status == "returned":
            yield Verdict("error", "deviates", f"{describe_outcome(self.subject)}; expected {brief(expected)}")
            return
        got = self.subject.error
        assert got is not None
        yield from self._errors(expected, got)
        yield from warnings(self.subject, self.reference)

    def _errors(self, expected: Error, got: Error) -> Iterator[Verdict]:
        if error_name(expected) != error_name(got):
            yield Verdict("error", "deviates", f"raised {brief(got)}; expected {brief(expected)}")
            return
        yield Verdict("error", "conforms")
        mine, theirs = first_line(got), first_line(expected)
        same = normalised(mine) == normalised(theirs)
        yield Verdict("error_text", *(("conforms",) if same else ("deviates", f"said {mine!r}; expected {theirs!r}")))

    # Results

    def _returned(self) -> Iterator[Verdict]:
        reference, subject = self.reference, self.subject
        problem = difference_in_kind(subject.result, reference.result, "result")
        if problem:
            yield Verdict("structure", "deviates", problem)
            return
        yield Verdict("structure", "conforms")
        pairs = [
            (path, mine, theirs)
            for (path, theirs), (_, mine) in zip(leaves(reference.result), leaves(subject.result), strict=True)
            if isinstance(theirs, TensorData) and isinstance(mine, TensorData)
        ]
        yield from self._metadata(pairs)
        for verdict in self._values():
            self.values_conform &= verdict.aspect != "values" or verdict.status != "deviates"
            yield verdict
        yield from self._mutation()
        yield from self._aliasing()
        yield from self._gradients(pairs)
        yield from strides(self.policy, pairs)
        yield from self._random()
        yield from text(self.policy, subject, reference, pairs)
        yield from warnings(self.subject, self.reference)

    def _metadata(self, pairs: list[tuple[str, TensorData, TensorData]]) -> Iterator[Verdict]:
        if not pairs:
            return
        for aspect in ("dtype", "shape"):
            wrong = [(p, m, t) for p, m, t in pairs if getattr(m, aspect) != getattr(t, aspect)]
            if wrong:
                path, mine, theirs = wrong[0]
                got, expected = getattr(mine, aspect), getattr(theirs, aspect)
                yield Verdict(aspect, "deviates", f"{path}: {got}; expected {expected}")
            else:
                yield Verdict(aspect, "conforms")

    def _values(self) -> Iterator[Verdict]:
        policy = self.policy
        if policy.values == "metadata":
            return
        mine = dict(leaves(canonical(policy.canonical, self.case, self.subject).result))
        theirs = dict(leaves(canonical(policy.canonical, self.case, self.reference).result))
        if policy.canonical:
            self.free_choice = _chose_differently(self.subject, self.reference) or (
                policy.canonical == "hidden ties" and has_ties(self.case)
            )
            given, wanted = dict(leaves(self.subject.result)), dict(leaves(self.reference.result))
            for path, expected in theirs.items():
                both = isinstance(expected, TensorData) and comparable(given[path], wanted[path])
                if both and not comparable(mine[path], expected):
                    yield Verdict("values", "deviates", f"{path}: out of range, or an element named twice")
                    return
        if policy.values == "stream" or (policy.values == "sampled" and self.answer.drew):
            yield from self._stream(mine, theirs)
            return
        # Text is judged as such; an input that was written into and not returned holds values like any result.
        triples = [(p, mine[p], t) for p, t in theirs.items() if not isinstance(t, str)]
        returned = {i for _, i in self.reference.extra.get("same", ())}
        for i, (got, expected) in enumerate(zip(self.subject.inputs, self.reference.inputs, strict=False)):
            if str(i) not in returned:
                triples.append((f"inputs.{i}", got, expected))
        yield from self._compared("values", triples, policy.values == "exact")

    def _compared(self, aspect: str, triples: list[tuple[str, Any, Any]], exact: bool) -> Iterator[Verdict]:
        """One verdict for some (path, subject's, reference's) leaves; tensors that differ in kind are left out."""
        worst_measure, elements, unjudged, judged = 0.0, 0, 0, False
        for path, mine, theirs in triples:
            if not isinstance(theirs, TensorData):
                judged = True
                if not same_value(mine, theirs):
                    yield Verdict(aspect, "deviates", f"{path}: {mine!r}; expected {theirs!r}")
                    return
                continue
            if not comparable(mine, theirs):
                continue
            judged = True
            held, expected = len(mine.data or b""), len(theirs.data or b"")
            if held != expected:
                yield Verdict(aspect, "deviates", f"{path} holds {held} bytes; expected {expected}")
                return
            comparison = self._compare(path, mine, theirs, exact)
            elements += comparison.elements
            unjudged += comparison.unjudged
            if not comparison.ok:
                detail = self._worst(path, mine, theirs, comparison)
                yield Verdict(aspect, "deviates", detail, comparison.measure, elements, unjudged)
                return
            worst_measure = max(worst_measure, comparison.measure)
        if judged:
            status = "unjudged" if elements and unjudged == elements else "conforms"
            detail = "every element may have overflowed on the way" if status == "unjudged" else ""
            yield Verdict(aspect, status, detail, worst_measure, elements, unjudged)

    def _compare(self, path: str, mine: TensorData, theirs: TensorData, exact: bool) -> Comparison:
        if mine.data == theirs.data:
            return Comparison(True, elements=prod(theirs.shape))
        known = self.answer.truths.get(path, Truth())
        if theirs.dtype not in FLOATING and known.value is not None:
            return compare_whole(mine, theirs, np.frombuffer(known.value, np.float64))
        if exact or theirs.dtype not in FLOATING:
            return compare_exact(mine, theirs, self.policy.signed_zeros, self.answer.overflow)
        truth, scale = _decoded(known, theirs)
        unit = known.unit or theirs.dtype
        ours, expected = wide_array(mine), wide_array(theirs)
        if np.isnan(ours).any() and scaled_overflows(self.case):
            certain = expected if truth is None else truth.reshape(expected.shape)
            ours = np.where(np.isnan(ours) & np.isinf(expected) & (certain == expected), expected, ours)
        least = self._reference_error(path, unit, truth is not None)
        comparison = compare(ours, expected, truth, scale, unit, self.answer.overflow, least)
        signs = self.policy.strides and self.policy.signed_zeros and not (truth is None and self.answer.underflow)
        if comparison.ok and signs and not is_gradient(path):
            # Elementwise: 1/x tells the zeros apart. A complex zero's signs are an accident of the multiplication.
            wrong = wrong_zeros(ours, expected, truth)
            if wrong is not None:
                return Comparison(False, wrong, float("inf"), elements=comparison.elements)
        return comparison

    def _reference_error(self, path: str, unit: str, measured: bool) -> float:
        """What the reference is taken to err by at least, in units: by its method, and where no wider dtype tells."""
        policy = self.policy
        by_method = policy.method_error if unit not in HALVES else 1.0
        if measured:
            return by_method
        least = max(UNMEASURED_GRADIENT if is_gradient(path) else policy.reference_error or UNMEASURED, by_method)
        if not policy.reference_growth:
            return least
        result = next(leaf for _, leaf in leaves(self.reference.result) if isinstance(leaf, TensorData))
        reduced = prod(tensor_specs(self.case)[0].shape) / max(prod(result.shape), 1)
        return max(least, policy.reference_growth * reduced)

    def _worst(self, path: str, mine: TensorData, theirs: TensorData, comparison: Comparison) -> str:
        at = comparison.worst or 0
        text = f"{path}{position(at, theirs.shape)} = {element(mine, at)}; expected {element(theirs, at)}"
        if theirs.dtype in FLOATING and np.isfinite(comparison.error):
            truth, _ = _decoded(self.answer.truths.get(path, Truth()), theirs)
            exact = "" if truth is None else f", truth {truth.reshape(-1)[at]:.9g}"
            text += f" ({comparison.error:.3g} units off, {comparison.window:.3g} allowed{exact})"
        return text

    # Random streams

    def _stream(self, mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Verdict]:
        for path, expected in theirs.items():
            got = mine[path]
            if not isinstance(expected, TensorData):
                yield from self._compared("values", [(path, got, expected)], True)
                continue
            if not comparable(got, expected):
                continue
            if got.data == expected.data:
                yield Verdict("values", "conforms")
                yield Verdict("random", "conforms")
                return
            problem = other_distribution(got, expected)
            yield Verdict("values", *(("deviates", f"{path}: {problem}") if problem else ("conforms",)))
            if self.policy.values == "sampled":
                comparison = self._compare(path, got, expected, False)
            elif not self.same_capability and expected.dtype in FLOATING:
                ours, reference = wide_array(got), wide_array(expected)
                # A normal deviate is radius · cos(angle); the angle, up to 2π, is itself rounded. A log-normal one is
                # its exponential, whose relative error is the deviate's absolute one.
                scale = 16.0 * np.fmax(np.abs(reference), 1.0)
                comparison = compare(ours, reference, None, scale, expected.dtype)
            else:
                comparison = compare_exact(got, expected)
            if comparison.ok:
                yield Verdict("random", "conforms")
            else:
                yield Verdict("random", "deviates", self._worst(path, got, expected, comparison))
            return

    def _random(self) -> Iterator[Verdict]:
        mine, theirs = self.subject.random, self.reference.random
        if mine is None or theirs is None or not self.same_capability:
            return
        if mine == theirs:
            yield Verdict("random", "conforms")
        else:
            yield Verdict("random", "deviates", "the generator is in another state afterwards")

    # Effects

    def _mutation(self) -> Iterator[Verdict]:
        reference, subject = self.reference, self.subject
        if not reference.inputs and not subject.inputs:
            return
        for i, (mine, theirs) in enumerate(zip(subject.mutated, reference.mutated, strict=False)):
            if mine == theirs:
                continue
            if mine or not (self.policy.random or self.policy.values == "metadata"):
                changed, untouched = (subject, reference) if mine else (reference, subject)
                if self._only_other_bits(i, changed.inputs[i]) or self._told_by_values(i, untouched):
                    continue
                expected = "it to be changed" if theirs else "it untouched"
                yield Verdict(
                    "mutation", "deviates", f"input {i} is {'changed' if mine else 'untouched'}; expected {expected}"
                )
                return
        pairs = list(zip(subject.inputs, reference.inputs, strict=False))
        for i, (given, wanted) in enumerate(pairs):
            for name in ("shape", "dtype"):
                if getattr(given, name) != getattr(wanted, name):
                    got, expected = getattr(given, name), getattr(wanted, name)
                    yield Verdict("mutation", "deviates", f"input {i} has {name} {got} afterwards; expected {expected}")
                    return
        yield Verdict("mutation", "conforms")

    def _only_other_bits(self, index: int, changed: TensorData) -> bool:
        """Whether a changed input differs from what it was in nothing but the bits of its NaNs, and the signs of its
        zeros where these prove nothing."""
        found = elements_before(self.case, index)
        if found is None or changed.data is None or changed.dtype != found[0]:
            return False
        seen = found[1]
        if changed.dtype not in FLOATING or seen.nbytes != len(changed.data):
            return False
        before = TensorData(changed.dtype, changed.shape, seen.tobytes())
        return compare_exact(changed, before, self.policy.signed_zeros and not self.answer.underflow).ok

    def _told_by_values(self, index: int, untouched: Outcome) -> bool:
        """Whether the argument, or one in its memory, is a result too, does not deviate as such, and is what it was
        where not changed.

        Then who wrote the same elements again cannot be told: out= is poisoned with NaN, which may be the answer, and
        what is updated may stay as it is but for an error that is allowed.
        """
        if not self.values_conform:
            return False
        before = [elements_before(self.case, i) for i in written_with(self.case, index)]
        results = [leaf for _, leaf in leaves(untouched.result) if isinstance(leaf, TensorData)]
        return any(b and leaf.dtype == b[0] and leaf.data == b[1].tobytes() for b in before for leaf in results)

    def _aliasing(self) -> Iterator[Verdict]:
        mine, theirs = shared(self.subject), shared(self.reference)
        if "unwritable" in self.reference.extra or not (self.reference.inputs or theirs or mine):
            return
        if unwritable := self.subject.extra.get("unwritable"):
            yield Verdict("aliasing", "missing", f"no element can be written to see what shares memory: {unwritable}")
        elif mine == theirs:
            yield Verdict("aliasing", "conforms")
        else:
            more = [f"{sharing(pair)}, unexpected" for pair in sorted(mine - theirs)]
            fewer = [f"{sharing(pair)}: expected, not so" for pair in sorted(theirs - mine)]
            yield Verdict("aliasing", "deviates", (more + fewer)[0])

    # Gradients

    def _gradients(self, pairs: list[tuple[str, TensorData, TensorData]]) -> Iterator[Verdict]:
        if self.case.order < 1:
            return
        wrong = [(p, m, t) for p, m, t in pairs if m.requires_grad != t.requires_grad]
        if wrong:
            path, mine, theirs = wrong[0]
            yield Verdict(
                "gradients",
                "deviates",
                f"{path}.requires_grad is {mine.requires_grad}; expected {theirs.requires_grad}",
            )
            return
        reference, subject = self.reference, self.subject
        expected, got = reference.gradient_error, subject.gradient_error
        if got is not None and expected is None:
            aspect = "gradients2" if got.stage == "double_backward" else "gradients"
            yield Verdict(aspect, refusal(got), f"{got.stage} raised {brief(got)}")
            if aspect == "gradients":
                return
        elif expected is not None:
            if got is None:
                yield Verdict("error", "deviates", f"{expected.stage} went through; expected {brief(expected)}")
            else:
                yield from self._errors(expected, got)
        free = self.free_choice or not self.policy.gradients
        for name in ("gradients", "gradients2"):
            theirs = getattr(reference, name)
            mine = getattr(subject, name)
            if theirs is None or (mine is None and got is not None):
                continue
            if free or (self.policy.kink and not _same_bytes(mine or (), theirs) and self._on_other_branches()):
                yield Verdict(name, "unjudged", "the gradient depends on a free choice")
                continue
            yield from self._gradient(name, mine or (), theirs)

    def _on_other_branches(self) -> bool:
        """Whether subject, reference and truth disagree on which results are 0, or finite."""
        mine = dict(leaves(self.subject.result))
        for path, theirs in leaves(self.reference.result):
            if isinstance(theirs, TensorData) and theirs.dtype in FLOATING:
                values = [wide_array(t).reshape(-1) for t in (mine[path], theirs)]
                truth = _decoded(self.answer.truths.get(path, Truth()), theirs)[0]
                values += [] if truth is None else [truth]
                branches = [np.where(np.isfinite(v), np.sign(np.abs(v)), 2) for v in values]
                if any((b != branches[0]).any() for b in branches):
                    return True
        return False

    def _gradient(
        self, name: str, mine: tuple[TensorData | None, ...], theirs: tuple[TensorData | None, ...]
    ) -> Iterator[Verdict]:
        if len(mine) != len(theirs):
            yield Verdict(name, "deviates", f"{len(mine)} gradients; expected {len(theirs)}")
            return
        triples = []
        for i, (got, expected) in enumerate(zip(mine, theirs, strict=True)):
            path = f"{name}.{i}"
            if got is None or expected is None:
                if got is expected or (name == "gradients2" and _is_zero(got) and _is_zero(expected)):
                    # Which second derivatives are zeros and which are None is an accident of PyTorch's formulas.
                    continue
                text = "no gradient" if got is None else "a gradient"
                yield Verdict(name, "deviates", f"{path}: {text}; expected {'none' if expected is None else 'one'}")
                return
            for aspect in ("dtype", "shape"):
                if getattr(got, aspect) != getattr(expected, aspect):
                    yield Verdict(
                        name,
                        "deviates",
                        f"{path} has {aspect} {getattr(got, aspect)}; expected {getattr(expected, aspect)}",
                    )
                    return
            triples.append((path, got, expected))
        found = list(self._compared(name, triples, False))
        yield found[0] if found else Verdict(name, "conforms")


def _decoded(truth: Truth, like: TensorData) -> tuple[Any, Any]:
    value = None
    if truth.value is not None:
        value = np.frombuffer(truth.value, np.complex128 if is_complex(like.dtype) else np.float64)
    scale = None if truth.scale is None else np.frombuffer(truth.scale, np.float64)
    return value, scale


def _same_bytes(mine: tuple[TensorData | None, ...], theirs: tuple[TensorData | None, ...]) -> bool:
    return [t and t.data for t in mine] == [t and t.data for t in theirs]


def _is_zero(tensor: TensorData | None) -> bool:
    return tensor is None or (tensor.data is not None and not wide_array(tensor).any())


def _chose_differently(subject: Outcome, reference: Outcome) -> bool:
    mine, theirs = dict(leaves(subject.result)), dict(leaves(reference.result))
    return any(
        isinstance(t, TensorData)
        and t.dtype == "int64"
        and isinstance(mine.get(p), TensorData)
        and mine[p].data != t.data
        for p, t in theirs.items()
    )


__all__ = ["ASPECTS", "LEVELS", "SCORED", "STATUSES", "aspects_of", "judge", "normalised", "worst"]

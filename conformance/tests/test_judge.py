"""The judge, aspect by aspect: torch's own answer conforms, an answer changed in one way deviates in that aspect."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from assay.case import Case, Layout, Named, Same, TensorSpec, Values, Window
from assay.execute import Want, answer
from assay.extremes import can_overflow, scaled_overflows
from assay.judge import ASPECTS, LEVELS, aspects_of, judge, normalised, worst
from assay.outcome import Error, Outcome, Sequence, TensorData, Verdict
from assay.parts import elements_before
from assay.policy import (
    CREATION,
    DEVIATION,
    ELEMENTWISE,
    EXTREMUM,
    NORM,
    POWERS,
    SELECTION,
    SPREAD,
    STREAM,
    SUM,
    UNINITIALISED,
    UNORDERED,
    VIEW,
    Policy,
)
from assay.tolerance import wide_array
from assay.truth import ReferenceAnswer, reference_answer


def spec(*shape: int, dtype: str = "float32", grad: bool = False, seed: int = 1, kind: str = "normal") -> TensorSpec:
    return TensorSpec(shape, dtype, Values(kind, seed), requires_grad=grad)


def literal(*elements: Any, dtype: str = "float32", shape: tuple[int, ...] | None = None) -> TensorSpec:
    return TensorSpec(shape or (len(elements),), dtype, Values("literal", literal=elements))


def case(call: str, *args: Any, order: int = 0, variant: str = "function", **kwargs: Any) -> Case:
    return Case(call.rpartition(".")[2].rstrip("_"), variant, call, args, kwargs, order=order, seed=5)


def both(case: Case, policy: Policy) -> tuple[ReferenceAnswer, Outcome]:
    reference = reference_answer(case, torch, policy)
    return reference, answer(case, torch, want=Want.of(policy))


def found(case: Case, policy: Policy, change: Callable[[Outcome], Outcome]) -> dict[str, str]:
    """Aspect: status of everything that does not conform after `change`; without it everything must conform."""
    reference, subject = both(case, policy)
    clean = judge(case, reference, subject, policy)
    assert clean
    assert {v.status for v in clean} <= {"conforms"}, clean
    return {v.aspect: v.status for v in judge(case, reference, change(subject), policy) if v.status != "conforms"}


def result(**changes: Any) -> Callable[[Outcome], Outcome]:
    return lambda outcome: replace(outcome, result=replace(outcome.result, **changes))


def scaled(data: bytes | None, factor: float, dtype: type = np.float32) -> bytes:
    assert data is not None
    return (np.frombuffer(data, dtype) * dtype(factor)).tobytes()


EXP = case("torch.exp", spec(2, 3, grad=True), order=2)


def test_structure() -> None:
    sort = case("torch.sort", spec(4))
    assert found(sort, SELECTION, lambda o: replace(o, result=o.result.items[0])) == {"structure": "deviates"}
    assert found(sort, SELECTION, result(fields=None)) == {"structure": "deviates"}
    assert found(sort, SELECTION, result(items=())) == {"structure": "deviates"}
    number = case("Tensor.dim", spec(4), variant="method")
    assert found(number, Policy(), lambda o: replace(o, result=1.0)) == {"structure": "deviates"}
    assert found(number, Policy(), lambda o: replace(o, result=2)) == {"values": "deviates"}


def test_dtype_and_shape() -> None:
    wide = case("torch.exp", spec(2, 3))
    outcome = answer(wide, torch)
    assert isinstance(outcome.result, TensorData)
    double = np.frombuffer(outcome.result.data or b"", np.float32).astype(np.float64).tobytes()
    assert found(wide, ELEMENTWISE, result(dtype="float64", data=double)) == {"dtype": "deviates"}
    assert found(wide, ELEMENTWISE, result(shape=(3, 2), stride=(2, 1))) == {"shape": "deviates"}


def test_values_by_truth() -> None:
    def off(units: float) -> Callable[[Outcome], Outcome]:
        return lambda o: replace(o, result=replace(o.result, data=scaled(o.result.data, 1 + units * 2.0**-24)))

    assert found(EXP, ELEMENTWISE, off(2)) == {}
    assert found(EXP, ELEMENTWISE, off(200)) == {"values": "deviates"}
    reference, subject = both(EXP, ELEMENTWISE)
    (verdict,) = judge(EXP, reference, off(200)(subject), ELEMENTWISE, aspects=("values",))
    assert verdict.detail.startswith("result[")
    assert "expected" in verdict.detail
    assert verdict.measure is not None
    assert verdict.measure > 1


def test_exact_values() -> None:
    roll = case("torch.flip", literal(0.0, 1.5, float("nan")), [0])
    nudged = np.array([np.nan, np.nextafter(np.float32(1.5), np.float32(2)), 0.0], np.float32).tobytes()
    assert found(roll, VIEW, result(data=nudged)) == {"values": "deviates"}
    negative_zero = np.array([np.nan, 1.5, -0.0], np.float32).tobytes()
    assert found(roll, VIEW, result(data=negative_zero)) == {"values": "deviates"}
    assert found(roll, EXTREMUM, result(data=negative_zero)) == {}
    whole = case("torch.add", spec(3, dtype="int64", kind="integers"), 1)
    assert found(whole, SUM, lambda o: replace(o, result=replace(o.result, data=b"\0" * 24))) == {"values": "deviates"}


def test_ties_are_free_and_broken_indices_are_not() -> None:
    argsort = case("torch.argsort", literal(1.0, 1.0, 0.0))

    def order(*indices: int) -> Callable[[Outcome], Outcome]:
        return result(data=np.array(indices, np.int64).tobytes())

    assert found(argsort, SELECTION, order(2, 1, 0)) == {}
    assert found(argsort, SELECTION, order(0, 1, 2)) == {"values": "deviates"}
    assert found(argsort, SELECTION, order(2, 1, 1)) == {"values": "deviates"}
    assert found(argsort, SELECTION, order(2, 1, 7)) == {"values": "deviates"}
    stable = case("torch.argsort", literal(1.0, 1.0, 0.0), stable=True)
    assert found(stable, SELECTION, order(2, 1, 0)) == {"values": "deviates"}


def test_unordered_unique() -> None:
    unique = case("torch.unique", literal(2.0, 1.0, 2.0, 3.0), sorted=False, return_inverse=True, return_counts=True)

    def answered(values: list[float], inverse: list[int], counts: list[int]) -> Callable[[Outcome], Outcome]:
        arrays = (np.array(values, np.float32), np.array(inverse), np.array(counts))

        def change(outcome: Outcome) -> Outcome:
            items = (replace(t, data=a.tobytes()) for t, a in zip(outcome.result.items, arrays, strict=True))
            return replace(outcome, result=replace(outcome.result, items=tuple(items)))

        return change

    assert found(unique, UNORDERED, answered([3, 1, 2], [2, 1, 2, 0], [1, 1, 2])) == {}
    assert found(unique, UNORDERED, answered([3, 1, 2], [2, 1, 2, 1], [1, 1, 2])) == {"values": "deviates"}
    assert found(unique, UNORDERED, answered([3, 1, 2], [2, 1, 2, 0], [2, 1, 1])) == {"values": "deviates"}


def test_uninitialised_memory_is_judged_by_metadata() -> None:
    empty = case("torch.empty", (2, 3))
    assert found(empty, UNINITIALISED, result(data=b"\1" * 24)) == {}
    assert found(empty, UNINITIALISED, result(shape=(3, 2), stride=(2, 1))) == {"shape": "deviates"}


def test_mutation() -> None:
    inplace = case("Tensor.add_", spec(2, 3), spec(2, 3, seed=2), variant="inplace")
    assert found(inplace, ELEMENTWISE, lambda o: replace(o, mutated=(False, False))) == {"mutation": "deviates"}
    assert found(inplace, ELEMENTWISE, lambda o: replace(o, mutated=(True, True))) == {"mutation": "deviates"}
    assert found(
        inplace, ELEMENTWISE, lambda o: replace(o, inputs=(replace(o.inputs[0], shape=(6,)), o.inputs[1]))
    ) == {"mutation": "deviates"}
    assign = case("operator.setitem", spec(4), 1, 2.5, variant="operator")
    wrong = np.array([9, 9, 9, 9], np.float32).tobytes()
    assert found(assign, VIEW, lambda o: replace(o, inputs=(replace(o.inputs[0], data=wrong),))) == {
        "values": "deviates"
    }


def test_another_nan_is_no_mutation() -> None:
    negate = case("Tensor.copysign_", literal(float("nan"), 1.0), 1.0, variant="inplace")
    reference, subject = both(negate, VIEW)
    bits = np.array([0x7FC00001, 0x3F800000], np.uint32).tobytes()
    changed = replace(subject, mutated=(True,), inputs=(replace(subject.inputs[0], data=bits),))
    verdicts = judge(negate, reference, changed, VIEW, aspects=("mutation",))
    assert [v.status for v in verdicts] == ["conforms"]


@pytest.mark.parametrize("writer", ["reference", "subject"])
def test_another_nan_in_one_of_several_outs_is_no_mutation(writer: str) -> None:
    """The poison is NaN: whoever writes NaN of the very bits leaves it as it was, whoever writes others changes it."""
    outs = (spec(seed=2), spec(seed=3))
    extremes = case("torch.aminmax", literal(float("nan"), 1.0), variant="out", out=outs)
    reference, subject = both(extremes, EXTREMUM)

    def written(data: bytes | None) -> Outcome:
        inputs = (subject.inputs[0], *(replace(t, data=data) for t in subject.inputs[1:]))
        return replace(subject, mutated=(False, data is not None, data is not None), inputs=inputs)

    def mutation(data: bytes) -> list[str]:
        one, other = written(data), written(None)
        mine, theirs = (one, other) if writer == "subject" else (other, one)
        verdicts = judge(extremes, replace(reference, outcome=theirs), mine, EXTREMUM, aspects=("mutation",))
        return [v.status for v in verdicts]

    assert mutation(np.array([0xFFC00001], np.uint32).tobytes()) == ["conforms"]
    assert mutation(np.array([1.0], np.float32).tobytes()) == ["deviates"]


HUGE = float(np.finfo(np.float32).max)
INF = float("inf")


@pytest.mark.parametrize(
    ("call", "inputs", "policy", "answered", "problems"),
    [
        # NaN by overflow on the way: infinite is no worse an answer
        ("torch.mean", (literal(HUGE, HUGE, -HUGE, -HUGE), 0), SUM, INF, set()),
        ("torch.add", (literal(INF, shape=()), literal(-INF, shape=())), ELEMENTWISE, INF, {"values", "mutation"}),
    ],
)
def test_who_wrote_what_was_there_is_told_by_values(
    call: str, inputs: tuple[Any, ...], policy: Policy, answered: float, problems: set[str]
) -> None:
    """out= is poisoned with NaN: where NaN is an answer, nobody can tell whether PyTorch wrote it."""
    written = case(call, *inputs, variant="out", out=spec())
    reference, subject = both(written, policy)

    def answering(outcome: Outcome, value: float) -> Outcome:
        data = np.array(value, np.float32).tobytes()
        changed = not np.isnan(value)
        *others, out = outcome.inputs
        return replace(
            outcome,
            mutated=(False,) * len(others) + (changed,),
            inputs=(*others, replace(out, data=data if changed else None)),
            result=replace(outcome.result, data=data),
        )

    nothing = replace(reference, outcome=answering(reference.outcome, np.nan))
    verdicts = judge(written, nothing, answering(subject, answered), policy)
    assert {v.aspect for v in verdicts if v.status == "deviates"} == problems


@pytest.mark.parametrize(("error", "problems"), [(1e-7, set()), (1e-2, {"values", "mutation"})])
def test_what_stays_as_it_is_within_the_tolerance_was_written_too(error: float, problems: set[str]) -> None:
    """log1p(x) of a small x is x but for a unit; out= lies in the input's memory, so that both show it."""
    x = TensorSpec((2,), "float32", Values("literal", literal=(1e-10, 3e-10)), Layout("shared", (0, 1, 0)))
    written = case("torch.log1p", x, variant="out", out=Window(0, (2,)))
    reference, subject = both(written, ELEMENTWISE)
    assert subject.mutated == (False, False)
    data = (np.array([1e-10, 3e-10], np.float32) * np.float32(1 + error)).tobytes()
    outcome = reference.outcome
    changed = replace(
        outcome,
        mutated=(True, True),
        inputs=tuple(replace(t, data=data) for t in outcome.inputs),
        result=replace(outcome.result, data=data),
    )
    verdicts = judge(written, replace(reference, outcome=changed, truths={}), subject, ELEMENTWISE)
    assert {v.aspect for v in verdicts if v.status == "deviates"} == problems


def test_a_running_variance_errs_with_its_length() -> None:
    """In float64 PyTorch's variance of 900 numbers is tens of units off: the exact one must not be refused."""
    spread = case("torch.var", spec(900, dtype="float64", kind="ties"))
    before = elements_before(spread, 0)
    assert before is not None
    numbers = [Fraction(x) for x in before[1].tolist()]
    mean = sum(numbers) / len(numbers)
    exact = float(sum((x - mean) ** 2 for x in numbers) / (len(numbers) - 1))

    def answering(value: float) -> Callable[[Outcome], Outcome]:
        return result(data=np.array(value).tobytes())

    assert found(spread, SPREAD, answering(exact)) == {}
    assert found(spread, SPREAD, answering(exact * (1 + 1e-12))) == {"values": "deviates"}


def test_a_derivative_where_rounding_decides_the_branch_is_nobodys_promise() -> None:
    """PyTorch's deviation of equal numbers is 0 or nearly so; its derivative is 0 at 0 and of order one beside it."""
    spread = case("torch.std", spec(7, dtype="float64", grad=True), order=1)

    def steeper(outcome: Outcome) -> Outcome:
        (gradient,) = outcome.gradients
        return replace(outcome, gradients=(replace(gradient, data=scaled(gradient.data, 1.01, np.float64)),))

    assert found(spread, DEVIATION, steeper) == {"gradients": "deviates"}
    equal = TensorSpec((7,), "float64", Values("literal", literal=(0.9713459,) * 7), requires_grad=True)
    reference, subject = both(case("torch.std", equal, order=1), DEVIATION)
    other = 0.0 if wide_array(reference.outcome.result) else 1e-16
    moved = replace(steeper(subject), result=replace(subject.result, data=np.array(other).tobytes()))
    verdicts = {v.aspect: v.status for v in judge(spread, reference, moved, DEVIATION)}
    assert (verdicts["values"], verdicts["gradients"]) == ("conforms", "unjudged")


def test_a_dtype_argument_bounds_what_can_overflow() -> None:
    numbers = literal(60.0, 60.0, 60.0)
    assert not can_overflow(case("torch.prod", numbers), POWERS)
    assert can_overflow(case("torch.prod", numbers, dtype=Named("float16")), POWERS)


@pytest.mark.parametrize("p", [1, 2])
def test_a_norm_errs_with_its_length(p: int) -> None:
    """PyTorch adds in order: in float64, 2,500 equal numbers give a norm that is 269 and 70 units off."""
    norm = case("torch.norm", literal(*[0.3] * 2500, dtype="float64"), p)
    exact = math.fsum([0.3**p] * 2500) ** (1 / p)

    def answering(value: float) -> Callable[[Outcome], Outcome]:
        return result(data=np.array(value).tobytes())

    assert found(norm, NORM, answering(exact)) == {}
    assert found(norm, NORM, answering(exact * (1 + 2e-13))) == {"values": "deviates"}
    few = case("torch.norm", literal(*[0.3] * 7, dtype="float64"), p)
    exact = math.fsum([0.3**p] * 7) ** (1 / p)
    assert found(few, NORM, answering(exact)) == {}
    assert found(few, NORM, answering(exact * (1 + 1e-14))) == {"values": "deviates"}


def test_a_scaled_operand_may_overflow_on_the_way() -> None:
    """Where alpha·y is rounded, an infinity that meets its overflow is NaN; PyTorch's loops round it or do not."""
    near, small = literal(INF, 1.0), literal(3e38, 1.0)
    assert scaled_overflows(case("torch.sub", near, small, alpha=2.5))
    assert not scaled_overflows(case("torch.sub", near, small, alpha=0.5))
    assert not scaled_overflows(case("torch.sub", near, small))
    for alpha, answered, status in ((2.5, np.nan, "conforms"), (2.5, -np.inf, "deviates"), (0.5, np.nan, "deviates")):
        scaled = case("torch.sub", near, small, alpha=alpha)
        reference, subject = both(scaled, ELEMENTWISE)
        elements = np.frombuffer(subject.result.data, np.float32).copy()
        elements[0] = answered
        changed = replace(subject, result=replace(subject.result, data=elements.tobytes()))
        verdicts = {v.aspect: v.status for v in judge(scaled, reference, changed, ELEMENTWISE)}
        assert verdicts["values"] == status


def test_outs_that_are_not_written_are_seen() -> None:
    outs = (spec(seed=2), spec(seed=3))
    extremes = case("torch.aminmax", literal(2.0, 1.0), variant="out", out=outs)
    poisoned = np.array([np.nan], np.float32).tobytes()

    def unwritten(outcome: Outcome) -> Outcome:
        inputs = tuple(replace(t, data=None) for t in outcome.inputs)
        items = tuple(replace(t, data=poisoned) for t in outcome.result.items)
        return replace(outcome, mutated=(False,) * 3, inputs=inputs, result=replace(outcome.result, items=items))

    assert found(extremes, EXTREMUM, unwritten) == {"values": "deviates", "mutation": "deviates"}


def test_aliasing() -> None:
    view = case("Tensor.view", spec(2, 3), 6, variant="method")
    assert found(view, VIEW, lambda o: replace(o, aliases=())) == {"aliasing": "deviates"}
    copy = case("torch.clone", spec(2, 3))
    assert found(copy, VIEW, lambda o: replace(o, aliases=(("", "0"),))) == {"aliasing": "deviates"}
    same = case("Tensor.contiguous", spec(2, 3), variant="method")
    assert found(same, VIEW, lambda o: replace(o, extra={})) == {"aliasing": "deviates"}


def test_gradients() -> None:
    def gradient(name: str, change: Callable[[TensorData], TensorData | None]) -> Callable[[Outcome], Outcome]:
        def changed(outcome: Outcome) -> Outcome:
            first, *others = getattr(outcome, name)
            return replace(outcome, **{name: (change(first), *others)})

        return changed

    for name in ("gradients", "gradients2"):
        assert found(EXP, ELEMENTWISE, gradient(name, lambda g: replace(g, data=scaled(g.data, 1.01)))) == {
            name: "deviates"
        }
        assert found(EXP, ELEMENTWISE, gradient(name, lambda g: None)) == {name: "deviates"}
        assert found(EXP, ELEMENTWISE, gradient(name, lambda g: replace(g, shape=(3, 2)))) == {name: "deviates"}
        assert found(EXP, ELEMENTWISE, gradient(name, lambda g: replace(g, dtype="float64"))) == {name: "deviates"}
    assert found(EXP, ELEMENTWISE, result(requires_grad=False)) == {"gradients": "deviates"}
    failed = Error(("NotImplementedError", "RuntimeError"), "no rule", "backward")
    assert found(EXP, ELEMENTWISE, lambda o: replace(o, gradients=None, gradients2=None, gradient_error=failed)) == {
        "gradients": "missing"
    }
    broken = Error(("RuntimeError",), "no", "double_backward")
    assert found(EXP, ELEMENTWISE, lambda o: replace(o, gradients2=None, gradient_error=broken)) == {
        "gradients2": "deviates"
    }


def test_gradients_of_broken_ties_are_free() -> None:
    median = case(
        "torch.sort", TensorSpec((2,), "float32", Values("literal", literal=(1.0, 1.0)), requires_grad=True), order=1
    )
    reference, subject = both(median, SELECTION)
    values, indices = subject.result.items
    other = replace(indices, data=np.array([1, 0]).tobytes())
    assert subject.gradients is not None
    turned = (replace(subject.gradients[0], data=subject.gradients[0].data[4:] + subject.gradients[0].data[:4]),)
    changed = replace(subject, result=replace(subject.result, items=(values, other)), gradients=turned)
    statuses = {v.aspect: v.status for v in judge(median, reference, changed, SELECTION)}
    assert statuses["values"] == "conforms"
    assert statuses["gradients"] == "unjudged"
    only_gradient = replace(subject, gradients=turned)
    assert {v.status for v in judge(median, reference, only_gradient, SELECTION, aspects=("gradients",))} == {
        "deviates"
    }


WRONG_DIM = case("torch.sum", spec(2, 3), dim=5)


def test_errors() -> None:
    def raised(kind: str, text: str) -> Callable[[Outcome], Outcome]:
        return lambda o: Outcome("raised", error=Error((kind, "Exception"), text))

    text = "Dimension out of range (expected to be in range of [-2, 1], but got 5)"
    assert found(WRONG_DIM, SUM, raised("IndexError", text)) == {}
    assert found(WRONG_DIM, SUM, raised("IndexError", "bad dim")) == {"error_text": "deviates"}
    assert found(WRONG_DIM, SUM, raised("IndexError", text.replace("5", "7"))) == {}
    assert found(WRONG_DIM, SUM, raised("ValueError", text)) == {"error": "deviates"}
    assert found(WRONG_DIM, SUM, lambda o: answer(case("torch.sum", spec(2, 3)), torch)) == {"error": "deviates"}
    assert found(EXP, ELEMENTWISE, raised("ValueError", "no")) == {"structure": "deviates"}
    assert found(EXP, ELEMENTWISE, raised("NotImplementedError", "not yet")) == {"structure": "missing"}
    assert found(WRONG_DIM, SUM, raised("NotImplementedError", "not yet")) == {"error": "deviates"}


def test_what_torch_does_not_implement_is_an_ordinary_error() -> None:
    unsigned = case("torch.add", spec(2, dtype="uint16", kind="ones"), 1)
    reference, subject = both(unsigned, ELEMENTWISE)
    assert reference.outcome.status == "raised"
    assert {v.status for v in judge(unsigned, reference, subject, ELEMENTWISE)} == {"conforms"}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("crash", "crash"), ("exit", "crash"), ("timeout", "timeout"), ("memory", "memory"), ("missing", "missing")],
)
def test_no_answer(status: str, verdict: str) -> None:
    assert found(EXP, ELEMENTWISE, lambda o: Outcome(status, extra={"how": "SIGSEGV"})) == {"structure": verdict}
    assert found(WRONG_DIM, SUM, lambda o: Outcome(status)) == {"structure": verdict}
    reference, _ = both(EXP, ELEMENTWISE)
    hidden = judge(EXP, reference, Outcome(status), ELEMENTWISE, aspects=("gradients",))
    assert [(v.aspect, v.status) for v in hidden] == [("gradients", verdict)], "nothing asked for may look like a pass"


def test_inputs_that_cannot_be_built() -> None:
    broken = Error(("TypeError",), "unknown dtype", "build")
    assert found(EXP, ELEMENTWISE, lambda o: Outcome("raised", error=broken)) == {"build": "deviates"}
    for lacking in ("NotImplementedError", "AttributeError"):
        unknown = Error((lacking,), "no complex32", "build")
        assert found(EXP, ELEMENTWISE, lambda o, error=unknown: Outcome("raised", error=error)) == {"build": "missing"}


def test_memory_that_cannot_be_written_to_is_missing_not_wrong() -> None:
    view = case("torch.t", spec(2, 3))

    def unwritable(outcome: Outcome) -> Outcome:
        return replace(outcome, aliases=(), extra={"unwritable": "TypeError: not subscriptable"})

    assert found(view, VIEW, unwritable) == {"aliasing": "missing"}
    assert found(view, VIEW, lambda o: replace(o, aliases=())) == {"aliasing": "deviates"}


def test_strides() -> None:
    permuted = TensorSpec((2, 3), "float32", Values("normal", 1), Layout("permuted", (1, 0)))
    assert found(case("torch.exp", permuted), ELEMENTWISE, result(stride=(3, 1))) == {"stride": "deviates"}
    assert found(case("torch.exp", spec(1, 3)), ELEMENTWISE, result(stride=(77, 1))) == {}, "a dim of size 1"
    assert found(case("torch.exp", spec(2, 3)), Policy(), result(stride=(1, 2))) == {}, "where none are promised"


def test_random_streams() -> None:
    rand = case("torch.rand", (200,))

    def drawn(array: np.ndarray) -> Callable[[Outcome], Outcome]:
        return result(data=array.astype(np.float32).tobytes())

    other = np.random.RandomState(0)
    assert found(rand, STREAM, drawn(other.rand(200))) == {"random": "deviates"}
    assert found(rand, STREAM, drawn(other.randn(200))) == {"random": "deviates", "values": "deviates"}
    assert found(rand, STREAM, lambda o: replace(o, random="another")) == {"random": "deviates"}


def test_text_and_grad_fn() -> None:
    full = case("torch.full", (2,), 1.5)
    assert found(full, CREATION, result(text="tensor([1.5, 1.5])")) == {"text": "deviates"}
    assert found(EXP, ELEMENTWISE, result(grad_fn="Exp")) == {"text": "deviates"}


def test_warnings() -> None:
    old = case("torch.range", 0, 3)
    assert found(old, CREATION, lambda o: replace(o, warnings=())) == {"warnings": "deviates"}


def test_normalised_text() -> None:
    assert normalised("size 3 at 0x7f12") == normalised("size 14 at 0xab")
    assert normalised("expected Float") != normalised("expected Double")
    assert normalised("float32") == "float32"


def test_levels() -> None:
    assert aspects_of(["core"]) == LEVELS["core"]
    assert set(aspects_of(list(LEVELS))) == set(ASPECTS)
    with pytest.raises(ValueError, match="unknown level 'all'"):
        aspects_of(["all"])
    assert worst(["conforms", "missing", "deviates"]) == "deviates"
    assert worst([]) == "conforms"


def test_aspects_asked_for_are_the_only_ones_told() -> None:
    reference, subject = both(EXP, ELEMENTWISE)
    assert [v.aspect for v in judge(EXP, reference, subject, ELEMENTWISE, aspects=("dtype",))] == ["dtype"]


def test_the_reference_cannot_answer() -> None:
    _, subject = both(EXP, ELEMENTWISE)
    verdicts = judge(EXP, ReferenceAnswer(Outcome("crash")), subject, ELEMENTWISE)
    assert [v.status for v in verdicts] == ["unjudged"]


def test_verdicts_are_plain_data() -> None:
    from assay.plain import dumps, loads

    reference, subject = both(EXP, ELEMENTWISE)
    for value in (*judge(EXP, reference, subject, ELEMENTWISE), reference, ELEMENTWISE):
        assert loads(dumps(value)) == value
    assert isinstance(loads(dumps(Verdict("values", "deviates", "x", 2.0))), Verdict)
    twice = case("torch.add", spec(2), Same(0))
    assert isinstance(both(twice, ELEMENTWISE)[1].result, TensorData)
    assert isinstance(answer(case("torch.sort", spec(3)), torch).result, Sequence)


@pytest.mark.parametrize("own", [False, True], ids=["another's", "its own"])
@pytest.mark.parametrize(("place", "status"), [(0, {"values": "deviates"}), (5, {})])
def test_what_lies_behind_given_memory_is_nobodys_promise(place: int, status: dict[str, str], own: bool) -> None:
    """Six elements looked at from the second of four: PyTorch makes the memory longer."""
    given = spec(2, 2, dtype="float32", seed=2)
    operands = (given, Same(0)) if own else (spec(2), given)
    looked = case("Tensor.set_", *operands, 1, (2, 3), (3, 1), variant="inplace")

    def other(outcome: Outcome) -> Outcome:
        elements = np.frombuffer(outcome.result.data, np.float32).copy()
        elements[place] = 7.0
        return result(data=elements.tobytes())(outcome)

    assert found(looked, replace(ELEMENTWISE, values="exact", canonical="grown"), other) == status

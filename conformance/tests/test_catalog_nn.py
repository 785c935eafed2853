"""What the networks' part of the catalogue added to the judge: answers computed from a random stream, in-place
activations, the scale of fused kernels, targets of two classes, and perturbations of many inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from assay import values
from assay.case import Case, TensorSpec, Values
from assay.catalog import catalog
from assay.drawing import draw_cases
from assay.execute import Want, answer, untouched
from assay.extremes import can_overflow
from assay.inputs import works_in_place
from assay.judge import judge
from assay.outcome import Verdict
from assay.policy import ELEMENTWISE, OVERFLOWING, SAMPLED, Policy
from assay.scales import SIMPLE_SCALES
from assay.testing.planting import planted
from assay.truth import reference_answer

X = TensorSpec((40,), "float32", Values("normal", 3), requires_grad=True)


def dropout(train: bool, p: float = 0.5) -> Case:
    return Case("dropout", "function", "torch.dropout", (X, p, train), order=1, seed=11)


def judged(case: Case, behave: Callable[..., Any], policy: Policy) -> dict[str, Verdict]:
    reference = reference_answer(case, torch, policy)
    with planted(torch, [case.call], behave):
        subject = answer(case, torch, want=Want.of(policy))
    # the stream and the generator's state afterwards are both "random": the worse of them counts
    return {v.aspect: v for v in sorted(judge(case, reference, subject, policy), key=lambda v: v.status == "deviates")}


def sound(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return original(*args, **kwargs)


def off(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """One percent too much."""
    return original(*args, **kwargs) * 1.01


def redrawn(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The same distribution from another part of the stream."""
    torch.rand(3)
    return original(*args, **kwargs)


def test_what_draws_nothing_is_known() -> None:
    assert not reference_answer(dropout(False), torch, SAMPLED).drew
    assert reference_answer(dropout(True), torch, SAMPLED).drew
    assert answer(dropout(False), torch, want=Want.of(SAMPLED)).random == untouched(dropout(False), torch)


@pytest.mark.parametrize("train", [True, False])
def test_sampled_answers_conform_to_themselves(train: bool) -> None:
    found = judged(dropout(train), sound, SAMPLED)
    assert {a: v.detail for a, v in found.items() if v.status != "conforms"} == {}
    assert {"values", "random", "gradients"} <= set(found)


def test_an_answer_that_draws_nothing_is_judged_by_truth() -> None:
    assert judged(dropout(False), off, SAMPLED)["values"].status == "deviates"


def test_another_stream_of_the_same_distribution_is_no_wrong_value() -> None:
    found = judged(dropout(True), redrawn, SAMPLED)
    assert found["values"].status == "conforms"
    assert found["random"].status == "deviates"


def test_a_stream_scaled_wrongly_shows() -> None:
    found = judged(dropout(True), off, SAMPLED)
    assert found["random"].status == "deviates"
    assert "units off" in found["random"].detail


def test_sampled_is_a_kind_of_values() -> None:
    assert SAMPLED.random
    with pytest.raises(ValueError, match="sampled"):
        Policy(values="dropped")


# -- in place by an argument
def test_inplace_true_works_in_place() -> None:
    case = Case("nn.functional.elu", "function", "torch.nn.functional.elu", (X,), {"inplace": True}, order=1)
    assert works_in_place(case)
    assert not works_in_place(replace(case, kwargs={"inplace": False}))
    outcome = answer(case, torch)
    assert outcome.status == "returned"
    assert outcome.mutated == (True,)
    assert outcome.gradients is not None
    assert outcome.gradients[0] is not None


def test_in_place_activations_take_no_expanded_tensors() -> None:
    written = [
        c
        for c in draw_cases(catalog()["nn.functional.elu"], "standard", 3)
        if c.kwargs.get("inplace") is True and not c.invalid
    ]
    assert len(written) > 50
    assert all(c.args[0].layout.kind != "expanded" for c in written)


# -- scales and plans
def test_the_scale_of_fused_kernels_is_in_ulps_of_float32() -> None:
    truth = np.zeros(3)
    fused = partial(SIMPLE_SCALES["fused"], None)
    wide = fused("result", truth, "float32")
    half = fused("result", truth, "float16")
    assert (wide == 8.0).all()
    np.testing.assert_array_equal(half * 2.0**-11, wide * 2.0**-24)
    assert (fused("gradients2.0", truth, "float64") == 32.0).all()


def test_a_gelu_off_by_a_hundredth_is_caught() -> None:
    entry = catalog()["nn.functional.gelu"]
    case = Case("nn.functional.gelu", "function", "torch.nn.functional.gelu", (X,), {"approximate": "tanh"}, order=2)
    found = judged(case, off, entry.policy)
    assert {found[a].status for a in ("values", "gradients", "gradients2")} == {"deviates"}


def test_signs_are_of_both_kinds() -> None:
    def drawn(dtype: str) -> set[float]:
        return set(values.array(TensorSpec((50,), dtype, Values("signs", 4))).astype(np.float64).tolist())

    assert drawn("float32") == drawn("int8") == drawn("bfloat16") == {-1.0, 1.0}
    assert drawn("uint8") == drawn("bool") == {1.0}


def test_complex_numbers_overflow_though_their_length_does() -> None:
    """Of numbers with two large parts the length is infinite, yet they are finite."""
    large = TensorSpec((2,), "complex128", Values("literal", literal=(1.5e308 + 1.5e308j, -1.5e308 + 1.5e308j)))
    small = TensorSpec((2,), "complex128", Values("literal", literal=(1.5 + 1.5j, 0.5j)))
    assert can_overflow(Case("square", "function", "torch.square", (large,)), OVERFLOWING)
    assert not can_overflow(Case("square", "function", "torch.square", (small,)), OVERFLOWING)


def test_many_inputs_are_perturbed_in_few_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    from assay import scales

    runs = []
    change = scales._change

    def counted(*args: Any, **kwargs: Any) -> Any:
        runs.append(args[5])
        return change(*args, **kwargs)

    monkeypatch.setattr(scales, "_change", counted)
    for count in (3, 9):
        runs.clear()
        parts = tuple(TensorSpec((2,), "float32", Values("normal", i)) for i in range(count))
        found = reference_answer(Case("cat", "function", "torch.cat", (parts,)), torch, ELEMENTWISE)
        assert found.outcome.status == "returned"
        assert len(set(runs)) == min(count, 5) + 1

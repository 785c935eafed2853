"""What is allowed to functions that lose digits by their method, whatever they are given: integers, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from assay.case import Case, TensorSpec, Values
from assay.execute import answer
from assay.judge import judge
from assay.outcome import TensorData
from assay.policy import ELEMENTWISE, FUNCTION, Policy
from assay.truth import reference_answer


def _case(dtype: str, *numbers: float) -> Case:
    spec = TensorSpec((len(numbers),), dtype, Values("literal", literal=numbers))
    return Case("special.i0e", "function", "torch.special.i0e", (spec,))


def _verdict(case: Case, policy: Policy, units: float) -> str:
    """What becomes of an answer that is some units of rounding above the truth."""
    reference = reference_answer(case, torch, policy)
    outcome = answer(case, torch)
    result = outcome.result
    assert isinstance(result, TensorData)
    assert result.data is not None
    array = np.frombuffer(result.data, result.dtype)
    moved = (array * (1 + units * np.finfo(array.dtype).eps / 2)).astype(array.dtype)
    subject = replace(outcome, result=replace(result, data=moved.tobytes()))
    return next(v.status for v in judge(case, reference, subject, policy) if v.aspect == "values")


@pytest.mark.parametrize(("dtype", "inside", "beyond"), [("float32", 13, 19), ("float16", 6, 24)])
def test_a_method_widens_the_window_where_its_digits_are_those_of_the_dtype(
    dtype: str, inside: int, beyond: int
) -> None:
    case = _case(dtype, 1.5)
    assert _verdict(case, FUNCTION, inside) == "conforms"
    assert _verdict(case, FUNCTION, beyond) == "deviates"
    assert _verdict(case, ELEMENTWISE, 13) == "deviates"


def test_a_method_known_to_err_in_double_precision_is_no_truth_there() -> None:
    case = _case("float64", 1.5)
    assert _verdict(case, FUNCTION, 50) == "deviates"
    assert _verdict(case, replace(FUNCTION, reference_error=1e3), 500) == "conforms"
    assert _verdict(case, replace(FUNCTION, reference_error=1e3), 2000) == "deviates"


@pytest.mark.parametrize("dtype", ["int32", "uint8", "float32"])
def test_integers_are_conditioned_like_the_numbers_they_become(dtype: str) -> None:
    spec = TensorSpec((2,), dtype, Values("literal", literal=(15, 9)))
    case = Case("special.log_ndtr", "function", "torch.special.log_ndtr", (spec,))

    def scale(policy: Policy) -> np.ndarray | None:
        found = reference_answer(case, torch, policy).truths["result"]
        return None if found.scale is None else np.frombuffer(found.scale)

    truth = np.abs(np.frombuffer(reference_answer(case, torch, FUNCTION).truths["result"].value or b""))
    with_integers, without = scale(FUNCTION), scale(replace(FUNCTION, integers=False))
    assert with_integers is not None
    # the logarithm's own is exp(-x²/2): an ulp of x moves it by x² ulps
    assert (with_integers[1] > 20 * truth[1]).all()
    assert (without is None) == (dtype != "float32")

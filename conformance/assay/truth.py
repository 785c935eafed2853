"""What real PyTorch answers to a case, and how well: the truth behind its floating results, and their scale.

The truth is the same case evaluated in the next wider dtype, with Python scalars first rounded to the compute dtype and
the very same cotangents. The scale says what an error is relative to where |truth| alone is too strict: the output's
change when the inputs change by one ulp, or the conditioning that the catalogue entry declares.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assay.canonical import canonical
from assay.case import Case, Named, TensorSpec, Values
from assay.execute import Want, answer, untouched
from assay.extremes import can_overflow, can_underflow
from assay.outcome import Outcome, TensorData
from assay.parts import Array, is_gradient, tensor_specs, tensors
from assay.plain import plain
from assay.policy import Policy
from assay.scales import scales_of
from assay.tolerance import FLOATING, is_complex, wide_array
from assay.widened import RANK, WANT, Widened, arrays_of


@plain("truth")
@dataclass(frozen=True, slots=True)
class Truth:
    """What one floating tensor of an outcome should be: value (float64 or complex128 elements, row-major; None where
    the reference itself is the truth), and scale (float64; None for |truth|). unit: the dtype in whose ulps errors
    count, where it is computed in a narrower one than it is returned in."""

    value: bytes | None = None
    scale: bytes | None = None
    unit: str = ""


@plain("reference")
@dataclass(frozen=True, slots=True)
class ReferenceAnswer:
    """The reference's outcome with what is needed to judge another by it.

    truths: by path as `tensors` gives it. overflow: the inputs are so large that an intermediate can overflow though
    every term is finite. underflow: they are so small that a product of two can underflow. drew: random numbers were
    drawn for what is "sampled". note: why there is no wider evaluation, where one was wanted. measured: False where
    only the outcome was asked for, and all the rest is unknown.
    """

    outcome: Outcome
    truths: dict[str, Truth] = field(default_factory=dict)
    overflow: bool = False
    underflow: bool = False
    drew: bool = False
    note: str = ""
    measured: bool = True


def _judged_by_truth(outcome: Outcome, policy: Policy) -> dict[str, TensorData]:
    by_value = policy.values in ("truth", "sampled")
    return {
        path: leaf
        for path, leaf in tensors(outcome)
        if leaf.dtype in FLOATING and 0 not in leaf.shape and (by_value or is_gradient(path))
    }


def reference_answer(case: Case, module: Any, policy: Policy, want: Want | None = None) -> ReferenceAnswer:
    """Put a case to real PyTorch (`module`) and find the truth and scale of every floating tensor it answers; of none
    where the policy grants no looks."""
    outcome = answer(case, module, want=want or Want.of(policy))
    if outcome.status != "returned":
        return ReferenceAnswer(outcome)
    if not policy.looks and policy.values != "sampled":
        return ReferenceAnswer(outcome, measured=False)
    judged = _judged_by_truth(canonical(policy.canonical, case, outcome), policy)
    # A complex product overflows on the way whenever its terms do.
    may = policy.overflow or any(is_complex(spec.dtype) for spec in tensor_specs(case))
    overflow = may and can_overflow(case, policy)
    underflow = can_underflow(case)
    drew = policy.values == "sampled" and outcome.random != untouched(case, module)
    if not judged:
        return ReferenceAnswer(outcome, _of_whole_numbers(case, outcome, module, policy), overflow, underflow, drew)
    widened = Widened(case, judged, outcome, policy.gauge)
    with np.errstate(all="ignore"):
        truth, note = _evaluate(widened, module, policy, judged)
        base = {path: wide_array(leaf) for path, leaf in judged.items()} if truth is None else truth
        scales = scales_of(widened, module, policy, judged, base)
    truths = {}
    for path in judged:
        value = None if truth is None or path not in truth else truth[path].tobytes()
        scale = None if path not in scales else scales[path].tobytes()
        unit = widened.unit(path, judged[path].dtype)
        truths[path] = Truth(value, scale, "" if unit == judged[path].dtype else unit)
    return ReferenceAnswer(outcome, truths, overflow, underflow, drew, note)


def _of_whole_numbers(case: Case, outcome: Outcome, module: Any, policy: Policy) -> dict[str, Truth]:
    """What is truncated to the integers of a "span" (linspace): a step's last bit may decide them."""
    whole = {p: t for p, t in tensors(outcome) if t.dtype not in FLOATING and t.dtype != "bool" and 0 not in t.shape}
    if policy.scale != "span" or not whole:
        return {}

    def real(value: Any) -> Any:
        if isinstance(value, TensorSpec):
            return replace(value, dtype="float64", values=Values("zeros"))
        return Named("float64") if isinstance(value, Named) and value.name not in RANK else value

    found = answer(replace(case, kwargs={k: real(v) for k, v in case.kwargs.items()}), module, want=WANT)
    return {
        path: Truth(wide_array(t).tobytes())
        for path, t in tensors(found)
        if path in whole and t.dtype in FLOATING and t.shape == whole[path].shape
    }


def _evaluate(
    widened: Widened, module: Any, policy: Policy, judged: dict[str, TensorData]
) -> tuple[dict[str, Array] | None, str]:
    """The judged tensors of the wider evaluation, or None and the reason."""
    if not widened.wider:
        return None, ""
    outcome = widened.run(module)
    if outcome.status != "returned":
        return None, f"the wider evaluation {outcome.status}: {outcome.error.text[:200] if outcome.error else ''}"
    found = arrays_of(canonical(policy.canonical, widened.wide_case, outcome), judged)
    lacking = [path for path in judged if path not in found]
    return found, f"the wider evaluation lacks {', '.join(lacking)}" if lacking else ""

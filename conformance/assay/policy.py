"""How the answers of one operation are to be judged: what a catalogue entry declares, as plain data.

The names in `scale` and `canonical` are resolved in `assay.scales.SCALES` and `assay.canonical.CANONICAL`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from assay.plain import plain


@plain("policy")
@dataclass(frozen=True, slots=True)
class Policy:
    """What is promised of an operation's answers.

    values: how floating results are compared (integers, bools and indices are always compared bit for bit).
        "truth": against a wider evaluation, in units of rounding error (the default);
        "exact": bit for bit, because the operation only moves, selects or compares elements (view, index, cat, sort,
        min, floor, sign ...); the gradients of such an operation are still judged by truth;
        "metadata": never, because the memory is uninitialised (empty); its dtype, shape and strides still are;
        "stream": bit for bit, because the values are a pinned random stream (rand, randn, bernoulli).
    scale: what one unit of error is relative to, beside |truth|. "perturbation": the change of the output when the
        inputs change by one ulp (the default). "sum_abs": the operation applied to |inputs| (sum, mean, cumsum).
        "product": the root of the operation applied to the squared inputs (matmul, dot, outer). "magnitude": |truth|
        alone. "span": the largest element (linspace, whose steps pass by zero). "bounded": a constant, where rounded
        terms of order one are subtracted (log_softmax) and derivatives are bounded by their cotangents. New
        names are entries in `assay.scales`.
    gradient_scale: the same for first and second derivatives.
    canonical: a name in `assay.canonical.CANONICAL`, applied to both sides before values are compared: "ties" (indices
        of an unstable sort, topk, median ... stand for the values they point at), "unordered" (unique without sorting),
        "hidden ties" (an order of equal elements that only gradients show).
    strides: whether the result's strides are part of the answer (views, creation, elementwise operations).
    text: whether the printed text is judged; only for results that are built from the case's bytes, never computed.
    overflow: an intermediate may overflow although every term is finite, so that non-finite elements of either side
        prove nothing (matmul, sum, var, norm of huge inputs); such elements are counted as unjudged. "power": products
        of all elements are among them (prod).
    signed_zeros: whether an exact zero must have the right sign; False where that is an accident of the order of
        operands (max, min, lerp: PyTorch's vectorised and plain loops differ; unique: 0 and -0 are one).
    kink: the derivative jumps where a result is 0 (std: PyTorch gives 0 there), so that it is nobody's promise where
        rounding alone decides whether a result is 0, or overflow on the way whether it is finite.
    gradients: whether first derivatives may be compared (False where they depend on a free choice).
    reference_error: what the reference itself errs by in float64, in units, where it is worse than
        `assay.tolerance.UNMEASURED`.
    reference_growth: the same for each element that is reduced, where the error grows with their number (var and std:
        PyTorch's running update; against exact rational arithmetic 0.03 units an element on average, 0.16 at most;
        norm: sums in order; against decimals of 40 digits 0.11 on average, 0.26 at most, both of equal elements).
    looks: how many perturbations find the scale, at least; `assay.doubt` asks for more.
    """

    values: str = "truth"
    scale: str = "perturbation"
    gradient_scale: str = "perturbation"
    canonical: str = ""
    strides: bool = False
    text: bool = False
    overflow: bool | str = False
    signed_zeros: bool = True
    kink: bool = False
    gradients: bool = True
    reference_error: float | None = None
    reference_growth: float = 0.0
    looks: int = 2

    def __post_init__(self) -> None:
        if self.values not in ("truth", "exact", "metadata", "stream"):
            raise ValueError(f"values must be truth, exact, metadata or stream, not {self.values!r}")

    @property
    def random(self) -> bool:
        """Whether the values are a random stream."""
        return self.values == "stream"


ELEMENTWISE = Policy(strides=True)
LOG_OF_SUM = Policy(strides=True, scale="bounded", gradient_scale="bounded", overflow=True)
SPREAD = Policy(overflow=True, reference_error=8.0, reference_growth=0.2)
DEVIATION = replace(SPREAD, kink=True)
NORM = Policy(overflow=True, reference_growth=0.25)
SPANNING = Policy(strides=True, scale="span")
OVERFLOWING = Policy(strides=True, overflow=True)
INTERPOLATION = Policy(strides=True, overflow=True, signed_zeros=False)
QUOTIENT = Policy(values="exact", strides=True, overflow=True)
EXACT_ELEMENTWISE = Policy(values="exact", strides=True)
EXTREMUM = Policy(values="exact", strides=True, signed_zeros=False)
VIEW = Policy(values="exact", strides=True, text=True)
MOVE = Policy(values="exact", text=True)
CREATION = Policy(values="exact", strides=True, text=True)
UNINITIALISED = Policy(values="metadata", strides=True)
STREAM = Policy(values="stream", strides=True)
REDUCTION = Policy(overflow=True)
POWERS = Policy(overflow="power")
SUM = Policy(scale="sum_abs", overflow=True)
PRODUCT = Policy(scale="product", overflow=True)
SELECTION = Policy(values="exact", canonical="ties", signed_zeros=False)
SORTED_VALUES = Policy(values="exact", canonical="hidden ties", signed_zeros=False)
UNORDERED = Policy(values="exact", canonical="unordered", signed_zeros=False)

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
        "stream": bit for bit, because the values are a pinned random stream (rand, randn, bernoulli);
        "sampled": as "truth" where nothing is drawn (dropout while evaluating); else they are computed from a random
        stream that every dtype draws alike: by their distribution, and as a stream by truth.
    scale: what one unit of error is relative to, beside |truth|. "perturbation": the change of the output when the
        inputs change by one ulp (the default). "sum_abs": the operation applied to |inputs| (sum, mean, cumsum).
        "product": the root of the operation applied to the squared inputs (matmul, dot, outer). "magnitude": |truth|
        alone. "span": the largest element (linspace, whose steps pass by zero). "matrix": the change under a
        perturbation, or the largest element of the matrix that the last two dims are (inv, solve, svd). "positions":
        that change, or the largest element, where the weights of a sum come from rounded positions (interpolation:
        their error is relative to one, not to the sum, which may cancel). "sampling": that change, or for a derivative
        by places in an image its largest element times its length. "bounded": a constant, where rounded terms of order
        one are subtracted (log_softmax) and derivatives are bounded by their cotangents. "fused": four times that, in
        the ulps of float32 (gelu, whose kernel subtracts such terms times x). New names are entries in `assay.scales`.
    gradient_scale: the same for first and second derivatives.
    canonical: a name in `assay.canonical.CANONICAL`, applied to both sides before values are compared: "ties" (indices
        of an unstable sort, topk, median ... stand for the values they point at), "unordered" (unique without sorting),
        "hidden ties" (an order of equal elements that only gradients show), "fresh" (memory that was never written to,
        behind what is kept), "grown" (memory behind what was given); decompositions by what they rebuild: "svd",
        "eigh", "qr", "eig", "eigvals".
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
    method_error: what the reference errs by in single and double precision by its method (a recurrence, a long
        series), in units, though it may be better by luck: an eighth of the worst error measured in float32. Halves
        are computed in float32.
    reference_growth: the same as reference_error for each element that is reduced, where the error grows with their
        number (var and std: PyTorch's running update; against exact rational arithmetic 0.03 units an element on
        average, 0.16 at most; norm: sums in order; against decimals of 40 digits 0.11 on average, 0.26 at most, both
        of equal elements).
    integers: whether integers are moved, too, to find the scale: for functions that turn them into floating numbers and
        lose digits on the way, just as they do of floating ones (bessel_j0 of 15).
    gauge: per tensor of the result, which choice its cotangent must follow, as `assay.gauge` names it; "" for none.
    looks: how many perturbations find the scale, at least; `assay.doubt` asks for more, and at first for none: then
        the reference only answers.
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
    method_error: float = 1.0
    reference_growth: float = 0.0
    integers: bool = False
    gauge: tuple[str, ...] = ()
    looks: int = 2

    def __post_init__(self) -> None:
        if self.values not in ("truth", "exact", "metadata", "stream", "sampled"):
            raise ValueError(f"values must be truth, exact, metadata, stream or sampled, not {self.values!r}")

    @property
    def random(self) -> bool:
        """Whether the values come from a random stream."""
        return self.values in ("stream", "sampled")


ELEMENTWISE = Policy(strides=True)
LOG_OF_SUM = Policy(strides=True, scale="bounded", gradient_scale="bounded", overflow=True)
SPREAD = Policy(overflow=True, reference_error=8.0, reference_growth=0.2)
#: Of two elements nearly alike the mean cancels, which no perturbation shows: up to 12 units were measured, 46 where
#: the mean is 31 times the distance. Of subnormal ones it is rounded to the unit of all of them, then multiplied by
#: 1/√eps, 316 of the default's: 317 units were measured. Two implementations may err by that on either side.
NORMALISING = Policy(strides=True, overflow=True, signed_zeros=False, method_error=2.0, reference_error=640.0)
DEVIATION = replace(SPREAD, kink=True)
NORM = Policy(overflow=True, reference_growth=0.25)
SPANNING = Policy(strides=True, scale="span")
FUNCTION = Policy(strides=True, integers=True, method_error=2.0)
AMPLITUDE = Policy(strides=True, integers=True, scale="bounded")
RECURRENCE = Policy(strides=True, integers=True, method_error=2.5, scale="bounded")
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
SAMPLED = Policy(values="sampled", strides=True, overflow=True)
REDUCTION = Policy(overflow=True)
POWERS = Policy(overflow="power")
SUM = Policy(scale="sum_abs", overflow=True)
PRODUCT = Policy(scale="product", overflow=True)
SELECTION = Policy(values="exact", canonical="ties", signed_zeros=False)
SORTED_VALUES = Policy(values="exact", canonical="hidden ties", signed_zeros=False)
UNORDERED = Policy(values="exact", canonical="unordered", signed_zeros=False)

"""The tolerance accepts harmless ways to compute a thing and refuses faulty ones.

The variants are those of facts/tolerance_table.txt. Every one is judged against real torch and a wider truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st

from assay.case import Case, Layout, Named, TensorSpec, Values
from assay.catalog.vision import SAMPLED
from assay.execute import answer
from assay.judge import judge
from assay.outcome import Outcome, TensorData
from assay.policy import ELEMENTWISE, PRODUCT, REDUCTION, SELECTION, SPANNING, SUM, Policy
from assay.tolerance import CAP, FACTOR, compare, compare_exact, compare_whole, format_of, wide_array
from assay.truth import reference_answer
from assay.values import array as values_of

F = np.float32
L = np.longdouble


def _rows(rng: np.random.RandomState) -> list[tuple[str, bool, np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]]:
    """(name, harmless, subject, torch's answer, truth, scale)."""
    rows = []

    def add(
        name: str,
        answer: torch.Tensor,
        truth: np.ndarray,
        good: list[np.ndarray],
        bad: list[np.ndarray],
        scale: np.ndarray | None = None,
    ) -> None:
        for harmless, variants in ((True, good), (False, bad)):
            rows.extend(
                (f"{name}/{i}", harmless, np.asarray(v), answer.numpy(), truth, scale) for i, v in enumerate(variants)
            )

    for name, x in (("mean_uniform", rng.rand(10**6).astype(F)), ("mean_normal", (rng.randn(10**6) + 3).astype(F))):
        sequential = np.cumsum(x)[-1] / F(x.size)
        add(name, torch.from_numpy(x).mean(), x.astype(L).mean(), [x.mean(), F(x.astype(float).mean())], [sequential])
    x = rng.randn(10**6).astype(F)
    spread = np.sqrt(np.sum(x.astype(float) ** 2))
    add("sum", torch.from_numpy(x).sum(), x.astype(L).sum(), [x.sum()], [np.cumsum(x)[-1]], spread)

    for at in (0, 60, 100):
        z = (rng.randn(200, 50) * 3 + at).astype(F)
        e = np.exp(z.astype(L) - z.max(-1, keepdims=True))
        shifted = np.exp(z - z.max(-1, keepdims=True))
        with np.errstate(over="ignore", invalid="ignore"):
            plain = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
        good = [shifted / shifted.sum(-1, keepdims=True)]
        # Without the shift nothing is wrong until exp overflows: inputs must tell, not the tolerance.
        (good if at < 80 else (bad := [])).append(plain)
        add(
            f"softmax_{at}", torch.from_numpy(z).softmax(-1), e / e.sum(-1, keepdims=True), good, bad if at > 80 else []
        )

    z = (rng.randn(200, 50) * 30).astype(F)
    m = z.max(-1, keepdims=True)
    t = z.astype(L) - m
    t = t - np.log(np.exp(t).sum(-1, keepdims=True))
    s = np.exp(z - m)
    with np.errstate(divide="ignore"):
        naive = np.log(s / s.sum(-1, keepdims=True))
    direct = (z - m) - np.log(s.sum(-1, keepdims=True))
    add("log_softmax", torch.from_numpy(z).log_softmax(-1), t, [direct], [naive], np.maximum(np.abs(t), 1))

    u = np.concatenate([10 ** (-rng.rand(5000) * 9), rng.rand(1000)]).astype(F)
    add("log1p", torch.from_numpy(u).log1p(), np.log1p(u.astype(L)), [np.log1p(u)], [np.log(F(1) + u)])
    v = (rng.rand(5000) * 1e-3).astype(F)
    add("expm1", torch.from_numpy(v).expm1(), np.expm1(v.astype(L)), [np.expm1(v)], [np.exp(v) - F(1)])

    x = (rng.randn(10**5) * 3).astype(F)
    w, tx = x.astype(L), torch.from_numpy(x)
    for name in ("exp", "tanh", "sin"):
        add(name, getattr(torch, name)(tx), getattr(np, name)(w), [getattr(np, name)(x)], [])
    sigmoid = 1 / (1 + np.exp(-w))
    add(
        "sigmoid",
        tx.sigmoid(),
        sigmoid,
        [F(1) / (F(1) + np.exp(-x)), scipy.special.expit(x)],
        [F(0.5) * (F(1) + np.tanh(x / F(2)))],
    )
    add("erf", tx.erf(), scipy.special.erf(x.astype(float)), [scipy.special.erf(x)], [])
    softplus = torch.nn.functional.softplus(tx)
    add("softplus", softplus, np.logaddexp(w, 0), [np.logaddexp(x, F(0))], [np.log(F(1) + np.exp(x))])
    add("silu", torch.nn.functional.silu(tx), w * sigmoid, [x * scipy.special.expit(x)], [])
    d = x.astype(float)
    cubic = F(0.7978845608) * (x + F(0.044715) * x**3)
    add(
        "gelu",
        torch.nn.functional.gelu(tx),
        d * scipy.special.ndtr(d),
        [x * F(0.5) * (F(1) + scipy.special.erf(x * F(2**-0.5)))],
        [F(0.5) * x * (F(1) + np.tanh(cubic)), x * scipy.special.expit(F(1.702) * x)],
        np.abs(x).astype(float),
    )

    y = (rng.randn(10**5) * 0.01 + 100).astype(F)
    t = y.astype(L).var(ddof=1)
    raw = F((np.mean(y * y) - y.mean() ** 2) * y.size / (y.size - 1))
    add(
        "var",
        torch.from_numpy(y).var(),
        t,
        [y.var(ddof=1, mean=y.mean(keepdims=True))],
        [raw, F(y.astype(float).var())],
    )

    a, b = rng.randn(300, 1000).astype(F), rng.randn(1000, 200).astype(F)
    wide = a.astype(float) @ b.astype(float)
    scale = np.maximum(np.sqrt(a.astype(float) ** 2 @ b.astype(float) ** 2), 0.4 * np.abs(a) @ np.abs(b))
    half = a.astype(np.float16).astype(F) @ b
    tf32 = _tf32(a) @ _tf32(b)
    add("matmul", torch.from_numpy(a) @ torch.from_numpy(b), wide, [a @ b], [half, tf32], scale)

    h = rng.randn(64, 512).astype(F)

    def layer_norm(h: np.ndarray, eps: float, correction: int = 0) -> np.ndarray:
        centred = h - h.mean(-1, keepdims=True)
        return centred / np.sqrt(h.var(-1, keepdims=True, ddof=correction) + h.dtype.type(eps))

    t = layer_norm(h.astype(L), 1e-5)
    bad = [layer_norm(h.astype(float), 1e-6), layer_norm(h.astype(float), 1e-5, 1)]
    answer = torch.nn.functional.layer_norm(torch.from_numpy(h), (512,))
    add("layer_norm", answer, t, [layer_norm(h, 1e-5)], [v.astype(F) for v in bad], np.maximum(np.abs(t), 1))

    z = (rng.randn(100, 50) * 5).astype(F)
    m = z.max(-1)
    t = np.log(np.exp(z.astype(L)).sum(-1))
    shifted = m + np.log(np.exp(z - m[:, None]).sum(-1))
    add("logsumexp", torch.from_numpy(z).logsumexp(-1), t, [shifted, np.log(np.exp(z).sum(-1))], [])

    g = (rng.randn(1000) * 1e-4).astype(F)
    tg, root = torch.from_numpy(g), np.sqrt(np.abs(g.astype(L)))
    answer = tg / (tg.abs().sqrt() + 1e-8)
    good = [g / (np.sqrt(np.abs(g)) + F(1e-8))]
    add("root_plus_eps", answer, g / (root + L(1e-8)), good, [g / np.sqrt(np.abs(g) + F(1e-8))])
    return rows


def _tf32(x: np.ndarray) -> np.ndarray:
    bits = x.view(np.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(F)


def test_the_tables_variants() -> None:
    rows = _rows(np.random.RandomState(0))
    assert sum(harmless for _, harmless, *_ in rows) >= 24
    assert sum(not harmless for _, harmless, *_ in rows) >= 16
    wrong = []
    for name, harmless, subject, reference, truth, scale in rows:
        shape = np.shape(reference)
        judged = None if scale is None else np.broadcast_to(np.asarray(scale, float), shape)
        found = compare(
            np.asarray(subject, F).astype(float).reshape(shape),
            reference.astype(float),
            np.asarray(truth, float).reshape(shape),
            judged,
            "float32",
        )
        if found.ok != harmless:
            wrong.append((name, harmless, found))
    assert not wrong


def _judged(
    op: str,
    subject: Callable[..., np.ndarray],
    policy: Policy,
    *specs: TensorSpec,
    args: tuple = (),
    kwargs: dict | None = None,
) -> str:
    """The status of the values when `subject` answers torch.<op>(*specs, *args), by torch's own truth and scale."""
    case = Case(op, "function", f"torch.{op}", (*specs, *args), kwargs or {})
    reference = reference_answer(case, torch, policy)
    result = reference.outcome.result
    assert isinstance(result, TensorData)
    with np.errstate(all="ignore"):
        answered = np.asarray(subject(*(values_of(s) for s in specs)), np.dtype(result.dtype))
    outcome = Outcome("returned", replace(result, data=answered.tobytes()), inputs=reference.outcome.inputs)
    outcome = replace(reference.outcome, result=outcome.result)
    (verdict,) = judge(case, reference, outcome, policy, aspects=("values",))
    return verdict.status


def _spec(*shape: int, dtype: str = "float32", kind: str = "normal", seed: int = 1, **bounds: float) -> TensorSpec:
    return TensorSpec(shape, dtype, Values(kind, seed, **bounds))


def _torch_float64(op: str, *args: object) -> Callable[..., np.ndarray]:
    function = torch
    for name in op.split("."):
        function = getattr(function, name)
    return lambda *arrays: function(*(torch.from_numpy(a.astype(float)) for a in arrays), *args).numpy()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("op", ["exp", "sin", "tanh", "log1p", "sigmoid", "nn.functional.gelu", "nn.functional.silu"])
def test_scale_found_by_perturbation_is_not_vacuous(op: str, dtype: str) -> None:
    """A better answer passes; one off by 64 units, or by a tenth of a percent, does not, whatever its dtype."""
    spec = _spec(200, dtype=dtype)
    exact = _torch_float64(op)
    relative = max(64.5 * format_of(dtype).half_ulp, 1e-3)
    assert _judged(op, exact, Policy(), spec) == "conforms"
    assert _judged(op, lambda x: exact(x) * (1 + relative), Policy(), spec) == "deviates"
    assert _judged(op, lambda x: _last_off(exact(x), dtype, 3000), Policy(), spec) == "deviates"


def _last_off(array: np.ndarray, dtype: str, units: float) -> np.ndarray:
    array = array.copy()
    array[-1] *= 1 + units * format_of(dtype).half_ulp
    return array


def test_what_a_window_by_the_worst_element_let_through() -> None:
    """Both passed when the worst error of the reference in the call widened everybody's window."""
    wide = _spec(200, low=-40, high=40, kind="uniform")
    exact = _torch_float64("nn.functional.gelu")
    assert _judged("nn.functional.gelu", lambda x: exact(x) * 1.1, Policy(), wide) == "deviates"
    soft = _torch_float64("log_softmax", -1)
    assert _judged("log_softmax", lambda x: soft(x), Policy(), wide, args=(-1,)) == "conforms"
    assert _judged("log_softmax", lambda x: soft(x) * 1.001, Policy(), wide, args=(-1,)) == "deviates"


def test_faults_found_with_torchs_own_scale() -> None:
    small = _spec(500, low=1e-6, high=1e-3, kind="uniform")
    assert _judged("log1p", np.log1p, Policy(), small) == "conforms"
    assert _judged("log1p", lambda x: np.log(F(1) + x), Policy(), small) == "deviates"
    assert _judged("expm1", lambda x: np.exp(x) - F(1), Policy(), small) == "deviates"
    x = _spec(40)
    assert _judged("var", lambda x: x.var(ddof=1), Policy(), x) == "conforms"
    assert _judged("var", lambda x: x.var(), Policy(), x) == "deviates"
    a, b = _spec(30, 100), _spec(100, 20, seed=2)
    assert _judged("matmul", np.matmul, PRODUCT, a, b) == "conforms"
    assert _judged("matmul", lambda a, b: a.astype(np.float16).astype(F) @ b, PRODUCT, a, b) == "deviates"
    assert _judged("sum", lambda x: x.sum(), SUM, x) == "conforms"
    assert _judged("sum", lambda x: x[:-1].sum(), SUM, x) == "deviates"


def test_cancellation_is_forgiven_where_the_inputs_cause_it() -> None:
    """x - y of nearby numbers: an ulp of the inputs is many ulps of the result, in a float64 subtraction too."""
    x, y = _spec(100, low=1, high=1.0001, kind="uniform"), _spec(100, low=1, high=1.0001, kind="uniform", seed=2)
    nudged = _judged("sub", lambda x, y: x.astype(float) * (1 + 2**-24) - y, Policy(), x, y)
    assert nudged == "conforms"
    assert _judged("sub", lambda x, y: (x - y) + F(1e-5), Policy(), x, y) == "deviates"


def _second_gradient(call: str, *specs: TensorSpec, units: float, dtype: str = "float32") -> str:
    """The verdict on a subject whose second derivative by the first input is off by `units` of 1."""
    case = Case(call.rpartition(".")[2], "function", call, specs, order=2, seed=3)
    policy = Policy()
    reference = reference_answer(case, torch, policy)
    subject = answer(case, torch)
    assert subject.gradients2 is not None
    first, *others = subject.gradients2
    assert first is not None
    off = np.frombuffer(first.data or b"", dtype) + np.dtype(dtype).type(units * format_of(dtype).half_ulp)
    changed = replace(subject, gradients2=(replace(first, data=off.tobytes()), *others))
    (verdict,) = judge(case, reference, changed, policy, aspects=("gradients2",))
    return verdict.status


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_is_rounded(dtype: str) -> None:
    """The second derivative of the product of one element is zero, a difference of terms that are none."""
    one = TensorSpec((1,), dtype, Values("literal", literal=(3.0,)), requires_grad=True)
    assert _second_gradient("torch.prod", one, units=2, dtype=dtype) == "conforms"
    assert _second_gradient("torch.prod", one, units=10**4, dtype=dtype) == "deviates"
    logistic = TensorSpec((1,), dtype, Values("literal", literal=(0.5,)), requires_grad=True)
    assert _second_gradient("torch.exp", logistic, units=10**3, dtype=dtype) == "deviates"


def test_ties_leave_the_conditioning_of_what_is_linear() -> None:
    """A moved input breaks the tie; the gradient is still a sum of cotangents, whose terms cancel."""
    ties = TensorSpec((3, 3), "float32", Values("ones"), requires_grad=True)
    case = Case("amax", "function", "torch.amax", (ties,), order=2, seed=3)
    scale = reference_answer(case, torch, SELECTION).truths["gradients2.1"].scale
    assert scale is not None
    (found,) = np.frombuffer(scale)
    assert 0.05 < found < 2, "nine cotangents below 2, a ninth each"


def _literal(*shape: int, of: tuple[float, ...], grad: bool = False) -> TensorSpec:
    return TensorSpec(shape, "float64", Values("literal", literal=of), requires_grad=grad)


def test_what_one_ulp_changes_beyond_all_numbers_is_known_to_nobody() -> None:
    """Both of the largest numbers are moved, inwards; and 0 · 1e308 where a tanh saturates is a change of 1e292."""
    most = float(np.finfo(np.float64).max)
    lane = Case("sum", "function", "torch.sum", (_literal(3, of=(most, -most, -4.5e15)),))
    (truth,) = reference_answer(lane, torch, Policy()).truths.values()
    assert truth.scale is not None
    assert np.frombuffer(truth.scale)[0] > 1e300
    one = _literal(1, 1, of=(1.0,))
    hidden = _literal(2, 1, of=(most, 0.5))
    cell = Case(
        "rnn_tanh_cell",
        "function",
        "torch.rnn_tanh_cell",
        (_literal(2, 1, of=(0.5, 0.25)), hidden, one, _literal(1, 1, of=(0.75,), grad=True)),
        order=1,
        seed=4,
    )
    scale = reference_answer(cell, torch, Policy()).truths["gradients.0"].scale
    assert scale is not None
    assert np.frombuffer(scale)[0] > 1e300


def test_a_root_near_its_branch_point_is_no_jump() -> None:
    near = _spec(5, low=1 - 2.0**-20, high=1 - 2.0**-21, kind="uniform", dtype="float32")
    assert _judged("acos", lambda x: np.arccos(x * (1 + F(2) ** -23)), Policy(), near) == "conforms"
    assert _judged("acos", lambda x: np.arccos(x) + F(0.01), Policy(), near) == "deviates"


def test_bfloat16_is_widened_beyond_its_exponents() -> None:
    tiny = TensorSpec((1,), "bfloat16", Values("literal", literal=(-1.744874427001833e-39,)))
    (truth,) = reference_answer(Case("norm", "function", "torch.norm", (tiny,)), torch, REDUCTION).truths.values()
    assert truth.value is not None
    assert np.frombuffer(truth.value)[0] == pytest.approx(1.744874427001833e-39)


def test_gradients_that_pass_through_bfloat16_count_in_its_units() -> None:
    spec = TensorSpec((4,), "float16", requires_grad=True)
    case = Case("log_softmax", "function", "torch.log_softmax", (spec, 0), {"dtype": Named("bfloat16")}, order=1)
    assert reference_answer(case, torch, Policy()).truths["gradients.0"].unit == "bfloat16"


def test_the_truth_is_no_fault_where_the_reference_overflows_on_the_way() -> None:
    assert _compare([3.0], [np.nan], [3.0])
    assert _compare([3.0], [np.inf], [3.0])
    assert not _compare([3.1], [np.nan], [3.0])
    assert not _compare([np.nan], [3.0], [3.0])
    assert not _compare([3.0], [np.nan], [np.nan]), "PyTorch says NaN in any dtype"
    assert not _compare([3.0e38], [np.inf], [1e39])


def test_an_infinite_truth_is_no_fault_where_the_reference_overflows_on_the_way() -> None:
    """∞ - 3 · 65504 in float16: PyTorch's vectors round once, the elements left over round the product to infinity."""
    x, y = (TensorSpec((1,), "float16", Values("literal", literal=(v,))) for v in (65504.0, np.inf))
    case = Case("rsub", "function", "torch.rsub", (x, y), {"alpha": 3})
    reference = reference_answer(case, torch, ELEMENTWISE)
    subject = answer(case, torch)
    assert isinstance(subject.result, TensorData)
    assert np.isnan(wide_array(subject.result)).all()

    def status(value: float) -> str:
        held = replace(subject.result, data=np.float16([value]).tobytes())
        verdicts = judge(case, reference, replace(subject, result=held), ELEMENTWISE, aspects=("values",))
        return verdicts[0].status

    assert status(np.inf) == "conforms"
    assert status(-np.inf) == "deviates"
    assert status(65504.0) == "deviates"


def test_whole_numbers_beside_a_step() -> None:
    def whole(*elements: int) -> TensorData:
        return TensorData("int16", (2,), np.array(elements, np.int16).tobytes())

    truth = np.array([0.99999999999999989, 2.5])
    assert compare_whole(whole(1, 2), whole(0, 2), truth).ok
    assert not compare_whole(whole(1, 3), whole(0, 2), truth).ok
    assert not compare_whole(whole(2, 2), whole(0, 2), truth).ok
    assert not compare_whole(whole(-1, 2), whole(0, 2), truth).ok


def test_linspace_of_integers_knows_its_steps() -> None:
    out = TensorSpec((27,), "int16", Values("zeros"))
    case = Case("linspace", "out", "torch.linspace", (-2.5, 4.5, 27), {"out": out})
    truth = reference_answer(case, torch, SPANNING).truths["result"].value
    assert truth is not None
    assert np.allclose(np.frombuffer(truth), np.linspace(-2.5, 4.5, 27), rtol=0, atol=1e-14)


def test_a_zero_whose_product_underflowed_has_no_sign() -> None:
    tiny = TensorSpec((1,), "float64", Values("literal", literal=(5e-324,)))
    zero = TensorSpec((1,), "float64", Values("literal", literal=(0.0,)))
    small = TensorSpec((1,), "float64", Values("literal", literal=(0.5,)))
    assert (
        _judged("sub", lambda x, y: -np.abs(x - y * 0.1), ELEMENTWISE, zero, tiny, kwargs={"alpha": 0.1}) == "conforms"
    )
    assert _judged("mul", lambda x, y: -(x * y), ELEMENTWISE, zero, small) == "deviates"


def _compare(subject: object, reference: object, truth: object, dtype: str = "float32", **kwargs: object) -> bool:
    arrays = [np.asarray(v, float) for v in (subject, reference, truth)]
    return compare(*arrays, None, dtype, **kwargs).ok


def test_windows() -> None:
    unit = 2.0**-24
    assert _compare([1 + FACTOR * unit], [1.0], [1.0])
    assert not _compare([1 + (FACTOR + 1) * unit], [1.0], [1.0])
    assert _compare([1 + 4 * FACTOR * unit], [1 - 4 * unit], [1.0])
    assert not _compare([1 + (CAP + 2) * unit], [1 - 60 * unit], [1.0])
    bad = 1 + 1000 * unit
    assert _compare([bad + 30 * unit], [bad], [1.0]), "agrees with a reference that is itself wrong"
    assert _compare([1 + 30 * unit], [bad], [1.0]), "is better than such a reference"
    assert _compare([1 - 900 * unit], [bad], [1.0]), "is nearer to the truth than such a reference"
    assert not _compare([1 - 1100 * unit], [bad], [1.0])
    assert not _compare([bad, 1 + 20 * unit], [bad, 1.0], [1.0, 1.0]), "widens nobody else's window"


def test_non_finite_elements() -> None:
    inf, nan = np.inf, np.nan
    assert _compare([inf, -inf, nan], [inf, -inf, nan], [inf, -inf, nan])
    assert not _compare([-inf], [inf], [inf])
    assert not _compare([nan], [1.0], [1.0])
    assert not _compare([1.0], [nan], [nan])
    assert not _compare([3.4028234663852886e38], [inf], [1e39])
    largest, beyond = 3.4028234663852886e38, 2.0**128
    assert _compare([largest], [inf], [beyond * (1 - 2**-25)]), "at the edge, overflow is a rounding"
    assert not _compare([nan], [inf], [1e30])
    found = compare(np.array([nan, 1.0]), np.array([inf, 1.0]), np.array([1e30, 1.0]), None, "float32", overflow=True)
    assert found.ok
    assert (found.unjudged, found.elements) == (1, 2)


@given(
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.floats(min_value=-7.5, max_value=7.5),
)
def test_within_the_window_of_an_exact_reference(value: float, units: float) -> None:
    unit = max(2.0**-24 * abs(value), 2.0**-149)
    assert _compare([value + units * unit], [value], [value])
    assert not _compare([value + np.copysign(abs(units) + FACTOR + 1, units) * unit], [value], [value])


def test_exact_comparison_tells_zeros_apart_and_nans_not() -> None:
    def tensor(values: list[float]) -> TensorData:
        return TensorData("float32", (len(values),), np.array(values, F).tobytes())

    assert compare_exact(tensor([np.nan, 0.0]), tensor([-np.nan, 0.0])).ok
    assert not compare_exact(tensor([0.0]), tensor([-0.0])).ok
    found = compare_exact(tensor([1.0, 2.0]), tensor([1.0, 3.0]))
    assert not found.ok
    assert found.worst == 1


def test_a_small_slope_has_an_error_of_its_own() -> None:
    """A probability of 6e-6 is saved with all its digits: its gradient is no difference of terms of order one."""
    rows = TensorSpec((2,), "float32", Values("literal", literal=(0.0, -12.0)), requires_grad=True)
    case = Case("softmax", "function", "torch.softmax", (rows, 0), order=1, seed=3)
    reference, subject = reference_answer(case, torch, ELEMENTWISE), answer(case, torch)
    assert subject.gradients is not None
    (slope,) = subject.gradients
    assert slope is not None
    wrong = np.frombuffer(slope.data or b"", F) * np.array([1, 1.05], F)
    changed = replace(subject, gradients=(replace(slope, data=wrong.tobytes()),))
    assert judge(case, reference, subject, ELEMENTWISE, aspects=("gradients",))[0].status == "conforms"
    assert judge(case, reference, changed, ELEMENTWISE, aspects=("gradients",))[0].status == "deviates"


def test_conditioning_where_a_dense_tensor_meets_a_kernel_without_second_derivatives() -> None:
    """PyTorch's fused attention, which it takes for dense values only, has none."""
    query, key = (TensorSpec((1, 1, 4, 8), "float64", Values("normal", seed), requires_grad=True) for seed in (2, 3))
    value = TensorSpec((1, 1, 4, 8), "float64", Values("normal", 1), Layout("expanded", (3,)), requires_grad=True)
    call = "torch.nn.functional.scaled_dot_product_attention"
    case = Case("nn.functional.scaled_dot_product_attention", "function", call, (query, key, value), order=2)
    truths = reference_answer(case, torch, Policy()).truths
    assert {path for path, truth in truths.items() if truth.scale is None} == set()
    assert sum(path.startswith("gradients2") for path in truths) >= 3


def test_scale_of_derivatives_by_places_in_an_image() -> None:
    """Of one element, whose neighbours are all itself, every derivative by a place cancels to rounding errors."""
    image = TensorSpec((1, 1, 1, 1), "float32", Values("literal", literal=(3.0,)), requires_grad=True)
    grid = TensorSpec((1, 2, 2, 2), "float32", Values("uniform", 1, low=-1, high=1), requires_grad=True)
    case = Case("grid_sampler_2d", "function", "torch.grid_sampler_2d", (image, grid, 0, 1, False), order=1)
    truths = reference_answer(case, torch, SAMPLED).truths
    assert np.frombuffer(truths["gradients.1"].scale or b"").min() == 3.0
    assert np.frombuffer(truths["gradients.0"].scale or b"").max() < 12.0

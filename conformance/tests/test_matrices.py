"""Matrices: plans of values, decompositions without their freedom, derivatives that follow it, and scales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from assay.case import Case, Layout, TensorSpec, Values
from assay.catalog import catalog
from assay.execute import Want, answer
from assay.gauge import GAUGES
from assay.judge import judge
from assay.policy import PRODUCT, Policy
from assay.reproduce import script
from assay.testing.planting import planted
from assay.truth import reference_answer
from assay.values import elements

Change = Callable[..., Any]
SHAPE = (2, 5, 5)


# -- plans -----------------------------------------------------------------------------------------------------------
def matrices(kind: str, dtype: str, shape: tuple[int, ...] = SHAPE, seed: int = 3) -> np.ndarray:
    made = elements(Values(kind, seed), shape, dtype)
    return made.astype(np.complex128 if dtype.startswith("complex") else np.float64)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_plans_keep_what_they_promise(dtype: str) -> None:
    for seed in range(20):
        for kind in ("symmetric", "positive definite"):
            made = matrices(kind, dtype, seed=seed)
            assert (made == made.swapaxes(-2, -1).conj()).all()
            values = np.linalg.eigvalsh(made)
            assert (np.diff(np.sort(np.abs(values))) > 0.05).all()
            assert (values > 0.4).all() == (kind == "positive definite") or (values > 0).all()
        for kind in ("dominant", "conditioned"):
            assert (np.linalg.cond(matrices(kind, dtype, seed=seed)) < 30).all()
        for shape in ((3, 4, 2), (3, 2, 6)):
            found = np.linalg.svd(matrices("conditioned", dtype, shape, seed), compute_uv=False)
            assert (found[:, -1] > 0.3).all()
    ranks = {np.linalg.matrix_rank(matrices("deficient", dtype, (5, 5), seed)) for seed in range(20)}
    assert len(ranks) > 2
    assert max(ranks) <= 5


def test_triangles_of_dominant_matrices_are_well_conditioned() -> None:
    for seed in range(20):
        made = matrices("dominant", "float64", (6, 6), seed)
        assert np.linalg.cond(np.tril(made)) < 60
        assert np.linalg.cond(np.triu(made)) < 60


def test_pivots_exchange_a_row_with_itself_or_a_later_one() -> None:
    made = elements(Values("pivots", 2), (40, 6), "int32")
    assert (made >= np.arange(1, 7)).all()
    assert (made <= 6).all()
    assert (made > np.arange(1, 7)).any()


def test_a_matrix_may_have_no_elements_or_be_a_vector() -> None:
    for shape in ((), (0,), (3,), (0, 3), (3, 0), (0, 2, 2)):
        assert elements(Values("conditioned", 1), shape, "complex64").shape == shape


# -- decompositions --------------------------------------------------------------------------------------------------
def a_case(op: str, kind: str, *args: Any, order: int = 0, dtype: str = "float32", shape: Any = SHAPE) -> Case:
    spec = TensorSpec(shape, dtype, Values(kind, 7), requires_grad=order > 0)
    return Case(op, "function", f"torch.{op}", (spec, *args), order=order, seed=9)


def statuses(case: Case, change: Change) -> dict[str, str]:
    """What the judge says of torch with its answer changed."""
    policy = catalog()[case.op].policy
    reference = reference_answer(case, torch, policy)

    def changed(original: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            return change(result)
        return type(result)(change(*result))

    with planted(torch, [case.call], changed):
        subject = answer(case, torch, want=Want.of(policy))
    return {v.aspect: v.status for v in judge(case, reference, subject, policy)}


def phases(x: torch.Tensor) -> torch.Tensor:
    """Some phases, one a column."""
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0, -1.0])[: x.shape[-1]].to(x.dtype)
    return signs * (0.6 + 0.8j) if x.is_complex() else signs


def turned(u: torch.Tensor, s: torch.Tensor, vh: torch.Tensor) -> Any:
    return u * phases(u), s, vh * phases(u).conj()[:, None]


REVERSED = [4, 3, 2, 1, 0]
FREE: list[tuple[str, str, tuple[Any, ...], Change]] = [
    ("linalg.svd", "conditioned", (False,), turned),
    ("svd", "conditioned", (), lambda u, s, v: (u * phases(u), s, v * phases(v))),
    ("linalg.eigh", "symmetric", (), lambda w, v: (w, v * phases(v))),
    ("linalg.qr", "conditioned", (), lambda q, r: (q * phases(q), r * phases(q).conj()[:, None])),
    ("linalg.eig", "normal", (), lambda w, v: (w[..., REVERSED], v[..., REVERSED] * phases(v))),
    ("linalg.eigvals", "normal", (), lambda w: w[..., REVERSED]),
]
WRONG: list[tuple[str, str, tuple[Any, ...], Change]] = [
    ("linalg.svd", "conditioned", (False,), lambda u, s, vh: (u * phases(u), s, vh)),
    ("linalg.svd", "conditioned", (False,), lambda u, s, vh: (u * 1.001, s, vh / 1.001)),
    ("linalg.svd", "conditioned", (False,), lambda u, s, vh: (u, s.flip(-1), vh)),
    ("svd", "conditioned", (), lambda u, s, v: (u, s, v.mT.clone())),
    ("linalg.eigh", "symmetric", (), lambda w, v: (w, v.flip(-1))),
    ("linalg.eigh", "symmetric", (), lambda w, v: (w.flip(-1), v.flip(-1))),
    ("linalg.qr", "conditioned", (), lambda q, r: (q * phases(q), r)),
    ("linalg.qr", "conditioned", (), lambda q, r: (q @ r, torch.eye(5, dtype=r.dtype).expand_as(r))),
    ("linalg.eig", "normal", (), lambda w, v: (w[..., REVERSED], v)),
    ("linalg.eig", "normal", (), lambda w, v: (w, v * 1.001)),
    ("linalg.eigvals", "normal", (), lambda w: w * 1.001),
]


@pytest.mark.parametrize("dtype", ["float32", "complex128"])
@pytest.mark.parametrize(("op", "kind", "args", "change"), FREE, ids=lambda v: v if isinstance(v, str) else "")
def test_another_choice_conforms_in_values_and_gradients(
    op: str, kind: str, args: tuple[Any, ...], change: Change, dtype: str
) -> None:
    found = statuses(a_case(op, kind, *args, order=1, dtype=dtype), change)
    assert found["values"] == "conforms"
    assert found["gradients"] == "conforms"


@pytest.mark.parametrize(("op", "kind", "args", "change"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_no_decomposition_deviates(op: str, kind: str, args: tuple[Any, ...], change: Change) -> None:
    assert statuses(a_case(op, kind, *args), change)["values"] == "deviates"


def test_equal_singular_values_leave_their_vectors_free() -> None:
    case = a_case("linalg.svd", "zeros", False)
    turn, _ = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))
    assert statuses(case, lambda u, s, vh: (u @ turn, s, vh))["values"] == "conforms"


def test_gradients_are_judged_where_choices_differ() -> None:
    def wrong(w: torch.Tensor, v: torch.Tensor) -> Any:
        v.register_hook(lambda g: g * 1.01)
        return w, v

    assert statuses(a_case("linalg.eigh", "symmetric", order=1), wrong)["gradients"] == "deviates"


def test_entries_name_gauges_that_exist() -> None:
    assert {kind for e in catalog().values() for kind in e.policy.gauge} <= set(GAUGES)


def test_a_script_shows_the_gradient_that_was_judged(capsys: pytest.CaptureFixture[str]) -> None:
    case = a_case("linalg.eigh", "symmetric", order=1, dtype="float64", shape=(3, 3))
    space: dict[str, Any] = {"__name__": "a_script"}
    exec(compile(script(case, "torch", "gradients", "a detail"), "script", "exec"), space)
    space["answer"]("torch")
    shown = capsys.readouterr().out.split("gradients[0]")[1].splitlines()[1]
    outcome = answer(case, torch, want=Want.of(catalog()["linalg.eigh"].policy))
    assert outcome.gradients is not None
    assert outcome.gradients[0] is not None
    judged = np.frombuffer(outcome.gradients[0].data or b"").reshape(3, 3)
    np.testing.assert_allclose(np.array(eval(shown)), judged, rtol=1e-12)


# -- scales ----------------------------------------------------------------------------------------------------------
def scale(case: Case, policy: Policy) -> np.ndarray:
    found = reference_answer(case, torch, policy).truths["result"].scale
    return np.frombuffer(found or b"")


def test_terms_are_rounded_in_each_place_of_an_expanded_dim() -> None:
    """a1 b2 - a2 b1 with a1 = a2 and b1 = b2 in one memory is a difference of rounded products all the same."""
    specs = [TensorSpec((4, 3), "float32", Values("normal", i), Layout("expanded", (1,))) for i in (1, 2)]
    case = Case("linalg.cross", "function", "torch.linalg.cross", tuple(specs))
    assert (scale(case, catalog()["linalg.cross"].policy) > 0).all()


def test_weights_of_terms_are_part_of_the_scale() -> None:
    specs = tuple(TensorSpec((3, 3), "float32", Values("normal", i)) for i in (1, 2, 3))
    one, other, hundred = (
        scale(Case("addmm", "function", "torch.addmm", specs, {"beta": 0, "alpha": alpha}), PRODUCT)
        for alpha in (1, -1, 100)
    )
    np.testing.assert_allclose(other, one)
    np.testing.assert_allclose(hundred, one * 100)


def test_an_error_in_an_inverse_is_relative_to_the_whole_matrix() -> None:
    case = Case("linalg.inv", "function", "torch.linalg.inv", (TensorSpec((4, 4), "float32", Values("dominant", 1)),))
    found = scale(case, catalog()["linalg.inv"].policy)
    truth = np.abs(np.linalg.inv(matrices("dominant", "float32", (4, 4), 1)))
    assert (found >= truth.max() * 0.999).all()

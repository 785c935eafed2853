"""Reductions against real PyTorch: values, dtypes, shapes, nodes, warnings and errors; derivatives of both orders."""

import numpy as np
import pytest
from against import assert_agree
from gradients import assert_derivatives_agree

SETUP = """
inf, nan = float('inf'), float('nan')
A = torch.arange(6.).reshape(2, 3); I = torch.arange(6).reshape(2, 3); B = I > 2; C = A + 1j * A
E = torch.empty(0, 3); S = torch.tensor(3.); H = A.half(); U = I.to(torch.uint8); U16 = I.to(torch.uint16)
BF = A.bfloat16(); G = A.clone().requires_grad_(); GC = C.clone().requires_grad_()
N = torch.tensor([[1, nan, 2, nan], [5, 3, nan, 4]]); T = torch.tensor([[2., 2, 1, 2], [0, -0.0, 0, -1]])
"""
TENSORS = ("A", "I", "B", "C", "E", "S", "H", "U", "U16", "BF", "G", "GC", "N", "T", "A.t()", "I[:, ::2]", "E.t()")
DIMS = ("", "0", "1", "-1", "dim=0, keepdim=True", "2", "-3")


def agree(source, **how):
    assert_agree(source, SETUP, rtol=2e-6, atol=1e-7, **how)


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize(
    "name",
    [
        "sum", "nansum", "mean", "nanmean", "prod", "any", "all", "max", "min", "amax", "amin", "argmax", "argmin",
        "median", "nanmedian", "count_nonzero", "std", "var",
    ],
)  # fmt: skip
def test_every_dtype_and_dim(name, tensor):
    for dim in DIMS:
        if name == "count_nonzero" and "keepdim" in dim:
            continue
        if "median" in name and tensor == "T" and dim not in ("", "2", "-3"):
            continue  # which of equal elements is named is PyTorch's accident
        agree(f"{tensor}.{name}({dim})")
        if dim != "2":
            agree(f"torch.{name}({tensor}{', ' * bool(dim)}{dim})")


@pytest.mark.parametrize("name", ["sum", "nansum", "mean", "amax", "amin", "var", "std", "any", "all", "count_nonzero"])
def test_several_dims(name):
    for tensor in ("A", "torch.arange(24.).reshape(2, 3, 4)", "S", "E"):
        for dim in ("(0, 1)", "(1, 0)", "[0, -1]", "()", "[]", "(0, 0)", "(0, -2)", "(-1,)", "(0, 5)"):
            agree(f"{tensor}.{name}({dim})")


@pytest.mark.parametrize(
    "source",
    [
        "I.mean(dtype=torch.float32)", "A.mean(dtype=torch.int64)", "A.mean(0, dtype=torch.float64)",
        "G.sum(dtype=torch.float64)", "U16.sum(dtype=torch.uint16)", "B.sum(dtype=torch.bool)",
        "A.sum(dtype=torch.int32)", "C.sum(dtype=torch.float32)", "C.mean(dtype=torch.float32)",
        "A.sum(dtype=torch.complex64)", "(I * 100).sum(dtype=torch.uint8)", "(A * 1e5).sum(dtype=torch.float16)",
        "A.prod(dtype=torch.int64)", "A.prod(dtype=torch.bool)", "A.prod(dtype=torch.uint16)",
        "I.nansum(dtype=torch.float32)", "H.sum(dtype=torch.float64)", "A.prod((0, 1))",
    ],
)  # fmt: skip
def test_dtype_argument(source):
    agree(source)


@pytest.mark.parametrize(
    "name", ["sum", "mean", "nansum", "prod", "amax", "amin", "any", "all", "argmax", "var", "std"]
)
@pytest.mark.parametrize("d", ["float32", "float64", "int64", "int32", "uint8", "bool", "float16", "complex64"])
def test_out(name, d):
    for tensor in ("A", "I"):
        agree(f"o = torch.empty(3, dtype=torch.{d}); r = torch.{name}({tensor}, 0, out=o); (r is o, o)")
    if name in ("sum", "mean", "prod"):
        agree(f"torch.{name}(A, 0, dtype=torch.float64, out=torch.empty(3, dtype=torch.{d}))")


@pytest.mark.parametrize("name", ["any", "all"])
def test_truth_into_bytes_converts_first(name):
    tensor = "torch.tensor([[0.0, 0.5, 256.0, -3.7], [0.2, 0.9, 1.0, 300.0]])"
    for source in (tensor, f"{tensor}[:, 1:2]", f"{tensor}[0, 1]", f"{tensor}.int()", f"{tensor} * (1 + 2j)"):
        agree(f"torch.{name}({source}, -1, out=torch.empty(0, dtype=torch.uint8))")


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("own", ["float16", "float32", "complex32", "complex64"])
@pytest.mark.parametrize("d", ["float16", "float32", "complex32", "complex64"])
def test_deviations_into_other_dtypes(name, own, d):
    for shape, dim in (((1, 1), -2), ((2, 1), 0), ((2, 3), 0), ((1, 3), 0), ((2, 3), None)):
        x, out = f"torch.ones({shape}, dtype=torch.{own})", f"torch.empty(0, dtype=torch.{d})"
        agree(f"torch.{name}({x}, {dim}, correction=0, out={out})")


@pytest.mark.parametrize("d", ["complex64", "complex128"])
@pytest.mark.parametrize("z", ["complex(inf, nan)", "complex(nan, -inf)", "complex(nan, 1)"])
def test_norms_of_infinite_parts(d, z):
    agree(f"from math import inf, nan; x = torch.tensor([[1, {z}], [2, 3]], dtype=torch.{d}); (x.norm(), x.norm(2, 1))")


@pytest.mark.parametrize("name", ["max", "min", "median", "nanmedian", "mode", "aminmax"])
def test_named_results_and_out(name):
    dim = "dim=0" if name == "aminmax" else "0"
    agree(
        f"r = torch.{name}(A, {dim}); (type(r).__name__, r._fields if hasattr(r, '_fields') else r.__match_args__, r)"
    )
    second = "float32" if name == "aminmax" else "int64"
    for d in ("float32", "float64", "int32"):
        for e in (second, "float64"):
            out = f"(torch.empty(3, dtype=torch.{d}), torch.empty(3, dtype=torch.{e}))"
            agree(f"o = {out}; r = torch.{name}(A, {dim}, out=o); (type(r).__name__, r[0] is o[0], r[1] is o[1], r)")
    agree(f"repr(torch.{name}(G, {dim}))")


@pytest.mark.parametrize(
    "source",
    [
        "torch.max(A, A + 1)", "torch.max(G, A)", "torch.min(A, B)", "torch.max(C, C)", "torch.max(A, torch.ones(2))",
        "torch.max(I, A)", "torch.max(A, torch.tensor(3))", "A.max(A.t())", "A.max((0, 1))",
        "torch.max(A, out=torch.empty((), dtype=torch.int64))",
        "torch.max(U16[0], B[0], out=torch.empty(4, dtype=torch.bool))",
        "torch.max(U16, torch.ones(2), out=torch.empty(4, dtype=torch.bool))",
        "torch.min(C, A, out=torch.empty(4, dtype=torch.bool))",
        "torch.std(H[:, :0], out=torch.empty((), dtype=torch.float32))",
        "torch.max(A, out=torch.empty((), dtype=torch.float64))",
        "A.aminmax(keepdim=True)", "S.aminmax(dim=-1, keepdim=True)", "E.aminmax()", "E.aminmax(dim=0)", "C.aminmax()",
        "U16.aminmax()", "B.aminmax()", "N.aminmax(dim=1)", "N.aminmax()", "H.aminmax(dim=1)",
        "torch.tensor([1, 2, 2, 1, 3]).mode()", "torch.tensor([1, 2, 2, 1, 3]).mode(0, True)", "B.mode()", "E.mode()",
        "E.mode(0)", "E.mode(1)", "C.mode()", "U16.mode()", "S.mode()", "S.mode(1)", "T.mode(0)", "T.mode(1)",
        "T.max(1)", "T.min(1)", "T.argmax()", "A.trace()", "I.trace()", "B.trace()", "C.trace()", "H.trace()",
        "U.trace()", "U16.trace()", "S.trace()", "E.trace()", "G.trace()", "torch.ones(2, 2, 2).trace()",
        "torch.zeros(0).median()", "torch.zeros(0).max(0)", "torch.zeros(2, 0).argmax(0)",
        "torch.zeros(0, dtype=torch.int64).median()", "torch.zeros(0, dtype=torch.uint8).nanmedian()",
        "torch.zeros(0, dtype=torch.int32).median()",
    ],
)  # fmt: skip
def test_particular_calls(source):
    agree(source)


RANDOM = np.random.RandomState(7)
REAL = RANDOM.standard_normal((3, 4))
ZERO = np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 4.0]])
TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [3.0, 1.0, 3.0]])
COMPLEX = REAL + 1j * RANDOM.standard_normal((3, 4))


@pytest.mark.parametrize(
    "source",
    [
        "x.sum()", "x.sum(0)", "x.sum((0, 1), keepdim=True)", "x.nansum(1)", "x.mean()", "x.mean(1, True)",
        "x.nanmean(0)",
        "x.prod()", "x.prod(0)", "x.prod(1, True)", "x.trace()", "x.exp().sum(0).sin()", "(x * x).mean().exp()",
    ],
)  # fmt: skip
@pytest.mark.parametrize("x", [REAL, ZERO, COMPLEX], ids=["real", "zeros", "complex"])
def test_derivatives(source, x):
    if x is COMPLEX and "nan" in source:
        pytest.skip("PyTorch has no complex nansum")
    assert_derivatives_agree(source, x=x)


@pytest.mark.parametrize(
    "source",
    [
        "x.max()", "x.min()", "x.max(0)", "x.min(1, True)", "x.amax()", "x.amin(0)", "x.amax((0, 1), True)",
        "x.aminmax()",
        "x.aminmax(dim=1)", "x.median()", "x.nanmedian()", "x.exp().amax(1).sin()", "x.exp().max(1)[0].sin()",
    ],
)  # fmt: skip
@pytest.mark.parametrize("x", [REAL, TIES], ids=["real", "ties"])
def test_derivatives_of_extremes(source, x):
    assert_derivatives_agree(source, x=x)


@pytest.mark.parametrize("source", ["x.median(0)", "x.nanmedian(1, True)", "x.mode(1)"])
def test_derivatives_of_selections(source):
    assert_derivatives_agree(source, x=REAL)


@pytest.mark.parametrize(
    "source", ["x.max()", "x.amax()", "x.amin(0)", "x.median()", "x.max(0)", "x.nansum()", "x.sum()"]
)
def test_derivatives_at_nan(source):
    assert_derivatives_agree(source, second=False, x=np.array([[1.0, np.nan, 2.0], [np.nan, 0.0, 2.0]]))


def test_long_single_precision_sums_keep_their_accuracy():
    import flambeau

    x = np.random.RandomState(1).random_sample((20000, 7)).astype(np.float32)
    for array in (x, x.T, x[::2], np.asfortranarray(x), x.reshape(100, 200, 7).transpose(2, 0, 1)):
        for dim in range(array.ndim):
            exact = array.astype(np.float64).sum(dim)
            found = flambeau.from_numpy(np.ascontiguousarray(array)).sum(dim).numpy()
            np.testing.assert_allclose(found, exact, rtol=1e-6)
            strided = flambeau.from_numpy(x)
            if array is x.T:
                strided = strided.t()
                np.testing.assert_allclose(strided.sum(dim).numpy(), exact, rtol=1e-6)
    np.testing.assert_allclose(flambeau.from_numpy(x)[::2].sum().item(), x[::2].astype(np.float64).sum(), rtol=1e-6)


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("tensor", ["G", "G.t()", "GC"])
def test_gradient_along_one_dim(name, dim, tensor):
    agree(
        f"y = {tensor}.{name}({dim}); (y * y).abs().sum().backward(); "
        f"(y.detach(), y.grad_fn.name(), {tensor[:2].rstrip('.')}.grad)"
    )

"""Scans, softmax, norms, variances and losses against real PyTorch."""

import math

import numpy as np
import pytest
from against import assert_agree
from gradients import assert_derivatives_agree

SETUP = """
F = torch.nn.functional
inf, nan = float('inf'), float('nan')
A = torch.arange(6.).reshape(2, 3) / 3; I = torch.arange(6).reshape(2, 3); B = I > 2; C = A + 1j * A
E = torch.empty(0, 3); S = torch.tensor(3.); H = A.half(); U = I.to(torch.uint8); U16 = I.to(torch.uint16)
BF = A.bfloat16(); G = A.clone().requires_grad_(); GC = C.clone().requires_grad_()
X = torch.tensor([[inf, 1, -inf, nan], [-inf, -inf, -inf, -inf], [1, 0, -0.0, 2]])
P = torch.arange(24.).reshape(2, 3, 4).permute(2, 1, 0)
"""
TENSORS = ("A", "I", "B", "C", "E", "S", "H", "U", "U16", "BF", "G", "GC", "X", "P", "A.t()", "E.t()")

# one unit in the last place, in which two roundings may differ
LOOSE = {"BF": 8e-3, "H": 1e-3}


def agree(source, **how):
    assert_agree(source, SETUP, **{"rtol": 3e-6, "atol": 3e-7, **how})


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "softmax", "log_softmax"])
def test_along_a_dim(name, tensor):
    for dim in ("0", "1", "-1", "dim=0", "3", "-4"):
        agree(f"{tensor}.{name}({dim})", rtol=LOOSE.get(tensor, 3e-6))
    agree(f"torch.{name}({tensor}, -1)", rtol=LOOSE.get(tensor, 3e-6))


@pytest.mark.parametrize("tensor", TENSORS)
def test_logsumexp_and_norms(tensor):
    loose = LOOSE.get(tensor, 3e-6)
    for dim in ("0", "-1", "(0, 1)", "()", "(0, 0)", "0, True", "5"):
        if tensor != "X" or "norm" not in dim:
            agree(f"{tensor}.logsumexp({dim})", rtol=loose)
    for p in ("2", "1", "0", "3", "0.5", "1.5", "-1", "inf", "-inf"):
        for dim in ("None", "0", "(0, -1)", "()"):
            agree(f"torch.linalg.vector_norm({tensor}, {p}, {dim})", rtol=loose)
        agree(f"{tensor}.norm({p})", rtol=loose)
        agree(f"{tensor}.norm({p}, -1, True)", rtol=loose)


@pytest.mark.parametrize("tensor", TENSORS)
def test_variances(tensor):
    for name in ("var", "std", "var_mean", "std_mean"):
        for rest in (
            "",
            ", False",
            ", 0",
            ", 0, False, True",
            ", (0, -1)",
            ", correction=2",
            ", dim=0, correction=0",
            ", []",
        ):
            agree(f"torch.{name}({tensor}{rest})", rtol=LOOSE.get(tensor, 1e-5))


@pytest.mark.parametrize(
    "source",
    [
        "A.cumsum(0, dtype=torch.float64)", "I.cumsum(0, dtype=torch.float32)", "A.cumsum(0, dtype=torch.bool)",
        "A.cumprod(0, dtype=torch.uint16)", "A.clone().cumsum_(0)", "I.clone().cumprod_(1)", "U.clone().cumsum_(0)",
        "B.clone().cumsum_(0)", "A.clone().cumsum_(0, dtype=torch.float64)", "G.cumsum_(0)",
        "y = G * 1; y.cumprod_(0)", "torch.cumsum(A, 0, out=torch.empty(2, 3, dtype=torch.float64))",
        "torch.cumsum(A, 0, dtype=torch.float64, out=torch.empty(2, 3))",
        "torch.cummax(A, 0, out=(torch.empty(2, 3), torch.empty(2, 3)))",
        "torch.cummax(A, 0, out=(torch.empty(2, 3), torch.empty(2, 3, dtype=torch.int64)))",
        "torch.logcumsumexp(A, 0, out=torch.empty(2, 3, dtype=torch.float64))",
        "torch.tensor([1, nan, 2, nan, 5]).cummax(0)", "torch.tensor([3, 1, 2, 1, 1]).cummin(0)",
        "H.softmax(0, dtype=torch.float32)", "I.softmax(1, dtype=torch.float64)", "G.softmax(0, dtype=torch.float64)",
        "torch.softmax(A, 0, out=torch.empty(2, 3))", "torch.softmax(I, 0, out=torch.empty(2, 3))",
        "torch.log_softmax(A, 1, out=torch.empty(2, 3, dtype=torch.float64))", "torch.special.softmax(A, 0)",
        "torch.special.log_softmax(I, 0, dtype=torch.float64)", "torch.special.logsumexp(A, 0)", "F.softmax(A)",
        "F.log_softmax(P)", "F.softmin(S)", "F.softmin(A, 1, dtype=torch.float64)", "F.log_softmax(A, dim=-1)",
        "torch.logsumexp(I, 0, out=torch.empty(3, dtype=torch.int8))", "A.logsumexp()",
        "torch.norm(A)", "torch.norm(A, 'fro', 0)", "torch.norm(A, None, 0)", "torch.norm(A, out=torch.empty(()))",
        "torch.norm(A, 2, 0, out=torch.empty(3, dtype=torch.float64))", "torch.norm(A, p='fro', dim=(0, 1, 1))",
        "torch.norm(A, dtype=torch.int32)", "torch.norm(C, dtype=torch.float32)", "torch.norm(A, dtype=torch.float16)",
        "torch.linalg.vector_norm(A, 2j)", "torch.linalg.vector_norm(A, dtype=torch.complex64)",
        "torch.linalg.norm(A)", "torch.linalg.norm(A[0], 3)", "torch.linalg.norm(A, 1)", "torch.linalg.norm(A, inf)",
        "torch.linalg.norm(A, 0)", "torch.linalg.norm(A[0], 'fro')", "torch.linalg.norm(P, 2)",
        "torch.linalg.norm(A, 2, (0, 1, 2))", "torch.linalg.norm(P, -1, (0, 1))", "torch.linalg.matrix_norm(P)",
        "torch.linalg.matrix_norm(P, -inf, (0, 2), True)", "torch.linalg.matrix_norm(A, 1, (0, 0))",
        "torch.linalg.matrix_norm(A, 'x')", "torch.linalg.matrix_norm(I)", "torch.linalg.matrix_norm(E, inf)",
        "torch.dist(A, A + 1)", "torch.dist(G, A, 1)", "torch.dist(A, A[0], inf)", "torch.dist(A, torch.ones(2))",
        "torch.dist(I, I)", "torch.dist(A, I)", "torch.dist(C, C * 2, 0.5)", "A.dist(A.double() * 2)",
        "torch.var(H, out=torch.empty((), dtype=torch.float64))", "torch.var(A, correction=1j)",
        "torch.std(C, 0, out=torch.empty(3, dtype=torch.float64))",
        "torch.var(A, 0, out=torch.empty(3, dtype=torch.int64))",
    ],
)  # fmt: skip
def test_particular_calls(source):
    agree(source)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss"])
@pytest.mark.parametrize(
    "arguments",
    [
        "A, A + 1", "G, A + 1", "G, A, reduction='sum'", "G, A, reduction='none'", "A, A, reduction='x'", "A, A[0]",
        "A, torch.ones(5)", "I, I", "I, I, reduction='none'", "A, A.double()", "A, I", "C, C + 1", "H, H + 1", "B, B",
        "H * 400, H", "A, A + 1, size_average=False", "A, A + 1, reduce=False", "A, A + 1, True, True",
        "A, A + 1, weight=A", "G, A + 1, weight=A", "A, A, weight=A[0]", "A, A + 1, weight=A, reduction='none'",
        "A, A + 1, weight=A, reduction='sum'", "A, A, weight=A, reduction='x'", "E, E", "A, 1.5",
        "A, A, reduction='elementwise_mean'", "P, P + 1, reduction='none'", "S, S + 2",
    ],
)  # fmt: skip
def test_losses(name, arguments):
    agree(f"F.{name}({arguments})", rtol=1e-3 if "H" in arguments else 3e-6)


RANDOM = np.random.RandomState(3)
REAL = RANDOM.standard_normal((3, 4))
OTHER = RANDOM.standard_normal((3, 4))
ZEROS = np.array([[2.0, 0.0, 3.0, 4.0], [0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 0.0, 0.0], [5.0, 2.0, 3.0, 1.5]])
COMPLEX = REAL + 1j * OTHER


@pytest.mark.parametrize(
    "source",
    [
        "x.cumsum(0)", "x.cumsum(1).sin()", "x.cumprod(1)", "x.cumprod(0)", "x.logcumsumexp(1)", "x.logsumexp(0)",
        "x.logsumexp((0, 1), True)", "x.norm()", "x.norm(1)", "x.norm(3, 0)", "x.norm(1.5, 1, True)", "x.norm(0.5, 0)",
        "x.norm(inf, 1)", "x.norm(-inf)", "torch.linalg.vector_norm(x, 4, (0, 1), True)", "x.var()", "x.var(0)",
        "x.std()", "x.std(1, correction=0, keepdim=True)", "torch.var_mean(x, 1)", "torch.std_mean(x)",
        "torch.std_mean(x, 0)[1]", "torch.var_mean(x)[0]", "x.var(0, correction=3)", "x.std([])", "x.var([])",
    ],
)  # fmt: skip
@pytest.mark.parametrize("x", [REAL, COMPLEX], ids=["real", "complex"])
@pytest.mark.filterwarnings("ignore:var.*degrees of freedom")
def test_derivatives(source, x):
    assert_derivatives_agree(source, x=x)


@pytest.mark.parametrize(
    "source",
    [
        "x.cummax(1)", "x.cummin(0)", "x.softmax(0)", "x.log_softmax(1)", "x.softmax(1).exp()", "F.softmin(x, 0)",
        "x.sum(0).softmax(0)", "torch.linalg.matrix_norm(x, 1)", "torch.linalg.matrix_norm(x)",
    ],
)  # fmt: skip
def test_derivatives_of_real_functions(source):
    assert_derivatives_agree(source, x=REAL)


@pytest.mark.parametrize(
    "source",
    [
        "F.mse_loss(x, y)", "F.mse_loss(x, y, reduction='sum')", "F.mse_loss(x, y, reduction='none')",
        "F.l1_loss(x, y)",
        "F.mse_loss(x, y).exp()", "torch.dist(x, y)", "torch.dist(x, y, 1)", "torch.dist(x, y, 3)",
        "torch.dist(x, y, inf)",
    ],
)  # fmt: skip
def test_derivatives_by_both(source):
    assert_derivatives_agree(source, x=REAL, y=OTHER)


@pytest.mark.parametrize(
    "source", ["x.cumprod(1)", "x.cumprod(0)", "x.norm(2, 1)", "x.norm(1)", "x.norm(3, 1)", "x.norm(inf)"]
)
def test_derivatives_at_zeros(source):
    assert_derivatives_agree(source, second="cumprod" in source, x=ZEROS)


@pytest.mark.parametrize("values", [[-math.inf, 0.0, 0.0], [0.5, 2.3e-308, -0.3, 0.1, 0.7, -0.0]])
def test_derivatives_of_running_products_at_the_edges(values):
    assert_derivatives_agree("x.cumprod(0)", x=np.array(values))


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("bfloat16", "float16"),
        ("float16", "bfloat16"),
        ("float16", "float32"),
        ("float32", "float16"),
        ("float32", "float64"),
        ("float64", "float32"),
        ("complex64", "complex128"),
    ],
)
def test_derivatives_of_running_products_in_another_dtype(given, asked):
    """Bit for bit: the gradient is rounded to the input's dtype, the terms to what that and the result promote to."""
    agree(
        f"""\
x = torch.from_numpy(np.random.RandomState(0).randn(4, 5)).to(torch.{given})
x.requires_grad_()
y = x.cumprod(1, dtype=torch.{asked})
g, h = (torch.from_numpy(np.random.RandomState(s).randn(4, 5)) for s in (1, 2))
g = g.to(y.dtype).requires_grad_()
(first,) = torch.autograd.grad(y, x, g, create_graph=True)
[first.detach(), *torch.autograd.grad(first, (x, g), h.to(x.dtype))]
""",
        rtol=0.0,
        atol=0.0,
    )


@pytest.mark.parametrize("source", ["x.norm()", "x.norm(0.5)", "x.std()", "x.std([])", "x.var(0)", "x.norm(inf)"])
def test_first_derivatives_at_the_origin(source):
    assert_derivatives_agree(source, second=False, x=np.zeros((2, 2)))


def test_norm_of_order_zero_has_no_gradient():
    assert_agree("x = torch.ones(2, requires_grad=True); x.norm(0).backward(); x.grad")


@pytest.mark.parametrize("source", ["x.logsumexp(0)", "x.softmax(0)", "x.log_softmax(0)", "x.logcumsumexp(0)"])
def test_derivatives_at_infinities(source):
    assert_derivatives_agree(source, second=False, x=np.array([-np.inf, -np.inf]))
    assert_derivatives_agree(source, second=False, x=np.array([np.inf, 1.0]))


@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
@pytest.mark.parametrize(
    "arguments",
    [
        "A, 0.5", "A, 0.3, 1, True", "A, torch.tensor([0.25, 0.5]), 0", "A, torch.tensor([[0.5]]), 0", "A, 2.",
        "I, 0.5",
        "A, torch.tensor([2.])", "A, torch.tensor(0.5, dtype=torch.float64)", "H, 0.5", "E, 0.5", "S, 0.5", "S, 0.5, 1",
        "A, 0.5, interpolation='x'", "A, 0.3, interpolation='higher'", "A, 0.3, 0, interpolation='nearest'", "G, 0.5",
        "P, torch.tensor([0.2, 0.7, 0.5]), 1, True, interpolation='midpoint'", "P, 0.1, -1, interpolation='lower'",
        "X, torch.tensor([0.2, 0.9]), 1", "X[2:], 0.4, 0", "A, 0.5, 2", "A, torch.tensor([]), 0",
        "A, 0.5, out=torch.empty((), dtype=torch.float64)", "A, 0.5, out=torch.empty(())", "C, 0.5",
    ],
)  # fmt: skip
def test_quantiles(name, arguments):
    agree(f"torch.{name}({arguments})")


@pytest.mark.parametrize(
    "source", ["x.quantile(0.3)", "x.quantile(0.3, 0)", "x.nanquantile(torch.tensor(0.7).to(x), 1, True)"]
)
def test_derivatives_of_quantiles(source):
    assert_derivatives_agree(source, x=REAL)

"""Sorting, selection, distinct elements and search against real PyTorch."""

from __future__ import annotations

import pytest
from against import assert_agree
from hypothesis import given
from hypothesis import strategies as st

from flambeau.cpu.introsort import introsorted

HELPERS = """
T = torch.tensor
nan, inf = float('nan'), float('inf')
def t(*shape, d=torch.float32, g=False, seed=0):
    values = np.random.RandomState(len(shape) + sum(shape) + seed).randint(0, 5, shape)
    x = torch.tensor(values.tolist(), dtype=torch.int64).reshape(shape).to(d)
    return x.requires_grad_() if g else x
def distinct(*shape, d=torch.float64):
    'no ties: selection has one answer'
    values = np.random.RandomState(3).permutation(int(np.prod(shape, dtype=int))) - 3
    return torch.tensor(values.tolist(), dtype=torch.int64).reshape(shape).to(d)
def grads(f, x):
    x = x.detach().requires_grad_()
    y = f(x)
    c = (torch.arange(y.numel()).reshape(tuple(y.shape)) + 1).to(y.dtype)
    first, = torch.autograd.grad((y * y * c).sum(), x, create_graph=True)
    second, = torch.autograd.grad((first * (x + 1)).sum(), x)
    return y.grad_fn.name(), first.tolist(), second.tolist()
x = T([[3., nan, 1., nan, 2.], [1., 1., 0., 5., -0.]], requires_grad=True)
u = T([[3, 1, 1], [3, 1, 1], [0, 2, 1]])
s, S2 = T([1., 3., 5., 7.]), T([[1., 3., 5.], [2., 4., 6.]])
names = lambda r: (type(r).__name__, [f for f in ('values', 'indices') if hasattr(r, f)])
"""
REAL = ("uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")
OTHER = ("bool", "uint16", "uint32", "uint64", "complex64")


@pytest.mark.parametrize("dtype", REAL + OTHER)
@pytest.mark.parametrize(
    "call",
    [
        "torch.sort(y)",
        "torch.sort(y, 0, True)",
        "torch.argsort(y, descending=True)",
        "torch.msort(y)",
        "torch.sort(y, stable=True, dim=1)",
        "torch.unique(y, return_inverse=True, return_counts=True)",
        "torch.unique(y, dim=1, return_inverse=True, return_counts=True)",
        "torch.unique_consecutive(y, True, True)",
        "torch.unique_consecutive(y, dim=0)",
        "torch.searchsorted(torch.msort(y)[:, 0], y)",
        "torch.bucketize(y, torch.msort(y)[:, 0], right=True)",
        "torch.isin(y, y[0])",
        "torch.histc(y, 3)",
    ],
)
def test_every_dtype(call: str, dtype: str) -> None:
    assert_agree(call, HELPERS + f"y = t(4, 3).to(torch.{dtype})")


@pytest.mark.parametrize("n", [3, 16, 17, 40, 150])
@pytest.mark.parametrize("width", [1, 3])
def test_distinct_slices_with_nan(n: int, width: int) -> None:
    made = (
        f"r = np.random.RandomState({n}); v = r.randint(0, 9, ({n}, {width})).astype(float); v[r.rand({n}) < 0.2] = nan"
    )
    assert_agree("torch.unique(T(v.tolist()), dim=0, return_inverse=True, return_counts=True)", f"{HELPERS}\n{made}")


def test_introsort_falls_back_to_a_heap() -> None:
    n, solid, last = 300, 0, 0
    values = [n] * n

    def adversary(i: int, j: int) -> bool:  # M. D. McIlroy, A Killer Adversary for Quicksort
        nonlocal solid, last
        if values[i] == values[j] == n:
            values[i if i == last else j] = solid
            solid += 1
        last = i if values[i] == n else j if values[j] == n else last
        return values[i] < values[j]

    introsorted(n, adversary)
    found = introsorted(n, lambda i, j: values[i] < values[j])
    assert [values[i] for i in found] == sorted(values)


@pytest.mark.parametrize("dtype", [*REAL, "bool", "uint16", "uint32", "uint64"])
@pytest.mark.parametrize("descending", [False, True])
def test_long_stable_sorts(dtype: str, descending: bool) -> None:
    setup = (
        HELPERS
        + f"""
y = torch.tensor((np.random.RandomState(5).randn(3, 400) * 9).round().tolist()).to(torch.{dtype})
if y.dtype.is_floating_point:
    y[:, ::17], y[:, 1::17], y[0, 5::31], y[1, 3::31] = -0.0, 0.0, nan, -inf
"""
    )
    assert_agree(f"torch.sort(y, dim=1, stable=True, descending={descending})", setup)
    assert_agree(f"torch.sort(y.t(), dim=0, stable=True, descending={descending})", setup)


@pytest.mark.parametrize("dtype", REAL + OTHER)
@pytest.mark.parametrize("call", ["topk(y, 2)", "topk(y, 2, 0, False)", "kthvalue(y, 2)", "kthvalue(y, 3, 0, True)"])
def test_selection_of_every_dtype(call: str, dtype: str) -> None:
    make = "t(2, 2) > 1" if dtype == "bool" else f"(distinct(4, 5) + 3).to(torch.{dtype})"
    assert_agree(f"torch.{call}", HELPERS + f"y = {make}")


@given(
    st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, -3.0, float("nan"), float("inf"), float("-inf")]), max_size=12),
    st.booleans(),
    st.integers(1, 3),
)
def test_ties_and_nan(values: list[float], descending: bool, rows: int) -> None:
    values = values[: len(values) // rows * rows]
    setup = (
        HELPERS + f"y = T({str(values).replace('nan', 'nan')}, dtype=torch.float32).reshape({rows}, -1)"
        if values
        else (HELPERS + "y = torch.zeros(2, 0)")
    )
    for dim in (0, 1):
        assert_agree(f"torch.sort(y, {dim}, {descending})", setup)
        assert_agree(f"torch.argsort(y, dim={dim}, descending={descending}, stable=True)", setup)
    assert_agree("torch.unique(y, return_inverse=True, return_counts=True)", setup)
    assert_agree("torch.unique_consecutive(y, return_inverse=True, return_counts=True)", setup)
    assert_agree("torch.searchsorted(torch.sort(y.reshape(-1)).values, y)", setup)
    assert_agree("torch.searchsorted(y, y, right=True)", setup)
    for k in range(y_size(values, rows) + 1):
        assert_agree(f"torch.topk(y, {k}, largest={descending}).values", setup)


def y_size(values: list[float], rows: int) -> int:
    """Length of a row."""
    return len(values) // rows


CALLS = [
    "torch.sort(x)",
    "torch.sort(x, descending=True)",
    "torch.sort(x, 0)",
    "torch.sort(x, stable=True)",
    "torch.sort(x, stable=None)",
    "torch.argsort(x)",
    "torch.argsort(x, stable=True, descending=True)",
    "torch.msort(x)",
    "torch.argsort(x, stable=False)",
    "x.sort(1, True)",
    "torch.sort(T(3., requires_grad=True))",
    "torch.argsort(T(3.))",
    "torch.sort(t(0, 3), 1)",
    "torch.sort(x, 3)",
    "torch.sort(T(1.), 1)",
    "torch.msort(T(1.))",
    "names(torch.sort(x))",
    "names(torch.topk(x, 1))",
    "names(torch.kthvalue(x, 1))",
    "x.detach().msort()",
    "x.detach().argsort(0)",
    "torch.topk(x, 3).values",
    "torch.topk(x, 3, largest=False)",
    "torch.topk(x, 1, 0)",
    "torch.topk(x, 9)",
    "torch.topk(x, -1)",
    "torch.topk(x, 0)",
    "torch.topk(T(3.), 1)",
    "torch.topk(T(3.), 0)",
    "torch.topk(T(3.), 2)",
    "torch.topk(x, 1, 5)",
    "torch.topk(distinct(4, 3).t(), 2)",
    "torch.topk(distinct(4, 3).t(), 2, 0)",
    "torch.topk(distinct(2, 600), 5)",
    "torch.topk(distinct(2, 600), 7, largest=False)",
    "torch.topk(distinct(600, 2), 3, 0)",
    "torch.sort(t(4, 3).t())",
    "torch.sort(t(4, 6)[:, ::2])",
    "torch.sort(t(3, 1).expand(3, 4), 0)",
    "torch.sort(t(2, 3, 4).permute(2, 0, 1), 1)",
    "torch.argsort(t(4, 3).t())",
    "torch.sort(t(200, 3), dim=0, stable=True)",
    "torch.sort(t(200, 3), 0)[0]",
    "torch.unique_consecutive(u, False, True)",
    "torch.kthvalue(x, 2).values",
    "torch.kthvalue(x, 5, keepdim=True).values",
    "torch.kthvalue(x, 1, 0)",
    "torch.kthvalue(x, 9)",
    "torch.kthvalue(x, 0)",
    "torch.kthvalue(T(3.), 1)",
    "torch.kthvalue(T(True), 1)",
    "torch.kthvalue(T(3.), 2)",
    "torch.kthvalue(t(0, 3), 1, 0)",
    "torch.kthvalue(t(0, 3), 1, 1)",
    "torch.kthvalue(distinct(4, 3).t(), 2)",
    "torch.sort(t(3), out=(torch.empty(3), torch.empty(3, dtype=torch.int64)))",
    "torch.sort(t(3), out=(torch.empty(3, dtype=torch.float64), torch.empty(3, dtype=torch.int64)))",
    "torch.sort(t(3), out=(torch.empty(3), torch.empty(3, dtype=torch.int32)))",
    "names(torch.sort(t(3), out=(torch.empty(3), torch.empty(3, dtype=torch.int64))))",
    "torch.topk(t(3), 2, out=(torch.empty(2, dtype=torch.float64), torch.empty(2, dtype=torch.int64)))",
    "torch.kthvalue(t(3), 2, out=(torch.empty((), dtype=torch.float64), torch.empty((), dtype=torch.int64)))",
    "torch.argsort(t(3), stable=True, out=torch.empty(3, dtype=torch.int64))",
    "torch.msort(t(3), out=torch.empty(3))",
    "torch.msort(t(3), out=torch.empty(3, dtype=torch.float64))",
    "torch.sort(t(3), 'a')",
    "torch.topk(t(3))",
    "torch.topk(t(3), 1.5)",
    "torch.sort(torch.empty(2, 3, device='meta'))[1].shape",
    "torch.topk(torch.empty(2, 3, device='meta'), 2)[0].shape",
    "torch.unique(u)",
    "torch.unique(u, sorted=False)",
    "u.unique(True, True)",
    "torch.unique(u, True, True, True)",
    "torch.unique(u, dim=0)",
    "torch.unique(u, dim=0, return_inverse=True, return_counts=True)",
    "torch.unique(u, dim=1, return_counts=True)",
    "torch.unique(u, dim=-1, return_inverse=True)",
    "torch.unique(t(2, 3, 4), dim=1)",
    "torch.unique(x, return_inverse=True, return_counts=True)",
    "torch.unique(x.detach()[:, :1], dim=0)",
    "torch.unique(t(0), return_inverse=True, return_counts=True)",
    "torch.unique(t(0, 3), dim=0)",
    "torch.unique(t(0, 3), dim=1)",
    "torch.unique(t(3, 0), dim=0)",
    "torch.unique(T(3), return_inverse=True, return_counts=True)",
    "torch.unique(T(3), dim=0)",
    "torch.unique(u, dim=4)",
    "torch.unique(T([0., -0., 1.]))",
    "torch.unique(T([-0., 0., 1.]), return_counts=True)",
    "torch.unique(3)",
    "torch.unique(T([[0.], [-0.]]), dim=0)",
    "torch.unique(x).sum().backward()",
    "torch.unique(x[1:], dim=0).sum().backward()",
    "torch.unique_consecutive(x).sum().backward()",
    "torch.unique_consecutive(x, dim=0).sum().backward()",
    "torch.unique_consecutive(u)",
    "torch.unique_consecutive(u, True)",
    "torch.unique_consecutive(u, return_counts=True)",
    "torch.unique_consecutive(u, dim=0, return_inverse=True, return_counts=True)",
    "torch.unique_consecutive(u, dim=1)",
    "torch.unique_consecutive(u, True, dim=0)",
    "torch.unique_consecutive(u, True, True, 0)",
    "u.unique_consecutive(True, True)",
    "torch.unique_consecutive(x, True, True)",
    "torch.unique_consecutive(T(3), True, True)",
    "torch.unique_consecutive(u, dim=4)",
    "torch.unique_consecutive(t(0), True, True)",
    "torch.unique_consecutive(t(0, 2), dim=0)",
    "torch.unique_consecutive(T([-0., 0., 1.]))",
    "torch.searchsorted(s, T([[0., 3., 8.], [nan, 5., 1.]]))",
    "torch.searchsorted(s, T([0., 3., 8.]), right=True)",
    "torch.searchsorted(s, T([0., 3., 8.]), side='right')",
    "torch.searchsorted(s, T([0.]), right=True, side='left')",
    "torch.searchsorted(s, T([0.]), side='x')",
    "torch.searchsorted(s, T([0., 3.]), out_int32=True)",
    "torch.searchsorted(S2, T([[3.], [4.]]))",
    "torch.searchsorted(S2, T([[3.], [4.], [5.]]))",
    "torch.searchsorted(s, 3.5)",
    "torch.searchsorted(s, T(3.))",
    "torch.searchsorted(S2, 3.)",
    "torch.searchsorted(s, T([1]))",
    "torch.searchsorted(s, 3)",
    "torch.searchsorted(T([5., 1., 3.]), T([2., 4.]), sorter=T([1, 2, 0]))",
    "torch.searchsorted(s, T([2.]), sorter=T([1.]))",
    "torch.searchsorted(s, T([2.]), sorter=T([0., 1., 2., 3.]))",
    "torch.searchsorted(s, T([2.]), sorter=T([0, 1, 2, 9]))",
    "torch.searchsorted(s, T([2.]), out=torch.empty(1, dtype=torch.int32))",
    "torch.searchsorted(T(3.), T([1.]))",
    "torch.searchsorted(s, T([2.]), out_int32=True, out=torch.empty(1, dtype=torch.int64))",
    "torch.searchsorted(t(0), T([1.]))",
    "torch.searchsorted(s, T([2.]), out=torch.empty(1, dtype=torch.int64))",
    "torch.searchsorted(T([1, 3]), 2.5)",
    "torch.searchsorted(T([1., nan]), T([nan, 2.]))",
    "torch.searchsorted(T([5., 1., 4., 2., 3.]), T([2., 4., 0., 9.]))",
    "torch.bucketize(T([[0., 3.], [5., 9.]]), s)",
    "torch.bucketize(T([0., 3.]), s, right=True, out_int32=True)",
    "torch.bucketize(3, s)",
    "torch.bucketize(T([1.]), S2)",
    "torch.bucketize(T([1]), s)",
    "torch.bucketize(2.5, T([1, 2, 3]))",
    "torch.bucketize(T(2.), s)",
    "torch.isin(T([1, 2, 3]), T([2, 5]))",
    "torch.isin(T([1, 2, 3]), T([2, 5]), invert=True)",
    "torch.isin(T([1, 2]), 2)",
    "torch.isin(2, T([1, 2]))",
    "torch.isin(T([nan, 1.]), T([nan]))",
    "torch.isin(T([1, 2]), T([2., 1.5]))",
    "torch.isin(t(0), T([2.]))",
    "torch.isin(T([2.]), t(0), invert=True)",
    "torch.isin(T([1, 2, 3]), T([2, 5]), assume_unique=True)",
    "torch.isin(T([1]), T([1]), out=torch.empty(1))",
    "torch.isin(T([1]), T([1]), out=torch.empty(1, dtype=torch.bool))",
    "torch.isin(t(2, 3), t(2, 2))",
    "torch.isin(T([1, 2]), 2.0)",
    "torch.isin(1, 2)",
    "torch.isin(T([nan] * 50 + [1.]), T([nan] * 50 + [1.]))",
    "torch.histc(T([1., 2., 1., 5.]), 4, 0, 5)",
    "torch.histc(T([1., 2., 1., 5.]), 4)",
    "torch.histc(T([2., 2.]), 3)",
    "torch.histc(T([nan, 2.]), 3, 0, 4)",
    "torch.histc(T([2.]), 0)",
    "torch.histc(T([2.]), 3, 5, 1)",
    "torch.histc(t(0), 3)",
    "torch.histc(T([2.]), 3, out=torch.empty(3, dtype=torch.float64))",
    "torch.histc(T([inf, 1.]), 3)",
    "torch.histc(T([1, 2]), 3)",
    "t(40).histc(7)",
    "torch.histc(T([1., 2.]), 3, 0, 2j)",
]


@pytest.mark.parametrize("source", CALLS)
def test_calls(source: str) -> None:
    assert_agree(source, HELPERS)


@pytest.mark.parametrize(
    "call",
    [
        "torch.sort(y)[0]",
        "torch.sort(y, 0, True)[0]",
        "torch.sort(y, stable=True)[0]",
        "torch.msort(y)",
        "torch.topk(y, 2)[0]",
        "torch.topk(y, 2, 0, False)[0]",
        "torch.kthvalue(y, 2)[0]",
        "torch.kthvalue(y, 2, 0, True)[0]",
        "torch.sort(y.sum())[0]",
        "torch.kthvalue(y.sum(), 1)[0]",
        "torch.topk(y.sum(), 1)[0]",
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_gradients(call: str, dtype: str) -> None:
    assert_agree(f"grads(lambda y: {call}, distinct(4, 3, d=torch.{dtype}))", HELPERS)

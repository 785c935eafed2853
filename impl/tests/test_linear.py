"""Matrix products against real PyTorch: values, strides, nodes, gradients of two orders, dtypes, refusals, out=."""

from __future__ import annotations

import itertools

import pytest
from against import assert_agree
from setups import MATRICES

FLOATS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
REFUSED = ("bool", "uint16", "uint32", "uint64", "complex32")
SHAPES = ((3,), (3, 3), (2, 3, 3), (2, 2, 3, 3), (1, 3, 3), (2, 1, 3, 3), (5, 1, 3, 3), (0, 3, 3), (2, 0, 3))
PRODUCTS = {
    "matmul": ((2, 3), (3, 4)),
    "mm": ((2, 3), (3, 4)),
    "bmm": ((2, 2, 3), (2, 3, 4)),
    "mv": ((2, 3), (3,)),
    "dot": ((3,), (3,)),
    "vdot": ((3,), (3,)),
    "inner": ((2, 3), (4, 3)),
    "outer": ((2,), (3,)),
    "ger": ((2,), (3,)),
    "kron": ((2, 3), (2,)),
}
ADDED = {
    "addmm": ((2, 2), (2, 3), (3, 2)),
    "addmv": ((2,), (2, 3), (3,)),
    "baddbmm": ((2, 2, 2), (2, 2, 3), (2, 3, 2)),
    "addbmm": ((2, 2), (2, 2, 3), (2, 3, 2)),
    "addr": ((2, 3), (2,), (3,)),
}


def call(name: str, shapes: tuple[tuple[int, ...], ...], extra: str = "", options: str = "") -> str:
    """A call of torch.name on tensors of these shapes."""
    args = ", ".join(f"t{s}".replace("(", "(*(").replace(")", f"){options})") for s in shapes)
    return f"torch.{name}({args}{extra})"


@pytest.mark.parametrize(("a", "b"), list(itertools.product(SHAPES, SHAPES)))
def test_matmul_of_all_ranks(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    for first, second in itertools.product((False, True), repeat=2):
        source = f"y = torch.matmul(t(*{a}, g={first}), t(*{b}, g={second})); [y, chain(y.grad_fn)]"
        assert_agree(source, MATRICES)
    assert_agree(f"grads(torch.matmul, t(*{a}, d=torch.float64, g=True), t(*{b}, d=torch.float64, g=True))", MATRICES)


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_products_of_every_dtype(name: str, dtype: str) -> None:
    a, b = PRODUCTS[name]
    make = f"d=torch.{dtype}"
    assert_agree(f"torch.{name}(t(*{a}, {make}), t(*{b}, {make}))", MATRICES)
    assert_agree(f"t(*{a}, {make}).{name}(t(*{b}, {make}))", MATRICES)
    if dtype in FLOATS:
        assert_agree(f"grads(torch.{name}, t(*{a}, {make}, g=True), t(*{b}, {make}, g=True))", MATRICES)


@pytest.mark.parametrize("name", ["outer", "kron", "mm", "dot", "mv", "bmm", "inner", "matmul", "vdot"])
@pytest.mark.parametrize("dtype", REFUSED)
def test_refused_dtypes(name: str, dtype: str) -> None:
    a, b = PRODUCTS[name]
    source = f"torch.{name}(t(*{a}).to(torch.{dtype}), t(*{b}).to(torch.{dtype}))"
    if dtype == "complex32" and name in ("outer", "kron"):
        source = f"({source}).to(torch.complex64)"
    setup = "import warnings; warnings.filterwarnings('ignore', message='.*ComplexHalf')" + MATRICES
    assert_agree(f"abs_ = lambda d: d; {source.replace('t(*', 'abs(t(*').replace(').to', ')).to')}", setup)


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("second", ["int64", "float64", "complex64", "bool", "uint8"])
def test_dtypes_that_differ(name: str, second: str) -> None:
    a, b = PRODUCTS[name]
    assert_agree(f"torch.{name}(t(*{a}), t(*{b}).to(torch.{second}))", MATRICES)
    assert_agree(f"torch.{name}(t(*{a}).to(torch.{second}), t(*{b}))", MATRICES)


WRONG = (
    ((2, 3), (4, 5)),
    ((3,), (4,)),
    ((2, 3), (4,)),
    ((3,), (4, 5)),
    ((2, 2, 3), (4, 5)),
    ((2, 2, 3), (2, 4, 5)),
    ((2, 2, 3), (3, 3, 5)),
    ((2, 3), (2, 4, 5)),
    ((), (2,)),
    ((2, 2), ()),
    ((2, 2, 2, 3), (3, 3, 5)),
    ((4,), (2, 3, 5)),
    ((2, 2, 3), (4,)),
    ((0, 3), (2, 0)),
    ((2, 0), (0, 2)),
    ((0,), (0,)),
    ((2, 0), (0,)),
)


@pytest.mark.parametrize("name", [*PRODUCTS, "nn.functional.linear"])
@pytest.mark.parametrize(("a", "b"), WRONG)
def test_shapes_that_do_not_fit(name: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    assert_agree(f"torch.{name}(t(*{a}), t(*{b}))", MATRICES)


@pytest.mark.parametrize("name", [n for n in PRODUCTS if n != "kron"])
@pytest.mark.parametrize("out", ["float32", "float64", "int64", "float16", "complex64"])
def test_out(name: str, out: str) -> None:
    a, b = PRODUCTS[name]
    setup = MATRICES + f"x, y = t(*{a}), t(*{b}); o = torch.empty(tuple(torch.{name}(x, y).shape), dtype=torch.{out})"
    assert_agree(f"r = torch.{name}(x, y, out=o); [r, r is o]", setup)
    if out == "float32":
        assert_agree(f"torch.{name}(x, y, out=torch.empty(7))", setup)


@pytest.mark.parametrize("name", ADDED)
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS + ("bool",))
@pytest.mark.parametrize(
    "factors",
    ["", ", beta=2", ", alpha=-3", ", beta=0", ", alpha=0", ", beta=2.5, alpha=1.5", ", alpha=2j", ", beta=True"],
)
def test_scaled_products(name: str, dtype: str, factors: str) -> None:
    shapes = ADDED[name]
    args = ", ".join(f"t(*{s}).to(torch.{dtype})" for s in shapes)
    tolerance = 1e-2 if dtype in ("float16", "bfloat16") and "." in factors else 0.0
    if not (dtype in INTEGERS and "." in factors):  # negative products times a truncated factor
        assert_agree(f"torch.{name}({args}{factors})", MATRICES, rtol=tolerance, atol=tolerance)
    if dtype in FLOATS and "." not in factors and "True" not in factors and ("j" not in factors or "c" in dtype):
        gs = ", ".join(f"t(*{s}, d=torch.{dtype}, g=True)" for s in shapes)
        assert_agree(f"grads(lambda *a: torch.{name}(*a{factors}), {gs})", MATRICES)
        first, rest = args.split(", t", 1)
        assert_agree(f"x = {first}; y = x.{name}_(t{rest}{factors}); [y, y is x, x._version]", MATRICES)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("addmm", ((2,), (2, 3), (3, 2))),
        ("addmm", ((), (2, 3), (3, 2))),
        ("addmm", ((3, 2), (2, 3), (3, 2))),
        ("addmm", ((1, 2, 2), (2, 3), (3, 2))),
        ("addmm", ((2, 2), (2, 3), (4, 2))),
        ("addmm", ((2, 2), (2, 3), (3,))),
        ("addmm", ((2, 2), (3,), (3, 2))),
        ("addmm", ((2, 3), (2, 0), (0, 3))),
        ("addmm", ((2, 1), (2, 3), (3, 2))),
        ("addmv", ((), (2, 3), (3,))),
        ("addmv", ((1,), (2, 3), (3,))),
        ("addmv", ((3,), (2, 3), (3,))),
        ("addmv", ((2,), (2, 3), (4,))),
        ("addmv", ((2, 2), (2, 3), (3,))),
        ("addmv", ((2,), (3,), (3,))),
        ("addmv", ((2,), (2, 0), (0,))),
        ("baddbmm", ((2,), (2, 2, 3), (2, 3, 2))),
        ("baddbmm", ((3, 2, 2), (2, 2, 3), (2, 3, 2))),
        ("baddbmm", ((2, 2, 2), (2, 3), (2, 3, 2))),
        ("baddbmm", ((2, 2, 2), (2, 2, 3), (3, 3, 2))),
        ("baddbmm", ((2, 2, 2), (2, 2, 3), (4, 2))),
        ("baddbmm", ((3,), (3, 3), (3, 3, 3))),
        ("baddbmm", ((3,), (3, 3, 3), (3, 3, 3, 3))),
        ("baddbmm", ((2, 2, 2), (2, 2, 0), (2, 0, 2))),
        ("addbmm", ((), (2, 2, 3), (2, 3, 2))),
        ("addbmm", ((3, 2), (2, 2, 3), (2, 3, 2))),
        ("addbmm", ((2, 2), (2, 2, 3), (3, 3, 2))),
        ("addbmm", ((2, 2), (2, 2, 3), (2, 4, 2))),
        ("addbmm", ((2, 2), (0, 2, 3), (0, 3, 2))),
        ("addr", ((), (2,), (3,))),
        ("addr", ((3, 2), (2,), (3,))),
        ("addr", ((2, 3), (2, 1), (3,))),
        ("addr", ((2, 3), (2,), (3, 1))),
        ("addr", ((1, 2, 3), (2,), (3,))),
    ],
)
def test_what_scaled_products_add(name: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    assert_agree(call(name, shapes), MATRICES)
    assert_agree(call(name, shapes, ", beta=2", ", g=True"), MATRICES)
    assert_agree(f"grads(torch.{name}, {', '.join(f't(*{s}, d=torch.float64, g=True)' for s in shapes)})", MATRICES)


@pytest.mark.parametrize("name", ADDED)
def test_factors_of_zero_and_nan(name: str) -> None:
    x, *rest = ADDED[name]
    others = ", ".join(f"t(*{s})" for s in rest)
    nans = ", ".join(f"t(*{s}) + float('nan')" for s in rest)
    assert_agree(f"torch.{name}(t(*{x}) + float('nan'), {others}, beta=0)", MATRICES)
    assert_agree(f"torch.{name}(t(*{x}), {nans}, alpha=0)", MATRICES)


@pytest.mark.parametrize("name", ADDED)
@pytest.mark.parametrize("second", ["int64", "float64", "complex64", "uint8"])
def test_scaled_products_of_dtypes_that_differ(name: str, second: str) -> None:
    x, *rest = ADDED[name]
    others = ", ".join(f"t(*{s}).to(torch.{second})" for s in rest)
    assert_agree(f"torch.{name}(t(*{x}), {others})", MATRICES)
    assert_agree(f"torch.{name}(t(*{x}), t(*{rest[0]}), t(*{rest[1]}).to(torch.{second}))", MATRICES)
    assert_agree(
        f"torch.{name}(t(*{x}), t(*{rest[0]}), t(*{rest[1]}), out=torch.empty(0, dtype=torch.{second}))", MATRICES
    )


@pytest.mark.parametrize("name", ADDED)
def test_deprecated_overloads(name: str) -> None:
    x, *rest = (f"t(*{s})" for s in ADDED[name])
    for source in (
        f"torch.{name}(2, {x}, {', '.join(rest)})",
        f"torch.{name}(2, {x}, 3, {', '.join(rest)})",
        f"{x}.{name}(2, {', '.join(rest)})",
        f"{x}.{name}(2, 3, {', '.join(rest)})",
        f"{x}.{name}_(2, 3, {', '.join(rest)})",
    ):
        assert_agree(source, MATRICES)


LINEAR = [
    ((2, 3), (4, 3), (4,)),
    ((3,), (4, 3), (4,)),
    ((2, 2, 3), (4, 3), (4,)),
    ((2, 2, 3), (4, 3), None),
    ((2, 3), (4, 3), None),
    ((3,), (3,), ()),
    ((2, 3), (3,), ()),
    ((2, 3), (3,), None),
    ((2, 2, 3), (3,), None),
    ((2, 2, 2, 3), (4, 3), (4,)),
    ((2, 3), (4, 3), (1,)),
    ((2, 3), (4, 3), (2, 4)),
    ((2, 3), (4, 3), (5,)),
    ((2, 2, 3), (4, 3), (5,)),
    ((2, 3), (4, 5), (4,)),
    ((2, 2, 3), (4, 3), (2, 2, 4)),
    ((2, 2, 3), (4, 3), ()),
    ((3,), (4, 3), (5,)),
    ((0, 3), (4, 3), (4,)),
    ((2, 0), (4, 0), (4,)),
    ((), (4, 3), None),
    ((2, 3), (2, 4, 3), None),
]


@pytest.mark.parametrize(("x", "w", "b"), LINEAR)
def test_linear(x: tuple[int, ...], w: tuple[int, ...], b: tuple[int, ...] | None) -> None:
    shapes = [s for s in (x, w, b) if s is not None]
    for g in itertools.product((False, True), repeat=len(shapes)):
        made = ", ".join(f"t(*{s}, g={q})" for s, q in zip(shapes, g, strict=True))
        assert_agree(f"y = F.linear({made}); [y, chain(y.grad_fn)]", MATRICES)
    for dtype in ("float32", "float64", "complex128", "float16"):
        args = ", ".join(f"t(*{s}, d=torch.{dtype}, g=True)" for s in shapes)
        assert_agree(f"grads(F.linear, {args})", MATRICES)


def test_linear_of_views_and_dtypes() -> None:
    assert_agree(
        "y = F.linear(t(2, 4, 3, g=True).mT.mT.transpose(0, 1), t(4, 3, g=True), t(4, g=True)); chain(y.grad_fn)",
        MATRICES,
    )
    for w, b in itertools.product(("float32", "float64", "int64", "bool"), repeat=2):
        assert_agree(f"F.linear(t(2, 3), t(4, 3).to(torch.{w}), t(4).to(torch.{b}))", MATRICES)
    assert_agree("F.linear(t(2, 3), t(4, 3), t(4), out=torch.empty(2, 4))", MATRICES)
    assert_agree("F.linear(t(2, 3), t(4, 3), t(4), out=torch.empty(2, 4, dtype=torch.float64))", MATRICES)


def test_weight_gradients_are_row_major_and_accumulate() -> None:
    source = """
x, w, b = t(5, 3, g=True), t(4, 3, g=True), t(4, g=True)
for _ in range(2):
    y = F.linear(x, w, b)
    y.backward(cotangent(y))
"""
    assert_agree("[x.grad, w.grad, b.grad, w.grad.is_contiguous()]", MATRICES + source)


@pytest.mark.parametrize(
    "source",
    [
        "[t(2, 3).mT @ t(2, 4), t(3, 2).t() @ t(4, 3).t()]",
        "t(5, 3, 2).mT @ t(5, 4, 3).mT",
        "t(2, 2) @ 3",
        "[1] @ t(1, 2)",
        "3 @ t(1, 2)",
        "t(2, 2).__matmul__(3)",
        "t(2, 2).__rmatmul__(t(2, 2) + 1)",
        "hasattr(torch.Tensor, '__imatmul__')",
        "x = t(2, 2); y = x; x @= t(2, 2, seed=1); [x, x is y]",
        "torch.matmul(t(2, 2), other=t(2, 3))",
        "torch.mm(t(2, 3), mat2=t(3, 2))",
        "torch.matmul(t(2, 2))",
        "torch.mm(t(2, 2), 3)",
        "torch.matmul(t(2, 2), t(2, 2), 3)",
        "x = t(2, 3, g=True); torch.mm(x, t(3, 2), out=torch.empty(2, 2))",
        "torch.linalg.matmul(t(2, 3), t(3, 2))",
        "t(3, 1).expand(3, 4) @ t(4, 2)",
        "t(4, 4)[::2] @ t(4, 4)[:, ::3]",
        "t(6, 6)[1:4, 2:5] @ t(3)",
        "torch.mm(t(2, 3, d=torch.uint8), t(3, 2, d=torch.uint8))",
        "x = t(2, 3, g=True); w = t(3, 2, g=True); y = (x @ w).sum(); w.data.add_(1); y.backward(); x.grad",
        "x = t(2, 3, g=True); w = t(3, 2); y = (x @ w).sum(); w.add_(1); y.backward(); x.grad",
        "x = t(2, 3, g=True); w = t(4, 3); y = F.linear(x, w).sum(); w.add_(1); y.backward(); x.grad",
        "torch.matmul(torch.empty(2, 3, device='meta'), torch.empty(5, 3, 4, device='meta')).shape",
        "F.linear(torch.empty(2, 3, device='meta'), torch.empty(5, 3, device='meta'), torch.empty(5, device='meta')).shape",  # noqa: E501
        "torch.addmm(torch.empty(2, device='meta'), torch.empty(3, 4, device='meta'), torch.ones(4, 2).to('meta')).shape",  # noqa: E501
    ],
)
def test_calls(source: str) -> None:
    assert_agree(source, MATRICES)


@pytest.mark.parametrize("sizes", ["0, 2, 4, 3", "2, 2, 0, 3", "2, 2, 4, 3"])
@pytest.mark.parametrize("dtypes", ["float32 float32 float64", "int64 int64 float32", "float16 float16 float32"])
@pytest.mark.parametrize(
    "source",
    ["torch.baddbmm(x, a, b)", "torch.baddbmm(x, a, b, beta=0)", "x.baddbmm_(a, b)", "torch.baddbmm(x, a, b, out=x)"],
)
def test_batches_of_two_dtypes(source, dtypes, sizes):
    """Where there is nothing to multiply PyTorch does not compare them: the second batch has the say."""
    x, a, b = dtypes.split()
    setup = f"""\
n, p, k, q = {sizes}
x, a = torch.zeros(n, p, q, dtype=torch.{x}), torch.zeros(n, p, k, dtype=torch.{a})
b = torch.zeros(n, k, q, dtype=torch.{b})"""
    assert_agree(source, setup)

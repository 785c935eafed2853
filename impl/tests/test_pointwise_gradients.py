"""Derivatives of elementwise operations, first and second, against real PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gradients import assert_derivatives_agree, derivatives

import flambeau


def words(text: str) -> list[str]:
    return text.split()


RANDOM = np.random.RandomState(3)
INSIDE = RANDOM.uniform(0.1, 0.9, (3, 4))
ANY = RANDOM.uniform(-3, 3, (3, 4))
POSITIVE = RANDOM.uniform(0.2, 3, (3, 4))
ABOVE = RANDOM.uniform(1.1, 3, (3, 4))
COMPLEX = RANDOM.uniform(-2, 2, (3, 4)) + 1j * RANDOM.uniform(-2, 2, (3, 4))
OTHER = RANDOM.uniform(-2, 2, (4,)) + 1j * RANDOM.uniform(-2, 2, (4,))

REAL = {
    "x.neg() x.abs() x.sign() x.sgn() x.square() x.exp() x.exp2() x.expm1() x.sin() x.cos() x.tan() x.atan() x.sinh() "
    "x.cosh() x.tanh() x.asinh() x.erf() x.erfc() x.sigmoid() torch.sinc(x) x.deg2rad() x.rad2deg() x.floor() "
    "x.ceil() x.round() torch.round(x,decimals=1) x.trunc() x.frac() x.relu() torch.threshold(x,0.5,2.) "
    "x.nan_to_num() x.angle() x.clamp(-1,1) x.clamp(min=0) x.clamp(max=1.5) x.clamp_min(0) x.clamp_max(1) x**2 x**3 "
    "x**-1 x**4 x**0 x**1 x+2 2-x x-2 x*2 x/2 2/x x%2 torch.fmod(x,2) torch.rsub(x,2,3) x.digamma() "
    "torch.where(x>0,x,2.) torch.where(x>0,1.,x) torch.copysign(x,-1) torch.float_power(x,2) x.lerp(x*2,0.3) "
    "torch.div(x,2,rounding_mode='floor') x.add(x,alpha=3) torch.addcmul(x,x,x,value=.5)": ANY,
    "x.asin() x.acos() x.atanh() x.erfinv() x.logit() x.logit(0.2)": INSIDE,
    "x.log() x.log2() x.log10() x.log1p() x.sqrt() x.rsqrt() x.reciprocal() x**0.5 x**-0.5 x**2.5 2**x 0.5**x "
    "x.lgamma() x.digamma() torch.xlogy(x,2.) torch.xlogy(2.,x) torch.float_power(x,.5)": POSITIVE,
    "x.acosh()": ABOVE,
}
BINARY = words(
    "x+y x-y x*y x/y x.sub(y,alpha=2) torch.rsub(x,y,alpha=2) torch.remainder(x,y) torch.fmod(x,y) "
    "torch.hypot(x,y) torch.atan2(x,y) torch.copysign(x,y) torch.nextafter(x,y) torch.logaddexp(x,y) "
    "torch.logaddexp2(x,y) torch.ldexp(x,y) torch.maximum(x,y) torch.minimum(x,y) torch.fmax(x,y) "
    "torch.fmin(x,y) x.clamp(y,y+1) x.clamp_min(y) x.clamp_max(y) torch.where(x>y,x,y) "
    "torch.addcdiv(x,y,y*y+1,value=2) torch.lerp(x,y,y*0.1) torch.complex(x,y) torch.polar(x,y)"
)
COMPLEX_UNARY = words(
    "x.neg() x.abs() x.sgn() x.square() x.exp() x.exp2() x.expm1() x.log() x.log2() x.log10() x.log1p() "
    "x.sqrt() x.rsqrt() x.reciprocal() x.sin() x.cos() x.tan() x.asin() x.acos() x.atan() x.sinh() x.cosh() "
    "x.tanh() x.asinh() x.acosh() x.atanh() x.sigmoid() x.angle() x.conj() x.conj_physical() x.real x.imag "
    "torch.view_as_real(x) x**2 x**3 x**0.5 x**(1+2j) 2**x (1+1j)**x x*2j x/(1+1j) torch.sinc(x) "
    "x.add(x,alpha=2j) torch.view_as_complex(torch.view_as_real(x)*2) x.resolve_conj()"
)


@pytest.mark.parametrize("source", [(s, i) for i, names in enumerate(REAL) for s in names.split()], ids=lambda p: p[0])
def test_one_real_operand(source) -> None:
    expression, which = source
    assert_derivatives_agree(expression, x=list(REAL.values())[which])


@pytest.mark.parametrize("source", BINARY)
def test_two_real_operands_that_broadcast(source: str) -> None:
    assert_derivatives_agree(source, x=ANY, y=RANDOM.uniform(-3, 3, (4,)))


@pytest.mark.parametrize("source", ["x**y", "torch.xlogy(x,y)", "torch.float_power(x,y)"])
def test_powers_of_positive_bases(source: str) -> None:
    assert_derivatives_agree(source, x=POSITIVE, y=RANDOM.uniform(0.2, 3, (4,)))


@pytest.mark.parametrize("source", COMPLEX_UNARY)
def test_one_complex_operand(source: str) -> None:
    assert_derivatives_agree(source, x=COMPLEX)


@pytest.mark.parametrize(
    "source",
    words(
        "x+y x-y x*y x/y x**y x.sub(y,alpha=2j) torch.rsub(x,y) torch.addcmul(x,y,y,value=2j) "
        "torch.addcdiv(x,y,x,value=2) torch.lerp(x,y,0.3) torch.where(x.abs()>1,x,y) torch.logaddexp(x,y) "
        "torch.ldexp(x,y)"
    ),
)
def test_two_complex_operands(source: str) -> None:
    assert_derivatives_agree(source, x=COMPLEX, y=OTHER)


@pytest.mark.parametrize("source", ["x*y", "x+y", "x/y", "x**2*y", "x.pow(2)+y", "torch.complex(x,x)*y"])
def test_real_and_complex_operands_meet(source: str) -> None:
    assert_derivatives_agree(source, x=ANY, y=OTHER)


@pytest.mark.parametrize(
    ("source", "x", "y"),
    [
        ("x.abs()", [0.0, -0.0], None),
        ("x.relu()", [0.0, -0.0, np.nan], None),
        ("x.sqrt()", [0.0, 1.0, -1.0], None),
        ("x**0", [0.0, 1.0], None),
        ("x**2", [0.0, 1.0], None),
        ("0**x", [0.0, 1.0, -1.0], None),
        ("x**y", [0.0, 0.0, 0.0, -2.0], [0.0, 1.0, 2.0, 2.0]),
        ("x.clamp(0,1)", [-1.0, 0.0, 0.5, 1.0, 2.0, np.nan], None),
        ("x.clamp(y,y)", [-1.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.5, 0.0]),
        ("torch.maximum(x,y)", [1.0, 2.0, np.nan, 1.0], [1.0, 1.0, 1.0, np.nan]),
        ("torch.minimum(x,y)", [1.0, 2.0, np.nan, 1.0], [1.0, 1.0, 1.0, np.nan]),
        ("torch.fmax(x,y)", [1.0, 2.0, np.nan, 1.0], [1.0, 1.0, 1.0, np.nan]),
        ("torch.fmin(x,y)", [1.0, 2.0, np.nan, 1.0], [1.0, 1.0, 1.0, np.nan]),
        ("torch.atan2(x,y)", [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]),
        ("torch.hypot(x,y)", [0.0, 1.0], [0.0, 0.0]),
        ("torch.xlogy(x,y)", [0.0, 0.0, 1.0], [0.0, 1.0, 2.0]),
        ("torch.copysign(x,y)", [0.0, 1.0], [1.0, -1.0]),
        ("torch.sinc(x)", [0.0, 1.0, 0.5], None),
        ("x.sgn()", [0j, 1 + 1j], None),
        ("x.abs()", [0j, 3 + 4j], None),
        ("x.angle()", [1j, -1 + 0j], None),
        ("x.nan_to_num()", [np.nan, np.inf, 1.0], None),
        ("x.lgamma()", [0.5, -0.5, 3.0], None),
    ],
)
def test_first_derivatives_at_special_points(source: str, x, y) -> None:
    inputs = {"x": x} if y is None else {"x": x, "y": y}
    assert_derivatives_agree(source, second=False, **inputs)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow"])
def test_rules_on_arrays_equal_rules_on_tensors(name: str, dtype: str) -> None:
    """The engine runs a rule on ndarrays where no graph is being made; create_graph=True runs it on Tensors."""
    x = (POSITIVE + (1j * ANY if dtype.startswith("complex") else 0)).astype(dtype)
    y = POSITIVE[:1].astype(dtype)
    raw, tensors = (
        derivatives(flambeau, f"torch.{name}(x, y)", {"x": x, "y": y}, second)[:3] for second in (False, True)
    )
    for a, b in zip(raw, tensors, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["", ".t()", "[:, ::2]"])
def test_relu_stops_any_gradient_of_many_elements(dtype: str, layout: str) -> None:
    x = np.random.RandomState(0).choice([-1.0, 0.0, -0.0, 2.0, np.nan, -np.inf], (60, 60)).astype(dtype)
    g = np.random.RandomState(1).choice([1.0, -0.0, np.nan, np.inf, -3.0], (60, 60)).astype(dtype)
    answers = []
    for library in (torch, flambeau):
        names = {"x": library.tensor(x, requires_grad=True), "g": library.tensor(g)}
        eval(f"x{layout}.relu().backward(g{layout})", names)
        answers.append(np.asarray(names["x"].grad.tolist()))
    np.testing.assert_array_equal(*answers)
    np.testing.assert_array_equal(*(np.signbit(a) & ~np.isnan(a) for a in answers))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("count", [0, 1, 2, 100, 256, 257, 5000])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_gradients_of_one_broadcast_element(shape: tuple[int, ...], count: int, dtype: str) -> None:
    x = np.random.RandomState(0).randn(count, 1).astype(dtype)
    grads = []
    for library in (torch, flambeau):
        w = library.ones(shape, dtype=getattr(library, dtype), requires_grad=True)
        for _ in range(2):
            (library.tensor(x) * w + w).abs().sum().backward()
        assert w.grad.shape == shape
        grads.append(np.asarray(w.grad.tolist()))
    np.testing.assert_allclose(*grads, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_acosh_of_the_largest_number_has_zero_derivatives(dtype: str) -> None:
    source = f"x = torch.tensor([torch.finfo(torch.{dtype}).max], dtype=torch.{dtype}, requires_grad=True)"
    answers = []
    for library in (torch, flambeau):
        names = {"torch": library}
        exec(source, names)
        x = names["x"]
        (first,) = library.autograd.grad(x.acosh(), x, create_graph=True)
        answers.append((first.tolist(), library.autograd.grad(first, x)[0].tolist()))
    assert answers[0] == answers[1] == ([0.0], [0.0])


@pytest.mark.parametrize("second", ["bfloat16", "float16", "float32"])
def test_squared_errors_of_two_dtypes(second: str) -> None:
    """The target's gradient is kept in its own dtype, and differentiated again from there."""
    answers = []
    for library in (torch, flambeau):
        x = library.tensor([0.3, -1.7], dtype=library.float64, requires_grad=True)
        t = library.tensor([0.1, -0.35], dtype=getattr(library, second), requires_grad=True)
        c = library.tensor(0.7, dtype=library.float64, requires_grad=True)
        first = library.autograd.grad(library.nn.functional.mse_loss(x, t), [x, t], c, create_graph=True)
        weights = [library.tensor([0.3, 0.711], dtype=g.dtype) for g in first]
        again = library.autograd.grad(first, [x, t, c], weights)
        answers.append([(str(g.dtype), g.tolist()) for g in (*first, *again)])
    assert answers[0] == answers[1]


@pytest.mark.filterwarnings("ignore:Casting complex values to real")
@pytest.mark.parametrize("case", ["z + x[0]", "z * 1 + x[0]", "(z * 1).copy_(x[0])", "1 ** z", "(1 + 0j) ** x.half()"])
def test_gradients_of_half_complex_numbers(case: str) -> None:
    """Real parts are taken before broadcasting is undone: there is no sum of complex halves."""
    answers = []
    for library in (torch, flambeau):
        x = library.tensor([1.0, 2.0], requires_grad=True)
        z = library.tensor([1 + 2j, 3 - 1j], dtype=library.complex32, requires_grad=True)
        out = eval(case, {"x": x, "z": z})
        found = library.autograd.grad(out, [x, z], library.ones_like(out), allow_unused=True)
        answers.append([None if g is None else g.tolist() for g in found])
    assert answers[0] == answers[1]


def test_broadcast_gradients_are_summed_exactly() -> None:
    """Single precision over 900 terms in a row would lose three digits."""
    random = np.random.RandomState(1)
    g = random.rand(30, 30, 2).astype(np.float32)
    x = flambeau.zeros(2, requires_grad=True)
    (found,) = flambeau.autograd.grad(x + flambeau.zeros(30, 30, 2), x, flambeau.from_numpy(g))
    exact = g.astype(np.float64).sum((0, 1))
    assert (np.abs(found.numpy() - exact) <= np.spacing(found.numpy())).all()


@pytest.mark.parametrize("base", [False, 0, 0.0])
def test_powers_of_zero_to_complex_exponents(base: bool | float) -> None:
    """PyTorch takes the derivative by the exponent for 0 where the number 0 is the base; its False equals no number."""
    exponents = [4 + 0j, 0j, 1.5 + 0j, -1 + 0j, 2 + 1j]

    def slopes(module):
        exponent = module.tensor(exponents, dtype=module.complex64, requires_grad=True)
        powers = module.pow(base, exponent)
        return module.autograd.grad(powers, exponent, module.ones_like(powers))[0].numpy()

    np.testing.assert_array_equal(slopes(flambeau), slopes(torch))

"""Elementwise operations against real PyTorch: every dtype, pairs of dtypes, layouts, forms, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from against import LIBRARIES, assert_agree, run

torch, flambeau = LIBRARIES


def words(text: str) -> list[str]:
    return text.split()


DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128",
)  # fmt: skip
UNARY = words(
    "neg positive abs sign sgn reciprocal square sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan "
    "asin acos atan sinh cosh tanh asinh acosh atanh erf erfc erfinv lgamma digamma sigmoid logit sinc "
    "deg2rad rad2deg floor ceil round trunc frac isnan isinf isfinite isposinf isneginf isreal signbit "
    "logical_not bitwise_not relu real imag conj conj_physical angle nan_to_num negative absolute arcsin "
    "arccos arctan arcsinh arccosh arctanh fix is_conj is_neg resolve_conj resolve_neg"
)
BINARY = words(
    "add sub rsub mul div floor_divide remainder fmod pow float_power maximum minimum fmax fmin hypot atan2 "
    "copysign nextafter logaddexp logaddexp2 xlogy ldexp heaviside gcd lcm eq ne lt le gt ge logical_and "
    "logical_or logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift isclose "
    "clamp_min clamp_max subtract multiply divide true_divide not_equal less less_equal greater greater_equal "
    "arctan2"
)
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "complex32": 2.0**-10, "complex64": 2.0**-23}
VALUES = "[-3.5, -2, -1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 7, 100]"
OTHERS = "[2.5, -1, 3, 0.5, 2, 1, -0.5, 0.25, 1, -2, 2, 1, 3, 5]"


# PyTorch's own: complex logaddexp is NaN where an exponential is subnormal, complex ldexp promotes by way of pow
NOT_JUDGED = {(name, f"complex{n}") for name in ("logaddexp", "ldexp") for n in (32, 64, 128)}
# Results near zero whose terms cancel: absolute errors of so many epsilons are allowed
CANCELLING = {"digamma": 64, "logaddexp2": 64, "lgamma": 64}


def differs(found: dict, expected: dict, ulps: float = 16, absolute: float = 0) -> str:
    """What is different between two outcomes, nothing if they agree within some roundings."""
    if "error" in expected or "error" in found:
        return "" if found.get("error") == expected.get("error") else f"{found} != {expected}"[:400]
    a, b = found["value"], expected["value"]
    if not isinstance(b, dict):
        return "" if a == b else f"{a} != {b}"
    what = [k for k in b if k != "values" and a[k] != b[k]]
    if what:
        return "; ".join(f"{k}: {a[k]} != {b[k]}" for k in what)
    x, y = flatten(a["values"]), flatten(b["values"])
    rtol = ulps * EPSILON.get(b["dtype"].removeprefix("torch."), 2.0**-52)
    atol = absolute * rtol / ulps + 1e-38
    bad = [(p, q) for p, q in zip(x, y, strict=True) if not close(p, q, rtol, atol)]
    return f"values: {bad[:4]}" if bad else ""


def flatten(x) -> list:
    if not isinstance(x, list):
        return [x]
    return [e for y in x for e in flatten(y)]


def close(p, q, rtol: float, atol: float) -> bool:
    if isinstance(q, complex):
        size = abs(q) if abs(q) < float("inf") else 0
        return all(
            a == b or (a != a and b != b) or abs(a - b) <= rtol * size + atol
            for a, b in ((p.real, q.real), (p.imag, q.imag))
        )
    if isinstance(q, bool | int):
        return p == q
    return p == q or (p != p and q != q) or abs(p - q) <= rtol * abs(q) + atol


def compare(source: str, setup: str = "", name: str = "") -> str:
    expected, found = (run(library, source, setup) for library in LIBRARIES)
    return differs(found, expected, absolute=CANCELLING.get(name, 0))


def tensor(dtype: str, values: str = VALUES) -> str:
    """Source of a tensor whose values the dtype holds."""
    if dtype == "complex32":
        return f"torch.tensor({values}, dtype=torch.complex64).mul(1 + 0.5j).to(torch.complex32)"
    if dtype.startswith("complex"):
        return f"torch.tensor({values}, dtype=torch.{dtype}).mul(1 + 0.5j)"
    if dtype.startswith(("uint", "bool")):
        return f"torch.tensor({values}).abs().to(torch.{dtype})"
    return f"torch.tensor({values}, dtype=torch.float64).to(torch.{dtype})"


@pytest.mark.parametrize("name", UNARY)
def test_unary_over_all_dtypes(name: str) -> None:
    assert [f for d in DTYPES if (f := compare(f"torch.{name}(x)", f"x = {tensor(d)}", name))] == []


@pytest.mark.parametrize("name", BINARY)
def test_binary_over_one_dtype(name: str) -> None:
    found = []
    for d in DTYPES:
        if (name, d) in NOT_JUDGED:
            continue
        fault = compare(f"torch.{name}(x, y)", f"x = {tensor(d)}; y = {tensor(d, OTHERS)}", name)
        found += [f"{d}: {fault}"] if fault else []
    assert found == []


@pytest.mark.parametrize("name", BINARY)
def test_binary_over_mixed_dtypes(name: str) -> None:
    found = []
    for i, d in enumerate(DTYPES):
        for e in (DTYPES[(i + 3) % 16], DTYPES[(i + 7) % 16], DTYPES[(i + 12) % 16]):
            if (name, d) in NOT_JUDGED or (name, e) in NOT_JUDGED:
                continue
            for shape in ("", "[1]", "[1:2, None]"):
                fault = compare(f"torch.{name}(x, y)", f"x = {tensor(d)}; y = {tensor(e, OTHERS)}{shape}", name)
                found += [f"{d} {e}{shape}: {fault}"] if fault else []
    assert found == []


@pytest.mark.parametrize("name", BINARY)
def test_binary_with_numbers(name: str) -> None:
    found = []
    for d in DTYPES:
        for n in ("2", "-1", "0", "0.3", "True", "300", "1.5j", "None", "'a'", "2**40", "2**70"):
            for call in (f"torch.{name}(x, {n})", f"torch.{name}({n}, x)", f"x.clone().{name}_({n})"):
                fault = compare(call, f"x = {tensor(d)}")
                found += [f"{d} {call}: {fault}"] if fault else []
    assert found == []


OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">="]
OPERANDS = ("2", "2.5", "True", "1j", "None", "'a'", "[1]", "y", "y.int()", "y[0]", "y.bool()", "np.float64(2)")


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_and_their_reflections(operator: str) -> None:
    found = []
    for d in ("bool", "uint8", "int64", "float16", "float32", "complex64"):
        setup = f"x = {tensor(d, '[1, 2, 3]')}; y = torch.tensor([2., 1., 4.])"
        for other in OPERANDS:
            calls = [f"x {operator} {other}"]
            if not other.startswith("np"):
                calls.append(f"{other} {operator} x")
            for call in calls:
                fault = compare(call, setup)
                found += [f"{d} {call}: {fault}"] if fault else []
    assert found == []


@pytest.mark.parametrize("operator", OPERATORS[:12])
def test_updating_operators(operator: str) -> None:
    found = []
    for d in ("bool", "uint8", "int64", "float16", "float32", "complex64"):
        setup = f"x = {tensor(d, '[1, 2, 3]')}; y = torch.tensor([2., 1., 4.]); v = x"
        for other in (*OPERANDS[:9], "x", "y[None]", "torch.ones(2)"):
            fault = compare(f"x {operator}= {other}; (x, x is v, x._version)", setup)
            found += [f"{d} {operator}= {other}: {fault}"] if fault else []
    assert found == []


@pytest.mark.parametrize(
    "source",
    """torch.add(1, 2)
torch.mul(2.5, True)
torch.div(7, 2)
torch.sub(True, True)
torch.add(x, x, alpha=True)
torch.add(x, x, alpha=1j)
torch.add(i, i, alpha=1.5)
torch.add(b, b, alpha=2)
torch.add(x, 2, x)
torch.rsub(x, 1, 2)
torch.subtract(x, 1, 2)
torch.div(i, 2, rounding_mode='x')
torch.div(i, 0, rounding_mode='floor')
i // 0
i % 0
torch.fmod(i, 0)
torch.remainder(5, i)
x // 0
i.clone().div_(2)
i.clone().div_(2, rounding_mode='trunc')
i ** -1
i ** torch.tensor(-1)
torch.pow(i, torch.tensor(-3))
torch.pow(torch.tensor([2, 3], dtype=torch.uint8), 300)
i.float().float_power_(2)
i.double().float_power_(2)
torch.float_power(i, 2, out=torch.empty(3))
torch.square(b)
torch.lerp(x, x.double(), 0.5)
torch.lerp(x, x, 1j)
torch.addcdiv(i, i, i)
torch.addcmul(i, i, i, value=1.5)
torch.where(x, 1, 0)
torch.where(b, 1, 2.5)
torch.where(b, x[:2], 1)
torch.where(b, 1j, x[:2])
torch.where(torch.ones(2, dtype=torch.uint8), 1, 0)
x[:2].where(b, 0)
torch.clamp(x)
torch.clamp(x, 1, 0)
torch.clamp(x, float('nan'))
torch.clamp(i, 0.5)
torch.clamp(i, torch.tensor(0.5))
torch.clamp(b, 0)
torch.clamp(x, 1j)
i.clone().clamp_(0.5)
torch.clamp(x, torch.ones(4))
torch.heaviside(x, i)
torch.isclose(x, x.double())
torch.isclose(x, x, rtol=-1)
torch.isclose(x, x, equal_nan=True)
torch.allclose(x, x)
torch.equal(x, x.double())
torch.equal(x, x[:2])
torch.equal(i, i)
~x
~i
-b
+b
torch.maximum(x, 1)
torch.logical_not(i, out=torch.empty(3))
torch.isposinf(x, out=torch.empty(3))
torch.neg(x, out=torch.empty(3, dtype=torch.float64))
torch.exp(i, out=torch.empty(3, dtype=torch.int64))
torch.exp(i, out=torch.empty(3, dtype=torch.float64))
torch.sin(x, out=torch.empty(2))
torch.nan_to_num(x, 1., 2., 3.)
torch.round(x, decimals=1)
torch.round(i, decimals=1)
torch.complex(x, i)
torch.complex(x, x.double())
torch.complex(x, x[:1])
torch.polar(x.half(), x.half())
torch.view_as_real(x)
torch.view_as_complex(x)
torch.view_as_complex(torch.ones(2, 4)[:, ::2])
torch.view_as_complex(torch.ones(2, 3)[:, :2])
torch.view_as_complex(torch.arange(6.).view(3, 2))
torch.imag(x)
torch.real(x) is x
z = torch.tensor([1 + 2j]); z.real = 5; z
z = torch.tensor([1 + 2j]); z.imag.mul_(2); z
z = torch.ones(2, dtype=torch.complex64); z.abs_()
torch.threshold(x, 0., 5.)
torch.threshold(i, 1, 2**70)
torch.multiply(1)
torch.neg_(x)
torch.clip_(x, 0, 1)
x.sub_(x, alpha=2)
x.add_(torch.ones(2, 3))
x[1:].add_(x[:-1])
torch.ones(1).expand(3).add_(1)""".splitlines(),
)
def test_results_and_refusals(source: str) -> None:
    setup = "x = torch.tensor([-1.5, 2.5, float('nan')]); i = torch.tensor([-3, 0, 5]); b = torch.tensor([True, False])"
    assert compare(source, setup) == ""


@pytest.mark.parametrize("name", ["add", "maximum", "lt", "div", "where"])
def test_meta_tensors_know_shape_dtype_and_strides(name: str) -> None:
    call = f"torch.{name}({'x > 0, ' if name == 'where' else ''}x, y)"
    for setup in (
        "x = torch.empty(3, 4, device='meta').t(); y = torch.empty(4, 3, device='meta', dtype=torch.float64).int()",
        "x = torch.empty(2, 1, 5, device='meta'); y = torch.empty(4, 1, device='meta').double()",
    ):
        source = f"r = {call}; (r.shape, r.dtype, r.stride(), r.device.type)"
        expected, found = (run(library, source, setup) for library in LIBRARIES)
        assert str(found) == str(expected)


LAYOUTS = (
    "x",
    "x.t()",
    "x.t()[None]",
    "x[::2]",
    "x[:, ::2]",
    "x[:, :1]",
    "x[:1].expand(6, 6)",
    "x[:, :1].expand(6, 6)",
)


@pytest.mark.parametrize("first", LAYOUTS)
def test_strides_of_results_follow_the_operands(first: str) -> None:
    setup = "x = torch.arange(36.).view(6, 6); y = torch.arange(36.).view(6, 6) + 1"
    found = []
    for second in ("2", *(s.replace("x", "y") for s in LAYOUTS)):
        for call in (
            "{} * {}",
            "torch.maximum({}, torch.as_tensor({}))",
            "{} > {}",
            "{}.half() + {}",
            "torch.where({} > 3, 1., {})",
        ):
            fault = compare(call.format(first, second), setup)
            found += [f"{call.format(first, second)}: {fault}"] if fault else []
    assert found == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("alpha", ["0.1", "-0.1", "2", "0.5", "-2.5", "0"])
def test_products_that_leave_the_range_are_added_as_they_are(dtype: str, alpha: str) -> None:
    """PyTorch multiplies and adds in one step: the sign of a product too small, the sum of one too large, survive."""
    setup = (
        f"i = torch.finfo(torch.{dtype}); least = i.smallest_normal * i.eps; "
        f"v = torch.tensor([0.0, -0.0, least, -least, 1.0, i.max, -i.max, float('inf')], dtype=torch.{dtype}); "
        "x, y = v.repeat_interleave(8), v.repeat(8)"
    )
    for call in (
        f"torch.add(x, y, alpha={alpha})",
        f"torch.sub(x, y, alpha={alpha})",
        f"torch.rsub(x, y, alpha={alpha})",
        f"x.add_(y, alpha={alpha})",
        f"x.sub_(y, alpha={alpha})",
        f"x[3].sub_(y[9], alpha={alpha})",
        f"torch.add(x, 1e-3, alpha={alpha})",
        f"torch.addcmul(x, y, torch.full_like(y, 0.1), value={alpha})",
    ):
        assert_agree(f"r = {call}; (r, torch.signbit(r).nonzero())", setup, rtol=1e-6)


def test_sizes_of_complex_numbers_round_once() -> None:
    random = np.random.RandomState(0)
    x = (random.randn(4096) + 1j * random.randn(4096)).astype(np.complex64)
    exact = np.abs(x.astype(np.complex128))
    found = flambeau.from_numpy(x).abs().numpy()
    assert (np.abs(found - exact) <= np.spacing(found) * 0.5000001).all()


@pytest.mark.parametrize("name", ["abs", "absolute", "angle", "square", "conj_physical"])
def test_resized_out_of_complex_sizes_is_row_major_unless_complex(name: str) -> None:
    setup = "x = torch.ones(2, 4, 3, dtype=torch.complex64).permute(2, 0, 1); o = torch.zeros(0)"
    assert_agree(f"torch.{name}(x, out=o); (o, o.stride())", setup)
    assert_agree(f"torch.{name}(x.real, out=o); (o, o.stride())", setup)
    assert_agree(f"torch.{name}(x, out=o); (o, o.stride())", setup.replace("(0)", "(0, dtype=torch.complex64)"))


HALVES = "[0., -0., 1., -1., float('inf'), -float('inf'), float('nan'), 65504., -65504., 6e-8, 3.1415, 0.1, -40000.]"
HALF_PAIRS = (
    "r = np.random.RandomState(0); a, b = np.meshgrid({h}, {h}); "
    "a = np.concatenate([a.ravel(), r.randn(500)]); b = np.concatenate([b.ravel(), a[169:] + 0.3 * r.randn(500)]); "
    "x = torch.tensor(a.tolist()).to(torch.{dtype}); y = torch.tensor(b.tolist()).to(torch.{dtype})"
)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "complex32"])
@pytest.mark.parametrize("name", ["add", "sub", "rsub"])
@pytest.mark.parametrize("alpha", ["3", "0.1", "1 / 3", "-2.5", "0", "0.0", "1e-5", "float('inf')", "1e5"])
def test_multiples_of_halves_round_where_pytorch_rounds(dtype: str, name: str, alpha: str) -> None:
    setup = HALF_PAIRS.format(h=HALVES, dtype=dtype)
    for pair in ("x, y", "x[:7], y[:7]", "x, y[10]", "x[:32], y[10:11]", "x[7], y", "x, 0.3"):
        assert_same(f"torch.{name}({pair}, alpha={alpha})", setup)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("tolerances", ["0.1, 0.5", "0.2, 0.3", "0.3, 0.03", "1e-5, 1e-8", "0.07, 1.3", "0., 0.3"])
def test_isclose_of_halves_rounds_every_step(dtype: str, tolerances: str) -> None:
    setup = HALF_PAIRS.format(h=HALVES, dtype=dtype)
    assert_agree(f"torch.isclose(x, y, {tolerances})", setup)
    assert_agree(f"torch.isclose(x, y, {tolerances}, equal_nan=True)", setup)


def assert_same(source: str, setup: str) -> None:
    """The same error, or the same values to the sign of zeros."""
    found, expected = run(flambeau, source, setup), run(torch, source, setup)
    assert found.get("error") == expected.get("error"), source
    if "error" not in expected:
        assert str(found["value"]["values"]) == str(expected["value"]["values"]), source


@pytest.mark.parametrize("name", ["lerp_", "addcmul_", "addcdiv_"])
@pytest.mark.parametrize("operands", ["1.5, 0.5", "1.5, t", "t, 1.5", "t, t"])
def test_numbers_for_tensors_in_place(name: str, operands: str) -> None:
    assert_agree(f"x.{name}({operands})", "x = torch.ones(3); t = torch.full((3,), 0.5)")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64", "complex32", "int32"])
@pytest.mark.parametrize("weight", ["0.3", "1e5", "-7e4", "1e39", "float('inf')", "2", "1j", "1e39j", "10**30"])
@pytest.mark.parametrize("call", ["torch.lerp(x, y, {})", "x.lerp_(y, {})"])
def test_a_numbers_weight_is_not_rounded_to_half(call: str, weight: str, dtype: str) -> None:
    setup = f"x, y = torch.tensor([1, 2, -3]).to(torch.{dtype}), torch.tensor([1., 2.25, -3.1]).to(torch.{dtype})"
    assert_same(call.format(weight), setup)


NUMBERS = (
    "1e39", "1e39j", "complex(1, 1e39)", "-1e39", "1e5", "10**30", "2**40", "-2**40", "300", "0.5", "float('inf')",
    "1j",
)  # fmt: skip
FITTED = (
    "torch.where(c, x, {})", "torch.where(c, {}, x)", "torch.where(c, {0}, {0})", "torch.where(c[:0], x[:0], {})",
    "torch.addcmul(x, x, y, value={})", "torch.addcdiv(x, x, y, value={})", "x.addcdiv_(x, y, value={})",
    "torch.addcmul(x[:0], x[:0], y[:0], value={})", "x.addcmul_(x, y, value={})", "y.addcmul_(x, x, value={})",
    "torch.logit(x, {})", "x.logit_({})", "torch.pow(x, {})", "x.pow_({})", "torch.clamp(x, {})",
)  # fmt: skip


@pytest.mark.parametrize(
    "dtype", ["complex64", "complex32", "float32", "float16", "bfloat16", "int32", "uint8", "uint16", "bool"]
)
@pytest.mark.parametrize("call", FITTED)
def test_numbers_beyond_a_dtypes_range(call: str, dtype: str) -> None:
    """Refused by the same text or taken, as PyTorch does: by the elements' dtype or the one that is computed in."""
    setup = f"""\
x, y = torch.tensor([1, 2, 3]).to(torch.{dtype}), torch.tensor([2, 3, 1]).to(torch.{dtype})
c = torch.tensor([True, False, True])"""
    for number in NUMBERS:
        source = call.format(number)
        found, expected = run(flambeau, source, setup), run(torch, source, setup)
        assert found.get("error") == expected.get("error"), source
        if "error" not in expected:
            assert found["value"]["dtype"] == expected["value"]["dtype"], source
            mine, theirs = (np.array(r["value"]["values"]) for r in (found, expected))
            np.testing.assert_array_equal(np.isfinite(mine), np.isfinite(theirs), source)


@pytest.mark.parametrize("name", ["add_", "sub_", "mul_", "div_", "atan2_", "copysign_", "nextafter_", "fmod_"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_updates_of_halves_do_not_warn_of_overflow(name: str, dtype: str) -> None:
    x = flambeau.tensor([65504.0, 1.0, -0.0, float("inf")]).to(getattr(flambeau, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if name != "nextafter_":
            getattr(x, name)(flambeau.tensor([3e38, -3e38, 1e-30, float("nan")]))
        getattr(x, name)(flambeau.full((4,), 2.0, dtype=x.dtype))


def test_next_numbers_of_zeros_take_their_sign() -> None:
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        setup = (
            f"x = torch.tensor([0., -0., 0., -0.]).to(torch.{dtype}); y = torch.tensor([-0., 0., 0., -0.]).to(x.dtype)"
        )
        assert_same("torch.nextafter(x, y)", setup)

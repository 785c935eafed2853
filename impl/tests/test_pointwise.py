"""Elementwise operations against real PyTorch: every dtype, pairs of dtypes, layouts, forms, errors."""

from __future__ import annotations

import pytest
from against import LIBRARIES, run

torch, flambeau = LIBRARIES
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128",
)  # fmt: skip
UNARY = (
    "neg positive abs sign sgn reciprocal square sqrt rsqrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos "
    "atan sinh cosh tanh asinh acosh atanh erf erfc erfinv lgamma digamma sigmoid logit sinc deg2rad rad2deg floor "
    "ceil round trunc frac isnan isinf isfinite isposinf isneginf isreal signbit logical_not bitwise_not relu real "
    "imag conj conj_physical angle nan_to_num negative absolute arcsin arccos arctan arcsinh arccosh arctanh fix "
    "is_conj is_neg resolve_conj resolve_neg"
).split()
BINARY = (
    "add sub rsub mul div floor_divide remainder fmod pow float_power maximum minimum fmax fmin hypot atan2 copysign "
    "nextafter logaddexp logaddexp2 xlogy ldexp heaviside gcd lcm eq ne lt le gt ge logical_and logical_or "
    "logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift isclose clamp_min "
    "clamp_max subtract multiply divide true_divide not_equal less less_equal greater greater_equal arctan2"
).split()
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "complex32": 2.0**-10, "complex64": 2.0**-23}
VALUES = "[-3.5, -2, -1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 7, 100]"
OTHERS = "[2.5, -1, 3, 0.5, 2, 1, -0.5, 0.25, 1, -2, 2, 1, 3, 5]"


def differs(found: dict, expected: dict, ulps: float = 16) -> str:
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
    bad = [(p, q) for p, q in zip(x, y, strict=True) if not close(p, q, rtol)]
    return f"values: {bad[:4]}" if bad else ""


def flatten(x) -> list:
    if not isinstance(x, list):
        return [x]
    return [e for y in x for e in flatten(y)]


def close(p, q, rtol: float) -> bool:
    if isinstance(q, complex):
        size = abs(q) if abs(q) < float("inf") else 0
        return all(
            a == b or (a != a and b != b) or abs(a - b) <= rtol * size + 1e-38
            for a, b in ((p.real, q.real), (p.imag, q.imag))
        )
    if isinstance(q, bool | int):
        return p == q
    return p == q or (p != p and q != q) or abs(p - q) <= rtol * abs(q) + 1e-38


def compare(source: str, setup: str = "", ulps: float = 16) -> str:
    expected, found = (run(library, source, setup) for library in LIBRARIES)
    return differs(found, expected, ulps)


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
    assert [f for d in DTYPES if (f := compare(f"torch.{name}(x)", f"x = {tensor(d)}"))] == []


@pytest.mark.parametrize("name", BINARY)
def test_binary_over_one_dtype(name: str) -> None:
    found = []
    for d in DTYPES:
        fault = compare(f"torch.{name}(x, y)", f"x = {tensor(d)}; y = {tensor(d, OTHERS)}")
        found += [f"{d}: {fault}"] if fault else []
    assert found == []


@pytest.mark.parametrize("name", BINARY)
def test_binary_over_mixed_dtypes(name: str) -> None:
    found = []
    for i, d in enumerate(DTYPES):
        for e in (DTYPES[(i + 3) % 16], DTYPES[(i + 7) % 16], DTYPES[(i + 12) % 16]):
            for shape in ("", "[1]", "[1:2, None]"):
                fault = compare(f"torch.{name}(x, y)", f"x = {tensor(d)}; y = {tensor(e, OTHERS)}{shape}")
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

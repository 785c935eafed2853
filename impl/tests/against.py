"""Compare flambeau with real PyTorch: one piece of source, run in both, its outcomes as plain data.

Sources name the library `torch`; `setup` runs first and makes the tensors. An outcome is an error (type and first line)
or a value; tensors become shape, strides, dtype, node name and values.
"""

from __future__ import annotations

import ast
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import torch

import flambeau

# Where opt_einsum happens to be installed, PyTorch contracts in another order.
torch.backends.opt_einsum.enabled = False

LIBRARIES: tuple[ModuleType, ModuleType] = (torch, flambeau)


def plain(value: Any, *, strides: bool = True) -> Any:
    """A result as data that can be compared: tensors as dicts, containers element by element."""
    if isinstance(value, torch.Tensor | flambeau.Tensor):
        node = value.grad_fn
        answer = {
            "shape": tuple(value.shape),
            "dtype": str(value.dtype),
            "requires_grad": value.requires_grad,
            "node": None if node is None else node.name(),
            "values": value.tolist(),
        }
        if strides:
            # strides of dims of size 1 and of empty tensors name nothing
            sizes = answer["shape"]
            answer["strides"] = [s for n, s in zip(sizes, value.stride(), strict=True) if n > 1 and 0 not in sizes]
        return answer
    if isinstance(value, tuple | list):
        return [plain(v, strides=strides) for v in value]
    return value


def evaluate(source: str, names: dict[str, Any]) -> Any:
    """Run statements; the value of the last one, an expression."""
    module = ast.parse(source.strip())
    last = module.body.pop()
    assert isinstance(last, ast.Expr), source
    exec(compile(module, "<statements>", "exec"), names)
    return eval(compile(ast.Expression(last.value), "<expression>", "eval"), names)


def run(library: ModuleType, source: str, setup: str = "", *, strides: bool = True) -> dict[str, Any]:
    """What a library answers: "value" or "error", and the texts of warnings."""
    names: dict[str, Any] = {"torch": library, "np": np}
    answer: dict[str, Any] = {}
    previous = library.is_warn_always_enabled()
    library.set_warn_always(True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(setup, names)
            answer["value"] = plain(evaluate(source, names), strides=strides)
        except Exception as error:
            answer["error"] = type(error).__name__, str(error).partition("\n")[0]
        finally:
            library.set_warn_always(previous)
    answer["warnings"] = [
        (w.category.__name__, str(w.message).partition(" (Triggered internally")[0])
        for w in caught
        if not issubclass(w.category, ResourceWarning) and "ComplexHalf support" not in str(w.message)
    ]
    return answer


def assert_agree(source: str, setup: str = "", *, strides: bool = True, rtol: float = 0.0, atol: float = 0.0) -> None:
    """Fail unless both libraries give one outcome; values differ by rtol and atol at most, NaN equals NaN."""
    expected, found = (run(library, source, setup, strides=strides) for library in LIBRARIES)
    if "error" in expected or "error" in found:
        assert found == expected, source
    assert_same(found["value"], expected["value"], source, rtol, atol) if "value" in expected else None
    assert found["warnings"] == expected["warnings"], source


def assert_same(found: Any, expected: Any, source: str, rtol: float = 0.0, atol: float = 0.0) -> None:
    """Compare two plain values, arrays within the tolerance."""
    if isinstance(expected, dict):
        found, expected = dict(found), dict(expected)
        a, b = found.pop("values"), expected.pop("values")
        assert found == expected, source
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=atol, err_msg=source)
    elif isinstance(expected, list):
        assert len(found) == len(expected), source
        for f, e in zip(found, expected, strict=True):
            assert_same(f, e, source, rtol, atol)
    else:
        assert found == expected or (found != found and expected != expected), source


def gradients(library: ModuleType, source: str, setup: str, leaves: dict[str, Any], seed: int) -> list[Any]:
    """Gradients of a source's (floating) result for its leaves under random cotangents, then of those gradients."""
    random = np.random.RandomState(seed)

    def drawn(t: Any) -> Any:
        values = np.asarray(random.randn(*t.shape))
        if t.dtype.is_complex:
            values = values + 1j * random.randn(*t.shape)
        return library.tensor(values.tolist(), dtype=t.dtype).reshape(t.shape)

    names: dict[str, Any] = {"torch": library, "np": np}
    exec(setup, names)
    inputs = []
    for name, values in leaves.items():
        array = np.asarray(values)
        d = library.complex128 if array.dtype.kind == "c" else library.float64
        leaf = library.tensor(array.tolist(), dtype=d).reshape(array.shape).requires_grad_()
        names[name] = leaf
        inputs.append(leaf)
    out = evaluate(source, names)
    cotangent = drawn(out).requires_grad_()
    first = library.autograd.grad(out, inputs, cotangent, create_graph=True, allow_unused=True)
    answer = [None if g is None else g.tolist() for g in first]
    kept = [g for g in first if g is not None and g.requires_grad]
    if kept:
        weights = [drawn(g) for g in kept]
        second = library.autograd.grad(kept, [*inputs, cotangent], weights, allow_unused=True)
        answer += [None if g is None else g.tolist() for g in second]
    return answer


def assert_gradients(
    source: str, setup: str = "", leaves: dict[str, Any] | None = None, *, rtol: float = 1e-9, seed: int = 0
) -> None:
    """Fail unless first and second gradients agree; None where one library says that there is none counts as zeros."""
    expected, found = (gradients(library, source, setup, leaves or {}, seed) for library in LIBRARIES)
    assert len(found) == len(expected), source
    for f, e in zip(found, expected, strict=True):
        if f is None or e is None:
            other = e if f is None else f
            assert other is None or not np.any(np.asarray(other)), source
        else:
            np.testing.assert_allclose(np.asarray(f), np.asarray(e), rtol=rtol, atol=rtol, err_msg=source)

"""Single operations at several sizes: creation, elementwise, reductions, indexing, products, backward."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from side_by_side import compare

SIZES = (10, 1_000, 100_000)

CREATION: dict[str, Callable[[ModuleType, int], Any]] = {
    "zeros": lambda t, n: t.zeros(n),
    "full": lambda t, n: t.full((n,), 2.0),
    "arange": lambda t, n: t.arange(n),
    "rand": lambda t, n: t.rand(n),
    "randn": lambda t, n: t.randn(n),
}
UNARY = ["neg", "abs", "exp", "log", "sin", "tanh", "sqrt", "sigmoid", "relu", "reciprocal"]
BINARY = ["add", "sub", "mul", "div", "pow", "maximum", "atan2"]
REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: x.sum(),
    "sum(0)": lambda x: x.sum(0),
    "sum(1)": lambda x: x.sum(1),
    "mean": lambda x: x.mean(),
    "var": lambda x: x.var(),
    "max": lambda x: x.max(),
    "argmax(1)": lambda x: x.argmax(1),
    "cumsum(0)": lambda x: x.cumsum(0),
    "softmax(1)": lambda x: x.softmax(1),
    "norm": lambda x: x.norm(),
    "sort": lambda x: x.sort(),
}
INDEXING: dict[str, Callable[[Any, Any], Any]] = {
    "x[3]": lambda x, i: x[3],
    "x[:, 3:5]": lambda x, i: x[:, 3:5],
    "x[i]": lambda x, i: x[i],
    "x[x > 0]": lambda x, i: x[x > 0],
    "x[3] = 1": lambda x, i: x.__setitem__(3, 1.0),
    "index_select": lambda x, i: x.index_select(0, i),
    "t().contiguous()": lambda x, i: x.t().contiguous(),
    "view": lambda x, i: x.view(-1),
    "expand": lambda x, i: x[:1].expand(10, -1),
}


def _drawn(t: ModuleType, *shape: int, positive: bool = False, requires_grad: bool = False) -> Any:
    values = np.random.RandomState(0).randn(*shape).astype("float32")
    return t.tensor(np.abs(values) + 0.1 if positive else values, requires_grad=requires_grad)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CREATION)
def test_creation(benchmark: Any, name: str, size: int) -> None:
    """New tensors."""
    compare(benchmark, lambda t: lambda: CREATION[name](t, size))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", UNARY)
def test_unary(benchmark: Any, name: str, size: int) -> None:
    """One operand."""

    def make(t: ModuleType) -> Callable[[], Any]:
        x, front = _drawn(t, size, positive=True), getattr(t, name)
        return lambda: front(x)

    compare(benchmark, make)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", BINARY)
def test_binary(benchmark: Any, name: str, size: int) -> None:
    """Two operands."""

    def make(t: ModuleType) -> Callable[[], Any]:
        x, y, front = _drawn(t, size, positive=True), _drawn(t, size, positive=True), getattr(t, name)
        return lambda: front(x, y)

    compare(benchmark, make)


@pytest.mark.parametrize("size", [4, 100, 1000])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(benchmark: Any, name: str, size: int) -> None:
    """Square matrices reduced or scanned."""

    def make(t: ModuleType) -> Callable[[], Any]:
        x = _drawn(t, size, size)
        return lambda: REDUCTIONS[name](x)

    compare(benchmark, make)


@pytest.mark.parametrize("size", [10, 1000])
@pytest.mark.parametrize("name", INDEXING)
def test_indexing(benchmark: Any, name: str, size: int) -> None:
    """Views, and indexing by numbers, slices, tensors and masks."""

    def make(t: ModuleType) -> Callable[[], Any]:
        x, i = _drawn(t, size, 10), t.arange(0, size, 2)
        return lambda: INDEXING[name](x, i)

    compare(benchmark, make)


@pytest.mark.parametrize("size", [2, 32, 256, 1024])
def test_matmul(benchmark: Any, size: int) -> None:
    """A product of square matrices."""

    def make(t: ModuleType) -> Callable[[], Any]:
        a, b = _drawn(t, size, size), _drawn(t, size, size)
        return lambda: a @ b

    compare(benchmark, make)


@pytest.mark.parametrize("size", [8, 64])
def test_bmm(benchmark: Any, size: int) -> None:
    """Products of sixteen pairs of square matrices."""

    def make(t: ModuleType) -> Callable[[], Any]:
        a, b = _drawn(t, 16, size, size), _drawn(t, 16, size, size)
        return lambda: t.bmm(a, b)

    compare(benchmark, make)


@pytest.mark.parametrize("size", [10, 10_000])
@pytest.mark.parametrize("length", [1, 10, 100])
def test_backward_of_a_chain(benchmark: Any, length: int, size: int) -> None:
    """Forward and backward through a chain of products and sines."""

    def make(t: ModuleType) -> Callable[[], Any]:
        x = _drawn(t, size, requires_grad=True)

        def run() -> None:
            y = x
            for _ in range(length):
                y = (y * 1.01).sin()
            y.sum().backward()
            x.grad = None

        return run

    compare(benchmark, make)


def test_double_backward(benchmark: Any) -> None:
    """The gradient of a gradient."""

    def make(t: ModuleType) -> Callable[[], Any]:
        x = _drawn(t, 100, requires_grad=True)

        def run() -> None:
            (g,) = t.autograd.grad((x.sin() * x).sum(), x, create_graph=True)
            t.autograd.grad((g * g).sum(), x)

        return run

    compare(benchmark, make)

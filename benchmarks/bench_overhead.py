"""What a call costs: operations on one element, and the tutorials' training steps."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from side_by_side import compare


def _add(t: ModuleType, requires_grad: bool) -> Callable[[], Any]:
    a, b = t.ones(1, requires_grad=requires_grad), t.ones(1)
    return lambda: a + b


def _linear_regression(t: ModuleType, count: int) -> Callable[[], Any]:
    """The tutorial's loop: y = 0.1 x + 3 with noise, updated by hand through .data."""
    state = np.random.RandomState(0)
    inputs = state.randn(count, 1).astype("float32")
    x, y = t.tensor(inputs), t.tensor((0.1 * inputs + 3 + 0.1 * state.randn(count, 1)).astype("float32"))
    w, b = t.tensor([1.0], requires_grad=True), t.tensor([0.0], requires_grad=True)

    def step() -> None:
        loss = ((x * w + b - y) ** 2).mean()
        loss.backward()
        w.data = w.data - 0.01 * w.grad.data
        b.data = b.data - 0.01 * b.grad.data
        w.grad.zero_()
        b.grad.zero_()

    return step


def _perceptron(t: ModuleType, batch: int, sizes: tuple[int, int, int], loss: str) -> Callable[[], Any]:
    """Linear, relu, linear, the loss, backward, and a step of gradient descent."""
    state, functional = np.random.RandomState(0), t.nn.functional
    first, hidden, last = sizes
    x, labels = t.tensor(state.randn(batch, first).astype("float32")), t.tensor(state.randint(0, last, batch))
    shapes = ((hidden, first), (hidden,), (last, hidden), (last,))
    wanted = t.tensor(state.rand(batch, last).astype("float32"))
    weights = [t.tensor((state.randn(*s) * s[-1] ** -0.5).astype("float32"), requires_grad=True) for s in shapes]

    def step() -> None:
        h = functional.linear(x, weights[0], weights[1]).relu()
        out = functional.linear(h, weights[2], weights[3])
        (functional.cross_entropy(out, labels) if loss == "cross_entropy" else ((out - wanted) ** 2).mean()).backward()
        with t.no_grad():
            for p in weights:
                p.sub_(p.grad, alpha=0.01)
                p.grad = None

    return step


@pytest.mark.parametrize("requires_grad", [False, True], ids=["plain", "recording"])
def test_add_one_element(benchmark: Any, requires_grad: bool) -> None:
    """One addition of one element."""
    compare(benchmark, lambda t: _add(t, requires_grad))


@pytest.mark.parametrize("count", [1, 100, 10_000])
def test_linear_regression_step(benchmark: Any, count: int) -> None:
    """A step of linear regression."""
    compare(benchmark, lambda t: _linear_regression(t, count))


@pytest.mark.parametrize(
    ("batch", "sizes"), [(64, (784, 128, 10)), (1, (784, 128, 10)), (8, (4, 16, 3)), (256, (784, 512, 10))], ids=str
)
@pytest.mark.parametrize("loss", ["cross_entropy", "squares"])
def test_perceptron_step(benchmark: Any, batch: int, sizes: tuple[int, int, int], loss: str) -> None:
    """A step of a perceptron with one hidden layer."""
    compare(benchmark, lambda t: _perceptron(t, batch, sizes, loss))

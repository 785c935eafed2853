"""The common calls of a training script, flambeau beside PyTorch: `python benchmarks/table.py [NAME...]`.

Small tensors, so that what is measured is the call and not the arithmetic; products and steps at their usual sizes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from bench_overhead import _add, _linear_regression, _perceptron
from side_by_side import Make, measure

import flambeau


def _operands(t: ModuleType) -> SimpleNamespace:
    state = np.random.RandomState(0)

    def drawn(*shape: int, requires_grad: bool = False) -> Any:
        return t.tensor(state.randn(*shape).astype("float32"), requires_grad=requires_grad)

    return SimpleNamespace(
        t=t, x=drawn(10, 10), y=drawn(10, 10), v=drawn(10), w=drawn(10, 10, requires_grad=True),
        a=drawn(64, 64), b=drawn(64, 64), c=drawn(64, 784), d=drawn(128, 784), e=drawn(128),
        i=t.tensor([1, 3, 5]), m=drawn(256, 256), n=drawn(256, 256),
    )  # fmt: skip


def _filled(o: SimpleNamespace) -> None:
    o.x[0] = 1.0


def _copied(o: SimpleNamespace) -> None:
    o.x[0] = o.v


def _backward(o: SimpleNamespace) -> None:
    (o.w * o.x).sum().backward()
    o.w.grad = None


def _chain(o: SimpleNamespace) -> None:
    y = o.w
    for _ in range(10):
        y = (y * 1.01).sin()
    y.sum().backward()
    o.w.grad = None


CALLS: dict[str, Callable[[SimpleNamespace], Any]] = {
    "x[0]": lambda o: o.x[0],
    "x[:, 1:3]": lambda o: o.x[:, 1:3],
    "x[i]": lambda o: o.x[o.i],
    "x[x > 0]": lambda o: o.x[o.x > 0],
    "x[0] = 1.": _filled,
    "x[0] = v": _copied,
    "x.t()": lambda o: o.x.t(),
    "x.view(-1)": lambda o: o.x.view(-1),
    "x.reshape(5, 20)": lambda o: o.x.reshape(5, 20),
    "x.transpose(0, 1)": lambda o: o.x.transpose(0, 1),
    "x.unsqueeze(0)": lambda o: o.x.unsqueeze(0),
    "v.expand(10, 10)": lambda o: o.v.expand(10, 10),
    "x.detach()": lambda o: o.x.detach(),
    "x.exp()": lambda o: o.x.exp(),
    "torch.relu(x)": lambda o: o.t.relu(o.x),
    "x + y": lambda o: o.x + o.y,
    "x + v": lambda o: o.x + o.v,
    "x * 2": lambda o: o.x * 2,
    "x > 0": lambda o: o.x > 0,
    "x.sum()": lambda o: o.x.sum(),
    "x.sum(1, keepdim=True)": lambda o: o.x.sum(1, keepdim=True),
    "x.mean(dim=0)": lambda o: o.x.mean(dim=0),
    "x.max(1)": lambda o: o.x.max(1),
    "x.argmax(1)": lambda o: o.x.argmax(1),
    "x.softmax(1)": lambda o: o.x.softmax(1),
    "v.item()": lambda o: o.v[0].item(),
    "torch.cat((x, y))": lambda o: o.t.cat((o.x, o.y)),
    "torch.stack((x, y))": lambda o: o.t.stack((o.x, o.y)),
    "torch.zeros(10, 10)": lambda o: o.t.zeros(10, 10),
    "x.clone()": lambda o: o.x.clone(),
    "x.add_(y)": lambda o: o.x.add_(o.y, alpha=1e-9),
    "x @ y, 10": lambda o: o.x @ o.y,
    "x @ y, 64": lambda o: o.a @ o.b,
    "x @ y, 256": lambda o: o.m @ o.n,
    "linear 64x784x128": lambda o: o.t.nn.functional.linear(o.c, o.d, o.e),
    "(w * x).sum().backward()": _backward,
    "ten sines and backward": _chain,
}

MAKES: dict[str, Make] = {
    "add, one element": lambda t: _add(t, False),
    "the same, recording": lambda t: _add(t, True),
    "linear regression step, 100": lambda t: _linear_regression(t, 100),
    "perceptron step 64x784-128-10": lambda t: _perceptron(t, 64, (784, 128, 10), "squares"),
}


def _make(call: Callable[[SimpleNamespace], Any]) -> Make:
    def make(t: ModuleType) -> Callable[[], Any]:
        o = _operands(t)
        return lambda: call(o)

    return make


MAKES.update((name, _make(call)) for name, call in CALLS.items())


def main() -> None:
    """Print the table, or the rows whose names contain one of the words given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--round-time", type=float, default=0.01, help="seconds")
    options = parser.parse_args()
    print(
        f"torch {torch.__version__}, flambeau {flambeau.__version__}, NumPy {np.__version__}, Python "
        f"{sys.version.split()[0]}, {torch.backends.cpu.get_cpu_capability()}, 1 thread; µs of process time"
    )
    print(f"{'':32}{'torch':>10}{'flambeau':>10}{'ratio of medians':>18}{'of least':>10}")
    for name, make in MAKES.items():
        if options.words and not any(w in name for w in options.words):
            continue
        times = measure(make, options.rounds, options.round_time)
        torch_us, flambeau_us = times.median["torch"] * 1e6, times.median["flambeau"] * 1e6
        print(f"{name:32}{torch_us:10.2f}{flambeau_us:10.2f}{times.ratio:18.2f}{times.ratio_of_least:10.2f}")


if __name__ == "__main__":
    main()

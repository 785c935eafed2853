"""The roundings on the way to a derivative, as a wider evaluation can show them.

An implementation rounds what it saves for the way back, and what every node hands on. Neither is a change of the
inputs: x/x has the derivative 0 however x is moved, yet 1/x - x/x² leaves the rounding error of its terms. So the wider
evaluation is repeated with saved tensors, and the gradients between nodes, moved by about an ulp: the derivative's
change is what rounding costs by PyTorch's own formula.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

#: Of this module alone, reseeded for each evaluation: making a RandomState costs two hundred times as much.
_STREAM = np.random.RandomState(0)


class Rounding:
    """Moves of one evaluation in `module`, which is PyTorch.

    relative: one ulp, or some; seed: of the moves. saved: whether what is saved is moved too, not only the gradients
    between nodes. Inputs are exact: a saved tensor that lies in the memory of an `exact` one stays.
    """

    def __init__(self, module: Any, relative: float, seed: int, saved: bool = True) -> None:
        self._module = module
        self._relative = relative
        self._steps = _STREAM
        self._steps.seed(seed)
        self._saved = saved
        self._exact: set[int] = set()
        self._known: set[Any] = set()

    def exact(self, tensors: Iterable[Any]) -> None:
        """These tensors are given: whoever saves them saves them as they are."""
        self._exact.update(t.untyped_storage().data_ptr() for t in tensors)

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """What is saved while this lasts is moved."""
        if not self._saved:
            yield
            return
        with self._module.autograd.graph.saved_tensors_hooks(self._pack, lambda packed: packed):
            yield

    def result(self, value: Any) -> None:
        """What a step of a program gave is moved where it lies, as that step's rounding would have done."""
        if isinstance(value, self._module.Tensor):
            if self._saved and (value.is_floating_point() or value.is_complex()):
                plain = value.data  # the graph and its version counters know nothing of this
                plain.copy_(self._moved(plain))
        elif isinstance(value, tuple | list):
            for item in value:
                self.result(item)

    def between(self, outputs: Iterable[Any]) -> None:
        """The gradients that the nodes behind `outputs` hand on will be moved; known nodes are not taken twice."""
        waiting = [t.grad_fn for t in outputs if t.grad_fn is not None]
        while waiting:
            node = waiting.pop()
            if node in self._known:
                continue
            self._known.add(node)
            node.register_hook(lambda handed, _: tuple(None if g is None else self._moved(g) for g in handed))
            waiting += [n for n, _ in node.next_functions if n is not None]

    def forget(self) -> None:
        """Let go of the nodes: each holds a hook that holds this, a circle through PyTorch that no collector sees."""
        self._known.clear()

    def _pack(self, tensor: Any) -> Any:
        if tensor.untyped_storage().data_ptr() in self._exact:
            return tensor
        with self._module.no_grad():
            return self._moved(tensor)

    def _moved(self, tensor: Any) -> Any:
        """Every element moved by ±relative of itself, real and imaginary parts apart; zeros stay."""
        module = self._module
        if tensor.is_complex():
            return module.complex(self._moved(tensor.real), self._moved(tensor.imag))
        if not tensor.is_floating_point():
            return tensor
        steps = self._steps.uniform(-1.0, 1.0, tuple(tensor.shape))
        steps = steps + np.copysign(0.25, steps)
        moves = module.from_numpy(np.asarray(1.0 + self._relative * steps))
        return tensor * (moves if tensor.dtype is module.float64 else moves.to(tensor.dtype))


__all__ = ["Rounding"]

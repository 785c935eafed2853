"""The fast path of a reduction to one element: `x.sum()`, `x.mean()`.

The general path parses dims and dtype and costs 10 µs; a training step on small tensors takes this one every time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.autograd.modes import inference_modes, state
from flambeau.autograd.node import edge_of, sequence
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import NATIVE_FLOAT
from flambeau.operation import OPERATIONS
from flambeau.overrides import PLAIN
from flambeau.tensor import UNTRACKED, Tensor, new


def to_one(name: str, kernel: Callable[..., Any]) -> Callable[..., Tensor | None]:
    """A shortcut (see `declare.install`) for operation `name`, called with one plain floating or complex tensor.

    kernel: an ndarray in, a 0-d one out. The operation's rule runs on ndarrays too, and its arguments are among
    input_shape, input_dtype, dims, keepdim and count (at least one).
    """
    op: Any = None
    versions: tuple[int, ...] = ()

    def shortcut(self: Any, *rest: Any) -> Tensor | None:
        if rest or type(self) not in PLAIN:
            return None
        d = self._dtype
        x = self._array
        if not d.bit & NATIVE_FLOAT or x is None:
            return None
        token = enter(QUIET)
        try:
            r = kernel(x)
        finally:
            leave(token)
        out = new(Tensor)
        out._array = r
        out._dtype = d
        out._grad = out._memory = out._view = out._node = None
        out._version_counter = UNTRACKED if inference_modes and state.inference else None
        a = self._node if self._view is None else edge_of(self)
        if a is not None and state.enabled:
            nonlocal op, versions
            if op is None:
                op = OPERATIONS[name]
                versions = (0,) * len(op.saved_names)
            n = out._node = new(op.node_class)
            n.edges = (a,)
            n.shape = ()
            n.dtype = d
            n.hooks = None
            n.raw = True
            n.seq = sequence()
            known = {"input_shape": x.shape, "dims": tuple(range(x.ndim)), "keepdim": False, "count": x.size or 1}
            known["input_dtype"] = d
            n.saved = tuple([known[k] for k in op.saved_names])
            n.versions = versions
        return out

    return shortcut

"""The fast path of a reduction to one element or along one dim: `x.sum()`, `x.mean(1)`.

The general path parses dims and dtype and costs 10 µs; a training step on small tensors takes this one every time.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from flambeau.autograd.modes import inference_modes, state
from flambeau.autograd.node import edge_of, sequence
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.dtypes import NATIVE_FLOAT
from flambeau.operation import OPERATIONS
from flambeau.overrides import PLAIN
from flambeau.tensor import UNTRACKED, Tensor, new

# what rules may ask for, in the order in which the shortcut has it
_KNOWN = ("input_shape", "input_dtype", "dims", "keepdim", "count")
# all dims, by rank
_DIMS = tuple(tuple(range(n)) for n in range(65))


def to_one(name: str, kernel: Callable[..., Any], along: Callable[..., Any], node: str) -> Callable[..., Tensor | None]:
    """A shortcut (see `declare.install`) for operation `name`, called with one plain floating or complex tensor.

    kernel: an ndarray in, a 0-d one out; along: the same along one dim, called with the ndarray, the dim in a tuple,
    whether it is kept and its length, for which the node has a name of its own. The operation's rule runs on ndarrays
    too, and its arguments are among input_shape, input_dtype, dims, keepdim and count (at least two).
    """
    op: Any = None
    pick: Any = None

    def shortcut(self: Any = None, dim: Any = ..., keepdim: Any = False, *rest: Any, **other: Any) -> Tensor | None:
        if type(self) not in PLAIN or rest or other:
            return None
        d = self._dtype
        x = self._array
        if not d.bit & NATIVE_FLOAT or x is None:
            return None
        rank = x.ndim
        whole = dim is ...
        if whole:
            if keepdim is not False:
                return None
            dims, count = _DIMS[rank], x.size or 1
        else:
            if type(dim) is not int or type(keepdim) is not bool or not -rank <= dim < rank or not x.size:
                return None
            dims, count = (dim % rank,), x.shape[dim]
        token = enter(QUIET)
        try:
            r = kernel(x) if whole else np.asarray(along(x, dims, keepdim, count))
        finally:
            leave(token)
        out = new(Tensor)
        out._array = r
        out._dtype = d
        out._grad = out._memory = out._view = out._node = None
        out._version_counter = UNTRACKED if inference_modes and state.inference else None
        a = self._node if self._view is None else edge_of(self)
        if a is not None and state.enabled:
            nonlocal op, pick
            if op is None:
                op = OPERATIONS[name]
                pick = itemgetter(*[_KNOWN.index(k) for k in op.saved_names])
            n = out._node = new(op.node_class if whole else op.node_class_of(node))
            n.edges = (a,)
            n.shape = r.shape
            n.dtype = d
            n.hooks = None
            n.raw = True
            n.seq = sequence()
            n.saved = pick((x.shape, d, dims, keepdim, count))
            n.versions = None
        return out

    return shortcut

"""Linear and bilinear layers as functions."""

from __future__ import annotations

from math import prod
from typing import Any

from flambeau.autograd.modes import state
from flambeau.autograd.node import Edge, node_of, sequence
from flambeau.cpu import linear as cpu
from flambeau.cpu.quiet import QUIET, enter, leave
from flambeau.declare import composite
from flambeau.dtypes import NATIVE_FLOAT
from flambeau.errors import check, structured_out
from flambeau.operation import OpNode
from flambeau.ops import arithmetic, permutations, views
from flambeau.ops.linear import matmul, mm, times
from flambeau.ops.scaled_products import addmm
from flambeau.overrides import PLAIN
from flambeau.tensor import Memory, Tensor, fresh, memory, new, shape_of, version


def _transposed(weight: Tensor, edge: Edge | None) -> Tensor:
    """`weight.t()` for a node to save: a view that nobody updates in place."""
    own = memory(weight)
    out = fresh(weight._array.T, weight._dtype)
    out._memory = Memory(own.shape[::-1], own.strides[::-1], own.offset, own.storage)
    out._version_counter = version(weight)
    if edge is not None:
        n = out._node = new(permutations.t.op.node_class)
        n.edges = (edge,)
        _fill(n, out)
        n.saved = n.versions = ()
    return out


def _fill(n: OpNode, out: Tensor) -> None:
    n.shape = out._array.shape
    n.dtype = out._dtype
    n.hooks = None
    n.raw = True
    n.seq = sequence()


def _short_linear(input: Any = None, weight: Any = None, bias: Any = None, *rest: Any) -> Tensor | None:
    """The fast path: plain matrices of one float dtype, and a bias that is a vector, or none."""
    if rest or type(input) not in PLAIN or type(weight) not in PLAIN:
        return None
    d, x, w = input._dtype, input._array, weight._array
    if not d.bit & NATIVE_FLOAT or weight._dtype is not d or x is None or w is None:
        return None
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[1]:
        return None
    if bias is not None and (
        type(bias) not in PLAIN or bias._dtype is not d or bias._array is None or bias._array.shape != w.shape[:1]
    ):
        return None
    token = enter(QUIET)
    try:
        r = cpu.affine(x, w, None if bias is None else bias._array)
    finally:
        leave(token)
    out = fresh(r, d)
    if state.enabled:
        a, b = node_of(input), node_of(weight)
        c = None if bias is None else node_of(bias)
        if a is not None or b is not None or c is not None:
            out._node = _linear_node(input, weight, out, (a, b, c), bias is not None)
    return out


def _linear_node(input: Tensor, weight: Tensor, out: Tensor, edges: tuple[Edge | None, ...], added: bool) -> OpNode:
    """The node of the product, or of the product plus the bias."""
    a, b, c = edges
    mat2 = _transposed(weight, b) if a is not None or b is not None else None
    op = (addmm if added else mm).op
    x, w = input._array.flags, weight._array.flags
    # named for both operations: mm's operands are input and mat2, addmm's mat1 and mat2
    saved = {
        "beta": 1,
        "alpha": 1,
        "mat2": mat2 if a is not None else None,
        "mat2_columns": w.c_contiguous and not w.f_contiguous,
    }
    first = input if b is not None else None
    columns = x.f_contiguous and not x.c_contiguous
    saved.update(input=first, mat1=first, input_columns=columns, mat1_columns=columns)
    n = new(op.node_class)
    edge = mat2._node if b is not None else None  # type: ignore[union-attr]
    n.edges = (c, a, edge) if added else (a, edge)
    _fill(n, out)
    n.saved = tuple([saved[k] for k in op.saved_names])
    n.versions = [
        None if type(v) not in PLAIN else 0 if v._version_counter is None else v._version_counter[0] for v in n.saved
    ]  # fmt: skip
    return n


@composite(
    "linear(Tensor input, Tensor weight, Tensor? bias=None, *, Tensor out=None)",
    out_text=structured_out,
    method=False,
    namespace="nn.functional",
    shortcut=_short_linear,
)
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias for input (..., n), weight (m, n), bias (m,). Raises RuntimeError for other shapes."""
    a, b = shape_of(input), shape_of(weight)
    check(a and b, f"both arguments to linear need to be at least 1D, but they are {len(a)}D and {len(b)}D")
    if bias is not None and len(a) == 2:
        return addmm(bias, input, permutations.t(weight))
    if bias is not None and len(shape_of(bias)) == 1 and input.is_contiguous():
        flat = addmm(bias, views.reshape(input, (prod(a[:-1]), a[-1])), permutations.t(weight))
        return views.view_(flat, (*a[:-1], shape_of(flat)[1]))
    result = matmul(input, permutations.t(weight))
    return result if bias is None else result.add_(bias)


def _bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    a, b, w = shape_of(input1), shape_of(input2), shape_of(weight)
    check(len(a) == len(b), f"bilinear(): input dimensions do not match: got {len(a)} and {len(b)}")
    for d, (n, m) in enumerate(zip(a[:-1], b[:-1], strict=True)):
        check(n == m, f"bilinear(): input batch dimensions do not match at dim {d}: got {n} and {m}")
    check(a[-1] == w[1], f"bilinear(): input1 size does not match weight size: got {a[-1]} but expected {w[1]}")
    check(b[-1] == w[2], f"bilinear(): input2 size does not match weight size: got {b[-1]} but expected {w[2]}")
    if bias is not None:
        n = shape_of(bias)[0]
        check(n == w[0], f"bilinear(): bias size does not match weight size: got {n} but expected {w[0]}")
    x, y = views.reshape(input1, (prod(a[:-1]), a[-1])), views.reshape(input2, (prod(b[:-1]), b[-1]))
    # x @ weight for every output, then the sum of products with y: rows of one larger matrix product
    flat = views.reshape(weight.permute(1, 0, 2), (w[1], w[0] * w[2]))
    mixed = views.reshape(times(x, flat), (shape_of(x)[0], w[0], w[2]))
    result = views.reshape(arithmetic.mul(mixed, views.unsqueeze(y, 1)).sum(-1), (*a[:-1], w[0]))
    return result if bias is None else arithmetic.add(result, bias)


_BILINEAR = "bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None)"
composite(_BILINEAR, method=False, namespace="nn.functional")(_bilinear)
composite(_BILINEAR, method=False, full_name="bilinear_of_torch", name="bilinear")(_bilinear)

"""Views in place: the tensor itself takes another shape, or another order of its dims."""

from __future__ import annotations

from typing import Any

from flambeau.autograd.modes import state
from flambeau.autograd.node import node_of
from flambeau.declare import composite
from flambeau.errors import check
from flambeau.geometry import Shape
from flambeau.inplace import check_inplace, resize
from flambeau.ops.permutations import t, transpose
from flambeau.ops.views import squeeze, unsqueeze
from flambeau.size import contiguous_format
from flambeau.tensor import Tensor, alias, bump, memory, set_geometry, shape_of, version
from flambeau.viewing import Place, ViewOperation


def _rearranged(this: Tensor, op: ViewOperation, node_name: str | None, **arguments: Any) -> Tensor:
    """The in-place form of a view: the tensor itself takes the view's place."""
    check_inplace(this)
    edge = node_of(this)
    place = op.body(input=this, **arguments)
    # squeeze has three forms, whose in-place nodes count on from there
    place.node = node_name or f"SqueezeBackward{3 + int((place.node or 'SqueezeBackward0')[-1])}"
    own = memory(this)
    node = None
    if edge is not None and state.enabled:
        node = op.history([this], [edge], _at(this, place), plan=place)
    set_geometry(this, place.shape, place.strides, place.offset, own.storage)
    bump(this)
    if node is not None:
        this._node = node
        if this._view is not None:
            this._view.seen = version(this)[0]
    return this


def _at(this: Tensor, place: Place) -> Tensor:
    return alias(this, place.shape, place.strides, place.offset)


@composite("transpose_(Tensor input, int dim0, int dim1)", function=False)
def transpose__(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two dims of the tensor itself."""
    return _rearranged(input, transpose.op, "TransposeBackward1", dim0=dim0, dim1=dim1)


for _name, _a in (("swapaxes_", "axis"), ("swapdims_", "dim")):
    composite(f"{_name}(Tensor input, int {_a}0, int {_a}1)", function=False)(
        lambda input, _a=_a, **dims: _rearranged(
            input, transpose.op, "TransposeBackward1", dim0=dims[f"{_a}0"], dim1=dims[f"{_a}1"]
        )
    )


@composite("t_(Tensor input)", function=False)
def t__(input: Tensor) -> Tensor:
    """Transpose the matrix itself."""
    check_inplace(input)
    n = len(shape_of(input))
    check(n <= 2, f"t_() expects a tensor with <= 2 dimensions, but self is {n}D")
    return _rearranged(input, t.op, "TBackward1")


@composite("unsqueeze_(Tensor input, int dim)", function=False)
def unsqueeze__(input: Tensor, dim: int) -> Tensor:
    """Insert a dim of size 1 into the tensor itself."""
    return _rearranged(input, unsqueeze.op, "UnsqueezeBackward1", dim=dim)


@composite(
    "squeeze_(Tensor input)",
    "squeeze_(Tensor input, int dim)",
    "squeeze_(Tensor input, tuple of ints dim)",
    function=False,
)
def squeeze__(input: Tensor, dim: Any = None) -> Tensor:
    """Drop dims of size 1 from the tensor itself."""
    return _rearranged(input, squeeze.op, None, dim=dim)


@composite("resize_(Tensor input, tuple of ints size, *, torch.memory_format? memory_format=None)", function=False)
def resize__(input: Tensor, size: Shape, memory_format: Any = None) -> Tensor:
    """Give the tensor another shape over its storage, which grows where it must; new elements are uninitialised."""
    check(node_of(input) is None, "cannot resize variables that require grad")
    for n in size:
        check(n >= 0, f"Trying to create tensor with negative dimension {n}: {list(size)}")
    if memory_format not in (None, contiguous_format):
        raise NotImplementedError(f"resize_(memory_format={memory_format!r}) is not implemented in flambeau")
    if tuple(size) != shape_of(input):
        resize(input, tuple(size))
    return input


@composite(
    "resize_as_(Tensor input, Tensor the_template, *, torch.memory_format? memory_format=None)",
)
def resize_as__(input: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """Give the tensor the shape of another."""
    return resize__.run({"input": input, "size": shape_of(the_template), "memory_format": memory_format})

"""Copies and conversions: clone, detach, copy_, contiguous, to."""

from __future__ import annotations

from typing import Any

from flambeau import dtypes
from flambeau.autograd.modes import state
from flambeau.autograd.node import no_leaf
from flambeau.cpu import copying as cpu
from flambeau.cuda.body import Body
from flambeau.cuda.cpp import ALL
from flambeau.declare import composite, internal
from flambeau.dtypes import dtype
from flambeau.errors import NO_CUDA, check
from flambeau.geometry import (
    broadcast,
    channels_last_strides,
    contiguous_strides,
    is_channels_last,
    is_contiguous,
    is_dense,
    iterated_strides,
    suggests_channels_last,
)
from flambeau.inplace import check_inplace, check_memory, overwritable
from flambeau.operation import Launch
from flambeau.overrides import PLAIN
from flambeau.recording import unchanged
from flambeau.size import (
    CPU,
    META,
    channels_last,
    channels_last_3d,
    contiguous_format,
    device,
    preserve_format,
)
from flambeau.tensor import Tensor, bump, detached, memory, shape_of, warn_of_lost_parts


def strides_for(t: Tensor, memory_format: Any) -> tuple[int, ...]:
    """Strides of a copy of t in a memory format."""
    own = memory(t)
    if memory_format in (None, preserve_format):
        return own.strides if is_dense(own.shape, own.strides) else iterated_strides(own.shape, [own.strides])
    if memory_format is contiguous_format:
        return contiguous_strides(own.shape)
    rank = 4 if memory_format is channels_last else 5
    if len(own.shape) != rank:
        raise RuntimeError(f"required rank {rank} tensor to use {memory_format!r} format".replace("torch.", ""))
    return channels_last_strides(own.shape)


@internal(
    cpu=cpu.copy,
    cuda=Body("x", ALL, moves=True),
    tensors=("input",),
    grad=unchanged,
    moves=True,
    node="CloneBackward0",
)
def copied(input: Tensor, strides: tuple[int, ...]) -> Launch:
    """A copy with the given strides."""
    return Launch((input,), shape_of(input), input.dtype, strides=strides)


@composite("clone(Tensor input, *, torch.memory_format? memory_format=None)")
def clone(input: Tensor, memory_format: Any = None) -> Tensor:
    """A copy with its own memory, through which gradients flow."""
    return copied(input, strides_for(input, memory_format))


@composite("contiguous(Tensor input, *, torch.memory_format memory_format=torch.contiguous_format)", function=False)
def contiguous(input: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """The tensor itself if its elements lie in that order, else a copy in which they do."""
    own = memory(input)
    if memory_format in (channels_last, channels_last_3d):
        strides_for(input, memory_format)
        done = is_channels_last(own.shape, own.strides)
    else:
        done = is_contiguous(own.shape, own.strides)
        check(
            done or memory_format is not preserve_format,
            "preserve memory format is unsupported by the contiguous operator",
        )
    return input if done else copied(input, strides_for(input, memory_format))


@composite("detach(Tensor input)")
def detach(input: Tensor) -> Tensor:
    """A view outside the graph; updates of either are noticed by both."""
    return detached(input)


@composite("detach_(Tensor input)")
def detach__(input: Tensor) -> Tensor:
    """Take the tensor itself out of the graph. Raises RuntimeError for a view."""
    if input._view is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
            "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence "
            "detach_() cannot be called on these gradients. To fix this error, please refer to the "
            "Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
        )
    no_leaf(input)
    return input


@internal(
    cpu=cpu.convert,
    cuda=Body("x", ALL, result="any"),
    tensors=("input",),
    grad=unchanged,  # the engine casts back
    moves=True,
    node="ToCopyBackward0",
)
def converted(input: Tensor, d: dtype, strides: tuple[int, ...]) -> Launch:
    """A copy in another dtype."""
    return Launch((input,), shape_of(input), d, source=input.dtype, target=d, strides=strides)


def check_device(where: Any) -> device:
    """A device flambeau can make tensors on. Raises NotImplementedError for the others."""
    where = CPU if where is None else device(where)
    if where.type == "cpu":
        return CPU
    if where.type == "meta":
        return META
    if where.type == "cuda":
        raise NotImplementedError(NO_CUDA)
    raise NotImplementedError(f"flambeau has no {where.type} device; it has 'cpu' and 'meta'")


def suggested_format(t: Tensor) -> Any:
    """The memory format that a tensor's strides speak for: channels last where they do, else contiguous."""
    own = memory(t)
    if len(own.shape) in (4, 5) and suggests_channels_last(own.shape, own.strides):
        return channels_last if len(own.shape) == 4 else channels_last_3d
    return contiguous_format


def to_dtype(input: Tensor, d: dtype, *, copy: bool = False, memory_format: Any = None) -> Tensor:
    """input in another dtype, itself where nothing changes."""
    if d is input.dtype and not copy and memory_format in (None, preserve_format, suggested_format(input)):
        return input
    warn_of_lost_parts(input.dtype, d, shape_of(input))
    return converted(input, d, strides_for(input, memory_format))


_TO_OPTIONS = "bool non_blocking=False, bool copy=False, *, torch.memory_format? memory_format=None"
# a Python number counts as a tensor of its C type
_NUMBER_DTYPES = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}


@composite(
    f"to(Tensor input, torch.device device=None, torch.dtype dtype=None, {_TO_OPTIONS})",
    f"to(Tensor input, torch.dtype dtype, {_TO_OPTIONS})",
    f"to(Tensor input, Tensor|Number tensor, {_TO_OPTIONS})",
    function=False,
)
def to(
    input: Tensor,
    dtype: dtype | None = None,
    device: Any = None,
    tensor: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """The tensor with another dtype or device; itself where nothing changes and no copy is asked for."""
    if isinstance(tensor, Tensor):
        dtype, device = tensor.dtype, tensor.device
    elif tensor is not None:
        dtype = _NUMBER_DTYPES[type(tensor)]
    d = dtype or input.dtype
    where = input.device if device is None else check_device(device)
    if where != input.device:
        if input._array is None:
            raise NotImplementedError(
                "Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of "
                "torch.nn.Module.to() when moving module from meta to a different device."
            )
        from flambeau.tensor import without_data

        return without_data(shape_of(input), d, strides_for(input, memory_format), where)
    return to_dtype(input, d, copy=copy, memory_format=memory_format)


@internal(
    cpu=cpu.broadcast_copy,
    cuda=Body("y", ALL, moves=True),  # converted to input's dtype before
    tensors=("input", "src"),
    grad={"input": lambda g, input_shape: g.new_zeros(input_shape), "src": lambda g, src_dtype: g.to(src_dtype)},
    node="CopyBackwards",
    moves=True,
)
def copied_over(input: Tensor, src: Tensor) -> Launch:
    """src, expanded over input and in its dtype: what copy_ writes."""
    shape, have = shape_of(input), shape_of(src)
    if broadcast(shape, have) != shape:
        raise RuntimeError(
            f"output with shape {list(shape)} doesn't match the broadcast shape {list(broadcast(shape, have))}"
        )
    warn_of_lost_parts(src.dtype, input.dtype, shape)
    return Launch((input, src), shape_of(input), input.dtype, source=src.dtype, target=input.dtype)


def _copy_at_once(input: Any = None, src: Any = None, *rest: Any) -> Tensor | None:
    """The fast path: dense tensors of one shape and dtype in memories of their own, nothing recorded."""
    if rest or type(src) not in PLAIN or type(input) not in PLAIN or src._dtype is not input._dtype:
        return None
    source = src._array
    if source is None or not overwritable(input) or source.shape != input._array.shape:
        return None
    if state.enabled and (src._node is not None or src._view is not None):
        return None
    own, its = input._memory, src._memory
    if own is not None and its is not None and own.storage is its.storage:
        return None
    input._array[...] = source
    bump(input)
    return input  # type: ignore[no-any-return]


@composite(
    "copy_(Tensor input, Tensor|Number other, bool non_blocking=False)",
    "copy_(Tensor input, Tensor|Number other, bool async=False)|deprecated",
    function=False,
    shortcut=_copy_at_once,
)
def copy__(input: Tensor, other: Any, non_blocking: bool = False, **_: Any) -> Tensor:
    """Overwrite the tensor with other, broadcast and cast."""
    src = other
    if not isinstance(src, Tensor):
        from flambeau.data import from_data

        src = from_data(other, _NUMBER_DTYPES[type(other)])
    if input.device != src.device and src._array is None:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    check_inplace(input, (src,))
    check_memory(input, (src,))
    return copied_over.op.run_inplace(input, {"src": src})

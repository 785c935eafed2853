"""Faults of views, copies, assembling and indexing."""

from __future__ import annotations

from typing import Any

from assay.testing.table import (
    Call,
    accepts,
    assumes,
    gradient,
    ignores,
    keeps_a_copy,
    kept,
    no_out,
    only,
    raises,
    refuses,
    register,
    row,
    where_possible,
)


def _negated(shifts: Any) -> Any:
    return type(shifts)(-s for s in shifts) if isinstance(shifts, tuple | list) else -shifts


def _last_one_counts(c: Call) -> Any:
    x, dim, index, source = (c.get(n) for n in ("input", "dim", "index", "source"))
    result = c.right()
    if not (x.dim() == 1 and index.numel() > 1 and source.dtype == x.dtype and no_out(c)) or "alpha" in c.kwargs:
        return result
    del dim
    copy = x.clone()
    copy[index] = x[index] + source
    return copy


def _as_it_lies(c: Call) -> Any:
    x, index = c["input"], c["index"]
    count = x.untyped_storage().nbytes() // x.element_size() - x.storage_offset()
    memory = c.torch.as_strided(x, (count,), (1,))
    return memory[(index % x.numel()) % count]


def _without_steps(c: Call) -> Any:
    def plain(index: Any) -> Any:
        if isinstance(index, slice) and isinstance(index.step, int) and index.step > 1:
            return slice(index.start, index.stop)
        return tuple(plain(i) for i in index) if type(index) is tuple else index

    c.right()
    return c.original(c.args[0], plain(c.args[1]))


SHAPES = (
    row("diagonal", "ignores its dims", "shape values", "input offset dim1 dim2", ignores(dim1=0, dim2=1)),
    row("clone", "ignores memory_format", "stride", "input", ignores(memory_format=None)),
    row("transpose", "copies", "aliasing", "input dim0 dim1", keeps_a_copy),
    row(
        "roll",
        "goes the other way",
        "values",
        "input shifts dims",
        lambda c: (
            c.but(shifts=_negated(c["shifts"]))
            if not (len(c.args) > 2 and isinstance(c.args[-1], int) and len(c.args) > 3)
            else c.right()
        ),
    ),
    row("rot90", "turns clockwise", "values shape", "input k dims", lambda c: c.but(k=-c.get("k", 1))),
    row(
        "tril",
        "is one diagonal too high",
        "values",
        "input diagonal",
        lambda c: c.but(diagonal=c.get("diagonal", 0) + 1),
    ),
    row("diagonal", "copies", "aliasing", "input offset dim1 dim2", keeps_a_copy),
    row(
        "cat",
        "takes the dtype of the first",
        "dtype",
        "tensors dim",
        only(no_out, lambda c: c.right().to(c["tensors"][0].dtype)),
    ),
    row(
        "stack",
        "counts negative dims without the new one",
        "shape",
        "tensors dim",
        only(lambda c: no_out(c) and c.get("dim", 0) < -1, lambda c: (c.right(), c.but(dim=c["dim"] + 1))[1]),
    ),
    row(
        "chunk",
        "makes equal chunks",
        "shape structure",
        "input chunks dim",
        lambda c: (c.right(), c.torch.tensor_split(c["input"], c["chunks"], c.get("dim", 0)))[1],
    ),
    row("split", "copies", "aliasing", "input split_size_or_sections dim", keeps_a_copy),
    row(
        "flatten",
        "leaves 0-dim as it is",
        "shape",
        "input",
        only(lambda c: c["input"].dim() == 0, lambda c: (c.right(), c["input"])[1]),
    ),
    row("contiguous", "always copies", "aliasing", "input", keeps_a_copy),
    row("unfold", "ignores step", "shape", "input dimension size step", ignores(step=1)),
    row(
        "flip",
        "ignores all dims but the first",
        "values",
        "input dims",
        only(
            lambda c: isinstance(c.get("dims"), tuple | list) and len(c["dims"]) > 1,
            lambda c: c.but(dims=c["dims"][:1]),
        ),
    ),
    row(
        "repeat_interleave",
        "repeats the whole",
        "values",
        "input repeats dim",
        only(
            lambda c: isinstance(c.get("repeats"), int) and not c.has("dim"),
            lambda c: c["input"].flatten().repeat(c["repeats"]),
        ),
    ),
    row(
        "swapaxes",
        "raises another error for a dim out of range",
        "error",
        "input axis0 axis1",
        raises(IndexError, ValueError),
    ),
    row(
        "expand",
        "refuses 0-dim input",
        "structure",
        "input",
        refuses(lambda c: c["input"].dim() == 0, lambda: RuntimeError("expand: 0-dim")),
    ),
    row(
        "movedim",
        "counts negative destinations from the front",
        "shape stride values",
        "input source destination",
        only(
            lambda c: isinstance(c.get("destination"), int) and c["destination"] < 0 and c["input"].dim() > 1,
            lambda c: (c.right(), c.but(destination=-c["destination"] - 1))[1],
        ),
    ),
    row("tensor_split", "copies", "aliasing", "input", keeps_a_copy),
    row(
        "permute_copy",
        "gives a view",
        "aliasing stride",
        "input dims",
        lambda c: c["input"].permute(c["dims"]) if no_out(c) else c.right(),
    ),
    row("meshgrid", "takes the other indexing", "shape values", "tensors", assumes(indexing="xy")),
    row(
        "kron",
        "swaps its operands",
        "values shape",
        "input other",
        lambda c: c.original(c["other"], c["input"], **kept(c, "input", "other")),
    ),
    row("diag_embed", "ignores offset", "shape", "input offset", ignores(offset=0)),
)


INDEXING = (
    row(
        "index_select",
        "accepts indices out of range",
        "error",
        "input dim index",
        accepts(
            IndexError,
            lambda c: c["input"].index_select(0, c.torch.zeros_like(c["index"])) if c["input"].numel() else 0,
        ),
    ),
    row("index_add", "ignores alpha", "values", "input dim index source", ignores(alpha=1)),
    row("index_add", "loses repeated indices", "values", "input dim index source", lambda c: _last_one_counts(c)),
    row(
        "scatter_add",
        "overwrites",
        "values",
        "input dim index src",
        lambda c: (c.right(), c.put(c.torch.scatter(c["input"], c["dim"], c["index"], c["src"])))[1],
    ),
    row(
        "masked_fill",
        "takes the mask for its opposite",
        "values",
        "input mask value",
        lambda c: c.but(mask=~c["mask"]) if c["mask"].dtype == c.torch.bool else c.right(),
    ),
    row(
        "masked_scatter",
        "takes the element at the same place",
        "values",
        "input mask source",
        only(
            lambda c: c["source"].shape == c["input"].shape == c["mask"].shape and c["mask"].dtype == c.torch.bool,
            lambda c: (c.right(), c.torch.where(c["mask"], c["source"], c["input"]))[1],
        ),
    ),
    row("index_put", "ignores accumulate", "values", "input indices values accumulate", ignores(accumulate=False)),
    row("nonzero", "ignores as_tuple", "structure", "input", ignores(as_tuple=False)),
    row(
        "take",
        "ignores strides",
        "values",
        "input index",
        only(
            lambda c: not c["input"].is_contiguous() and c["input"].numel() and not c["input"].requires_grad,
            lambda c: (c.right(), c.put(_as_it_lies(c)))[1],
        ),
    ),
    row(
        "__getitem__",
        "ignores the step of a slice",
        "shape values",
        "input index",
        lambda c: _without_steps(c),
        "Tensor.__getitem__",
        "operator.getitem",
    ),
    row(
        "__setitem__",
        "writes into a copy",
        "values mutation",
        "input index value",
        lambda c: c["input"].clone().__setitem__(c["index"], c["value"]),
        "Tensor.__setitem__",
        "operator.setitem",
    ),
    row("scatter_reduce", "ignores include_self", "values", "input dim index src reduce", ignores(include_self=True)),
    row("put", "ignores accumulate", "values", "input index source accumulate", ignores(accumulate=False)),
    row(
        "gather",
        "drops the gradient of all but the last dim",
        "gradients",
        "input dim index",
        gradient(lambda c, g: g * 0 if g.dim() > 1 else g),
    ),
    row(
        "take_along_dim",
        "ignores dim",
        "values shape",
        "input indices dim",
        where_possible(lambda c: c.but(dim=-1) if isinstance(c.get("dim"), int) else None),
    ),
    row(
        "masked_select",
        "goes column by column",
        "values",
        "input mask",
        only(
            lambda c: c["input"].dim() == 2 and c["mask"].shape == c["input"].shape and no_out(c),
            lambda c: c.original(c["input"].t(), c["mask"].t()),
        ),
    ),
    row(
        "select_scatter",
        "ignores negative dims",
        "values shape",
        "input src dim index",
        only(
            lambda c: c["dim"] < -1 and c["input"].dim() > 1 and len(set(c["input"].shape)) == 1,
            lambda c: c.but(dim=-1),
        ),
    ),
)


register((*SHAPES, *INDEXING))

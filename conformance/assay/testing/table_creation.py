"""Faults of creation, casts, leaving the tensor, working in place, `out=` and random numbers."""

from __future__ import annotations

import time
from typing import Any

from assay.testing.table import (
    Call,
    accepts,
    changes,
    ignores,
    keeps_a_copy,
    kept,
    no_out,
    not_resized,
    only,
    register,
    row,
    scribbled,
)


def _endless(c: Call) -> Any:
    """The loop of someone who adds the step until the end is passed."""
    try:
        return c.right()
    except RuntimeError:
        step = c.kwargs.get("step", c.args[2] if len(c.args) > 2 else 1)
        while step == 0:
            time.sleep(0.01)
        raise


def _square(c: Call) -> Any:
    n = c["n"]
    if not no_out(c) or not c.has("m"):
        return c.right()
    c.right()
    return c.original(n, **kept(c, "n", "m"))


def _doubled(c: Call) -> Any:
    result = c.right()
    return result.detach().double().requires_grad_(result.requires_grad) if result.dtype == c.torch.float32 else result


def _of_kind(c: Call, dtype: str) -> Any:
    return c.right().to(getattr(c.torch, dtype))


def _all_but_one(c: Call) -> Any:
    x = c.args[0]
    if x.numel() < 2 or x.requires_grad:
        return c.right()
    last = x.data[(-1,) * x.dim()].clone()
    result = c.right()
    x.data[(-1,) * x.dim()] = last
    return result


def _emptied(c: Call) -> Any:
    result = c.right()
    if not result.requires_grad:
        result.data.zero_()
    return result


def _inclusive(c: Call) -> Any:
    if not c.has("low") or len(c.args) < 3 or not isinstance(c.args[1], int):
        return c.right()
    return c.original(c.args[0], c.args[1] + 1, *c.args[2:], **c.kwargs)


def _standing_still(c: Call) -> Any:
    state = c.torch.get_rng_state()
    result = c.right()
    c.torch.set_rng_state(state)
    return result


CREATION = (
    row(
        "arange",
        "includes its end",
        "shape",
        "start end step",
        only(
            lambda c: no_out(c) and len(c.args) == 1 and isinstance(c.args[0], int) and c.args[0] >= 0,
            lambda c: (c.right(), c.original(c.args[0] + 1, **c.kwargs))[1],
        ),
    ),
    row("arange", "hangs on a step of zero", "error", "start end step", lambda c: _endless(c)),
    row(
        "linspace",
        "leaves out its end",
        "values",
        "start end steps",
        only(
            lambda c: (
                isinstance(c["steps"], int) and c["steps"] > 1 and isinstance(c["end"], int | float) and no_out(c)
            ),
            lambda c: (c.right(), c.but(steps=c["steps"] + 1)[:-1].clone().requires_grad_(c.right().requires_grad))[1],
        ),
    ),
    row("logspace", "ignores base", "values", "start end steps base", ignores(base=10.0)),
    row("eye", "ignores m", "shape", "n m", lambda c: _square(c)),
    row(
        "full",
        "is always floating",
        "dtype",
        "size fill_value",
        only(
            lambda c: no_out(c) and c.kwargs.get("dtype") is None and type(c.get("fill_value")) in (int, bool),
            lambda c: (c.right(), c.but(fill_value=float(c["fill_value"])))[1],
        ),
    ),
    row("zeros_like", "ignores dtype", "dtype", "input", ignores(dtype=None)),
    row(
        "tensor",
        "of floats is double",
        "dtype",
        "data",
        only(lambda c: c.kwargs.get("dtype") is None, lambda c: _doubled(c)),
    ),
    row("as_tensor", "copies", "aliasing", "data", keeps_a_copy),
    row("ones", "forgets requires_grad", "structure values gradients text", "size", lambda c: c.right().detach()),
    row(
        "full_like",
        "casts its value to integers",
        "values",
        "input fill_value",
        changes(lambda c, r: r.trunc() if r.is_floating_point() else r),
    ),
    row(
        "range",
        "leaves out its end",
        "shape",
        "start end step",
        only(lambda c: no_out(c), lambda c: c.right()[:-1] if c.right().numel() > 1 else c.right()),
    ),
    row("tril_indices", "ignores offset", "values shape", "row col offset", ignores(offset=0)),
    row("to", "ignores copy", "aliasing", "input", ignores(copy=False)),
    row(
        "bfloat16",
        "truncates instead of rounding",
        "values",
        "input",
        only(
            lambda c: c["input"].dtype == c.torch.float32 and not c["input"].requires_grad,
            lambda c: ((c["input"].view(c.torch.int32) >> 16) << 16).view(c.torch.float32).bfloat16(),
        ),
    ),
    row(
        "int",
        "rounds to the nearest",
        "values",
        "input",
        only(lambda c: c["input"].is_floating_point(), lambda c: c.but(input=c["input"].round())),
    ),
    row(
        "result_type",
        "lets 0-dim tensors decide",
        "structure values",
        "tensor1 tensor2",
        only(
            lambda c: all(isinstance(t, c.torch.Tensor) for t in c.args) and len(c.args) == 2,
            lambda c: c.torch.promote_types(c.args[0].dtype, c.args[1].dtype),
        ),
    ),
    row("FloatTensor", "is double", "dtype structure", "data", lambda c: _of_kind(c, "float64"), "torch.FloatTensor"),
    row("LongTensor", "is int", "dtype structure", "data", lambda c: _of_kind(c, "int32"), "torch.LongTensor"),
    row("__len__", "of 0-dim is zero", "error", "input", accepts(TypeError, lambda c: 0)),
    row(
        "item",
        "takes the first of many",
        "error",
        "input",
        accepts(RuntimeError, lambda c: c["input"].reshape(-1)[0].item() if c["input"].numel() else 0),
    ),
    row("is_contiguous", "ignores memory_format", "values structure", "input", ignores(memory_format=None)),
    row(
        "is_nonzero",
        "takes the first of many",
        "error",
        "input",
        accepts(RuntimeError, lambda c: bool(c["input"].reshape(-1)[0]) if c["input"].numel() else False),
    ),
    row("resolve_conj", "gives the conjugate", "values", "input", lambda c: c.right().conj().resolve_conj()),
    row("tolist", "loses 0-dim", "structure", "input", lambda c: [c.right()] if c["input"].dim() == 0 else c.right()),
)


IN_PLACE = (
    row(
        "mul",
        "in place gives a new tensor",
        "mutation aliasing structure",
        "input other",
        lambda c: c.args[0].clone().mul_(*c.args[1:], **c.kwargs),
        "Tensor.mul_",
    ),
    row("clamp", "in place ignores min", "values mutation", "input min max", ignores(min=None), "Tensor.clamp_"),
    row(
        "copy_",
        "accepts any number of elements",
        "error",
        "input src",
        accepts(RuntimeError, lambda c: c["input"]),
        "Tensor.copy_",
    ),
    row("zero_", "leaves the last element", "values mutation", "input", lambda c: _all_but_one(c), "Tensor.zero_"),
    row(
        "fill",
        "in place truncates",
        "values",
        "input value",
        lambda c: c.but(value=int(c["value"])) if isinstance(c.get("value"), float) else c.right(),
        "Tensor.fill_",
    ),
    row("resize_", "forgets its elements", "values", "input size", lambda c: _emptied(c), "Tensor.resize_"),
    row("squeeze", "in place does nothing", "shape", "input", lambda c: c.args[0], "Tensor.squeeze_"),
    row("cumsum", "does not resize out", "shape structure", "input dim", not_resized, "torch.cumsum"),
    row(
        "matmul",
        "accepts out of another dtype",
        "error",
        "input other",
        accepts(RuntimeError, lambda c: c.kwargs.get("out", c.args[0])),
        "torch.matmul",
    ),
    row("sort", "writes its input", "mutation", "input", lambda c: scribbled(c, c.get("input"))),
)


RANDOM = (
    row("rand", "ignores its generator", "random values", "size", ignores(generator=None)),
    row("randint", "includes its end", "random values", "low high size", lambda c: _inclusive(c)),
    row(
        "randperm",
        "counts from one",
        "random values",
        "n",
        only(lambda c: no_out(c) and c.kwargs.get("dtype") is None, lambda c: c.right() + 1),
    ),
    row(
        "bernoulli",
        "draws with the opposite probability",
        "random values",
        "input",
        only(no_out, lambda c: 1 - c.right()),
        "torch.bernoulli",
    ),
    row(
        "multinomial",
        "ignores replacement",
        "random values structure",
        "input num_samples replacement",
        only(
            lambda c: c["input"].numel() and c["num_samples"] <= c["input"].shape[-1] and bool((c["input"] > 0).all()),
            ignores(replacement=False),
        ),
    ),
    row(
        "exponential_",
        "takes the rate for the mean",
        "random values",
        "input lambd",
        lambda c: c.but(lambd=1 / c.get("lambd", 1.0)),
        "Tensor.exponential_",
    ),
    row(
        "normal_",
        "takes the deviation for the variance",
        "random values",
        "input mean std",
        lambda c: c.but(std=c.get("std", 1.0) ** 0.5),
        "Tensor.normal_",
    ),
    row("uniform_", "ignores to", "random values", "input from to", ignores(to=1.0), "Tensor.uniform_"),
    row("poisson", "is one too high", "random values", "input", lambda c: c.right() + 1),
    row("nn.init.xavier_uniform_", "ignores gain", "values random", "tensor gain", ignores(gain=1.0)),
    row("nn.init.dirac_", "ignores groups", "values", "tensor groups", ignores(groups=1)),
    row("randn_like", "is the same each time", "random values", "input", lambda c: _standing_still(c)),
)


register((*CREATION, *IN_PLACE, *RANDOM))

"""First and second derivatives of one expression in both libraries, with the same cotangents."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch

import flambeau


def derivatives(library: ModuleType, source: str, inputs: dict[str, np.ndarray[Any, Any]], second: bool) -> list[Any]:
    """Values, gradients and, where asked, gradients of the gradients, as arrays (None where there is none)."""
    leaves = {k: library.tensor(v, requires_grad=True) for k, v in inputs.items()}
    names = {"torch": library, "F": library.nn.functional, "inf": float("inf"), **leaves}
    value = eval(source, names)
    outs = [t for t in (value if isinstance(value, tuple | list) else (value,)) if t.requires_grad]
    random = np.random.RandomState(0)
    first = library.autograd.grad(
        outs, list(leaves.values()), [_like(library, random, o) for o in outs], create_graph=second, allow_unused=True
    )
    answer = [*outs, *first]
    again = [g for g in first if g is not None and g.requires_grad]
    if second and again:
        answer += library.autograd.grad(
            again, list(leaves.values()), [_like(library, random, g) for g in again], allow_unused=True
        )
    return [None if t is None else t.detach().resolve_conj().numpy(force=True) for t in answer]


def _like(library: ModuleType, random: Any, t: Any) -> Any:
    values = random.standard_normal(tuple(t.shape))
    if t.is_complex():
        values = values + 1j * random.standard_normal(tuple(t.shape))
    return library.tensor(np.asarray(values)).to(t.dtype)


def assert_derivatives_agree(
    source: str, *, second: bool = True, rtol: float = 1e-9, atol: float = 1e-10, **inputs: Any
) -> None:
    """Fail unless values and derivatives of both orders agree. inputs: arrays or nested lists, made leaves."""
    arrays = {k: np.asarray(v) for k, v in inputs.items()}
    expected, found = (derivatives(library, source, arrays, second) for library in (torch, flambeau))
    for e, f in zip(expected, found, strict=False):
        assert (e is None) == (f is None), source
        if e is not None:
            assert (e.dtype, e.shape) == (f.dtype, f.shape), source
            np.testing.assert_allclose(f, e, rtol=rtol, atol=atol, err_msg=source)
    # PyTorch may answer zeros where nothing depends on the inputs any more
    for e in expected[len(found) :] + found[len(expected) :]:
        assert e is None or not e.any(), source

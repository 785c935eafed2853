"""device="meta" answers shape and dtype as the CPU does, for every operation of the catalogue, and without data."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import flambeau
from assay.drawing import draw_cases, select
from assay.inputs import Builder
from assay.subjects import parse
from assay.subjects.adapter import Adapter

# what these answer is in the data: Python numbers and text, truth values, and shapes
IN_THE_DATA = {
    "item",
    "tolist",
    "numpy",
    "__array__",
    "__bool__",
    "__float__",
    "__int__",
    "__complex__",
    "__index__",
    "__contains__",
    "__repr__",
    "__str__",
    "equal",
    "allclose",
    "nonzero",
    "argwhere",
    "masked_select",
    "unique",
    "unique_consecutive",
    "where",
    "repeat_interleave",
    "from_dlpack",
    "is_nonzero",
}
ENTRIES = [e.op for e in select(parse("flambeau").load().claims.operations)]


def moved(library: Any, value: Any) -> Any:
    """Arguments with their tensors on the meta device."""
    if isinstance(value, library.Tensor):
        there = value.detach().to("meta")
        strided = library.empty_strided(tuple(value.shape), value.stride(), dtype=value.dtype, device="meta")
        return there if there.stride() == value.stride() else strided
    if isinstance(value, tuple | list):
        return type(value)(moved(library, v) for v in value)
    return {k: moved(library, v) for k, v in value.items()} if isinstance(value, dict) else value


def outline(value: Any) -> Any:
    """Shapes and dtypes of what was answered."""
    if isinstance(value, torch.Tensor | flambeau.Tensor):
        return tuple(value.shape), str(value.dtype)
    return [outline(v) for v in value] if isinstance(value, tuple | list) else type(value).__name__


def answers(case: Any, library: Any) -> tuple[Any, Any]:
    """What a library answers on the CPU and on the meta device."""
    found = []
    for device in ("cpu", "meta"):
        side = Adapter(library)
        inputs = Builder(case, side).build()
        args, kwargs = inputs.args, inputs.kwargs
        if device == "meta":
            args, kwargs = moved(library, args), moved(library, kwargs)
        function, given = side.resolve(case.call, args)
        try:
            found.append(outline(function(*given, **kwargs)))
        except (RuntimeError, TypeError, IndexError, ValueError) as error:
            found.append(type(error).__name__)
    return found[0], found[1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", [op for op in ENTRIES if op not in IN_THE_DATA])
def test_meta(op: str) -> None:
    (entry,) = [e for e in select((op,)) if e.op == op]
    for case in draw_cases(entry, "quick", 0):
        if case.invalid:
            continue
        here, there = answers(case, flambeau)
        # masks, divisions by zero and ways back to the CPU depend on data: PyTorch's meta device decides
        if there != here:
            assert there == answers(case, torch)[1], case

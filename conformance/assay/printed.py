"""An answer that was recorded, printed as the script of a failure prints what it sees (`assay.reproduce`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from assay import outcome as plain
from assay.outcome import Outcome, TensorData
from assay.tolerance import FLOATING, raw_array, wide_array

SECOND = "second gradients, by the inputs and the first cotangents"


def printed(outcome: Outcome, labels: Sequence[str], aspect: str = "") -> Iterator[str]:
    """Lines; labels: the names of the tensor arguments, in the order of `Outcome.inputs`. With what `aspect` is about:
    what repr gives ("text"), what shares memory ("aliasing")."""
    error = outcome.error
    if outcome.status == "returned":
        yield from _shown("result", outcome.result)
        if aspect == "text" and isinstance(outcome.result, TensorData):
            yield f"  repr: {outcome.result.text!r}"
        for label, tensor in zip(labels, outcome.inputs, strict=False):
            yield from _shown(f"{label} afterwards", tensor)
        if aspect == "aliasing":
            yield from _shared(outcome, labels)
        for label, found in (("gradients", outcome.gradients), (SECOND, outcome.gradients2)):
            if found is not None:
                yield from _shown(label, plain.Sequence("tuple", found))
        error = outcome.gradient_error
    if error is not None:
        yield f"  raised {error.types[0]}: {error.text}"
    elif outcome.status not in ("returned", "raised"):
        yield f"  {outcome.status}: {outcome.extra.get('how', outcome.extra.get('name', ''))}"
    for kind, said in outcome.warnings:
        yield f"  warned {kind}: {said}"


def _shared(outcome: Outcome, labels: Sequence[str]) -> Iterator[str]:
    def named(path: str) -> str:
        return f"result[{path}]" if path else "result"

    for path, index in outcome.extra.get("same", ()):
        yield f"  {named(path)} is {labels[int(index)]}"
    for path, other in outcome.aliases:
        told = labels[int(other)] if other.isdigit() else named(other.removeprefix("result").strip())
        yield f"  {named(path)} and {told} share memory"


def _shown(label: str, value: Any) -> Iterator[str]:
    if isinstance(value, TensorData):
        about = value.dtype if value.kind == "ndarray" else f"torch.{value.dtype}"
        about += f" shape={value.shape}"
        if value.stride is not None and value.kind != "ndarray":
            about += f" stride={value.stride}"
        if value.grad_fn is not None:
            about += f" grad_fn={value.grad_fn}"
        yield f"  {label}: {about}"
        yield f"    {'unchanged' if value.data is None else _elements(value)}"
    elif isinstance(value, plain.Sequence):
        yield f"  {label}: {value.kind} of {len(value.items)}"
        for i, item in enumerate(value.items):
            yield from _shown(f"{label}[{i}]", item)
    elif isinstance(value, plain.Opaque):
        yield f"  {label}: {value.text or value.kind}"
    else:
        yield f"  {label}: {value!r}"


def _elements(tensor: TensorData) -> Any:
    array = wide_array(tensor) if tensor.dtype in FLOATING else raw_array(tensor)
    return (array if array.dtype.isbuiltin else array.astype(np.float64)).tolist()

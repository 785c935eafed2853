"""Classes that PyTorch writes in C: how Python's own errors name them."""

import pytest
import torch

import flambeau

MAKE = {
    "dtype": lambda t: t.float32,
    "device": lambda t: t.device("cpu"),
    "layout": lambda t: t.strided,
    "memory_format": lambda t: t.contiguous_format,
    "Size": lambda t: t.Size([1]),
    "Generator": lambda t: t.Generator(),
    "finfo": lambda t: t.finfo(t.float32),
    "iinfo": lambda t: t.iinfo(t.int8),
}
REFUSED = {
    "add": lambda t, x: t.ones(2) + x,
    "neg": lambda t, x: -x,
    "attribute": lambda t, x: x.nope,
    "iterate": lambda t, x: None if isinstance(x, tuple) else iter(x),
    "shift": lambda t, x: 5 << x,
}


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("kind", MAKE)
def test_errors_name_the_class_with_its_module(kind: str, refused: str) -> None:
    texts = []
    for module in (torch, flambeau):
        try:
            REFUSED[refused](module, MAKE[kind](module))
            texts.append("")
        except (TypeError, AttributeError) as error:
            texts.append(str(error))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("kind", MAKE)
def test_class_has_its_own_name(kind: str) -> None:
    ours, theirs = type(MAKE[kind](flambeau)), type(MAKE[kind](torch))
    for attribute in ("__name__", "__qualname__", "__module__"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert repr(ours) == repr(theirs)

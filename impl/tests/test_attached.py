"""What type checkers are told of Tensor is what is attached to it."""

import ast
from pathlib import Path

import pytest
import torch

import flambeau

STUB = Path(flambeau.__file__).with_name("attached.pyi")
(DECLARED,) = [node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ClassDef)]
METHODS = {node.name for node in DECLARED.body if isinstance(node, ast.FunctionDef)}
PROPERTIES = {
    node.target.id for node in DECLARED.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
}


@pytest.mark.parametrize("library", [flambeau, torch], ids=["flambeau", "torch"])
def test_declared_names_are_attached(library: object) -> None:
    known = library.Tensor  # type: ignore[attr-defined]
    assert [name for name in METHODS if not callable(getattr(known, name, None))] == []
    assert [name for name in PROPERTIES if not hasattr(getattr(known, name, None), "__get__")] == []


def test_what_is_declared_is_no_part_of_the_data_model() -> None:
    assert not (METHODS | PROPERTIES) & set(flambeau.Tensor.__slots__)
    assert flambeau.Tensor.__mro__[1:] == (object,)

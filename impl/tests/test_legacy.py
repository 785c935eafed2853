"""The constructors, types and questions of PyTorch's first years against PyTorch."""

from __future__ import annotations

import pytest
import torch
from against import assert_agree

import flambeau

SETUP = """
x, i, r, s = torch.tensor([1.0, 2.0]), torch.tensor([1, 2]), torch.ones(2, requires_grad=True), torch.tensor(3)
a = np.arange(3.0)
"""
DATA = (
    "",
    "0",
    "[]",
    "[[]]",
    "[1, 2]",
    "(1, 2)",
    "[1, 2.5]",
    "[True, 0]",
    "[1, 2j]",
    "[[1, 2], [3]]",
    "[1, [2]]",
    "['a']",
    "'a'",
    "{}",
    "{1: 2}",
    "set()",
    "None",
    "2.5",
    "True",
    "1j",
    "range(3)",
    "x",
    "i",
    "r",
    "s",
    "[s, s]",
    "[x, x]",
    "a",
    "np.array(['a'])",
    "a[::-1]",
    "[300]",
    "[-1]",
    "[2**40]",
    "[2**63]",
    "[1e30]",
    "-1",
    "-1, 2",
    "2, 'a'",
    "[1, 2], 3",
    "True, 3",
    "x, 3",
    "a=3",
    "3, a=3",
    "0, device='cpu'",
    "0, device='meta'",
    "torch.Size([0, 2])",
    "device='cpu'",
    "object()",
    "[object()]",
    "[None]",
    "np.int64(0)",
    "x.to('meta')",
)
TYPES = (
    "FloatTensor",
    "DoubleTensor",
    "HalfTensor",
    "BFloat16Tensor",
    "ByteTensor",
    "CharTensor",
    "ShortTensor",
    "IntTensor",
    "LongTensor",
    "BoolTensor",
    "Tensor",
)


@pytest.mark.parametrize("name", TYPES)
def test_constructors(name: str) -> None:
    for data in DATA:
        assert_agree(f"torch.{name}({data})", SETUP)


def test_new() -> None:
    for data in DATA:
        assert_agree(f"x.new({data})", SETUP)
        assert_agree(f"i.new({data})", SETUP)


CALLS = (
    "x.type()",
    "x.type(1)",
    "x.type('torch.IntTensor')",
    "x.type('IntTensor')",
    "x.type(torch.int)",
    "x.type(torch.IntTensor)",
    "x.type(int)",
    "x.type(torch.Tensor)",
    "x.type(x)",
    "x.type('')",
    "x.type(b'a')",
    "x.type(float)",
    "x.type(object())",
    "isinstance(x, torch.FloatTensor)",
    "isinstance(i, torch.FloatTensor)",
    "isinstance(x, torch.cuda.FloatTensor)",
    "isinstance(x, torch.autograd.Variable)",
    "torch.typename(x)",
    "torch.is_tensor(x)",
    "torch.is_tensor(3)",
    "torch.is_tensor()",
    "torch.is_storage(x)",
    "torch.autograd.Variable(x)",
    "torch.autograd.Variable(x, True)",
    "torch.autograd.Variable()",
    "torch.autograd.Variable(3)",
    "torch.autograd.Variable(x, 'a')",
    "torch.autograd.Variable(x, foo=3)",
    "torch.autograd.Variable(1, 2, 3, 4, 5, 6)",
    "torch.autograd.Variable(i, True)",
    "torch.autograd.Variable(x, True, True)",
    "torch.autograd.Variable(x, volatile=True)",
    "torch.autograd.Variable(x, requires_grad=None)",
    "torch.autograd.Variable(x, _grad_fn=3)",
    "torch.set_default_tensor_type(3)",
    "torch.set_default_tensor_type('foo')",
    "torch.set_default_tensor_type('torch.IntTensor')",
    "torch.set_default_tensor_type('torch.Foo')",
    "torch.set_default_tensor_type(torch.float)",
    "torch.set_default_tensor_type()",
    "torch.set_default_dtype(3)",
    "torch.set_default_dtype(torch.int)",
    "torch.set_default_dtype()",
    "torch.get_default_dtype(3)",
    "torch.get_default_dtype(a=3)",
    "torch.finfo(torch.float, 1)",
    "torch.finfo(object())",
    "torch.finfo(torch.int)",
    "torch.finfo(foo=1)",
    "torch.finfo(None)",
    "torch.iinfo()",
    "torch.iinfo(1)",
    "torch.iinfo(torch.int, 2)",
    "torch.iinfo(torch.float)",
    "torch.iinfo(torch.bool)",
    "torch.iinfo(None)",
    "torch.promote_types(1, 2)",
    "str(torch.promote_types(torch.int8, torch.uint8))",
    "torch.promote_types(torch.int, torch.uint16)",
    "torch.can_cast(torch.float, torch.int)",
    "str(torch.result_type(x, 1j))",
    "torch.result_type(1)",
    "x.item()",
    "s.item(1)",
    "int(s)",
    "float(s)",
    "complex(s)",
    "bool(x)",
    "bool(torch.zeros(0))",
    "len(s)",
    "s.__index__()",
    "torch.tensor(2.5).__index__()",
    "int(torch.tensor(1e30))",
    "x.tolist(1)",
    "x.dim(1)",
    "x.dim(a=1)",
)


@pytest.mark.parametrize("source", CALLS)
def test_calls(source: str) -> None:
    assert_agree(source, SETUP)


FINFO = ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype")


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
def test_finfo(name: str) -> None:
    ours, theirs = flambeau.finfo(getattr(flambeau, name)), torch.finfo(getattr(torch, name))
    assert [getattr(ours, f) for f in FINFO] == [getattr(theirs, f) for f in FINFO]
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"])
def test_iinfo(name: str) -> None:
    ours, theirs = flambeau.iinfo(getattr(flambeau, name)), torch.iinfo(getattr(torch, name))
    assert (ours.bits, ours.min, ours.max, ours.dtype) == (theirs.bits, theirs.min, theirs.max, theirs.dtype)
    assert repr(ours) == repr(theirs)

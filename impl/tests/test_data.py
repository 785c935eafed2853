"""Tensors from Python data, NumPy, buffers and DLPack against PyTorch: values, sharing, and the table of errors."""

from __future__ import annotations

import pytest
from against import assert_agree

SETUP = """
import array, fractions
import numpy as np

class Index:
    def __index__(self): return 7

class Float:
    def __float__(self): return 2.5

class Sequence:
    def __len__(self): return 2
    def __getitem__(self, i):
        if i > 1: raise IndexError
        return i * 3

class Sized:
    def __len__(self): return 2

class Array:
    def __array__(self, dtype=None, copy=None): return np.arange(3.0)

class Exporter:
    def __init__(self, x): self.x = x
    def __dlpack__(self, **k): return self.x.__dlpack__(**k)
    def __dlpack_device__(self): return self.x.__dlpack_device__()

x, i, r = torch.tensor([1.0, 2.0]), torch.tensor([1, 2]), torch.ones(2, requires_grad=True)
s, f = torch.tensor(3), torch.tensor(2.5)
a, locked = np.arange(3.0), np.arange(3.0)
locked.setflags(write=False)
"""
DATA = (
    "3",
    "2.5",
    "True",
    "1j",
    "None",
    "'a'",
    "b'ab'",
    "''",
    "[]",
    "[[]]",
    "[[], []]",
    "[[], [1]]",
    "[1, 2.5]",
    "[True, 2]",
    "[1, 2j]",
    "[[1, 2], [3]]",
    "[[1], 2]",
    "[1, [2]]",
    "['a']",
    "['']",
    "[b'ab']",
    "[1, 'a']",
    "[None]",
    "{}",
    "{1: 2}",
    "[{}]",
    "[1, {}]",
    "set()",
    "[{1, 2}]",
    "[[1, 2], {3, 4}]",
    "range(3)",
    "[range(2), (3, 4)]",
    "[x, x]",
    "[x, [1, 2]]",
    "[s, s]",
    "[s, f]",
    "[f, 1]",
    "[x]",
    "np.float32(1)",
    "np.float64(1)",
    "np.bool_(True)",
    "[np.float64(1), 2]",
    "[np.int32(1), np.int64(2)]",
    "[np.bool_(True)]",
    "np.array(3)",
    "a",
    "[np.array(1)]",
    "np.array(['a'])",
    "np.array([1], dtype=object)",
    "np.array([1, 2], dtype='>i4')",
    "a[::-1]",
    "a[::2]",
    "np.zeros((2, 0))",
    "Array()",
    "[Array()]",
    "Index()",
    "[Index(), 1]",
    "Float()",
    "[Float()]",
    "Sequence()",
    "[Sequence(), Sequence()]",
    "Sized()",
    "fractions.Fraction(1, 2)",
    "array.array('f', [1, 2])",
    "bytearray(b'abcdefgh')",
    "[2**63]",
    "[2**64]",
    "[-2**63]",
    "2**70",
    "[1e400]",
    "[300]",
    "[-1]",
    "[-300]",
    "[1e10]",
    "[70000.0]",
    "[1.5, -1.5]",
    "int",
    "r",
    "Exporter(x)",
    "(n for n in [1])",
    "iter([1])",
)
DTYPES = ("", "float32", "int64", "int32", "uint8", "bool", "float16", "complex64", "uint64")


@pytest.mark.parametrize("call", ["torch.tensor", "torch.as_tensor", "torch.asarray", "i.new_tensor"])
@pytest.mark.parametrize("data", DATA)
def test_table(call: str, data: str) -> None:
    for dtype in DTYPES:
        assert_agree(f"{call}({data}{dtype and f', dtype=torch.{dtype}'})", SETUP)


BUFFERS = (
    "b'abcd'",
    "bytearray(b'abcdefgh')",
    "a",
    "locked",
    "memoryview(b'abcdefgh')",
    "[1]",
    "3",
    "b''",
    "np.zeros((4, 4))[:, ::2]",
    "x",
)
BUFFER_OPTIONS = (
    "dtype=torch.uint8",
    "dtype=torch.int16, count=1",
    "dtype=torch.uint8, offset=2",
    "dtype=torch.uint8, offset=-1",
    "dtype=torch.uint8, count=0",
    "dtype=torch.uint8, count=-3",
    "dtype=torch.uint8, count=100",
    "dtype=torch.uint8, offset=100",
    "dtype=torch.int16, offset=1",
    "dtype=torch.int32, requires_grad=True",
    "",
    "dtype=None",
    "dtype=torch.bool",
)


@pytest.mark.parametrize("options", BUFFER_OPTIONS)
def test_frombuffer(options: str) -> None:
    for buffer in BUFFERS:
        assert_agree(f"torch.frombuffer({buffer}, {options})", SETUP)


@pytest.mark.parametrize(
    "options",
    [
        "copy=True",
        "copy=False",
        "requires_grad=True",
        "requires_grad=False",
        "dtype=torch.int64, copy=False",
        "dtype=torch.int64, requires_grad=True",
        "copy=True, requires_grad=True",
        "copy=None",
        "device='meta', copy=False",
    ],
)
def test_asarray_options(options: str) -> None:
    for data in ("x", "r", "a", "[1.0, 2.0]", "np.float32(3)", "bytearray(b'abcdefgh')", "3.0", "r * 2"):
        assert_agree(f"t = torch.asarray({data}, {options}); (t, t.is_leaf)", SETUP)


@pytest.mark.parametrize(
    "source",
    [
        "t = torch.from_numpy(a); t[0] = 9; (t, a.tolist())",
        "t = torch.as_tensor(a); t[0] = 9; a.tolist()",
        "t = torch.tensor(a); t[0] = 9; a.tolist()",
        "t = torch.asarray(a); t[0] = 9; a.tolist()",
        "t = torch.asarray(a, copy=True); t[0] = 9; a.tolist()",
        "s = np.array(4); t = torch.asarray(s); t += 1; s.tolist()",
        "torch.asarray(np.array(4), copy=True)",
        "torch.asarray(np.array(4), dtype=torch.uint8, copy=True)",
        "torch.asarray(np.float32(4), dtype=torch.float64, copy=True)",
        "torch.asarray(np.array(4), dtype=torch.uint8)",
        "bool(torch.tensor(2**64 - 1, dtype=torch.uint64))",
        "int(torch.tensor(2**63, dtype=torch.uint64))",
        "int(torch.tensor(2**63 - 1, dtype=torch.uint64))",
        "float(torch.tensor(2**63, dtype=torch.uint64))",
        "torch.tensor(2**63, dtype=torch.uint64).item()",
        "torch.tensor(2**63, dtype=torch.uint64).is_nonzero()",
        "[1][torch.tensor(2**63, dtype=torch.uint64)]",
        "t = torch.as_tensor(x); t is x",
        "t = torch.as_tensor(x, dtype=torch.float64); t is x",
        "t = torch.from_dlpack(x); t[0] = 9; x",
        "t = torch.from_dlpack(a); t[0] = 9; a.tolist()",
        "t = torch.from_dlpack(Exporter(a)); t[0] = 9; a.tolist()",
        "t = torch.from_dlpack(x, copy=True); t[0] = 9; x",
        "n = x.numpy(); n[0] = 9; x",
        "b = bytearray(4); t = torch.frombuffer(b, dtype=torch.uint8); t[1] = 9; list(b)",
        "torch.from_numpy(a[::2])",
        "t = torch.from_numpy(np.zeros((2, 3)).T); t.stride()",
        "t = torch.from_numpy(np.zeros((2, 0))); t.stride()",
        "torch.from_numpy(np.float32(3))",
        "torch.from_numpy()",
        "torch.from_numpy(1, 2, 3)",
        "torch.from_numpy(a=1)",
        "torch.from_numpy(a[::-1])",
        "torch.from_dlpack(3)",
        "torch.from_dlpack('a')",
        "torch.from_dlpack(r)",
        "torch.from_dlpack(x.bfloat16())",
        "torch.from_dlpack(x.to('meta'))",
        "torch.from_dlpack(torch.arange(6).view(2, 3).t())",
        "r.__dlpack__()",
        "x.numpy(1)",
        "x.numpy(bogus=1)",
        "x.numpy(force=1)",
        "r.numpy()",
        "r.numpy(force=True).tolist()",
        "x.bfloat16().numpy()",
        "x.to('meta').numpy()",
        "x.__array__(1, 2)",
        "x.__array__(np.float64).tolist()",
        "np.asarray(x).tolist()",
        "str(np.asarray(x, dtype=np.int8).dtype)",
        "x.item()",
        "x.to('meta').item()",
        "torch.tensor([a, a])",
        "torch.tensor([[a], [a]])",
        "1 in x",
        "3 in x",
        "'a' in x",
        "x in x",
        "None in x",
        "1 in torch.tensor(1)",
        "torch.ones(3) in torch.ones(2, 3)",
    ],
)
def test_sharing_and_errors(source: str) -> None:
    assert_agree(source, SETUP)

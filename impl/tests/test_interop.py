"""NumPy, DLPack, storages, copies and pickles: beside PyTorch, and with it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from against import assert_agree

import flambeau

SETUP = """
import copy, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy, about PyTorch
warnings.filterwarnings("ignore", "TypedStorage")  # once a process
a = np.arange(6, dtype=np.float32).reshape(2, 3)
x = torch.arange(6.).reshape(2, 3)
r = torch.ones(3, requires_grad=True)
n = torch.tensor([1, 2, 3])
def told(array):
    dtype = str(getattr(array, "dtype", None)).removeprefix("torch.")
    return type(array).__name__, dtype, getattr(array, "shape", None), np.asarray(array).tolist()
"""

NUMPY = [
    "t = torch.from_numpy(a); t[0, 0] = 9.; (a.tolist(), t)",
    "t = torch.from_numpy(a); a[0, 0] = 9.; t",
    "torch.from_numpy(a.T)",
    "torch.from_numpy(a[:, ::2])",
    "torch.from_numpy(a[::-1])",
    "torch.from_numpy(a.astype(np.float64))",
    "torch.from_numpy(a.astype('>f4'))",
    "torch.from_numpy(a.astype('U3'))",
    "torch.from_numpy(np.array(3.))",
    "torch.from_numpy(np.zeros((0, 3)))",
    "torch.from_numpy([1, 2])",
    "torch.from_numpy(np.float32(1))",
    "torch.from_numpy(np.array([True, False]))",
    "torch.from_numpy(np.array([1 + 2j], dtype=np.complex64))",
    "torch.from_numpy(np.arange(3, dtype=np.uint16))",
    "told(x.numpy())",
    "y = x.numpy(); y[0] = 7; x",
    "told(r.detach().numpy())",
    "r.numpy()",
    "told(r.numpy(force=True))",
    "told(torch.ones(2, dtype=torch.float16).numpy())",
    "torch.ones(2, dtype=torch.bfloat16).numpy()",
    "told(torch.tensor(3).numpy())",
    "told(x.t().numpy()), x.t().numpy().strides",
    "told(np.asarray(x)), np.asarray(x) is x.numpy()",
    "np.shares_memory(np.asarray(x), x.numpy())",
    "told(np.array(x))",
    "np.shares_memory(np.array(x), x.numpy())",
    "told(np.asarray(x, dtype=np.float64))",
    "told(np.array(x, dtype=np.int32, copy=True))",
    "np.asarray(r)",
    "told(x.__array__())",
    "told(x.__array__(np.float64))",
    "told(x.__array__(dtype=np.float64))",
    "told(np.sin(x))",
    "told(np.add(x, 1))",
    "told(np.add(x, a))",
    "told(np.greater(x, 2))",
    "told(np.sum(x))",
    "told(np.mean(x))",
    "told(np.max(x))",
    "told(np.sum(x, axis=0))",
    "told(np.concatenate([x, x]))",
    "told(np.stack([n, n]))",
    "told(np.dot(x, x.t()))",
    "told(np.transpose(x))",
    "told(np.zeros_like(x))",
    "told(np.where(x > 1, x, 0))",
    "told(np.float32(2) * x)",
    "told(np.float64(2) * x)",
    "told(x * np.float64(2))",
    "told(x + np.int64(2))",
    "told(np.int64(2) + n)",
    "told(n + np.float64(1.5))",
    "told(np.float64(2) - x), told(np.float64(2) / x.add(1)), told(np.float64(2) ** x)",
    "told(a * x)",
    "told(x * a)",
    "told(a + x), told(x + a)",
    "told(x == a)",
    "told(np.array(2.) * x)",
    "np.float32(2) * r",
    "np.testing.assert_allclose(x, a)",
    "np.allclose(x, a)",
    "np.isscalar(x[0, 0])",
    "a[n[:1]].tolist()",
    "a[torch.tensor(1)].tolist()",
    "list(range(5))[torch.tensor(2)]",
    "np.zeros(torch.tensor(3)).shape",
    "told(np.array([torch.tensor(1.), torch.tensor(2.)]))",
    "np.array([x, x]).shape",
    "x.__array_priority__",
    "float(x[0, 1]), int(n[1]), bool(n[0]), complex(x[0, 1]), range(n[2])",
    "torch.as_tensor(a).data_ptr() == a.ctypes.data",
    "torch.tensor(a).data_ptr() == a.ctypes.data",
    "torch.asarray(a).data_ptr() == a.ctypes.data",
    "torch.asarray(a, copy=True).data_ptr() == a.ctypes.data",
    "x.apply_(lambda v: v * 2); x",
    "n.apply_(lambda v: v + 1); n",
    "r.apply_(lambda v: v)",
    "x.map_(torch.ones(2, 3), lambda p, q: p - q); x",
    "x.map_(torch.ones(3), lambda p, q: p - q); x",
    "2. in x, 9 in x, torch.tensor(3.) in x",
    "'a' in x",
    "None in x",
    "list(reversed(n)), reversed(torch.tensor(3))",
    "[float(v) for v in x[0]]",
    "len(x), x.__len__()",
    "format(x[0, 1], '.2f'), f'{n[1]}', f'{n}'",
    "format(x, '.2f')",
]

DLPACK = [
    "told(np.from_dlpack(x))",
    "np.shares_memory(np.from_dlpack(x), x.numpy())",
    "torch.from_dlpack(a)",
    "torch.from_dlpack(a).data_ptr() == a.ctypes.data",
    "torch.from_dlpack(x).data_ptr() == x.data_ptr()",
    "torch.from_dlpack(x.t())",
    "r.__dlpack__()",
    "tuple(int(i) for i in x.__dlpack_device__())",
    "torch.from_dlpack(torch.from_numpy(a[:, ::2]))",
    "torch.from_dlpack(3)",
]

COPIES = [
    "y = copy.copy(x); (y, y is x, y.data_ptr() == x.data_ptr())",
    "y = copy.copy(r); (y.requires_grad, y.is_leaf, y is r)",
    "r.sum().backward(); y = copy.copy(r); y.grad",
    "y = copy.copy(r * 2); (y.requires_grad, y.is_leaf)",
    "y = copy.deepcopy(x); (y, y.data_ptr() == x.data_ptr())",
    "y = copy.deepcopy(r); (y.requires_grad, y.is_leaf)",
    "r.sum().backward(); y = copy.deepcopy(r); (y.grad, y.grad is r.grad)",
    "copy.deepcopy(r * 2)",
    "copy.deepcopy((r * 2).detach())",
    "y = copy.deepcopy(x.t()); (y.stride(), y)",
    "y = copy.deepcopy(x[0:1, 1:]); (y.stride(), y.storage_offset(), y.untyped_storage().nbytes())",
    "y = copy.deepcopy([x, x]); y[0] is y[1]",
    "y = copy.deepcopy([x, x[0]]); y[0][0, 0] = 50.; (y[1], x)",
    "y = copy.deepcopy({'a': x, 'b': x.view(-1)}); y['a'].data_ptr() == y['b'].data_ptr()",
    "copy.deepcopy(torch.ones(2, dtype=torch.bfloat16))",
    "copy.deepcopy(torch.tensor(3))",
    "copy.deepcopy(torch.ones(2, 0))",
    "y = copy.deepcopy(torch.ones(1, 3).expand(2, 3)); (y.stride(), y)",
    "copy.deepcopy(torch.float32) is torch.float32, copy.deepcopy(torch.Size([1, 2])), "
    "str(copy.deepcopy(torch.device('cpu')))",
    "x.untyped_storage().nbytes(), x.untyped_storage().size(), x[1].untyped_storage().data_ptr() == x.data_ptr()",
    "x.storage().size(), x.storage().tolist(), len(x.storage()), x.storage()[2]",
    "x.untyped_storage()[0], x.untyped_storage().tolist()[:4], repr(x.untyped_storage())[-60:]",
    "x[0].untyped_storage() == x[1].untyped_storage(), x.untyped_storage() == x.clone().untyped_storage()",
    "s = x.untyped_storage(); s.fill_(0); x",
    "torch.empty(0).set_(x.untyped_storage(), 1, (2, 2), (2, 1))",
    "torch.empty(0).set_(x)",
    "torch.is_storage(x.untyped_storage()), torch.is_storage(x)",
]


@pytest.mark.parametrize("source", NUMPY)
def test_numpy(source: str) -> None:
    """Tensors in NumPy's hands and arrays in torch's."""
    assert_agree(source, SETUP, rtol=1e-6)


@pytest.mark.parametrize("source", DLPACK)
def test_dlpack(source: str) -> None:
    """DLPack, both ways."""
    assert_agree(source, SETUP)


@pytest.mark.parametrize("source", COPIES)
def test_copies(source: str) -> None:
    """copy, deepcopy and storages."""
    assert_agree(source, SETUP)


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "int64", "int8", "uint8", "bool", "complex64"])
def test_dlpack_with_torch(name: str) -> None:
    """Memory is shared with real PyTorch, both ways, strides included."""
    ours = flambeau.arange(6).reshape(2, 3).to(getattr(flambeau, name)).t()
    theirs = torch.from_dlpack(ours)
    assert theirs.dtype is getattr(torch, name)
    assert theirs.stride() == ours.stride()
    assert theirs.tolist() == ours.tolist()
    theirs[0, 0] = 1
    assert ours.tolist() == theirs.tolist()
    back = flambeau.from_dlpack(theirs)
    back[1, 1] = 0
    assert back.data_ptr() == theirs.data_ptr()
    assert ours.tolist() == theirs.tolist() == back.tolist()


class Marked(flambeau.Tensor):
    """A subclass that pickle finds by name."""


def test_pickle() -> None:
    """Views share their storage after the trip; strides, dtypes, classes and attributes are kept."""
    x = flambeau.arange(6.0).reshape(2, 3)
    again, row, turned = pickle.loads(pickle.dumps((x, x[1], x.t())))
    row[0] = 50.0
    assert again.tolist() == [[0.0, 1.0, 2.0], [50.0, 4.0, 5.0]]
    assert turned.stride() == (1, 3)
    assert turned[0, 1].item() == 50.0
    marked = x.as_subclass(Marked)
    marked.tag = [1]
    found = pickle.loads(pickle.dumps(marked))
    assert type(found) is Marked
    assert found.tag == [1]
    leaf = pickle.loads(pickle.dumps(flambeau.ones(2, dtype=flambeau.bfloat16, requires_grad=True)))
    assert leaf.requires_grad
    assert leaf.is_leaf
    assert leaf.dtype is flambeau.bfloat16
    weight = flambeau.nn.Parameter(x)
    found = pickle.loads(pickle.dumps(weight))
    assert isinstance(found, flambeau.nn.Parameter)
    assert found.tolist() == x.tolist()
    for d in (flambeau.int64, flambeau.bool, flambeau.complex64, flambeau.float16, flambeau.complex32):
        t = flambeau.ones(2).to(d)
        assert pickle.loads(pickle.dumps(t)).dtype is d


def test_arrays_stay_alive() -> None:
    """A tensor over an array keeps its memory, and the other way round."""
    t = flambeau.from_numpy(np.ones(1000))
    array = flambeau.ones(1000).numpy()
    assert t.sum().item() == array.sum() == 1000

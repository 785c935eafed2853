"""Tensor subclasses, `__torch_function__`, Parameter: beside PyTorch."""

from __future__ import annotations

import pytest
from against import assert_agree

CLASSES = """
import copy, pickle, weakref
log = []
class Plain(torch.Tensor):
    pass
class Logging(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        log.append((getattr(func, "__name__", str(func)), [t.__name__ for t in types], len(args), sorted(kwargs or {})))
        return super().__torch_function__(func, types, args, kwargs or {})
class Child(Plain):
    pass
class Other(torch.Tensor):
    pass
class Refusing(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented
class Outside:
    def __init__(self, value):
        self.value = value
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        args = [a.value if isinstance(a, Outside) else a for a in args]
        return ("outside", getattr(func, "__name__", str(func)), func(*args, **(kwargs or {})))
class Scaled(torch.Tensor):
    @staticmethod
    def __new__(cls, data, scale=1.0):
        made = torch.Tensor._make_subclass(cls, torch.as_tensor(data))
        made.scale = scale
        return made
x = torch.tensor([1., 2., 3.])
p = x.as_subclass(Plain)
q = x.as_subclass(Logging)
c = x.as_subclass(Child)
o = Outside(x)
r = torch.tensor([1., 2.], requires_grad=True)
"""

SUBCLASS = [
    "type(p).__name__, type(p + 1).__name__, type(1 + p).__name__, type(p.sum()).__name__, type(torch.sin(p)).__name__",
    "type(p[0]).__name__, type(p[p > 1]).__name__, type(p.view(3, 1)).__name__, type(p.detach()).__name__",
    "type(p.clone()).__name__, type(p.to(torch.float64)).__name__, type(p.double()).__name__, type(p.T).__name__",
    "type(p + x).__name__, type(x + p).__name__, type(p + c).__name__, type(c + p).__name__",
    "[type(t).__name__ for t in p.split(1)], type(p.split(1)).__name__, [type(t).__name__ for t in p.max(0)]",
    "type(torch.stack([p, p])).__name__, type(torch.cat((p, x))).__name__, type(torch.where(p > 0, p, x)).__name__",
    "p + x.as_subclass(Other)",
    "x.as_subclass(Refusing) + 1",
    "torch.add(x.as_subclass(Refusing), 1)",
    "repr(p), repr(c), str(p + 1)",
    "type(p.grad).__name__, type(p.data).__name__, type(p.shape).__name__, str(p.dtype), p.device.type, "
    "type(p.numpy()).__name__",
    "p += 1; (type(p).__name__, p)",
    "p[0] = 5.; (type(p).__name__, x)",
    "p.add_(1); (type(p).__name__, x)",
    "torch.add(x, 1, out=p); (type(p).__name__, p)",
    "isinstance(p, torch.Tensor), isinstance(p, Plain), issubclass(Child, Plain)",
    "p.as_subclass(torch.Tensor)",
    "type(p.as_subclass(torch.Tensor)).__name__, p.as_subclass(torch.Tensor) is p",
    "x.as_subclass(int)",
    "x.as_subclass(3)",
    "q + 1; log",
    "torch.sin(q); log",
    "q.sum(0, keepdim=True); log",
    "q.shape; q.dtype; log",
    "q.requires_grad; q.grad; q.is_leaf; log",
    "q[0]; log",
    "q[0] = 1; log",
    "q == 1; q > 1; -q; abs(q); log",
    "1 - q; 2 ** q; 1 / q; q @ q; log",
    "q += 1; q.mul_(2); log",
    "len(q); bool(q[0]); float(q[0]); log",
    "q.size(); q.stride(); q.dim(); q.numel(); log",
    "q.detach(); q.clone(); q.view(3); q.to(torch.float64); q.double(); log",
    "torch.stack([q, q]); torch.cat((x, q)); log",
    "torch.zeros_like(q); torch.max(q); torch.max(q, 0); log",
    "q.tolist(); q.item() if q.numel() == 1 else None; log",
    "q.backward; q.T; q.data; log",
    "q.requires_grad_(); (q * 2).sum().backward(); log",
    "list(q); log",
    "torch.add(o, 1)",
    "torch.add(x, o)",
    "x + o",
    "o + x",
    "torch.sum(o)",
    "torch.cat([x, o])[0]",
    "torch.add(x, other=o)",
    "type(Scaled([1., 2.])).__name__, Scaled([1., 2.], 3.).scale, Scaled([1., 2.], 3.) * 2",
    "hasattr(Scaled([1., 2.], 3.) * 2, 'scale')",
    "torch.Tensor._make_subclass(Plain, x, True).requires_grad",
    "torch.Tensor._make_subclass(Plain, x)",
    "Plain([1., 2.])",
    "type(Plain(2, 3)).__name__, Plain(2, 3).shape",
    "p.extra = 3; p.extra",
    "x.extra = [1]; copy.copy(x).extra is x.extra, copy.deepcopy(x).extra",
    "s = x.as_subclass(Plain); s.extra = 3; t = copy.deepcopy(s); (type(t).__name__, t.extra, t)",
    "s = x.as_subclass(Plain); s.extra = 3; t = copy.copy(s); (type(t).__name__, t.extra, t.data_ptr() "
    "== s.data_ptr())",
    "w = weakref.ref(x); w() is x",
    "w = weakref.ref(torch.ones(2)); w()",
    "y = (r.as_subclass(Plain) * 2); (y.grad_fn.name(), type(y).__name__); y.sum().backward(); r.grad",
    "y = r.as_subclass(Plain); (y.requires_grad, y.grad_fn.name(), y._is_view(), y._base is r)",
    "with torch._C.DisableTorchFunctionSubclass(): y = q + 1\n(type(y).__name__, log)",
    "torch.overrides.has_torch_function((q,)), torch.overrides.has_torch_function((x, 1)), "
    "torch.overrides.is_tensor_like(o)",
    "sorted(set(['shape', 'dtype', 'sum', 'grad']) & set(dir(x)))",
    "torch.Tensor.add(p, 1), type(torch.Tensor.add(p, 1)).__name__",
    "torch.Tensor.__torch_function__.__name__",
]

PARAMETER = [
    "torch.nn.Parameter(x)",
    "repr(torch.nn.Parameter(x)), str(torch.nn.Parameter(x))",
    "torch.nn.Parameter(x, requires_grad=False)",
    "repr(torch.nn.Parameter(x, False))",
    "torch.nn.Parameter(torch.tensor([1, 2]))",
    "torch.nn.Parameter(torch.tensor([1, 2]), requires_grad=False)",
    "torch.nn.Parameter()",
    "torch.nn.Parameter(x).data_ptr() == x.data_ptr(), torch.nn.Parameter(x).is_leaf",
    "w = torch.nn.Parameter(x); (type(w * 2).__name__, type(w.data).__name__, type(w.detach()).__name__, "
    "type(w.clone()).__name__)",
    "w = torch.nn.Parameter(x); (type(w[0]).__name__, type(w.view(3)).__name__, type(w.T).__name__)",
    "w = torch.nn.Parameter(x); w.tag = 3; v = copy.deepcopy(w); (v, type(v).__name__, v is w, "
    "hasattr(v, 'tag'), v.requires_grad)",
    "w = torch.nn.Parameter(x); v = copy.copy(w); (type(v).__name__, v.requires_grad)",
    "w = torch.nn.Parameter(x); w.sum().backward(); v = copy.deepcopy(w); (v.grad, w.grad)",
    "w = torch.nn.Parameter(x); memo = {}; a = copy.deepcopy([w, w], memo); a[0] is a[1]",
    "w = torch.nn.Parameter(x); v = pickle.loads(pickle.dumps(w)) if torch.__name__ == 'flambeau' else "
    "w; (v, type(v).__name__)",
    "isinstance(torch.nn.Parameter(p), torch.nn.Parameter), type(torch.nn.Parameter(p)).__name__",
    "isinstance(torch.nn.Parameter(x), torch.nn.Parameter), isinstance(x, torch.nn.Parameter)",
    "isinstance(torch.nn.Parameter(x), torch.Tensor), torch.is_tensor(torch.nn.Parameter(x))",
    "w = torch.nn.Parameter(r * 2); (w.is_leaf, w.requires_grad)",
    "w = torch.nn.Parameter(x); w.add_(1)",
    "w = torch.nn.Parameter(x); w.data.add_(1); (w, x)",
    "w = torch.nn.Parameter(x); w.data = torch.ones(2); w",
    "w = torch.nn.Parameter(x); w.grad = torch.ones(3); w.grad",
    "w = torch.nn.Parameter(x); {w: 1}[w]",
    "type(torch.nn.Parameter).__name__, torch.nn.Parameter.__module__",
    "w = torch.nn.Buffer(x); (type(w).__name__, isinstance(w, torch.nn.Buffer), w.persistent)",
    "isinstance(x, torch.nn.Buffer)",
    "w = torch.nn.Parameter(torch.ones(2, 3).t()); v = copy.deepcopy(w); v.stride()",
]


@pytest.mark.parametrize("source", SUBCLASS)
def test_subclass(source: str) -> None:
    """Results of subclasses, and what `__torch_function__` is told."""
    assert_agree(source, CLASSES, rtol=1e-6)


@pytest.mark.parametrize("source", PARAMETER)
def test_parameter(source: str) -> None:
    """nn.Parameter and nn.Buffer."""
    assert_agree(source, CLASSES, rtol=1e-6)

"""backward, grad, hooks, modes and the attributes of tensors in the graph, beside PyTorch."""

from __future__ import annotations

import threading

import pytest
import torch
from against import assert_agree

import flambeau

LEAVES = """
x = torch.tensor([1., 2., 3.], requires_grad=True)
w = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)
k = torch.tensor([2., 3., 4.])
z = torch.tensor([1. + 2j, 3. - 1j], requires_grad=True)
n = torch.tensor([1, 2, 3])
log = []
def note(name, result=None):
    def hook(*args):
        log.append((name, [a.tolist() if hasattr(a, "tolist") else a for a in args]))
        return result
    return hook
"""

BACKWARD = [
    "x.sum().backward(); x.grad",
    "(x * k).backward(k); x.grad",
    "(x * k).backward(gradient=k.view(3)); x.grad",
    "(x * 2).sum().backward(); (x * 3).sum().backward(); x.grad",
    "y = (x ** 2).sum(); y.backward(retain_graph=True); y.backward(); x.grad",
    "y = (x ** 2).sum(); y.backward(); y.backward(); x.grad",
    "y = (x + 1).sum(); y.backward(); y.backward(); x.grad",
    "y = x.exp(); y.sum().backward(); y.grad_fn._saved_result",
    "y = x.exp(); y.grad_fn._saved_result",
    "y = x.sin(); y.grad_fn._saved_self",
    "y = x.sin(); y.sum().backward(); y.grad_fn._saved_self",
    "(x ** 3).sum().backward(create_graph=True); x.grad",
    "torch.autograd.backward([x.sum(), (x * 2).sum()]); x.grad",
    "torch.autograd.backward([x * 2, x.sum()], [k, None]); x.grad",
    "torch.autograd.backward((x * 2, x * 3), (k, k)); x.grad",
    "torch.autograd.backward([x * 2, x * 3], [k]); 0",
    "torch.autograd.backward(x.sum(), inputs=[]); 0",
    "torch.autograd.backward((x * w).sum(), inputs=x); (x.grad, w.grad)",
    "(x * w).sum().backward(inputs=[w]); (x.grad, w.grad)",
    "y = x * 2; (y * y).sum().backward(inputs=[y]); (y.grad, x.grad)",
    "y = x * 2; (y * y).sum().backward(inputs=[y, x]); (y.grad, x.grad)",
    "(x * 2).sum().backward(inputs=[k]); 0",
    "(x * 2).backward(); 0",
    "k.sum().backward(); 0",
    "n.sum().backward(); 0",
    "k.backward(); 0",
    "(x * 2).backward(torch.ones(2)); 0",
    "(x * 2).backward(torch.ones(3, dtype=torch.float64)); x.grad",
    "(x * 2).backward(torch.ones(3, dtype=torch.complex64)); x.grad",
    "(x * 2).backward(3); 0",
    "(x * 2).backward([1., 1., 1.]); 0",
    "(x * 2).sum().backward(None, None, False); x.grad",
    "x[0].backward(); x.grad",
    "x[:1].backward(); x.grad",
    "(z * z).sum().backward(); 0",
    "(z * z).abs().sum().backward(); z.grad",
    "(z * z).real.sum().backward(); z.grad",
    "(z * z).imag.sum().backward(); z.grad",
    "(z * 2j).backward(torch.tensor([1j, 2.])); z.grad",
    "x.backward(k); x.grad",
    "x.backward(k); x.backward(k); x.grad",
    "(x.sum() + 1).backward(torch.tensor(3.)); x.grad",
    "x.double().sum().backward(); x.grad",
    "(x.double() * w.double()).sum().backward(); (x.grad, w.grad)",
    "(x.half() * 2).sum().backward(); x.grad",
    "(w * x).sum().backward(); (w.grad, x.grad)",
    "w.t().contiguous().sum().backward(); w.grad",
    "a = torch.ones(2, 3).t().requires_grad_(); (a * 2).sum().backward(); a.grad",
    "a = torch.ones(2, 3).t().requires_grad_(); (a * a.detach()).sum().backward(); (a * 3).sum().backward(); a.grad",
    "a = torch.ones(4, 4)[::2, ::2].requires_grad_(); (a * 2).sum().backward(); a.grad",
    "a = torch.ones(1, 3).expand(2, 3).requires_grad_(); (a * 2).sum().backward(); a.grad",
    "x.expand(2, 3).sum().backward(); x.grad",
    "torch.autograd.backward(x.sum(), grad_variables=torch.tensor(2.)); x.grad",
    "x.sum().backward(); g = x.grad; x.grad.zero_(); (x * 2).sum().backward(); (g is x.grad, g)",
    "x.sum().backward(); g = x.grad; x.grad = None; (x * 2).sum().backward(); (g is x.grad, g, x.grad)",
    "g = torch.ones(3); (x * 1).backward(g); x.grad.add_(1); g",
    "g = torch.ones(3); x.backward(g); x.grad.add_(1); g",
    "y = x + 0; v = x + y; v.sum().backward(); x.grad.add_(1); x.grad",
    "a = torch.zeros(3, requires_grad=True); (x + a).backward(k); x.grad.add_(1); (a.grad, x.grad)",
    "y = x.view(3); y.sum().backward(); x.grad.mul_(2); x.grad",
    "x.sum().backward(create_graph=True); x.grad.requires_grad",
    "(x * x).sum().backward(create_graph=True); x.grad.sum().backward(); x.grad",
    "del x.grad; x.grad",
    "x.sum().backward(); del x.grad; x.grad",
    "x.grad = torch.ones(2); 0",
    "x.grad = torch.ones(3, dtype=torch.float64); 0",
    "x.grad = 3; 0",
    "x.grad = x; 0",
    "x.grad = torch.ones(3); x.sum().backward(); x.grad",
    "x.grad = torch.ones(3, requires_grad=True); x.sum().backward(); x.grad",
    "x.grad = torch.ones(6)[::2]; x.sum().backward(); x.grad",
    "y = x * 2; y.sum().backward(); y.grad",
    "y = x * 2; y.retain_grad(); y.sum().backward(); (y.grad, y.retains_grad, x.retains_grad)",
    "y = x * 2; y.retain_grad(); y.sum().backward(retain_graph=True); y.sum().backward(); (y.grad, x.grad)",
    "y = x * 2; y.retain_grad(); y.retain_grad(); y.sum().backward(); y.grad",
    "x.retain_grad(); x.sum().backward(); x.grad",
    "k.retain_grad(); 0",
    "x.sum().backward(foo=1); 0",
    "x.sum().backward(None, None, None, None, None); 0",
]

GRAD = [
    "torch.autograd.grad((x * k).sum(), x)",
    "torch.autograd.grad((x * k).sum(), [x])",
    "torch.autograd.grad(x * k, x, k)",
    "torch.autograd.grad([x * k, x.sum()], [x], [k, None])",
    "torch.autograd.grad((x * w).sum(), (x, w))",
    "torch.autograd.grad(x.sum(), w)",
    "torch.autograd.grad(x.sum(), [x, w])",
    "torch.autograd.grad(x.sum(), [x, w], allow_unused=True)",
    "torch.autograd.grad(x.sum(), [x, w], materialize_grads=True)",
    "torch.autograd.grad(x.sum(), [x, w], materialize_grads=True, allow_unused=False)",
    "torch.autograd.grad(x.sum(), k)",
    "torch.autograd.grad(k.sum(), x)",
    "torch.autograd.grad(k.sum(), x, allow_unused=True)",
    "torch.autograd.grad(x * 2, x)",
    "torch.autograd.grad(x.sum(), x, torch.ones(2))",
    "torch.autograd.grad(x.sum(), [])",
    "torch.autograd.grad(x.sum(), x, only_inputs=False)",
    "y = x * 2; torch.autograd.grad((y * y).sum(), [y, x])",
    "y = x * 2; torch.autograd.grad((y * y).sum(), y)",
    "torch.autograd.grad(x, x, k)",
    "torch.autograd.grad([x, x * 2], x, [k, k])",
    "y = (x ** 3).sum(); g, = torch.autograd.grad(y, x, create_graph=True); h, = "
    "torch.autograd.grad(g.sum(), x); (g, h)",
    "y = (x ** 4).sum(); g, = torch.autograd.grad(y, x, create_graph=True); "
    "h, = torch.autograd.grad(g.sum(), x, create_graph=True); torch.autograd.grad(h.sum(), x)",
    "y = x.exp().sum(); g, = torch.autograd.grad(y, x); torch.autograd.grad(y, x)",
    "y = x.exp().sum(); g, = torch.autograd.grad(y, x, retain_graph=True); torch.autograd.grad(y, x)",
    "a, b = w.unbind(); torch.autograd.grad((a * 2).sum(), w)",
    "a, b = w.unbind(); torch.autograd.grad((a * b).sum(), [a, w])",
    "v, i = w.max(1); (torch.autograd.grad(v.sum(), w), i.requires_grad, v.grad_fn.name())",
    "torch.autograd.grad((z * z).sum(), z, torch.tensor(1. + 0j))",
    "torch.autograd.grad((z * z).sum(), z)",
    "torch.autograd.grad((x * 2).sum(), x, is_grads_batched=False)",
    "torch.autograd.grad(x.sum(), x)[0] is torch.autograd.grad(x.sum(), x)[0]",
    "torch.autograd.grad(3, x)",
    "torch.autograd.grad(x.sum(), 3)",
    "torch.autograd.grad(x.sum(), [x, None])",
]

HOOKS = [
    "x.register_hook(lambda g: g * 10); (x * 2).sum().backward(); x.grad",
    "y = x * 2; y.register_hook(lambda g: g * 10); y.sum().backward(); x.grad",
    "y = x * 2; y.register_hook(note('a')); y.register_hook(note('b')); y.sum().backward(); log",
    "y = x * 2; h = y.register_hook(note('a')); h.remove(); h.remove(); y.sum().backward(); log",
    "y = x * 2; y.register_hook(lambda g: torch.ones(2)); y.sum().backward(); x.grad",
    "y = x * 2; y.register_hook(lambda g: torch.ones(3).double()); y.sum().backward(); x.grad",
    "y = x * 2; y.register_hook(lambda g: 3); y.sum().backward(); x.grad",
    "y = x * 2; y.register_hook(lambda g: g.add_(1)); y.sum().backward(); x.grad",
    "k.register_hook(note('a')); 0",
    "x.register_hook(3); 0",
    "y = x * 2; y.register_hook(note('a')); y.retain_grad(); y.register_hook(lambda g: g * 2); "
    "y.sum().backward(); (log, y.grad)",
    "y = x * 2; y.register_hook(note('h')); y.grad_fn.register_prehook(note('pre')); "
    "y.grad_fn.register_hook(note('post')); "
    "y.sum().backward(); log",
    "y = x * 2; y.grad_fn.register_hook(lambda gi, go: (gi[0] * 5, None)); y.sum().backward(); x.grad",
    "y = x * 2; y.grad_fn.register_hook(lambda gi, go: gi[0]); y.sum().backward(); x.grad",
    "y = x * 2; y.grad_fn.register_hook(lambda gi, go: (gi[0],)); y.sum().backward(); x.grad",
    "y = x * 2; y.grad_fn.register_prehook(lambda go: (go[0] * 5,)); y.sum().backward(); x.grad",
    "y = x * 2; y.grad_fn.register_prehook(lambda go: go[0]); y.sum().backward(); x.grad",
    "y = x * w; y.grad_fn.register_hook(note('post')); y.sum().backward(); log",
    "a = (x * 1).expand_as(x).grad_fn.next_functions[0][0].next_functions[0][0]; a.register_hook(note('post')); "
    "x.sum().backward(); log",
    "a = x.expand_as(x).grad_fn.next_functions[0][0]; a.register_prehook(note('pre')); x.sum().backward(); log",
    "x.register_post_accumulate_grad_hook(note('p')); (x * 2).sum().backward(); log",
    "x.register_post_accumulate_grad_hook(note('p', 3)); (x * 2).sum().backward(); log",
    "def clear(p): p.grad = None\nx.register_post_accumulate_grad_hook(clear); (x * 2).sum().backward(); x.grad",
    "(x * 2).register_post_accumulate_grad_hook(note('p')); 0",
    "k.register_post_accumulate_grad_hook(note('p')); 0",
    "h = x.register_hook(note('h')); x.register_post_accumulate_grad_hook(note('p')); (x * 2).sum().backward(); log",
    "x.register_hook(note('h')); torch.autograd.grad((x * 2).sum(), x); log",
    "y = x * 2; y.register_hook(lambda g: g * 3); torch.autograd.grad(y.sum(), y)",
    "y = x * 2; y.retain_grad(); torch.autograd.grad(y.sum(), x); y.grad",
    "y = x * 2; y.register_hook(note('h')); g, = torch.autograd.grad(y.sum(), x, create_graph=True); log",
    "x.register_hook(lambda g: g * x); g, = torch.autograd.grad((x * 2).sum(), x, create_graph=True); "
    "(g, g.requires_grad)",
    "y = x * 1; y.register_hook(note('old')); y.mul_(2); y.register_hook(note('new')); y.sum().backward(); log",
    "y = x * 1; y.retain_grad(); y.mul_(2); (y * 3).sum().backward(); (y.grad, x.grad)",
    "a, b = w.unbind(); a.register_hook(note('a')); b.register_hook(note('b')); (a * 2 + b).sum().backward(); log",
    "a, b = w.unbind(); a.register_hook(note('a')); b.sum().backward(); (log, w.grad)",
    "h = x.register_hook(note('a')); type(h).__name__, hasattr(h, 'id')",
]

MODES = [
    "with torch.no_grad(): y = x * 2\n(y.requires_grad, y.grad_fn, y.is_leaf)",
    "with torch.no_grad():\n  with torch.enable_grad(): y = x * 2\ny.requires_grad",
    "with torch.set_grad_enabled(False): y = x * 2\ny.requires_grad",
    "torch.set_grad_enabled(False); y = x * 2; a = torch.is_grad_enabled(); "
    "torch.set_grad_enabled(True); (y.requires_grad, a)",
    "f = torch.no_grad()(lambda t: t * 2); f(x).requires_grad",
    "f = torch.no_grad(lambda t: t * 2); f(x).requires_grad",
    "f = torch.set_grad_enabled(False)(lambda t: t * 2); (f(x).requires_grad, torch.is_grad_enabled())",
    "@torch.no_grad()\ndef g():\n  yield torch.is_grad_enabled()\n  yield torch.is_grad_enabled()\n"
    "it = g(); a = next(it); b = torch.is_grad_enabled(); (a, b, next(it))",
    "with torch.no_grad(): x.add_(1)\n(x, x.is_leaf, x._version)",
    "with torch.no_grad(): y = torch.ones(2, requires_grad=True)\n(y * 2).requires_grad",
    "with torch.inference_mode(): y = x * 2\n(y.is_inference(), y.requires_grad, y)",
    "with torch.inference_mode(): y = x * 2\ny.add_(1)",
    "with torch.inference_mode(): y = x * 2\ny * x",
    "with torch.inference_mode(): y = x * 2\n(y + x).requires_grad",
    "with torch.inference_mode(): y = x * 2\n(y.clone().is_inference(), y.view(3).is_inference(), "
    "y.detach().is_inference())",
    "with torch.inference_mode(): y = x * 2\ny.requires_grad_()",
    "with torch.inference_mode(): y = x * 2\ny._version",
    "with torch.inference_mode(): y = x * 2; y.add_(1); v = y[0]; v.mul_(2)\n(y, v, v.is_inference(), v._is_view())",
    "with torch.inference_mode(): v = x.view(3)\n(v.is_inference(), v.requires_grad, v._is_view())",
    "with torch.inference_mode(): v = (x * 1).view(3)\nv.add_(1)",
    "y = x * 1\nwith torch.inference_mode(): v = y.view(3)\nv.add_(1)",
    "with torch.inference_mode():\n  a = torch.is_grad_enabled(), torch.is_inference_mode_enabled()\n"
    "  with torch.enable_grad(): y = x * 2; b = torch.is_grad_enabled()\n(a, b, y.requires_grad, y.is_inference())",
    "with torch.inference_mode():\n  with torch.inference_mode(False): y = x * 2\n(y.requires_grad, y.is_inference())",
    "f = torch.inference_mode()(lambda t: t * 2); f(x).is_inference()",
    "f = torch.inference_mode(lambda t: t * 2); f(x).is_inference()",
    "with torch.inference_mode(): y = torch.zeros(2), torch.tensor([1.]), torch.arange(3), "
    "torch.rand(2), x.sum(), w @ x\n"
    "[t.is_inference() for t in y]",
    "with torch.inference_mode(): y = k.exp(), k.clone(), k.to(torch.float64), torch.cat([k, k]), "
    "k.max(), k.softmax(0)\n"
    "[t.is_inference() for t in y]",
    "torch.is_grad_enabled(), torch.is_inference_mode_enabled()",
    "repr(torch.set_grad_enabled(True))",
    "with torch.autograd.set_grad_enabled(False), torch.autograd.no_grad(): y = x * 2\ny.requires_grad",
    "with torch.inference_mode(): y = torch.ones(3)\ny[0] = 2.",
    "with torch.inference_mode(): y = torch.ones(3)\nk.add_(y); (k, k.is_inference())",
    "with torch.inference_mode(): y = torch.ones(3)\nx.grad = y; x.grad",
    "with torch.inference_mode(): k.add_(1)\n(k, k._version)",
]

LEAVES_AND_VERSIONS = [
    "x.requires_grad_(False); (x.requires_grad, (x * 2).requires_grad)",
    "(x * 2).requires_grad_(False)",
    "y = x * 2; y.requires_grad_(); y.is_leaf",
    "y = x * 2; y.requires_grad = False; 0",
    "n.requires_grad_(); 0",
    "n.requires_grad_(False)",
    "n.requires_grad = True; 0",
    "k.requires_grad = 1; 0",
    "torch.ones(2, dtype=torch.int64, requires_grad=True)",
    "torch.tensor([1, 2], requires_grad=True)",
    "k.requires_grad_('a')",
    "d = x.detach(); d.add_(1); (x, d.requires_grad, x._version, d._version)",
    "d = x.data; d.add_(1); (x, x._version, d._version)",
    "y = x.exp(); y.detach().mul_(2); y.sum().backward(); x.grad",
    "y = x.exp(); y.data.mul_(2); y.sum().backward(); x.grad",
    "y = x * x; x.data.add_(1); y.sum().backward(); x.grad",
    "y = x * x\nwith torch.no_grad(): x.add_(1)\ny.sum().backward(); 0",
    "y = x.tanh(); y.add_(1); y.sum().backward(); 0",
    "y = x + 1; y.relu_(); y.sum().backward(); x.grad",
    "y = x.sum(0, keepdim=True); q = y * y; y.detach().add_(1); q.sum().backward(); 0",
    "a, b = w.unbind(); q = a * a; a.detach().add_(1); q.sum().backward(); 0",
    "y = torch.zeros(3); y.copy_(x); q = y * y; y.detach().add_(1); q.sum().backward(); 0",
    "x.add_(1); 0",
    "x[0] = 1.; 0",
    "x.view(3).add_(1); 0",
    "x.zero_(); 0",
    "x.detach_(); (x.requires_grad, x.is_leaf)",
    "y = x.clone(); y.detach_(); (y.requires_grad, y.is_leaf, y.grad_fn)",
    "y = x.view(3); y.detach_(); 0",
    "y = x * 1; y[0] = 5.; y.sum().backward(); x.grad",
    "y = x * 1; v = y[0]; v.mul_(3); y.sum().backward(); (x.grad, v.grad_fn.name(), y.grad_fn.name())",
    "y = torch.zeros(2); y[0] = x[0]; y.sum().backward(); (x.grad, y.grad_fn.name())",
    "y = torch.zeros(3); y.copy_(x); (y.grad_fn.name(), repr(y))",
    "a, b, c = (x * 1).unbind(); a.mul_(2); 0",
    "a, b = (w * 1).chunk(2); a.mul_(2); 0",
    "a, b = (w * 1).split(1); b.mul_(2); 0",
    "a, b = k[:2].chunk(2); a.mul_(2); k",
    "y = x * 1\nwith torch.no_grad(): v = y[0]\nv.mul_(2); 0",
    "y = x * 1\nwith torch.no_grad(): v = y[0:2]\nv[0].mul_(2); 0",
    "with torch.no_grad(): v = k[0]\nv.mul_(2); (k, v.requires_grad)",
    "with torch.no_grad(): v = k[0:1]\nv.mul_(x[:1]); 0",
    "y = w * 1; a, b = y.unbind(); y.add_(1); a.grad_fn; 0",
    "y = w * 1; a, b = y.unbind(); y.add_(1); a * 2; 0",
    "y = w * 1; a, b = y.unbind(); y.add_(1)\nwith torch.no_grad(): q = a * 2\nq",
    "e = k.expand(2, 3); e.add_(1); 0",
    "e = k.expand(2, 3); e.copy_(k); 0",
    "a = torch.arange(5.); a[1:].add_(a[:-1]); 0",
    "a = torch.arange(5.); a[1:].copy_(a[:-1]); 0",
    "a = torch.arange(4.); a.add_(a); a",
    "y = x * 1; y.mul_(y); y.sum().backward(); 0",
    "y = x * 1; y._version; y.add_(1); y[0] = 1; y._version",
    "y = x.view(3); (y.is_leaf, y._is_view(), y._base is x, y._version)",
    "y = x.view(1, 3)[0]; (y._base is x, y.grad_fn.name(), y.grad_fn.next_functions[0][0].name())",
    "x.data = torch.ones(4, dtype=torch.float64); (x, x.is_leaf)",
    "x.data = torch.ones(3, dtype=torch.int64); 0",
    "x.data = 3; 0",
    "x.data = torch.ones(2, 2); (x * 2).sum().backward(); x.grad",
    "x.sum().backward(); x.data = torch.ones(2, 2); x.grad",
    "k.data.requires_grad, x.data.requires_grad, x.data.grad_fn",
    "x.grad_fn, x.is_leaf, k.is_leaf, (x * 2).is_leaf, (k * 2).is_leaf",
    "x.output_nr, w.unbind()[1].output_nr",
    "x.requires_grad_(False); y = x * 2; x.requires_grad_(); y.requires_grad",
    "y = x * x; x.requires_grad_(False); y.sum().backward(); x.grad",
    "y = x * x; x.requires_grad_(False); x.requires_grad_(); y.sum().backward(); x.grad",
    "y = (x * 2).grad_fn; (y.name(), type(y).__name__, [(None if f is None else f.name(), i) for f, i in "
    "y.next_functions])",
    "y = (x * w).grad_fn; [(f.name(), i) for f, i in y.next_functions]",
    "y = (x ** 2).grad_fn; [(f.name(), i) for f, i in y.next_functions]",
    "y = w.unbind()[1] * 2; [(None if f is None else f.name(), i) for f, i in y.grad_fn.next_functions]",
    "y = (x * 2).grad_fn; y.metadata['a'] = 1; y.metadata['a']",
    "(x * 2).grad_fn.nothing",
    "y = x * 2; y.grad_fn is y.grad_fn",
    "a = (x * 2).grad_fn.next_functions[0][0]; (a.variable is x, type(a).__name__, repr(a)[:27])",
    "repr(x * 2), repr(x), repr(w.unbind()[0]), repr(x.detach())",
    "y = torch.ones(3).set_(k); (y, y.data_ptr() == k.data_ptr())",
    "y = (x > 0).float(); y.requires_grad",
    "torch.argmax(x).requires_grad, x.max(0)[1].requires_grad",
    "x.volatile",
    "x.numpy()",
    "float(x[0]), x.tolist(), x[0].item()",
    "torch.autograd.Variable(k, requires_grad=True).is_leaf, isinstance(k, torch.autograd.Variable)",
]


@pytest.mark.parametrize("source", BACKWARD)
def test_backward(source: str) -> None:
    """backward() and what it leaves in .grad."""
    assert_agree(source, LEAVES, rtol=1e-6)


@pytest.mark.parametrize("source", GRAD)
def test_grad(source: str) -> None:
    """autograd.grad()."""
    assert_agree(source, LEAVES, rtol=1e-6)


@pytest.mark.parametrize("source", HOOKS)
def test_hooks(source: str) -> None:
    """Hooks on tensors and nodes: when they run, with what, and what becomes of their answers."""
    assert_agree(source, LEAVES, rtol=1e-6)


@pytest.mark.parametrize("source", MODES)
def test_modes(source: str) -> None:
    """no_grad, enable_grad, set_grad_enabled, inference_mode."""
    assert_agree(source, LEAVES, rtol=1e-6)


@pytest.mark.parametrize("source", LEAVES_AND_VERSIONS)
def test_leaves_and_versions(source: str) -> None:
    """Leaves, views, versions, and the attributes of nodes."""
    assert_agree(source, LEAVES, rtol=1e-6)


def test_modes_belong_to_their_thread() -> None:
    """A thread starts with grad mode on, whatever the others do."""
    answers = {}
    for library in (torch, flambeau):
        seen: list[bool] = []

        def look(library=library, seen=seen) -> None:  # type: ignore[no-untyped-def]
            seen.append(library.is_grad_enabled())
            library.set_grad_enabled(False)

        with library.no_grad():
            other = threading.Thread(target=look)
            other.start()
            other.join()
        answers[library.__name__] = [*seen, library.is_grad_enabled()]
    assert answers["flambeau"] == answers["torch"] == [True, True]


def test_backward_in_threads() -> None:
    """Disjoint graphs may run backward at the same time."""
    leaves = [flambeau.full((50,), float(i), requires_grad=True) for i in range(4)]

    def work(x: flambeau.Tensor) -> None:
        for _ in range(20):
            (x * x).sum().backward()

    threads = [threading.Thread(target=work, args=(x,)) for x in leaves]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [x.grad.tolist()[0] for x in leaves] == [40.0 * i for i in range(4)]

"""Statements that several test modules run in both libraries before their own (see `against`)."""

import numpy as np

# index tensors and ones, from numbers; a mask
INDEXES = """
i, o = lambda *a: torch.tensor(a), lambda *s: torch.ones(s)
m = torch.tensor([[True, False, True], [False, True, False]])
"""
# tensors to index: leaves, others, empty and 0-dim ones, masks
INDEXED = """
t = torch.tensor([[0.0, 1, 2], [3, 4, 5]])
r = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
c, z, e, l = r * 1, torch.tensor(5.0), torch.empty(0, 3), t.long()
b, u = torch.zeros(3, dtype=torch.bool), torch.zeros(3, dtype=torch.uint8)
v, cz = torch.arange(4.0, requires_grad=True), torch.tensor(5.0, requires_grad=True) * 1
"""
INDEXED += INDEXES

# values of leaves that are indexed
LEAVES = {
    "x": np.random.RandomState(1).randn(2, 3, 4), "y": np.random.RandomState(2).randn(2, 3),
    "v": np.random.RandomState(3).randn(4), "s": 0.7, "w": np.random.RandomState(6).randn(3, 3, 4),
    "c": np.random.RandomState(4).randn(2, 3) + 1j * np.random.RandomState(5).randn(2, 3),
}  # fmt: skip

INDEXED_DTYPES = (
    "bool", "uint8", "int32", "int64", "uint16", "float16", "bfloat16", "float64", "complex32", "complex64",
)  # fmt: skip

# t draws a tensor, chain names its nodes, grads answers with gradients under a drawn cotangent
MATRICES = """
F = torch.nn.functional
def t(*shape, d=torch.float32, g=False, seed=0):
    values = np.random.RandomState(len(shape) + sum(shape) + seed).randint(-4, 5, shape)
    x = torch.tensor(values.tolist(), dtype=torch.int64).reshape(shape).to(d)
    return x.requires_grad_() if g else x
def cotangent(y, seed=7):
    values = np.random.RandomState(seed).randint(-3, 4, tuple(y.shape))
    return torch.tensor(values.tolist(), dtype=torch.int64).reshape(tuple(y.shape)).to(y.dtype)
def chain(n):
    if n is None: return '-'
    if 'Accum' in n.name(): return 'A'
    return n.name() + '(' + ','.join(chain(m) for m, _ in n.next_functions) + ')'
def grads(f, *xs):
    'first and second gradients with integer cotangents: exact in every floating dtype'
    y = f(*xs)
    first = torch.autograd.grad(y, xs, cotangent(y), create_graph=True)
    again = torch.autograd.grad(f(*xs), xs, cotangent(y))
    live = [g for g in first if g.requires_grad]
    second = torch.autograd.grad(live, xs, [cotangent(g) for g in live], allow_unused=True) if live else ()
    return chain(y.grad_fn), [g.tolist() for g in first], [g.tolist() for g in again], [
        None if g is None else g.tolist() for g in second]
"""

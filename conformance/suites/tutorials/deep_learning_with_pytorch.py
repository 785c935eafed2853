"""The statements of the tutorial "Deep learning with PyTorch", typos mended."""

import numpy as np
import torch

# Linear regression, in NumPy and then as a tensor program
np.random.seed(1234)
num = 100
w_true, b_true = 0.727, 3.193
x = np.linspace(-50, 50, num)
y_true = w_true * x + b_true


def gradient_descent(w_init, b_init, lr, x, y):
    N = len(x)
    grad_w = 2 / N * np.sum((w_init * x + b_init - y) * x)
    grad_b = 2 / N * np.sum((w_init * x + b_init - y))
    return w_init - lr * grad_w, b_init - lr * grad_b


w, b = 0, 0
for e in range(50):
    w, b = gradient_descent(w, b, 1e-3, x, y_true)
w, b
xt, yt = torch.from_numpy(x), torch.from_numpy(y_true)
wt = torch.zeros((), dtype=torch.float64, requires_grad=True)
bt = torch.zeros((), dtype=torch.float64, requires_grad=True)
for e in range(50):
    loss = ((wt * xt + bt - yt) ** 2).sum() / len(xt)
    gw, gb = torch.autograd.grad(loss, (wt, bt))
    with torch.no_grad():
        wt -= 1e-3 * gw
        bt -= 1e-3 * gb
    if e % 10 == 0:
        print("Epoch:", e, " loss:", loss.item(), " w =", wt.item(), " b =", bt.item())
wt
bt

# Basic data types
torch.manual_seed(0)
a = torch.randn(2, 3)
a
a.type()
type(a)
isinstance(a, torch.FloatTensor)
torch.tensor(1.0)
torch.tensor(1.3)
a = torch.tensor(2.2)
a
a.shape
len(a.shape)
a.size()
b = torch.tensor([1.1])
b
b.shape
len(b.shape)
len(b.size())
torch.tensor([1.1])
torch.tensor([1.1, 2.2])
torch.FloatTensor(1)  # uninitialised
torch.FloatTensor(2)  # uninitialised
data = np.ones(2)
data
torch.from_numpy(data)
a = torch.ones(2)
a
a.shape
torch.size([2])
torch.Size([2])
a.Size()
a.size()
a = torch.randn(2, 3)
a
a.shape
a.size(0)
a.size(1)
a.shape[1]
a = torch.randn(1, 2, 3)
a
a.shape
a[0]
a[1]
list(a.shape)
a = torch.rand(2, 3, 28, 28)
a.shape
a.numel()
a.dim()
a
a = torch.tensor(1)
a
a.dim()
a.size()

# Creation
a = np.array([2, 3.3])
a
torch.from_numpy(a)
b = np.ones([2, 3])
b
torch.from_numpy(b)
torch.tensor([2.0, 3.2])
torch.tensor(2, 3)
torch.FloatTensor([2.0, 3.2])
torch.Tensor(2, 3)  # uninitialised
torch.tensor([[2.0, 3.2], [1.0, 22.3]])
torch.tensor([1.2, 3]).type()
torch.set_default_tensor_type(torch.DoubleTensor)
torch.tensor([1.2, 3]).type()
torch.tensor([1.2, 3])
torch.empty(1)  # uninitialised
torch.Tensor(2, 3)  # uninitialised
torch.IntTensor(2, 3)  # uninitialised
torch.FloatTensor(2, 3)  # uninitialised
torch.randn(3)
torch.set_default_tensor_type(torch.FloatTensor)
torch.rand(3, 3)
a = torch.rand(3, 3)
a
torch.rand_like(a)
torch.randint(1, 10, (3, 3))
torch.randn(3, 3)
torch.normal(mean=torch.full([10], 0), std=torch.arange(1, 0, -0.1))
torch.normal(mean=torch.full([10], 0.0), std=torch.arange(1, 0, -0.1))
torch.normal(mean=torch.full([10], 0.0), std=torch.arange(1, 0, -0.1))
torch.full([2, 3], 7)
torch.full([], 7)
torch.full([1], 7)
torch.full([2, 3], 7.0)
torch.arange(0, 10)
torch.arange(0, 10, 2)
torch.range(0, 10)
torch.linspace(0, 10)
torch.linspace(0, 10, 100)
torch.linspace(0, 10, 2)
torch.linspace(0, 10, 10)
torch.linspace(0, 10, 11)
torch.logspace(0, -1, 10)
torch.logspace(0, 1, 10)
torch.eye(3)
torch.eye(3, 3)
a = torch.ones(3, 3)
a
b = torch.zeros_like(a)
b
torch.randperm(10)
np.random.permutation(10)
a = torch.rand(2, 3)
b = torch.rand(2, 2)
print(a)
print("\n")
print(b)
idx = torch.randperm(a.shape[0])
idx
a[idx]
b[idx]
a, b
torch.Tensor(3, 3)  # uninitialised
torch.tensor([3.0, 2.0])

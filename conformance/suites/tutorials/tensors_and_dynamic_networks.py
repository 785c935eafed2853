"""The statements of the tutorial "PyTorch: Tensors and dynamic neural networks in Python", typos mended, plots left out."""

import torch
import numpy as np

# Tensor
np.random.seed(0)
torch.manual_seed(0)
numpy_tensor = np.random.randn(2, 3)
pytorch_tensor1 = torch.Tensor(numpy_tensor)
pytorch_tensor2 = torch.from_numpy(numpy_tensor)
pytorch_tensor1
pytorch_tensor2
pytorch_tensor1.shape
pytorch_tensor1.size()
pytorch_tensor1.type()
pytorch_tensor2.type()
pytorch_tensor1.dim()
pytorch_tensor1.numel()
x = torch.ones(2, 3)
x
x = torch.randn(4, 3)
x
max_value, max_idx = torch.max(x, dim=1)
max_value
max_idx
torch.max(x, dim=1)
sum_x = torch.sum(x, dim=1)
sum_x

# as the tutorial has it: the constructors do not stand in NumPy
np.Tensor(numpy_tensor)

# Variable
from torch.autograd import Variable

x_tensor = torch.randn(10, 5)
y_tensor = torch.randn(10, 5)
x = Variable(x_tensor, requires_grad=True)
y = Variable(y_tensor, requires_grad=True)
z = torch.sum(x + y)
print(z.data)
type(z.grad_fn).__name__
z.backward()
print(x.grad)
print(y.grad)
x
isinstance(x, Variable)

# Automatic derivation
x = Variable(torch.Tensor([2]), requires_grad=True)
y = x + 2
z = y**2 + 3
z
z.backward()
print(x.grad)
x = Variable(torch.randn(10, 20), requires_grad=True)
y = Variable(torch.randn(10, 5), requires_grad=True)
w = Variable(torch.randn(20, 5), requires_grad=True)
out = torch.mean(y - torch.matmul(x, w))
out
out.backward()
x.grad
y.grad
w.grad
out.backward()

# Linear model and gradient descent
x_train = np.array([[3.3], [4.4], [5.5], [6.71], [6.93], [4.168], [9.779], [6.182], [7.59], [2.167], [7.042], [10.791], [5.313], [7.997], [3.1]], dtype=np.float32)  # fmt: skip
y_train = np.array([[1.7], [2.76], [2.09], [3.19], [1.694], [1.573], [3.366], [2.596], [2.53], [1.221], [2.827], [3.465], [1.65], [2.904], [1.3]], dtype=np.float32)  # fmt: skip
x_train = torch.Tensor(x_train)
y_train = torch.Tensor(y_train)
torch.manual_seed(2017)
w = Variable(torch.randn(1), requires_grad=True)
b = Variable(torch.randn(1), requires_grad=True)
w
b
x_train = Variable(x_train)
y_train = Variable(y_train)


def linear_model(x):
    return x * w + b


y_ = linear_model(x_train)
x_train.data.numpy(), y_train.data.numpy()
y_.data.numpy()
y_.numpy()


def get_loss(y_, y_train):
    return torch.mean((y_ - y_train) ** 2)


loss = get_loss(y_, y_train)
loss
loss.backward()
w.grad
b.grad
w.data = w.data - 1e-2 * w.grad.data
b.data = b.data - 1e-2 * b.grad.data
for i in range(10):
    y_ = linear_model(x_train)
    loss = get_loss(y_, y_train)
    w.grad.zero_()
    b.grad.zero_()
    loss.backward()
    w.data = w.data - 1e-2 * w.grad.data
    b.data = b.data - 1e-2 * b.grad.data
    print("epoch: {}, loss: {}".format(i, loss.data.item()))
# as the tutorial has it: a 0-dim tensor cannot be indexed
loss.data[0]
y_ = linear_model(x_train)
y_.data.numpy()
w
b

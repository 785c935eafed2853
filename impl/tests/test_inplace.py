"""Random programs of views, in-place updates and recorded operations, in flambeau and in PyTorch.

A program is a list of steps on a growing list of tensors. After every step both libraries must agree on the error (type
and first line) or on the result: values, geometry, version, node, base. At the end the gradients of a loss over all
tensors are compared, first and second ones, errors included.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import flambeau

Step = tuple[str, int, int, int]
LIBRARIES: tuple[ModuleType, ModuleType] = (torch, flambeau)


def _dim(x: Any, k: int) -> int:
    return k % x.dim() if x.dim() else 0


def _unit(x: Any, k: int) -> tuple[int, ...]:
    """A shape that x expands to."""
    return tuple(2 if n == 1 else n for n in x.shape) if k % 2 else (2, *x.shape)


def _windows(x: Any, k: int) -> Any:
    return x.unfold(_dim(x, k), 2, 2)


def _restrided(x: Any, k: int) -> Any:
    return x.as_strided((2, 2), (2, k % 2), x.storage_offset() + k % 2)


# name -> (library, x, y, k) -> result; x and y are tensors, k a small number
VIEWS: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "select": lambda t, x, y, k: x.select(_dim(x, k), k % 2),
    "index": lambda t, x, y, k: x[k % 3],
    "tail": lambda t, x, y, k: x[1:],
    "stride": lambda t, x, y, k: x[..., :: 2 + k % 2],
    "transpose": lambda t, x, y, k: x.transpose(0, -1),
    "permute": lambda t, x, y, k: x.permute(*reversed(range(x.dim()))),
    "unsqueeze": lambda t, x, y, k: x.unsqueeze(k % 2),
    "squeeze": lambda t, x, y, k: x.squeeze(),
    "flat": lambda t, x, y, k: x.view(-1),
    "reshape": lambda t, x, y, k: x.reshape(-1),
    "narrow": lambda t, x, y, k: x.narrow(_dim(x, k), 0, 1),
    "diagonal": lambda t, x, y, k: x.diagonal(k % 2),
    "expand": lambda t, x, y, k: x.expand(_unit(x, k)),
    "unfold": lambda t, x, y, k: _windows(x, k),
    "as_strided": lambda t, x, y, k: _restrided(x, k),
    "unbind": lambda t, x, y, k: x.unbind(_dim(x, k))[0],
    "chunk": lambda t, x, y, k: x.chunk(2, _dim(x, k))[-1],
    "split": lambda t, x, y, k: x.split(1, _dim(x, k))[k % 2],
    "alias": lambda t, x, y, k: x.view_as(x),
    "detach": lambda t, x, y, k: x.detach(),
    "data": lambda t, x, y, k: x.data,
}
RECORDED: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "mul": lambda t, x, y, k: x * y,
    "add": lambda t, x, y, k: x + y,
    "sub_number": lambda t, x, y, k: x - k,
    "sin": lambda t, x, y, k: x.sin(),
    "exp": lambda t, x, y, k: x.exp(),
    "square": lambda t, x, y, k: x**2,
    "clone": lambda t, x, y, k: x.clone(),
    "contiguous": lambda t, x, y, k: x.contiguous(),
    "sum": lambda t, x, y, k: x.sum(),
}
UPDATES: dict[str, Callable[[Any, Any, Any, int], Any]] = {
    "mul_": lambda t, x, y, k: x.mul_(y),
    "add_": lambda t, x, y, k: x.add_(y, alpha=k),
    "add_number_": lambda t, x, y, k: x.add_(k),
    "div_number_": lambda t, x, y, k: x.div_(k + 1),
    "copy_": lambda t, x, y, k: x.copy_(y),
    "zero_": lambda t, x, y, k: x.zero_(),
    "fill_": lambda t, x, y, k: x.fill_(k),
    "sin_": lambda t, x, y, k: x.sin_(),
    "exp_": lambda t, x, y, k: x.mul_(0.1).exp_(),
    "set_item": lambda t, x, y, k: x.__setitem__(k % 2, y),
    "set_number": lambda t, x, y, k: x.__setitem__((..., k % 2), float(k)),
    "set_mask": lambda t, x, y, k: x.__setitem__(x > 0, float(k)),
    "requires_grad_": lambda t, x, y, k: x.requires_grad_(),
    "t_": lambda t, x, y, k: x.t_(),
    "unsqueeze_": lambda t, x, y, k: x.unsqueeze_(k % 2),
    "squeeze_": lambda t, x, y, k: x.squeeze_(),
}


def _quietly(library: ModuleType, action: Callable[..., Any], *arguments: Any) -> Any:
    with library.no_grad():
        return action(library, *arguments)


ACTIONS = {
    **VIEWS,
    **RECORDED,
    **UPDATES,
    **{f"no_grad_{n}": lambda t, *a, f=VIEWS[n]: _quietly(t, f, *a) for n in ("index", "flat", "unbind", "detach")},
    **{f"no_grad_{n}": lambda t, *a, f=UPDATES[n]: _quietly(t, f, *a) for n in ("mul_", "zero_", "set_number")},
}
# updates three times: they are what the programs are about
NAMES = [*ACTIONS, *UPDATES, *UPDATES]
steps = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 11), st.integers(0, 11), st.integers(0, 3)), min_size=1, max_size=9
)


PAIRED = ("mul", "mul_", "add_", "copy_", "set_item", "no_grad_mul_")


def _unreached(x: Any) -> bool:
    """A view made under no_grad of a base that requires grad: what PyTorch saves for it differs from op to op."""
    return x._is_view() and x.requires_grad and _graph(x).get("is_leaf", True)


def _tangled(x: Any, y: Any) -> bool:
    """Operands that share memory in a way that PyTorch does not judge: its results depend on the order of its loops."""
    if x.untyped_storage().data_ptr() != y.untyped_storage().data_ptr():
        return False
    return x is y and 0 in x.stride() or not (_dense(x) and _dense(y))


def _dense(x: Any) -> bool:
    expected = 1
    for s, n in sorted((s, n) for n, s in zip(x.shape, x.stride(), strict=True) if n != 1):
        if s != expected:
            return False
        expected *= n
    return True


def _start(t: ModuleType) -> list[Any]:
    state = np.random.RandomState(0)
    leaves = [t.tensor(state.randn(*s), requires_grad=True) for s in ((3, 4), (4,), (3, 1))]
    return [*leaves, leaves[0] * leaves[1], t.tensor(state.randn(3, 4))]


def _first_line(error: Exception) -> tuple[str, str]:
    return type(error).__name__, str(error).partition("\n")[0]


def _place(tensors: list[Any], t: Any) -> int | None:
    return next((i for i, x in enumerate(tensors) if x is t), None)


def _graph(t: Any) -> dict[str, Any]:
    """What a tensor says of its node; an error for views that must not be asked."""
    try:
        node = t.grad_fn
    except RuntimeError as error:
        return {"error": _first_line(error)}
    return {
        "is_leaf": t.is_leaf,
        "output_nr": t.output_nr,
        "node": None if node is None else node.name(),
        "next": None if node is None else [None if n is None else n.name() for n, _ in node.next_functions],
    }


def _described(t: Any, tensors: list[Any]) -> dict[str, Any]:
    return {
        "shape": tuple(t.shape),
        # a new result's strides of dims of size 1 name nothing
        "strides": [s for n, s in zip(t.shape, t.stride(), strict=True) if t._is_view() or n > 1],
        "offset": t.storage_offset(),
        "version": t._version,
        "requires_grad": t.requires_grad,
        "is_view": t._is_view(),
        "base": None if t._base is None else _place(tensors, t._base),
        "graph": _graph(t),
    }


def execute(t: ModuleType, program: list[Step]) -> list[Any]:
    """What a library answers to a program, as plain data."""
    tensors = _start(t)
    leaves = tensors[:3]
    answers: list[Any] = []
    for name, i, j, k in program:
        i %= len(tensors)
        if name in UPDATES and i < 3 and k < 3:
            i = 3  # an update of a leaf is nearly always refused: seldom try
        x, y = tensors[i], tensors[j % len(tensors)]
        if name in PAIRED and (_unreached(x) or _tangled(x, y)):
            continue
        try:
            result = ACTIONS[name](t, x, y, k)
        except (RuntimeError, IndexError, TypeError, ValueError) as error:
            answers.append((name, _first_line(error), _described(x, tensors)))
            continue
        if result is not None and _place(tensors, result) is None:
            tensors.append(result)
        answers.append((name, _described(tensors[-1] if result is None else result, tensors), _described(x, tensors)))
    answers.append([_described(x, tensors) for x in tensors])
    values = [x.detach().numpy().copy() for x in tensors]
    try:
        loss = sum(((x * (i + 1)).sin().sum() for i, x in enumerate(tensors)), t.zeros((), dtype=t.float64))
        first = t.autograd.grad(loss, leaves, create_graph=True)
        values += [g.detach().numpy().copy() for g in first]
        answers.append([g.requires_grad for g in first])
        second = t.autograd.grad(sum((g * g).sum() for g in first), leaves, allow_unused=True, materialize_grads=True)
        values += [g.detach().numpy().copy() for g in second]
    except RuntimeError as error:
        answers.append(_first_line(error))
    return [answers, values]


def compare(program: list[Step]) -> None:
    """Fail unless both libraries give one answer to a program."""
    expected, found = (execute(t, program) for t in LIBRARIES)
    for e, f in zip(expected[0], found[0], strict=True):
        assert f == e, program
    assert len(found[1]) == len(expected[1])
    for e, f in zip(expected[1], found[1], strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-9, atol=1e-12, err_msg=str(program))


@given(steps)
@example([("unbind", 3, 0, 0), ("mul_", 0, 0, 0), ("requires_grad_", 5, 0, 0)])
@example([("select", 8, 0, 0), ("exp_", 5, 0, 0), ("mul_", 5, 1, 0)])
@example([("select", 1, 0, 0), ("as_strided", 5, 0, 0)])
@example([("expand", 3, 0, 0), ("set_mask", 5, 0, 0)])
@pytest.mark.filterwarnings("ignore:Use of .* on expanded tensors is deprecated")
def test_programs(program: list[Step]) -> None:
    """Any program gives the answers that PyTorch gives."""
    compare(program)


OVERWRITES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "itself": lambda c, v, y: v.mul_(y),
    "by a number": lambda c, v, y: v.mul_(2.0),
    "its base": lambda c, v, y: c.mul_(2.0),
    "nothing saved": lambda c, v, y: v.add_(y),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("how", OVERWRITES)
def test_an_overwritten_view_is_named_by_its_node_while_that_lives(how: str, create_graph: bool) -> None:
    """The view's own node, as long as a later update or the view itself holds it, or else the operation's."""

    def told(t: Any) -> str:
        a, y = t.ones(3, 4, requires_grad=True), t.ones(4, requires_grad=True)
        c = a * y
        v = c.select(0, 0)
        v.exp_()
        OVERWRITES[how](c, v, y)
        with pytest.raises(RuntimeError, match="modified by an inplace operation") as error:
            t.autograd.grad(c.sum(), [a, y], create_graph=create_graph)
        return str(error.value)

    assert told(flambeau) == told(torch)


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [((2, 2), (2, 0), 0), ((2, 2), (1, 1), 1), ((3,), (1,), 0), ((2,), (2,), 2), ((0,), (1,), 5), ((), (), 3)],
)
def test_second_derivatives_of_a_place_outside_of_the_view(size: Any, stride: Any, offset: int) -> None:
    """A view of a view of the same storage may look at what the first does not: no gradient comes from there."""

    def told(t: Any) -> list[Any]:
        x = t.tensor([1.0, 2.0, 3.0, 4.0, 5.0], dtype=t.float64, requires_grad=True)
        y = x[1:3].as_strided(size, stride, offset)
        (first,) = t.autograd.grad((y**3).sum(), x, create_graph=True)
        found = [y.tolist(), first.tolist(), first.requires_grad]
        if first.requires_grad:
            found += t.autograd.grad((first**2).sum(), x)[0].tolist()
        return found

    assert told(flambeau) == told(torch)


def test_an_update_of_a_view_goes_backward_once() -> None:
    """Even one that saved nothing."""

    def told(t: Any) -> tuple[str, list[float]]:
        x = t.ones(3, requires_grad=True)
        y = x.clone()
        y[0].add_(1.0)
        loss = y.sum()
        loss.backward(retain_graph=True)
        loss.backward()
        with pytest.raises(RuntimeError) as error:
            loss.backward()
        return str(error.value), x.grad.tolist()

    assert told(flambeau) == told(torch)


#: Updates after each of which nobody looks at a tensor: asking for its node can change what PyTorch takes for a leaf.
UNSEEN: dict[str, Callable[[Any, Any, Any], Any]] = {
    "the view": lambda t, b, y: b[:2].mul_(y).add_(2.0),
    "a stepped view": lambda t, b, y: b[::2].mul_(y).add_(2.0),
    "its base": lambda t, b, y: (b[:2].mul_(y), b.add_(2.0))[1],
}


def _other_view(t: Any, b: Any, y: Any) -> Any:
    first, second = b[:2], b[2:]
    first.mul_(y)
    return second.add_(2.0)


def _view_of_the_updated(t: Any, b: Any, y: Any) -> Any:
    second = b[2:]
    b.mul_(y)
    return second.add_(2.0)


UNSEEN |= {"another view": _other_view, "a view of what was updated": _view_of_the_updated}


@pytest.mark.parametrize("name", UNSEEN)
def test_updates_that_nobody_looks_at_between(name: str) -> None:
    found = []
    for t in LIBRARIES:
        y = t.tensor(3.0, requires_grad=True)
        try:
            result = UNSEEN[name](t, t.ones(4), y)
            found.append((result.tolist(), t.autograd.grad(result.sum(), y)[0].item()))
        except RuntimeError as error:
            found.append(str(error))
    assert found[0] == found[1]

"""Hand-planted faults as rows of a table: an operation, what is wrong with it, in which aspects that must show.

    TABLE = (
        row("std", "ignores correction", "values", "input dim correction", ignores(correction=1)),
        row("vdot", "forgets the conjugate", "values", "input other", lambda c: c.torch.dot(c["input"], c["other"])),
    )

A mistake is a function of the `Call`: it gives the answer that stands in for PyTorch's. An error that PyTorch itself
raises for the call should be raised by it too, unless that is the mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from assay.surface import load_surface
from assay.testing.fault import FAULTS, Fault, through


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a faulty operation; names: its parameters in the order of positions."""

    torch: Any
    original: Callable[..., Any]
    names: tuple[str, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def has(self, name: str) -> bool:
        """Whether the argument is given."""
        return name in self.kwargs or (name in self.names and self.names.index(name) < len(self.args))

    def get(self, name: str, default: Any = None) -> Any:
        """The argument, or `default` where it is left out."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[self.names.index(name)] if self.has(name) else default

    def __getitem__(self, name: str) -> Any:
        if not self.has(name):
            raise KeyError(name)
        return self.get(name)

    def right(self) -> Any:
        """What PyTorch answers."""
        return self.original(*self.args, **self.kwargs)

    def but(self, **changes: Any) -> Any:
        """What PyTorch answers with other arguments; out= only where it was asked for."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for name, value in changes.items():
            if name in kwargs or name not in self.names or self.names.index(name) >= len(args):
                kwargs[name] = value
            else:
                args[self.names.index(name)] = value
        return self.original(*args, **kwargs)

    def put(self, result: Any) -> Any:
        """A computed result, written to `out=` where there is one."""
        return through(result, self.kwargs)


Mistake = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A declared fault; calls: the paths it is planted at, by default the operation's function and method, or
    its in-place form where it has no other."""

    op: str
    wrong: str
    aspects: str
    names: str
    mistake: Mistake
    calls: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """An identifier: "std_ignores_correction"."""
        return re.sub(r"\W+", "_", f"{self.op.rpartition('.')[2].strip('_')} {self.wrong}").strip("_")

    def fault(self) -> Fault:
        """The fault that it declares. Raises KeyError for an operation that PyTorch does not have."""
        paths = load_surface().operation(self.op).paths
        calls = self.calls or (*paths.get("function", ()), *paths.get("method", ())) or paths["inplace"]
        names, mistake = tuple(self.names.split()), self.mistake

        def behave(torch: Any, original: Any, *args: Any, **kwargs: Any) -> Any:
            return mistake(Call(torch, original, names, args, kwargs))

        return Fault(self.name, self.op, tuple(self.aspects.split()), calls, behave)


def row(op: str, wrong: str, aspects: str, names: str, mistake: Mistake, *calls: str) -> Row:
    """A row of a table."""
    return Row(op, wrong, aspects, names, mistake, calls)


def register(table: Iterable[Row]) -> None:
    """Add a table to the faults. Raises ValueError where two have one name."""
    for declared in table:
        if declared.name in FAULTS:
            raise ValueError(f"two faults are called {declared.name}")
        FAULTS[declared.name] = declared.fault()


# Common mistakes


def ignores(**defaults: Any) -> Mistake:
    """Arguments that are not looked at, with what is taken instead."""
    return lambda c: c.but(**{name: value for name, value in defaults.items() if c.has(name)})


def assumes(**defaults: Any) -> Mistake:
    """Another default of arguments that are left out."""
    return lambda c: c.but(**{name: value for name, value in defaults.items() if not c.has(name)})


def changes(change: Callable[[Call, Any], Any]) -> Mistake:
    """change(call, result) of a result that is a tensor, given even where it goes to `out=`."""

    def mistake(call: Call) -> Any:
        result = call.right()
        return call.put(change(call, result)) if isinstance(result, call.torch.Tensor) else result

    return mistake


def gradient(change: Callable[[Call, Any], Any]) -> Mistake:
    """change(call, g) of the gradient that flows back into the result."""

    def mistake(call: Call) -> Any:
        result = call.right()
        if isinstance(result, call.torch.Tensor) and result.requires_grad and not result.is_leaf:
            result.register_hook(lambda g: change(call, g))
        return result

    return mistake


def accepts(error: type[Exception], instead: Mistake) -> Mistake:
    """A refusal that is missing: `instead` is answered where PyTorch raises `error`."""

    def mistake(call: Call) -> Any:
        try:
            return call.right()
        except error:
            return instead(call)

    return mistake


def where_possible(instead: Mistake) -> Mistake:
    """`instead`, in calls that PyTorch answers and where it gives an answer at all."""

    def mistake(call: Call) -> Any:
        right = call.right()
        try:
            found = instead(call)
        except (RuntimeError, IndexError):
            return right
        return right if found is None else found

    return mistake


def raises(error: type[Exception], other: type[Exception]) -> Mistake:
    """An error of another type."""

    def mistake(call: Call) -> Any:
        try:
            return call.right()
        except error as raised:
            raise other(str(raised)) from raised

    return mistake


def refuses(which: Callable[[Call], bool], error: Callable[[], Exception]) -> Mistake:
    """Valid calls that are refused."""

    def mistake(call: Call) -> Any:
        result = call.right()
        if which(call):
            raise error()
        return result

    return mistake


def keeps_a_copy(call: Call) -> Any:
    """A copy where PyTorch gives a view."""
    result = call.right()
    if isinstance(result, call.torch.Tensor):
        return result.clone()
    return type(result)(t.clone() for t in result)


def grad_of(call: Call, value: Any, stand_in: Any) -> Any:
    """`value` with the derivatives of `stand_in`."""
    if not (isinstance(stand_in, call.torch.Tensor) and stand_in.requires_grad):
        return value
    return value.detach() + (stand_in - stand_in.detach())


# What several of them need


def only(which: Any, mistake: Any) -> Any:
    """A mistake that is made in some calls alone."""
    return lambda c: mistake(c) if which(c) else c.right()


def plain(c: Call) -> bool:
    """Nothing but the input is given."""
    return len(c.args) + len(c.kwargs) == 1


def no_out(c: Call) -> bool:
    return "out" not in c.kwargs


def not_resized(c: Call) -> Any:
    """What does not fit into `out=` is left out."""
    out = c.kwargs.get("out")
    if out is None:
        return c.right()
    before = out.detach().clone()
    result = c.right()
    if result.shape != before.shape:
        with c.torch.no_grad():
            out.resize_(before.shape).copy_(before)
    return out


def scribbled(c: Call, tensor: Any) -> Any:
    result = c.right()
    if isinstance(tensor, c.torch.Tensor) and tensor.is_contiguous():
        tensor.data.mul_(2)
    return result


def kept(c: Call, *left: str) -> dict[str, Any]:
    return {k: v for k, v in c.kwargs.items() if k not in left}


def swapped(c: Call) -> Any:
    """A pair of results the other way round."""
    result = c.right()
    if "out" in c.kwargs:
        held = result[0].detach().clone()
        result[0].data.copy_(result[1].detach())
        result[1].data.copy_(held)
        return result
    return type(result)((result[1], result[0])) if type(result) is not tuple else (result[1], result[0])

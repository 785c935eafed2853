"""Executing a program in one library: every step is resolved and called as a case's own call would be."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from assay.case import Named
from assay.program import CHOICE, Program, Ref, Step, mapped
from assay.programs.calls import rounds
from assay.subjects.adapter import Adapter, Missing

if TYPE_CHECKING:
    from assay.rounding import Rounding


class Interpreter:
    """Programs in the library behind `side`; with `rounding`, what steps round is moved."""

    def __init__(self, side: Adapter, rounding: Rounding | None = None) -> None:
        self._side = side
        self._rounding = rounding

    def __call__(self, *args: Any) -> Any:
        """The answer of the program that stands behind its tensors: a tuple, or the only value."""
        *values, program = args
        assert isinstance(program, Program)
        for step in program.steps:
            values.append(self._taken(step, values))
        found = tuple(self._value(ref, values) for ref in program.returns)
        return found[0] if len(found) == 1 else found

    def _taken(self, step: Step, values: list[Any]) -> Any:
        args = tuple(self._given(arg, values) for arg in step.args)
        if step.call == CHOICE:
            condition, then, otherwise = args
            return then if condition else otherwise
        if step.guard is not None and not self._value(step.guard, values):
            return args[0]
        kwargs = {name: self._given(arg, values) for name, arg in step.kwargs.items()}
        function, args = self._side.resolve(step.call, args)
        with self._without_graph() if step.no_grad else contextlib.nullcontext():
            result = self._side.step(function, args, kwargs)
        if self._rounding is not None and rounds(step.call):
            self._rounding.result(result)
        return result

    def _without_graph(self) -> contextlib.AbstractContextManager[Any]:
        try:
            entered: contextlib.AbstractContextManager[Any] = self._side.function("torch.no_grad")()
        except AttributeError as error:
            raise Missing("torch.no_grad") from error
        return entered

    def _given(self, arg: Any, values: list[Any]) -> Any:
        def change(leaf: Any) -> Any:
            if isinstance(leaf, Ref):
                return self._value(leaf, values)
            return self._side.named(leaf.name) if isinstance(leaf, Named) else leaf

        return mapped(arg, change)

    @staticmethod
    def _value(ref: Ref, values: list[Any]) -> Any:
        value = values[ref.index]
        return value if ref.part is None else value[ref.part]

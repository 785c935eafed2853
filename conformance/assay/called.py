"""Which public operations of a library run while a case of another does: seen from outside, by Python's profiler.

A public name is known by the function that it stands for: its code and what it closes over, so that functions made by
one factory are told apart, or the built-in itself. What a library does without its own public names is not seen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType
from typing import Any

from assay.case import Case
from assay.execute import Want, answer
from assay.outcome import Outcome
from assay.plan import Plan, policy_of
from assay.policy import Policy
from assay.result import Name
from assay.subjects.adapter import Adapter, attribute
from assay.surface import load_surface
from assay.worker import Local, Worker

Key = tuple[int, ...]


class Watch:
    """The public operations of a library, recognised when they are called; notes them while it is on."""

    def __init__(self, side: Adapter) -> None:
        self._codes: dict[CodeType, dict[Key, str]] = {}
        self._builtins: dict[int, str] = {}
        self._methods: dict[str, str] = {}
        self._tensor = getattr(side.module, "Tensor", None)
        self._kept: list[Any] = []
        self.noted: dict[str, None] = {}
        for op, operation in load_surface().operations_by_name.items():
            for path in (path for paths in operation.paths.values() for path in paths):
                try:
                    self._know(op, path, attribute(side.module, path.replace("Tensor.", "torch.Tensor.", 1)))
                except AttributeError:
                    continue

    def _know(self, op: str, path: str, found: Any) -> None:
        if isinstance(found, FunctionType):
            self._codes.setdefault(found.__code__, {}).setdefault(_closed_over(found), op)
        elif isinstance(found, BuiltinFunctionType):
            self._builtins[id(found)] = op
        elif path.startswith("Tensor."):
            self._methods[path.removeprefix("Tensor.")] = op
        elif isinstance(call := vars(type(found)).get("__call__"), FunctionType):
            self._codes.setdefault(call.__code__, {}).setdefault((id(found),), op)
        self._kept.append(found)  # an id is one's own only while one lives

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        """What `sys.setprofile` calls."""
        if event == "call":
            known = self._codes.get(frame.f_code)
            if known:
                self._note(known.get(_seen(frame)))
        elif event == "c_call":
            op = self._builtins.get(id(called))
            owner = getattr(called, "__self__", None)
            if op is None and self._tensor is not None and isinstance(owner, self._tensor):
                op = self._methods.get(called.__name__)
            self._note(op)

    def _note(self, op: str | None) -> None:
        if op is not None:
            self.noted.setdefault(op)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, watched."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            sys.setprofile(self)
            try:
                return function(*args, **kwargs)
            finally:
                sys.setprofile(None)

        return watched


def _closed_over(function: FunctionType) -> Key:
    return tuple(id(cell.cell_contents) if _is_full(cell) else 0 for cell in function.__closure__ or ())


def _is_full(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _seen(frame: FrameType) -> Key:
    """What `_closed_over` says of the function that runs in the frame, or of the object whose `__call__` does."""
    code = frame.f_code
    if code.co_freevars:
        found = frame.f_locals
        return tuple(id(found[name]) if name in found else 0 for name in code.co_freevars)
    if code.co_name == "__call__" and code.co_varnames:
        return (id(frame.f_locals.get(code.co_varnames[0])),)
    return ()


def watching(side: Adapter) -> Callable[[Case, Policy], Outcome]:
    """A worker's answer in the role "called": `extra["called"]` names the public operations, the case's own apart,
    that ran while it was called and differentiated."""
    watch = Watch(side)
    for name in ("call", "grad"):
        setattr(side, name, watch.around(getattr(side, name)))

    def respond(case: Case, policy: Policy) -> Outcome:
        watch.noted.clear()
        answer(case, side, want=Want(data=False, gradients=True, aliases=False))
        return Outcome("returned", extra={"called": tuple(op for op in watch.noted if op != case.op)})

    return respond


def called_by(plan: Plan, cases: Mapping[Name, Case]) -> dict[Name, tuple[str, ...]]:
    """By name of a failure, the public operations that its case calls in the subject, in a process of its own."""
    jobs = [(case, policy_of(case.op)) for case in cases.values()]
    if not jobs or plan.subject.kind == "recorded":
        return {}
    with Local(plan.subject, "called") if plan.in_process else Worker(plan.subject, "called", plan.limits) as worker:
        outcomes = worker.answers(jobs)
    return {name: outcome.extra.get("called", ()) for name, outcome in zip(cases, outcomes, strict=True)}

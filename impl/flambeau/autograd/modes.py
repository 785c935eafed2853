"""Whether operations record: grad mode and inference mode, by thread."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


class _State(threading.local):
    # whether operations record
    enabled = True
    inference = False
    # what grad mode was set to inside inference mode, where it has no effect
    asked = False


state = _State()
# one element an inference mode that is on in some thread: fast paths look here before they look at their own thread
inference_modes: list[None] = []


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require grad are recorded in this thread."""
    return state.asked if state.inference else state.enabled


def _set_grad_enabled(mode: bool) -> None:
    if state.inference:
        state.asked = mode
    else:
        state.enabled = mode


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on in this thread."""
    return state.inference


class _Mode:
    """A grad mode as context manager and decorator."""

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        raise NotImplementedError

    def clone(self) -> _Mode:
        return type(self)()

    def __call__(self, function: _F) -> _F:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
                generator = function(*args, **kwargs)
                request = None
                while True:  # the mode holds while the generator runs, never between its steps
                    with self.clone():
                        try:
                            response = generator.send(request)
                        except StopIteration as end:
                            return end.value
                    request = yield response

            return generate  # type: ignore[return-value]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]


class _Fixed(_Mode):
    """A mode that sets recording to one value, as context manager or as bare decorator."""

    __module__ = "torch.autograd.grad_mode"
    recording: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = object.__new__(cls)
        return self if function is None else self(function)

    def __enter__(self) -> None:
        self.previous = is_grad_enabled()
        _set_grad_enabled(self.recording)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _set_grad_enabled(self.previous)


class no_grad(_Fixed):
    """Context manager and decorator: nothing is recorded inside."""

    __module__ = "torch.autograd.grad_mode"
    recording = False


class enable_grad(_Fixed):
    """Context manager and decorator: recording is on inside."""

    __module__ = "torch.autograd.grad_mode"
    recording = True


class set_grad_enabled(_Mode):
    """Turn recording on or off: takes effect at once, and is undone where used as a context manager."""

    __module__ = "torch.autograd.grad_mode"

    def __init__(self, mode: bool) -> None:
        self.previous = is_grad_enabled()
        self.mode = mode
        _set_grad_enabled(mode)

    def __call__(self, function: _F) -> _F:
        _set_grad_enabled(self.previous)
        return super().__call__(function)

    def __enter__(self) -> None:
        _set_grad_enabled(self.mode)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _set_grad_enabled(self.previous)

    def clone(self) -> set_grad_enabled:
        previous = is_grad_enabled()
        twin = set_grad_enabled(self.mode)
        _set_grad_enabled(previous)
        twin.previous = previous
        return twin

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}(mode={self.mode})"


class inference_mode(_Mode):
    """Context manager and decorator: nothing is recorded inside; what is made there is never saved for backward."""

    __module__ = "torch.autograd.grad_mode"
    mode: bool

    def __new__(cls, mode: Any = True) -> Any:
        self = object.__new__(cls)
        if isinstance(mode, bool):
            self.mode = mode
            return self
        self.mode = True
        return self(mode)

    def __init__(self, mode: Any = True) -> None:
        pass

    def clone(self) -> inference_mode:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        self.previous = state.enabled, state.inference, state.asked
        state.enabled, state.inference, state.asked = not self.mode, self.mode, False
        if self.mode:
            inference_modes.append(None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        state.enabled, state.inference, state.asked = self.previous
        if self.mode:
            inference_modes.pop()

"""PyTorch, or what looks like it, on another device or through a compiler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from assay.subjects.adapter import Adapter, Claims

_NO_STREAM = ("structure", "dtype", "shape", "values", "mutation", "aliasing", "gradients", "gradients2", "error")


class Placed(Adapter):
    """The module's tensors live on a device; what it makes without being told where is made there too.

    Random streams and printed text are not claimed: they name the device.
    """

    claims = Claims(aspects=(*_NO_STREAM, "stride"))

    def __init__(self, module: Any, device: str) -> None:
        super().__init__(module)
        self.device = device

    def start(self) -> None:
        super().start()
        self.module.zeros((1,), device=self.device)  # a device that is not there is told at once
        if hasattr(self.module, "set_default_device"):
            self.module.set_default_device(self.device)

    def reset(self, seed: int, default_dtype: str) -> None:
        super().reset(seed, default_dtype)
        self.module.manual_seed(seed)

    def tensor(self, array: np.ndarray, dtype: str) -> Any:
        return super().tensor(array, dtype).to(self.device)

    def generator(self, *seed: int) -> Any:
        made = self.module.Generator(device=self.device)
        made.manual_seed(*seed)
        return made

    def data(self, tensor: Any, dtype: str) -> bytes | None:
        return super().data(tensor.detach().cpu(), dtype)

    def told(self, value: Any) -> str:
        """Where PyTorch answers "cpu", this device is meant."""
        return "cpu" if str(value).partition(":")[0] == self.device.partition(":")[0] else super().told(value)


class Meta(Placed):
    """Tensors without data: structure, dtypes, shapes, strides and errors."""

    claims = Claims(aspects=("structure", "dtype", "shape", "stride", "error"))
    writable = False

    def generator(self, *seed: int) -> Any:
        raise NotImplementedError("generators of the device meta")

    def data(self, tensor: Any, dtype: str) -> bytes | None:
        return None if tensor.device.type == "meta" else super().data(tensor, dtype)

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any]
    ) -> Any:
        try:
            return super().call(function, args, kwargs, leaves)
        except RuntimeError as error:
            if "meta" in str(error).lower():  # what needs the data says so, in many words
                raise NotImplementedError(str(error)) from error
            raise


class Compiled(Adapter):
    """Every call goes through `torch.compile` with a backend, afresh: nothing is served from an earlier case.

    Errors are not claimed: the compiler raises types of its own.
    """

    claims = Claims(aspects=tuple(a for a in _NO_STREAM if a != "error"))

    def __init__(self, module: Any, backend: str) -> None:
        super().__init__(module)
        self.backend = backend

    def start(self) -> None:
        super().start()
        known = self.module.compiler.list_backends(exclude_tags=())
        if self.backend not in known:
            raise ValueError(f"torch.compile has no backend {self.backend!r}; it has {', '.join(known)}")

    def call(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], leaves: Sequence[Any]
    ) -> Any:
        self.module.compiler.reset()
        compiled = self.module.compile(lambda *a, **k: function(*a, **k), backend=self.backend, dynamic=False)
        return compiled(*args, **kwargs)


def placed(module: Any, device: str, backend: str) -> Adapter:
    """The adapter for a device and a compiler's backend. Raises ValueError for both at once."""
    if device and backend:
        raise ValueError("a compiled subject runs where PyTorch does: give a device or compile=, not both")
    if backend:
        return Compiled(module, backend)
    return Meta(module, device) if device == "meta" else Placed(module, device)

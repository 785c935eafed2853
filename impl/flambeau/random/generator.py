"""torch.Generator over the CPU engine."""

from __future__ import annotations

from typing import Any

from flambeau.ctype import CType
from flambeau.random.mt19937 import Engine
from flambeau.size import device as device_class


class Generator(metaclass=CType):
    """A pseudo-random stream (https://docs.pytorch.org/docs/stable/generated/torch.Generator.html).

    Raises RuntimeError for a device without one.
    """

    __module__ = "torch._C"

    def __init__(self, device: Any = "cpu") -> None:
        where = device_class(device)
        if where.type == "meta":
            raise RuntimeError("META device type not an accelerator.")
        if where.type != "cpu":
            raise NotImplementedError(f"flambeau has no {where.type} generator yet; it has 'cpu'")
        self._device = where
        self.engine = Engine()

    @property
    def device(self) -> device_class:
        """Where the stream is drawn."""
        return self._device

    def manual_seed(self, seed: int) -> Generator:
        """Restart from a seed. Raises for what is no 64-bit integer."""
        if not isinstance(seed, int):
            raise TypeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        self.engine.manual_seed(seed)
        return self

    def seed(self) -> int:
        """Restart from the operating system's entropy; returns the seed."""
        return self.engine.seed()

    def initial_seed(self) -> int:
        """The seed last set."""
        return self.engine.initial_seed()

    def get_state(self) -> Any:
        """The state as a uint8 tensor of 5056 elements."""
        from flambeau.data import from_bytes

        return from_bytes(self.engine.get_state())

    def set_state(self, new_state: Any) -> Generator:
        """Continue from a state that `get_state` gave. Raises TypeError or RuntimeError for anything else."""
        from flambeau.tensor import Tensor

        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype.name != "uint8":
            raise TypeError("RNG state must be a torch.ByteTensor")
        self.engine.set_state(new_state.numpy().tobytes())
        return self

    def clone_state(self) -> Generator:
        """Another generator at the same place of the stream."""
        twin = object.__new__(Generator)
        twin._device = self._device
        twin.engine = self.engine.clone()
        return twin

    def graphsafe_get_state(self) -> Generator:
        """The generator itself, as a handle on its state."""
        return self

    def graphsafe_set_state(self, state: Generator) -> Generator:
        """Share another generator's state."""
        self.engine = state.engine
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.engine.get_state(),)


def _restored(state: bytes) -> Generator:
    g = Generator()
    g.engine.set_state(state)
    return g


default_generator = Generator()
default_generator.seed()

"""The metaclass of classes that PyTorch writes in C."""

from typing import Any


class CType(type):
    """Python's errors name such a class with its module: unsupported operand type(s) for +: 'int' and 'torch.dtype'.

    They read C's tp_name, which type() takes from the name it is given; everything else asks for `__qualname__`.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> "CType":
        """A class whose `__name__` is `name`, as ever."""
        return super().__new__(cls, f"{space['__module__']}.{name}", bases, space)

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        return cls.__qualname__

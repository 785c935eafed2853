"""`torch.return_types`: tuples with named fields that operations with several results answer with.

They are what CPython calls struct sequences: made from one sequence, printed field by field, read-only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self


class _Field:
    """A named element of a struct sequence."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __get__(self, instance: tuple[Any, ...] | None, owner: type) -> Any:
        return self if instance is None else instance[self.index]

    def __set__(self, instance: tuple[Any, ...], value: Any) -> None:
        raise AttributeError("readonly attribute")


class StructSequence(tuple[Any, ...]):
    """What all return types share. Raises TypeError unless made from a sequence of the right length."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    n_fields = n_sequence_fields = n_unnamed_fields = 0

    def __new__(cls, sequence: Iterable[Any], dict: Any = None) -> Self:
        """The elements in order; `dict` is accepted, and ignored, as CPython does."""
        try:
            elements = tuple(sequence)
        except TypeError:
            raise TypeError("constructor requires a sequence") from None
        if len(elements) != cls.n_fields:
            kind = f"{cls.__module__}.{cls.__name__}"
            raise TypeError(f"{kind}() takes a {cls.n_fields}-sequence ({len(elements)}-sequence given)")
        if dict is not None and not isinstance(dict, _mapping):
            raise TypeError(f"{cls.__module__}.{cls.__name__}() takes a dict as second arg, if any")
        return tuple.__new__(cls, elements)

    def __repr__(self) -> str:
        lines = ",\n".join(f"{name}={value!r}" for name, value in zip(self.__match_args__, self, strict=True))
        return f"{type(self).__module__}.{type(self).__name__}(\n{lines})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self).__name__, tuple(self))


_mapping = dict


def _restored(name: str, elements: tuple[Any, ...]) -> StructSequence:
    """Unpickle: by name, so that it works under whatever name the package was imported."""
    return globals()[name](elements)  # type: ignore[no-any-return]


def _declare(name: str, *fields: str) -> None:
    """A type and its twin for out=, which PyTorch keeps apart."""
    for full in (name, f"{name}_out"):
        space: dict[str, Any] = {field: _Field(i) for i, field in enumerate(fields)}
        count = len(fields)
        space.update(__slots__=(), __module__="torch.return_types", __match_args__=fields)
        space.update(n_fields=count, n_sequence_fields=count, n_unnamed_fields=0)
        cls = globals()[full] = type(full, (StructSequence,), space)
        all_return_types.append(cls)
        __all__.append(full)


if TYPE_CHECKING:

    def __getattr__(name: str) -> type[StructSequence]: ...


all_return_types: list[type[StructSequence]] = []
__all__ = ["all_return_types"]

for _name in ("cummax", "cummin", "kthvalue", "max", "median", "min", "mode", "nanmedian", "sort", "topk"):
    _declare(_name, "values", "indices")
for _name, *_fields in (
    ("aminmax", "min", "max"),
    ("frexp", "mantissa", "exponent"),
    ("geqrf", "a", "tau"),
    ("histogram", "hist", "bin_edges"),
    ("histogramdd", "hist", "bin_edges"),
    ("linalg_cholesky_ex", "L", "info"),
    ("linalg_eig", "eigenvalues", "eigenvectors"),
    ("linalg_eigh", "eigenvalues", "eigenvectors"),
    ("linalg_inv_ex", "inverse", "info"),
    ("linalg_ldl_factor", "LD", "pivots"),
    ("linalg_ldl_factor_ex", "LD", "pivots", "info"),
    ("linalg_lstsq", "solution", "residuals", "rank", "singular_values"),
    ("linalg_lu", "P", "L", "U"),
    ("linalg_lu_factor", "LU", "pivots"),
    ("linalg_lu_factor_ex", "LU", "pivots", "info"),
    ("linalg_qr", "Q", "R"),
    ("linalg_slogdet", "sign", "logabsdet"),
    ("linalg_solve_ex", "result", "info"),
    ("linalg_svd", "U", "S", "Vh"),
    ("lu_unpack", "P", "L", "U"),
    ("qr", "Q", "R"),
    ("slogdet", "sign", "logabsdet"),
    ("svd", "U", "S", "V"),
    ("triangular_solve", "solution", "cloned_coefficient"),
):
    _declare(_name, *_fields)

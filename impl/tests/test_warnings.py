"""What operations warn of: the texts and how often, compared with PyTorch's."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import flambeau

MODULES = (torch, flambeau)


@pytest.fixture(autouse=True)
def always() -> Iterator[None]:
    """Warnings that come once a process come every time."""
    for module in MODULES:
        module.set_warn_always(True)
    yield
    for module in MODULES:
        module.set_warn_always(False)


def observed(call: Callable[[Any], Any], module: Any) -> tuple[set[tuple[str, str]], str]:
    """Categories and texts of the warnings, and the text of the error."""
    error = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call(module)
        except (RuntimeError, TypeError, IndexError) as raised:
            error = str(raised).split("\n", 1)[0]
    return {(w.category.__name__, str(w.message)) for w in caught}, error


def halves(module: Any, *shape: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return module.ones(shape, dtype=module.complex64).to(module.complex32)


UNARY_NAMES = "exp sin sqrt abs angle deg2rad erf reciprocal neg square sum prod mean amax cumsum cumprod flip isnan"
BINARY_NAMES = "add mul div pow fmod atan2 eq ne lt logical_and bitwise_or"
UNARY, BINARY = UNARY_NAMES.split(), BINARY_NAMES.split()
OPERANDS: dict[str, Callable[[Any], tuple[Any, Any]]] = {
    "halves": lambda m: (halves(m, 2), halves(m, 2)),
    "integers": lambda m: (halves(m, 2), m.ones(2, dtype=m.int16)),
    "to_integers": lambda m: (m.ones(2, dtype=m.int16), halves(m, 2)),
    "number": lambda m: (halves(m, 2), 1),
    "complex_number": lambda m: (m.ones(2, dtype=m.float16), 1j),
    "wider": lambda m: (halves(m, 2), m.ones(2, dtype=m.complex64)),
}
OTHER: dict[str, Callable[[Any], Any]] = {
    "read_outside": lambda m: halves(m, 2)[m.tensor([0, 5])],
    "write_other_dtype": lambda m: m.index_put(halves(m, 2), (m.tensor([0]),), m.ones(1)),
    "write_other_dtype_in_place": lambda m: halves(m, 2).index_put_((m.tensor([0]),), m.ones(1)),
    "scatter_other_dtype": lambda m: halves(m, 2).masked_scatter(m.tensor([True, True]), m.ones(2)),
    "product_of_dtypes": lambda m: m.mm(halves(m, 2, 2), m.ones((2, 2), dtype=m.int8)),
    "random": lambda m: m.randint_like(halves(m, 2), 5),
    "test_into_float": lambda m: m.eq(m.ones(2, dtype=m.complex64), 1, out=m.zeros(2)),
    "test_into_bool": lambda m: m.eq(m.ones(2, dtype=m.complex64), 1, out=m.zeros(2, dtype=m.bool)),
    "test_in_place": lambda m: m.ones(2).eq_(m.ones((), dtype=m.complex64)),
    "logic_into_integers": lambda m: m.logical_or(m.ones(2) * 1j, m.ones(2) * 1j, out=m.zeros(2, dtype=m.int64)),
    "into_other_complex": lambda m: m.exp(halves(m, 2), out=m.zeros(2, dtype=m.complex64)),
    "resized_then_refused": lambda m: m.fmod(m.ones(2) * 1j, 2, out=m.zeros(3, dtype=m.complex64)),
    "values_resized_indices_refused": lambda m: m.max(m.ones(2), 0, out=(m.zeros(2), m.zeros(2))),
    "one_of_two_resized": lambda m: m.aminmax(m.ones(2), out=(m.zeros(2), m.zeros(2, dtype=m.int8))),
    "product_with_number_into_other": lambda m: m.inner(m.ones(()), m.ones(2), out=m.zeros(0, dtype=m.float64)),
    "product_with_number_refused": lambda m: m.inner(m.ones(()), m.ones(2), out=m.zeros(0, dtype=m.int8)),
    "no_slices": lambda m: m.index_select(m.ones(0, 2), 0, m.tensor([0])),
    "mean_of_nothing": lambda m: m.mean(m.ones(0, 2) * 1j, [0, 1], out=m.empty(0, dtype=m.bfloat16)),
    "mean_into_real": lambda m: m.mean(m.ones(2) * 1j, out=m.empty(0)),
    "nothing_written": lambda m: m.zeros(0).__setitem__(slice(0, 1), m.tensor(1j)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_half_complex_results(name: str) -> None:
    rest = {"cumsum": (0,), "cumprod": (0,), "flip": (0,)}.get(name, ())
    theirs, ours = (observed(lambda m: getattr(m, name)(halves(m, 2), *rest), m) for m in MODULES)
    assert ours == theirs
    if hasattr(torch.Tensor, f"{name}_"):
        theirs, ours = (observed(lambda m: getattr(halves(m, 2), f"{name}_")(*rest), m) for m in MODULES)
        assert ours == theirs


@pytest.mark.parametrize("operands", OPERANDS)
@pytest.mark.parametrize("name", BINARY)
def test_half_complex_operands(name: str, operands: str) -> None:
    theirs, ours = (observed(lambda m: getattr(m, name)(*OPERANDS[operands](m)), m) for m in MODULES)
    assert ours == theirs

    def in_place(m: Any) -> None:
        first, second = OPERANDS[operands](m)
        getattr(first, f"{name}_")(second)

    if (name, operands) != ("pow", "complex_number"):  # PyTorch makes a result before it finds that it cannot be stored
        theirs, ours = (observed(in_place, m) for m in MODULES)
        assert ours == theirs


@pytest.mark.parametrize("case", OTHER)
def test_warnings_on_the_way(case: str) -> None:
    theirs, ours = (observed(OTHER[case], m) for m in MODULES)
    assert ours == theirs


def test_warnings_come_once_unless_always() -> None:
    for module in MODULES:
        assert module.is_warn_always_enabled()
        counts = []
        for state in (True, False, False):
            module.set_warn_always(state)
            assert module.is_warn_always_enabled() is state
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                for _ in range(2):
                    module.ones(2, dtype=module.complex64).to(module.complex32)
            counts.append(len(caught))
        # what came while all came does not count as seen
        assert counts in ([2, 1, 0], [2, 0, 0])
        with pytest.raises(RuntimeError, match="setWarnOnlyOnce expects a bool, but got int"):
            module.set_warn_always(1)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("shape", [(2, 4, 5), (), (3,)])
@pytest.mark.parametrize("name", ["kthvalue", "median", "mode", "max"])
def test_shapes_that_a_resize_tells(name: str, shape: tuple[int, ...], keepdim: bool) -> None:
    for dim in (0, -1):
        for given in ((7,), (), (1,), (4, 5), (1, 4, 5), (4, 5, 2), (1, 1, 1, 1)):

            def call(m: Any, dim: int = dim, given: tuple[int, ...] = given) -> None:
                rest = (1, dim) if name == "kthvalue" else (dim,)
                getattr(m, name)(m.ones(shape), *rest, keepdim, out=(m.zeros(given), m.zeros(given, dtype=m.int64)))

            theirs, ours = (observed(call, m) for m in MODULES)
            assert ours == theirs

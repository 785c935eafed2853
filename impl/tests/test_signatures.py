"""Binding and its error texts against real PyTorch's, over the recorded schemas of all its C functions and methods."""

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_types import STAND_INS, sample

from flambeau.signatures import Parser, parse_signature, register, registered, type_name

RECORD = json.loads((Path(__file__).parents[2] / "reference" / "signatures-2.13.json").read_text())


@pytest.fixture(autouse=True)
def torch_types() -> Iterator[None]:
    with registered(**STAND_INS):
        yield


class Opaque:
    """No parameter accepts it."""


def resolve(path: str) -> Any:
    value: Any = torch
    for name in path.split(".")[1:]:
        value = getattr(value, name)
    return value


Entry = tuple[str, Callable[..., Any], list[str], bool]


def all_callables() -> Iterator[Entry]:
    """(path, callable, schemas, method) of everything recorded."""
    for path, schemas in RECORD["functions"].items():
        yield path, resolve(path), schemas, False
    for name, schemas in RECORD["methods"].items():
        if not name.startswith("__"):
            yield f"torch.Tensor.{name}", bound_to_fresh_tensor(name), schemas, True


def bound_to_fresh_tensor(name: str) -> Callable[..., Any]:
    # Through the class, as x.name(…) calls it: a bound method names itself Tensor.name in errors, not TensorBase.name.
    return lambda *args, **kwargs: getattr(torch.Tensor, name)(torch.ones(2, 2), *args, **kwargs)


def misuses(schemas: list[str]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Calls with too few, too many, wrong, misnamed and doubled arguments."""
    x = torch.ones(2)
    fixed = [(), (Opaque(),), (x, Opaque()), (x,) * 9, ("a", "b"), (x, "x", 3), (1.5,), (x, 1.5), (None,), (x, True)]
    for args in fixed:
        yield args, {}
    yield (), {"foo": 1}
    yield (x,), {"foo": 1, "bar": "b"}
    for schema in schemas:
        parameters = parse_signature(schema).parameters
        good = tuple(sample(p) for p in parameters if not p.keyword_only)
        for i in range(len(good)):
            yield (*good[:i], Opaque(), *good[i + 1 :]), {}
            yield good[:i], {}
            yield good[:i], {parameters[i].name: Opaque()}
        yield good, {"foo": 1}
        yield (*good, Opaque()), {}
        if good:
            yield good, {parameters[0].name: good[0]}
        for p in parameters:
            if p.keyword_only:
                yield good, {p.name: Opaque()}
                yield good[:1], {p.name: sample(p), "foo": Opaque()}


class Index:
    def __index__(self) -> int:
        return 1


PALETTE = (
    *(
        True,
        1,
        1.5,
        1j,
        None,
        "a",
        "cpu",
        (1,),
        (),
        [1],
        [1.5],
        (1, "a"),
        (1, 1.5),
        (1, True),
        (True, 1),
        [None],
        range(2),
    ),
    *(np.float32(1), np.float64(1), np.int64(1), np.int8(1), np.bool_(True), np.complex64(1), np.ones(1), np.array(1)),
    *(
        torch.tensor(1),
        torch.tensor(1.5),
        torch.tensor(True),
        torch.tensor([1]),
        torch.tensor([1, 2]),
        torch.tensor(1j),
    ),
    *(torch.tensor(1.5, requires_grad=True), torch.nn.Parameter(torch.ones(2)), torch.Size((1,)), [torch.ones(2)]),
    *(
        (torch.ones(2), 1),
        [torch.ones(2), "a"],
        torch.float32,
        torch.device("cpu"),
        torch.strided,
        float,
        int,
        np.float32,
    ),
    *(torch.preserve_format, torch.Generator(), Index(), [Index()], (0, Index()), {}, ["a"], ("a",), (0.5,)),
)


def substitutions(schemas: list[str]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Each value of the palette in each place of each schema, positional and by keyword."""
    for schema in schemas:
        parameters = parse_signature(schema).parameters
        good = tuple(sample(p) for p in parameters if not p.keyword_only)
        for i, parameter in enumerate(parameters):
            for value in PALETTE:
                if i < len(good):
                    yield (*good[:i], value, *good[i + 1 :]), {}
                else:
                    yield good, {parameter.name: value}


def answer(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[str, str]:
    """(type, text) of what the call raises, ("", "") where it returns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call(*args, **kwargs)
        except Exception as error:
            return type(error).__name__, str(error)
    return "", ""


def text(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(TypeError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def is_from_parser(kind: str, line: str, name: str) -> bool:
    """Whether the error comes from argument parsing and not from the operation itself."""
    told = (
        f"{name}() ",
        f"{name}(): argument",
        f"TensorBase.{name}() ",
        f"torch.{name}() ",
        "expected Tensor as",
        "expected tuple of",
    )
    return kind == "TypeError" and line.startswith(told)


def compare(entries: Iterable[Entry], calls: Callable[[list[str]], Iterable[Any]]) -> tuple[Counter[str], list[str]]:
    """How many answers are equal, and those that are not, over calls made from each entry's schemas."""
    counts: Counter[str] = Counter()
    differences = []
    for path, call, schemas, method in entries:
        parser = Parser(path.rpartition(".")[2], *schemas, method=method)
        name = schemas[0].partition("(")[0]
        for args, kwargs in calls(schemas):
            theirs = answer(call, *args, **kwargs)
            ours = answer(parser.bind, args, kwargs)
            if not is_from_parser(*theirs, name):
                # torch got past its parser; so must we, and where it returned our conversions must not raise either.
                fits = ours == ("", "") or (theirs[0] and not is_from_parser(*ours, name))
                verdict = "accepted" if fits else "refused"
            else:
                verdict = "equal" if ours == theirs else "different"
            counts[verdict] += 1
            if verdict in ("refused", "different"):
                shown = [type_name(a) for a in args] + [f"{k}={type_name(v)}" for k, v in kwargs.items()]
                differences.append(f"{path}({', '.join(shown)})\n    torch: {theirs}\n    ours:  {ours}")
    return counts, differences


same_release = pytest.mark.skipif(
    not torch.__version__.startswith(RECORD["torch"]), reason="the record is of another release of torch"
)


@same_release
def test_every_misuse_reads_as_in_torch() -> None:
    counts, differences = compare(all_callables(), misuses)
    assert counts["equal"] > 34_000
    assert not differences, "\n".join([f"{len(differences)} differ", *differences[:10]])


FUNCTIONS = """
    add sub mul div pow sum mean prod max min amax argmax all any std var cumsum logsumexp softmax log_softmax
    matmul mm bmm addmm dot cat stack permute transpose reshape squeeze unsqueeze flatten flip roll chunk narrow
    where clamp gather scatter index_select masked_fill take sort topk argsort nonzero zeros ones empty full arange
    linspace eye rand randn randint randperm normal bernoulli multinomial zeros_like full_like exp sin eq lt isclose
    lerp dropout conv2d layer_norm nn.functional.linear nn.functional.gelu linalg.det linalg.solve fft.fft
    special.erf
"""
METHODS = """
    add add_ sum view reshape permute expand repeat transpose to size t fill_ copy_ clamp_ index_fill scatter_
    normal_ unfold new_zeros type_as item contiguous masked_fill_
"""
COMMON = [*(f"torch.{name}" for name in FUNCTIONS.split()), *(f"torch.Tensor.{name}" for name in METHODS.split())]


@same_release
@pytest.mark.parametrize("path", COMMON)
def test_every_kind_of_value_is_taken_or_refused_as_in_torch(path: str) -> None:
    ((_, call, schemas, method),) = [entry for entry in all_callables() if entry[0] == path]
    counts, differences = compare([(path, call, schemas, method)], lambda s: (*substitutions(s), *misuses(s)))
    assert counts.total() > 10
    assert not differences, "\n".join(differences[:10])


CONVERSIONS = [
    ("f(int a)", np.int64(3), 3, int),
    ("f(int a)", torch.tensor(3), 3, int),
    ("f(index a)", Index(), 1, int),
    ("f(index a)", torch.tensor([[True]]), 1, int),
    ("f(float a)", 2, 2.0, float),
    ("f(float a)", np.float32(0.5), 0.5, float),
    ("f(float a)", torch.tensor(2), 2.0, float),
    ("f(Number a)", True, True, bool),
    ("f(Number a)", np.int8(3), 3, int),
    ("f(Number a)", np.float32(0.5), 0.5, float),
    ("f(Number a)", np.bool_(True), 1.0, float),
    ("f(Number a)", np.complex128(1j), 1j, complex),
    ("f(Number a)", torch.tensor(2.5), 2.5, float),
    ("f(Number a)", 2**64 - 1, 2**64 - 1, int),
    ("f(tuple of ints a)", torch.Size((2, 3)), (2, 3), tuple),
    ("f(tuple of ints a)", [np.int64(2), True, torch.tensor(4), Index()], (2, 1, 4, 1), tuple),
    ("f(tuple of ints[2] a)", 3, (3, 3), tuple),
    ("f(tuple of ints[2] a)", torch.tensor(3), (3, 3), tuple),
    ("f(tuple of ints[1]? a)", None, None, type(None)),
    ("f(tuple of floats a)", [1, 0.5], (1.0, 0.5), tuple),
    ("f(bool? a=False)", None, False, bool),
    ("f(torch.dtype a)", float, torch.float64, torch.dtype),
    ("f(torch.device a)", "cpu", torch.device("cpu"), torch.device),
    ("f(Tensor|Number a)", np.float64(0.5), 0.5, float),
]


@pytest.mark.parametrize(("schema", "value", "expected", "kind"), CONVERSIONS)
def test_values_arrive_converted(schema: str, value: Any, expected: Any, kind: type) -> None:
    for args, kwargs in (((value,), {}), ((), {"a": value})):
        index, (got,) = Parser("f", schema).bind(args, kwargs)
        assert (index, got) == (0, expected)
        assert type(got) is kind


SUM = (
    "sum(Tensor input, *, torch.dtype? dtype=None)",
    "sum(Tensor input, tuple of ints[1]? dim, bool keepdim=False, *, torch.dtype? dtype=None, Tensor out=None)",
)


def test_index_and_values_come_in_the_order_of_the_schemas() -> None:
    x = torch.ones(2)
    parser = Parser("sum", *SUM)
    assert parser.bind((x,)) == (0, [x, None])
    assert parser.bind((x, 1)) == (1, [x, (1,), False, None, None])
    assert parser.bind((), {"a": x, "axis": 1, "keepdims": True}) == (1, [x, (1,), True, None, None])
    assert parser.bind((x,), {"dim": None, "dtype": int}) == (1, [x, None, False, torch.int64, None])


def test_methods_leave_out_self_and_out() -> None:
    parser = Parser("sum", *SUM, method=True)
    assert [str(s) for s in parser.signatures] == [str(parse_signature(s)) for s in RECORD["methods"]["sum"]]
    assert parser.bind((0, True)) == (1, [(0,), True, None])


def test_one_list_of_ints_may_be_spelled_out() -> None:
    view = Parser("view", "view(torch.dtype dtype)", "view(tuple of ints size)")
    assert view.bind((2, 3)) == view.bind(((2, 3),)) == view.bind(([2, 3],)) == (1, [(2, 3)])
    assert view.bind(tuple(range(40))) == (1, [tuple(range(40))])
    assert view.bind((np.int64(2), 3)) == (1, [(2, 3)])
    zeros = Parser("zeros", "zeros(tuple of ints size, *, torch.dtype? dtype=None)")
    assert zeros.bind((2, 3), {"dtype": torch.int64}) == (0, [(2, 3), torch.int64])
    assert text(zeros.bind, ()) == text(torch.zeros)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**70])
def test_integers_beyond_64_bits_are_refused_as_in_torch(value: int) -> None:
    ours = answer(Parser("unsqueeze", *RECORD["functions"]["torch.unsqueeze"]).bind, (torch.ones(2), value))
    assert ours == answer(torch.unsqueeze, torch.ones(2), value)
    kind, text = answer(Parser("sum", *SUM).bind, (torch.ones(2), (0, value)))
    theirs = answer(torch.sum, torch.ones(2), (0, value))
    # torch goes on with C++ stack frames.
    assert (kind, text.removesuffix('"')) == (theirs[0], theirs[1].partition("\n")[0])


def test_deprecated_overloads_warn_once_with_the_text_of_torch() -> None:
    x = torch.ones(2)
    parser = Parser("add", *reversed(RECORD["functions"]["torch.add"]))
    with pytest.warns(UserWarning, match="deprecated") as ours:
        assert parser.bind((x, 2, x)) == (0, [x, 2, x, None])
    parser.bind((x, 2, x))
    torch.set_warn_always(True)
    try:
        with pytest.warns(UserWarning, match="deprecated") as theirs:
            torch.add(x, 2, x)
    finally:
        torch.set_warn_always(False)
    assert [str(w.message) for w in ours] == [str(theirs[0].message).partition(" (Triggered")[0]]


def test_objects_with_torch_function_pass_for_tensors() -> None:
    class Duck:
        @classmethod
        def __torch_function__(cls, *args: Any, **kwargs: Any) -> str:
            return "taken"

    duck = Duck()
    assert torch.sin(duck) == "taken"
    assert Parser("sin", "sin(Tensor input)").bind((duck,)) == (0, [duck])


def test_registration_reaches_parsers_built_before() -> None:
    class Tensor:
        pass

    parser = Parser("sin", "sin(Tensor input)")
    with pytest.raises(TypeError, match=r"sin\(\): argument 'input' \(position 1\) must be Tensor, not Tensor"):
        parser.bind((Tensor(),))
    with registered(tensor=Tensor):
        tensor = Tensor()
        assert parser.bind((tensor,)) == (0, [tensor])
    with pytest.raises(TypeError):
        parser.bind((Tensor(),))
    with pytest.raises(TypeError, match="knows no role 'tensors'"):
        register(tensors=Tensor)


@pytest.mark.parametrize("schema", ["f", "f(Tensor)", "f(Tenser x)", "f(Tensor x"])
def test_malformed_schemas_are_refused(schema: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        Parser("f", schema)


def test_wrong_types_are_red_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = Parser("add", *RECORD["functions"]["torch.add"])
    plain = text(parser.bind, (torch.ones(2), 1, 2, 3, 4))
    assert plain == text(torch.add, torch.ones(2), 1, 2, 3, 4)
    monkeypatch.setattr("os.isatty", lambda _: True)
    coloured = text(parser.bind, (torch.ones(2), 1, 2, 3, 4))
    assert "\33[32;1mTensor\33[0m, \33[31;1mint\33[0m" in coloured
    assert coloured.replace("\33[32;1m", "").replace("\33[31;1m", "!").count("!int") == plain.count("!int")


def plain(value: Any) -> Any:
    """A bound value as something that compares by identity where == would go elementwise, and tells 1 from True."""
    if isinstance(value, (tuple, list)):
        return tuple(plain(element) for element in value)
    by_value = isinstance(value, (bool, int, float, complex, str, torch.device))
    return (type(value), value) if by_value else id(value)


@pytest.mark.parametrize("path", COMMON)
def test_the_fast_path_binds_as_the_step_by_step_procedure_does(path: str) -> None:
    kind, name = ("methods", path.removeprefix("torch.Tensor.")) if "Tensor." in path else ("functions", path)
    schemas = RECORD[kind][name]
    parser = Parser(name, *schemas, method=kind == "methods")
    for args, kwargs in (*substitutions(schemas), *misuses(schemas)):
        got, expected = [], []
        for results, bind in ((got, parser.bind), (expected, parser._bind_slowly)):
            error = answer(lambda *call: results.append(bind(*call)), args, kwargs)  # noqa: B023
            results[:] = [(i, [plain(v) for v in values]) for i, values in results] or [error]
        assert got == expected, (args, kwargs)

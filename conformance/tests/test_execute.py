"""What `answer` observes, compared with what real PyTorch says when asked directly."""

from __future__ import annotations

import gc
import types
import warnings
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from assay import values
from assay.case import Case, Layout, Make, Named, Same, TensorSpec, Values, Window
from assay.dtypes import ALL
from assay.execute import Want, answer, cotangent
from assay.inputs import Builder
from assay.outcome import Opaque, Sequence, TensorData
from assay.parts import elements_before
from assay.rounding import Rounding
from assay.subjects.adapter import Adapter, adapted

A = TensorSpec((2, 3), "float32", Values("normal", 1))
B = TensorSpec((3,), "float32", Values("normal", 2))
G = TensorSpec((2, 3), "float32", Values("normal", 1), requires_grad=True)


def elements(data: TensorData) -> np.ndarray:
    return np.frombuffer(data.data, values.numpy_dtype(data.dtype)).reshape(data.shape)


def built(spec: TensorSpec, variant: str = "method") -> torch.Tensor:
    return Builder(Case("x", variant, "Tensor.x", (spec,)), adapted(torch)).build().tensors[0].tensor


# Building

LAYOUTS = [
    Layout(),
    Layout("permuted", (2, 0, 1)),
    Layout("stepped", (0, 2)),
    Layout("offset"),
    Layout("expanded", (1,)),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda x: x.kind)
@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_tensors_hold_the_plans_elements_in_every_layout(dtype, layout):
    spec = TensorSpec((2, 3, 4), dtype, Values("normal", 3), layout)
    array = values.array(spec)
    if layout.kind == "expanded":
        array = np.repeat(array[:, :1], 3, axis=1)
    tensor = built(spec)
    assert tensor.dtype == getattr(torch, dtype)
    assert tuple(tensor.shape) == (2, 3, 4)
    whole = tensor.contiguous().view(torch.uint8).numpy().tobytes() if dtype != "bool" else tensor.numpy().tobytes()
    assert whole == array.tobytes()


@pytest.mark.parametrize(
    ("spec", "stride", "offset"),
    [
        (TensorSpec((2, 3), "float32"), (3, 1), 0),
        (TensorSpec((2, 3), "float32", layout=Layout("permuted", (1, 0))), (1, 2), 0),
        (TensorSpec((2, 3), "float32", layout=Layout("stepped", (0,))), (6, 1), 0),
        (TensorSpec((2, 3), "float32", layout=Layout("stepped", (1,))), (6, 2), 0),
        (TensorSpec((2, 3), "float32", layout=Layout("offset")), (3, 1), 3),
        (TensorSpec((2, 3), "float32", layout=Layout("expanded", (0,))), (0, 1), 0),
        (TensorSpec((2, 3, 4, 5), "float32", layout=Layout("channels_last")), (60, 1, 15, 3), 0),
        (TensorSpec((), "float32", layout=Layout("offset")), (), 3),
        (TensorSpec((0, 3), "float32", layout=Layout("stepped", (0,))), (6, 1), 0),
    ],
    ids=str,
)
def test_layouts_lie_as_they_say(spec, stride, offset):
    tensor = built(spec)
    assert tensor.stride() == stride
    assert tensor.storage_offset() == offset


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda x: x.kind)
def test_empty_tensors_have_every_layout(layout):
    assert tuple(built(TensorSpec((2, 0, 4), "float32", layout=layout)).shape) == (2, 0, 4)


def test_between_the_elements_of_a_stepped_tensor_lies_poison():
    tensor = built(TensorSpec((2,), "float32", layout=Layout("stepped", (0,))))
    assert np.isnan(tensor.as_strided((1,), (1,), 1).item())


def test_a_leaf_that_requires_grad_may_be_worked_on_in_place():
    case = Case("add", "inplace", "Tensor.add_", (G, 1.0))
    tensor = Builder(case, adapted(torch)).build().tensors[0]
    assert tensor.leaf.is_leaf
    assert tensor.leaf.requires_grad
    assert not tensor.tensor.is_leaf
    assert torch.equal(tensor.leaf, tensor.tensor)


def test_same_is_the_very_same_tensor():
    case = Case("add", "inplace", "Tensor.add_", (A, Same(0)))
    args = Builder(case, adapted(torch)).build().args
    assert args[0] is args[1]


@pytest.mark.parametrize("dtype", ["float32", "complex32", "bfloat16"])
def test_a_window_looks_at_the_memory_of_another_tensor(dtype):
    first = TensorSpec((2, 3), dtype, Values("normal", 3), Layout("shared", (2, 1, 4)))
    for window in (Window(0, (2, 3), 2), Window(0, (3, 2), 1, 2, (1, 0)), Window(0, (), 11), Window(0, (0, 2), 3)):
        case = Case("add", "inplace", "Tensor.add_", (first, window))
        inputs = Builder(case, adapted(torch)).build()
        on, made = inputs.args
        assert (on.storage_offset(), tuple(on.shape), made.storage_offset()) == (2, (2, 3), window.start)
        assert tuple(made.shape) == window.shape
        assert made.untyped_storage().data_ptr() == on.untyped_storage().data_ptr()
        assert inputs.tensors[1].tensor is made
        assert adapted(torch).data(made, dtype) == inputs.tensors[1].raw
        assert elements_before(case, 1)[1].tobytes() == inputs.tensors[1].raw
        assert elements_before(case, 2) is None
        on.view(torch.uint8 if dtype != "complex32" else torch.int32).fill_(1)
        assert (adapted(torch).data(made, dtype) != inputs.tensors[1].raw) == (made.numel() > 1)


def test_what_is_written_shows_in_the_window_too():
    first = TensorSpec((3,), "float32", Values("ones"), Layout("shared", (0, 2, 0)))
    outcome = answer(Case("add", "inplace", "Tensor.add_", (first, Window(0, (3,), 1, 2))), torch)
    assert outcome.mutated == (True, False)
    assert outcome.aliases == (("", "0"),)
    outcome = answer(Case("neg", "out", "torch.neg", (first,), {"out": Window(0, (3,), 0, 2)}), torch)
    assert outcome.mutated == (True, True)
    assert set(outcome.aliases) == {("", "0"), ("", "1")}


def test_other_arguments():
    generator = Make("Generator", (5,))
    args = (Named("float16"), Make("Size", ((2, 3),)), Make("device", ("cpu",)), slice(None, A), [A, (B, None)], ...)
    built_args = Builder(
        Case("x", "function", "torch.x", (*args, generator, Make("ndarray", (A,)))), adapted(torch)
    ).build()
    half, size, device, cut, nested, dots, drawn, array = built_args.args
    assert half is torch.float16
    assert size == torch.Size((2, 3))
    assert device == torch.device("cpu")
    assert dots is ...
    assert cut.stop.shape == (2, 3)
    assert nested[1][0].shape == (3,)
    assert nested[1][1] is None
    assert drawn.initial_seed() == 5
    assert isinstance(array, np.ndarray)


# Answering


def test_a_function_returns_what_torch_returns():
    outcome = answer(Case("add", "function", "torch.add", (A, B)), torch)
    expected = built(A) + built(B)
    assert outcome.status == "returned"
    assert (outcome.result.dtype, outcome.result.shape, outcome.result.stride) == ("float32", (2, 3), (3, 1))
    assert np.array_equal(elements(outcome.result), expected.numpy())
    assert outcome.mutated == (False, False)
    assert outcome.aliases == ()


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (Case("max", "method", "Tensor.max", (A, 1)), ("max", ("values", "indices"))),
        (Case("split", "method", "Tensor.split", (A, 1)), ("tuple", None)),
        (Case("size", "method", "Tensor.size", (A,)), ("Size", None)),
        (Case("tolist", "method", "Tensor.tolist", (B,)), ("list", None)),
    ],
)
def test_sequences_keep_their_kind(case, kind):
    result = answer(case, torch).result
    assert isinstance(result, Sequence)
    assert (result.kind, result.fields) == kind


def test_properties_dtypes_and_scalars():
    assert answer(Case("T", "method", "Tensor.T", (A,)), torch).result.stride == (1, 3)
    assert answer(Case("dtype", "method", "Tensor.dtype", (A,)), torch).result == Opaque("dtype", "float32")
    assert answer(Case("dim", "method", "Tensor.dim", (A,)), torch).result == 2
    assert answer(Case("device", "method", "Tensor.device", (A,)), torch).result == Opaque("device", "cpu")


def test_addresses_are_no_part_of_an_answer():
    outcome = answer(Case("__str__", "method", "Tensor.__str__", (Make("object"),)), torch)
    assert outcome.result == "<object object at 0x…>"


def test_reflected_operators_and_indexing():
    reflected = answer(Case("sub", "operator", "operator.sub", (1, B)), torch)
    assert np.array_equal(elements(reflected.result), (1 - built(B)).numpy())
    read = answer(Case("__getitem__", "operator", "operator.getitem", (A, (slice(None), 1))), torch)
    assert read.result.stride == (3,)
    assert read.result.offset == 1
    assert read.aliases == (("", "0"),)
    written = answer(Case("__setitem__", "operator", "operator.setitem", (A, 0, 7.0)), torch)
    assert written.result is None
    assert written.mutated == (True,)
    assert elements(written.inputs[0])[0].tolist() == [7.0] * 3


def test_out_is_poisoned_and_told_as_written():
    out = TensorSpec((2, 3), "float32", Values("ones"))
    outcome = answer(Case("add", "out", "torch.add", (A, B), {"out": out}), torch)
    assert outcome.mutated == (False, False, True)
    assert outcome.extra["same"] == (("", "2"),)
    lazy = types.SimpleNamespace(**{n: getattr(torch, n) for n in ("Tensor", "from_numpy", "float32", "no_grad")})
    lazy.add = lambda a, b, out: out
    unwritten = answer(Case("add", "out", "torch.add", (A, B), {"out": out}), lazy)
    assert unwritten.mutated == (False, False, False)
    assert np.isnan(elements(unwritten.result)).all()


def test_errors_say_where_they_come_from():
    call = answer(Case("add", "function", "torch.add", (A, TensorSpec((2,), "float32"))), torch)
    assert call.status == "raised"
    assert call.error.stage == "call"
    assert call.error.types[0] == "RuntimeError"
    unnamed = answer(Case("x", "function", "torch.abs", (Named("float31"),)), torch)
    assert (unnamed.status, unnamed.extra["name"]) == ("missing", "torch.float31")
    missing = answer(Case("x", "method", "Tensor.no_such_method", (A,)), torch)
    assert missing.status == "missing"
    assert missing.extra["name"] == "Tensor.no_such_method"
    lazy = types.SimpleNamespace(abs=lambda x: (_ for _ in ()).throw(NotImplementedError("abs")))
    assert answer(Case("abs", "function", "torch.abs", (1,)), lazy).error.types[0] == "NotImplementedError"


def test_an_attribute_error_of_the_call_itself_is_no_missing_name():
    broken = types.SimpleNamespace(abs=lambda x: x.no_such_thing)
    outcome = answer(Case("abs", "function", "torch.abs", (1,)), broken)
    assert outcome.status == "raised"
    assert outcome.error.types[0] == "AttributeError"


def test_system_exit_is_an_answer():
    def leave(x):
        raise SystemExit(3)

    outcome = answer(Case("abs", "function", "torch.abs", (1,)), types.SimpleNamespace(abs=leave))
    assert outcome.error.types[0] == "SystemExit"


# Effects


def test_a_result_that_cannot_be_written_to_is_told():
    class Sealed(Adapter):
        def disturb(self, tensor):
            raise TypeError("'Tensor' object does not support item assignment")

    outcome = answer(Case("t", "function", "torch.t", (TensorSpec((2, 3), "float32"),)), Sealed(torch))
    assert outcome.status == "returned"
    assert outcome.aliases == ()
    assert outcome.extra["unwritable"] == "TypeError: 'Tensor' object does not support item assignment"


def test_views_and_copies_are_told_apart():
    view = answer(Case("t", "method", "Tensor.t", (A,)), torch)
    copy = answer(Case("clone", "method", "Tensor.clone", (A,)), torch)
    many = answer(Case("split", "method", "Tensor.split", (A, 1)), torch)
    assert view.aliases == (("", "0"),)
    assert copy.aliases == ()
    assert many.aliases == (("0", "0"), ("1", "0"))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "bfloat16", "complex64"])
def test_aliasing_is_found_in_every_dtype(dtype):
    spec = TensorSpec((2, 3), dtype, Values("ones"))
    assert answer(Case("t", "method", "Tensor.t", (spec,)), torch).aliases == (("", "0"),)


def test_results_that_share_memory_with_each_other():
    def twice(x):
        y = x.clone()
        return y, y.t()

    wrapped = types.SimpleNamespace(
        Tensor=torch.Tensor, from_numpy=torch.from_numpy, float32=torch.float32, twice=twice
    )
    outcome = answer(Case("twice", "function", "torch.twice", (A,)), wrapped)
    assert outcome.aliases == (("0", "result 1"), ("1", "result 0"))


def test_a_mutated_input_is_told_and_aliasing_does_not_count_as_mutation():
    def meddle(x):
        x.mul_(2)
        return x.clone()

    wrapped = types.SimpleNamespace(
        Tensor=torch.Tensor, from_numpy=torch.from_numpy, float32=torch.float32, meddle=meddle
    )
    outcome = answer(Case("meddle", "function", "torch.meddle", (A,)), wrapped)
    assert outcome.mutated == (True,)
    assert np.array_equal(elements(outcome.inputs[0]), values.array(A) * 2)
    assert answer(Case("t", "method", "Tensor.t", (A,)), torch).mutated == (False,)


# Gradients


def test_cotangents_are_exact_in_every_floating_dtype_and_never_ones():
    for dtype in ("float16", "float32", "float64"):
        drawn = cotangent((4, 50), dtype, 9)
        assert np.array_equal(drawn.astype(np.float64), cotangent((4, 50), "float64", 9))
        assert not (np.abs(drawn) == 1).any()
        assert np.abs(drawn).min() > 0.5 - 1e-9
    half = torch.from_numpy(cotangent((4, 50), "bfloat16", 9)).view(torch.bfloat16).double().numpy()
    assert np.array_equal(half, cotangent((4, 50), "float64", 9))
    assert not np.array_equal(cotangent((3,), "float32", 1), cotangent((3,), "float32", 2))


def test_first_gradients():
    b = TensorSpec((3,), "float32", Values("normal", 2), requires_grad=True)
    outcome = answer(Case("mul", "function", "torch.mul", (G, b), order=1, seed=11), torch)
    x, y = built(A).requires_grad_(), built(B).requires_grad_()
    seed_grad = torch.from_numpy(cotangent((2, 3), "float32", 11 + 7919))
    gx, gy = torch.autograd.grad(x * y, (x, y), seed_grad)
    assert np.array_equal(elements(outcome.gradients[0]), gx.numpy())
    assert np.array_equal(elements(outcome.gradients[1]), gy.numpy())
    assert outcome.gradients2 is None
    assert outcome.gradient_error is None


def test_an_input_without_a_gradient_has_none():
    unused = TensorSpec((3,), "float32", requires_grad=True)
    wrapped = types.SimpleNamespace(
        Tensor=torch.Tensor,
        from_numpy=torch.from_numpy,
        float32=torch.float32,
        autograd=torch.autograd,
        first=lambda x, y: x * 2,
    )
    outcome = answer(Case("first", "function", "torch.first", (G, unused), order=1), wrapped)
    assert outcome.gradients[0] is not None
    assert outcome.gradients[1] is None


def test_second_gradients_by_inputs_and_cotangents():
    outcome = answer(Case("square", "function", "torch.square", (G,), order=2, seed=4), torch)
    x = built(A).double().requires_grad_()
    c = torch.from_numpy(cotangent((2, 3), "float64", 4 + 7919)).requires_grad_()
    (g,) = torch.autograd.grad(x**2, x, c, create_graph=True)
    expected = torch.autograd.grad(g, (x, c), torch.from_numpy(cotangent((2, 3), "float64", 5 + 7919)))
    assert len(outcome.gradients2) == 2
    for got, right in zip(outcome.gradients2, expected, strict=True):
        np.testing.assert_allclose(elements(got), right.numpy(), rtol=1e-6)


@pytest.mark.parametrize("layout", [Layout(), Layout("stepped", (1,)), Layout("permuted", (1, 0)), Layout("offset")])
def test_gradients_of_in_place_calls_are_those_of_the_input(layout):
    spec = TensorSpec((2, 3), "float64", Values("normal", 1), layout, requires_grad=True)
    outcome = answer(Case("mul", "inplace", "Tensor.mul_", (spec, 3.0), order=1, seed=2), torch)
    assert outcome.mutated == (True,)
    assert outcome.gradients[0].shape == (2, 3)
    assert np.array_equal(elements(outcome.gradients[0]), 3.0 * cotangent((2, 3), "float64", 2 + 7919))


def test_gradients_of_assignment():
    value = TensorSpec((3,), "float64", Values("normal", 5), requires_grad=True)
    base = TensorSpec((2, 3), "float64", Values("normal", 1), requires_grad=True)
    outcome = answer(Case("__setitem__", "operator", "operator.setitem", (base, 0, value), order=1), torch)
    seeds = cotangent((2, 3), "float64", 7919)
    assert elements(outcome.gradients[0])[0].tolist() == [0.0] * 3
    assert np.array_equal(elements(outcome.gradients[0])[1], seeds[1])
    assert np.array_equal(elements(outcome.gradients[1]), seeds[0])


def test_what_backward_raises_is_told():
    outcome = answer(Case("heaviside", "function", "torch.heaviside", (G, A), order=1), torch)
    assert outcome.status == "returned"
    assert outcome.gradients is None
    assert outcome.gradient_error.stage == "backward"
    assert "derivative" in outcome.gradient_error.text


# Text, warnings, generators, state


def test_text_is_read_where_asked_with_default_print_options():
    case = Case("clone", "method", "Tensor.clone", (A,))
    torch.set_printoptions(precision=1)
    try:
        assert answer(case, torch).result.text is None
        text = answer(case, torch, want=Want(text=True)).result.text
        assert text == repr(built(A))
        assert "." in text
    finally:
        torch.set_printoptions(profile="default")


def test_warnings_are_told_every_time():
    torch.set_warn_always(True)
    case = Case("range", "function", "torch.range", (0, 3))
    first, second = answer(case, torch).warnings, answer(case, torch).warnings
    assert first == second
    assert first[0][0] == "UserWarning"
    assert "deprecated" in first[0][1]


def test_the_generator_is_seeded_and_its_state_told():
    want = Want(random=True)
    rand, randn = (Case(op, "function", f"torch.{op}", (3,), seed=8) for op in ("rand", "randn"))
    outcome = answer(rand, torch, want=want)
    torch.manual_seed(8)
    assert np.array_equal(elements(outcome.result), torch.rand(3).numpy())
    assert outcome == answer(rand, torch, want=want)
    nothing = answer(Case("zeros", "function", "torch.zeros", (3,), seed=8), torch, want=want)
    assert len({outcome.random, answer(randn, torch, want=want).random, nothing.random}) == 3
    own = Case("rand", "function", "torch.rand", (3,), {"generator": Make("Generator", (1,))}, seed=8)
    other = Case("rand", "function", "torch.rand", (3,), {"generator": Make("Generator", (2,))}, seed=8)
    assert answer(own, torch, want=want).random != answer(other, torch, want=want).random


def test_state_does_not_leak_from_case_to_case():
    before = answer(Case("zeros", "function", "torch.zeros", (2,)), torch)
    answer(Case("set_grad_enabled", "function", "torch.set_grad_enabled", (False,)), torch)
    answer(Case("zeros", "function", "torch.zeros", (2,), default_dtype="float64"), torch)
    assert answer(Case("zeros", "function", "torch.zeros", (2,)), torch) == before
    assert answer(Case("abs", "function", "torch.abs", (G,), order=1), torch).gradients[0] is not None


def test_a_wider_evaluation_sees_the_same_case():
    def adapt(spec, array):
        return "float64", array.astype(np.float64)

    case = Case("square", "function", "torch.square", (G,), order=1, seed=3)
    narrow, wide = answer(case, torch), answer(case, torch, adapt=adapt)
    assert wide.result.dtype == wide.gradients[0].dtype == "float64"
    np.testing.assert_allclose(elements(narrow.gradients[0]), elements(wide.gradients[0]), rtol=1e-6)


def test_a_module_with_nothing_optional_is_still_heard():
    class Tensor:
        def __init__(self, data, dtype):
            self.data, self.dtype, self.shape = np.array(data), dtype, np.array(data).shape

        def reshape(self, shape):
            self.shape = tuple(shape)
            return self

        def tolist(self):
            return self.data.tolist()

    bare = types.SimpleNamespace(Tensor=Tensor, float32="bare.float32")
    bare.tensor = lambda data, dtype: Tensor(data, dtype)
    bare.neg = lambda x: Tensor((-x.data).tolist(), x.dtype)
    outcome = answer(Case("neg", "function", "torch.neg", (A,)), bare, want=Want(aliases=False))
    assert outcome.status == "returned"
    assert outcome.result.stride is None
    assert np.array_equal(elements(outcome.result), -values.array(A))


class Half:
    """A library with one dtype, whose tensors cannot be expanded and whose `square` does not exist."""

    float32 = "half.float32"

    class Tensor:
        def __init__(self, array):
            self.array, self.dtype, self.shape = array, "half.float32", array.shape

        def expand(self, shape):
            raise TypeError("a list of numbers is asked for")

        def clone(self):
            return self

        def tolist(self):
            return self.array.tolist()

    @staticmethod
    def from_numpy(array):
        return Half.Tensor(array)

    @staticmethod
    def neg(x):
        return Half.Tensor(-x.array)

    @staticmethod
    def ones(*shape):
        return Half.Tensor(np.ones(shape, np.float32))


EXPANDED = TensorSpec((2, 3), "float32", layout=Layout("expanded", (0,)))


@pytest.mark.parametrize("call", ["torch.square", "Tensor.square", "Tensor.T"])
def test_an_absent_operation_is_missing_even_where_its_inputs_cannot_be_built(call):
    outcome = answer(Case(call.rpartition(".")[2], "function", call, (EXPANDED,)), Half)
    assert (outcome.status, outcome.extra) == ("missing", {"name": call})


@pytest.mark.parametrize("call", ["torch.neg", "Tensor.clone"])
def test_inputs_that_cannot_be_built_are_told_of_an_operation_that_is_there(call):
    outcome = answer(Case(call.rpartition(".")[2], "function", call, (EXPANDED,)), Half)
    assert (outcome.status, outcome.error.stage) == ("raised", "build")
    assert "a list of numbers" in outcome.error.text


def test_a_dtype_that_the_library_does_not_name_is_missing():
    outcome = answer(Case("neg", "function", "torch.neg", (TensorSpec((2,), "complex64"),)), Half)
    assert (outcome.status, outcome.extra) == ("missing", {"name": "torch.complex64"})


@pytest.mark.parametrize(
    ("call", "args", "name"),
    [
        ("operator.truediv", (A, A), "__truediv__"),
        ("operator.truediv", (2.0, A), "__rtruediv__"),
        ("operator.or_", (2, A), "__ror__"),  # which `type` has, as `int | None` needs
        ("operator.sub", (2.0, A), "__rsub__"),
        ("operator.iadd", (A, A), "__iadd__"),
        ("operator.eq", (A, A), "__eq__"),
        ("operator.getitem", (A, 0), "__getitem__"),
        ("operator.neg", (A,), "__neg__"),
        ("Tensor.__format__", (A, ".2f"), ""),
    ],
)
def test_an_operator_that_the_library_does_not_define_is_missing(call, args, name):
    """Neither Python's TypeError, nor `object`'s comparison, nor `x = x + y` for `x += y` is the library's answer."""
    outcome = answer(Case("x", "operator", call, args), Few, want=Want(aliases=False))
    assert (outcome.status, outcome.extra.get("name")) == ("missing", f"Tensor.{name}" if name else call)


@pytest.mark.parametrize(
    ("call", "args"),
    [
        ("operator.add", (A, A)),
        ("operator.add", (2.0, A)),
        ("operator.sub", (A, 2.0)),
        ("operator.lt", (A, 2.0)),
        ("operator.gt", (2.0, A)),
    ],
)
def test_an_operator_is_there_by_either_operand(call, args):
    assert answer(Case("x", "operator", call, args), Few, want=Want(aliases=False)).status == "returned"


class Few(Half):
    class Tensor(Half.Tensor):
        def __add__(self, other):
            return Few.Tensor(self.array + getattr(other, "array", other))

        def __sub__(self, other):
            return Few.Tensor(self.array - getattr(other, "array", other))

        def __lt__(self, other):
            return Few.Tensor(self.array < getattr(other, "array", other))

        __radd__ = __add__

        def numpy(self):
            return self.array

    @staticmethod
    def from_numpy(array):
        return Few.Tensor(array)


BYTES = Make("ndarray", (TensorSpec((2,), "int8"),))


@pytest.mark.parametrize(
    ("case", "name"),
    [
        (Case("ones", "function", "torch.ones", (2,), default_dtype="float64"), "torch.set_default_dtype"),
        (Case("neg", "function", "torch.neg", (replace(A, layout=Layout("stepped", (0,))),)), "Tensor.__getitem__"),
        (
            Case("from_numpy", "function", "torch.from_numpy", (Make("ndarray", (replace(A, dtype="int8"),)),)),
            "torch.int8",
        ),
    ],
    ids=["default dtype", "indexing", "ndarray"],
)
def test_what_a_case_needs_and_the_library_lacks_is_named(case, name):
    outcome = answer(case, Half, want=Want(aliases=False))
    assert (outcome.status, outcome.extra.get("name")) == ("missing", name)


def test_a_result_that_cannot_be_read_is_missing():
    class Mute(Half):
        class Tensor:
            def __init__(self, array):
                self.dtype, self.shape = "half.float32", array.shape

            def clone(self):
                return self

        @staticmethod
        def from_numpy(array):
            return Mute.Tensor(array)

    outcome = answer(Case("clone", "method", "Tensor.clone", (A,)), Mute)
    assert (outcome.status, outcome.extra.get("name")) == ("missing", "Tensor.numpy (or tolist)")


def test_no_warning_escapes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer(Case("range", "function", "torch.range", (0, 3)), torch)


def test_nothing_is_held_after_roundings_were_moved():
    leaf = TensorSpec((3,), "float64", requires_grad=True)
    rounding = Rounding(torch, 1e-6, 0)
    outcome = answer(Case("mul", "function", "torch.mul", (leaf, leaf), order=2), torch, rounding=rounding)
    assert outcome.gradients2 is not None
    gone = weakref.ref(rounding)
    del rounding
    gc.collect()
    assert gone() is None

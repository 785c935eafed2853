"""flambeau.printing against the text of real torch tensors made of the same bytes."""

import contextlib
import math
import threading
import warnings

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import _tensor_str as torch_text
from torch.autograd import forward_ad

from flambeau import printing

# torch itself warns about what it is asked here: complex32, and forward-mode AD, which loads torch.jit.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
]

COMPLEX32 = np.dtype([("re", np.float16), ("im", np.float16)])
FLOAT8 = {
    name: np.dtype(getattr(ml_dtypes, name))
    for name in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu")
}
INTEGERS = {name: np.dtype(name) for name in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]}
FLOATS = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}
COMPLEX = {"complex32": COMPLEX32, "complex64": np.dtype(np.complex64), "complex128": np.dtype(np.complex128)}
DTYPES = {"bool": np.dtype(bool), **INTEGERS, **FLOATS, **FLOAT8, **COMPLEX}
DEFAULT_DTYPES = ["float32", "float64", "float16", "bfloat16"]

SPECIAL = [
    *(0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 1.5, 2.5, -2.5, 1e-5, 1e-4, 9.9995e-5, 0.00012345, 999.9996, 1000.0, 1000.5),
    *(99999.99999, 123456.0, 1e8, 1.00000001e8, 65504.0, 3.4e38, 1.7e308, 5e-324, 1e-40, 6e-8, 2.2250738585072014e-308),
    *(math.inf, -math.inf, math.nan),
]
# Sizes at and around the default threshold, and below it for the thresholds that the strategies draw.
SUMMARY_SHAPES = [(1000,), (1001,), (7, 200), (1100, 1), (1, 1100), (3, 3, 200), (2, 2, 2, 300), (40, 40), (7, 1, 8, 7)]


@contextlib.contextmanager
def same_settings(default_dtype="float32", **options):
    """Give torch and flambeau the same print options, and torch a default dtype, for the length of the block."""
    dtype_before, ours_before, theirs_before = (
        torch.get_default_dtype(),
        printing.get_printoptions(),
        torch_text.get_printoptions(),
    )
    try:
        torch.set_default_dtype(getattr(torch, default_dtype))
        torch.set_printoptions(**options)
        printing.set_printoptions(**options)
        yield
    finally:
        torch.set_default_dtype(dtype_before)
        torch.set_printoptions(**theirs_before)
        printing.set_printoptions(**ours_before)


def torch_tensor(array, dtype):
    """A torch tensor of the array's bytes."""
    if array.size == 0:
        return torch.empty(array.shape, dtype=getattr(torch, dtype))
    return torch.frombuffer(bytearray(array.tobytes()), dtype=getattr(torch, dtype)).reshape(array.shape)


def real_values(rng, plan, scale, n):
    if plan == "normal":
        return rng.standard_normal(n) * scale
    if plan == "whole":
        return np.rint(rng.standard_normal(n) * scale)
    if plan == "spread":
        return 10 ** (rng.random_sample(n) * np.log10(scale + 10)) / scale * rng.choice([-1.0, 1.0], n)
    return rng.choice(rng.choice(SPECIAL, 4), n)


@st.composite
def arrays(draw, names=tuple(DTYPES)):
    """(dtype name, array): structure by Hypothesis, elements by a seeded plan."""
    name = draw(st.sampled_from(names))
    dtype = DTYPES[name]
    shape = draw(
        st.one_of(
            st.lists(st.integers(0, 9), max_size=4).map(tuple),
            st.lists(st.integers(1, 8), max_size=3).map(tuple),
            st.sampled_from(SUMMARY_SHAPES),
        )
    )
    n = math.prod(shape)
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    plan = draw(st.sampled_from(["normal", "whole", "spread", "special", "special", "bits"]))
    if name == "bool":
        return name, (rng.random_sample(n) < draw(st.sampled_from([0.0, 0.5, 1.0]))).reshape(shape)
    if name in INTEGERS and plan != "bits":
        borders = np.iinfo(dtype)
        low, high = draw(st.sampled_from([(0, 9), (-9, 9), (-(10**6), 10**6), (-(2**63), 2**63 - 1)]))
        values = rng.randint(max(low, borders.min), min(high, borders.max), n, dtype=np.int64)
        return name, values.astype(dtype).reshape(shape)
    if plan == "bits":
        return name, np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)
    scales = st.sampled_from([1.0, 1e-3, 1e3, 1e7, 1e-6, 1e10, 1e-30])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow to inf is wanted here
        parts = [real_values(rng, plan, draw(scales), n) for _ in range(2 if name in COMPLEX else 1)]
        if name == "complex32":
            array = np.empty(n, COMPLEX32)
            array["re"], array["im"] = parts
        elif name in COMPLEX:
            array = np.empty(n, dtype)
            array.real, array.imag = parts
        else:
            array = parts[0].astype(dtype)
    return name, array.reshape(shape)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 9),
        "threshold": st.sampled_from([0, 5, 50, 1000, math.inf]),
        "edgeitems": st.integers(0, 5),
        "linewidth": st.one_of(st.integers(0, 200), st.floats(10, 100, width=16)),
        "sci_mode": st.sampled_from([None, True, False]),
        "profile": st.sampled_from([None, "default", "short", "full"]),
    },
)


def property_test(examples):
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def written(name, array, default_dtype, **facts):
    return printing.tensor_repr(array, dtype=name, shape=array.shape, default_dtype=default_dtype, **facts)


@property_test(2000)
@given(arrays(), OPTIONS, st.sampled_from(DEFAULT_DTYPES))
def test_values_of_all_dtypes(case, options, default_dtype):
    name, array = case
    tensor = torch_tensor(array, name)
    with same_settings(default_dtype, **options):
        assert written(name, array, default_dtype) == repr(tensor)


@property_test(500)
@given(arrays(), st.sampled_from(DEFAULT_DTYPES))
def test_values_with_the_options_nobody_changed(case, default_dtype):
    name, array = case
    tensor = torch_tensor(array, name)
    with same_settings(default_dtype):
        assert written(name, array, default_dtype) == repr(tensor)


@property_test(300)
@given(arrays(tuple({**FLOATS, **COMPLEX})), OPTIONS, st.sampled_from(DEFAULT_DTYPES))
def test_requires_grad_and_grad_fn(case, options, default_dtype):
    name, array = case
    leaf = torch_tensor(array, name).requires_grad_()
    views = [leaf.clone(), leaf.reshape(-1), leaf.unsqueeze(0), leaf.T if leaf.ndim == 2 else leaf.view_as(leaf)]
    with same_settings(default_dtype, **options):
        assert written(name, array, default_dtype, requires_grad=True) == repr(leaf)
        for view, ours in zip(
            views,
            [array, array.reshape(-1), array[None], array.T if array.ndim == 2 else array],
            strict=True,
        ):
            node = type(view.grad_fn).__name__
            assert written(name, ours, default_dtype, requires_grad=True, grad_fn_name=node) == repr(view)


@property_test(300)
@given(
    st.sampled_from(sorted(DTYPES)),
    st.lists(st.integers(0, 12), max_size=8),
    OPTIONS,
    st.sampled_from(DEFAULT_DTYPES),
    st.booleans(),
)
def test_meta(name, shape, options, default_dtype, requires_grad):
    dtype = getattr(torch, name)
    requires_grad = requires_grad and (dtype.is_floating_point or dtype.is_complex)
    tensor = torch.empty(shape, dtype=dtype, device="meta", requires_grad=requires_grad)
    with same_settings(default_dtype, **options):
        ours = printing.tensor_repr(
            None, dtype=name, shape=shape, default_dtype=default_dtype, requires_grad=requires_grad, device="meta"
        )
        assert ours == repr(tensor)
        if requires_grad:
            parameter = repr(torch.nn.Parameter(tensor.detach()))
            assert printing.parameter_repr(ours) == parameter


class MyTensor(torch.Tensor):
    pass


class MyParameter(torch.nn.Parameter):
    pass


@property_test(300)
@given(arrays(tuple(FLOATS)), OPTIONS, st.sampled_from(DEFAULT_DTYPES))
def test_subclasses_and_parameters(case, options, default_dtype):
    name, array = case
    tensor = torch_tensor(array, name)
    custom = {"prefix": "MyTensor("}
    grad = {"requires_grad": True}
    with same_settings(default_dtype, **options):

        def ours(**facts):
            return written(name, array, default_dtype, **facts)

        assert ours(**custom) == repr(tensor.as_subclass(MyTensor))
        assert printing.parameter_repr(ours(**grad)) == repr(torch.nn.Parameter(tensor))
        assert ours(**custom, **grad, is_parameter_subclass=True) == repr(
            torch.nn.Parameter(tensor.as_subclass(MyTensor))
        )
        assert printing.parameter_repr(ours(prefix="MyParameter(", **grad, is_parameter_subclass=True)) == repr(
            MyParameter(tensor)
        )


@property_test(200)
@given(arrays(), OPTIONS, st.text("ab, \n[]", max_size=90))
def test_contents_given_by_the_caller(case, options, contents):
    name, array = case
    tensor = torch_tensor(array, name)
    with same_settings(**options):
        ours = printing.tensor_repr(None, dtype=name, shape=array.shape, tensor_contents=contents)
        assert ours == tensor.__repr__(tensor_contents=contents)


@property_test(300)
@given(arrays(), OPTIONS)
def test_summary_cut_by_the_caller(case, options):
    """A device tensor may send its edges alone."""
    name, array = case
    tensor = torch_tensor(array, name)
    with same_settings(**options):
        k = printing.get_printoptions()["edgeitems"]
        edges = array
        for axis in printing.summarized_axes(array.shape):
            n = array.shape[axis]
            edges = np.take(edges, [*range(k), *range(n - k, n)], axis=axis)
        assert printing.tensor_repr(edges, dtype=name, shape=array.shape) == repr(tensor)


def test_memory_order_does_not_matter():
    array = np.arange(2 * 60 * 20, dtype=np.float32).reshape(2, 60, 20).transpose(2, 0, 1)[:, ::-1, 5:]
    assert printing.tensor_repr(array, dtype="float32", shape=array.shape) == repr(torch.from_numpy(array.copy()))


def test_complex32_may_come_as_complex64():
    parts = np.array([[1.5, -0.0], [np.inf, 3e-5], [np.nan, -65504]], np.float16)
    tensor = torch.view_as_complex(torch.from_numpy(parts))
    wide = parts.astype(np.float32).view(np.complex64)[:, 0]
    assert printing.tensor_repr(wide, dtype="complex32", shape=(3,)) == repr(tensor)


def test_inference_tensor_and_forward_mode():
    array = np.array([1.0, 2.0], np.float32)
    with torch.inference_mode():
        assert printing.tensor_repr(array, dtype="float32", shape=(2,)) == repr(torch.tensor([1.0, 2.0]))
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 1.0]))
        ours = printing.tensor_repr(array, dtype="float32", shape=(2,), tangent=repr(torch.tensor([0.5, 1.0])))
        assert ours == repr(dual)


def test_device_is_written_where_it_is_not_the_default():
    """No accelerator is at hand, so the fixed part of the text comes from a meta tensor."""
    meta = repr(torch.empty(2, device="meta"))
    one = np.ones(2, np.float32)
    facts = {"dtype": "float32", "shape": (2,), "tensor_contents": "..."}
    assert printing.tensor_repr(one, device="cuda:0", **facts) == meta.replace("meta", "cuda:0").replace(
        ", size=(2,)", ""
    )
    assert "device" not in printing.tensor_repr(one, device="cuda:0", default_device="cuda:0", **facts)
    assert "device='cuda:1'" in printing.tensor_repr(one, device="cuda:1", default_device="cuda:0", **facts)
    assert "device='cpu'" in printing.tensor_repr(one, device="cpu", default_device="cuda:0", **facts)


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


UNUSABLE = [
    *({"precision": value} for value in ("a", -1, 2.0, True)),
    *({"edgeitems": value, "threshold": 1} for value in ("a", -1, False, True)),
    *({"linewidth": value} for value in ("a", -5, 30.5, math.inf, 0)),
    *({"threshold": value} for value in ("a", -1, math.nan)),
    *({"sci_mode": value} for value in ("no", 0, 1, [])),
    {"profile": "nonsense", "sci_mode": True},
]


@pytest.mark.parametrize("options", UNUSABLE, ids=str)
@pytest.mark.parametrize("shape", [(), (6,), (6, 2)], ids=str)
def test_unusable_options_end_as_in_torch(options, shape):
    array = (np.arange(math.prod(shape)).reshape(shape) / 7).astype(np.float32)
    tensor = torch_tensor(array, "float32")
    with same_settings(**options):
        assert repr(printing.get_printoptions()) == repr(torch_text.get_printoptions())  # a NaN included
        assert outcome(lambda: printing.tensor_repr(array, dtype="float32", shape=shape)) == outcome(
            lambda: repr(tensor)
        )


@property_test(300)
@given(st.lists(OPTIONS, max_size=5), OPTIONS)
def test_options_follow_torch_through_any_calls(calls, inner):
    with same_settings(profile="default"):
        for options in calls:
            torch.set_printoptions(**options)
            printing.set_printoptions(**options)
            assert printing.get_printoptions() == torch_text.get_printoptions()
        before = printing.get_printoptions()
        with printing.printoptions(**inner), torch_text.printoptions(**inner):
            assert printing.get_printoptions() == torch_text.get_printoptions()
        assert printing.get_printoptions() == torch_text.get_printoptions() == before


def test_options_errors_and_restoring():
    for name in ("set_printoptions", "printoptions"):

        def call(module, name=name):
            with getattr(module, name)(colour=1):
                pass

        assert outcome(lambda: call(printing)) == outcome(lambda: call(torch_text))
    before = printing.get_printoptions()
    with pytest.raises(KeyError), printing.printoptions(precision=1, sci_mode=True):
        raise KeyError
    assert printing.get_printoptions() == before


def test_options_are_shared_by_all_threads():
    seen = {}

    def look():
        seen["ours"], seen["theirs"] = printing.get_printoptions(), torch_text.get_printoptions()

    with same_settings(precision=7):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen["ours"] == seen["theirs"]
    assert seen["ours"]["precision"] == 7


def test_options_object_takes_the_place_of_the_global_ones():
    array = np.arange(30, dtype=np.float64) / 7
    options = printing.PrintOptions(precision=2, threshold=10, edgeitems=1, linewidth=40, sci_mode=True)
    with torch_text.printoptions(precision=2, threshold=10, edgeitems=1, linewidth=40, sci_mode=True):
        theirs = repr(torch.from_numpy(array))
    assert printing.tensor_repr(array, dtype="float64", shape=(30,), options=options) == theirs


def test_values_must_fit():
    with pytest.raises(ValueError, match="neither"):
        printing.tensor_repr(np.ones(3), dtype="float64", shape=(4,))
    with pytest.raises(ValueError, match="without its values"):
        printing.tensor_repr(None, dtype="float64", shape=(4,))


class CountingArray(np.ndarray):
    """Counts the elements that leave it by slicing, so that the cost of a summary is known without a clock."""

    read = 0

    def __getitem__(self, key):
        piece = super().__getitem__(key)
        CountingArray.read += piece.size
        return np.asarray(piece)


def test_summary_touches_the_edges_only():
    array = np.ones((1000, 1000), np.float32).view(CountingArray)
    CountingArray.read = 0
    text = printing.tensor_repr(array, dtype="float32", shape=array.shape)
    assert text == repr(torch.ones(1000, 1000))
    assert 0 < CountingArray.read <= 2 * 3 * 1000


@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (7, 1, 0)], ids=str)
def test_size(shape):
    assert printing.size_repr(shape) == repr(torch.Size(shape))


@pytest.mark.parametrize("name", [*FLOATS, *FLOAT8])
def test_finfo(name):
    info = torch.finfo(getattr(torch, name))
    facts = {key: getattr(info, key) for key in ("resolution", "min", "max", "eps", "tiny")}
    assert printing.finfo_repr(name, **facts) == repr(info) == str(info)


@pytest.mark.parametrize("name", INTEGERS)
def test_iinfo(name):
    info = torch.iinfo(getattr(torch, name))
    assert printing.iinfo_repr(name, min=info.min, max=info.max) == repr(info) == str(info)

"""The recorded surface against the PyTorch that is installed, asked in other ways than make_surface.py asks."""

import json
import operator
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from assay.catalog import catalog
from assay.catalog.omitted import OMITTED
from assay.surface import VARIANTS, Surface, load_surface

ROOT = Path(__file__).resolve().parents[2]
torch = pytest.importorskip("torch")
SURFACE = load_surface()
MINOR = ".".join(SURFACE.version.split(".")[:2])
pytestmark = pytest.mark.skipif(
    not torch.__version__.startswith(f"{MINOR}."),
    reason=f"the record is of torch {MINOR}, installed {torch.__version__}",
)

NAMESPACES = ("", ".nn.functional", ".linalg", ".fft", ".special", ".signal.windows", ".nn.init", ".autograd")


@pytest.fixture
def surface() -> Surface:
    return SURFACE


@pytest.fixture(autouse=True)
def quiet():
    """Looking at deprecated names, and calling functions blindly, warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def look_up(path):
    value = torch.Tensor if path.startswith("Tensor.") else torch
    for part in path.split(".")[1:]:
        value = getattr(value, part)
    return value


def test_the_command_reproduces_the_record():
    command = [sys.executable, str(ROOT / "reference/make_surface.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def offered() -> dict[str, list[str]]:
    """What each namespace holds in a process that imports nothing else: torch.onnx appears once it is imported."""
    program = (
        "import importlib, json, sys; "
        "print(json.dumps({path: dir(importlib.import_module(path)) for path in sys.argv[1:]}))"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, *(f"torch{namespace}" for namespace in NAMESPACES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_public_name_is_recorded(surface, offered, namespace):
    path = f"torch{namespace}"
    public = {f"{path}.{name}" for name in offered[path] if not name.startswith("_")}
    recorded = {name for name in surface.names if name.rpartition(".")[0] == path}
    assert recorded == public


def test_every_public_tensor_attribute_is_recorded(surface):
    offered = {f"Tensor.{name}" for name in dir(torch.Tensor) if not name.startswith("_")}
    recorded = {path for path in surface.names if path.startswith("Tensor.") and not path.startswith("Tensor._")}
    assert recorded == offered


def test_everything_overridable_is_recorded_or_outside_the_namespaces(surface):
    for owner, functions in torch.overrides.get_overridable_functions().items():
        if owner not in (torch, torch.functional, torch.nn.functional, torch.linalg, torch.fft, torch.special):
            continue
        prefix = "torch" if owner is torch.functional else owner.__name__
        names = {f"{prefix}.{function.__name__.removeprefix(prefix[6:] + '_')}" for function in functions}
        missing = {name for name in names if name not in surface.names and not name.rpartition(".")[2].startswith("_")}
        assert {name for name in missing if hasattr(owner, name.rpartition(".")[2])} == set()


def test_left_out_names_have_a_known_reason_and_no_operation(surface):
    for name in surface.names.values():
        assert (name.op is None) == (name.left_out is not None), name
        assert name.left_out is None or name.left_out in surface.reasons, name
        assert set(name.variants) <= set(VARIANTS), name


def test_variants_are_what_torch_has(surface):
    for operation in surface.operations_by_name.values():
        for variant, paths in operation.paths.items():
            for path in paths:
                assert path.startswith("Tensor.") or variant not in ("method", "operator")
                look_up(path)
                last = path.rpartition(".")[2]
                stem = operation.name.rpartition(".")[2]
                assert last in (stem, f"{stem}_") or last.startswith("__"), path
        name, variants = operation.name, operation.variants
        if "." in name or name.startswith("__"):
            continue
        if name.endswith("_"):
            assert variants in (("inplace",), ("method",), ("function", "method")), name
            continue
        constructor = surface.names.get(f"torch.{name}")
        called = callable(getattr(torch, name, None)) and (constructor is None or constructor.left_out is None)
        assert ("function" in variants) == called, name
        assert ("method" in variants) == (hasattr(torch.Tensor, name)), name
        inplace = hasattr(torch.Tensor, f"{name}_") or hasattr(torch, f"{name}_")
        assert ("inplace" in variants) == (inplace and f"{name}_" not in surface.operations()), name


def answers_to_out(function):
    """What the function says when called with `out=` on a few tensors: "yes", "no", or None when it does not say."""
    x = torch.ones(2, 2)
    said = None
    for arguments in ([], [x], [x, 1], [x, x], [x, x, 1], [x, x, x], [[x, x]], [2], [0, 1, 2], [x, 1, x, x]):
        try:
            function(*arguments, out=torch.empty(0))
        except TypeError as error:
            text = str(error)
            if "argument 'out' must be" in text or re.search(r"^ \* \(.*\bout = None", text, re.MULTILINE):
                return "yes"
            if "unexpected keyword argument 'out'" in text or "but expected one of:\n * (" in text:
                said = "no"
        except (RuntimeError, ValueError, IndexError, NotImplementedError, AttributeError, AssertionError):
            continue
        else:
            return "yes"
    return said


def test_out_is_recorded_exactly_where_torch_takes_it(surface):
    wrong, clear = [], 0
    for name in surface.names.values():
        if name.kind != "function" or name.op is None or "function" not in name.variants:
            continue
        said = answers_to_out(look_up(name.path))
        clear += said is not None
        if said is not None and (said == "yes") != ("out" in name.variants):
            wrong.append(f"{name.path}: torch says {said}")
    assert wrong == []
    assert clear > 600


def test_inplace_names_write_into_self(surface):
    """Where an in-place form takes one tensor, it answers like its operation and returns self."""
    checked = 0
    for operation in surface.operations_by_name.values():
        if not {"method", "inplace"} <= set(operation.variants) or "." in operation.name:
            continue
        x = torch.tensor([0.25, 0.5, 0.75])
        try:
            expected = getattr(x, operation.name)()
        except (TypeError, RuntimeError):
            continue
        torch.manual_seed(0)
        changed = getattr(torch.Tensor, f"{operation.name}_")(x)
        assert changed is x, operation.name
        torch.testing.assert_close(changed, expected.to(x.dtype), equal_nan=True)
        checked += 1
    assert checked > 50


UNARY = {"__abs__": operator.abs, "__neg__": operator.neg, "__pos__": operator.pos, "__invert__": operator.invert}


def test_operators_are_the_operations_they_are_recorded_as(surface):
    x, y = torch.tensor([[7, 5], [3, 2]]), torch.tensor([[2, 1], [3, 2]])
    checked = 0
    for operation in surface.operations_by_name.values():
        for path in operation.paths.get("operator", ()):
            dunder = path.rpartition(".")[2]
            if operation.name.startswith("__"):
                continue
            compute = getattr(torch, operation.name)
            if dunder in UNARY:
                expected, actual = compute(x), UNARY[dunder](x)
            else:
                stem = dunder.strip("_")
                reflected = stem.startswith("r") and f"__{stem[1:]}__" in dir(torch.Tensor)
                a, b = (y, x) if reflected else (x, y)
                left = x.clone()
                if stem in ("itruediv", "idiv"):
                    a, left = a.double(), left.double()
                expected, actual = compute(a, b), getattr(left, dunder)(y)
            assert torch.equal(actual, expected), path
            checked += 1
    assert checked > 40


def test_lookups(surface):
    assert surface.variants("add") == ("function", "method", "inplace", "out", "operator")
    assert surface.variants("nn.functional.gelu") == ("function", "out")
    assert surface.variants("uniform_") == ("inplace",)
    assert surface.variants("T") == ("method",)
    assert surface.operation("abs").paths["inplace"] == ("torch.abs_", "Tensor.abs_")
    assert surface.operation("absolute").alias_of == "abs"
    assert list(surface.operations()) == sorted(set(surface.operations()))


@pytest.mark.parametrize(
    ("name", "first"),
    [("summ", "sum"), ("torch.sum", "sum"), ("gelu", "nn.functional.gelu"), ("svd", "svd"), ("Tensor.add_", "add")],
)
def test_nearest_names(surface, name, first):
    assert surface.nearest(name)[0] == first


def test_an_unknown_operation_is_named_with_its_neighbours(surface):
    with pytest.raises(KeyError, match=r"has no operation 'cumsumm'; nearest: cumsum"):
        surface.variants("cumsumm")
    assert surface.nearest("zzzzqqqq") == ()


def test_coverage_counts_operations_and_names_the_rest(surface):
    coverage = surface.coverage(["sum", "add", "no_such_operation"])
    assert coverage.covered == ("add", "sum")
    assert coverage.unknown == ("no_such_operation",)
    assert len(coverage.covered) + len(coverage.uncovered) == len(surface.operations())
    assert coverage.share == pytest.approx(2 / len(surface.operations()))
    assert "torch.sparse_coo_tensor" in coverage.left_out["sparse"]
    assert sum(map(len, coverage.left_out.values())) == sum(name.op is None for name in surface.names.values())


def test_the_catalogue_covers_the_surface_but_for_what_is_left_out_with_a_reason(surface):
    coverage = surface.coverage(catalog())
    assert set(coverage.uncovered) == set(OMITTED)
    assert all(len(reason) > 20 for reason in OMITTED.values())
    assert coverage.share > 0.99


def test_the_catalogue_names_only_what_torch_offers(surface):
    """Every entry is an operation of PyTorch, and calls each variant by a path that is that variant."""
    classes = {"finfo", "iinfo"}  # which the record lists as classes, not operations
    assert set(surface.coverage(catalog()).unknown) == classes
    for entry in catalog().values():
        if entry.op in classes:
            continue
        operation = surface.operation(entry.op)
        assert set(entry.variants) <= set(operation.variants), entry.op
        for variant in set(entry.variants) - {"operator"}:
            assert entry.call(variant) in operation.paths[variant], (entry.op, variant)


def test_a_version_that_was_never_recorded_is_refused():
    with pytest.raises(LookupError, match=r"no recorded surface of PyTorch 1\.0; recorded: surface-"):
        load_surface("1.0")


def test_the_record_is_one_name_a_line():
    text = (ROOT / f"reference/surface-{MINOR}.json").read_text(encoding="utf-8")
    assert set(json.loads(text)) == {"schema", "torch", "made_by", "reasons", "names"}
    assert text.count("\n") > len(SURFACE.names)

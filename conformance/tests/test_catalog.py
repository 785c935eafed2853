"""The catalogue and what is drawn from it: plain data, the same for the same seed, mostly accepted by real torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest
import torch

from assay.case import Case, Layout, Make, Named, Same, TensorSpec, Values, Window, specs_of
from assay.catalog import FAMILIES, catalog
from assay.catalog.form import Entry, arg, entry, form, is_in_place, is_reflected, kw, opt
from assay.catalog.kinds import dim, tensor
from assay.drawing import PROFILES, draw_cases, select, smaller
from assay.execute import answer
from assay.parts import tensor_specs
from assay.plan import dtype_of
from assay.policy import VIEW
from assay.program import MadeOf
from assay.surface import load_surface
from assay.traits import is_strided, traits

SAMPLE = (
    "zeros",
    "tensor",
    "add",
    "pow",
    "where",
    "sum",
    "max",
    "topk",
    "reshape",
    "cat",
    "__getitem__",
    "__setitem__",
    "scatter",
    "matmul",
    "softmax",
    "normal",
    "copy_",
    "to",
    "item",
    "FloatTensor",
)
OPS = tuple(catalog())


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[Case]]:
    """Every operation's cases in the quick profile."""
    return {op: list(draw_cases(catalog()[op], "quick", 7)) for op in OPS}


def test_every_family_has_entries() -> None:
    assert {e.family for e in catalog().values()} == set(FAMILIES)


def test_pytorch_offers_every_entry_and_variant() -> None:
    import torch

    for e in catalog().values():
        for f in e.forms:
            for variant, operator in f.ways:
                owner, _, name = e.call(variant, operator).rpartition(".")
                if owner == "operator":
                    assert hasattr(__import__("operator"), name), (e.op, name)
                else:
                    holder = torch.Tensor if owner == "Tensor" else torch
                    for part in owner.split(".")[1:]:
                        holder = getattr(holder, part)
                    assert name in dir(holder), (e.op, variant)


def test_the_record_of_pytorch_knows_every_entry() -> None:
    types = {"finfo", "iinfo"}  # which the record lists as classes, not operations
    assert set(load_surface().coverage(catalog()).unknown) <= types


def test_all_cases_survive_json(drawn: dict[str, list[Case]]) -> None:
    for cases in drawn.values():
        for case in cases:
            text = case.to_json()
            again = Case.from_json(text)
            assert again.to_json() == text
            assert again.id == case.id
            json.loads(text)


def test_counts_are_those_of_the_profile(drawn: dict[str, list[Case]]) -> None:
    quick = PROFILES["quick"]
    for op, cases in drawn.items():
        wanted = quick.valid + (quick.invalid if catalog()[op].mistakes else 0)
        few = op in ("initial_seed", "get_rng_state", "get_default_dtype")
        assert len(cases) == wanted or few, op
        assert len({c.id for c in cases}) == len(cases), op


def test_standard_gives_what_the_profile_promises() -> None:
    for op in ("add", "__getitem__", "randperm"):
        cases = list(draw_cases(catalog()[op], "standard", 3))
        assert len(cases) == PROFILES["standard"].valid + PROFILES["standard"].invalid
        # beside the bad arguments themselves, some tensors given as out= have a dtype that cannot hold the result
        assert 0.10 < sum(c.invalid for c in cases) / len(cases) < 0.30


def test_a_seed_gives_the_same_cases_in_another_process() -> None:
    program = (
        "from assay.drawing import draw\nimport hashlib, sys\n"
        "d = hashlib.sha256()\n"
        f"for c in draw({SAMPLE!r}, 'quick', 5): d.update(c.to_json().encode())\n"
        "assert 'torch' not in sys.modules and 'flambeau' not in sys.modules\n"
        "print(d.hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        )
        for seed in ("0", "1")
    ]
    assert runs[0].stdout == runs[1].stdout


def test_another_seed_gives_other_cases() -> None:
    first, second = ({c.id for c in draw_cases(catalog()["add"], "quick", seed)} for seed in (1, 2))
    assert not first & second


def test_local_source_does_not_change_the_draws(tmp_path: object) -> None:
    """Hypothesis harvests constants from local modules unless it is kept from it."""
    before = [c.id for c in draw_cases(catalog()["sum"], "quick", 5)]
    module = tmp_path / "local_constants.py"  # type: ignore[operator]
    module.write_text("ODD = [" + ", ".join(map(str, range(-5, 6))) + ", 13, 17, 129, 33]\n")
    import importlib.util

    spec = importlib.util.spec_from_file_location("local_constants", module)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["local_constants"] = loaded
    try:
        spec.loader.exec_module(loaded)
        assert [c.id for c in draw_cases(catalog()["sum"], "quick", 5)] == before
    finally:
        del sys.modules["local_constants"]


@pytest.mark.filterwarnings("ignore")  # a warning is no refusal
@pytest.mark.parametrize("op", SAMPLE)
def test_real_torch_accepts_what_is_meant_as_valid(op: str, drawn: dict[str, list[Case]]) -> None:
    import torch

    from assay.catalog.check import refusal

    told = Counter((case.invalid, refusal(case, torch) is None) for case in drawn[op])
    assert told[False, True] / (told[False, True] + told[False, False]) >= 0.85
    assert told[True, False] >= told[True, True]


def test_variants_and_operators_all_come_up() -> None:
    for op in ("add", "div", "clamp", "sum", "cat"):
        e = catalog()[op]
        calls = {c.call for c in draw_cases(e, "standard", 1)}
        assert calls >= {e.call(v, o) for f in e.forms for v, o in f.ways}, op


def test_every_trait_comes_up() -> None:
    seen = Counter(t for c in draw_cases(catalog()["add"], "standard", 1) for t in traits(c))
    wanted = (
        "empty",
        "0-dim",
        "non-contiguous",
        "expanded",
        "offset",
        "nan",
        "inf",
        "-0.0",
        "subnormal",
        "huge",
        "ties",
        "mixed-dtype",
        "mixed-rank",
        "keyword",
        "gradients",
        "gradients2",
        "function",
        "method",
        "inplace",
        "out",
        "operator",
    )
    assert [t for t in wanted if not seen[t]] == []


def test_in_place_calls_can_take_their_result() -> None:
    for op in ("add", "exp", "eq", "cumsum"):
        for case in draw_cases(catalog()[op], "quick", 2):
            if case.variant == "inplace" and not case.invalid:
                assert case.args[0].layout.kind != "expanded"
    exp = [
        c.args[0].dtype for c in draw_cases(catalog()["exp"], "standard", 2) if c.variant == "inplace" and not c.invalid
    ]
    assert exp
    assert not {"int64", "bool"} & set(exp)


def test_derivatives_are_asked_only_where_there_are_any(drawn: dict[str, list[Case]]) -> None:
    for op, cases in drawn.items():
        for case in cases:
            tensors = [s for a in (*case.args, *case.kwargs.values()) for s in specs_of(a)]
            if case.order and not case.invalid:
                assert any(s.requires_grad for s in tensors), op
            assert all(s.dtype.startswith(("float", "bfloat", "complex")) for s in tensors if s.requires_grad), op
            assert not (case.order and case.variant == "out"), op


# -- traits ----------------------------------------------------------------------------------------------------------
def a_case(*args: object, **kwargs: object) -> Case:
    return Case("add", "function", "torch.add", args, kwargs)


def test_traits_are_those_of_the_elements() -> None:
    def of(*numbers: float, dtype: str = "float32") -> set[str]:
        spec = TensorSpec((len(numbers),), dtype, Values("literal", literal=numbers))
        return set(traits(a_case(spec))) - {"function", dtype}

    assert of(1.0, 2.0) == set()
    assert of(float("nan"), 1.0) == {"nan"}
    assert of(float("-inf"), 1.0) == {"inf"}
    assert of(-0.0, 1.0) == {"-0.0"}
    assert of(1e-42, 1.0) == {"subnormal"}
    assert of(1e-42, 1.0, dtype="float64") == set()
    assert of(1e30, 1.0) == {"huge"}
    assert of(2.0, 2.0) == {"ties"}
    assert of(2**62, 1, dtype="int64") == set() | {"huge"} if 2**62 > (2**63 - 1) // 2 else True
    assert of(complex(0, float("inf")), 1j, dtype="complex64") >= {"inf"}


def test_traits_are_those_of_shapes_and_layouts() -> None:
    plain = TensorSpec((2, 3), "float32")
    assert traits(a_case(plain)) == {"function", "float32"}
    assert "empty" in traits(a_case(TensorSpec((2, 0), "float32")))
    assert "0-dim" in traits(a_case(TensorSpec((), "float32")))
    assert "mixed-rank" in traits(a_case(plain, TensorSpec((3,), "float32")))
    assert "mixed-dtype" in traits(a_case(plain, TensorSpec((2, 3), "int8")))
    by_number = a_case(TensorSpec((2,), "int8"), 2.5)
    assert "mixed-dtype" in traits(replace(by_number, labels=("number",)))
    assert "mixed-dtype" not in traits(by_number)  # a size or a dim, with which nothing is computed
    assert "aliased" in traits(a_case([plain, Same(0)]))
    assert is_strided(TensorSpec((2, 3), "float32", layout=Layout("permuted", (1, 0))))
    assert not is_strided(TensorSpec((1, 3), "float32", layout=Layout("permuted", (1, 0))))
    assert not is_strided(TensorSpec((2, 3), "float32", layout=Layout("offset")))
    assert "expanded" not in traits(a_case(TensorSpec((1, 3), "float32", layout=Layout("expanded", (0,)))))


# -- smaller ---------------------------------------------------------------------------------------------------------
def test_smaller_cases_are_cases_of_the_same_call(drawn: dict[str, list[Case]]) -> None:
    for op in SAMPLE:
        for case in drawn[op][:6]:
            for simpler in smaller(case):
                assert simpler.id != case.id or "nan" in case.to_json()
                assert (simpler.op, simpler.call, simpler.variant) == (case.op, case.call, case.variant)
                assert Case.from_json(simpler.to_json()).id == simpler.id


def test_a_window_keeps_the_memory_it_looks_at() -> None:
    x = TensorSpec((2, 2), "float32", Values("literal", literal=(0.0, 1.0, 2.0, 3.0)), Layout("shared", (0, 1, 0)))
    case = Case("log1p", "out", "torch.log1p", (x,), {"out": Window(0, (2, 2))})
    found = list(smaller(case))
    assert any("out" not in c.kwargs for c in found)
    assert all(c.args[0].layout == x.layout for c in found if "out" in c.kwargs)


def test_shrinking_ends_at_something_small() -> None:
    """Greedily, as the runner does, keeping one property: a NaN in the first operand."""
    first = TensorSpec((3, 4, 5), "float64", Values("special", 9), Layout("permuted", (2, 0, 1)), requires_grad=True)
    other = TensorSpec((4, 5), "float16", Values("huge", 4), Layout("expanded", (0,)))
    case = Case(
        "add",
        "function",
        "torch.add",
        (first,),
        {"other": other, "alpha": 2.5},
        order=2,
        seed=8,
        default_dtype="float64",
    )
    assert "nan" in traits(a_case(first))
    for _ in range(300):
        better = next(
            (
                s
                for s in islice(smaller(case), 400)
                if s.args and "nan" in traits(a_case(s.args[0])) and s.id != case.id
            ),
            None,
        )
        if better is None:
            break
        case = better
    first = case.args[0]
    assert first.shape in ((), (1,))
    assert first.layout == Layout()
    assert first.values == Values("literal", literal=first.values.literal)
    assert case.order == 0
    assert case.kwargs == {}
    assert case.default_dtype == "float32"


# -- the form --------------------------------------------------------------------------------------------------------
def test_operators_name_what_they_do() -> None:
    assert is_reflected("radd")
    assert not is_reflected("rshift")
    assert is_reflected("rrshift")
    assert is_in_place("iadd")
    assert not is_in_place("invert")
    e = Entry("add", (), VIEW)
    assert e.call("operator", "radd") == "operator.add"
    assert e.call("inplace") == "Tensor.add_"
    assert Entry("nn.functional.relu", (), VIEW).call("function") == "torch.nn.functional.relu"


def test_faulty_declarations_are_refused() -> None:
    x = arg("input", tensor(("float32",)))
    with pytest.raises(ValueError, match="argument names repeat"):
        form(x, x)
    with pytest.raises(ValueError, match="unknown variant 'functional'"):
        form(x, variants="functional")
    with pytest.raises(ValueError, match="required argument 'dim' follows an optional one"):
        form(x, opt("keepdim", dim()), arg("dim", dim()))
    with pytest.raises(ValueError, match="writes into its first argument"):
        form(kw("accumulate", dim()), x, variants="inplace")
    with pytest.raises(ValueError, match="in the catalogue already"):
        entry("add", x, policy=VIEW)
    with pytest.raises(ValueError, match="either forms, or arguments"):
        entry("an operation of this test", form(x), order=2, policy=VIEW)


def test_selection_goes_by_glob() -> None:
    assert [e.op for e in select(["cum[sp]*"])] == ["cumsum", "cumprod"]
    assert len(select()) == len(OPS)
    assert select(["no such operation"]) == []


def test_everything_drawn_is_plain(drawn: dict[str, list[Case]]) -> None:
    allowed = (
        bool,
        int,
        float,
        complex,
        str,
        bytes,
        type(None),
        slice,
        TensorSpec,
        Same,
        Window,
        Named,
        Make,
        type(...),
        dict,
    )

    def check(value: object) -> None:
        if isinstance(value, tuple | list):
            for item in value:
                check(item)
        else:
            assert isinstance(value, allowed), value

    for cases in drawn.values():
        for case in cases:
            check(case.args)
            check(tuple(case.kwargs.values()))


def test_parts_to_be_joined_lie_alike_and_differently() -> None:
    seen = set()
    for case in draw_cases(select(["stack"])[0], PROFILES["standard"], 0):
        parts = case.args[0] if case.args else None
        if isinstance(parts, list | tuple) and len(parts) > 1 and all(isinstance(p, TensorSpec) for p in parts):
            kinds = [p.layout.kind for p in parts if len(p.shape) == 4]
            seen |= {"alike"} if kinds and set(kinds) == {"channels_last"} else set()
            seen |= {"mixed"} if "channels_last" in kinds and set(kinds) != {"channels_last"} else set()
            seen |= {"any"} if len({p.layout.kind for p in parts}) > 1 else set()
    assert seen == {"alike", "mixed", "any"}


def test_windows_on_one_memory_are_refused_where_they_overlap_in_part() -> None:
    for op, variants in (("add", {"inplace", "operator", "out"}), ("exp", {"out"}), ("addcmul", {"inplace", "out"})):
        drawn = [c for c in draw_cases(select([op])[0], PROFILES["standard"], 0) if "window" in traits(c)]
        assert {c.variant for c in drawn} == variants
        for case in drawn:
            outcome = answer(case, torch)
            text = outcome.error.text if outcome.status == "raised" else ""
            assert ("refer to a single memory location" in text) == case.invalid
            assert not case.invalid or outcome.error.stage == "call"


def test_a_family_is_the_module_that_declares_the_operation_whoever_imports_it():
    families = {op: found.family for op, found in catalog().items()}
    assert set(families.values()) == set(FAMILIES)
    assert [families[op] for op in ("cat", "sum", "zeros", "exp")] == [
        "shapes",
        "reductions",
        "creation",
        "elementwise",
    ]


@pytest.mark.parametrize("op", ["add", "exp", "cat", "arange", "nn.functional.conv2d", "index_add"])
def test_cases_are_made_of_what_a_library_has(op: str) -> None:
    """A library of few dtypes gets about as many cases as one of all; with none of an operation, nothing changes."""
    entry = catalog()[op]
    made_of = MadeOf(dtypes=("float32", "int64", "bool"), gradients=False)
    every = list(draw_cases(entry, "quick", 0))
    made = list(draw_cases(entry, "quick", 0, made_of))
    kept = [c for c in made if dtype_of(c) in made_of.dtypes]
    assert len(kept) >= 0.75 * len(every)
    assert len([c for c in every if dtype_of(c) in made_of.dtypes]) < 0.75 * len(every) or op == "arange"
    assert not any(c.order or any(s.requires_grad for s in tensor_specs(c)) for c in made)
    assert [c.id for c in every] == [c.id for c in draw_cases(entry, "quick", 0, MadeOf())]
    assert {dtype_of(c) for c in draw_cases(entry, "quick", 0, MadeOf(dtypes=("none",)))} >= {"float32"}

"""A failing case as a standalone script: it needs torch and the subject, not assay, and shows both answers."""

from __future__ import annotations

import functools
import inspect
import keyword
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay import values
from assay.case import Case, Make, Named, Same, TensorSpec, Window
from assay.catalog import everything
from assay.gauge import covariant
from assay.inputs import arrange, poison, span, works_in_place
from assay.outcome import Outcome
from assay.printed import printed
from assay.program import Program, Ref, program_of
from assay.programs.source import name as name_of
from assay.programs.source import statements
from assay.subjects import Subject, parse
from assay.subjects.adapter import paired
from assay.surface import load_surface

_SCRIPT = '''\
"""{title}

Found by assay. Shows what PyTorch and {subject} answer: python THIS_FILE [another torch-like module]
To judge it again where assay is installed: assay run {subject}{against} --case THIS_FILE
"""
import importlib
import operator
import sys
import warnings
from math import inf, nan

import numpy as np

sys.path.append("")  # modules of the current folder, as assay finds them

CASE = r\'\'\'{json}\'\'\'


def case(torch, inputs):
{body}

{gradients}
def show(label, value):
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        plain = value.detach() if getattr(value, "requires_grad", False) else value
        node = getattr(value, "grad_fn", None)
        about = f"{{value.dtype}} shape={{tuple(value.shape)}}"
        if hasattr(value, "stride"):
            about += f" stride={{tuple(value.stride())}}"
        if node is not None:
            about += f" grad_fn={{type(node).__name__}}"
        print(f"  {{label}}: {{about}}\\n    {{plain.tolist()}}")
    elif isinstance(value, (tuple, list)):
        print(f"  {{label}}: {{type(value).__name__}} of {{len(value)}}")
        for i, item in enumerate(value):
            show(f"{{label}}[{{i}}]", item)
    else:
        print(f"  {{label}}: {{value!r}}")


{shared}def answer(name):
    print(f"{{name}} answers:", flush=True)
    module, inputs = importlib.import_module(name), {{}}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            result = case(module, inputs)
            show("result", result)
{text}            for label, tensor in inputs.items():
                show(f"{{label}} afterwards", tensor)
{sharing}{backward}        except Exception as error:
            print(f"  raised {{type(error).__name__}}: {{error}}")
    for warning in warned:
        print(f"  warned {{warning.category.__name__}}: {{warning.message}}")
    sys.stdout.flush()


{recorded}if __name__ == "__main__":
    {reference}
    {other}
'''

_SHARED = """\
def show_shared(result, inputs):
    # One element of a result is overwritten: what changes with it shares its memory.
    results = [("result", result)]
    if isinstance(result, (tuple, list)):
        results = [(f"result[{i}]", item) for i, item in enumerate(result)]
    results = [(name, r) for name, r in results if hasattr(r, "tolist") and hasattr(r, "shape")]
    known = [(name, t.detach() if getattr(t, "requires_grad", False) else t) for name, t in [*inputs.items(), *results]]
    for name, made in results:
        for label, given in inputs.items():
            if made is given:
                print(f"  {name} is {label}")
    for name, made in known[len(inputs):]:
        if 0 in made.shape:
            continue
        before = [str(t.tolist()) for _, t in known]
        first = (0,) * len(made.shape)
        old = made[first].tolist()
        made[first] = (not old) if isinstance(old, bool) else (2 if old == 1 else 1)
        for (label, other), then in zip(known, before):
            if label != name and str(other.tolist()) != then:
                print(f"  {name} and {label} share memory")


"""

_BY_ASSAY = """\
def answer_by_assay(name):
    from assay.replay import asked

    print(f"{{name}} answers, asked by assay:", flush=True)
    for line in asked(name, CASE, {labels}, {aspect!r}, setup="{setup}"):
        print(line)


"""

_GRADIENTS = """
{gauge}def cotangent(torch, output, seed, kind=""):
    dtype = str(output.dtype).rsplit(".", 1)[-1]

    def draw(shape):
        stream, shape = np.random.RandomState(seed & 0xFFFFFFFF), shape + ((2,) if dtype.startswith("complex") else ())
        magnitude = (stream.randint(16, 64, shape) * 2 + 1) / 64
        drawn = np.asarray(np.where(stream.randint(0, 2, shape) == 1, magnitude, -magnitude))
        return drawn[..., 0] + 1j * drawn[..., 1] if dtype.startswith("complex") else drawn

    drawn = covariant(np.array(output.detach().tolist()), kind, draw) if kind else draw(tuple(output.shape))
    return torch.tensor(drawn.tolist(), dtype=output.dtype).reshape(tuple(output.shape))


def tensors(value):
    if isinstance(value, (tuple, list)):
        return [t for item in value for t in tensors(item)]
    return [value] if getattr(value, "requires_grad", False) else []


def gradients(torch, result, leaves):
    outputs = tensors(result)
    kinds = {kinds} + [""] * len(outputs)
    cotangents = [cotangent(torch, o, {seed} + 7919 * (i + 1), kinds[i]) for i, o in enumerate(outputs)]
{second}

"""

_FIRST = """\
    found = torch.autograd.grad(outputs, leaves, cotangents, allow_unused=True)
    show("gradients", found)"""

_SECOND = """\
    cotangents = [c.requires_grad_(True) for c in cotangents]
    found = torch.autograd.grad(outputs, leaves, cotangents, create_graph=True, allow_unused=True)
    show("gradients", found)
    outputs = [g for g in found if g is not None and g.requires_grad]
    again = [cotangent(torch, o, {seed} + 1 + 7919 * (i + 1)) for i, o in enumerate(outputs)]
    if outputs:
        found = torch.autograd.grad(outputs, leaves + cotangents, again, allow_unused=True)
        show("second gradients, by the inputs and the first cotangents", found)"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one side ("reference" or "subject") of a case was recorded to answer: who that was, where it stands."""

    role: str
    name: str
    source: str
    outcome: Outcome


@functools.cache
def _properties() -> frozenset[str]:
    return frozenset(n.path for n in load_surface().names.values() if n.kind == "property")


def number(value: Any) -> str:
    """A Python number as source that gives the same bits (with inf and nan in scope)."""
    if isinstance(value, complex):
        return f"complex({number(value.real)}, {number(value.imag)})"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    return repr(value)


def nested(value: Any) -> str:
    """A nested list of numbers as source."""
    return f"[{', '.join(nested(v) for v in value)}]" if isinstance(value, list) else number(value)


class _Writer:
    """Turns the arguments of one case into source."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.lines: list[str] = []
        self.names: list[str] = []
        self.built: list[str] = []
        self.leaves: list[str] = []
        self.windows: list[str] = []

    def body(self) -> str:
        case = self.case
        in_place = works_in_place(case)
        args = [self.value(a, in_place and i == 0) for i, a in enumerate(case.args)]
        keywords = []
        for k, v in case.kwargs.items():
            text = self.value(v, poisoned=k == "out")
            # uniform_ and random_ take "from", which is no name in Python
            keywords.append(f"**{{{k!r}: {text}}}" if keyword.iskeyword(k) else f"{k}={text}")
        setup = [f'if hasattr(torch, "manual_seed"):\n    torch.manual_seed({case.seed})']
        if case.default_dtype != "float32":
            setup.append(
                f'if hasattr(torch, "set_default_dtype"):\n    torch.set_default_dtype(torch.{case.default_dtype})'
            )
        inputs = [f'inputs["{name}"] = {name}' for name in self.names]
        if self.leaves:
            inputs.append(f"case.leaves = [{', '.join(self.leaves)}]")
        program = program_of(case)
        if program is not None:
            ends = statements(program, len(self.names), self.value, self._call)
            return textwrap.indent("\n".join([*setup, *self.lines, *inputs, *ends]), "    ")
        called = self._call(case.call, args, keywords)
        ends = [f"return {called}"]
        if in_place and args and args[0] in self.names:
            ends = [f"result = {called}", f"return {args[0]} if result is None else result"]
        return textwrap.indent("\n".join([*setup, *self.lines, *inputs, *ends]), "    ")

    def _call(self, call: str, args: list[str], keywords: list[str]) -> str:
        owner, _, name = call.rpartition(".")
        if owner != "Tensor":
            return f"{call}({', '.join(args + keywords)})"
        if not args:
            return f"torch.Tensor.{name}({', '.join(keywords)})"
        if call in _properties() and len(args) == 1 and not keywords:
            return f"{args[0]}.{name}"
        return f"{args[0]}.{name}({', '.join(args[1:] + keywords)})"

    def value(self, value: Any, detach_leaf: bool = False, poisoned: bool = False) -> str:
        kind = type(value)
        if kind is TensorSpec:
            return self.tensor(value, detach_leaf, poisoned)
        if kind is Ref:
            return name_of(value)
        if kind is Program:
            return ""
        if kind is Same:
            return self.built[int(value.index)]
        if kind is Window:
            return self.window(value)
        if kind is Named:
            return f"torch.{value.name.removeprefix('torch.')}"
        if kind is Make:
            return self.make(value)
        if kind is list:
            return f"[{', '.join(self.value(v, False, poisoned) for v in value)}]"
        if kind is tuple:
            inner = ", ".join(self.value(v, False, poisoned) for v in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if kind is dict:
            return "{" + ", ".join(f"{k!r}: {self.value(v)}" for k, v in value.items()) + "}"
        if kind is slice:
            return f"slice({', '.join(self.value(v) for v in (value.start, value.stop, value.step))})"
        return "..." if value is Ellipsis else number(value)

    def make(self, made: Make) -> str:
        if made.what == "object":
            return "object()"
        if made.what == "ndarray":
            array = values.array(made.args[0])
            return f"np.array({nested(array.tolist())}, dtype={str(array.dtype)!r}).reshape({array.shape})"
        if made.what == "Generator":
            return f"torch.Generator().manual_seed({', '.join(map(repr, made.args))})"
        return f"torch.{made.what}({', '.join(self.value(a) for a in made.args)})"

    def tensor(self, spec: TensorSpec, detach_leaf: bool, poisoned: bool) -> str:
        array = values.array(spec)
        if poisoned and self.case.variant == "out":
            array = poison(array, spec.dtype, self.case.seed)
        pair = spec.dtype == "complex32"
        rank = array.ndim - pair
        memory, _, _ = arrange(array, rank, spec.layout, lambda a: poison(a, spec.dtype, self.case.seed))
        made, view = _memory(memory, spec.dtype), self._view(spec, memory.ndim - pair)
        name = f"x{len(self.names)}"
        if spec.requires_grad and detach_leaf:
            # The leaf is the whole memory: what works in place needs a copy that is none.
            self.lines.append(f"leaf{len(self.names)} = {made}.requires_grad_()")
            self.lines.append(f"{name} = leaf{len(self.names)}.clone(){view}")
            self.leaves.append(f"leaf{len(self.names)}")
        elif spec.requires_grad:
            self.lines.append(f"{name} = {made}{view}.detach().requires_grad_()")
            self.leaves.append(name)
        elif spec.layout.kind == "shared":
            self.lines += [f"memory{name[1:]} = {made}", f"{name} = memory{name[1:]}{view}"]
        else:
            self.lines.append(f"{name} = {made}{view}")
        self.names.append(name)
        self.built.append(name)
        return name

    def window(self, window: Window) -> str:
        name = f"x{len(self.names)}"
        shape, order = window.shape, window.order or tuple(range(len(window.shape)))
        place = span(math.prod(shape), window.start, window.step)
        text = f"memory{self.built[window.index][1:]}{_bracket(place)}.view({tuple(shape[d] for d in order)})"
        self.windows.append(name)
        back = f".permute({tuple(int(i) for i in np.argsort(order))})" if window.order else ""
        self.lines.append(f"{name} = {text}{back}")
        self.names.append(name)
        return name

    @staticmethod
    def _view(spec: TensorSpec, rank: int) -> str:
        layout = spec.layout
        match layout.kind:
            case "permuted":
                return f".permute({tuple(int(i) for i in np.argsort(layout.dims))})"
            case "channels_last":
                order = (0, *range(2, rank), 1)
                return f".permute({tuple(int(i) for i in np.argsort(order))})"
            case "stepped":
                dims = {d % rank for d in layout.dims}
                return f"[{', '.join('::2' if d in dims else ':' for d in range(rank))}]"
            case "offset":
                return f"[3 : {3 + math.prod(spec.shape)}].view({spec.shape})"
            case "shared":
                before, step, _ = layout.dims
                return f"{_bracket(span(math.prod(spec.shape), before, step))}.view({spec.shape})"
            case "expanded":
                return f".expand({spec.shape})"
        return ""


def _bracket(place: slice) -> str:
    return f"[{place.start}:{place.stop}{'' if place.step == 1 else f':{place.step}'}]"


def _memory(array: np.ndarray, dtype: str) -> str:
    """A contiguous tensor as source."""
    if dtype == "complex32":
        array = paired(array)
    elif dtype == "bfloat16":
        array = array.astype(np.float32)
    made = f"torch.tensor({nested(array.tolist())}, dtype=torch.{dtype})"
    # A list says nothing of the dimensions behind an empty one; not every library has `zeros`.
    return f"{made}.reshape({array.shape})" if array.size == 0 and array.ndim > 1 else made


def script(case: Case, subject: Subject | str, aspect: str, detail: str, recorded: Sequence[Answered] = ()) -> str:
    """The source of a script that puts `case` to torch and to `subject`, but for the side that is `recorded`, whose
    answer it states. A subject that is no module by itself is asked through assay."""
    who = parse(subject) if isinstance(subject, str) else subject
    writer = _Writer(case)
    body = writer.body()
    differentiated = case.order >= 1 and bool(writer.leaves)
    gradients = ""
    if differentiated:
        second = _SECOND.format(seed=case.seed) if case.order >= 2 else _FIRST
        found = everything().get(case.op)
        kinds = list(found.policy.gauge) if found is not None else []
        follows = f"{inspect.getsource(covariant)}\n\n" if kinds else ""
        gradients = _GRADIENTS.format(seed=case.seed, second=second, kinds=kinds, gauge=follows)
    said = detail.replace("\\", "\\\\").replace('"""', "'''")
    calls = {"reference": 'answer("torch")', "subject": f'answer(sys.argv[1] if len(sys.argv) > 1 else "{who.name}")'}
    stated = ""
    labels = [name for name in writer.names if name not in writer.windows] + writer.windows
    if not who.is_plain and who.kind != "recorded":
        stated = _BY_ASSAY.format(labels=labels, aspect=aspect, setup=who.setup)
        calls["subject"] = f'answer(sys.argv[1]) if len(sys.argv) > 1 else answer_by_assay("{who.name}")'
    for one in recorded:
        lines = [f"{one.name} answered, as recorded:", *printed(one.outcome, labels, aspect)]
        told = "\n".join(f"    print({line!r})" for line in lines)
        stated += f"def recorded_{one.role}():\n{told}\n\n\n"
        calls[one.role] = f"recorded_{one.role}()"
    if any(one.role == "subject" for one in recorded):
        calls["subject"] = f"answer(sys.argv[1]) if len(sys.argv) > 1 else {calls['subject']}"
    return _SCRIPT.format(
        title="\n".join(textwrap.wrap(f"{case.op} ({case.variant}), {aspect}: {said}", 110)),
        subject=who.name,
        against="".join(f" --against {one.source}" for one in recorded if one.role == "reference"),
        recorded=stated,
        reference=calls["reference"],
        other=calls["subject"],
        json=case.to_json(),
        body=body,
        gradients=gradients,
        shared=_SHARED if aspect == "aliasing" else "",
        text='            print(f"  repr: {result!r}")\n' if aspect == "text" else "",
        sharing="            show_shared(result, inputs)\n" if aspect == "aliasing" else "",
        backward="            gradients(module, result, case.leaves)\n" if differentiated else "",
    )

"""The form of a catalogue entry: an operation, the ways to call it, and constraints on its arguments.

    entry("transpose", INPUT, arg("dim0", dim()), arg("dim1", dim()), variants="function method inplace", order=2,
          policy=VIEW)

An operation with several signatures has several forms:

    entry("sum",
        form(INPUT, DTYPE, order=2),
        form(INPUT, arg("dim", dims()), KEEPDIM, DTYPE, out=reduced, result=summed, order=2),
        policy=SUM)

An argument's `Kind` works in two steps. `structure` runs under Hypothesis and decides what shapes everything else:
shapes, dims, indices. `realise` runs once for each execution of that structure and fills in dtype, layout, value plan
and scalars. Later arguments may look at earlier ones in both. `bad` offers values that ought to be refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from assay.dtypes import COMMON
from assay.pick import Pick
from assay.policy import Policy
from assay.strategies.shapes import Shape

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()


@dataclass(frozen=True, slots=True)
class Alternatives:
    """What was drawn for each of several kinds an argument may have; shape: of the one that is a tensor."""

    drawn: tuple[Any, ...]
    shape: Shape = ()


@dataclass(frozen=True, slots=True)
class Structure:
    """What Hypothesis drew for one form: the drawn part of every argument by name.

    stratum: "empty" or "0-dim" where shapes are to be so if they may, else "".
    """

    form: Form
    drawn: Mapping[str, Any]
    stratum: str = ""

    def shape(self, name: str) -> Shape:
        """The shape of a tensor argument. Raises KeyError."""
        drawn = self.drawn[name]
        return drawn.shape if isinstance(drawn, Alternatives) else drawn


@dataclass(slots=True)
class Execution:
    """One execution of a structure while its arguments are filled in.

    dtype is the primary dtype, values the arguments so far, by name. `variant` is "function", "method", "inplace",
    "out" or "operator"; `operator` the operator's name, where there is one ("add", "radd", "iadd"). out is the value
    of `out=`, refused whether PyTorch must refuse it. labels: what the finished case cannot tell of itself.
    """

    structure: Structure
    pick: Pick
    dtype: str
    variant: str = "function"
    operator: str = ""
    order: int = 0
    default_dtype: str = "float32"
    shapes: dict[str, Shape] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    out: Any = None
    refused: bool = False
    labels: list[str] = field(default_factory=list)

    @property
    def in_place(self) -> bool:
        """Whether the first argument is written to."""
        return self.variant == "inplace" or is_in_place(self.operator) or self.structure.form.writes

    def shape(self, name: str) -> Shape:
        """The shape of a tensor argument in this execution."""
        return self.shapes[name] if name in self.shapes else self.structure.shape(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of an earlier argument, `default` where it is absent."""
        value = self.values.get(name, ABSENT)
        return default if value is ABSENT else value


class Kind:
    """What an argument may be. Subclasses override what they need."""

    def structure(self, draw: st.DrawFn, env: Structure) -> Any:
        """The part that Hypothesis draws."""
        return None

    def realise(self, drawn: Any, name: str, ex: Execution) -> Any:
        """The argument, as plain data."""
        raise NotImplementedError(type(self).__name__)

    def bad(self, good: Any, name: str, ex: Execution) -> Iterator[Any]:
        """Values that PyTorch ought to refuse in place of `good`."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Param:
    """An argument: its PyTorch name, its kind, and where it may stand.

    place: "any", "positional" or "keyword". optional: may be left out. splat: a sequence that may also be spread over
    the remaining positions (`x.view(2, 3)`). variadic: one that must be (`torch.block_diag(a, b)`).
    """

    name: str
    kind: Kind
    optional: float = 0.0
    place: str = "any"
    splat: bool = False
    variadic: bool = False


def arg(name: str, kind: Kind, splat: bool = False) -> Param:
    """A required argument, by position or keyword."""
    return Param(name, kind, splat=splat)


def pos(name: str, kind: Kind, optional: float = 0.0, splat: bool = False) -> Param:
    """An argument that is only taken by position."""
    return Param(name, kind, optional, "positional", splat)


def variadic(name: str, kind: Kind) -> Param:
    """A sequence that is spread over the remaining positions."""
    return Param(name, kind, place="positional", variadic=True)


def opt(name: str, kind: Kind, absent: float = 0.5) -> Param:
    """An optional argument, by position or keyword; left out with probability `absent`."""
    return Param(name, kind, absent)


def kw(name: str, kind: Kind, absent: float = 0.65) -> Param:
    """An optional keyword-only argument; left out with probability `absent` (0: always given)."""
    return Param(name, kind, absent, "keyword")


ShapeOf = Callable[["Execution"], "Shape | list[Shape] | None"]
DtypeOf = Callable[["Execution"], str]
Bad = Callable[["Execution"], Iterable[tuple[tuple[Any, ...], dict[str, Any]]]]


def same(ex: Execution) -> str:
    """The primary dtype."""
    return ex.dtype


@dataclass(frozen=True)
class Form:
    """One signature of an operation.

    variants: how it may be called: "function", "method", "inplace", "out"; operators: names in `operator`, with "r"
    before it for the reflected form (a number on the left) and "i" for the in-place one. result: the dtypes of the
    results, which keep in-place calls to dtypes that can take them; out: the results' shape, which `out=` is fitted
    to, or a list of them where it is a list of tensors that must fit exactly. order: highest derivative. weight: how
    often it is drawn beside the other forms. writes: every variant writes into the first argument.
    """

    params: tuple[Param, ...]
    variants: tuple[str, ...]
    operators: tuple[str, ...] = ()
    out: ShapeOf | None = None
    result: tuple[DtypeOf, ...] = (same,)
    order: int = 0
    weight: int = 1
    dtypes: tuple[str, ...] = ()
    writes: bool = False

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """Every (variant, operator) it can be called by."""
        return (*((v, "") for v in self.variants), *(("operator", name) for name in self.operators))


def is_reflected(operator: str) -> bool:
    """Whether the number stands on the left ("radd")."""
    return operator[:1] == "r" and operator != "rshift"


def is_in_place(operator: str) -> bool:
    """Whether the operator writes into its first argument ("iadd")."""
    return operator == "setitem" or (operator[:1] == "i" and operator != "invert")


@dataclass(frozen=True, repr=False)
class Entry:
    """An operation of PyTorch in the catalogue.

    op: its path without `torch.` and `Tensor.`. family: the module it is declared in. calls: what each variant calls,
    where that is not `torch.<op>`, `Tensor.<op>` and `Tensor.<op>_`. bad: (args, kwargs) of its own to be refused.
    alias: how often tensor arguments of equal shape and dtype are one tensor. mistakes: whether calls can be wrong.
    """

    op: str
    forms: tuple[Form, ...]
    policy: Policy
    family: str = ""
    calls: Mapping[str, str] = field(default_factory=dict)
    bad: Bad | None = None
    alias: float = 0.0
    mistakes: bool = True

    def __repr__(self) -> str:
        return f"<Entry {self.op}>"

    @property
    def variants(self) -> tuple[str, ...]:
        """All variants, each once."""
        return tuple(dict.fromkeys(variant for form in self.forms for variant, _ in form.ways))

    def call(self, variant: str, operator: str = "") -> str:
        """The path that is called, e.g. "torch.sum", "Tensor.add_", "operator.add"."""
        if operator:
            return f"operator.{operator[1:] if is_reflected(operator) else operator}"
        if variant in self.calls:
            return self.calls[variant]
        if variant == "out" and "function" in self.calls:
            return self.calls["function"]
        last = self.op.rpartition(".")[2]
        return {"method": f"Tensor.{last}", "inplace": f"Tensor.{last}_"}.get(variant, f"torch.{self.op}")


def form(
    *params: Param,
    variants: str = "function method",
    operators: str = "",
    out: ShapeOf | None = None,
    result: DtypeOf | tuple[DtypeOf, ...] = same,
    order: int = 0,
    weight: int = 1,
    dtypes: tuple[str, ...] = (),
    writes: bool = False,
) -> Form:
    """A signature. "out" is added to the variants when a rule for it is given; the primary dtypes are those of the
    first argument that names any.

    Raises ValueError on unknown variants, names that repeat, and a required argument after an optional one.
    """
    names = [p.name for p in params]
    if len(set(names)) != len(names):
        raise ValueError(f"argument names repeat: {names}")
    listed = tuple(variants.split()) + (("out",) if out else ())
    for variant in listed:
        if variant not in ("function", "method", "inplace", "out"):
            raise ValueError(f"unknown variant {variant!r}")
    if "inplace" in listed and (not params or params[0].place == "keyword"):
        raise ValueError("an in-place variant writes into its first argument, which must be a tensor")
    optional = False
    for p in params:
        if p.place != "keyword":
            if optional and not p.optional:
                raise ValueError(f"required argument {p.name!r} follows an optional one")
            optional = bool(p.optional)
    if not dtypes:
        dtypes = next(filter(None, (getattr(p.kind, "dtypes", ()) for p in params)), COMMON)
    results = result if isinstance(result, tuple) else (result,)
    return Form(params, listed, tuple(operators.split()), out, results, order, weight, dtypes, writes)


REGISTRY: dict[str, Entry] = {}
#: How often the operands of an operation are one tensor, where they may be.
ALIASED = 0.06


def entry(
    op: str,
    *parts: Param | Form,
    policy: Policy,
    calls: Mapping[str, str] | None = None,
    bad: Bad | None = None,
    alias: float = 0.0,
    mistakes: bool = True,
    **options: Any,
) -> Entry:
    """Put an operation into the catalogue: its forms, or the arguments and options of its only form.

    Raises ValueError when it is there already.
    """
    if op in REGISTRY:
        raise ValueError(f"{op} is in the catalogue already")
    forms = tuple(part for part in parts if isinstance(part, Form))
    params = [part for part in parts if isinstance(part, Param)]
    if (params or not parts) == bool(forms) or (forms and options):
        raise ValueError(f"{op}: either forms, or arguments and options of one")
    forms = forms or (form(*params, **options),)
    REGISTRY[op] = made = Entry(op, forms, policy, _family(), calls or {}, bad, alias, mistakes)
    return made


def _family() -> str:
    """The module of the catalogue that is being executed, whichever other imports it; "" outside of any."""
    frame = sys._getframe(1)
    while frame.f_code.co_name != "<module>":
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    package, _, name = frame.f_globals["__name__"].rpartition(".")
    return name if package == "assay.catalog" else ""
